//! One operation on a masternode, from the form to the block: filled from the chain, reviewed with everything it changes, signed
//! here or handed over; and operations somebody else began, from a file.

mod checkup;
mod done;
mod form;
mod handover;
mod import;
mod review;
mod service;
mod signer;
mod subject;
mod view;
mod what;

use std::sync::Arc;

use iced::Task;
use iced::task::Handle;

use crate::flow::fee::Bill;
use crate::flow::operation::Operation;
use crate::flow::update::{Draft, Plan, Review, discard, prepare};
use crate::flow::{Error, Ports};
use crate::hw;
use crate::protocol::special_tx::Payload;
use crate::protocol::{ProTxHash, Profile};
use crate::store::KeyInfo;
use crate::ui::screen::part::context::Context;
use crate::ui::screen::part::{fee, signing};
use crate::ui::work::blocking;
use checkup::Checkup;
use done::Done;
use form::Form;
use review::Reviewing;
use signing::{Job, Signing};
use subject::Subject;
pub use what::{ELSEWHERE, What};

pub struct Update {
    profile: Arc<Profile>,
    task: Wish,
    keys: Vec<KeyInfo>,
    /// Name of the open device.
    device: Option<hw::Kind>,
    vault: bool,
    sandbox: bool,
    state: State,
    /// Number of the last thing that was asked for; no two pages have the same ones.
    run: u64,
}

/// What was opened. What was filled in is kept while the user goes back and forth.
enum Wish {
    Change { asked: Asked, filled: Option<Box<Filled>> },
    Complete(import::Form),
}

/// An operation on a masternode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub what: What,
    pub pro_tx_hash: ProTxHash,
    /// A key is not here: the operation may be handed over, and its fee come from another computer.
    pub elsewhere: bool,
}

struct Filled {
    subject: Subject,
    form: Form,
    fee: fee::Form,
}

enum State {
    Reading {
        run: u64,
        _task: Handle,
    },
    Unreadable(Error),
    /// Before reviving.
    Looking(Checkup),
    Editing {
        ready: bool,
    },
    /// An operation from a file: where it is.
    Importing,
    /// The plan is made, or the file read and judged.
    Preparing {
        run: u64,
    },
    Refused(Error),
    Reviewing(Box<Reviewing>),
    Signing {
        signing: Signing,
        review: Box<Review>,
        name: String,
    },
    Done(Box<Done>),
}

#[derive(Debug, Clone)]
pub enum Message {
    Read(u64, Result<Box<Subject>, Error>),
    ReadAgain,
    Checkup(checkup::Message),
    Form(form::Message),
    Fee(fee::Message),
    Import(import::Message),
    /// The primary button of whatever is on screen.
    Submit,
    Back,
    Cancel,
    Prepared(u64, Result<Box<Plan>, Error>),
    Judged(u64, Result<Box<(Operation, Review)>, import::Failure>),
    Review(review::Message),
    Signing(signing::Message),
    Done(done::Message),
    Open,
    /// Keys nobody needs were taken back.
    Discarded,
}

impl Message {
    /// The text of an operation, as if it were pasted.
    #[cfg(test)]
    pub(crate) fn pasted(text: String) -> Self {
        Self::Import(import::Message::TextEdited(text))
    }
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// Shows the masternode.
    Open(ProTxHash),
    /// Goes on with another operation on the same masternode.
    Next(Asked),
    /// Back to where it was opened.
    Close(Task<Message>),
}

impl Update {
    /// Opens the form of an operation and reads the masternode. `number` tells this page from every other one.
    pub fn change(ports: &Ports, sandbox: bool, number: u64, asked: Asked) -> (Self, Task<Message>) {
        let task = Wish::Change { asked, filled: None };
        let mut new = Self::new(ports, sandbox, number, task);
        let reading = new.read(ports);
        (new, reading)
    }

