//! Each operation on a masternode by clicks, from its page to the block, on the embedded world: node and device on loopback.

use std::sync::Arc;

use super::support::Fixture;
use crate::flow::register::{
    self, CollateralChoice, FeeSource, KeyChoice, OperatorChoice, PlatformChoice, VotingChoice,
};
use crate::flow::{Ports, wallet};
use crate::protocol::masternode::{Entry, OperatorKey, Status};
use crate::protocol::network::MnType;
use crate::protocol::special_tx::Service;
use crate::protocol::{Address, Amount, ProTxHash};
use crate::setup::SandboxRun;
use crate::store::journal::Journal;
use crate::store::vault::Vault;
use crate::store::vault::seal::Stretching;
use crate::store::{Kind, Phrase};
use crate::ui::screen::update::ELSEWHERE;
use crate::ui::{Message, Page, masternodes};

/// A window on a sandbox with a masternode of its own.
struct World {
    fixture: Fixture,
    hash: ProTxHash,
}

impl std::ops::Deref for World {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

impl std::ops::DerefMut for World {
    fn deref_mut(&mut self) -> &mut Fixture {
        &mut self.fixture
    }
}

impl World {
    /// Registers `mn1` with an operator reward of 5 %, through the flow.
    fn new(network: &str, kind: MnType) -> Self {
        let mut fixture = Fixture::on_sandbox(network);
        let ports = fixture.session().ports().clone();
        let run = fixture.session().connection.sandbox.clone().unwrap();
        let hash = fixture.wait(register(ports, run, kind));
        let mut world = Self { fixture, hash };
        world.show();
        world
    }

    /// Opens its page.
    fn show(&mut self) {
        self.fixture.send_and_run(Message::Go(Page::Masternodes));
        let open = masternodes::Message::Open(self.hash);
        self.fixture.send_and_run(Message::Masternodes(open));
    }

    fn ports(&mut self) -> Ports {
        self.fixture.session().ports().clone()
    }

    /// As the list has it now.
    fn entry(&mut self) -> Entry {
        let (ports, hash) = (self.ports(), self.hash);
        self.fixture.wait(entry(ports, hash))
    }

    /// From the filled form to the result, and back to its page.
    #[track_caller]
    fn sign_and_send(&mut self, headline: &str) {
        self.review();
        assert_eq!(self.press("Sign and send"), 1);
        self.assert_shows(&[headline, "Transaction", "In block"]);
    }

    #[track_caller]
    fn review(&mut self) {
        self.assert_shows(&["That is enough for the update."]);
        assert_eq!(self.press("Review"), 1, "{}", self.texts().join("\n"));
        self.assert_shows(&["Every rule that can be checked before signing holds."]);
    }

