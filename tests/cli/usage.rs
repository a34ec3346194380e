//! Wrong usage of the updates: exit code 2, the option named, before a node is asked.

use super::support::*;

const HASH: &str = "abababababababababababababababababababababababababababababababab";

#[test]
fn wrong_usage_of_the_updates_names_the_option() {
    let home = folder();
    let taken = home.path().join("taken.json");
    std::fs::write(&taken, "{}").expect("written");
    let taken = taken.to_str().expect("a path");
    let nowhere = home.path().join("no/such/folder.json");
    let nowhere = nowhere.to_str().expect("a path");
    let address = address("dash-regtest", 1);
    let fees = ["--fee-from", "fees"];
    let cases: [(&[&str], &str); 16] = [
        (&["update-registrar", HASH], "nothing is to be changed"),
        (&["update-registrar", HASH, "--owner", "me"], "nothing is to be changed"),
        (&["update-registrar", HASH, "--payout", "nonsense"], "--payout"),
        (
            &[
                "update-registrar",
                HASH,
                "--operator-scheme",
                "basic",
                "--payout",
                &address,
            ],
            "--operator",
        ),
        (&["update-registrar", "zz", "--payout", &address], "not a ProTxHash"),
        (&["update-service", HASH, "--service", "nonsense"], "--service"),
        (&["update-service", HASH, "--service", "1.2.3.4:0"], "--service"),
        (
            &["update-service", HASH, "--operator-payout", "nonsense"],
            "--operator-payout",
        ),
        (
            &["update-service", HASH, "--platform-p2p-port", "70000"],
            "--platform-p2p-port",
        ),
        (&["update-service", HASH, "--export", taken], "exists already"),
        (&["update-service", HASH, "--export", nowhere], "in no folder"),
        (&["revoke", HASH], "--reason"),
        (&["revoke", HASH, "--reason", "4"], "--reason"),
        (&["revoke", HASH, "--reason", "-1"], "--reason"),
        (&["revoke", HASH, "--reason", "x"], "--reason"),
        (&["revoke", HASH, "--reason", "0", "--nonsense"], "--nonsense"),
    ];
    for (command, part) in cases {
        let ran = json(home.path(), &[command, &fees, &["--network", "dash-regtest"]].concat());
        assert!(refused(&ran, 2).contains(part), "{command:?}: {}", ran.json);
    }
    let elsewhere = [
        "revoke",
        HASH,
        "--reason",
        "0",
        "--fee-from",
        &address,
        "--network",
        "dash-regtest",
    ];
    assert!(refused(&json(home.path(), &elsewhere), 2).contains("needs --export"));
    for (command, part) in [
        (&["import-operation"][..], "FILE"),
        (&["import-operation", "missing.json"], "cannot be read"),
        (&["import-operation", taken, "--export", taken], "exists already"),
        (&["import-operation", taken, "--operator", "label"], "--operator"),
        (&["update-service", HASH], "--fee-from"),
    ] {
        let ran = json(home.path(), &[command, &["--network", "dash-regtest"]].concat());
        assert!(refused(&ran, 2).contains(part), "{command:?}: {}", ran.json);
    }
}

#[test]
fn platform_fields_are_for_evonodes_and_keys_have_to_be_the_right_ones() {
    let sandbox = Served::start("dash-regtest", &[]);
    let desk = Desk::funded(&sandbox);
    let hash = desk.register(false, &[]);
    for option in [["--platform-p2p-port", "1"], ["--platform-node-id", "new"]] {
        let command = [
            "update-service",
            &hash,
            option[0],
            option[1],
            "--fee-from",
            "fees",
            "--yes",
        ];
        let ran = desk.run(&command);
        assert!(refused(&ran, 2).contains("no evonode"), "{}", ran.json);
    }
    ok(json(
        desk.at(),
        &["key", "generate", "operator", "other", "--network", "dash-regtest"],
    ));
    let wrong = desk.run(&[
        "revoke",
        &hash,
        "--reason",
        "0",
        "--operator",
        "other",
        "--fee-from",
        "fees",
        "--yes",
    ]);
    assert!(
        refused(&wrong, 1).contains("other is not the operator key"),
        "{}",
        wrong.json
    );
    let kind = desk.run(&[
        "revoke",
        &hash,
        "--reason",
        "0",
        "--operator",
        "fees",
        "--fee-from",
        "fees",
        "--yes",
    ]);
    assert!(refused(&kind, 1).contains("a operator key is needed"), "{}", kind.json);
    let unknown = desk.run(&[
        "revoke",
        &"00".repeat(32),
        "--reason",
        "0",
        "--fee-from",
        "fees",
        "--yes",
    ]);
    assert_eq!(
        refused(&unknown, 1),
        format!("no masternode {} is registered", "00".repeat(32))
    );
    assert_eq!(unknown.json["error"]["reason"], "bad-protx-hash");
    let taken = desk.run(&[
        "update-registrar",
        &hash,
        "--payout",
        &address("dash", 1),
        "--fee-from",
        "fees",
        "--yes",
    ]);
    assert!(refused(&taken, 2).contains("--payout"), "{}", taken.json);
    let same = ok(desk.run(&["update-service", &hash, "--fee-from", "fees", "--dry-run"]));
    assert!(
        same["consequences"][0]
            .as_str()
            .is_some_and(|first| first.starts_with("Nothing changes"))
    );
}
