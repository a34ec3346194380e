//! `wallet`, `send`, `collateral` and `label` against `castellan sandbox`, on both of its devices.

use serde_json::Value;

use super::support::*;

const NETWORK: &str = "dash-regtest";

fn served(device: &'static str) -> Served {
    let mut sandbox = Served::start(NETWORK, &["--trezor-port", "0", "--trezor-model", "t"]);
    sandbox.device = device;
    sandbox
}

/// The accounts as `wallet` lists them.
fn accounts(desk: &Desk<'_>) -> Vec<Value> {
    let wallet = ok(desk.run(&["wallet"]));
    wallet["accounts"].as_array().expect("a list").clone()
}

fn coins(desk: &Desk<'_>) -> Vec<Value> {
    let account = accounts(desk).remove(0);
    account["coins"].as_array().expect("a list").clone()
}

fn coin_at(coins: &[Value], path: &str, state: &str) -> Value {
    let found = coins.iter().find(|coin| coin["path"] == path && coin["state"] == state);
    found.unwrap_or_else(|| panic!("{state} {path} in {coins:?}")).clone()
}

fn sentences(document: &Value) -> String {
    document["steps"].to_string()
}

/// Coins of every origin are listed with their state, and those that are ready can be spent.
fn every_coin(device: &'static str) {
    let sandbox = served(device);
    let desk = Desk::bare(&sandbox);
    let all = accounts(&desk);
    assert_eq!(all.len(), 3);
    let first = all[0]["coins"].as_array().expect("a list");
    let immature = coin_at(first, "m/44'/1'/0'/0/4", "immature");
    assert!(immature["blocksLeft"].as_u64().is_some_and(|left| left > 0) && immature["coinbase"] == true);
    let refused_coin = text(&immature, "outpoint").to_owned();
    let locked: Vec<&Value> = first.iter().filter(|coin| coin["locked"] == true).collect();
    assert_eq!(locked.len(), 3, "two collaterals and one of an evonode: {locked:?}");
    assert!(locked.iter().all(|coin| coin["guards"][0]["kind"] == "looks-like"));
    assert_eq!(all[0]["balances"]["locked"], "6000.00000000");
    assert_ne!(all[0]["balances"]["immature"], "0.00000000");
    assert_eq!(all[1]["coins"].as_array().map(Vec::len), Some(50));
    let to = address(NETWORK, 7);
    let young = desk.run(&[
        "send",
        "--to",
        &to,
        "--amount",
        "all",
        "--coins",
        &refused_coin,
        "--yes",
    ]);
    assert!(refused(&young, 1).contains("immature reward"), "{}", young.json);
    // A reward to a script's address, an asset unlock to a key's.
    let profile = castellan::protocol::network::builtin(NETWORK).expect("a network");
    let script = castellan::protocol::Address::ScriptHash([9; 20]).to_text(&profile);
    for (path, to, kind) in [("m/44'/1'/0'/0/4", &script, 5), ("m/44'/1'/0'/0/5", &to, 9)] {
        let coin = coin_at(first, path, "ready");
        let outpoint = text(&coin, "outpoint");
        let (txid, _) = outpoint.split_once(':').expect("TXID:N");
        assert_eq!(transaction_type(&sandbox, txid), kind, "{device} {path}");
        let paid = desk.done(&["send", "--to", to, "--amount", "all", "--coins", outpoint]);
        assert_eq!(
            (&paid["to"], &paid["inputs"][0]["outpoint"]),
            (&Value::from(to.as_str()), &coin["outpoint"])
        );
        assert!(paid["change"].is_null() && paid["height"].is_number() && paid["outpoint"].is_null());
        let sum: castellan::protocol::Amount = text(&paid, "amount").parse().expect("an amount");
        let fee = text(&paid, "fee").parse().expect("an amount");
        assert_eq!(sum.checked_add(fee).expect("small").to_string(), text(&coin, "amount"));
        let tx = castellan::protocol::Transaction::from_hex(text(&paid, "hex")).expect("a transaction");
        assert_eq!((tx.version, tx.kind, tx.outputs.len()), (2, 0, 1));
        assert_eq!(tx.txid().to_string(), text(&paid, "txid"));
    }
    let states: Vec<Value> = desk.journal().iter().map(|each| each["state"].clone()).collect();
    assert_eq!(states, ["mined", "mined"]);
}

#[test]
fn rewards_and_asset_unlocks_are_spent_on_a_ledger() {
    every_coin("ledger");
}

#[test]
fn rewards_and_asset_unlocks_are_spent_on_a_trezor() {
    every_coin("trezor");
}

