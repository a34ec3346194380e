//! A masternode of the vault's in a scripted chain: keys, coins, and what updates make of it.

use std::collections::BTreeMap;

use bitcoin::hashes::Hash;
use castellan::flow::choice::FeeSource;
use castellan::flow::operation::Outcome;
use castellan::flow::update::{self, Change, Draft, FieldName, Plan};
use castellan::flow::{Error, Ports, Step};
use castellan::protocol::bls::{PublicKey, Scheme};
use castellan::protocol::masternode::{Entry, effect};
use castellan::protocol::network::MnType;
use castellan::protocol::special_tx::Payload;
use castellan::protocol::{Address, Amount, KeyId, ProTxHash, Transaction};
use castellan::rpc::fake::FakeNode;
use castellan::store::Kind;

use crate::world::{TIP, World, run, told};

pub const NETWORKS: [&str; 2] = ["dash-regtest", "wei-regtest"];
/// Node id of the evonode, as RPCs write it.
pub const NODE_ID: &str = "0102030405060708090a0b0c0d0e0f1011121314";

impl World {
    /// The first listed masternode is this vault's: enabled, second of three in the queue, with an operator payout.
    pub fn owning(network: &str) -> Self {
        let mut world = Self::new(network);
        for kind in [Kind::Owner, Kind::Voting, Kind::Operator] {
            world.make(kind, &format!("mn1-{}", kind.name()));
        }
        let amount = world.profile.collateral_regular;
        let collateral = world.chain.pay(KeyId([0xcc; 20]), amount);
        let (owner, voting) = (world.key_id("mn1-owner"), world.key_id("mn1-voting"));
        let operator = world.operator("mn1-operator");
        let mine = world.mine();
        mine.collateral = collateral;
        mine.operator_reward = 525;
        // As the third one: the lower hash goes first.
        mine.state.last_paid_height = TIP - 7;
        mine.state.owner = Some(owner);
        mine.state.voting = Some(voting);
        mine.state.name_operator(&operator);
        mine.state.operator_payout = Some(Address::PubkeyHash([0x70; 20]));
        world
    }

    /// The same as an evonode.
    pub fn owning_evo() -> Self {
        let mut world = Self::owning("dash-regtest");
        let amount = world.profile.collateral_evo.unwrap();
        let collateral = world.chain.pay(KeyId([0xcc; 20]), amount);
        let mine = world.mine();
        mine.kind = MnType::Evo;
        mine.collateral = collateral;
        mine.state.platform_node_id = Some(NODE_ID.into());
        mine.state.platform_p2p_port = Some(22_200);
        mine.state.platform_http_port = Some(22_201);
        world
    }

    pub fn mine(&mut self) -> &mut Entry {
        &mut self.chain.entries[0]
    }

    pub fn hash(&self) -> ProTxHash {
        self.chain.entries[0].pro_tx_hash
    }

    pub fn operator(&self, label: &str) -> PublicKey {
        self.vault.bls(label).unwrap().public_key()
    }

    /// How operators sign on this network.
    pub fn scheme(&self) -> Scheme {
        match self.profile.activation.v19 {
            Some(_) => Scheme::Basic,
            None => Scheme::Legacy,
        }
    }

    pub fn change(&self, change: Change) -> Draft {
        Draft {
            pro_tx_hash: self.hash(),
            change,
            fee_from: FeeSource::Key("fees".into()),
        }
    }

    /// A plan that must be possible, with the ports it was made with.
    pub async fn planned(&self, change: Change) -> (Plan, Ports, FakeNode) {
        let (ports, node) = self.ports();
        let plan = update::prepare(&ports, &self.change(change)).await.unwrap();
        assert_eq!(plan.review.failure(), None);
        (plan, ports, node)
    }

