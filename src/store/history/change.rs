//! What can happen to a masternode, and how it is written down.

use bitcoin::BlockHash;
use serde::{Deserialize, Serialize};

use super::Block;
use crate::protocol::address::Address;
use crate::protocol::masternode::OperatorKey;
use crate::protocol::masternode::entry::{BanReason, Status};
use crate::protocol::special_tx::Service;
use crate::protocol::{Amount, KeyId};

/// A change and the block that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub height: u32,
    /// **Unix seconds** of the block, where it is known.
    pub time: Option<u64>,
    pub change: Change,
}

/// What a block did to a masternode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Change {
    /// It came into the list, with this status.
    Registered {
        #[serde(with = "status")]
        status: Status,
        #[serde(with = "reason", default, skip_serializing_if = "Option::is_none")]
        reason: Option<BanReason>,
    },
    /// It left the list: its collateral was spent or registered again.
    Removed,
    /// The score rose, or fell by more than the one point of each block. `from` is the score after the block before.
    Penalty { from: u32, to: u32 },
    /// The commitment that raised the score: of this DKG, named by kind (`llmq_60_75`), first block and that block's height.
    Dkg {
        kind: String,
        quorum: BlockHash,
        height: u32,
    },
    /// [`Status::Penalised`] is told as [`Status::Enabled`]: the score says it.
    Status {
        #[serde(with = "status")]
        from: Status,
        #[serde(with = "status")]
        to: Status,
        /// Why it is banned now, if it is.
        #[serde(with = "reason", default, skip_serializing_if = "Option::is_none")]
        reason: Option<BanReason>,
    },
    /// It was the block's payee. The amount is of owner and operator together, without Platform's part.
    Paid {
        #[serde(with = "amount", default, skip_serializing_if = "Option::is_none")]
        amount: Option<Amount>,
    },
    Service {
        #[serde(with = "service")]
        from: Service,
        #[serde(with = "service")]
        to: Service,
    },
    /// Another point; the same one in another encoding is no change. Told in the basic encoding.
    OperatorKey {
        #[serde(with = "operator")]
        from: OperatorKey,
        #[serde(with = "operator")]
        to: OperatorKey,
    },
    Voting {
        #[serde(with = "key")]
        from: Option<KeyId>,
        #[serde(with = "key")]
        to: Option<KeyId>,
    },
    Payout {
        #[serde(with = "address")]
        from: Option<Address>,
        #[serde(with = "address")]
        to: Option<Address>,
    },
    OperatorPayout {
        #[serde(with = "address")]
        from: Option<Address>,
        #[serde(with = "address")]
        to: Option<Address>,
    },
    /// Of an evonode.
    Platform { from: Platform, to: Platform },
}

/// What Platform knows an evonode by.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Platform {
    /// 40 hexadecimal digits.
    pub node_id: Option<String>,
    pub p2p_port: Option<u16>,
    pub http_port: Option<u16>,
}

impl Change {
    /// Short and stable, for JSON, CSV and icons.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Registered { .. } => "registered",
            Self::Removed => "removed",
            Self::Penalty { .. } => "penalty",
            Self::Dkg { .. } => "dkg",
            Self::Status { .. } => "status",
            Self::Paid { .. } => "paid",
            Self::Service { .. } => "service",
            Self::OperatorKey { .. } => "operator-key",
            Self::Voting { .. } => "voting",
            Self::Payout { .. } => "payout",
            Self::OperatorPayout { .. } => "operator-payout",
            Self::Platform { .. } => "platform",
        }
    }

    /// A rise of the score by a failed DKG.
    pub fn is_rise(&self) -> bool {
        matches!(self, Self::Penalty { from, to } if to > from)
    }
}

impl Event {
    pub fn new(block: Block, change: Change) -> Self {
        Self {
            height: block.height,
            time: Some(block.time),
            change,
        }
    }
}

/// As [`Status::as_text`] has it.
mod status {
    use super::Status;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    const ALL: [Status; 4] = [
        Status::Enabled,
        Status::PoseBanned,
        Status::WaitingForService,
        Status::Revoked,
    ];

