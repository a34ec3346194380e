//! The node's rules for a ProRegTx payload (DIP-0003, DIP-0028; Dash Core evo/providertx.cpp and evo/deterministicmns.cpp).
//!
//! Written from the protocol's own list of rules and reject strings, not from the app's: the two are meant to catch each
//! other's mistakes. What the updates share with registrations is here; their own rules are in `pro_up`.

use std::net::Ipv4Addr;

use bitcoin::Script;

use super::chain::Chain;
use super::dialect::Dialect;
use super::reject::{Reject, ensure};
use super::validate::pays_to_key;
use crate::protocol::bls::{self, BlsError, Scheme};
use crate::protocol::key::KeyId;
use crate::protocol::message::{CompactSignature, message_hash};
use crate::protocol::network::{MnType, Profile};
use crate::protocol::script::{self, Destination};
use crate::protocol::special_tx::net_info;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::special_tx::{ProRegTx, Service};
use crate::protocol::tx::Transaction;
use crate::protocol::wire::{hash_to_display, to_hex};

const FULL_REWARD: u16 = 10_000;
/// 48 bytes both nodes print for the point at infinity.
const INFINITY_FLAG: u8 = 0xc0;

/// Reads the payload as this node's version does.
///
/// # Errors
/// `bad-protx-payload`, or `bad-protx-version` for a version whose layout the node knows and refuses.
pub fn parse(chain: &Chain, tx: &Transaction) -> Result<ProRegTx, Reject> {
    let malformed = || Reject::invalid("bad-protx-payload");
    let core17 = chain.dialect().is_core17();
    let version = tx.payload.first_chunk::<2>().map(|bytes| u16::from_le_bytes(*bytes));
    match version {
        Some(3) if !core17 && net_info::is_pro_reg_v3(&tx.payload) => return Err(Reject::invalid("bad-protx-version")),
        // A node of today stops reading at a version it does not know and stumbles over what is left.
        Some(0 | 3..) if !core17 => return Err(malformed()),
        _ => {}
    }
    let mut payload = ProRegTx::decode_layout(&tx.payload, !core17).map_err(|_| malformed())?;
    if core17 && is_malleable(&payload.operator) {
        return Err(malformed());
    }
    if !core17 {
        normalise(&mut payload.service);
    }
    Ok(payload)
}

/// 0.17 refuses to read a key that it would not write the same; "no key" it reads.
pub(super) fn is_malleable(operator: &[u8; 48]) -> bool {
    *operator != [0; 48] && !is_point(Scheme::Legacy, operator, true)
}

/// Whether the node takes the bytes for a point. Subgroups are not checked in the legacy encoding.
pub(super) fn is_point(scheme: Scheme, bytes: &[u8; 48], infinity_is_one: bool) -> bool {
    match bls::PublicKey::decode(scheme, bytes) {
        Ok(_) => true,
        Err(BlsError::NotInSubgroup) => scheme == Scheme::Legacy,
        Err(BlsError::Infinity) => infinity_is_one && bytes[0] == INFINITY_FLAG,
        Err(_) => false,
    }
}

/// Later nodes read an address that is not valid as none, and so hash another payload than the one that was signed (seen on
/// Dash Core 23.1.2 with 0.0.0.0, 255.255.255.255, [::] with a port, and 2001:db8::/32).
pub(super) fn normalise(service: &mut Service) {
    if !is_valid(service) {
        *service = Service::NONE;
    }
}

/// CNetAddr::IsValid, as far as 16 bytes can fail it: unspecified, broadcast, documentation (RFC 3849).
fn is_valid(service: &Service) -> bool {
    match service.ip.to_ipv4_mapped() {
        Some(ip) => !ip.is_unspecified() && !ip.is_broadcast(),
        None => !service.ip.is_unspecified() && service.ip.segments()[..2] != [0x2001, 0x0db8],
    }
}