    /// Opens what completes an operation from a file.
    pub fn complete(ports: &Ports, sandbox: bool, number: u64) -> (Self, Task<Message>) {
        let new = Self::new(ports, sandbox, number, Wish::Complete(import::Form::default()));
        (new, iced::widget::operation::focus("import-path"))
    }

    fn new(ports: &Ports, sandbox: bool, number: u64, task: Wish) -> Self {
        let mut new = Self {
            profile: ports.profile.clone(),
            task,
            keys: listed(ports),
            device: None,
            vault: false,
            sandbox,
            state: State::Importing,
            run: number << 32,
        };
        new.look_at(ports);
        new
    }

    /// It was opened from the journal, not from a masternode.
    pub fn is_from_file(&self) -> bool {
        matches!(self.task, Wish::Complete(_))
    }

    /// A device was opened or lost, the vault unlocked or locked.
    pub fn ports_changed(&mut self, ports: &Ports) {
        self.look_at(ports);
    }

    fn look_at(&mut self, ports: &Ports) {
        self.device = ports.device.as_ref().map(|device| device.kind());
        if ports.vault.is_some() && !self.vault {
            self.keys = listed(ports);
        }
        self.vault = ports.vault.is_some();
    }

    /// The page is left: takes back the keys of a plan nobody signed. What runs ends with it.
    pub fn leave(&self, ports: &Ports) -> Task<Message> {
        match &self.state {
            State::Reviewing(reviewing) => reviewing
                .unneeded()
                .map_or_else(Task::none, |plan| discarded(ports, plan)),
            _ => Task::none(),
        }
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        self.look_at(ports);
        match message {
            Message::Read(run, result) => return self.read_over(ports, run, result),
            Message::ReadAgain => return Action::Run(self.read(ports)),
            Message::Checkup(message) => return self.checkup(ports, message),
            Message::Form(form::Message::Submit) | Message::Import(import::Message::Submit) | Message::Submit => {
                return self.submit(ports);
            }
            Message::Review(review::Message::Submit) => return self.submit(ports),
            Message::Form(message) => return self.form(ports, message),
            Message::Fee(message) => return self.fee(ports, message),
            Message::Import(message) => {
                if let Wish::Complete(form) = &mut self.task {
                    form.update(message);
                }
            }
            Message::Back => return self.back(ports),
            Message::Cancel => return self.cancel(ports),
            Message::Prepared(run, result) => return self.prepared(ports, run, result),
            Message::Judged(run, result) => return self.judged(ports, run, result),
            Message::Review(message) => return self.reviewing(ports, message),
            Message::Signing(message) => return self.signing(ports, message),
            Message::Done(done::Message::Copy(text)) => return Action::Run(iced::clipboard::write(text)),
            Message::Done(done::Message::Next(what)) => return self.next(what),
            Message::Open => return self.open(),
            Message::Discarded => self.keys = listed(ports),
        }
        Action::None
    }

    fn read(&mut self, ports: &Ports) -> Task<Message> {
        let Wish::Change { asked, .. } = &self.task else {
            return Task::none();
        };
        self.run += 1;
        let run = self.run;
        let read = subject::read(ports.clone(), asked.pro_tx_hash);
        let (task, handle) = Task::perform(read, move |result| Message::Read(run, result.map(Box::new))).abortable();
        self.state = State::Reading {
            run,
            _task: handle.abort_on_drop(),
        };
        task
    }

    fn read_over(&mut self, ports: &Ports, run: u64, result: Result<Box<Subject>, Error>) -> Action {
        let current = matches!(&self.state, State::Reading { run: reading, .. } if *reading == run);
        let (Wish::Change { asked, filled }, true) = (&mut self.task, current) else {
            return Action::None;
        };
        let subject = match result {
            Ok(subject) => *subject,
            Err(error) => {
                self.state = State::Unreadable(error);
                return Action::None;
            }
        };
        let revives = asked.what == What::Revive;
        *filled = Some(Box::new(Filled {
            form: Form::new(asked.what, &subject, &self.profile),
            fee: fee::Form::default(),
            subject,
        }));
        if revives {
            self.look_into(ports)
        } else {
            self.edit(ports)
        }
    }

