//! What nodes relay: standard forms of inputs and outputs, and nothing too small (Dash Core policy/policy.cpp, script/standard.cpp).

use super::{Checks, Context};
use crate::protocol::script;
use crate::protocol::tx::{Transaction, TxOut};

/// Smallest relayed transaction: smaller ones can imitate inner nodes of the merkle tree.
const MIN_SIZE: usize = 83;
/// A P2PKH output below costs more to spend than it holds.
pub const DUST_KEY: u64 = 546;
/// Duffs per byte of an output and of the input that will spend it.
const DUST_RATE: u64 = 3;
const SPENDING_INPUT: u64 = 148;
const MAX_OP_RETURN: usize = 83;
const MAX_SCRIPT_SIG: usize = 1_650;
const OP_RETURN: u8 = 0x6a;
const OP_CHECKMULTISIG: u8 = 0xae;

pub(super) fn check(tx: &Transaction, context: &Context<'_>, list: &mut Checks) {
    if !context.profile.standard_only {
        return;
    }
    list.judge("standard-version", "version", (1..=3).contains(&tx.version), || {
        format!("nodes relay transactions of version 1 to 3, not {}", tx.version)
    });
    let short = tx.inputs.iter().all(|input| input.script_sig.len() <= MAX_SCRIPT_SIG);
    list.judge("script-sig-size", "scriptsig-size", short, || {
        "an input script may not be longer than nodes relay".into()
    });
    let pushes = tx.inputs.iter().all(|input| is_push_only(input.script_sig.as_bytes()));
    list.judge("script-sig-pushes", "scriptsig-not-pushonly", pushes, || {
        "an input script may only hold data".into()
    });
    check_outputs(tx, list);
    let burns = tx.outputs.iter().filter(|output| is_data(output)).count();
    list.judge("one-op-return", "multi-op-return", burns <= 1, || {
        "at most one output may carry data".into()
    });
    list.judge("minimum-size", "tx-size-small", tx.size() >= MIN_SIZE, || {
        format!("nodes do not relay transactions of less than {MIN_SIZE} bytes")
    });
}

/// Nodes judge output by output: what fails in an earlier one is what they report.
fn check_outputs(tx: &Transaction, list: &mut Checks) {
    let odd = tx
        .outputs
        .iter()
        .position(|output| !is_standard(output.script.as_bytes()));
    let dust = tx.outputs.iter().position(is_dust);
    let scripts = |list: &mut Checks| {
        list.judge("output-scripts", "scriptpubkey", odd.is_none(), || {
            "outputs must pay to scripts of a form that nodes relay".into()
        });
    };
    let dust_first = dust.is_some_and(|dust| odd.is_none_or(|odd| dust < odd));
    if !dust_first {
        scripts(list);
    }
    list.judge("no-dust", "dust", dust.is_none(), || match dust {
        Some(at) => format!(
            "an output of {} duffs is too small to be worth spending",
            tx.outputs[at].value
        ),
        None => format!("outputs hold at least {DUST_KEY} duffs"),
    });
    if dust_first {
        scripts(list);
    }
}

fn is_standard(script: &[u8]) -> bool {
    match script.split_first() {
        Some((&OP_RETURN, data)) => script.len() <= MAX_OP_RETURN && is_push_only(data),
        _ => script::destination(script).is_some() || is_multisig(script),
    }
}

fn is_data(output: &TxOut) -> bool {
    output.script.as_bytes().first() == Some(&OP_RETURN)
}

fn is_dust(output: &TxOut) -> bool {
    if is_data(output) {
        return false;
    }
    let script = output.script.len() as u64;
    // Value, length and script.
    let size = 8 + if script < 0xfd { 1 } else { 3 } + script;
    u64::try_from(output.value).is_ok_and(|value| value < DUST_RATE * (size + SPENDING_INPUT))
}

