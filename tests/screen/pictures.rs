//! Pictures of every step, to be looked at by a person:
//! `CASTELLAN_PICTURES=/tmp/pictures cargo test --test screen picture -- --ignored`

use super::bench::{Bench, foreign};
use castellan::hw::fake::Outcome;
use castellan::protocol::bls::Scheme;

#[test]
#[ignore = "writes pictures into the folder CASTELLAN_PICTURES names"]
fn every_step_as_a_picture() {
    let mut bench = Bench::new("dash-regtest");
    bench.picture("1-collateral-empty");
    bench.click("Type the output");
    bench.fill("outpoint", &foreign().to_string());
    bench.picture("1-collateral-foreign");
    bench.click("Find it on the device");
    bench.click("Search the device");
    bench.picture("1-collateral");
    bench.click("Next");
    bench.picture("2-service-empty");
    bench.fill("service", "10.0.0.7:9999");
    bench.picture("2-service-wrong");
    bench.fill("service", "45.76.230.240");
    bench.picture("2-service");
    bench.click("Next");
    bench.picture("4-keys");
    bench.click("A hosting provider's public key");
    bench.fill("operator-public-key", &super::fields::ambiguous());
    bench.picture("4-keys-ambiguous");
    bench.fill(
        "operator-public-key",
        &super::bench::listed_operator().to_hex(Scheme::Basic),
    );
    bench.click("A new operator key");
    bench.click("Next");
    bench.picture("5-payout-empty");
    bench.fill("payout", "nonsense");
    bench.fill("reward", "101");
    bench.picture("5-payout-wrong");
    bench.fill("reward", "0");
    bench.click("Use an address of the device");
    bench.picture("5-payout");
    bench.click("Next");
    bench.picture("6-fee");
    bench.click("Make a fee key");
    bench.picture("6-fee-short");
    bench.click("Fund from the device");
    bench.picture("6-fee-amount");
    bench.click("Not now");
    bench.click("pay");
    bench.click("Review");
    bench.picture("7-review");
    bench.tall_picture("7-review-whole");
    bench.device.then(Outcome::Decline);
    bench.click("Sign on the device");
    bench.picture("8-declined");
    bench.device.then(Outcome::Wait);
    bench.click("Try again");
    bench.picture("8-confirm");
    bench.click("Cancel");
    bench.click("Sign on the device");
    bench.picture("8-sent");
}

#[test]
#[ignore = "writes pictures into the folder CASTELLAN_PICTURES names"]
fn the_platform_step_as_a_picture() {
    let mut bench = Bench::evo("dash-regtest");
    bench.click("Evonode");
    bench.pass_collateral();
    bench.pass_service();
    bench.click("Make a Platform key");
    bench.picture("3-platform");
    bench.click("Paste a node id");
    bench.fill("node-id", "abc");
    bench.picture("3-platform-wrong");
}
