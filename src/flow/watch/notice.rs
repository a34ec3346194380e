//! What is sent of alerts: words for people, a document for programs, variables for scripts.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};

use super::Told;
use crate::flow::alert::{Alert, What};
use crate::flow::words::count;
use crate::notify::{Notice, NotifyError, Sink, Urgency};
use crate::protocol::Profile;

/// More at once (after a long absence) are sent as one.
const SINGLY: usize = 5;

/// Somebody who could not be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// As the sink calls itself.
    pub sink: String,
    pub error: NotifyError,
}

/// What to send: nothing in quiet hours, and what they held back as one when they are over.
pub fn notices(told: &Told, profile: &Profile) -> Vec<Notice> {
    let mut all = Vec::new();
    if !told.summary.is_empty() {
        all.push(summary("While it was quiet", &told.summary, profile));
    }
    if told.waiting {
        return all;
    }
    if told.alerts.len() > SINGLY {
        all.push(summary("At once", &told.alerts, profile));
    } else {
        all.extend(told.alerts.iter().map(|alert| notice(alert, profile)));
    }
    all
}

/// For a button or option that tries the way there.
pub fn test_notice(profile: &Profile, now: u64) -> Notice {
    let sentence = "This is a test: alerts of your masternodes come this way.";
    let document = json!({
        "network": profile.name,
        "proTxHash": null,
        "name": null,
        "kind": "test",
        "sentence": sentence,
        "height": null,
        "time": now,
    });
    Notice {
        title: "Castellan".to_owned(),
        body: sentence.to_owned(),
        urgency: Urgency::Normal,
        variables: variables(&document),
        document: document.to_string(),
    }
}

/// Tells everybody everything. Nobody waits for anybody else, and each is told in order.
pub async fn tell(sinks: &[Arc<dyn Sink>], notices: &[Notice]) -> Vec<Failure> {
    let one = async |sink: &Arc<dyn Sink>| {
        let mut failures = Vec::new();
        for notice in notices {
            if let Err(error) = sink.tell(notice.clone()).await {
                tracing::warn!(sink = sink.name(), %error, "an alert was not told");
                failures.push(Failure {
                    sink: sink.name(),
                    error,
                });
            }
        }
        failures
    };
    join_all(sinks.iter().map(one)).await.into_iter().flatten().collect()
}

fn notice(alert: &Alert, profile: &Profile) -> Notice {
    let document = document(alert, profile);
    Notice {
        title: alert.title(),
        body: alert.sentence(profile),
        urgency: alert.urgency(),
        variables: variables(&document),
        document: document.to_string(),
    }
}

fn summary(when: &str, alerts: &[Alert], profile: &Profile) -> Notice {
    let title = format!("{when}: {}", count(alerts.len(), "alert", "alerts"));
    let lines: Vec<String> = alerts.iter().map(|alert| alert.sentence(profile)).collect();
    let document = json!({
        "network": profile.name,
        "proTxHash": null,
        "name": null,
        "kind": "summary",
        "sentence": title,
        "height": alerts.iter().map(|alert| alert.height).max(),
        "time": alerts.iter().map(|alert| alert.time).max(),
        "alerts": alerts.iter().map(|alert| document(alert, profile)).collect::<Value>(),
    });
    Notice {
        urgency: alerts.iter().map(Alert::urgency).max().unwrap_or(Urgency::Normal),
        body: lines.join("\n"),
        variables: variables(&document),
        document: document.to_string(),
        title,
    }
}

/// An alert as JSON: what every alert has, then what its kind has besides.
pub fn document(alert: &Alert, profile: &Profile) -> Value {
    let mut document = json!({
        "network": profile.name,
        "proTxHash": alert.of.as_ref().map(|of| of.pro_tx_hash.to_string()),
        "name": alert.name(),
        "kind": alert.kind().name(),
        "sentence": alert.sentence(profile),
        "height": alert.height,
        "time": alert.time,
        "own": alert.own,
    });
    if let (Some(all), Value::Object(more)) = (document.as_object_mut(), details(&alert.what)) {
        all.extend(more);
    }
    document
}

fn details(what: &What) -> Value {
    // Changes have `from` and `to`; names are Dash Core's where it has one.
    match what {
        What::ScoreRose { from, to, max, dkg } => json!({
            "event": "score-rose",
            "from": from,
            "to": to,
            "poseMax": max,
            "quorumType": dkg.as_ref().map(|dkg| &dkg.kind),
            "quorumHash": dkg.as_ref().map(|dkg| &dkg.quorum),
            "quorumHeight": dkg.as_ref().map(|dkg| dkg.height),
        }),
        What::DangerLine {
            into,
            penalty,
            line,
            blocks_to_safe,
        } => json!({
            "event": if *into { "danger" } else { "out-of-danger" },
            "posePenalty": penalty,
            "poseDangerLine": line,
            "poseBlocksToSafe": blocks_to_safe,
        }),
        What::Paid { block, amount } => json!({ "event": "paid", "block": block, "duffs": amount }),
        What::Removed { collateral, spent } => json!({
            "event": "removed",
            "collateralHash": collateral.txid.to_string(),
            "collateralIndex": collateral.vout,
            "collateralSpent": spent,
        }),
        other => serde_json::to_value(other).unwrap_or(Value::Null),
    }
}

/// What a shell script reads without a JSON parser.
fn variables(document: &Value) -> Vec<(&'static str, String)> {
    let text = |key: &str| match &document[key] {
        Value::Null => String::new(),
        Value::String(text) => text.replace(['\r', '\n'], " "),
        other => other.to_string(),
    };
    vec![
        ("KIND", text("kind")),
        ("NETWORK", text("network")),
        ("PROTXHASH", text("proTxHash")),
        ("NAME", text("name")),
        ("SENTENCE", text("sentence")),
        ("HEIGHT", text("height")),
        ("TIME", text("time")),
    ]
}
