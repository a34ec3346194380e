//! The main job against `castellan sandbox`: money on a fee key, registrations, the list, the journal.

use castellan::store::settings::{Endpoint, Login, Settings};

use super::support::*;

#[test]
fn the_demo_registers_a_masternode_and_finds_it_in_the_list() {
    let folder = folder();
    let ran = json(folder.path(), &["demo"]);
    let document = ok(ran);
    assert_eq!(document["listed"], true);
    assert_eq!(document["status"], "ENABLED");
    assert_eq!(document["txid"], document["proTxHash"]);
    assert_eq!(document["payload"]["version"], 2);
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("readable").collect();
    assert!(left.is_empty(), "the demo leaves nothing behind: {left:?}");
}

#[test]
fn the_demo_runs_on_weis_network_with_its_old_rules() {
    let document = ok(json(folder().path(), &["demo", "--network", "wei-regtest"]));
    assert_eq!(document["payload"]["version"], 1);
    assert_eq!(document["status"], "ENABLED");
}

/// Fee key, money on it, two registrations, list, show, journal: the whole job by hand.
fn whole_job(network: &str, device: &'static str) {
    let mut sandbox = Served::start(network, &["--trezor-port", "0"]);
    sandbox.device = device;
    let home = folder();
    let at = home.path();
    let status = ok(sandbox.run(at, &["status"]));
    assert_eq!(status["network"], network);
    assert_eq!(
        ok(sandbox.run(at, &["list", "--all"])).as_array().map(Vec::len),
        Some(30)
    );
    let key = ok(json(at, &["key", "generate", "fee", "fees", "--network", network]));
    assert_eq!(
        key["recoveryPhrase"].as_str().map(|words| words.split(' ').count()),
        Some(24)
    );
    assert!(
        ok(json(at, &["key", "show", "fees"])).get("recoveryPhrase").is_none(),
        "shown once"
    );

    let payout = ok(sandbox.run(at, &["device", "address", &account_path(network, "0/7")]));
    let payout = payout["address"].as_str().expect("an address");
    let service = "1.2.3.4:19899";
    let register = [
        "register",
        "--find-collateral",
        "--service",
        service,
        "--payout",
        payout,
        "--fee-from",
        "fees",
        "--yes",
    ];
    let empty = sandbox.run(at, &register);
    // Two collaterals lie on the device, and the fee key is empty: each is said before anything is signed.
    assert!(refused(&empty, 1).contains("collaterals were found"), "{}", empty.json);

    let candidates = collaterals(&sandbox, at, network);
    let short = sandbox.run(at, &register_args(&candidates[0], "1.2.3.4:19899", payout));
    assert!(refused(&short, 1).contains("send at least"), "{}", short.json);
    assert_eq!(short.json["error"]["kind"], "funds");

    let paid = ok(sandbox.run(at, &["fund", "fees", "--amount", "0.1", "--yes"]));
    assert!(paid["height"].is_number());
    let dry = ok(sandbox.run(
        at,
        &[
            &register_args(&candidates[0], "1.2.3.4:19899", payout)[..],
            &["--dry-run"],
        ]
        .concat(),
    ));
    assert_eq!((dry["txid"].is_null(), dry["hex"].is_string()), (true, true));
    assert_eq!(
        ok(sandbox.run(at, &["list"])).as_array().map(Vec::len),
        Some(0),
        "a dry run registers nothing"
    );
    let keys = ok(json(at, &["key", "list"]));
    assert_eq!(
        keys.as_array().map(Vec::len),
        Some(1),
        "nor does it leave keys behind: {keys}"
    );

    let mut hashes = Vec::new();
    for (collateral, service) in candidates.iter().zip(["1.2.3.4:19899", "1.2.3.5:19899"]) {
        let done = ok(sandbox.run(at, &register_args(collateral, service, payout)));
        assert_eq!(done["payload"]["service"], service);
        hashes.push(done["proTxHash"].as_str().expect("a hash").to_owned());
    }
    let mine = ok(sandbox.run(at, &["list"]));
    assert_eq!(mine.as_array().map(Vec::len), Some(2));
    for hash in &hashes {
        let shown = ok(sandbox.run(at, &["show", hash]));
        assert_eq!(shown["status"], "ENABLED");
        assert!(shown["roles"]["owner"].is_string() && shown["queuePosition"].is_number());
    }
    let journal = ok(json(at, &["journal"]));
    let states: Vec<&str> = journal
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|each| each["state"].as_str())
        .collect();
    assert_eq!(
        states.iter().filter(|state| **state == "mined").count(),
        3,
        "{states:?}"
    );
    let again = sandbox.run(at, &register_args(&candidates[0], "1.2.3.4:19899", payout));
    assert_eq!(
        again.code, 0,
        "registering on a used collateral replaces the masternode: {}",
        again.json
    );
    assert!(again.stderr.contains("will be replaced"), "{}", again.stderr);
}

