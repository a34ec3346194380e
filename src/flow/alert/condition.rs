//! What somebody waits for: a kind of alert, or a turn of one that matters more than the other.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{Alert, Kind, What};

/// It came true when an alert says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Any alert.
    Any,
    /// Banned, for whatever reason.
    Banned,
    /// Any alert of a kind; of `danger` only the way into it, of `node-down` only that it is down.
    Of(Kind),
}

/// A word that is no condition.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{word}' is no condition: {known}")]
pub struct UnknownCondition {
    pub word: String,
    pub known: String,
}

impl Condition {
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Any, Self::Banned]
            .into_iter()
            .chain(Kind::ALL.into_iter().map(Self::Of))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Banned => "banned",
            Self::Of(kind) => kind.name(),
        }
    }

    pub fn is_met_by(self, alert: &Alert) -> bool {
        match (self, &alert.what) {
            (Self::Any, _) => true,
            (Self::Banned, What::Status { to, .. }) => to.is_banned(),
            (Self::Banned, _) => false,
            (Self::Of(Kind::Danger), What::DangerLine { into, .. }) => *into,
            (Self::Of(Kind::NodeDown), What::NodeUp) => false,
            (Self::Of(kind), _) => alert.kind() == kind,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Condition {
    type Err = UnknownCondition;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::all()
            .find(|condition| condition.name() == word)
            .ok_or_else(|| UnknownCondition {
                word: word.to_owned(),
                known: Self::all().map(Self::name).collect::<Vec<_>>().join(", "),
            })
    }
}