    #[track_caller]
    fn done(&mut self) {
        assert_eq!(self.press("Done"), 1);
        self.assert_shows(&["Change it"]);
    }
}

async fn entry(ports: Ports, hash: ProTxHash) -> Entry {
    let list = ports.node.masternodes().await.unwrap();
    let found = list.find(hash).cloned();
    found.unwrap()
}

/// A masternode of this vault, signed for on the embedded device.
async fn register(ports: Ports, run: Arc<SandboxRun>, kind: MnType) -> ProTxHash {
    let vault = ports.vault().unwrap();
    let fee = vault.generate(Kind::Fee, "pay", &ports.profile, 0).unwrap();
    let script = fee.key_id().unwrap().address().script();
    run.chain.fund(script, Amount::from_coins(1)).unwrap();
    run.chain.mine(1);
    let all = wallet::candidates(&ports, &wallet::default_accounts(&ports))
        .await
        .unwrap();
    let found = all.into_iter().find(|each| each.kind == kind).unwrap();
    let platform = ports.profile.platform.as_ref().filter(|_| kind == MnType::Evo);
    let draft = register::Draft {
        name: "mn1".to_owned(),
        kind,
        collateral: CollateralChoice::Named {
            outpoint: found.outpoint,
            path: Some(found.path),
        },
        service: service(&ports, 40),
        owner: KeyChoice::New,
        operator: OperatorChoice::New,
        voting: VotingChoice::New,
        payout: Address::PubkeyHash([0x77; 20]),
        operator_reward: 500,
        platform: platform.map(|rules| PlatformChoice {
            node_id: [0x5e; 20],
            p2p_port: rules.p2p_port,
            http_port: rules.http_port,
        }),
        fee_from: FeeSource::Key("pay".to_owned()),
    };
    let plan = register::prepare(&ports, draft).await.unwrap();
    let panel = run.panel.clone();
    let presses = tokio::spawn(async move {
        loop {
            panel.approve();
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    let outcome = register::register(ports, plan).await.unwrap();
    presses.abort();
    outcome.pro_tx_hash
}

fn service(ports: &Ports, last: u8) -> Service {
    Service::v4(std::net::Ipv4Addr::new(45, 76, 230, last), ports.profile.p2p_port)
}

fn all_of_them(network: &str, kind: MnType) {
    let mut world = World::new(network, kind);
    let ports = world.ports();
    update_service(&mut world, &ports, kind);
    update_voting_key(&mut world);
    update_payout(&mut world);
    update_operator_key_and_announce(&mut world, &ports, kind);
    ban_and_revive(&mut world);
    revoke(&mut world);
}

fn update_service(world: &mut World, ports: &Ports, kind: MnType) {
    let stranger = Address::PubkeyHash([0x66; 20]);
    world.press("Update service");
    world.assert_shows(&["mn1", &service(ports, 40).to_string(), "Keep it unset", "mn1-operator"]);
    world.fill("service", "45.76.230.41");
    world.press("Another address");
    world.fill("operator-payout", &stranger.to_text(&ports.profile));
    if kind == MnType::Evo {
        world.fill("node-id", &"5f".repeat(20));
    }
    world.review();
    let (old, new) = (service(ports, 40).to_string(), service(ports, 41).to_string());
    world.assert_shows(&[
        "Now",
        "Afterwards",
        &old,
        &new,
        "stays",
        "It stays enabled and keeps its place",
    ]);
    world.press("Back");
    world.sign_and_send("The service is updated.");
    let entry = world.entry();
    assert_eq!(entry.state.service, service(ports, 41));
    assert_eq!(entry.state.operator_payout, Some(stranger));
    if kind == MnType::Evo {
        assert_eq!(entry.state.platform_node_id, Some("5f".repeat(20)));
    }
    world.done();
}

fn update_voting_key(world: &mut World) {
    world.press("Update voting key");
    world.sign_and_send("The masternode is updated.");
    let vault = world.ports().vault().unwrap().clone();
    let new = vault.info("mn1-voting-2").unwrap().key_id();
    assert_eq!(world.entry().state.voting, new);
    world.done();
}

fn update_payout(world: &mut World) {
    world.press("Update payout address");
    world.press("Use an address of the device");
    world.assert_shows(&["The device's address at"]);
    world.sign_and_send("The masternode is updated.");
    assert_ne!(world.entry().state.payout, Some(Address::PubkeyHash([0x77; 20])));
    assert_eq!(world.entry().status(), Status::Enabled);
    world.done();
}

/// The result of the one leads to the other.
fn update_operator_key_and_announce(world: &mut World, ports: &Ports, kind: MnType) {
    let before = world.entry().state.operator;
    world.press("Update operator key");
    world.review();
    world.assert_shows(&["bans the masternode with the block", "is wiped from the list"]);
    world.press("Back");
    world.sign_and_send("The masternode is updated.");
    let entry = world.entry();
    assert_eq!(entry.status(), Status::WaitingForService);
    assert_ne!(entry.state.operator, before);
    world.assert_shows(&["only that ends the ban"]);
    world.press("Update service");
    world.fill("service", "45.76.230.42");
    world.assert_shows(&["mn1-operator-2"]);
    if kind == MnType::Evo {
        // Wiped with the operator.
        world.fill("node-id", &"60".repeat(20));
    }
    world.sign_and_send("The service is updated.");
    let entry = world.entry();
    assert_eq!(
        (entry.status(), entry.state.service),
        (Status::Enabled, service(ports, 42))
    );
    world.done();
}

fn ban_and_revive(world: &mut World) {
    world.press("Sandbox");
    assert_eq!(world.press("Ban my masternode"), 1);
    assert_eq!(world.entry().status(), Status::PoseBanned);
    world.show();
    world.press("Revive");
    world.assert_shows(&[
        "it missed too many quorum sessions",
        "The vault holds its operator key: mn1-operator-2.",
        "The port is closed",
    ]);
    assert_eq!(world.press("Revive"), 1);
    world.sign_and_send("The service is updated.");
    assert_eq!(world.entry().status(), Status::Enabled);
    world.done();
}

/// Only who types its name may revoke.
fn revoke(world: &mut World) {
    world.press("Revoke operator");
    world.press("Change of keys");
    world.review();
    assert_eq!(world.press("Revoke"), 0);
    world.fill("name", "mn2");
    world.assert_shows(&["This is not its name."]);
    assert_eq!(world.press("Revoke"), 0);
    world.fill("name", "mn1");
    assert_eq!(world.press("Revoke"), 1);
    world.assert_shows(&["The operator is revoked."]);
    let entry = world.entry();
    assert_eq!((entry.status(), entry.state.revocation_reason), (Status::Revoked, 3));
    assert_eq!(entry.state.operator, OperatorKey::Revoked);
    assert_eq!(world.press("Update operator key"), 1);
    world.assert_shows(&["Runs the server", "A new operator key"]);
    world.press("Cancel");
    assert_eq!(world.press("Update service"), 0);
    assert_eq!(world.press("Revoke operator"), 0);
    assert_eq!(world.press("Revive"), 0);
}

#[test]
fn a_regular_masternode_goes_through_everything_with_basic_signatures() {
    all_of_them("dash-regtest", MnType::Regular);
}

#[test]
fn a_regular_masternode_goes_through_everything_with_legacy_signatures() {
    all_of_them("wei-regtest", MnType::Regular);
}

#[test]
fn an_evonode_goes_through_everything() {
    all_of_them("dash-regtest", MnType::Evo);
}

#[test]
fn what_somebody_elses_masternode_would_need_is_said_and_a_way_is_offered() {
    let mut world = World::new("dash-regtest", MnType::Regular);
    let ports = world.ports();
    let foreign = world
        .wait(async move { ports.node.masternodes().await.unwrap() })
        .entries
        .iter()
        .find(|entry| entry.pro_tx_hash != world.hash && !entry.is_banned() && entry.kind == MnType::Regular)
        .unwrap()
        .clone();
    world.hash = foreign.pro_tx_hash;
    world.show();
    let names = crate::ui::screen::update::What::ALL;
    for what in names {
        assert_eq!(world.press(what.name()), 0, "{}", what.name());
    }
    world.assert_shows(&["Neither the owner key nor the operator key is in this vault."]);
    world.press(ELSEWHERE);
    assert_eq!(world.press("Update service"), 1);
    // A key of another operator is refused where it is pasted.
    world.press("Paste the key for this once");
    world.fill("operator-secret", &"07".repeat(32));
    world.assert_shows(&["This is a key of another operator, not of this masternode's."]);
    assert_eq!(world.press("Review"), 0);
}

/// On the computer of a hosting provider, or from a paper: used once, kept nowhere.
#[test]
fn an_operator_key_that_is_not_in_the_vault_is_pasted_for_once() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut world = World::new(network, MnType::Regular);
        let ports = world.ports();
        let vault = ports.vault().unwrap().clone();
        let secret = vault.export("mn1-operator").unwrap();
        vault.remove("mn1-operator").unwrap();
        world.show();
        world.assert_shows(&["The operator key is not in this vault."]);
        assert_eq!(world.press("Update service"), 0);
        world.press(ELSEWHERE);
        world.press("Update service");
        world.fill("service", "45.76.230.43");

        // Handed over: nobody here signs.
        world.review();
        world.assert_shows(&["Signatures that are missing"]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("operation.json");
        world.fill("export-path", file.to_str().unwrap());
        world.press("Export to a file");
        world.press("Done");
        assert!(!std::fs::read_to_string(&file).unwrap().contains(secret.as_str()));

        // The provider has the key, and no vault needs it.
        world.press("Journal");
        world.press("Complete an operation from a file");
        world.fill("import-path", file.to_str().unwrap());
        world.press("Review");
        world.fill("operator-secret", &secret);
        world.assert_shows(&["It is the key of this masternode's operator.", "pasted for this once"]);
        assert_eq!(world.press("Sign and send"), 1);
        world.assert_shows(&["The service is updated."]);
        assert_eq!(world.entry().state.service, service(&ports, 43));
        world.press("Done");

        // Pasted into the form itself.
        world.show();
        world.press(ELSEWHERE);
        world.press("Update service");
        world.fill("service", "45.76.230.44");
        world.press("Paste the key for this once");
        world.fill("operator-secret", &secret);
        world.sign_and_send("The service is updated.");
        assert_eq!(world.entry().state.service, service(&ports, 44));
        let text = format!("{:?}", ports.journal.list().unwrap());
        assert!(!text.contains(secret.as_str()) && vault.info("mn1-operator").is_err());
    }
}

#[test]
fn every_disabled_button_says_which_key_is_missing_and_what_can_be_done() {
    let mut fixture = Fixture::connected();
    fixture.list(super::support::overview(20));
    let masternode = fixture.session().masternodes.mine().next().unwrap().1.clone();
    for what in crate::ui::screen::update::What::ALL {
        let reason = what.hint(&masternode, false).unwrap_err();
        let role = what.role().to_string();
        assert!(
            reason.contains(&role) && reason.contains("hand the operation over"),
            "{reason}"
        );
        assert!(what.hint(&masternode, true).unwrap().contains("Signed elsewhere"));
    }
}

#[test]
fn an_address_another_masternode_has_is_refused_where_it_was_typed() {
    let mut world = World::new("dash-regtest", MnType::Regular);
    let ports = world.ports();
    let hash = world.hash;
    let list = world.wait(async move { ports.node.masternodes().await.unwrap() });
    let other = list
        .entries
        .iter()
        .find(|entry| entry.pro_tx_hash != hash && !entry.state.service.is_none());
    world.press("Update service");
    world.fill("service", &other.unwrap().state.service.to_string());
    world.press("Review");
    world.assert_shows(&["Address and port", "No other masternode may use"]);
    assert_eq!(world.press("Review"), 0);
}

#[test]
fn a_key_made_for_a_review_is_taken_back_when_the_page_is_left() {
    let mut world = World::new("dash-regtest", MnType::Regular);
    let vault = world.ports().vault().unwrap().clone();
    let made = || vault.info("mn1-operator-2").is_ok();
    world.press("Update operator key");
    world.review();
    assert!(made());
    world.press("Back");
    assert!(!made());
    world.press("Review");
    assert!(made());
    world.press("Keys");
    assert!(!made());
}

#[test]
fn what_the_node_refuses_is_said_with_advice_and_can_be_tried_again() {
    let mut world = World::new("dash-regtest", MnType::Regular);
    world.press("Update voting key");
    world.review();
    // The same fee coin is spent elsewhere while the review is read.
    let ports = world.ports();
    let run = world.session().connection.sandbox.clone().unwrap();
    world.wait(spend_the_fee_coin(ports, run, world.hash));
    assert_eq!(world.press("Sign and send"), 1);
    world.assert_shows(&[
        "Try again",
        "is another one than when this was planned",
        "begin again from the masternode as it is now",
    ]);
    world.press("Back");
    world.press("Back");
    // The key that was made is used, and the plan is made of the coins there are now.
    world.sign_and_send("The masternode is updated.");
    let vault = world.ports().vault().unwrap().clone();
    assert_eq!(world.entry().state.voting, vault.info("mn1-voting-2").unwrap().key_id());
}

/// Nothing has changed then, so one can go back and correct it.
#[test]
fn a_refused_transaction_shows_the_nodes_reason_and_lets_one_go_back() {
    let mut fixture = Fixture::owning(Some(super::support::refusal()));
    fixture.press("Update voting key");
    fixture.press("Review");
    fixture.press("Sign and send");
    fixture.assert_shows(&[
        "bad-protx-hash",
        "Nothing has changed; go back, correct it and try again.",
        "Try again",
    ]);
    assert_eq!(fixture.press("Back"), 1);
    fixture.assert_shows(&["What changes", "Sign and send"]);
    let vault = fixture.session().ports().vault.clone().unwrap();
    assert!(vault.info("mn1-voting-2").is_ok(), "the journal may send it again");
}

/// An update of the payout, paid with the only fee coin there is.
async fn spend_the_fee_coin(ports: Ports, run: Arc<SandboxRun>, hash: ProTxHash) {
    use crate::flow::update::{Change, Draft, Registrar, prepare, update};
    let draft = Draft {
        pro_tx_hash: hash,
        change: Change::Registrar(Registrar {
            payout: Some(Address::PubkeyHash([0x79; 20])),
            ..Registrar::default()
        }),
        fee_from: FeeSource::Key("pay".to_owned()),
    };
    let plan = prepare(&ports, &draft).await.unwrap();
    update(ports, plan).await.unwrap();
    drop(run);
}

/// The fee key is on one computer, the owner key on another: the file goes there and back.
#[test]
fn an_operation_is_handed_over_signed_elsewhere_and_completed() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut world = World::new(network, MnType::Regular);
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let owner = second_computer(&mut world, folder.path());
        world.show();
        assert_eq!(world.press("Update payout address"), 0);
        world.press(ELSEWHERE);
        world.press("Update payout address");
        let profile = world.ports().profile;
        let payout = Address::PubkeyHash([0x71; 20]);
        world.fill("payout", &payout.to_text(&profile));
        world.review();
        world.assert_shows(&["Signatures that are missing", "not on this computer"]);

        // Nothing that is there is overwritten.
        std::fs::write(at("there.json"), "mine").unwrap();
        world.fill("export-path", at("there.json").to_str().unwrap());
        world.press("Export to a file");
        world.assert_shows(&["nothing was overwritten"]);
        assert_eq!(std::fs::read(at("there.json")).unwrap(), b"mine");
        world.fill("export-path", at("first.json").to_str().unwrap());
        assert_eq!(world.press("Export to a file"), 1);
        world.assert_shows(&["Written to"]);
        world.press("Done");

        // The owner signs and gives it back.
        let first = swap(&mut world, owner);
        world.press("Journal");
        world.press("Complete an operation from a file");
        world.fill("import-path", at("first.json").to_str().unwrap());
        assert_eq!(world.press("Review"), 1);
        world.assert_shows(&[
            "mn1-owner, in the vault",
            &payout.to_text(&profile),
            "not on this computer",
        ]);
        world.fill("export-path", at("second.json").to_str().unwrap());
        world.press("Export to a file");
        world.assert_shows(&["Written to"]);
        world.press("Done");

        // The first computer pays and sends.
        swap(&mut world, first);
        world.press("Journal");
        world.press("Complete an operation from a file");
        let text = std::fs::read_to_string(at("second.json")).unwrap();
        let message = crate::ui::Message::Update(crate::ui::update::Message::pasted(text));
        world.send_and_run(message);
        world.press("Review");
        world.assert_shows(&["signed already", "pay, in the vault"]);
        assert_eq!(world.press("Sign and send"), 1);
        world.assert_shows(&["The masternode is updated."]);
        assert_eq!(world.entry().state.payout, Some(payout));
    }
}

#[test]
fn a_file_that_is_no_operation_is_refused_with_advice() {
    let mut world = World::new("dash-regtest", MnType::Regular);
    world.press("Journal");
    world.press("Complete an operation from a file");
    assert_eq!(world.press("Review"), 0);
    world.fill("import-text", "{}");
    world.press("Review");
    world.assert_shows(&[
        "not an operation of this program",
        "Nothing was signed and nothing was sent.",
    ]);
    world.fill("import-path", "/nowhere/to/be/found.json");
    world.press("Review");
    world.assert_shows(&["entity not found", "Check that the disk is there"]);
}

/// Vault and journal of a computer.
type Computer = (Arc<Vault>, Arc<Journal>);

/// Moves the owner key to a computer of its own; the first one keeps the rest.
fn second_computer(world: &mut World, folder: &std::path::Path) -> Computer {
    let ports = world.ports();
    let here = ports.vault().unwrap();
    let there = Vault::create_with(
        &folder.join("vault"),
        "passphrase",
        &Phrase::generate().unwrap(),
        Stretching::MINIMAL,
    )
    .unwrap();
    let secret = here.export("mn1-owner").unwrap();
    there
        .import(Kind::Owner, "mn1-owner", &ports.profile, &secret, 0)
        .unwrap();
    here.remove("mn1-owner").unwrap();
    let journal = Journal::open(&folder.join("journal")).unwrap();
    (Arc::new(there), Arc::new(journal))
}

/// Sits down at the other computer.
fn swap(world: &mut World, other: Computer) -> Computer {
    let ports = &mut world.fixture.session().connection.ports;
    let vault = ports.vault.replace(other.0).unwrap();
    let journal = std::mem::replace(&mut ports.journal, other.1);
    world.fixture.session().journal = None;
    (vault, journal)
}
