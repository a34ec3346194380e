//! Before a banned masternode is revived: why it was banned, as far as that can be known from here, and whether it would be banned
//! again.
//!
//! A ProUpServTx revives, also one that changes nothing. It costs a fee and the place in the queue each time, so the causes are
//! looked at first.

use std::time::Duration;

use super::choice::FeeSource;
use super::fee::fee_coins;
use super::{Error, Ports, overview};
use crate::protocol::masternode::{Entry, Status};
use crate::protocol::rules::DUST_KEY;
use crate::protocol::special_tx::Service;
use crate::protocol::special_tx::pro_up_rev::Reason;
use crate::protocol::{Amount, ProTxHash};
use crate::rpc::RpcError;

/// How long an address may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(4);
/// So many other bans within [`WAVE_BLOCKS`] before or after are the network's trouble, not one operator's.
const WAVE: usize = 10;
/// Half a day at 2.5 minutes.
const WAVE_BLOCKS: u32 = 288;
/// Bytes of a ProUpServTx with one input, for which the fee has to suffice.
const UPDATE_SIZE: u64 = 450;

/// What was found out about a banned masternode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    pub entry: Entry,
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// Reviving is possible at all.
    pub fn can_revive(&self) -> bool {
        self.findings.iter().all(|finding| !finding.forbids())
    }

    /// Nothing that was found speaks against it.
    pub fn is_clear(&self) -> bool {
        self.findings.iter().all(|finding| finding.mood() != Mood::Bad)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Good,
    /// Could not be found out from here, or worth knowing.
    Open,
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    NotBanned,
    /// Its score reached the maximum: it missed too many DKGs. Once banned, the penalty stays.
    Misbehaved {
        since: u32,
        blocks: u32,
        penalty: u32,
    },
    /// Registered without address, or the operator key was changed: it only waits for an address.
    WaitsForAddress {
        since: u32,
    },
    /// Nobody can revive it before the owner names an operator.
    Revoked {
        reason: u16,
    },
    /// Many were banned at the same time.
    NetworkEvent {
        others: usize,
    },
    Reachable {
        service: Service,
    },
    /// Nothing answers at its address from here.
    Unreachable {
        service: Service,
        why: Unreachable,
    },
    NoAddress,
    /// Another masternode has the same address.
    AddressTaken {
        by: ProTxHash,
    },
    /// The vault holds the operator key the list names.
    OperatorKeyHere {
        label: String,
    },
    /// The vault holds none; if the server runs with another key, it will be banned again.
    OperatorKeyElsewhere,
    FeeCoins {
        available: Amount,
    },
    /// Too little, or nothing.
    NoFeeCoins {
        label: String,
    },
    /// What operators report most, to be looked at on the server.
    Causes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    Refused,
    NoAnswer,
    /// The way there is barred from this network.
    NoRoute,
}

/// What operators report as causes of bans, the commonest first.
pub const CAUSES: [&str; 8] = [
    "The daemon does not run, or has not caught up with the chain.",
    "Its version is too old since a hard fork.",
    "The disk is full, or memory and swap are used up.",
    "masternodeblsprivkey in its configuration is missing, misspelt, used twice, or the daemon was not restarted after a change.",
    "The port is closed: a firewall, a provider's filter, or NAT.",
    "The server's public address is not the registered one.",
    "It was restarted in the middle of a DKG.",
    "It has too few connections to other masternodes.",
];

impl Finding {
    pub fn mood(&self) -> Mood {
        match self {
            Self::Reachable { .. } | Self::OperatorKeyHere { .. } | Self::FeeCoins { .. } => Mood::Good,
            Self::NotBanned
            | Self::Misbehaved { .. }
            | Self::WaitsForAddress { .. }
            | Self::NetworkEvent { .. }
            | Self::NoAddress
            | Self::OperatorKeyElsewhere
            | Self::Causes => Mood::Open,
            Self::Revoked { .. } | Self::Unreachable { .. } | Self::AddressTaken { .. } | Self::NoFeeCoins { .. } => {
                Mood::Bad
            }
        }
    }

    fn forbids(&self) -> bool {
        matches!(self, Self::Revoked { .. } | Self::NotBanned)
    }

    pub fn sentence(&self, ticker: &str) -> String {
        match self {
            Self::NotBanned => "It is not banned.".into(),
            Self::Misbehaved { since, blocks, penalty } => format!(
                "Banned at block {since}, {blocks} blocks ago, with a penalty of {penalty}: it missed too many quorum sessions."
            ),
            Self::WaitsForAddress { since } => {
                format!(
                    "Banned since block {since} only because it has no address yet: that is what this update gives it."
                )
            }
            Self::Revoked { reason } => format!(
                "Its operator gave up ({}): the owner has to name a new operator key before anybody can revive it.",
                reason_text(*reason)
            ),
            Self::NetworkEvent { others } => {
                format!("{others} other masternodes were banned within half a day of it: the network had trouble then.")
            }
            Self::Reachable { service } => format!("{service} answers from here."),
            Self::Unreachable { service, why } => {
                let why = match why {
                    Unreachable::Refused => "refuses connections: nothing listens there, or a firewall refuses",
                    Unreachable::NoAnswer => "does not answer from here: it is down, or a firewall drops connections",
                    Unreachable::NoRoute => "cannot be reached from this network",
                };
                format!("{service} {why}. Revived like this it would soon be banned again.")
            }
            Self::NoAddress => "It has no address in the list; name one.".into(),
            Self::AddressTaken { by } => format!("The masternode {by} has the same address."),
            Self::OperatorKeyHere { label } => format!("The vault holds its operator key: {label}."),
            Self::OperatorKeyElsewhere => {
                "Its operator key is not in this vault: paste it, or hand the update over to who holds it.".into()
            }
            Self::FeeCoins { available } => format!("{} {ticker} are there for the fee.", available.short()),
            Self::NoFeeCoins { label } => format!("{label} holds too little to pay the fee with."),
            Self::Causes => "Before it is revived, look for what operators report most:".into(),
        }
    }
}

