//! The past of masternodes on a sandbox: recorded block by block, read again from the node, and compared with the chain itself.

use std::collections::HashSet;
use std::sync::Arc;

use bitcoin::hashes::Hash;
use castellan::flow::choice::{OperatorChoice, VotingChoice};
use castellan::flow::history::{self, Change as Happened, Look, Progress, Recorder, Timeline};
use castellan::flow::update::{Change, OperatorPayout, Registrar, ServiceChange};
use castellan::flow::{Error, Ports};
use castellan::protocol::masternode::{BanReason, Entry, Status};
use castellan::protocol::network::MnType;
use castellan::protocol::special_tx::Service;
use castellan::protocol::{Address, ProTxHash};
use castellan::rpc::MasternodeList;
use castellan::sandbox::Sandbox;
use castellan::store::History;
use castellan::store::history::{Event, RETENTION, Subject};
use sipper::Sipper;

use crate::sandbox::{registered, start, updated};
use crate::update::revocation;
use crate::world::{World, entry, tip};

/// Somebody who looks at every new list.
struct Watcher {
    ports: Ports,
    watched: HashSet<ProTxHash>,
    recorder: Recorder,
}

impl Watcher {
    async fn of(ports: &Ports, watched: impl IntoIterator<Item = ProTxHash>) -> Self {
        let mut watcher = Self {
            ports: ports.clone(),
            watched: watched.into_iter().collect(),
            recorder: Recorder::default(),
        };
        watcher.look().await;
        watcher
    }

    async fn look(&mut self) -> Vec<(ProTxHash, Event)> {
        let look = Look::from(&self.ports.node.masternodes().await.unwrap());
        let found = self.recorder.record(&self.ports, &self.watched, look).await;
        found.unwrap()
    }

    /// The program was closed meanwhile.
    fn restart(&mut self) {
        self.recorder = Recorder::default();
    }

    async fn mine(&mut self, sandbox: &Sandbox, blocks: u32) {
        for _ in 0..blocks {
            sandbox.mine(1);
            self.look().await;
        }
    }
}

/// The same node with nothing known yet.
fn forgetful(ports: &Ports) -> Ports {
    Ports {
        history: Arc::new(History::in_memory().unwrap()),
        ..ports.clone()
    }
}

async fn read(ports: &Ports, hash: ProTxHash) -> Timeline {
    history::timeline(ports, hash).await.unwrap()
}

async fn rebuilt(ports: &Ports, hash: ProTxHash, back_to: u32) -> Timeline {
    let ports = forgetful(ports);
    history::rebuild(ports.clone(), vec![hash], Some(back_to))
        .await
        .unwrap();
    read(&ports, hash).await
}

/// Scores, bans and payments of every block that is said to be known are those of the chain.
fn assert_true(sandbox: &Sandbox, timeline: &Timeline) {
    let mut known = 0;
    sandbox.with_chain(|chain| {
        for range in &timeline.covered {
            for height in range.from..=range.to {
                let told = timeline.at(height).unwrap();
                let listed = chain.list_at(height).unwrap().get(timeline.hash);
                let penalty = listed.map_or(0, |mn| mn.state.penalty);
                assert_eq!(told.penalty, penalty, "score at {height}: {:?}", timeline.events);
                assert_eq!(told.status.is_some(), listed.is_some(), "listed at {height}");
                let banned = told.status.is_some_and(|status| status != Status::Enabled);
                assert_eq!(banned, listed.is_some_and(|mn| mn.is_banned()), "ban at {height}");
                if height > range.from {
                    let payee = chain.payee_of(height) == Some(timeline.hash);
                    let paid = timeline.payments.iter().any(|payment| payment.height == height);
                    assert_eq!(paid, payee, "payment at {height}");
                }
                known += 1;
            }
        }
    });
    assert!(known > 1, "{:?}", timeline.covered);
    let amounts = |payment: &history::Payment| payment.amount.is_some() && payment.time.is_some();
    assert!(timeline.payments.iter().all(amounts), "{:?}", timeline.payments);
    assert_line(timeline);
}

