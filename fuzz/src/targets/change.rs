//! What an input of the rules target may change: the transaction, its payload, the state of the chain; and how it may be made
//! whole again afterwards, so that changes get past the inputs hash and the signatures.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Txid};

use super::world::{World, coin, listed, output, worlds};
use super::{Bytes, profile};
use crate::protocol::bls::{PublicKey, Scheme, SecretKey};
use crate::protocol::masternode::{Entry, OperatorKey};
use crate::protocol::message::message_hash;
use crate::protocol::network::MnType;
use crate::protocol::rules::{Coin, Dialect, Pending};
use crate::protocol::special_tx::operator_signature::UNSIGNED;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::special_tx::{Payload, Service};
use crate::protocol::tx::{TxIn, TxOut};
use crate::protocol::{Amount, KeyId, SecpKey, script};

/// As many changes as one input may make.
const CHANGES: usize = 24;
/// As many signatures as one input may ask for.
const SIGNATURES: usize = 1;

/// The changes that make a transaction whole; seeds name them.
pub(super) const INPUTS_HASH: u8 = 0;
pub(super) const SIGN_PAYLOAD: u8 = 1;
pub(super) const SIGN_INPUTS: u8 = 2;
/// How many there are.
pub(super) const KINDS: u8 = 40;

struct Keys {
    owner: SecpKey,
    collateral: SecpKey,
    fee: SecpKey,
    operator: SecretKey,
    operator_public: PublicKey,
    other_public: PublicKey,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let key = |n| SecpKey::from_bytes(&[n; 32]).expect("in range");
    let secret = |n| SecretKey::from_bytes(&[n; 32]).expect("in range");
    Keys {
        owner: key(1),
        collateral: key(4),
        fee: key(5),
        operator: secret(2),
        operator_public: secret(2).public_key(),
        other_public: secret(6).public_key(),
    }
});

/// A recorded transaction with the changes the input says; the first byte chooses which one.
pub(super) fn read(input: &[u8]) -> World {
    let mut bytes = Bytes(input);
    let all = worlds();
    let mut world = all[usize::from(bytes.u8()) % all.len()].clone();
    let mut signed = world.tx.payload.clone();
    let mut signatures = 0;
    for _ in 0..CHANGES {
        if bytes.is_empty() {
            break;
        }
        let kind = bytes.u8() % KINDS;
        if kind == SIGN_PAYLOAD && signatures == SIGNATURES {
            continue;
        }
        change(&mut world, kind, &mut bytes);
        if kind == SIGN_PAYLOAD {
            signatures += 1;
            signed.clone_from(&world.tx.payload);
        }
    }
    // Refusing an operator's signature takes milliseconds: most of those that cannot hold any more are left out.
    if signed != world.tx.payload && !input.len().is_multiple_of(4) {
        edit(&mut world, |payload| match payload {
            Payload::ProUpServ(payload) => payload.signature = UNSIGNED,
            Payload::ProUpRev(payload) => payload.signature = UNSIGNED,
            _ => {}
        });
    }
    world
}

fn change(world: &mut World, kind: u8, bytes: &mut Bytes<'_>) {
    match kind {
        INPUTS_HASH => put_inputs_hash(world),
        SIGN_PAYLOAD => sign_payload(world),
        SIGN_INPUTS => sign_inputs(world),
        3..=7 => change_bytes(&mut world.tx.payload, kind - 3, bytes),
        8..=14 => change_frame(world, kind - 8, bytes),
        15..=21 => change_fields(world, kind - 15, bytes),
        22..=24 => change_context(world, kind - 22, bytes),
        25..=31 => change_entry(world, kind - 25, bytes),
        32..=35 => change_coin(world, kind - 32, bytes),
        _ => change_facts(world, kind - 36, bytes),
    }
}

fn change_bytes(payload: &mut Vec<u8>, kind: u8, bytes: &mut Bytes<'_>) {
    let at = bytes.below(payload.len().max(1));
    match kind {
        0 => payload.iter_mut().skip(at).take(1).for_each(|byte| *byte = bytes.u8()),
        1 => payload.insert(at, bytes.u8()),
        2 => payload.truncate(at),
        3 => payload.extend_from_slice(bytes.short()),
        _ => {
            let new = bytes.short();
            payload.iter_mut().skip(at).zip(new).for_each(|(old, new)| *old = *new);
        }
    }
}

