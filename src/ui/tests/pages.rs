//! What is on the pages of a connection, empty and filled.

use iced::keyboard::{Modifiers, key::Named};

use super::mine::{all_mine, nobodys};
use super::support::{Fixture, hash, overview, ready_device, tip};
use crate::hw::{DeviceError, Kind};
use crate::rpc::RpcError;
use crate::store::journal::{Event, Journal};
use crate::ui::screen::devices::Seen;
use crate::ui::{Link, Message, Page, Screen, masternodes};

fn messages_of(fixture: &Fixture, label: &str) -> Vec<Message> {
    let mut ui = fixture.ui();
    ui.click(label).unwrap_or_else(|error| panic!("{label}: {error:?}"));
    ui.into_messages().collect()
}

#[test]
fn the_sidebar_leads_everywhere() {
    let mut fixture = Fixture::unlocked();
    for (name, shown) in [
        ("Keys", "Make a key"),
        ("Devices", "What a device can and cannot do"),
        ("Journal", "Nothing was begun yet"),
        ("Sandbox", "The sandbox is not running"),
        ("Settings", "Appearance"),
        ("Masternodes", "Register a masternode"),
    ] {
        assert!(fixture.click(name) >= 1);
        fixture.assert_shows(&[shown]);
    }
}

#[test]
fn the_status_bar_names_network_node_height_and_device() {
    let mut fixture = Fixture::connected();
    fixture.assert_shows(&[
        "dash-testnet",
        "Dash Core:23.1.2",
        "Block 1,234,567",
        "Looking for a device",
    ]);
    fixture.device(ready_device());
    fixture.assert_shows(&["Ledger Nano S Plus: Dash app"]);
    fixture.device(Seen::Missing(DeviceError::NotConnected { kind: Kind::Ledger }));
    fixture.assert_shows(&["No device"]);
}

#[test]
fn a_node_that_falls_silent_is_named_and_can_be_asked_again() {
    let mut fixture = Fixture::connected();
    let error = RpcError::Timeout {
        url: "http://127.0.0.1:19998".to_owned(),
        seconds: 30,
    };
    fixture.send(Message::NodeAnswered(1, Err(error)));
    fixture.assert_shows(&["did not answer within 30 seconds"]);
    assert!(matches!(messages_of(&fixture, "Retry")[..], [Message::Retry]));
    fixture.send_and_run(Message::Retry);
    fixture.assert_shows(&["Block 1,234,567"]);
}

#[test]
fn an_answer_of_an_older_connection_changes_nothing() {
    let mut fixture = Fixture::connected();
    let error = RpcError::Busy {
        url: "http://127.0.0.1:19998".to_owned(),
    };
    fixture.send(Message::NodeAnswered(0, Err(error)));
    fixture.assert_shows(&["Block 1,234,567"]);
}

#[test]
fn an_empty_list_says_what_to_do() {
    let mut fixture = Fixture::connected();
    fixture.assert_shows(&["Reading the masternode list"]);
    fixture.list(nobodys(3));
    fixture.assert_shows(&[
        "Your masternodes are not known yet",
        "The vault is locked, or there is none yet.",
    ]);
    assert_eq!(fixture.click("Open the vault"), 1);
    fixture.assert_shows(&["Create a vault"]);
    let mut open = Fixture::unlocked();
    open.list(nobodys(3));
    open.assert_shows(&["No masternode of yours yet", "The vault is open and empty."]);
    let vault = open.session().ports().vault.clone().unwrap();
    vault
        .generate(crate::store::Kind::Owner, "mn1-owner", &super::support::profile(), 0)
        .unwrap();
    open.assert_shows(&["None of the keys in this vault is a key of a listed masternode."]);
    assert_eq!(open.click("Register your first"), 1);
    assert!(matches!(open.app.screen, Screen::Register));
}

#[test]
fn a_list_that_never_came_says_why_and_is_asked_for_again() {
    let mut fixture = Fixture::connected();
    let error = crate::flow::Error::Node(RpcError::Unreachable {
        url: "http://127.0.0.1:19998".to_owned(),
        kind: "connection refused".to_owned(),
    });
    fixture.send(Message::Masternodes(masternodes::Message::Read(Err(error))));
    fixture.assert_shows(&["The masternode list could not be read", "connection refused"]);
    assert!(matches!(
        messages_of(&fixture, "Try again")[..],
        [Message::Masternodes(masternodes::Message::Refresh)]
    ));
}

#[test]
fn mine_are_listed_with_status_reason_and_queue() {
    let mut fixture = Fixture::connected();
    fixture.list(overview(20));
    fixture.assert_shows(&["Enabled", "In danger", "Banned", "Waiting", "Revoked"]);
    fixture.assert_shows(&[
        "since 1,234,500",
        "no address yet",
        "needs an operator",
        "66 of 100",
        "1 of 22 in the queue",
        "Not in the payment queue",
        "Evo",
        "One more failed DKG bans it; safe in 33 blocks, about",
    ]);
    fixture.assert_hides("45.76.230.17:19999");
}

