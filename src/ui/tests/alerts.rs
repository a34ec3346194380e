//! The Alerts page: what is on it, what its switches keep, and that what happens on a chain gets there and to whoever is to be told.

use std::sync::{Arc, LazyLock, Mutex};

use super::support::{Fixture, entry, hash, profile, status, tip};
use crate::flow::overview::{Mine, Overview};
use crate::flow::watch::Failure;
use crate::notify::fake::FakeSink;
use crate::notify::{Notice, NotifyError};
use crate::protocol::Address;
use crate::protocol::masternode::Entry;
use crate::rpc::fake::FakeNode;
use crate::rpc::{MasternodeList, Tip};
use crate::store::Settings;
use crate::ui::alerting::Alerting;
use crate::ui::{Message, Page, masternodes};

/// Entries of mine at a height.
pub fn listed(height: u32, entries: Vec<Entry>) -> Overview {
    let mine = Mine {
        hashes: entries.iter().map(|entry| entry.pro_tx_hash).collect(),
    };
    let tip = Tip { height, ..tip() };
    let list = MasternodeList::saved(tip, entries, &profile());
    crate::flow::overview::assemble(&list, &profile(), None, &mine)
}

/// Gives the window a list as if it had been read, and lets it do what it does with it.
pub fn read(fixture: &mut Fixture, overview: Overview) {
    let message = masternodes::Message::Read(Ok(Arc::new(overview)));
    fixture.send_and_run(Message::Masternodes(message));
}

const HEIGHT: u32 = 1_234_567;

/// Connected to a node whose chain only grows.
fn watching() -> Fixture {
    let mut fixture = Fixture::connected();
    let mut node = FakeNode::new().with_status(Ok(status()));
    for height in HEIGHT..HEIGHT + 20 {
        node = node.with_block_at(height, Ok(Some(Tip { height, ..tip() })));
    }
    fixture.session().connection.ports.node = Arc::new(node);
    fixture
}

/// A masternode of mine whose payout address somebody changed, and which missed a DKG.
pub fn changed() -> Fixture {
    let mut fixture = watching();
    read(&mut fixture, listed(HEIGHT, vec![entry(0), entry(1)]));
    let (mut one, two) = (entry(0), entry(1));
    one.state.payout = Some(Address::PubkeyHash([9; 20]));
    one.state.pose_penalty = 66;
    read(&mut fixture, listed(HEIGHT + 1, vec![one, two]));
    fixture
}

fn kept(fixture: &Fixture) -> crate::store::Alerts {
    Settings::load(&fixture.dirs.settings).unwrap().unwrap().alerts
}

#[test]
fn nothing_has_happened_before_the_first_list() {
    let mut fixture = watching();
    fixture.press("Alerts");
    fixture.assert_shows(&["being read for the first time"]);
    read(&mut fixture, listed(HEIGHT, vec![entry(0)]));
    fixture.assert_shows(&["Nothing yet."]);
}

#[test]
fn what_happened_is_on_the_page_and_leads_to_the_masternode() {
    let mut fixture = changed();
    fixture.press("Alerts");
    let name = &hash(0).to_string()[..8];
    fixture.assert_shows(&[
        &format!("{name}: payout address changed"),
        "It was not set from this computer",
        &format!("{name}: PoSe score rose"),
        &format!("{name}: in danger"),
    ]);
    fixture.press(&format!("{name}: in danger"));
    fixture.assert_shows(&[&hash(0).to_string()]);
    fixture.assert_hides("What you are told");
}

#[test]
fn only_the_last_ones_are_shown_before_all_are_asked_for() {
    let mut fixture = watching();
    for block in 0..10 {
        let mut one = entry(0);
        one.state.last_paid_height = HEIGHT + block;
        read(&mut fixture, listed(HEIGHT + block, vec![one]));
    }
    fixture.press("Alerts");
    fixture.assert_hides("in block 1,234,568.");
    fixture.press("Show all 9");
    fixture.assert_shows(&["in block 1,234,568.", "in block 1,234,576."]);
    fixture.press("Show fewer");
    fixture.assert_hides("in block 1,234,568.");
}

