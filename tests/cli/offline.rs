//! What needs no node: transactions, signatures, keys, saved lists, and wrong usage.

use std::process::Command;

use serde_json::Value;

use super::support::*;

const MODERN: &str = include_str!("../data/dashd-23.1.2/modern-transactions.json");

fn recorded() -> Value {
    serde_json::from_str::<Value>(MODERN).expect("test data")[0].clone()
}

#[test]
fn tx_decode_and_check_work_without_a_node() {
    let (home, case) = (folder(), recorded());
    let hex = case["hex"].as_str().expect("hex");
    let decoded = ok(json(home.path(), &["tx", "decode", hex, "--network", "dash-regtest"]));
    assert_eq!(
        decoded["proRegTx"]["ownerAddress"],
        case["decoded"]["proRegTx"]["ownerAddress"]
    );
    assert_eq!(decoded["signMessage"], case["signMessage"]);
    let checked = ok(json(home.path(), &["tx", "check", hex, "--network", "dash-regtest"]));
    assert_eq!(
        (&checked["accepted"], &checked["reason"]),
        (&Value::Bool(true), &Value::Null)
    );
    let checks = checked["checks"].as_array().expect("checks");
    assert!(
        checks
            .iter()
            .any(|check| check["passed"].is_null() && check["needsNode"] == true)
    );
    assert!(checks.iter().all(|check| check["rule"].is_string()));
    // From standard input, for transactions longer than a command line.
    let piped = json_with(home.path(), &["tx", "decode", "-", "--network", "dash-regtest"], hex);
    assert_eq!(piped.json["txid"], decoded["txid"]);
}

#[test]
fn a_transaction_that_breaks_a_rule_exits_with_1_and_names_it() {
    let (home, case) = (folder(), recorded());
    // The operator reward of this payload is zero; its two bytes stand before the payout script.
    let hex = case["hex"].as_str().expect("hex");
    let at = hex.rfind("1976a914").expect("a payout") - 4;
    let broken = format!("{}ffff{}", &hex[..at], &hex[at + 4..]);
    let ran = json(home.path(), &["tx", "check", &broken, "--network", "dash-regtest"]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        (&ran.json["accepted"], &ran.json["reason"]),
        (&Value::Bool(false), &Value::from("bad-protx-operator-reward"))
    );
}

#[test]
fn bls_keys_sign_and_convert_in_both_schemes() {
    let home = folder();
    let secret = "0001020304050607080910111213141516171819202122232425262728293031";
    let secret = &secret.replace('"', "")[..64];
    let basic = ok(json(home.path(), &["bls", "fromsecret", secret]));
    let legacy = ok(json(home.path(), &["bls", "fromsecret", secret, "--scheme", "legacy"]));
    assert_eq!(
        (&basic["scheme"], &legacy["scheme"]),
        (&Value::from("basic"), &Value::from("legacy"))
    );
    let converted = ok(json(
        home.path(),
        &[
            "bls",
            "convert",
            legacy["public"].as_str().expect("hex"),
            "--scheme",
            "legacy",
        ],
    ));
    assert_eq!(converted["basic"], basic["public"]);
    let hash = "55b54754d71611db744f4337c53c21abcdaf50233f58058f78079d73a3c72aa4";
    let signed = ok(json(home.path(), &["bls", "sign", secret, hash]));
    let signature = signed["signature"].as_str().expect("hex");
    let public = basic["public"].as_str().expect("hex");
    assert_eq!(
        ok(json(home.path(), &["bls", "verify", public, hash, signature]))["valid"],
        true
    );
    let other = json(
        home.path(),
        &["bls", "verify", signature, &hash.replace('5', "6"), public],
    );
    assert_eq!((other.code, &other.json["valid"]), (1, &Value::Bool(false)));
    assert_eq!(
        ok(json(home.path(), &["bls", "generate", "--network", "wei"]))["scheme"],
        "legacy"
    );
}

#[test]
fn a_signed_message_verifies_against_its_address_only() {
    let (home, case) = (folder(), recorded());
    let text = |key: &str| case[key].as_str().expect("a text").to_owned();
    let verify = |message: &str| {
        json(
            home.path(),
            &[
                "message",
                "verify",
                &text("collateralAddress"),
                &text("sig"),
                message,
                "--network",
                "dash-regtest",
            ],
        )
    };
    assert_eq!(ok(verify(&text("signMessage")))["valid"], true);
    let other = verify("something else");
    assert_eq!((other.code, &other.json["valid"]), (1, &Value::Bool(false)));
}

