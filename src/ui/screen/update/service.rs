//! A ProUpServTx as a form: the address, where the operator's share goes, an evonode's Platform fields, and the operator's key.

use iced::Element;
use iced::widget::{column, row};

use super::signer::{self, Signer};
use super::subject::Subject;
use crate::flow::update::{OperatorPayout, PlatformChange, ServiceChange};
use crate::protocol::network::MnType;
use crate::protocol::rules::Check;
use crate::protocol::special_tx::Service;
use crate::protocol::{Address, Profile};
use crate::ui::format::percent;
use crate::ui::screen::part::context::Look;
use crate::ui::screen::part::group;
use crate::ui::screen::part::platform::{read_node_id, read_port};
use crate::ui::screen::part::service::{port_help, read};
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, input, option};

#[derive(Debug)]
pub struct Form {
    address: Field<Service>,
    payout: Payout,
    payout_address: Field<Address>,
    /// Evonodes only.
    platform: Option<Platform>,
    signer: Signer,
}

/// What becomes of the operator's payout address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payout {
    Keep,
    Erase,
    Change,
}

#[derive(Debug)]
struct Platform {
    node_id: Field<[u8; 20]>,
    p2p_port: Field<u16>,
    http_port: Field<u16>,
}

#[derive(Debug, Clone)]
pub enum Message {
    AddressEdited(String),
    PayoutChosen(Payout),
    PayoutEdited(String),
    NodeIdEdited(String),
    P2pPortEdited(String),
    HttpPortEdited(String),
    Signer(signer::Message),
    Submit,
}

impl Form {
    /// As the chain has it.
    pub fn new(subject: &Subject) -> Self {
        let state = &subject.entry.state;
        let service = state.service;
        Self {
            address: if service.is_none() {
                Field::default()
            } else {
                Field::with(service.to_string(), service)
            },
            payout: Payout::Keep,
            payout_address: Field::default(),
            platform: (subject.entry.kind == MnType::Evo).then(|| Platform::new(subject)),
            signer: Signer::new(subject),
        }
    }

    pub fn update(&mut self, profile: &Profile, subject: &Subject, message: Message) {
        match (message, &mut self.platform) {
            (Message::AddressEdited(text), _) => self.address.edit(text, |text| read(text, profile)),
            (Message::PayoutChosen(payout), _) => self.payout = payout,
            (Message::PayoutEdited(text), _) => self.payout_address.edit(text, |text| Address::parse(text, profile)),
            (Message::NodeIdEdited(text), Some(platform)) => platform.node_id.edit(text, read_node_id),
            (Message::P2pPortEdited(text), Some(platform)) => platform.p2p_port.edit(text, read_port),
            (Message::HttpPortEdited(text), Some(platform)) => platform.http_port.edit(text, read_port),
            (Message::Signer(message), _) => self.signer.update(subject, message),
            (
                Message::NodeIdEdited(_) | Message::P2pPortEdited(_) | Message::HttpPortEdited(_) | Message::Submit,
                _,
            ) => {}
        }
    }

    /// Once every field is right.
    pub fn change(&self) -> Option<ServiceChange> {
        Some(ServiceChange {
            service: Some(*self.address.value()?),
            operator_payout: match self.payout {
                Payout::Keep => OperatorPayout::Keep,
                Payout::Erase => OperatorPayout::Erase,
                Payout::Change => OperatorPayout::To(*self.payout_address.value()?),
            },
            platform: match &self.platform {
                Some(platform) => platform.change()?,
                None => PlatformChange::default(),
            },
            operator: self.signer.value()?,
        })
    }

    /// Shows a broken rule where it can be mended; false if that is not here.
    pub fn refuse(&mut self, check: &Check) -> bool {
        match (check.rule, &mut self.platform) {
            ("service" | "service-present" | "service-unique", _) => self.address.refuse(&check.message),
            (rule, _) if rule.starts_with("operator-payout") && self.payout == Payout::Change => {
                self.payout_address.refuse(&check.message);
            }
            ("platform-p2p-port", Some(platform)) => platform.p2p_port.refuse(&check.message),
            ("platform-http-port" | "platform-ports-distinct", Some(platform)) => {
                platform.http_port.refuse(&check.message);
            }
            (rule, Some(platform)) if rule.starts_with("platform-node-id") => platform.node_id.refuse(&check.message),
            _ => return false,
        }
        true
    }

