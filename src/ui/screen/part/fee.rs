//! The key that pays the transaction fee; if it holds too little, how much to send where, or a payment from the device.

use iced::task::Handle;
use iced::widget::{column, row};
use iced::{Element, Length, Task};

use super::context::{Context, Look};
use super::funding::{self, Funding};
use super::held;
use crate::flow::Error;
use crate::flow::choice::FeeSource;
use crate::flow::register::{look, look::Purse};
use crate::protocol::rules::DUST_KEY;
use crate::protocol::{Address, Amount};
use crate::store::{KeyInfo, Kind};
use crate::ui::format::amount;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    Field, body, error_notice, fact, input, label, mono, muted, option, options, panel, secondary_button, success,
    text_button, warning,
};

#[derive(Debug, Default)]
pub struct Form {
    source: Option<FeeSource>,
    /// The address of a fee key on another computer, if that is what pays.
    elsewhere: Option<Field<Address>>,
    purse: State,
    making: Making,
    funding: Funding,
    run: u64,
    /// Transactions besides the first that it has to pay.
    more: u64,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Unknown,
    Looking {
        run: u64,
        _task: Handle,
    },
    Known(Purse),
    Failed(Error),
}

#[derive(Debug, Default)]
enum Making {
    #[default]
    Idle,
    Running {
        _task: Handle,
    },
    Failed(Error),
}

#[derive(Debug, Clone)]
pub enum Message {
    Chosen(FeeSource),
    ElsewhereChosen,
    AddressEdited(String),
    Make,
    Made(Result<KeyInfo, Error>),
    Look,
    Looked(u64, Result<Purse, Error>),
    Copy(String),
    Funding(funding::Message),
}

impl Form {
    /// For as many transactions of a kind.
    pub fn for_several(count: usize) -> Self {
        Self {
            more: (count as u64).saturating_sub(1),
            ..Self::default()
        }
    }

    pub fn update(&mut self, cx: &mut Context<'_>, message: Message) -> Task<Message> {
        match message {
            Message::Chosen(source) if !self.is_busy() => self.chosen(cx, source),
            Message::ElsewhereChosen if !self.is_busy() => self.elsewhere_chosen(),
            Message::Chosen(_) | Message::ElsewhereChosen => Task::none(),
            Message::AddressEdited(text) => self.address_edited(cx, text),
            Message::Make => self.make(cx),
            Message::Made(result) => self.made(cx, result),
            Message::Look => self.look(cx),
            Message::Looked(run, result) => {
                self.looked(run, result);
                Task::none()
            }
            Message::Copy(text) => iced::clipboard::write(text),
            Message::Funding(message) => self.funded(cx, message),
        }
    }

    /// Takes the only fee key there is, or looks again at the one chosen.
    pub fn enter(&mut self, cx: &Context<'_>) -> Task<Message> {
        if self.source.is_none() {
            let mut keys = cx.keys_of(Kind::Fee);
            if let (Some(one), None) = (keys.next(), keys.next()) {
                self.source = Some(FeeSource::Key(one.label.clone()));
            }
        }
        self.look(cx)
    }

    fn elsewhere_chosen(&mut self) -> Task<Message> {
        if self.elsewhere.is_none() {
            self.source = None;
            self.purse = State::Unknown;
            self.elsewhere = Some(Field::default());
        }
        iced::widget::operation::focus("fee-address")
    }

    fn address_edited(&mut self, cx: &Context<'_>, text: String) -> Task<Message> {
        let Some(field) = &mut self.elsewhere else {
            return Task::none();
        };
        field.edit(text, |text| Address::parse(text, cx.profile()));
        self.source = field.value().copied().map(FeeSource::Elsewhere);
        self.purse = State::Unknown;
        self.look(cx)
    }

    fn chosen(&mut self, cx: &Context<'_>, source: FeeSource) -> Task<Message> {
        self.source = Some(source);
        self.elsewhere = None;
        self.funding = Funding::default();
        self.look(cx)
    }

    fn make(&mut self, cx: &Context<'_>) -> Task<Message> {
        let (ports, name) = (cx.ports.clone(), cx.name.to_owned());
        let (task, handle) = Task::perform(look::make(ports, Kind::Fee, name), Message::Made).abortable();
        self.making = Making::Running {
            _task: handle.abort_on_drop(),
        };
        task
    }

    fn made(&mut self, cx: &mut Context<'_>, result: Result<KeyInfo, Error>) -> Task<Message> {
        match result {
            Ok(key) => {
                let source = FeeSource::Key(key.label.clone());
                cx.made(key);
                self.making = Making::Idle;
                self.chosen(cx, source)
            }
            Err(error) => {
                self.making = Making::Failed(error);
                Task::none()
            }
        }
    }

    fn look(&mut self, cx: &Context<'_>) -> Task<Message> {
        let Some(source) = self.source.clone() else {
            return Task::none();
        };
        self.run += 1;
        let (run, ports, bill) = (self.run, cx.ports.clone(), cx.bill);
        let ask = async move { look::purse(&ports, bill, source).await };
        let (task, handle) = Task::perform(ask, move |result| Message::Looked(run, result)).abortable();
        self.purse = State::Looking {
            run,
            _task: handle.abort_on_drop(),
        };
        task
    }

