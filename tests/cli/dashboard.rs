//! The dashboard on the terminal: `list`, `show`, `queue` and `pose`, on saved lists and on the sandbox's chain.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Desk, Ran, Served, castellan, folder, json as run_json, ok, refused, rpc, text};

/// Replies of real nodes (tests/data/README.md): network, file.
const RECORDED: [(&str, &str); 3] = [
    ("dash-regtest", include_str!("../data/dashd-23.1.2/modern-rpc.json")),
    ("dash-regtest", include_str!("../data/dashd-23.1.2/legacy-rpc.json")),
    ("wei-regtest", include_str!("../data/weid-0.17.0.3/rpc.json")),
];

/// The keys of `list`, which scripts read.
const LIST_KEYS: [&str; 20] = [
    "proTxHash",
    "type",
    "status",
    "service",
    "collateralHash",
    "collateralIndex",
    "ownerAddress",
    "votingAddress",
    "payoutAddress",
    "pubKeyOperator",
    "operatorReward",
    "posePenalty",
    "poseMax",
    "poseFailuresSurvivable",
    "poseBlocksToSafe",
    "poseBanHeight",
    "queuePosition",
    "queueLength",
    "nextPaymentHeight",
    "nextPaymentTime",
];

/// A list saved from a node, and what else the node said.
struct Recording {
    network: &'static str,
    calls: Vec<Value>,
    height: u64,
    folder: TempDir,
    file: PathBuf,
}

impl Recording {
    fn all() -> Vec<Self> {
        RECORDED
            .into_iter()
            .map(|(network, text)| Self::of(network, text))
            .collect()
    }

    fn of(network: &'static str, text: &str) -> Self {
        let folder = folder();
        let calls: Vec<Value> = serde_json::from_str(text).expect("test data");
        let mut recording = Self {
            network,
            calls,
            height: 0,
            file: folder.path().join("list.json"),
            folder,
        };
        recording.height = recording.result("getblockcount", json!([])).as_u64().expect("a height");
        recording.save(&recording.list().to_string());
        recording
    }

    fn result(&self, method: &str, params: Value) -> &Value {
        let asked = |call: &&Value| call["method"] == method && call["params"] == params;
        &self.calls.iter().find(asked).expect("recorded")["result"]
    }

    fn list(&self) -> &Value {
        self.result("protx", json!(["list", "registered", true]))
    }

    fn save(&self, text: &str) {
        std::fs::write(&self.file, text).expect("written");
    }

    fn command(&self, command: &[&str]) -> Vec<String> {
        let mut args: Vec<String> = command.iter().map(|arg| (*arg).to_owned()).collect();
        let file = self.file.to_str().expect("a plain path");
        args.extend(["--snapshot", file, "--height", &self.height.to_string()].map(str::to_owned));
        args.extend(["--network", self.network].map(str::to_owned));
        args
    }

