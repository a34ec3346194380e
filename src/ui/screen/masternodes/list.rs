//! The list. Only the lines in sight are built: a network has thousands.

use iced::widget::text::Wrapping;
use iced::widget::{column, container, keyed_column, responsive, row, scrollable, space};
use iced::{Element, Length, Padding};

use super::{LIST, Masternodes, Message, Shown, State, reason, status_word};
use crate::flow;
use crate::flow::overview::{Masternode, Overview};
use crate::protocol::masternode::Status;
use crate::ui::format;
use crate::ui::screen::batch::{Batch, What};
use crate::ui::theme::{Gap, Size, Tone};
use crate::ui::widget::row::ROW;
use crate::ui::widget::{
    badge, body, card, error_notice, field::plain_input, heading, help, hint, info, mono, muted, primary_button,
    scroll_style, secondary_button, segments, strong, table_header, table_row, text_button, tick, title, toned,
};

/// Lines built above and below the ones in sight.
const OVERSCAN: usize = 4;

/// Place of the boxes before lines.
const BOX: f32 = 34.0;
/// From this width on a line has room for name, type and hash.
const WIDE: f32 = 620.0;
/// Height of the line of what can be done with those ticked.
const BAR: f32 = 36.0;
const STATUS: Length = Length::Fixed(108.0);
const POSE: Length = Length::Fixed(66.0);
const QUEUE: Length = Length::Fixed(122.0);

pub(super) fn view<'a>(screen: &'a Masternodes, batch: Option<&Batch>) -> Element<'a, Message> {
    let head = row![
        title("Masternodes"),
        space().width(Length::Fill),
        secondary_button("Refresh").on_press_maybe(screen.reading.is_none().then_some(Message::Refresh)),
        primary_button("Register a masternode").on_press(Message::Register)
    ]
    .spacing(Gap::S)
    .align_y(iced::Center);
    let mut content = column![head].spacing(Gap::M).padding(Gap::L).height(Length::Fill);
    if let State::Failed { error, .. } = &screen.state {
        content = content.push(error_notice(error));
    }
    if let Some(batch) = batch {
        content = content.push(under_way(batch));
    }
    match screen.overview() {
        Some(overview) => {
            content = content.push(bar(screen, overview));
            if screen.shown == Shown::Mine && !screen.lines.is_empty() {
                content = content.push(selection(screen));
            }
            content.push(lines(screen, overview))
        }
        None if matches!(screen.state, State::Loading) => content.push(card(muted("Reading the masternode list…"))),
        None => content,
    }
    .into()
}

/// What is shown of how many, and the filter.
fn bar<'a>(screen: &'a Masternodes, overview: &Overview) -> Element<'a, Message> {
    let mine = overview.masternodes.iter().filter(|each| each.mine).count();
    let all = overview.masternodes.len();
    let choices = [
        (Shown::Mine, format!("Mine ({})", format::grouped(mine as u64))),
        (
            Shown::All,
            format!("All of the network ({})", format::grouped(all as u64)),
        ),
    ];
    row![
        segments(choices, screen.shown, Message::Show),
        space().width(Length::Fill),
        plain_input(
            "Filter by address, hash or status",
            &screen.filter,
            Message::FilterEdited
        )
        .id("filter")
        .width(230)
    ]
    .spacing(Gap::S)
    .align_y(iced::Center)
    .into()
}

/// A change of several that was begun.
fn under_way<'a>(batch: &Batch) -> Element<'a, Message> {
    let words = format!("{}: {}", batch.what().name(), batch.summary());
    row![
        info(words).width(Length::Fill),
        secondary_button("Show it").on_press(Message::ShowBatch)
    ]
    .spacing(Gap::S)
    .align_y(iced::Center)
    .into()
}

/// What is ticked, and what can be done with it.
fn selection(screen: &Masternodes) -> Element<'_, Message> {
    let count = screen.selected.len();
    let all = count > 0 && count >= screen.lines.len();
    let every = tick(all, Message::SelectAll).label("Select all");
    // As high as its buttons, so that the list does not jump when the first is ticked.
    let mut parts = row![space().height(BAR), every].spacing(Gap::S).align_y(iced::Center);
    if count == 0 {
        parts = parts.push(muted("Tick several to change them together."));
    } else {
        parts = parts
            .push(strong(format!("{count} selected")))
            .extend(What::ALL.map(|what| change(screen, what)))
            .push(text_button("Clear").on_press(Message::ClearSelection));
    }
    let padding = Padding {
        left: Gap::S,
        ..Padding::ZERO
    };
    container(parts.wrap().vertical_spacing(Gap::S)).padding(padding).into()
}

/// The button of a change; without a key that could sign it, it says so.
fn change(screen: &Masternodes, what: What) -> Element<'_, Message> {
    let possible = screen.selection().any(|each| what.is_signed_here(each));
    let button = secondary_button(what.name()).on_press_maybe(possible.then_some(Message::Change(what)));
    let why = format!("The {} key of none of them is in this vault.", what.role());
    hint(button, (!possible).then_some(why))
}

fn lines<'a>(screen: &'a Masternodes, overview: &'a Overview) -> Element<'a, Message> {
    if screen.lines.is_empty() {
        return nothing(screen);
    }
    let header = table_header([
        ("Masternode", Length::Fill),
        ("Status", STATUS),
        ("PoSe", POSE),
        ("Next payment", QUEUE),
    ]);
    let header = match screen.shown {
        Shown::Mine => row![space().width(BOX), header].into(),
        Shown::All => header,
    };
    let list = responsive(move |size| virtual_list(screen, overview, size));
    card(column![header, container(list).height(Length::Fill)])
        .padding(0)
        .height(Length::Fill)
        .into()
}