#[test]
fn keys_are_made_imported_exported_and_kept_behind_the_passphrase() {
    let home = folder();
    let at = home.path();
    let refused_early = json(at, &["key", "list"]);
    assert!(refused(&refused_early, 1).contains("no vault"));
    for (kind, label) in [
        ("owner", "o"),
        ("voting", "v"),
        ("operator", "op"),
        ("fee", "f"),
        ("platform", "p"),
    ] {
        ok(json(at, &["key", "generate", kind, label, "--network", "dash"]));
    }
    assert_eq!(ok(json(at, &["key", "list"])).as_array().map(Vec::len), Some(5));
    let exported = ok(json(at, &["key", "export", "o", "--yes"]));
    let wif = exported["secret"].as_str().expect("a secret").to_owned();
    let elsewhere = folder();
    ok(json(elsewhere.path(), &["key", "init"]));
    let imported = ok(json_with(
        elsewhere.path(),
        &["key", "import", "owner", "mine", "--network", "dash"],
        &wif,
    ));
    assert_eq!(imported["address"], exported["address"]);
    let wrong = json_with(
        elsewhere.path(),
        &["key", "import", "owner", "other", "--network", "wei"],
        &wif,
    );
    assert!(refused(&wrong, 1).len() > 10);
    let output = Command::new(EXE)
        .args(["key", "list", "--json", "--data-dir"])
        .arg(at)
        .env("CASTELLAN_PASSPHRASE", "wrong")
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("wrong passphrase"));
    let file = std::fs::read(at.join("vault.castellan")).expect("the vault");
    assert!(!String::from_utf8_lossy(&file).contains(&wif));
}

#[test]
fn a_data_folder_is_made_when_it_is_missing() {
    let home = folder();
    let deep = home.path().join("not/there/yet");
    assert_eq!(ok(json(&deep, &["journal"])).as_array().map(Vec::len), Some(0));
    let elsewhere = home.path().join("nor/this");
    assert!(ok(json(&elsewhere, &["key", "init"]))["recoveryPhrase"].is_string());
}

#[test]
fn a_corrupt_vault_is_told_from_a_wrong_passphrase() {
    let home = folder();
    ok(json(home.path(), &["key", "init"]));
    let file = home.path().join("vault.castellan");
    let mut bytes = std::fs::read(&file).expect("the vault");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, &bytes).expect("written");
    assert!(refused(&json(home.path(), &["key", "list"]), 1).contains("damaged"));
    std::fs::write(&file, b"nonsense").expect("written");
    assert!(refused(&json(home.path(), &["key", "list"]), 1).contains("damaged"));
}

#[test]
fn a_saved_list_is_ranked_without_a_node() {
    let home = folder();
    let rpc: Value = serde_json::from_str(include_str!("../data/dashd-23.1.2/modern-rpc.json")).expect("test data");
    let calls = rpc
        .as_array()
        .cloned()
        .unwrap_or_else(|| rpc["calls"].as_array().cloned().expect("calls"));
    let list = calls
        .iter()
        .find(|call| call["method"] == "protx" && call["params"] == serde_json::json!(["list", "registered", true]));
    let list = list.expect("recorded")["result"].to_string();
    let file = home.path().join("list.json");
    std::fs::write(&file, &list).expect("written");
    let shown = ok(json(
        home.path(),
        &[
            "list",
            "--snapshot",
            file.to_str().expect("a path"),
            "--height",
            "445",
            "--network",
            "dash-regtest",
        ],
    ));
    let rows = shown.as_array().expect("rows");
    assert_eq!(
        rows.len(),
        serde_json::from_str::<Vec<Value>>(&list).expect("a list").len()
    );
    let mut positions: Vec<u64> = rows.iter().filter_map(|row| row["queuePosition"].as_u64()).collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=positions.len() as u64).collect::<Vec<_>>());
}

