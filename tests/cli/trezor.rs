//! The sandbox's Trezor as a script meets it.

use super::support::*;

#[test]
fn a_trezor_is_listed_shows_addresses_and_signs_messages() {
    let mut sandbox = Served::start("dash-regtest", &["--trezor-port", "0", "--trezor-model", "t"]);
    sandbox.device = "trezor";
    let home = folder();
    let at = home.path();
    let list = ok(sandbox.run(at, &["device", "list"]));
    assert_eq!(list[0]["model"], "Trezor Model T");
    assert_eq!(list[0]["device"], sandbox.text("trezor"), "what --device takes");
    assert_eq!(list[0]["wallet"], "5c9e228d");
    assert_eq!(
        (&list[0]["state"], &list[0]["app"]),
        (&"ready".into(), &"Dash Testnet".into())
    );
    let path = "m/44'/1'/0'/0/0";
    let shown = ok(sandbox.run(at, &["device", "address", path, "--show"]));
    assert_eq!(shown["address"], "ybQPZRHKifv9BDqMN2cieCsMzQQ1BuDoR5");
    assert_eq!(shown["onScreen"], shown["address"]);
    let signed = ok(sandbox.run(at, &["device", "sign-message", path, "hello"]));
    let signature = signed["signature"].as_str().expect("a signature");
    let address = shown["address"].as_str().expect("an address");
    let network = ["--network", "dash-regtest"];
    ok(json(
        at,
        &[&["message", "verify", address, signature, "hello"][..], &network].concat(),
    ));
    let other = sandbox.run(at, &["device", "address", "m/44'/5'/0'/0/0", "--show"]);
    assert!(refused(&other, 1).contains("does not allow"), "{}", other.json);
}

#[test]
fn a_trezor_that_asks_is_not_answered_by_a_script() {
    let mut sandbox = Served::start("dash-regtest", &["--trezor-port", "0", "--trezor-pin", "1234"]);
    sandbox.device = "trezor";
    let home = folder();
    let ran = sandbox.run(home.path(), &["device", "address", "m/44'/1'/0'/0/0"]);
    assert_eq!(refused(&ran, 1), "no PIN was entered");
    assert!(ran.stderr.contains("run this on a terminal"), "{}", ran.stderr);
    let list = ok(sandbox.run(home.path(), &["device", "list"]));
    assert_eq!(list[0]["state"], "ready", "{list}");
    assert!(list[0]["reason"].to_string().contains("asks for its PIN"), "{list}");
    assert!(list[0]["wallet"].is_null(), "not known without a question");
}

#[test]
fn a_network_no_trezor_knows_is_said_before_anything_is_asked() {
    let home = folder();
    let args = [
        "device",
        "address",
        "m/44'/1308'/0'/0/0",
        "--network",
        "wei",
        "--device",
        "trezor@127.0.0.1:9",
    ];
    let ran = json(home.path(), &args);
    assert_eq!(refused(&ran, 1), "no Trezor knows the addresses of wei");
}

#[test]
fn the_embedded_world_has_both_devices_and_either_can_be_chosen() {
    let home = folder();
    let sandbox = ["--network", "dash-regtest", "--sandbox"];
    let list = ok(json(home.path(), &[&["device", "list"][..], &sandbox].concat()));
    assert_eq!(
        (&list[0]["kind"], &list[1]["kind"]),
        (&"ledger".into(), &"trezor".into())
    );
    let path = "m/44'/1'/0'/0/0";
    for (device, address) in [
        ("trezor", "ybQPZRHKifv9BDqMN2cieCsMzQQ1BuDoR5"),
        ("ledger", "yRd4FhXfVGHXpsuZXPNkMrfD9GVj46pnjt"),
    ] {
        // A Ledger asks before it tells a test network's key, unless it is the sandbox's.
        let named = [&["device", "address", path, "--device", device][..], &sandbox].concat();
        assert_eq!(ok(json(home.path(), &named))["address"], address, "{device}");
    }
    let wei = ["device", "list", "--network", "wei", "--sandbox"];
    assert_eq!(
        ok(json(home.path(), &wei)).as_array().map(Vec::len),
        Some(1),
        "no Trezor knows it"
    );
}