/// # Errors
/// The first rule broken, in the node's order.
pub fn check_pro_reg(chain: &Chain, tx: &Transaction, payload: &ProRegTx) -> Result<(), Reject> {
    let kind = check_fields(chain, payload)?;
    let collateral = check_collateral(chain, tx, payload, kind)?;
    check_unique(chain, tx, payload)?;
    check_inputs_hash(tx, payload.inputs_hash)?;
    check_signature(chain, payload, collateral)
}

fn check_fields(chain: &Chain, payload: &ProRegTx) -> Result<MnType, Reject> {
    let core17 = chain.dialect().is_core17();
    check_version(chain, payload.version)?;
    let kind = check_kind(payload, core17)?;
    ensure(payload.mode == 0, || Reject::invalid("bad-protx-mode"))?;
    let no_key = payload.owner.is_null()
        || payload.voting.is_null()
        || !is_point(payload.key_encoding(), &payload.operator, core17);
    ensure(!no_key, || Reject::invalid("bad-protx-key-null"))?;
    check_payout_form(&payload.payout)?;
    check_payout_apart(&payload.payout, payload.owner, payload.voting)?;
    let reward_fits = || {
        ensure(payload.operator_reward <= FULL_REWARD, || {
            Reject::invalid("bad-protx-operator-reward")
        })
    };
    // 0.17 looks at the address first.
    if core17 {
        check_service(chain, &payload.service)?;
        reward_fits()?;
    } else {
        reward_fits()?;
        check_service(chain, &payload.service)?;
    }
    if kind == MnType::Evo {
        check_platform(chain.profile(), payload.platform, payload.service.port)?;
    }
    Ok(kind)
}

pub(super) fn check_version(chain: &Chain, version: u16) -> Result<(), Reject> {
    let max_version = if chain.is_v19_next() { 2 } else { 1 };
    ensure((1..=max_version).contains(&version), || {
        Reject::invalid("bad-protx-version")
    })
}

fn check_kind(payload: &ProRegTx, core17: bool) -> Result<MnType, Reject> {
    let kind = payload.mn_type();
    if core17 {
        return kind
            .filter(|kind| *kind == MnType::Regular)
            .ok_or_else(|| Reject::invalid("bad-protx-type"));
    }
    ensure(kind != Some(MnType::Evo) || payload.version >= 2, || {
        Reject::invalid("bad-protx-evo-version")
    })?;
    kind.ok_or_else(|| Reject::invalid("bad-protx-type"))
}

/// Whether owners or operators may be paid to the script.
pub(super) fn is_payable(payout: &Script) -> bool {
    script::is_pay_to_key(payout.as_bytes()) || script::is_pay_to_script(payout.as_bytes())
}

pub(super) fn check_payout_form(payout: &Script) -> Result<(), Reject> {
    ensure(is_payable(payout), || Reject::invalid("bad-protx-payee"))
}

pub(super) fn check_payout_apart(payout: &Script, owner: KeyId, voting: KeyId) -> Result<(), Reject> {
    let reused = pays_to_key(payout.as_bytes(), &owner.0) || pays_to_key(payout.as_bytes(), &voting.0);
    ensure(!reused, || Reject::invalid("bad-protx-payee-reuse"))
}

/// No address passes: whether one is asked for is each payload's own rule.
pub(super) fn check_service(chain: &Chain, service: &Service) -> Result<(), Reject> {
    if service.is_none() {
        return Ok(());
    }
    let dialect = chain.dialect();
    let refuse = |core23, core17| move || Reject::invalid(dialect.pick(core23, core17));
    let bad = "bad-protx-ipaddr";
    // Later nodes have made "none" of what is not valid by now, and never come to say the first.
    ensure(is_valid(service), refuse("bad-protx-netinfo-addr", bad))?;
    let ip = service
        .ip
        .to_ipv4_mapped()
        .ok_or_else(refuse("bad-protx-netinfo-addr-type", bad))?;
    let rules = &chain.profile().service;
    ensure(
        !rules.routable_only || is_routable(ip),
        refuse("bad-protx-netinfo-addr-unroutable", bad),
    )?;
    ensure(
        rules.is_mainnet == (service.port == rules.mainnet_port),
        refuse("bad-protx-netinfo-port", "bad-protx-ipaddr-port"),
    )
}

