//! The Devices page: every device, the one in use, and what is wrong with each.

use super::support::{Fixture, found, ready_device, ready_trezor, table};
use crate::hw::diagnosis::udev::UdevError;
use crate::hw::{DeviceError, DeviceSpec, Kind};
use crate::ui::screen::devices::{Message as Devices, Seen};
use crate::ui::{Message, Page};

fn on_page() -> Fixture {
    let mut fixture = Fixture::connected();
    fixture.send(Message::Go(Page::Devices));
    fixture
}

/// One device that is not ready, in use.
fn troubled(kind: Kind, model: &str, error: DeviceError) -> Fixture {
    let mut fixture = on_page();
    let one = found(kind, model, "usb:1-2", Err(error.clone()));
    fixture.send(Message::DevicesFound(1, vec![one]));
    fixture.device(Seen::Open {
        kind,
        place: "usb:1-2".to_owned(),
        info: Err(error),
    });
    fixture
}

#[test]
fn each_trouble_says_what_is_wrong_and_what_to_do() {
    let (ledger, trezor) = (Kind::Ledger, Kind::Trezor);
    let app = |found: &str| DeviceError::WrongApp {
        kind: ledger,
        found: found.to_owned(),
        wanted: "Dash".to_owned(),
    };
    let cases: Vec<(Kind, DeviceError, &str, &str, &str)> = vec![
        (
            ledger,
            DeviceError::NoPermission {
                kind: ledger,
                path: "/dev/hidraw0".to_owned(),
            },
            "No permission",
            "No permission to open the Ledger.",
            "70-castellan-ledger.rules",
        ),
        (
            ledger,
            DeviceError::HeldBy {
                kind: ledger,
                process: "ledger-live (process 4711)".to_owned(),
            },
            "In use elsewhere",
            "The Ledger is held by ledger-live (process 4711).",
            "Close ledger-live (process 4711)",
        ),
        (
            ledger,
            app("Bitcoin"),
            "Wrong app open",
            "The app Bitcoin is open on the Ledger instead of Dash.",
            "Open the Dash app on the Ledger",
        ),
        (
            ledger,
            DeviceError::NoApp {
                kind: ledger,
                wanted: "Dash".to_owned(),
            },
            "No app open",
            "The Ledger shows its dashboard instead of the app Dash.",
            "Open the Dash app on the Ledger",
        ),
        (
            ledger,
            DeviceError::Locked { kind: ledger },
            "Locked",
            "The Ledger is locked.",
            "Enter the PIN on the device.",
        ),
        (
            trezor,
            DeviceError::OldFirmware {
                model: "Trezor One".to_owned(),
                found: "1.9.4".to_owned(),
                minimum: "1.10".to_owned(),
            },
            "Old firmware",
            "The firmware 1.9.4 of the Trezor One is older than 1.10.",
            "Update its firmware with Trezor Suite.",
        ),
        (
            trezor,
            DeviceError::NotInitialised { kind: trezor },
            "No wallet yet",
            "The Trezor has no wallet yet.",
            "Set the Trezor up with Trezor Suite first.",
        ),
        (
            trezor,
            DeviceError::Bootloader { kind: trezor },
            "In its bootloader",
            "The Trezor is in its bootloader.",
            "without holding its buttons",
        ),
        (
            trezor,
            DeviceError::NoCoinOnModel {
                model: "Trezor Safe 5".to_owned(),
                coin: "Dash".to_owned(),
            },
            "Not for this coin",
            "The firmware of the Trezor Safe 5 does not know Dash.",
            "use one of them or a Ledger",
        ),
        (
            trezor,
            DeviceError::UnknownCoin {
                kind: trezor,
                network: "wei".to_owned(),
            },
            "Not for this coin",
            "No Trezor knows the addresses of wei.",
            "Use a Ledger for this network.",
        ),
    ];
    for (kind, error, chip, wrong, todo) in cases {
        let fixture = troubled(kind, "Model", error);
        fixture.assert_shows(&[chip, wrong, todo]);
        fixture.assert_hides("Show on the device");
    }
}

