//! What follows from an update, in plain words, before anybody signs.

use crate::protocol::masternode::entry::State;
use crate::protocol::masternode::queue::{self, EvoPayments, Slot};
use crate::protocol::masternode::{Entry, OperatorKey};
use crate::protocol::rules::Facts;
use crate::protocol::special_tx::Payload;
use crate::protocol::{Address, Profile};

/// One thing that will be so once the transaction is in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    /// Banned with the block that takes it; `revoked`: the operator gives up, else another operator key.
    BannedAtOnce {
        revoked: bool,
    },
    AddressWiped {
        service: String,
    },
    /// As RPCs write it. Its ports stay.
    PlatformIdWiped {
        node_id: String,
    },
    OperatorPayoutWiped {
        address: Address,
    },
    /// Its place, the blocks until its next payment, and how many more it will wait at least.
    PlaceInQueueLost {
        position: u32,
        of: u32,
        blocks: u32,
        later: u32,
    },
    /// It has no place to lose.
    NotInQueue,
    KeepsQueue,
    /// Enabled again, at the end of the queue.
    Revived {
        behind: u32,
    },
    /// The next thing that has to happen: the holder of the new operator key sends an address.
    OperatorMustAnnounce,
    /// The owner has to name an operator before anybody can revive it.
    OwnerMustNameOperator,
    /// The share of the operator goes to the owner from now on.
    OperatorUnpaid {
        reward: u16,
    },
    OperatorPaidTo {
        address: Address,
    },
    PaidTo {
        address: Address,
    },
    VotesBy {
        address: Address,
    },
    NothingChanges,
}

impl Consequence {
    /// It costs the owner something: shown apart, before the rest.
    pub fn is_grave(&self) -> bool {
        matches!(
            self,
            Self::BannedAtOnce { .. }
                | Self::AddressWiped { .. }
                | Self::PlatformIdWiped { .. }
                | Self::OperatorPayoutWiped { .. }
                | Self::PlaceInQueueLost { .. }
                | Self::OperatorUnpaid { .. }
        )
    }

    pub fn sentence(&self, profile: &Profile) -> String {
        match self {
            Self::BannedAtOnce { revoked: true } => {
                "The masternode is banned with the block that contains this revocation, and earns nothing until it is revived.".into()
            }
            Self::BannedAtOnce { revoked: false } => {
                "Another operator key bans the masternode with the block that contains it; it earns nothing until it is revived.".into()
            }
            Self::AddressWiped { service } => format!("Its address {service} is wiped from the list."),
            Self::PlatformIdWiped { node_id } => format!("Its Platform node id {node_id} is wiped from the list."),
            Self::OperatorPayoutWiped { address } => {
                format!("The operator's payout address {} is wiped from the list.", address.to_text(profile))
            }
            Self::PlaceInQueueLost { position, of, blocks, later } => format!(
                "It is number {position} of {of} in the payment queue, its next payment due {}. That place is lost: revived, it starts \
                 at the end, at least {later} {} later than now.",
                due(*blocks),
                plural(*later, "block"),
            ),
            Self::NotInQueue => "It is banned and stays so; it has no place in the payment queue to lose.".into(),
            Self::KeepsQueue => "It stays enabled and keeps its place in the payment queue.".into(),
            Self::Revived { behind } => format!(
                "It is enabled again with the block that contains this, its penalty is forgotten, and it joins the payment queue at \
                 the end, behind {behind} {}.",
                plural(*behind, "other"),
            ),
            Self::OperatorMustAnnounce => {
                "Afterwards the holder of the new operator key has to send a service update with the address; only that revives it.".into()
            }
            Self::OwnerMustNameOperator => {
                "Afterwards the owner has to name an operator key, and its holder has to send a service update; until then nobody can \
                 revive it.".into()
            }
            Self::OperatorUnpaid { reward } => format!(
                "No operator payout address is set: the operator's {} % go to the owner with the rest.",
                percent(*reward)
            ),
            Self::OperatorPaidTo { address } => {
                format!("The operator's share is paid to {} from the next block on.", address.to_text(profile))
            }
            Self::PaidTo { address } => format!("Rewards are paid to {} from the next block on.", address.to_text(profile)),
            Self::VotesBy { address } => format!("Only the holder of {} can vote with it from then on.", address.to_text(profile)),
            Self::NothingChanges => "Nothing changes: every field stays as it is, and the fee is spent for nothing.".into(),
        }
    }
}

