//! Whether a transaction may enter the mempool: Dash Core's AcceptToMemoryPool, in its order.
//!
//! Form, policy, finality, what is known already, inputs, fee, chains of unconfirmed ones, conflicts between registrations,
//! the payload, and last the scripts. The payloads' own rules are in `pro_tx` and `pro_up`.

use std::collections::BTreeSet;

use bitcoin::OutPoint;
use bitcoin::hashes::Hash;

use super::asset_unlock::ASSET_UNLOCK;
use super::chain::{Chain, Coin};
use super::reject::{Reject, ensure};
use super::script_check;
use super::{pro_tx, pro_up};
use crate::protocol::script::{self, Destination};
use crate::protocol::special_tx::{MAX_PAYLOAD, Payload};
use crate::protocol::tx::{self, Transaction, TxOut};

/// Consensus since DIP-0001, and policy.
const MAX_SIZE: usize = 100_000;
/// Smaller ones can imitate inner nodes of the merkle tree.
const MIN_SIZE: usize = 83;
const MAX_SCRIPT_SIG: usize = 1_650;
const MAX_NULL_DATA: usize = 83;
/// **Duffs** per 1000 bytes: what spending an output is assumed to cost, three times the relay fee.
const DUST_RATE: usize = 3_000;
/// Bytes of a typical input, for the dust rule.
const SPENDING_INPUT: usize = 148;
/// **Duffs** per 1000 bytes.
pub const RELAY_RATE: u64 = 1_000;
/// Lock times below are heights, from here on Unix seconds.
const LOCK_TIME_THRESHOLD: u32 = 500_000_000;
const FINAL_SEQUENCE: u32 = 0xffff_ffff;
/// Last type number the protocol assigned.
const LAST_TYPE: u16 = 9;

/// How far a sender is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Everything is checked.
    Stranger,
    /// The faucet and Platform: may create nonstandard outputs, for tests of what consensus says to them.
    Faucet,
    /// It was in the mempool before; scripts do not change.
    Again,
}

/// What is known of an acceptable transaction.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// **Duffs**.
    pub fee: u64,
    /// Bytes.
    pub size: usize,
    pub payload: Payload,
    /// As in [`super::mempool::Entry`].
    pub changes_operator: bool,
}

/// # Errors
/// The first rule broken, in the node's order.
pub fn check(chain: &Chain, tx: &Transaction, trust: Trust) -> Result<Accepted, Reject> {
    let size = tx.size();
    check_form(chain, tx, size)?;
    check_policy(chain, tx, size, trust)?;
    ensure(is_final(chain, tx), || Reject::nonstandard("non-final"))?;
    check_known(chain, tx)?;
    let spent = find_inputs(chain, tx)?;
    let fee = match tx.kind {
        ASSET_UNLOCK => u64::from(chain.check_asset_unlock(tx, trust)?.fee),
        _ => check_values(chain, tx, &spent)?,
    };
    check_fee(chain, fee, size)?;
    if let Some(why) = chain.mempool().chain_too_long(tx) {
        return Err(Reject::nonstandard("too-long-mempool-chain").with(why));
    }
    let payload = check_payload(chain, tx)?;
    let changes_operator = changes_operator(chain, &payload);
    ensure(!chain.mempool().conflicts_with(&payload, changes_operator), || {
        Reject::duplicate("protx-dup")
    })?;
    if trust != Trust::Again {
        for (index, coin) in spent.iter().enumerate() {
            script_check::check_input(tx, index, coin.script.as_bytes())?;
        }
    }
    Ok(Accepted {
        fee,
        size,
        payload,
        changes_operator,
    })
}

fn check_form(chain: &Chain, tx: &Transaction, size: usize) -> Result<(), Reject> {
    check_type(chain, tx)?;
    ensure(!tx.inputs.is_empty() || tx.kind == ASSET_UNLOCK, || {
        Reject::invalid("bad-txns-vin-empty")
    })?;
    ensure(!tx.outputs.is_empty(), || Reject::invalid("bad-txns-vout-empty"))?;
    ensure(size <= MAX_SIZE, || Reject::invalid("bad-txns-oversize"))?;
    ensure(tx.payload.len() <= MAX_PAYLOAD, || {
        Reject::invalid("bad-txns-payload-oversize")
    })?;
    check_outputs(chain, &tx.outputs)?;
    let distinct: BTreeSet<OutPoint> = tx.inputs.iter().map(|input| input.previous).collect();
    ensure(distinct.len() == tx.inputs.len(), || {
        Reject::invalid("bad-txns-inputs-duplicate")
    })?;
    if tx.inputs.len() == 1 && tx.inputs[0].is_coinbase() {
        return Err(Reject::invalid("coinbase"));
    }
    let null = |outpoint: &OutPoint| outpoint.vout == u32::MAX && outpoint.txid.to_byte_array() == [0; 32];
    ensure(!tx.inputs.iter().any(|input| null(&input.previous)), || {
        Reject::invalid("bad-txns-prevout-null")
    })
}

