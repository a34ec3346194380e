//! The list our client keeps by the real node's diffs, block by block, and what the node tells of the past.

use std::sync::Arc;

use castellan::protocol::masternode::Entry;
use castellan::protocol::network::MnType;
use castellan::protocol::special_tx::Service;
use castellan::protocol::special_tx::pro_reg::encoding_of;
use castellan::protocol::tx::{PRO_UP_REG, PRO_UP_REV, PRO_UP_SERV};
use castellan::protocol::{ProTxHash, ScriptBuf, script};
use castellan::rpc::{Auth, Client, Endpoint, MasternodeList, Node};
use serde_json::json;

use crate::case::Case;
use crate::chain::{Chain, Options};
use crate::masternode::{Masternode, Wanted, operator};
use crate::support::{self, Tap};

const VERSION: u16 = 2;

/// A client that asks through a tap, one that never asked before, and the chain.
struct Follower {
    chain: Chain,
    tap: Tap,
    client: Client,
    checked: u32,
}

fn client(chain: &Chain, url: &str) -> Client {
    let auth = Auth::UserPassword {
        user: support::USER.into(),
        password: support::PASSWORD.to_owned().into(),
    };
    let endpoint = Endpoint::new(url, auth).expect("a URL");
    Client::connect(endpoint, Arc::clone(&chain.ports.profile)).expect("a client")
}

impl Follower {
    async fn new(options: Options) -> Self {
        let chain = Chain::start(options).await;
        let tap = Tap::start(&chain.node.url()).await;
        let client = client(&chain, &tap.url);
        Self {
            chain,
            tap,
            client,
            checked: 0,
        }
    }

    async fn whole(&self) -> MasternodeList {
        let fresh = client(&self.chain, &self.chain.node.url());
        fresh.masternodes().await.expect("a list")
    }

    /// The kept list is the node's.
    async fn check(&mut self) {
        let kept = self.client.masternodes().await.expect("a list");
        let whole = self.whole().await;
        assert_eq!((kept.tip, kept.evo), (whole.tip, whole.evo));
        assert_eq!(kept.entries.len(), whole.entries.len());
        for (kept, whole) in kept.entries.iter().zip(whole.entries.iter()) {
            assert_eq!(kept, whole, "at {}", self.chain.height().await);
        }
        self.checked += 1;
    }

    async fn mine(&mut self, blocks: u32) {
        for _ in 0..blocks {
            self.chain.node.mine(1).await;
            self.check().await;
        }
    }

    /// Sends an update of a masternode whose operator key has a number, and does not mine it.
    async fn send(&self, of: &Masternode, key: u8, kind: u16, change: impl FnOnce(&mut Case)) {
        let mut case = Case::new(&self.chain, of, kind, VERSION).await;
        case.operator = operator(key);
        if kind == PRO_UP_REG {
            case.reg().operator = operator(key).public_key().encode(encoding_of(VERSION));
        }
        change(&mut case);
        self.chain.send(&case.finish()).await;
    }

    async fn pays_operator(&self, of: &Masternode, payout: ScriptBuf) {
        let change = |case: &mut Case| case.serv().operator_payout = payout;
        self.send(of, of.number, PRO_UP_SERV, change).await;
    }
}

fn wanted(kind: MnType) -> Wanted {
    Wanted {
        kind,
        version: VERSION,
        operator_reward: 500,
    }
}

fn payout(number: u8) -> ScriptBuf {
    script::pay_to_key(&[number; 20])
}

