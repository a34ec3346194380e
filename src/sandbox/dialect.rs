//! Which node the sandbox speaks like.

use crate::protocol::network::Profile;

/// The two lines of nodes that were measured; everything between them is a mixture of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Dash Core 23.1.2.
    Core23,
    /// Forks of Dash Core 0.17: WEI Core 0.17.0.3.
    Core17,
}

impl Dialect {
    /// A network that knows V19 is served by a node of today.
    pub fn of(profile: &Profile) -> Self {
        if profile.activation.v19.is_some() {
            Self::Core23
        } else {
            Self::Core17
        }
    }

    pub fn is_core17(self) -> bool {
        self == Self::Core17
    }

    pub fn pick<T>(self, core23: T, core17: T) -> T {
        match self {
            Self::Core23 => core23,
            Self::Core17 => core17,
        }
    }
}
