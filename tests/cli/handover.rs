//! Operations that go from computer to computer until all have signed, and files nobody should sign.

use castellan::protocol::special_tx::Payload;
use castellan::protocol::{Amount, Transaction};
use serde_json::{Value, json};

use super::support::*;

/// Roles in a list of missing signatures.
fn roles(document: &Value) -> Vec<&str> {
    let missing = document["missing"].as_array().expect("a list");
    missing.iter().map(|each| text(each, "role")).collect()
}

#[test]
fn an_owner_signs_elsewhere_what_another_computer_planned_and_pays() {
    let sandbox = Served::start("dash-regtest", &[]);
    let (owner, payer) = (Desk::funded(&sandbox), Desk::funded(&sandbox));
    let hash = owner.register(false, &[]);
    let payout = address("dash-regtest", 5);
    let update = [
        "update-registrar",
        &hash,
        "--payout",
        &payout,
        "--fee-from",
        "fees",
        "--yes",
    ];
    let here = payer.run(&update);
    let message = refused(&here, 1).to_owned();
    let key = owner.key("show", "mn-owner", "address");
    assert!(message.contains("owner key") && message.contains(&key), "{message}");
    assert_eq!(here.json["error"]["missing"], json!([{ "role": "owner", "key": key }]));
    assert!(text(&here.json["error"], "advice").contains("--export FILE"));
    assert!(payer.journal().is_empty(), "nothing was begun");

    let first = payer.file("first.json");
    let exported = ok(payer.run(&[&update[..], &["--export", &first]].concat()));
    assert_eq!(
        (text(&exported, "exported"), roles(&exported)),
        (first.as_str(), vec!["owner", "fee"])
    );
    assert!(exported["txid"].is_null() && exported["proTxHash"] == hash.as_str());
    assert_eq!(exported["payload"]["payoutAddress"], payout);
    let again = payer.run(&[&update[..], &["--export", &first]].concat());
    assert!(refused(&again, 2).contains("exists already"));

    // The owner cannot finish it, and is told so before anything is signed.
    let stuck = owner.run(&["import-operation", &first, "--yes"]);
    assert!(refused(&stuck, 1).contains("fee key"), "{}", stuck.json);
    assert_eq!(owner.journal().len(), 1, "only its registration");
    let dry = ok(owner.run(&["import-operation", &first, "--dry-run"]));
    let state = |role: &str| {
        let all = dry["signatures"].as_array().expect("signatures");
        all.iter().find(|each| each["role"] == role).expect("a role")["state"].clone()
    };
    assert_eq!((state("owner"), state("fee")), (json!("here"), json!("missing")));
    let second = owner.file("second.json");
    let signed = owner.done(&["import-operation", &first, "--export", &second]);
    assert_eq!(roles(&signed), ["fee"]);

    let done = payer.done(&["import-operation", &first, &second]);
    assert_eq!(
        (&done["proTxHash"], &done["payload"]["payoutAddress"]),
        (&json!(hash), &json!(payout))
    );
    assert!(done["txid"].is_string() && done["height"].is_number());
    assert_eq!(owner.show(&hash)["payoutAddress"], payout);
    assert!(
        payer.journal().iter().all(|each| each["state"] == "mined"),
        "one operation, not two"
    );
}

#[test]
fn a_computer_without_vault_plans_and_the_operator_pastes_a_secret() {
    let sandbox = Served::start("wei-regtest", &[]);
    let (operator, planner) = (Desk::funded(&sandbox), Desk::bare(&sandbox));
    let hash = operator.register(false, &[]);
    let fees = operator.key("show", "fees", "address");
    let file = planner.file("service.json");
    let update = [
        "update-service",
        &hash,
        "--service",
        "127.0.0.1:20002",
        "--fee-from",
        &fees,
    ];
    let here = planner.run(&[&update[..], &["--yes"]].concat());
    assert!(refused(&here, 2).contains("--export"), "{}", here.json);
    let exported = ok(planner.locked(&[&update[..], &["--export", &file]].concat()));
    assert_eq!(roles(&exported), ["operator", "fee"]);
    assert!(!planner.file("vault.castellan").is_empty() && !planner.at().join("vault.castellan").exists());

    // A locked vault adds nothing and says so; unlocked it signs both and sends.
    let more = operator.file("more.json");
    let locked = ok(operator.locked(&["import-operation", &file, "--export", &more, "--yes"]));
    assert_eq!(roles(&locked), ["operator", "fee"]);
    let unknown = operator.locked(&["import-operation", &file, "--yes"]);
    assert!(refused(&unknown, 2).contains("passphrase"), "{}", unknown.json);
    operator.done(&["import-operation", &file]);
    assert_eq!(operator.show(&hash)["service"], "127.0.0.1:20002");

    // Somebody who holds only coins acts with the operator's secret, once.
    let payer = Desk::funded(&sandbox);
    let secret = operator.key("export", "mn-operator", "secret");
    let command = [
        "update-service",
        &hash,
        "--service",
        "127.0.0.1:20003",
        "--operator",
        "-",
        "--fee-from",
        "fees",
        "--yes",
    ];
    let wrong = payer.piped(&command, &secret.replace(&secret[..2], "01"));
    assert!(
        refused(&wrong, 1).contains("the pasted key is not the operator key"),
        "{}",
        wrong.json
    );
    let nonsense = payer.piped(&command, "nonsense");
    assert!(refused(&nonsense, 1).contains("pasted"), "{}", nonsense.json);
    ok(payer.piped(&command, &secret));
    assert_eq!(payer.show(&hash)["service"], "127.0.0.1:20003");
    assert_eq!(payer.labels(), ["fees"], "the secret was not kept");
    let third = payer.file("revocation.json");
    let revoke = [
        "revoke",
        &hash,
        "--reason",
        "3",
        "--fee-from",
        "fees",
        "--export",
        &third,
    ];
    assert_eq!(roles(&ok(payer.run(&revoke))), ["operator", "fee"]);
    ok(payer.piped(&["import-operation", &third, "--operator", "-", "--yes"], &secret));
    assert_eq!(payer.show(&hash)["revocationReason"], 3);
}

