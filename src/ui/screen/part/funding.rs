//! Fills the fee key from the device: how much, what exactly the device will show, and the payment itself.

use iced::task::Handle;
use iced::widget::{column, row};
use iced::{Element, Task};

use super::context::{Context, Look};
use crate::flow::register::look::{self, Purse};
use crate::flow::{Error, Step, pay};
use crate::hw;
use crate::protocol::rules::DUST_KEY;
use crate::protocol::{Address, Amount, Profile};
use crate::ui::advice::sentence;
use crate::ui::format::amount;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    Field, Progress, body, error_notice, fact, fact_mono, info, input, muted, panel, primary_button, progress_list,
    secondary_button,
};

/// How many registrations or updates the proposed amount pays for.
const OPERATIONS: u64 = 20;
/// Proposed amounts are multiples of this: **duffs**, a thousandth of a coin.
const ROUND: u64 = 100_000;

#[derive(Debug, Default)]
pub enum Funding {
    #[default]
    Offered,
    Asking(Field<Amount>),
    Preparing {
        _task: Handle,
    },
    Confirming(Box<pay::Plan>),
    Paying {
        plan: Box<pay::Plan>,
        steps: Vec<Step>,
        _task: Handle,
    },
    Failed(Error),
    Paid,
}

#[derive(Debug, Clone)]
pub enum Message {
    Begin,
    AmountEdited(String),
    Prepare,
    Prepared(Result<Box<pay::Plan>, Error>),
    Pay,
    Stepped(Step),
    Paid(Result<pay::Outcome, Error>),
    Stop,
}

/// Why an amount is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum NoAmount {
    #[error(transparent)]
    Unreadable(#[from] crate::protocol::amount::AmountError),
    #[error("at least {least} is needed")]
    TooLittle { least: String },
}

impl Funding {
    pub fn update(&mut self, cx: &Context<'_>, purse: &Purse, message: Message) -> Task<Message> {
        match message {
            Message::Begin => self.begin(purse),
            Message::AmountEdited(text) => self.edited(purse, text),
            Message::Prepare => return self.prepare(cx, purse),
            Message::Prepared(result) => self.prepared(result),
            Message::Pay => return self.pay(cx),
            Message::Stepped(step) => self.stepped(step),
            Message::Paid(result) => self.paid(result),
            Message::Stop => self.stop(),
        }
        Task::none()
    }

    fn begin(&mut self, purse: &Purse) {
        let proposed = proposal(purse);
        *self = Self::Asking(Field::with(proposed.short(), proposed));
    }

    fn edited(&mut self, purse: &Purse, text: String) {
        if let Self::Asking(field) = self {
            field.edit(text, |text| read_amount(text, purse));
        }
    }

    fn prepare(&mut self, cx: &Context<'_>, purse: &Purse) -> Task<Message> {
        let Self::Asking(field) = self else { return Task::none() };
        let Some(value) = field.value().copied() else {
            return Task::none();
        };
        let (ports, purse) = (cx.ports.clone(), purse.clone());
        let account = cx.account.clone();
        let prepare = async move { look::fill(&ports, &purse, value, account).await.map(Box::new) };
        let (task, handle) = Task::perform(prepare, Message::Prepared).abortable();
        *self = Self::Preparing {
            _task: handle.abort_on_drop(),
        };
        task
    }

    fn prepared(&mut self, result: Result<Box<pay::Plan>, Error>) {
        if matches!(self, Self::Preparing { .. }) {
            *self = match result {
                Ok(plan) => Self::Confirming(plan),
                Err(error) => Self::Failed(error),
            };
        }
    }

    fn pay(&mut self, cx: &Context<'_>) -> Task<Message> {
        let Self::Confirming(plan) = self else {
            return Task::none();
        };
        let plan = plan.clone();
        let flow = pay::pay(cx.ports.clone(), pay::Plan::clone(&plan));
        let (task, handle) = Task::sip(flow, Message::Stepped, Message::Paid).abortable();
        *self = Self::Paying {
            plan,
            steps: Vec::new(),
            _task: handle.abort_on_drop(),
        };
        task
    }

    fn stepped(&mut self, step: Step) {
        if let Self::Paying { steps, .. } = self {
            super::signing::record(steps, step);
        }
    }

    fn paid(&mut self, result: Result<pay::Outcome, Error>) {
        if matches!(self, Self::Paying { .. }) {
            *self = match result {
                Ok(_) => Self::Paid,
                Err(error) => Self::Failed(error),
            };
        }
    }

    /// Ends what can be ended; a payment that is being sent cannot.
    fn stop(&mut self) {
        if !self.is_sent() {
            *self = Self::Offered;
        }
    }

    fn is_sent(&self) -> bool {
        matches!(self, Self::Paying { steps, .. } if super::signing::is_sent(steps))
    }

