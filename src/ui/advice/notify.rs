//! Of ways to tell somebody.

use super::Advice;
use crate::notify::NotifyError;

impl Advice for NotifyError {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::Desktop { .. } => {
                "Start a notification service in this session, or switch notifications of the desktop off."
            }
            Self::BadUrl { .. } => "Copy the whole address from the service that is to be told.",
            Self::Unreachable { .. } => "Check the address and the network.",
            Self::Timeout { .. } => "Try again later; the service has too much to do or is not there.",
            Self::Redirected { .. } => "Use the address it sends on to, if you trust it.",
            Self::Refused { .. } => "Check the address: a token in it may be wrong or no longer valid.",
            Self::NoCertificates => "Install the package ca-certificates.",
            Self::NoCommand => "Type a program and its arguments.",
            Self::OpenQuote => "Close it, or leave it out.",
            Self::NotStarted { .. } => "Check its name; a whole path is safest. It is started without a shell.",
            Self::Failed { .. } => "Try it on a terminal.",
            Self::Killed { .. } => "Let it do its work in the background.",
        };
        Some(text.to_owned())
    }
}
