//! Choosing coins for a transaction and counting its fee from encoded bytes. All inputs are P2PKH of compressed keys.

use bitcoin::{OutPoint, ScriptBuf};
use thiserror::Error;

use super::amount::Amount;
use super::rules::DUST_KEY;
use super::tx::{Transaction, TxIn, TxOut};

/// Longest scriptSig of such an input: a 72-byte signature, its hash type and the key, each with its push.
pub const SCRIPT_SIG: usize = 108;

/// Version of ordinary payments (Dash Core's `CTransaction::CURRENT_VERSION`).
pub const PAYMENT_VERSION: i16 = 2;

/// A coin that may be spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coin {
    pub outpoint: OutPoint,
    pub value: Amount,
}

/// Whether change may be left to the miners when it is too small to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A ProTx needs an output, and the change is its only one.
    Required,
    /// A payment has an output already.
    IfWorthIt,
}

/// A transaction with its inputs and change, unsigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Funded {
    pub tx: Transaction,
    pub coins: Vec<Coin>,
    pub fee: Amount,
    /// Index of the change output.
    pub change: Option<usize>,
}

/// The coins do not suffice.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the coins hold {available}, {needed} is needed")]
pub struct Shortage {
    pub available: Amount,
    /// Outputs, fee and smallest change, if one more coin is used.
    pub needed: Amount,
}

/// Adds inputs and a change output until outputs and fee are paid: the smallest coin that suffices, else the largest first.
///
/// `rate` is **duffs** per 1000 bytes. The template carries outputs and a payload of final length, no inputs.
///
/// # Errors
/// See [`Shortage`].
pub fn fund(
    template: &Transaction,
    coins: &[Coin],
    rate: Amount,
    change_script: &ScriptBuf,
    change: Change,
) -> Result<Funded, Shortage> {
    let paid = template.output_total().unwrap_or(Amount::from_duffs(u64::MAX));
    let mut sorted = coins.to_vec();
    sorted.sort_by(|a, b| b.value.cmp(&a.value).then(a.outpoint.cmp(&b.outpoint)));
    let available: Amount = sorted.iter().map(|coin| coin.value).sum();
    // The smallest coin that does it alone: one input, and the large coins stay whole.
    for coin in sorted.iter().rev() {
        let chosen = std::slice::from_ref(coin);
        if let Some(funded) = try_with(template, chosen, coin.value, paid, rate, change_script, change) {
            return Ok(funded);
        }
    }
    for count in 2..=sorted.len() {
        let chosen = &sorted[..count];
        let total: Amount = chosen.iter().map(|coin| coin.value).sum();
        if let Some(funded) = try_with(template, chosen, total, paid, rate, change_script, change) {
            return Ok(funded);
        }
    }
    // The money that is missing will come as one more coin, which has its size too.
    let mut more = with_inputs(template, &sorted, Some((change_script, Amount::ZERO)));
    more.inputs.push(TxIn::unsigned(OutPoint::null()));
    let fee = fee_of(&more, more.inputs.len(), rate);
    let least = if change == Change::Required { DUST_KEY } else { 0 };
    let needed = [fee, Amount::from_duffs(least)]
        .into_iter()
        .fold(paid, |sum, part| sum.checked_add(part).unwrap_or(sum));
    Err(Shortage { available, needed })
}

/// Spends exactly these coins: outputs and fee are paid, the rest is change or, too small to keep, fee.
///
/// # Errors
/// See [`Shortage`].
pub fn fund_with(
    template: &Transaction,
    coins: &[Coin],
    rate: Amount,
    change_script: &ScriptBuf,
) -> Result<Funded, Shortage> {
    let paid = template.output_total().unwrap_or(Amount::from_duffs(u64::MAX));
    let available = coins.iter().map(|coin| coin.value).sum();
    let funded = try_with(template, coins, available, paid, rate, change_script, Change::IfWorthIt);
    funded.filter(|_| !coins.is_empty()).ok_or_else(|| {
        let fee = fee_of(&with_inputs(template, coins, None), coins.len(), rate);
        let needed = paid.checked_add(fee).unwrap_or(paid);
        Shortage { available, needed }
    })
}

