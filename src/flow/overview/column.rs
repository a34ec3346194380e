//! What is known of a masternode, as columns: keys, titles, values, order. One source for the window's table, `list` and exports.

use std::cmp::Ordering;
use std::str::FromStr;

use bitcoin::hashes::Hash;
use serde_json::{Value, json};
use thiserror::Error;

use super::Masternode;
use super::forecast::paid;
use crate::flow::export::{Table, text};
use crate::protocol::masternode::Entry;
use crate::protocol::masternode::entry::State;
use crate::protocol::{Address, Amount, Profile, describe};

macro_rules! columns {
    ($($name:ident $key:literal $title:literal,)*) => {
        /// One column.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Column { $($name,)* }

        impl Column {
            /// In the order in which they are written.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its key in JSON, CSV and settings: Dash Core's where Dash Core has one.
            pub fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }

            /// What people read above it.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

columns! {
    ProTxHash "proTxHash" "proTxHash",
    Type "type" "Type",
    Status "status" "Status",
    Service "service" "Address",
    CollateralHash "collateralHash" "Collateral",
    CollateralIndex "collateralIndex" "Output",
    OwnerAddress "ownerAddress" "Owner",
    VotingAddress "votingAddress" "Voting",
    PayoutAddress "payoutAddress" "Payout",
    PubKeyOperator "pubKeyOperator" "Operator key",
    OperatorReward "operatorReward" "Operator reward",
    PosePenalty "posePenalty" "PoSe",
    PoseMax "poseMax" "PoSe maximum",
    PoseFailuresSurvivable "poseFailuresSurvivable" "Failures survivable",
    PoseBlocksToSafe "poseBlocksToSafe" "Blocks to safe",
    PoseBanHeight "poseBanHeight" "Banned at",
    QueuePosition "queuePosition" "Queue",
    QueueLength "queueLength" "Queue length",
    NextPaymentHeight "nextPaymentHeight" "Next payment in block",
    NextPaymentTime "nextPaymentTime" "Next payment",
    Name "name" "Name",
    Mine "mine" "Mine",
    Level "poseLevel" "PoSe level",
    Reason "reason" "Reason",
    PoseDangerLine "poseDangerLine" "Danger line",
    PoseRevivedHeight "poseRevivedHeight" "Revived at",
    RegisteredHeight "registeredHeight" "Registered at",
    LastPaidHeight "lastPaidHeight" "Last paid",
    NextPaymentEarliest "nextPaymentEarliest" "Earliest payment",
    NextPaymentLatest "nextPaymentLatest" "Latest payment",
    NextPaymentAmount "nextPaymentAmount" "Next payment's amount",
    OperatorPayoutAddress "operatorPayoutAddress" "Operator payout",
    PlatformNodeId "platformNodeID" "Platform node id",
    CollateralConfirmations "collateralConfirmations" "Confirmations",
}

/// A text that names no column.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{0}' is not a column")]
pub struct NoSuchColumn(pub String);

impl FromStr for Column {
    type Err = NoSuchColumn;

    /// By its key or its title, in any case.
    fn from_str(text: &str) -> Result<Self, NoSuchColumn> {
        let is = |name: &str| name.eq_ignore_ascii_case(text.trim());
        let found = Self::ALL.iter().find(|column| is(column.key()) || is(column.title()));
        found.copied().ok_or_else(|| NoSuchColumn(text.to_owned()))
    }
}

impl Column {
    /// What `list` prints as JSON, fixed for those who read it.
    pub fn fixed() -> &'static [Self] {
        &Self::ALL[..=Self::NextPaymentTime as usize]
    }

    /// Its value as Dash Core prints it where it does; times are **Unix seconds**, amounts coins as text.
    pub fn value(self, masternode: &Masternode, profile: &Profile) -> Value {
        let (entry, state) = (&masternode.entry, &masternode.entry.state);
        let (slot, outlook) = (masternode.slot, &masternode.outlook);
        let expected = masternode.expected_time;
        match self {
            Self::ProTxHash => json!(entry.pro_tx_hash.to_string()),
            Self::Type => json!(entry.kind.to_string()),
            Self::Status => json!(entry.status().as_text()),
            Self::Service => json!(state.service.to_string()),
            Self::CollateralHash => json!(entry.collateral.txid.to_string()),
            Self::CollateralIndex => json!(entry.collateral.vout),
            Self::OwnerAddress | Self::VotingAddress | Self::PayoutAddress | Self::OperatorPayoutAddress => {
                json!(self.address(state).map(|address| address.to_text(profile)))
            }
            Self::PubKeyOperator => json!(state.operator.to_hex(entry.key_encoding())),
            Self::OperatorReward => json!(describe::percent(entry.operator_reward)),
            Self::PosePenalty => json!(state.pose_penalty),
            Self::PoseMax => json!(outlook.max),
            Self::PoseFailuresSurvivable if entry.is_banned() => json!(0),
            Self::PoseFailuresSurvivable => json!(outlook.failures_survivable),
            Self::PoseBlocksToSafe => json!(outlook.blocks_to_safe),
            Self::PoseBanHeight => height_or_minus_one(state.pose_ban_height),
            Self::QueuePosition => json!(slot.map(|slot| slot.position)),
            Self::QueueLength => json!(masternode.queue_length),
            Self::NextPaymentHeight => json!(slot.map(|slot| slot.height)),
            Self::NextPaymentTime => json!(expected.map(|expected| expected.likely)),
            Self::Name => json!(masternode.name),
            Self::Mine => json!(masternode.mine),
            Self::Level => json!(super::words::level(masternode.level)),
            Self::Reason => json!(masternode.reason.map(|reason| reason.word())),
            Self::PoseDangerLine => json!(outlook.danger_line),
            Self::PoseRevivedHeight => height_or_minus_one(state.pose_revived_height),
            Self::RegisteredHeight => json!(state.registered_height),
            Self::LastPaidHeight => json!(state.last_paid_height),
            Self::NextPaymentEarliest => json!(expected.map(|expected| expected.earliest)),
            Self::NextPaymentLatest => json!(expected.map(|expected| expected.latest)),
            Self::NextPaymentAmount => json!(amount(masternode).map(|amount| amount.to_string())),
            Self::PlatformNodeId => json!(state.platform_node_id),
            Self::CollateralConfirmations => json!(entry.confirmations),
        }
    }

    fn address(self, state: &State) -> Option<Address> {
        match self {
            Self::OwnerAddress => state.owner.map(|id| id.address()),
            Self::VotingAddress => state.voting.map(|id| id.address()),
            Self::PayoutAddress => state.payout,
            Self::OperatorPayoutAddress => state.operator_payout,
            _ => None,
        }
    }

    /// How two masternodes stand in this column: numbers by size, hashes and texts by what is shown, nothing after everything.
    pub fn compare(self, a: &Masternode, b: &Masternode, profile: &Profile) -> Ordering {
        self.order(a, profile).cmp(&self.order(b, profile))
    }

    /// What the column is sorted by. Numbers and hashes cost nothing; a text is made, once per row.
    pub fn order(self, masternode: &Masternode, profile: &Profile) -> Order {
        if let Some(number) = self.number(masternode) {
            return number.map_or(Order::Nothing, Order::Number);
        }
        let entry = &masternode.entry;
        match self {
            Self::ProTxHash => Order::Hash(shown(entry.pro_tx_hash.to_byte_array())),
            Self::CollateralHash => Order::Hash(shown(entry.collateral.txid.to_byte_array())),
            Self::Service => service(entry),
            Self::Name => Order::Text(masternode.name.to_lowercase()),
            _ => match self.value(masternode, profile) {
                Value::Null => Order::Nothing,
                other => Order::Text(text(&other).to_lowercase()),
            },
        }
    }

    /// The number in a column of numbers, without the text that JSON keeps it as; no number where nothing is known. None for other
    /// columns.
    fn number(self, masternode: &Masternode) -> Option<Option<u64>> {
        let (entry, state) = (&masternode.entry, &masternode.entry.state);
        let (slot, outlook, time) = (masternode.slot, &masternode.outlook, masternode.expected_time);
        let wide = |number: u32| Some(u64::from(number));
        Some(match self {
            Self::CollateralIndex => wide(entry.collateral.vout),
            Self::OperatorReward => Some(u64::from(entry.operator_reward)),
            Self::PosePenalty => wide(outlook.penalty),
            Self::PoseMax => wide(outlook.max),
            Self::PoseFailuresSurvivable => wide(outlook.failures_survivable),
            Self::PoseBlocksToSafe => wide(outlook.blocks_to_safe),
            Self::PoseDangerLine => wide(outlook.danger_line),
            Self::PoseBanHeight => state.pose_ban_height.and_then(wide),
            Self::PoseRevivedHeight => state.pose_revived_height.and_then(wide),
            Self::RegisteredHeight => wide(state.registered_height),
            Self::LastPaidHeight => wide(state.last_paid_height),
            Self::QueuePosition => slot.and_then(|slot| wide(slot.position)),
            Self::QueueLength => wide(masternode.queue_length),
            Self::NextPaymentHeight => slot.and_then(|slot| wide(slot.height)),
            Self::NextPaymentTime => time.map(|time| time.likely),
            Self::NextPaymentEarliest => time.map(|time| time.earliest),
            Self::NextPaymentLatest => time.map(|time| time.latest),
            Self::NextPaymentAmount => amount(masternode).map(Amount::duffs),
            Self::CollateralConfirmations => entry.confirmations.and_then(wide),
            Self::Level => Some(masternode.level as u64),
            // Mine first.
            Self::Mine => Some(u64::from(!masternode.mine)),
            _ => return None,
        })
    }
}

/// What rows are sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    Number(u64),
    /// In the order of the digits shown.
    Hash([u8; 32]),
    Text(String),
    /// After everything that has a value.
    Nothing,
}