#[test]
fn a_registration_is_planned_where_the_device_is_not() {
    let sandbox = Served::start("dash-regtest", &[]);
    let desk = Desk::funded(&sandbox);
    let (file, payout, collateral) = (desk.file("new.json"), address("dash-regtest", 1), desk.collateral());
    let register = [
        "register",
        "--collateral",
        &collateral,
        "--collateral-path",
        "m/44'/1'/0'/0/0",
        "--service",
        "127.0.0.1:20001",
        "--payout",
        &payout,
        "--fee-from",
        "fees",
        "--export",
        &file,
    ];
    let without_device = |command: &[&str]| {
        let mut args = sandbox.args(command);
        let named = args.len() - 1;
        args[named] = "ledger@127.0.0.1:9";
        super::support::json(desk.at(), &args)
    };
    let exported = ok(without_device(&register));
    assert_eq!(roles(&exported), ["collateral", "fee"]);
    assert!(exported["proTxHash"].is_null() && exported["signMessage"].is_string());
    let absent = without_device(&["import-operation", &file, "--yes"]);
    assert!(refused(&absent, 3).contains("no Ledger"), "{}", absent.json);
    let done = desk.done(&["import-operation", &file]);
    assert_eq!(done["txid"], done["proTxHash"]);
    assert_eq!(desk.show(text(&done, "proTxHash"))["status"], "ENABLED");
}

/// The file with its transaction changed.
fn rebuilt(file: &Value, change: impl FnOnce(&mut Transaction)) -> Value {
    let mut tx = Transaction::from_hex(text(file, "transaction")).expect("a transaction");
    change(&mut tx);
    let mut out = file.clone();
    out["transaction"] = json!(tx.to_hex());
    out
}

#[test]
fn a_file_that_was_tampered_with_is_refused_and_nothing_is_sent() {
    let sandbox = Served::start("dash-regtest", &[]);
    let (operator, payer) = (Desk::funded(&sandbox), Desk::funded(&sandbox));
    let hash = operator.register(false, &[]);
    let fees = payer.key("show", "fees", "address");
    let path = operator.file("signed.json");
    let signed = ok(operator.run(&[
        "update-service",
        &hash,
        "--service",
        "127.0.0.1:20002",
        "--fee-from",
        &fees,
        "--export",
        &path,
    ]));
    assert_eq!(roles(&signed), ["fee"], "the operator has signed");
    let good: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("readable")).expect("JSON");
    let with = |key: &str, value: Value| {
        let mut out = good.clone();
        out[key] = value;
        out
    };
    let less = |tx: &mut Transaction| tx.outputs[0].value -= Amount::from_coins(1).duffs() as i64 / 2;
    let thief = |tx: &mut Transaction| {
        tx.outputs[0].script = castellan::protocol::Address::PubkeyHash([9; 20]).script();
    };
    let payload = |tx: &mut Transaction| {
        let Ok(Payload::ProUpServ(mut payload)) = Payload::of(tx) else {
            panic!("a service update");
        };
        payload.service.port += 1;
        Payload::ProUpServ(payload).attach(tx);
    };
    let signature = text(&good["signatures"], "payload");
    let last = if signature.ends_with('0') { "1" } else { "0" };
    let forged = json!({ "payload": format!("{}{last}", &signature[..signature.len() - 1]), "inputs": null });
    let mut amount = good.clone();
    amount["inputs"][0]["value"] = json!(good["inputs"][0]["value"].as_u64().expect("duffs") + 1000);
    let cases = [
        ("output", rebuilt(&good, thief), "an output pays"),
        ("change", rebuilt(&good, less), "out of all proportion"),
        ("payload", rebuilt(&good, payload), "signature of the operator key"),
        ("amount", amount, "holds"),
        ("signature", with("signatures", forged), "signature of the operator key"),
        ("network", with("network", json!("dash")), "belongs to"),
        ("version", with("version", json!(2)), "version 2"),
        ("field", with("comment", json!("hello")), "unknown field"),
        ("kind", with("kind", json!("revoke")), "not one of a revoke"),
        ("format", json!({ "format": "other", "version": 1 }), "format"),
    ];
    let heights = |state: &Value| state["service"].clone();
    for (name, file, reason) in cases {
        let tampered = payer.file(&format!("{name}.json"));
        std::fs::write(&tampered, file.to_string()).expect("written");
        let ran = payer.run(&["import-operation", &tampered, "--yes"]);
        assert!(refused(&ran, 1).contains(reason), "{name}: {}", ran.json);
    }
    let cut = payer.file("cut.json");
    std::fs::write(&cut, &good.to_string()[..500]).expect("written");
    refused(&payer.run(&["import-operation", &cut, "--yes"]), 1);
    assert!(payer.journal().is_empty(), "nothing was signed, let alone sent");
    assert_eq!(heights(&payer.show(&hash)), "127.0.0.1:20001");
    // Untouched it is fine.
    payer.done(&["import-operation", &path]);
    assert_eq!(heights(&payer.show(&hash)), "127.0.0.1:20002");
}
