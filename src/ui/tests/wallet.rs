//! The wallet page on the sandbox: its node, its devices and its chain answer on loopback.

use super::live::Live;
use super::support::{Fixture, ready_device};
use crate::flow::wallet::{Account, CoinState, WalletCoin, accounts, default_accounts, labels};
use crate::hw::{DeviceError, Kind};
use crate::protocol::network::MnType;
use crate::protocol::{Address, Amount, OutPoint};
use crate::rpc::FoundTx;
use crate::store::Item;
use crate::store::journal::State;
use crate::ui::screen::devices::Seen;
use crate::ui::{Message, Page, wallet};

pub const NETWORK: &str = "dash-regtest";

/// The accounts as the flow reads them, past the page.
pub fn read(live: &mut Live) -> Vec<Account> {
    let ports = live.ports();
    live.fixture.wait(async move {
        let labels = labels(&ports).unwrap();
        let paths = default_accounts(&ports);
        accounts(&ports, &labels, &paths, 0).await.unwrap()
    })
}

fn coin(live: &mut Live, fits: impl Fn(&WalletCoin) -> bool) -> WalletCoin {
    let coins = read(live).remove(0).coins;
    coins.into_iter().find(|coin| fits(coin)).expect("such a coin")
}

pub fn transaction(live: &mut Live, txid: crate::protocol::Txid) -> FoundTx {
    let node = live.ports().node;
    live.fixture
        .wait(async move { node.transaction(txid).await.unwrap().unwrap() })
}

pub fn stranger(live: &mut Live) -> (Address, String) {
    let address = Address::PubkeyHash([0x33; 20]);
    let text = address.to_text(&live.ports().profile);
    (address, text)
}

fn tick(live: &mut Live, outpoint: OutPoint) {
    assert!(live.click_id(format!("coin-{outpoint}")), "{outpoint} cannot be ticked");
}

/// The txid of the last payment in the journal, which is in a block.
pub fn sent(live: &mut Live) -> crate::protocol::Txid {
    let ports = live.ports();
    let operation = ports.journal.list().unwrap().remove(0);
    assert_eq!(operation.state(), State::Mined);
    operation.finished().unwrap().0
}

#[test]
fn without_a_device_the_page_says_what_to_do() {
    let mut fixture = Fixture::connected();
    fixture.click("Wallet");
    fixture.device(Seen::Missing(DeviceError::NotConnected { kind: Kind::Ledger }));
    fixture.assert_shows(&[
        "The wallet is on the device",
        "No Ledger is connected.",
        "Connect a Ledger or Trezor",
    ]);
    assert!(fixture.is_disabled("Send") && fixture.is_disabled("Receive"));
    fixture.device(Seen::Open {
        kind: Kind::Ledger,
        place: "usb".to_owned(),
        info: Err(DeviceError::Locked { kind: Kind::Ledger }),
    });
    fixture.assert_shows(&["Enter the PIN on the device."]);
    assert_eq!(fixture.click("Show the device"), 1);
    assert!(matches!(fixture.app.screen, crate::ui::Screen::Devices(_)));
}

#[test]
fn a_search_can_be_stopped_and_begun_again() {
    let mut fixture = Fixture::connected();
    fixture.device(ready_device());
    fixture.send(Message::Go(Page::Wallet));
    // A Ledger asks before it tells keys of a test network; nothing is read that nobody pressed for.
    fixture.assert_shows(&["approve each one"]);
    fixture.begin("Read the accounts");
    fixture.assert_shows(&["Reading 3 accounts of the device"]);
    assert_eq!(fixture.click("Stop"), 1);
    fixture.assert_shows(&["The accounts are not read yet"]);
    fixture.begin("Read the accounts");
    fixture.assert_shows(&["Reading 3 accounts of the device"]);
}

#[test]
fn a_search_that_fails_says_why_and_can_be_tried_again() {
    let mut fixture = Fixture::connected();
    fixture.device(ready_device());
    fixture.send(Message::Go(Page::Wallet));
    fixture.begin("Read the accounts");
    let error = crate::flow::Error::Node(crate::rpc::RpcError::NoCoinSearch);
    fixture.send(Message::Wallet(wallet::Message::Read(1, Err(error))));
    fixture.assert_shows(&["cannot search coins", "Read the accounts"]);
}

