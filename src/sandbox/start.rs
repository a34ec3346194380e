//! The state a sandbox begins with: a chain some hundred blocks long whose masternodes registered by ordinary transactions.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf};

use super::asset_unlock::{CREDIT_POOL, UnlockError, Unlocked};
use super::chain::{Block, Chain, derive, secp_key};
use super::dialect::Dialect;
use super::faucet::{FaucetError, sign_inputs};
use super::masternodes::{List, merkle_root};
use super::mempool::Mempool;
use super::mine::coinbase_input;
use super::reject::Reject;
use crate::protocol::address::Address;
use crate::protocol::amount::COIN;
use crate::protocol::bls;
use crate::protocol::key::SecpKey;
use crate::protocol::message::message_hash;
use crate::protocol::network::{MnType, Profile};
use crate::protocol::script;
use crate::protocol::special_tx::ProRegTx;
use crate::protocol::special_tx::Service;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::tx::{COINBASE, SPECIAL_VERSION, Transaction, TxIn, TxOut};
use crate::protocol::wire::WriteWire;
use crate::protocol::{Amount, ProTxHash};

/// Coins of block 1.
const PREMINE_OUTPUTS: u64 = 200;
/// What a masternode's own fee coin holds, **duffs**.
const FEE_COIN: u64 = COIN / 100;
/// **Duffs**.
const REGISTRATION_FEE: u64 = 1_000;
/// Activation heights above are not waited for: a sandbox must start at once.
const LONGEST_START: u32 = 2_000;
const SHORTEST_START: u32 = 300;
/// Blocks between the last activation and the tip.
const SETTLED: u32 = 20;
/// Confirmations the device's coins have at the start: more than any guide asks for.
const DEVICE_CONFIRMATIONS: u32 = 20;
/// Small coins of a device, and how many of them one transaction makes.
pub const SMALL_COINS: usize = 50;
const SMALL_AT_ONCE: usize = 5;
/// The smallest of them, and by how much each is larger than the one before; **duffs**.
const SMALL: u64 = COIN / 10;
const SMALL_STEP: u64 = COIN / 100;
/// What a device's asset unlock pays, **duffs**, and its confirmations at the start.
const UNLOCKED: u64 = 3 * COIN;
const UNLOCK_CONFIRMATIONS: u32 = 10;
/// Every how many-th masternode is an evonode.
const EVO_EVERY: usize = 8;
/// What operators ask for, by turns, in hundredths of a percent.
const REWARDS: [u16; 5] = [0, 0, 500, 0, 1050];

/// What the chain begins with.
#[derive(Debug, Clone)]
pub struct Setup {
    pub profile: Profile,
    pub seed: u64,
    pub masternodes: usize,
    /// Addresses of the newcomer's device by index, a second device's behind them: 0 gets two collaterals, 1 an evonode's collateral (where there are any),
    /// 2 loose coins, 3 a coin just short of a collateral and one that is not confirmed yet. Fewer are fine.
    pub device: Vec<Address>,
    /// What each of these devices holds besides.
    pub extras: Vec<Extras>,
    /// **Unix seconds** of the tip.
    pub now: u64,
}

/// Coins of one device that are not paid like others, and many small ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extras {
    /// Gets two miner's rewards: one mature, one not yet.
    pub rewards: Address,
    /// Gets an asset unlock, where the network has them.
    pub unlock: Address,
    /// Share [`SMALL_COINS`] small coins.
    pub small: Vec<Address>,
}

