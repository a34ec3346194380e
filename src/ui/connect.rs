//! Reaching the node, and keeping how it was reached.

use std::sync::Arc;

use iced::Task;

use super::screen::{self, Network, Start};
use super::session::{self, Session};
use super::{App, Link, Message, Screen, work};
use crate::flow;
use crate::hw::DeviceSpec;
use crate::rpc::{NodeStatus, RpcError};
use crate::setup::{self, Choice, Connection, NodeChoice};
use crate::store::settings::Login;

/// Seconds between the sandbox's blocks: long enough to see a transaction wait.
const SANDBOX_SECONDS: u64 = 5;
/// Network the sandbox plays.
const SANDBOX_NETWORK: &str = "dash-regtest";

impl App {
    pub(super) fn connect_as_kept(&mut self) -> Task<Message> {
        if self.settings.sandbox {
            return self.connect_sandbox();
        }
        let Some((_, node)) = self.settings.node(&self.settings.network) else {
            return Task::none();
        };
        let (user, cookie) = match &node.login {
            Login::None => (None, None),
            Login::Cookie { file } => (None, Some(file.clone())),
            Login::Ask { .. } | Login::Vault { .. } => {
                self.screen = Screen::Start(Start::ask_password(&self.settings));
                return iced::widget::operation::focus("node-password");
            }
        };
        let url = node.url.clone();
        match setup::profile(&self.settings.network) {
            Ok(profile) => self.connect(Choice {
                profile: Arc::new(profile),
                node: NodeChoice::Remote {
                    url,
                    user,
                    password: None,
                    cookie,
                },
                device: DeviceSpec::Any,
            }),
            Err(_) => Task::none(),
        }
    }

    pub(super) fn connect_sandbox(&mut self) -> Task<Message> {
        match setup::profile(SANDBOX_NETWORK) {
            Ok(profile) => self.connect(Choice {
                profile: Arc::new(profile),
                node: NodeChoice::Sandbox {
                    block_seconds: SANDBOX_SECONDS,
                },
                device: DeviceSpec::Any,
            }),
            Err(_) => Task::none(),
        }
    }

    /// Leaves what was connected and connects anew, in the background.
    pub(super) fn connect(&mut self, choice: Choice) -> Task<Message> {
        let id = self.next_id;
        self.next_id += 1;
        let (wanted, dirs, asker) = (choice.clone(), self.dirs.clone(), Arc::new(self.asker.clone()));
        // A device is looked for once the node is reached (see `finding`): USB does not keep the list waiting.
        let work = async move { setup::connect_node(wanted, &dirs, asker).await };
        let (task, handle) = Task::perform(work, move |result| Message::Connected(id, result)).abortable();
        self.link = Link::Connecting {
            id,
            choice,
            _task: handle.abort_on_drop(),
        };
        self.screen = Screen::Masternodes;
        task
    }

    pub(super) fn connected(&mut self, id: u64, result: Result<Connection, flow::Error>) -> Task<Message> {
        let Link::Connecting { id: waiting, .. } = &self.link else {
            return Task::none();
        };
        if *waiting != id {
            return Task::none();
        }
        let Link::Connecting { choice, .. } = std::mem::replace(&mut self.link, Link::None) else {
            return Task::none();
        };
        match result {
            Ok(connection) => {
                let mut session = Box::new(Session::new(id, choice, connection, self.asker.clone()));
                session.network = Network::new(&self.settings.masternode_table);
                let read = session.refresh_masternodes().map(Message::Masternodes);
                self.link = Link::Up(session);
                read
            }
            Err(error) => {
                self.link = Link::Down { choice, error };
                Task::none()
            }
        }
    }

    pub(super) fn retry(&mut self) -> Task<Message> {
        match &self.link {
            Link::Down { choice, .. } => {
                let choice = choice.clone();
                self.connect(choice)
            }
            Link::Up(session) => {
                let (id, node) = (session.id, Arc::clone(&session.ports().node));
                Task::perform(session::ask_node(node), move |answer| Message::NodeAnswered(id, answer))
            }
            Link::None | Link::Connecting { .. } => Task::none(),
        }
    }

    pub(super) fn try_sandbox(&mut self) -> Task<Message> {
        self.settings.sandbox = true;
        let save = self.save();
        Task::batch([save, self.connect_sandbox()])
    }

    pub(super) fn connect_remembering(&mut self, choice: Choice, remember: bool) -> Task<Message> {
        let mut save = Task::none();
        if let Some(node) = screen::node_form::remembered(&choice).filter(|_| remember) {
            let name = node.network.clone();
            self.settings.network.clone_from(&node.network);
            self.settings.sandbox = false;
            self.settings.chosen.insert(node.network.clone(), name.clone());
            self.settings.nodes.insert(name, node);
            save = self.save();
        }
        Task::batch([save, self.connect(choice)])
    }

    /// Writes the settings away from the window's thread.
    pub(super) fn save(&self) -> Task<Message> {
        let (settings, dirs) = (self.settings.clone(), self.dirs.clone());
        work::blocking(
            move || {
                dirs.create()?;
                settings.save(&dirs.settings)
            },
            Message::Saved,
        )
    }

    pub(super) fn node_answered(&mut self, id: u64, answer: Result<NodeStatus, RpcError>) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        if session.id != id || !session.node_answered(answer) {
            return Task::none();
        }
        let shown = matches!(self.screen, Screen::Wallet);
        let ports = &session.connection.ports;
        let wallet = session.wallet.new_block(ports, shown).map(Message::Wallet);
        // Whatever page is on screen: what happens to mine is told at once.
        Task::batch([wallet, session.refresh_masternodes().map(Message::Masternodes)])
    }
}
