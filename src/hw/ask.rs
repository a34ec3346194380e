//! What a device asks its user through the host: the positions of a PIN, a passphrase; and what to look at on its screen.

use std::fmt;

use futures::future::{BoxFuture, ready};
use zeroize::Zeroizing;

use super::Kind;

/// Whoever sits before the host: a window, a terminal, a script.
pub trait Asker: Send + Sync {
    /// Puts a question; none cancels it, and with it the request that led to it. It is awaited on the device's own thread,
    /// outside any runtime, and dropped when nobody waits for the request any more.
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<Answer>>;
}

/// A question, or something to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The device shows digits in an order of its own; the answer is where they stand, on a keypad with 7 8 9 at the top.
    Pin { kind: Kind },
    /// The passphrase of a hidden wallet; empty for the standard one.
    Passphrase {
        kind: Kind,
        /// Whether it can be typed on the device instead.
        on_device_possible: bool,
        /// The wallet that was open so far. None: any passphrase opens a wallet, so a new one should be typed twice.
        wallet: Option<String>,
    },
    /// Only told: the device waits for its buttons. May be answered at once; a future that stays open is dropped when the device
    /// goes on, and cancels the request with none.
    Button { kind: Kind, look: Look },
}

impl Question {
    /// What asks it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Pin { kind } | Self::Passphrase { kind, .. } | Self::Button { kind, .. } => *kind,
        }
    }
}

/// What is to be compared or done on the device's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Address,
    Output,
    Fee,
    Payment,
    UnusualPath,
    Pin,
    Passphrase,
    Locked,
    /// A text, or a page of one.
    Text,
}

/// What was typed. Wiped when dropped; prints nothing.
pub enum Answer {
    /// Positions `1` to `9`.
    Pin(Zeroizing<String>),
    Passphrase(Zeroizing<String>),
    PassphraseOnDevice,
    /// Of what was only told.
    Seen,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pin(_) => "Pin(..)",
            Self::Passphrase(_) => "Passphrase(..)",
            Self::PassphraseOnDevice => "PassphraseOnDevice",
            Self::Seen => "Seen",
        })
    }
}

impl Look {
    /// What the user does, as the end of "on the Trezor: ...".
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Address => "compare the address and confirm it",
            Self::Output => "compare amount and address of the payment and confirm them",
            Self::Fee => "the fee is high for the payment; confirm it only if you meant it",
            Self::Payment => "compare total and fee and confirm the payment",
            Self::UnusualPath => "the path is unusual; confirm it only if you meant it",
            Self::Pin => "enter the PIN",
            Self::Passphrase => "enter the passphrase",
            Self::Locked => "confirm that it may be used",
            Self::Text => "read the text and confirm it",
        }
    }
}

/// Nobody is there to type: what is told is seen, every question cancelled.
pub struct Nobody;

impl Asker for Nobody {
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<Answer>> {
        Box::pin(ready(match question {
            Question::Button { .. } => Some(Answer::Seen),
            Question::Pin { .. } | Question::Passphrase { .. } => None,
        }))
    }
}