/// Why no chain could be made of a setup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    #[error("the start state could not be paid: {0}")]
    Faucet(#[from] FaucetError),
    #[error("the start state was refused: {0}")]
    Refused(#[from] Reject),
    #[error("the start state could not be unlocked: {0}")]
    Unlock(#[from] UnlockError),
}

/// Keys and coins of a masternode to come.
struct Candidate {
    index: usize,
    kind: MnType,
    collateral_key: SecpKey,
    fee_key: SecpKey,
    collateral: OutPoint,
    fee_coin: OutPoint,
}

impl Chain {
    /// Block 0 alone.
    pub fn new(profile: Profile, seed: u64, now: u64) -> Self {
        let mut chain = Self {
            dialect: Dialect::of(&profile),
            faucet: secp_key(seed, "faucet", 0),
            profile,
            seed,
            blocks: Vec::new(),
            by_hash: HashMap::new(),
            coins: BTreeMap::new(),
            txs: HashMap::new(),
            lists: Vec::new(),
            mempool: Mempool::default(),
            failing: BTreeSet::new(),
            banning: BTreeSet::new(),
            residents: BTreeSet::new(),
            credit_pool: CREDIT_POOL,
            unlocked: Unlocked::new(),
            quorums: Vec::new(),
            branch: 0,
            miners: VecDeque::new(),
        };
        chain.push_genesis(now);
        chain
    }

    /// A chain with its masternodes and the device's coins.
    ///
    /// # Errors
    /// More masternodes than block 1 has money for.
    pub fn start(setup: &Setup) -> Result<Self, StartError> {
        let length = start_height(&setup.profile);
        let spacing = u64::from(setup.profile.spacing);
        let time_of = |height: u32| {
            setup
                .now
                .saturating_sub(u64::from(length.saturating_sub(height)) * spacing)
        };
        let mut chain = Self::new(setup.profile.clone(), setup.seed, time_of(0));
        chain.premine(setup.masternodes, time_of(1));
        let mut plans = Plans::new(&setup.profile, setup.masternodes, length);
        while chain.height() < length {
            let height = chain.height() + 1;
            chain.prepare_block(height, setup, &mut plans)?;
            chain.mine(time_of(height));
        }
        let fresh: Vec<_> = setup.device.iter().skip(3).step_by(4).collect();
        if !fresh.is_empty() {
            let pay = |address: &&Address| (address.script(), setup.profile.collateral_regular);
            chain.fund(&fresh.iter().map(pay).collect::<Vec<_>>(), setup.now)?;
        }
        Ok(chain)
    }

    /// Puts into the mempool what a block of the start state is to hold.
    fn prepare_block(&mut self, height: u32, setup: &Setup, plans: &mut Plans) -> Result<(), StartError> {
        if height == plans.funding {
            plans.candidates = self.fund_candidates(setup.masternodes)?;
        } else if height > plans.funding {
            for candidate in plans.next_candidates() {
                let tx = self.registration(&candidate);
                let hash = self.submit(tx, self.tip().time)?;
                self.residents.insert(hash);
            }
        }
        if height == plans.device {
            let coins = device_coins(&setup.profile, &setup.device);
            if !coins.is_empty() {
                self.fund(&coins, self.tip().time)?;
            }
            for extras in &setup.extras {
                self.fund_small(&extras.small)?;
            }
        }
        self.prepare_extras(height, setup, plans)?;
        if let Some(misfortune) = plans.length.checked_sub(height) {
            self.stumble(misfortune);
        }
        Ok(())
    }

    /// Rewards and asset unlocks of the devices, each at its height.
    fn prepare_extras(&mut self, height: u32, setup: &Setup, plans: &Plans) -> Result<(), StartError> {
        let count = u32::try_from(setup.extras.len()).unwrap_or(u32::MAX);
        let mature = plans
            .device
            .saturating_sub(self.profile.coinbase_maturity.saturating_add(count));
        if height == mature || height == plans.device {
            self.miners
                .extend(setup.extras.iter().map(|extras| extras.rewards.script()));
        }
        if height == plans.unlock && self.has_asset_unlocks(height) {
            for extras in &setup.extras {
                let payment = (extras.unlock.script(), Amount::from_duffs(UNLOCKED));
                self.unlock_assets(&[payment], self.tip().time)?;
            }
        }
        Ok(())
    }

    /// Several to a transaction, because a device is told all of it for each coin that is spent.
    fn fund_small(&mut self, addresses: &[Address]) -> Result<(), StartError> {
        let coins: Vec<(ScriptBuf, Amount)> = addresses
            .iter()
            .cycle()
            .zip((0..).map(|step| Amount::from_duffs(SMALL + step * SMALL_STEP)))
            .take(SMALL_COINS)
            .map(|(address, amount)| (address.script(), amount))
            .collect();
        for part in coins.chunks(SMALL_AT_ONCE) {
            self.fund(part, self.tip().time)?;
        }
        Ok(())
    }

    /// A few masternodes fail before the start, so that scores and bans are there to be seen.
    fn stumble(&mut self, blocks_left: u32) {
        let hashes: Vec<ProTxHash> = self.list().valid().map(|mn| mn.pro_tx_hash).collect();
        let range = match blocks_left {
            // Two that fail twice within a few blocks are banned.
            50 | 40 => 3..5,
            25 => 7..8,
            9 => 11..13,
            _ => return,
        };
        if hashes.len() >= 15 {
            let picks = hashes.into_iter().skip(range.start).take(range.len());
            self.failing.extend(picks);
        }
    }

    fn push_genesis(&mut self, time: u64) {
        let coinbase = Arc::new(Transaction {
            version: 1,
            kind: 0,
            inputs: vec![coinbase_input(0)],
            outputs: vec![TxOut::new(Amount::from_coins(50), ScriptBuf::from_bytes(vec![0x6a]))],
            lock_time: 0,
            payload: Vec::new(),
        });
        let txid = coinbase.txid();
        self.put_tx(txid, &coinbase, 0);
        let genesis = Block {
            // The network's identity; the only block whose hash is not of its header.
            hash: self.profile.genesis,
            height: 0,
            time,
            merkle_root: merkle_root(vec![txid.to_byte_array()]),
            txids: vec![txid],
            size: 81 + coinbase.size(),
            fees: 0,
            payment: None,
            nonce: 0,
        };
        self.push_block(genesis, List::default());
    }

    /// Block 1: the money the sandbox lives on, to the faucet, as development networks are given theirs.
    fn premine(&mut self, masternodes: usize, time: u64) {
        let largest = self
            .profile
            .collateral_evo
            .unwrap_or_default()
            .max(self.profile.collateral_regular);
        let most = self.profile.max_money.duffs() / 4 / PREMINE_OUTPUTS;
        let usual = largest.duffs().saturating_mul(10).min(most);
        // Many masternodes need more than is usual, and what devices are given besides.
        let needed = self.collaterals(masternodes) * 5 / 4 / PREMINE_OUTPUTS;
        let each = Amount::from_duffs(usual.max(needed.min(most * 4)));
        let own = script::pay_to_key(&self.faucet.key_id().0);
        let mut payload = Vec::new();
        payload.put_u16(2);
        payload.put_u32(1);
        payload.extend_from_slice(&[0; 64]);
        let coinbase = Transaction {
            version: SPECIAL_VERSION,
            kind: COINBASE,
            inputs: vec![coinbase_input(1)],
            outputs: (0..PREMINE_OUTPUTS).map(|_| TxOut::new(each, own.clone())).collect(),
            lock_time: 0,
            payload,
        };
        self.connect_coinbase_only(coinbase, time);
    }

    /// What so many masternodes lock up, in **duffs**.
    fn collaterals(&self, masternodes: usize) -> u64 {
        let regular = self.profile.collateral_regular.duffs();
        let evo = self.profile.collateral_evo.unwrap_or_default().duffs();
        let count = masternodes as u64;
        let evo_count = count / EVO_EVERY as u64;
        regular
            .saturating_mul(count)
            .saturating_add(evo.saturating_sub(regular).saturating_mul(evo_count))
            .min(self.profile.max_money.duffs())
    }

    /// Pays every masternode's collateral and fee coin, some hundred to a transaction.
    fn fund_candidates(&mut self, count: usize) -> Result<Vec<Candidate>, StartError> {
        let indices: Vec<usize> = (0..count).collect();
        let mut candidates = Vec::with_capacity(count);
        for part in indices.chunks(100) {
            let keys: Vec<(usize, MnType, SecpKey, SecpKey)> =
                part.iter().map(|index| self.candidate(*index)).collect();
            let payments: Vec<(ScriptBuf, Amount)> = keys
                .iter()
                .flat_map(|(_, kind, collateral, fee)| {
                    let value = self.profile.collateral(*kind).unwrap_or_default();
                    [
                        (script::pay_to_key(&collateral.key_id().0), value),
                        (script::pay_to_key(&fee.key_id().0), Amount::from_duffs(FEE_COIN)),
                    ]
                })
                .collect();
            let txid = self.fund(&payments, self.tip().time)?;
            candidates.extend(
                keys.into_iter()
                    .zip(0..)
                    .map(|((index, kind, collateral_key, fee_key), at)| {
                        let coin = |vout| OutPoint { txid, vout };
                        Candidate {
                            index,
                            kind,
                            collateral_key,
                            fee_key,
                            collateral: coin(at * 2),
                            fee_coin: coin(at * 2 + 1),
                        }
                    }),
            );
        }
        Ok(candidates)
    }

    fn candidate(&self, index: usize) -> (usize, MnType, SecpKey, SecpKey) {
        let has_evo = self.profile.collateral_evo.is_some() && self.is_v19_next();
        let kind = if has_evo && index % EVO_EVERY == EVO_EVERY - 1 {
            MnType::Evo
        } else {
            MnType::Regular
        };
        let key = |purpose| secp_key(self.seed, purpose, index as u64);
        (index, kind, key("collateral"), key("fee"))
    }

    /// A complete ProRegTx of one of the sandbox's own masternodes.
    fn registration(&self, candidate: &Candidate) -> Transaction {
        let change = Amount::from_duffs(FEE_COIN - REGISTRATION_FEE);
        let mut tx = Transaction {
            version: 2,
            kind: 0,
            inputs: vec![TxIn::unsigned(candidate.fee_coin)],
            outputs: vec![TxOut::new(change, script::pay_to_key(&candidate.fee_key.key_id().0))],
            lock_time: 0,
            payload: Vec::new(),
        };
        let mut payload = self.registration_payload(candidate, tx.inputs_hash());
        let text = payload.sign_message(&self.profile);
        let digest = message_hash(&self.profile.message_magic, text.as_bytes());
        payload.signature = candidate.collateral_key.sign_compact(&digest).as_bytes().to_vec();
        payload.attach(&mut tx);
        sign_inputs(&mut tx, &candidate.fee_key);
        tx
    }

    fn registration_payload(&self, candidate: &Candidate, inputs_hash: [u8; 32]) -> ProRegTx {
        let index = candidate.index as u64;
        let version = if self.is_v19_next() { 2 } else { 1 };
        let key = |purpose| secp_key(self.seed, purpose, index).key_id();
        let owner = owner_key(self.seed, index).key_id();
        let dip3_enforced = self.height() >= self.profile.activation.dip3_enforcement;
        let mut payload = ProRegTx {
            version,
            kind: candidate.kind.number(),
            mode: 0,
            collateral: candidate.collateral,
            service: self.service(candidate.index),
            owner,
            operator: [0; 48],
            // Before the rule was relaxed both keys had to be one.
            voting: if dip3_enforced { key("voting") } else { owner },
            operator_reward: REWARDS[candidate.index % REWARDS.len()],
            payout: script::pay_to_key(&key("payout").0),
            inputs_hash,
            platform: None,
            signature: Vec::new(),
        };
        payload.operator = operator_key(self.seed, index)
            .public_key()
            .encode(payload.key_encoding());
        if candidate.kind == MnType::Evo {
            payload.platform = Some(self.platform(candidate.index));
        }
        payload
    }

    fn platform(&self, index: usize) -> Platform {
        let ports = self.profile.platform.as_ref();
        let mut node_id = [0; 20];
        node_id.copy_from_slice(&derive(self.seed, "platform", index as u64)[..20]);
        Platform {
            node_id,
            p2p_port: ports.map_or(26656, |ports| ports.p2p_port),
            http_port: ports.map_or(443, |ports| ports.http_port),
        }
    }

    /// Addresses nobody has: of the range for documentation, or, where a network asks for routable ones, of class E.
    fn service(&self, index: usize) -> Service {
        let rules = &self.profile.service;
        let port = match self.profile.p2p_port {
            port if rules.is_mainnet || port != rules.mainnet_port => port,
            port => port + 10_000,
        };
        let [_, _, c, d] = u32::try_from(index + 1).unwrap_or(u32::MAX).to_be_bytes();
        let ip = match (rules.routable_only, c) {
            (false, 0) => Ipv4Addr::new(203, 0, 113, d),
            _ => Ipv4Addr::new(240, 0, c, d),
        };
        Service::v4(ip, port)
    }

    fn connect_coinbase_only(&mut self, coinbase: Transaction, time: u64) {
        let txid = coinbase.txid();
        let height = self.height() + 1;
        let root = merkle_root(vec![txid.to_byte_array()]);
        let header = super::mine::header(self.tip().hash, root, time, 0);
        let size = header.len() + 1 + coinbase.size();
        self.put_tx(txid, &Arc::new(coinbase), height);
        let block = Block {
            hash: bitcoin::BlockHash::from_byte_array(crate::protocol::wire::sha256d(&header)),
            height,
            time,
            merkle_root: root,
            txids: vec![txid],
            size,
            fees: 0,
            payment: None,
            nonce: 0,
        };
        self.push_block(block, List::default());
    }
}

/// What happens when before the start.
struct Plans {
    /// Height of the block that pays collaterals and fee coins: the first that may spend block 1.
    funding: u32,
    /// Height of the block that pays the device.
    device: u32,
    /// Height of the block with the device's asset unlock.
    unlock: u32,
    length: u32,
    per_block: usize,
    candidates: Vec<Candidate>,
}

impl Plans {
    fn new(profile: &Profile, masternodes: usize, length: u32) -> Self {
        let funding = profile.coinbase_maturity + 1;
        let device = length.saturating_sub(DEVICE_CONFIRMATIONS) + 1;
        let room = device.saturating_sub(funding + 1).max(1) / 2;
        Self {
            funding,
            device,
            unlock: length.saturating_sub(UNLOCK_CONFIRMATIONS) + 1,
            length,
            per_block: masternodes.div_ceil(room.max(1) as usize).max(1),
            candidates: Vec::new(),
        }
    }

    fn next_candidates(&mut self) -> Vec<Candidate> {
        let count = self.per_block.min(self.candidates.len());
        self.candidates.drain(..count).collect()
    }
}

/// Far enough that every rule the profile knows is active, if that is not too far.
fn start_height(profile: &Profile) -> u32 {
    let activation = &profile.activation;
    [
        Some(activation.dip3_enforcement),
        activation.v19,
        activation.mn_rr,
        Some(profile.coinbase_maturity + 2 * SETTLED),
    ]
    .into_iter()
    .flatten()
    .filter(|height| *height <= LONGEST_START)
    .max()
    .unwrap_or(0)
    .saturating_add(SETTLED)
    .max(SHORTEST_START)
}

fn device_coins(profile: &Profile, addresses: &[Address]) -> Vec<(ScriptBuf, Amount)> {
    let regular = profile.collateral_regular;
    let short = Amount::from_duffs(regular.duffs() - COIN.min(regular.duffs() / 2));
    let coins = [
        vec![regular, regular],
        profile.collateral_evo.into_iter().collect(),
        vec![Amount::from_coins(5), Amount::from_coins(20)],
        vec![short],
    ];
    addresses
        .iter()
        .zip(coins.iter().cycle())
        .flat_map(|(address, amounts)| amounts.iter().map(|amount| (address.script(), *amount)))
        .collect()
}

/// The operator key of the sandbox's masternode number `index`.
pub fn operator_key(seed: u64, index: u64) -> bls::SecretKey {
    let mut bytes = derive(seed, "operator", index);
    // Below 2^254, and so below the group order.
    bytes[0] &= 0x3f;
    bls::SecretKey::from_bytes(&bytes).expect("one digest in 2^254 is zero")
}

/// The owner key of the sandbox's masternode number `index`.
pub fn owner_key(seed: u64, index: u64) -> SecpKey {
    secp_key(seed, "owner", index)
}
