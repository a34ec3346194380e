//! How the wallet page looks, light and dark. What is on it is made up: a chain's own transactions differ from run to run.

use bitcoin::bip32::DerivationPath;

use super::looks::{check, check_tall};
use super::support::{Fixture, hash, profile, ready_device};
use crate::flow::guard::Guard;
use crate::flow::pay::{Change, Plan, Purpose, Warning};
use crate::flow::wallet::{Account, CoinState, DeviceCoin, WalletAddress, WalletCoin};
use crate::flow::{Error, Step};
use crate::hw::{DeviceError, Done, Kind, Part, Spend};
use crate::protocol::key::KeyId;
use crate::protocol::network::MnType;
use crate::protocol::{Address, Amount, OutPoint, Transaction, TxOut, path};
use crate::rpc::{CoinSource, FoundCoin};
use crate::ui::screen::devices::Seen;
use crate::ui::screen::part::paying::{Finished, Message as Paying};
use crate::ui::screen::wallet::{Message as Wallet, payment};
use crate::ui::{Message, Page};

fn at(change: bool, index: u32) -> DerivationPath {
    path::address(&profile(), 0, change, index)
}

fn coin(index: u32, duffs: u64, state: CoinState, guards: Vec<Guard>) -> WalletCoin {
    let key_id = KeyId([index as u8; 20]);
    let value = Amount::from_duffs(duffs);
    WalletCoin {
        own: DeviceCoin {
            coin: FoundCoin {
                outpoint: OutPoint::new(hash(index), index % 3),
                value,
                script: key_id.address().script(),
                confirmations: match state {
                    CoinState::Unconfirmed => 0,
                    CoinState::Immature { blocks_left } => 100 - blocks_left,
                    _ => 12_345 / (index + 1),
                },
                coinbase: matches!(state, CoinState::Immature { .. }),
                spent_in_mempool: state == CoinState::BeingSpent,
            },
            path: at(false, index),
            key_id,
        },
        state,
        guards,
        label: (index == 1).then(|| "payout of mn2".to_owned()),
    }
}

fn coins() -> Vec<WalletCoin> {
    let backs = Guard::Backs {
        pro_tx_hash: hash(77),
        name: "mn1".to_owned(),
        mine: true,
    };
    let looks = Guard::LooksLike { kind: MnType::Evo };
    vec![
        coin(0, 100_000_000_000, CoinState::Ready, vec![backs]),
        coin(1, 1_234_567_890, CoinState::Ready, vec![]),
        coin(2, 50_000_000, CoinState::Unconfirmed, vec![]),
        coin(3, 150_000_000, CoinState::Immature { blocks_left: 57 }, vec![]),
        coin(4, 700_000, CoinState::BeingSpent, vec![]),
        coin(5, 400_000_000_000, CoinState::Ready, vec![looks]),
    ]
}

fn address(index: u32, change: bool) -> WalletAddress {
    let all = coins();
    let own: Vec<&WalletCoin> = all
        .iter()
        .filter(|coin| !change && coin.own.path == at(false, index))
        .collect();
    WalletAddress {
        path: at(change, index),
        key_id: KeyId([index as u8 + if change { 100 } else { 0 }; 20]),
        change,
        index,
        holds: own.iter().map(|coin| coin.value()).sum(),
        coins: own.len(),
        label: own.first().and_then(|coin| coin.label.clone()),
        backs: if index == 0 && !change {
            vec!["mn1".to_owned()]
        } else {
            vec![]
        },
    }
}

fn account(number: u32, coins: Vec<WalletCoin>, next: KeyId) -> Account {
    let receiving = (0..8).map(|index| WalletAddress {
        key_id: if index == 6 { next } else { KeyId([index as u8; 20]) },
        ..address(index, false)
    });
    Account {
        path: path::account(&profile(), number),
        number,
        addresses: receiving.chain((0..2).map(|index| address(index, true))).collect(),
        coins,
        next_receive: (at(false, 6), next),
        next_change: (at(true, 0), KeyId([100; 20])),
        source: CoinSource::AddressIndex,
    }
}

/// The page with three accounts of a device.
fn wallet(coins: Vec<WalletCoin>) -> Fixture {
    let mut fixture = Fixture::connected();
    fixture.device(ready_device());
    fixture.send(Message::Go(Page::Wallet));
    drop(fixture.begin("Read the accounts"));
    let device = fixture.session().ports().device.clone().unwrap();
    let next = fixture.wait(async move { device.public_key(at(false, 6)).await.unwrap() });
    let all = vec![
        account(0, coins, KeyId::of(&next)),
        account(
            1,
            vec![coin(9, 1_725_000_000, CoinState::Ready, vec![])],
            KeyId([31; 20]),
        ),
        account(2, vec![], KeyId([32; 20])),
    ];
    fixture.send(Message::Wallet(Wallet::Read(1, Ok(all))));
    fixture
}

