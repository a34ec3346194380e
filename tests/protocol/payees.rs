//! The queue against nodes and against the sandbox, whose payment rule is written apart from it.

use std::time::Instant;

use bitcoin::ScriptBuf;
use bitcoin::hashes::Hash;
use castellan::protocol::bls::Scheme;
use castellan::protocol::masternode::entry::State;
use castellan::protocol::masternode::queue::{EvoPayments, queue, upcoming};
use castellan::protocol::masternode::{Entry, OperatorKey, effect};
use castellan::protocol::network::MnType;
use castellan::protocol::script;
use castellan::protocol::special_tx::pro_reg::Platform;
use castellan::protocol::special_tx::pro_up_rev::Reason;
use castellan::protocol::special_tx::{Payload, ProRegTx, ProUpRegTx, ProUpRevTx, ProUpServTx, Service};
use castellan::protocol::{KeyId, OutPoint, ProTxHash};
use castellan::rpc::types;
use castellan::sandbox::masternodes::{List, Masternode};
use castellan::sandbox::payee;
use serde_json::Value;

use crate::{cases, profile};

const MODERN_RPC: &str = include_str!("../data/dashd-23.1.2/modern-rpc.json");
const LEGACY_RPC: &str = include_str!("../data/dashd-23.1.2/legacy-rpc.json");
const WEI_RPC: &str = include_str!("../data/weid-0.17.0.3/rpc.json");

/// What `masternode winners` calls the payee.
fn winner(entry: &Entry, network: &str) -> String {
    let profile = profile(network);
    let address = |address: castellan::protocol::Address| address.to_text(&profile);
    let payout = entry.state.payout.map(address).unwrap_or_default();
    match entry.state.operator_payout {
        Some(operator) if entry.operator_reward > 0 => format!("{payout}, {}", address(operator)),
        _ => payout,
    }
}

/// The blocks to come that `masternode winners` of a recording names, compared with its lists of the same tip; how many agreed.
fn projections(recording: &str, network: &str) -> usize {
    let calls = cases(recording);
    let with = |method: &'static str, first: &'static str| {
        let matches = move |call: &&Value| call["method"] == method && call["params"][0] == first;
        calls.iter().filter(matches).map(|call| &call["result"])
    };
    let mut agreed = 0;
    for list in with("protx", "list").filter(|list| list[0].is_object()) {
        let entries = types::masternodes(&list.to_string(), &profile(network)).expect("a list");
        // Every block pays somebody.
        let tip = entries
            .iter()
            .map(|entry| entry.state.last_paid_height)
            .max()
            .expect("entries");
        let enabled = entries.iter().filter(|entry| !entry.is_banned()).count();
        for winners in with("masternode", "winners").filter_map(Value::as_object) {
            let last = winners
                .keys()
                .filter_map(|height| height.parse::<u32>().ok())
                .max()
                .expect("heights");
            // A node names as many as are enabled. Other lists are of other tips.
            if last != tip + enabled as u32 {
                continue;
            }
            for (height, hash) in upcoming(&entries, tip, EvoPayments::Single, enabled) {
                let payee = entries.iter().find(|entry| entry.pro_tx_hash == hash).expect("listed");
                assert_eq!(
                    winners[&height.to_string()],
                    winner(payee, network),
                    "{network} {height}"
                );
                agreed += 1;
            }
        }
    }
    agreed
}

#[test]
fn nodes_name_the_same_payees_of_the_blocks_to_come() {
    for (recording, network, least) in [
        (MODERN_RPC, "dash-regtest", 8),
        (LEGACY_RPC, "dash-regtest", 6),
        (WEI_RPC, "wei-regtest", 8),
    ] {
        let agreed = projections(recording, network);
        assert!(agreed >= least, "{network}: {agreed}");
    }
}

/// Blocks that are simulated.
const BLOCKS: u32 = 20_000;
/// Evonodes are paid four times in a row from the first of these heights to before the second.
const V19: u32 = 4_000;
const MN_RR: u32 = 13_000;
/// Masternodes at the start, and about as many later.
const FLEET: usize = 130;

/// Numbers for draws; the same in every run.
struct Lots(u64);

impl Lots {
    fn below(&mut self, end: usize) -> usize {
        // Knuth's MMIX constants; the high half is the better one.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.below(256) as u8)
    }

