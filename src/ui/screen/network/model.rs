//! The list as the table needs it: every masternode with the text a filter is looked for in, made once per list; orders and filters
//! are then numbers. Made and sorted away from the window's thread where that takes longer than a frame.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use bitcoin::hashes::Hash;

use super::columns::status_word;
use crate::flow::export::{Table, text};
use crate::flow::overview::column::{self, Order};
use crate::flow::overview::{Column, Masternode, Overview};
use crate::protocol::masternode::entry::State;
use crate::protocol::{ProTxHash, Profile};
use crate::ui::widget::table::Direction;

/// Payments that are foretold.
pub const PAYEES: usize = 100;

/// The words of a row's text: a line each, then one for the status in words, for mine and for the name, then [`END`].
const WORDS: [Column; 3] = [Column::Type, Column::Status, Column::Reason];

/// Ends the words.
const END: char = '\0';

/// The rest of a row's text, a line each.
const FIELDS: [Column; 9] = [
    Column::PayoutAddress,
    Column::OwnerAddress,
    Column::VotingAddress,
    Column::OperatorPayoutAddress,
    Column::PlatformNodeId,
    Column::PubKeyOperator,
    Column::Service,
    Column::ProTxHash,
    Column::CollateralHash,
];

/// How many of the fields, from the first, are sorted by that text: it is dear to make (addresses have checksums) and there already.
const SORTED_BY_TEXT: usize = 6;

/// Filters that mean a word; letters like these are in some address by chance, too.
const KNOWN: [&str; 8] = [
    "evo",
    "regular",
    "mine",
    "enabled",
    "penalised",
    "banned",
    "waiting",
    "revoked",
];

/// By what the rows are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    pub column: Column,
    pub direction: Direction,
}

/// A list, and what is worked out of it once.
#[derive(Debug)]
pub struct Model {
    overview: Arc<Overview>,
    profile: Arc<Profile>,
    texts: Vec<Arc<str>>,
    by_hash: HashMap<ProTxHash, u32>,
    /// The place of each row among all by its hash as shown: what decides between rows that are equal otherwise.
    rank: Vec<u32>,
    payees: Vec<Payee>,
    spread: Vec<Bin>,
}

/// A payment that is foretold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Payee {
    /// Place in the list.
    pub row: usize,
    pub height: u32,
    pub time: Option<crate::protocol::masternode::queue::Expected>,
    pub reward: Option<crate::protocol::masternode::reward::Reward>,
}

impl Model {
    /// `before`: an older one, whose texts are taken over where they are the same still.
    pub fn new(overview: Arc<Overview>, profile: Arc<Profile>, before: Option<&Self>) -> Self {
        let rows = || overview.masternodes.iter();
        let by_hash: HashMap<ProTxHash, u32> = rows().map(Masternode::hash).zip(0..).collect();
        let texts = rows().map(|each| {
            let kept = before.and_then(|before| before.kept(each));
            kept.unwrap_or_else(|| searched(each, &profile))
        });
        let payees = overview.upcoming(PAYEES, &profile).into_iter().filter_map(|payment| {
            let row = *by_hash.get(&payment.masternode.hash())?;
            Some(Payee {
                row: row as usize,
                height: payment.height,
                time: payment.time,
                reward: payment.reward,
            })
        });
        Self {
            texts: texts.collect(),
            rank: ranks(rows().map(Masternode::hash)),
            payees: payees.collect(),
            spread: spread(&overview),
            by_hash,
            profile,
            overview,
        }
    }

    /// A masternode's text, if nothing in it has changed.
    fn kept(&self, now: &Masternode) -> Option<Arc<str>> {
        let row = self.place(now.hash())?;
        let then = self.row(row);
        let same = then.name == now.name
            && then.mine == now.mine
            && then.reason == now.reason
            && then.entry.status() == now.entry.status()
            && said(&then.entry.state) == said(&now.entry.state);
        same.then(|| Arc::clone(&self.texts[row]))
    }

