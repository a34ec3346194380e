//! The node's rules for the payloads that update a masternode: ProUpServTx, ProUpRegTx, ProUpRevTx (DIP-0003, DIP-0028; Dash
//! Core evo/providertx.cpp and evo/specialtxman.cpp).
//!
//! Written from the protocol's own list of rules and reject strings, as `pro_tx` is. All of them speak of the masternode as it
//! stands in the list of the tip: what waits in the mempool or came in the same block does not count.

use super::chain::Chain;
use super::dialect::Dialect;
use super::masternodes::Masternode;
use super::pro_tx;
use super::reject::{Reject, ensure};
use crate::protocol::ProTxHash;
use crate::protocol::bls::{BlsError, PublicKey, Scheme, Signature};
use crate::protocol::network::MnType;
use crate::protocol::special_tx::pro_reg::encoding_of;
use crate::protocol::special_tx::{ProUpRegTx, ProUpRevTx, ProUpServTx, net_info};
use crate::protocol::tx::Transaction;

fn malformed() -> Reject {
    Reject::invalid("bad-protx-payload")
}

/// Reads the payload as this node's version does.
///
/// # Errors
/// `bad-protx-payload`, or `bad-protx-version` for a version whose layout the node knows and refuses.
pub fn parse_pro_up_serv(chain: &Chain, tx: &Transaction) -> Result<ProUpServTx, Reject> {
    let dialect = chain.dialect();
    let mut payload = match (dialect, version_of(tx)?) {
        (Dialect::Core17, _) => ProUpServTx::decode_layout(&tx.payload, false),
        (Dialect::Core23, 3) if net_info::is_pro_up_serv_v3(&tx.payload) => {
            return Err(Reject::invalid("bad-protx-version"));
        }
        (Dialect::Core23, _) => ProUpServTx::decode(&tx.payload),
    }
    .map_err(|_| malformed())?;
    ensure(can_be_read(&payload.signature, dialect), malformed)?;
    if dialect == Dialect::Core23 {
        pro_tx::normalise(&mut payload.service);
    }
    Ok(payload)
}

/// Reads the payload as this node's version does.
///
/// # Errors
/// `bad-protx-payload`
pub fn parse_pro_up_reg(chain: &Chain, tx: &Transaction) -> Result<ProUpRegTx, Reject> {
    check_layout_known(chain, tx)?;
    let payload = ProUpRegTx::decode_layout(&tx.payload).map_err(|_| malformed())?;
    let unreadable = chain.dialect().is_core17() && pro_tx::is_malleable(&payload.operator);
    ensure(!unreadable, malformed).map(|()| payload)
}

/// Reads the payload as this node's version does.
///
/// # Errors
/// `bad-protx-payload`
pub fn parse_pro_up_rev(chain: &Chain, tx: &Transaction) -> Result<ProUpRevTx, Reject> {
    check_layout_known(chain, tx)?;
    let payload = ProUpRevTx::decode_layout(&tx.payload).map_err(|_| malformed())?;
    ensure(can_be_read(&payload.signature, chain.dialect()), malformed)?;
    Ok(payload)
}

fn version_of(tx: &Transaction) -> Result<u16, Reject> {
    let bytes = tx.payload.first_chunk::<2>().ok_or_else(malformed)?;
    Ok(u16::from_le_bytes(*bytes))
}

/// Types 3 and 4 never changed their layout. 0.17 reads on whatever the version; later nodes stop at one they do not know of
/// any type and stumble over what is left.
fn check_layout_known(chain: &Chain, tx: &Transaction) -> Result<(), Reject> {
    let version = version_of(tx)?;
    ensure(chain.dialect().is_core17() || (1..=3).contains(&version), malformed)
}

/// Signatures are read while the payload is, and bytes that would be written otherwise are malformed. Zeros are read as no
/// signature. In the legacy encoding nobody checks the subgroup, and nodes of today take bytes without the sign bit for a
/// point even off the curve.
///
/// Nodes of today take what reads in either encoding; only the right one can verify (seen on 23.1.2).
fn can_be_read(bytes: &[u8; 96], dialect: Dialect) -> bool {
    match dialect {
        Dialect::Core17 => reads_as(bytes, Scheme::Legacy, false),
        Dialect::Core23 => {
            reads_as(bytes, Scheme::Legacy, bytes[0] & 0x80 == 0) || reads_as(bytes, Scheme::Basic, false)
        }
    }
}

fn reads_as(bytes: &[u8; 96], encoding: Scheme, lax: bool) -> bool {
    match Signature::decode(encoding, bytes) {
        Ok(_) | Err(BlsError::Null) => true,
        Err(BlsError::NotInSubgroup) => encoding == Scheme::Legacy,
        Err(BlsError::NotOnCurve) => encoding == Scheme::Legacy && lax,
        Err(_) => false,
    }
}

/// # Errors
/// The first rule broken, in the node's order.
pub fn check_pro_up_serv(chain: &Chain, tx: &Transaction, payload: &ProUpServTx) -> Result<(), Reject> {
    pro_tx::check_version(chain, payload.version)?;
    ensure(!payload.service.is_none(), || {
        Reject::invalid(chain.dialect().pick("bad-protx-netinfo-empty", "bad-protx-ipaddr"))
    })?;
    pro_tx::check_service(chain, &payload.service)?;
    if payload.mn_type() == Some(MnType::Evo) {
        pro_tx::check_platform(chain.profile(), payload.platform, payload.service.port)?;
    }
    let mn = find(chain, payload.pro_tx_hash)?;
    check_unique(chain, payload)?;
    check_operator_payout(mn, payload)?;
    pro_tx::check_inputs_hash(tx, payload.inputs_hash)?;
    check_operator_signature(
        chain,
        mn,
        &payload.payload_hash(),
        &payload.signature,
        payload.encoding(),
    )
}