fn check_type(chain: &Chain, tx: &Transaction) -> Result<(), Reject> {
    match tx.kind {
        0 | tx::PRO_REG..=tx::PRO_UP_REV if tx.kind == 0 || tx.version == tx::SPECIAL_VERSION => Ok(()),
        // A coinbase is recognised by its input, below.
        tx::COINBASE if tx.version == tx::SPECIAL_VERSION => Ok(()),
        ASSET_UNLOCK if tx.version == tx::SPECIAL_VERSION && chain.has_asset_unlocks(chain.height() + 1) => Ok(()),
        1..=LAST_TYPE if tx.version == tx::SPECIAL_VERSION => Err(Reject::invalid("bad-tx-type")),
        _ => Err(Reject::invalid("bad-txns-type")),
    }
}

fn check_outputs(chain: &Chain, outputs: &[TxOut]) -> Result<(), Reject> {
    let max = chain.profile().max_money.duffs();
    let mut total = 0u64;
    for output in outputs {
        let value = u64::try_from(output.value).map_err(|_| Reject::invalid("bad-txns-vout-negative"))?;
        ensure(value <= max, || Reject::invalid("bad-txns-vout-toolarge"))?;
        // Both are at most MAX_MONEY, far below 2^63.
        total += value;
        ensure(total <= max, || Reject::invalid("bad-txns-txouttotal-toolarge"))?;
    }
    Ok(())
}

fn check_policy(chain: &Chain, tx: &Transaction, size: usize, trust: Trust) -> Result<(), Reject> {
    if chain.profile().standard_only && trust == Trust::Stranger {
        ensure((1..=tx::SPECIAL_VERSION).contains(&tx.version), || {
            Reject::nonstandard("version")
        })?;
        ensure(size <= MAX_SIZE, || Reject::nonstandard("tx-size"))?;
        for input in &tx.inputs {
            let script = input.script_sig.as_bytes();
            ensure(script.len() <= MAX_SCRIPT_SIG, || Reject::nonstandard("scriptsig-size"))?;
            ensure(script_check::pushes(script).is_some(), || {
                Reject::nonstandard("scriptsig-not-pushonly")
            })?;
        }
        check_standard_outputs(&tx.outputs)?;
    }
    ensure(size >= MIN_SIZE, || Reject::nonstandard("tx-size-small"))
}

fn check_standard_outputs(outputs: &[TxOut]) -> Result<(), Reject> {
    let mut null_data = 0;
    for output in outputs {
        let script = output.script.as_bytes();
        if is_null_data(script) {
            null_data += 1;
            continue;
        }
        ensure(script::destination(script).is_some(), || {
            Reject::nonstandard("scriptpubkey")
        })?;
        let cost = (8 + 1 + script.len() + SPENDING_INPUT) * DUST_RATE / 1000;
        ensure(output.value >= cost as i64, || Reject::nonstandard("dust"))?;
    }
    ensure(null_data <= 1, || Reject::nonstandard("multi-op-return"))
}

fn is_null_data(script: &[u8]) -> bool {
    matches!(script, [0x6a, data @ ..] if script.len() <= MAX_NULL_DATA && script_check::pushes(data).is_some())
}

fn is_final(chain: &Chain, tx: &Transaction) -> bool {
    let limit = if tx.lock_time < LOCK_TIME_THRESHOLD {
        u64::from(chain.height()) + 1
    } else {
        chain.median_time(chain.height())
    };
    u64::from(tx.lock_time) < limit || tx.inputs.iter().all(|input| input.sequence == FINAL_SEQUENCE)
}

