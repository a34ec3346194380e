//! How the main pages look, light and dark, as hashes of their pixels. To record them anew, delete `tests/snapshots`.

use iced::Size;

use super::support::{Fixture, overview, ready_device};
use crate::hw::{DeviceError, Kind};
use crate::ui::screen::devices::Seen;
use crate::ui::{Message, Page, masternodes, theme};

/// Where pictures are put instead of comparing, if set: for eyes.
const PICTURES: &str = "CASTELLAN_PICTURES";

fn check(fixture: &Fixture, name: &str) {
    check_of(fixture, name, Size::new(1000.0, 700.0));
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
    let mut fixture = Fixture::fresh();
    check(&fixture, "start");
    fixture.click("Connect a node");
    check(&fixture, "node");
}

#[test]
fn the_masternodes() {
    let mut fixture = Fixture::connected();
    fixture.device(ready_device());
    fixture.list(overview(20));
    check(&fixture, "masternodes");
    let select = |number| Message::Masternodes(masternodes::Message::Select(super::support::hash(number), true));
    fixture.send(select(0));
    fixture.send(select(2));
    check(&fixture, "masternodes-selected");
    fixture.send(Message::Masternodes(masternodes::Message::Open(super::support::hash(
        1,
    ))));
    check(&fixture, "masternode");
}

#[test]
fn an_empty_list() {
    let mut fixture = Fixture::connected();
    let mut empty = overview(0);
    empty.masternodes.clear();
    fixture.list(empty);
    check(&fixture, "masternodes-empty");
}

#[test]
fn the_devices() {
    let mut fixture = Fixture::connected();
    fixture.send(Message::Go(Page::Devices));
    fixture.device(ready_device());
    check(&fixture, "devices");
    fixture.device(Seen::Missing(DeviceError::NoPermission {
        kind: Kind::Ledger,
        path: "/dev/hidraw0".to_owned(),
    }));
    check(&fixture, "devices-permission");
}

#[test]
fn the_vault_and_its_keys() {
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
