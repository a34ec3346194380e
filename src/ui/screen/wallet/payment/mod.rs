//! One payment: what it is to be, the whole plan, the device, the result.

mod done;
mod form;
mod rate;
mod review;

use iced::task::Handle;
use iced::widget::{column, row, space};
use iced::{Element, Length, Task};

use form::Form;
pub use form::Ticked;

use crate::flow::pay::{Plan, Purpose, prepare};
use crate::flow::wallet::Account;
use crate::flow::{Error, Ports};
use crate::protocol::{Profile, Txid};
use crate::rpc::FeeRate;
use crate::store::{Item, Labels};
use crate::ui::format::amount;
use crate::ui::screen::part::context::Look;
use crate::ui::screen::part::page_of;
use crate::ui::screen::part::paying::{self, Finished, Paying};
use crate::ui::screen::register::Offer;
use crate::ui::theme::Gap;
use crate::ui::widget::{muted, page_with_bar, primary_button, secondary_button, title};
use crate::ui::work::blocking;

pub struct Payment {
    form: Form,
    stage: Stage,
    run: u64,
    /// Its label was written down.
    labelled: bool,
}

enum Stage {
    Editing,
    Preparing { run: u64, _task: Handle },
    Reviewing(Box<Plan>),
    Paying(Paying),
    Done { plan: Box<Plan>, finished: Finished },
}

#[derive(Debug, Clone)]
pub enum Message {
    Form(form::Message),
    Advised(FeeRate),
    Prepared(u64, Result<Box<Plan>, Error>),
    /// The primary button of whatever is on screen.
    Submit,
    Back,
    Paying(paying::Message),
    Labelled,
    /// Registers a masternode with the collateral it made.
    Register,
    Copy(String),
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// Leaves it; what is on its way goes on.
    Close,
    /// It was sent, or its place in a block is known: what the wallet holds is another.
    Changed(Task<Message>),
    Register(Offer),
}

impl Payment {
    pub fn send(ports: &Ports, account: &Account, ticked: Ticked) -> (Self, Task<Message>) {
        Self::open(ports, Form::send(account, ticked))
    }

    pub fn collateral(ports: &Ports, account: &Account, ticked: Ticked) -> (Self, Task<Message>) {
        Self::open(ports, Form::collateral(account, ticked))
    }

    fn open(ports: &Ports, form: Form) -> (Self, Task<Message>) {
        let node = ports.node.clone();
        let advice = Task::future(async move { node.fee_rate().await.ok().map(Message::Advised) });
        let focus = form
            .first_field()
            .map_or_else(Task::none, iced::widget::operation::focus);
        let new = Self {
            form,
            stage: Stage::Editing,
            run: 0,
            labelled: false,
        };
        (new, Task::batch([advice.and_then(Task::done), focus]))
    }

    /// It goes on without the user, who may look at other things.
    pub fn is_waiting(&self) -> bool {
        matches!(&self.stage, Stage::Paying(paying) if paying.is_waiting())
    }