#[test]
fn a_kind_that_is_switched_off_is_told_no_more_and_that_is_kept() {
    let mut fixture = watching();
    read(&mut fixture, listed(HEIGHT, vec![entry(0)]));
    fixture.press("Alerts");
    fixture.press("Payment received");
    assert!(kept(&fixture).off.contains("payment"));
    let mut one = entry(0);
    one.state.last_paid_height = HEIGHT + 1;
    one.state.payout = Some(Address::PubkeyHash([9; 20]));
    read(&mut fixture, listed(HEIGHT + 1, vec![one]));
    fixture.assert_shows(&["payout address changed"]);
    fixture.assert_hides(": paid");
    fixture.press("Payment received");
    assert!(kept(&fixture).off.is_empty());
}

#[test]
fn quiet_hours_are_kept_when_they_are_times() {
    let mut fixture = watching();
    fixture.press("Alerts");
    assert!(fixture.is_disabled("Save"), "nothing was changed");
    fixture.press("Quiet hours");
    assert_eq!(kept(&fixture).quiet.unwrap().from.to_string(), "22:00");
    fixture.fill("quiet-from", "25:00");
    fixture.assert_shows(&["is no time of the day"]);
    assert!(fixture.is_disabled("Save"));
    fixture.fill("quiet-from", "23:30");
    fixture.fill("node-down-minutes", "30");
    fixture.press("Save");
    let now = kept(&fixture);
    assert_eq!(
        (now.quiet.unwrap().from.to_string(), now.node_down_minutes),
        ("23:30".to_owned(), 30)
    );
    fixture.press("Quiet hours");
    assert_eq!(kept(&fixture).quiet, None);
}

#[test]
fn an_address_that_is_none_is_refused_where_it_is_typed() {
    let mut fixture = watching();
    fixture.press("Alerts");
    fixture.fill("webhook", "ftp://example.org");
    fixture.fill("command", "tell \"me");
    fixture.assert_shows(&["must begin with https://", "quotation mark"]);
    assert!(fixture.is_disabled("Save"));
    fixture.fill("webhook", "https://example.org/x?token=s3cret");
    fixture.fill("command", "tell \"me too\"");
    fixture.press("Save");
    assert_eq!(kept(&fixture).webhook.as_str(), "https://example.org/x?token=s3cret");
    // What was typed and not saved is forgotten on another page.
    fixture.fill("command", "other");
    fixture.press("Journal");
    fixture.press("Alerts");
    fixture.assert_shows(&["tell \"me too\""]);
}

#[cfg(unix)]
#[test]
fn a_test_is_sent_the_way_that_is_typed_and_says_how_it_went() {
    let mut fixture = watching();
    fixture.press("Alerts");
    let out = fixture.dirs.settings.with_file_name("told");
    fixture.fill("command", &format!("sh -c 'cat > {}'", out.display()));
    send_test(&mut fixture, "test-command");
    fixture.assert_shows(&["Sent. Look whether it has arrived."]);
    let told: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(told["kind"], "test");
    // Nothing of it was kept.
    assert!(!fixture.dirs.settings.exists() || kept(&fixture).command.is_empty());
    fixture.fill("command", "/nowhere/at/all");
    fixture.assert_hides("Sent.");
    send_test(&mut fixture, "test-command");
    fixture.assert_shows(&["cannot be started", "It is started without a shell."]);
    // Nobody listens there.
    fixture.fill("webhook", "http://127.0.0.1:9/hook?token=s3cret");
    send_test(&mut fixture, "test-webhook");
    fixture.assert_shows(&["No connection to 127.0.0.1:9."]);
}

/// Three buttons have the same words.
fn send_test(fixture: &mut Fixture, id: &'static str) {
    let mut ui = fixture.ui_of(iced::Size::new(1000.0, 4000.0));
    ui.click(iced_test::selector::id(id)).unwrap();
    let messages: Vec<Message> = ui.into_messages().collect();
    assert_eq!(messages.len(), 1, "{id}");
    messages.into_iter().for_each(|message| fixture.send_and_run(message));
}

static TOLD: LazyLock<FakeSink> = LazyLock::new(FakeSink::default);
/// One test at a time has the sink.
static TURN: Mutex<()> = Mutex::new(());

/// What was sent while `work` went on.
fn told(work: impl FnOnce()) -> Vec<Notice> {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let before = TOLD.told().len();
    work();
    TOLD.told().split_off(before)
}

