//! A coin of the device: whose it is, whether it may be spent, what it is called.

use bitcoin::bip32::DerivationPath;

use crate::flow::guard::Guard;
use crate::flow::{Error, Ports};
use crate::protocol::key::KeyId;
use crate::protocol::network::MnType;
use crate::protocol::{Amount, OutPoint, ProTxHash, Profile, Transaction};
use crate::rpc::FoundCoin;

/// A coin of the device and the path of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCoin {
    pub coin: FoundCoin,
    pub path: DerivationPath,
    pub key_id: KeyId,
}

/// Whether the chain lets a coin be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoinState {
    Ready,
    /// In no block yet.
    Unconfirmed,
    /// A reward, or what may be one: it can be spent after some more blocks.
    Immature {
        blocks_left: u32,
    },
    /// An unconfirmed transaction spends it.
    BeingSpent,
}

impl CoinState {
    pub fn of(coin: &FoundCoin, profile: &Profile) -> Self {
        let left = profile.coinbase_maturity.saturating_sub(coin.confirmations);
        match coin {
            coin if coin.spent_in_mempool => Self::BeingSpent,
            coin if coin.confirmations == 0 => Self::Unconfirmed,
            coin if coin.coinbase && left > 0 => Self::Immature { blocks_left: left },
            _ => Self::Ready,
        }
    }

    /// One word for a table or a script.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Unconfirmed => "unconfirmed",
            Self::Immature { .. } => "immature",
            Self::BeingSpent => "being spent",
        }
    }
}

/// A coin of the device and all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletCoin {
    pub own: DeviceCoin,
    pub state: CoinState,
    /// Why it must not be spent by accident, the gravest first.
    pub guards: Vec<Guard>,
    /// The user's, else what is known: `collateral of mn1`, `payout of mn1`.
    pub label: Option<String>,
}

impl WalletCoin {
    /// May be chosen without anybody looking.
    pub fn is_free(&self) -> bool {
        self.state == CoinState::Ready && self.guards.is_empty()
    }

    pub fn outpoint(&self) -> OutPoint {
        self.own.coin.outpoint
    }

    pub fn value(&self) -> Amount {
        self.own.coin.value
    }
}

/// A possible collateral.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub outpoint: OutPoint,
    pub path: DerivationPath,
    pub key_id: KeyId,
    pub amount: Amount,
    pub confirmations: u32,
    pub kind: MnType,
    /// It backs this masternode already; registering again would replace it.
    pub used_by: Option<ProTxHash>,
}

/// The transaction that made a coin, re-hashed, with the very output the node told of. An input's signature does not cover its
/// amount (the original SIGHASH): a node that tells too little would turn the rest into fee.
///
/// # Errors
/// Of the node, and [`Error::UnprovenCoin`].
pub async fn prove(ports: &Ports, coin: &FoundCoin) -> Result<Transaction, Error> {
    let outpoint = coin.outpoint;
    let found = ports.node.transaction(outpoint.txid).await?;
    let proof = found.map(|found| found.tx).filter(|tx| {
        let output = usize::try_from(outpoint.vout).ok().and_then(|at| tx.outputs.get(at));
        tx.txid() == outpoint.txid
            && output.is_some_and(|output| output.script == coin.script && output.amount() == Some(coin.value))
    });
    proof.ok_or(Error::UnprovenCoin { outpoint })
}
