//! From the first page to the device and back.

use super::bench::{Bench, collateral};
use castellan::hw::fake::{Outcome, Request};
use castellan::store::journal::State;

/// Fills in everything and goes on to the review.
fn at_review(network: &str) -> Bench {
    let mut bench = Bench::new(network);
    bench.pass_collateral();
    bench.pass_service();
    bench.next();
    bench.click("Use an address of the device");
    bench.next();
    assert!(bench.click("Review"), "{:#?}", bench.texts());
    bench
}

#[test]
fn the_review_shows_every_field_and_the_hash_of_the_device() {
    for network in ["dash-regtest", "wei-regtest"] {
        let bench = at_review(network);
        let port = bench.profile().p2p_port;
        for words in [
            &collateral().to_string(),
            &format!("45.76.230.240:{port}"),
            "mn1-owner, in the vault",
            "mn1-operator, in the vault",
            "mn1-voting, in the vault",
            "Every rule that can be checked before signing holds.",
            "becomes the ProTxHash",
            "once signed",
        ] {
            bench.expect(words);
        }
    }
}

#[test]
fn going_back_from_the_review_makes_no_second_set_of_keys() {
    let mut bench = at_review("dash-regtest");
    let before = bench.ports.vault().unwrap().list().len();
    bench.click("Back");
    bench.expect("That is enough for the registration.");
    assert!(bench.click("Review"));
    bench.expect("mn1-owner, in the vault");
    assert_eq!(bench.ports.vault().unwrap().list().len(), before);
}

#[test]
fn declining_on_the_device_is_calm_and_can_be_tried_again() {
    let mut bench = at_review("dash-regtest");
    bench.device.then(Outcome::Decline);
    assert!(bench.click("Sign on the device"));
    bench.expect("You declined on the device. Nothing was signed and nothing was sent");
    assert_eq!(bench.ports.journal.list().unwrap()[0].state(), State::Failed);
    bench.device.then(Outcome::Wait);
    assert!(bench.click("Try again"));
    bench.expect("Look at the Ledger");
    let asked = bench.device.requests();
    let signatures = asked.iter().filter(|request| matches!(request, Request::SignMessage(..))).count();
    assert_eq!(signatures, 2);
}

#[test]
fn the_hash_on_screen_is_the_one_of_the_text_the_device_was_given() {
    let mut bench = at_review("dash-regtest");
    bench.device.then(Outcome::Wait);
    bench.click("Sign on the device");
    let asked = bench.device.requests();
    let Some(Request::SignMessage(_, text)) = asked.last() else { panic!("{asked:?}") };
    let hash = castellan::flow::register::device_hash(std::str::from_utf8(text).unwrap());
    let first: Vec<&str> = [0, 4, 8, 12].map(|at| &hash[at..at + 4]).to_vec();
    bench.expect(&first.join(" "));
}

#[test]
fn cancelling_before_anything_is_sent_returns_to_the_review() {
    let mut bench = at_review("dash-regtest");
    bench.device.then(Outcome::Wait);
    bench.click("Sign on the device");
    assert!(bench.click("Cancel"));
    bench.expect("Every rule that can be checked before signing holds.");
    assert_eq!(bench.ports.journal.list().unwrap()[0].state(), State::Cancelled);
}

#[test]
fn once_it_is_sent_it_cannot_be_cancelled_and_the_txid_is_on_screen() {
    let mut bench = at_review("dash-regtest");
    assert!(bench.click("Sign on the device"));
    bench.expect("Transaction");
    assert!(!bench.click("Cancel"));
    assert!(!bench.closed);
}

#[test]
fn escape_leads_back_step_by_step_and_out() {
    let mut bench = Bench::new("dash-regtest");
    bench.pass_collateral();
    bench.send(castellan::ui::screen::register::Message::Back);
    bench.expect("Search the device");
    bench.send(castellan::ui::screen::register::Message::Back);
    assert!(bench.closed);
}