    fn look_into(&mut self, ports: &Ports) -> Action {
        let Wish::Change {
            filled: Some(filled), ..
        } = &self.task
        else {
            return Action::None;
        };
        let (checkup, task) = Checkup::start(ports, &filled.subject, &self.keys, self.sandbox);
        self.state = State::Looking(checkup);
        Action::Run(task.map(Message::Checkup))
    }

    fn checkup(&mut self, ports: &Ports, message: checkup::Message) -> Action {
        let State::Looking(checkup) = &mut self.state else {
            return Action::None;
        };
        match message {
            checkup::Message::Found(result) => checkup.found(result),
            checkup::Message::Probed(finding) => checkup.probed(finding),
            checkup::Message::Again => return self.look_into(ports),
        }
        Action::None
    }

    /// Shows the form.
    fn edit(&mut self, ports: &Ports) -> Action {
        let tidy = self.leave(ports);
        self.state = State::Editing { ready: false };
        let Wish::Change {
            asked,
            filled: Some(filled),
        } = &mut self.task
        else {
            self.state = State::Importing;
            return Action::Run(tidy);
        };
        let cx = context(ports, &mut self.keys, &filled.subject, asked.what);
        let fee = filled.fee.enter(&cx).map(Message::Fee);
        let focus = filled.form.first_field();
        let focus = focus.map_or_else(Task::none, iced::widget::operation::focus);
        self.judge();
        Action::Run(Task::batch([tidy, fee, to_top(), focus]))
    }

    fn form(&mut self, ports: &Ports, message: form::Message) -> Action {
        let (
            Wish::Change {
                asked,
                filled: Some(filled),
            },
            State::Editing { .. },
        ) = (&mut self.task, &self.state)
        else {
            return Action::None;
        };
        let Filled { subject, form, .. } = &mut **filled;
        let cx = context(ports, &mut self.keys, subject, asked.what);
        let task = form.update(&cx, subject, message).map(Message::Form);
        form.recheck(&self.profile);
        self.judge();
        Action::Run(task)
    }

    fn fee(&mut self, ports: &Ports, message: fee::Message) -> Action {
        let Wish::Change {
            asked,
            filled: Some(filled),
        } = &mut self.task
        else {
            return Action::None;
        };
        let Filled { subject, fee, .. } = &mut **filled;
        let mut cx = context(ports, &mut self.keys, subject, asked.what);
        let task = fee.update(&mut cx, message).map(Message::Fee);
        self.judge();
        Action::Run(task)
    }

    fn judge(&mut self) {
        if let State::Editing { .. } = self.state {
            let ready = self.draft().is_some();
            self.state = State::Editing { ready };
        }
    }

    fn draft(&self) -> Option<Draft> {
        let Wish::Change {
            asked,
            filled: Some(filled),
        } = &self.task
        else {
            return None;
        };
        Some(Draft {
            pro_tx_hash: asked.pro_tx_hash,
            change: filled.form.change(&self.keys, &filled.subject)?,
            fee_from: filled.fee.chosen_source()?.clone(),
        })
    }

    fn submit(&mut self, ports: &Ports) -> Action {
        match &self.state {
            State::Looking(checkup) if checkup.verdict().is_some() => self.edit(ports),
            State::Editing { ready: true } => self.prepare(ports),
            State::Importing => self.read_file(ports),
            State::Reviewing(reviewing) if reviewing.is_handed_over() => Action::Close(Task::none()),
            State::Reviewing(reviewing) if reviewing.may_sign() => self.sign(ports),
            State::Signing { .. } => self.signing(ports, signing::Message::Retry),
            State::Done(_) => Action::Close(Task::none()),
            _ => Action::None,
        }
    }

