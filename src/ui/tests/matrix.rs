//! The same stories on every device of the sandbox: its Ledger, its Trezor, and a Trezor One that was changed to on the Devices
//! page and asks for PIN and passphrase in the window.

use super::live::Live;
use super::wallet::{NETWORK, read, sent, stranger, transaction};
use crate::flow::wallet::CoinState;
use crate::hw::Kind;
use crate::protocol::network::MnType;
use crate::protocol::{Amount, KeyId, OutPoint, path};
use crate::store::Kind as Key;
use crate::store::journal::State;
use crate::ui::{Message, Page, masternodes};

#[derive(Debug, Clone, Copy)]
enum Holder {
    Ledger,
    Trezor,
    /// Of a hidden wallet.
    Guarded,
}

const ALL: [Holder; 3] = [Holder::Ledger, Holder::Trezor, Holder::Guarded];

/// Money of the hidden wallet, which is new: no coin looks like a collateral, and two of them make one.
const MONEY: [u64; 4] = [700, 600, 7, 5];

impl Holder {
    /// The wallet page, its accounts read.
    fn wallet(self) -> Live {
        match self {
            Self::Ledger => Live::in_wallet(NETWORK, Kind::Ledger),
            Self::Trezor => Live::in_wallet(NETWORK, Kind::Trezor),
            Self::Guarded => hidden_wallet(),
        }
    }

    /// As sentences of the pages have it.
    fn name(self) -> &'static str {
        match self {
            Self::Ledger => "Ledger",
            Self::Trezor | Self::Guarded => "Trezor",
        }
    }
}

/// PIN and passphrase are typed when its page is opened, and not asked for again.
fn hidden_wallet() -> Live {
    let mut live = Live::switched(NETWORK);
    live.send(Message::Go(Page::Wallet));
    live.wait_for("PIN of the");
    live.answer_until("Look further");
    live.expect("No coins here");
    let (ports, run) = (live.ports(), live.run());
    for (index, coins) in (0..).zip(MONEY) {
        let at = path::address(&ports.profile, 0, false, index);
        let device = ports.device.clone().unwrap();
        let key = live.fixture.wait(async move { device.public_key(at).await.unwrap() });
        let script = KeyId::of(&key).address().script();
        run.chain.fund(script, Amount::from_coins(coins)).unwrap();
    }
    live.mine(1);
    live.press("Refresh");
    live.wait_for("700 ");
    live
}

/// Tells the story of each device, all at once.
fn on_each(holders: &[Holder], story: fn(Holder)) {
    std::thread::scope(|scope| {
        for holder in holders {
            let name = format!("{holder:?}");
            let thread = std::thread::Builder::new().name(name);
            thread.spawn_scoped(scope, move || story(*holder)).unwrap();
        }
    });
}

/// Fills in a payment and looks at its review.
fn review(live: &mut Live, amount: &str) {
    live.press("Send");
    let (_, text) = stranger(live);
    live.fill("pay-to", &text);
    match amount {
        "Everything" => drop(live.click(amount)),
        amount => live.fill("pay-amount", amount),
    }
    live.press("Review");
    live.wait_for("Sign on the device");
}

/// States of the operations in the journal, the newest first.
fn journal(live: &mut Live) -> Vec<State> {
    let operations = live.ports().journal.list().unwrap();
    operations.iter().map(|operation| operation.state()).collect()
}

#[test]
fn a_collateral_is_made_and_a_masternode_registered_with_exactly_it() {
    on_each(&ALL, |holder| {
        let mut live = holder.wallet();
        let made = make_collateral(&mut live, holder);
        live.press("Register a masternode with it");
        live.wait_for("Key on device");
        live.expect(&made.to_string());
        register(&mut live, holder);
        is_in_the_list(&mut live, made);
    });
}

/// From the Wallet page to the coin in the chain.
fn make_collateral(live: &mut Live, holder: Holder) -> OutPoint {
    let ready = read(live)[0].balances().ready;
    assert!(ready > Amount::from_coins(1_000), "{ready}");
    let (_, next) = read(live)[0].next_receive.clone();
    live.press("Create a collateral");
    live.expect("exactly 1000");
    live.press("Review");
    live.wait_for(&format!("What the {} will show", holder.name()));
    live.expect("First this address of yours");
    live.press("Sign on the device");
    live.wait_for("the address of yours that is paid to");
    live.answer_until("The collateral is made.");
    let txid = sent(live);
    let tx = transaction(live, txid).tx;
    assert_eq!(tx.outputs[0].amount(), live.ports().profile.collateral(MnType::Regular));
    assert_eq!(tx.outputs[0].script, next.address().script());
    let made = OutPoint::new(txid, 0);
    // The wallet guards it from now on.
    let coins = read(live).remove(0).coins;
    let coin = coins.into_iter().find(|coin| coin.outpoint() == made).unwrap();
    assert!(!coin.is_free() && coin.state == CoinState::Ready);
    made
}

/// Through the wizard whose collateral is chosen; its fee key is made there and filled from the device.
fn register(live: &mut Live, holder: Holder) {
    to_payment_of_fee_key(live);
    live.press("Pay from the device");
    live.wait_for(&format!("Look at the {}", holder.name()));
    live.answer_until("That is enough for the registration.");
    live.press("Review");
    live.wait_for("Every rule that can be checked before signing holds.");
    live.press("Sign on the device");
    live.answer_until("The masternode is registered.");
}

