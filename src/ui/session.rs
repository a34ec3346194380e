//! A connection on screen: what node and device say, and the pages that need them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, stream};
use iced::{Subscription, Task};

use crate::flow::Ports;
use crate::flow::history::Recorder;
use crate::hw::discovery::Found;
use crate::hw::{self, DeviceSpec};
use crate::rpc::{Heartbeat, Node, NodeStatus, RpcError};
use crate::setup::{Choice, Connection};
use crate::store::vault::Vault;
use crate::ui::alerting::Opened;
use crate::ui::asker::{Asked, Window};
use crate::ui::finding::DeviceFound;
use crate::ui::screen::devices::Seen;
use crate::ui::screen::{
    Alerts, Batch, Journal, Masternodes, Network, Register, Sandbox, Wallet, masternodes, network, register, wallet,
};

/// A node is asked for its tip no more often than this.
const NODE_PERIOD: Duration = Duration::from_secs(1);

/// Everything that ends with the connection.
pub struct Session {
    /// Tells connections apart: an answer to an older one is not taken.
    pub id: u64,
    pub choice: Choice,
    pub connection: Connection,
    pub node: NodeView,
    /// The one in use.
    pub device: Seen,
    /// The device that was opened with the connection.
    pub first: DeviceSpec,
    /// All there are; none before they were looked for.
    pub devices: Option<Vec<Found>>,
    /// Who answers what devices ask.
    pub asker: Window,
    pub sandbox: Option<Sandbox>,
    pub masternodes: Masternodes,
    pub network: Network,
    /// Keeps what happens to them.
    pub recorder: Arc<Recorder>,
    /// What happens to mine, whatever page is on screen.
    pub watch: Opened,
    pub alerts: Alerts,
    /// A wizard goes on while another page is on screen.
    pub register: Option<Register>,
    /// A collateral the wizard is to begin with when it is opened.
    pub offer: Option<register::Offer>,
    /// So does a change of several masternodes.
    pub batch: Option<Batch>,
    /// So does a payment of the device.
    pub wallet: Wallet,
    /// So does an operation being resumed.
    pub journal: Option<Journal>,
}

/// The node as it answered last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeView {
    Asking,
    Up(Box<NodeStatus>),
    /// It does not answer; it is asked again and again.
    Down(RpcError),
}

impl Session {
    pub fn new(id: u64, choice: Choice, connection: Connection, asker: Window) -> Self {
        let sandbox = connection
            .sandbox
            .clone()
            .map(|run| Sandbox::new(run, id, &connection.device));
        Self {
            id,
            choice,
            first: connection.device.clone(),
            connection,
            node: NodeView::Asking,
            device: Seen::Searching,
            devices: None,
            asker,
            sandbox,
            masternodes: Masternodes::new(),
            network: Network::default(),
            recorder: Arc::default(),
            watch: Opened::default(),
            alerts: Alerts::default(),
            register: None,
            offer: None,
            batch: None,
            wallet: Wallet::default(),
            journal: None,
        }
    }

    pub fn ports(&self) -> &Ports {
        &self.connection.ports
    }

    pub fn unlock(&mut self, vault: Arc<Vault>) {
        self.connection.ports.vault = Some(vault);
        self.tell_register();
    }

    /// True if the list on screen is of an older block.
    pub fn node_answered(&mut self, answer: Result<NodeStatus, RpcError>) -> bool {
        let before = match &self.node {
            NodeView::Up(status) => Some(status.tip),
            _ => None,
        };
        self.node = match answer {
            Ok(status) => NodeView::Up(Box::new(status)),
            Err(error) => NodeView::Down(error),
        };
        matches!(&self.node, NodeView::Up(status) if before != Some(status.tip))
    }

    pub fn device_found(&mut self, found: DeviceFound) {
        if found.spec != self.connection.device {
            return;
        }
        self.device = found.seen;
        self.connection.ports.device = found.device;
        self.tell_register();
    }

    /// From now on another device is used. What the old one was asked ends with whoever asked it.
    pub fn use_device(&mut self, spec: DeviceSpec) {
        if let Some(sandbox) = &mut self.sandbox {
            sandbox.used(&spec);
        }
        self.connection.device = spec;
        self.connection.ports.device = None;
        self.device = Seen::Searching;
        self.tell_register();
    }

    /// Devices of this connection that are not on USB.
    pub fn elsewhere(&self) -> Vec<DeviceSpec> {
        self.connection.specs.clone()
    }

    /// What the device waits for is shown where it was begun, too.
    pub fn told(&mut self, asked: &[Asked]) {
        let look = asked.iter().rev().find_map(|asked| match asked.question {
            hw::Question::Button { look, .. } => Some(look),
            _ => None,
        });
        if let Some(register) = &mut self.register {
            register.told(look);
        }
    }

    /// What is open shows what is there.
    fn tell_register(&mut self) {
        if let Some(register) = &mut self.register {
            register.ports_changed(&self.connection.ports);
        }
        if let Some(batch) = &mut self.batch {
            batch.ports_changed(&self.connection.ports);
        }
    }

    /// The wallet reads another device's accounts, if it is `shown`.
    pub fn tell_wallet(&mut self, shown: bool) -> Task<wallet::Message> {
        let of = match &self.device {
            Seen::Open {
                kind,
                place,
                info: Ok(info),
            } => Some(wallet::Of {
                kind: *kind,
                place: place.clone(),
                wallet: info.wallet.clone(),
            }),
            _ => None,
        };
        let sandbox = self.sandbox.is_some();
        self.wallet.ports_changed(&self.connection.ports, of, shown, sandbox)
    }

    pub fn refresh_masternodes(&mut self) -> Task<masternodes::Message> {
        self.masternodes.refresh(&self.connection.ports)
    }

    /// The list of all masternodes is put in order anew, if it was read anew.
    pub fn tell_network(&mut self) -> Task<network::Message> {
        match self.masternodes.overview() {
            Some(overview) => self.network.listed(overview, &self.connection.ports.profile),
            None => Task::none(),
        }
    }

    pub fn watch_node(&self) -> Subscription<(u64, Result<NodeStatus, RpcError>)> {
        let period = self.ports().poll.max(NODE_PERIOD);
        Subscription::run_with(
            NodeWatch {
                id: self.id,
                node: Arc::clone(&self.ports().node),
                period,
            },
            node_answers,
        )
    }
}

/// Asks the node once, for Retry.
pub async fn ask_node(node: Arc<dyn Node>) -> Result<NodeStatus, RpcError> {
    node.status().await
}

struct NodeWatch {
    id: u64,
    node: Arc<dyn Node>,
    period: Duration,
}

impl Hash for NodeWatch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// Every answer that differs from the one before, and each at once: a program at rest redraws nothing.
fn node_answers(watch: &NodeWatch) -> impl Stream<Item = (u64, Result<NodeStatus, RpcError>)> + use<> {
    let (id, node, period) = (watch.id, Arc::clone(&watch.node), watch.period);
    let start = (Heartbeat::default(), None);
    stream::unfold(start, move |(mut heartbeat, mut last)| {
        let node = Arc::clone(&node);
        async move {
            loop {
                if last.is_some() {
                    tokio::time::sleep(period).await;
                }
                let answer = heartbeat.look(&*node).await;
                if last.as_ref() != Some(&answer) {
                    return Some(((id, answer.clone()), (heartbeat, Some(answer))));
                }
                last = Some(answer);
            }
        }
    })
}
