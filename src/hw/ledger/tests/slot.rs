//! The secret of a vault slot, against the real app's answers (`tests/data/ledger/slot.json`).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::recording::{Exchange, dash, exchange};
use crate::hw::ledger::client::Client;
use crate::hw::ledger::gone;
use crate::hw::ledger::transport::Transport;
use crate::hw::worker::Served;
use crate::hw::{DeviceError, Kind, SlotRequest, SlotSecret, slot_path};
use crate::protocol::message::device_hash;
use crate::protocol::wire::{from_hex, to_hex};

#[derive(serde::Deserialize)]
struct Recorded {
    vault: String,
    salt: String,
    wallet: String,
    exchanges: Vec<Exchange>,
    secret: String,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("../../../../tests/data/ledger/slot.json")).unwrap()
}

fn request(wallet: &str) -> SlotRequest {
    let recorded = recorded();
    SlotRequest {
        path: slot_path(),
        vault: from_hex(&recorded.vault).unwrap().try_into().unwrap(),
        salt: from_hex(&recorded.salt).unwrap().try_into().unwrap(),
        wallet: Some(wallet.to_owned()),
    }
}

/// A command in hexadecimal, the data of its answer, and the status.
type Played = (String, Vec<u8>, u16);

/// Plays answers in order and asserts each command.
struct Stage(Arc<Mutex<VecDeque<Played>>>);

impl Transport for Stage {
    fn exchange(&mut self, command: &[u8], _: Option<Duration>) -> Result<(Vec<u8>, u16), DeviceError> {
        let (expected, answer, status) = self.0.lock().unwrap().pop_front().ok_or_else(gone)?;
        assert_eq!(to_hex(command), expected);
        Ok((answer, status))
    }
}

/// Asks with these answers, which must all be used; `change` is done to the last one.
fn ask(wallet: &str, exchanges: usize, change: impl FnOnce(&mut Played)) -> Result<SlotSecret, DeviceError> {
    let recorded = recorded();
    let hello = [exchange(0), exchange(2)];
    let all = hello.into_iter().chain(&recorded.exchanges[..exchanges]);
    let mut play: VecDeque<_> = all
        .map(|each| (each.apdu_hex.clone(), each.answer(), each.status()))
        .collect();
    change(play.back_mut().unwrap());
    let left = Arc::new(Mutex::new(play));
    let stage = Arc::clone(&left);
    let connect = move || Ok(Box::new(Stage(Arc::clone(&stage))) as Box<dyn Transport>);
    let mut client = Client::new(dash(), Box::new(connect));
    let result = client.serve(Arc::default(), |client| client.slot_secret(&request(wallet)));
    assert!(left.lock().unwrap().is_empty(), "the client stopped early");
    result
}

#[test]
fn the_secret_of_a_slot_comes_of_the_recorded_signature() {
    let recorded = recorded();
    let answer = ask(&recorded.wallet, 4, |_| {}).ok().unwrap();
    assert_eq!(answer.wallet, recorded.wallet);
    assert_eq!(to_hex(&*answer.secret), recorded.secret);
    // What the device showed, page by page, is the hash that is shown here.
    let shown: String = recorded.exchanges[3].screen.join(" ");
    let digits: String = shown.chars().filter(char::is_ascii_alphanumeric).collect();
    let hash = device_hash(&request(&recorded.wallet).message());
    assert!(digits.contains(&hash[..50]), "{hash} in {shown}");
    assert!(recorded.exchanges[..3].iter().all(|silent| silent.screen.is_empty()));
}

#[test]
fn with_another_wallet_nothing_is_asked() {
    let other = DeviceError::OtherWallet {
        expected: "00000000".to_owned(),
        found: recorded().wallet,
    };
    assert_eq!(ask("00000000", 1, |_| {}).map(drop), Err(other));
}

#[test]
fn a_signature_that_is_not_the_keys_or_declined_makes_no_secret() {
    let wallet = recorded().wallet;
    let forged = ask(&wallet, 4, |(_, answer, _)| answer[10] ^= 1).map(drop);
    assert!(
        matches!(forged, Err(DeviceError::OtherKey { kind: Kind::Ledger, .. })),
        "{forged:?}"
    );
    let declined = ask(&wallet, 4, |(_, answer, status)| {
        answer.clear();
        *status = 0x6985;
    });
    assert_eq!(declined.map(drop), Err(DeviceError::Declined));
    // What the app answers for a path it cannot derive.
    let nonsense = ask(&wallet, 4, |(_, answer, _)| *answer = vec![0x30, 0x30]).map(drop);
    assert!(matches!(nonsense, Err(DeviceError::BadAnswer { .. })), "{nonsense:?}");
}
