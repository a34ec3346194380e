//! How each column looks in the table, and which are shown.

use crate::flow::overview::column::amount;
use crate::flow::overview::{Column, Masternode};
use crate::protocol::Profile;
use crate::protocol::masternode::Status;
use crate::protocol::masternode::pose::Level;
use crate::store::settings::MasternodeTable;
use crate::ui::format;
use crate::ui::theme::Tone;
use crate::ui::widget::table::{self, Align, Cell, Direction, Look};

use super::model::Sort;

/// Shown until the user chooses others; they fit a window of 1000 pixels.
const DEFAULT: [Column; 7] = [
    Column::Status,
    Column::Service,
    Column::ProTxHash,
    Column::Type,
    Column::PosePenalty,
    Column::QueuePosition,
    Column::NextPaymentTime,
];

/// Those that can be chosen, in the order in which they stand. Others say the same of all rows.
pub const OFFERED: [Column; 30] = [
    Column::Status,
    Column::Reason,
    Column::Name,
    Column::Service,
    Column::ProTxHash,
    Column::Type,
    Column::PosePenalty,
    Column::Level,
    Column::PoseFailuresSurvivable,
    Column::PoseBlocksToSafe,
    Column::PoseBanHeight,
    Column::PoseRevivedHeight,
    Column::QueuePosition,
    Column::NextPaymentTime,
    Column::NextPaymentHeight,
    Column::NextPaymentEarliest,
    Column::NextPaymentLatest,
    Column::NextPaymentAmount,
    Column::LastPaidHeight,
    Column::RegisteredHeight,
    Column::PayoutAddress,
    Column::OwnerAddress,
    Column::VotingAddress,
    Column::OperatorPayoutAddress,
    Column::OperatorReward,
    Column::PubKeyOperator,
    Column::CollateralHash,
    Column::CollateralIndex,
    Column::CollateralConfirmations,
    Column::PlatformNodeId,
];

/// The order of payment.
const SORT: Sort = Sort {
    column: Column::QueuePosition,
    direction: Direction::Ascending,
};

/// The columns on screen and the order, as the settings keep them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub columns: Vec<Column>,
    pub sort: Sort,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            columns: DEFAULT.to_vec(),
            sort: SORT,
        }
    }
}

impl Layout {
    /// What the settings name and this program knows; without any, the usual ones.
    pub fn of(kept: &MasternodeTable) -> Self {
        let mut columns: Vec<Column> = Vec::new();
        for column in kept.columns.iter().filter_map(|key| offered(key)) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        if columns.is_empty() {
            columns = DEFAULT.to_vec();
        }
        let sort = kept.sort.as_deref().and_then(offered).map_or(SORT, |column| Sort {
            column,
            direction: if kept.descending {
                Direction::Descending
            } else {
                Direction::Ascending
            },
        });
        Self { columns, sort }
    }

    pub fn kept(&self) -> MasternodeTable {
        MasternodeTable {
            columns: self.columns.iter().map(|column| column.key().to_owned()).collect(),
            sort: Some(self.sort.column.key().to_owned()),
            descending: self.sort.direction == Direction::Descending,
        }
    }

    /// A click on a header: sorts by it, and the second time the other way round.
    pub fn press(&mut self, column: Column) {
        let direction = if self.sort.column == column && self.sort.direction == Direction::Ascending {
            Direction::Descending
        } else {
            Direction::Ascending
        };
        self.sort = Sort { column, direction };
    }

    /// Shows a column at its usual place, or hides it. The last one stays.
    pub fn choose(&mut self, column: Column, shown: bool) {
        let usual = |column: Column| OFFERED.iter().position(|each| *each == column);
        if !shown {
            if self.columns.len() > 1 {
                self.columns.retain(|each| *each != column);
            }
        } else if !self.columns.contains(&column) {
            let before = |each: &&Column| usual(**each) < usual(column);
            let at = self.columns.iter().filter(before).count();
            self.columns.insert(at, column);
        }
    }

    /// As the widget takes them.
    pub fn widgets(&self) -> Vec<table::Column> {
        self.columns.iter().map(|column| widget(*column)).collect()
    }

