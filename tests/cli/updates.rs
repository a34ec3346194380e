//! The life of a masternode by hand: every update, in the order an owner comes to need them, seen in the list after each.

use serde_json::{Value, json};

use super::support::*;

/// A field of an update's review: old, new, whether it changed.
fn field(document: &Value, name: &str) -> Value {
    let fields = document["fields"].as_array().expect("fields");
    let found = fields.iter().find(|field| field["name"] == name);
    let found = found.unwrap_or_else(|| panic!("{name} in {document}"));
    json!([found["old"], found["new"], found["changed"]])
}

fn says(document: &Value, part: &str) -> bool {
    let sentences = document["consequences"].as_array().expect("consequences");
    sentences
        .iter()
        .any(|sentence| sentence.as_str().is_some_and(|sentence| sentence.contains(part)))
}

/// What every update's document holds.
fn assert_complete(document: &Value, hash: &str, payload_keys: &[&str]) {
    assert_eq!(document["proTxHash"], hash);
    assert_eq!(document["payload"]["proTxHash"], hash);
    for key in payload_keys {
        assert!(document["payload"].get(*key).is_some(), "{key} in {document}");
    }
    assert!(document["txid"].is_string() && document["hex"].is_string() && document["fee"].is_string());
    let steps = document["steps"].as_array().expect("steps");
    assert!(
        steps
            .iter()
            .any(|step| step.as_str().is_some_and(|step| step.starts_with("mined in block")))
    );
}

/// The same transaction as `tx decode` shows it.
fn assert_decodes(desk: &Desk<'_>, network: &str, document: &Value, name: &str) {
    let decoded = ok(super::support::json(
        desk.at(),
        &["tx", "decode", text(document, "hex"), "--network", network],
    ));
    assert_eq!(decoded["txid"], document["txid"]);
    assert_eq!(decoded[name], document["payload"]);
}

struct Life<'a> {
    desk: Desk<'a>,
    network: &'a str,
    hash: String,
    evo: bool,
}