fn due(blocks: u32) -> String {
    match blocks {
        0 | 1 => "in the next block".into(),
        blocks => format!("in {blocks} blocks"),
    }
}

fn plural(count: u32, word: &str) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}

fn percent(hundredths: u16) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// What an update would mean, from the list of the tip.
pub(super) fn consequences(
    before: &Entry,
    after: &State,
    payload: &Payload,
    facts: &Facts,
    evo: EvoPayments,
) -> Vec<Consequence> {
    let old = &before.state;
    let place = place(
        before,
        after,
        &queue::queue(&facts.masternodes, facts.height, evo),
        facts.height,
    );
    if old == after {
        return std::iter::once(Consequence::NothingChanges).chain(place).collect();
    }
    let other_operator = old.operator != after.operator;
    let mut all = Vec::new();
    if other_operator {
        all.extend(wiped(before, after));
    }
    all.extend(place);
    all.extend(payees(before, after, payload));
    if other_operator {
        all.push(match after.operator {
            OperatorKey::Revoked => Consequence::OwnerMustNameOperator,
            _ => Consequence::OperatorMustAnnounce,
        });
    }
    all
}

/// What another operator key, or none, costs at once.
fn wiped(before: &Entry, after: &State) -> Vec<Consequence> {
    let old = &before.state;
    let revoked = after.operator == OperatorKey::Revoked;
    let ban = (!before.is_banned()).then_some(Consequence::BannedAtOnce { revoked });
    let service = (!old.service.is_none()).then(|| Consequence::AddressWiped {
        service: old.service.to_string(),
    });
    let node_id = old.platform_node_id.clone();
    let platform = node_id.map(|node_id| Consequence::PlatformIdWiped { node_id });
    let payout = old.operator_payout;
    let payout = payout.map(|address| Consequence::OperatorPayoutWiped { address });
    [ban, service, platform, payout].into_iter().flatten().collect()
}

/// What becomes of the place in the queue.
fn place(before: &Entry, after: &State, slots: &[Slot], tip: u32) -> Option<Consequence> {
    match (before.is_banned(), after.pose_ban_height.is_some()) {
        (false, false) => Some(Consequence::KeepsQueue),
        (true, false) => Some(Consequence::Revived {
            behind: slots.len() as u32,
        }),
        (true, true) => Some(Consequence::NotInQueue),
        (false, true) => {
            let slot = slots.iter().find(|slot| slot.pro_tx_hash == before.pro_tx_hash)?;
            let last = slots.last()?.height;
            Some(Consequence::PlaceInQueueLost {
                position: slot.position,
                of: slots.len() as u32,
                blocks: slot.height - tip,
                later: last - slot.height,
            })
        }
    }
}

/// Who is paid and who votes, where that changes; and where the operator's share goes when the operator could say so.
fn payees(before: &Entry, after: &State, payload: &Payload) -> Vec<Consequence> {
    let old = &before.state;
    let mut all = Vec::new();
    if let Some(address) = after.payout.filter(|_| old.payout != after.payout) {
        all.push(Consequence::PaidTo { address });
    }
    if let Some(id) = after.voting.filter(|_| old.voting != after.voting) {
        all.push(Consequence::VotesBy { address: id.address() });
    }
    let reward = before.operator_reward;
    match (payload, after.operator_payout) {
        (Payload::ProUpServ(_), Some(address)) if old.operator_payout != Some(address) => {
            all.push(Consequence::OperatorPaidTo { address });
        }
        (Payload::ProUpServ(_), None) if reward > 0 => all.push(Consequence::OperatorUnpaid { reward }),
        _ => {}
    }
    all
}
