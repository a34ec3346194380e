//! The vault unlocked by a device, and the page of what unlocks it.

use std::sync::Arc;

use sipper::Sipper;

use super::looks::{PICTURES, check_of};
use super::support::{Fixture, PASSPHRASE, profile, ready_device, small_vault};
use crate::flow::unlock::{self, Reason, Step};
use crate::hw::fake::{FakeDevice, Outcome};
use crate::hw::{Device, DeviceError, DeviceSpec, Kind};
use crate::store::vault::{DeviceSlotInfo, SlotInfo, Vault, Vendor};
use crate::ui::finding::DeviceFound;
use crate::ui::screen::devices::Seen;
use crate::ui::screen::{slots, vault};
use crate::ui::{Message, Screen};

/// A locked vault that the fake Ledger opens too.
fn locked() -> Fixture {
    let fixture = Fixture::connected();
    let vault = small_vault(&fixture.dirs);
    let device: Arc<dyn Device> = Arc::new(FakeDevice::new(profile()));
    fixture.wait(async {
        let mut flow = unlock::enrol(device, profile(), vault, "my Nano".to_owned()).pin();
        while flow.sip().await.is_some() {}
        flow.await.unwrap();
    });
    fixture
}

/// The Ledger in use does this.
fn connect(fixture: &mut Fixture, script: impl IntoIterator<Item = Outcome>) {
    let seen = ready_device();
    let device: Arc<dyn Device> = Arc::new(FakeDevice::new(profile()).with_script(script));
    let device = Some(device);
    let spec = DeviceSpec::Any;
    fixture.send(Message::DeviceFound(1, DeviceFound { spec, seen, device }));
}

/// On the page of what unlocks the vault, with a Ledger in use.
fn on_page(script: impl IntoIterator<Item = Outcome>) -> Fixture {
    let mut fixture = Fixture::unlocked();
    connect(&mut fixture, script);
    fixture.click("Keys");
    fixture.click("Passphrase and devices");
    fixture
}

fn opens(fixture: &Fixture, passphrase: &str) -> bool {
    Vault::open(&fixture.dirs.vault, passphrase).is_ok()
}

#[test]
fn the_device_unlocks_the_vault_and_leads_where_one_wanted_to_go() {
    let mut fixture = locked();
    connect(&mut fixture, []);
    fixture.click("Keys");
    fixture.assert_shows(&["The Ledger asks you each time", "a hash, which is shown here too"]);
    fixture.click("Unlock with the Ledger");
    assert!(matches!(fixture.app.screen, Screen::Keys(_)), "{:?}", fixture.texts());
}

#[test]
fn a_vault_that_no_device_opens_offers_none() {
    let mut fixture = Fixture::connected();
    drop(small_vault(&fixture.dirs));
    connect(&mut fixture, []);
    fixture.click("Keys");
    fixture.assert_shows(&["Unlock the vault"]);
    fixture.assert_hides("Unlock with the");
}

#[test]
fn a_device_that_is_not_there_or_not_ready_is_named() {
    let mut fixture = locked();
    fixture.click("Keys");
    fixture.assert_shows(&["A Ledger opens this vault too. Connect it to use it here."]);
    assert!(fixture.is_disabled("Unlock with the Ledger"));
    let kind = Kind::Ledger;
    fixture.device(Seen::Open {
        kind,
        place: "usb".to_owned(),
        info: Err(DeviceError::Locked { kind }),
    });
    fixture.assert_shows(&["The one connected is not ready: the Ledger is locked."]);
    assert!(fixture.is_disabled("Unlock with the Ledger"));
}

#[test]
fn who_declines_stays_before_the_locked_vault_and_can_type_the_passphrase() {
    let mut fixture = locked();
    connect(&mut fixture, [Outcome::Approve, Outcome::Decline]);
    fixture.click("Keys");
    fixture.click("Unlock with the Ledger");
    fixture.assert_shows(&["You declined on the device. The vault stays locked."]);
    fixture.type_into("passphrase", PASSPHRASE);
    fixture.click("Unlock");
    assert!(matches!(fixture.app.screen, Screen::Keys(_)));
}

#[test]
fn another_wallet_is_told_with_what_to_do() {
    let mut fixture = locked();
    let other = DeviceError::OtherWallet {
        expected: "88b3582b".to_owned(),
        found: "00000000".to_owned(),
    };
    connect(&mut fixture, [Outcome::Approve, Outcome::Fail(other)]);
    fixture.click("Keys");
    fixture.click("Unlock with the Ledger");
    fixture.assert_shows(&["The wallet 00000000 is open instead of 88b3582b."]);
}

#[test]
fn while_the_device_asks_the_page_says_why_and_what_it_shows() {
    let mut fixture = locked();
    connect(&mut fixture, [Outcome::Approve, Outcome::Wait]);
    fixture.click("Keys");
    let _begun = fixture.begin("Unlock with the Ledger");
    fixture.send(Message::Vault(vault::Message::Stepped(Step::Confirm {
        device: Kind::Ledger,
        reason: Reason::Unlock,
        shows: format!("message hash {}", "9319DD7D".repeat(8)),
    })));
    fixture.assert_shows(&[
        "Confirm on the Ledger",
        "message hash 9319DD7D",
        "what opens the vault is its signature",
    ]);
    check(&fixture, "vault-device-asks");
    fixture.click("Cancel");
    fixture.assert_shows(&["Unlock with the Ledger"]);
}