    /// The sorted one's place on screen, if it is there.
    pub fn sorted(&self) -> Option<(usize, Direction)> {
        let at = self.columns.iter().position(|column| *column == self.sort.column)?;
        Some((at, self.sort.direction))
    }
}

fn offered(key: &str) -> Option<Column> {
    OFFERED.into_iter().find(|column| column.key() == key)
}

fn widget(column: Column) -> table::Column {
    let (width, grow, align) = match column {
        Column::Status => (104.0, 0.3, Align::Left),
        Column::Reason => (130.0, 0.5, Align::Left),
        Column::Name => (120.0, 0.5, Align::Left),
        Column::Service => (174.0, 0.6, Align::Left),
        Column::Type => (70.0, 0.2, Align::Left),
        Column::Level => (90.0, 0.2, Align::Left),
        Column::ProTxHash
        | Column::CollateralHash
        | Column::PubKeyOperator
        | Column::PlatformNodeId
        | Column::PayoutAddress
        | Column::OwnerAddress
        | Column::VotingAddress
        | Column::OperatorPayoutAddress => (134.0, 0.4, Align::Left),
        Column::NextPaymentTime => (110.0, 0.3, Align::Left),
        Column::NextPaymentEarliest | Column::NextPaymentLatest => (162.0, 0.3, Align::Left),
        Column::NextPaymentAmount => (166.0, 0.3, Align::Right),
        Column::PosePenalty => (66.0, 0.1, Align::Right),
        Column::QueuePosition => (76.0, 0.1, Align::Right),
        _ => (110.0, 0.2, Align::Right),
    };
    table::Column {
        title: title(column),
        width,
        grow,
        align,
    }
}

/// What is above a column; short where the long title has no room.
pub fn title(column: Column) -> &'static str {
    match column {
        Column::NextPaymentHeight => "Next in block",
        Column::NextPaymentAmount => "Expected amount",
        Column::PoseFailuresSurvivable => "Survives",
        Column::Level => "Level",
        Column::CollateralIndex => "Output",
        column => column.title(),
    }
}

/// What a place of the table says. `now` in **Unix seconds**.
pub fn cell(column: Column, masternode: &Masternode, profile: &Profile, now: u64) -> Cell {
    let (entry, state, slot) = (&masternode.entry, &masternode.entry.state, masternode.slot);
    let number = |number: Option<u32>| number.map_or_else(nothing, |number| plain(format::grouped(number)));
    let moment = |time: Option<u64>| time.map_or_else(nothing, |time| plain(format::date_time(time)));
    match column {
        Column::Status => {
            let (word, tone) = status_word(entry.status());
            Cell::new(word, Look::State(tone))
        }
        Column::Reason => masternode.reason.map_or_else(nothing, |reason| plain(reason.word())),
        Column::Name if masternode.mine => Cell::new(&masternode.name, Look::Strong),
        Column::Name => nothing(),
        Column::Service if state.service.is_none() => Cell::new("No address", Look::Muted),
        Column::Service if masternode.mine => Cell::new(state.service.to_string(), Look::Strong),
        Column::Service => plain(state.service.to_string()),
        Column::Type => Cell::new(entry.kind.to_string(), Look::Muted),
        Column::PosePenalty => Cell::new(format::grouped(state.pose_penalty), penalty_look(masternode)),
        Column::Level => Cell::new(level_word(masternode.level), Look::Toned(level_tone(masternode.level))),
        Column::PoseFailuresSurvivable if entry.is_banned() => nothing(),
        Column::PoseFailuresSurvivable => number(Some(masternode.outlook.failures_survivable)),
        Column::PoseBlocksToSafe => number(Some(masternode.outlook.blocks_to_safe)),
        Column::PoseBanHeight => number(state.pose_ban_height),
        Column::PoseRevivedHeight => number(state.pose_revived_height),
        Column::QueuePosition => number(slot.map(|slot| slot.position)),
        Column::NextPaymentHeight => number(slot.map(|slot| slot.height)),
        Column::NextPaymentTime => masternode
            .expected_time
            .map_or_else(nothing, |time| plain(format::about(time.likely.saturating_sub(now)))),
        Column::NextPaymentEarliest => moment(masternode.expected_time.map(|time| time.earliest)),
        Column::NextPaymentLatest => moment(masternode.expected_time.map(|time| time.latest)),
        Column::NextPaymentAmount => {
            amount(masternode).map_or_else(nothing, |amount| plain(format::amount(amount, profile)))
        }
        Column::LastPaidHeight | Column::RegisteredHeight => {
            let height = if column == Column::LastPaidHeight {
                state.last_paid_height
            } else {
                state.registered_height
            };
            plain(format::height(height))
        }
        Column::OperatorReward => plain(format::percent(entry.operator_reward)),
        Column::CollateralConfirmations => number(entry.confirmations),
        other => match crate::flow::export::text(&other.value(masternode, profile)) {
            value if value.is_empty() => nothing(),
            value => Cell::new(format::short_hash(&value), Look::Mono),
        },
    }
}

