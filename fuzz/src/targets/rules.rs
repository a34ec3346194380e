//! The rules: a recorded transaction is changed, the chain around it too, and it is judged.

use bitcoin::hashes::Hash;

use super::change::{self, INPUTS_HASH, KINDS, SIGN_INPUTS, SIGN_PAYLOAD};
use super::transaction;
use super::world::{World, worlds};
use crate::protocol::masternode::OperatorKey;
use crate::protocol::message::message_hash;
use crate::protocol::rules::{Context, Verdict, check, is_signed};
use crate::protocol::script::{self, Destination};
use crate::protocol::special_tx::{Payload, ProRegTx};
use crate::protocol::tx::{PRO_REG, PRO_UP_REV};

/// The first byte chooses the transaction, each further one a change, followed by what the change needs.
pub fn rules(bytes: &[u8]) {
    let world = change::read(bytes);
    // Some lengths ask for a second opinion; operators' signatures make it slow.
    judge(&world, bytes.len().is_multiple_of(4));
}

/// What the rules say of an input.
pub fn is_accepted(bytes: &[u8]) -> bool {
    judge(&change::read(bytes), false)
}

fn judge(world: &World, twice: bool) -> bool {
    let verdict = check(&world.tx, &world.context());
    if twice {
        assert_eq!(
            check(&world.tx, &world.context()),
            verdict,
            "a verdict depends on nothing else"
        );
    }
    for each in &verdict.checks {
        assert!(!each.rule.is_empty() && !each.message.is_empty());
        assert!(
            !each.reject.is_empty() || each.is_advice() || each.passed.is_none(),
            "{} refuses without a word",
            each.rule
        );
    }
    assert_eq!(verdict.accepted(), verdict.failures().next().is_none());
    assert!(verdict.warnings().all(|check| check.is_advice()));
    without_node(world, &verdict);
    let payload = Payload::of(&world.tx);
    let is_ours = world.tx.has_payload() && (PRO_REG..=PRO_UP_REV).contains(&world.tx.kind);
    let is_read = !matches!(payload, Err(_) | Ok(Payload::Unknown { .. } | Payload::None));
    assert!(
        !verdict.accepted() || !is_ours || is_read,
        "a malformed payload is never accepted"
    );
    if verdict.accepted() {
        accepted(world, &payload.unwrap_or(Payload::None));
    }
    verdict.accepted()
}

/// Locks that nothing heeds hold without a node, though others need one.
const LOCKS: [&str; 2] = ["final", "inputs-unlocked"];

/// What is wrong without a node stays wrong with one, and nothing of its state is taken for granted.
fn without_node(world: &World, with: &Verdict) {
    let context = Context {
        facts: None,
        ..world.context()
    };
    let without = check(&world.tx, &context);
    for each in &without.checks {
        assert!(
            !each.needs_node || each.passed != Some(true) || LOCKS.contains(&each.rule),
            "{} was not asked",
            each.rule
        );
        let kept = with
            .checks
            .iter()
            .any(|other| (other.rule, other.passed) == (each.rule, each.passed));
        assert!(
            each.passed != Some(false) || kept,
            "{} fails only without a node",
            each.rule
        );
    }
    assert!(without.accepted() || !with.accepted());
}

/// Everything a node would have to find right, looked at again from the transaction's side.
fn accepted(world: &World, payload: &Payload) {
    let (tx, facts) = (&world.tx, &world.facts);
    transaction(&tx.encode());
    let mut spent = std::collections::HashSet::new();
    let mut paid_in: u128 = 0;
    for (at, input) in tx.inputs.iter().enumerate() {
        assert!(spent.insert(input.previous), "no coin is spent twice");
        let coin = facts.coins.get(&input.previous).and_then(Option::as_ref);
        let coin = coin.expect("only coins that exist are spent");
        assert_ne!(
            is_signed(tx, at, coin.script.as_bytes()),
            Some(false),
            "input {at} is signed"
        );
        assert!(!coin.coinbase || coin.confirmations >= facts.coinbase_maturity);
        assert!(facts.known || !coin.spent_in_mempool);
        paid_in += u128::from(coin.value.duffs());
    }
    let paid_out: i128 = tx.outputs.iter().map(|output| i128::from(output.value)).sum();
    assert!(tx.outputs.iter().all(|output| output.value >= 0));
    assert!(
        i128::try_from(paid_in).is_ok_and(|paid_in| paid_in >= paid_out),
        "no coins are made"
    );
    assert!(!tx.inputs.is_empty() && !tx.outputs.is_empty());
    commits(world, payload);
    signed(world, payload);
}

