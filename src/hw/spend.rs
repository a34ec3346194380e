//! What every vendor asks of a payment before its device is touched, and the transaction that will be signed.

use std::collections::HashSet;

use super::{DeviceError, Kind, Spend, SpendInput};
use crate::protocol::{Amount, Transaction, TxIn, TxOut, path, script};

/// Dash Core's `CTransaction::CURRENT_VERSION` of ordinary transactions.
const VERSION: i16 = 2;
/// A lock time is enforced only if a sequence is not final.
const NOT_FINAL: u32 = 0xffff_fffe;

/// All that can be refused before the device is touched; `check_output` says which scripts it can pay, by the number from 1.
pub fn check(
    spend: &Spend,
    kind: Kind,
    max_inputs: usize,
    check_output: impl Fn(usize, &TxOut) -> Result<(), DeviceError>,
) -> Result<(), DeviceError> {
    match spend.inputs.len() {
        count if (1..=max_inputs).contains(&count) => {}
        count => {
            return Err(unsupported(
                kind,
                format!("spend {count} inputs at once, only 1 to {max_inputs}"),
            ));
        }
    }
    let mut seen = HashSet::new();
    for input in &spend.inputs {
        path::check(&input.path)?;
        check_previous(input)?;
        if !seen.insert(input.outpoint) {
            return Err(unsupported(kind, "spend one output twice".to_owned()));
        }
    }
    spend.change.as_ref().map_or(Ok(()), path::check)?;
    check_outputs(spend, kind, check_output)
}

/// The previous transaction is the one named, and the output in it is what the plan says.
fn check_previous(input: &SpendInput) -> Result<(), DeviceError> {
    let output = usize::try_from(input.outpoint.vout)
        .ok()
        .and_then(|at| input.previous.outputs.get(at));
    let same = output.is_some_and(|output| {
        output.amount() == Some(input.amount) && output.script == script::pay_to_key(&input.key_id.0)
    });
    if same && input.previous.txid() == input.outpoint.txid {
        Ok(())
    } else {
        Err(DeviceError::PreviousTx)
    }
}

fn check_outputs(
    spend: &Spend,
    kind: Kind,
    check_output: impl Fn(usize, &TxOut) -> Result<(), DeviceError>,
) -> Result<(), DeviceError> {
    if spend.outputs.is_empty() {
        return Err(unsupported(kind, "sign a payment without outputs".to_owned()));
    }
    let mut paid = Amount::ZERO;
    for (number, output) in (1..).zip(&spend.outputs) {
        check_output(number, output)?;
        paid = output
            .amount()
            .and_then(|amount| paid.checked_add(amount))
            .ok_or_else(|| unsupported(kind, format!("pay the amount of output {number}")))?;
    }
    let available = spend
        .inputs
        .iter()
        .try_fold(Amount::ZERO, |sum, input| sum.checked_add(input.amount));
    match available {
        Some(available) if available >= paid => Ok(()),
        _ => Err(unsupported(kind, "pay more than the inputs hold".to_owned())),
    }
}

/// The payment with nobody's signature.
pub fn unsigned(spend: &Spend) -> Transaction {
    let sequence = if spend.lock_time == 0 { u32::MAX } else { NOT_FINAL };
    let input = |input: &SpendInput| TxIn {
        sequence,
        ..TxIn::unsigned(input.outpoint)
    };
    Transaction {
        version: VERSION,
        kind: 0,
        inputs: spend.inputs.iter().map(input).collect(),
        outputs: spend.outputs.clone(),
        lock_time: spend.lock_time,
        payload: Vec::new(),
    }
}

fn unsupported(kind: Kind, what: String) -> DeviceError {
    DeviceError::Unsupported { kind, what }
}