fn plain(text: impl Into<String>) -> Cell {
    Cell::new(text, Look::Plain)
}

fn nothing() -> Cell {
    Cell::new("–", Look::Muted)
}

fn penalty_look(masternode: &Masternode) -> Look {
    match masternode.level {
        Level::Safe if masternode.outlook.penalty == 0 => Look::Muted,
        level => Look::Toned(level_tone(level)),
    }
}

pub fn level_tone(level: Level) -> Tone {
    match level {
        Level::Safe => Tone::Good,
        Level::Warned => Tone::Warning,
        Level::Danger | Level::Banned => Tone::Bad,
    }
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Safe => "Safe",
        Level::Warned => "Warned",
        Level::Danger => "Danger",
        Level::Banned => "Banned",
    }
}

/// The word for a status.
pub fn status_word(status: Status) -> (&'static str, Tone) {
    match status {
        Status::Enabled => ("Enabled", Tone::Good),
        Status::Penalised => ("Penalised", Tone::Warning),
        Status::PoseBanned => ("Banned", Tone::Bad),
        Status::WaitingForService => ("Waiting", Tone::Warning),
        Status::Revoked => ("Revoked", Tone::Bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_sorts_and_the_second_click_reverses() {
        let mut layout = Layout::default();
        layout.press(Column::Service);
        assert_eq!(layout.sort.direction, Direction::Ascending);
        layout.press(Column::Service);
        assert_eq!(layout.sort.direction, Direction::Descending);
        layout.press(Column::Service);
        assert_eq!(layout.sort.direction, Direction::Ascending);
        layout.press(Column::Type);
        assert_eq!(
            (layout.sort.column, layout.sort.direction),
            (Column::Type, Direction::Ascending)
        );
        assert_eq!(layout.sorted(), Some((3, Direction::Ascending)));
    }

    #[test]
    fn a_column_comes_to_its_usual_place_and_the_last_one_stays() {
        let mut layout = Layout::default();
        layout.choose(Column::Name, true);
        layout.choose(Column::Name, true);
        assert_eq!(layout.columns[..3], [Column::Status, Column::Name, Column::Service]);
        for column in OFFERED {
            layout.choose(column, false);
        }
        assert_eq!(layout.columns.len(), 1);
    }

    #[test]
    fn what_is_kept_is_read_back_and_unknown_names_are_left_out() {
        let mut layout = Layout::default();
        layout.choose(Column::OwnerAddress, true);
        layout.press(Column::PosePenalty);
        layout.press(Column::PosePenalty);
        assert_eq!(Layout::of(&layout.kept()), layout);
        let odd = MasternodeTable {
            columns: vec!["service".to_owned(), "nonsense".to_owned(), "service".to_owned()],
            sort: Some("nonsense".to_owned()),
            descending: true,
        };
        assert_eq!(Layout::of(&odd).columns, [Column::Service]);
        assert_eq!(Layout::of(&odd).sort, SORT);
        assert_eq!(Layout::of(&MasternodeTable::default()), Layout::default());
    }
}
