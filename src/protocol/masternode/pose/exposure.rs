//! How long a masternode that stays down lasts: an estimate.
//!
//! Members of a quorum are drawn by lot, so nobody can say when a dead masternode fails next; but how often each kind of quorum is
//! made and how many members it has is fixed (Dash Core llmq/params.h).

use super::Outlook;
use crate::protocol::network::MnType;

/// The quorums that a network makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumRules {
    pub kinds: Vec<QuorumKind>,
}

/// One kind of quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumKind {
    /// As nodes call it: `llmq_60_75`.
    pub name: String,
    /// Members of a quorum.
    pub size: u32,
    /// Quorums made at once: more than one where they rotate (DIP-0024). Their members are not drawn independently: nobody is in two
    /// of them while there are masternodes in none.
    pub quorums: u32,
    /// **Blocks** from one making to the next; they begin at multiples of it.
    pub interval: u32,
    /// **Blocks** from the beginning to the first block that may hold the result.
    pub mined_after: u32,
    /// Only evonodes are members.
    pub evo_only: bool,
}

/// How long until a ban, in **blocks**: an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeToBan {
    /// One in twenty is banned by then.
    pub early: u32,
    /// Half of them are.
    pub likely: u32,
    /// All but one in twenty are.
    pub late: u32,
}

/// When a masternode that goes down now, and stays down, is banned. `regular` and `evo` are the numbers of enabled ones.
/// None if it is banned, or if the network's quorums would likely not do it.
pub fn time_to_ban(
    from: &Outlook,
    kind: MnType,
    regular: usize,
    evo: usize,
    quorums: &QuorumRules,
) -> Option<TimeToBan> {
    let _ = (from, kind, regular, evo, quorums);
    None
}

/// How likely a masternode that goes down now is banned within so many blocks of being down, from 0 to 1.
pub fn chance_of_ban_within(
    blocks: u32,
    from: &Outlook,
    kind: MnType,
    regular: usize,
    evo: usize,
    quorums: &QuorumRules,
) -> f64 {
    let _ = (blocks, from, kind, regular, evo, quorums);
    0.0
}