/// The ranges a node takes for unreachable from outside.
fn is_routable(ip: Ipv4Addr) -> bool {
    const UNROUTABLE: [([u8; 4], u32); 12] = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 2, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([255, 255, 255, 255], 32),
    ];
    let ip = u32::from(ip);
    !UNROUTABLE
        .iter()
        .any(|(net, bits)| (ip ^ u32::from(Ipv4Addr::from(*net))) >> (32 - bits) == 0)
}

/// `core`: the port of the service address.
pub(super) fn check_platform(profile: &Profile, platform: Option<Platform>, core: u16) -> Result<(), Reject> {
    let platform = platform.ok_or_else(|| Reject::invalid("bad-protx-payload"))?;
    ensure(platform.node_id != [0; 20], || {
        Reject::invalid("bad-protx-platform-nodeid")
    })?;
    let fits = |port: u16, required: Option<u16>| {
        if profile.service.is_mainnet {
            Some(port) == required
        } else {
            port != profile.service.mainnet_port
        }
    };
    let required = profile.platform.as_ref();
    ensure(fits(platform.p2p_port, required.map(|ports| ports.p2p_port)), || {
        Reject::invalid("bad-protx-platform-p2p-port")
    })?;
    ensure(fits(platform.http_port, required.map(|ports| ports.http_port)), || {
        Reject::invalid("bad-protx-platform-http-port")
    })?;
    let distinct = platform.p2p_port != platform.http_port && platform.p2p_port != core && platform.http_port != core;
    ensure(distinct, || Reject::invalid("bad-protx-platform-dup-ports"))
}

/// The key hash that must have signed, for an external collateral; none for an internal one.
fn check_collateral(
    chain: &Chain,
    tx: &Transaction,
    payload: &ProRegTx,
    kind: MnType,
) -> Result<Option<[u8; 20]>, Reject> {
    let wrong = || Reject::invalid("bad-protx-collateral");
    let expected = chain.profile().collateral(kind).ok_or_else(wrong)?.duffs();
    let (value, output_script) = if payload.is_internal() {
        let output = usize::try_from(payload.collateral.vout)
            .ok()
            .and_then(|index| tx.outputs.get(index))
            .ok_or_else(|| Reject::invalid("bad-protx-collateral-index"))?;
        (output.value.unsigned_abs(), output.script.clone())
    } else {
        // Confirmed coins only.
        let coin = chain.coin(&payload.collateral).ok_or_else(wrong)?;
        (coin.value, coin.script.clone())
    };
    ensure(value == expected, wrong)?;
    let destination = collateral_destination(&output_script)?;
    let signer = match destination {
        _ if payload.is_internal() => None,
        Destination::Key(hash) => Some(hash),
        Destination::Script(_) => return Err(Reject::invalid("bad-protx-collateral-pkh")),
    };
    check_collateral_apart(destination, payload.owner, payload.voting)?;
    Ok(signer)
}

pub(super) fn collateral_destination(collateral: &Script) -> Result<Destination, Reject> {
    script::destination(collateral.as_bytes()).ok_or_else(|| Reject::invalid("bad-protx-collateral-dest"))
}

pub(super) fn check_collateral_apart(collateral: Destination, owner: KeyId, voting: KeyId) -> Result<(), Reject> {
    let reused = [owner, voting].iter().any(|key| collateral == Destination::Key(key.0));
    ensure(!reused, || Reject::invalid("bad-protx-collateral-reuse"))
}

pub(super) fn check_inputs_hash(tx: &Transaction, inputs_hash: [u8; 32]) -> Result<(), Reject> {
    ensure(inputs_hash == tx.inputs_hash(), || {
        Reject::invalid("bad-protx-inputs-hash")
    })
}

