//! `vault`, and `--unlock device`, with the sandbox's Ledger and Trezor.

use serde_json::{Value, json as value};

use super::support::*;

/// A desk with a vault that the device opens, and the slot.
fn with_device(sandbox: &Served) -> (Desk<'_>, Value) {
    let desk = Desk::bare(sandbox);
    ok(desk.run(&["key", "generate", "owner", "mn1-owner"]));
    let added = desk.run(&["vault", "add-device", "--name", "of the bench"]);
    let kind = if sandbox.device == "ledger" { "Ledger" } else { "Trezor" };
    assert!(
        added.stderr.contains(&format!("confirm on the {kind}: ")),
        "{}",
        added.stderr
    );
    let added = ok(added);
    (desk, added)
}

fn id(slot: &Value) -> &str {
    slot["id"].as_str().expect("an id")
}

#[test]
fn both_devices_unlock_the_vault_without_its_passphrase() {
    let mut sandbox = Served::start("dash-regtest", &["--trezor-port", "0"]);
    for device in ["ledger", "trezor"] {
        sandbox.device = device;
        let (desk, added) = with_device(&sandbox);
        assert_eq!(
            (&added["device"], &added["name"]),
            (&value!(device), &value!("of the bench"))
        );
        let listed = ok(desk.locked(&["vault", "slots"]));
        assert_eq!(listed, value!([{ "id": "passphrase", "kind": "passphrase" }, added]));
        let unlocked = desk.locked(&["key", "list", "--unlock", "device"]);
        assert!(
            unlocked.stderr.contains("its answer opens the vault"),
            "{}",
            unlocked.stderr
        );
        assert_eq!(ok(unlocked)[0]["label"], "mn1-owner");
        assert_eq!(
            refused(&desk.locked(&["key", "list"]), 2),
            "the vault's passphrase is needed: --passphrase-file or CASTELLAN_PASSPHRASE, or --unlock device"
        );
        // The passphrase goes first, and the device is not asked.
        let by_passphrase = desk.run(&["key", "list", "--unlock", "device"]);
        assert!(!by_passphrase.stderr.contains("confirm"), "{}", by_passphrase.stderr);
        ok(by_passphrase);
        let twice = desk.run(&["vault", "add-device"]);
        assert_eq!(
            refused(&twice, 1),
            "this device opens the vault already, as 'of the bench'"
        );
    }
}

#[test]
fn a_removed_device_opens_nothing_and_the_passphrase_cannot_be_removed() {
    let sandbox = Served::start("dash-regtest", &[]);
    let (desk, added) = with_device(&sandbox);
    let refusal = desk.run(&["vault", "remove-slot", "passphrase"]);
    assert_eq!(refused(&refusal, 1), "the passphrase of a vault cannot be removed");
    let unknown = desk.run(&["vault", "remove-slot", "00000000"]);
    assert_eq!(refused(&unknown, 1), "no device opens this vault by a slot 00000000");
    assert_eq!(ok(desk.run(&["vault", "remove-slot", id(&added)]))["removed"], added);
    let none = desk.locked(&["key", "list", "--unlock", "device"]);
    assert_eq!(
        (refused(&none, 1), &none.json["error"]["kind"]),
        ("no Ledger opens this vault", &value!("vault"))
    );
    assert_eq!(ok(desk.run(&["key", "list"]))[0]["label"], "mn1-owner");
}

#[test]
fn another_passphrase_leaves_the_device_its_way_in() {
    let sandbox = Served::start("dash-regtest", &[]);
    let (desk, _) = with_device(&sandbox);
    assert!(refused(&desk.piped(&["vault", "change-passphrase"], ""), 1).contains("empty"));
    ok(desk.piped(&["vault", "change-passphrase"], "another one\n"));
    assert_eq!(refused(&desk.run(&["key", "list"]), 1), "wrong passphrase");
    ok(desk.locked(&["key", "list", "--unlock", "device"]));
}

#[test]
fn who_declines_is_told_calmly_and_nothing_is_added() {
    let mut sandbox = Served::start("dash-regtest", &["--manual"]);
    let home = folder();
    let at = home.path();
    ok(json(
        at,
        &["key", "generate", "owner", "mn1-owner", "--network", "dash-regtest"],
    ));
    let args: Vec<String> = sandbox
        .args(&["vault", "add-device"])
        .into_iter()
        .map(str::to_owned)
        .collect();
    let ran = while_pressing(&mut sandbox, "r", at, &args);
    assert_eq!(
        (refused(&ran, 1), &ran.json["error"]["kind"]),
        ("declined on the device", &value!("declined"))
    );
    let slots = ok(json(at, &["vault", "slots"]));
    assert_eq!(slots.as_array().map(Vec::len), Some(1));
    ok(json(at, &["key", "list"]));
}

#[test]
fn without_a_vault_it_is_said_how_to_make_one() {
    let home = folder();
    let ran = json(home.path(), &["vault", "slots"]);
    assert_eq!(
        refused(&ran, 1),
        "there is no vault yet: make one with `castellan key init`"
    );
}
