//! Rules of a ProRegTx payload (Dash Core evo/providertx.cpp IsTriviallyValid, evo/specialtxman.cpp CheckProRegTx).

use bitcoin::OutPoint;

use super::{Checks, Coin, Context, Dialect, Facts, update};
use crate::protocol::ProTxHash;
use crate::protocol::bls::{self, BlsError};
use crate::protocol::key::KeyId;
use crate::protocol::masternode::Entry;
use crate::protocol::message;
use crate::protocol::network::MnType;
use crate::protocol::script::{self, Destination};
use crate::protocol::special_tx::pro_reg::{FULL_REWARD, Platform};
use crate::protocol::special_tx::service::ServiceError;
use crate::protocol::special_tx::{ProRegTx, Service};
use crate::protocol::tx::Transaction;

pub(super) fn check(tx: &Transaction, payload: &ProRegTx, context: &Context<'_>, list: &mut Checks) {
    check_kind(payload, context, list);
    check_keys(payload, context, list);
    check_payout(payload, list);
    check_service(payload.service, context, list);
    if let Some(platform) = payload.platform {
        let core = payload.service.port;
        check_platform(&Ports { platform, core }, context, list);
    }
    let collateral = check_collateral(tx, payload, context, list);
    check_unique(tx, payload, context, list);
    check_signature(tx, payload, context, collateral, list);
    check_any_encoding(&payload.operator, payload.key_encoding(), None, context, list);
}

fn check_kind(payload: &ProRegTx, context: &Context<'_>, list: &mut Checks) {
    update::check_version(payload.version, context, list);
    if context.dialect != Dialect::V17 {
        let evo = payload.mn_type() == Some(MnType::Evo);
        list.judge(
            "evo-version",
            "bad-protx-evo-version",
            !evo || payload.version >= 2,
            || "an evonode needs payload version 2".into(),
        );
    }
    let known = match context.dialect {
        Dialect::V17 => payload.kind == 0,
        _ => payload.mn_type().is_some(),
    };
    list.judge("masternode-type", "bad-protx-type", known, || {
        format!("masternode type {} must exist on this network", payload.kind)
    });
    list.judge("mode", "bad-protx-mode", payload.mode == 0, || {
        "the mode of a registration is 0".into()
    });
}

const NULL: &str = "bad-protx-key-null";

fn check_keys(payload: &ProRegTx, context: &Context<'_>, list: &mut Checks) {
    list.judge("owner-key", NULL, !payload.owner.is_null(), || {
        "an owner key must be given".into()
    });
    check_operator_key(&payload.operator, payload.key_encoding(), context.dialect, list);
    check_voting_key(payload.voting, list);
}

/// From 19 on nodes take legacy bytes that are no key: off the curve, or outside the subgroup. That costs a warning, not a refusal.
pub(super) fn check_operator_key(bytes: &[u8; 48], encoding: bls::Scheme, dialect: Dialect, list: &mut Checks) {
    let key = bls::PublicKey::decode(encoding, bytes);
    let message = || match &key {
        Ok(_) => "the operator key is a valid key in this payload version's encoding".into(),
        Err(error) => format!("the operator key is not valid: {error}"),
    };
    let is_no_point = matches!(key, Err(BlsError::NotOnCurve | BlsError::NotInSubgroup));
    let taken = is_no_point && encoding == bls::Scheme::Legacy && dialect != Dialect::V17;
    list.judge("operator-key", NULL, key.is_ok() || taken, message);
    list.judge(super::POINT, "", !taken, message);
}

pub(super) fn check_voting_key(voting: KeyId, list: &mut Checks) {
    list.judge("voting-key", NULL, !voting.is_null(), || {
        "a voting key must be given".into()
    });
}

pub(super) fn check_payout_form(script: &[u8], list: &mut Checks) {
    let form = script::is_pay_to_key(script) || script::is_pay_to_script(script);
    list.judge("payout-form", "bad-protx-payee", form, || {
        "the payout must go to an ordinary address".into()
    });
    list.judge(
        "payout-destination",
        "bad-protx-payee-dest",
        script::destination(script).is_some(),
        || "the payout must have an address".into(),
    );
}

fn check_payout(payload: &ProRegTx, list: &mut Checks) {
    let script = payload.payout.as_bytes();
    check_payout_form(script, list);
    let payout = script::destination(script);
    list.judge(
        "payout-not-owner",
        "bad-protx-payee-reuse",
        payout != Some(Destination::Key(payload.owner.0)),
        || "the payout address may not be the owner key's address: choose another one".into(),
    );
    list.judge(
        "payout-not-voting",
        "bad-protx-payee-reuse",
        payout != Some(Destination::Key(payload.voting.0)),
        || "the payout address may not be the voting key's address: choose another one".into(),
    );
    list.judge(
        "operator-reward",
        "bad-protx-operator-reward",
        payload.operator_reward <= FULL_REWARD,
        || {
            format!(
                "the operator reward is {}.{:02} %",
                payload.operator_reward / 100,
                payload.operator_reward % 100
            )
        },
    );
}

