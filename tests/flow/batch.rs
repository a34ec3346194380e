//! Batches on the sandbox: many masternodes from one coin, failures in the middle, and what is left after a crash.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use castellan::flow::batch::{
    self, Event, Failed, Failure, Left, Part, Plans, Progress, Request, Row, Voting, prepare_request,
};
use castellan::flow::choice::FeeSource;
use castellan::flow::operation::{Outcome, Role};
use castellan::flow::{Error, Ports, Step, resume};
use castellan::protocol::masternode::Entry;
use castellan::protocol::special_tx::Service;
use castellan::protocol::{Address, Amount, OutPoint, ProTxHash, SecpKey, Transaction, script};
use castellan::rpc::{
    CoinSearch, FeeRate, FoundCoin, FoundTx, ListDiff, MasternodeList, Membership, Node, NodeStatus, Payment, Reply,
    RpcError, Tip, WalletCoins,
};
use castellan::sandbox::Sandbox;
use castellan::sandbox::start::{operator_key, owner_key};
use castellan::store::Kind;
use castellan::store::journal::{Operation, State};
use sipper::Sipper;

use crate::sandbox::start;
use crate::world::World;

/// Seed of every sandbox here.
const SEED: u64 = 1;

/// Masternodes of the sandbox whose keys are in the vault.
struct Fleet {
    world: World,
    ports: Ports,
    sandbox: Sandbox,
    mine: Vec<ProTxHash>,
    node: Arc<Fitful>,
}

impl Fleet {
    /// The vault holds owner and operator keys of the first `count` masternodes that are not banned, and one fee coin.
    async fn new(network: &str, count: usize) -> Self {
        let (world, mut ports, sandbox) = start(network).await;
        let node = Arc::new(Fitful::new(Arc::clone(&ports.node)));
        ports.node = node.clone();
        let entries = ports.node.masternodes().await.unwrap().entries.to_vec();
        let index = |entry: &Entry| (0..30).find(|at| entry.state.owner == Some(owner_key(SEED, *at).key_id()));
        let mut found: Vec<(u64, ProTxHash)> = entries
            .iter()
            .filter(|entry| !entry.is_banned())
            .filter_map(|entry| Some((index(entry)?, entry.pro_tx_hash)))
            .collect();
        found.sort_unstable();
        found.truncate(count);
        assert_eq!(found.len(), count);
        for (at, (index, _)) in found.iter().enumerate() {
            let import = |kind: Kind, role: &str, hex: &str| {
                let label = format!("mn{}-{role}", at + 1);
                world.vault.import(kind, &label, &world.profile, hex, 0).unwrap();
            };
            let owner = castellan::protocol::wire::to_hex(&*owner_key(SEED, *index).to_bytes());
            import(Kind::Owner, "owner", &owner);
            import(Kind::Operator, "operator", &operator_key(SEED, *index).to_hex());
        }
        let mine = found.into_iter().map(|(_, hash)| hash).collect();
        Self {
            world,
            ports,
            sandbox,
            mine,
            node,
        }
    }

    fn payout(&self, last: u8) -> Request {
        Request::Payout {
            of: self.mine.clone(),
            to: payee(last),
        }
    }

    /// The n-th of them gets an address of its own.
    fn services(&self) -> Request {
        let row = |(at, hash): (usize, &ProTxHash)| Row {
            line: at + 1,
            pro_tx_hash: *hash,
            service: self.service(at),
        };
        Request::Services(self.mine.iter().enumerate().map(row).collect())
    }

    fn service(&self, at: usize) -> Service {
        Service::v4([45, 76, 230, at as u8 + 1].into(), self.world.profile.p2p_port)
    }

    async fn plan(&self, request: Request) -> Plans {
        let plans = prepare_request(&self.ports, request, fees()).await.unwrap();
        for item in &plans.items {
            assert_eq!(item.obstacle(), None);
        }
        plans
    }

