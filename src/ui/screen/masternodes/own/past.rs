//! What was: what is known of a masternode's past, and reading more of it from the node.

use std::sync::Arc;

use iced::widget::{column, row, space};
use iced::{Element, Length, Task, task};

use super::drawing::Drawing;
use super::{Message as Over, Shown, events};
use crate::flow::history::{self, Progress, Summary, Timeline};
use crate::flow::{self, Ports};
use crate::protocol::ProTxHash;
use crate::ui::format::{count, grouped};
use crate::ui::theme::Gap;
use crate::ui::widget::{error_notice, gauge, muted, secondary_button, segments};

/// Height of the drawings.
const HIGH: f32 = 240.0;
const LOW: f32 = 150.0;
/// Events listed at first, and with each further press.
const EVENTS: usize = 12;

pub struct Past {
    hash: ProTxHash,
    known: Known,
    /// Why blocks are not written down as they come.
    not_recorded: Option<flow::Error>,
    reading: Reading,
    span: Span,
    events: usize,
}

enum Known {
    /// Not asked yet.
    Nothing,
    Some(Arc<Timeline>),
    Failed(flow::Error),
}

/// Reading more of it from the node.
enum Reading {
    Idle,
    Under {
        progress: Option<Progress>,
        _task: task::Handle,
    },
    Done(Summary),
    Failed(flow::Error),
}

/// How much of the past is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    Day,
    Week,
    Month,
    All,
}

impl Span {
    /// None: as far as is known.
    pub(super) fn days(self) -> Option<u32> {
        match self {
            Self::Day => Some(1),
            Self::Week => Some(7),
            Self::Month => Some(30),
            Self::All => None,
        }
    }
}

#[derive(Debug, Clone)]
pub enum Message {
    Known(ProTxHash, Result<Arc<Timeline>, flow::Error>),
    /// Reads the last month, or all of it.
    ReadBack {
        everything: bool,
    },
    Stopped,
    Progressed(ProTxHash, Progress),
    ReadTo(ProTxHash, Result<Summary, flow::Error>),
    Show(Span),
    MoreEvents,
}

impl Past {
    pub(super) fn new(hash: ProTxHash) -> Self {
        Self {
            hash,
            known: Known::Nothing,
            not_recorded: None,
            reading: Reading::Idle,
            span: Span::Week,
            events: EVENTS,
        }
    }

    pub(super) fn timeline(&self) -> Option<&Timeline> {
        match &self.known {
            Known::Some(timeline) => Some(timeline),
            Known::Nothing | Known::Failed(_) => None,
        }
    }

    pub(super) fn span(&self) -> Span {
        self.span
    }

    pub(super) fn not_recorded(&mut self, error: Option<flow::Error>) {
        self.not_recorded = error;
    }

    /// Reads what is known, on this computer alone but for the node's tip.
    pub(super) fn read(&self, ports: &Ports) -> Task<Message> {
        let (ports, hash) = (ports.clone(), self.hash);
        let read = async move { history::timeline(&ports, hash).await };
        Task::perform(read, move |read| Message::Known(hash, read.map(Arc::new)))
    }

    pub(super) fn update(&mut self, ports: &Ports, message: Message) -> Task<Message> {
        match message {
            Message::Known(hash, known) if hash == self.hash => {
                self.known = known.map_or_else(Known::Failed, Known::Some);
            }
            Message::ReadBack { everything } => return self.read_back(ports, everything),
            Message::Stopped => {
                self.reading = Reading::Idle;
                return self.read(ports);
            }
            Message::Progressed(hash, now) if hash == self.hash => {
                if let Reading::Under { progress, .. } = &mut self.reading {
                    *progress = Some(now);
                }
            }
            Message::ReadTo(hash, result) if hash == self.hash => {
                self.reading = result.map_or_else(Reading::Failed, Reading::Done);
                return self.read(ports);
            }
            Message::Known(..) | Message::Progressed(..) | Message::ReadTo(..) => {}
            Message::Show(span) => self.span = span,
            Message::MoreEvents => self.events += 4 * EVENTS,
        }
        Task::none()
    }

    fn read_back(&mut self, ports: &Ports, everything: bool) -> Task<Message> {
        let hash = self.hash;
        let back_to = everything.then_some(0);
        let work = history::rebuild(ports.clone(), vec![hash], back_to);
        let (task, handle) = Task::sip(
            work,
            move |progress| Message::Progressed(hash, progress),
            move |result| Message::ReadTo(hash, result),
        )
        .abortable();
        self.reading = Reading::Under {
            progress: None,
            _task: handle.abort_on_drop(),
        };
        task
    }