impl Life<'_> {
    fn update(&self, command: &[&str]) -> Value {
        let all = [&[command[0], &self.hash], &command[1..], &["--fee-from", "fees"]].concat();
        self.desk.done(&all)
    }

    fn show(&self) -> Value {
        self.desk.show(&self.hash)
    }

    /// Address and operator payout: set, kept, erased.
    fn services(&self) {
        let payout = address(self.network, 7);
        let set = self.update(&[
            "update-service",
            "--service",
            "127.0.0.1:20002",
            "--operator-payout",
            &payout,
        ]);
        assert_complete(&set, &self.hash, &["service", "operatorPayoutAddress", "inputsHash"]);
        assert_decodes(&self.desk, self.network, &set, "proUpServTx");
        assert_eq!(
            field(&set, "service"),
            json!(["127.0.0.1:20001", "127.0.0.1:20002", true])
        );
        assert_eq!(field(&set, "operatorPayoutAddress"), json!([null, payout, true]));
        assert!(says(&set, "keeps its place in the payment queue"), "{set}");
        assert_eq!(self.show()["operatorPayoutAddress"], json!(payout));

        let kept = self.update(&["update-service", "--service", "127.0.0.1:20003"]);
        assert_eq!(field(&kept, "operatorPayoutAddress"), json!([payout, payout, false]));
        let shown = self.show();
        assert_eq!(
            (&shown["service"], &shown["operatorPayoutAddress"]),
            (&json!("127.0.0.1:20003"), &json!(payout))
        );

        let erased = self.update(&["update-service", "--operator-payout", "none"]);
        assert!(says(&erased, "10.00 % go to the owner"), "{erased}");
        let shown = self.show();
        assert_eq!(
            (&shown["service"], &shown["operatorPayoutAddress"], &shown["status"]),
            (&json!("127.0.0.1:20003"), &Value::Null, &json!("ENABLED"))
        );
    }

    /// Platform fields of an evonode: one changed, the others kept.
    fn platform(&self) {
        let before = self.show();
        let changed = self.update(&["update-service", "--platform-http-port", "22999"]);
        assert_complete(&changed, &self.hash, &["platformNodeID", "platformHTTPPort"]);
        assert_eq!(field(&changed, "platformHTTPPort"), json!(["22822", "22999", true]));
        let after = self.show();
        assert_eq!(after["platformHTTPPort"], 22999);
        assert_eq!(after["platformNodeID"], before["platformNodeID"]);
        assert_eq!(after["platformP2PPort"], before["platformP2PPort"]);
        assert!(before["platformNodeID"].is_string());
    }

    /// Voting key and payout address in one transaction: harmless.
    fn voting_and_payout(&self) {
        let payout = address(self.network, 8);
        let changed = self.update(&["update-registrar", "--voting", "new", "--payout", &payout]);
        assert_complete(
            &changed,
            &self.hash,
            &["votingAddress", "payoutAddress", "pubKeyOperator"],
        );
        assert_decodes(&self.desk, self.network, &changed, "proUpRegTx");
        assert_eq!(changed["keys"], json!({ "voting": "mn-voting" }));
        assert!(says(&changed, "keeps its place"));
        let shown = self.show();
        assert_eq!(
            (&shown["status"], &shown["payoutAddress"], &shown["roles"]["voting"]),
            (&json!("ENABLED"), &json!(payout), &json!("mn-voting"))
        );
    }

    /// A new operator key bans at once and wipes the address; a service update revives.
    fn operator(&self, label: &str) {
        let changed = self.update(&["update-registrar", "--operator", "new"]);
        assert_eq!(changed["keys"], json!({ "operator": label }));
        let first = changed["consequences"][0].as_str().expect("a sentence");
        assert!(
            first.contains("bans the masternode"),
            "the gravest comes first: {first}"
        );
        assert!(
            says(&changed, "in the payment queue, its next payment due"),
            "{changed}"
        );
        assert_eq!(field(&changed, "service"), json!(["127.0.0.1:20003", null, true]));
        let shown = self.show();
        assert_eq!(shown["roles"]["operator"], label);
        assert_eq!(shown["can"], json!(["update-service", "update-registrar", "revoke"]));
        assert!(
            shown["queuePosition"].is_null() && shown["status"] != "ENABLED",
            "{shown}"
        );
        self.revive("127.0.0.1:20004");
    }

    fn revive(&self, service: &str) {
        let mut args = vec!["update-service", "--service", service];
        if self.evo {
            // The ban wiped the Platform fields too.
            args.extend(["--platform-node-id", "new"]);
            args.extend(["--platform-p2p-port", "22821", "--platform-http-port", "22822"]);
        }
        let revived = self.update(&args);
        assert!(says(&revived, "enabled again"), "{revived}");
        let findings = revived["findings"].to_string();
        assert!(
            findings.contains(&format!("{service} refuses connections")) && findings.contains("\"bad\""),
            "{findings}"
        );
        let shown = self.show();
        assert_eq!(
            (&shown["status"], &shown["service"]),
            (&json!("ENABLED"), &json!(service))
        );
    }

    /// The operator gives up; only the owner can go on from there.
    fn revocation(&self) {
        let revoked = self.update(&["revoke", "--reason", "1"]);
        assert_complete(&revoked, &self.hash, &["reason"]);
        assert_decodes(&self.desk, self.network, &revoked, "proUpRevTx");
        assert!(says(&revoked, "the owner has to name an operator key"), "{revoked}");
        assert_eq!(field(&revoked, "revocationReason")[1], "termination of service");
        let shown = self.show();
        assert_eq!(shown["revocationReason"], 1);
        assert_eq!(shown["can"], json!(["update-registrar"]));
        let service = self.desk.run(&[
            "update-service",
            &self.hash,
            "--service",
            "127.0.0.1:20005",
            "--fee-from",
            "fees",
            "--yes",
        ]);
        assert!(refused(&service, 1).contains("gave up"), "{}", service.json);
        assert_eq!(service.json["error"]["reason"], "bad-protx-sig");
        let named = self.update(&["update-registrar", "--operator", "new"]);
        assert!(says(&named, "no place in the payment queue to lose"), "{named}");
        assert_ne!(self.show()["status"], "ENABLED");
        self.revive("127.0.0.1:20006");
    }
}

fn begin<'a>(sandbox: &'a Served, evo: bool) -> Life<'a> {
    let desk = Desk::funded(sandbox);
    let hash = desk.register(evo, &[]);
    Life {
        network: sandbox.text("network"),
        desk,
        hash,
        evo,
    }
}

#[test]
fn a_masternode_on_dash_moves_and_pays_its_operator() {
    let sandbox = Served::start("dash-regtest", &[]);
    let life = begin(&sandbox, false);
    life.services();
    life.voting_and_payout();
}

#[test]
fn a_masternode_on_dash_changes_operators_and_comes_back() {
    let sandbox = Served::start("dash-regtest", &[]);
    let life = begin(&sandbox, false);
    life.update(&["update-service", "--service", "127.0.0.1:20003"]);
    life.operator("mn-operator-2");
    life.revocation();
}

#[test]
fn an_evonode_is_updated_with_its_platform_fields() {
    let sandbox = Served::start("dash-regtest", &[]);
    let life = begin(&sandbox, true);
    life.services();
    life.platform();
    life.voting_and_payout();
}