#[test]
fn balances_tell_rewards_and_collaterals_apart() {
    let mut live = Live::in_wallet(NETWORK, Kind::Ledger);
    for words in [
        "Account 0",
        "Account 1",
        "Account 2",
        "Available",
        "Immature rewards",
        "Locked",
    ] {
        live.expect(words);
    }
    let sums = read(&mut live)[0].balances();
    live.expect(&format!("{} ", sums.ready.short()));
    live.expect("blocks left");
    let immature = coin(&mut live, |coin| matches!(coin.state, CoinState::Immature { .. })).outpoint();
    assert!(
        !live.click_id(format!("coin-{immature}")),
        "an immature coin can be ticked"
    );
}

#[test]
fn an_account_without_coins_says_what_to_do_next() {
    let mut live = Live::in_wallet(NETWORK, Kind::Ledger);
    live.click("Account 2");
    live.expect("No coins here");
    live.expect("This account holds nothing");
    assert!(live.click("Look further"));
    live.wait_for("Account 5");
}

#[test]
fn the_code_of_an_address_comes_after_the_device_showed_it() {
    let mut live = Live::in_wallet(NETWORK, Kind::Ledger);
    live.click("Receive");
    let (_, key) = read(&mut live)[0].next_receive.clone();
    let address = key.address().to_text(&live.ports().profile);
    live.expect("The device shows it first");
    live.expect_not(&address);
    live.click("Show on the device");
    live.wait_for("Compare every letter");
    live.expect_not("Its key is the one derived here");
    live.answer_until("The device showed this address");
    live.expect(&address);
    assert!(live.click("Copy"));
    live.click("Done");
    live.expect("Available");
}

#[test]
fn an_address_declined_on_the_device_is_not_given_away() {
    let mut live = Live::in_wallet(NETWORK, Kind::Ledger);
    live.click("Receive");
    live.click("Show on the device");
    live.wait_for("Compare every letter");
    live.answer(false);
    live.wait_for("You declined on the device.");
    live.expect_not("The device showed this address");
    assert!(live.click("Show on the device"));
    live.answer_until("The device showed this address");
}

#[test]
fn a_label_is_written_in_place_and_kept() {
    let mut live = Live::in_wallet(NETWORK, Kind::Ledger);
    live.click("Addresses");
    live.expect("Next to receive");
    assert!(live.click("Add a label"));
    live.fill("label", "rent of Ägidius");
    live.click("Keep");
    live.wait_for("Edit the label");
    live.expect("rent of Ägidius");
    let ports = live.ports();
    let kept = labels(&ports).unwrap();
    assert!(kept.iter().any(|(_, label)| label == "rent of Ägidius"));
    live.click("Refresh");
    live.wait_for("Look further");
    live.expect("rent of Ägidius");
}

#[test]
fn a_coins_label_is_its_own_and_can_be_taken_away() {
    let mut live = Live::in_wallet(NETWORK, Kind::Ledger);
    let own = coin(&mut live, |coin| coin.is_free() && coin.value() > Amount::from_coins(1));
    let item = Item::Output(own.outpoint());
    assert!(live.click_id(format!("label-{}", own.outpoint())));
    live.fill("label", "change of the sign");
    live.press("Keep");
    live.wait_for("change of the sign");
    live.expect_not("Keep");
    assert_eq!(labels(&live.ports()).unwrap().get(&item), Some("change of the sign"));
    live.press("Refresh");
    live.wait_for("Look further");
    live.expect("change of the sign");

    // Esc leaves it as it is.
    assert!(live.click_id(format!("label-{}", own.outpoint())));
    live.fill("label", "something else");
    let escape = iced::keyboard::key::Named::Escape;
    live.send(Message::Pressed(escape, iced::keyboard::Modifiers::default()));
    live.expect_not("something else");
    live.expect("change of the sign");

    assert!(live.click_id(format!("label-{}", own.outpoint())));
    live.fill("label", "");
    live.press("Keep");
    live.expect_not("Keep");
    live.expect_not("change of the sign");
    assert_eq!(labels(&live.ports()).unwrap().get(&item), None);
}