/// An address, if there is one. None is legal in a registration: the masternode waits, banned, for a ProUpServTx.
pub(super) fn check_service(service: Service, context: &Context<'_>, list: &mut Checks) {
    if service.is_none() || vanishes(service, context) {
        return;
    }
    let refusal = service.check(context.profile).err();
    let reject = match &refusal {
        Some(ServiceError::MainnetPort { .. } | ServiceError::PortOfMainnet { .. }) => {
            context.dialect.word("bad-protx-ipaddr-port", "bad-protx-netinfo-port")
        }
        Some(ServiceError::Unroutable { .. }) => context
            .dialect
            .word("bad-protx-ipaddr", "bad-protx-netinfo-addr-unroutable"),
        Some(ServiceError::NotIpv4 { .. }) => context.dialect.word("bad-protx-ipaddr", "bad-protx-netinfo-addr-type"),
        _ => context.dialect.word("bad-protx-ipaddr", "bad-protx-netinfo-addr"),
    };
    list.judge("service", reject, refusal.is_none(), || match refusal {
        Some(error) => format!("the service address is refused: {error}"),
        None => format!("{service} can be used as service address"),
    });
}

/// Nodes from 23 on read an invalid address as none: the payload they hash is then not the one that was signed.
pub(super) fn vanishes(service: Service, context: &Context<'_>) -> bool {
    context.dialect == Dialect::V23 && !service.is_none() && !service.is_valid_address()
}

/// An evonode's Platform fields, and the port they have to differ from.
pub(super) struct Ports {
    pub platform: Platform,
    pub core: u16,
}

pub(super) fn check_platform(ports: &Ports, context: &Context<'_>, list: &mut Checks) {
    let Ports { platform, core } = *ports;
    let Some(required) = &context.profile.platform else {
        return;
    };
    list.judge(
        "platform-node-id",
        "bad-protx-platform-nodeid",
        platform.node_id != [0; 20],
        || "an evonode needs a Platform node id".into(),
    );
    let rules = &context.profile.service;
    let allowed = |port: u16, must: u16| {
        if rules.is_mainnet {
            port == must
        } else {
            port != rules.mainnet_port
        }
    };
    let p2p = allowed(platform.p2p_port, required.p2p_port);
    list.judge("platform-p2p-port", "bad-protx-platform-p2p-port", p2p, || {
        format!(
            "Platform's P2P port {} (on mainnet it is {})",
            platform.p2p_port, required.p2p_port
        )
    });
    let http = allowed(platform.http_port, required.http_port);
    list.judge("platform-http-port", "bad-protx-platform-http-port", http, || {
        format!(
            "Platform's HTTP port {} (on mainnet it is {})",
            platform.http_port, required.http_port
        )
    });
    let distinct = platform.p2p_port != platform.http_port && core != platform.p2p_port && core != platform.http_port;
    list.judge(
        "platform-ports-distinct",
        "bad-protx-platform-dup-ports",
        distinct,
        || "the three ports of an evonode must be different".into(),
    );
}

/// The output that is the collateral, as far as it is known: its destination.
fn check_collateral(
    tx: &Transaction,
    payload: &ProRegTx,
    context: &Context<'_>,
    list: &mut Checks,
) -> Option<Destination> {
    let destination = if payload.is_internal() {
        check_internal(tx, payload, context, list)
    } else {
        check_external(payload, context, list)
    };
    let reused = destination.map(|destination| {
        destination == Destination::Key(payload.owner.0) || destination == Destination::Key(payload.voting.0)
    });
    let message = "owner and voting key may not be the key that holds the collateral";
    let needs_node = !payload.is_internal();
    list.push(
        "collateral-key-apart",
        "bad-protx-collateral-reuse",
        reused.map(|reused| !reused),
        needs_node,
        message,
    );
    destination
}