    /// Runs to the end; blocks come when somebody waits for one.
    async fn run(&self, parts: Vec<Part>) -> (Vec<Result<Outcome, Failure>>, Vec<Progress>) {
        let all = async {
            let mut flow = batch::run(self.ports.clone(), parts).pin();
            let mut told = Vec::new();
            while let Some(progress) = flow.sip().await {
                if matches!(progress.event, Event::Held | Event::Step(Step::WaitingForBlock { .. })) {
                    self.sandbox.mine(1);
                }
                told.push(progress);
            }
            (flow.await, told)
        };
        tokio::time::timeout(std::time::Duration::from_secs(120), all)
            .await
            .expect("the batch ends")
    }

    async fn entry(&self, at: usize) -> Entry {
        self.ports.node.masternode(self.mine[at]).await.unwrap().unwrap()
    }

    fn journal(&self) -> Vec<Operation> {
        self.ports.journal.list().unwrap()
    }

    /// Another masternode of the sandbox takes an address, as its operator would from elsewhere.
    async fn stranger_takes(&self, service: Service) {
        let (other, mut ports, _sandbox) = (World::new(&self.world.profile.name), self.ports.clone(), ());
        let label = "stranger-operator";
        let entries = ports.node.masternodes().await.unwrap().entries.to_vec();
        let stranger = entries
            .iter()
            .filter(|entry| !entry.is_banned() && !self.mine.contains(&entry.pro_tx_hash))
            .find(|entry| entry.kind == castellan::protocol::network::MnType::Regular)
            .unwrap();
        let index = (0..30).find(|at| stranger.state.owner == Some(owner_key(SEED, *at).key_id()));
        let hex = operator_key(SEED, index.unwrap()).to_hex();
        other
            .vault
            .import(Kind::Operator, label, &other.profile, &hex, 0)
            .unwrap();
        let fees_of_other = other.key_id("fees").address().script();
        self.sandbox.fund(fees_of_other, Amount::from_coins(1)).unwrap();
        self.sandbox.mine(1);
        ports.vault = Some(Arc::clone(&other.vault));
        ports.journal = Arc::clone(&other.journal);
        let rows = vec![Row {
            line: 1,
            pro_tx_hash: stranger.pro_tx_hash,
            service,
        }];
        let plans = prepare_request(&ports, Request::Services(rows), fees()).await.unwrap();
        let mut flow = batch::run(ports, parts(&plans)).pin();
        while let Some(progress) = flow.sip().await {
            if matches!(progress.event, Event::Step(Step::WaitingForBlock { .. })) {
                self.sandbox.mine(1);
            }
        }
        assert!(flow.await[0].is_ok());
    }
}

fn fees() -> FeeSource {
    FeeSource::Key("fees".into())
}

fn payee(last: u8) -> Address {
    Address::PubkeyHash([last; 20])
}

fn parts(plans: &Plans) -> Vec<Part> {
    let ready = plans.ready().into_iter();
    ready
        .map(|at| Part::Send(Box::new(plans.items[at].plan.clone().unwrap())))
        .collect()
}

fn held(told: &[Progress]) -> usize {
    told.iter().filter(|progress| progress.event == Event::Held).count()
}

/// A node in front of the sandbox's: it has a wallet, and answers to broadcasts can get lost.
struct Fitful {
    inner: Arc<dyn Node>,
    wallet: SecpKey,
    /// The broadcasts (counted from 0) whose answers never arrive, though the node got them.
    deaf: Mutex<Option<usize>>,
    /// The broadcast that is refused once, and the reason.
    refusal: Mutex<Option<(usize, &'static str)>>,
    sent: Mutex<Vec<bitcoin::Txid>>,
    searches: AtomicUsize,
}

impl Fitful {
    fn new(inner: Arc<dyn Node>) -> Self {
        Self {
            inner,
            wallet: SecpKey::from_bytes(&[7; 32]).unwrap(),
            deaf: Mutex::new(None),
            refusal: Mutex::new(None),
            sent: Mutex::default(),
            searches: AtomicUsize::new(0),
        }
    }

    fn refuse(&self, nth: usize, reason: &'static str) {
        *self.refusal.lock().unwrap() = Some((nth, reason));
    }

    fn deafen(&self, nth: Option<usize>) {
        *self.deaf.lock().unwrap() = nth;
    }
}

impl Node for Fitful {
    fn status(&self) -> Reply<'_, NodeStatus> {
        self.inner.status()
    }

