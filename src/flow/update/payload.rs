//! The payload a draft means: what changes from the draft, the rest as the chain has it.

use bitcoin::ScriptBuf;

use super::draft::{Change, OperatorPayout, Registrar, Revocation, ServiceChange};
use crate::flow::Error;
use crate::flow::keys::Chooser;
use crate::flow::operation::{Role, Signer};
use crate::protocol::bls::PublicKey;
use crate::protocol::key::KeyId;
use crate::protocol::masternode::Entry;
use crate::protocol::network::MnType;
use crate::protocol::special_tx::operator_signature::UNSIGNED;
use crate::protocol::special_tx::pro_reg::{BASIC_BLS, Platform, encoding_of};
use crate::protocol::special_tx::{Payload, ProUpRegTx, ProUpRevTx, ProUpServTx};
use crate::rpc::Capabilities;

/// Builds the payload and says who has to sign it. Makes keys where the draft asks for new ones.
pub(super) fn build(
    entry: &Entry,
    change: &Change,
    can: &Capabilities,
    chooser: &mut Chooser<'_>,
) -> Result<(Payload, Signer), Error> {
    match change {
        Change::Service(change) => {
            // A revoked masternode has lost its Platform fields too: that nobody can sign for it is the reason to name.
            let signer = operator(entry, can)?;
            let payload = service(entry, change, can)?;
            Ok((Payload::ProUpServ(Box::new(payload)), signer))
        }
        Change::Registrar(change) => {
            let payload = registrar(entry, change, can, chooser)?;
            let key = told(entry, entry.state.owner, "owner key")?;
            Ok((Payload::ProUpReg(Box::new(payload)), Signer::Owner { key }))
        }
        Change::Revoke(Revocation { reason, .. }) => {
            let payload = ProUpRevTx::unsigned(can.payload_version(), entry.pro_tx_hash, *reason, [0; 32]);
            Ok((Payload::ProUpRev(Box::new(payload)), operator(entry, can)?))
        }
    }
}

/// Who signs as operator now. Nobody can for a revoked masternode.
fn operator(entry: &Entry, can: &Capabilities) -> Result<Signer, Error> {
    Ok(Signer::Operator {
        key: present_operator(entry)?,
        scheme: can.scheme(),
    })
}

fn present_operator(entry: &Entry) -> Result<PublicKey, Error> {
    let pro_tx_hash = entry.pro_tx_hash.to_string();
    if entry.state.operator.is_revoked() {
        return Err(Error::OperatorRevoked { pro_tx_hash });
    }
    let what = "operator key";
    entry.state.operator.point().ok_or(Error::NotTold { pro_tx_hash, what })
}

/// A field that is carried over has to be known.
fn told<T>(entry: &Entry, value: Option<T>, what: &'static str) -> Result<T, Error> {
    value.ok_or_else(|| Error::NotTold {
        pro_tx_hash: entry.pro_tx_hash.to_string(),
        what,
    })
}

fn service(entry: &Entry, change: &ServiceChange, can: &Capabilities) -> Result<ProUpServTx, Error> {
    let state = &entry.state;
    let operator_payout = match change.operator_payout {
        OperatorPayout::Keep => state.operator_payout.map(|address| address.script()),
        OperatorPayout::Erase => None,
        OperatorPayout::To(address) => Some(address.script()),
    };
    // Evonodes exist in version 2 only.
    let is_evo = entry.kind == MnType::Evo;
    let version = if is_evo { BASIC_BLS } else { can.payload_version() };
    Ok(ProUpServTx {
        version,
        kind: entry.kind.number(),
        pro_tx_hash: entry.pro_tx_hash,
        service: change.service.unwrap_or(state.service),
        operator_payout: operator_payout.unwrap_or_else(ScriptBuf::new),
        inputs_hash: [0; 32],
        platform: is_evo.then(|| platform(entry, change)).transpose()?,
        signature: UNSIGNED,
    })
}

fn platform(entry: &Entry, change: &ServiceChange) -> Result<Platform, Error> {
    let (state, wanted) = (&entry.state, &change.platform);
    let listed = state.platform_node_id.as_deref();
    let listed = listed.and_then(|text| Platform::node_id_from_hex(text).ok());
    Ok(Platform {
        node_id: told(entry, wanted.node_id.or(listed), "Platform node id")?,
        p2p_port: told(entry, wanted.p2p_port.or(state.platform_p2p_port), "Platform P2P port")?,
        http_port: told(
            entry,
            wanted.http_port.or(state.platform_http_port),
            "Platform HTTP port",
        )?,
    })
}

fn registrar(
    entry: &Entry,
    change: &Registrar,
    can: &Capabilities,
    chooser: &mut Chooser<'_>,
) -> Result<ProUpRegTx, Error> {
    let state = &entry.state;
    let owner = told(entry, state.owner, "owner key")?;
    check_owner(entry, change, owner, chooser)?;
    let operator = match &change.operator {
        Some(choice) => chooser.operator(choice)?,
        None => present_operator(entry)?,
    };
    let voting = match &change.voting {
        Some(choice) => chooser.voting(choice, owner)?,
        None => told(entry, state.voting, "voting key")?,
    };
    let payout = match change.payout {
        Some(address) => address,
        None => told(entry, state.payout, "payout address")?,
    };
    // The same point in the encoding of the new version: nodes compare points, nothing is reset by it.
    let version = can.payload_version();
    Ok(ProUpRegTx {
        version,
        pro_tx_hash: entry.pro_tx_hash,
        mode: 0,
        operator: operator.encode(encoding_of(version)),
        voting,
        payout: payout.script(),
        inputs_hash: [0; 32],
        signature: Vec::new(),
    })
}

/// A key that is named must be the right one: the chain would refuse the signature, but only after it was made.
fn check_owner(entry: &Entry, change: &Registrar, owner: KeyId, chooser: &Chooser<'_>) -> Result<(), Error> {
    let Some(label) = &change.owner else { return Ok(()) };
    let named = crate::flow::keys::secp_id(chooser.ports.vault()?, label, crate::store::Kind::Owner)?;
    if named == owner {
        return Ok(());
    }
    Err(Error::NotTheKey {
        label: label.clone(),
        role: Role::Owner,
        pro_tx_hash: entry.pro_tx_hash.to_string(),
    })
}