#[test]
fn the_whole_job_is_done_by_hand_on_dash() {
    whole_job("dash-regtest", "ledger");
}

#[test]
fn the_whole_job_is_done_by_hand_on_wei() {
    whole_job("wei-regtest", "ledger");
}

#[test]
fn the_whole_job_is_done_by_hand_with_a_trezor() {
    whole_job("dash-regtest", "trezor");
}

#[test]
fn a_registration_declined_on_the_device_sends_nothing_and_can_go_on() {
    let mut sandbox = Served::start("dash-regtest", &["--manual"]);
    let home = folder();
    let at = home.path();
    ok(json(
        at,
        &["key", "generate", "fee", "fees", "--network", "dash-regtest"],
    ));
    let payout = any_payout(&sandbox, at, "dash-regtest");
    let fees = ok(json(at, &["key", "show", "fees"]))["address"]
        .as_str()
        .expect("an address")
        .to_owned();
    rpc(&sandbox, "sandbox_fund", &format!("[\"{fees}\", \"1\"]"));
    rpc(&sandbox, "sandbox_mine", "[1]");
    let collateral = collaterals(&sandbox, at, "dash-regtest").remove(0);
    let args = sandbox
        .args(&register_args(&collateral, "1.2.3.4:19899", &payout))
        .iter()
        .map(|arg| (*arg).to_owned())
        .collect::<Vec<_>>();
    let declined = while_pressing(&mut sandbox, "r", at, &args);
    assert_eq!(refused(&declined, 1), "declined on the device");
    assert_eq!(declined.json["error"]["kind"], "declined");
    assert_eq!(ok(sandbox.run(at, &["list"])).as_array().map(Vec::len), Some(0));
    let journal = ok(json(at, &["journal"]));
    let id = journal[0]["id"].to_string();
    assert!(journal[0]["txid"].is_null(), "{journal}");
    let resume: Vec<String> = sandbox
        .args(&["journal", "resume", &id, "--yes"])
        .iter()
        .map(|arg| (*arg).to_owned())
        .collect();
    let resumed = while_pressing(&mut sandbox, "a", at, &resume);
    assert_eq!(resumed.code, 0, "{}{}", resumed.json, resumed.stderr);
    assert_eq!(ok(sandbox.run(at, &["list"])).as_array().map(Vec::len), Some(1));
}

#[test]
fn a_device_that_cannot_be_used_is_named_with_its_reason() {
    let sandbox = Served::start("dash-regtest", &[]);
    let home = folder();
    let at = home.path();
    ok(json(
        at,
        &["key", "generate", "fee", "fees", "--network", "dash-regtest"],
    ));
    for (device, code, reason) in [
        ("trezor@127.0.0.1:9", 3, "no Trezor is connected"),
        ("ledger@127.0.0.1:9", 3, "no Ledger is connected"),
    ] {
        let mut args = sandbox.args(&["fund", "fees", "--amount", "1", "--yes"]);
        let named = args.len() - 1;
        args[named] = device;
        let ran = json(at, &args);
        assert!(refused(&ran, code).contains(reason), "{}", ran.json);
        assert_eq!(ran.json["error"]["kind"], "device");
    }
}

#[test]
fn a_node_kept_by_the_window_serves_the_command_line_too() {
    let sandbox = Served::start("dash-regtest", &[]);
    let home = folder();
    let mut settings = Settings::default();
    let login = Login::Ask {
        user: sandbox.text("user").to_owned(),
    };
    let node = Endpoint {
        network: "dash-regtest".into(),
        url: sandbox.text("rpc").to_owned(),
        login,
    };
    settings.nodes.insert("mine".into(), node);
    settings.choose("mine").expect("it is there");
    settings
        .save(&castellan::store::Dirs::at(home.path()).settings)
        .expect("saved");
    let status = ok(json(
        home.path(),
        &[
            "status",
            "--network",
            "dash-regtest",
            "--rpc-password",
            sandbox.text("password"),
        ],
    ));
    assert_eq!(status["network"], "dash-regtest");
    let other = json(home.path(), &["status", "--network", "wei-regtest"]);
    assert!(refused(&other, 2).contains("no node is named"));
}
