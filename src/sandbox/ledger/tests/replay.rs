//! The recordings of the real app (tests/data/ledger), in their order over one connection.
//!
//! Exceptions, the only two: bytes 2..4 (nonce) and the last 8 (MAC) of a trusted input are random on every device; the recorded ones are
//! exchanged for this device's own where a later command carries them.

use std::collections::HashMap;

use serde::Deserialize;

use super::super::{Answered, Panel};
use super::host::{Host, question, start};
use crate::protocol::wire::to_hex;

#[derive(Deserialize)]
struct Recordings {
    exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
struct Exchange {
    what: String,
    emulator_mode: String,
    apdu_hex: String,
    response_hex: String,
    status: String,
    #[serde(default)]
    screen: Vec<String>,
}

/// Recorded trusted inputs and what this device made instead.
#[derive(Default)]
struct TrustedInputs(HashMap<String, String>);

impl TrustedInputs {
    fn exchanged(&self, apdu: &str) -> String {
        self.0
            .iter()
            .fold(apdu.to_owned(), |apdu, (theirs, ours)| apdu.replace(theirs, ours))
    }

    /// True if both are trusted inputs that differ in nonce and MAC only.
    fn learn(&mut self, theirs: &str, ours: &str) -> bool {
        let shape = |hex: &str| (hex.len() == 112 && hex.starts_with("3200")).then(|| hex[8..96].to_owned());
        let same = shape(theirs).is_some() && shape(theirs) == shape(ours);
        if same {
            self.0.insert(theirs.to_owned(), ours.to_owned());
        }
        same
    }
}

#[tokio::test]
async fn every_recorded_exchange_of_the_real_app_is_answered_the_same() {
    let text = include_str!("../../../../tests/data/ledger/ledger.json");
    let recordings: Recordings = serde_json::from_str(text).unwrap();
    assert_eq!(recordings.exchanges.len(), 123);
    let (ledger, panel) = start(false);
    let (mode, wanted) = tokio::sync::watch::channel(true);
    let user = tokio::spawn(press_buttons(panel.clone(), wanted));
    let mut host = Host::connect(ledger.address()).await;
    let mut trusted = TrustedInputs::default();
    for recorded in &recordings.exchanges {
        mode.send_replace(recorded.emulator_mode == "approve");
        let before = panel.answered().len();
        let reply = host.hex(&trusted.exchanged(&recorded.apdu_hex)).await;
        let (data, status) = reply.unwrap_or_else(|| panic!("{}: the app closed", recorded.what));
        let data = to_hex(&data);
        assert_eq!(format!("{status:04x}"), recorded.status, "{}", recorded.what);
        if !trusted.learn(&recorded.response_hex, &data) {
            assert_eq!(data, recorded.response_hex, "{}", recorded.what);
        }
        let shown: String = panel.answered()[before..].iter().map(shown_text).collect();
        assert_eq!(shown, recorded_text(&recorded.screen), "{}", recorded.what);
    }
    assert_eq!(trusted.0.len(), 6);
    user.abort();
}

async fn press_buttons(panel: Panel, approve: tokio::sync::watch::Receiver<bool>) {
    loop {
        question(&panel).await;
        let pressed = if *approve.borrow() {
            panel.approve()
        } else {
            panel.reject()
        };
        assert!(pressed);
    }
}

/// Everything a user scrolls past, without the white space at which the device breaks lines.
fn shown_text(answered: &Answered) -> String {
    let mut pages = answered.prompt.pages.concat();
    pages.push_str(answered.prompt.approve);
    if !answered.approved {
        pages.push_str(answered.prompt.reject);
    }
    pages.replace(' ', "")
}

/// The recorded lines joined; a title repeated for its second part counts once.
fn recorded_text(lines: &[String]) -> String {
    let first_parts = lines.iter().filter(|line| !line.ends_with("(2/2)"));
    let text: String = first_parts.map(|line| line.replace("(1/2)", "")).collect();
    text.replace(' ', "")
}
