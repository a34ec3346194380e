//! Every error appears where it is typed, and the step cannot be left with it.

use super::bench::{Bench, collateral, foreign, listed_operator, small};
use castellan::protocol::bls::{PublicKey, Readings, Scheme, SecretKey};
use castellan::protocol::{Address, network};
use castellan::store::Kind;

fn at_service(network: &str) -> Bench {
    let mut bench = Bench::new(network);
    bench.pass_collateral();
    bench
}

fn at_keys(network: &str) -> Bench {
    let mut bench = at_service(network);
    bench.pass_service();
    bench
}

fn at_payout(network: &str) -> Bench {
    let mut bench = at_keys(network);
    bench.next();
    bench
}

#[test]
fn nothing_is_scolded_before_it_is_typed() {
    let mut bench = Bench::new("dash-regtest");
    assert!(!bench.click("Next"));
    bench.pass_collateral();
    assert!(!bench.sees("missing"));
    assert!(!bench.click("Next"));
}

#[test]
fn a_text_that_is_no_outpoint_is_refused_where_it_is_typed() {
    let mut bench = Bench::new("dash-regtest");
    bench.click("Type the output");
    bench.fill("outpoint", "abcd:0");
    bench.refuses("An output is written as TXID:N");
}

#[test]
fn a_collateral_of_another_key_is_refused() {
    let mut bench = Bench::new("dash-regtest");
    bench.click("Type the output");
    bench.fill("outpoint", &foreign().to_string());
    bench.refuses("belongs to no key of the device's first accounts");
    bench.fill("collateral-path", "m/44'/1'/0'/0/0");
    bench.refuses("not to the device key at m/44'/1'/0'/0/0");
}

#[test]
fn an_output_of_another_amount_is_refused() {
    let mut bench = Bench::new("dash-regtest");
    bench.click("Type the output");
    bench.fill("outpoint", &small().to_string());
    bench.refuses("The output holds 5 rDASH; the collateral must be exactly 1000 rDASH.");
}

#[test]
fn a_path_the_device_must_not_be_asked_for_is_refused() {
    let mut bench = Bench::new("dash-regtest");
    bench.click("Type the output");
    bench.fill("outpoint", &collateral().to_string());
    bench.fill("collateral-path", "m/45341'/0");
    bench.refuses("BitID");
}

#[test]
fn a_typed_collateral_of_the_device_is_taken_and_its_path_found() {
    let mut bench = Bench::new("wei-regtest");
    bench.click("Type the output");
    bench.fill("outpoint", &collateral().to_string().replace(':', "-"));
    bench.expect("m/44'/1'/0'/0/0");
    bench.next();
}

#[test]
fn a_private_address_is_refused_on_mainnet() {
    let mut bench = at_service("dash");
    bench.fill("service", "192.168.1.7:9999");
    bench.refuses("192.168.1.7 is a private or reserved address that other nodes cannot reach.");
}

#[test]
fn a_wrong_port_is_refused() {
    let mut bench = at_service("dash");
    bench.fill("service", "45.76.230.240:19999");
    bench.refuses("Port 19999 is refused: on dash it must be 9999.");
    let mut bench = at_service("dash-regtest");
    bench.fill("service", "45.76.230.240:9999");
    bench.refuses("Port 9999 is refused: it belongs to the main network.");
}

#[test]
fn an_address_another_masternode_uses_is_refused() {
    let mut bench = at_service("dash-regtest");
    let service = format!("45.76.230.239:{}", bench.profile().p2p_port);
    bench.fill("service", &service);
    bench.refuses("No other masternode may use 45.76.230.239");
}

#[test]
fn no_address_at_all_is_a_choice() {
    let mut bench = at_service("dash-regtest");
    bench.click("Register without an address for now");
    bench.next();
}

/// A public key whose bytes are a key in both encodings, as the node of the scheme prints it.
pub fn ambiguous() -> String {
    (1..=255u8)
        .map(|n| SecretKey::from_bytes(&[n % 0x70; 32]).map(|key| key.public_key().encode(Scheme::Basic)))
        .filter_map(Result::ok)
        .find(|bytes| matches!(PublicKey::readings(bytes), Readings::Both { .. }))
        .map(|bytes| castellan::protocol::wire::to_hex(&bytes))
        .unwrap()
}

#[test]
fn an_ambiguous_operator_key_is_asked_about_and_never_guessed() {
    let mut bench = at_keys("dash-regtest");
    bench.click("A hosting provider's public key");
    bench.fill("operator-public-key", &ambiguous());
    bench.refuses("This key can be read in two ways");
    bench.click("It is in the basic encoding");
    bench.next();
}