fn check_unique(chain: &Chain, tx: &Transaction, payload: &ProRegTx) -> Result<(), Reject> {
    let list = chain.list();
    let collateral = payload.collateral_outpoint(tx.txid());
    // The one about to be replaced may hand on its address, but not its keys.
    let address_taken = !payload.service.is_none()
        && list
            .iter()
            .any(|mn| mn.state.service == payload.service && mn.collateral != collateral);
    ensure(!address_taken, || address_is_taken(chain.dialect()))?;
    // Bytes are compared, not points: the same key in the other encoding goes unnoticed, as on real nodes.
    let key_taken = list
        .iter()
        .any(|mn| mn.state.owner == payload.owner || mn.state.operator == payload.operator);
    ensure(!key_taken, || Reject::duplicate("bad-protx-dup-key"))?;
    let node_id_taken = payload.platform.is_some_and(|platform| {
        list.iter()
            .filter_map(|mn| mn.state.platform)
            .any(|other| other.node_id == platform.node_id)
    });
    ensure(!node_id_taken, || Reject::duplicate("bad-protx-dup-platformnodeid"))?;
    let enforced = chain.height() >= chain.profile().activation.dip3_enforcement;
    ensure(enforced || payload.owner == payload.voting, || {
        Reject::invalid("bad-protx-key-not-same")
    })
}

pub(super) fn address_is_taken(dialect: Dialect) -> Reject {
    Reject::duplicate(dialect.pick("bad-protx-dup-netinfo-entry", "bad-protx-dup-addr"))
}

pub(super) fn bad_signature() -> Reject {
    Reject::invalid("bad-protx-sig")
}

fn check_signature(chain: &Chain, payload: &ProRegTx, signer: Option<[u8; 20]>) -> Result<(), Reject> {
    let Some(signer) = signer else {
        return ensure(payload.signature.is_empty(), bad_signature);
    };
    let text = payload.sign_message(chain.profile());
    let digest = message_hash(&chain.profile().message_magic, text.as_bytes());
    check_signed_by(chain.dialect(), signer, &digest, &payload.signature)
}

/// Whether a compact signature is that of a key by its hash, over a digest as it is hashed.
pub(super) fn check_signed_by(
    dialect: Dialect,
    signer: [u8; 20],
    digest: &[u8; 32],
    signature: &[u8],
) -> Result<(), Reject> {
    let bad = bad_signature;
    let signature = CompactSignature::from_slice(signature).map_err(|_| bad())?;
    let found = signature.recover_key_id(digest).map_err(|_| bad())?;
    ensure(found.0 == signer, || match dialect {
        Dialect::Core23 => bad(),
        Dialect::Core17 => bad().with(keys_do_not_match(signer, found.0, digest, signature)),
    })
}

/// The detail 0.17 gives; later nodes give none.
fn keys_do_not_match(wanted: [u8; 20], found: [u8; 20], digest: &[u8; 32], signature: CompactSignature) -> String {
    let shown = |mut hash: [u8; 20]| {
        hash.reverse();
        to_hex(&hash)
    };
    format!(
        "Keys don't match: pubkey={}, pubkeyFromSig={}, hash={}, vchSig={}",
        shown(wanted),
        shown(found),
        hash_to_display(digest),
        signature.to_base64()
    )
}

/// The collateral's script of an acceptable registration, as the list keeps it.
pub fn collateral_script(chain: &Chain, tx: &Transaction, payload: &ProRegTx) -> bitcoin::ScriptBuf {
    if payload.is_internal() {
        let index = usize::try_from(payload.collateral.vout).unwrap_or(usize::MAX);
        tx.outputs.get(index).map(|output| output.script.clone())
    } else {
        chain.coin(&payload.collateral).map(|coin| coin.script.clone())
    }
    .unwrap_or_default()
}