#[test]
fn a_payment_from_ticked_coins_brings_its_change_back() {
    let mut live = Live::in_wallet(NETWORK, Kind::Ledger);
    let own = coin(&mut live, |coin| coin.is_free() && coin.value() > Amount::from_coins(1));
    tick(&mut live, own.outpoint());
    live.expect("1 coin ticked");
    live.click("Send these");
    let (to, text) = stranger(&mut live);
    live.fill("pay-to", &text);
    live.fill("pay-amount", "0.5");
    live.fill("pay-label", "for the sign");
    assert!(live.click("Review"));
    live.wait_for("What the Ledger will show");
    for words in ["Paid from 1 coin", "Comes back", "cannot be called back", &text] {
        live.expect(words);
    }
    live.click("Sign on the device");
    live.wait_for("Look at the Ledger");
    live.answer_until("The payment is in the chain.");
    let txid = sent(&mut live);
    live.expect(&txid.to_string());
    let tx = transaction(&mut live, txid).tx;
    assert_eq!(tx.inputs.len(), 1);
    assert_eq!(tx.inputs[0].previous, own.outpoint());
    assert_eq!(tx.outputs[0].script, to.script());
    assert_eq!(tx.outputs[0].amount(), Some(Amount::from_duffs(50_000_000)));
    assert_eq!(tx.outputs.len(), 2);
    let kept = labels(&live.ports()).unwrap();
    assert!(kept.iter().any(|(_, label)| label == "for the sign"));
    live.click("Done");
    live.wait_for("Available");
    live.expect_not("coin ticked");
    let change = read(&mut live).remove(0).coins;
    assert!(change.iter().any(|coin| coin.outpoint().txid == txid));
}

#[test]
fn what_cannot_be_sent_is_said_where_it_is_typed() {
    let mut live = Live::in_wallet(NETWORK, Kind::Ledger);
    live.click("Send");
    live.fill("pay-to", "nonsense");
    live.expect("'nonsense' is not an address");
    live.fill("pay-amount", "99999999");
    live.expect("More than the");
    live.fill("pay-amount", "0.00000001");
    live.expect("nodes relay no smaller output");
    live.fill("pay-rate", "0.1");
    live.expect("relay nothing below");
    assert!(!live.click("Review"));
    live.click("Cancel");
    live.expect("Available");
}

#[test]
fn everything_of_an_account_goes_in_one_payment() {
    let mut live = Live::in_wallet(NETWORK, Kind::Ledger);
    live.click("Account 1");
    live.click("Send");
    let (to, text) = stranger(&mut live);
    live.fill("pay-to", &text);
    live.click("Everything");
    let before = read(&mut live)[1].balances();
    assert!(live.click("Review"));
    live.wait_for("What the Ledger will show");
    live.expect("Paid from 50 coins");
    live.click("Sign on the device");
    live.answer_until("The payment is in the chain.");
    let txid = sent(&mut live);
    let tx = transaction(&mut live, txid).tx;
    assert_eq!((tx.inputs.len(), tx.outputs.len()), (50, 1));
    assert_eq!(tx.outputs[0].script, to.script());
    assert!(tx.outputs[0].amount().unwrap() < before.ready);
    live.click("Done");
    live.wait_for("No coins here");
}

#[test]
fn a_locked_coin_is_spent_only_after_its_phrase_was_typed_to_the_letter() {
    let mut live = Live::in_wallet(NETWORK, Kind::Ledger);
    // The largest is the first line of the table.
    let evo = live.ports().profile.collateral(MnType::Evo).unwrap();
    let guarded = coin(&mut live, |coin| !coin.guards.is_empty() && coin.value() == evo);
    assert!(!live.click_id(format!("coin-{}", guarded.outpoint())));
    let phrase = crate::flow::guard::phrase(&guarded, &live.ports().profile);
    live.click("Unlock…");
    live.expect("Unlock this coin?");
    live.expect(&phrase);
    live.fill("unlock-phrase", &phrase[..phrase.len() - 1]);
    assert!(!live.click("Unlock"));
    live.fill("unlock-phrase", &phrase);
    assert!(live.click("Unlock"));
    live.expect("Unlocked");
    live.expect("1 coin ticked");
    live.click("Send");
    live.expect("this payment spends what was locked");
    // Leaving the page locks it again.
    live.send(Message::Go(Page::Keys));
    live.send(Message::Go(Page::Wallet));
    live.wait_for("Look further");
    live.expect_not("Unlocked");
    live.expect_not("coin ticked");
}