/// From the page of the collateral to the payment that fills a new fee key.
fn to_payment_of_fee_key(live: &mut Live) {
    live.press("Next");
    live.fill("service", "45.76.230.240");
    live.press("Next");
    live.press("Next");
    live.press("Use an address of the device");
    live.press("Next");
    live.press("Make a fee key");
    live.press("Fund from the device");
    live.press("Prepare the payment");
    live.wait_for("Pay from the device");
}

/// In the node's list and in that of the window; the collateral has not moved.
fn is_in_the_list(live: &mut Live, collateral: OutPoint) {
    let node = live.ports().node;
    let list = live.fixture.wait(async move { node.masternodes().await.unwrap() });
    let found = list.entries.iter().find(|entry| entry.collateral == collateral);
    let entry = found.expect("it is in the list");
    live.press("Done");
    live.send(Message::Go(Page::Masternodes));
    live.send(Message::Masternodes(masternodes::Message::Refresh));
    live.wait_for("45.76.230.240");
    live.send(Message::Masternodes(masternodes::Message::Open(entry.pro_tx_hash)));
    live.wait_for("45.76.230.240");
    let coins = read(live).remove(0).coins;
    assert!(coins.iter().any(|coin| coin.outpoint() == collateral));
}

#[test]
fn a_fee_key_is_filled_after_the_payment_was_declined_and_cancelled() {
    on_each(&[Holder::Ledger, Holder::Trezor], |holder| {
        let mut live = holder.wallet();
        live.send(Message::Go(Page::Register));
        live.press("Search the device");
        live.press("m/44'/1'/0'/0/0");
        to_payment_of_fee_key(&mut live);

        live.press("Pay from the device");
        live.until_asked();
        live.answer(false);
        live.wait_for("You declined on the device.");
        live.press("Try again");
        live.until_asked();
        live.press("Cancel");
        live.wait_for("Pay from the device");
        assert_eq!(journal(&mut live), [State::Cancelled, State::Failed]);

        if let Holder::Ledger = holder {
            // Its question cannot be taken back, and may be approved by mistake.
            live.press("Pay from the device");
            live.wait_for("Answer the question on the device");
            live.answer(true);
            live.press("Try again");
        } else {
            live.until_quiet();
            live.press("Pay from the device");
        }
        live.answer_until("That is enough for the registration.");
        assert!(
            journal(&mut live)[1..]
                .iter()
                .all(|state| matches!(state, State::Cancelled | State::Failed))
        );
        let tx = sent(&mut live);
        let fee_key = live
            .ports()
            .vault()
            .unwrap()
            .list()
            .into_iter()
            .find(|info| info.kind == Key::Fee);
        let script = fee_key.unwrap().key_id().unwrap().address().script();
        assert_eq!(transaction(&mut live, tx).tx.outputs[0].script, script);
    });
}

#[test]
fn pin_and_buttons_can_be_refused_in_every_way_and_the_payment_made_afterwards() {
    let mut live = Holder::Guarded.wallet();
    review(&mut live, "0.25");
    live.fixture.trezor().lock();

    // Esc at the PIN.
    live.press("Sign on the device");
    live.wait_for("PIN of the");
    let escape = iced::keyboard::key::Named::Escape;
    live.send(Message::Pressed(escape, iced::keyboard::Modifiers::default()));
    live.wait_for("No PIN was entered.");
    live.expect_not("PIN of the");

    // Declined on the device.
    live.press("Try again");
    live.until_asked();
    live.wait_for("The Trezor One asks");
    live.answer(false);
    live.wait_for("You declined on the device.");

    // Given up in the line above the page.
    live.press("Try again");
    live.wait_for("The Trezor One asks");
    live.press("Cancel on the device");
    live.wait_for("You declined on the device.");

    // Cancelled on the page.
    live.press("Try again");
    live.wait_for("The Trezor One asks");
    live.press("Cancel");
    live.wait_for("Sign on the device");
    live.until_quiet();
    live.expect_not("The Trezor One asks");

    let given_up = [State::Cancelled, State::Failed, State::Failed, State::Failed];
    assert_eq!(journal(&mut live), given_up);
    let money: Amount = MONEY.map(Amount::from_coins).into_iter().sum();
    assert_eq!(read(&mut live)[0].balances().ready, money);
    live.press("Sign on the device");
    live.answer_until("The payment is in the chain.");
    sent(&mut live);
}

#[test]
fn a_payment_of_fifty_coins_shows_how_far_it_is_and_is_cancelled_at_any_point() {
    on_each(&[Holder::Ledger, Holder::Trezor], |holder| {
        let mut live = holder.wallet();
        live.press("Account 1");
        review(&mut live, "Everything");
        live.expect("Paid from 50 coins");
        let before = read(&mut live).remove(1);
        for point in ["It reads the transactions the coins come from: ", "It signs: "] {
            live.press("Sign on the device");
            live.answer_until(point);
            live.expect(" of 50.");
            live.press("Cancel");
            live.wait_for("Sign on the device");
            assert_eq!(journal(&mut live)[0], State::Cancelled, "{point}");
            live.until_quiet();
        }
        live.mine(1);
        assert_eq!(read(&mut live).remove(1).balances(), before.balances());
        live.press("Sign on the device");
        live.answer_until("The payment is in the chain.");
        let txid = sent(&mut live);
        assert_eq!(transaction(&mut live, txid).tx.inputs.len(), 50);
        assert_eq!(journal(&mut live), [State::Mined, State::Cancelled, State::Cancelled]);
    });
}