#[test]
fn wrong_usage_exits_with_2_and_an_unreachable_node_with_3() {
    let home = folder();
    let at = home.path();
    refused(&json(at, &["nonsense"]), 2);
    refused(&json(at, &["status"]), 2);
    refused(&json(at, &["status", "--node", "ftp://x"]), 3);
    refused(&json(at, &["status", "--network", "doge", "--sandbox"]), 2);
    refused(&json(at, &["tx", "decode", "zz"]), 1);
    refused(&json(at, &["show", "zz", "--sandbox"]), 2);
    let nobody = json(at, &["status", "--node", "http://127.0.0.1:9"]);
    refused(&nobody, 3);
    let sentence = castellan(at, &["status", "--node", "http://127.0.0.1:9"], "");
    assert!(sentence.stdout.is_empty() && String::from_utf8_lossy(&sentence.stderr).starts_with("castellan: "));
}

#[test]
fn a_broken_profile_names_file_key_and_reason() {
    let home = folder();
    let file = home.path().join("mine.toml");
    let good = include_str!("../../assets/networks/dash.toml");
    std::fs::write(&file, good.replace("pubkey = 76", "pubkey = 760")).expect("written");
    let ran = json(
        home.path(),
        &["bls", "generate", "--network", file.to_str().expect("a path")],
    );
    assert!(refused(&ran, 2).ends_with("mine.toml: address.pubkey: 760 is out of range"));
}

#[test]
fn without_a_display_the_window_says_so_in_one_line() {
    let output = Command::new(EXE)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("castellan demo"), "{stderr}");
}

#[test]
fn every_recorded_transaction_of_all_four_types_decodes_as_the_node_printed_it_and_breaks_no_rule() {
    let home = folder();
    let names = ["proRegTx", "proUpServTx", "proUpRegTx", "proUpRevTx"];
    for (network, recorded) in [
        ("dash-regtest", MODERN),
        (
            "dash-regtest",
            include_str!("../data/dashd-23.1.2/legacy-transactions.json"),
        ),
        ("wei-regtest", include_str!("../data/weid-0.17.0.3/transactions.json")),
    ] {
        let recorded: Vec<Value> = serde_json::from_str(recorded).expect("test data");
        for case in &recorded {
            let hex = text(case, "hex");
            let decoded = ok(json(home.path(), &["tx", "decode", hex, "--network", network]));
            assert_eq!(decoded["txid"], case["txid"]);
            let name = names
                .into_iter()
                .find(|name| case["decoded"].get(*name).is_some())
                .expect("one of the four");
            for (key, value) in case["decoded"][name].as_object().expect("an object") {
                // The older node writes no address in its own way.
                if value != "[0:0:0:0:0:0:0:0]:0" {
                    assert_eq!(&decoded[name][key], value, "{key} of {}", case["what"]);
                }
            }
            assert!(text(&decoded, "payloadSig").len() >= 130 || case["what"] == "ProRegTx internal collateral");
            let checked = ok(json(home.path(), &["tx", "check", hex, "--network", network]));
            assert_eq!(
                (&checked["accepted"], &checked["reason"]),
                (&Value::Bool(true), &Value::Null)
            );
        }
    }
}

#[test]
fn bls_signatures_are_those_of_the_reference_library() {
    let home = folder();
    let vectors: Value = serde_json::from_str(include_str!("../data/bls/bls.json")).expect("test data");
    let bls = |args: &[&str]| json(home.path(), &[&["bls"], args].concat());
    for key in vectors["keys"].as_array().expect("keys").iter().take(4) {
        for scheme in ["legacy", "basic"] {
            let pair = ok(bls(&["fromsecret", text(key, "sk"), "--scheme", scheme]));
            assert_eq!(pair["public"], key[format!("pk_{scheme}")]);
            for signed in key["sigs"].as_array().expect("signatures").iter().take(2) {
                let made = ok(bls(&[
                    "sign",
                    text(key, "sk"),
                    text(signed, "hash"),
                    "--scheme",
                    scheme,
                ]));
                assert_eq!(made["signature"], signed[format!("sig_{scheme}")]);
                assert_eq!(made["scheme"], scheme);
            }
        }
    }
    for case in vectors["verify_cases"].as_array().expect("cases") {
        let (scheme, valid) = (text(case, "scheme"), case["valid"] == true);
        let ran = bls(&[
            "verify",
            text(case, "pk"),
            text(case, "hash"),
            text(case, "sig"),
            "--scheme",
            scheme,
        ]);
        assert_eq!(
            (ran.code, &ran.json["valid"]),
            (i32::from(!valid), &Value::Bool(valid)),
            "{}",
            case["name"]
        );
    }
}