    fn service(&mut self) -> Service {
        let [a, b, c] = self.bytes();
        Service::v4([1 + a % 200, b, c, 1].into(), 9_999)
    }
}

/// One chain, told twice: the sandbox's list and entries as a node would list them.
struct Twice {
    lots: Lots,
    theirs: List,
    ours: Vec<Entry>,
    tip: u32,
}

/// What may happen to a masternode in a block.
#[derive(Debug, Clone, Copy)]
enum Event {
    Register,
    Punish,
    Ban,
    Serve,
    NewOperator,
    SameOperator,
    Revoke,
    Remove,
}

/// How often each happens.
const EVENTS: [Event; 16] = [
    Event::Register,
    Event::Register,
    Event::Punish,
    Event::Punish,
    Event::Punish,
    Event::Ban,
    Event::Serve,
    Event::Serve,
    Event::Serve,
    Event::Serve,
    Event::Serve,
    Event::NewOperator,
    Event::SameOperator,
    Event::Revoke,
    Event::Remove,
    Event::Remove,
];

fn payments(height: u32) -> EvoPayments {
    if (V19..MN_RR).contains(&height) {
        EvoPayments::FourInARow
    } else {
        EvoPayments::Single
    }
}

impl Twice {
    fn new() -> Self {
        Self {
            lots: Lots(7),
            theirs: List::default(),
            ours: Vec::new(),
            tip: 0,
        }
    }

    fn version(&self) -> u16 {
        if self.tip < V19 { 1 } else { 2 }
    }

    /// The payee of the next block, on which both agree.
    fn payee(&self) -> Option<ProTxHash> {
        let evo = payments(self.tip + 1);
        let runs = evo == EvoPayments::FourInARow;
        let theirs = payee::next_payee(&self.theirs, self.tip, runs).map(|mn| mn.pro_tx_hash);
        let slots = queue(&self.ours, self.tip, evo);
        assert_eq!(slots.len(), self.theirs.valid().count());
        assert_eq!(
            slots.first().map(|slot| slot.pro_tx_hash),
            theirs,
            "block {}",
            self.tip + 1
        );
        theirs
    }

    /// Several rounds ahead.
    fn look_ahead(&self) {
        let evo = payments(self.tip + 1);
        let count = 3 * self.theirs.valid().count() + 7;
        let theirs = payee::project(&self.theirs, self.tip, count, |_| evo == EvoPayments::FourInARow);
        let ours = upcoming(&self.ours, self.tip, evo, count);
        let hashes: Vec<ProTxHash> = ours.iter().map(|(_, hash)| *hash).collect();
        assert_eq!(hashes, theirs, "after block {}", self.tip);
    }

    fn mine(&mut self) {
        let paid = self.payee();
        let height = self.tip + 1;
        self.theirs.decay();
        for entry in self.ours.iter_mut().filter(|entry| !entry.is_banned()) {
            entry.state.pose_penalty = entry.state.pose_penalty.saturating_sub(1);
        }
        // Most blocks are quiet.
        for _ in 0..self.lots.below(6).saturating_sub(3) {
            let event = EVENTS[self.lots.below(EVENTS.len())];
            self.happen(event, height);
        }
        self.pay(paid, height);
        self.tip = height;
    }

    fn pay(&mut self, paid: Option<ProTxHash>, height: u32) {
        let runs = payments(height) == EvoPayments::FourInARow;
        payee::note_paid(&mut self.theirs, paid, height, runs);
        for entry in &mut self.ours {
            let state = &mut entry.state;
            if Some(entry.pro_tx_hash) != paid {
                state.consecutive_payments = 0;
                continue;
            }
            state.last_paid_height = height;
            let counts = runs && entry.kind == MnType::Evo;
            state.consecutive_payments = if counts { state.consecutive_payments + 1 } else { 0 };
        }
    }

