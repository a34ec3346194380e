//! Several masternodes changed together, by clicks, against the sandbox's node.

use std::sync::Arc;
use std::time::Duration;

use iced::Size;
use iced_test::selector::id;

use super::looks;
use super::support::{Fixture, choice};
use crate::flow::batch::{Event, Failure, Left, Progress};
use crate::flow::operation::{self, Outcome};
use crate::flow::{Ports, Step};
use crate::protocol::masternode::Entry;
use crate::protocol::network::{self, MnType};
use crate::protocol::special_tx::Service;
use crate::protocol::wire::to_hex;
use crate::protocol::{Address, Amount, ProTxHash, Transaction, Txid};
use crate::rpc::{Auth, Client, Endpoint};
use crate::sandbox::start::{operator_key, owner_key};
use crate::sandbox::{Options, Sandbox};
use crate::setup::Connection;
use crate::store::Kind;
use crate::ui::screen::batch;
use crate::ui::session::Session;
use crate::ui::{Link, Message, Page, Screen, masternodes};

/// Seed of the sandbox.
const SEED: u64 = 1;
/// Its masternodes.
const ALL: u64 = 30;

/// A window on a sandbox, some of whose masternodes belong to the vault.
struct Fleet {
    fixture: Fixture,
    sandbox: Arc<Sandbox>,
    mine: Vec<ProTxHash>,
}

impl Fleet {
    /// The vault holds the keys of the first `count` masternodes in service, and a fee key with money. `keyless`: of this one only
    /// the operator key. No block comes by itself.
    fn new(network: &str, count: usize, keyless: Option<usize>) -> Self {
        let mut fixture = Fixture::unlocked();
        let profile = Arc::new(network::builtin(network).unwrap());
        let options = Options::new(network::builtin(network).unwrap());
        let sandbox = Arc::new(fixture.wait(Sandbox::start(options)).unwrap());
        let vault = fixture.session().ports().vault.clone().unwrap();
        let fees = vault.generate(Kind::Fee, "fees", &profile, 0).unwrap();
        let script = fees.key_id().unwrap().address().script();
        sandbox.fund(script, Amount::from_coins(1)).unwrap();
        sandbox.mine(1);
        let auth = Auth::UserPassword {
            user: sandbox.user().to_owned(),
            password: sandbox.password().to_owned().into(),
        };
        let endpoint = Endpoint::new(&sandbox.rpc_url(), auth).unwrap();
        let connection = fixture.session().connection.clone();
        let ports = Ports {
            node: Arc::new(Client::connect(endpoint, Arc::clone(&profile)).unwrap()),
            profile,
            poll: Duration::from_millis(20),
            ..connection.ports.clone()
        };
        let session = Session::new(
            2,
            choice(),
            Connection { ports, ..connection },
            crate::ui::asker::Window::default(),
        );
        fixture.app.link = Link::Up(Box::new(session));
        let mut fleet = Self {
            fixture,
            sandbox,
            mine: Vec::new(),
        };
        fleet.take_over(count, keyless);
        fleet.refresh();
        fleet
    }

    fn take_over(&mut self, count: usize, keyless: Option<usize>) {
        let mut found: Vec<(u64, ProTxHash)> = self
            .entries()
            .iter()
            .filter(|entry| !entry.is_banned())
            .filter_map(|entry| Some((index(entry)?, entry.pro_tx_hash)))
            .collect();
        found.sort_unstable();
        found.truncate(count);
        for (at, (index, hash)) in found.into_iter().enumerate() {
            if keyless != Some(at) {
                self.import(Kind::Owner, at, &to_hex(&*owner_key(SEED, index).to_bytes()));
            }
            self.import(Kind::Operator, at, &operator_key(SEED, index).to_hex());
            self.mine.push(hash);
        }
    }

    fn import(&mut self, kind: Kind, at: usize, hex: &str) {
        let ports = self.ports();
        let label = format!("mn{}-{}", at + 1, kind.name());
        let vault = ports.vault().unwrap();
        vault.import(kind, &label, &ports.profile, hex, 0).unwrap();
    }

    fn owner_hex(&self, at: usize) -> String {
        let index = index(&self.entry(at)).unwrap();
        to_hex(&*owner_key(SEED, index).to_bytes())
    }

    fn ports(&self) -> Ports {
        match &self.fixture.app.link {
            Link::Up(session) => session.ports().clone(),
            _ => panic!("not connected"),
        }
    }

