//! How the PoSe penalties are spread over the network.

use iced::widget::{column, container, row, space};
use iced::{Background, Border, Element, Length, Theme};

use super::{Bin, Listed, Message};
use crate::protocol::masternode::pose::Outlook;
use crate::ui::format;
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{body, card, heading, help, muted, panel, scroll, toned};

const RANGE: f32 = 130.0;
const NUMBER: f32 = 110.0;
const GIRTH: f32 = 18.0;

pub(super) fn view(list: &Listed) -> Element<'_, Message> {
    let overview = list.model.overview();
    let Some(first) = overview.masternodes.first() else {
        return card(heading("The network has no masternodes yet")).into();
    };
    let bins = list.model.spread();
    let enabled = overview.queue_length as usize;
    let banned = overview.masternodes.len() - enabled;
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0);
    let lines = bins.iter().map(|bin| line(bin, enabled, most, &first.outlook));
    let spread = panel(
        "Penalties of those not banned",
        column![muted(rules(&first.outlook)), column(lines).spacing(Gap::S)].spacing(Gap::M),
    );
    let counts = row![
        fact("Enabled", enabled, Tone::Good),
        fact("With a penalty", penalised(bins), Tone::Warning),
        fact("In danger", in_danger(bins, &first.outlook), Tone::Bad),
        fact("Banned", banned, Tone::Bad),
    ]
    .spacing(Gap::M);
    scroll(column![counts, spread].spacing(Gap::M))
        .height(Length::Fill)
        .into()
}

fn penalised(bins: &[Bin]) -> usize {
    bins.iter().filter(|bin| bin.from > 0).map(|bin| bin.count).sum()
}

fn in_danger(bins: &[Bin], outlook: &Outlook) -> usize {
    let danger = bins.iter().filter(|bin| bin.from >= outlook.danger_line);
    danger.map(|bin| bin.count).sum()
}

fn rules(outlook: &Outlook) -> String {
    format!(
        "At {} a masternode is banned. Each failed DKG adds {}; from {} on the next one bans. A block takes one off.",
        format::grouped(outlook.max),
        format::grouped(outlook.max - outlook.danger_line),
        format::grouped(outlook.danger_line)
    )
}

fn fact<'a>(name: &'a str, number: usize, tone: Tone) -> Element<'a, Message> {
    let tone = if number == 0 { Tone::Neutral } else { tone };
    let number = toned(format::grouped(number as u64), tone).size(24.0);
    card(column![number, help(name)].spacing(2)).into()
}

/// A range of penalties, as long a bar as it has masternodes, and how many.
fn line<'a>(bin: &Bin, enabled: usize, most: usize, outlook: &Outlook) -> Element<'a, Message> {
    let range = if bin.from == bin.to {
        format::grouped(bin.from)
    } else {
        format!("{} – {}", format::grouped(bin.from), format::grouped(bin.to))
    };
    let tone = match bin.from {
        0 => Tone::Good,
        from if from >= outlook.danger_line => Tone::Bad,
        _ => Tone::Warning,
    };
    let part = |number: usize| u16::try_from(number * 1_000 / most.max(1)).unwrap_or(1_000);
    // A single masternode among thousands is still seen.
    let long = if bin.count == 0 { 0 } else { part(bin.count).max(4) };
    let mut bar = row![filled(tone, long)];
    if long < 1_000 {
        bar = bar.push(space().width(Length::FillPortion(1_000 - long)));
    }
    let percent = bin.count as f64 * 100.0 / enabled.max(1) as f64;
    let number = match bin.count {
        0 => "0".to_owned(),
        n => format!("{} ({percent:.1} %)", format::grouped(n as u64)),
    };
    row![
        body(range).width(RANGE),
        bar.width(Length::Fill),
        container(body(number)).width(NUMBER).align_x(iced::Right)
    ]
    .spacing(Gap::M)
    .align_y(iced::Center)
    .into()
}

fn filled<'a>(tone: Tone, long: u16) -> Element<'a, Message> {
    if long == 0 {
        return space().height(GIRTH).into();
    }
    container(space())
        .width(Length::FillPortion(long))
        .height(GIRTH)
        .style(move |theme: &Theme| container::Style {
            background: Some(Background::Color(tone.color(theme))),
            border: Border {
                radius: 3.0.into(),
                ..Border::default()
            },
            ..container::Style::default()
        })
        .into()
}
