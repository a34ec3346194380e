//! `history`: read from the node, kept, and told as sentences, document and table.

use serde_json::Value;

use super::support::*;

fn events<'a>(document: &'a Value, name: &str) -> Vec<&'a Value> {
    let all = document["events"].as_array().expect("events");
    all.iter().filter(|event| event["event"] == name).collect()
}

/// The sandbox has DKGs fail by itself, too.
fn at<'a>(document: &'a Value, name: &str, height: &Value) -> Option<&'a Value> {
    events(document, name)
        .into_iter()
        .find(|event| event["height"] == *height)
}

/// A masternode without a penalty.
fn spotless(desk: &Desk<'_>) -> String {
    let all = ok(desk.run(&["list", "--all"]));
    let all = all.as_array().expect("a list");
    let found = all
        .iter()
        .find(|each| each["posePenalty"] == 0 && each["status"] == "ENABLED");
    text(found.expect("one"), "proTxHash").to_owned()
}

/// Makes it miss the next DKG; the height of that.
fn fail(sandbox: &Served, hash: &str) -> Value {
    let answer = rpc(sandbox, "sandbox_fail_dkg", &format!("[\"{hash}\"]"));
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    answer["result"].clone()
}

fn printed(desk: &Desk<'_>, sandbox: &Served, command: &[&str]) -> String {
    let output = castellan(desk.at(), &sandbox.args(command), "");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_past_is_read_kept_and_told() {
    let sandbox = Served::start("dash-regtest", &[]);
    let desk = Desk::bare(&sandbox);
    let hash = spotless(&desk);
    let height = fail(&sandbox, &hash);
    rpc(&sandbox, "sandbox_mine", "[45]");

    let read = desk.run(&["history", &hash, "--rebuild", "--since", "0"]);
    assert!(read.stderr.contains(" blocks"), "{}", read.stderr);
    let document = ok(read);
    assert_eq!(document["proTxHash"], hash.as_str());
    let covered = &document["covered"][0];
    assert_eq!(
        (&covered["to"], &covered["step"]),
        (&document["height"], &Value::from(1))
    );
    assert_eq!(events(&document, "registered").len(), 1);
    let rise = at(&document, "penalty", &height).expect("a rise");
    assert_eq!((&rise["from"], &rise["to"]), (&Value::from(0), &Value::from(66)));
    let dkg = at(&document, "dkg", &height).expect("whose fault it was");
    assert_eq!(text(dkg, "quorumType"), "llmq_test");
    assert_eq!(text(dkg, "quorumHash").len(), 64);
    assert!(dkg["quorumHeight"].as_u64() < height.as_u64() && rise["time"].is_u64());
    let payments = document["payments"].as_array().expect("payments");
    assert_eq!(payments.len(), events(&document, "paid").len());
    let complete = |each: &Value| each["amount"].is_string() && each["time"].is_u64();
    assert!(!payments.is_empty() && payments.iter().all(complete));
    let points = document["penalty"][0].as_array().expect("points");
    assert_eq!(points.last().expect("a point")[0], document["height"]);

    // What was read is kept, and what came since is added without being asked for.
    rpc(&sandbox, "sandbox_mine", "[3]");
    let again = ok(desk.run(&["history", &hash]));
    assert_eq!(again["covered"][0]["from"], covered["from"]);
    assert_eq!(again["covered"][0]["to"], again["height"]);
    assert_eq!(at(&again, "penalty", &height), Some(rise));
    let later = ok(desk.run(&["history", &hash, "--since", &height.to_string()]));
    assert_eq!(at(&later, "penalty", &height), None);
    assert_eq!(later["covered"][0]["from"], height);

    let csv = printed(&desk, &sandbox, &["history", &hash, "--csv"]);
    let mut lines = csv.lines();
    let columns = "height,time,event,from,to,reason,amount,quorumType,quorumHash,quorumHeight";
    assert_eq!(lines.next(), Some(columns));
    let line = format!("{height},{},penalty,0,66,,,,,", rise["time"]);
    assert!(lines.any(|each| each == line), "{csv}");
    let told = printed(&desk, &sandbox, &["history", &hash]);
    assert!(told.contains("score rose from 0 to 66"), "{told}");
    assert!(told.contains("failed the DKG of llmq_test"), "{told}");
}

#[test]
fn blocks_that_are_gone_are_no_longer_told() {
    let sandbox = Served::start("dash-regtest", &[]);
    let desk = Desk::bare(&sandbox);
    let hash = spotless(&desk);
    ok(desk.run(&["history", &hash]));
    let height = fail(&sandbox, &hash);
    rpc(&sandbox, "sandbox_mine", "[2]");
    let before = ok(desk.run(&["history", &hash]));
    assert!(at(&before, "penalty", &height).is_some(), "{before}");
    rpc(&sandbox, "sandbox_reorg", "[20, 25]");
    let after = ok(desk.run(&["history", &hash, "--rebuild", "--since", "0"]));
    assert!(at(&after, "penalty", &height).is_none(), "{after}");
    assert_eq!(after["covered"].as_array().expect("stretches").len(), 1);
}

#[test]
fn who_was_never_there_is_not_found() {
    let sandbox = Served::start("wei-regtest", &[]);
    let desk = Desk::bare(&sandbox);
    let nobody = "ab".repeat(32);
    let unknown = desk.run(&["history", &nobody]);
    refused(&unknown, 1);
    assert_eq!(unknown.json["error"]["kind"], "not-found");
    refused(&desk.run(&["history", "mn1"]), 2);
    // A node without `protx listdiff`.
    let hash = spotless(&desk);
    let document = ok(desk.run(&["history", &hash, "--rebuild", "--since", "0"]));
    assert_eq!(events(&document, "registered").len(), 1);
    let payments = document["payments"].as_array().expect("payments");
    assert!(!payments.is_empty());
}