    fn prepare(&mut self, ports: &Ports) -> Action {
        let Some(draft) = self.draft() else {
            return Action::None;
        };
        self.run += 1;
        let (run, ports) = (self.run, ports.clone());
        let work = async move { prepare(&ports, &draft).await };
        // Not aborted when it is left: it may have made keys, which its answer takes back.
        self.state = State::Preparing { run };
        Action::Run(Task::perform(work, move |result| {
            Message::Prepared(run, result.map(Box::new))
        }))
    }

    fn prepared(&mut self, ports: &Ports, run: u64, result: Result<Box<Plan>, Error>) -> Action {
        self.keys = listed(ports);
        if !matches!(self.state, State::Preparing { run: asked } if asked == run) {
            return result.map_or(Action::None, |plan| Action::Run(discarded(ports, &plan)));
        }
        let plan = match result {
            Ok(plan) => *plan,
            Err(error) => {
                self.state = State::Refused(error);
                return Action::Run(to_top());
            }
        };
        // What can be mended in a field is shown there.
        if let (
            Some(check),
            Wish::Change {
                filled: Some(filled), ..
            },
        ) = (plan.review.failure(), &mut self.task)
            && filled.form.refuse(check)
        {
            self.state = State::Editing { ready: false };
            return Action::Run(Task::batch([discarded(ports, &plan), to_top()]));
        }
        self.state = State::Reviewing(Box::new(Reviewing::plan(plan)));
        Action::Run(to_top())
    }

    fn read_file(&mut self, ports: &Ports) -> Action {
        let Wish::Complete(form) = &self.task else {
            return Action::None;
        };
        let Some(source) = form.source() else {
            return Action::None;
        };
        self.run += 1;
        let run = self.run;
        self.state = State::Preparing { run };
        Action::Run(Task::perform(import::open(ports.clone(), source), move |result| {
            Message::Judged(run, result.map(Box::new))
        }))
    }

    fn judged(&mut self, ports: &Ports, run: u64, result: Result<Box<(Operation, Review)>, import::Failure>) -> Action {
        let (Wish::Complete(form), true) = (
            &mut self.task,
            matches!(self.state, State::Preparing { run: asked } if asked == run),
        ) else {
            return Action::None;
        };
        self.state = match result {
            Ok(judged) => {
                let (operation, review) = *judged;
                State::Reviewing(Box::new(Reviewing::operation(ports, operation, review)))
            }
            Err(error) => {
                form.failed(error);
                State::Importing
            }
        };
        Action::Run(to_top())
    }

    fn reviewing(&mut self, ports: &Ports, message: review::Message) -> Action {
        let State::Reviewing(reviewing) = &mut self.state else {
            return Action::None;
        };
        let task = reviewing.update(ports, message).map(Message::Review);
        if reviewing.is_handed_over()
            && let (
                Wish::Change {
                    filled: Some(filled), ..
                },
                Job::Update(plan),
            ) = (&mut self.task, reviewing.job())
        {
            filled.form.settle(&plan.keys);
        }
        Action::Run(task)
    }

    fn sign(&mut self, ports: &Ports) -> Action {
        let State::Reviewing(reviewing) = &self.state else {
            return Action::None;
        };
        let (signing, task) = Signing::start(ports, reviewing.job().clone());
        if let (
            Wish::Change {
                filled: Some(filled), ..
            },
            Job::Update(plan),
        ) = (&mut self.task, reviewing.job())
        {
            filled.form.settle(&plan.keys);
        }
        let (review, name) = (Box::new(reviewing.review().clone()), reviewing.name().to_owned());
        self.state = State::Signing { signing, review, name };
        Action::Run(Task::batch([task.map(Message::Signing), to_top()]))
    }