fn check_internal(
    tx: &Transaction,
    payload: &ProRegTx,
    context: &Context<'_>,
    list: &mut Checks,
) -> Option<Destination> {
    let output = usize::try_from(payload.collateral.vout)
        .ok()
        .and_then(|index| tx.outputs.get(index));
    list.judge(
        "collateral-index",
        "bad-protx-collateral-index",
        output.is_some(),
        || {
            format!(
                "the transaction has no output {} to be the collateral",
                payload.collateral.vout
            )
        },
    );
    let output = output?;
    let wanted = payload.mn_type().and_then(|kind| context.profile.collateral(kind));
    list.judge(
        "collateral-amount",
        "bad-protx-collateral",
        wanted.is_some() && output.amount() == wanted,
        || {
            format!(
                "the collateral must be exactly {}",
                wanted.map_or_else(|| "?".into(), |amount| amount.short())
            )
        },
    );
    let destination = script::destination(output.script.as_bytes());
    list.judge(
        "collateral-destination",
        "bad-protx-collateral-dest",
        destination.is_some(),
        || "the collateral must pay to an address".into(),
    );
    destination
}

fn check_external(payload: &ProRegTx, context: &Context<'_>, list: &mut Checks) -> Option<Destination> {
    let coin = context.facts.and_then(|facts| facts.coin(&payload.collateral));
    let (usable, message) = judge_external(payload, context, coin);
    list.judge_node("collateral-amount", "bad-protx-collateral", usable, message);
    let script = coin.flatten().map(|coin| coin.script.as_bytes());
    let destination = script.and_then(script::destination);
    let has_one = script.map(|_| destination.is_some());
    list.judge_node(
        "collateral-destination",
        "bad-protx-collateral-dest",
        has_one,
        "the collateral must pay to an address".into(),
    );
    let is_key = script.map(|_| matches!(destination, Some(Destination::Key(_)) | None));
    let message = "the collateral must pay to a key (P2PKH): a script cannot sign the registration";
    list.judge_node("collateral-is-key", "bad-protx-collateral-pkh", is_key, message.into());
    destination
}

fn judge_external(payload: &ProRegTx, context: &Context<'_>, coin: Option<Option<&Coin>>) -> (Option<bool>, String) {
    let wanted = payload.mn_type().and_then(|kind| context.profile.collateral(kind));
    let Some(wanted) = wanted else {
        return (Some(false), "this network has no such masternodes".into());
    };
    let outpoint = payload.collateral;
    match coin {
        None => (
            None,
            format!(
                "the collateral {outpoint} must hold exactly {} and be unspent",
                wanted.short()
            ),
        ),
        Some(None) => (
            Some(false),
            format!("the collateral {outpoint} is spent or does not exist"),
        ),
        Some(Some(coin)) if coin.confirmations == 0 => (
            Some(false),
            format!("the collateral {outpoint} is not confirmed yet: wait for the next block"),
        ),
        Some(Some(coin)) if coin.value != wanted => (
            Some(false),
            format!(
                "the collateral holds {}, it must be exactly {}",
                coin.value.short(),
                wanted.short()
            ),
        ),
        Some(Some(coin)) => (
            Some(true),
            format!(
                "the collateral holds {}, {} confirmations",
                wanted.short(),
                coin.confirmations
            ),
        ),
    }
}

fn check_unique(tx: &Transaction, payload: &ProRegTx, context: &Context<'_>, list: &mut Checks) {
    let dup_service = context
        .dialect
        .word("bad-protx-dup-addr", "bad-protx-dup-netinfo-entry");
    let outpoint = payload.collateral_outpoint(tx.txid());
    let facts = context.facts;
    let unique = facts.map(|facts| facts.service_holder(payload.service, outpoint).is_none());
    list.judge_node(
        "service-unique",
        dup_service,
        unique,
        format!("no other masternode may use {}", payload.service),
    );
    let owner = facts.map(|facts| {
        facts
            .masternodes
            .iter()
            .all(|entry| entry.state.owner != Some(payload.owner))
    });
    let message = "the owner key may not belong to a registered masternode: a new registration needs a new one";
    list.judge_node("owner-key-unique", "bad-protx-dup-key", owner, message.into());
    let operator = facts.map(|facts| {
        let mut holders = facts.operator_holders(&payload.operator);
        holders.next().is_none()
    });
    let message = "the operator key may not belong to a registered masternode: a new registration needs a new one";
    list.judge_node("operator-key-unique", "bad-protx-dup-key", operator, message.into());
    if let Some(platform) = payload.platform {
        let id = platform.node_id_hex();
        let unique = facts.map(|facts| {
            facts
                .masternodes
                .iter()
                .all(|entry| entry.state.platform_node_id.as_deref() != Some(id.as_str()))
        });
        let message = format!("no other evonode may have the Platform node id {id}");
        list.judge_node(
            "platform-node-id-unique",
            "bad-protx-dup-platformnodeid",
            unique,
            message,
        );
    }
    if !context.dip3_enforced() {
        list.judge(
            "owner-is-voting",
            "bad-protx-key-not-same",
            payload.owner == payload.voting,
            || "before the enforcement height owner and voting key must be the same".into(),
        );
    }
}