impl Order {
    pub fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}

/// Hashes are shown from their last stored byte to the first.
fn shown(mut stored: [u8; 32]) -> [u8; 32] {
    stored.reverse();
    stored
}

/// Addresses by their numbers: 9.9.9.9 comes before 10.0.0.1.
fn service(entry: &Entry) -> Order {
    let service = entry.state.service;
    if service.is_none() {
        return Order::Nothing;
    }
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&service.ip.octets());
    bytes[16..18].copy_from_slice(&service.port.to_be_bytes());
    Order::Hash(bytes)
}

pub fn amount(masternode: &Masternode) -> Option<Amount> {
    masternode.expected_reward.as_ref().and_then(paid)
}

/// Dash Core's way of telling that something never happened.
pub fn height_or_minus_one(height: Option<u32>) -> Value {
    height.map_or(json!(-1), |height| json!(height))
}

/// Rows of masternodes as a table of these columns.
pub fn table<'a>(
    columns: &[Column],
    masternodes: impl IntoIterator<Item = &'a Masternode>,
    profile: &Profile,
) -> Table {
    let mut table = Table::new(columns.iter().map(|column| column.key()));
    for each in masternodes {
        table
            .rows
            .push(columns.iter().map(|column| column.value(each, profile)).collect());
    }
    table
}

/// Whether a text, in **lower case**, is in what identifies a masternode: hash, name, address, collateral, status, and the
/// addresses it pays to or is owned by.
pub fn matches(masternode: &Masternode, needle: &str, profile: &Profile) -> bool {
    const SEARCHED: [Column; 10] = [
        Column::ProTxHash,
        Column::Name,
        Column::Service,
        Column::CollateralHash,
        Column::Status,
        Column::Reason,
        Column::Type,
        Column::PayoutAddress,
        Column::OwnerAddress,
        Column::VotingAddress,
    ];
    let has = |column: &Column| text(&column.value(masternode, profile)).to_lowercase().contains(needle);
    needle.is_empty() || SEARCHED.iter().any(has)
}