    pub fn overview(&self) -> &Arc<Overview> {
        &self.overview
    }

    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    pub fn len(&self) -> usize {
        self.overview.masternodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Who the next blocks pay.
    pub fn payees(&self) -> &[Payee] {
        &self.payees
    }

    /// How the penalties are spread.
    pub fn spread(&self) -> &[Bin] {
        &self.spread
    }

    /// A masternode by its place in the list.
    pub fn row(&self, row: usize) -> &Masternode {
        &self.overview.masternodes[row]
    }

    pub fn place(&self, hash: ProTxHash) -> Option<usize> {
        self.by_hash.get(&hash).map(|row| *row as usize)
    }

    /// All rows in an order. It is total: where a column says the same of two, their hashes decide. Those of which it says nothing
    /// come last in both directions.
    pub fn sorted(&self, sort: Sort) -> Vec<u32> {
        let line = line_of(sort.column);
        let key = |row: u32| match line {
            Some(line) => self.line(row, line),
            None => Key::of(sort.column.order(self.row(row as usize), &self.profile)),
        };
        let rows = self.rows();
        let keys: Vec<Key<'_>> = rows.clone().map(key).collect();
        let heads = rows.map(|row| (keys[row as usize].head(), self.rank[row as usize], row));
        let (without, mut with): (Vec<_>, Vec<_>) = heads.partition(|(head, ..)| head.is_none());
        with.sort_unstable_by(|a, b| {
            let order = a.0.cmp(&b.0).then_with(|| keys[a.2 as usize].rest(&keys[b.2 as usize]));
            let order = match sort.direction {
                Direction::Ascending => order,
                Direction::Descending => order.reverse(),
            };
            order.then(a.1.cmp(&b.1))
        });
        let mut without: Vec<(u32, u32)> = without.into_iter().map(|(_, rank, row)| (rank, row)).collect();
        without.sort_unstable();
        let last = without.into_iter().map(|(_, row)| row);
        with.into_iter().map(|(.., row)| row).chain(last).collect()
    }

    fn rows(&self) -> std::ops::Range<u32> {
        0..self.len() as u32
    }

    fn line(&self, row: u32, line: usize) -> Key<'_> {
        let text = self.texts[row as usize].split('\n').nth(line).unwrap_or_default();
        if text.is_empty() {
            Key::Nothing
        } else {
            Key::Text(Cow::Borrowed(text))
        }
    }

    /// Those of an order in which every word of a filter is found, in that order.
    pub fn filtered(&self, order: &[u32], filter: &str) -> Vec<u32> {
        let filter = filter.to_lowercase();
        let words: Vec<&str> = filter.split_whitespace().collect();
        let has = |row: u32, word: &str| {
            let text: &str = &self.texts[row as usize];
            match KNOWN.contains(&word) {
                true => text.split(END).next().is_some_and(|words| words.contains(word)),
                false => text.contains(word),
            }
        };
        let has_all = |row: &&u32| words.iter().all(|word| has(**row, word));
        order.iter().filter(has_all).copied().collect()
    }

    #[cfg(test)]
    pub fn text(&self, row: usize) -> &str {
        &self.texts[row]
    }

    /// A row's text is the very one of another model.
    #[cfg(test)]
    pub fn shares(&self, other: &Self, row: usize) -> bool {
        Arc::ptr_eq(&self.texts[row], &other.texts[row])
    }

    /// Rows with their whole values, for the clipboard and files.
    pub fn table(&self, rows: impl IntoIterator<Item = usize>, columns: &[Column]) -> Table {
        column::table(columns, rows.into_iter().map(|row| self.row(row)), &self.profile)
    }
}

/// Of a state, what the text of a masternode says.
fn said(state: &State) -> impl PartialEq + use<> {
    (
        (state.service, state.owner, state.voting, state.payout),
        (
            state.operator_payout,
            state.operator,
            state.version,
            state.platform_node_id.clone(),
        ),
    )
}

/// Everything a filter may name, in lower case.
fn searched(masternode: &Masternode, profile: &Profile) -> Arc<str> {
    let mut all = String::with_capacity(512);
    let add = |all: &mut String, column: Column| {
        all.push_str(&text(&column.value(masternode, profile)));
        all.push('\n');
    };
    WORDS.into_iter().for_each(|column| add(&mut all, column));
    all.push_str(status_word(masternode.entry.status()).0);
    if masternode.mine {
        all.push_str("\nmine\n");
        all.push_str(&masternode.name);
    } else {
        all.push_str("\n\n");
    }
    all.push('\n');
    all.push(END);
    all.push('\n');
    FIELDS.into_iter().for_each(|column| add(&mut all, column));
    all.to_lowercase().into()
}