    fn labels(&self) -> Vec<String> {
        let list = self.ports().vault().unwrap().list();
        list.into_iter().map(|key| key.label).collect()
    }

    fn entries(&self) -> Vec<Entry> {
        let ports = self.ports();
        self.fixture
            .wait(async move { ports.node.masternodes().await.unwrap().entries.to_vec() })
    }

    fn entry(&self, at: usize) -> Entry {
        let hash = self.mine[at];
        let found = self.entries().into_iter().find(|entry| entry.pro_tx_hash == hash);
        found.unwrap()
    }

    fn refresh(&mut self) {
        self.fixture
            .send_and_run(Message::Masternodes(masternodes::Message::Refresh));
    }

    /// Ticks the box of a line.
    fn tick(&mut self, at: usize) {
        let name = format!("select-{}", self.mine[at]);
        let mut ui = self.fixture.ui();
        ui.click(id(name)).unwrap();
        let messages: Vec<Message> = ui.into_messages().collect();
        assert_eq!(messages.len(), 1);
        messages.into_iter().for_each(|message| self.fixture.send(message));
    }

    /// Blocks come while this is clicked and runs to its end.
    fn click_and_mine(&mut self, label: &str) {
        let sandbox = Arc::clone(&self.sandbox);
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let miner = std::thread::spawn(move || {
            while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
                sandbox.mine(1);
                std::thread::sleep(Duration::from_millis(150));
            }
        });
        let clicked = self.fixture.click(label);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        miner.join().unwrap();
        assert!(clicked > 0, "{label} is disabled:\n{}", self.fixture.texts().join("\n"));
    }

    fn payee(&self) -> Address {
        Address::PubkeyHash([0x44; 20])
    }

    fn type_payee(&mut self) {
        let text = self.payee().to_text(&self.ports().profile);
        self.fixture.type_into("payout", &text);
    }

    /// Writes a list to a file and reads it by its path.
    fn read_list(&mut self, text: &str) {
        let path = self.fixture.dirs.vault.with_file_name("list.csv");
        std::fs::write(&path, text).unwrap();
        let typed = path.display().to_string();
        self.fixture.send(Message::Batch(services(&typed)));
        assert!(self.fixture.click("Read the file") > 0);
    }

    fn service(&self, at: usize) -> Service {
        Service::v4([45, 76, 230, at as u8 + 1].into(), self.ports().profile.p2p_port)
    }

    fn snapshot(&mut self, name: &str) {
        looks::check_of(&self.fixture, name, Size::new(1000.0, 700.0));
    }
}

fn services(path: &str) -> batch::Message {
    batch::Message::Services(batch::ServicesMessage::PathEdited(path.to_owned()))
}

fn index(entry: &Entry) -> Option<u64> {
    (0..ALL).find(|at| entry.state.owner == Some(owner_key(SEED, *at).key_id()))
}

#[test]
fn three_are_selected_and_the_two_whose_key_is_here_get_a_new_payout_address() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut fleet = Fleet::new(network, 3, Some(1));
        let before = fleet.entry(1).state.payout;
        for at in 0..3 {
            fleet.tick(at);
        }
        fleet.fixture.assert_shows(&["3 selected"]);
        fleet.fixture.click("New payout address");
        fleet.fixture.assert_shows(&[
            "3 masternodes are selected: ",
            "The owner key of mn2 is not in this vault",
            "That is enough for the updates.",
        ]);
        assert!(fleet.fixture.is_disabled("Review"));
        fleet.type_payee();
        assert_eq!(fleet.fixture.click("Review"), 1);
        let to = fleet.payee().to_text(&fleet.ports().profile);
        fleet.fixture.assert_shows(&[
            "1 masternode is left out and stays as it is: mn2.",
            &to,
            "It stays enabled and keeps its place in the payment queue.",
            "Left out: its owner key is not in this vault.",
            "for 2 transactions",
        ]);
        fleet.click_and_mine("Sign and send all (2)");
        fleet.fixture.assert_shows(&[
            "2 of 2 masternodes are in a block, 1 left out.",
            "In a block",
            "Left out",
        ]);
        for at in [0, 2] {
            assert_eq!(fleet.entry(at).state.payout, Some(fleet.payee()), "{network}");
        }
        assert_eq!(fleet.entry(1).state.payout, before);
        fleet.fixture.click("Done");
        assert!(matches!(fleet.fixture.app.screen, Screen::Masternodes));
        fleet.fixture.assert_shows(&["Select all", "Needs attention"]);
    }
}

