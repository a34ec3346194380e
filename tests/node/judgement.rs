//! Two judges of one transaction: our rules with facts from our client, and the node's `testmempoolaccept`.

use std::collections::BTreeSet;

use castellan::flow::{Ports, transaction};
use castellan::protocol::Transaction;
use castellan::protocol::rules::Verdict;
use castellan::rpc::reject_token;
use serde_json::json;

use crate::support::Dashd;

/// What both said; none means accepted.
pub struct Judged {
    pub verdict: Verdict,
    pub ours: Option<String>,
    pub theirs: Option<String>,
}

impl Judged {
    pub async fn of(node: &Dashd, ports: &Ports, tx: &Transaction) -> Self {
        let verdict = transaction::judge(ports, tx).await.expect("judged");
        let ours = first_of_the_mempool(&verdict);
        let reply = node.call("testmempoolaccept", json!([[tx.to_hex()]])).await;
        let reason = reply[0]["reject-reason"].as_str().map(reject_token);
        assert_eq!(reply[0]["allowed"] == true, reason.is_none(), "{reply}");
        Self {
            verdict,
            ours,
            theirs: reason.map(as_broadcast).map(str::to_owned),
        }
    }
}

/// `testmempoolaccept` has its own word for what `sendrawtransaction` calls otherwise.
fn as_broadcast(reason: &str) -> &str {
    match reason {
        "missing-inputs" => "bad-txns-inputs-missingorspent",
        other => other,
    }
}

/// Our answer to what `testmempoolaccept` is asked: rules that only blocks have are left out.
fn first_of_the_mempool(verdict: &Verdict) -> Option<String> {
    let mut failures = verdict.failures();
    let first = failures.find(|check| !IN_BLOCKS.contains(&check.rule));
    first.map(|check| check.reject.to_owned())
}

/// Rules a node applies only to blocks.
pub const IN_BLOCKS: [&str; 2] = ["registered-type", "platform-node-id-not-pending"];

/// Comparisons, counted.
#[derive(Default)]
pub struct Tally {
    equal: usize,
    /// We said beforehand that we cannot tell, and the node refused for that.
    untold: usize,
    different: Vec<String>,
    words: BTreeSet<String>,
}

impl Tally {
    pub async fn compare(&mut self, node: &Dashd, ports: &Ports, what: &str, tx: &Transaction) -> Judged {
        let judged = Judged::of(node, ports, tx).await;
        self.add(what, &judged);
        judged
    }

    pub fn add(&mut self, what: &str, judged: &Judged) {
        let Judged { ours, theirs, .. } = judged;
        self.words.insert(theirs.clone().unwrap_or_else(|| "accepted".into()));
        let mut untold = judged.verdict.checks.iter().filter(|check| check.passed.is_none());
        if ours == theirs {
            self.equal += 1;
        } else if ours.is_none() && untold.any(|check| Some(check.reject) == theirs.as_deref()) {
            self.untold += 1;
        } else {
            self.different
                .push(format!("{what}: ours {ours:?}, the node's {theirs:?}"));
        }
    }

    /// Prints the result and insists that all were equal, and that there were enough of them.
    pub fn finish(self, what: &str, at_least: usize) {
        let all = self.equal + self.untold + self.different.len();
        println!(
            "{what}: {} of {all} equal, {} left to the node, {} different answers: {:?}",
            self.equal,
            self.untold,
            self.words.len(),
            self.words
        );
        assert!(self.different.is_empty(), "{what}:\n{}", self.different.join("\n"));
        assert!(all >= at_least, "{what}: only {all} were compared");
    }
}
