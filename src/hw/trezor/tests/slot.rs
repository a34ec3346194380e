//! The secret of a vault slot: the sandbox's Trezor gives what the real firmware deciphered (`tests/data/trezor/slot.json`).

use serde_json::Value;

use super::support::{guarded, options, ready};
use crate::hw::{Device, DeviceError, Question, SlotRequest, slot_path};
use crate::protocol::wire::{from_hex, to_hex};
use crate::sandbox::trezor::Model;

fn recorded() -> Value {
    serde_json::from_str(include_str!("../../../../tests/data/trezor/slot.json")).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn request(wallet: Option<&str>) -> SlotRequest {
    let recorded = recorded();
    SlotRequest {
        path: slot_path(),
        vault: from_hex(text(&recorded["vault"])).unwrap().try_into().unwrap(),
        salt: from_hex(text(&recorded["salt"])).unwrap().try_into().unwrap(),
        wallet: wallet.map(str::to_owned),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_a_slot_is_the_recorded_one_after_one_question() {
    let recorded = recorded();
    for model in [Model::One, Model::T] {
        let (device, table, _) = ready(options(model), "Dash").await;
        for times in 1..=2 {
            let answer = device.slot_secret(request(Some("5c9e228d"))).await.ok().unwrap();
            assert_eq!(answer.wallet, text(&recorded["wallet"]));
            assert_eq!(to_hex(&*answer.secret), text(&recorded["secret"]));
            let answered = table.panel().unwrap().answered();
            assert_eq!(answered.len(), times, "it asks each time");
            assert_eq!(answered[0].prompt.title, "Decrypt value of this key?");
            assert_eq!(answered[0].prompt.text, text(&recorded["key"]));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_wallet_nothing_is_asked_and_the_passphrase_can_be_typed_again() {
    let (device, table, user) = ready(guarded(Model::One), "Dash").await;
    let passphrases = || {
        let questions = user.questions.lock().unwrap();
        let asked = |question: &&Question| matches!(question, Question::Passphrase { .. });
        questions.iter().filter(asked).count()
    };
    let hidden = device.slot_secret(request(None)).await.ok().unwrap().wallet;
    let asked = table.panel().unwrap().answered();
    let decrypted = |all: &[crate::sandbox::trezor::Answered]| {
        all.iter()
            .filter(|each| each.prompt.title.starts_with("Decrypt"))
            .count()
    };
    assert_eq!((passphrases(), decrypted(&asked)), (1, 1));
    let other = DeviceError::OtherWallet {
        expected: "5c9e228d".to_owned(),
        found: hidden.clone(),
    };
    for times in 1..=2 {
        assert_eq!(
            device.slot_secret(request(Some("5c9e228d"))).await.map(drop),
            Err(other.clone())
        );
        assert_eq!(passphrases(), times, "after the first refusal it is asked anew");
    }
    assert_eq!(decrypted(&table.panel().unwrap().answered()), 1);
    assert!(device.slot_secret(request(Some(&hidden))).await.is_ok());
    assert_eq!(passphrases(), 3);
}
