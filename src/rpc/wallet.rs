//! The node's own wallet as a payer of fees: its coins, a change address, and signatures of inputs that are its own.
//!
//! Nothing secret goes there: the node signs with keys it has anyway, and the caller compares what comes back.

use serde_json::json;

use super::WalletCoins;
use super::client::Client;
use super::http::Size;
use super::json::{Json, parse_list};
use super::types::Listed;
use super::{FoundCoin, RpcError};
use crate::protocol::script;
use crate::protocol::{Address, OutPoint, Transaction};

/// A fee needs one or two coins; a wallet of a miner has thousands.
const COINS: usize = 100;

impl Client {
    pub(super) async fn read_wallet(&self) -> Result<WalletCoins, RpcError> {
        let raw = self.ask("listunspent", json!([1]), Size::List).await?;
        let mut listed = parse_list("listunspent", raw.get(), |json| Listed::scanned(json, &self.profile))?;
        listed.retain(|coin| script::is_pay_to_key(coin.script.as_bytes()));
        // The largest first: dust of old rewards would only make the transaction long.
        listed.sort_by_key(|coin| std::cmp::Reverse(coin.value));
        let outpoints: Vec<OutPoint> = listed.iter().take(COINS).map(|coin| coin.outpoint).collect();
        let coins: Vec<FoundCoin> = self.unspent(&outpoints).await?;
        let text: String = self
            .get("getrawchangeaddress", json!([]), |json| json.text().map(str::to_owned))
            .await?;
        let change = Address::parse(&text, &self.profile).map_err(|_| RpcError::Malformed {
            method: "getrawchangeaddress".into(),
            field: "address".into(),
        })?;
        Ok(WalletCoins { coins, change })
    }

    pub(super) async fn sign_with_wallet(&self, tx: Transaction) -> Result<Transaction, RpcError> {
        let method = "signrawtransactionwithwallet";
        let read = |json: &Json<'_>| {
            let hex = json.get("hex")?;
            let complete = json.get("complete")?.flag()?;
            let signed = Transaction::from_hex(hex.text()?).map_err(|_| hex.malformed())?;
            Ok((signed, complete))
        };
        let (signed, complete) = self.get(method, json!([tx.to_hex()]), read).await?;
        if complete && is_only_signed(&tx, &signed) {
            return Ok(signed);
        }
        Err(if complete {
            RpcError::OtherData { method: method.into() }
        } else {
            RpcError::Failed {
                method: method.into(),
                code: -4,
                message: "the wallet could not sign every input".into(),
            }
        })
    }
}

/// The same transaction but for the input scripts.
fn is_only_signed(asked: &Transaction, signed: &Transaction) -> bool {
    signed.without_scripts() == asked.without_scripts()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Amount, ScriptBuf, TxIn, TxOut};

    #[test]
    fn a_node_that_changes_more_than_signatures_is_found_out() {
        let asked = Transaction {
            version: 3,
            kind: 1,
            inputs: vec![TxIn::unsigned(OutPoint::null())],
            outputs: vec![TxOut::new(Amount::from_coins(1), script::pay_to_key(&[1; 20]))],
            lock_time: 0,
            payload: vec![1, 2, 3],
        };
        let mut signed = asked.clone();
        signed.inputs[0].script_sig = ScriptBuf::from_bytes(vec![1, 2]);
        assert!(is_only_signed(&asked, &signed));
        signed.outputs[0].script = script::pay_to_key(&[2; 20]);
        assert!(!is_only_signed(&asked, &signed));
    }
}
