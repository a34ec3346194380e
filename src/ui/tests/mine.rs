//! The dashboard of my masternodes and a masternode's own page.

use iced::Size;

use super::looks::check_of;
use super::support::{Fixture, assembled, entry, hash, overview, ready_device};
use crate::flow::Ports;
use crate::flow::overview::{Mine, Overview};
use crate::protocol::masternode::Entry;
use crate::sandbox::start::operator_key;
use crate::ui::{Message, masternodes};

/// So many, none of them mine.
pub fn nobodys(count: u32) -> Overview {
    assembled((0..count).map(entry).collect(), &Mine::default())
}

/// So many, all of them mine and well.
pub fn all_mine(count: u32) -> Overview {
    let mine = Mine {
        hashes: (0..count).map(hash).collect(),
    };
    assembled((0..count).map(entry).collect(), &mine)
}

/// Not compared by hash: only for eyes.
fn look(fixture: &Fixture, name: &str, size: Size) {
    if std::env::var_os(super::looks::PICTURES).is_some() {
        check_of(fixture, name, size);
    }
}

const SMALL: Size = Size::new(1000.0, 700.0);
const LARGE: Size = Size::new(1400.0, 900.0);

#[test]
fn the_dashboard_looks() {
    let mut fixture = Fixture::connected();
    fixture.device(ready_device());
    look(&fixture, "mine-loading", SMALL);
    fixture.list(nobodys(3));
    look(&fixture, "mine-locked", SMALL);
    fixture.list(overview(20));
    look(&fixture, "mine", SMALL);
    look(&fixture, "mine-large", LARGE);
    look(&fixture, "mine-narrow", Size::new(768.0, 700.0));
    fixture.list(all_mine(1));
    look(&fixture, "mine-one", SMALL);
    fixture.list(overview(20));
    fixture.send(Message::Masternodes(masternodes::Message::Open(hash(1))));
    look(&fixture, "mine-own", Size::new(1000.0, 1500.0));
}

/// A window on a sandbox that mines only when asked, one of whose masternodes is mine by its operator key.
struct Home {
    fixture: Fixture,
    chain: std::sync::Arc<crate::sandbox::Sandbox>,
    hash: crate::protocol::ProTxHash,
}

impl Home {
    fn new() -> Self {
        let mut fixture = Fixture::fresh();
        fixture.send_and_run(Message::TrySandbox);
        fixture.send(Message::Sandbox(crate::ui::sandbox::Message::Every(0)));
        let session = fixture.session();
        let chain = session.connection.sandbox.clone().expect("a sandbox").chain.clone();
        let ports = session.ports().clone();
        let hash = fixture.wait(own_one(ports));
        let mut home = Self { fixture, chain, hash };
        home.refresh();
        home
    }

    fn refresh(&mut self) {
        self.fixture
            .send_and_run(Message::Masternodes(masternodes::Message::Refresh));
    }

    fn mine(&mut self, blocks: u32) {
        for _ in 0..blocks {
            self.chain.mine(1);
            self.refresh();
        }
    }

    fn fail(&mut self) {
        let hash = self.hash;
        self.chain.fail_dkg(hash).expect("it is listed");
        self.mine(1);
    }

    fn open(&mut self) {
        let open = masternodes::Message::Open(self.hash);
        self.fixture.send_and_run(Message::Masternodes(open));
    }

    fn entry(&mut self) -> Entry {
        let (ports, hash) = (self.fixture.session().ports().clone(), self.hash);
        let list = self
            .fixture
            .wait(async move { ports.node.masternodes().await.unwrap() });
        list.find(hash).expect("it is listed").clone()
    }
}

/// Takes the operator key of a healthy masternode into the vault, as mn1's.
async fn own_one(ports: Ports) -> crate::protocol::ProTxHash {
    let list = ports.node.masternodes().await.unwrap();
    let vault = ports.vault.as_ref().expect("the sandbox has one");
    let seed = crate::sandbox::Options::new((*ports.profile).clone()).seed;
    for entry in list.entries.iter().filter(|entry| !entry.is_banned()) {
        for index in 0..40 {
            let key = operator_key(seed, index);
            if entry.state.operator.is(&key.public_key()) && entry.state.pose_penalty == 0 {
                let label = "mn1-operator";
                vault
                    .import(crate::store::Kind::Operator, label, &ports.profile, &key.to_hex(), 0)
                    .unwrap();
                return entry.pro_tx_hash;
            }
        }
    }
    panic!("no masternode of the sandbox has a known key");
}

