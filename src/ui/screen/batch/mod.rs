//! One change of several masternodes: a form, one table to review, progress per masternode, and what failed tried again.

mod review;
mod services;
mod subject;
mod table;
mod view;
mod voting;

use std::sync::Arc;

use iced::task::Handle;
use iced::{Element, Task};

use super::part::context::{Context, Look};
use super::part::{fee, payout};
use crate::flow::batch::{self, Failed, Failure, Plans, Progress, Request, prepare_request};
use crate::flow::fee::Bill;
use crate::flow::operation::Outcome;
use crate::flow::{Error, Ports};
use crate::hw;
use crate::protocol::{KeyId, ProTxHash, Profile};
use crate::rpc::{NodeStatus, RpcError};
use crate::setup::Connection;
use crate::store::KeyInfo;
use crate::ui::work::blocking;
pub use services::{FileError, Message as ServicesMessage};
pub use subject::{Chosen, Subject, What};
use table::Table;

/// What new fee keys are named after.
const NAME: &str = "batch";
/// Id of the scrolled page.
const PAGE: &str = "batch";

pub struct Batch {
    profile: Arc<Profile>,
    subject: Subject,
    keys: Vec<KeyInfo>,
    status: Option<NodeStatus>,
    device: Option<hw::Kind>,
    sandbox: bool,
    form: Form,
    fee: fee::Form,
    state: State,
    run: u64,
}

/// What is to be changed.
enum Form {
    Payout(payout::Payout),
    Voting(voting::Voting),
    Services(services::Services),
}

enum State {
    Editing,
    /// Not aborted when it is left: it may have made keys, which its answer takes back.
    Preparing {
        run: u64,
        leaving: bool,
    },
    Refused(Error),
    Reviewing(Box<Plans>),
    Running {
        table: Box<Table>,
        run: u64,
        _task: Handle,
    },
    /// What failed is planned anew.
    Replanning {
        table: Box<Table>,
        run: u64,
    },
    Finished(Box<Table>),
}

#[derive(Debug, Clone)]
pub enum Message {
    StatusRead(Result<NodeStatus, RpcError>),
    Payout(payout::Message),
    Voting(voting::Message),
    Services(services::Message),
    Fee(fee::Message),
    /// The primary button of whatever is on screen.
    Submit,
    Back,
    Cancel,
    Prepared(u64, Result<Box<Plans>, Error>),
    Progressed(u64, Progress),
    Ended(u64, Vec<Result<Outcome, Failure>>),
    Retry,
    Replanned(u64, Result<Box<Plans>, Error>),
    Discarded(Then),
    Open(ProTxHash),
    Copy(String),
}

/// What follows when keys nobody needs were taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Stay,
    Close,
    Open(ProTxHash),
}

pub enum Action {
    None,
    Run(Task<Message>),
    Open(ProTxHash),
    Close,
}

impl Batch {
    /// Opens the form on a connection.
    pub fn new(connection: &Connection, subject: Subject) -> (Self, Task<Message>) {
        Self::open(&connection.ports, subject, connection.sandbox.is_some())
    }

    /// `sandbox`: the device is the embedded one, on its own page.
    pub fn open(ports: &Ports, subject: Subject, sandbox: bool) -> (Self, Task<Message>) {
        let form = match subject.what {
            What::Payout => Form::Payout(payout::Payout::default()),
            What::Voting => Form::Voting(voting::Voting::default()),
            What::Services => Form::Services(services::Services::new(&subject, &ports.profile)),
        };
        let count = subject.chosen.iter().filter(|each| each.signed_here).count();
        let mut new = Self {
            profile: Arc::clone(&ports.profile),
            subject,
            keys: Vec::new(),
            status: None,
            device: None,
            sandbox,
            form,
            fee: fee::Form::for_several(count),
            state: State::Editing,
            run: 0,
        };
        new.ports_changed(ports);
        let node = Arc::clone(&ports.node);
        let status = Task::perform(async move { node.status().await }, Message::StatusRead);
        let (fee, cx) = new.fee_and_context(ports);
        let fee = fee.enter(&cx).map(Message::Fee);
        (new, Task::batch([status, fee]))
    }