#[test]
fn of_hundreds_only_the_lines_in_sight_are_built() {
    let mut fixture = Fixture::connected();
    fixture.list(all_mine(500));
    let lines = fixture.texts().iter().filter(|text| text.ends_with(":19999")).count();
    assert!((10..60).contains(&lines), "{lines}");
    fixture.send(Message::Masternodes(masternodes::Message::Scrolled(101.0 * 300.0)));
    fixture.assert_shows(&[&hash(303).to_string()[..8]]);
}

#[test]
fn what_needs_attention_comes_first_unless_another_order_is_chosen() {
    let mut fixture = Fixture::connected();
    fixture.list(overview(20));
    let order = |fixture: &Fixture| -> Vec<String> {
        let places: Vec<String> = (0..5).map(|at| hash(at).to_string()[..8].to_owned()).collect();
        let texts = fixture.texts();
        texts.into_iter().filter(|text| places.contains(text)).collect()
    };
    let named = |places: [u32; 5]| places.map(|at| hash(at).to_string()[..8].to_owned());
    assert_eq!(order(&fixture), named([2, 1, 3, 4, 0]));
    fixture.click("Paid next");
    assert_eq!(order(&fixture)[..2], named([0, 1, 2, 3, 4])[..2]);
}

#[test]
fn one_masternode_has_no_filter_and_no_boxes() {
    let mut fixture = Fixture::connected();
    fixture.list(all_mine(1));
    fixture.assert_shows(&["45.76.230.0:19999", "Next payment"]);
    fixture.assert_hides("Select all");
    fixture.assert_hides("Needs attention");
}

#[test]
fn the_filter_finds_by_address_hash_and_status() {
    let mut fixture = Fixture::connected();
    fixture.list(overview(100));
    for needle in ["45.76.230.2:", &hash(2).to_string()[..12], "banned"] {
        fixture.send(Message::Masternodes(masternodes::Message::FilterEdited(
            needle.to_owned(),
        )));
        fixture.assert_shows(&["45.76.230.2:19999"]);
        fixture.assert_hides("45.76.230.0:19999");
    }
    fixture.send(Message::Masternodes(masternodes::Message::FilterEdited(
        "nowhere".to_owned(),
    )));
    fixture.assert_shows(&["Nothing matches"]);
    fixture.click("Clear the filter");
    fixture.assert_shows(&["45.76.230.0:19999"]);
}

#[test]
fn a_row_opens_every_field_and_esc_goes_back() {
    let mut fixture = Fixture::connected();
    fixture.list(overview(0));
    fixture.click("45.76.230.1:19999");
    let full = hash(1).to_string();
    fixture.assert_shows(
        &[
            &full,
            "Operator public key",
            "Voting address",
            "Payout address",
            "5.25 %",
            "survives 0",
            "1000 tDASH",
        ][..1],
    );
    fixture.assert_shows(&[
        "Operator public key",
        "Voting address",
        "Payout address",
        "5.25 %",
        "One more failed DKG bans it",
        "1000 tDASH",
    ]);
    fixture.assert_shows(&["This vault holds none of its keys."]);
    fixture.send(Message::Pressed(Named::Escape, Modifiers::default()));
    fixture.assert_shows(&["Needs attention"]);
}

#[test]
fn a_copy_button_copies_the_whole_value() {
    let mut fixture = Fixture::connected();
    fixture.list(overview(0));
    fixture.send(Message::Masternodes(masternodes::Message::Open(hash(3))));
    fixture.assert_shows(&["Masternode without address", "A service update by"]);
    let mut ui = fixture.ui_of(iced::Size::new(1000.0, 2000.0));
    ui.click("Copy").unwrap();
    let messages: Vec<Message> = ui.into_messages().collect();
    assert!(matches!(&messages[..], [Message::Masternodes(masternodes::Message::Copy(text))] if text.len() > 30));
}

#[test]
fn a_new_masternode_that_is_not_listed_yet_is_waited_for() {
    let mut fixture = Fixture::connected();
    fixture.list(overview(0));
    fixture.send(Message::Masternodes(masternodes::Message::Open(hash(4_711))));
    fixture.assert_shows(&["appears with the next block", &hash(4_711).to_string()]);
}

#[test]
fn a_list_that_cannot_be_read_again_stays_with_the_reason() {
    let mut fixture = Fixture::connected();
    fixture.list(overview(0));
    let error = crate::flow::Error::Node(RpcError::NoCoinSearch);
    fixture.send(Message::Masternodes(masternodes::Message::Read(Err(error))));
    fixture.assert_shows(&["45.76.230.0:19999", "cannot search coins"]);
}

