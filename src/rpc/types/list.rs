//! `protx list registered true` read straight from its text, for lists of thousands: no tree in memory, no field looked at that is
//! not needed.
//!
//! Only what is beyond doubt is read here. Whatever is missing, odd or wrong gives none, and [`super::entry`] reads the list again:
//! it knows every form that nodes have used and names the field that is wrong.

use std::collections::HashSet;
use std::fmt;

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::entry;
use crate::protocol::key::KeyId;
use crate::protocol::masternode::entry::{Entry, OperatorKey, State};
use crate::protocol::network::MnType;
use crate::protocol::special_tx::Service;
use crate::protocol::special_tx::pro_reg::encoding_of;
use crate::protocol::wire::to_hex;
use crate::protocol::{Address, Profile};

/// The entries of a list, or none if a slower look is needed.
pub(super) fn masternodes(text: &str, profile: &Profile) -> Option<Vec<Entry>> {
    let mut json = serde_json::Deserializer::from_str(text);
    let entries = List(profile).deserialize(&mut json).ok()?;
    json.end().ok()?;
    let mut seen = HashSet::with_capacity(entries.len());
    let once = entries.iter().all(|entry| seen.insert(entry.pro_tx_hash));
    once.then_some(entries)
}

/// Reads an array of entries.
struct List<'a>(&'a Profile);

/// Reads an entry.
struct OfEntry<'a>(&'a Profile);

/// Reads the `state` of an entry.
struct OfState<'a>(&'a Profile);

/// Reads `addresses`: the first of `core_p2p`, if there is one.
struct OfAddresses;

/// A value of an object. None: null, which stands for a missing one everywhere in replies.
fn told<'de, T: serde::Deserialize<'de>, M: MapAccess<'de>>(map: &mut M) -> Result<Option<T>, M::Error> {
    map.next_value()
}

/// The field is missing or not understood; which one does not matter, as nobody reads this.
fn unsure<T, E: Error>(value: Option<T>) -> Result<T, E> {
    value.ok_or_else(|| E::custom("unsure"))
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Vec<Entry>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Entry>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Vec<Entry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of masternodes")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Vec<Entry>, S::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = items.next_element_seed(OfEntry(self.0))? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

impl<'de> DeserializeSeed<'de> for OfEntry<'_> {
    type Value = Entry;

    /// Objects only: a derived reader would take an array for one.
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Entry, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OfEntry<'_> {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a masternode")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entry, M::Error> {
        let (mut hash, mut txid, mut vout, mut state) = (None, None, None, None);
        let (mut kind, mut reward, mut confirmations) = (None, None, None);
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "proTxHash" => hash = told::<&str, _>(&mut map)?,
                "type" => kind = told::<&str, _>(&mut map)?,
                "collateralHash" => txid = told::<&str, _>(&mut map)?,
                "collateralIndex" => vout = told::<u32, _>(&mut map)?,
                "operatorReward" => reward = told::<&RawValue, _>(&mut map)?,
                "confirmations" => confirmations = told::<i64, _>(&mut map)?,
                "state" => state = Some(map.next_value_seed(OfState(self.0))?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Entry {
            pro_tx_hash: unsure(hash.and_then(as_shown))?,
            kind: match kind {
                None => MnType::Regular,
                Some(name) => unsure(entry::kind_of(name))?,
            },
            collateral: OutPoint {
                txid: unsure(txid.and_then(as_shown))?,
                vout: unsure(vout)?,
            },
            operator_reward: match reward.map(RawValue::get) {
                None | Some("0") => 0,
                Some(percent) => unsure(percent.parse().ok().and_then(entry::hundredths))?,
            },
            confirmations: unless_minus_one(confirmations)?,
            state: unsure(state)?,
        })
    }
}

impl<'de> DeserializeSeed<'de> for OfState<'_> {
    type Value = State;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<State, D::Error> {
        json.deserialize_map(self)
    }
}

/// The texts and numbers of a `state`, as they stand there.
#[derive(Default)]
struct Fields<'a> {
    version: Option<u16>,
    service: Option<&'a str>,
    core_p2p: Option<&'a str>,
    registered: Option<u32>,
    last_paid: Option<u32>,
    consecutive: Option<u32>,
    penalty: Option<u32>,
    revived: Option<i64>,
    banned: Option<i64>,
    revocation: Option<u16>,
    owner: Option<&'a str>,
    voting: Option<&'a str>,
    payout: Option<&'a str>,
    operator_payout: Option<&'a str>,
    operator: Option<&'a str>,
    node_id: Option<&'a str>,
    p2p_port: Option<u16>,
    http_port: Option<u16>,
}

