//! `demo`: the main job on the sandbox without a window: make keys, fund the fee key from the device, register, see it listed.

use std::process::ExitCode;

use serde_json::json;

use super::output::Failure;
use super::register::{registered, watch};
use super::session::Session;
use crate::flow::pay::{self, Purpose, Selection};
use crate::flow::register::{self, CollateralChoice, Draft, FeeSource, KeyChoice, OperatorChoice, VotingChoice};
use crate::flow::{Ports, overview, wallet};
use crate::protocol::network::MnType;
use crate::protocol::special_tx::Service;
use crate::protocol::{Address, Amount, KeyId, path};
use crate::setup::{Connection, NodeChoice};
use crate::store::Kind;

/// Plenty for a hundred registrations.
const FEE_MONEY: Amount = Amount::from_duffs(5_000_000);

pub async fn run(session: &Session) -> Result<ExitCode, Failure> {
    let say = |text: &str| session.output.progress(text);
    say("1. starting the sandbox: a chain with masternodes, a node, and a Ledger that approves by itself");
    let connection = open(session).await?;
    let ports = connection.ports.clone();
    let before = overview::overview(&ports).await?;
    say(&format!(
        "   block {}, {} masternodes",
        before.tip.height,
        before.masternodes.len()
    ));

    say("2. making a fee key and filling it from the Ledger");
    let vault = ports.vault()?;
    let fee_key = vault.generate(Kind::Fee, "demo-fee", &ports.profile, ports.now())?;
    let fee_address = fee_key
        .key_id()
        .map(KeyId::address)
        .ok_or_else(|| Failure::refused("vault", "a fee key without address"))?;
    let purpose = Purpose::Fund {
        label: fee_key.label,
        to: fee_address,
        amount: FEE_MONEY,
    };
    let payment = pay::Draft {
        account: path::account(&ports.profile, 0),
        purpose,
        coins: Selection::Automatic,
        rate: None,
    };
    let payment = pay::prepare(&ports, payment).await?;
    let (_, mut steps) = watch(session, pay::pay(ports.clone(), payment)).await?;

    say("3. looking for a collateral on the Ledger");
    let draft = draft(&ports).await?;
    say("4. building the registration and checking every rule");
    let plan = register::prepare(&ports, draft).await?;
    if let Some(check) = plan.verdict.failure_before_signing() {
        return Err(crate::flow::Error::Rule(check.clone()).into());
    }
    say(&format!(
        "   {} rules checked; the Ledger will show the hash {}",
        plan.verdict.checks.len(),
        plan.message_hash()
    ));

    say("5. signing and sending");
    let (outcome, more) = watch(session, register::register(ports.clone(), plan)).await?;
    steps.extend(more);

    let (_, listed) = overview::one(&ports, outcome.pro_tx_hash).await?;
    say("6. the masternode is in the list");
    let mut document = registered(&outcome, steps, &ports);
    document["listed"] = json!(true);
    document["status"] = json!(listed.entry.status().as_text());
    document["queuePosition"] = json!(listed.slot.map(|slot| slot.position));
    document["queueLength"] = json!(listed.queue_length);
    Ok(session.output.done(&document, || {
        let queue = listed.slot.map_or_else(
            || "not in the queue".into(),
            |slot| {
                format!(
                    "position {} of {} in the payment queue",
                    slot.position, listed.queue_length
                )
            },
        );
        format!(
            "registered {} in block {}: {}, {queue}",
            outcome.pro_tx_hash,
            outcome.height,
            listed.entry.status().as_text()
        )
    }))
}

async fn open(session: &Session) -> Result<Connection, Failure> {
    let connection = match &session.global.network {
        None => {
            let mut global = session.global.clone();
            global.sandbox = true;
            Session::new(global, session.output)
                .connect_with(NodeChoice::Sandbox { block_seconds: 2 })
                .await?
        }
        Some(_) => session.connect_with(NodeChoice::Sandbox { block_seconds: 2 }).await?,
    };
    if let Some(run) = &connection.sandbox {
        run.panel.auto_approve(true);
    }
    Ok(connection)
}

/// A regular masternode with new keys, paid to a fresh address of the Ledger.
async fn draft(ports: &Ports) -> Result<Draft, Failure> {
    let found = wallet::candidates(ports, &[path::account(&ports.profile, 0)]).await?;
    let usable = found
        .into_iter()
        .find(|each| each.kind == MnType::Regular && each.used_by.is_none() && each.confirmations > 0);
    let collateral = usable.ok_or(crate::flow::Error::NoCollateral {
        amount: ports.profile.collateral_regular,
    })?;
    let payout = ports
        .device()?
        .public_key(path::address(&ports.profile, 0, false, 9))
        .await?;
    Ok(Draft {
        name: "demo".into(),
        kind: MnType::Regular,
        collateral: CollateralChoice::Named {
            outpoint: collateral.outpoint,
            path: Some(collateral.path),
        },
        service: Service::v4([1, 2, 3, 4].into(), ports.profile.p2p_port),
        owner: KeyChoice::New,
        operator: OperatorChoice::New,
        voting: VotingChoice::New,
        payout: Address::PubkeyHash(KeyId::of(&payout).0),
        operator_reward: 0,
        platform: None,
        fee_from: FeeSource::Key("demo-fee".into()),
    })
}