fn check_known(chain: &Chain, tx: &Transaction) -> Result<(), Reject> {
    let txid = tx.txid();
    ensure(chain.mempool().get(txid).is_none(), || {
        Reject::duplicate("txn-already-in-mempool")
    })?;
    let contested = |input: &tx::TxIn| chain.mempool().spender(&input.previous).is_some();
    ensure(!tx.inputs.iter().any(contested), || {
        Reject::duplicate("txn-mempool-conflict")
    })
}

/// The coins spent, in order of the inputs.
fn find_inputs(chain: &Chain, tx: &Transaction) -> Result<Vec<Coin>, Reject> {
    let found: Option<Vec<Coin>> = tx
        .inputs
        .iter()
        .map(|input| chain.coin_with_mempool(&input.previous))
        .collect();
    found.ok_or_else(|| {
        if chain.has_unspent_output(tx.txid()) {
            Reject::duplicate("txn-already-known")
        } else {
            Reject::missing_inputs()
        }
    })
}

/// The fee in **duffs**.
fn check_values(chain: &Chain, tx: &Transaction, spent: &[Coin]) -> Result<u64, Reject> {
    let next = chain.height() + 1;
    for coin in spent.iter().filter(|coin| coin.coinbase) {
        let depth = next.saturating_sub(coin.height.unwrap_or(next));
        ensure(depth >= chain.profile().coinbase_maturity, || {
            Reject::invalid("bad-txns-premature-spend-of-coinbase")
                .with(format!("tried to spend coinbase at depth {depth}"))
        })?;
    }
    let value_in: u64 = spent.iter().map(|coin| coin.value).sum();
    let value_out: u64 = tx.outputs.iter().map(|output| output.value.unsigned_abs()).sum();
    value_in.checked_sub(value_out).ok_or_else(|| {
        let coins = crate::protocol::Amount::from_duffs;
        Reject::invalid("bad-txns-in-belowout").with(format!(
            "value in ({}) < value out ({})",
            coins(value_in).short(),
            coins(value_out).short()
        ))
    })
}

fn check_fee(chain: &Chain, fee: u64, size: usize) -> Result<(), Reject> {
    let floor = size as u64 * RELAY_RATE / 1000;
    ensure(fee >= floor, || {
        Reject::fee("min relay fee not met").with(format!("{fee} < {floor}"))
    })?;
    // 0.17 caps the fee of one transaction here; later nodes cap the rate where transactions are sent.
    let cap = crate::protocol::amount::COIN / 10;
    ensure(!chain.dialect().is_core17() || fee <= cap, || {
        Reject::high_fee("absurdly-high-fee").with(format!("{fee} > {cap}"))
    })
}

/// Reads and judges the payload.
fn check_payload(chain: &Chain, tx: &Transaction) -> Result<Payload, Reject> {
    Ok(match tx.kind {
        tx::PRO_REG => {
            let payload = pro_tx::parse(chain, tx)?;
            pro_tx::check_pro_reg(chain, tx, &payload)?;
            Payload::ProReg(Box::new(payload))
        }
        tx::PRO_UP_SERV => {
            let payload = pro_up::parse_pro_up_serv(chain, tx)?;
            pro_up::check_pro_up_serv(chain, tx, &payload)?;
            Payload::ProUpServ(Box::new(payload))
        }
        tx::PRO_UP_REG => {
            let payload = pro_up::parse_pro_up_reg(chain, tx)?;
            pro_up::check_pro_up_reg(chain, tx, &payload)?;
            Payload::ProUpReg(Box::new(payload))
        }
        tx::PRO_UP_REV => {
            let payload = pro_up::parse_pro_up_rev(chain, tx)?;
            pro_up::check_pro_up_rev(chain, tx, &payload)?;
            Payload::ProUpRev(Box::new(payload))
        }
        _ => Payload::None,
    })
}

fn changes_operator(chain: &Chain, payload: &Payload) -> bool {
    let state = payload
        .pro_tx_hash()
        .and_then(|hash| chain.list().get(hash))
        .map(|mn| &mn.state);
    match (payload, state) {
        (Payload::ProUpReg(payload), Some(state)) => state.changes_operator(payload),
        (Payload::ProUpRev(_), Some(state)) => !state.is_revoked(),
        _ => false,
    }
}

/// What a script pays to, as far as owner keys can collide with it.
pub(super) fn pays_to_key(script: &[u8], hash: &[u8; 20]) -> bool {
    script::destination(script) == Some(Destination::Key(*hash))
}
