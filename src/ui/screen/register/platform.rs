//! Step 3, evonodes only: the node's identity and ports on Platform.

use iced::task::Handle;
use iced::widget::{column, row};
use iced::{Element, Length, Task};

use super::sketch::Sketch;
use crate::flow::Error;
use crate::flow::register::{PlatformChoice, look};
use crate::protocol::network::{MnType, PlatformRules};
use crate::protocol::rules::Check;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::store::{KeyInfo, Kind};
use crate::ui::screen::part::context::{Context, Look};
use crate::ui::screen::part::platform::{ports_help, read_node_id, read_port};
use crate::ui::screen::part::{held, key_named, page_of};
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, body, error_notice, input, label, muted, option, options, secondary_button};

pub(super) const RULES: [&str; 5] = [
    "platform-node-id",
    "platform-node-id-unique",
    "platform-p2p-port",
    "platform-http-port",
    "platform-ports-distinct",
];

#[derive(Debug, Default)]
pub struct Form {
    source: Source,
    pasted: Field<[u8; 20]>,
    held_error: Option<String>,
    p2p_port: Field<u16>,
    http_port: Field<u16>,
    making: Making,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Source {
    #[default]
    None,
    Held {
        label: String,
        node_id: [u8; 20],
    },
    Pasted,
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
    HeldChosen(String),
    Make,
    Made(Result<KeyInfo, Error>),
    PasteChosen,
    NodeIdEdited(String),
    P2pPortEdited(String),
    HttpPortEdited(String),
    Submit,
}

impl Form {
    pub fn new(rules: Option<&PlatformRules>) -> Self {
        let port = |number: u16| Field::with(number.to_string(), number);
        match rules {
            Some(rules) => Self {
                p2p_port: port(rules.p2p_port),
                http_port: port(rules.http_port),
                ..Self::default()
            },
            None => Self::default(),
        }
    }

    /// Regular masternodes have none of this.
    pub fn skip(sketch: &Sketch) -> bool {
        sketch.kind != MnType::Evo
    }

    pub fn update(&mut self, cx: &mut Context<'_>, message: Message) -> Task<Message> {
        match message {
            Message::HeldChosen(label) => self.held_chosen(cx.keys, label),
            Message::Make => return self.make(cx),
            Message::Made(result) => self.made(cx, result),
            Message::PasteChosen => self.source = Source::Pasted,
            Message::NodeIdEdited(text) => self.pasted.edit(text, read_node_id),
            Message::P2pPortEdited(text) => self.p2p_port.edit(text, read_port),
            Message::HttpPortEdited(text) => self.http_port.edit(text, read_port),
            Message::Submit => {}
        }
        Task::none()
    }

    fn held_chosen(&mut self, keys: &[KeyInfo], label: String) {
        let node_id = key_named(keys, &label).and_then(node_id_of);
        if let Some(node_id) = node_id {
            self.source = Source::Held { label, node_id };
        }
    }

    fn make(&mut self, cx: &Context<'_>) -> Task<Message> {
        let (ports, name) = (cx.ports.clone(), cx.name.to_owned());
        let (task, handle) = Task::perform(look::make(ports, Kind::Platform, name), Message::Made).abortable();
        self.making = Making::Running {
            _task: handle.abort_on_drop(),
        };
        task
    }

    fn made(&mut self, cx: &mut Context<'_>, result: Result<KeyInfo, Error>) {
        match result {
            Ok(key) => {
                let label = key.label.clone();
                cx.made(key);
                self.making = Making::Idle;
                self.held_chosen(cx.keys, label);
            }
            Err(error) => self.making = Making::Failed(error),
        }
    }

    pub fn recheck(&mut self) {
        self.held_error = None;
        for port in [&mut self.p2p_port, &mut self.http_port] {
            port.recheck(read_port);
        }
        if self.pasted.is_touched() {
            self.pasted.recheck(read_node_id);
        }
    }

    fn node_id(&self) -> Option<[u8; 20]> {
        match &self.source {
            Source::None => None,
            Source::Held { node_id, .. } => Some(*node_id),
            Source::Pasted => self.pasted.value().copied(),
        }
    }

    pub fn apply(&self, sketch: &mut Sketch) -> bool {
        let parts = (self.node_id(), self.p2p_port.value(), self.http_port.value());
        sketch.platform = match parts {
            (Some(node_id), Some(p2p), Some(http)) => Some(PlatformChoice {
                node_id,
                p2p_port: *p2p,
                http_port: *http,
            }),
            _ => None,
        };
        sketch.platform.is_some()
    }

    pub fn revert(sketch: &mut Sketch) {
        sketch.platform = None;
    }

    pub fn refuse(&mut self, failures: &[Check]) {
        for check in failures {
            match check.rule {
                "platform-p2p-port" => self.p2p_port.refuse(&check.message),
                "platform-http-port" | "platform-ports-distinct" => self.http_port.refuse(&check.message),
                _ if self.source == Source::Pasted => self.pasted.refuse(&check.message),
                _ => self.held_error = Some(check.message.clone()),
            }
        }
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let ports = row![
            input("P2P port", &self.p2p_port, Message::P2pPortEdited)
                .id("p2p-port")
                .on_submit(Message::Submit),
            input("HTTP port", &self.http_port, Message::HttpPortEdited)
                .id("http-port")
                .on_submit(Message::Submit),
        ]
        .spacing(Gap::M);
        page_of(
            column![
                self.node_view(look),
                column![ports, muted(ports_help(look.profile))].spacing(Gap::XS)
            ]
            .spacing(Gap::L),
        )
    }

    fn node_view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let chosen = match &self.source {
            Source::Held { label, .. } => Some(label.as_str()),
            _ => None,
        };
        let pasted = option(
            "Paste a node id",
            "From a node that was set up elsewhere.",
            self.source == Source::Pasted,
            Message::PasteChosen,
        );
        let choices = held(look, Kind::Platform, chosen, None, Message::HeldChosen).chain([pasted]);
        let idle = !matches!(self.making, Making::Running { .. });
        let make = secondary_button("Make a Platform key").on_press_maybe(idle.then_some(Message::Make));
        let mut parts = column![
            label("Platform node id"),
            body("The identity of the evonode on Platform's network; its private key goes into the node's own configuration."),
            options(choices),
            make,
        ]
        .spacing(Gap::S);
        if self.source == Source::Pasted {
            let field = input("Node id", &self.pasted, Message::NodeIdEdited)
                .help("40 hexadecimal digits, as dashmate prints it.")
                .mono()
                .id("node-id")
                .on_submit(Message::Submit);
            parts = parts.push(field);
        }
        if let Making::Failed(error) = &self.making {
            parts = parts.push(error_notice(error));
        }
        if let Some(message) = &self.held_error {
            parts = parts.push(crate::ui::widget::problem(crate::ui::advice::sentence(message)));
        }
        parts.width(Length::Fill).into()
    }
}

fn node_id_of(key: &KeyInfo) -> Option<[u8; 20]> {
    key.node_id().and_then(|text| Platform::node_id_from_hex(&text).ok())
}
