//! What a payment is for, what it spends, what it may cost.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::bip32::DerivationPath;

use crate::protocol::network::MnType;
use crate::protocol::{Address, Amount, OutPoint};

/// A payment as the user wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Account of the device that pays and takes the change.
    pub account: DerivationPath,
    pub purpose: Purpose,
    pub coins: Selection,
    /// **Duffs** per 1000 bytes; none: what the node advises.
    pub rate: Option<Amount>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Fills a fee key, which has this name here.
    Fund {
        label: String,
        to: Address,
        amount: Amount,
    },
    Send {
        to: Address,
        sum: Sum,
    },
    /// Makes an output of exactly a collateral's amount on the account's next unused receiving address.
    Collateral {
        kind: MnType,
    },
}

impl Purpose {
    /// As the command line and the journal call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fund { .. } => "fund",
            Self::Send { .. } => "send",
            Self::Collateral { .. } => super::COLLATERAL,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    Exactly(Amount),
    /// Everything the coins hold but the fee; no change.
    All,
}

/// Which coins are spent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Selection {
    /// As few free coins as it takes; with [`Sum::All`] every free one.
    #[default]
    Automatic,
    /// All of these and no other. A guarded one only if its phrase ([`crate::flow::guard::phrase`]) was typed, and nothing graver
    /// ([`crate::flow::guard::gravity`]) guards it by now than what was told then.
    Chosen {
        coins: BTreeSet<OutPoint>,
        unlocked: BTreeMap<OutPoint, u8>,
    },
}
