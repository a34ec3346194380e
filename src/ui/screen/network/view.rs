//! How the page of all masternodes looks.

use iced::widget::{Row, column, container, row, space};
use iced::{Element, Length};

use super::columns::{self, OFFERED};
use super::{Dialog, FILTER, Listed, Message, Network, Part, TABLE, payees, penalties};
use crate::flow::{self, overview::Column};
use crate::ui::format::{self, count};
use crate::ui::theme::Gap;
use crate::ui::widget::field::plain_input;
use crate::ui::widget::table::{Cell, Rows, table};
use crate::ui::widget::{card, heading, help, muted, secondary_button, segments, strong, text_button, tick, title};

pub(super) fn view(screen: &Network) -> Element<'_, Message> {
    let mut head = row![title("Network"), space().width(Length::Fill)];
    if let (Some(list), Part::Table) = (&screen.list, screen.part) {
        head = head.push(actions(screen, list));
    }
    let content = column![head.spacing(Gap::S).align_y(iced::Center)]
        .spacing(Gap::M)
        .padding(Gap::L)
        .height(Length::Fill);
    match &screen.list {
        None => content.push(card(muted("Reading the masternode list…"))).into(),
        Some(list) => content.push(bar(screen, list)).push(part(screen, list)).into(),
    }
}

fn actions<'a>(screen: &Network, list: &Listed) -> Row<'a, Message> {
    let some = (!list.shown.is_empty()).then_some(());
    let copy = match screen.ticked.len() {
        0 => "Copy".to_owned(),
        n => format!("Copy {}", format::grouped(n as u64)),
    };
    row![
        secondary_button("Columns").on_press(Message::ChooseColumns),
        secondary_button(copy).on_press_maybe(some.map(|()| Message::Copy)),
        secondary_button("Export").on_press_maybe(some.map(|()| Message::AskExport)),
    ]
    .spacing(Gap::S)
}

/// The parts to choose from and, of the table, the filter.
fn bar<'a>(screen: &'a Network, list: &Listed) -> Element<'a, Message> {
    let all = list.model.len();
    let choices = [
        (Part::Table, format!("All ({})", format::grouped(all as u64))),
        (Part::Payees, "Next payments".to_owned()),
        (Part::Penalties, "Penalties".to_owned()),
    ];
    let mut line = row![
        segments(choices, screen.part, Message::Show),
        space().width(Length::Fill)
    ];
    if screen.part == Part::Table {
        let filter = plain_input("Filter: all words in any field", &screen.filter, Message::FilterEdited);
        line = line.push(filter.id(FILTER).width(250));
    }
    line.spacing(Gap::S).align_y(iced::Center).into()
}

fn part<'a>(screen: &'a Network, list: &'a Listed) -> Element<'a, Message> {
    match screen.part {
        Part::Payees => payees::view(list, screen.payees_offset),
        Part::Penalties => penalties::view(list),
        Part::Table => {
            let mut parts = column![].spacing(Gap::M).height(Length::Fill);
            match &screen.dialog {
                Dialog::None => {}
                Dialog::Columns => parts = parts.push(chooser(screen)),
                Dialog::Export(export) => {
                    let rows = if screen.ticked.is_empty() {
                        list.shown.len()
                    } else {
                        screen.ticked.len()
                    };
                    parts = parts.push(export.view(rows).map(Message::Export));
                }
            }
            parts.push(rows(screen, list)).push(foot(screen, list)).into()
        }
    }
}

fn rows<'a>(screen: &'a Network, list: &'a Listed) -> Element<'a, Message> {
    if list.shown.is_empty() {
        return container(nothing(list)).height(Length::Fill).into();
    }
    let shown = Shown {
        list,
        screen,
        now: flow::now(),
    };
    let current = screen.current.and_then(|hash| list.position(hash));
    let table = table(screen.layout.widgets(), shown)
        .id(TABLE)
        .sorted(screen.layout.sorted())
        .offset(screen.offset)
        .current(current)
        .on_sort(Message::Sort)
        .on_open(Message::Open)
        .on_move(Message::Moved)
        .on_scroll(Message::Scrolled)
        .on_tick(screen.all_ticked, Message::Tick)
        .on_copy(Message::Copy);
    framed(table)
}