    pub fn view<'a>(&'a self, look: &Look<'a>, subject: &'a Subject) -> Element<'a, Message> {
        let address = input("Address and port", &self.address, Message::AddressEdited)
            .placeholder("IP:PORT")
            .help(port_help(look.profile))
            .mono()
            .id("service")
            .on_submit(Message::Submit);
        let mut parts = column![address].spacing(Gap::L);
        if subject.entry.operator_reward > 0 {
            parts = parts.push(self.payout_view(look.profile, subject));
        }
        if let Some(platform) = &self.platform {
            parts = parts.push(platform.view());
        }
        parts
            .push(self.signer.view(subject).map(|message| match message {
                signer::Message::Submit => Message::Submit,
                message => Message::Signer(message),
            }))
            .into()
    }

    fn payout_view<'a>(&'a self, profile: &'a Profile, subject: &'a Subject) -> Element<'a, Message> {
        let pick = |name: &'static str, line: String, to: Payout| {
            option(name, line, self.payout == to, Message::PayoutChosen(to))
        };
        let now = subject
            .entry
            .state
            .operator_payout
            .map(|address| address.to_text(profile));
        let none = now.is_none();
        let keep = match now {
            Some(address) => pick("Keep it", address, Payout::Keep),
            None => pick(
                "Keep it unset",
                "The owner gets the whole reward.".to_owned(),
                Payout::Keep,
            ),
        };
        let change = pick("Another address", "Of your own wallet.".to_owned(), Payout::Change);
        let erase = pick("Erase it", "The owner gets the whole reward.".to_owned(), Payout::Erase);
        let mut choices = vec![keep, change];
        if !none {
            choices.push(erase);
        }
        let line: &str = "Where the operator's share of each reward is paid.";
        let mut parts = column![group("Operator payout", line, choices.into_iter(), None)].spacing(Gap::S);
        if self.payout == Payout::Change {
            let share = percent(subject.entry.operator_reward);
            let field = input("Operator's payout address", &self.payout_address, Message::PayoutEdited)
                .help(format!("It gets {share} of each reward."))
                .mono()
                .id("operator-payout")
                .on_submit(Message::Submit);
            parts = parts.push(field);
        }
        parts.into()
    }
}

impl Platform {
    fn new(subject: &Subject) -> Self {
        let state = &subject.entry.state;
        let port = |port: Option<u16>| port.map_or_else(Field::default, |port| Field::with(port.to_string(), port));
        let listed = state.platform_node_id.as_deref();
        let node_id = listed.and_then(|text| Some((text, read_node_id(text).ok()?)));
        Self {
            node_id: node_id.map_or_else(Field::default, |(text, id)| Field::with(text, id)),
            p2p_port: port(state.platform_p2p_port),
            http_port: port(state.platform_http_port),
        }
    }

    fn change(&self) -> Option<PlatformChange> {
        Some(PlatformChange {
            node_id: Some(*self.node_id.value()?),
            p2p_port: Some(*self.p2p_port.value()?),
            http_port: Some(*self.http_port.value()?),
        })
    }

    fn view(&self) -> Element<'_, Message> {
        let node_id = input("Platform node id", &self.node_id, Message::NodeIdEdited)
            .help("40 hexadecimal digits, as dashmate prints it.")
            .mono()
            .id("node-id")
            .on_submit(Message::Submit);
        let ports = row![
            input("Platform P2P port", &self.p2p_port, Message::P2pPortEdited)
                .id("p2p-port")
                .on_submit(Message::Submit),
            input("Platform HTTP port", &self.http_port, Message::HttpPortEdited)
                .id("http-port")
                .on_submit(Message::Submit),
        ];
        column![node_id, ports.spacing(Gap::M)].spacing(Gap::L).into()
    }
}
