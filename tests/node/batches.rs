//! Many masternodes at once on a real node, paid by one coin: as long a chain of changes as its mempool takes, then a block.

use std::time::Duration;

use castellan::flow::batch::{self, Event, Progress};
use castellan::flow::choice::FeeSource;
use castellan::flow::operation::Outcome;
use castellan::flow::update::{Change, Draft, OperatorPayout, ServiceChange};
use castellan::flow::{Error, Ports, Step};
use castellan::protocol::network::MnType;
use castellan::protocol::special_tx::Service;
use castellan::protocol::{Address, Amount};
use castellan::store::Kind;
use castellan::store::journal::Event as Entry;
use serde_json::json;
use sipper::Sipper;

use crate::chain::{Chain, Options};
use crate::masternode::{Masternode, Wanted};

/// Transactions in a row that a mempool takes (Dash Core, DEFAULT_ANCESTOR_LIMIT).
const LIMIT: usize = 25;

/// Masternodes whose operator keys are in the vault.
async fn fleet(count: usize) -> (Chain, Vec<Masternode>) {
    let chain = Chain::start(Options::AFTER_V19).await;
    let wanted = Wanted {
        kind: MnType::Regular,
        version: 2,
        operator_reward: 100,
    };
    let all = chain.register(&vec![wanted; count]).await;
    let vault = chain.ports.vault().expect("open");
    for each in &all {
        let secret = castellan::protocol::wire::to_hex(&*each.operator().to_bytes());
        let label = format!("mn{}-operator", each.number);
        vault
            .import(Kind::Operator, &label, chain.profile(), &secret, 0)
            .expect("imported");
    }
    (chain, all)
}

fn drafts(all: &[Masternode], fee_from: &FeeSource) -> Vec<Draft> {
    let moved = |each: &Masternode| Draft {
        pro_tx_hash: each.pro_tx_hash,
        change: Change::Service(ServiceChange {
            service: Some(address(each)),
            operator_payout: OperatorPayout::To(Address::PubkeyHash([each.number; 20])),
            ..ServiceChange::default()
        }),
        fee_from: fee_from.clone(),
    };
    all.iter().map(moved).collect()
}

fn address(of: &Masternode) -> Service {
    Service::v4([8, 8, 1, of.number].into(), 20_100)
}