    /// Plans and updates; what is sent is in the next block.
    pub async fn update(&self, change: Change) -> (Plan, Outcome, FakeNode) {
        let (plan, ports, node) = self.planned(change).await;
        assert_eq!(plan.review.missing, []);
        let (outcome, steps) = run(&ports, &node, update::update(ports.clone(), plan.clone())).await;
        let outcome = outcome.unwrap();
        assert_eq!(node.broadcasts(), std::slice::from_ref(&outcome.tx));
        assert!(steps.contains(&Step::Mined {
            txid: outcome.txid,
            height: TIP + 1
        }));
        (plan, outcome, node)
    }

    /// Planning must fail, or the plan must be refused: nothing is signed, sent, begun or left in the vault.
    pub async fn refused(&self, draft: &Draft) -> Error {
        let before = self.labels();
        let (ports, node) = self.ports();
        let error = match update::prepare(&ports, draft).await {
            Err(error) => error,
            Ok(plan) => {
                let (outcome, _) = run(&ports, &node, update::update(ports.clone(), plan.clone())).await;
                let (exported, _) = run(&ports, &node, update::export(ports.clone(), plan.clone())).await;
                update::discard(&ports, &plan);
                let error = outcome.expect_err("it must be refused");
                if !matches!(error, Error::SignatureElsewhere { .. }) {
                    assert_eq!(exported.expect_err("nor exported"), error);
                    assert_eq!(self.journal.list().unwrap(), [], "{error}");
                }
                error
            }
        };
        assert_eq!(told(&node), [], "{error}");
        assert_eq!(self.labels(), before, "{error}");
        error
    }

    /// Name and reject string of the rule that refuses.
    pub async fn broken(&self, change: Change) -> (&'static str, &'static str) {
        match self.refused(&self.change(change)).await {
            Error::Rule(check) => (check.rule, check.reject),
            other => panic!("not by a rule: {other:?}"),
        }
    }

    pub fn labels(&self) -> Vec<String> {
        self.vault.list().into_iter().map(|key| key.label).collect()
    }

    /// The list and the coins after the block that took a transaction.
    pub fn apply(&mut self, tx: &Transaction) {
        let payload = Payload::of(tx).unwrap();
        let state = effect::after(self.mine(), &payload, TIP + 1).unwrap();
        self.mine().state = state;
        for input in &tx.inputs {
            self.chain.spend(input.previous);
        }
    }
}

/// Fields that change: old and new by their names in RPCs.
pub fn changes(plan: &Plan) -> BTreeMap<&'static str, (Option<String>, Option<String>)> {
    let changed = plan.review.fields.iter().filter(|field| field.changes());
    changed
        .map(|field| (field.name.key(), (field.old.clone(), field.new.clone())))
        .collect()
}

/// A field that stays, with its value.
pub fn kept(plan: &Plan, name: FieldName) -> Option<String> {
    let field = plan.review.fields.iter().find(|field| field.name == name).unwrap();
    assert!(!field.changes(), "{field:?}");
    field.new.clone()
}

pub fn text(address: Address, world: &World) -> String {
    address.to_text(&world.profile)
}

/// What an update costs and pays: one input of the fee key, one output back to it, the rest the fee of the review.
pub fn assert_paid(world: &World, plan: &Plan, tx: &Transaction) {
    let fees = world.key_id("fees").address();
    let spent: Vec<_> = tx.inputs.iter().map(|input| input.previous).collect();
    assert_eq!(spent, [world.fee_coin]);
    assert_eq!(tx.outputs.len(), 1);
    assert_eq!(tx.outputs[0].script, fees.script());
    let change = tx.outputs[0].amount().unwrap();
    assert_eq!(plan.review.change, [(text(fees, world), change)]);
    assert_eq!(Amount::from_coins(1).checked_sub(change), Some(plan.review.fee));
    // 2000 duffs per 1000 bytes; signatures may come out a few bytes shorter than was counted with.
    let size = tx.size() as u64;
    assert!((2 * size..2 * size + 10).contains(&plan.review.fee.duffs()), "{size}");
}

/// As stored.
pub fn stored(hash: ProTxHash) -> [u8; 32] {
    hash.to_byte_array()
}