    /// A device was opened or lost, the vault unlocked or locked.
    pub fn ports_changed(&mut self, ports: &Ports) {
        self.device = ports.device.as_ref().map(|device| device.kind());
        self.keys = listed(ports);
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::StatusRead(result) => self.status = result.ok(),
            Message::Payout(payout::Message::Submit) | Message::Submit => return self.submit(ports),
            Message::Payout(message) => return self.payout(ports, message),
            Message::Voting(message) => {
                if let Form::Voting(form) = &mut self.form {
                    form.update(&self.profile, message);
                }
            }
            Message::Services(message) => return self.services(message),
            Message::Fee(message) => {
                let (fee, mut cx) = self.fee_and_context(ports);
                return Action::Run(fee.update(&mut cx, message).map(Message::Fee));
            }
            Message::Back => return self.back(ports),
            Message::Cancel => return self.leave(ports, Then::Close),
            Message::Prepared(run, result) => return self.prepared(ports, run, result),
            Message::Progressed(run, progress) => self.progressed(run, progress),
            Message::Ended(run, results) => self.ended(run, results),
            Message::Retry => return self.retry(ports),
            Message::Replanned(run, result) => return self.replanned(ports, run, result),
            Message::Discarded(then) => return self.discarded(ports, then),
            Message::Open(hash) => return self.leave(ports, Then::Open(hash)),
            Message::Copy(text) => return Action::Run(iced::clipboard::write(text)),
        }
        Action::None
    }

    fn payout(&mut self, ports: &Ports, message: payout::Message) -> Action {
        let taken = self.taken();
        let bill = self.bill();
        let Form::Payout(form) = &mut self.form else {
            return Action::None;
        };
        let cx = context(ports, &mut self.keys, bill, taken);
        let task = form.update(&cx, message).map(Message::Payout);
        if let Some(address) = form.value()
            && cx.taken.iter().any(|key| key.address() == address)
        {
            form.refuse("rewards cannot be paid to the owner or voting key of one of them: choose another address");
        }
        Action::Run(task)
    }

    fn services(&mut self, message: services::Message) -> Action {
        let Form::Services(form) = &mut self.form else {
            return Action::None;
        };
        let task = form.update(&self.subject.known, &self.profile, message);
        Action::Run(task.map(Message::Services))
    }

    /// What the form asks for, once it is complete.
    fn request(&self) -> Option<Request> {
        let of = self.subject.hashes();
        Some(match &self.form {
            Form::Payout(form) => Request::Payout { of, to: form.value()? },
            Form::Voting(form) => Request::Voting { of, to: form.value()? },
            Form::Services(form) => Request::Services(form.value()?.to_vec()),
        })
    }

    fn submit(&mut self, ports: &Ports) -> Action {
        match &self.state {
            State::Editing => self.prepare(ports),
            State::Reviewing(plans) if may_send(plans) => {
                let table = Table::new(&self.subject, (**plans).clone());
                let every = table.every();
                self.start(ports, Box::new(table), every)
            }
            State::Finished(_) => self.leave(ports, Then::Close),
            State::Preparing { .. }
            | State::Refused(_)
            | State::Reviewing(_)
            | State::Running { .. }
            | State::Replanning { .. } => Action::None,
        }
    }

    fn prepare(&mut self, ports: &Ports) -> Action {
        let (Some(request), Some(source)) = (self.request(), self.fee.chosen_source().cloned()) else {
            return Action::None;
        };
        self.run += 1;
        let (run, ports) = (self.run, ports.clone());
        self.state = State::Preparing { run, leaving: false };
        let work = async move { prepare_request(&ports, request, source).await };
        Action::Run(Task::perform(work, move |result| {
            Message::Prepared(run, result.map(Box::new))
        }))
    }

    fn prepared(&mut self, ports: &Ports, run: u64, result: Result<Box<Plans>, Error>) -> Action {
        self.keys = listed(ports);
        let leaving = match self.state {
            State::Preparing { run: asked, leaving } if asked == run => leaving,
            _ => return result.map_or(Action::None, |plans| discard(ports, *plans, Vec::new(), Then::Stay)),
        };
        match result {
            Ok(plans) if leaving => return discard(ports, *plans, Vec::new(), Then::Close),
            Err(_) if leaving => return Action::Close,
            Ok(plans) => self.state = State::Reviewing(plans),
            Err(error) => self.state = State::Refused(error),
        }
        Action::Run(to_top())
    }

    /// Sends some lines of a table.
    fn start(&mut self, ports: &Ports, mut table: Box<Table>, lines: Vec<usize>) -> Action {
        self.run += 1;
        let run = self.run;
        let parts = table.begin(lines);
        let flow = batch::run(ports.clone(), parts);
        let (task, handle) = Task::sip(
            flow,
            move |progress| Message::Progressed(run, progress),
            move |results| Message::Ended(run, results),
        )
        .abortable();
        let _task = handle.abort_on_drop();
        self.state = State::Running { table, run, _task };
        Action::Run(Task::batch([task, to_top()]))
    }

    fn progressed(&mut self, run: u64, progress: Progress) {
        if let State::Running { table, run: asked, .. } = &mut self.state
            && *asked == run
        {
            table.take(progress);
        }
    }

    fn ended(&mut self, run: u64, results: Vec<Result<Outcome, Failure>>) {
        let asked = matches!(self.state, State::Running { run: asked, .. } if asked == run);
        match std::mem::replace(&mut self.state, State::Editing) {
            State::Running { mut table, .. } if asked => {
                table.end(results);
                self.state = State::Finished(table);
            }
            other => self.state = other,
        }
    }

    /// Plans what failed anew, and only that.
    fn retry(&mut self, ports: &Ports) -> Action {
        let State::Finished(table) = &self.state else {
            return Action::None;
        };
        let failed: Vec<Failed> = table.to_plan_anew();
        if table.failed().is_empty() {
            return Action::None;
        }
        self.run += 1;
        let (run, ports) = (self.run, ports.clone());
        let table = table.clone();
        self.state = State::Replanning { table, run };
        let work = async move { batch::anew(&ports, failed).await };
        Action::Run(Task::perform(work, move |result| {
            Message::Replanned(run, result.map(Box::new))
        }))
    }

    fn replanned(&mut self, ports: &Ports, run: u64, result: Result<Box<Plans>, Error>) -> Action {
        let asked = matches!(self.state, State::Replanning { run: asked, .. } if asked == run);
        match std::mem::replace(&mut self.state, State::Editing) {
            State::Replanning { mut table, .. } if asked => match result {
                Ok(plans) => {
                    let again = table.replan(*plans);
                    if again.is_empty() {
                        self.state = State::Finished(table);
                        return Action::None;
                    }
                    self.start(ports, table, again)
                }
                Err(error) => {
                    table.refuse(&error);
                    self.state = State::Finished(table);
                    Action::None
                }
            },
            other => {
                self.state = other;
                Action::None
            }
        }
    }

    fn back(&mut self, ports: &Ports) -> Action {
        match &mut self.state {
            State::Editing if self.fee.close() => Action::None,
            State::Editing => self.leave(ports, Then::Close),
            State::Preparing { .. } | State::Refused(_) | State::Reviewing(_) => {
                // Its answer, or the plans on screen, take their keys back.
                match std::mem::replace(&mut self.state, State::Editing) {
                    State::Reviewing(plans) => discard(ports, *plans, Vec::new(), Then::Stay),
                    _ => Action::None,
                }
            }
            State::Running { .. } | State::Replanning { .. } => Action::None,
            State::Finished(_) => self.leave(ports, Then::Close),
        }
    }

    /// Ends the page; keys nobody will use are taken back. Nothing that is on its way is left.
    fn leave(&mut self, ports: &Ports, then: Then) -> Action {
        match &mut self.state {
            State::Running { .. } | State::Replanning { .. } => Action::None,
            State::Editing if self.fee.is_busy() => Action::None,
            State::Preparing { leaving, .. } => {
                *leaving = true;
                Action::None
            }
            State::Reviewing(plans) => discard(ports, (**plans).clone(), Vec::new(), then),
            State::Finished(table) => discard(ports, table.plans().clone(), table.begun(), then),
            State::Editing | State::Refused(_) => close(then),
        }
    }

    fn discarded(&mut self, ports: &Ports, then: Then) -> Action {
        self.keys = listed(ports);
        close(then)
    }

    /// In a few words, for another page.
    pub fn summary(&self) -> String {
        match &self.state {
            State::Running { table, .. } | State::Replanning { table, .. } | State::Finished(table) => table.summary(),
            _ => "It was not sent yet.".to_owned(),
        }
    }

    pub fn what(&self) -> What {
        self.subject.what
    }

    pub fn view(&self) -> Element<'_, Message> {
        view::view(self)
    }

    fn bill(&self) -> Bill {
        Bill {
            kind: self.subject.what.kind(),
            mn_type: self.subject.largest(),
        }
    }

    fn taken(&self) -> Vec<KeyId> {
        let keys = self.subject.chosen.iter().flat_map(|each| each.keys.iter());
        keys.copied().collect()
    }

    fn fee_and_context<'a>(&'a mut self, ports: &'a Ports) -> (&'a mut fee::Form, Context<'a>) {
        let (bill, taken) = (self.bill(), self.taken());
        (&mut self.fee, context(ports, &mut self.keys, bill, taken))
    }

    fn look(&self) -> Look<'_> {
        Look {
            profile: &self.profile,
            keys: &self.keys,
            status: self.status.as_ref(),
            device: self.device,
            told: None,
            errand: "updates",
            hand_over: false,
            sandbox: self.sandbox,
        }
    }
}

/// Something can be sent, and the money lasts.
fn may_send(plans: &Plans) -> bool {
    plans.affordable() && !plans.ready().is_empty()
}

fn context<'a>(ports: &'a Ports, keys: &'a mut Vec<KeyInfo>, bill: Bill, taken: Vec<KeyId>) -> Context<'a> {
    Context {
        ports,
        keys,
        name: NAME,
        bill,
        account: None,
        taken,
    }
}

fn listed(ports: &Ports) -> Vec<KeyInfo> {
    ports.vault.as_ref().map(|vault| vault.list()).unwrap_or_default()
}

fn discard(ports: &Ports, plans: Plans, begun: Vec<ProTxHash>, then: Then) -> Action {
    let ports = ports.clone();
    Action::Run(blocking(
        move || batch::discard(&ports, &plans, &begun),
        move |()| Message::Discarded(then),
    ))
}

fn close(then: Then) -> Action {
    match then {
        Then::Stay => Action::None,
        Then::Close => Action::Close,
        Then::Open(hash) => Action::Open(hash),
    }
}

fn to_top() -> Task<Message> {
    iced::widget::operation::snap_to(PAGE, iced::widget::scrollable::RelativeOffset::START)
}
