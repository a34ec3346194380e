//! Alerts of what a chain by the rules does not do, of silence, and of when nothing is sent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use castellan::flow::alert::{Alert, Kind, Rules, What};
use castellan::flow::watch::{self, Heard, Told, Watch, Who};
use castellan::flow::{Ports, now};
use castellan::notify::fake::FakeSink;
use castellan::notify::{NotifyError, Sink, Urgency};
use castellan::protocol::masternode::Entry;
use castellan::protocol::{Address, ProTxHash};
use castellan::rpc::fake::{FakeNode, Request};
use castellan::rpc::{MasternodeList, RpcError, Tip};
use castellan::store::alerts::{Quiet, TimeOfDay};
use castellan::store::clock;
use futures::StreamExt;

use crate::world::{TIP, World, tip};

/// Ports to a node whose lists are these, one after the other.
fn listing(world: &World, lists: &[(u32, Vec<Entry>)]) -> (Ports, FakeNode) {
    let mut node = FakeNode::new();
    for (height, entries) in lists {
        let list = MasternodeList::saved(tip(*height), entries.clone(), &world.profile);
        node = node
            .with_masternodes(Ok(list))
            .with_tip(Ok(tip(*height)))
            .with_block_at(*height, Ok(Some(tip(*height))))
            .with_masternodes_at(*height, Ok(entries.clone()));
    }
    let (ports, _) = world.ports();
    let ports = Ports {
        node: Arc::new(node.clone()),
        ..ports
    };
    (ports, node)
}

fn watch(ports: &Ports, hash: ProTxHash, rules: Rules) -> Watch {
    let watch = Watch::open(&ports.profile, ports.journal.path(), Who::Window, rules).unwrap();
    watch.with([hash])
}

async fn look(watch: &Watch, ports: &Ports) -> Told {
    watch.look(ports).await.unwrap().unwrap().0
}

fn kinds(told: &Told) -> Vec<Kind> {
    told.alerts.iter().map(Alert::kind).collect()
}

/// Masternodes paid in the order of their numbers, the first next.
fn entries(world: &World) -> Vec<Entry> {
    world.chain.entries.clone()
}

/// The same with who was paid in a block.
fn paid(mut entries: Vec<Entry>, at: usize, block: u32) -> Vec<Entry> {
    entries[at].state.last_paid_height = block;
    entries
}

#[tokio::test]
async fn a_block_that_pays_somebody_else_is_a_missed_payment() {
    let world = World::new("dash-regtest");
    let first = entries(&world)[0].pro_tx_hash;
    let wrong = paid(entries(&world), 1, TIP + 1);
    let (ports, _) = listing(&world, &[(TIP, entries(&world)), (TIP + 1, wrong)]);
    let watch = watch(&ports, first, Rules::default());
    look(&watch, &ports).await;
    let told = look(&watch, &ports).await;
    assert_eq!(told.alerts[0].what, What::PaymentMissed { block: TIP + 1 });
    assert_eq!(told.alerts[0].urgency(), Urgency::Critical);
}

#[tokio::test]
async fn a_block_nobody_looked_at_is_looked_at_before_a_payment_is_called_missed() {
    let world = World::new("dash-regtest");
    let first = entries(&world)[0].pro_tx_hash;
    let wrong = paid(entries(&world), 1, TIP + 1);
    let later = paid(wrong.clone(), 2, TIP + 3);
    // It missed its turn in the first block.
    let (ports, node) = listing(&world, &[(TIP, entries(&world)), (TIP + 3, later.clone())]);
    let seen = node.with_masternodes_at(TIP + 1, Ok(wrong));
    let missing = watch(&ports, first, Rules::default());
    look(&missing, &ports).await;
    let told = look(&missing, &ports).await;
    assert_eq!(told.alerts[0].what, What::PaymentMissed { block: TIP + 1 });
    assert!(
        seen.requests().contains(&Request::MasternodesAt(TIP + 1)),
        "{:?}",
        seen.requests()
    );

    // A node that cannot show the block brings nothing, nor does one where it was banned in that block and revived.
    let world = World::new("dash-regtest");
    let (ports, _) = listing(&world, &[(TIP, entries(&world)), (TIP + 3, later)]);
    let silent = watch(&ports, first, Rules::default());
    look(&silent, &ports).await;
    assert_eq!(kinds(&look(&silent, &ports).await), []);
}