/// The lines go through the scores.
fn assert_line(timeline: &Timeline) {
    for line in &timeline.lines {
        for pair in line.windows(2) {
            let ((from, start), (to, end)) = (pair[0], pair[1]);
            assert!(from < to, "{line:?}");
            for height in from..=to {
                let along = f64::from(height - from) / f64::from(to - from);
                let drawn = f64::from(start) + along * (f64::from(end) - f64::from(start));
                let told = f64::from(timeline.at(height).unwrap().penalty);
                assert!((drawn - told).abs() < 1e-6, "{height}: {drawn} {told} {line:?}");
            }
        }
    }
}

fn count(timeline: &Timeline, name: &str) -> usize {
    timeline
        .events
        .iter()
        .filter(|event| event.change.name() == name)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rebuilt_past_is_the_one_that_was_recorded_block_by_block() {
    for kind in [MnType::Regular, MnType::Evo] {
        let (world, ports, sandbox) = start("dash-regtest").await;
        let begin = sandbox.height();
        let own = registered(&world, &ports, &sandbox, kind).await;
        let list = ports.node.masternodes().await.unwrap();
        let spotless = |entry: &&Entry| !entry.is_banned() && entry.state.pose_penalty == 0;
        let other = list.entries.iter().find(spotless).unwrap().pro_tx_hash;
        let mut watcher = Watcher::of(&ports, [own, other]).await;
        let from = sandbox.height();
        let service = |ip: [u8; 4], operator_payout| {
            Change::Service(ServiceChange {
                service: Some(Service::v4(ip.into(), world.profile.p2p_port)),
                operator_payout,
                ..ServiceChange::default()
            })
        };

        // A payment of each, with a failed DKG in between, and the score all the way down.
        watcher.mine(&sandbox, 5).await;
        sandbox.fail_dkg(other).unwrap();
        watcher.mine(&sandbox, 70).await;
        // Keys and addresses.
        let share = Address::PubkeyHash([0x31; 20]);
        updated(&ports, &sandbox, own, service([4, 4, 4, 4], OperatorPayout::To(share))).await;
        watcher.look().await;
        let both = Change::Registrar(Registrar {
            payout: Some(Address::PubkeyHash([0x32; 20])),
            voting: Some(VotingChoice::New),
            ..Registrar::default()
        });
        updated(&ports, &sandbox, own, both).await;
        watcher.look().await;
        // Two failures ban; the operator revives. Then another operator, who gives up.
        sandbox.fail_dkg(own).unwrap();
        watcher.mine(&sandbox, 3).await;
        sandbox.fail_dkg(own).unwrap();
        watcher.mine(&sandbox, 4).await;
        updated(&ports, &sandbox, own, Change::Service(ServiceChange::default())).await;
        watcher.look().await;
        watcher.mine(&sandbox, 2).await;
        let operator = Change::Registrar(Registrar {
            operator: Some(OperatorChoice::New),
            ..Registrar::default()
        });
        updated(&ports, &sandbox, own, operator).await;
        watcher.look().await;
        let mut announced = ServiceChange {
            service: Some(Service::v4([4, 4, 4, 6].into(), world.profile.p2p_port)),
            ..ServiceChange::default()
        };
        announced.platform.node_id = (kind == MnType::Evo).then_some([0x5b; 20]);
        updated(&ports, &sandbox, own, Change::Service(announced)).await;
        watcher.look().await;
        watcher.mine(&sandbox, 40).await;
        updated(&ports, &sandbox, own, revocation()).await;
        watcher.look().await;
        watcher.mine(&sandbox, 20).await;

        for hash in [own, other] {
            let recorded = read(&ports, hash).await;
            assert_eq!(recorded.covered.len(), 1);
            assert_eq!(
                (recorded.covered[0].from, recorded.covered[0].to),
                (from, sandbox.height())
            );
            assert_true(&sandbox, &recorded);
            let whole = rebuilt(&ports, hash, 0).await;
            assert_true(&sandbox, &whole);
            let since = whole.clone().since(from);
            assert_eq!(since.events, recorded.events);
            assert_eq!((&since.lines, &since.payments), (&recorded.lines, &recorded.payments));
            assert_eq!(since.covered, recorded.covered);
            // It goes on to the registration, and no further.
            assert!(matches!(whole.events[0].change, Happened::Registered { .. }));
            assert_eq!(whole.covered[0].from + 1, whole.events[0].height);
        }
        let own = read(&ports, own).await;
        for (name, times) in [
            ("service", 4),
            ("payout", 1),
            ("voting", 1),
            ("operator-payout", 2),
            ("operator-key", 2),
        ] {
            assert_eq!(count(&own, name), times, "{name}: {:#?}", own.events);
        }
        let reasons: Vec<BanReason> = own
            .events
            .iter()
            .filter_map(|event| match event.change {
                Happened::Status { reason, .. } => reason,
                _ => None,
            })
            .collect();
        let gave_up = BanReason::Revoked { reason: 2 };
        assert_eq!(reasons, [BanReason::Misbehaviour, BanReason::OperatorChanged, gave_up]);
        assert!(!own.payments.is_empty());
        // Each rise has the name of the DKG that made it.
        for timeline in [own, read(&ports, other).await] {
            let rises = timeline.events.iter().filter(|event| event.change.is_rise()).count();
            assert!(rises > 0);
            assert_eq!(count(&timeline, "dkg"), rises, "{:#?}", timeline.events);
        }
        assert!(begin < from);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_reorganisation_only_the_blocks_of_the_new_branch_are_told() {
    let (_world, ports, sandbox) = start("dash-regtest").await;
    let list = ports.node.masternodes().await.unwrap();
    let hashes: Vec<ProTxHash> = list.entries.iter().map(|entry| entry.pro_tx_hash).collect();
    let mut watcher = Watcher::of(&ports, hashes.clone()).await;
    // (blocks taken back, blocks mined instead): a branch as long, a longer one, ones by one block longer, and a shorter one.
    for (back, instead) in [(3, 3), (4, 9), (1, 2), (8, 9), (6, 2)] {
        watcher.mine(&sandbox, 12).await;
        sandbox.fail_dkg(hashes[5]).unwrap();
        watcher.mine(&sandbox, 2).await;
        sandbox.reorg(back, instead);
        watcher.look().await;
        watcher.mine(&sandbox, 3).await;
        for hash in &hashes {
            let recorded = read(&ports, *hash).await;
            assert_true(&sandbox, &recorded);
            assert_eq!(recorded.covered.last().unwrap().to, sandbox.height());
            let again = rebuilt(&ports, *hash, recorded.covered[0].from).await;
            assert_eq!(again.events, recorded.events);
        }
    }
    // While the program was not running.
    sandbox.reorg(5, 7);
    watcher.restart();
    watcher.look().await;
    for hash in &hashes {
        let recorded = read(&ports, *hash).await;
        assert_eq!(recorded.covered.len(), 1);
        assert_true(&sandbox, &recorded);
    }
    // Another chain altogether at the same place.
    let (_world, fresh, other) = start("dash-regtest").await;
    other.mine(400);
    let moved = Ports {
        node: fresh.node.clone(),
        ..ports.clone()
    };
    Watcher::of(&moved, [hashes[0]]).await;
    let recorded = read(&moved, hashes[0]).await;
    let tip = other.height();
    assert_eq!((recorded.covered[0].from, recorded.covered[0].to), (tip, tip));
    assert_eq!(recorded.events, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_blocks_are_read_and_a_long_pause_is_left_for_later() {
    let (_world, ports, sandbox) = start("dash-regtest").await;
    let hashes: Vec<ProTxHash> = {
        let list = ports.node.masternodes().await.unwrap();
        list.entries.iter().take(12).map(|entry| entry.pro_tx_hash).collect()
    };
    let mut watcher = Watcher::of(&ports, hashes.clone()).await;
    watcher.mine(&sandbox, 3).await;
    sandbox.fail_dkg(hashes[2]).unwrap();
    sandbox.mine(40);
    sandbox.fail_dkg(hashes[2]).unwrap();
    sandbox.mine(80);
    let found = watcher.look().await;
    assert!(
        found
            .iter()
            .any(|(hash, event)| *hash == hashes[2] && event.change.is_rise())
    );
    sandbox.mine(100);
    watcher.restart();
    watcher.look().await;
    for hash in &hashes {
        let recorded = read(&ports, *hash).await;
        assert_eq!(recorded.covered.len(), 1, "{:?}", recorded.covered);
        assert_true(&sandbox, &recorded);
        assert_eq!(
            recorded.events,
            rebuilt(&ports, *hash, recorded.covered[0].from).await.events
        );
    }
    sandbox.mine(1_200);
    watcher.restart();
    assert_eq!(watcher.look().await, []);
    let recorded = read(&ports, hashes[0]).await;
    assert_eq!(recorded.covered.len(), 2, "a gap of which nothing is known");
    assert_eq!(recorded.lines.len(), 2);
    assert_eq!(recorded.at(recorded.covered[0].to + 5), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_goes_on_where_it_was_stopped() {
    let (_world, ports, sandbox) = start("dash-regtest").await;
    sandbox.mine(400);
    let hash = ports.node.masternodes().await.unwrap().entries[0].pro_tx_hash;
    let mut reading = history::rebuild(ports.clone(), vec![hash], Some(0)).pin();
    let mut told = Vec::new();
    while told.len() < 3 {
        told.push(reading.sip().await.unwrap());
    }
    drop(reading);
    let part = read(&ports, hash).await;
    let Progress { done, of } = told[2];
    assert_eq!(part.covered.len(), 1);
    assert_eq!(part.covered[0].to - part.covered[0].from, done);
    assert!(
        told.windows(2)
            .all(|pair| pair[0].done < pair[1].done && pair[0].of == of)
    );
    let rest = history::rebuild(ports.clone(), vec![hash], Some(0)).await.unwrap();
    assert_eq!(rest.blocks, of - done);
    let whole = read(&ports, hash).await;
    assert_true(&sandbox, &whole);
    assert_eq!(whole.events, rebuilt(&ports, hash, 0).await.events);
    // All is known: nothing is asked again.
    let again = history::rebuild(ports.clone(), vec![hash], Some(0)).await.unwrap();
    assert_eq!((again.blocks, again.events, again.calls), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_read_together_as_each_alone() {
    let (_world, ports, sandbox) = start("dash-regtest").await;
    let hashes: Vec<ProTxHash> = {
        let list = ports.node.masternodes().await.unwrap();
        list.entries.iter().map(|entry| entry.pro_tx_hash).collect()
    };
    sandbox.fail_dkg(hashes[1]).unwrap();
    sandbox.mine(150);
    let back_to = sandbox.height() - 140;
    let together = forgetful(&ports);
    let all = history::rebuild(together.clone(), hashes.clone(), Some(back_to))
        .await
        .unwrap();
    assert!(all.events > hashes.len());
    for hash in hashes {
        let timeline = read(&together, hash).await;
        assert_true(&sandbox, &timeline);
        assert_eq!(timeline, rebuilt_with_times(&ports, &timeline, back_to).await);
    }
}

/// Alone, but for the times of blocks that only others needed.
async fn rebuilt_with_times(ports: &Ports, like: &Timeline, back_to: u32) -> Timeline {
    Timeline {
        times: like.times.clone(),
        ..rebuilt(ports, like.hash, back_to).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_list_diffs_tells_the_same_by_its_lists() {
    let (world, ports, sandbox) = start("wei-regtest").await;
    let own = registered(&world, &ports, &sandbox, MnType::Regular).await;
    let mut watcher = Watcher::of(&ports, [own]).await;
    watcher.mine(&sandbox, 10).await;
    sandbox.fail_dkg(own).unwrap();
    watcher.mine(&sandbox, 30).await;
    sandbox.ban(own).unwrap();
    watcher.mine(&sandbox, 2).await;
    updated(&ports, &sandbox, own, Change::Service(ServiceChange::default())).await;
    watcher.look().await;
    watcher.mine(&sandbox, 50).await;
    let recorded = read(&ports, own).await;
    assert_true(&sandbox, &recorded);
    let whole = rebuilt(&ports, own, 0).await;
    assert_true(&sandbox, &whole);
    assert!(whole.covered.iter().all(|range| range.step == 1), "a small list");
    assert_eq!(whole.since(recorded.covered[0].from).events, recorded.events);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nobody_ever_registered_has_no_past() {
    let (world, ports, sandbox) = start("dash-regtest").await;
    sandbox.mine(20);
    let nobody = world.collateral.txid;
    let timeline = rebuilt(&ports, nobody, sandbox.height() - 10).await;
    assert!(!timeline.was_ever_listed() && timeline.events.is_empty());
    assert_eq!(timeline.covered.len(), 1);
    // What is known goes away with age.
    ports.history.prune(u64::MAX - RETENTION).unwrap();
    assert_eq!(read(&ports, nobody).await.covered, []);
}

#[tokio::test]
async fn a_quiet_block_asks_nothing_and_is_covered() {
    let world = World::new("dash-regtest");
    let (ports, node) = world.ports();
    let profile = &world.profile;
    let listed = |n: u16, height: u32| {
        let mut entry = entry(1, profile);
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&n.to_le_bytes());
        entry.pro_tx_hash = ProTxHash::from_byte_array(bytes);
        // A score on its way down is quiet, too.
        entry.state.pose_penalty = 2_640u32.saturating_sub(height);
        entry
    };
    let look = |height: u32, rises: u32| {
        let mut entries: Vec<Entry> = (0..4_000).map(|n| listed(n, height)).collect();
        entries[7].state.pose_penalty += rises;
        Look::from(&MasternodeList::saved(tip(height), entries, profile))
    };
    let watched: HashSet<ProTxHash> = (0..200).map(|n| listed(n, 0).pro_tx_hash).collect();
    let recorder = Recorder::default();
    let looks: Vec<Look> = (1_000..1_030).map(|height| look(height, 0)).collect();
    recorder.record(&ports, &watched, looks[0].clone()).await.unwrap();
    for look in &looks[1..] {
        assert_eq!(recorder.record(&ports, &watched, look.clone()).await, Ok(Vec::new()));
    }
    assert_eq!(node.requests(), []);
    let subject = Subject {
        genesis: profile.genesis,
        hash: listed(7, 0).pro_tx_hash,
    };
    let recorded = ports.history.read(&subject).unwrap();
    assert_eq!((recorded.ranges[0].from, recorded.ranges[0].to), (1_000, 1_029));

    // A rise is worth three questions: is this the chain that was watched, when was it, and by whose fault.
    let node = [1_029, 1_030].into_iter().fold(world.chain.node(), |node, height| {
        node.with_block_at(height, Ok(Some(tip(height))))
    });
    let ports = Ports {
        node: Arc::new(node.clone()),
        ..ports
    };
    let found = recorder.record(&ports, &watched, look(1_030, 2_640)).await.unwrap();
    let (from, to) = (2_640 - 1_029, 2 * 2_640 - 1_030);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1.change, Happened::Penalty { from, to });
    assert_eq!(node.requests().len(), 3, "{:?}", node.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_fails_in_between_loses_nothing_of_what_was_read() {
    let (_world, ports, sandbox) = start("dash-regtest").await;
    sandbox.mine(300);
    let hash = ports.node.masternodes().await.unwrap().entries[0].pro_tx_hash;
    let mut reading = history::rebuild(ports.clone(), vec![hash], Some(0)).pin();
    reading.sip().await.unwrap();
    drop(sandbox);
    while reading.sip().await.is_some() {}
    let failed = reading.await.unwrap_err();
    assert!(matches!(failed, Error::Node(_)), "{failed:?}");
    let subject = Subject {
        genesis: ports.profile.genesis,
        hash,
    };
    let kept = ports.history.read(&subject).unwrap();
    assert_eq!(kept.ranges.len(), 1);
    assert!(kept.ranges[0].to > kept.ranges[0].from);
}