/// Spends all of these coins to one script: what is left of the fee.
///
/// # Errors
/// [`Shortage`] if that is nothing a node relays.
pub fn fund_all(coins: &[Coin], rate: Amount, script: &ScriptBuf) -> Result<Funded, Shortage> {
    let mut template = Transaction::empty(PAYMENT_VERSION);
    template.outputs.push(TxOut::new(Amount::ZERO, script.clone()));
    let mut tx = with_inputs(&template, coins, None);
    let fee = fee_of(&tx, coins.len(), rate);
    let available: Amount = coins.iter().map(|coin| coin.value).sum();
    let rest = available.checked_sub(fee).filter(|rest| rest.duffs() >= DUST_KEY);
    let Some(rest) = rest.filter(|_| !coins.is_empty()) else {
        let needed = fee.checked_add(Amount::from_duffs(DUST_KEY)).unwrap_or(fee);
        return Err(Shortage { available, needed });
    };
    tx.outputs[0] = TxOut::new(rest, script.clone());
    Ok(Funded {
        tx,
        coins: coins.to_vec(),
        fee,
        change: None,
    })
}

fn try_with(
    template: &Transaction,
    chosen: &[Coin],
    total: Amount,
    paid: Amount,
    rate: Amount,
    change_script: &ScriptBuf,
    change: Change,
) -> Option<Funded> {
    let rest = total.checked_sub(paid)?;
    let mut tx = with_inputs(template, chosen, Some((change_script, Amount::ZERO)));
    let fee = fee_of(&tx, chosen.len(), rate);
    if let Some(kept) = rest.checked_sub(fee).filter(|kept| kept.duffs() >= DUST_KEY) {
        let at = tx.outputs.len() - 1;
        tx.outputs[at] = TxOut::new(kept, change_script.clone());
        return Some(Funded {
            tx,
            coins: chosen.to_vec(),
            fee,
            change: Some(at),
        });
    }
    if change == Change::Required {
        return None;
    }
    let tx = with_inputs(template, chosen, None);
    let least = fee_of(&tx, chosen.len(), rate);
    (rest >= least).then(|| Funded {
        tx,
        coins: chosen.to_vec(),
        fee: rest,
        change: None,
    })
}

fn with_inputs(template: &Transaction, coins: &[Coin], change: Option<(&ScriptBuf, Amount)>) -> Transaction {
    let mut tx = template.clone();
    tx.inputs = coins.iter().map(|coin| TxIn::unsigned(coin.outpoint)).collect();
    if let Some((script, value)) = change {
        tx.outputs.push(TxOut::new(value, script.clone()));
    }
    tx
}

