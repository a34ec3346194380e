//! What a node says to a finished transaction: which refusals are refusals, and which mean "I have it already".
//!
//! Codes and texts: Dash Core rpc/protocol.h, node/transaction.cpp; 0.17 appends ` (code N)`, later versions `, detail`.

use super::RpcError;

/// A refused `sendrawtransaction`, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// In the mempool or in the chain.
    KnownAlready,
    /// Inputs unknown or spent. It may be this very transaction that spent them, in a block, with all its outputs spent since:
    /// both generations of nodes then answer this instead of -27.
    MissingInputs(RpcError),
    Rejected(RpcError),
    /// Not a judgement on the transaction.
    Other(RpcError),
}

/// The stable part of a reject text: up to the first `,` or ` (code`, and of a script failure without the script's error.
pub fn reject_token(text: &str) -> &str {
    let text = text.split(',').next().unwrap_or_default();
    let text = text.split(" (code").next().unwrap_or_default().trim();
    match text.split_once(" (") {
        Some((token, _)) if token.ends_with("-script-verify-flag-failed") || token.ends_with("-script-verify-flag") => {
            token
        }
        _ => text,
    }
}

impl Refusal {
    pub fn of(error: RpcError) -> Self {
        let RpcError::Failed { code, message, .. } = &error else {
            return Self::Other(error);
        };
        let token = reject_token(message);
        let rejected = || RpcError::Rejected {
            reason: token.to_owned(),
            detail: message.clone(),
        };
        let known = matches!(token, "txn-already-in-mempool" | "txn-already-known")
            || message.to_ascii_lowercase().contains("already in mempool");
        match code {
            -27 => Self::KnownAlready,
            -25 | -26 | -1 if known => Self::KnownAlready,
            -25 | -26 if is_missing_inputs(token) => Self::MissingInputs(rejected()),
            -25 | -26 => Self::Rejected(rejected()),
            // 0.17 reports some rejects as "misc"; the help text for a wrong call has the same code.
            -1 if is_reject(message) => Self::Rejected(rejected()),
            _ => Self::Other(error),
        }
    }
}

fn is_missing_inputs(token: &str) -> bool {
    matches!(
        token,
        "bad-txns-inputs-missingorspent" | "Missing inputs" | "missing-inputs"
    )
}

fn is_reject(message: &str) -> bool {
    message.contains(" (code ") || message.starts_with("bad-") || message.starts_with("protx-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: i64, message: &str) -> Refusal {
        Refusal::of(RpcError::Failed {
            method: "sendrawtransaction".to_owned(),
            code,
            message: message.to_owned(),
        })
    }

    #[test]
    fn the_token_is_what_stands_before_details_and_code() {
        for (text, token) in [
            ("bad-protx-sig", "bad-protx-sig"),
            (
                "bad-protx-sig, Keys don't match: pubkey=.., hash=.. (code 16)",
                "bad-protx-sig",
            ),
            ("bad-protx-dup-addr (code 18)", "bad-protx-dup-addr"),
            ("min relay fee not met, 100 < 468 (code 66)", "min relay fee not met"),
            ("absurdly-high-fee, 20000000 > 10000000 (code 256)", "absurdly-high-fee"),
            (
                "mandatory-script-verify-flag-failed (Script failed an OP_EQUALVERIFY operation)",
                "mandatory-script-verify-flag-failed",
            ),
            (
                "non-mandatory-script-verify-flag (Non-canonical signature: S value is unnecessarily high) (code 64)",
                "non-mandatory-script-verify-flag",
            ),
            ("", ""),
        ] {
            assert_eq!(reject_token(text), token);
        }
    }

    #[test]
    fn already_known_is_no_refusal() {
        for (code, message) in [
            (-27, "Transaction already in block chain"),
            (-27, "transaction already in block chain"),
            (-27, "Transaction outputs already in utxo set"),
            (-26, "txn-already-in-mempool"),
            (-26, "txn-already-known (code 18)"),
            (-25, "Transaction already in mempool"),
        ] {
            assert_eq!(refusal(code, message), Refusal::KnownAlready, "{message}");
        }
    }

    #[test]
    fn a_refusal_of_either_generation_has_its_token() {
        for (code, message, reason) in [
            (-26, "bad-protx-dup-key", "bad-protx-dup-key"),
            (-26, "protx-dup (code 18)", "protx-dup"),
            (
                -25,
                "Fee exceeds maximum configured by user (e.g. -maxtxfee)",
                "Fee exceeds maximum configured by user (e.g. -maxtxfee)",
            ),
            (-1, "bad-protx-collateral (code 16)", "bad-protx-collateral"),
        ] {
            let expected = RpcError::Rejected {
                reason: reason.to_owned(),
                detail: message.to_owned(),
            };
            assert_eq!(refusal(code, message), Refusal::Rejected(expected));
        }
        for message in ["Missing inputs", "bad-txns-inputs-missingorspent"] {
            assert!(matches!(refusal(-25, message), Refusal::MissingInputs(_)));
        }
        assert!(matches!(refusal(-22, "TX decode failed"), Refusal::Other(_)));
        assert!(matches!(
            refusal(-1, "sendrawtransaction \"hexstring\" ..."),
            Refusal::Other(_)
        ));
    }
}
