//! What if it fails: now, at a height, or while it is down for some hours.

use iced::widget::{column, row};
use iced::{Element, Length};

use super::super::words::capital;
use super::Shown;
use crate::flow::overview::forecast::{Course, Failing, Impossible};
use crate::flow::overview::{Masternode, Overview, words};
use crate::protocol::Profile;
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{body, field::plain_input, heading, muted, segments, strong, toned};

/// Longest outage that is worked out, in **hours**: a month.
const MOST_HOURS: u32 = 24 * 30;
/// **Blocks** ahead that a height is proposed.
const AHEAD: u32 = 100;

pub struct Simulator {
    what: What,
    /// None: not touched yet.
    height: Option<String>,
    hours: String,
    /// What comes of it.
    course: Option<Result<Course, Refused>>,
}

/// What is imagined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Nothing,
    Now,
    Twice,
    At,
    Down,
}

/// Why nothing is foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    NoHeight,
    NoHours,
    Impossible(Impossible),
}

#[derive(Debug, Clone)]
pub enum Message {
    Chosen(What),
    HeightEdited(String),
    HoursEdited(String),
}

impl Default for Simulator {
    fn default() -> Self {
        Self {
            what: What::Nothing,
            height: None,
            hours: "12".to_owned(),
            course: None,
        }
    }
}

impl Simulator {
    pub(super) fn update(&mut self, message: Message) {
        match message {
            Message::Chosen(what) => self.what = what,
            Message::HeightEdited(text) => self.height = Some(text),
            Message::HoursEdited(text) => self.hours = text,
        }
    }

    /// Works it out for a list.
    pub(super) fn foretell(&mut self, overview: &Overview, masternode: &Masternode, profile: &Profile) {
        if self.what == What::At && self.height.is_none() {
            self.height = Some(overview.tip.height.saturating_add(AHEAD).to_string());
        }
        self.course = self.failing(overview).map(|failing| {
            let course = overview.course(masternode, profile, &failing?);
            course.map_err(Refused::Impossible)
        });
    }

    fn failing(&self, overview: &Overview) -> Option<Result<Vec<Failing>, Refused>> {
        let typed = |text: &str| text.trim().replace(',', "").parse::<u32>().ok();
        Some(match self.what {
            What::Nothing => return None,
            What::Now => Ok(vec![Failing::Now]),
            What::Twice => {
                let next = overview.tip.height.saturating_add(2);
                Ok(vec![Failing::Now, Failing::At(next)])
            }
            What::At => typed(self.height.as_deref().unwrap_or_default())
                .map(|height| vec![Failing::At(height)])
                .ok_or(Refused::NoHeight),
            What::Down => typed(&self.hours)
                .filter(|hours| (1..=MOST_HOURS).contains(hours))
                .map(|hours| vec![Failing::Down { hours }])
                .ok_or(Refused::NoHours),
        })
    }

    pub(super) fn course(&self) -> Option<&Course> {
        self.course.as_ref()?.as_ref().ok()
    }

    pub(super) fn view<'a>(&'a self, shown: &Shown<'a>) -> Element<'a, Message> {
        let choices = [
            (What::Nothing, "As it is".to_owned()),
            (What::Now, "Fails now".to_owned()),
            (What::Twice, "Fails twice".to_owned()),
            (What::At, "Fails at a height".to_owned()),
            (What::Down, "Is down for hours".to_owned()),
        ];
        let mut parts = column![
            heading("What if it fails?"),
            segments(choices, self.what, Message::Chosen)
        ]
        .spacing(Gap::S);
        parts = parts.extend(self.field());
        parts.push(self.outcome(shown)).into()
    }

    fn field(&self) -> Option<Element<'_, Message>> {
        let (name, id, text, edited): (_, _, _, fn(String) -> Message) = match self.what {
            What::At => (
                "Block",
                "simulated-height",
                self.height.as_deref().unwrap_or_default(),
                Message::HeightEdited,
            ),
            What::Down => (
                "Hours from now",
                "simulated-hours",
                self.hours.as_str(),
                Message::HoursEdited,
            ),
            What::Nothing | What::Now | What::Twice => return None,
        };
        let field = plain_input("", text, edited).id(id).width(130);
        Some(row![muted(name), field].spacing(Gap::S).align_y(iced::Center).into())
    }

    fn outcome<'a>(&self, shown: &Shown<'a>) -> Element<'a, Message> {
        let (overview, profile) = (shown.overview, shown.profile);
        match &self.course {
            None => {
                let down = overview.time_to_ban(shown.masternode, profile);
                let down = down.map(|time| words::sentence(&words::time_to_ban(&time, overview)));
                let words = "Choose what may happen: its course is drawn into the chart above. ";
                muted(format!("{words}{}", down.unwrap_or_default())).into()
            }
            Some(Ok(course)) => {
                let banned = course.simulation.banned_at.is_some();
                let tone = if banned { Tone::Bad } else { Tone::Good };
                let sign = if banned { "✗" } else { "✓" };
                let course = capital(&words::course(course, overview));
                row![toned(sign, tone), strong(format!("{course}.")).width(Length::Fill)]
                    .spacing(Gap::S)
                    .into()
            }
            Some(Err(refused)) => body(refused.sentence()).into(),
        }
    }
}

impl Refused {
    fn sentence(self) -> String {
        match self {
            Self::NoHeight => "Type the height of a block to come.".to_owned(),
            Self::NoHours => format!("Type a number of hours from 1 to {MOST_HOURS}."),
            Self::Impossible(impossible) => words::sentence(&impossible.to_string()),
        }
    }
}