fn change_frame(world: &mut World, kind: u8, bytes: &mut Bytes<'_>) {
    let tx = &mut world.tx;
    match kind {
        0 => tx.version = i16::from(bytes.u8()),
        1 => tx.kind = u16::from(bytes.u8()),
        2 => tx.lock_time = bytes.u32(),
        3 => {
            let at = bytes.below(tx.outputs.len());
            let value = bytes.i64();
            tx.outputs
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|output| output.value = value);
        }
        4 => {
            // Repeated, as bare multisig repeats its keys.
            let script = bytes.short().repeat(1 + usize::from(bytes.u8() & 0x3f));
            let script = ScriptBuf::from_bytes(script);
            tx.outputs.push(TxOut {
                value: bytes.i64(),
                script,
            });
        }
        5 => drop(tx.outputs.pop()),
        _ => {
            let previous = OutPoint {
                txid: Txid::from_byte_array([bytes.u8(); 32]),
                vout: u32::from(bytes.u8()),
            };
            tx.inputs.push(TxIn::unsigned(previous));
            let owner = KEYS.fee.key_id().address();
            world
                .facts
                .coins
                .insert(previous, Some(coin(Amount::from_duffs(50_000), owner)));
        }
    }
}

/// Changes by meaning instead of by position, of the fields the types have in common.
fn change_fields(world: &mut World, kind: u8, bytes: &mut Bytes<'_>) {
    let service = Service::v4(Ipv4Addr::from(bytes.array::<4>()), bytes.u16());
    let small = u16::from(bytes.u8());
    let id = KeyId([bytes.u8(); 20]);
    let text = ScriptBuf::from_bytes(bytes.short().to_vec());
    let platform = Platform {
        node_id: id.0,
        p2p_port: service.port,
        http_port: small,
    };
    edit(world, |payload| match payload {
        Payload::ProReg(payload) => match kind {
            0 => payload.service = service,
            1 => (payload.kind, payload.platform) = (small & 1, (small & 1 == 1).then_some(platform)),
            2 => payload.mode = small,
            3 => payload.owner = id,
            4 => payload.voting = id,
            5 => payload.payout = text,
            _ => payload.collateral.vout = u32::from(small),
        },
        Payload::ProUpServ(payload) => match kind {
            0 | 1 => payload.service = service,
            2 => (payload.kind, payload.platform) = (small & 1, (small & 1 == 1).then_some(platform)),
            3 => payload.service = Service::NONE,
            _ => payload.operator_payout = text,
        },
        Payload::ProUpReg(payload) => match kind {
            0 => payload.mode = small,
            1 => payload.operator = KEYS.other_public.encode(payload.key_encoding()),
            2 => payload.operator = KEYS.operator_public.encode(Scheme::Basic),
            3 | 4 => payload.voting = id,
            _ => payload.payout = text,
        },
        Payload::ProUpRev(payload) => payload.reason = small,
        Payload::None | Payload::Unknown { .. } => {}
    });
}

fn change_context(world: &mut World, kind: u8, bytes: &mut Bytes<'_>) {
    match kind {
        0 => world.dialect = [Dialect::V17, Dialect::V19, Dialect::V23][bytes.below(3)],
        1 => world.max_version = 1 + u16::from(bytes.u8() & 1),
        _ => world.profile = profile(["dash", "dash-regtest", "wei-regtest"][bytes.below(3)]),
    }
    // Nodes of that generation have never known another version.
    if world.dialect == Dialect::V17 {
        world.max_version = 1;
    }
}

fn change_entry(world: &mut World, kind: u8, bytes: &mut Bytes<'_>) {
    let payload = Payload::of(&world.tx);
    if world.facts.masternodes.is_empty() {
        world.facts.masternodes.push(listed(0x55, world.max_version));
    }
    let at = bytes.below(world.facts.masternodes.len());
    let entry = &mut world.facts.masternodes[at];
    match kind {
        0 => {
            entry.kind = if bytes.u8() & 1 == 0 {
                MnType::Regular
            } else {
                MnType::Evo
            }
        }
        1 => entry.operator_reward = bytes.u16(),
        2 => entry.state.operator = operator(bytes),
        3 => entry.state.version = u16::from(bytes.u8()),
        4 => entry.state.owner = Some(KeyId([bytes.u8(); 20])).filter(|id| !id.is_null()),
        5 => drop(world.facts.masternodes.remove(at)),
        _ => imitate(entry, &payload.unwrap_or(Payload::None)),
    }
}

fn operator(bytes: &mut Bytes<'_>) -> OperatorKey {
    match bytes.u8() % 4 {
        0 => OperatorKey::Revoked,
        1 => OperatorKey::of(&KEYS.operator_public, Scheme::Basic),
        2 => OperatorKey::of(&KEYS.other_public, Scheme::Legacy),
        _ => OperatorKey::from_bytes([0xff; 48], Scheme::Basic),
    }
}

/// A masternode that has already what the transaction wants.
fn imitate(entry: &mut Entry, payload: &Payload) {
    match payload {
        Payload::ProReg(payload) => {
            entry.state.service = payload.service;
            entry.state.platform_node_id = payload.platform.map(|platform| platform.node_id_hex());
        }
        Payload::ProUpServ(payload) => {
            entry.state.service = payload.service;
            entry.state.platform_node_id = payload.platform.map(|platform| platform.node_id_hex());
        }
        Payload::ProUpReg(payload) => {
            entry.state.voting = Some(payload.voting);
            entry.state.operator = OperatorKey::from_bytes(payload.operator, payload.key_encoding());
        }
        _ => {}
    }
}

