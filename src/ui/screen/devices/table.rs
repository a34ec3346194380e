//! What each kind of device can and cannot do, so that nobody looks for it in vain.

use iced::widget::{Column, column, row};
use iced::{Element, Length};

use super::Message;
use crate::hw::{Ability, Can, Kind, abilities};
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{body, muted, panel, segments, toned};

/// Whose table is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    Ledger,
    /// One and Model T.
    Trezor,
    /// Safe 3, 5 and 7.
    Safe,
}

impl Maker {
    const ALL: [Self; 3] = [Self::Ledger, Self::Trezor, Self::Safe];

    pub fn of(kind: Kind, model: Option<&str>) -> Self {
        match kind {
            Kind::Ledger => Self::Ledger,
            Kind::Trezor if model.is_some_and(|model| model.contains("Safe")) => Self::Safe,
            Kind::Trezor => Self::Trezor,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ledger => "Ledger",
            Self::Trezor => "Trezor One, Model T",
            Self::Safe => "Trezor Safe",
        }
    }

    fn abilities(self) -> Vec<Ability> {
        match self {
            Self::Ledger => abilities(Kind::Ledger, None),
            Self::Trezor => abilities(Kind::Trezor, None),
            Self::Safe => abilities(Kind::Trezor, Some("Trezor Safe 3")),
        }
    }
}

pub fn view<'a>(of: Maker) -> Element<'a, Message> {
    let choices = Maker::ALL.map(|maker| (maker, maker.name().to_owned()));
    let lines = of.abilities().into_iter().map(line);
    let content = column![
        segments(choices, of, Message::ShowTable),
        Column::with_children(lines).spacing(Gap::S)
    ];
    panel("What a device can and cannot do", content.spacing(Gap::M)).into()
}

fn line<'a>(ability: Ability) -> Element<'a, Message> {
    let (sign, tone, note) = match ability.can {
        Can::Yes => ("✓", Tone::Good, None),
        Can::YesBut(limit) => ("✓", Tone::Good, Some(limit)),
        Can::No(reason) => ("✗", Tone::Neutral, Some(reason)),
    };
    let words = column![body(ability.what)].push(note.map(muted)).width(Length::Fill);
    row![toned(sign, tone).width(16), words].spacing(Gap::S).into()
}
