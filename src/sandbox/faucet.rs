//! The sandbox's purse: pays whatever script is asked for by an ordinary signed transaction.

use std::sync::Arc;

use bitcoin::{OutPoint, ScriptBuf, Txid};
use thiserror::Error;

use super::chain::Chain;
use super::reject::Reject;
use super::validate::Trust;
use crate::protocol::Amount;
use crate::protocol::key::SecpKey;
use crate::protocol::script;
use crate::protocol::tx::{Transaction, TxIn, TxOut};

/// **Duffs** per byte; twice the relay fee.
const FEE_RATE: u64 = 2;
/// A signed P2PKH input at its largest, and a P2PKH output.
const INPUT_SIZE: u64 = 149;
const OUTPUT_SIZE: u64 = 34;

/// Why nothing was paid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaucetError {
    #[error("the faucet holds {available} and cannot pay {wanted}")]
    Empty { wanted: Amount, available: Amount },
    #[error("the faucet's payment was refused: {0}")]
    Refused(Reject),
}

impl Chain {
    /// Pays from the faucet; the transaction waits in the mempool for the next block. Any script is paid, standard or not.
    ///
    /// # Errors
    /// Not enough money, or amounts no transaction can have.
    pub fn fund(&mut self, payments: &[(ScriptBuf, Amount)], now: u64) -> Result<Txid, FaucetError> {
        let tx = self.payment(payments)?;
        self.accept(Arc::new(tx), Trust::Faucet, now)
            .map_err(FaucetError::Refused)
    }

    /// A signed payment with change back to the faucet.
    fn payment(&self, payments: &[(ScriptBuf, Amount)]) -> Result<Transaction, FaucetError> {
        let wanted: Amount = payments.iter().map(|(_, amount)| *amount).sum();
        let outputs: Vec<TxOut> = payments
            .iter()
            .map(|(script, amount)| TxOut::new(*amount, script.clone()))
            .collect();
        let body: u64 = outputs.iter().map(|output| 9 + output.script.len() as u64).sum();
        let mut inputs = Vec::new();
        let mut held = 0u64;
        for (outpoint, value) in self.faucet_coins() {
            inputs.push(TxIn::unsigned(outpoint));
            held += value;
            let fee = FEE_RATE * (20 + body + OUTPUT_SIZE + INPUT_SIZE * inputs.len() as u64);
            let change = held.checked_sub(wanted.duffs()).and_then(|left| left.checked_sub(fee));
            if let Some(change) = change.filter(|change| *change >= 1_000) {
                return Ok(self.signed(inputs, outputs, change));
            }
        }
        Err(FaucetError::Empty {
            wanted,
            available: Amount::from_duffs(held),
        })
    }

    fn signed(&self, inputs: Vec<TxIn>, mut outputs: Vec<TxOut>, change: u64) -> Transaction {
        let own = script::pay_to_key(&self.faucet.key_id().0);
        outputs.push(TxOut::new(Amount::from_duffs(change), own));
        let mut tx = Transaction {
            version: 2,
            kind: 0,
            inputs,
            outputs,
            lock_time: 0,
            payload: Vec::new(),
        };
        sign_inputs(&mut tx, &self.faucet);
        tx
    }

    /// Its spendable coins: confirmed before unconfirmed, large before small.
    fn faucet_coins(&self) -> Vec<(OutPoint, u64)> {
        let own = script::pay_to_key(&self.faucet.key_id().0);
        let next = self.height() + 1;
        let maturity = self.profile.coinbase_maturity;
        let mut confirmed: Vec<(OutPoint, u64)> = self
            .coins()
            .filter(|(_, coin)| coin.script == own)
            .filter(|(_, coin)| !coin.coinbase || next.saturating_sub(coin.height.unwrap_or(next)) >= maturity)
            .map(|(outpoint, coin)| (*outpoint, coin.value))
            .collect();
        confirmed.sort_by_key(|(outpoint, value)| (std::cmp::Reverse(*value), *outpoint));
        let waiting = self.mempool().iter().flat_map(|entry| {
            let outputs = (0..).zip(&entry.tx.outputs).filter(|(_, output)| output.script == own);
            outputs.map(|(vout, output)| (OutPoint { txid: entry.txid, vout }, output.value.unsigned_abs()))
        });
        confirmed
            .into_iter()
            .chain(waiting)
            .filter(|(outpoint, _)| self.mempool().spender(outpoint).is_none())
            .collect()
    }
}

/// Signs every input as P2PKH of one key, which all of them must belong to.
pub(super) fn sign_inputs(tx: &mut Transaction, key: &SecpKey) {
    let code = script::pay_to_key(&key.key_id().0);
    let public = key.public_key().serialize();
    for index in 0..tx.inputs.len() {
        let signature = key.sign_der(&tx.sighash_all(index, code.as_bytes()));
        tx.inputs[index].script_sig = script::script_sig(&signature, &public);
    }
}
