//! A connection on screen: what node and device say, and the pages that need them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, stream};
use iced::{Subscription, Task};

use crate::flow::Ports;
use crate::hw::{self, Device, DeviceSpec};
use crate::rpc::{Node, NodeStatus, RpcError};
use crate::setup::{self, Choice, Connection};
use crate::store::vault::Vault;
use crate::ui::asker::{Asked, Window};
use crate::ui::screen::devices::Seen;
use crate::ui::screen::{Batch, Journal, Masternodes, Register, Sandbox, Wallet, masternodes, register, wallet};

/// How often a device is looked for that is not there or not ready.
const DEVICE_PERIOD: Duration = Duration::from_secs(2);
/// How often one that is ready is asked whether it still is. A question on its screen is waited for, not disturbed.
const READY_PERIOD: Duration = Duration::from_secs(4);
/// A node is asked for its tip no more often than this.
const NODE_PERIOD: Duration = Duration::from_secs(1);

/// Everything that ends with the connection.
pub struct Session {
    /// Tells connections apart: an answer to an older one is not taken.
    pub id: u64,
    pub choice: Choice,
    pub connection: Connection,
    pub node: NodeView,
    pub device: Seen,
    /// Who answers what devices ask.
    asker: Window,
    pub sandbox: Option<Sandbox>,
    pub masternodes: Masternodes,
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

/// A device as it was found, with the way to it.
#[derive(Clone)]
pub struct DeviceFound {
    pub seen: Seen,
    pub device: Option<Arc<dyn Device>>,
}

impl Session {
    pub fn new(id: u64, choice: Choice, connection: Connection, asker: Window) -> Self {
        let sandbox = connection.sandbox.clone().map(|run| Sandbox::new(run, id));
        Self {
            id,
            choice,
            connection,
            node: NodeView::Asking,
            device: Seen::Searching,
            asker,
            sandbox,
            masternodes: Masternodes::new(),
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
        self.device = found.seen;
        self.connection.ports.device = found.device;
        self.tell_register();
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
            Seen::Open { info: Ok(info), .. } => info.wallet.as_deref(),
            _ => None,
        };
        let sandbox = self.sandbox.is_some();
        self.wallet.ports_changed(&self.connection.ports, of, shown, sandbox)
    }

    pub fn refresh_masternodes(&mut self) -> Task<masternodes::Message> {
        self.masternodes.refresh(&self.connection.ports)
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

    pub fn watch_device(&self) -> Subscription<(u64, DeviceFound)> {
        let watch = DeviceWatch {
            id: self.id,
            spec: self.connection.device.clone(),
            ports: self.connection.ports.clone(),
            asker: self.asker.clone(),
        };
        Subscription::run_with(watch, device_findings)
    }

    /// Looks for the device once, for Refresh.
    pub fn find_device(&self) -> impl Future<Output = DeviceFound> + use<> {
        let (spec, ports) = (self.connection.device.clone(), self.connection.ports.clone());
        find_device(spec, ports, self.asker.clone())
    }
}

/// Asks the node once, for Retry.
pub async fn ask_node(node: Arc<dyn Node>) -> Result<NodeStatus, RpcError> {
    node.status().await
}

async fn find_device(spec: DeviceSpec, ports: Ports, asker: Window) -> DeviceFound {
    let device = match setup::open_device(spec, Arc::clone(&ports.profile), Arc::new(asker)).await {
        Ok(device) => device,
        Err(error) => {
            return DeviceFound {
                seen: Seen::Missing(error),
                device: None,
            };
        }
    };
    let seen = Seen::Open {
        kind: device.kind(),
        place: device.place(),
        info: device.info().await,
    };
    DeviceFound {
        seen,
        device: Some(device),
    }
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
    stream::unfold(None, move |mut last: Option<Result<NodeStatus, RpcError>>| {
        let node = Arc::clone(&node);
        async move {
            loop {
                if last.is_some() {
                    tokio::time::sleep(period).await;
                }
                let answer = ask_node(Arc::clone(&node)).await;
                if last.as_ref() != Some(&answer) {
                    return Some(((id, answer.clone()), Some(answer)));
                }
                last = Some(answer);
            }
        }
    })
}

struct DeviceWatch {
    id: u64,
    spec: DeviceSpec,
    ports: Ports,
    asker: Window,
}

impl Hash for DeviceWatch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

fn device_findings(watch: &DeviceWatch) -> impl Stream<Item = (u64, DeviceFound)> + use<> {
    let (id, spec, ports, asker) = (watch.id, watch.spec.clone(), watch.ports.clone(), watch.asker.clone());
    stream::unfold(None, move |mut last: Option<Seen>| {
        let (spec, ports, asker) = (spec.clone(), ports.clone(), asker.clone());
        async move {
            loop {
                if let Some(seen) = &last {
                    let period = if seen.is_ready() { READY_PERIOD } else { DEVICE_PERIOD };
                    tokio::time::sleep(period).await;
                }
                let found = find_device(spec.clone(), ports.clone(), asker.clone()).await;
                if last.as_ref() != Some(&found.seen) {
                    let seen = found.seen.clone();
                    return Some(((id, found), Some(seen)));
                }
                last = Some(found.seen);
            }
        }
    })
}