#[test]
fn a_device_is_added_and_removed_with_the_passphrase() {
    let mut fixture = on_page([]);
    fixture.assert_shows(&[
        "What unlocks the vault",
        "it can be changed, not removed",
        "Losing a device loses nothing",
    ]);
    fixture.click("Add this Ledger");
    fixture.assert_shows(&["The Ledger asks twice now", "Who has the device, its PIN and a copy"]);
    check(&fixture, "vault-add-device");
    fixture.fill("slot-name", "my Nano");
    fixture.press("Add the device");
    fixture.assert_shows(&["my Nano opens the vault from now on", "wallet 88b3582b"]);
    fixture.press("Remove");
    fixture.assert_shows(&["my Nano will no longer open this vault", "can still be opened by it"]);
    fixture.fill("slot-passphrase", "wrong");
    fixture.press("Remove the device");
    fixture.assert_shows(&["This is not the passphrase of the vault."]);
    fixture.fill("slot-passphrase", PASSPHRASE);
    fixture.press("Remove the device");
    fixture.assert_shows(&["my Nano no longer opens the vault."]);
    assert_eq!(
        crate::store::vault::slots(&fixture.dirs.vault).unwrap(),
        [SlotInfo::Passphrase]
    );
    assert!(opens(&fixture, PASSPHRASE));
}

#[test]
fn a_declined_or_lost_device_is_not_added_and_its_name_is_kept() {
    let mut fixture = on_page([
        Outcome::Approve,
        Outcome::Decline,
        Outcome::Approve,
        Outcome::Approve,
        Outcome::Gone,
    ]);
    fixture.click("Add this Ledger");
    fixture.fill("slot-name", "my Nano");
    fixture.press("Add the device");
    fixture.assert_shows(&["You declined on the device. Nothing was changed.", "my Nano"]);
    fixture.press("Add the device");
    fixture.assert_shows(&["The Ledger was disconnected"]);
    assert_eq!(
        crate::store::vault::slots(&fixture.dirs.vault).unwrap(),
        [SlotInfo::Passphrase]
    );
}

#[test]
fn without_a_device_none_can_be_added() {
    let mut fixture = Fixture::unlocked();
    fixture.click("Keys");
    fixture.click("Passphrase and devices");
    assert!(fixture.is_disabled("Add a device"));
    fixture.click("Back to the keys");
    assert!(matches!(fixture.app.screen, Screen::Keys(_)));
}

#[test]
fn the_passphrase_is_changed_where_it_is_listed() {
    let mut fixture = on_page([]);
    fixture.click("Change");
    fixture.fill("slot-passphrase", "wrong");
    fixture.fill("slot-new", "short");
    fixture.fill("slot-again", "shirt");
    fixture.press("Change the passphrase");
    fixture.assert_shows(&["Use at least 8 characters."]);
    fixture.fill("slot-new", "battery staple");
    fixture.press("Change the passphrase");
    fixture.assert_shows(&["The two passphrases differ."]);
    fixture.fill("slot-again", "battery staple");
    fixture.press("Change the passphrase");
    fixture.assert_shows(&["This is not the passphrase of the vault."]);
    fixture.fill("slot-passphrase", PASSPHRASE);
    fixture.press("Change the passphrase");
    fixture.assert_shows(&["The passphrase is changed."]);
    assert!(opens(&fixture, "battery staple") && !opens(&fixture, PASSPHRASE));
}

#[test]
fn the_ways_in_and_removing_one() {
    let mut fixture = Fixture::connected();
    let vault = small_vault(&fixture.dirs);
    for (vendor, name) in [(Vendor::Ledger, "my Nano"), (Vendor::Trezor, "the one in the safe")] {
        let info = DeviceSlotInfo {
            vendor,
            name: name.to_owned(),
            wallet: "88b3582b".to_owned(),
            path: "m/10011'/1129534540'".to_owned(),
            challenge: vault.challenge().unwrap(),
            created: 1_700_000_000,
        };
        vault.add_device_slot(&info, &[7; 32]).unwrap();
    }
    fixture.session().unlock(vault);
    connect(&mut fixture, []);
    fixture.click("Keys");
    fixture.click("Passphrase and devices");
    check(&fixture, "vault-slots");
    fixture.click("Remove");
    fixture.fill("slot-passphrase", "wrong");
    fixture.press("Remove the device");
    check(&fixture, "vault-remove-device");
}

/// Only for eyes: the page shows where the file is.
#[test]
fn the_unlock_page_with_a_device() {
    let mut fixture = locked();
    connect(&mut fixture, []);
    fixture.click("Keys");
    fixture.assert_shows(&["vault.castellan"]);
    if std::env::var_os(PICTURES).is_some() {
        check(&fixture, "vault-unlock");
    }
}

#[test]
fn a_typed_passphrase_never_prints() {
    for message in [
        slots::Message::PassphraseEdited("hunter2".to_owned().into()),
        slots::Message::NewEdited("hunter2".to_owned().into()),
        slots::Message::AgainEdited("hunter2".to_owned().into()),
    ] {
        assert!(!format!("{message:?}").contains("hunter2"));
    }
}

fn check(fixture: &Fixture, name: &str) {
    check_of(fixture, name, iced::Size::new(1000.0, 700.0));
}