    /// Esc: closes what is open; false if there is nothing to close.
    pub fn close(&mut self) -> bool {
        let open = self.is_open();
        self.stop();
        open
    }

    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Preparing { .. } | Self::Paying { .. })
    }

    /// There is something to show besides the offer.
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Offered | Self::Paid)
    }

    pub fn is_paid(&self) -> bool {
        matches!(self, Self::Paid)
    }

    pub fn view<'a>(&'a self, look: &Look<'a>, purse: &'a Purse) -> Element<'a, Message> {
        let content = match self {
            Self::Offered | Self::Paid => iced::widget::space().into(),
            Self::Asking(field) => ask(look, field, purse),
            Self::Preparing { .. } => row![muted("Choosing coins of the device."), stop("Stop")]
                .spacing(Gap::M)
                .align_y(iced::Center)
                .into(),
            Self::Confirming(plan) => confirm(look, plan),
            Self::Paying { plan, steps, .. } => self.paying(look, plan, steps),
            Self::Failed(error) => {
                let again = primary_button("Try again").on_press(Message::Begin);
                column![failure(error), row![again, stop("Not now")].spacing(Gap::S)]
                    .spacing(Gap::M)
                    .into()
            }
        };
        panel("Fund the fee key from the device", content).into()
    }

    fn paying<'a>(&'a self, look: &Look<'a>, plan: &'a pay::Plan, steps: &'a [Step]) -> Element<'a, Message> {
        let lines = steps.iter().enumerate().map(|(at, step)| {
            let state = if at + 1 == steps.len() {
                Progress::Now
            } else {
                Progress::Done
            };
            let words = match step {
                Step::ConfirmPayment { device, .. } => format!("Confirm this on the {device}, page by page."),
                step => sentence(&step.sentence()),
            };
            (state, words)
        });
        let mut parts = column![progress_list(lines), payment(plan, look)].spacing(Gap::M);
        if !self.is_sent() {
            parts = parts.push(stop("Stop"));
        }
        parts.into()
    }
}

/// "No" on the device is an answer, not an error.
fn failure<'a>(error: &Error) -> Element<'a, Message> {
    match error {
        Error::Device(crate::hw::DeviceError::Declined) => {
            info("You declined on the device. Nothing was signed and nothing was sent.").into()
        }
        error => error_notice(error).into(),
    }
}

fn stop<'a>(name: &'a str) -> Element<'a, Message> {
    secondary_button(name).on_press(Message::Stop).into()
}

fn ask<'a>(look: &Look<'a>, field: &'a Field<Amount>, purse: &'a Purse) -> Element<'a, Message> {
    let ready = field.value().map(|_| Message::Prepare);
    let amount_field = input("Amount to send", field, Message::AmountEdited)
        .help(format!(
            "In {}. What is proposed pays for about {OPERATIONS} registrations or updates; the least is {}.",
            look.profile.ticker,
            least(purse).short()
        ))
        .id("fund-amount")
        .on_submit_maybe(ready.clone());
    let buttons = row![
        secondary_button("Prepare the payment").on_press_maybe(ready),
        stop("Not now")
    ]
    .spacing(Gap::S);
    let line = "An ordinary payment, confirmed on the device. Collaterals are never used for it.";
    column![body(line), amount_field, buttons].spacing(Gap::M).into()
}

fn confirm<'a>(look: &Look<'a>, plan: &'a pay::Plan) -> Element<'a, Message> {
    let device = look.device_name();
    let line =
        format!("The {device} will show this payment. Compare amount, address and fee before you confirm there.");
    let facts = payment(plan, look);
    let buttons = row![
        primary_button("Pay from the device").on_press(Message::Pay),
        stop("Not now")
    ]
    .spacing(Gap::S);
    column![body(line), facts, buttons].spacing(Gap::M).into()
}

fn payment<'a>(plan: &pay::Plan, look: &Look<'a>) -> Element<'a, Message> {
    let profile = look.profile;
    let shown = look.device.and_then(|kind| as_device_shows(plan.to, kind, profile));
    let mut parts = column![
        fact("Amount", amount(plan.amount, profile)),
        fact_mono("To", plan.to.to_text(profile)),
        fact("Fee", amount(plan.fee, profile)),
    ]
    .spacing(Gap::S);
    if let Some(shown) = shown {
        parts = parts.push(fact_mono("Shown there as", shown));
    }
    if let Some(change) = &plan.change {
        parts = parts.push(fact("Comes back", amount(change.amount, profile)));
    }
    parts.into()
}

/// A Ledger app writes addresses with its own network's prefix, whatever network they are of; a Trezor knows the network's coin.
fn as_device_shows(address: Address, kind: hw::Kind, profile: &Profile) -> Option<String> {
    let prefix = profile.devices.ledger_pubkey_prefix;
    let other = Profile {
        pubkey_prefix: prefix,
        ..profile.clone()
    };
    (kind == hw::Kind::Ledger && prefix != profile.pubkey_prefix).then(|| address.to_text(&other))
}

/// The least that must be sent, above what is there.
pub fn least(purse: &Purse) -> Amount {
    let missing = purse.needed.checked_sub(purse.available).unwrap_or(Amount::ZERO);
    missing.max(Amount::from_duffs(DUST_KEY))
}

fn proposal(purse: &Purse) -> Amount {
    let wanted = purse.needed.duffs().saturating_mul(OPERATIONS).max(1);
    Amount::from_duffs(wanted.div_ceil(ROUND).saturating_mul(ROUND))
}

fn read_amount(text: &str, purse: &Purse) -> Result<Amount, NoAmount> {
    let value: Amount = text.parse()?;
    let least = least(purse);
    if value < least {
        Err(NoAmount::TooLittle { least: least.short() })
    } else {
        Ok(value)
    }
}
