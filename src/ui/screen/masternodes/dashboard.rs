//! Mine, one under the other. Only those in sight are built: one may have hundreds.

use iced::widget::{Column, column, container, responsive, row, scrollable, space};
use iced::{Element, Length, Padding};

use super::card::{self, Line};
use super::{LIST, Masternodes, Message, Order, State};
use crate::flow::overview::Overview;
use crate::flow::{self, Ports};
use crate::ui::format;
use crate::ui::screen::batch::{Batch, What};
use crate::ui::theme::Gap;
use crate::ui::theme::Tone;
use crate::ui::widget::{
    card as card_of, error_notice, field::plain_input, framed, heading, hint, info, muted, primary_button,
    scroll_style, secondary_button, segments, strong, text_button, tick, title,
};

/// Lines built above and below the ones in sight.
const OVERSCAN: f32 = 200.0;
/// Height of the line of what can be done with those ticked.
const BAR: f32 = 36.0;
/// Widest the filter gets.
const FILTER: f32 = 260.0;
/// The line around the list.
const EDGE: f32 = 1.0;
/// Those that are gone are named up to this many.
const GONE: usize = 3;

pub(super) fn view<'a>(screen: &'a Masternodes, ports: &'a Ports, batch: Option<&Batch>) -> Element<'a, Message> {
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
    content = content.extend(gone(screen));
    match screen.overview() {
        Some(_) if screen.summary.all == 0 => content.push(none_is_mine(ports)),
        Some(overview) => mine(content, screen, overview, ports),
        None if matches!(screen.state, State::Loading) => content.push(card_of(
            column![
                heading("Reading the masternode list…"),
                muted(
                    "The node is asked for all masternodes of the network; then those whose keys are here are shown."
                )
            ]
            .spacing(Gap::S),
        )),
        None => content.push(unread()),
    }
    .into()
}

/// At least one of the list is mine.
fn mine<'a>(
    content: Column<'a, Message>,
    screen: &'a Masternodes,
    overview: &'a Overview,
    ports: &'a Ports,
) -> Column<'a, Message> {
    let now = flow::now();
    let mut content = content.push(screen.summary.view(now));
    // What is for many is in the way of one.
    if screen.summary.all > 1 {
        content = content.push(bar(screen));
    }
    if screen.lines.is_empty() {
        return content.push(nothing_matches());
    }
    let list = responsive(move |size| {
        let line = Line {
            overview,
            profile: &ports.profile,
            now,
            boxes: screen.summary.all > 1,
            wide: size.width >= card::WIDE,
        };
        virtual_list(screen, line, size)
    });
    content.push(list)
}

/// What comes first, and the filter; while some are ticked, what can be done with them. Always as high, so that the list does not
/// jump when the first is ticked.
fn bar(screen: &Masternodes) -> Element<'_, Message> {
    let count = screen.selected.len();
    let all = count > 0 && count >= screen.lines.len();
    let every = tick(all, Message::SelectAll).label("Select all");
    let every = hint(
        every,
        (count == 0).then(|| "Tick several to change them together.".to_owned()),
    );
    let parts = row![space().height(BAR), every].spacing(Gap::S).align_y(iced::Center);
    let parts: Element<'_, Message> = if count == 0 {
        parts
            .push(space().width(Gap::S))
            .push(sorting(screen))
            .push(filter(screen))
            .into()
    } else {
        parts
            .push(strong(format!("{count} selected")))
            .extend(What::ALL.map(|what| change(screen, what)))
            .push(text_button("Clear").on_press(Message::ClearSelection))
            .wrap()
            .vertical_spacing(Gap::S)
            .into()
    };
    let padding = Padding {
        left: Gap::S,
        ..Padding::ZERO
    };
    container::<Message, _, _>(Element::<Message>::from(parts))
        .padding(padding)
        .into()
}

fn sorting<'a>(screen: &Masternodes) -> Element<'a, Message> {
    let choices = [
        (Order::Attention, "Needs attention".to_owned()),
        (Order::Payment, "Paid next".to_owned()),
        (Order::Name, "Name".to_owned()),
    ];
    segments(choices, screen.order, Message::Sort)
}

fn filter(screen: &Masternodes) -> Element<'_, Message> {
    let field = plain_input("Name, address, hash or status", &screen.filter, Message::FilterEdited).id("filter");
    container(field.width(Length::Fill).padding([Gap::XS + 1.0, Gap::S]))
        .max_width(FILTER)
        .align_right(Length::Fill)
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