/// Type of a transaction: 5 is a coinbase, 9 an asset unlock.
fn transaction_type(sandbox: &Served, txid: &str) -> u16 {
    let reply = rpc(sandbox, "getrawtransaction", &format!("[\"{txid}\"]"));
    let reply: Value = serde_json::from_str(&reply).expect("JSON");
    let tx = castellan::protocol::Transaction::from_hex(text(&reply, "result")).expect("a transaction");
    tx.kind
}

/// A collateral is made, guarded, registered, and spent only by those who say so.
fn collateral(device: &'static str) {
    let sandbox = served(device);
    let desk = Desk::funded(&sandbox);
    let next = accounts(&desk)[0]["nextReceive"].clone();
    rpc(
        &sandbox,
        "sandbox_fund",
        &format!("[\"{}\", \"1100\"]", text(&next, "address")),
    );
    rpc(&sandbox, "sandbox_mine", "[1]");
    let next = accounts(&desk)[0]["nextReceive"].clone();
    let dry = ok(desk.run(&["collateral", "--dry-run"]));
    assert_eq!((&dry["txid"], &dry["to"]), (&Value::Null, &next["address"]));
    assert_eq!(desk.journal(), Vec::<Value>::new());

    let made = desk.done(&["collateral"]);
    assert_eq!((&made["to"], &made["toPath"]), (&next["address"], &next["path"]));
    assert_eq!(made["amount"], "1000.00000000");
    let outpoint = format!("{}:0", text(&made, "txid"));
    assert_eq!(made["outpoint"], outpoint.as_str());
    assert_ne!(made["change"]["address"], made["to"]);
    let steps = sentences(&made);
    let compare = steps.find("compare the address").expect("shown first");
    assert!(compare < steps.find("confirm on the").expect("then asked"), "{steps}");
    assert!(steps.contains("the device signs: 1 of 1"), "{steps}");

    let found = coins(&desk);
    let coin = found
        .iter()
        .find(|coin| coin["outpoint"] == outpoint.as_str())
        .expect("listed");
    assert_eq!(
        (&coin["locked"], &coin["guards"][0]["kind"]),
        (&true.into(), &"made".into())
    );
    assert_eq!(coin["label"], "collateral, made here");
    let to = address(NETWORK, 7);
    let send = ["send", "--to", &to, "--amount", "all", "--coins", &outpoint, "--yes"];
    let kept = desk.run(&send);
    assert!(refused(&kept, 1).contains("is locked"), "{}", kept.json);
    assert_eq!(kept.json["error"]["kind"], "guarded");

    let payout = address(NETWORK, 1);
    let path = text(&next, "path");
    let mut register = register_args(&outpoint, "1.2.3.4:19899", &payout);
    register.extend(["--collateral-path", path, "--name", "mn1"]);
    ok(desk.run(&register));
    let found = coins(&desk);
    let coin = found
        .iter()
        .find(|coin| coin["outpoint"] == outpoint.as_str())
        .expect("listed");
    assert_eq!(
        (&coin["label"], &coin["guards"][0]["kind"]),
        (&"collateral of mn1".into(), &"backs".into())
    );

    // The unlock alone names the coin; it still asks.
    let unlock = ["send", "--to", &to, "--amount", "all", "--spend-collateral", &outpoint];
    let asked = desk.run(&unlock);
    assert!(refused(&asked, 2).contains("add --yes"), "{}", asked.json);
    assert!(
        asked.stderr.contains("mn1 leaves the list with the next block"),
        "{}",
        asked.stderr
    );
    let paid = desk.done(&unlock);
    assert!(
        paid["warnings"][0]
            .as_str()
            .is_some_and(|text| text.contains("mn1 leaves the list"))
    );
    let gone = ok(desk.run(&["list"]));
    assert_eq!(gone.as_array().map(Vec::len), Some(0), "{gone}");
}

#[test]
fn a_collateral_made_on_a_ledger_is_guarded_registered_and_spent_only_when_unlocked() {
    collateral("ledger");
}

#[test]
fn a_collateral_made_on_a_trezor_is_guarded_registered_and_spent_only_when_unlocked() {
    collateral("trezor");
}

#[test]
fn fifty_coins_of_another_account_go_out_at_once_on_both_devices() {
    for device in ["ledger", "trezor"] {
        let sandbox = served(device);
        let desk = Desk::bare(&sandbox);
        let to = address(NETWORK, 7);
        let account = ["--from-path", "m/44'/1'/1'"];
        let paid = desk.done(&[&["send", "--to", &to, "--amount", "all"][..], &account].concat());
        assert_eq!(paid["inputs"].as_array().map(Vec::len), Some(50));
        let steps = sentences(&paid);
        for step in ["reads previous transactions: 1 of 50", "signs: 50 of 50"] {
            assert!(steps.contains(step), "{device}: {steps}");
        }
        assert!(!steps.contains("signs: 13 of 50"), "{device}: {steps}");
        let left = ok(desk.run(&["wallet", "--account", "1"]));
        assert_eq!(left["accounts"][0]["coins"], Value::Array(vec![]), "{device}");
        let empty = desk.run(&[&["send", "--to", &to, "--amount", "1", "--yes"][..], &account].concat());
        refused(&empty, 1);
        assert_eq!(empty.json["error"]["kind"], "funds");
    }
}

