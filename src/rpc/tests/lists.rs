//! The two ways to read a list: the quick one may leave a list to the careful one, and must never read another one out of it.

use serde_json::{Value, json};

use super::{LEGACY, MODERN, Recording, WEI, profile};
use crate::rpc::types::{carefully, quickly};

fn recorded(text: &str) -> Value {
    Recording::new(text).result("protx", json!(["list", "registered", true]))
}

#[test]
fn recorded_lists_are_read_quickly_and_alike() {
    for (text, network) in [(MODERN, "dash-regtest"), (LEGACY, "dash-regtest"), (WEI, "wei-regtest")] {
        let profile = profile(network);
        let list = recorded(text).to_string();
        let entries = quickly(&list, &profile).expect("an ordinary list");
        assert!(entries.len() > 6);
        assert_eq!(Ok(entries), carefully(&list, &profile));
        assert_eq!(quickly("[]", &profile), Some(Vec::new()));
    }
}

/// Every place of a value, as a pointer.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| places(value, &format!("{at}/{key}"), all)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, value)| places(value, &format!("{at}/{index}"), all)),
        _ => {}
    }
}

#[test]
fn whatever_a_field_is_both_ways_agree_or_the_quick_one_gives_up() {
    let texts = [
        "null",
        "true",
        "-1",
        "0",
        "1",
        "2",
        "5.25",
        "1e1",
        "1E+1",
        "1.0",
        "-0",
        "-2",
        "65535",
        "65536",
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "1e400",
        "\"\"",
        "\"5.25\"",
        "\"Evo\"",
        "\"HighPerformance\"",
        "\"Regular\"",
        "\"\\u0045vo\"",
        "[]",
        "{}",
        "[1]",
        "[[]]",
        "\" 1.2.3.4:5\"",
        "\"[::]:0\"",
        "\"yMrZZK9pRnBcKYdHvP9KBasTSbLquoybrq\"",
        "\" yMrZZK9pRnBcKYdHvP9KBasTSbLquoybrq\"",
        "\"8kY3LhoAQBnXTnP7XWcYKkH2fZ9AbrBgDo\"",
        "{\"core_p2p\":[\"1.2.3.4:5\",7]}",
        "{\"core_p2p\":[\"1.2.3.4:5\",\"[::1]:6\"]}",
        "{\"core_p2p\":[]}",
        "{\"core_p2p\":null}",
    ]
    .map(str::to_owned);
    let hex = [19, 20, 32, 33, 48].map(|bytes| format!("\"{}\"", "aB".repeat(bytes)));
    let zeros = [20, 32, 48].map(|bytes| format!("\"{}\"", "00".repeat(bytes)));
    let spaced = [format!("\" {}\"", "ab".repeat(48)), format!("\"{}g\"", "a".repeat(95))];
    let values: Vec<String> = texts.into_iter().chain(hex).chain(zeros).chain(spaced).collect();
    let (mut same, mut given_up) = (0, 0);
    for (text, network) in [(MODERN, "dash-regtest"), (WEI, "wei-regtest")] {
        let profile = profile(network);
        let list = recorded(text);
        // An evonode where there is one, with an operator's payout.
        let entries = list.as_array().unwrap();
        let richest = entries.iter().max_by_key(|entry| entry.to_string().len()).unwrap();
        let mut all = Vec::new();
        places(richest, "", &mut all);
        for place in all {
            for value in &values {
                const HOLE: &str = "\"here it goes\"";
                let mut holed = json!([richest]);
                *holed[0].pointer_mut(&place).unwrap() = json!("here it goes");
                let list = holed.to_string().replace(HOLE, value);
                match quickly(&list, &profile) {
                    Some(entries) => {
                        assert_eq!(Ok(entries), carefully(&list, &profile), "{place} {value}");
                        same += 1;
                    }
                    None => given_up += 1,
                }
            }
        }
    }
    assert!(same > 500 && given_up > 500, "{same} {given_up}");
}

#[test]
fn fields_told_twice_missing_or_unknown_are_taken_alike() {
    let profile = profile("dash-regtest");
    let one = recorded(MODERN)[0].to_string();
    let body = one.strip_prefix('{').unwrap();
    for list in [
        format!("[{{\"type\":\"Evo\",{body}]"),
        format!("[{{\"state\":5,{body}]"),
        format!("[{{\"proTxHash\":null,{body}]"),
        format!("[{{\"new\":{{\"deep\":[1,{{}}]}},{body}]"),
        format!("[{},\"confirmations\":null}}]", one.strip_suffix('}').unwrap()),
        format!("[{},\"state\":null}}]", one.strip_suffix('}').unwrap()),
        format!("[{one},]"),
        format!("[{one}] 5"),
        format!("[{one}"),
        format!("[{one},{one}]"),
        format!(" [ {one} ] "),
        one.clone(),
    ] {
        if let Some(entries) = quickly(&list, &profile) {
            assert_eq!(Ok(entries), carefully(&list, &profile), "{list}");
        }
    }
    let twice = format!("[{one},{one}]");
    assert_eq!(quickly(&twice, &profile), None);
}
