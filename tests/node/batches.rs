//! Many masternodes at once on a real node, paid by one coin: as long a chain of changes as its mempool takes, then a block.

use std::time::Duration;

use castellan::flow::batch::{self, Event, Failure, Part, Plans, Progress};
use castellan::flow::choice::FeeSource;
use castellan::flow::operation::Outcome;
use castellan::flow::update::{Change, Draft, OperatorPayout, ServiceChange};
use castellan::flow::{Error, Ports, Step};
use castellan::protocol::network::MnType;
use castellan::protocol::rules::DUST_KEY;
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

/// What the run told of, besides its results.
struct Told {
    results: Vec<Result<Outcome, Failure>>,
    /// Times one had to wait for a block before it could be sent.
    held: usize,
}

async fn plan(chain: &Chain, drafts: Vec<Draft>) -> Plans {
    let plans = batch::prepare(&chain.ports, drafts).await.expect("plans");
    let obstacles: Vec<Error> = plans.items.iter().filter_map(batch::Item::obstacle).collect();
    assert_eq!(obstacles, []);
    assert_eq!(plans.ready().len(), plans.items.len());
    plans
}

/// Runs them, while blocks come whenever so many transactions wait, or when all are sent.
async fn send(chain: &Chain, plans: &Plans, block_at: usize) -> Told {
    assert!(plans.affordable(), "{:?}", plans.short);
    let ready = plans.items.iter().filter_map(|item| item.plan.clone().ok());
    let parts: Vec<Part> = ready.map(|plan| Part::Send(Box::new(plan))).collect();
    let count = parts.len();
    let run = async {
        let mut run = batch::run(chain.ports.clone(), parts).pin();
        let mut sent = 0;
        let mut held = 0;
        while let Some(Progress { at, event }) = run.sip().await {
            assert!(at < count);
            match event {
                Event::Step(Step::Broadcasting { .. }) => sent += 1,
                Event::Step(Step::WaitingForBlock { .. }) if sent >= count => chain.node.mine(1).await,
                Event::Held => held += 1,
                Event::Failed(failure) => panic!("{at}: {failure}"),
                Event::Step(_) | Event::Done(_) => {}
            }
        }
        Told {
            results: run.await,
            held,
        }
    };
    let miner = async {
        loop {
            if waiting(chain).await >= block_at {
                chain.node.mine(1).await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        told = run => told,
        () = miner => unreachable!("it mines for ever"),
    }
}

async fn waiting(chain: &Chain) -> usize {
    let waiting = chain.node.call("getrawmempool", json!([])).await;
    waiting.as_array().expect("a list").len()
}

async fn assert_moved(chain: &Chain, all: &[Masternode], results: &[Result<Outcome, Failure>]) {
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

/// A fee key of that many coins.
async fn purse(chain: &Chain, coins: &[Amount]) -> FeeSource {
    let vault = chain.ports.vault().expect("open").clone();
    vault.generate(Kind::Fee, "purse", chain.profile(), 0).expect("a key");
    for coin in coins {
        chain.pay_key(&vault, "purse", &coin.to_string()).await;
    }
    FeeSource::Key("purse".into())
}

const A_CENT: Amount = Amount::from_duffs(1_000_000);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn thirty_masternodes_are_moved_with_one_coin() {
    let (chain, all) = fleet(30).await;
    let source = purse(&chain, &[A_CENT]).await;
    let plans = plan(&chain, drafts(&all, &source)).await;
    let Told { results, held } = send(&chain, &plans, LIMIT).await;
    assert_moved(&chain, &all, &results).await;

    // One after the other, each from the change of the one before.
    let outcomes: Vec<&Outcome> = results.iter().flatten().collect();
    for pair in outcomes.windows(2) {
        let inputs: Vec<_> = pair[1].tx.inputs.iter().map(|input| input.previous).collect();
        let change = castellan::protocol::OutPoint {
            txid: pair[0].txid,
            vout: 0,
        };
        assert_eq!(inputs, [change]);
    }
    let mut heights: Vec<u32> = outcomes.iter().map(|outcome| outcome.height).collect();
    heights.dedup();
    assert_eq!(heights.len(), 2, "{heights:?}");
    assert!(held > 0, "told that it waits for the block");
    let fees: Amount = outcomes.iter().map(|outcome| outcome.fee).sum();
    assert_eq!(fees, plans.fees);
    let left = outcomes[29].tx.outputs[0].amount().expect("an amount");
    assert_eq!([left, fees].into_iter().sum::<Amount>(), A_CENT);
    assert_eq!(failures(&chain.ports), [""; 0]);
}

/// Two chains of a dozen, and one update that needs the change of both: only the node counts those, and says so.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn where_two_chains_meet_the_nodes_word_is_understood() {
    const EACH: u64 = 13;
    let (chain, all) = fleet(27).await;
    chain.coin().await;
    let by_another = drafts(&all[..1], &FeeSource::Key(crate::chain::FEES.into()));
    let fee = plan(&chain, by_another).await.fees.duffs();
    // What is left of each is too little for one more, of both together it is enough.
    let rest = (fee + DUST_KEY) * 3 / 4;
    let coin = Amount::from_duffs(EACH * fee + rest);
    let source = purse(&chain, &[coin, coin]).await;
    let plans = plan(&chain, drafts(&all, &source)).await;
    let Told { results, held } = send(&chain, &plans, 26).await;
    assert_moved(&chain, &all, &results).await;
    let inputs = |result: &Result<Outcome, Failure>| result.as_ref().map_or(0, |outcome| outcome.tx.inputs.len());
    assert_eq!((inputs(&results[0]), inputs(&results[26])), (1, 2));
    assert!(held > 0);
    let failures = failures(&chain.ports);
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].contains("too-long-mempool-chain"), "{failures:?}");
}

/// The block comes while the chain is short: what was unconfirmed change a moment ago is listed by the node now.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn blocks_in_the_middle_of_a_batch_do_it_no_harm() {
    let (chain, all) = fleet(8).await;
    let source = purse(&chain, &[A_CENT]).await;
    let plans = plan(&chain, drafts(&all, &source)).await;
    let told = send(&chain, &plans, 1).await;
    assert_moved(&chain, &all, &told.results).await;
    assert_eq!(failures(&chain.ports), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn one_coin_of_the_nodes_wallet_pays_for_several() {
    let (chain, all) = fleet(4).await;
    let listed = chain.node.call("listunspent", json!([1])).await;
    let coins = listed.as_array().expect("coins").iter();
    let mut locked: Vec<_> = coins
        .map(|coin| json!({"txid": coin["txid"], "vout": coin["vout"]}))
        .collect();
    locked.pop().expect("a coin to pay with");
    chain.node.call("lockunspent", json!([false, locked])).await;
    let plans = plan(&chain, drafts(&all, &FeeSource::NodeWallet)).await;
    let told = send(&chain, &plans, LIMIT).await;
    assert_moved(&chain, &all, &told.results).await;
    let outcomes: Vec<&Outcome> = told.results.iter().flatten().collect();
    let spent = outcomes[1].tx.inputs[0].previous.txid;
    assert_eq!(spent, outcomes[0].txid, "the change, not in a block yet");
}