#[test]
fn whoever_is_to_be_told_is_told_while_another_page_is_open() {
    let mut fixture = watching();
    fixture.app.ways = |_, desktop| {
        assert!(desktop, "the settings have it on");
        (vec![Arc::new(TOLD.clone())], Vec::new())
    };
    let all = told(|| {
        read(&mut fixture, listed(HEIGHT, vec![entry(0)]));
        fixture.press("Journal");
        let mut one = entry(0);
        one.state.pose_ban_height = Some(HEIGHT + 1);
        read(&mut fixture, listed(HEIGHT + 1, vec![one]));
    });
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].title.ends_with(": banned"), "{all:?}");
}

#[test]
fn who_could_not_be_told_is_named_on_the_page() {
    let mut fixture = changed();
    fixture.press("Alerts");
    let failure = Failure {
        sink: "webhook example.org".to_owned(),
        error: NotifyError::Refused {
            host: "example.org".to_owned(),
            status: 403,
        },
    };
    fixture.send(Message::Alerting(Alerting::Sent(1, vec![failure])));
    fixture.assert_shows(&["Not told by webhook example.org. Example.org answered 403."]);
    // An answer of an older connection says nothing of this one.
    fixture.send(Message::Alerting(Alerting::Sent(0, Vec::new())));
    fixture.assert_shows(&["Not told by webhook example.org."]);
    fixture.send(Message::Alerting(Alerting::Sent(1, Vec::new())));
    fixture.assert_hides("Not told by");
}

#[test]
fn a_failed_dkg_of_the_sandbox_reaches_the_page() {
    let mut fixture = Fixture::on_sandbox("dash-regtest");
    let session = fixture.session();
    let run = session.connection.sandbox.clone().unwrap();
    run.chain.mine_every(0);
    let mine = run
        .chain
        .with_chain(|chain| chain.list().iter().next().unwrap().pro_tx_hash);
    // A resident of the sandbox is made mine by the journal.
    adopt(&mut fixture, mine);
    refresh(&mut fixture);
    run.chain.fail_dkg(mine).unwrap();
    run.chain.mine(1);
    refresh(&mut fixture);
    fixture.send_and_run(Message::Go(Page::Alerts));
    fixture.assert_shows(&[
        "PoSe score rose",
        "from 0 to 66 of 100",
        "it failed in the DKG of llmq_",
    ]);
}

fn refresh(fixture: &mut Fixture) {
    fixture.send_and_run(Message::Masternodes(masternodes::Message::Refresh));
}

fn adopt(fixture: &mut Fixture, mine: crate::protocol::ProTxHash) {
    use crate::store::journal::Event;
    let ports = fixture.session().ports();
    let now = crate::flow::now();
    let plan = serde_json::json!({});
    let id = ports
        .journal
        .begin("register", &ports.profile.name, &plan, now)
        .unwrap();
    let finished = Event::Finished {
        txid: mine,
        hex: String::new(),
    };
    ports.journal.record(id, &finished, now).unwrap();
}

/// Light and dark; no pixels are compared while the sidebar still changes.
#[test]
fn how_it_looks() {
    let Some(folder) = std::env::var_os(super::looks::PICTURES) else {
        return;
    };
    let mut fixture = changed();
    let mut one = entry(0);
    one.state.last_paid_height = HEIGHT + 2;
    one.state.payout = Some(Address::PubkeyHash([9; 20]));
    one.state.pose_penalty = 65;
    let mut two = entry(1);
    two.state.pose_ban_height = Some(HEIGHT + 2);
    read(&mut fixture, listed(HEIGHT + 2, vec![one, two]));
    fixture.press("Alerts");
    fixture.press("Quiet hours");
    fixture.press("Voting key");
    fixture.fill("webhook", "http://127.0.0.1:9/hook?token=s3cret");
    fixture.fill("command", "tell \"me");
    send_test(&mut fixture, "test-webhook");
    super::looks::check(&fixture, "alerts");
    super::looks::check_tall(&fixture, "alerts-tall");
    let mut empty = watching();
    read(&mut empty, listed(HEIGHT, vec![entry(0)]));
    empty.press("Alerts");
    super::looks::check(&empty, "alerts-empty");
    assert!(std::path::Path::new(&folder).join("alerts-dark-tiny-skia.png").exists());
}