    fn signing(&mut self, ports: &Ports, message: signing::Message) -> Action {
        let State::Signing { signing, review, name } = &mut self.state else {
            return Action::None;
        };
        match signing.update(ports, message) {
            signing::Action::None => Action::None,
            signing::Action::Run(task) => Action::Run(task.map(Message::Signing)),
            signing::Action::Review(job, note) => {
                let reviewing = Reviewing::again(job, (**review).clone(), name.clone());
                self.state = State::Reviewing(Box::new(reviewing));
                Action::Run(note.map(Message::Signing))
            }
            signing::Action::Finished(job, finished) => {
                let review = (**review).clone();
                self.keys = listed(ports);
                let (operator, owner) = self.held(&job, &review);
                self.state = State::Done(Box::new(Done::new(job.kind(), review, finished, operator, owner)));
                Action::Run(to_top())
            }
        }
    }

    /// Whether the vault has the operator key and the owner key that count from now on.
    fn held(&self, job: &Job, review: &Review) -> (bool, bool) {
        let operator = match job.operation().map(Operation::payload) {
            Some(Ok(Payload::ProUpReg(payload))) => payload.operator_key().ok(),
            _ => None,
        };
        let owner = review.masternode.as_ref().and_then(|entry| entry.state.owner);
        let any = |is: &dyn Fn(&KeyInfo) -> bool| self.keys.iter().any(is);
        (
            operator.is_some() && any(&|key| key.operator() == operator),
            owner.is_some() && any(&|key| key.key_id() == owner),
        )
    }

    fn back(&mut self, ports: &Ports) -> Action {
        match &mut self.state {
            State::Editing { .. } => {
                let Wish::Change {
                    asked,
                    filled: Some(filled),
                } = &mut self.task
                else {
                    return Action::None;
                };
                if filled.fee.close() {
                    return Action::None;
                }
                if asked.what == What::Revive {
                    self.look_into(ports)
                } else {
                    self.cancel(ports)
                }
            }
            State::Preparing { .. } | State::Refused(_) | State::Reviewing(_) => self.edit(ports),
            State::Signing { .. } => self.signing(ports, signing::Message::Stop),
            State::Reading { .. } | State::Unreadable(_) | State::Looking(_) | State::Importing | State::Done(_) => {
                self.cancel(ports)
            }
        }
    }

    /// Closes the page, unless something is on its way that cannot be called back.
    fn cancel(&mut self, ports: &Ports) -> Action {
        match &self.state {
            State::Signing { signing, .. } if signing.is_sent() => Action::None,
            _ => Action::Close(self.leave(ports)),
        }
    }

    fn next(&mut self, what: What) -> Action {
        match &self.state {
            State::Done(done) => Action::Next(Asked {
                what,
                pro_tx_hash: done.finished.pro_tx_hash,
                elsewhere: false,
            }),
            _ => Action::None,
        }
    }

    fn open(&mut self) -> Action {
        match &self.state {
            State::Done(done) => Action::Open(done.finished.pro_tx_hash),
            _ => Action::None,
        }
    }
}

/// An answer that came after its page was left: keys made for it are taken back.
pub fn abandoned(ports: &Ports, message: Message) -> Task<Message> {
    match message {
        Message::Prepared(_, Ok(plan)) => discarded(ports, &plan),
        _ => Task::none(),
    }
}

/// Id of what scrolls.
const PAGE: &str = "update";

fn to_top() -> Task<Message> {
    iced::widget::operation::snap_to(PAGE, iced::widget::scrollable::RelativeOffset::START)
}

fn context<'a>(ports: &'a Ports, keys: &'a mut Vec<KeyInfo>, subject: &'a Subject, what: What) -> Context<'a> {
    Context {
        ports,
        keys,
        name: &subject.name,
        bill: Bill {
            kind: what.kind(),
            mn_type: subject.entry.kind,
        },
        account: None,
        taken: subject.taken(),
    }
}

fn listed(ports: &Ports) -> Vec<KeyInfo> {
    ports.vault.as_ref().map(|vault| vault.list()).unwrap_or_default()
}

fn discarded(ports: &Ports, plan: &Plan) -> Task<Message> {
    let (ports, plan) = (ports.clone(), plan.clone());
    blocking(move || discard(&ports, &plan), |()| Message::Discarded)
}
