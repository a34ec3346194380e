//! What the device's screen shows.

use crate::protocol::Amount;

/// What is on the screen now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// No cable.
    Unplugged,
    /// The PIN is asked.
    Locked,
    /// No app is open.
    Dashboard,
    /// An app waits for commands.
    Idle { app: String },
    /// A question waits for the buttons.
    Prompt(Prompt),
}

/// One question with all its pages. Approving or rejecting answers the whole of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The pages before the choice, in the order the user scrolls through them; a title and its value are one or two lines.
    pub pages: Vec<String>,
    /// Text beside the two choices.
    pub approve: &'static str,
    pub reject: &'static str,
}

impl Screen {
    /// The text, line by line.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Unplugged => Vec::new(),
            Self::Locked => vec!["Enter PIN".to_owned()],
            Self::Dashboard => vec!["Dashboard".to_owned(), "Open an app".to_owned()],
            Self::Idle { app } => vec![format!("{app} is ready")],
            Self::Prompt(prompt) => prompt.pages.clone(),
        }
    }

    pub fn prompt(&self) -> Option<&Prompt> {
        match self {
            Self::Prompt(prompt) => Some(prompt),
            _ => None,
        }
    }
}

impl Prompt {
    pub(super) fn address(address: &str, unusual_path: Option<String>) -> Self {
        let mut pages = Vec::new();
        if let Some(path) = unusual_path {
            pages.push("The derivation path is unusual!".to_owned());
            pages.push("Derivation path".to_owned());
            pages.push(path);
            pages.push("Reject if you're not sure".to_owned());
            pages.push("Approve derivation path".to_owned());
        }
        pages.push(format!("Address {address}"));
        Self::new(pages, "Approve", "Reject")
    }

    /// `hash`: 64 upper-case digits.
    pub(super) fn message(hash: String) -> Self {
        let pages = vec!["Sign message".to_owned(), "Message hash".to_owned(), hash];
        Self::new(pages, "Sign message", "Cancel signature")
    }

    /// `number` counts from 1.
    pub(super) fn output(number: u32, amount: u64, ticker: &str, address: &str) -> Self {
        let pages = vec![
            format!("Review output #{number}"),
            format!("Amount {}", amount_text(amount, ticker)),
            format!("Address {address}"),
        ];
        Self::new(pages, "Accept", "Reject")
    }

    /// `fee` in duffs; none where an input's amount is not vouched for.
    pub(super) fn fee(fee: Option<u64>, ticker: &str) -> Self {
        let fee = fee.map_or_else(|| "UNKNOWN".to_owned(), |fee| amount_text(fee, ticker));
        let pages = vec!["Confirm transaction".to_owned(), format!("Fees {fee}")];
        Self::new(pages, "Accept and send", "Reject")
    }

    pub(super) fn change_path(path: String) -> Self {
        let pages = vec!["The change path is unusual".to_owned(), "Change path".to_owned(), path];
        Self::new(pages, "Approve", "Reject if you're not sure")
    }

    pub(super) fn sign_path(path: String) -> Self {
        let pages = vec!["The sign path is unusual".to_owned(), "Sign path".to_owned(), path];
        Self::new(pages, "Approve", "Reject if you're not sure")
    }

    pub(super) fn open_app(name: &str) -> Self {
        Self::new(vec![format!("Open app {name}")], "Open", "Reject")
    }

    fn new(pages: Vec<String>, approve: &'static str, reject: &'static str) -> Self {
        Self { pages, approve, reject }
    }
}

fn amount_text(duffs: u64, ticker: &str) -> String {
    format!("{} {ticker}", Amount::from_duffs(duffs).short())
}
