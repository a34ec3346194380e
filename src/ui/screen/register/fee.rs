//! Step 6: the key that pays the transaction fee; if it holds too little, how much to send where, or a payment from the device.

use iced::task::Handle;
use iced::widget::{column, row};
use iced::{Element, Length, Task};

use super::context::{Context, Look};
use super::funding::{self, Funding};
use super::part::{held, page_of};
use super::sketch::Sketch;
use crate::flow::Error;
use crate::flow::register::{FeeSource, look, look::Purse};
use crate::store::{KeyInfo, Kind};
use crate::ui::format::amount;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    body, error_notice, fact, label, mono, muted, option, options, panel, secondary_button, success, text_button,
    warning,
};

#[derive(Debug, Default)]
pub struct Form {
    source: Option<FeeSource>,
    purse: State,
    making: Making,
    funding: Funding,
    run: u64,
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
    Make,
    Made(Result<KeyInfo, Error>),
    Look,
    Looked(u64, Result<Purse, Error>),
    Copy(String),
    Funding(funding::Message),
}

impl Form {
    pub fn update(&mut self, cx: &mut Context<'_>, message: Message) -> Task<Message> {
        match message {
            Message::Chosen(source) if !self.is_busy() => self.chosen(cx, source),
            Message::Chosen(_) => Task::none(),
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

    fn chosen(&mut self, cx: &Context<'_>, source: FeeSource) -> Task<Message> {
        self.source = Some(source);
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
        let (run, ports, kind) = (self.run, cx.ports.clone(), cx.sketch.kind);
        let ask = async move { look::purse(&ports, kind, source).await };
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
                Ok(purse) => State::Known(purse),
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

    pub fn apply(&self, sketch: &mut Sketch) -> bool {
        let enough = matches!(&self.purse, State::Known(purse) if purse.suffices());
        sketch.fee_from = self.source.clone().filter(|_| enough);
        sketch.fee_from.is_some()
    }

    pub fn revert(sketch: &mut Sketch) {
        sketch.fee_from = None;
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        if let (State::Known(purse), true) = (&self.purse, self.funding.is_open()) {
            return page_of(column![self.funding.view(look, purse).map(Message::Funding)]);
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
        page_of(parts)
    }

    fn sources<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let chosen = match &self.source {
            Some(FeeSource::Key(label)) => Some(label.as_str()),
            _ => None,
        };
        let mut choices: Vec<_> =
            held(look, Kind::Fee, chosen, |label| Message::Chosen(FeeSource::Key(label))).collect();
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
        let free = !matches!(self.making, Making::Running { .. }) && !self.is_busy();
        let make = secondary_button("Make a fee key").on_press_maybe(free.then_some(Message::Make));
        let line = "No hardware wallet can sign the inputs of a registration. So a key of the vault, with a little money on it, pays the fee.";
        let mut parts = column![label("Fee key"), body(line)].spacing(Gap::S);
        if choices.is_empty() {
            parts = parts.push(muted("The vault has no fee key yet."));
        }
        parts = parts.push(options(choices)).push(make);
        if let Making::Failed(error) = &self.making {
            parts = parts.push(error_notice(error));
        }
        parts.into()
    }

    fn purse_view<'a>(&'a self, look: &Look<'a>, purse: &'a Purse) -> Element<'a, Message> {
        let state = if purse.suffices() {
            success("That is enough for the registration.")
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
