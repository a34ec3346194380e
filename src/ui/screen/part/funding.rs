//! Fills the fee key from the device: how much, what exactly the device will show, and the payment itself.

use iced::task::Handle;
use iced::widget::{column, row, space};
use iced::{Element, Length, Task};

use super::context::{Context, Look};
use super::paying::{self, Paying};
use crate::flow::Error;
use crate::flow::pay::Plan;
use crate::flow::register::look::{self, Purse};
use crate::protocol::Amount;
use crate::protocol::rules::DUST_KEY;
use crate::ui::advice::sentence;
use crate::ui::format::amount;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    Field, body, error_notice, fact, input, muted, panel, primary_button, secondary_button, warning,
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
    Confirming(Box<Plan>),
    Paying(Paying),
    Failed(Error),
    Paid,
}

#[derive(Debug, Clone)]
pub enum Message {
    Begin,
    AmountEdited(String),
    Prepare,
    Prepared(Result<Box<Plan>, Error>),
    Pay,
    Paying(paying::Message),
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
            Message::Paying(message) => return self.paying(cx, message),
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

    fn prepared(&mut self, result: Result<Box<Plan>, Error>) {
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
        let (paying, task) = Paying::start(cx.ports, plan.clone());
        *self = Self::Paying(paying);
        task.map(Message::Paying)
    }

    fn paying(&mut self, cx: &Context<'_>, message: paying::Message) -> Task<Message> {
        let Self::Paying(paying) = self else {
            return Task::none();
        };
        match paying.update(cx.ports, message) {
            paying::Action::None => Task::none(),
            paying::Action::Run(task) => task.map(Message::Paying),
            paying::Action::Review(plan) => {
                *self = Self::Confirming(plan);
                Task::none()
            }
            paying::Action::Finished(_) => {
                *self = Self::Paid;
                Task::none()
            }
        }
    }

    /// Ends what can be ended; a payment that is being sent cannot.
    fn stop(&mut self) {
        if !self.is_sent() {
            *self = Self::Offered;
        }
    }

    fn is_sent(&self) -> bool {
        matches!(self, Self::Paying(paying) if paying.is_sent())
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
            Self::Offered | Self::Paid => return column![].into(),
            Self::Paying(paying) => return in_hand(look, paying),
            Self::Asking(field) => ask(look, field, purse),
            Self::Preparing { .. } => row![muted("Choosing coins of the device."), stop("Stop")]
                .spacing(Gap::M)
                .align_y(iced::Center)
                .into(),
            Self::Confirming(plan) => confirm(look, plan),
            Self::Failed(error) => {
                let again = primary_button("Try again").on_press(Message::Begin);
                column![error_notice(error), row![again, stop("Not now")].spacing(Gap::S)]
                    .spacing(Gap::M)
                    .into()
            }
        };
        panel("Fund the fee key from the device", content).into()
    }
}

/// The payment itself, with its buttons.
fn in_hand<'a>(look: &Look<'a>, paying: &'a Paying) -> Element<'a, Message> {
    let (left, right) = paying.buttons();
    let buttons = row![left, space().width(Length::Fill), right].spacing(Gap::S);
    let parts = column![paying.view(look), buttons].spacing(Gap::M).width(Length::Fill);
    Element::from(parts).map(Message::Paying)
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

fn confirm<'a>(look: &Look<'a>, plan: &'a Plan) -> Element<'a, Message> {
    let device = look.device_name();
    let line =
        format!("The {device} will show this payment. Compare amount, address and fee before you confirm there.");
    let buttons = row![
        primary_button("Pay from the device").on_press(Message::Pay),
        stop("Not now")
    ]
    .spacing(Gap::S);
    let mut parts = column![body(line)].spacing(Gap::M);
    for found in &plan.warnings {
        parts = parts.push(warning(sentence(&found.sentence())));
    }
    parts = parts.push(paying::shown(plan, look));
    if let Some(change) = &plan.change {
        parts = parts.push(fact("Comes back", amount(change.amount, look.profile)));
    }
    parts.push(buttons).into()
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