#[tokio::test]
async fn a_quiet_block_asks_the_node_nothing_more() {
    let world = World::new("dash-regtest");
    let last = entries(&world)[2].pro_tx_hash;
    let (ports, node) = listing(
        &world,
        &[(TIP, entries(&world)), (TIP + 1, paid(entries(&world), 0, TIP + 1))],
    );
    let watch = watch(&ports, last, Rules::default());
    look(&watch, &ports).await;
    look(&watch, &ports).await;
    let asked = node.requests();
    assert!(
        asked
            .iter()
            .all(|request| matches!(request, Request::Masternodes | Request::Tip | Request::Status)),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_node_that_lags_behind_or_shows_another_chain_brings_no_alerts() {
    let world = World::new("dash-regtest");
    let first = entries(&world)[0].pro_tx_hash;
    let mut changed = entries(&world);
    changed[0].state.payout = Some(Address::PubkeyHash([0x99; 20]));
    // Behind, with the payout of then; and forward again.
    let (ports, node) = listing(
        &world,
        &[
            (TIP - 5, entries(&world)),
            (TIP, changed.clone()),
            (TIP - 5, entries(&world)),
            (TIP + 1, paid(changed.clone(), 0, TIP + 1)),
        ],
    );
    let behind = watch(&ports, first, Rules::default());
    look(&behind, &ports).await;
    assert_eq!(kinds(&look(&behind, &ports).await), [Kind::PayoutChanged]);
    assert_eq!(kinds(&look(&behind, &ports).await), [], "{:?}", node.requests());
    assert_eq!(kinds(&look(&behind, &ports).await), [Kind::Payment]);

    // A test chain that began anew: same name and first block, nothing else.
    let (mut other, _) = listing(&world, &[]);
    let strange = Tip {
        hash: tip(7).hash,
        ..tip(TIP + 9)
    };
    let list = MasternodeList::saved(strange, entries(&world), &world.profile);
    other.node = Arc::new(FakeNode::new().with_masternodes(Ok(list)).with_block_at(
        TIP + 1,
        Ok(Some(Tip {
            hash: tip(8).hash,
            ..tip(TIP + 1)
        })),
    ));
    assert_eq!(kinds(&look(&behind, &other).await), []);
}

#[tokio::test]
async fn a_kind_that_is_switched_off_is_neither_told_nor_kept() {
    let world = World::new("dash-regtest");
    let first = entries(&world)[0].pro_tx_hash;
    let (ports, _) = listing(
        &world,
        &[(TIP, entries(&world)), (TIP + 1, paid(entries(&world), 0, TIP + 1))],
    );
    let off = Rules {
        off: BTreeSet::from([Kind::Payment]),
        ..Rules::default()
    };
    let watch = watch(&ports, first, off);
    look(&watch, &ports).await;
    let told = look(&watch, &ports).await;
    assert_eq!((kinds(&told), told.muted.len()), (Vec::new(), 1));
    assert_eq!(watch::notices(&told, &ports.profile), []);
    assert_eq!(watch.lately(9).unwrap(), []);
}

/// Rules whose quiet hours are all of the day but the minute that has just gone.
fn quiet() -> Rules {
    let now = clock::time_of_day(now()).unwrap().to_string();
    let (hours, minutes) = now.split_once(':').unwrap();
    let minutes: u16 = hours.parse::<u16>().unwrap() * 60 + minutes.parse::<u16>().unwrap();
    Rules {
        quiet: Some(Quiet {
            from: TimeOfDay::of_minutes(minutes),
            to: TimeOfDay::of_minutes(minutes + 24 * 60 - 1),
        }),
        ..Rules::default()
    }
}

#[tokio::test]
async fn what_happens_in_quiet_hours_is_kept_and_told_as_one_when_they_are_over() {
    let world = World::new("dash-regtest");
    let first = entries(&world)[0].pro_tx_hash;
    let mut moved = paid(entries(&world), 0, TIP + 1);
    moved[0].state.payout = Some(Address::PubkeyHash([0x99; 20]));
    let (ports, _) = listing(&world, &[(TIP, entries(&world)), (TIP + 1, moved)]);
    let watch = watch(&ports, first, quiet());
    look(&watch, &ports).await;
    let told = look(&watch, &ports).await;
    assert_eq!(
        (kinds(&told), told.waiting),
        (vec![Kind::PayoutChanged, Kind::Payment], true)
    );
    assert_eq!(watch::notices(&told, &ports.profile), []);
    assert!(!watch.is_due(now()).await.unwrap() && watch.due(now()).await.unwrap().is_empty());
    // They are on the page at once.
    assert_eq!(watch.lately(9).unwrap().len(), 2);
    watch.set_rules(Rules::default());
    assert!(watch.is_due(now()).await.unwrap());
    let over = watch.due(now()).await.unwrap();
    assert_eq!((over.summary.len(), over.alerts.len()), (2, 0));
    let notices = watch::notices(&over, &ports.profile);
    assert_eq!(notices.len(), 1);
    assert!(
        notices[0].title.contains("2 alerts") && notices[0].body.lines().count() == 2,
        "{:?}",
        notices[0]
    );
    assert_eq!(notices[0].urgency, Urgency::Critical);
    let document: serde_json::Value = serde_json::from_str(&notices[0].document).unwrap();
    assert_eq!(
        (&document["kind"], document["alerts"].as_array().map(Vec::len)),
        (&"summary".into(), Some(2))
    );
    assert!(watch.due(now()).await.unwrap().is_empty(), "told once");
}

fn unreachable() -> RpcError {
    RpcError::Unreachable {
        url: "http://node:1".to_owned(),
        kind: "connection refused".to_owned(),
    }
}

#[tokio::test]
async fn a_node_that_is_silent_for_too_long_is_told_once_and_so_is_its_return() {
    let world = World::new("dash-regtest");
    let first = entries(&world)[0].pro_tx_hash;
    let (ports, _) = listing(&world, &[(TIP, entries(&world))]);
    let mut down = ports.clone();
    down.node = Arc::new(
        FakeNode::new()
            .with_masternodes(Err(unreachable()))
            .with_status(Err(unreachable())),
    );
    let watch = watch(&ports, first, Rules::default());
    look(&watch, &ports).await;
    let since = now();
    assert!(watch.look(&down).await.unwrap().is_err());
    assert!(watch.due(since + 590).await.unwrap().is_empty());
    // A restart does not begin to count anew.
    drop(watch);
    let watch = self::watch(&ports, first, Rules::default());
    assert!(watch.is_due(since + 610).await.unwrap());
    let told = watch.due(since + 610).await.unwrap();
    let What::NodeDown { minutes: 10, cause } = &told.alerts[0].what else {
        panic!("{told:?}");
    };
    assert!(cause.contains("connection refused"), "{cause}");
    assert!(watch.due(since + 900).await.unwrap().is_empty());
    let back = look(&watch, &ports).await;
    assert_eq!(
        back.alerts.iter().map(|alert| &alert.what).collect::<Vec<_>>(),
        [&What::NodeUp]
    );
    // A short silence is not worth a word.
    assert!(watch.look(&down).await.unwrap().is_err());
    assert!(look(&watch, &ports).await.is_empty());
}

#[tokio::test]
async fn following_looks_at_new_blocks_and_says_when_the_node_falls_silent() {
    let world = World::new("dash-regtest");
    let first = entries(&world)[0].pro_tx_hash;
    let next = paid(entries(&world), 0, TIP + 1);
    let (ports, node) = listing(&world, &[(TIP, entries(&world)), (TIP + 1, next)]);
    let _ = node.clone().with_tip(Err(unreachable()));
    let watch = watch(&ports, first, Rules::default());
    let heard: Vec<Heard> = watch::follow(&watch, ports).take(3).map(Result::unwrap).collect().await;
    let [Heard::Looked(start), Heard::Looked(told), Heard::Silent(_)] = &heard[..] else {
        panic!("{heard:?}");
    };
    assert!(start.is_empty());
    assert_eq!(kinds(told), [Kind::Payment]);
}

#[tokio::test]
async fn everybody_is_told_and_one_who_cannot_be_is_named() {
    let world = World::new("dash-regtest");
    let first = entries(&world)[0].pro_tx_hash;
    let (ports, _) = listing(
        &world,
        &[(TIP, entries(&world)), (TIP + 1, paid(entries(&world), 0, TIP + 1))],
    );
    let watch = watch(&ports, first, Rules::default());
    look(&watch, &ports).await;
    let told = look(&watch, &ports).await;
    let gone = NotifyError::Unreachable { host: "h".to_owned() };
    let (good, bad) = (FakeSink::default(), FakeSink::failing(gone.clone()));
    let sinks: Vec<Arc<dyn Sink>> = vec![Arc::new(bad.clone()), Arc::new(good.clone())];
    let notices = watch::notices(&told, &ports.profile);
    let failures = tokio::time::timeout(Duration::from_secs(5), watch::tell(&sinks, &notices))
        .await
        .unwrap();
    assert_eq!(
        failures.iter().map(|failure| &failure.error).collect::<Vec<_>>(),
        [&gone]
    );
    assert_eq!(good.told(), notices);
    let notice = &good.told()[0];
    let document: serde_json::Value = serde_json::from_str(&notice.document).unwrap();
    for (key, value) in [
        ("network", "dash-regtest".into()),
        ("proTxHash", first.to_string().into()),
        ("kind", "payment".into()),
        ("height", (TIP + 1).into()),
        ("time", tip(TIP + 1).time.into()),
        ("own", false.into()),
        ("sentence", notice.body.clone().into()),
        ("block", (TIP + 1).into()),
    ] {
        let value: serde_json::Value = value;
        assert_eq!(document[key], value, "{key} of {document}");
    }
    let variable = |name: &str| {
        notice
            .variables
            .iter()
            .find(|(each, _)| *each == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!((variable("KIND"), variable("HEIGHT")), (Some("payment"), Some("501")));
}
