//! The complete registration before anybody signs: built, decoded, checked.

use bitcoin::bip32::DerivationPath;
use sipper::{Sipper, Straw, sipper};

use super::collateral::{Collateral, choose_collateral};
use super::draft::Draft;
use super::keys::{Keys, choose_keys};
use super::warning::{Warning, warn};
use crate::flow::choice::{FeeSource, PlatformChoice};
use crate::flow::fee::{FeeInput, Paid, pay_fee};
use crate::flow::keys::{Label, Made};
use crate::flow::operation::{self, Base, Kind, Operation, Outcome, Signer};
use crate::flow::{Error, Ports, Step, synced_status, transaction};
use crate::protocol::key::KeyId;
use crate::protocol::network::MnType;
use crate::protocol::rules::{self, Verdict};
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::special_tx::{Payload, ProRegTx};
use crate::protocol::{Address, Amount, Transaction, message, path};
use crate::rpc::NodeStatus;

/// Everything of a registration but the signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub network: String,
    /// Inputs unsigned, payload with an empty signature.
    pub unsigned: Transaction,
    pub payload: ProRegTx,
    pub collateral_path: DerivationPath,
    pub collateral_key: KeyId,
    pub collateral_amount: Amount,
    pub collateral_confirmations: u32,
    pub fee_from: FeeSource,
    pub fee_inputs: Vec<FeeInput>,
    pub fee: Amount,
    /// Text the device signs.
    pub message: String,
    pub verdict: Verdict,
    pub warnings: Vec<Warning>,
    /// Labels of the vault's keys that take part: role and label.
    pub keys: Vec<Label>,
    /// Those of them that were made for this plan.
    pub made: Vec<String>,
}

impl Plan {
    /// The key the device signs with, as the chain knows it.
    pub fn collateral_address(&self) -> Address {
        self.collateral_key.address()
    }

    /// What signing needs of it.
    pub fn operation(&self) -> Operation {
        Operation {
            kind: Kind::Register,
            network: self.network.clone(),
            unsigned: self.unsigned.clone(),
            inputs: self.fee_inputs.clone(),
            fee_from_wallet: self.fee_from == FeeSource::NodeWallet,
            signer: Signer::Collateral {
                key: self.collateral_key,
                path: path::to_text(&self.collateral_path),
            },
            payload_signature: None,
            input_scripts: None,
            base: Base::default(),
            planned_here: true,
        }
    }

    /// The hash a Ledger shows for the message: SHA256, upper-case hexadecimal.
    pub fn message_hash(&self) -> String {
        message::device_hash(&self.message)
    }
}

/// Builds and checks the whole registration. Makes new keys in the vault where the draft asks for them.
///
/// # Errors
/// What is missing or refused; nothing was signed or sent.
pub async fn prepare(ports: &Ports, draft: Draft) -> Result<Plan, Error> {
    let status = synced_status(ports).await?;
    let amount = ports
        .profile
        .collateral(draft.kind)
        .ok_or_else(|| no_such_type(ports, draft.kind))?;
    let collateral = choose_collateral(ports, draft.kind, &draft.collateral, amount).await?;
    let mut made = Made::default();
    let keys = choose_keys(ports, &draft, &mut made).inspect_err(|_| made.remove(ports))?;
    let planned = plan_with(ports, draft, &status, collateral, keys).await;
    match planned {
        Ok(plan) => Ok(Plan {
            made: made.labels(),
            ..plan
        }),
        Err(error) => {
            made.remove(ports);
            Err(error)
        }
    }
}

/// Signs, verifies, sends and awaits a registration. It cannot be undone from [`Step::Broadcasting`] on.
///
/// Dropped before that, it stays in the journal as far as it came and can be resumed; who gives it up for good writes
/// [`crate::store::journal::Event::Cancelled`]. A plan that a rule refuses is not begun.
pub fn register(ports: Ports, plan: Plan) -> impl Straw<Outcome, Step, Error> {
    sipper(async move |steps| {
        if let Some(check) = plan.verdict.failure_before_signing() {
            return Err(Error::Rule(check.clone()));
        }
        operation::run(ports, plan.operation(), None).run(steps).await
    })
}

