//! The Register wizard: from an output on the device to a masternode in the list.
//!
//! A list of steps over one sketch, each field checked as it is typed by the rules of the node; then the whole plan decoded; then
//! signing with the device; then the result. One file per step; this one leads from step to step.

mod candidates;
mod collateral;
mod done;
mod keys;
mod payout;
mod platform;
mod review;
mod service;
mod sketch;
mod steps;
mod view;

use std::sync::Arc;

use bitcoin::bip32::DerivationPath;
use iced::Task;
use iced::task::Handle;

use crate::flow::fee::Bill;
use crate::flow::operation::Kind;
use crate::flow::register::{Plan, discard, prepare};
use crate::flow::{Error, Ports};
use crate::hw;
use crate::protocol::network::MnType;
use crate::protocol::{OutPoint, ProTxHash, Profile, path};
use crate::setup::Connection;
use crate::store::KeyInfo;
use crate::ui::screen::part::context::Context;
use crate::ui::screen::part::{fee, signing};
use crate::ui::work::blocking;
use sketch::{Chain, Sketch};
pub use steps::Page;

pub struct Register {
    profile: Arc<Profile>,
    keys: Vec<KeyInfo>,
    /// The open device.
    device: Option<hw::Kind>,
    /// What it waits for, where it tells.
    told: Option<hw::Look>,
    vault: bool,
    sandbox: bool,
    chain: Chained,
    sketch: Sketch,
    forms: Forms,
    state: State,
    run: u64,
}

/// What the user has filled in, kept while they go back and forth.
struct Forms {
    collateral: collateral::Form,
    service: service::Form,
    platform: platform::Form,
    keys: keys::Form,
    payout: payout::Form,
    fee: fee::Form,
}

enum State {
    /// `ready`: this step is filled in and no rule objects.
    Editing {
        page: Page,
        ready: bool,
    },
    Preparing {
        run: u64,
    },
    Refused(Error),
    /// `tried`: the device was asked once, so the journal has the plan and its keys stay.
    Reviewing {
        plan: Box<Plan>,
        tried: bool,
    },
    Signing(signing::Signing),
    Done(done::Done),
}

/// The node's rules and list, as far as they are known.
enum Chained {
    Reading { _task: Handle },
    Known(Box<Chain>),
    Unknown(Error),
}

#[derive(Debug, Clone)]
pub enum Message {
    ReadChain,
    ChainRead(Result<Box<Chain>, Error>),
    Collateral(collateral::Message),
    Service(service::Message),
    Platform(platform::Message),
    Keys(keys::Message),
    Payout(payout::Message),
    Fee(fee::Message),
    /// The primary button of whatever is on screen.
    Submit,
    Back,
    Jump(Page),
    Prepared(u64, Result<Box<Plan>, Error>),
    Discarded(Then),
    Signing(signing::Message),
    Done(done::Message),
    Copy(String),
    Cancel,
}

/// What follows when keys nobody needs were taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Stay,
    Close,
}

/// A collateral that is known before the wizard is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub outpoint: OutPoint,
    pub kind: MnType,
    /// Of its key, where it is known.
    pub path: Option<DerivationPath>,
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// Shows the new masternode.
    Open(ProTxHash),
    Close,
}

impl Register {
    /// Opens the wizard on a connection.
    pub fn new(connection: &Connection) -> (Self, Task<Message>) {
        Self::open(&connection.ports, connection.sandbox.is_some())
    }

    /// Opens at the first step and reads the list of the node. `sandbox`: the device is the embedded one, on its own page.
    pub fn open(ports: &Ports, sandbox: bool) -> (Self, Task<Message>) {
        let keys = listed(ports);
        let (chain, task) = read_chain(ports);
        let forms = Forms {
            collateral: collateral::Form::default(),
            service: service::Form::default(),
            platform: platform::Form::new(ports.profile.platform.as_ref()),
            keys: keys::Form::new(&keys),
            payout: payout::Form::default(),
            fee: fee::Form::default(),
        };
        let state = State::Editing {
            page: Page::Collateral,
            ready: false,
        };
        let profile = ports.profile.clone();
        let mut new = Self {
            profile,
            keys,
            device: None,
            told: None,
            vault: false,
            sandbox,
            chain,
            sketch: Sketch::default(),
            forms,
            state,
            run: 0,
        };
        new.look_at(ports);
        (new, task)
    }