    /// Nothing is left to do.
    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done { .. })
    }

    /// Being signed or sent, or stopped after it may have been sent: it is not dropped when the page is left.
    pub fn is_under_way(&self) -> bool {
        matches!(&self.stage, Stage::Paying(paying) if paying.is_running() || paying.is_sent())
    }

    /// The device is signing it, or is about to.
    pub fn needs_device(&self) -> bool {
        matches!(&self.stage, Stage::Paying(paying) if paying.is_running() && !paying.is_sent())
    }

    /// In a line: `5 DASH to yXd…`.
    pub fn summary(&self, profile: &Profile) -> String {
        let plan = match &self.stage {
            Stage::Reviewing(plan) | Stage::Done { plan, .. } => plan,
            Stage::Paying(paying) => paying.plan(),
            Stage::Editing | Stage::Preparing { .. } => return self.form.title().to_owned(),
        };
        let to = plan.to.to_text(profile);
        format!(
            "{} to {}",
            amount(plan.amount, profile),
            crate::ui::format::short_hash(&to)
        )
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::Form(message) if matches!(self.stage, Stage::Editing) => {
                self.form.update(&ports.profile, message);
            }
            Message::Form(_) => {}
            Message::Advised(advice) => self.form.advised(advice),
            Message::Prepared(run, result) => return self.prepared(run, result),
            Message::Submit => return self.submit(ports),
            Message::Back => return self.back(ports),
            Message::Paying(message) => return self.paying(ports, message),
            Message::Labelled => return Action::Changed(Task::none()),
            Message::Register => return self.offer().map_or(Action::None, Action::Register),
            Message::Copy(text) => return Action::Run(iced::clipboard::write(text)),
        }
        Action::None
    }

    /// The collateral it made.
    fn offer(&self) -> Option<Offer> {
        let Stage::Done { plan, finished } = &self.stage else {
            return None;
        };
        let Purpose::Collateral { kind } = plan.purpose else {
            return None;
        };
        Some(Offer {
            outpoint: finished.made?,
            kind,
            path: plan.to_path.clone(),
        })
    }

    fn submit(&mut self, ports: &Ports) -> Action {
        match &self.stage {
            Stage::Editing => self.prepare(ports),
            Stage::Reviewing(_) if ports.device.is_some() => self.sign(ports),
            Stage::Paying(paying) if !paying.is_running() => self.paying(ports, paying::Message::Retry),
            Stage::Done { .. } => Action::Close,
            Stage::Preparing { .. } | Stage::Reviewing(_) | Stage::Paying(_) => Action::None,
        }
    }

    fn back(&mut self, ports: &Ports) -> Action {
        match &self.stage {
            Stage::Editing | Stage::Done { .. } => Action::Close,
            Stage::Preparing { .. } | Stage::Reviewing(_) => {
                self.stage = Stage::Editing;
                Action::None
            }
            Stage::Paying(paying) if paying.is_waiting() => Action::Close,
            Stage::Paying(_) => self.paying(ports, paying::Message::Stop),
        }
    }

    fn prepare(&mut self, ports: &Ports) -> Action {
        let Some(draft) = self.form.draft() else {
            return Action::None;
        };
        self.run += 1;
        let (run, ports) = (self.run, ports.clone());
        let work = async move { prepare(&ports, draft).await };
        let (task, handle) =
            Task::perform(work, move |result| Message::Prepared(run, result.map(Box::new))).abortable();
        self.stage = Stage::Preparing {
            run,
            _task: handle.abort_on_drop(),
        };
        Action::Run(task)
    }

    fn prepared(&mut self, run: u64, result: Result<Box<Plan>, Error>) -> Action {
        if !matches!(self.stage, Stage::Preparing { run: asked, .. } if asked == run) {
            return Action::None;
        }
        self.stage = match result {
            Ok(plan) => Stage::Reviewing(plan),
            Err(error) => {
                self.form.refuse(error);
                Stage::Editing
            }
        };
        Action::Run(to_top())
    }

    fn sign(&mut self, ports: &Ports) -> Action {
        let Stage::Reviewing(plan) = &self.stage else {
            return Action::None;
        };
        let (paying, task) = Paying::start(ports, plan.clone());
        self.stage = Stage::Paying(paying);
        Action::Run(Task::batch([task.map(Message::Paying), to_top()]))
    }

    fn paying(&mut self, ports: &Ports, message: paying::Message) -> Action {
        let Stage::Paying(paying) = &mut self.stage else {
            return Action::None;
        };
        match paying.update(ports, message) {
            paying::Action::None => self.note(ports),
            paying::Action::Run(task) => Action::Run(task.map(Message::Paying)),
            paying::Action::Review(plan) => {
                self.stage = Stage::Reviewing(plan);
                Action::None
            }
            paying::Action::Finished(finished) => {
                let plan = Box::new(paying.plan().clone());
                self.stage = Stage::Done { plan, finished };
                Action::Changed(to_top())
            }
        }
    }

    /// Once it is with the node its label is kept, and the wallet holds other coins.
    fn note(&mut self, ports: &Ports) -> Action {
        let Stage::Paying(paying) = &self.stage else {
            return Action::None;
        };
        let Some(txid) = paying.txid().filter(|_| paying.is_waiting() && !self.labelled) else {
            return Action::None;
        };
        self.labelled = true;
        let task = match self.form.label() {
            Some(label) => keep_label(ports, paying.plan(), txid, label.to_owned()),
            None => Task::none(),
        };
        Action::Changed(task)
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let content = match &self.stage {
            Stage::Editing | Stage::Preparing { .. } => {
                let submit = self.ready().then_some(Message::Submit);
                page_of(column![self.form.view(look.profile, submit)])
            }
            Stage::Reviewing(plan) => page_of(column![review::view(plan, look)]),
            Stage::Paying(paying) => paying.view(look).map(Message::Paying),
            Stage::Done { plan, finished } => page_of(column![done::view(plan, finished, look)]),
        };
        page_with_bar(title(self.form.title()), PAGE, content, self.bar(look))
    }

    fn ready(&self) -> bool {
        matches!(self.stage, Stage::Editing) && self.form.draft().is_some()
    }

    /// What can be done now: left what leads away, right what leads on.
    fn bar<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let back = |name: &'a str| secondary_button(name).on_press(Message::Back);
        let (left, right): (Element<'a, Message>, Element<'a, Message>) = match &self.stage {
            Stage::Editing => {
                let review = primary_button("Review").on_press_maybe(self.ready().then_some(Message::Submit));
                (back("Cancel").into(), review.into())
            }
            Stage::Preparing { .. } => {
                let words = "Choosing coins, fetching where they come from, checking the rules…";
                (back("Cancel").into(), muted(words).into())
            }
            Stage::Reviewing(_) => {
                let sign = primary_button("Sign on the device")
                    .on_press_maybe(look.device.is_some().then_some(Message::Submit));
                (back("Back").into(), sign.into())
            }
            Stage::Paying(paying) if paying.is_waiting() => (back("To the wallet").into(), space().into()),
            Stage::Paying(paying) => {
                let (left, right) = paying.buttons();
                (left.map(Message::Paying), right.map(Message::Paying))
            }
            Stage::Done { finished, .. } => match finished.made {
                Some(_) => (
                    back("Done").into(),
                    primary_button("Register a masternode with it")
                        .on_press(Message::Register)
                        .into(),
                ),
                None => (space().into(), primary_button("Done").on_press(Message::Back).into()),
            },
        };
        row![left, space().width(Length::Fill), right]
            .spacing(Gap::S)
            .align_y(iced::Center)
            .into()
    }
}

/// Id of what scrolls.
const PAGE: &str = "wallet";

fn to_top() -> Task<Message> {
    iced::widget::operation::snap_to(PAGE, iced::widget::scrollable::RelativeOffset::START)
}

/// The recipient and the transaction get the label. One that cannot be written is no reason to stop anything.
fn keep_label(ports: &Ports, plan: &Plan, txid: Txid, label: String) -> Task<Message> {
    let path = Labels::beside(ports.journal.path(), &ports.profile.name);
    let mut items = vec![Item::Transaction(txid)];
    if let Purpose::Send { to, .. } = &plan.purpose {
        items.push(Item::Address(to.to_text(&ports.profile)));
    }
    blocking(
        move || {
            let Ok(mut labels) = Labels::open(&path) else { return };
            for item in &items {
                let _ = labels.set(item, &label);
            }
        },
        |()| Message::Labelled,
    )
}
