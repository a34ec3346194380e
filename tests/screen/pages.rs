//! From the first page to the device and back.

use super::bench::{Bench, Meanwhile, collateral};
use castellan::hw::fake::{Outcome, Request};
use castellan::store::journal::State;
use castellan::ui::screen::register::Message;

/// Fills in everything and goes on to the review.
fn at_review(network: &str) -> Bench {
    reviewed(Bench::new(network))
}

fn reviewed(mut bench: Bench) -> Bench {
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
            "at most 470 bytes once signed",
            "once signed",
        ] {
            bench.expect(words);
        }
    }
}

fn keys(bench: &Bench) -> Vec<String> {
    let mut labels: Vec<String> = bench
        .ports
        .vault()
        .unwrap()
        .list()
        .into_iter()
        .map(|key| key.label)
        .collect();
    labels.sort();
    labels
}

const MADE: [&str; 4] = ["mn1-operator", "mn1-owner", "mn1-voting", "pay"];

#[test]
fn keys_made_for_a_review_are_taken_back_when_it_is_left() {
    let mut bench = at_review("dash-regtest");
    assert_eq!(keys(&bench), MADE);
    bench.click("Back");
    bench.expect("That is enough for the registration.");
    assert_eq!(keys(&bench), ["pay"]);
    assert!(bench.click("Review"));
    assert_eq!(keys(&bench), MADE);
    bench.click("Cancel");
    assert!(bench.closed);
    assert_eq!(keys(&bench), ["pay"]);
}

#[test]
fn keys_of_a_plan_the_device_was_asked_about_stay_and_are_used_again() {
    let mut bench = at_review("dash-regtest");
    bench.device.then(Outcome::Decline);
    bench.click("Sign on the device");
    bench.click("Back");
    bench.click("Back");
    assert_eq!(keys(&bench), MADE);
    assert!(bench.click("Review"));
    bench.expect("mn1-owner, in the vault");
    assert_eq!(keys(&bench), MADE);
}

#[test]
fn declining_on_the_device_is_calm_and_can_be_tried_again() {
    let mut bench = at_review("dash-regtest");
    bench.device.then(Outcome::Decline);
    assert!(bench.click("Sign on the device"));
    bench.expect("You declined on the device. Nothing was signed and nothing was sent");
    assert_eq!(bench.ports.journal.list().unwrap()[0].state(), State::Planned);
    bench.device.then(Outcome::Wait);
    assert!(bench.click("Try again"));
    bench.expect("Look at the Ledger");
    let asked = bench.device.requests();
    let signatures = asked
        .iter()
        .filter(|request| matches!(request, Request::SignMessage(..)))
        .count();
    assert_eq!(signatures, 2);
    assert_eq!(
        bench.ports.journal.list().unwrap().len(),
        1,
        "the same operation goes on"
    );
}

#[test]
fn going_back_after_declining_gives_the_operation_up() {
    let mut bench = at_review("dash-regtest");
    bench.device.then(Outcome::Decline);
    bench.click("Sign on the device");
    bench.expect("You declined on the device.");
    assert!(bench.click("Back"));
    bench.expect("Every rule that can be checked before signing holds.");
    assert_eq!(bench.ports.journal.list().unwrap()[0].state(), State::Cancelled);
}

#[test]
fn the_hash_on_screen_is_the_one_of_the_text_the_device_was_given() {
    let mut bench = at_review("dash-regtest");
    bench.device.then(Outcome::Wait);
    bench.click("Sign on the device");
    let asked = bench.device.requests();
    let Some(Request::SignMessage(_, text)) = asked.last() else {
        panic!("{asked:?}")
    };
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
    bench.send(Message::Back);
    bench.expect("Search the device");
    bench.send(Message::Back);
    assert!(bench.closed);
}

#[test]
fn enter_in_a_field_goes_on_and_only_when_it_is_right() {
    let mut bench = Bench::new("dash-regtest");
    bench.pass_collateral();
    bench.fill("service", "45.76.230.240:9999");
    bench.enter("service");
    bench.expect("Port 9999 is refused");
    bench.fill("service", "45.76.230.240");
    bench.enter("service");
    bench.expect("Owner key");
}

#[test]
fn a_broken_rule_stops_the_review_says_how_to_mend_it_and_leads_there() {
    let mut bench = reviewed(Bench::meanwhile("dash-regtest", Meanwhile::Unconfirmed));
    bench.expect("is not confirmed yet: wait for the next block.");
    bench.expect("bad-protx-collateral");
    assert!(!bench.click("Sign on the device"));
    assert!(bench.click("Go to Collateral"));
    bench.expect("Search the device");
}

#[test]
fn a_plan_that_cannot_be_made_says_why_and_leads_to_the_step() {
    let mut bench = reviewed(Bench::meanwhile("dash-regtest", Meanwhile::Spent));
    bench.expect("is spent or does not exist.");
    bench.expect("Nothing was signed and nothing was sent.");
    assert!(bench.click("Go to Collateral"));
    bench.expect("Search the device");
}

#[test]
fn without_a_device_nothing_can_be_searched_or_signed() {
    let mut bench = at_review("dash-regtest");
    let device = bench.ports.device.take();
    let ports = bench.ports.clone();
    bench.wizard.ports_changed(&ports);
    bench.expect("No device is connected.");
    assert!(!bench.click("Sign on the device"));
    bench.ports.device = device;
    let ports = bench.ports.clone();
    bench.wizard.ports_changed(&ports);
    assert!(!bench.sees("No device is connected."));
}

#[test]
fn an_amount_below_the_need_is_refused_before_a_payment_is_made() {
    let mut bench = Bench::new("dash-regtest");
    bench.pass_collateral();
    bench.pass_service();
    bench.next();
    bench.click("Use an address of the device");
    bench.next();
    bench.click("Make a fee key");
    bench.expect("Not enough. Send at least");
    bench.click("Fund from the device");
    bench.fill("fund-amount", "0.00000001");
    bench.expect("At least 0.00001016 is needed.");
    assert!(!bench.click("Prepare the payment"));
    bench.send(Message::Back);
    bench.expect("Not enough. Send at least");
}
