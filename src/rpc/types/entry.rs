//! One masternode as `protx list registered true` and `protx info` print it (Dash Core evo/dmnstate.cpp, deterministicmns.cpp).

use bitcoin::OutPoint;

use super::fixed_hex;
use crate::protocol::key::KeyId;
use crate::protocol::masternode::entry::{Entry, OperatorKey, State};
use crate::protocol::network::MnType;
use crate::protocol::special_tx::Service;
use crate::protocol::special_tx::pro_reg::{FULL_REWARD, encoding_of};
use crate::protocol::{Address, Amount, Profile};
use crate::rpc::RpcError;
use crate::rpc::json::Json;

/// Duffs per hundredth of a percent, when a percentage is read as an amount of coins.
const DUFFS_PER_HUNDREDTH: u64 = 1_000_000;

pub(in crate::rpc) fn entry(json: &Json<'_>, profile: &Profile) -> Result<Entry, RpcError> {
    let confirmations = json.optional("confirmations", |json| json.unless_minus_one())?;
    Ok(Entry {
        pro_tx_hash: json.get("proTxHash")?.parsed()?,
        kind: json.optional("type", kind)?.unwrap_or(MnType::Regular),
        collateral: OutPoint {
            txid: json.get("collateralHash")?.parsed()?,
            vout: json.get("collateralIndex")?.u32()?,
        },
        operator_reward: json.optional("operatorReward", reward)?.unwrap_or(0),
        confirmations: confirmations.flatten(),
        state: state(&json.get("state")?, profile)?,
    })
}

fn state(json: &Json<'_>, profile: &Profile) -> Result<State, RpcError> {
    // Nodes before 19 print no version; they know only the first.
    let version = json.optional("version", |json| json.u16())?.unwrap_or(1);
    let key = |key: &str| json.optional(key, |json| key_id(json, profile));
    let payee = |key: &str| json.optional(key, |json| address(json, profile));
    Ok(State {
        version,
        service: service(json)?,
        registered_height: json.get("registeredHeight")?.u32()?,
        last_paid_height: json.get("lastPaidHeight")?.u32()?,
        consecutive_payments: json.optional("consecutivePayments", |json| json.u32())?.unwrap_or(0),
        pose_penalty: json.get("PoSePenalty")?.u32()?,
        pose_revived_height: json.get("PoSeRevivedHeight")?.unless_minus_one()?,
        pose_ban_height: json.get("PoSeBanHeight")?.unless_minus_one()?,
        revocation_reason: json.optional("revocationReason", |json| json.u16())?.unwrap_or(0),
        owner: key("ownerAddress")?,
        voting: key("votingAddress")?,
        payout: payee("payoutAddress")?,
        operator_payout: payee("operatorPayoutAddress")?,
        operator: json
            .optional("pubKeyOperator", |json| operator(json, version))?
            // A key the node did not tell is neither revoked nor known.
            .unwrap_or(OperatorKey::NotTold),
        platform_node_id: json.optional("platformNodeID", node_id)?.flatten(),
        platform_p2p_port: json.optional("platformP2PPort", port)?.flatten(),
        platform_http_port: json.optional("platformHTTPPort", port)?.flatten(),
    })
}

fn kind(json: &Json<'_>) -> Result<MnType, RpcError> {
    kind_of(json.text()?).ok_or_else(|| json.malformed())
}

pub(super) fn kind_of(name: &str) -> Option<MnType> {
    match name {
        "Regular" => Some(MnType::Regular),
        // 19.x used the first name.
        "HighPerformance" | "Evo" => Some(MnType::Evo),
        _ => None,
    }
}

/// A percentage with at most two decimals, as hundredths: `5.25` is 525.
fn reward(json: &Json<'_>) -> Result<u16, RpcError> {
    hundredths(json.coins()?).ok_or_else(|| json.malformed())
}

/// A percentage that was read as an amount of coins.
pub(super) fn hundredths(percent: Amount) -> Option<u16> {
    let duffs = percent.duffs();
    let hundredths = u16::try_from(duffs / DUFFS_PER_HUNDREDTH).ok();
    hundredths.filter(|reward| duffs.is_multiple_of(DUFFS_PER_HUNDREDTH) && *reward <= FULL_REWARD)
}

/// `addresses.core_p2p[0]` of newer nodes, else `service`; both print "no address" in several ways.
pub(super) fn service(json: &Json<'_>) -> Result<Service, RpcError> {
    if let Some(addresses) = json.maybe("addresses")?
        && let Some(core) = addresses.maybe("core_p2p")?
        && let Some(first) = core.items()?.next()
    {
        return parse_service(&first);
    }
    Ok(json.optional("service", parse_service)?.unwrap_or(Service::NONE))
}

fn parse_service(json: &Json<'_>) -> Result<Service, RpcError> {
    json.text().map(service_of)
}

/// Later nodes list Tor and I2P addresses and domains, which nothing here can hold: one such masternode must not cost the whole
/// list, so it is shown without address.
pub(super) fn service_of(text: &str) -> Service {
    text.parse().unwrap_or(Service::NONE)
}

pub(super) fn address(json: &Json<'_>, profile: &Profile) -> Result<Address, RpcError> {
    Address::parse(json.text()?, profile).map_err(|_| json.malformed())
}

pub(super) fn key_id(json: &Json<'_>, profile: &Profile) -> Result<KeyId, RpcError> {
    let hash = Address::parse_key(json.text()?, profile).map_err(|_| json.malformed())?;
    Ok(KeyId(hash))
}

pub(super) fn operator(json: &Json<'_>, version: u16) -> Result<OperatorKey, RpcError> {
    Ok(OperatorKey::from_bytes(fixed_hex(json)?, encoding_of(version)))
}

/// None for what is no port: extended addresses of later nodes may have none.
pub(super) fn port(json: &Json<'_>) -> Result<Option<u16>, RpcError> {
    Ok(json.u16().ok().filter(|port| *port != 0))
}

/// None for the zeros a node prints after the operator key was changed.
pub(super) fn node_id(json: &Json<'_>) -> Result<Option<String>, RpcError> {
    let bytes = fixed_hex::<20>(json)?;
    let text = json.text()?.to_ascii_lowercase();
    Ok((bytes != [0; 20]).then_some(text))
}
