//! The first start: try the sandbox, or connect a node.

use iced::widget::{center, column, container, row, text};
use iced::{Element, Task};

use super::node_form::{self, NodeForm};
use crate::setup::Choice;
use crate::store::settings::Settings;
use crate::ui::theme::{Gap, STRONG};
use crate::ui::widget::{card, choice, muted, scroll, text_button, title};

pub struct Start {
    state: State,
}

enum State {
    Choosing,
    Node(Box<NodeForm>),
}

#[derive(Debug, Clone)]
pub enum Message {
    TrySandbox,
    ConnectNode,
    Back,
    Node(node_form::Message),
}

pub enum Action {
    None,
    Run(Task<Message>),
    Sandbox,
    Connect { choice: Choice, remember: bool },
}

impl Start {
    pub fn new() -> Self {
        Self { state: State::Choosing }
    }

    /// A node is known and only its password is missing.
    pub fn ask_password(settings: &Settings) -> Self {
        Self {
            state: State::Node(Box::new(NodeForm::of(settings))),
        }
    }

    pub fn update(&mut self, settings: &Settings, message: Message) -> Action {
        match (message, &mut self.state) {
            (Message::TrySandbox, _) => return Action::Sandbox,
            (Message::ConnectNode, _) => self.state = State::Node(Box::new(NodeForm::of(settings))),
            (Message::Back, _) => self.state = State::Choosing,
            (Message::Node(message), State::Node(form)) => {
                return match form.update(message) {
                    node_form::Action::None => Action::None,
                    node_form::Action::Run(task) => Action::Run(task.map(Message::Node)),
                    node_form::Action::Connect { choice, remember } => Action::Connect { choice, remember },
                };
            }
            (Message::Node(_), State::Choosing) => {}
        }
        Action::None
    }

    pub fn view(&self) -> Element<'_, Message> {
        match &self.state {
            State::Choosing => center(choosing()).padding(Gap::L).into(),
            State::Node(form) => {
                let head = row![
                    title("Connect a node"),
                    iced::widget::space().width(iced::Fill),
                    text_button("Back").on_press(Message::Back)
                ]
                .align_y(iced::Center);
                let content = column![head, card(form.view().map(Message::Node))]
                    .spacing(Gap::M)
                    .max_width(720)
                    .padding(Gap::L);
                scroll(container(content).center_x(iced::Fill))
                    .height(iced::Fill)
                    .into()
            }
        }
    }
}

impl Default for Start {
    fn default() -> Self {
        Self::new()
    }
}

fn choosing<'a>() -> Element<'a, Message> {
    column![
        text("Castellan").size(34).font(STRONG),
        muted("Masternodes of Dash and its relatives, with the collateral on your hardware wallet."),
        iced::widget::space().height(Gap::M),
        choice(
            "Try the sandbox",
            "A small chain, a node, a Ledger and a Trezor live inside this program. Register a masternode by clicking; nothing here is worth anything, and nothing has to be installed."
        )
        .on_press(Message::TrySandbox),
        choice(
            "Connect a node",
            "Use your own node, or one that somebody runs for you. It only reads the chain and passes finished transactions on; no secret ever goes to it."
        )
        .on_press(Message::ConnectNode),
    ]
    .spacing(Gap::M)
    .max_width(620)
    .into()
}