async fn lives_through_everything(options: Options) {
    let mut follower = Follower::new(options).await;
    follower.check().await;
    let kinds = [MnType::Regular, MnType::Regular, MnType::Evo, MnType::Regular];
    let all = follower.chain.register(&kinds.map(wanted)).await;
    follower.check().await;
    follower.mine(3).await;

    // Operator payouts come and go, in every block of a round: with a payment of the same masternode and without.
    for number in 0..all.len() as u8 * 3 {
        let of = &all[usize::from(number) % all.len()];
        follower.pays_operator(of, payout(60 + number)).await;
        follower.mine(1 + u32::from(number % 2)).await;
        follower.pays_operator(of, ScriptBuf::new()).await;
        follower.mine(1 + u32::from(number % 3)).await;
    }

    // Other addresses, ports of Platform alone, other payees.
    let moved = Service::v4([9, 9, 9, 9].into(), follower.chain.profile().p2p_port);
    let [first, second, evo, last] = &all[..] else {
        panic!("four")
    };
    follower
        .send(first, first.number, PRO_UP_SERV, |case| case.serv().service = moved)
        .await;
    let ports = |case: &mut Case| case.serv().platform.as_mut().expect("an evonode").http_port = 23_456;
    follower.send(evo, evo.number, PRO_UP_SERV, ports).await;
    follower.mine(2).await;
    follower
        .send(second, second.number, PRO_UP_REG, |case| case.reg().payout = payout(90))
        .await;
    follower.mine(1).await;

    // Another operator, who then serves; a revocation, and the way back; each bans and revives.
    follower.pays_operator(second, payout(91)).await;
    follower.mine(1).await;
    follower.send(second, 200, PRO_UP_REG, |_| ()).await;
    follower.mine(2).await;
    follower
        .send(second, 200, PRO_UP_SERV, |case| {
            case.serv().operator_payout = payout(92)
        })
        .await;
    follower.mine(1).await;
    follower.send(last, last.number, PRO_UP_REV, |_| ()).await;
    follower.mine(2).await;
    follower.send(last, 201, PRO_UP_REG, |_| ()).await;
    follower.mine(1).await;
    follower.send(last, 201, PRO_UP_SERV, |_| ()).await;
    follower.mine(1).await;

    // New ones, one of them without its own block for each step.
    follower
        .chain
        .register(&[wanted(MnType::Regular), wanted(MnType::Evo)])
        .await;
    follower.check().await;
    follower.mine(30).await;
    assert!(follower.checked > 60, "{}", follower.checked);
    // At the start, and once because of a jump of more additions than are asked for one by one: never again.
    let whole = follower.tap.count(r#""list","registered""#);
    assert_eq!(whole, 1, "lists read whole");
    assert!(follower.tap.count("listdiff") > 60);

    past(&follower, &all).await;
}

/// Lists, diffs and payments of the past belong together.
async fn past(follower: &Follower, all: &[Masternode]) {
    let client = &follower.client;
    let tip = client.tip().await.expect("a tip");
    let sorted = |mut entries: Vec<Entry>| {
        entries.sort_by_key(|entry| entry.pro_tx_hash);
        // Nodes count confirmations from their tip, whatever the height.
        entries.iter_mut().for_each(|entry| entry.confirmations = None);
        entries
    };
    let [now, then] = [tip.height, tip.height - 50].map(|height| async move { client.masternodes_at(height).await });
    let now = sorted(now.await.expect("a list"));
    let then = sorted(then.await.expect("a list"));
    for (base, height, from, to) in [
        (tip.height - 50, tip.height, &then, &now),
        (tip.height, tip.height - 50, &now, &then),
    ] {
        let diff = client.list_diff(base, height).await.expect("an answer").expect("known");
        assert_eq!((diff.base, diff.height), (base, height));
        let mut list: Vec<Entry> = from.clone();
        list.retain(|entry| !diff.removed.contains(&entry.pro_tx_hash));
        for (hash, changes) in &diff.updated {
            let entry = list
                .iter_mut()
                .find(|entry| entry.pro_tx_hash == *hash)
                .expect("listed");
            changes.apply(&mut entry.state);
        }
        list.extend(diff.added);
        assert_eq!(&sorted(list), to, "{base} {height}");
    }
    let paid = client.payments(tip.height, 40).await.expect("payments");
    assert_eq!(paid.len(), 40);
    for payment in &paid {
        let before = client.masternodes_at(payment.height).await.expect("a list");
        let hash = payment.pro_tx_hash.expect("named");
        let entry = before.iter().find(|entry| entry.pro_tx_hash == hash).expect("listed");
        assert_eq!(entry.state.last_paid_height, payment.height);
        let block = client
            .block_at(payment.height)
            .await
            .expect("an answer")
            .expect("there");
        assert_eq!(block.hash, payment.block);
    }
    assert_eq!(client.block_at(tip.height + 1).await, Ok(None));
    assert_eq!(client.memberships(all[0].pro_tx_hash, 5).await, Ok(Some(Vec::new())));
    let nobody: ProTxHash = "ee".repeat(32).parse().expect("a hash");
    assert_eq!(client.memberships(nobody, 5).await, Ok(Some(Vec::new())));
}

#[tokio::test]
#[ignore = "needs a dashd: set DASHD_EXE"]
async fn the_list_kept_by_diffs_equals_the_whole_list_at_every_block() {
    lives_through_everything(Options::AFTER_V19).await;
}

#[tokio::test]
#[ignore = "needs a dashd: set DASHD_EXE"]
async fn so_it_does_while_evonodes_are_paid_four_times_in_a_row() {
    lives_through_everything(Options::BEFORE_MN_RR).await;
}

#[tokio::test]
#[ignore = "needs a dashd: set DASHD_EXE"]
async fn blocks_that_are_taken_back_are_taken_back_in_the_list_too() {
    let mut follower = Follower::new(Options::AFTER_V19).await;
    let all = follower.chain.register(&[wanted(MnType::Regular); 3]).await;
    follower.check().await;
    for (depth, others) in [(1, 1), (1, 2), (3, 4), (5, 5), (4, 2)] {
        follower.mine(6).await;
        follower.pays_operator(&all[0], payout(100 + depth)).await;
        follower.mine(2).await;
        let height = follower.chain.height().await + 1 - u32::from(depth);
        let hash = follower.chain.node.call("getblockhash", json!([height])).await;
        follower.chain.node.call("invalidateblock", json!([hash])).await;
        follower.check().await;
        follower.mine(others).await;
        // Seen only after the longer chain is complete.
        let height = follower.chain.height().await;
        let hash = follower.chain.node.call("getblockhash", json!([height])).await;
        follower.chain.node.call("invalidateblock", json!([hash])).await;
        follower.chain.node.mine(3).await;
        follower.check().await;
    }
}
