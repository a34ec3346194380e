//! Before a banned masternode is revived: what speaks for it and what against, as far as that can be seen from here.

use iced::task::Handle;
use iced::widget::{Column, column, row};
use iced::{Element, Length, Task};

use super::subject::Subject;
use crate::flow::choice::FeeSource;
use crate::flow::revive::{self, CAUSES, Diagnosis, Finding, Mood};
use crate::flow::{Error, Ports};
use crate::store::{KeyInfo, Kind};
use crate::ui::screen::part::context::Look;
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{body, error_notice, muted, panel, secondary_button, toned, warning};

pub struct Checkup {
    known: Known,
    address: Probe,
}

enum Known {
    Looking { _task: Handle },
    Found(Diagnosis),
    Failed(Error),
}

enum Probe {
    Running {
        _task: Handle,
    },
    Over(Finding),
    /// No server of the sandbox is at the address it names, and who is there wants no visit.
    NotInSandbox,
}

#[derive(Debug, Clone)]
pub enum Message {
    Found(Result<Diagnosis, Error>),
    Probed(Finding),
    Again,
}

impl Checkup {
    /// Looks at the list and the keys, and asks the address at the same time.
    pub fn start(ports: &Ports, subject: &Subject, keys: &[KeyInfo], sandbox: bool) -> (Self, Task<Message>) {
        let fee = keys
            .iter()
            .find(|key| key.kind == Kind::Fee && key.network.name == ports.profile.name)
            .map(|key| FeeSource::Key(key.label.clone()));
        let (ports, hash, service) = (ports.clone(), subject.entry.pro_tx_hash, subject.entry.state.service);
        let look = async move { revive::look_here(&ports, hash, fee.as_ref()).await };
        let (look, looking) = Task::perform(look, Message::Found).abortable();
        let known = Known::Looking {
            _task: looking.abort_on_drop(),
        };
        if sandbox {
            let address = Probe::NotInSandbox;
            return (Self { known, address }, look);
        }
        let (probe, probing) = Task::perform(revive::address(service), Message::Probed).abortable();
        let address = Probe::Running {
            _task: probing.abort_on_drop(),
        };
        (Self { known, address }, Task::batch([look, probe]))
    }

    pub fn found(&mut self, result: Result<Diagnosis, Error>) {
        self.known = match result {
            Ok(diagnosis) => Known::Found(diagnosis),
            Err(error) => Known::Failed(error),
        };
    }

    pub fn probed(&mut self, finding: Finding) {
        self.address = Probe::Over(finding);
    }

    /// It can be gone on with: the name of the button that does.
    pub fn verdict(&self) -> Option<&'static str> {
        let Known::Found(diagnosis) = &self.known else {
            return None;
        };
        if !diagnosis.can_revive() {
            return None;
        }
        let reachable = match &self.address {
            Probe::Running { .. } | Probe::NotInSandbox => true,
            Probe::Over(finding) => finding.mood() != Mood::Bad,
        };
        Some(if diagnosis.is_clear() && reachable {
            "Revive"
        } else {
            "Revive anyway"
        })
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let mut parts = column![].spacing(Gap::M);
        match &self.known {
            Known::Looking { .. } => parts = parts.push(muted("Looking at the list and the keys.")),
            Known::Failed(error) => parts = parts.push(error_notice(error)),
            Known::Found(diagnosis) => parts = parts.push(self.findings(diagnosis, look)),
        }
        let again = secondary_button("Look again").on_press(Message::Again);
        if self.verdict() == Some("Revive anyway") {
            parts = parts.push(warning(
                "Something speaks against reviving it now. It can be done anyway, but each revival costs the fee and its place in the payment queue.",
            ));
        }
        parts.push(row![again]).into()
    }

    fn findings<'a>(&'a self, diagnosis: &'a Diagnosis, look: &Look<'a>) -> Element<'a, Message> {
        let ticker = &look.profile.ticker;
        let seen = diagnosis.findings.iter().filter(|finding| **finding != Finding::Causes);
        let mut lines: Vec<Element<'a, Message>> = seen.map(|finding| line(finding, ticker)).collect();
        lines.push(match &self.address {
            Probe::Running { .. } => mark(
                "○",
                Tone::Neutral,
                format!("Asking {} for a connection.", diagnosis.entry.state.service),
            ),
            Probe::Over(finding) => line(finding, ticker),
            Probe::NotInSandbox => mark(
                "○",
                Tone::Neutral,
                "In the sandbox no server runs; elsewhere its port is asked from here.".to_owned(),
            ),
        });
        let list = panel("What was found", Column::with_children(lines).spacing(Gap::S));
        let mut parts = column![list].spacing(Gap::M);
        if diagnosis.findings.contains(&Finding::Causes) {
            let causes = CAUSES
                .into_iter()
                .map(|cause| mark("•", Tone::Neutral, cause.to_owned()));
            let causes = column![muted(Finding::Causes.sentence(ticker))]
                .extend(causes)
                .spacing(Gap::XS);
            parts = parts.push(panel("Look at the server first", causes));
        }
        parts.into()
    }
}

fn line<'a>(finding: &Finding, ticker: &str) -> Element<'a, Message> {
    let (sign, tone) = match finding.mood() {
        Mood::Good => ("✓", Tone::Good),
        Mood::Open => ("●", Tone::Info),
        Mood::Bad => ("✗", Tone::Bad),
    };
    mark(sign, tone, finding.sentence(ticker))
}

fn mark<'a>(sign: &'static str, tone: Tone, words: String) -> Element<'a, Message> {
    row![toned(sign, tone).width(16), body(words).width(Length::Fill)]
        .spacing(Gap::S)
        .into()
}