fn find(chain: &Chain, hash: ProTxHash) -> Result<&Masternode, Reject> {
    chain.list().get(hash).ok_or_else(|| Reject::invalid("bad-protx-hash"))
}

/// What another masternode has; its own may be kept.
fn check_unique(chain: &Chain, payload: &ProUpServTx) -> Result<(), Reject> {
    let others = || chain.list().iter().filter(|mn| mn.pro_tx_hash != payload.pro_tx_hash);
    ensure(others().all(|mn| mn.state.service != payload.service), || {
        pro_tx::address_is_taken(chain.dialect())
    })?;
    let node_id_taken = payload.platform.is_some_and(|platform| {
        others()
            .filter_map(|mn| mn.state.platform)
            .any(|other| other.node_id == platform.node_id)
    });
    ensure(!node_id_taken, || Reject::duplicate("bad-protx-dup-platformnodeid"))
}

/// Only where the owner granted a reward can there be an address for it.
fn check_operator_payout(mn: &Masternode, payload: &ProUpServTx) -> Result<(), Reject> {
    let payout = &payload.operator_payout;
    let fine = payout.is_empty() || (mn.operator_reward > 0 && pro_tx::is_payable(payout));
    ensure(fine, || Reject::invalid("bad-protx-operator-payee"))
}

/// The scheme is the chain's for the next block; the encoding is the payload's.
fn check_operator_signature(
    chain: &Chain,
    mn: &Masternode,
    digest: &[u8; 32],
    signature: &[u8; 96],
    encoding: Scheme,
) -> Result<(), Reject> {
    let scheme = if chain.is_v19_next() {
        Scheme::Basic
    } else {
        Scheme::Legacy
    };
    let key = PublicKey::decode(encoding_of(mn.state.version), &mn.state.operator);
    let signature = Signature::decode(encoding, signature);
    let signed = match (key, signature) {
        (Ok(key), Ok(signature)) => key.verify(scheme, digest, &signature),
        // A revoked masternode's key is none.
        _ => false,
    };
    ensure(signed, pro_tx::bad_signature)
}

/// # Errors
/// The first rule broken, in the node's order.
pub fn check_pro_up_reg(chain: &Chain, tx: &Transaction, payload: &ProUpRegTx) -> Result<(), Reject> {
    check_registrar_fields(chain, payload)?;
    let mn = find(chain, payload.pro_tx_hash)?;
    let owner = mn.state.owner;
    pro_tx::check_payout_apart(&payload.payout, owner, payload.voting)?;
    let collateral = chain
        .coin(&mn.collateral)
        .ok_or_else(|| Reject::invalid("bad-protx-collateral"))?;
    let destination = pro_tx::collateral_destination(&collateral.script)?;
    pro_tx::check_collateral_apart(destination, owner, payload.voting)?;
    // Bytes are compared, not points: the same key in the other encoding goes unnoticed, as on real nodes.
    let key_taken = chain
        .list()
        .iter()
        .any(|mn| mn.pro_tx_hash != payload.pro_tx_hash && mn.state.operator == payload.operator);
    ensure(!key_taken, || Reject::duplicate("bad-protx-dup-key"))?;
    let enforced = chain.height() >= chain.profile().activation.dip3_enforcement;
    ensure(enforced || owner == payload.voting, || {
        Reject::invalid("bad-protx-key-not-same")
    })?;
    pro_tx::check_inputs_hash(tx, payload.inputs_hash)?;
    pro_tx::check_signed_by(chain.dialect(), owner.0, &payload.payload_hash(), &payload.signature)
}

fn check_registrar_fields(chain: &Chain, payload: &ProUpRegTx) -> Result<(), Reject> {
    pro_tx::check_version(chain, payload.version)?;
    ensure(payload.mode == 0, || Reject::invalid("bad-protx-mode"))?;
    let core17 = chain.dialect().is_core17();
    let no_key = payload.voting.is_null() || !pro_tx::is_point(payload.key_encoding(), &payload.operator, core17);
    ensure(!no_key, || Reject::invalid("bad-protx-key-null"))?;
    pro_tx::check_payout_form(&payload.payout)
}

/// # Errors
/// The first rule broken, in the node's order.
pub fn check_pro_up_rev(chain: &Chain, tx: &Transaction, payload: &ProUpRevTx) -> Result<(), Reject> {
    const LAST_REASON: u16 = 3;
    pro_tx::check_version(chain, payload.version)?;
    ensure(payload.reason <= LAST_REASON, || Reject::invalid("bad-protx-reason"))?;
    let mn = find(chain, payload.pro_tx_hash)?;
    pro_tx::check_inputs_hash(tx, payload.inputs_hash)?;
    check_operator_signature(
        chain,
        mn,
        &payload.payload_hash(),
        &payload.signature,
        payload.encoding(),
    )
}

/// Whether no block may hold the update: `bad-protx-type-mismatch`, which nodes up to 23.1 find only in blocks. Before
/// evonodes there was no such rule.
pub fn is_unminable(chain: &Chain, payload: &ProUpServTx) -> bool {
    let listed = chain.list().get(payload.pro_tx_hash);
    chain.dialect() == Dialect::Core23 && listed.is_some_and(|mn| mn.kind.number() != payload.kind)
}
