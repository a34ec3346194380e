//! Alerts: what happened lately, what is told, when not, and to whom.

mod form;
mod view;

use std::sync::Arc;

use iced::{Element, Task};

use crate::flow::alert::Kind;
use crate::flow::watch::{self, Failure, Lately, Watch};
use crate::flow::{self, Ports};
use crate::notify::{NotifyError, Sink};
use crate::protocol::ProTxHash;
use crate::store::alerts as store;
use crate::ui::work::blocking;

use form::Form;

/// Alerts that are read; the page shows [`FEW`] of them first.
const MANY: u32 = 200;
const FEW: usize = 6;

pub struct Alerts {
    lately: State,
    /// All that were read are shown.
    all: bool,
    form: Form,
    /// Those who could not be told the last time.
    failures: Vec<Failure>,
    tests: [Test; 3],
}

enum State {
    Loading,
    Read(Vec<Lately>),
    Failed(flow::Error),
}

/// A test of one way.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    None,
    /// Answers to an older one are not taken.
    Running(u64),
    Done(Result<(), NotifyError>),
}

/// A way to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Desktop,
    Webhook,
    Command,
}

/// Without `Debug`: what is typed may hold a token.
#[derive(Clone)]
pub enum Message {
    Read(Result<Vec<Lately>, flow::Error>),
    ShowAll(bool),
    Open(ProTxHash),
    Switched(Kind, bool),
    DesktopSwitched(bool),
    QuietSwitched(bool),
    FromEdited(String),
    ToEdited(String),
    MinutesEdited(String),
    WebhookEdited(String),
    CommandEdited(String),
    /// Keeps what was typed.
    Save,
    Test(Way),
    Tested(Way, u64, Result<(), NotifyError>),
}

pub enum Action {
    None,
    Run(Task<Message>),
    Open(ProTxHash),
    /// From now on these hold.
    Keep(store::Alerts),
}

/// How a way is made from the settings: the composition root's, or a test's own.
pub type Ways = fn(&store::Alerts, bool) -> (Vec<Arc<dyn Sink>>, Vec<NotifyError>);

impl Alerts {
    pub fn new(settings: &store::Alerts) -> Self {
        Self {
            lately: State::Loading,
            all: false,
            form: Form::of(settings),
            failures: Vec::new(),
            tests: [Test::None, Test::None, Test::None],
        }
    }

    /// Begins anew with what is typed; what happened lately stays.
    pub fn enter(&mut self, settings: &store::Alerts) {
        self.form = Form::of(settings);
        self.tests = [Test::None, Test::None, Test::None];
        self.all = false;
    }

    /// Reads what happened lately.
    pub fn refresh(&self, watch: Arc<Watch>) -> Task<Message> {
        blocking(move || watch.lately(MANY), Message::Read)
    }

    /// What happened lately was read.
    pub fn is_read(&self) -> bool {
        matches!(self.lately, State::Read(_))
    }

    /// Who could not be told; nobody, if all went well.
    pub fn sent(&mut self, failures: Vec<Failure>) {
        self.failures = failures;
    }

    pub fn failed(&mut self, error: flow::Error) {
        self.lately = State::Failed(error);
    }

    pub fn update(&mut self, ports: &Ports, settings: &store::Alerts, ways: Ways, message: Message) -> Action {
        let form = &mut self.form;
        match message {
            Message::Read(Ok(lately)) => self.lately = State::Read(lately),
            Message::Read(Err(error)) => self.lately = State::Failed(error),
            Message::ShowAll(all) => self.all = all,
            Message::Open(hash) => return Action::Open(hash),
            Message::Switched(kind, on) => return Action::Keep(switched(settings, kind, on)),
            Message::DesktopSwitched(desktop) => {
                return Action::Keep(store::Alerts {
                    desktop,
                    ..settings.clone()
                });
            }
            Message::QuietSwitched(on) => return self.quiet_switched(settings, on),
            Message::FromEdited(text) => form.edit_from(text),
            Message::ToEdited(text) => form.edit_to(text),
            Message::MinutesEdited(text) => form.edit_minutes(text),
            Message::WebhookEdited(text) => {
                form.edit_webhook(text);
                self.tests[Way::Webhook as usize] = Test::None;
            }
            Message::CommandEdited(text) => {
                form.edit_command(text);
                self.tests[Way::Command as usize] = Test::None;
            }
            Message::Save => {
                return match form.applied(settings) {
                    Some(kept) => Action::Keep(kept),
                    None => Action::None,
                };
            }
            Message::Test(way) => return self.test(ports, settings, ways, way),
            Message::Tested(way, number, result) => {
                let test = &mut self.tests[way as usize];
                if *test == Test::Running(number) {
                    *test = Test::Done(result);
                }
            }
        }
        Action::None
    }

    /// Quiet hours begin as they are typed; that they are none is kept at once too.
    fn quiet_switched(&mut self, settings: &store::Alerts, on: bool) -> Action {
        self.form.quiet = on;
        let quiet = if on { self.form.hours() } else { None };
        if on && quiet.is_none() {
            return Action::None;
        }
        Action::Keep(store::Alerts {
            quiet,
            ..settings.clone()
        })
    }

    /// Tries a way as it is typed, kept or not.
    fn test(&mut self, ports: &Ports, settings: &store::Alerts, ways: Ways, way: Way) -> Action {
        let typed = self.form.of_way(settings, way);
        let (sinks, wrong) = ways(&typed, way == Way::Desktop);
        let now = flow::now();
        let test = &mut self.tests[way as usize];
        if let Some(error) = wrong.into_iter().next() {
            *test = Test::Done(Err(error));
            return Action::None;
        }
        let number = match test {
            Test::Running(_) => return Action::None,
            _ => now,
        };
        *test = Test::Running(number);
        let notice = watch::test_notice(&ports.profile, now);
        let told = async move {
            let failures = watch::tell(&sinks, &[notice]).await;
            failures.into_iter().next().map_or(Ok(()), |failure| Err(failure.error))
        };
        Action::Run(Task::perform(told, move |result| Message::Tested(way, number, result)))
    }

    pub fn view<'a>(&'a self, ports: &'a Ports, settings: &'a store::Alerts) -> Element<'a, Message> {
        view::view(self, ports, settings)
    }
}

impl Default for Alerts {
    fn default() -> Self {
        Self::new(&store::Alerts::default())
    }
}

fn switched(settings: &store::Alerts, kind: Kind, on: bool) -> store::Alerts {
    let mut kept = settings.clone();
    if on {
        kept.off.remove(kind.name());
    } else {
        kept.off.insert(kind.name().to_owned());
    }
    kept
}
