//! How the main pages look, light and dark, as hashes of their pixels. To record them anew, delete `tests/snapshots`.

use iced::Size;

use super::support::{Fixture, found, hash, overview, ready_device, refusal, table};
use crate::hw::{DeviceError, Kind};
use crate::ui::screen::devices::Seen;
use crate::ui::screen::update::What;
use crate::ui::{Message, Page, masternodes, theme, update};

/// Where pictures are put instead of comparing, if set: for eyes.
pub const PICTURES: &str = "CASTELLAN_PICTURES";

/// When the clock of pages with times on them stands: 19 November 2026, **Unix seconds**.
pub const STILL: u64 = 1_795_100_000;

pub fn check(fixture: &Fixture, name: &str) {
    check_of(fixture, name, Size::new(1000.0, 700.0));
}

/// With what would have to be scrolled to.
pub fn check_tall(fixture: &Fixture, name: &str) {
    check_of(fixture, name, Size::new(1000.0, 1500.0));
}

pub fn check_of(fixture: &Fixture, name: &str, size: Size) {
    for (theme, shade) in [(theme::light(), "light"), (theme::dark(), "dark")] {
        let mut ui = fixture.ui_of(size);
        let picture = ui.snapshot(&theme).unwrap();
        if let Some(folder) = std::env::var_os(PICTURES) {
            let path = std::path::Path::new(&folder).join(format!("{name}-{shade}"));
            let _ = std::fs::remove_file(path.with_file_name(format!("{name}-{shade}-tiny-skia.png")));
            picture.matches_image(path).unwrap();
        } else {
            assert!(
                picture.matches_hash(format!("tests/snapshots/{name}-{shade}")).unwrap(),
                "{name}, {shade}"
            );
        }
    }
}

#[test]
fn the_first_start() {
    crate::flow::stand_still(STILL);
    let mut fixture = Fixture::fresh();
    check(&fixture, "start");
    fixture.click("Connect a node");
    check(&fixture, "node");
}

#[test]
fn the_masternodes() {
    crate::flow::stand_still(STILL);
    let mut fixture = Fixture::connected();
    fixture.device(ready_device());
    fixture.list(overview(20));
    check(&fixture, "masternodes");
    let select = |number| Message::Masternodes(masternodes::Message::Select(hash(number), true));
    fixture.send(select(0));
    fixture.send(select(2));
    check(&fixture, "masternodes-selected");
    fixture.send(Message::Masternodes(masternodes::Message::Open(hash(1))));
    check(&fixture, "masternode");
}

#[test]
fn an_empty_list() {
    crate::flow::stand_still(STILL);
    let mut fixture = Fixture::connected();
    let mut empty = overview(0);
    empty.masternodes.clear();
    fixture.list(empty);
    check(&fixture, "masternodes-empty");
}

#[test]
fn the_devices() {
    crate::flow::stand_still(STILL);
    let mut fixture = Fixture::connected();
    fixture.send(Message::Go(Page::Devices));
    fixture.send(Message::DevicesFound(1, Vec::new()));
    fixture.device(Seen::Missing(DeviceError::NotConnected { kind: Kind::Ledger }));
    check(&fixture, "devices-none");
    fixture.device(ready_device());
    fixture.send(Message::DevicesFound(1, table()));
    check_tall(&fixture, "devices");
    let error = DeviceError::NoPermission {
        kind: Kind::Ledger,
        path: "/dev/hidraw0".to_owned(),
    };
    fixture.send(Message::DevicesFound(
        1,
        vec![found(Kind::Ledger, "Nano S Plus", "usb:1-2", Err(error.clone()))],
    ));
    fixture.device(Seen::Missing(error));
    check_tall(&fixture, "devices-permission");
}

/// What a device asks, over a page.
#[test]
fn the_prompts() {
    crate::flow::stand_still(STILL);
    use crate::hw::{Asker, Look, Question};
    let mut fixture = Fixture::connected();
    fixture.device(super::support::ready_trezor());
    fixture.list(overview(20));
    let asker = fixture.app.asker.clone();
    let kind = Kind::Trezor;
    let passphrase = |wallet: Option<&str>| Question::Passphrase {
        kind,
        on_device_possible: true,
        wallet: wallet.map(str::to_owned),
    };
    for (name, question) in [
        ("prompt-pin", Question::Pin { kind }),
        ("prompt-passphrase", passphrase(None)),
        ("prompt-passphrase-known", passphrase(Some("5c9e228d"))),
        (
            "prompt-button",
            Question::Button {
                kind,
                look: Look::Payment,
            },
        ),
    ] {
        let asking = asker.ask(question);
        fixture.send(Message::Asked(asker.open()));
        check(&fixture, name);
        drop(asking);
        fixture.send(Message::Asked(asker.open()));
    }
}

