//! What is printed: a document or sentences on stdout, progress on stderr, and the exit code.

use std::fmt::Display;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::flow::operation::Missing;
use crate::flow::{self, error::Class};
use crate::hw::DeviceError;
use crate::rpc::RpcError;
use crate::ui::advice::Advice;

/// How to answer.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub json: bool,
}

/// Why a command did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: String,
    pub message: String,
    /// The node's reject string.
    pub reason: Option<String>,
    /// What to do next.
    pub advice: Option<String>,
    /// Outpoints to choose from, where the cause is that several fit.
    pub collaterals: Vec<String>,
    /// Signatures that this computer cannot make, where that is the cause.
    pub missing: Vec<Missing>,
    pub code: u8,
}

const REFUSED: u8 = 1;
const USAGE: u8 = 2;
const UNREACHABLE: u8 = 3;

impl Failure {
    pub fn usage(message: impl Display) -> Self {
        Self {
            kind: "usage".into(),
            message: message.to_string(),
            reason: None,
            advice: None,
            collaterals: Vec::new(),
            missing: Vec::new(),
            code: USAGE,
        }
    }

    pub fn refused(kind: &str, message: impl Display) -> Self {
        Self {
            kind: kind.into(),
            message: message.to_string(),
            reason: None,
            advice: None,
            collaterals: Vec::new(),
            missing: Vec::new(),
            code: REFUSED,
        }
    }

    pub fn system(what: &str, error: &dyn Display) -> Self {
        Self::refused("system", format!("{what}: {error}"))
    }
}

impl From<flow::Error> for Failure {
    fn from(error: flow::Error) -> Self {
        let code = match error.class() {
            Class::Refused => REFUSED,
            Class::Unreachable => UNREACHABLE,
        };
        Self {
            kind: error.kind().into(),
            message: error.to_string(),
            reason: error.reason().map(str::to_owned),
            advice: advice(&error),
            collaterals: collaterals(&error),
            missing: missing(&error),
            code,
        }
    }
}

fn collaterals(error: &flow::Error) -> Vec<String> {
    match error {
        flow::Error::SeveralCollaterals { outpoints, .. } => outpoints.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

fn missing(error: &flow::Error) -> Vec<Missing> {
    match error {
        flow::Error::SignatureElsewhere { role, key } => vec![Missing {
            role: *role,
            key: key.clone(),
        }],
        _ => Vec::new(),
    }
}

/// The window's advice, but for what has options here instead of buttons.
fn advice(error: &flow::Error) -> Option<String> {
    match error {
        flow::Error::SignatureElsewhere { .. } => Some(
            "Add --export FILE, and complete the file with `castellan import-operation FILE` where that key is."
                .to_owned(),
        ),
        flow::Error::VaultLocked => Some(
            "Unlock it with --passphrase-file FILE, CASTELLAN_PASSPHRASE or --unlock device, or name no key of it."
                .to_owned(),
        ),
        flow::Error::NoSlot { .. } => {
            Some("Unlock it with its passphrase; `castellan vault add-device` adds the device.".to_owned())
        }
        _ => error.advice(),
    }
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        flow::Error::from(error).into()
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        flow::Error::from(error).into()
    }
}

impl From<crate::store::vault::VaultError> for Failure {
    fn from(error: crate::store::vault::VaultError) -> Self {
        flow::Error::from(error).into()
    }
}

impl From<crate::store::journal::JournalError> for Failure {
    fn from(error: crate::store::journal::JournalError) -> Self {
        flow::Error::from(error).into()
    }
}

impl Output {
    /// The answer: the document, or the sentences made from it.
    pub fn done(&self, document: &Value, human: impl FnOnce() -> String) -> ExitCode {
        self.answer(document, human);
        ExitCode::SUCCESS
    }

    /// An answer that is a text as it stands, its last line break included: CSV.
    pub fn text(&self, text: &str) -> ExitCode {
        use std::io::Write;
        let _ = write!(std::io::stdout(), "{text}");
        ExitCode::SUCCESS
    }

    /// An answer that is a "no": exit code 1.
    pub fn refused(&self, document: &Value, human: impl FnOnce() -> String) -> ExitCode {
        self.answer(document, human);
        ExitCode::from(REFUSED)
    }

    fn answer(&self, document: &Value, human: impl FnOnce() -> String) {
        if self.json {
            line(&serde_json::to_string_pretty(document).unwrap_or_else(|_| document.to_string()));
        } else {
            line(&human());
        }
    }

    /// Progress, for people.
    pub fn progress(&self, text: &str) {
        use std::io::Write;
        // A closed stderr is no reason to stop an operation with money in it.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    pub fn fail(&self, failure: &Failure) -> ExitCode {
        if self.json {
            line(&error_document(failure).to_string());
        } else {
            self.progress(&format!("castellan: {}", failure.message));
            if let Some(advice) = &failure.advice {
                self.progress(&format!("  {advice}"));
            }
            for missing in &failure.missing {
                self.progress(&format!("  missing: {} {}", missing.role, missing.key));
            }
            for collateral in &failure.collaterals {
                self.progress(&format!("  {collateral}"));
            }
        }
        ExitCode::from(failure.code)
    }
}

fn error_document(failure: &Failure) -> Value {
    let mut error = json!({
        "kind": failure.kind,
        "message": failure.message,
        "reason": failure.reason,
        "advice": failure.advice,
    });
    if !failure.collaterals.is_empty() {
        error["collaterals"] = json!(failure.collaterals);
    }
    if !failure.missing.is_empty() {
        error["missing"] = failure.missing.iter().map(missing_document).collect();
    }
    json!({ "error": error })
}

/// A signature that is to come from elsewhere.
pub fn missing_document(missing: &Missing) -> Value {
    json!({ "role": missing.role.name(), "key": missing.key })
}

/// Wrong usage, help and version, as clap words them.
pub fn usage(error: &clap::Error) -> ExitCode {
    let wrong = error.use_stderr();
    if wrong && std::env::args().any(|arg| arg == "--json") {
        let failure = Failure::usage(error.to_string().trim());
        line(&error_document(&failure).to_string());
    } else {
        let _ = error.print();
    }
    if wrong {
        ExitCode::from(USAGE)
    } else {
        ExitCode::SUCCESS
    }
}

/// A document as `key: value` lines.
pub fn listing(document: &Value) -> String {
    let Some(map) = document.as_object() else {
        return document.to_string();
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = map.iter().map(|(key, value)| (key.as_str(), text(value)));
    pairs_listed(&pairs.collect::<Vec<_>>())
}

/// What something is, line by line, with the values below each other.
pub fn pairs_listed(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let line = |(key, value): &(&str, String)| format!("{key:<width$}  {value}");
    pairs.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// One line on stdout; a reader that went away (`| head`) is no error.
pub fn line(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}