/// Looks at everything that can be seen from here. Takes up to [`PATIENCE`] for the address.
///
/// # Errors
/// Of the node or the vault.
pub async fn look(ports: &Ports, pro_tx_hash: ProTxHash, fee_from: Option<&FeeSource>) -> Result<Diagnosis, Error> {
    let mut diagnosis = look_here(ports, pro_tx_hash, fee_from).await?;
    let probed = address(diagnosis.entry.state.service).await;
    let comes_later = |finding: &Finding| {
        matches!(
            finding,
            Finding::FeeCoins { .. } | Finding::NoFeeCoins { .. } | Finding::Causes
        )
    };
    let later = diagnosis.findings.iter().position(comes_later);
    let at = later.unwrap_or(diagnosis.findings.len());
    diagnosis.findings.insert(at, probed);
    Ok(diagnosis)
}

/// The same without the address, which [`address`] asks: for who shows the rest at once.
///
/// # Errors
/// Of the node or the vault.
pub async fn look_here(
    ports: &Ports,
    pro_tx_hash: ProTxHash,
    fee_from: Option<&FeeSource>,
) -> Result<Diagnosis, Error> {
    let list = ports.node.masternodes().await?;
    let hash = pro_tx_hash.to_string();
    let found = list.entries.iter().find(|entry| entry.pro_tx_hash == pro_tx_hash);
    let entry = found.cloned().ok_or(Error::NoSuchMasternode { hash })?;
    let mut findings = vec![why_banned(&entry, list.tip.height)];
    findings.extend(wave(&entry, &list.entries));
    findings.push(operator_key(ports, &entry));
    findings.extend(twin(&entry, &list.entries));
    if let Some(source) = fee_from {
        findings.extend(fee(ports, source).await?);
    }
    if entry.status() == Status::PoseBanned {
        findings.push(Finding::Causes);
    }
    Ok(Diagnosis { entry, findings })
}

/// Whether the fee source can pay for the update; none where the node cannot search coins.
async fn fee(ports: &Ports, source: &FeeSource) -> Result<Option<Finding>, Error> {
    let (label, _, coins) = match fee_coins(ports, source, &[]).await {
        Err(Error::Node(RpcError::NoCoinSearch)) => return Ok(None),
        found => found?,
    };
    let available: Amount = coins.iter().map(|coin| coin.value).sum();
    let rate = ports.node.fee_rate().await?.advised.duffs();
    let needed = (UPDATE_SIZE * rate).div_ceil(1_000) + DUST_KEY;
    Ok(Some(if available.duffs() < needed {
        Finding::NoFeeCoins { label }
    } else {
        Finding::FeeCoins { available }
    }))
}

fn twin(entry: &Entry, list: &[Entry]) -> Option<Finding> {
    let service = entry.state.service;
    let is_twin = |other: &&Entry| other.pro_tx_hash != entry.pro_tx_hash && other.state.service == service;
    let twin = list.iter().find(is_twin).filter(|_| !service.is_none())?;
    Some(Finding::AddressTaken { by: twin.pro_tx_hash })
}

fn reason_text(reason: u16) -> String {
    Reason::from_number(reason).map_or_else(|| format!("reason {reason}"), |reason| reason.to_string())
}

fn why_banned(entry: &Entry, tip: u32) -> Finding {
    let Some(since) = entry.state.pose_ban_height else {
        return Finding::NotBanned;
    };
    match entry.status() {
        Status::Revoked => Finding::Revoked {
            reason: entry.state.revocation_reason,
        },
        Status::WaitingForService => Finding::WaitsForAddress { since },
        _ => Finding::Misbehaved {
            since,
            blocks: tip.saturating_sub(since),
            penalty: entry.state.pose_penalty,
        },
    }
}

/// Whether the ban was one of many.
fn wave(entry: &Entry, list: &[Entry]) -> Option<Finding> {
    let since = entry.state.pose_ban_height?;
    let near = |other: &&Entry| {
        other.pro_tx_hash != entry.pro_tx_hash
            && other.status() == Status::PoseBanned
            && other
                .state
                .pose_ban_height
                .is_some_and(|at| at.abs_diff(since) <= WAVE_BLOCKS)
    };
    let others = list.iter().filter(near).count();
    (others >= WAVE && entry.status() == Status::PoseBanned).then_some(Finding::NetworkEvent { others })
}

fn operator_key(ports: &Ports, entry: &Entry) -> Finding {
    let roles = overview::roles(ports.vault.as_deref(), entry);
    match (entry.state.operator.point(), roles.operator) {
        (Some(_), Some(label)) => Finding::OperatorKeyHere { label },
        _ => Finding::OperatorKeyElsewhere,
    }
}

/// Opens a connection to an address and closes it again.
///
/// A masternode that answers here may still be unreachable for others, and the other way round: this computer is one place.
pub async fn address(service: Service) -> Finding {
    if service.is_none() {
        return Finding::NoAddress;
    }
    let target = std::net::SocketAddr::from((service.ip.to_canonical(), service.port));
    let why = match tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(target)).await {
        Ok(Ok(_)) => return Finding::Reachable { service },
        Err(_) => Unreachable::NoAnswer,
        Ok(Err(error)) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused => Unreachable::Refused,
            std::io::ErrorKind::TimedOut => Unreachable::NoAnswer,
            _ => Unreachable::NoRoute,
        },
    };
    Finding::Unreachable { service, why }
}