fn check_signature(
    tx: &Transaction,
    payload: &ProRegTx,
    context: &Context<'_>,
    collateral: Option<Destination>,
    list: &mut Checks,
) {
    list.judge(
        "inputs-hash",
        "bad-protx-inputs-hash",
        payload.inputs_hash == tx.inputs_hash(),
        || "the payload commits to the inputs of this transaction".into(),
    );
    const SIG: &str = "bad-protx-sig";
    if payload.is_internal() {
        list.judge("payload-signature", SIG, payload.signature.is_empty(), || {
            "a registration with its own collateral carries no collateral signature".into()
        });
        return;
    }
    if vanishes(payload.service, context) {
        list.judge("service", SIG, false, || {
            format!("{} is not a valid address", payload.service)
        });
        return;
    }
    let signer = payload.compact_signature().and_then(|signature| {
        let text = payload.sign_message(context.profile);
        let digest = message::message_hash(&context.profile.message_magic, text.as_bytes());
        signature.recover_key_id(&digest).ok()
    });
    let Some(signer) = signer else {
        list.push(
            "payload-signature",
            SIG,
            Some(false),
            false,
            "the collateral key has not signed the registration",
        );
        return;
    };
    let passed = collateral.map(|destination| destination == Destination::Key(signer.0));
    let message = format!(
        "the registration is signed by {}",
        signer.address().to_text(context.profile)
    );
    list.judge_node("payload-signature", SIG, passed, message);
}

/// Advice: whether the 48 bytes are a listed key in *either* encoding. A node compares bytes in one encoding only, so the same
/// key in the other one passes, and bytes pasted in the wrong encoding are taken for the key's negative, which nobody has.
pub(super) fn check_any_encoding(
    bytes: &[u8; 48],
    encoding: bls::Scheme,
    own: Option<ProTxHash>,
    context: &Context<'_>,
    list: &mut Checks,
) {
    let other_encoding = match encoding {
        bls::Scheme::Legacy => bls::Scheme::Basic,
        bls::Scheme::Basic => bls::Scheme::Legacy,
    };
    let holder = |facts: &Facts, encoding, exempt: Option<ProTxHash>| {
        let key = bls::PublicKey::decode(encoding, bytes).ok()?;
        let mut entries = facts.masternodes.iter();
        entries
            .find(|entry| entry.state.operator.is(&key) && Some(entry.pro_tx_hash) != exempt)
            .map(|entry| entry.pro_tx_hash)
    };
    let (passed, message) = match context.facts {
        None => (
            None,
            "no other masternode may use this operator key, in whichever encoding".into(),
        ),
        Some(facts) => match (holder(facts, encoding, own), holder(facts, other_encoding, None)) {
            (Some(found), _) => (
                Some(false),
                format!("the masternode {found} uses the same operator key"),
            ),
            (None, Some(found)) => (
                Some(false),
                format!(
                    "these bytes are the operator key of the masternode {found} in the {other_encoding} encoding; here they are another key"
                ),
            ),
            (None, None) => (
                Some(true),
                "no other masternode uses this operator key, in whichever encoding".into(),
            ),
        },
    };
    list.judge_node(super::ANY_ENCODING, "", passed, message);
}

impl Facts {
    pub fn masternode(&self, pro_tx_hash: ProTxHash) -> Option<&Entry> {
        self.masternodes.iter().find(|entry| entry.pro_tx_hash == pro_tx_hash)
    }

    /// The listed masternode that uses an address, unless it is the one a registration with this collateral would replace.
    pub fn service_holder(&self, service: Service, collateral: OutPoint) -> Option<&Entry> {
        let taken = |entry: &&Entry| entry.state.service == service && entry.collateral != collateral;
        if service.is_none() {
            None
        } else {
            self.masternodes.iter().find(taken)
        }
    }

    /// As a node compares: the same bytes, each in its own encoding. The same key in the other encoding escapes it (up to 23.1),
    /// which [`Facts::operator_in_any_encoding`] finds, and another key of the same bytes is caught.
    pub(super) fn operator_holders(&self, bytes: &[u8; 48]) -> impl Iterator<Item = &Entry> {
        self.masternodes
            .iter()
            .filter(|entry| *bytes != [0; 48] && entry.state.operator.to_bytes(entry.key_encoding()) == *bytes)
    }

    /// A listed masternode with this operator key, in whichever encoding.
    pub fn operator_in_any_encoding(&self, key: &bls::PublicKey) -> Option<&Entry> {
        self.masternodes.iter().find(|entry| entry.state.operator.is(key))
    }
}
