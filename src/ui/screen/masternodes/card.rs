//! One of mine in the list: who it is, how near a ban is, when it is paid, what is not as it should be.

use iced::widget::text::Wrapping;
use iced::widget::{Column, column, container, row};
use iced::{Element, Length};

use super::Message;
use super::words::{self, When};
use crate::flow::overview::{Masternode, Overview};
use crate::flow::warning::{Severity, Warning};
use crate::protocol::Profile;
use crate::ui::format;
use crate::ui::theme::{Gap, Size, Tone};
use crate::ui::widget::{badge, body, divider, help, hint, line_button, mono, muted, pose_bar, strong, tick, toned};

/// From this width on three columns have room.
pub(super) const WIDE: f32 = 690.0;
/// Place of the boxes before lines.
const BOX: f32 = 34.0;
const HIGH: f32 = 100.0;
const HIGHER: f32 = 136.0;
/// Of the line of warnings, and of the divider.
const WARNED: f32 = 24.0;
const DIVIDER: f32 = 1.0;

/// What all lines share.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub overview: &'a Overview,
    pub profile: &'a Profile,
    /// **Unix seconds**.
    pub now: u64,
    /// With a box to tick.
    pub boxes: bool,
    pub wide: bool,
}

impl<'a> Line<'a> {
    /// Known before it is built.
    pub(super) fn height(&self, warnings: &[Warning]) -> f32 {
        let height = if self.wide { HIGH } else { HIGHER };
        let warned = if warnings.is_empty() { 0.0 } else { WARNED };
        height + warned + DIVIDER
    }

    pub(super) fn view(
        &self,
        masternode: &'a Masternode,
        warnings: &'a [Warning],
        ticked: bool,
    ) -> Element<'a, Message> {
        let hash = masternode.entry.pro_tx_hash;
        let height = self.height(warnings) - DIVIDER;
        let mut content = column![self.columns(masternode)].spacing(Gap::XS);
        content = content.extend(warned(warnings));
        let button = line_button(container(content).center_y(Length::Fill), height).on_press(Message::Open(hash));
        let mut line = row![];
        if self.boxes {
            let tick = tick(ticked, move |ticked| Message::Select(hash, ticked));
            let place = container(tick)
                .id(format!("select-{hash}"))
                .width(BOX)
                .height(height)
                .align_x(iced::Right)
                .align_y(iced::Center);
            line = line.push(place);
        }
        column![line.push(button), divider()].height(height + DIVIDER).into()
    }

    fn columns(&self, masternode: &'a Masternode) -> Element<'a, Message> {
        let who = who(masternode);
        let pose = self.pose(masternode);
        let payment = self.payment(masternode);
        if self.wide {
            row![
                container(who).width(Length::FillPortion(27)).clip(true),
                container(pose).width(Length::FillPortion(40)),
                container(payment).width(Length::FillPortion(33)).clip(true)
            ]
            .spacing(Gap::L)
            .align_y(iced::Center)
            .into()
        } else {
            let left = column![who, payment].spacing(Gap::S);
            row![
                container(left).width(Length::FillPortion(1)).clip(true),
                container(pose).width(Length::FillPortion(1))
            ]
            .spacing(Gap::M)
            .align_y(iced::Center)
            .into()
        }
    }

    fn pose(&self, masternode: &'a Masternode) -> Element<'a, Message> {
        let banned = masternode.entry.is_banned();
        let score = row![
            help("PoSe penalty").width(Length::Fill),
            help(words::penalty(masternode)).wrapping(Wrapping::None)
        ];
        column![
            score,
            pose_bar(&masternode.outlook, banned),
            body(words::pose_sentence(masternode, self.overview)).size(Size::SMALL + 1.0)
        ]
        .spacing(2)
        .into()
    }

    fn payment(&self, masternode: &'a Masternode) -> Element<'a, Message> {
        let Some(when) = When::of(masternode) else {
            return column![
                muted("Not in the payment queue"),
                help(format!("Last paid: {}", words::last_paid(masternode)))
            ]
            .spacing(2)
            .into();
        };
        let expected = words::whole_reward(masternode, self.profile);
        let head = match &expected {
            Some(reward) => format!("{} · {reward}", words::capital(&when.wait(self.now))),
            None => words::capital(&when.wait(self.now)),
        };
        let mut lines: Column<'a, Message> = column![strong(head).wrapping(Wrapping::None)].spacing(2);
        lines = lines.push(help(when.day()).wrapping(Wrapping::None));
        if let Some(place) = words::place(masternode) {
            lines = lines.push(help(place).wrapping(Wrapping::None));
        }
        if self.wide {
            let last = format!("Last paid: {}", words::last_paid(masternode));
            lines = lines.push(help(last).wrapping(Wrapping::None));
        }
        hint(lines, Some(when.precisely()))
    }
}

fn who(masternode: &Masternode) -> Element<'_, Message> {
    let entry = &masternode.entry;
    let (word, tone) = words::chip(masternode);
    let name = words::short_name(&masternode.name);
    let service = if entry.state.service.is_none() {
        "No address".to_owned()
    } else {
        format::shorten(&entry.state.service.to_string(), 16, 12)
    };
    let mut chip = row![badge(word, tone)].spacing(Gap::S).align_y(iced::Center);
    let why = words::reason(masternode);
    if !why.is_empty() {
        chip = chip.push(help(why).wrapping(Wrapping::None));
    }
    column![
        row![strong(name).wrapping(Wrapping::None), help(entry.kind.to_string())]
            .spacing(Gap::S)
            .align_y(iced::Center),
        mono(service).size(Size::SMALL).wrapping(Wrapping::None),
        chip
    ]
    .spacing(3)
    .into()
}

/// The gravest in words, the others counted.
fn warned(warnings: &[Warning]) -> Option<Element<'_, Message>> {
    let first = warnings.first()?;
    let more = match warnings.len() {
        1 => String::new(),
        n => format!(", and {}", format::count(n - 1, "thing more", "things more")),
    };
    let words = format!("{}{more}", words::capital(&first.short()));
    let line = row![
        toned("⚠", tone(first.severity())).size(Size::SMALL + 1.0),
        toned(words, tone(first.severity()))
            .size(Size::SMALL + 1.0)
            .wrapping(Wrapping::None)
    ];
    Some(line.spacing(Gap::S).align_y(iced::Center).into())
}

/// How grave a warning looks.
pub(super) fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Grave => Tone::Bad,
        Severity::Mind => Tone::Warning,
        Severity::Note => Tone::Info,
    }
}