    fn tip(&self) -> Reply<'_, Tip> {
        self.inner.tip()
    }

    fn masternodes(&self) -> Reply<'_, MasternodeList> {
        self.inner.masternodes()
    }

    fn masternodes_at(&self, height: u32) -> Reply<'_, Vec<Entry>> {
        self.inner.masternodes_at(height)
    }

    fn list_diff(&self, base: u32, height: u32) -> Reply<'_, Option<ListDiff>> {
        self.inner.list_diff(base, height)
    }

    fn block_at(&self, height: u32) -> Reply<'_, Option<Tip>> {
        self.inner.block_at(height)
    }

    fn payments(&self, last: u32, count: u32) -> Reply<'_, Vec<Payment>> {
        self.inner.payments(last, count)
    }

    fn memberships(&self, hash: ProTxHash, count: u32) -> Reply<'_, Option<Vec<Membership>>> {
        self.inner.memberships(hash, count)
    }

    fn peer_version(&self, service: Service) -> Reply<'_, Option<u32>> {
        self.inner.peer_version(service)
    }

    fn masternode(&self, pro_tx_hash: ProTxHash) -> Reply<'_, Option<Entry>> {
        self.inner.masternode(pro_tx_hash)
    }

    fn coin(&self, outpoint: OutPoint) -> Reply<'_, Option<FoundCoin>> {
        self.inner.coin(outpoint)
    }

    fn transaction(&self, txid: bitcoin::Txid) -> Reply<'_, Option<FoundTx>> {
        self.inner.transaction(txid)
    }

    fn coins_of(&self, addresses: Vec<Address>, hints: Vec<OutPoint>) -> Reply<'_, CoinSearch> {
        self.searches.fetch_add(1, Ordering::Relaxed);
        self.inner.coins_of(addresses, hints)
    }

    fn fee_rate(&self) -> Reply<'_, FeeRate> {
        self.inner.fee_rate()
    }

    fn pending(&self) -> Reply<'_, Option<Vec<castellan::protocol::rules::Pending>>> {
        self.inner.pending()
    }

    fn wallet_coins(&self) -> Reply<'_, WalletCoins> {
        Box::pin(async {
            let change = self.wallet.key_id().address();
            let coins = self.inner.coins_of(vec![change], vec![]).await?.coins;
            Ok(WalletCoins { coins, change })
        })
    }

    fn wallet_sign(&self, mut tx: Transaction) -> Reply<'_, Transaction> {
        let code = self.wallet.key_id().address().script();
        for at in 0..tx.inputs.len() {
            let digest = tx.sighash_all(at, code.as_bytes());
            tx.inputs[at].script_sig =
                script::script_sig(&self.wallet.sign_der(&digest), &self.wallet.public_key().serialize());
        }
        Box::pin(async { Ok(tx) })
    }

    fn broadcast(&self, tx: Transaction) -> Reply<'_, bitcoin::Txid> {
        Box::pin(async move {
            let txid = tx.txid();
            let number = {
                let mut sent = self.sent.lock().unwrap();
                let known = sent.iter().position(|each| *each == txid);
                known.unwrap_or_else(|| {
                    sent.push(txid);
                    sent.len() - 1
                })
            };
            let refusal = self.refusal.lock().unwrap().take_if(|(at, _)| *at == number);
            if let Some((_, reason)) = refusal {
                return Err(RpcError::Rejected {
                    reason: reason.into(),
                    detail: reason.into(),
                });
            }
            let answer = self.inner.broadcast(tx).await;
            if *self.deaf.lock().unwrap() == Some(number) {
                return Err(RpcError::Timeout {
                    url: "http://node".into(),
                    seconds: 1,
                });
            }
            answer
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_masternodes_are_paid_from_one_coin_by_the_change_of_one_another() {
    for network in ["dash-regtest", "wei-regtest"] {
        let fleet = Fleet::new(network, 5).await;
        let plans = fleet.plan(fleet.payout(0x44)).await;
        assert!(plans.affordable());
        let (results, told) = fleet.run(parts(&plans)).await;
        let outcomes: Vec<Outcome> = results.into_iter().map(Result::unwrap).collect();
        for pair in outcomes.windows(2) {
            assert_eq!(pair[1].tx.inputs[0].previous.txid, pair[0].txid, "{network}");
        }
        // Nobody waited for a block in between.
        assert_eq!(held(&told), 0);
        let paid: Amount = outcomes.iter().map(|outcome| outcome.fee).sum();
        assert_eq!(paid, plans.fees, "the review said what it would cost");
        for at in 0..5 {
            let entry = fleet.entry(at).await;
            assert_eq!(entry.state.payout, Some(payee(0x44)));
            assert!(!entry.is_banned());
        }
        assert!(fleet.journal().iter().all(|each| each.state() == State::Mined));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_is_asked_for_coins_once_however_many_masternodes_there_are() {
    let fleet = Fleet::new("dash-regtest", 5).await;
    let plans = fleet.plan(fleet.payout(0x44)).await;
    assert_eq!(fleet.node.searches.swap(0, Ordering::Relaxed), 1);
    fleet.run(parts(&plans)).await;
    assert_eq!(fleet.node.searches.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_longer_than_nodes_keep_goes_on_in_the_next_block() {
    let fleet = Fleet::new("dash-regtest", 27).await;
    let plans = fleet.plan(fleet.payout(0x44)).await;
    let (results, told) = fleet.run(parts(&plans)).await;
    let outcomes: Vec<Outcome> = results.into_iter().map(Result::unwrap).collect();
    assert!(held(&told) >= 1);
    let first_held = told.iter().position(|progress| progress.event == Event::Held).unwrap();
    assert_eq!(told[first_held].at, 25, "the 26th");
    assert!(outcomes[25].height > outcomes[24].height);
    // Nothing was tried that a node refuses.
    assert_eq!(fleet.journal().len(), 27);
    assert!(fleet.journal().iter().all(|each| each.state() == State::Mined));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_coin_is_spent_before_a_block_is_awaited() {
    let fleet = Fleet::new("dash-regtest", 27).await;
    let fees = fleet.world.key_id("fees").address().script();
    fleet.sandbox.fund(fees, Amount::from_coins(2)).unwrap();
    fleet.sandbox.mine(1);
    let plans = fleet.plan(fleet.payout(0x44)).await;
    let (results, told) = fleet.run(parts(&plans)).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(held(&told), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_in_the_middle_stops_nobody_and_is_retried_alone() {
    for network in ["dash-regtest", "wei-regtest"] {
        let fleet = Fleet::new(network, 4).await;
        let plans = fleet.plan(fleet.services()).await;
        // Between review and run somebody takes the address of the second.
        fleet.stranger_takes(fleet.service(1)).await;
        let (results, told) = fleet.run(parts(&plans)).await;
        let failure = results[1].clone().unwrap_err();
        assert!(
            matches!(&failure.error, Error::Rule(check) if check.rule == "service-unique"),
            "{failure:?}"
        );
        let Left::Unsent { id } = failure.left else {
            panic!("{failure:?}")
        };
        assert_eq!(fleet.ports.journal.get(id).unwrap().state(), State::Failed);
        let failed_at = told.iter().filter(|each| matches!(each.event, Event::Failed(_)));
        assert_eq!(failed_at.map(|each| each.at).collect::<Vec<_>>(), [1]);
        for at in [0, 2, 3] {
            assert!(results[at].is_ok());
            assert_eq!(fleet.entry(at).await.state.service, fleet.service(at), "{network}");
        }

        // Planned anew it still cannot be sent; once the other has gone, it can.
        let failed = vec![Failed {
            item: plans.items[1].clone(),
            left: failure.left,
        }];
        let again = batch::anew(&fleet.ports, failed.clone()).await.unwrap();
        assert!(matches!(again.items[0].obstacle(), Some(Error::Rule(_))));
        fleet.stranger_takes(fleet.service(9)).await;
        let again = batch::anew(&fleet.ports, failed).await.unwrap();
        let reviewed = plans.items[1].plan.as_ref().unwrap();
        assert!(batch::is_as_reviewed(reviewed, again.items[0].plan.as_ref().unwrap()));
        let (results, _) = fleet.run(parts(&again)).await;
        assert!(results[0].is_ok());
        assert_eq!(fleet.entry(1).await.state.service, fleet.service(1));
        assert_eq!(fleet.ports.journal.get(id).unwrap().state(), State::Cancelled);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_means_something_else_by_now_is_not_as_reviewed() {
    let fleet = Fleet::new("dash-regtest", 1).await;
    let reviewed = fleet.plan(fleet.payout(0x44)).await;
    let voting = Request::Voting {
        of: fleet.mine.clone(),
        to: Voting::NewForEach,
    };
    let meanwhile = fleet.plan(voting).await;
    assert!(fleet.run(parts(&meanwhile)).await.0[0].is_ok());
    let failed = Failed {
        item: reviewed.items[0].clone(),
        left: Left::Nothing,
    };
    let again = batch::anew(&fleet.ports, vec![failed]).await.unwrap();
    let plan = |plans: &Plans| plans.items[0].plan.clone().unwrap();
    assert!(!batch::is_as_reviewed(&plan(&reviewed), &plan(&again)));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_in_between_each_goes_on_from_the_journal() {
    let fleet = Fleet::new("dash-regtest", 5).await;
    let plans = fleet.plan(fleet.payout(0x44)).await;
    {
        let mut flow = batch::run(fleet.ports.clone(), parts(&plans)).pin();
        while let Some(progress) = flow.sip().await {
            // The third is signed by its owner; the program dies.
            if progress.at == 2 && matches!(progress.event, Event::Step(Step::PayloadSigned { .. })) {
                break;
            }
        }
    }
    let states: Vec<State> = fleet.journal().iter().map(Operation::state).collect();
    assert_eq!(states.len(), 3, "the last two were never begun");
    assert_eq!(fleet.ports.journal.unfinished().unwrap().len(), 3);
    for operation in fleet.journal() {
        let mut flow = resume::resume(fleet.ports.clone(), operation.id).pin();
        while let Some(step) = flow.sip().await {
            if matches!(step, Step::WaitingForBlock { .. }) {
                fleet.sandbox.mine(1);
            }
        }
        flow.await.unwrap();
    }
    for at in 0..5 {
        assert_eq!(fleet.entry(at).await.state.payout == Some(payee(0x44)), at < 3);
    }
}

/// A node counts the unconfirmed transactions behind a payment better than this program can.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_too_late_in_a_chain_waits_for_a_block_and_is_paid_anew() {
    let fleet = Fleet::new("dash-regtest", 3).await;
    let plans = fleet.plan(fleet.payout(0x44)).await;
    fleet.node.refuse(1, "too-long-mempool-chain");
    let (results, told) = fleet.run(parts(&plans)).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert!(told.iter().any(|each| each.at == 1 && each.event == Event::Held));
    // The journal keeps the one that was refused, newest first.
    let states: Vec<State> = fleet.journal().iter().map(Operation::state).collect();
    assert_eq!(states, [State::Mined, State::Mined, State::Failed, State::Mined]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_node_refused_is_planned_anew() {
    let fleet = Fleet::new("dash-regtest", 2).await;
    let plans = fleet.plan(fleet.payout(0x44)).await;
    fleet.node.refuse(1, "mempool full");
    let (results, _) = fleet.run(parts(&plans)).await;
    let failure = results[1].clone().unwrap_err();
    let Left::Unsent { id } = failure.left else {
        panic!("{failure:?}")
    };
    let failed = Failed {
        item: plans.items[1].clone(),
        left: failure.left,
    };
    let again = batch::anew(&fleet.ports, vec![failed]).await.unwrap();
    let (results, _) = fleet.run(parts(&again)).await;
    assert_eq!(results[0].as_ref().unwrap().pro_tx_hash, fleet.mine[1]);
    assert_eq!(fleet.ports.journal.get(id).unwrap().state(), State::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_leaves_it_open_and_it_is_gone_on_with_never_planned_anew() {
    let fleet = Fleet::new("dash-regtest", 3).await;
    let fees = fleet.world.key_id("fees").address().script();
    fleet.sandbox.fund(fees, Amount::from_coins(2)).unwrap();
    fleet.sandbox.mine(1);
    let plans = fleet.plan(fleet.payout(0x44)).await;
    fleet.node.deafen(Some(1));
    let (results, _) = fleet.run(parts(&plans)).await;
    let failure = results[1].clone().unwrap_err();
    let Left::Sent { id } = failure.left else {
        panic!("{failure:?}")
    };
    // The third was not paid from change that may not exist.
    let third = results[2].as_ref().unwrap();
    let open = fleet.ports.journal.get(id).unwrap();
    assert_ne!(third.tx.inputs[0].previous.txid, open.finished().unwrap().0);
    fleet.node.deafen(None);
    let (results, _) = fleet.run(vec![Part::GoOn(id)]).await;
    assert_eq!(results[0].as_ref().unwrap().pro_tx_hash, fleet.mine[1]);
    assert_eq!(fleet.ports.journal.get(id).unwrap().state(), State::Mined);
    assert_eq!(fleet.journal().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masternode_without_its_key_here_is_left_out_and_no_key_is_made_for_it() {
    let fleet = Fleet::new("dash-regtest", 3).await;
    let before = fleet.world.vault.list().len();
    fleet.world.vault.remove("mn2-owner").unwrap();
    let request = Request::Voting {
        of: fleet.mine.clone(),
        to: Voting::NewForEach,
    };
    let plans = prepare_request(&fleet.ports, request, fees()).await.unwrap();
    assert_eq!(plans.ready(), [0, 2]);
    assert!(matches!(
        plans.items[1].obstacle(),
        Some(Error::SignatureElsewhere { role: Role::Owner, .. })
    ));
    assert_eq!(fleet.world.vault.list().len(), before - 1 + 2);
    let (results, _) = fleet.run(parts(&plans)).await;
    assert!(results.iter().all(Result::is_ok));
    for (at, label) in [(0, "mn1-voting"), (2, "mn3-voting")] {
        assert_eq!(fleet.entry(at).await.state.voting, Some(fleet.world.key_id(label)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_batch_nobody_signs_are_taken_back() {
    let fleet = Fleet::new("dash-regtest", 2).await;
    let before = fleet.world.vault.list();
    for to in [Voting::NewForEach, Voting::NewForAll] {
        let of = fleet.mine.clone();
        let plans = fleet.plan(Request::Voting { of, to }).await;
        assert_ne!(fleet.world.vault.list(), before);
        batch::discard(&fleet.ports, &plans, &[]);
        assert_eq!(fleet.world.vault.list(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_new_voting_key_for_all_is_made_once_and_stays_while_anybody_has_it() {
    let fleet = Fleet::new("wei-regtest", 3).await;
    let of = fleet.mine.clone();
    let plans = fleet
        .plan(Request::Voting {
            of,
            to: Voting::NewForAll,
        })
        .await;
    assert_eq!(plans.shared.as_deref(), Some("shared-voting"));
    let (results, _) = fleet.run(parts(&plans)).await;
    assert!(results.iter().all(Result::is_ok));
    batch::discard(&fleet.ports, &plans, &fleet.mine[..1]);
    for at in 0..3 {
        assert_eq!(
            fleet.entry(at).await.state.voting,
            Some(fleet.world.key_id("shared-voting"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_made_for_one_that_failed_is_used_again_and_only_unbegun_ones_are_taken_back() {
    let fleet = Fleet::new("dash-regtest", 2).await;
    let of = fleet.mine.clone();
    let plans = fleet
        .plan(Request::Voting {
            of,
            to: Voting::NewForEach,
        })
        .await;
    // All the money is gone when it is run: nothing is begun.
    drain(&fleet).await;
    let (results, _) = fleet.run(parts(&plans)).await;
    let failures: Vec<Failure> = results.into_iter().map(Result::unwrap_err).collect();
    assert!(
        failures.iter().all(|failure| failure.left == Left::Nothing),
        "{failures:?}"
    );
    let money = fleet.world.key_id("fees").address().script();
    fleet.sandbox.fund(money, Amount::from_coins(1)).unwrap();
    fleet.sandbox.mine(1);
    let failed = Failed {
        item: plans.items[0].clone(),
        left: Left::Nothing,
    };
    let again = batch::anew(&fleet.ports, vec![failed]).await.unwrap();
    assert_eq!(again.items[0].made, ["mn1-voting"]);
    assert!(fleet.run(parts(&again)).await.0[0].is_ok());
    assert_eq!(
        fleet.entry(0).await.state.voting,
        Some(fleet.world.key_id("mn1-voting"))
    );
    batch::discard(&fleet.ports, &plans, &fleet.mine[..1]);
    assert!(fleet.world.vault.info("mn1-voting").is_ok());
    assert!(fleet.world.vault.info("mn2-voting").is_err());
}

/// Spends the fee coins elsewhere.
async fn drain(fleet: &Fleet) {
    let key = fleet.world.vault.secp("fees").unwrap();
    let script = key.key_id().address().script();
    let coins = fleet
        .ports
        .node
        .coins_of(vec![key.key_id().address()], vec![])
        .await
        .unwrap();
    let mut tx = Transaction::empty(2);
    tx.version = 2;
    let total: Amount = coins.coins.iter().map(|coin| coin.value).sum();
    tx.inputs = coins
        .coins
        .iter()
        .map(|coin| castellan::protocol::TxIn::unsigned(coin.outpoint))
        .collect();
    let kept = Amount::from_duffs(total.duffs() - 10_000);
    tx.outputs = vec![castellan::protocol::TxOut::new(kept, payee(0x99).script())];
    for at in 0..tx.inputs.len() {
        let digest = tx.sighash_all(at, script.as_bytes());
        tx.inputs[at].script_sig = script::script_sig(&key.sign_der(&digest), &key.public_key().serialize());
    }
    fleet.ports.node.broadcast(tx).await.unwrap();
    fleet.sandbox.mine(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_review_says_when_the_money_does_not_last_for_all() {
    let fleet = Fleet::new("dash-regtest", 4).await;
    drain(&fleet).await;
    // Enough for two, with the change that has to be left.
    let money = fleet.world.key_id("fees").address().script();
    fleet.sandbox.fund(money, Amount::from_duffs(1_600)).unwrap();
    fleet.sandbox.mine(1);
    let plans = prepare_request(&fleet.ports, fleet.payout(0x44), fees()).await.unwrap();
    assert!(!plans.affordable());
    assert_eq!(plans.available, Amount::from_duffs(1_600));
    let Some(Error::FeeKeyShort { needed, available, .. }) = plans.short else {
        panic!("{plans:?}")
    };
    assert_eq!(available, plans.available);
    // What it asks for is enough.
    let money = fleet.world.key_id("fees").address().script();
    fleet.sandbox.fund(money, needed).unwrap();
    fleet.sandbox.mine(1);
    assert!(fleet.plan(fleet.payout(0x44)).await.affordable());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nodes_wallet_pays_for_all_from_one_coin() {
    let fleet = Fleet::new("dash-regtest", 3).await;
    let script = fleet.node.wallet.key_id().address().script();
    fleet.sandbox.fund(script, Amount::from_coins(1)).unwrap();
    fleet.sandbox.mine(1);
    let plans = prepare_request(&fleet.ports, fleet.payout(0x44), FeeSource::NodeWallet)
        .await
        .unwrap();
    assert!(plans.affordable());
    let (results, told) = fleet.run(parts(&plans)).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(held(&told), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evonode_gets_an_address_with_its_platform_fields_kept() {
    let fleet = Fleet::new("dash-regtest", 8).await;
    let evo = {
        let mut found = None;
        for at in 0..8 {
            if fleet.entry(at).await.kind == castellan::protocol::network::MnType::Evo {
                found = Some(at);
            }
        }
        found.expect("one in eight")
    };
    let before = fleet.entry(evo).await.state;
    let plans = fleet.plan(fleet.services()).await;
    let (results, _) = fleet.run(parts(&plans)).await;
    assert!(results.iter().all(Result::is_ok));
    let after = fleet.entry(evo).await.state;
    assert_eq!(after.service, fleet.service(evo));
    assert_eq!(
        (
            after.platform_node_id,
            after.platform_p2p_port,
            after.platform_http_port
        ),
        (
            before.platform_node_id,
            before.platform_p2p_port,
            before.platform_http_port
        )
    );
}