fn virtual_list<'a>(screen: &'a Masternodes, overview: &'a Overview, size: iced::Size) -> Element<'a, Message> {
    let total = screen.lines.len();
    let first = ((screen.offset / ROW) as usize).saturating_sub(OVERSCAN).min(total);
    let count = (size.height / ROW).ceil() as usize + 2 * OVERSCAN;
    let last = (first + count).min(total);
    let rows = screen.lines[first..last]
        .iter()
        .filter_map(|at| overview.masternodes.get(*at));
    let now = flow::now();
    let rows = rows.map(|masternode| {
        (
            masternode.entry.pro_tx_hash,
            ticked(screen, masternode, now, size.width >= WIDE),
        )
    });
    let content = column![
        space().height(first as f32 * ROW),
        keyed_column(rows),
        space().height((total - last) as f32 * ROW)
    ];
    scrollable(content)
        .id(LIST)
        .on_scroll(|viewport| Message::Scrolled(viewport.absolute_offset().y))
        .width(Length::Fill)
        .height(Length::Fill)
        .style(scroll_style)
        .into()
}

/// A line; of mine with a box before it.
fn ticked<'a>(screen: &'a Masternodes, masternode: &'a Masternode, now: u64, wide: bool) -> Element<'a, Message> {
    if screen.shown == Shown::All {
        return line(masternode, now, wide);
    }
    let hash = masternode.entry.pro_tx_hash;
    let ticked = screen.selected.contains(&hash);
    let tick = tick(ticked, move |ticked| Message::Select(hash, ticked));
    let tick = container(tick)
        .id(format!("select-{hash}"))
        .width(BOX)
        .height(ROW)
        .align_x(iced::Right)
        .align_y(iced::Center);
    row![tick, line(masternode, now, wide)].into()
}

fn line(masternode: &Masternode, now: u64, wide: bool) -> Element<'_, Message> {
    let entry = &masternode.entry;
    let service = if entry.state.service.is_none() {
        "No address".to_owned()
    } else {
        entry.state.service.to_string()
    };
    let hash = format::short_hash(&entry.pro_tx_hash.to_string());
    let mut second = row![].spacing(Gap::S);
    // Where there is no room for both, its name; what has none is known by its hash.
    if wide || masternode.roles.any() {
        second = second.push(help(called(masternode)).wrapping(Wrapping::None));
    }
    if wide || !masternode.roles.any() {
        second = second.push(mono(hash).size(Size::SMALL).wrapping(Wrapping::None));
    }
    let name = column![strong(service).wrapping(Wrapping::None), second].spacing(2);
    let (word, tone) = status_word(entry.status());
    let mut status = column![badge(word, tone)].spacing(2);
    let why = reason(masternode);
    if !why.is_empty() {
        status = status.push(help(why));
    }
    table_row([
        (name.into(), Length::Fill),
        (status.into(), STATUS),
        (pose(masternode), POSE),
        (queue(masternode, now), QUEUE),
    ])
    .on_press(Message::Open(entry.pro_tx_hash))
    .into()
}

/// Its name, if its keys give it one, and its type.
fn called(masternode: &Masternode) -> String {
    let kind = masternode.entry.kind;
    if masternode.roles.any() {
        format!("{} · {kind}", masternode.roles.name(masternode.entry.pro_tx_hash))
    } else {
        kind.to_string()
    }
}

fn pose(masternode: &Masternode) -> Element<'_, Message> {
    let outlook = &masternode.outlook;
    let tone = match masternode.entry.status() {
        Status::PoseBanned => Tone::Bad,
        _ if outlook.penalty == 0 => Tone::Neutral,
        _ if outlook.failures_survivable == 0 => Tone::Bad,
        _ => Tone::Warning,
    };
    toned(format!("{} / {}", outlook.penalty, outlook.max), tone).into()
}

fn queue(masternode: &Masternode, now: u64) -> Element<'_, Message> {
    match (masternode.slot, masternode.expected_time.map(|time| time.likely)) {
        (Some(slot), Some(time)) => column![
            body(format!(
                "{} of {}",
                format::grouped(slot.position),
                format::grouped(masternode.queue_length)
            )),
            help(format::relative(now, time.max(now)))
        ]
        .spacing(2)
        .into(),
        _ => muted("not paid").into(),
    }
}

/// The list is empty: why, and what to do.
fn nothing(screen: &Masternodes) -> Element<'_, Message> {
    let words = match screen.shown {
        _ if !screen.filter.trim().is_empty() => column![
            heading("Nothing matches"),
            muted("No masternode here has this text in its address, hash, collateral or status."),
            secondary_button("Clear the filter").on_press(Message::FilterEdited(String::new()))
        ],
        Shown::Mine => column![
            heading("No masternode of yours yet"),
            muted(
                "A masternode is yours when this vault holds one of its keys or when it was registered from here. \
                 Register one with a collateral on your device, or unlock the vault with its keys."
            ),
            secondary_button("Show all of the network").on_press(Message::Show(Shown::All))
        ],
        Shown::All => column![
            heading("The network has no masternodes yet"),
            muted("The first one can be yours.")
        ],
    };
    card(words.spacing(Gap::M)).into()
}