#[test]
fn a_payment_declined_on_the_device_is_calm_and_can_be_tried_again() {
    for kind in [Kind::Ledger, Kind::Trezor] {
        let mut live = Live::in_wallet(NETWORK, kind);
        live.click("Send");
        let (_, text) = stranger(&mut live);
        live.fill("pay-to", &text);
        live.fill("pay-amount", "0.25");
        live.click("Review");
        live.wait_for("Sign on the device");
        live.click("Sign on the device");
        live.wait_for(&format!("Look at the {kind}"));
        live.answer(false);
        live.wait_for("You declined on the device.");
        assert_eq!(live.ports().journal.list().unwrap()[0].state(), State::Failed);
        live.click("Try again");
        live.answer_until("The payment is in the chain.");
    }
}

#[test]
fn a_payment_can_be_cancelled_until_it_is_sent() {
    let mut live = Live::in_wallet(NETWORK, Kind::Trezor);
    live.click("Send");
    let (_, text) = stranger(&mut live);
    live.fill("pay-to", &text);
    live.fill("pay-amount", "0.25");
    live.click("Review");
    live.wait_for("Sign on the device");
    live.click("Sign on the device");
    live.wait_for("Look at the Trezor");
    live.click("Cancel");
    live.expect("Sign on the device");
    assert_eq!(live.ports().journal.list().unwrap()[0].state(), State::Cancelled);
    live.click("Back");
    live.click("Cancel");
    live.expect("Available");
    // The device is free again.
    live.click("Receive");
    live.click("Show on the device");
    live.answer_until("The device showed this address");
}

/// A miner's reward and money from Platform's credit pool: transactions whose payload a device has to be given too.
#[test]
fn rewards_and_asset_unlocks_are_spent_from_both_devices() {
    for kind in [Kind::Ledger, Kind::Trezor] {
        let mut live = Live::in_wallet(NETWORK, kind);
        let coins = read(&mut live).remove(0).coins;
        let special: Vec<(OutPoint, u16)> = coins
            .iter()
            .filter(|coin| coin.is_free())
            .map(|coin| (coin.outpoint(), transaction(&mut live, coin.outpoint().txid).tx.kind))
            .filter(|(_, kind)| *kind == 5 || *kind == 9)
            .collect();
        let kinds: Vec<u16> = special.iter().map(|(_, kind)| *kind).collect();
        assert!(kinds.contains(&5) && kinds.contains(&9), "{kinds:?}");
        for (outpoint, _) in &special {
            tick(&mut live, *outpoint);
        }
        live.click("Send these");
        let (_, text) = stranger(&mut live);
        live.fill("pay-to", &text);
        live.click("Everything");
        assert!(live.click("Review"));
        live.wait_for("Sign on the device");
        live.click("Sign on the device");
        live.answer_until("The payment is in the chain.");
        let txid = sent(&mut live);
        assert_eq!(transaction(&mut live, txid).tx.inputs.len(), special.len());
    }
}

#[test]
fn one_can_go_on_while_a_payment_waits_for_its_block() {
    let mut live = Live::in_wallet(NETWORK, Kind::Ledger);
    live.run().chain.mine_every(0);
    live.click("Send");
    let (_, text) = stranger(&mut live);
    live.fill("pay-to", &text);
    live.fill("pay-amount", "0.25");
    live.click("Review");
    live.wait_for("Sign on the device");
    live.click("Sign on the device");
    live.answer_until("The next block confirms it");
    live.click("To the wallet");
    live.expect("Waiting for its block: 0.25");
    live.wait_for("until the next block");
    live.mine(1);
    live.wait_for("In the chain: 0.25");
    live.click("Put away");
    live.expect_not("In the chain: 0.25");
}

#[test]
fn another_device_shows_its_own_accounts_never_those_before() {
    let mut live = Live::in_wallet(NETWORK, Kind::Ledger);
    let first = read(&mut live)[0].coins[0].outpoint().to_string();
    let short = crate::ui::format::short_hash(&first[..64]);
    live.expect(&short);
    let id = live.fixture.session().id;
    let found = crate::ui::DeviceFound {
        spec: live.fixture.session().connection.device.clone(),
        seen: Seen::Missing(DeviceError::NotConnected { kind: Kind::Ledger }),
        device: None,
    };
    live.send(Message::DeviceFound(id, found));
    live.expect(&short);
    live.expect("What was read before stays in sight.");
    assert!(!live.click("Send"));
    let other = live.another_device();
    let found = crate::ui::DeviceFound {
        spec: live.fixture.session().connection.device.clone(),
        seen: ready_device(),
        device: Some(other),
    };
    live.deliver(vec![Message::DeviceFound(id, found)]);
    live.expect_not(&short);
}
