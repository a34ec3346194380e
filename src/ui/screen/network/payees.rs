//! Who the next blocks pay, if nothing but payments happens.

use iced::widget::column;
use iced::{Element, Length, Vector};

use super::model::{PAYEES, Payee};
use super::view::framed;
use super::{Listed, Message};
use crate::flow;
use crate::ui::format::{self, count};
use crate::ui::theme::Gap;
use crate::ui::widget::table::{Align, Cell, Column, Look, Rows, table};
use crate::ui::widget::{card, heading, muted};

const COLUMNS: [Column; 7] = [
    one("Block", 88.0, 0.1, Align::Right),
    one("When", 110.0, 0.3, Align::Left),
    one("Masternode", 186.0, 0.9, Align::Left),
    one("proTxHash", 134.0, 0.4, Align::Left),
    one("Amount", 166.0, 0.3, Align::Right),
    one("Earliest", 162.0, 0.3, Align::Left),
    one("Latest", 162.0, 0.3, Align::Left),
];

const fn one(title: &'static str, width: f32, grow: f32, align: Align) -> Column {
    Column {
        title,
        width,
        grow,
        align,
    }
}

pub(super) fn view(list: &Listed, offset: Vector) -> Element<'_, Message> {
    let payees = list.model.payees();
    if payees.is_empty() {
        let words = column![
            heading("Nobody is paid"),
            muted("There is no enabled masternode in the payment queue.")
        ];
        return card(words.spacing(Gap::M)).into();
    }
    let rows = Payees {
        list,
        payees,
        now: flow::now(),
    };
    let table = table(COLUMNS.to_vec(), rows)
        .id("network-payees")
        .offset(offset)
        .on_open(Message::OpenPayee)
        .on_scroll(Message::PayeesScrolled);
    column![muted(summary(list, payees)), framed(table)]
        .spacing(Gap::M)
        .height(Length::Fill)
        .into()
}

/// `The next 100 blocks; 3 of them pay yours, the first in block 1,234,570, in about 8 minutes.`
fn summary(list: &Listed, payees: &[Payee]) -> String {
    let mine = || payees.iter().filter(|payee| list.model.row(payee.row).mine);
    let blocks = count(payees.len().min(PAYEES), "block", "blocks");
    let Some(first) = mine().next() else {
        return format!("The next {blocks}; none of them pays a masternode of yours.");
    };
    let when = first.time.map_or_else(String::new, |time| {
        let now = flow::now();
        format!(", {}", format::relative(now, time.likely.max(now)))
    });
    let paid = match mine().count() {
        1 => "one of them pays yours,".to_owned(),
        n => format!("{n} of them pay yours, the first"),
    };
    format!(
        "The next {blocks}; {paid} in block {}{when}.",
        format::height(first.height)
    )
}

struct Payees<'a> {
    list: &'a Listed,
    payees: &'a [Payee],
    now: u64,
}

impl Rows for Payees<'_> {
    fn len(&self) -> usize {
        self.payees.len()
    }

    fn cell(&self, row: usize, column: usize) -> Cell {
        let model = &self.list.model;
        let payee = &self.payees[row];
        let masternode = model.row(payee.row);
        let service = masternode.entry.state.service;
        let moment = |time: Option<u64>| match time {
            Some(time) => Cell::new(format::date_time(time), Look::Muted),
            None => Cell::new("–", Look::Muted),
        };
        match column {
            0 => Cell::new(format::height(payee.height), Look::Plain),
            1 => match payee.time {
                Some(time) => Cell::new(format::about(time.likely.saturating_sub(self.now)), Look::Plain),
                None => moment(None),
            },
            2 if masternode.roles.any() => Cell::new(format!("{} · {service}", masternode.name), Look::Strong),
            2 if masternode.mine => Cell::new(service.to_string(), Look::Strong),
            2 => Cell::new(service.to_string(), Look::Plain),
            3 => Cell::new(format::short_hash(&masternode.hash().to_string()), Look::Mono),
            4 => match payee
                .reward
                .and_then(|reward| reward.owner.checked_add(reward.operator))
            {
                Some(amount) => Cell::new(format::amount(amount, model.profile()), Look::Plain),
                None => moment(None),
            },
            5 => moment(payee.time.map(|time| time.earliest)),
            _ => moment(payee.time.map(|time| time.latest)),
        }
    }

    fn is_marked(&self, row: usize) -> bool {
        self.list.model.row(self.payees[row].row).mine
    }
}
