//! Holds the place of the wizard.

use iced::{Element, Task};

use crate::flow::Ports;
use crate::protocol::ProTxHash;
use crate::setup::Connection;
use crate::ui::widget::{page, primary_button};

pub struct Register;

#[derive(Debug, Clone)]
pub enum Message {
    Close,
}

pub enum Action {
    None,
    Run(Task<Message>),
    Open(ProTxHash),
    Close,
}

impl Register {
    pub fn new(_connection: &Connection) -> (Self, Task<Message>) {
        (Self, Task::none())
    }

    pub fn update(&mut self, _ports: &Ports, message: Message) -> Action {
        match message {
            Message::Close => Action::Close,
        }
    }

    pub fn view(&self) -> Element<'_, Message> {
        page("Register a masternode", iced::widget::space(), primary_button("Cancel").on_press(Message::Close))
    }
}
