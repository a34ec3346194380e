//! `history`: read from the node, kept, and told as sentences, document and table.

use serde_json::Value;

use super::support::*;

fn events<'a>(document: &'a Value, name: &str) -> Vec<&'a Value> {
    let all = document["events"].as_array().expect("events");
    all.iter().filter(|event| event["event"] == name).collect()
}

fn hash_of(desk: &Desk<'_>, at: usize) -> String {
    let all = ok(desk.run(&["list", "--all"]));
    text(&all[at], "proTxHash").to_owned()
}

#[test]
fn a_past_is_read_kept_and_told() {
    let sandbox = Served::start("dash-regtest", &[]);
    let desk = Desk::bare(&sandbox);
    let hash = hash_of(&desk, 4);
    rpc(&sandbox, "sandbox_fail_dkg", &format!("[\"{hash}\"]"));
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
    let rise = events(&document, "penalty")[0];
    assert_eq!((&rise["from"], &rise["to"]), (&Value::from(0), &Value::from(66)));
    let dkg = events(&document, "dkg")[0];
    assert_eq!(
        (&dkg["height"], text(dkg, "quorumType")),
        (&rise["height"], "llmq_test")
    );
    assert_eq!(text(dkg, "quorumHash").len(), 64);
    assert!(dkg["quorumHeight"].as_u64() < rise["height"].as_u64() && rise["time"].is_u64());
    let payments = document["payments"].as_array().expect("payments");
    assert_eq!(payments.len(), events(&document, "paid").len());
    assert!(
        !payments.is_empty()
            && payments
                .iter()
                .all(|each| each["amount"].is_string() && each["time"].is_u64())
    );
    // The line ends with the score that `show` tells.
    let last = document["penalty"][0]
        .as_array()
        .expect("points")
        .last()
        .expect("a point");
    assert_eq!(last[0], document["height"]);

    // What was read is kept, and what came since is added without being asked to.
    rpc(&sandbox, "sandbox_mine", "[3]");
    let again = ok(desk.run(&["history", &hash]));
    assert_eq!(again["covered"][0]["from"], covered["from"]);
    assert_eq!(again["covered"][0]["to"], again["height"]);
    assert_eq!(events(&again, "penalty"), [rise]);
    let later = ok(desk.run(&["history", &hash, "--since", &rise["height"].to_string()]));
    assert_eq!(events(&later, "penalty").len(), 0);
    assert_eq!(later["covered"][0]["from"], rise["height"]);

    let csv = castellan(desk.at(), &sandbox.args(&["history", &hash, "--csv"]), "");
    let csv = String::from_utf8(csv.stdout).expect("UTF-8");
    let mut lines = csv.lines();
    let columns = "height,time,event,from,to,reason,amount,quorumType,quorumHash,quorumHeight";
    assert_eq!(lines.next(), Some(columns));
    let line = format!("{},{},penalty,0,66,,,,,", rise["height"], rise["time"]);
    assert!(lines.any(|each| each == line), "{csv}");
    let told = castellan(desk.at(), &sandbox.args(&["history", &hash]), "");
    let told = String::from_utf8(told.stdout).expect("UTF-8");
    assert!(
        told.contains("score rose from 0 to 66") && told.contains("failed the DKG of llmq_test"),
        "{told}"
    );
}

#[test]
fn blocks_that_are_gone_are_no_longer_told() {
    let sandbox = Served::start("dash-regtest", &[]);
    let desk = Desk::bare(&sandbox);
    let hash = hash_of(&desk, 7);
    ok(desk.run(&["history", &hash]));
    rpc(&sandbox, "sandbox_fail_dkg", &format!("[\"{hash}\"]"));
    rpc(&sandbox, "sandbox_mine", "[2]");
    let before = ok(desk.run(&["history", &hash]));
    assert_eq!(events(&before, "penalty").len(), 1, "{before}");
    rpc(&sandbox, "sandbox_reorg", "[20, 25]");
    let after = ok(desk.run(&["history", &hash, "--rebuild", "--since", "0"]));
    let (show, after) = (desk.show(&hash), after);
    if show["posePenalty"] == 0 {
        assert_eq!(events(&after, "penalty").len(), 0, "{after}");
    }
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
    let hash = hash_of(&desk, 2);
    let document = ok(desk.run(&["history", &hash, "--rebuild", "--since", "0"]));
    assert_eq!(events(&document, "registered").len(), 1);
    assert!(document["payments"].as_array().is_some_and(|all| !all.is_empty()));
}