#[test]
fn select_all_takes_what_is_shown_and_clear_gives_it_back() {
    let mut fleet = Fleet::new("dash-regtest", 3, None);
    fleet.fixture.click("Select all");
    fleet.fixture.assert_shows(&["3 selected"]);
    fleet.fixture.click("Clear");
    fleet.fixture.assert_hides("selected");
    let needle = fleet.mine[1].to_string();
    fleet
        .fixture
        .send(Message::Masternodes(masternodes::Message::FilterEdited(needle)));
    fleet.fixture.click("Select all");
    fleet.fixture.assert_shows(&["1 selected"]);
}

#[test]
fn while_some_are_ticked_no_line_moves_away_below_the_pointer() {
    let mut fleet = Fleet::new("dash-regtest", 4, None);
    let order = |fleet: &Fleet| -> Vec<String> {
        let texts = fleet.fixture.texts();
        texts.into_iter().filter(|text| text.starts_with("mn")).collect()
    };
    let in_turn = order(&fleet);
    let moved = |fleet: &mut Fleet| {
        // Somewhere in these blocks one of the four is paid and goes to the end.
        (0..30).any(|_| {
            fleet.sandbox.mine(1);
            fleet.refresh();
            order(fleet) != in_turn
        })
    };
    fleet.tick(0);
    assert!(!moved(&mut fleet));
    fleet.fixture.click("Clear");
    assert!(moved(&mut fleet));
}

#[test]
fn without_a_key_of_any_of_them_a_change_cannot_be_begun() {
    let mut fleet = Fleet::new("dash-regtest", 2, Some(1));
    fleet.tick(1);
    assert!(fleet.fixture.is_disabled("New payout address"));
    assert!(fleet.fixture.is_disabled("New voting key"));
    assert!(!fleet.fixture.is_disabled("New addresses from a list"));
    fleet.tick(0);
    assert!(!fleet.fixture.is_disabled("New payout address"));
}

#[test]
fn a_payout_address_that_is_an_owners_is_refused_where_it_is_typed() {
    let mut fleet = Fleet::new("dash-regtest", 2, None);
    fleet.fixture.click("Select all");
    fleet.fixture.click("New payout address");
    let owner = fleet.entry(1).state.owner.unwrap().address();
    let text = owner.to_text(&fleet.ports().profile);
    fleet.fixture.type_into("payout", &text);
    fleet
        .fixture
        .assert_shows(&["Rewards cannot be paid to the owner or voting key of one of them"]);
    assert!(fleet.fixture.is_disabled("Review"));
}

#[test]
fn one_new_voting_key_for_all_is_made_at_the_review_and_taken_back_when_it_is_left() {
    let mut fleet = Fleet::new("wei-regtest", 2, None);
    let before = fleet.labels();
    fleet.fixture.click("Select all");
    fleet.fixture.click("New voting key");
    fleet.fixture.click("Review");
    assert!(fleet.labels().contains(&"shared-voting".to_owned()));
    fleet.fixture.click("Back");
    assert_eq!(fleet.labels(), before);
    fleet.fixture.click("A new key for each");
    fleet.fixture.click("Review");
    assert!(fleet.labels().contains(&"mn2-voting".to_owned()));
    fleet.fixture.click("Cancel");
    assert_eq!(fleet.labels(), before);
    assert!(matches!(fleet.fixture.app.screen, Screen::Masternodes));
}

#[test]
fn all_get_the_same_new_voting_key() {
    let mut fleet = Fleet::new("wei-regtest", 3, None);
    fleet.fixture.click("Select all");
    fleet.fixture.click("New voting key");
    fleet.fixture.click("Review");
    fleet.click_and_mine("Sign and send all (3)");
    fleet.fixture.assert_shows(&["3 of 3 masternodes are in a block."]);
    let key = fleet.ports().vault().unwrap().info("shared-voting").unwrap().key_id();
    for at in 0..3 {
        assert_eq!(fleet.entry(at).state.voting, key);
    }
    fleet.fixture.click("Done");
    assert!(fleet.labels().contains(&"shared-voting".to_owned()));
}