    fn happen(&mut self, event: Event, height: u32) {
        if self.ours.is_empty() || matches!(event, Event::Register) {
            return self.register(height);
        }
        let at = self.lots.below(self.ours.len());
        let hash = self.ours[at].pro_tx_hash;
        match event {
            Event::Punish | Event::Ban => self.fail(at, matches!(event, Event::Ban), height),
            Event::Remove => {
                self.theirs.remove(hash);
                self.ours.swap_remove(at);
            }
            Event::Serve if self.ours[at].state.operator.is_revoked() => {}
            _ => {
                let payload = self.update(event, at);
                self.theirs.update(hash, |state| match &payload {
                    Payload::ProUpServ(payload) => state.serve(payload, height),
                    Payload::ProUpReg(payload) => state.reassign(payload, height),
                    Payload::ProUpRev(payload) => state.revoke(payload, height),
                    _ => unreachable!("no other update"),
                });
                self.ours[at].state = effect::after(&self.ours[at], &payload, height).expect("an update");
            }
        }
    }

    fn update(&mut self, event: Event, at: usize) -> Payload {
        let (version, pro_tx_hash) = (self.version(), self.ours[at].pro_tx_hash);
        let payout = script::pay_to_key(&self.lots.bytes());
        match event {
            Event::Serve => {
                let with_payout = self.lots.below(2) == 0;
                Payload::ProUpServ(Box::new(ProUpServTx {
                    version,
                    kind: self.ours[at].kind.number(),
                    pro_tx_hash,
                    service: self.lots.service(),
                    operator_payout: if with_payout { payout } else { ScriptBuf::new() },
                    inputs_hash: [0; 32],
                    platform: (self.ours[at].kind == MnType::Evo).then(|| self.platform()),
                    signature: [0; 96],
                }))
            }
            Event::Revoke => {
                let reason = Reason::ALL[self.lots.below(4)];
                Payload::ProUpRev(Box::new(ProUpRevTx::unsigned(version, pro_tx_hash, reason, [0; 32])))
            }
            _ => {
                let same = self.ours[at].state.operator;
                let operator = match same {
                    OperatorKey::Listed { bytes, encoding } if matches!(event, Event::SameOperator) => {
                        // In the encoding it is listed in, as nobody has real points here.
                        return self.reassign(at, bytes, encoding, payout);
                    }
                    _ => self.lots.bytes(),
                };
                let encoding = if version == 1 { Scheme::Legacy } else { Scheme::Basic };
                self.reassign(at, operator, encoding, payout)
            }
        }
    }

    fn reassign(&mut self, at: usize, operator: [u8; 48], encoding: Scheme, payout: ScriptBuf) -> Payload {
        Payload::ProUpReg(Box::new(ProUpRegTx {
            version: if encoding == Scheme::Legacy { 1 } else { 2 },
            pro_tx_hash: self.ours[at].pro_tx_hash,
            mode: 0,
            operator,
            voting: KeyId(self.lots.bytes()),
            payout,
            inputs_hash: [0; 32],
            signature: Vec::new(),
        }))
    }

    fn platform(&mut self) -> Platform {
        Platform {
            node_id: self.lots.bytes(),
            p2p_port: 26_656,
            http_port: 443,
        }
    }

    fn register(&mut self, height: u32) {
        let version = self.version();
        let kind = if version == 2 && self.lots.below(4) == 0 {
            MnType::Evo
        } else {
            MnType::Regular
        };
        let hash = ProTxHash::from_byte_array(self.lots.bytes());
        let without_address = self.lots.below(8) == 0;
        let payload = ProRegTx {
            version,
            kind: kind.number(),
            mode: 0,
            collateral: OutPoint { txid: hash, vout: 0 },
            service: if without_address {
                Service::NONE
            } else {
                self.lots.service()
            },
            owner: KeyId(self.lots.bytes()),
            operator: self.lots.bytes(),
            voting: KeyId(self.lots.bytes()),
            operator_reward: 500,
            payout: script::pay_to_key(&self.lots.bytes()),
            inputs_hash: [0; 32],
            platform: (kind == MnType::Evo).then(|| self.platform()),
            signature: Vec::new(),
        };
        self.ours.push(listed(&payload, kind, hash, height));
        self.theirs
            .insert(Masternode::registered(&payload, kind, hash, ScriptBuf::new(), height));
    }

    /// A failed DKG, or as many as ban.
    fn fail(&mut self, at: usize, bans: bool, height: u32) {
        let rules = profile("dash-regtest").pose;
        let max = rules.max_penalty(self.ours.len());
        let added = if bans { max } else { rules.failing_penalty(max) };
        let state = &mut self.ours[at].state;
        state.pose_penalty = (state.pose_penalty + added).min(max);
        if state.pose_penalty == max {
            state.pose_ban_height.get_or_insert(height);
        }
        let hash = self.ours[at].pro_tx_hash;
        if bans {
            self.theirs.ban(hash, height);
        } else {
            self.theirs.punish(hash, height);
        }
    }