#[test]
fn registering_leads_over_the_vault_when_it_is_locked() {
    let mut fixture = Fixture::connected();
    assert_eq!(fixture.click("Register a masternode"), 1);
    fixture.assert_shows(&["Create a vault"]);
    assert!(matches!(fixture.app.screen, Screen::Vault(_, Page::Register)));
    let mut open = Fixture::unlocked();
    open.click("Register a masternode");
    assert!(matches!(open.app.screen, Screen::Register));
}

#[test]
fn a_wizard_survives_a_look_at_another_page() {
    let mut fixture = Fixture::unlocked();
    fixture.send(Message::Go(Page::Register));
    fixture.send(Message::Go(Page::Keys));
    assert!(fixture.session().register.is_some());
    fixture.send(Message::Go(Page::Register));
    assert!(matches!(fixture.app.screen, Screen::Register));
}

#[test]
fn a_device_that_is_not_ready_says_the_next_step_not_a_code() {
    let mut fixture = Fixture::connected();
    fixture.send(Message::Go(Page::Devices));
    let wrong = DeviceError::WrongApp {
        kind: Kind::Ledger,
        found: "Bitcoin".to_owned(),
        wanted: "Dash".to_owned(),
    };
    fixture.device(Seen::Open {
        kind: Kind::Ledger,
        place: "usb".to_owned(),
        info: Err(wrong),
    });
    fixture.assert_shows(&["Open the Dash app on the Ledger", "Wrong app open"]);
}

#[test]
fn an_address_is_shown_on_the_device_and_compared() {
    let mut fixture = Fixture::connected();
    fixture.send(Message::Go(Page::Devices));
    fixture.device(ready_device());
    fixture.assert_shows(&["m/44'/1'/0'/0/0", "Dash 2.2.1", "Ready"]);
    assert_eq!(fixture.click("Show on the device"), 1);
    fixture.assert_shows(&["Confirmed on the device for m/44'/1'/0'/0/0."]);
}

#[test]
fn a_path_that_devices_refuse_disables_the_button() {
    let mut fixture = Fixture::connected();
    fixture.send(Message::Go(Page::Devices));
    fixture.device(ready_device());
    fixture.send(Message::Devices(crate::ui::devices::Message::PathEdited(
        "m/0/0".to_owned(),
    )));
    fixture.assert_shows(&["no hardened level"]);
    assert!(messages_of(&fixture, "Show on the device").is_empty());
}

#[test]
fn the_journal_lists_what_was_begun_and_offers_to_go_on() {
    let mut fixture = Fixture::connected();
    let journal = Journal::open(&fixture.dirs.journal).unwrap();
    let plan = serde_json::json!({});
    journal.begin("register", "dash-testnet", &plan, 1_700_000_000).unwrap();
    let mined = journal.begin("fund", "dash-testnet", &plan, 1_700_000_100).unwrap();
    journal
        .record(
            mined,
            &Event::Failed {
                reason: "declined on the device".to_owned(),
            },
            1_700_000_200,
        )
        .unwrap();
    journal.begin("register", "dash", &plan, 1_700_000_300).unwrap();
    fixture.click("Journal");
    fixture.assert_shows(&["Registration", "Payment", "Planned", "Failed", "2023-11-14 22:13 UTC"]);
    fixture.click("2023-11-14 22:13 UTC");
    fixture.assert_shows(&["Registration 1", "Nothing was sent yet", "Planned and checked."]);
    fixture.click("Resume");
    fixture.assert_shows(&["Going on", "its plan was written by another version"]);
    fixture.send(Message::Pressed(Named::Escape, Modifiers::default()));
    fixture.click("Payment");
    fixture.assert_shows(&["Failed: declined on the device.", "it can be tried again"]);
    fixture.send(Message::Journal(crate::ui::journal::Message::Open(3)));
    fixture.assert_shows(&["It belongs to dash: connect to that network"]);
}

#[test]
fn settings_show_where_things_are_and_disconnect() {
    let mut fixture = Fixture::connected();
    fixture.send(Message::Go(Page::Settings));
    fixture.assert_shows(&[
        "dash-testnet at http://127.0.0.1:19998",
        "vault.castellan",
        "journal.sqlite",
        "settings.toml",
    ]);
    fixture.click("Disconnect");
    assert!(matches!(
        (&fixture.app.link, &fixture.app.screen),
        (Link::None, Screen::Start(_))
    ));
}

#[test]
fn a_new_block_reads_the_list_again_whatever_page_is_open() {
    let mut fixture = Fixture::connected();
    let mut status = super::support::status();
    status.tip.height = tip().height + 1;
    let read = fixture.app.update(Message::NodeAnswered(1, Ok(status.clone())));
    assert_eq!(read.units(), 1);
    fixture.send(Message::Go(Page::Settings));
    status.tip.height += 1;
    assert_eq!(fixture.app.update(Message::NodeAnswered(1, Ok(status))).units(), 1);
}
