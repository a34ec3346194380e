//! Ways to tell somebody something: the desktop, a webhook, a command. They know nothing of what they tell.
//!
//! The port is [`Sink`]. Each runs on the runtime that awaits it, never on the window's thread, and gives up after a stated time.

pub mod command;
pub mod desktop;
pub mod fake;
pub mod webhook;

use std::io;

use futures::future::BoxFuture;
use thiserror::Error;

pub use command::Command;
pub use desktop::Desktop;
pub use webhook::Webhook;

/// Somebody who is told.
pub trait Sink: Send + Sync {
    /// In few words, without anything secret: `desktop`, `webhook example.org`, `command /usr/bin/mail`.
    fn name(&self) -> String;
    /// Tells one thing.
    fn tell(&self, notice: Notice) -> BoxFuture<'_, Result<(), NotifyError>>;
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// A few words.
    pub title: String,
    /// Whole sentences.
    pub body: String,
    pub urgency: Urgency,
    /// The same for programs: a JSON object.
    pub document: String,
    /// The same for shell scripts: names without prefix (`KIND`), values of one line.
    pub variables: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    Low,
    Normal,
    Critical,
}

/// Why somebody was not told. No address in it: a webhook's may hold a token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotifyError {
    #[error("the desktop shows no notifications: {reason}")]
    Desktop { reason: String },
    #[error("not a webhook's address: {reason}")]
    BadUrl { reason: &'static str },
    #[error("no connection to {host}")]
    Unreachable { host: String },
    #[error("{host} did not answer within {seconds} seconds")]
    Timeout { host: String, seconds: u64 },
    #[error("{host} sends on to another address, which is not followed")]
    Redirected { host: String },
    #[error("{host} answered {status}")]
    Refused { host: String, status: u16 },
    #[error("this computer has no certificate store")]
    NoCertificates,
    #[error("the command is empty")]
    NoCommand,
    #[error("a quotation mark in the command is not closed")]
    OpenQuote,
    #[error("{program} cannot be started: {kind}")]
    NotStarted { program: String, kind: io::ErrorKind },
    #[error("{program} ended with {code}{}", after_colon(.said))]
    Failed {
        program: String,
        code: String,
        said: String,
    },
    #[error("{program} was stopped: it did not end within {seconds} seconds")]
    Killed { program: String, seconds: u64 },
}

fn after_colon(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    }
}