#[test]
fn what_is_typed_wrongly_is_said_before_a_device_is_touched() {
    let sandbox = served("ledger");
    let desk = Desk::bare(&sandbox);
    let to = address(NETWORK, 7);
    let foreign = address("dash", 7);
    for (args, part) in [
        (vec!["send", "--to", &foreign, "--amount", "1"], "another network"),
        (vec!["send", "--to", &to, "--amount", "0"], "zero"),
        (vec!["send", "--to", &to, "--amount", "some"], "not an amount"),
        (
            vec!["send", "--to", &to, "--amount", "1", "--from-path", "m/44"],
            "path",
        ),
        (vec!["send", "--to", &to, "--amount", "1", "--coins", "abc"], "outpoint"),
        (
            vec!["send", "--to", &to, "--amount", "1", "--fee-rate", "x"],
            "fee-rate",
        ),
        (vec!["send", "--to", &to, "--amount", "1"], "add --yes"),
    ] {
        let ran = desk.run(&args);
        assert!(refused(&ran, 2).contains(part), "{args:?}: {}", ran.json);
    }
    let dear = desk.run(&["send", "--to", &to, "--amount", "1", "--fee-rate", "1", "--yes"]);
    refused(&dear, 1);
    assert_eq!(dear.json["error"]["kind"], "fee");
    let much = desk.run(&["send", "--to", &to, "--amount", "999999", "--yes"]);
    assert!(refused(&much, 1).contains("suffice"), "{}", much.json);
    assert_eq!(desk.journal(), Vec::<Value>::new());
    let dry = ok(desk.run(&["send", "--to", &to, "--amount", "1", "--dry-run"]));
    assert!(dry["hex"].is_string() && dry["txid"].is_null() && dry["change"]["path"].is_string());
}

#[test]
fn a_payment_declined_on_the_device_is_over_and_the_next_one_works() {
    let mut sandbox = Served::start(NETWORK, &["--manual"]);
    let home = folder();
    let to = address(NETWORK, 7);
    let args = sandbox.args(&["send", "--to", &to, "--amount", "1", "--yes"]);
    let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
    let declined = while_pressing(&mut sandbox, "r", home.path(), &args);
    refused(&declined, 1);
    assert_eq!(declined.json["error"]["kind"], "declined");
    let paid = while_pressing(&mut sandbox, "a", home.path(), &args);
    assert_eq!(paid.code, 0, "{}", paid.json);
    let journal = ok(json(home.path(), &["journal"]));
    assert_eq!(
        (&journal[0]["state"], &journal[1]["state"]),
        (&"mined".into(), &"failed".into())
    );
    let again = sandbox.run(home.path(), &["journal", "resume", "1", "--yes"]);
    assert!(refused(&again, 1).contains("cannot be continued"), "{}", again.json);
}

#[test]
fn labels_are_kept_and_shown_with_the_coins() {
    let sandbox = Served::start("wei-regtest", &[]);
    let desk = Desk::bare(&sandbox);
    let coin = coins(&desk)
        .into_iter()
        .find(|coin| coin["locked"] == false)
        .expect("a free coin");
    let network = ["--network", "wei-regtest"];
    let label = |args: &[&str]| json(desk.at(), &[&["label"], args, &network].concat());
    let outpoint = text(&coin, "outpoint");
    assert_eq!(ok(label(&[outpoint]))["label"], Value::Null);
    assert_eq!(ok(label(&[outpoint, "from the sandbox"]))["label"], "from the sandbox");
    let next = accounts(&desk)[0]["nextReceive"].clone();
    ok(label(&[text(&next, "address"), "for the exchange"]));
    let after = accounts(&desk).remove(0);
    assert_ne!(
        after["nextReceive"], next,
        "an address with a name was given to somebody"
    );
    let named = after["coins"].as_array().expect("a list");
    assert!(
        named
            .iter()
            .any(|each| each["label"] == "from the sandbox" && each["outpoint"] == outpoint)
    );
    refused(&label(&[&address("dash", 7), "not of this network"]), 2);
    let to = address("wei-regtest", 3);
    let paid = desk.done(&["send", "--to", &to, "--amount", "0.5"]);
    assert!(paid["change"]["amount"].is_string() && paid["height"].is_number());
}