#[test]
fn addresses_come_from_a_csv_file_also_for_an_evonode() {
    let mut fleet = Fleet::new("dash-regtest", 8, None);
    let evo = (0..8).find(|at| fleet.entry(*at).kind == MnType::Evo).unwrap();
    fleet.fixture.click("Select all");
    fleet.fixture.click("New addresses from a list");
    // It begins with what is so now.
    fleet.fixture.assert_shows(&["8 lines are understood."]);
    fleet.read_list("name,address\nmn1, 45.76.230.1\nnobody, 45.76.230.2\nmn2, 45.76.230\nmn1, 45.76.230.9\n");
    fleet.fixture.assert_shows(&[
        "Line 3: there is no masternode nobody here.",
        "Line 4: '45.76.230' is not an address",
        "Line 5: mn1 was given an address in line 2 already.",
    ]);
    assert!(fleet.fixture.is_disabled("Review"));
    let text = format!(
        "# moved\nmasternode, host:port\nmn1, {}\n{}, {}\n",
        fleet.service(0),
        fleet.mine[evo],
        fleet.service(evo)
    );
    fleet.read_list(&text);
    fleet.fixture.assert_shows(&["2 lines are understood."]);
    let before = fleet.entry(evo).state;
    fleet.fixture.click("Review");
    fleet.click_and_mine("Sign and send all (2)");
    fleet.fixture.assert_shows(&["2 of 2 masternodes are in a block."]);
    assert_eq!(fleet.entry(0).state.service, fleet.service(0));
    let after = fleet.entry(evo).state;
    assert_eq!(after.service, fleet.service(evo));
    assert_eq!(after.platform_node_id, before.platform_node_id);
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let mut fleet = Fleet::new("dash-regtest", 2, None);
    fleet.fixture.click("Select all");
    fleet.fixture.click("New addresses from a list");
    assert!(fleet.fixture.is_disabled("Read the file"));
    fleet.fixture.send(Message::Batch(services("/nowhere/list.csv")));
    fleet.fixture.click("Read the file");
    fleet
        .fixture
        .assert_shows(&["The file /nowhere/list.csv cannot be read: entity not found."]);
}

#[test]
fn one_that_failed_stops_nobody_and_is_retried_alone() {
    let mut fleet = Fleet::new("dash-regtest", 3, None);
    fleet.fixture.click("Select all");
    fleet.fixture.click("New payout address");
    fleet.type_payee();
    fleet.fixture.click("Review");
    // Between review and signing the key of the second goes away.
    let hex = fleet.owner_hex(1);
    fleet.ports().vault().unwrap().remove("mn2-owner").unwrap();
    fleet.click_and_mine("Sign and send all (3)");
    fleet.fixture.assert_shows(&[
        "2 of 3 masternodes are in a block, 1 failed.",
        "cannot be made on this computer",
    ]);
    assert_ne!(fleet.entry(1).state.payout, Some(fleet.payee()));
    // Still away: it fails again, and says why.
    fleet.click_and_mine("Retry failed (1)");
    fleet.fixture.assert_shows(&["1 failed."]);
    fleet.import(Kind::Owner, 1, &hex);
    fleet.click_and_mine("Retry failed (1)");
    fleet.fixture.assert_shows(&["3 of 3 masternodes are in a block."]);
    assert_eq!(fleet.entry(1).state.payout, Some(fleet.payee()));
    fleet.fixture.click("Done");
}

#[test]
fn the_form_asks_for_the_fees_of_all_that_are_selected() {
    let mut fleet = Fleet::new("dash-regtest", 3, None);
    let vault = fleet.ports().vault().unwrap().clone();
    let poor = vault.generate(Kind::Fee, "poor", &fleet.ports().profile, 0).unwrap();
    let script = poor.key_id().unwrap().address().script();
    // Enough for one, or two.
    fleet.sandbox.fund(script, Amount::from_duffs(2_500)).unwrap();
    fleet.sandbox.mine(1);
    fleet.fixture.click("Select all");
    fleet.fixture.click("New payout address");
    fleet.type_payee();
    let chosen = crate::flow::choice::FeeSource::Key("poor".to_owned());
    let choose = crate::ui::screen::part::fee::Message::Chosen(chosen);
    fleet.fixture.send_and_run(Message::Batch(batch::Message::Fee(choose)));
    fleet.fixture.assert_shows(&["0.00003078 rDASH", "Not enough."]);
    assert!(fleet.fixture.is_disabled("Review"));
}