    /// Fills in the first step. A wizard that prepares or signs already is not disturbed.
    pub fn offer(&mut self, ports: &Ports, offer: &Offer) -> Task<Message> {
        use collateral::{Message as Fill, Source};
        if matches!(self.state, State::Preparing { .. } | State::Signing(_)) {
            return Task::none();
        }
        let path = offer.path.as_ref().map(path::to_text).unwrap_or_default();
        let fill = [
            Fill::KindChosen(offer.kind),
            Fill::SourceChosen(Source::Typed),
            Fill::PathEdited(path),
            Fill::OutpointEdited(offer.outpoint.to_string()),
        ];
        let mut actions = vec![self.enter(ports, Page::Collateral)];
        actions.extend(fill.map(|message| self.update(ports, Message::Collateral(message))));
        Task::batch(actions.into_iter().filter_map(|action| match action {
            Action::Run(task) => Some(task),
            _ => None,
        }))
    }

    /// Its masternode is registered.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done(_))
    }

    /// A device was opened or lost, the vault unlocked or locked.
    pub fn ports_changed(&mut self, ports: &Ports) {
        self.look_at(ports);
        self.judge();
    }

    pub fn told(&mut self, look: Option<hw::Look>) {
        self.told = look;
    }

    fn look_at(&mut self, ports: &Ports) {
        self.device = ports.device.as_ref().map(|device| device.kind());
        if ports.vault.is_some() && !self.vault {
            self.keys = listed(ports);
        }
        self.vault = ports.vault.is_some();
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        self.look_at(ports);
        match message {
            Message::ReadChain => return self.read_chain(ports),
            Message::ChainRead(result) => self.chain_read(result),
            Message::Service(service::Message::Submit)
            | Message::Platform(platform::Message::Submit)
            | Message::Keys(keys::Message::Submit)
            | Message::Payout(payout::Message::Submit)
            | Message::Submit => return self.submit(ports),
            Message::Collateral(_)
            | Message::Service(_)
            | Message::Platform(_)
            | Message::Keys(_)
            | Message::Payout(_)
            | Message::Fee(_) => return self.form(ports, message),
            Message::Back => return self.back(ports),
            Message::Jump(page) => return self.enter(ports, page),
            Message::Prepared(run, result) => return self.prepared(ports, run, result),
            Message::Discarded(then) => return self.discarded(ports, then),
            Message::Signing(message) => return self.signing(ports, message),
            Message::Done(message) => return self.done(ports, message),
            Message::Copy(text) => return Action::Run(iced::clipboard::write(text)),
            Message::Cancel => return self.cancel(ports),
        }
        Action::None
    }

    fn form(&mut self, ports: &Ports, message: Message) -> Action {
        let forms = &mut self.forms;
        let name = forms.keys.name().to_owned();
        let mut cx = context(ports, &mut self.keys, &self.sketch, &name);
        let task = match message {
            Message::Collateral(message) => forms.collateral.update(&cx, message).map(Message::Collateral),
            Message::Platform(message) => forms.platform.update(&mut cx, message).map(Message::Platform),
            Message::Payout(message) => forms.payout.update(&cx, message).map(Message::Payout),
            Message::Fee(message) => forms.fee.update(&mut cx, message).map(Message::Fee),
            Message::Service(message) => {
                forms.service.update(&cx, message);
                Task::none()
            }
            Message::Keys(message) => {
                forms.keys.update(&cx, message);
                Task::none()
            }
            _ => Task::none(),
        };
        self.judge();
        Action::Run(task)
    }

    /// Reads the step on screen into the sketch, and shows on it what a node would refuse.
    fn judge(&mut self) {
        let State::Editing { page, .. } = self.state else {
            return;
        };
        self.recheck(page);
        let filled = self.apply(page);
        let chain = match &self.chain {
            Chained::Known(chain) => Some(&**chain),
            _ => None,
        };
        let failures = page.own(self.sketch.failures(&self.profile, chain));
        if filled && !failures.is_empty() {
            self.refuse(page, &failures);
        }
        self.state = State::Editing {
            page,
            ready: filled && failures.is_empty(),
        };
    }

    fn recheck(&mut self, page: Page) {
        let forms = &mut self.forms;
        match page {
            Page::Collateral => forms.collateral.recheck(),
            Page::Service => forms.service.recheck(&self.profile),
            Page::Platform => forms.platform.recheck(),
            Page::Keys => forms.keys.recheck(&self.profile),
            Page::Payout => forms.payout.recheck(&self.profile),
            Page::Fee => {}
        }
    }

    fn apply(&mut self, page: Page) -> bool {
        let (forms, sketch) = (&self.forms, &mut self.sketch);
        match page {
            Page::Collateral => forms.collateral.apply(sketch),
            Page::Service => forms.service.apply(sketch),
            Page::Platform => forms.platform.apply(sketch),
            Page::Keys => forms.keys.apply(&self.keys, sketch) && self.vault,
            Page::Payout => forms.payout.apply(sketch),
            Page::Fee => {
                sketch.fee_from = forms.fee.chosen_source().cloned();
                sketch.fee_from.is_some()
            }
        }
    }

    fn refuse(&mut self, page: Page, failures: &[crate::protocol::rules::Check]) {
        let forms = &mut self.forms;
        match page {
            Page::Collateral => forms.collateral.refuse(failures),
            Page::Service => forms.service.refuse(failures),
            Page::Platform => forms.platform.refuse(failures),
            Page::Keys => forms.keys.refuse(failures, &self.sketch),
            Page::Payout => forms.payout.refuse(failures),
            Page::Fee => {}
        }
    }

    fn read_chain(&mut self, ports: &Ports) -> Action {
        let (chain, task) = read_chain(ports);
        self.chain = chain;
        Action::Run(task)
    }

    fn chain_read(&mut self, result: Result<Box<Chain>, Error>) {
        self.chain = match result {
            Ok(chain) => Chained::Known(chain),
            Err(error) => Chained::Unknown(error),
        };
        self.judge();
    }

    fn submit(&mut self, ports: &Ports) -> Action {
        match &self.state {
            State::Editing { page, ready: true } => match page.after(&self.sketch) {
                Some(next) => self.enter(ports, next),
                None => self.prepare(ports),
            },
            State::Reviewing { plan, .. } if review::may_sign(plan, self.device.is_some()) => self.sign(ports),
            State::Signing(_) => self.signing(ports, signing::Message::Retry),
            State::Done(_) => Action::Close,
            State::Editing { .. } | State::Preparing { .. } | State::Refused(_) | State::Reviewing { .. } => {
                Action::None
            }
        }
    }

    /// Shows a step; what it and later ones had said is said anew when they are left.
    fn enter(&mut self, ports: &Ports, page: Page) -> Action {
        let tidy = self.tidy(ports, Then::Stay).unwrap_or_else(Task::none);
        page.revert_from(&mut self.sketch);
        self.state = State::Editing { page, ready: false };
        let task = if page == Page::Fee {
            let name = self.forms.keys.name().to_owned();
            let cx = context(ports, &mut self.keys, &self.sketch, &name);
            self.forms.fee.enter(&cx).map(Message::Fee)
        } else {
            Task::none()
        };
        self.judge();
        let focus = page
            .first_field()
            .map_or_else(Task::none, iced::widget::operation::focus);
        Action::Run(Task::batch([tidy, task, to_top(), focus]))
    }

    fn back(&mut self, ports: &Ports) -> Action {
        match &self.state {
            State::Editing { page: Page::Fee, .. } if self.forms.fee.close() => Action::None,
            State::Editing { page, .. } => match page.before(&self.sketch) {
                Some(before) => self.enter(ports, before),
                None => Action::Close,
            },
            State::Preparing { .. } | State::Refused(_) | State::Reviewing { .. } => self.enter(ports, Page::Fee),
            State::Signing(_) => self.signing(ports, signing::Message::Stop),
            State::Done(_) => Action::Close,
        }
    }

    /// Closes the wizard, unless something is on its way that cannot be called back.
    fn cancel(&mut self, ports: &Ports) -> Action {
        match &self.state {
            State::Signing(signing) if signing.is_sent() => Action::None,
            _ => self.tidy(ports, Then::Close).map_or(Action::Close, Action::Run),
        }
    }

    fn prepare(&mut self, ports: &Ports) -> Action {
        let Some(draft) = self.sketch.draft() else {
            return Action::None;
        };
        self.run += 1;
        let (run, ports) = (self.run, ports.clone());
        let work = async move { prepare(&ports, draft).await };
        // Not aborted when it is left: it may have made keys, which its answer takes back.
        self.state = State::Preparing { run };
        Action::Run(Task::perform(work, move |result| {
            Message::Prepared(run, result.map(Box::new))
        }))
    }

    fn prepared(&mut self, ports: &Ports, run: u64, result: Result<Box<Plan>, Error>) -> Action {
        self.keys = listed(ports);
        if !matches!(self.state, State::Preparing { run: asked } if asked == run) {
            return result.map_or(Action::None, |plan| Action::Run(discarded(ports, *plan, Then::Stay)));
        }
        self.state = match result {
            Ok(plan) => State::Reviewing { plan, tried: false },
            Err(error) => State::Refused(error),
        };
        Action::Run(to_top())
    }

    /// Takes back the keys that were made for a plan on screen that nobody signed.
    fn tidy(&self, ports: &Ports, then: Then) -> Option<Task<Message>> {
        match &self.state {
            State::Reviewing { plan, tried: false } if !plan.made.is_empty() => {
                Some(discarded(ports, (**plan).clone(), then))
            }
            _ => None,
        }
    }

    fn discarded(&mut self, ports: &Ports, then: Then) -> Action {
        self.keys = listed(ports);
        match then {
            Then::Stay => Action::None,
            Then::Close => Action::Close,
        }
    }

    fn sign(&mut self, ports: &Ports) -> Action {
        let State::Reviewing { plan, .. } = &self.state else {
            return Action::None;
        };
        let (signing, task) = signing::Signing::start(ports, signing::Job::Register(plan.clone()));
        self.forms.keys.settled(&plan.keys);
        self.state = State::Signing(signing);
        self.apply(Page::Keys);
        Action::Run(Task::batch([task.map(Message::Signing), to_top()]))
    }

    fn signing(&mut self, ports: &Ports, message: signing::Message) -> Action {
        let State::Signing(signing) = &mut self.state else {
            return Action::None;
        };
        match signing.update(ports, message) {
            signing::Action::None => Action::None,
            signing::Action::Run(task) => Action::Run(task.map(Message::Signing)),
            signing::Action::Review(signing::Job::Register(plan), note) => {
                self.state = State::Reviewing { plan, tried: true };
                Action::Run(note.map(Message::Signing))
            }
            signing::Action::Finished(signing::Job::Register(plan), finished) => {
                self.state = State::Done(done::Done::new(&plan, finished));
                Action::Run(to_top())
            }
            // This page begins registrations only.
            signing::Action::Review(..) | signing::Action::Finished(..) => Action::None,
        }
    }

    fn done(&mut self, ports: &Ports, message: done::Message) -> Action {
        let State::Done(done) = &mut self.state else {
            return Action::None;
        };
        match message {
            done::Message::Open => Action::Open(done.pro_tx_hash()),
            done::Message::Close => Action::Close,
            message => Action::Run(done.update(ports, message).map(Message::Done)),
        }
    }
}