/// Fee of an unsigned transaction once its inputs are signed, rounded up.
fn fee_of(tx: &Transaction, inputs: usize, rate: Amount) -> Amount {
    let size = (tx.size() + inputs * SCRIPT_SIG) as u64;
    Amount::from_duffs(size.saturating_mul(rate.duffs()).div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::Hash;

    use super::*;
    use crate::protocol::script;

    fn coin(n: u8, duffs: u64) -> Coin {
        Coin {
            outpoint: OutPoint {
                txid: bitcoin::Txid::from_byte_array([n; 32]),
                vout: 0,
            },
            value: Amount::from_duffs(duffs),
        }
    }

    fn pro_tx() -> Transaction {
        Transaction {
            version: 3,
            kind: 1,
            inputs: vec![],
            outputs: vec![],
            lock_time: 0,
            payload: vec![0; 274],
        }
    }

    #[test]
    fn a_registration_pays_by_its_signed_size_and_keeps_the_rest() {
        let funded = fund(
            &pro_tx(),
            &[coin(1, 100_000)],
            Amount::from_duffs(1_000),
            &script::pay_to_key(&[1; 20]),
            Change::Required,
        )
        .expect("enough");
        // 470 = the 469 bytes of a typical ProRegTx with the longest possible signature.
        assert_eq!(funded.fee.duffs(), 470);
        assert_eq!(funded.tx.outputs[0].value, 100_000 - 470);
        assert_eq!(funded.change, Some(0));
    }

    #[test]
    fn a_shortage_says_how_much_is_needed() {
        let script = script::pay_to_key(&[1; 20]);
        let short = fund(
            &pro_tx(),
            &[coin(1, 900)],
            Amount::from_duffs(1_000),
            &script,
            Change::Required,
        );
        assert_eq!(
            short,
            Err(Shortage {
                available: Amount::from_duffs(900),
                needed: Amount::from_duffs(470 + 149 + 546)
            })
        );
        let rest = [coin(1, 900), coin(2, 470 + 149 + 546 - 900)];
        assert!(fund(&pro_tx(), &rest, Amount::from_duffs(1_000), &script, Change::Required).is_ok());
    }

    #[test]
    fn an_empty_key_filled_with_exactly_what_is_needed_can_pay() {
        let (rate, script) = (Amount::from_duffs(2_000), script::pay_to_key(&[1; 20]));
        let short = fund(&pro_tx(), &[], rate, &script, Change::Required).expect_err("no coins");
        assert_eq!(short.needed.duffs(), 2 * 470 + 546);
        let filled = [coin(1, short.needed.duffs())];
        assert!(fund(&pro_tx(), &filled, rate, &script, Change::Required).is_ok());
    }

    #[test]
    fn the_smallest_coin_that_suffices_is_spent_and_large_ones_stay_whole() {
        let script = script::pay_to_key(&[1; 20]);
        let coins = [coin(1, 99_900_000_000), coin(2, 5_000), coin(3, 900)];
        let funded = fund(&pro_tx(), &coins, Amount::from_duffs(1_000), &script, Change::Required).expect("enough");
        assert_eq!(funded.coins, [coin(2, 5_000)]);
    }

    #[test]
    fn change_too_small_to_keep_goes_to_the_miners_of_a_payment() {
        let mut payment = Transaction {
            version: 2,
            kind: 0,
            inputs: vec![],
            outputs: vec![],
            lock_time: 0,
            payload: vec![],
        };
        payment
            .outputs
            .push(TxOut::new(Amount::from_duffs(10_000), script::pay_to_key(&[2; 20])));
        let script = script::pay_to_key(&[1; 20]);
        let funded = fund(
            &payment,
            &[coin(1, 10_400)],
            Amount::from_duffs(1_000),
            &script,
            Change::IfWorthIt,
        )
        .expect("enough");
        assert_eq!(
            (funded.tx.outputs.len(), funded.fee.duffs(), funded.change),
            (1, 400, None)
        );
        let two = fund(
            &payment,
            &[coin(1, 6_000), coin(2, 6_000), coin(3, 5_000)],
            Amount::from_duffs(1_000),
            &script,
            Change::IfWorthIt,
        );
        assert_eq!(two.expect("enough").coins.len(), 2);
    }

    #[test]
    fn coins_that_were_chosen_are_all_spent_and_all_of_them_can_go_to_one_address() {
        let (to, back) = (script::pay_to_key(&[2; 20]), script::pay_to_key(&[1; 20]));
        let mut payment = Transaction::empty(PAYMENT_VERSION);
        payment.outputs.push(TxOut::new(Amount::from_duffs(10_000), to.clone()));
        let coins = [coin(1, 20_000), coin(2, 5_000), coin(3, 700)];
        let rate = Amount::from_duffs(1_000);
        let funded = fund_with(&payment, &coins, rate, &back).expect("enough");
        // 10 of the transaction, 149 per input, 34 per output.
        assert_eq!((funded.fee.duffs(), funded.coins.len()), (10 + 3 * 149 + 2 * 34, 3));
        assert_eq!(funded.tx.outputs[1].value, 25_700 - 10_000 - 525);
        let all = fund_all(&coins, rate, &to).expect("enough");
        assert_eq!(all.fee.duffs(), 10 + 3 * 149 + 34);
        assert_eq!(
            all.tx.outputs,
            [TxOut::new(Amount::from_duffs(25_700 - 491), to.clone())]
        );
        assert_eq!(all.change, None);
        let short = fund_with(&payment, &coins[1..], rate, &back).expect_err("too little");
        assert_eq!(
            (short.available.duffs(), short.needed.duffs()),
            (5_700, 10_000 + 10 + 2 * 149 + 34)
        );
        assert_eq!(
            fund_all(&coins[2..], rate, &to).expect_err("dust").needed.duffs(),
            10 + 149 + 34 + 546
        );
        assert!(fund_all(&[], rate, &to).is_err() && fund_with(&payment, &[], rate, &back).is_err());
    }
}