#[test]
fn a_failed_dkg_moves_the_bar_and_the_sentence() {
    let mut home = Home::new();
    home.fixture.assert_shows(
        &[
            "mn1",
            "0 of 100",
            "No penalty; it survives one failed DKG.",
            "in the queue",
            "Between",
        ][..4],
    );
    home.fail();
    assert_eq!(home.entry().state.pose_penalty, 66);
    home.fixture.assert_shows(&[
        "In danger",
        "66 of 100",
        "One more failed DKG bans it; safe in 33 blocks, about",
    ]);
    home.mine(40);
    home.fixture.assert_shows(&[
        "26 of 100",
        "It survives one more failed DKG; back to zero in 26 blocks, about",
    ]);
    home.fail();
    home.fail();
    assert!(home.entry().is_banned());
    home.fixture.assert_shows(&[
        "Banned",
        "100 of 100",
        "It failed in too many quorum DKGs.",
        "Not in the payment queue",
    ]);
}

#[test]
fn two_failures_are_in_the_chart_and_among_the_events() {
    let mut home = Home::new();
    home.open();
    home.fixture
        .assert_shows(&["PoSe penalty over time", "What if it fails?"]);
    home.fail();
    let first = home.entry();
    let at = |home: &mut Home| {
        home.fixture
            .session()
            .masternodes
            .overview()
            .expect("a list")
            .tip
            .height
    };
    let height = at(&mut home);
    home.mine(5);
    home.fixture
        .assert_shows(&["Score rose from 0 to 66", "Failed the DKG of"]);
    let told = |home: &mut Home, height: u32| {
        let chart = home
            .fixture
            .session()
            .masternodes
            .penalty_chart()
            .expect("a page is open");
        chart.told_at(f64::from(height), 0.5).join("; ")
    };
    assert_eq!(first.state.pose_penalty, 66);
    let words = told(&mut home, height);
    assert!(words.contains("PoSe penalty: 66"), "{words}");
    assert!(words.contains("failed the DKG of"), "{words}");
    let words = told(&mut home, height + 5);
    assert!(words.contains("PoSe penalty: 61"), "{words}");
    home.fail();
    let second = at(&mut home);
    let words = told(&mut home, second);
    assert!(words.contains("PoSe penalty: 100"), "{words}");
    home.fixture.assert_shows(&[
        "Score rose from 61 to 100",
        "Banned: misbehaviour",
        "Failed DKG",
        "Danger line",
    ]);
    look(&home.fixture, "own-failed", Size::new(1000.0, 2600.0));
}

#[test]
fn the_simulator_says_what_comes_of_failures() {
    let mut home = Home::new();
    home.open();
    home.fixture.assert_shows(&["Choose what may happen"]);
    let height = home.entry().state.registered_height;
    home.fixture.press("Fails now");
    home.fixture
        .assert_shows(&["Not banned; safe from block", "If it fails", "Imagined failure"]);
    look(&home.fixture, "own-simulated", Size::new(1000.0, 1500.0));
    home.fixture.press("Fails twice");
    home.fixture.assert_shows(&["Banned in block"]);
    home.fixture.press("Fails at a height");
    home.fixture.fill("simulated-height", &height.to_string());
    home.fixture.assert_shows(&["is not ahead of block"]);
    home.fixture.fill("simulated-height", "soon");
    home.fixture.assert_shows(&["Type the height of a block to come."]);
    home.fixture.assert_hides("Imagined failure");
    home.fixture.press("Is down for hours");
    home.fixture.fill("simulated-hours", "0");
    home.fixture.assert_shows(&["Type a number of hours from 1 to 720."]);
    home.fixture.press("As it is");
    home.fixture.assert_shows(&["Choose what may happen"]);
}

#[test]
fn the_past_is_read_from_the_node_and_known_from_then_on() {
    let mut home = Home::new();
    home.open();
    assert!(home.fixture.press("Read all") > 0);
    home.fixture
        .assert_shows(&["All of its past is known.", "Registered", "read, "]);
    home.fixture.press("All that is known");
    home.mine(3);
    home.fixture.assert_shows(&["All of its past is known."]);
    look(&home.fixture, "own-read", Size::new(1000.0, 2600.0));
}

#[test]
fn reading_the_past_can_be_stopped() {
    let mut home = Home::new();
    home.open();
    let begun = home.fixture.begin("Read all");
    home.fixture.assert_shows(&["Reading the past", "Stop"]);
    home.fixture.press("Stop");
    home.fixture.assert_shows(&["Read all", "Read the last month"]);
    home.fixture.finish(begun);
    home.fixture.assert_shows(&["Read all"]);
}
