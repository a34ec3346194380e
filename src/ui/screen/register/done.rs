//! The result: the masternode's name for ever, and what its operator does next.

use std::sync::Arc;

use iced::widget::{column, row};
use iced::{Element, Task};

use crate::flow::Ports;
use crate::flow::register::Plan;
use crate::protocol::ProTxHash;
use crate::protocol::special_tx::ProRegTx;
use crate::store::VaultError;
use crate::store::vault::Vault;
use crate::ui::screen::part::context::Look;
use crate::ui::screen::part::page_of;
use crate::ui::screen::part::signing::Finished;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    SecretText, body, fact, fact_copied, heading, mono, muted, panel, secondary_button, success, text_button, warning,
};
use crate::ui::work::blocking;

pub struct Done {
    finished: Finished,
    payload: ProRegTx,
    /// The operator key's label, if the vault holds it.
    operator: Option<String>,
    line: Line,
}

/// The line of the node's configuration that carries the operator's secret; on screen only when asked for.
enum Line {
    Hidden,
    Shown(SecretText),
    Failed(String),
}

#[derive(Debug, Clone)]
pub enum Message {
    Copy(String),
    Reveal,
    Revealed(Result<SecretText, VaultError>),
    CopyLine,
    Hide,
    Open,
    Close,
}

impl Done {
    pub fn new(plan: &Plan, finished: Finished) -> Self {
        let operator = plan
            .keys
            .iter()
            .find(|(role, _)| *role == "operator")
            .map(|(_, label)| label.clone());
        Self {
            finished,
            payload: plan.payload.clone(),
            operator,
            line: Line::Hidden,
        }
    }

    pub fn pro_tx_hash(&self) -> ProTxHash {
        self.finished.pro_tx_hash
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Task<Message> {
        match message {
            Message::Copy(text) => return iced::clipboard::write(text),
            Message::Reveal => return self.reveal(ports),
            Message::Revealed(Ok(line)) => self.line = Line::Shown(line),
            Message::Revealed(Err(error)) => self.line = Line::Failed(crate::ui::advice::sentence(&error)),
            Message::CopyLine => {
                if let Line::Shown(line) = &self.line {
                    return iced::clipboard::write(line.as_str().to_owned());
                }
            }
            Message::Hide => self.line = Line::Hidden,
            Message::Open | Message::Close => {}
        }
        Task::none()
    }

    fn reveal(&mut self, ports: &Ports) -> Task<Message> {
        match (&self.operator, ports.vault.clone()) {
            (Some(label), Some(vault)) => {
                let label = label.clone();
                blocking(move || configuration_line(&vault, &label), Message::Revealed)
            }
            _ => Task::none(),
        }
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let facts = column![
            fact_copied("ProTxHash", self.finished.pro_tx_hash.to_string(), "", Message::Copy),
            fact("In block", crate::ui::format::height(self.finished.height)),
        ]
        .spacing(Gap::S);
        let mut parts = column![
            success("The masternode is registered."),
            panel("Your masternode", facts)
        ]
        .spacing(Gap::L);
        parts = parts.push(match &self.operator {
            Some(label) => self.own_server(look, label),
            None => panel(
                "What is next",
                muted("Tell your hosting provider the ProTxHash: the provider starts the node with the operator key."),
            )
            .into(),
        });
        page_of(parts)
    }

    fn own_server<'a>(&'a self, look: &Look<'a>, label: &'a str) -> Element<'a, Message> {
        let conf = format!("{}.conf", look.profile.coin.to_lowercase());
        let first = format!("1. Put the operator key “{label}” into {conf} on the server, as masternodeblsprivkey.");
        let third = if self.payload.service.is_none() {
            "3. Announce its address with an update of the service (ProUpServTx): until then it is not paid."
        } else {
            "3. Look at it in the list: it is paid when its turn in the queue comes."
        };
        let port = if self.payload.service.is_none() {
            look.profile.p2p_port
        } else {
            self.payload.service.port
        };
        let second = format!("2. Restart the node there and wait until it is synchronised. Port {port} must be open.");
        let list = column![body(first), self.line_view(), body(second), body(third)].spacing(Gap::M);
        panel("What is next", list).into()
    }

    fn line_view(&self) -> Element<'_, Message> {
        match &self.line {
            Line::Hidden => secondary_button("Reveal the line").on_press(Message::Reveal).into(),
            Line::Failed(reason) => warning(reason.clone()).into(),
            Line::Shown(line) => column![
                heading("Line of the configuration"),
                mono(line.as_str()),
                row![text_button("Copy").on_press(Message::CopyLine), text_button("Hide").on_press(Message::Hide)].spacing(Gap::S),
                warning("Who has this line can act as the operator. Paste it only on the server, and clear the clipboard afterwards."),
            ]
            .spacing(Gap::S)
            .into(),
        }
    }
}

fn configuration_line(vault: &Arc<Vault>, label: &str) -> Result<SecretText, VaultError> {
    let secret = vault.bls(label)?.to_hex();
    let mut line = String::with_capacity(128);
    line.push_str("masternodeblsprivkey=");
    line.push_str(&secret);
    Ok(line.into())
}