    fn looked(&mut self, run: u64, result: Result<Purse, Error>) {
        if matches!(self.purse, State::Looking { run: asked, .. } if asked == run) {
            self.purse = match result {
                Ok(purse) => State::Known(for_all(purse, self.more)),
                Err(error) => State::Failed(error),
            };
        }
    }

    fn funded(&mut self, cx: &Context<'_>, message: funding::Message) -> Task<Message> {
        let State::Known(purse) = &self.purse else {
            return Task::none();
        };
        let task = self.funding.update(cx, purse, message).map(Message::Funding);
        if self.funding.is_paid() {
            Task::batch([task, self.look(cx)])
        } else {
            task
        }
    }

    /// Closes the payment's page; false if it is not on screen.
    pub fn close(&mut self) -> bool {
        self.funding.close()
    }

    /// A payment is being made: leaving the page would drop it.
    pub fn is_busy(&self) -> bool {
        self.funding.is_busy()
    }

    /// The source chosen, once it holds enough.
    pub fn chosen_source(&self) -> Option<&FeeSource> {
        let enough = matches!(&self.purse, State::Known(purse) if purse.suffices());
        self.source.as_ref().filter(|_| enough)
    }

    /// A payment is on screen instead of the choices.
    pub fn is_funding(&self) -> bool {
        matches!(self.purse, State::Known(_)) && self.funding.is_open()
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        if let (State::Known(purse), true) = (&self.purse, self.funding.is_open()) {
            return self.funding.view(look, purse).map(Message::Funding);
        }
        let mut parts = column![self.sources(look)].spacing(Gap::L);
        match &self.purse {
            State::Unknown => {}
            State::Looking { .. } => parts = parts.push(muted("Asking the node what it holds.")),
            State::Failed(error) => {
                parts = parts
                    .push(error_notice(error))
                    .push(secondary_button("Check again").on_press(Message::Look));
            }
            State::Known(purse) => parts = parts.push(self.purse_view(look, purse)),
        }
        parts.into()
    }

    fn sources<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let chosen = match &self.source {
            Some(FeeSource::Key(label)) => Some(label.as_str()),
            _ => None,
        };
        let mut choices: Vec<_> = held(look, Kind::Fee, chosen, None, |label| {
            Message::Chosen(FeeSource::Key(label))
        })
        .collect();
        if look.node_has_wallet() {
            let line = "Only for a node of your own: it signs the fee inputs.";
            let wallet = self.source == Some(FeeSource::NodeWallet);
            choices.push(option(
                "The node's own wallet",
                line,
                wallet,
                Message::Chosen(FeeSource::NodeWallet),
            ));
        }
        if look.hand_over {
            choices.push(option(
                "A fee key of another computer",
                "It signs there, after the operation was handed over.",
                self.elsewhere.is_some(),
                Message::ElsewhereChosen,
            ));
        }
        let free = !matches!(self.making, Making::Running { .. }) && !self.is_busy();
        let make = secondary_button("Make a fee key").on_press_maybe(free.then_some(Message::Make));
        let line = "No hardware wallet can sign the inputs of such a transaction. So a key of the vault, with a little money on it, pays the fee.";
        let mut parts = column![label("Fee key"), body(line)].spacing(Gap::S);
        if choices.is_empty() {
            parts = parts.push(muted("The vault has no fee key yet."));
        }
        parts = parts.push(options(choices));
        if let Some(field) = &self.elsewhere {
            let field = input("Address of that fee key", field, Message::AddressEdited)
                .mono()
                .id("fee-address");
            parts = parts.push(field);
        }
        parts = parts.push(make);
        if let Making::Failed(error) = &self.making {
            parts = parts.push(error_notice(error));
        }
        parts.into()
    }

    fn purse_view<'a>(&'a self, look: &Look<'a>, purse: &'a Purse) -> Element<'a, Message> {
        let state = if purse.suffices() {
            success(format!("That is enough for the {}.", look.errand))
        } else {
            let missing = amount(funding::least(purse), look.profile);
            warning(format!(
                "Not enough. Send at least {missing} to this address, or fill it from the device."
            ))
        };
        let address = purse.address.to_text(look.profile);
        let copy = text_button("Copy").on_press(Message::Copy(address.clone()));
        let mut facts = column![
            fact("It holds", amount(purse.available, look.profile)),
            fact("Needed", amount(purse.needed, look.profile)),
            row![mono(address).width(Length::Fill), copy].align_y(iced::Center),
            state,
        ]
        .spacing(Gap::S);
        if !purse.suffices() {
            let fund = Message::Funding(funding::Message::Begin);
            let fund = secondary_button("Fund from the device").on_press_maybe(look.device.map(|_| fund));
            let again = secondary_button("Check again").on_press(Message::Look);
            facts = facts.push(row![fund, again].spacing(Gap::S));
        }
        panel("Money on it", facts).into()
    }
}

/// What is needed for the first and as many more of its fee; the change that has to be left is the same one.
fn for_all(purse: Purse, more: u64) -> Purse {
    let needed = purse.needed.duffs();
    let fee = needed.saturating_sub(DUST_KEY);
    Purse {
        needed: Amount::from_duffs(needed.saturating_add(fee.saturating_mul(more))),
        ..purse
    }
}