/// Those that were registered from here and are listed no more.
fn gone(screen: &Masternodes) -> Option<Element<'_, Message>> {
    let gone = &screen.found.gone;
    if gone.is_empty() || screen.gone_told {
        return None;
    }
    let head = match gone.len() {
        1 => "A masternode that was registered from here is not in the list any more".to_owned(),
        n => format!("{n} masternodes that were registered from here are not in the list any more"),
    };
    let each = gone.iter().take(GONE).map(|each| {
        let words = format!(
            "{}, registered in block {}: its collateral {} was spent.",
            super::words::short_name(&each.name),
            format::grouped(each.registered),
            format::short_hash(&each.collateral.to_string()),
        );
        muted(words).into()
    });
    let next = "If you did not move it, its key is in other hands: move what else that device or wallet holds. A masternode whose \
                collateral was spent is registered anew.";
    let lines = column![strong(head)]
        .extend(each)
        .push(muted(next))
        .push(text_button("Do not show this again today").on_press(Message::ForgetGone))
        .spacing(Gap::XS);
    Some(framed(lines, Tone::Warning).into())
}

/// The button of a change; without a key that could sign it, it says so.
fn change(screen: &Masternodes, what: What) -> Element<'_, Message> {
    let possible = screen.selection().any(|each| what.is_signed_here(each));
    let button = secondary_button(what.name()).on_press_maybe(possible.then_some(Message::Change(what)));
    let why = format!("The {} key of none of them is in this vault.", what.role());
    hint(button, (!possible).then_some(why))
}

fn virtual_list<'a>(screen: &'a Masternodes, line: Line<'a>, size: iced::Size) -> Element<'a, Message> {
    let sight = (screen.offset - OVERSCAN, screen.offset + size.height + OVERSCAN);
    let (mut above, mut below, mut rows) = (0.0, 0.0, Vec::new());
    let mut top = 0.0;
    for masternode in screen.lines.iter().filter_map(|at| line.overview.masternodes.get(*at)) {
        let hash = masternode.entry.pro_tx_hash;
        let warnings = screen.warnings(hash);
        let height = line.height(warnings);
        let bottom = top + height;
        if bottom < sight.0 {
            above = bottom;
        } else if top > sight.1 {
            below += height;
        } else {
            rows.push((hash, line.view(masternode, warnings, screen.selected.contains(&hash))));
        }
        top = bottom;
    }
    let content = column![
        space().height(above),
        iced::widget::keyed_column(rows),
        space().height(below)
    ];
    let list = scrollable(content)
        .id(LIST)
        .on_scroll(|viewport| Message::Scrolled(viewport.absolute_offset().y))
        .width(Length::Fill)
        .height(Length::Fill)
        .style(scroll_style);
    card_of(list)
        .padding(EDGE)
        .height((top + 2.0 * EDGE).min(size.height))
        .into()
}

fn nothing_matches<'a>() -> Element<'a, Message> {
    let words = column![
        heading("Nothing matches"),
        muted("No masternode of yours has this text in its name, address, hash, collateral or status."),
        secondary_button("Clear the filter").on_press(Message::FilterEdited(String::new()))
    ];
    card_of(words.spacing(Gap::M)).into()
}

/// Why none of the list is mine, and what to do.
fn none_is_mine(ports: &Ports) -> Element<'_, Message> {
    let register = primary_button("Register your first").on_press(Message::Register);
    let import = secondary_button("Import keys").on_press(Message::OpenVault);
    let network = secondary_button("Look at the network").on_press(Message::OpenNetwork);
    let (head, words, buttons) = match &ports.vault {
        None => (
            "Your masternodes are not known yet",
            "The vault is locked, or there is none yet. A masternode is yours when the vault holds one of its keys or when it was \
             registered from here.",
            row![primary_button("Open the vault").on_press(Message::OpenVault), network],
        ),
        Some(vault) if vault.list().is_empty() => (
            "No masternode of yours yet",
            "The vault is open and empty. Register a masternode with a collateral on your device, or import the keys of one that \
             exists on the Keys page.",
            row![register, import, network],
        ),
        Some(_) => (
            "No masternode of yours yet",
            "None of the keys in this vault is a key of a listed masternode. Register one with a collateral on your device, or \
             import the keys of one that exists on the Keys page.",
            row![register, import, network],
        ),
    };
    let content = column![heading(head), muted(words), buttons.spacing(Gap::S)];
    card_of(content.spacing(Gap::M)).into()
}

/// The list could not be read, and there is none of before.
fn unread<'a>() -> Element<'a, Message> {
    let words = column![
        heading("The masternode list could not be read"),
        muted(
            "As soon as the node answers again the list is read by itself. The status bar below says how the node is."
        ),
        secondary_button("Try again").on_press(Message::Refresh)
    ];
    card_of(words.spacing(Gap::M)).into()
}
