//! The next step for each error. Errors say what happened, in one clause; what to do about it is said here and only here.

mod device;
mod flow;
mod node;
mod notify;
mod store;

use std::fmt;

/// An error with, if there is one, a sentence of advice.
pub trait Advice: fmt::Display {
    /// One sentence, beginning with a capital letter, ending with a full stop.
    fn advice(&self) -> Option<String>;

    /// Whether nothing is broken: the user said no, mistyped, or has something left to do.
    fn is_calm(&self) -> bool {
        false
    }
}

/// An error's clause as a sentence: capital letter, full stop.
pub fn sentence(error: &(impl fmt::Display + ?Sized)) -> String {
    let text = error.to_string();
    let text = text.trim();
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let end = if text.ends_with(['.', '!', '?', '…']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

/// What happened and what to do, in one line.
pub fn explain(error: &impl Advice) -> String {
    match error.advice() {
        Some(advice) => format!("{} {advice}", sentence(error)),
        None => sentence(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::{DeviceError, Kind};
    use crate::rpc::RpcError;

    #[test]
    fn a_clause_becomes_a_sentence() {
        assert_eq!(sentence("no device is connected"), "No device is connected.");
        assert_eq!(sentence("über 100 %"), "Über 100 %.");
        assert_eq!(sentence("done!"), "Done!");
        assert_eq!(sentence("  "), "");
    }

    #[test]
    fn advice_follows_the_error() {
        let error = DeviceError::WrongApp {
            kind: Kind::Ledger,
            found: "Bitcoin".into(),
            wanted: "Dash".into(),
        };
        assert_eq!(
            explain(&error),
            "The app Bitcoin is open on the Ledger instead of Dash. Open the Dash app on the Ledger, then try again."
        );
    }

    #[test]
    fn every_advice_is_a_sentence() {
        let url = || "http://node:1".to_owned();
        for error in [
            RpcError::Unreachable {
                url: url(),
                kind: "refused".into(),
            },
            RpcError::Unauthorized { url: url() },
            RpcError::NoCoinSearch,
        ] {
            let advice = error.advice().unwrap();
            assert_eq!(advice, sentence(&advice));
        }
    }
}