#[test]
fn a_key_that_is_one_in_one_encoding_only_says_which() {
    let mut bench = at_keys("dash-regtest");
    let key = (1..0x70u8)
        .map(|n| {
            SecretKey::from_bytes(&[n; 32])
                .unwrap()
                .public_key()
                .encode(Scheme::Legacy)
        })
        .find(|bytes| {
            matches!(
                PublicKey::readings(bytes),
                Readings::One {
                    scheme: Scheme::Legacy,
                    ..
                }
            )
        })
        .unwrap();
    bench.click("A hosting provider's public key");
    bench.fill("operator-public-key", &castellan::protocol::wire::to_hex(&key));
    bench.expect("Read in the legacy encoding");
    bench.fill("operator-public-key", "zz");
    bench.refuses("96 hexadecimal digits");
    bench.fill("operator-public-key", &"f".repeat(96));
    bench.refuses("no operator's public key in either encoding");
}

#[test]
fn an_operator_key_of_a_listed_masternode_is_refused_in_either_encoding() {
    for scheme in [Scheme::Basic, Scheme::Legacy] {
        let mut bench = at_keys("dash-regtest");
        bench.click("A hosting provider's public key");
        bench.fill("operator-public-key", &listed_operator().to_hex(scheme));
        if bench.sees("This key can be read in two ways") {
            bench.click(&format!("It is in the {scheme} encoding"));
        }
        bench.refuses("the operator key of the masternode");
    }
}

#[test]
fn a_voting_address_of_another_network_or_of_a_script_is_refused() {
    let mut bench = at_keys("dash-regtest");
    bench.click("Somebody else's address");
    let dash = network::builtin("dash").unwrap();
    bench.fill("voting-address", &Address::PubkeyHash([7; 20]).to_text(&dash));
    bench.refuses("is an address of another network");
    let script = Address::ScriptHash([7; 20]).to_text(bench.profile());
    bench.fill("voting-address", &script);
    bench.refuses("pays to a script");
}

#[test]
fn a_payout_address_of_another_network_is_refused() {
    let mut bench = at_payout("dash-regtest");
    let wei = network::builtin("wei").unwrap();
    bench.fill("payout", &Address::PubkeyHash([7; 20]).to_text(&wei));
    bench.refuses("is an address of another network");
}

#[test]
fn a_payout_address_with_a_wrong_checksum_is_refused() {
    let mut bench = at_payout("dash-regtest");
    let mut text = bench.stranger();
    let last = text.pop().unwrap();
    text.push(if last == 'x' { 'y' } else { 'x' });
    bench.fill("payout", &text);
    bench.refuses("its checksum does not match");
}

#[test]
fn a_payout_to_the_owner_or_voting_key_is_refused() {
    let mut bench = Bench::with("dash-regtest", |vault| {
        let profile = network::builtin("dash-regtest").unwrap();
        vault.generate(Kind::Owner, "mine", &profile, 0).unwrap();
    });
    let owner = bench
        .ports
        .vault()
        .unwrap()
        .info("mine")
        .unwrap()
        .address()
        .unwrap()
        .to_owned();
    bench.pass_collateral();
    bench.pass_service();
    bench.click("mine");
    bench.click("Somebody else's address");
    let voter = bench.stranger();
    bench.fill("voting-address", &voter);
    bench.next();
    bench.fill("payout", &owner);
    bench.refuses("The payout address may not be the owner key's address");
    bench.fill("payout", &voter);
    bench.refuses("The payout address may not be the voting key's address");
}

#[test]
fn a_reward_above_all_is_refused_where_it_is_typed() {
    let mut bench = at_payout("dash-regtest");
    let stranger = bench.stranger();
    bench.fill("payout", &stranger);
    bench.fill("reward", "100.01");
    bench.refuses("The operator reward cannot be more than 100 %.");
    bench.fill("reward", "12.345");
    bench.refuses("The operator reward has at most two decimals.");
    bench.fill("reward", "100");
    bench.next();
}

#[test]
fn an_output_for_the_other_type_is_no_collateral() {
    let mut bench = Bench::new("dash-regtest");
    bench.click("Evonode");
    bench.click("Search the device");
    bench.expect("No output of exactly 4000 rDASH was found");
    assert!(!bench.click("Next"));
}

#[test]
fn an_evonodes_ports_and_node_id_are_checked() {
    let mut bench = Bench::evo("dash-regtest");
    bench.click("Evonode");
    bench.pass_collateral();
    bench.pass_service();
    assert!(!bench.click("Next"));
    bench.click("Paste a node id");
    bench.fill("node-id", "abc");
    bench.refuses("A Platform node id has 40 hexadecimal digits.");
    bench.fill("node-id", &"00".repeat(20));
    bench.refuses("An evonode needs a Platform node id.");
    bench.fill("node-id", &"ab".repeat(20));
    bench.fill("p2p-port", "0");
    bench.refuses("A port is a number from 1 to 65535.");
    let port = bench.profile().p2p_port.to_string();
    bench.fill("p2p-port", &port);
    bench.refuses("The three ports of an evonode must be different.");
    bench.fill("p2p-port", "9999");
    bench.refuses("Platform's P2P port 9999");
    bench.fill("p2p-port", "26656");
    bench.next();
}

#[test]
fn networks_without_evonodes_do_not_offer_them() {
    assert!(!Bench::new("wei-regtest").sees("Evonode"));
    assert!(Bench::new("dash-regtest").sees("Evonode"));
}