#[test]
fn the_vault_and_its_keys() {
    crate::flow::stand_still(STILL);
    let mut fixture = Fixture::connected();
    fixture.click("Keys");
    check(&fixture, "vault-create");
    let mut fixture = Fixture::unlocked();
    let vault = fixture.session().ports().vault.clone().unwrap();
    let profile = super::support::profile();
    for kind in crate::store::keys::Kind::ALL {
        vault
            .generate(kind, &format!("mn1-{kind}"), &profile, 1_700_000_000)
            .unwrap();
    }
    fixture.click("Keys");
    check(&fixture, "keys");
    fixture.click("Export");
    check(&fixture, "keys-export");
}

#[test]
fn the_journal() {
    crate::flow::stand_still(STILL);
    let mut fixture = Fixture::connected();
    let journal = crate::store::journal::Journal::open(&fixture.dirs.journal).unwrap();
    journal
        .begin("register", "dash-testnet", &serde_json::json!({}), 1_700_000_000)
        .unwrap();
    fixture.click("Journal");
    check(&fixture, "journal");
    fixture.click("Registration");
    check(&fixture, "journal-operation");
}

/// A masternode's page with its buttons, each form, the review, what signing looks like when the node refuses, and the hand-over.
#[test]
fn the_updates() {
    crate::flow::stand_still(STILL);
    let mut fixture = Fixture::owning(None);
    check(&fixture, "update-buttons");
    for (what, name) in What::ALL
        .into_iter()
        .zip(["service", "operator", "voting", "payout", "revoke"])
    {
        fixture.press(what.name());
        check(&fixture, &format!("update-{name}"));
        fixture.press("Cancel");
    }
    fixture.press("Update operator key");
    fixture.press("Review");
    check(&fixture, "update-review");
    fixture.press("Back");
    fixture.press("Cancel");
    fixture.press("Revoke operator");
    fixture.press("Review");
    fixture.fill("name", "mn");
    check_tall(&fixture, "update-review-revoke");
}

#[test]
fn an_update_the_node_refuses() {
    crate::flow::stand_still(STILL);
    let mut fixture = Fixture::owning(Some(refusal()));
    fixture.press("Update payout address");
    fixture.fill(
        "payout",
        &crate::protocol::Address::PubkeyHash([9; 20]).to_text(&super::support::profile()),
    );
    fixture.press("Review");
    fixture.press("Sign and send");
    check(&fixture, "update-refused");
}

#[test]
fn an_update_for_somebody_else() {
    crate::flow::stand_still(STILL);
    let mut fixture = Fixture::owning(None);
    fixture
        .session()
        .ports()
        .vault
        .clone()
        .unwrap()
        .remove("mn1-owner")
        .unwrap();
    fixture.send_and_run(Message::Masternodes(masternodes::Message::Refresh));
    check(&fixture, "update-elsewhere");
    fixture.press("A key is elsewhere");
    fixture.press("Update voting key");
    check(&fixture, "update-voting-elsewhere");
    fixture.press("Review");
    fixture.fill("export-path", "/home/owner/castellan-update-registrar-mn1.json");
    check_tall(&fixture, "update-hand-over");
    fixture.press("Back");
    fixture.press("Cancel");
    fixture.press("Journal");
    fixture.press("Complete an operation from a file");
    check(&fixture, "update-from-file");
}

#[test]
fn an_update_on_its_way_and_in_the_chain() {
    crate::flow::stand_still(STILL);
    use crate::flow::Step;
    use crate::ui::screen::part::signing::{Finished, Message as Signing};
    let mut fixture = Fixture::owning(None);
    fixture.press("Update operator key");
    fixture.press("Review");
    let _begun = fixture.begin("Sign and send");
    let txid = hash(77);
    let heard = |message| Message::Update(update::Message::Signing(message));
    for step in [
        Step::Planned { id: 1 },
        Step::Broadcasting { txid },
        Step::WaitingForBlock {
            txid,
            height: 1_234_567,
        },
    ] {
        fixture.send(heard(Signing::Stepped(0, step)));
    }
    check(&fixture, "update-sent");
    let finished = Finished {
        pro_tx_hash: hash(0),
        txid,
        height: 1_234_568,
    };
    fixture.send(heard(Signing::Ended(0, Ok(finished))));
    check(&fixture, "update-done");
}