    /// Both tell the same of every masternode.
    fn compare(&self) {
        assert_eq!(self.ours.len(), self.theirs.len());
        for entry in &self.ours {
            let (state, mn) = (&entry.state, self.theirs.get(entry.pro_tx_hash).expect("listed"));
            let theirs = &mn.state;
            let heights = [
                state.registered_height,
                state.last_paid_height,
                state.consecutive_payments,
            ];
            let their_heights = [
                theirs.registered_height,
                theirs.last_paid_height,
                theirs.consecutive_payments,
            ];
            assert_eq!(heights, their_heights, "after block {}", self.tip);
            let pose = (state.pose_penalty, state.pose_revived_height, state.pose_ban_height);
            let their_pose = (theirs.penalty, theirs.revived_height, theirs.ban_height);
            assert_eq!(pose, their_pose, "after block {}", self.tip);
            let rest = (
                state.version,
                state.service,
                state.operator.to_bytes(entry.key_encoding()),
                state.voting,
            );
            let their_rest = (theirs.version, theirs.service, theirs.operator, Some(theirs.voting));
            assert_eq!(rest, their_rest, "after block {}", self.tip);
            assert_eq!(state.revocation_reason, theirs.revocation_reason);
            assert_eq!(state.payout, script::address(theirs.payout.as_bytes()));
            assert_eq!(
                state.operator_payout,
                script::address(theirs.operator_payout.as_bytes())
            );
        }
    }
}

/// As a node lists a registration of a height.
fn listed(payload: &ProRegTx, kind: MnType, hash: ProTxHash, height: u32) -> Entry {
    Entry {
        pro_tx_hash: hash,
        kind,
        collateral: payload.collateral,
        operator_reward: payload.operator_reward,
        confirmations: None,
        state: State {
            version: payload.version,
            service: payload.service,
            registered_height: height,
            last_paid_height: 0,
            consecutive_payments: 0,
            pose_penalty: 0,
            pose_revived_height: None,
            pose_ban_height: payload.service.is_none().then_some(height),
            revocation_reason: 0,
            owner: Some(payload.owner),
            voting: Some(payload.voting),
            payout: script::address(payload.payout.as_bytes()),
            operator_payout: None,
            operator: OperatorKey::from_bytes(payload.operator, payload.key_encoding()),
            platform_node_id: payload.platform.map(|platform| platform.node_id_hex()),
            platform_p2p_port: payload.platform.map(|platform| platform.p2p_port),
            platform_http_port: payload.platform.map(|platform| platform.http_port),
        },
    }
}

#[test]
fn twenty_thousand_blocks_pay_whom_the_queue_says() {
    let start = Instant::now();
    let mut chain = Twice::new();
    for _ in 0..FLEET {
        chain.register(0);
    }
    let (mut bans, mut revived, mut runs, mut fewest, mut most) = (0, 0, 0, usize::MAX, 0);
    for block in 0..BLOCKS {
        chain.mine();
        if block % 10 == 0 {
            chain.compare();
        }
        if block % 200 == 0 {
            chain.look_ahead();
        }
        let at_this = |height: Option<u32>| height == Some(chain.tip);
        let count = |test: &dyn Fn(&Entry) -> bool| chain.ours.iter().filter(|entry| test(entry)).count();
        bans += count(&|entry| at_this(entry.state.pose_ban_height));
        revived += count(&|entry| at_this(entry.state.pose_revived_height));
        runs += count(&|entry| entry.state.consecutive_payments == 4);
        let enabled = count(&|entry| !entry.is_banned());
        (fewest, most) = (fewest.min(enabled), most.max(enabled));
    }
    // What was to be tried was there.
    assert!(bans > 1_000 && revived > 500 && runs > 200, "{bans} {revived} {runs}");
    assert!(fewest > 5 && most < 1_000, "{fewest} {most}");
    eprintln!(
        "{BLOCKS} blocks, {bans} bans, {revived} revivals, {runs} runs, {fewest} to {most} enabled: {:?}",
        start.elapsed()
    );
}