impl<'de> Visitor<'de> for OfState<'_> {
    type Value = State;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the state of a masternode")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<State, M::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "version" => fields.version = told(&mut map)?,
                "service" => fields.service = told(&mut map)?,
                "addresses" => fields.core_p2p = map.next_value_seed(OfAddresses)?,
                "registeredHeight" => fields.registered = told(&mut map)?,
                "lastPaidHeight" => fields.last_paid = told(&mut map)?,
                "consecutivePayments" => fields.consecutive = told(&mut map)?,
                "PoSePenalty" => fields.penalty = told(&mut map)?,
                "PoSeRevivedHeight" => fields.revived = told(&mut map)?,
                "PoSeBanHeight" => fields.banned = told(&mut map)?,
                "revocationReason" => fields.revocation = told(&mut map)?,
                "ownerAddress" => fields.owner = told(&mut map)?,
                "votingAddress" => fields.voting = told(&mut map)?,
                "payoutAddress" => fields.payout = told(&mut map)?,
                "operatorPayoutAddress" => fields.operator_payout = told(&mut map)?,
                "pubKeyOperator" => fields.operator = told(&mut map)?,
                "platformNodeID" => fields.node_id = told(&mut map)?,
                "platformP2PPort" => fields.p2p_port = told(&mut map)?,
                "platformHTTPPort" => fields.http_port = told(&mut map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        fields.state(self.0)
    }
}

impl Fields<'_> {
    fn state<E: Error>(self, profile: &Profile) -> Result<State, E> {
        let version = self.version.unwrap_or(1);
        let service = self.core_p2p.or(self.service);
        let payee = |text: Option<&str>| optional(text, |text| Address::parse(text, profile).ok());
        let key = |text: Option<&str>| optional(text, |text| Address::parse_key(text, profile).ok().map(KeyId));
        let operator = optional(self.operator, bytes_of)?;
        let node_id = optional(self.node_id, bytes_of::<20>)?;
        Ok(State {
            version,
            service: service.map_or(Service::NONE, entry::service_of),
            registered_height: unsure(self.registered)?,
            last_paid_height: unsure(self.last_paid)?,
            consecutive_payments: self.consecutive.unwrap_or(0),
            pose_penalty: unsure(self.penalty)?,
            pose_revived_height: unless_minus_one(Some(unsure(self.revived)?))?,
            pose_ban_height: unless_minus_one(Some(unsure(self.banned)?))?,
            revocation_reason: self.revocation.unwrap_or(0),
            owner: key(self.owner)?,
            voting: key(self.voting)?,
            payout: payee(self.payout)?,
            operator_payout: payee(self.operator_payout)?,
            operator: operator.map_or(OperatorKey::NotTold, |bytes| {
                OperatorKey::from_bytes(bytes, encoding_of(version))
            }),
            platform_node_id: node_id.filter(|id| *id != [0; 20]).map(|id| to_hex(&id)),
            platform_p2p_port: self.p2p_port.filter(|port| *port != 0),
            platform_http_port: self.http_port.filter(|port| *port != 0),
        })
    }
}

impl<'de> DeserializeSeed<'de> for OfAddresses {
    type Value = Option<&'de str>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for OfAddresses {
    type Value = Option<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the addresses of a masternode")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut first = None;
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "core_p2p" => first = told::<Vec<&str>, _>(&mut map)?.and_then(|all| all.first().copied()),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(first)
    }
}

/// A field that may be missing, but not be misunderstood.
fn optional<'a, T, E: Error>(text: Option<&'a str>, read: impl FnOnce(&'a str) -> Option<T>) -> Result<Option<T>, E> {
    text.map(|text| unsure(read(text))).transpose()
}

fn unless_minus_one<E: Error>(number: Option<i64>) -> Result<Option<u32>, E> {
    match number {
        None | Some(-1) => Ok(None),
        Some(number) => unsure(u32::try_from(number).ok()).map(Some),
    }
}

/// A hash as shown: its bytes backwards.
fn as_shown(text: &str) -> Option<Txid> {
    let mut bytes = bytes_of::<32>(text)?;
    bytes.reverse();
    Some(Txid::from_byte_array(bytes))
}

/// Exactly so many bytes of hexadecimal digits.
fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        // Both are below 16.
        *byte = (digit(*high)? << 4 | digit(*low)?) as u8;
    }
    Some(bytes)
}