/// A table on a card of its own.
pub(super) fn framed<'a>(table: impl Into<Element<'a, Message>>) -> Element<'a, Message> {
    card(container(table).padding(1).height(Length::Fill))
        .padding(0)
        .height(Length::Fill)
        .into()
}

/// How many are shown of how many, and what is ticked.
fn foot<'a>(screen: &'a Network, list: &Listed) -> Element<'a, Message> {
    let (shown, all) = (list.shown.len(), list.model.len());
    let words = if shown == all {
        count(all, "masternode", "masternodes")
    } else {
        format!(
            "{} of {} match",
            format::grouped(shown as u64),
            format::grouped(all as u64)
        )
    };
    let mut line = row![help(words)];
    if !screen.ticked.is_empty() {
        line = line
            .push(strong(format!(
                "{} selected",
                format::grouped(screen.ticked.len() as u64)
            )))
            .push(text_button("Clear").on_press(Message::ClearTicks));
    }
    line = line.push(space().width(Length::Fill));
    let said = match &screen.copied {
        Some(copied) => copied.clone(),
        None if screen.work.is_some() => "Sorting…".to_owned(),
        None => format!("Block {}", format::height(list.model.overview().tip.height)),
    };
    line.push(help(said))
        .spacing(Gap::M)
        .align_y(iced::Center)
        .height(24)
        .into()
}

/// The columns to choose from.
fn chooser(screen: &Network) -> Element<'_, Message> {
    let box_of = |column: Column| {
        let chosen = screen.layout.columns.contains(&column);
        let label = columns::title(column);
        container(tick(chosen, move |shown| Message::ColumnChosen(column, shown)).label(label))
            .width(176)
            .into()
    };
    let boxes = Row::with_children(OFFERED.map(box_of))
        .spacing(Gap::S)
        .wrap()
        .vertical_spacing(Gap::S);
    let head = row![
        heading("Columns"),
        space().width(Length::Fill),
        text_button("The usual ones").on_press(Message::UsualColumns),
        secondary_button("Close").on_press(Message::ChooseColumns)
    ];
    card(column![head.spacing(Gap::S).align_y(iced::Center), boxes].spacing(Gap::M)).into()
}

fn nothing<'a>(list: &Listed) -> Element<'a, Message> {
    let words = if list.model.is_empty() {
        column![
            heading("The network has no masternodes yet"),
            muted("The first one can be yours.")
        ]
    } else {
        column![
            heading("Nothing matches"),
            muted("No masternode has all these words in its address, hashes, keys, payout, type, status or reason."),
            secondary_button("Clear the filter").on_press(Message::FilterEdited(String::new()))
        ]
    };
    card(words.spacing(Gap::M)).into()
}

/// The rows as the widget asks for them.
struct Shown<'a> {
    list: &'a Listed,
    screen: &'a Network,
    now: u64,
}

impl Rows for Shown<'_> {
    fn len(&self) -> usize {
        self.list.shown.len()
    }

    fn cell(&self, row: usize, column: usize) -> Cell {
        let model = &self.list.model;
        let masternode = model.row(self.list.shown[row] as usize);
        columns::cell(
            self.screen.layout.columns[column],
            masternode,
            model.profile(),
            self.now,
        )
    }

    fn is_marked(&self, row: usize) -> bool {
        self.list.model.row(self.list.shown[row] as usize).mine
    }

    fn is_ticked(&self, row: usize) -> bool {
        !self.screen.ticked.is_empty()
            && self
                .list
                .hash(row)
                .is_some_and(|hash| self.screen.ticked.contains(&hash))
    }
}