fn plan(purpose: Purpose, warnings: Vec<Warning>) -> Box<Plan> {
    let to = Address::PubkeyHash([6; 20]);
    let mut unsigned = Transaction::empty(2);
    unsigned.outputs.push(TxOut::new(Amount::from_coins(10), to.script()));
    let spend = Spend {
        inputs: Vec::new(),
        outputs: unsigned.outputs.clone(),
        change: Some(at(true, 0)),
        lock_time: 0,
    };
    let own = matches!(purpose, Purpose::Collateral { .. });
    Box::new(Plan {
        purpose,
        account: path::account(&profile(), 0),
        to,
        amount: Amount::from_coins(10),
        fee: Amount::from_duffs(226),
        rate: Amount::from_duffs(1_000),
        unsigned,
        spend,
        change: Some(Change {
            amount: Amount::from_duffs(234_567_664),
            path: at(true, 0),
            address: Address::PubkeyHash([100; 20]),
        }),
        inputs: vec![coins().remove(1)],
        to_path: own.then(|| at(false, 6)),
        warnings,
    })
}

fn send(fixture: &mut Fixture, message: payment::Message) {
    fixture.send(Message::Wallet(Wallet::Payment(1, message)));
}

fn reviewed(fixture: &mut Fixture, purpose: Purpose, warnings: Vec<Warning>) {
    drop(fixture.begin("Review"));
    send(fixture, payment::Message::Prepared(1, Ok(plan(purpose, warnings))));
}

fn stepped(fixture: &mut Fixture, step: Step) {
    send(fixture, payment::Message::Paying(Paying::Stepped(0, step)));
}

fn confirm() -> Step {
    Step::ConfirmPayment {
        device: "Ledger".to_owned(),
        outputs: Vec::new(),
        fee: String::new(),
    }
}

#[test]
fn the_coins_and_the_addresses() {
    let mut fixture = wallet(coins());
    check(&fixture, "wallet");
    fixture.press("Addresses");
    check_tall(&fixture, "wallet-addresses");
}

#[test]
fn an_empty_wallet_and_none() {
    let fixture = wallet(vec![]);
    check(&fixture, "wallet-empty");
    let mut fixture = Fixture::connected();
    fixture.send(Message::Go(Page::Wallet));
    fixture.device(Seen::Missing(DeviceError::NotConnected { kind: Kind::Ledger }));
    check(&fixture, "wallet-no-device");
}

#[test]
fn a_locked_coin() {
    let mut fixture = wallet(coins());
    fixture.press("Unlock…");
    check(&fixture, "wallet-unlock");
    fixture.fill("unlock-phrase", "spend 4000 tDASH");
    fixture.press("Unlock");
    check(&fixture, "wallet-unlocked");
}

#[test]
fn an_address_to_be_paid_to() {
    let mut fixture = wallet(coins());
    fixture.press("Receive");
    check(&fixture, "wallet-receive");
    drop(fixture.begin("Show on the device"));
    check(&fixture, "wallet-receive-asking");
    fixture.press("Cancel");
    fixture.press("Receive");
    fixture.press("Show on the device");
    check(&fixture, "wallet-receive-shown");
}

#[test]
fn a_payment() {
    let mut fixture = wallet(coins());
    fixture.press("Send");
    fixture.fill("pay-to", "yabc");
    fixture.fill("pay-amount", "100000");
    check_tall(&fixture, "wallet-send-wrong");
    fixture.fill("pay-to", &Address::PubkeyHash([6; 20]).to_text(&profile()));
    fixture.fill("pay-amount", "10");
    let to = Address::PubkeyHash([6; 20]);
    let sum = crate::flow::pay::Sum::Exactly(Amount::from_coins(10));
    let warning = Warning::HighRate {
        rate: Amount::from_duffs(2_000_000),
        advised: Amount::from_duffs(1_000),
    };
    reviewed(&mut fixture, Purpose::Send { to, sum }, vec![warning]);
    check_tall(&fixture, "wallet-review");
    drop(fixture.begin("Sign on the device"));
    stepped(&mut fixture, Step::Planned { id: 1 });
    stepped(&mut fixture, confirm());
    let done = Done {
        part: Part::Reading,
        done: 17,
        of: 50,
    };
    stepped(&mut fixture, Step::DeviceWorks(done));
    check_tall(&fixture, "wallet-paying");
    let declined = Error::Device(DeviceError::Declined);
    send(&mut fixture, payment::Message::Paying(Paying::Ended(0, Err(declined))));
    check(&fixture, "wallet-declined");
}

#[test]
fn a_collateral() {
    let mut fixture = wallet(coins());
    fixture.press("Create a collateral");
    check_tall(&fixture, "wallet-collateral");
    let kind = MnType::Regular;
    reviewed(&mut fixture, Purpose::Collateral { kind }, vec![]);
    drop(fixture.begin("Sign on the device"));
    stepped(&mut fixture, Step::Planned { id: 1 });
    let step = Step::ConfirmAddress {
        device: Kind::Ledger,
        path: path::to_text(&at(false, 6)),
        address: Address::PubkeyHash([6; 20]).to_text(&profile()),
    };
    stepped(&mut fixture, step);
    check(&fixture, "wallet-confirm-address");
    let txid = hash(88);
    stepped(&mut fixture, Step::Broadcasting { txid });
    stepped(
        &mut fixture,
        Step::WaitingForBlock {
            txid,
            height: 1_234_567,
        },
    );
    check(&fixture, "wallet-sent");
    let finished = Finished {
        txid,
        height: 1_234_568,
        made: Some(OutPoint::new(txid, 0)),
    };
    send(&mut fixture, payment::Message::Paying(Paying::Ended(0, Ok(finished))));
    check(&fixture, "wallet-collateral-done");
}
