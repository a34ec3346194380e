//! What the real firmware gave, from the sandbox's Trezor, through the client.

use bitcoin::base58;
use bitcoin::bip32::{ChildNumber, DerivationPath};
use serde_json::Value;
use zeroize::Zeroizing;

use super::support::{at, guarded, options, profile, ready, vectors};
use crate::hw::trezor::spend::Steps;
use crate::hw::trezor::wire::payment::{Payment, Signed};
use crate::hw::trezor::{Direction, Seal, wire};
use crate::hw::{Device, DeviceError, Progress, Spend, SpendInput, derive};
use crate::protocol::message::CompactSignature;
use crate::protocol::wire::{from_hex, to_hex};
use crate::protocol::{Address, Amount, KeyId, OutPoint, Transaction, TxIn, TxOut};
use crate::sandbox::trezor::Model;

const COINS: [&str; 2] = ["Dash", "Dash Testnet"];
const MODELS: [Model; 2] = [Model::One, Model::T];

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_addresses_and_the_wallet_are_the_recorded_ones() {
    let all = vectors();
    for coin in COINS {
        let recorded = &all["coins"][coin];
        let (device, ..) = ready(options(Model::One), coin).await;
        let account = device.account_xpub(at(text(&recorded["account_path"]))).await.unwrap();
        let written = base58::decode_check(text(&recorded["xpub"])).unwrap();
        assert_eq!(account.encode()[4..], written[4..]);
        for (path, expected) in recorded["addresses"].as_object().unwrap() {
            let path = at(path);
            let key = device.public_key(path.clone()).await.unwrap();
            assert_eq!(key.to_string(), text(&expected["public_key"]));
            let below: &[ChildNumber] = path.as_ref();
            let change = below[3] == ChildNumber::Normal { index: 1 };
            assert_eq!(derive(&account, change, u32::from(below[4])), key);
            let shown = device.show_address(path).await.unwrap();
            assert_eq!((shown.key, shown.on_screen.as_str()), (key, text(&expected["address"])));
            assert_eq!(KeyId::of(&key).address().to_text(&profile(coin)), shown.on_screen);
        }
        let info = device.info().await.unwrap();
        assert_eq!(info.wallet.as_deref(), all["device"]["root_fingerprint"].as_str());
        assert_eq!((info.app.as_str(), info.version.as_str()), (coin, "1.14.2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_have_the_recorded_signatures_on_both_models() {
    let all = vectors();
    for coin in COINS {
        for model in MODELS {
            let (device, ..) = ready(options(model), coin).await;
            for recorded in all["coins"][coin]["messages"].as_array().unwrap() {
                let message = from_hex(text(&recorded["message_utf8_hex"])).unwrap();
                let signed = device.sign_message(at(text(&recorded["path"])), message).await.unwrap();
                let expected = CompactSignature::from_base64(text(&recorded["signature_base64"])).unwrap();
                assert_eq!(signed, expected, "{model:?} {recorded}");
            }
        }
    }
}

/// A recorded transaction as a payment, and as the bytes to be signed.
pub fn recorded_spend(recorded: &Value) -> (Spend, Transaction) {
    let profile = profile(text(&recorded["coin"]));
    let input = |input: &Value| {
        let previous = Transaction::from_hex(text(&input["prev_tx_hex"])).unwrap();
        assert_eq!(previous.txid().to_string(), text(&input["prev_txid"]));
        let key_id = Address::parse_key(text(&input["address"]), &profile).unwrap();
        SpendInput {
            path: at(text(&input["path"])),
            key_id: KeyId(key_id),
            outpoint: OutPoint {
                txid: previous.txid(),
                vout: input["prev_index"].as_u64().unwrap() as u32,
            },
            amount: Amount::from_duffs(input["amount"].as_u64().unwrap()),
            previous,
        }
    };
    let output = |output: &Value| {
        let address = Address::parse(text(&output["address"]), &profile).unwrap();
        TxOut::new(Amount::from_duffs(output["amount"].as_u64().unwrap()), address.script())
    };
    let list = |name: &str| recorded[name].as_array().unwrap();
    let spend = Spend {
        inputs: list("inputs").iter().map(input).collect(),
        outputs: list("outputs").iter().map(output).collect(),
        change: list("outputs")
            .iter()
            .find_map(|output| output["change_path"].as_str())
            .map(at),
        lock_time: recorded["lock_time"].as_u64().unwrap() as u32,
    };
    let version = u32::from_str_radix(text(&recorded["version32"]).trim_start_matches("0x"), 16).unwrap();
    let bare = |(input, recorded): (&SpendInput, &Value)| TxIn {
        sequence: recorded["sequence"].as_u64().unwrap() as u32,
        ..TxIn::unsigned(input.outpoint)
    };
    let unsigned = Transaction {
        version: (version & 0xffff) as i16,
        kind: (version >> 16) as u16,
        inputs: spend.inputs.iter().zip(list("inputs")).map(bare).collect(),
        outputs: spend.outputs.clone(),
        lock_time: spend.lock_time,
        payload: Vec::new(),
    };
    (spend, unsigned)
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_also_of_special_transactions_outputs_are_signed_to_the_recorded_bytes() {
    let all = vectors();
    let mut seen = 0;
    for recorded in all["transactions"].as_array().unwrap() {
        let (spend, unsigned) = recorded_spend(recorded);
        if unsigned.kind != 0 {
            continue;
        }
        seen += 1;
        for model in MODELS {
            let (device, ..) = ready(options(model), text(&recorded["coin"])).await;
            let (asked, bare) = (spend.clone(), unsigned.clone());
            let signed = device
                .ask(move |client| client.sign_payment(&asked, &bare, &Progress::none()))
                .await
                .unwrap();
            assert_eq!(
                signed.to_hex(),
                text(&recorded["signed_tx_hex"]),
                "{}",
                recorded["name"]
            );
            assert_eq!(signed.txid().to_string(), text(&recorded["signed_txid"]));
            if unsigned.version == 2 {
                assert_eq!(
                    device.sign_spend(spend.clone(), Progress::none()).await.as_ref(),
                    Ok(&signed)
                );
            }
        }
    }
    assert_eq!(seen, 4);
}

/// The firmware signs any type, but never what follows the lock time: a node would refuse it, and so does the client.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_would_carry_a_payload_is_signed_without_it_and_thrown_away() {
    let all = vectors();
    let mut seen = 0;
    for recorded in all["transactions"].as_array().unwrap() {
        let (spend, unsigned) = recorded_spend(recorded);
        if unsigned.kind == 0 {
            continue;
        }
        seen += 1;
        let (device, ..) = ready(options(Model::One), text(&recorded["coin"])).await;
        let coin = wire::coin::of(&profile(text(&recorded["coin"]))).unwrap();
        let payment = Payment::new(&spend, &unsigned, Some((0, &at("m/44'/5'/0'/1/0"))), coin).unwrap();
        let path = spend.inputs[0].path.clone();
        let signed = device
            .ask(move |client| client.conversation(payment, &path, Steps::new(&Progress::none(), 1)))
            .await
            .unwrap();
        assert_as_recorded(&signed, recorded);
        let refused = device
            .ask(move |client| client.sign_payment(&spend, &unsigned, &Progress::none()))
            .await;
        assert!(matches!(refused, Err(DeviceError::OtherKey { .. })), "{refused:?}");
    }
    assert_eq!(seen, 4);
}

fn assert_as_recorded(signed: &Signed, recorded: &Value) {
    assert_eq!(to_hex(&signed.serialized), text(&recorded["signed_tx_hex"]));
    let expected = recorded["signatures"].as_array().unwrap();
    assert_eq!(signed.signatures.len(), expected.len());
    for (signature, expected) in signed.signatures.iter().zip(expected) {
        assert_eq!(to_hex(signature), text(&expected["signature_der"]));
        assert_eq!(expected["verifies_with_payload"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sealed_by_the_device_is_the_recorded_secret_and_opens_again() {
    let all = vectors();
    for recorded in all["cipher_key_value"].as_array().unwrap() {
        let levels = recorded["address_n"].as_array().unwrap().iter();
        let path: Vec<_> = levels
            .map(|level| ChildNumber::from(level.as_u64().unwrap() as u32))
            .collect();
        let seal = Seal {
            path: DerivationPath::from(path),
            text: text(&recorded["key"]).to_owned(),
            ask_on_encrypt: recorded["ask_on_encrypt"].as_bool().unwrap(),
            ask_on_decrypt: recorded["ask_on_decrypt"].as_bool().unwrap(),
        };
        let (device, table, _) = ready(options(Model::T), "Dash").await;
        let value = Zeroizing::new(from_hex(text(&recorded["value"])).unwrap());
        let sealed = device
            .cipher(seal.clone(), Direction::Encrypt, value.clone())
            .await
            .unwrap();
        assert_eq!(to_hex(&sealed), text(&recorded["encrypted"]));
        let opened = device
            .cipher(seal.clone(), Direction::Decrypt, sealed.clone())
            .await
            .unwrap();
        assert_eq!(opened, value);
        let questions = usize::from(seal.ask_on_encrypt) + usize::from(seal.ask_on_decrypt);
        assert_eq!(table.panel().unwrap().answered().len(), questions);
        let other = Seal {
            ask_on_encrypt: !seal.ask_on_encrypt,
            ..seal
        };
        let opened = device.cipher(other, Direction::Decrypt, sealed).await.unwrap();
        assert_ne!(opened, value, "another flag gives other bytes, not an error");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_opens_the_recorded_hidden_wallet() {
    let all = vectors();
    for coin in COINS {
        for model in MODELS {
            let (device, _, user) = ready(guarded(model), coin).await;
            assert_eq!(
                device.info().await.unwrap().wallet,
                None,
                "not known without a question"
            );
            assert_eq!(user.questions.lock().unwrap().len(), 0);
            let path = if coin == "Dash" {
                "m/44'/5'/0'/0/0"
            } else {
                "m/44'/1'/0'/0/0"
            };
            let key = device.public_key(at(path)).await.unwrap();
            let recorded = text(&all["passphrase_abc"][format!("{coin} {path}")]);
            assert_eq!(KeyId::of(&key).address().to_text(&profile(coin)), recorded);
            assert!(device.info().await.unwrap().wallet.is_some());
        }
    }
}