fn change_coin(world: &mut World, kind: u8, bytes: &mut Bytes<'_>) {
    // By outpoint: a map has no order that two runs share.
    let mut outpoints: Vec<OutPoint> = world.facts.coins.keys().copied().collect();
    outpoints.sort_unstable();
    let Some(outpoint) = outpoints.get(bytes.below(outpoints.len())) else {
        return;
    };
    let Some(Some(coin)) = world.facts.coins.get_mut(outpoint) else {
        return;
    };
    let Coin {
        value,
        script,
        confirmations,
        coinbase,
        spent_in_mempool,
    } = coin;
    match kind {
        0 => *value = Amount::from_duffs(bytes.i64().unsigned_abs()),
        1 => *script = ScriptBuf::from_bytes(bytes.short().to_vec()),
        2 => (*confirmations, *coinbase, *spent_in_mempool) = (bytes.u32(), bytes.u8() & 1 == 1, bytes.u8() & 1 == 1),
        _ if bytes.u8() & 1 == 0 => drop(world.facts.coins.remove(outpoint)),
        _ => drop(world.facts.coins.insert(*outpoint, None)),
    }
}

fn change_facts(world: &mut World, kind: u8, bytes: &mut Bytes<'_>) {
    let facts = &mut world.facts;
    match kind {
        0 => facts.height = bytes.u32(),
        1 => facts.relay_fee = Amount::from_duffs(bytes.i64().unsigned_abs()),
        2 => {
            let waiting = &worlds()[bytes.below(worlds().len())].tx;
            let pending = Pending {
                txid: waiting.txid(),
                tx: waiting.clone(),
            };
            facts.pending.get_or_insert_default().push(pending);
        }
        _ => match bytes.u8() % 4 {
            0 => facts.known = true,
            3 => {
                let sequence = bytes.u32();
                world.tx.inputs.iter_mut().for_each(|input| input.sequence = sequence);
            }
            1 => facts.pending = None,
            _ => world.tx.outputs.push(output(1_000)),
        },
    }
}

/// Rewrites the payload, where it can be read.
fn edit(world: &mut World, change: impl FnOnce(&mut Payload)) {
    let Ok(mut payload) = Payload::of(&world.tx) else {
        return;
    };
    change(&mut payload);
    // Type and version stay what they were changed to.
    let (version, kind) = (world.tx.version, world.tx.kind);
    payload.attach(&mut world.tx);
    (world.tx.version, world.tx.kind) = (version, kind);
}

fn put_inputs_hash(world: &mut World) {
    let right = world.tx.inputs_hash();
    edit(world, |payload| payload.set_inputs_hash(right));
}

/// Gives the masternode or the collateral a key of ours, and signs with it.
pub(super) fn sign_payload(world: &mut World) {
    let Ok(payload) = Payload::of(&world.tx) else {
        return;
    };
    let keys = &*KEYS;
    match &payload {
        Payload::ProReg(payload) => {
            if let Some(Some(coin)) = world.facts.coins.get_mut(&payload.collateral) {
                coin.script = keys.collateral.key_id().address().script();
            }
        }
        update => {
            let hash = update.pro_tx_hash();
            let mut entries = world.facts.masternodes.iter_mut();
            if let Some(entry) = entries.find(|entry| Some(entry.pro_tx_hash) == hash) {
                match update {
                    Payload::ProUpReg(_) => entry.state.owner = Some(keys.owner.key_id()),
                    _ => entry.state.name_operator(&keys.operator_public),
                }
            }
        }
    }
    let profile = world.profile;
    let scheme = world.context().scheme();
    edit(world, |payload| match payload {
        Payload::ProReg(payload) if payload.is_internal() => payload.signature.clear(),
        Payload::ProReg(payload) => {
            let text = payload.sign_message(profile);
            let digest = message_hash(&profile.message_magic, text.as_bytes());
            payload.signature = keys.collateral.sign_compact(&digest).as_bytes().to_vec();
        }
        Payload::ProUpServ(payload) => payload.sign(&keys.operator, scheme, payload.encoding()),
        Payload::ProUpReg(payload) => payload.sign(&keys.owner),
        Payload::ProUpRev(payload) => payload.sign(&keys.operator, scheme, payload.encoding()),
        Payload::None | Payload::Unknown { .. } => {}
    });
}

/// Makes every coin the fee key's, and signs.
pub(super) fn sign_inputs(world: &mut World) {
    let fee = &KEYS.fee;
    let spent = script::pay_to_key(&fee.key_id().0);
    for at in 0..world.tx.inputs.len().min(8) {
        let previous = world.tx.inputs[at].previous;
        if let Some(Some(coin)) = world.facts.coins.get_mut(&previous) {
            coin.script = spent.clone();
        }
        let signature = fee.sign_der(&world.tx.sighash_all(at, spent.as_bytes()));
        world.tx.inputs[at].script_sig = script::script_sig(&signature, &fee.public_key().serialize());
    }
}