/// Adds the signatures this computer can make, for another one to complete it. Nothing is sent; the journal keeps it.
pub fn export(ports: Ports, plan: Plan) -> impl Straw<Operation, Step, Error> {
    sipper(async move |steps| {
        if let Some(check) = plan.verdict.failure_before_signing() {
            return Err(Error::Rule(check.clone()));
        }
        operation::sign_here(ports, plan.operation(), None).run(steps).await
    })
}

/// Takes back the keys that were made for a plan nobody will sign. Their numbers are not given out again. Of a registration that was
/// begun and may still end in a block, here or where its file went, they stay: cancel it first.
pub fn discard(ports: &Ports, plan: &Plan) {
    operation::take_back(ports, &plan.operation(), &plan.made);
}

async fn plan_with(
    ports: &Ports,
    draft: Draft,
    status: &NodeStatus,
    collateral: Collateral,
    keys: Keys,
) -> Result<Plan, Error> {
    let payload = build_payload(&draft, &keys, &collateral, status);
    let payload = Payload::ProReg(Box::new(payload));
    let paid = pay_fee(ports, &draft.fee_from, payload, &[collateral.coin.outpoint]).await?;
    let Paid {
        unsigned, inputs, fee, ..
    } = paid;
    let Payload::ProReg(payload) = paid.payload else {
        return Err(Error::NotAsReviewed {
            what: "the payload is no registration",
        });
    };
    let payload = *payload;
    let facts = transaction::facts(&*ports.node, &ports.profile, &unsigned).await?;
    let verdict = rules::check(&unsigned, &transaction::context(&ports.profile, status, &facts));
    if let Some(entry) = facts.operator_in_any_encoding(&keys.operator)
        && verdict.failures().all(|check| check.rule != "operator-key-unique")
    {
        return Err(Error::OperatorInOtherEncoding {
            pro_tx_hash: entry.pro_tx_hash.to_string(),
        });
    }
    let replaced = facts
        .masternodes
        .iter()
        .find(|entry| entry.collateral == payload.collateral);
    let mut warnings = warn(
        ports,
        &draft,
        &keys,
        &collateral,
        replaced.map(|entry| entry.pro_tx_hash.to_string()),
    );
    if !status.synced {
        warnings.push(Warning::NodeNotSynced);
    }
    Ok(Plan {
        network: ports.profile.name.clone(),
        message: payload.sign_message(&ports.profile),
        unsigned,
        payload,
        collateral_path: collateral.path,
        collateral_key: collateral.key_id,
        collateral_amount: collateral.coin.value,
        collateral_confirmations: collateral.coin.confirmations,
        fee_from: draft.fee_from,
        fee_inputs: inputs,
        fee,
        verdict,
        warnings,
        keys: keys.labels,
        made: Vec::new(),
    })
}

fn no_such_type(ports: &Ports, kind: MnType) -> Error {
    Error::NoSuchType {
        network: ports.profile.name.clone(),
        kind,
    }
}

fn build_payload(draft: &Draft, keys: &Keys, collateral: &Collateral, status: &NodeStatus) -> ProRegTx {
    // Evonodes exist in version 2 only; before V19 the rules refuse them, with the reason.
    let version = if draft.kind == MnType::Evo {
        2
    } else {
        status.capabilities.payload_version()
    };
    let encoding = crate::protocol::special_tx::pro_reg::encoding_of(version);
    ProRegTx {
        version,
        kind: draft.kind.number(),
        mode: 0,
        collateral: collateral.coin.outpoint,
        service: draft.service,
        owner: keys.owner,
        operator: keys.operator.encode(encoding),
        voting: keys.voting,
        operator_reward: draft.operator_reward,
        payout: draft.payout.script(),
        inputs_hash: [0; 32],
        platform: draft
            .platform
            .as_ref()
            .filter(|_| draft.kind == MnType::Evo)
            .map(platform),
        signature: Vec::new(),
    }
}

fn platform(choice: &PlatformChoice) -> Platform {
    Platform {
        node_id: choice.node_id,
        p2p_port: choice.p2p_port,
        http_port: choice.http_port,
    }
}