#[test]
fn an_evonode_changes_operators_and_comes_back() {
    let sandbox = Served::start("dash-regtest", &[]);
    let life = begin(&sandbox, true);
    life.update(&["update-service", "--service", "127.0.0.1:20003"]);
    life.operator("mn-operator-2");
    life.revocation();
}

#[test]
fn a_masternode_on_wei_moves_and_pays_its_operator() {
    let sandbox = Served::start("wei-regtest", &[]);
    let life = begin(&sandbox, false);
    life.services();
    life.voting_and_payout();
}

#[test]
fn a_masternode_on_wei_changes_operators_and_comes_back() {
    let sandbox = Served::start("wei-regtest", &[]);
    let life = begin(&sandbox, false);
    life.update(&["update-service", "--service", "127.0.0.1:20003"]);
    life.operator("mn-operator-2");
    life.revocation();
}

#[test]
fn a_dry_run_of_an_update_shows_it_and_leaves_nothing_behind() {
    let sandbox = Served::start("dash-regtest", &[]);
    let newcomer = Desk::funded(&sandbox);
    newcomer.register(true, &["--dry-run"]);
    assert_eq!(newcomer.labels(), ["fees"], "not even a Platform key is left");
    let life = begin(&sandbox, true);
    let (desk, hash) = (&life.desk, life.hash.as_str());
    let (labels, journal, before) = (desk.labels(), desk.journal(), desk.show(hash));
    let common = ["--fee-from", "fees", "--dry-run"];
    for command in [
        &["update-service", hash, "--platform-node-id", "new"][..],
        &["update-registrar", hash, "--operator", "new", "--voting", "new"],
        &["revoke", hash, "--reason", "2"],
    ] {
        let dry = ok(desk.run(&[command, &common].concat()));
        assert!(dry["txid"].is_null() && dry["steps"] == json!([]), "{dry}");
        assert_eq!(dry["missing"], json!([]));
        let decoded = ok(super::support::json(
            desk.at(),
            &["tx", "decode", text(&dry, "hex"), "--network", "dash-regtest"],
        ));
        let unsigned = decoded["vin"].as_array().expect("inputs");
        assert!(
            unsigned.iter().all(|input| input["scriptSig"]["hex"] == ""),
            "{decoded}"
        );
    }
    // A plan that fails leaves none either, and a refusal comes before any question.
    let taken = desk.run(&[
        "update-service",
        hash,
        "--platform-node-id",
        "new",
        "--service",
        "127.0.0.1:20001",
        "--fee-from",
        "nobody",
    ]);
    refused(&taken, 1);
    // Without a terminal nobody can be asked.
    for command in [
        &["update-registrar", hash, "--operator", "new"][..],
        &["revoke", hash, "--reason", "0"],
    ] {
        let unasked = desk.run(&[command, &["--fee-from", "fees"]].concat());
        assert!(refused(&unasked, 2).contains("--yes"), "{}", unasked.json);
    }
    assert_eq!(desk.labels(), labels);
    assert_eq!(desk.journal(), journal);
    let after = desk.show(hash);
    for key in ["service", "votingAddress", "pubKeyOperator", "status", "platformNodeID"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    let table = castellan(
        desk.at(),
        &sandbox.args(&[
            "update-registrar",
            hash,
            "--operator",
            "new",
            "--fee-from",
            "fees",
            "--dry-run",
        ]),
        "",
    );
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(
        table.starts_with(&format!(
            "update-registrar of mn ({hash})\n  ! Another operator key bans"
        )),
        "{table}"
    );
    assert!(table.contains("(kept)") && table.contains("-> "), "{table}");
}

#[test]
fn the_journal_lists_updates_and_goes_on_with_them() {
    let sandbox = Served::start("dash-regtest", &[]);
    let life = begin(&sandbox, false);
    let desk = &life.desk;
    let file = desk.file("update.json");
    ok(desk.run(&[
        "update-registrar",
        &life.hash,
        "--payout",
        &address("dash-regtest", 9),
        "--fee-from",
        "fees",
        "--export",
        &file,
    ]));
    let begun = desk.journal();
    let found = begun.iter().find(|each| each["kind"] == "update-registrar");
    let id = found.expect("in the journal")["id"].to_string();
    assert_eq!(found.map(|each| &each["unfinished"]), Some(&json!(true)));
    let resumed = desk.done(&["journal", "resume", &id]);
    assert_eq!(resumed["kind"], "update-registrar");
    assert_eq!(resumed["proTxHash"], life.hash);
    assert_eq!(life.show()["payoutAddress"], address("dash-regtest", 9));
    assert!(desk.journal().iter().all(|each| each["state"] == "mined"));
}