/// Id of what scrolls.
const PAGE: &str = "register";

/// A page that was not seen yet begins at its top.
fn to_top() -> Task<Message> {
    iced::widget::operation::snap_to(PAGE, iced::widget::scrollable::RelativeOffset::START)
}

fn context<'a>(ports: &'a Ports, keys: &'a mut Vec<KeyInfo>, sketch: &Sketch, name: &'a str) -> Context<'a> {
    let collateral = sketch.collateral.as_ref();
    let account = collateral.filter(|found| found.path.len() == 5);
    Context {
        ports,
        keys,
        name,
        bill: Bill {
            kind: Kind::Register,
            mn_type: sketch.kind,
        },
        account: account.map(|found| found.path.into_iter().take(3).copied().collect()),
        taken: collateral.map(|found| found.key_id).into_iter().collect(),
    }
}

fn listed(ports: &Ports) -> Vec<KeyInfo> {
    ports.vault.as_ref().map(|vault| vault.list()).unwrap_or_default()
}

fn read_chain(ports: &Ports) -> (Chained, Task<Message>) {
    let read = sketch::read_chain(ports.clone());
    let (task, handle) = Task::perform(read, |result| Message::ChainRead(result.map(Box::new))).abortable();
    (
        Chained::Reading {
            _task: handle.abort_on_drop(),
        },
        task,
    )
}

fn discarded(ports: &Ports, plan: Plan, then: Then) -> Task<Message> {
    let ports = ports.clone();
    blocking(move || discard(&ports, &plan), move |()| Message::Discarded(then))
}