/// Prepares and runs, while blocks come whenever so many transactions wait, or when all are sent.
async fn send(chain: &Chain, drafts: Vec<Draft>, block_at: usize) -> Vec<Result<Outcome, Error>> {
    let plans = batch::prepare(&chain.ports, drafts).await.expect("plans");
    let obstacles: Vec<Error> = plans.items.iter().filter_map(batch::Item::obstacle).collect();
    assert_eq!(obstacles, []);
    assert!(plans.affordable());
    let count = plans.items.len();
    assert_eq!(plans.ready().len(), count);
    let run = async {
        let mut run = batch::run(chain.ports.clone(), plans.ready()).pin();
        while let Some(Progress { at, event }) = run.sip().await {
            assert!(at < count);
            match event {
                Event::Step(Step::WaitingForBlock { .. }) => chain.node.mine(1).await,
                Event::Failed(error) => panic!("{at}: {error}"),
                Event::Step(_) | Event::Done(_) => {}
            }
        }
        run.await
    };
    let miner = async {
        loop {
            let waiting = chain.node.call("getrawmempool", json!([])).await;
            if waiting.as_array().expect("a list").len() >= block_at {
                chain.node.mine(1).await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        results = run => results,
        () = miner => unreachable!("it mines for ever"),
    }
}

async fn assert_moved(chain: &Chain, all: &[Masternode], results: &[Result<Outcome, Error>]) {
    assert_eq!(results.len(), all.len());
    for (each, result) in all.iter().zip(results) {
        let outcome = result.as_ref().expect("mined");
        assert_eq!(outcome.pro_tx_hash, each.pro_tx_hash);
        let info = chain.info(each.pro_tx_hash).await;
        assert_eq!(info["state"]["service"], address(each).to_string());
        let payout = Address::PubkeyHash([each.number; 20]).to_text(chain.profile());
        assert_eq!(info["state"]["operatorPayoutAddress"], payout);
        assert_eq!(info["state"]["PoSeBanHeight"].to_string(), "-1");
    }
}

/// Reasons for which operations of the journal failed.
fn failures(ports: &Ports) -> Vec<String> {
    let all = ports.journal.list().expect("read");
    let events = all.into_iter().flat_map(|operation| operation.events);
    let failed = |event: Entry| match event {
        Entry::Failed { reason } => Some(reason),
        _ => None,
    };
    events.filter_map(|entry| failed(entry.event)).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn thirty_masternodes_are_moved_with_one_coin() {
    let (chain, all) = fleet(30).await;
    let vault = chain.ports.vault().expect("open").clone();
    vault.generate(Kind::Fee, "one", chain.profile(), 0).expect("a key");
    let coin = chain.pay_key(&vault, "one", "0.01").await;
    let source = FeeSource::Key("one".into());
    let results = send(&chain, drafts(&all, &source), LIMIT).await;
    assert_moved(&chain, &all, &results).await;

    // One after the other, each from the change of the one before.
    let mut spent = coin;
    let mut heights = Vec::new();
    let mut fees = Amount::ZERO;
    for outcome in results.iter().flatten() {
        let inputs: Vec<_> = outcome.tx.inputs.iter().map(|input| input.previous).collect();
        assert_eq!(inputs, [spent]);
        spent = castellan::protocol::OutPoint {
            txid: outcome.txid,
            vout: 0,
        };
        heights.push(outcome.height);
        fees = [fees, outcome.fee].into_iter().sum();
    }
    heights.dedup();
    assert!(heights.len() >= 2, "in one block: {heights:?}");
    let left = chain.ports.node.coin(spent).await.expect("an answer").expect("unspent");
    assert_eq!(left.value.duffs() + fees.duffs(), 1_000_000);
    // The node's own word for it, and nothing else went wrong.
    let failures = failures(&chain.ports);
    assert!(!failures.is_empty(), "the limit was not reached");
    assert!(
        failures.iter().all(|reason| reason.contains("too-long-mempool-chain")),
        "{failures:?}"
    );
}

/// The block comes while the chain is short: what was unconfirmed change a moment ago is listed by the node now.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn blocks_in_the_middle_of_a_batch_do_it_no_harm() {
    let (chain, all) = fleet(8).await;
    let vault = chain.ports.vault().expect("open").clone();
    vault.generate(Kind::Fee, "one", chain.profile(), 0).expect("a key");
    chain.pay_key(&vault, "one", "0.01").await;
    let results = send(&chain, drafts(&all, &FeeSource::Key("one".into())), 1).await;
    assert_moved(&chain, &all, &results).await;
    assert_eq!(failures(&chain.ports), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn one_coin_of_the_nodes_wallet_pays_for_several() {
    let (chain, all) = fleet(4).await;
    let listed = chain.node.call("listunspent", json!([1])).await;
    let listed = listed.as_array().expect("coins");
    let mut locked: Vec<_> = listed
        .iter()
        .map(|coin| json!({"txid": coin["txid"], "vout": coin["vout"]}))
        .collect();
    locked.pop().expect("a coin to pay with");
    chain.node.call("lockunspent", json!([false, locked])).await;
    let results = send(&chain, drafts(&all, &FeeSource::NodeWallet), LIMIT).await;
    assert_moved(&chain, &all, &results).await;
    let first = results[0].as_ref().expect("mined");
    let second = results[1].as_ref().expect("mined");
    assert_eq!(
        second.tx.inputs[0].previous.txid, first.txid,
        "the change, not in a block yet"
    );
}