/// Bare multisig of up to three keys.
fn is_multisig(script: &[u8]) -> bool {
    let [required, keys @ .., count, OP_CHECKMULTISIG] = script else {
        return false;
    };
    let (required, count) = (required.wrapping_sub(0x50), count.wrapping_sub(0x50));
    (1..=3).contains(&count) && (1..=count).contains(&required) && number_of_keys(keys) == Some(count)
}

fn number_of_keys(mut keys: &[u8]) -> Option<u8> {
    let mut count = 0_u8;
    while let Some((&len, rest)) = keys.split_first() {
        let (key, rest) = rest.split_at_checked(usize::from(len))?;
        if !script::is_public_key(key) {
            return None;
        }
        (count, keys) = (count.checked_add(1)?, rest);
    }
    Some(count)
}

/// Whether a script holds nothing but data and numbers.
fn is_push_only(mut script: &[u8]) -> bool {
    while let Some((&op, rest)) = script.split_first() {
        let length = |bytes: usize| {
            let (length, rest) = rest.split_at_checked(bytes)?;
            let length = length.iter().rev().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            rest.get(length..)
        };
        let after = match op {
            0x01..=0x4b => rest.get(usize::from(op)..),
            0x4c => length(1),
            0x4d => length(2),
            0x4e => length(4),
            0x00 | 0x4f..=0x60 => Some(rest),
            _ => None,
        };
        match after {
            Some(after) => script = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ScriptBuf;

    fn multisig(required: u8, keys: u8) -> Vec<u8> {
        let mut script = vec![0x50 + required];
        for _ in 0..keys {
            script.push(33);
            script.extend([2; 33]);
        }
        script.extend([0x50 + keys, OP_CHECKMULTISIG]);
        script
    }

    #[test]
    fn scripts_are_standard_where_nodes_relay_them() {
        for (script, standard) in [
            (multisig(1, 1), true),
            (multisig(2, 3), true),
            (multisig(1, 4), false),
            (multisig(2, 1), false),
            (multisig(0, 1), false),
            (vec![OP_RETURN], true),
            (vec![OP_RETURN, 1, 9], true),
            (vec![OP_RETURN, 2, 9], false),
            (vec![OP_RETURN, 0xac], false),
            ([&[OP_RETURN, 0x4c, 80][..], &[7; 80]].concat(), true),
            ([&[OP_RETURN, 0x4c, 81][..], &[7; 81]].concat(), false),
            (vec![0x51], false),
            (vec![], false),
        ] {
            assert_eq!(is_standard(&script), standard, "{script:02x?}");
        }
    }

    #[test]
    fn more_keys_than_a_byte_counts_are_no_multisig() {
        for keys in [256, 257] {
            let mut script = vec![0x51];
            for _ in 0..keys {
                script.push(33);
                script.extend([2; 33]);
            }
            script.extend([0x51, OP_CHECKMULTISIG]);
            assert!(!is_standard(&script), "{keys}");
        }
    }

    #[test]
    fn dust_is_what_costs_more_to_spend_than_it_holds() {
        let key = [&[33, 2][..], &[9; 32], &[0xac]].concat();
        for (script, least) in [
            (script::pay_to_key(&[1; 20]).into_bytes(), 546),
            (script::pay_to_script(&[1; 20]).into_bytes(), 540),
            (key, 576),
            (multisig(1, 1), 582),
        ] {
            let output = |value| TxOut {
                value,
                script: ScriptBuf::from_bytes(script.clone()),
            };
            assert!(is_dust(&output(least - 1)) && !is_dust(&output(least)), "{least}");
        }
    }

    #[test]
    fn pushes_of_every_length_are_data_and_other_codes_are_not() {
        for (script, pushes) in [
            (vec![], true),
            (vec![0x00, 0x4f, 0x60], true),
            (vec![0x4d, 2, 0, 1, 1], true),
            (vec![0x4e, 1, 0, 0, 0, 1], true),
            (vec![0x4e, 0xff, 0xff, 0xff, 0xff, 1], false),
            (vec![0x4c], false),
            (vec![2, 1], false),
            (vec![0x61], false),
        ] {
            assert_eq!(is_push_only(&script), pushes, "{script:02x?}");
        }
    }
}