#[test]
fn money_that_does_not_last_for_all_is_told_at_the_review() {
    let mut fleet = Fleet::new("dash-regtest", 3, None);
    let names: Vec<ProTxHash> = fleet.mine.clone();
    fleet.tick(0);
    fleet.fixture.click("New addresses from a list");
    let vault = fleet.ports().vault().unwrap().clone();
    let poor = vault.generate(Kind::Fee, "poor", &fleet.ports().profile, 0).unwrap();
    let script = poor.key_id().unwrap().address().script();
    fleet.sandbox.fund(script, Amount::from_duffs(2_500)).unwrap();
    fleet.sandbox.mine(1);
    let chosen = crate::flow::choice::FeeSource::Key("poor".to_owned());
    let choose = crate::ui::screen::part::fee::Message::Chosen(chosen);
    fleet.fixture.send_and_run(Message::Batch(batch::Message::Fee(choose)));
    // One is selected, but the list names three.
    let lines = (0..3).map(|at| format!("{}, {}\n", names[at], fleet.service(at)));
    let text: String = lines.collect();
    fleet.read_list(&text);
    fleet.fixture.click("Review");
    fleet.fixture.assert_shows(&["poor holds", "send at least"]);
    assert!(fleet.fixture.is_disabled("Sign and send all (3)"));
}

#[test]
fn a_batch_goes_on_while_another_page_is_on_screen() {
    let mut fleet = Fleet::new("dash-regtest", 2, None);
    fleet.fixture.click("Select all");
    fleet.fixture.click("New payout address");
    fleet.fixture.send(Message::Go(Page::Keys));
    fleet.fixture.send(Message::Go(Page::Masternodes));
    fleet
        .fixture
        .assert_shows(&["New payout address: It was not sent yet."]);
    fleet.fixture.click("Show it");
    fleet.fixture.assert_shows(&["2 masternodes are selected: "]);
    fleet.fixture.send(Message::Pressed(
        iced::keyboard::key::Named::Escape,
        iced::keyboard::Modifiers::default(),
    ));
    assert!(fleet.fixture.session().batch.is_none());
}

#[test]
fn how_it_looks() {
    let mut fleet = Fleet::new("dash-regtest", 4, Some(1));
    for at in 0..3 {
        fleet.tick(at);
    }
    fleet.fixture.click("New payout address");
    fleet.type_payee();
    fleet.snapshot("batch-payout");
    fleet.fixture.click("Review");
    fleet.snapshot("batch-review");
    let run = fleet.fixture.begin("Sign and send all (2)");
    for (at, event) in [
        (0, Event::Step(waiting())),
        (
            1,
            Event::Step(Step::PayloadSigned {
                role: operation::Role::Owner,
                label: "mn3-owner".to_owned(),
            }),
        ),
    ] {
        let progress = Progress { at, event };
        fleet
            .fixture
            .send(Message::Batch(batch::Message::Progressed(2, progress)));
    }
    fleet.snapshot("batch-running");
    drop(run);
    let failure = Failure {
        error: crate::flow::Error::VaultLocked,
        left: Left::Unsent { id: 2 },
    };
    let ended = batch::Message::Ended(2, vec![Ok(outcome(fleet.mine[0])), Err(failure)]);
    fleet.fixture.send(Message::Batch(ended));
    fleet.snapshot("batch-result");

    let mut fleet = Fleet::new("dash-regtest", 3, None);
    fleet.fixture.click("Select all");
    fleet.fixture.click("New addresses from a list");
    fleet.read_list("mn1, 45.76.230.1\nmn9, 45.76.230.2\nmn2, 45.76.230\n");
    // The folder of a test has another name each time.
    fleet.fixture.send(Message::Batch(services("list.csv")));
    fleet.snapshot("batch-list");
}

fn txid() -> Txid {
    use bitcoin::hashes::Hash;
    Txid::from_byte_array([0xab; 32])
}

fn waiting() -> Step {
    Step::WaitingForBlock {
        txid: txid(),
        height: 1_234_567,
    }
}

fn outcome(pro_tx_hash: ProTxHash) -> Outcome {
    Outcome {
        kind: operation::Kind::UpdateRegistrar,
        txid: txid(),
        pro_tx_hash,
        tx: Transaction::empty(3),
        fee: Amount::from_duffs(1_000),
        height: 1_234_568,
    }
}