    /// The score over time, and how to know more of it.
    pub(super) fn view<'a>(&'a self, drawing: Option<&'a Drawing>, shown: &Shown<'a>) -> Element<'a, Message> {
        let choices = [
            (Span::Day, "Day".to_owned()),
            (Span::Week, "Week".to_owned()),
            (Span::Month, "Month".to_owned()),
            (Span::All, "All that is known".to_owned()),
        ];
        let head = row![segments(choices, self.span, Message::Show)];
        let mut parts = column![head].spacing(Gap::M);
        if let Some(drawing) = drawing {
            parts = parts.push(drawing.penalty.view(HIGH));
        }
        if let Known::Failed(error) = &self.known {
            parts = parts.push(error_notice(error));
        }
        if let Some(error) = &self.not_recorded {
            parts = parts.push(error_notice(error));
        }
        parts.push(self.reading(shown)).into()
    }

    fn reading<'a>(&'a self, shown: &Shown<'a>) -> Element<'a, Message> {
        let begin = |words: String| {
            row![
                muted(words).width(Length::Fill),
                secondary_button("Read the last month").on_press(Message::ReadBack { everything: false }),
                secondary_button("Read all").on_press(Message::ReadBack { everything: true })
            ]
            .spacing(Gap::S)
            .align_y(iced::Center)
        };
        match &self.reading {
            Reading::Idle => begin(self.known_words(shown)).into(),
            Reading::Done(summary) => begin(format!(
                "{} read, {} found. {}",
                count(summary.blocks as usize, "block", "blocks"),
                count(summary.events, "event", "events"),
                self.known_words(shown)
            ))
            .into(),
            Reading::Failed(error) => column![error_notice(error), begin(self.known_words(shown))]
                .spacing(Gap::S)
                .into(),
            Reading::Under { progress, .. } => {
                let (words, done, of) = match progress {
                    Some(Progress { done, of }) => (
                        format!("Reading the past: {} of {} blocks", grouped(*done), grouped(*of)),
                        *done as usize,
                        *of as usize,
                    ),
                    None => ("Reading the past…".to_owned(), 0, 1),
                };
                let stop = secondary_button("Stop").on_press(Message::Stopped);
                column![
                    row![muted(words).width(Length::Fill), stop]
                        .spacing(Gap::S)
                        .align_y(iced::Center),
                    gauge(done, of)
                ]
                .spacing(Gap::S)
                .into()
            }
        }
    }

    /// How far back it is known.
    fn known_words(&self, shown: &Shown<'_>) -> String {
        let registered = shown.masternode.entry.state.registered_height;
        let Some(timeline) = self.timeline() else {
            return "What is known of its past is being read.".to_owned();
        };
        match timeline.covered.first() {
            None => "Nothing of its past was read yet.".to_owned(),
            Some(first) if first.from <= registered && timeline.covered.len() == 1 => {
                "All of its past is known.".to_owned()
            }
            Some(first) => {
                let gaps = timeline.covered.len() > 1;
                let gaps = if gaps { ", with gaps" } else { "" };
                format!(
                    "Known from block {}{gaps}; it was registered in block {}.",
                    grouped(first.from),
                    grouped(registered)
                )
            }
        }
    }

    /// What it was paid in the span, and when.
    pub(super) fn payments<'a>(&'a self, drawing: Option<&'a Drawing>, shown: &Shown<'a>) -> Element<'a, Over> {
        let Some(drawing) = drawing else {
            return space().into();
        };
        match &drawing.payments {
            Some(chart) => column![muted(drawing.paid.clone()), chart.view(LOW)]
                .spacing(Gap::M)
                .into(),
            None => muted(format!(
                "No payment is known in this time. Last paid: {}.",
                super::words::last_paid(shown.masternode)
            ))
            .into(),
        }
    }

    /// What happened, newest first.
    pub(super) fn events<'a>(&'a self, shown: &Shown<'a>) -> Element<'a, Over> {
        let Some(timeline) = self.timeline().filter(|timeline| !timeline.events.is_empty()) else {
            return muted("Nothing is known yet. Read its past above, or come back later: from now on every block is written down.")
                .into();
        };
        let more = timeline.events.len() > self.events;
        let more = more.then(|| {
            secondary_button("Show more")
                .on_press(Over::Past(Message::MoreEvents))
                .into()
        });
        let lines = events::lines(timeline, shown, self.events);
        column![lines].extend(more).spacing(Gap::M).into()
    }
}