    pub fn serialize<S: Serializer>(status: &Status, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(status.as_text())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Status, D::Error> {
        let text = String::deserialize(from)?;
        let found = ALL.into_iter().find(|status| status.as_text() == text);
        found.ok_or_else(|| Error::custom("no status"))
    }
}

/// As [`status`], where there may be none.
pub(super) mod status_text {
    use super::Status;
    use serde::ser::{Serialize, Serializer};
    use serde::{Deserialize, Deserializer};

    #[derive(Deserialize)]
    struct One(#[serde(with = "super::status")] Status);

    pub fn serialize<S: Serializer>(status: &Option<Status>, out: S) -> Result<S::Ok, S::Error> {
        status.map(Status::as_text).serialize(out)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Status>, D::Error> {
        Ok(Option::<One>::deserialize(from)?.map(|One(status)| status))
    }
}

/// A word, or the number of a revocation's reason.
mod reason {
    use super::BanReason;
    use serde::ser::{Serialize, Serializer};
    use serde::{Deserialize, Deserializer};

    #[derive(serde::Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Written {
        Misbehaviour,
        NoAddress,
        OperatorChanged,
        Revoked(u16),
    }

    pub fn serialize<S: Serializer>(reason: &Option<BanReason>, out: S) -> Result<S::Ok, S::Error> {
        let written = reason.map(|reason| match reason {
            BanReason::Misbehaviour => Written::Misbehaviour,
            BanReason::NoAddress => Written::NoAddress,
            BanReason::OperatorChanged => Written::OperatorChanged,
            BanReason::Revoked { reason } => Written::Revoked(reason),
        });
        written.serialize(out)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<BanReason>, D::Error> {
        let written = Option::<Written>::deserialize(from)?;
        Ok(written.map(|written| match written {
            Written::Misbehaviour => BanReason::Misbehaviour,
            Written::NoAddress => BanReason::NoAddress,
            Written::OperatorChanged => BanReason::OperatorChanged,
            Written::Revoked(reason) => BanReason::Revoked { reason },
        }))
    }
}

/// As a number of duffs.
mod amount {
    use super::Amount;
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, Serializer};

    pub fn serialize<S: Serializer>(amount: &Option<Amount>, out: S) -> Result<S::Ok, S::Error> {
        amount.map(Amount::duffs).serialize(out)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Amount>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Amount::from_duffs))
    }
}

/// As it prints itself.
mod service {
    use super::Service;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(service: &Service, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(service)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Service, D::Error> {
        String::deserialize(from)?.parse().map_err(Error::custom)
    }
}

/// 96 hexadecimal digits in the basic encoding, zeros for a revoked one.
mod operator {
    use super::OperatorKey;
    use crate::protocol::bls::Scheme;
    use bitcoin::hex::FromHex;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(key: &OperatorKey, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&key.to_hex(Scheme::Basic))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<OperatorKey, D::Error> {
        let bytes = <[u8; 48]>::from_hex(&String::deserialize(from)?).map_err(Error::custom)?;
        Ok(OperatorKey::from_bytes(bytes, Scheme::Basic))
    }
}

/// 40 hexadecimal digits as stored.
mod key {
    use super::KeyId;
    use bitcoin::hex::{DisplayHex, FromHex};
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};

    pub fn serialize<S: Serializer>(key: &Option<KeyId>, out: S) -> Result<S::Ok, S::Error> {
        key.map(|key| key.0.to_lower_hex_string()).serialize(out)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<KeyId>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        let read = |text: String| <[u8; 20]>::from_hex(&text).map(KeyId).map_err(Error::custom);
        text.map(read).transpose()
    }
}

/// The script in hexadecimal digits: an address reads the same on every network.
mod address {
    use super::Address;
    use crate::protocol::script;
    use bitcoin::hex::{DisplayHex, FromHex};
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};

    pub fn serialize<S: Serializer>(address: &Option<Address>, out: S) -> Result<S::Ok, S::Error> {
        let hex = address.map(|address| address.script().as_bytes().to_lower_hex_string());
        hex.serialize(out)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Address>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        let bytes = Vec::from_hex(&text).map_err(Error::custom)?;
        let found = script::address(&bytes).ok_or_else(|| Error::custom("no address"))?;
        Ok(Some(found))
    }
}