    fn run(&self, command: &[&str]) -> Ran {
        let args = self.command(command);
        run_json(self.folder.path(), &args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn print(&self, command: &[&str]) -> String {
        let args = self.command(command);
        let output = castellan(
            self.folder.path(),
            &args.iter().map(String::as_str).collect::<Vec<_>>(),
            "",
        );
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Payees of the blocks to come, as the node's own projection has them: height and addresses.
    fn projection(&self) -> Vec<(u64, String)> {
        let winners = self
            .result("masternode", json!(["winners"]))
            .as_object()
            .expect("heights");
        let read = |(height, payees): (&String, &Value)| (height.parse().expect("a height"), text_of(payees));
        let mut all: Vec<(u64, String)> = winners.iter().map(read).collect();
        all.retain(|(height, _)| *height > self.height);
        all.sort_unstable();
        assert!(all.len() > 2, "{winners:?}");
        all
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// As `masternode winners` prints who is paid.
fn payees(row: &Value) -> String {
    match row["operatorPayoutAddress"].as_str() {
        Some(operator) => format!("{}, {operator}", text(row, "payoutAddress")),
        None => text(row, "payoutAddress").to_owned(),
    }
}

fn rows(document: &Value) -> &Vec<Value> {
    document.as_array().expect("rows")
}

#[test]
fn the_queue_of_a_saved_list_is_the_nodes_own_projection() {
    for recording in Recording::all() {
        let expected = recording.projection();
        let queue = ok(recording.run(&["queue", "--all"]));
        let found: Vec<(u64, String)> = rows(&queue)
            .iter()
            .map(|row| (row["height"].as_u64().expect("a height"), payees(row)))
            .collect();
        assert_eq!(found, expected);
        let list = ok(recording.run(&["list"]));
        for (at, (height, payee)) in expected.iter().enumerate() {
            let row = rows(&list)
                .iter()
                .find(|row| row["queuePosition"] == at + 1)
                .expect("a place");
            assert_eq!(&row["nextPaymentHeight"], &json!(height));
            assert!(payee.starts_with(text(row, "payoutAddress")), "{payee}");
        }
    }
}

#[test]
fn after_the_end_of_a_round_the_queue_goes_on() {
    let recording = &Recording::all()[1];
    let queue = ok(recording.run(&["queue", "--next", "7"]));
    let hashes: Vec<&str> = rows(&queue).iter().map(|row| text(row, "proTxHash")).collect();
    assert_eq!(hashes.len(), 7);
    assert_eq!(hashes[..3], hashes[3..6]);
    assert_eq!(hashes[0], hashes[6]);
}

#[test]
fn a_list_has_the_keys_that_scripts_read_and_no_others() {
    for recording in Recording::all() {
        let list = ok(recording.run(&["list"]));
        assert_eq!(rows(&list).len(), rows(recording.list()).len());
        for row in rows(&list) {
            let keys: Vec<&str> = row.as_object().expect("an object").keys().map(String::as_str).collect();
            assert_eq!(keys, LIST_KEYS);
        }
    }
}

#[test]
fn a_list_is_read_bare_or_out_of_a_whole_reply() {
    let recording = &Recording::all()[0];
    let bare = ok(recording.run(&["list"]));
    recording.save(&json!({ "result": recording.list(), "error": null, "id": 1 }).to_string());
    assert_eq!(ok(recording.run(&["list"])), bare);
    recording.save("{\"result\": {\"a\": 1}}");
    assert!(refused(&recording.run(&["list"]), 1).contains("malformed"));
}

#[test]
fn a_saved_list_has_times_only_where_the_time_of_its_block_is_told() {
    let recording = &Recording::all()[0];
    let hash = text(&rows(recording.list())[1], "proTxHash").to_owned();
    for (command, key) in [
        (vec!["list"], "nextPaymentTime"),
        (vec!["queue"], "time"),
        (vec!["show", &hash], "nextPaymentTime"),
    ] {
        let first = |document: Value| match document {
            // The queue has payments alone, the list banned ones too.
            Value::Array(rows) => rows
                .into_iter()
                .find(|row| row.get("nextPaymentHeight") != Some(&Value::Null)),
            other => Some(other),
        };
        let untold = first(ok(recording.run(&command))).expect("a row");
        assert_eq!(untold[key], Value::Null, "{command:?}");
        let told = [command.as_slice(), &["--time", "1795179803"]].concat();
        let told = first(ok(recording.run(&told))).expect("a row");
        let time = told[key].as_u64().unwrap_or_else(|| panic!("{key} in {told}"));
        let height = told["nextPaymentHeight"]
            .as_u64()
            .or(told["height"].as_u64())
            .expect("a height");
        // The target spacing of the network.
        assert_eq!(time, 1_795_179_803 + (height - recording.height) * 150);
    }
}

#[test]
fn a_list_is_sorted_and_filtered_by_what_it_shows() {
    let recording = &Recording::all()[0];
    let hashes = |options: &[&str]| -> Vec<String> {
        let list = ok(recording.run(&[&["list"], options].concat()));
        rows(&list).iter().map(|row| text_of(&row["proTxHash"])).collect()
    };
    let ascending = hashes(&["--sort", "proTxHash"]);
    let mut sorted = ascending.clone();
    sorted.sort_unstable();
    assert_eq!(ascending, sorted);
    sorted.reverse();
    assert_eq!(hashes(&["--sort", "PROTXHASH", "--descending"]), sorted);
    let one = &ascending[2];
    assert_eq!(
        &hashes(&["--filter", &one[..20].to_uppercase()]),
        std::slice::from_ref(one)
    );
    let positions = |options: &[&str]| -> Vec<Value> {
        let list = ok(recording.run(&[&["list", "--sort", "queuePosition"], options].concat()));
        rows(&list).iter().map(|row| row["queuePosition"].clone()).collect()
    };
    let null = Value::Null;
    let (up, down) = (positions(&[]), positions(&["--descending"]));
    assert_eq!(up[..4], [json!(1), json!(2), json!(3), json!(4)]);
    assert_eq!(down[..4], [json!(4), json!(3), json!(2), json!(1)]);
    assert!(up[4..].iter().chain(&down[4..]).all(|position| *position == null));
    let wrong = recording.run(&["list", "--sort", "colour"]);
    assert!(refused(&wrong, 2).contains("colour"));
}

#[test]
fn csv_has_the_values_of_the_documents() {
    let recording = &Recording::all()[0];
    let list = ok(recording.run(&["list"]));
    let text = recording.print(&["list", "--csv"]);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let read: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("well-formed");
    assert_eq!(header.iter().take(20).collect::<Vec<_>>(), LIST_KEYS);
    assert_eq!(read.len(), rows(&list).len());
    for (row, record) in rows(&list).iter().zip(&read) {
        for (key, field) in LIST_KEYS.iter().zip(record) {
            assert_eq!(castellan::flow::export::text(&row[*key]), field, "{key}");
        }
    }
    let queue = recording.print(&["queue", "--next", "6", "--csv"]);
    assert_eq!(queue.lines().count(), 7);
    assert!(queue.starts_with("height,proTxHash,type,name,mine,"));
    let both = recording.run(&["list", "--csv"]);
    refused(&both, 2);
}

#[test]
fn a_banned_masternode_tells_why_and_has_no_course() {
    let recording = &Recording::all()[0];
    let list = ok(recording.run(&["list"]));
    let mut reasons = Vec::new();
    for row in rows(&list).iter().filter(|row| row["poseBanHeight"] != -1) {
        let hash = text(row, "proTxHash");
        let shown = ok(recording.run(&["show", hash]));
        assert_eq!(shown["poseLevel"], "banned");
        assert_eq!(
            (&shown["nextPayment"], &shown["timeToBan"]),
            (&Value::Null, &Value::Null)
        );
        assert!(
            text(&shown, "poseMeaning").starts_with("banned since block "),
            "{shown}"
        );
        reasons.push(text(&shown, "reason").to_owned());
        let simulated = recording.run(&["pose", hash, "--simulate", "now"]);
        assert!(refused(&simulated, 1).contains("banned already"));
    }
    reasons.sort_unstable();
    reasons.dedup();
    // One revoked, others waiting for an address.
    assert!(reasons.len() > 1, "{reasons:?}");
}

#[test]
fn show_warns_of_what_does_not_fit_together() {
    let recording = &Recording::all()[1];
    let mut list = recording.list().clone();
    let enabled = |row: &&mut Value| row["state"]["PoSeBanHeight"] == -1;
    let mut two: Vec<&mut Value> = list
        .as_array_mut()
        .expect("a list")
        .iter_mut()
        .filter(enabled)
        .take(2)
        .collect();
    let hash = text(two[0], "proTxHash").to_owned();
    assert_eq!(ok(recording.run(&["show", &hash]))["warnings"], json!([]));
    let address = two[0]["state"]["service"].clone();
    two[1]["state"]["addresses"] = json!({ "core_p2p": [address] });
    two[1]["state"]["service"] = address;
    recording.save(&list.to_string());
    let warnings = ok(recording.run(&["show", &hash]))["warnings"].clone();
    assert_eq!(rows(&warnings).len(), 1, "{warnings}");
    assert!(
        text(&warnings[0], "meaning").contains("announces the same address"),
        "{warnings}"
    );
    assert!(recording.print(&["show", &hash]).contains("\n! Masternode "));
}

#[test]
fn an_unknown_masternode_and_wrong_options_are_refused() {
    let recording = &Recording::all()[0];
    let nobody = "11".repeat(32);
    for command in ["show", "pose"] {
        refused(&recording.run(&[command, &nobody]), 1);
        refused(&recording.run(&[command, "zz"]), 2);
    }
    let home = folder();
    let file = recording.file.to_str().expect("a plain path");
    refused(&run_json(home.path(), &["queue", "--snapshot", file]), 2);
    refused(&run_json(home.path(), &["queue", "--height", "5"]), 2);
    refused(
        &run_json(home.path(), &["queue", "--snapshot", "/nowhere/list", "--height", "5"]),
        2,
    );
    let hash = text(&rows(recording.list())[1], "proTxHash");
    for wrong in ["later", "at=x", "down=-1", "now=1"] {
        refused(&recording.run(&["pose", hash, "--simulate", wrong]), 2);
    }
    let past = recording.run(&["pose", hash, "--simulate", "at=3"]);
    assert!(refused(&past, 1).contains("not ahead"));
    assert_eq!(home.path().read_dir().expect("a folder").count(), 0);
}

/// The sandbox's chain, and one healthy masternode of it.
struct Watched {
    sandbox: Served,
    hash: String,
}

impl Watched {
    fn start() -> Self {
        let sandbox = Served::still("dash-regtest", &[]);
        let list = ok(sandbox.run(folder().path(), &["list", "--all"]));
        // The last to be paid: nothing of its own happens to it for a while.
        let healthy = |row: &&Value| row["posePenalty"] == 0 && row["poseBanHeight"] == -1;
        let last = rows(&list)
            .iter()
            .filter(healthy)
            .max_by_key(|row| row["queuePosition"].as_u64());
        let hash = text(last.expect("a healthy one"), "proTxHash").to_owned();
        Self { sandbox, hash }
    }

    fn run(&self, command: &str, options: &[&str]) -> Value {
        let command = [&[command, &self.hash], options].concat();
        ok(self.sandbox.run(folder().path(), &command))
    }

    fn mine(&self, blocks: u32) {
        rpc(&self.sandbox, "sandbox_mine", &format!("[{blocks}]"));
    }

    fn fail(&self) {
        rpc(&self.sandbox, "sandbox_fail_dkg", &format!("[\"{}\"]", self.hash));
    }
}

#[test]
fn a_failed_dkg_takes_the_course_that_was_foretold() {
    let watched = Watched::start();
    let before = watched.run("pose", &["--simulate", "now"]);
    assert_eq!(
        (&before["poseLevel"], &before["status"]),
        (&json!("safe"), &json!("ENABLED"))
    );
    let course = &before["simulation"];
    assert_eq!(
        (&course["bannedAt"], &course["fails"][0]),
        (&Value::Null, &json!(before["height"].as_u64().expect("a height") + 1))
    );
    let foretold = |height: &Value| -> u64 {
        let points = rows(&course["points"]);
        let upto = points
            .iter()
            .rfind(|point| point["height"].as_u64() <= height.as_u64())
            .expect("a point");
        let passed = height.as_u64().expect("a height") - upto["height"].as_u64().expect("a height");
        upto["posePenalty"].as_u64().expect("a score").saturating_sub(passed)
    };
    watched.fail();
    watched.mine(1);
    let after = watched.run("pose", &[]);
    // Of a hundred at most, with thirty registered: a failure adds 66, and 34 are left.
    assert_eq!(
        (&after["posePenalty"], &after["poseMax"], &after["poseStep"]),
        (&json!(66), &json!(100), &json!(66))
    );
    assert_eq!(
        (&after["poseLevel"], &after["poseFailuresSurvivable"]),
        (&json!("danger"), &json!(0))
    );
    assert_eq!(
        (&after["poseDangerLine"], &after["poseBlocksToSafe"]),
        (&json!(34), &json!(33))
    );
    assert!(
        text(&after, "poseMeaning").starts_with("one more failed DKG bans it; safe in 33 blocks, about "),
        "{after}"
    );
    for blocks in [1, 15, 16, 1, 5] {
        watched.mine(blocks);
        let now = watched.run("pose", &[]);
        assert_eq!(now["posePenalty"], foretold(&now["height"]), "{now}");
        let safe = now["height"].as_u64() >= course["safeFrom"].as_u64();
        assert_eq!(now["poseLevel"] != "danger", safe, "{now} {course}");
    }
}

#[test]
fn a_second_failure_bans_in_the_block_that_was_foretold() {
    let watched = Watched::start();
    watched.fail();
    watched.mine(1);
    let danger = watched.run("pose", &["--simulate", "now"]);
    let banned_at = danger["simulation"]["bannedAt"].clone();
    assert!(danger["timeToBan"]["estimate"] == true, "{danger}");
    watched.fail();
    watched.mine(1);
    let banned = watched.run("show", &[]);
    assert_eq!(banned["poseBanHeight"], banned_at);
    assert_eq!(
        (&banned["status"], &banned["poseLevel"]),
        (&json!("POSE_BANNED"), &json!("banned"))
    );
    assert_eq!(
        (&banned["queuePosition"], &banned["nextPaymentTime"]),
        (&Value::Null, &Value::Null)
    );
    let queue = ok(watched.sandbox.run(folder().path(), &["queue", "--all"]));
    assert!(rows(&queue).iter().all(|row| row["proTxHash"] != banned["proTxHash"]));
}

#[test]
fn longer_down_is_more_likely_banned() {
    let watched = Watched::start();
    let chance = |hours: &str| {
        let pose = watched.run("pose", &["--simulate", &format!("down={hours}")]);
        pose["simulation"]["chanceOfBan"]
            .as_f64()
            .unwrap_or_else(|| panic!("{pose}"))
    };
    let chances = ["1", "6", "24", "200"].map(chance);
    assert!(chances.is_sorted() && chances[0] < chances[3], "{chances:?}");
    assert!(chances.iter().all(|chance| (0.0..=1.0).contains(chance)));
}

#[test]
fn every_block_pays_who_stands_first_in_the_queue() {
    let sandbox = Served::still("dash-regtest", &[]);
    let home = folder();
    for _ in 0..6 {
        let queue = ok(sandbox.run(home.path(), &["queue", "--next", "20"]));
        let winners: Value = serde_json::from_str(&rpc(&sandbox, "masternode", "[\"winners\"]")).expect("a reply");
        for row in rows(&queue) {
            assert_eq!(winners["result"][row["height"].to_string()], payees(row), "{row}");
        }
        let first = &rows(&queue)[0];
        rpc(&sandbox, "sandbox_mine", "[1]");
        let paid = ok(sandbox.run(home.path(), &["show", text(first, "proTxHash")]));
        assert_eq!(paid["lastPaidHeight"], first["height"]);
        assert_paid(&last_payment(&sandbox), &amounts(first));
        assert!(paid["lastPaidTime"].as_u64() > Some(1_500_000_000), "{paid}");
    }
}

/// What the last block paid, in duffs, by payee: without an address to Platform.
fn last_payment(sandbox: &Served) -> Vec<(String, u64)> {
    let reply: Value = serde_json::from_str(&rpc(sandbox, "masternode", "[\"payments\"]")).expect("a reply");
    let payees = rows(&reply["result"][0]["masternodes"][0]["payees"]);
    let read = |payee: &Value| {
        (
            text(payee, "address").to_owned(),
            payee["amount"].as_u64().expect("duffs"),
        )
    };
    let mut all: Vec<_> = payees.iter().map(read).collect();
    all.sort_unstable();
    all
}

/// To whom it was foretold, and as much but for one percent: fees come on top, and the sandbox makes the same at every height.
fn assert_paid(paid: &[(String, u64)], foretold: &[(String, u64)]) {
    assert_eq!(paid.len(), foretold.len(), "{paid:?} {foretold:?}");
    for ((to, amount), (expected_to, expected)) in paid.iter().zip(foretold) {
        assert_eq!(to, expected_to);
        assert!(amount.abs_diff(*expected) < expected / 100, "{paid:?} {foretold:?}");
    }
}

/// The same, as it was foretold.
fn amounts(row: &Value) -> Vec<(String, u64)> {
    let duffs = |key: &str| {
        text(row, key)
            .parse::<castellan::protocol::Amount>()
            .expect("coins")
            .duffs()
    };
    let address = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let mut all = vec![
        (String::new(), duffs("platformAmount")),
        (address("payoutAddress"), duffs("ownerAmount")),
        (address("operatorPayoutAddress"), duffs("operatorAmount")),
    ];
    all.retain(|(_, amount)| *amount > 0);
    all.sort_unstable();
    all
}

#[test]
fn times_and_amounts_are_foretold_with_their_range() {
    let sandbox = Served::still("dash-regtest", &[]);
    let queue = ok(sandbox.run(folder().path(), &["queue", "--next", "20"]));
    let number = |row: &Value, key: &str| row[key].as_u64().unwrap_or_else(|| panic!("{key} in {row}"));
    for pair in rows(&queue).windows(2) {
        assert!(number(&pair[0], "time") < number(&pair[1], "time"));
    }
    for row in rows(&queue) {
        assert!(
            number(row, "timeEarliest") < number(row, "time") && number(row, "time") < number(row, "timeLatest"),
            "{row}"
        );
        let owner: f64 = text(row, "ownerAmount").parse().expect("coins");
        assert!(owner > 0.0, "{row}");
    }
}

#[test]
fn mine_are_marked_in_the_queue_by_name() {
    let sandbox = Served::start("dash-regtest", &[]);
    let desk = Desk::funded(&sandbox);
    let hash = desk.register(false, &["--operator", "new", "--owner", "new", "--voting", "owner"]);
    let queue = ok(desk.run(&["queue", "--all"]));
    let mine: Vec<&Value> = rows(&queue).iter().filter(|row| row["mine"] == true).collect();
    assert_eq!(mine.len(), 1, "{queue}");
    assert_eq!(
        (text(mine[0], "proTxHash"), text(mine[0], "name")),
        (hash.as_str(), "mn")
    );
    let only = ok(desk.run(&["queue", "--all", "--mine"]));
    assert_eq!(rows(&only).len(), 1);
    let output = castellan(desk.at(), &sandbox.args(&["queue", "--next", "100"]), "");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let marked: Vec<&str> = printed.lines().filter(|line| line.contains(&hash)).collect();
    assert!(
        !marked.is_empty() && marked.iter().all(|line| line.contains(" mn ")),
        "{printed}"
    );
}