/// The line of the text that a column is sorted by.
fn line_of(column: Column) -> Option<usize> {
    let at = |columns: &[Column]| columns.iter().position(|each| *each == column);
    // After the words come status, mine, name and the end.
    at(&WORDS).or_else(|| at(&FIELDS[..SORTED_BY_TEXT]).map(|line| WORDS.len() + 4 + line))
}

/// The place of each hash among all, in the order of the digits shown.
fn ranks(hashes: impl Iterator<Item = ProTxHash>) -> Vec<u32> {
    let shown = |hash: ProTxHash| {
        let mut bytes = hash.to_byte_array();
        bytes.reverse();
        bytes
    };
    let mut sorted: Vec<([u8; 32], u32)> = hashes.map(shown).zip(0..).collect();
    sorted.sort_unstable();
    let mut ranks = vec![0; sorted.len()];
    for (rank, (_, row)) in sorted.into_iter().enumerate() {
        ranks[row as usize] = rank as u32;
    }
    ranks
}

/// What a row is sorted by.
#[derive(Debug)]
enum Key<'a> {
    Number(u64),
    Hash([u8; 32]),
    Text(Cow<'a, str>),
    Nothing,
}

impl Key<'_> {
    fn of(order: Order) -> Self {
        match order {
            Order::Number(number) => Self::Number(number),
            Order::Hash(hash) => Self::Hash(hash),
            Order::Text(text) => Self::Text(text.into()),
            Order::Nothing => Self::Nothing,
        }
    }

    /// What is compared first, as one number: all of a number, the first 16 bytes of a hash or text.
    fn head(&self) -> Option<u128> {
        let head = |bytes: &[u8]| {
            let mut head = [0; 16];
            let length = bytes.len().min(16);
            head[..length].copy_from_slice(&bytes[..length]);
            u128::from_be_bytes(head)
        };
        match self {
            Self::Number(number) => Some(u128::from(*number)),
            Self::Hash(hash) => Some(head(hash)),
            Self::Text(text) => Some(head(text.as_bytes())),
            Self::Nothing => None,
        }
    }

    /// What is compared where that is equal.
    fn rest(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Hash(a), Self::Hash(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        }
    }
}

/// Masternodes by penalty, for the distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bin {
    /// Penalties from, and up to and with.
    pub from: u32,
    pub to: u32,
    pub count: usize,
}

/// How the penalties of those not banned are spread: one bin for none, then nine of equal width up to the maximum, so that a line
/// between two of them is the danger line or close to it.
fn spread(overview: &Overview) -> Vec<Bin> {
    let enabled = overview.masternodes.iter().filter(|each| !each.entry.is_banned());
    let penalties: Vec<u32> = enabled.map(|each| each.entry.state.pose_penalty).collect();
    let Some(outlook) = overview.masternodes.first().map(|each| each.outlook) else {
        return Vec::new();
    };
    let (line, max) = (outlook.danger_line, outlook.max);
    let below = steps(1, line.saturating_sub(1), 3);
    let above = steps(line.max(1), max, 6);
    let edges = [(0, 0)].into_iter().chain(below).chain(above);
    let count = |from, to| {
        penalties
            .iter()
            .filter(|penalty| (from..=to).contains(*penalty))
            .count()
    };
    edges
        .map(|(from, to)| Bin {
            from,
            to,
            count: count(from, to),
        })
        .collect()
}

/// A range cut into so many parts of about the same width.
fn steps(from: u32, to: u32, parts: u32) -> Vec<(u32, u32)> {
    if to < from {
        return Vec::new();
    }
    let length = to - from + 1;
    let parts = parts.min(length);
    let edge = |at: u32| from + (u64::from(length) * u64::from(at) / u64::from(parts)) as u32;
    (0..parts).map(|at| (edge(at), edge(at + 1) - 1)).collect()
}