fn commits(world: &World, payload: &Payload) {
    let (version, inputs_hash) = match payload {
        Payload::ProReg(payload) => (payload.version, payload.inputs_hash),
        Payload::ProUpServ(payload) => (payload.version, payload.inputs_hash),
        Payload::ProUpReg(payload) => (payload.version, payload.inputs_hash),
        Payload::ProUpRev(payload) => (payload.version, payload.inputs_hash),
        Payload::None | Payload::Unknown { .. } => return,
    };
    assert!((1..=world.max_version).contains(&version));
    assert_eq!(inputs_hash, world.tx.inputs_hash(), "the payload commits to the inputs");
}

/// The payload is signed by whom the chain says; none of the listed keys may be one this program cannot read.
fn signed(world: &World, payload: &Payload) {
    let hash = payload.pro_tx_hash();
    let mut entries = world.facts.masternodes.iter();
    let entry = entries.find(|entry| Some(entry.pro_tx_hash) == hash);
    assert!(hash.is_none() || entry.is_some(), "only listed masternodes are updated");
    let scheme = world.context().scheme();
    match (
        payload,
        entry.map(|entry| (entry.state.operator, entry.state.operator.point(), entry.state.owner)),
    ) {
        (Payload::ProReg(payload), _) => registered(world, payload),
        (Payload::ProUpReg(payload), Some((_, _, owner))) => {
            let signer = payload.signer().expect("an owner has signed");
            assert_eq!(Some(signer), owner);
        }
        (Payload::ProUpServ(payload), Some((_, Some(key), _))) => {
            assert!(payload.is_signed_by(&key, scheme, payload.encoding()));
        }
        (Payload::ProUpRev(payload), Some((_, Some(key), _))) => {
            assert!(payload.is_signed_by(&key, scheme, payload.encoding()));
        }
        // Cannot be told, and is said so.
        (_, Some((OperatorKey::Listed { .. } | OperatorKey::NotTold, None, _))) => {}
        (Payload::ProUpServ(_) | Payload::ProUpRev(_), _) => panic!("nobody could have signed this"),
        _ => {}
    }
}

fn registered(world: &World, payload: &ProRegTx) {
    let kind = payload.mn_type().expect("a type that exists");
    let wanted = world.profile.collateral(kind);
    if payload.is_internal() {
        let output = &world.tx.outputs[payload.collateral.vout as usize];
        assert_eq!(output.amount(), wanted);
        assert!(payload.signature.is_empty());
        return;
    }
    let Some(Some(coin)) = world.facts.coins.get(&payload.collateral) else {
        // Not asked for: cannot be told.
        assert!(!world.facts.coins.contains_key(&payload.collateral));
        return;
    };
    assert!(Some(coin.value) == wanted && coin.confirmations > 0);
    let text = payload.sign_message(world.profile);
    let digest = message_hash(&world.profile.message_magic, text.as_bytes());
    let signature = payload.compact_signature().expect("an external collateral has signed");
    let signer = signature
        .recover_key_id(&digest)
        .expect("an external collateral has signed");
    assert_eq!(
        script::destination(coin.script.as_bytes()),
        Some(Destination::Key(signer.0))
    );
    assert_ne!(payload.collateral.txid.to_byte_array(), [0; 32]);
}

/// A recorded transaction, signed again by keys of ours.
pub fn whole(at: u8) -> Vec<u8> {
    vec![at, INPUTS_HASH, SIGN_PAYLOAD, SIGN_INPUTS]
}

/// Every recorded transaction as it is, made whole by keys of ours, and with each change that can be made, whole and not.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for at in 0..u8::try_from(worlds().len()).expect("fewer than 256 recordings") {
        out.push(vec![at]);
        out.push(whole(at));
    }
    for kind in INPUTS_HASH..KINDS {
        for at in [1, 8, 11, 15, 40] {
            let what = [1; 12];
            out.push([&[at, kind][..], &what[..usize::from(kind % 12)]].concat());
        }
    }
    out
}