#[test]
fn all_are_listed_with_their_places_and_the_one_in_use_is_marked() {
    let mut fixture = on_page();
    fixture.device(ready_device());
    fixture.send(Message::DevicesFound(1, table()));
    fixture.assert_shows(&[
        "Ledger Nano S Plus",
        "In use",
        "USB port 1-2",
        "5f1c6a2e",
        "Trezor One",
        "USB port 3-2.1",
        "Trezor Safe 3",
        "does not know Dash",
    ]);
    let choices = fixture.texts().into_iter().filter(|text| text == "Use this one");
    assert_eq!(choices.count(), 1, "neither the one in use nor one of no use");
    let mut ui = fixture.ui_of(iced::Size::new(1000.0, 3000.0));
    ui.click("Use this one").unwrap();
    let messages: Vec<Message> = ui.into_messages().collect();
    let trezor = DeviceSpec::at(Kind::Trezor, "usb:3-2.1").unwrap();
    assert!(matches!(&messages[..], [Message::Devices(Devices::Use(spec))] if *spec == trezor));
    fixture.send(messages[0].clone());
    assert_eq!(fixture.session().connection.device, trezor);
    assert!(fixture.session().ports().device.is_none(), "the old one is let go");
}

#[test]
fn what_the_device_that_was_left_answers_late_is_not_taken() {
    let mut fixture = on_page();
    fixture.send(Message::Devices(Devices::Use(
        DeviceSpec::at(Kind::Trezor, "usb:3-2.1").unwrap(),
    )));
    fixture.device(ready_device());
    assert_eq!(fixture.session().device, Seen::Searching);
}

#[test]
fn label_model_and_wallet_are_those_of_the_device() {
    let mut fixture = on_page();
    fixture.device(ready_trezor());
    fixture.assert_shows(&[
        "Trezor One “Savings”",
        "1.14.2, knows Dash Testnet",
        "known once PIN and passphrase are entered",
    ]);
}

#[test]
fn of_several_one_has_to_be_chosen() {
    let mut fixture = on_page();
    fixture.send(Message::DevicesFound(1, table()));
    fixture.device(Seen::Missing(DeviceError::Several { count: 3 }));
    fixture.assert_shows(&[
        "Several devices are connected. Choose the one to use.",
        "Several devices",
    ]);
    fixture.assert_hides("In use");
}

#[test]
fn one_that_was_pulled_out_is_told_and_others_are_offered() {
    let mut fixture = on_page();
    fixture.send(Message::Devices(Devices::Use(
        DeviceSpec::at(Kind::Ledger, "usb:9-9").unwrap(),
    )));
    fixture.send(Message::DevicesFound(1, table()));
    let spec = fixture.session().connection.device.clone();
    fixture.device_at(spec, Seen::Missing(DeviceError::NotConnected { kind: Kind::Ledger }));
    fixture.assert_shows(&["The device in use is not connected", "Use this one"]);
}

#[test]
fn without_any_the_page_says_what_to_plug_in_and_what_is_supported() {
    let mut fixture = on_page();
    fixture.assert_shows(&["Looking for devices"]);
    fixture.send(Message::DevicesFound(1, Vec::new()));
    fixture.device(Seen::Missing(DeviceError::NotConnected { kind: Kind::Ledger }));
    fixture.assert_shows(&[
        "No device is connected",
        "open the Dash app",
        "Trezor One and Trezor Model T",
        "noticed within two seconds",
    ]);
}

#[test]
fn the_table_of_abilities_is_that_of_the_device_and_others_are_a_click_away() {
    let mut fixture = on_page();
    fixture.device(ready_trezor());
    fixture.assert_hides("SHA-256");
    fixture.press("Ledger");
    fixture.assert_shows(&["SHA-256 of the message instead of the text"]);
    fixture.press("Trezor Safe");
    fixture.assert_shows(&["do not plan to add it"]);
}

#[test]
fn rules_are_shown_copied_and_installed_and_a_refusal_is_told() {
    let error = DeviceError::NoPermission {
        kind: Kind::Trezor,
        path: "/dev/bus/usb/001/007".to_owned(),
    };
    let mut fixture = troubled(Kind::Trezor, "Trezor", error);
    fixture.assert_shows(&["53c1", "/etc/udev/rules.d/70-castellan-trezor.rules", "Install"]);
    let mut ui = fixture.ui_of(iced::Size::new(1000.0, 3000.0));
    ui.click("Install").unwrap();
    let messages: Vec<Message> = ui.into_messages().collect();
    assert!(matches!(
        messages[..],
        [Message::Devices(Devices::InstallRules(Kind::Trezor))]
    ));
    for (result, shown) in [
        (Err(UdevError::NoPkexec), "Copy the rules into the file yourself"),
        (Err(UdevError::Refused), "password was not given"),
        (Ok(()), "Installed."),
    ] {
        fixture.send(Message::Devices(Devices::RulesInstalled(result)));
        fixture.assert_shows(&[shown]);
    }
}
