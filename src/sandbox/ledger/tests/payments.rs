use super::super::{Panel, SandboxLedger};
use super::host::{H, Host, Payment, PaymentInput, Reply, apdu, key_path, ok, path, reject_question, start};
use crate::protocol::script::{pay_to_key, pay_to_script};
use crate::protocol::{Amount, OutPoint, ScriptBuf, Transaction, TxIn, TxOut};
use bitcoin::bip32::{ChildNumber, DerivationPath};
use bitcoin::hashes::Hash;

fn derivation(levels: &[u32]) -> DerivationPath {
    levels.iter().map(|level| ChildNumber::from(*level)).collect()
}

fn to_path(ledger: &SandboxLedger, levels: &[u32]) -> ScriptBuf {
    ledger.key_address(&derivation(levels)).unwrap().script()
}

/// A transaction with a foreign output and then one of `coins` to the path.
fn funding(ledger: &SandboxLedger, levels: &[u32], coins: u64) -> Transaction {
    let mut input = TxIn::unsigned(OutPoint {
        txid: bitcoin::Txid::from_byte_array([coins as u8; 32]),
        vout: 3,
    });
    input.script_sig = ScriptBuf::from_bytes(vec![0x51; 300]);
    Transaction {
        version: 2,
        kind: 0,
        inputs: vec![input],
        outputs: vec![
            TxOut::new(Amount::from_coins(1), pay_to_key(&[9; 20])),
            TxOut::new(Amount::from_coins(coins), to_path(ledger, levels)),
        ],
        lock_time: 5,
        payload: Vec::new(),
    }
}

fn input(ledger: &SandboxLedger, levels: &[u32], coins: u64) -> PaymentInput {
    PaymentInput {
        path: levels.to_vec(),
        key: ledger.public_key(&derivation(levels)).unwrap(),
        previous: funding(ledger, levels, coins),
        index: 1,
    }
}

/// Two inputs of 3 and 4 coins; a payment, a script, data and the change; fee 0.001.
fn payment(ledger: &SandboxLedger) -> Payment {
    Payment {
        version: 2,
        sequence: 0xffff_fffe,
        lock_time: 1_900_000,
        inputs: vec![input(ledger, &key_path(0, 0), 3), input(ledger, &key_path(0, 7), 4)],
        outputs: vec![
            TxOut::new(Amount::from_duffs(150_000_000), pay_to_key(&[0x11; 20])),
            TxOut::new(Amount::from_duffs(100_000_000), pay_to_script(&[0x22; 20])),
            TxOut::new(Amount::ZERO, ScriptBuf::from_bytes(vec![0x6a, 2, 0xca, 0xfe])),
            TxOut::new(Amount::from_duffs(449_900_000), to_path(ledger, &key_path(1, 3))),
        ],
        change: Some(key_path(1, 3)),
    }
}

fn pages(panel: &Panel) -> Vec<Vec<String>> {
    panel
        .answered()
        .into_iter()
        .map(|answered| answered.prompt.pages)
        .collect()
}

#[tokio::test]
async fn a_payment_of_two_inputs_is_shown_output_by_output_and_its_signatures_verify() {
    let (ledger, panel) = start(true);
    let mut host = Host::connect(ledger.address()).await;
    let payment = payment(&ledger);
    // The host checks every signature against Transaction::sighash_all.
    let tx = host.pay(&payment).await.unwrap();
    assert!(tx.inputs.iter().all(|input| input.script_sig.len() > 100));
    let address = |hash: [u8; 20], prefix| bitcoin::base58::encode_check(&[&[prefix][..], &hash].concat());
    let expected: [&[&str]; 4] = [
        &[
            "Review output #1",
            "Amount 1.5 DASH",
            &format!("Address {}", address([0x11; 20], 76)),
        ],
        &[
            "Review output #2",
            "Amount 1 DASH",
            &format!("Address {}", address([0x22; 20], 16)),
        ],
        &["Review output #3", "Amount 0 DASH", "Address OP_RETURN"],
        &["Confirm transaction", "Fees 0.001 DASH"],
    ];
    assert_eq!(pages(&panel), expected);
    // The same device goes on to the next payment.
    assert_eq!(host.pay(&payment).await.unwrap().txid(), tx.txid());
}

#[tokio::test]
async fn the_recorded_payment_comes_out_byte_for_byte() {
    let (ledger, _panel) = start(true);
    let mut host = Host::connect(ledger.address()).await;
    let text = include_str!("../../../../tests/data/ledger/ledger.json");
    let spend = &serde_json::from_str::<serde_json::Value>(text).unwrap()["derived"]["spend"];
    let tx = |key: &str| Transaction::from_hex(spend[key].as_str().unwrap()).unwrap();
    let signed = tx("signed_tx");
    let own = |index, levels: Vec<u32>, previous| PaymentInput {
        key: ledger.public_key(&derivation(&levels)).unwrap(),
        path: levels,
        previous,
        index,
    };
    let payment = Payment {
        version: 2,
        sequence: 0xffff_ffff,
        lock_time: 0,
        inputs: vec![own(0, key_path(0, 0), tx("prev0")), own(1, key_path(0, 1), tx("prev1"))],
        outputs: signed.outputs.clone(),
        change: Some(key_path(1, 0)),
    };
    assert_eq!(host.pay(&payment).await, Ok(signed));
}

#[tokio::test]
async fn refusing_any_question_of_a_payment_answers_6985_and_forgets_it() {
    let (ledger, panel) = start(false);
    let mut host = Host::connect(ledger.address()).await;
    let payment = payment(&ledger);
    let titles = [
        "Review output #1",
        "Review output #2",
        "Review output #3",
        "Confirm transaction",
    ];
    for (at, title) in titles.into_iter().enumerate() {
        let user = tokio::spawn(reject_question(panel.clone(), at + 1));
        assert_eq!(host.pay(&payment).await, Err(0x6985), "{title}");
        assert_eq!(user.await.unwrap()[0], title);
        assert_eq!(host.sign(&key_path(0, 0), 0).await, Err(0x6985), "{title}");
    }
    panel.auto_approve(true);
    assert!(host.pay(&payment).await.is_ok());
}

#[tokio::test]
async fn odd_change_and_signing_paths_are_asked_about() {
    let (ledger, panel) = start(false);
    let mut host = Host::connect(ledger.address()).await;
    let testnet = vec![H | 44, H | 1, H, 0, 0];
    let mut odd = payment(&ledger);
    odd.inputs = vec![input(&ledger, &testnet, 7)];
    odd.change = Some(key_path(0, 3));
    odd.outputs = vec![TxOut::new(Amount::from_coins(6), to_path(&ledger, &key_path(0, 3)))];

    let user = tokio::spawn(reject_question(panel.clone(), 1));
    assert_eq!(host.pay(&odd).await, Err(0x6985));
    let shown = user.await.unwrap();
    assert_eq!(shown, ["The change path is unusual", "Change path", "44'/5'/0'/0/3"]);

    let user = tokio::spawn(reject_question(panel.clone(), 3));
    assert_eq!(host.pay(&odd).await, Err(0x6985));
    let shown = user.await.unwrap();
    assert_eq!(shown, ["The sign path is unusual", "Sign path", "44'/1'/0'/0/0"]);

    panel.auto_approve(true);
    assert!(host.pay(&odd).await.is_ok());
}

#[tokio::test]
async fn outputs_the_app_does_not_sign_are_refused_each_with_its_code() {
    let (ledger, _panel) = start(true);
    let mut host = Host::connect(ledger.address()).await;
    let good = payment(&ledger);
    let change = good.outputs[3].clone();
    let data = |len: usize, value| TxOut {
        value,
        script: ScriptBuf::from_bytes([&[0x6a, 0x4c, len as u8][..], &vec![1; len]].concat()),
    };
    let cases = [
        ("two change outputs", vec![change.clone(), change.clone()], Err(0x6f0f)),
        ("OP_RETURN with value", vec![data(5, 1)], Err(0x6f0f)),
        (
            "unknown script",
            vec![TxOut::new(Amount::ZERO, ScriptBuf::new())],
            Err(0x6f0f),
        ),
        (
            "outputs above inputs",
            vec![TxOut::new(Amount::from_coins(8), change.script.clone())],
            Err(0x6a80),
        ),
        ("88 data bytes", vec![change.clone(), data(88, 0)], Ok(())),
        ("89 data bytes", vec![change.clone(), data(89, 0)], Err(0x6a80)),
    ];
    for (what, outputs, expected) in cases {
        let case = Payment {
            outputs,
            ..good.clone()
        };
        assert_eq!(host.pay(&case).await.map(drop), expected, "{what}");
    }
}

#[tokio::test]
async fn a_later_round_must_be_the_payment_the_user_saw() {
    let (ledger, _panel) = start(true);
    let mut host = Host::connect(ledger.address()).await;
    let payment = payment(&ledger);
    let trusted = host.trust(&payment).await;
    host.inputs(&payment, &trusted, 0).await.unwrap();
    host.outputs(&payment, 0).await.unwrap();
    host.sign(&key_path(0, 0), payment.lock_time).await.unwrap();
    let mut other = payment.clone();
    other.outputs[0].script = pay_to_key(&[0x66; 20]);
    host.inputs(&other, &trusted, 1).await.unwrap();
    assert_eq!(host.outputs(&other, 1).await, Err(0x6985));
    assert_eq!(host.sign(&key_path(0, 7), payment.lock_time).await, Err(0x6985));
}

#[tokio::test]
async fn a_round_signs_once_with_all_inputs_and_outputs_only() {
    let (ledger, _panel) = start(true);
    let mut host = Host::connect(ledger.address()).await;
    let payment = payment(&ledger);
    let trusted = host.trust(&payment).await;
    host.inputs(&payment, &trusted, 0).await.unwrap();
    assert_eq!(host.sign(&key_path(0, 0), 0).await, Err(0x6985), "before the outputs");
    host.inputs(&payment, &trusted, 0).await.unwrap();
    host.outputs(&payment, 0).await.unwrap();
    let first = host.sign(&key_path(0, 0), 0).await.unwrap();
    let second = host.sign(&key_path(0, 0), 0).await.unwrap();
    assert_ne!(first, second);
    let other_type = [&path(&key_path(0, 0))[..], &[0, 0, 0, 0, 0, 2]].concat();
    assert_eq!(ok(host.command(0x48, 0, 0, &other_type).await), Err(0x6a80));
}

#[tokio::test]
async fn an_input_without_a_vouched_amount_makes_the_fee_unknown() {
    let (ledger, panel) = start(true);
    let mut host = Host::connect(ledger.address()).await;
    let mut payment = payment(&ledger);
    payment.change = None;
    ok(host.command(0x44, 0, 0, &[2, 0, 0, 0, 1]).await).unwrap();
    let untrusted = [&[0][..], &[7; 36], &[0], &[0xff; 4]].concat();
    ok(host.command(0x44, 0x80, 0, &untrusted).await).unwrap();
    host.outputs(&payment, 0).await.unwrap();
    assert_eq!(pages(&panel).last().unwrap()[1], "Fees UNKNOWN");
}

#[tokio::test]
async fn trusted_inputs_of_special_transactions_carry_the_real_txid_however_the_payload_is_cut() {
    let (ledger, _panel) = start(true);
    let mut host = Host::connect(ledger.address()).await;
    let text = include_str!("../../../../tests/data/ledger/ledger.json");
    let derived = &serde_json::from_str::<serde_json::Value>(text).unwrap()["derived"];
    let proreg = &derived["dip2_prev_proreg"];
    assert_eq!(
        Transaction::from_hex(proreg["raw"].as_str().unwrap())
            .unwrap()
            .txid()
            .to_string(),
        proreg["txid"].as_str().unwrap()
    );
    for name in ["dip2_prev_proreg", "dip2_prev_coinbase", "dip2_prev_asset_unlock"] {
        let previous = Transaction::from_hex(derived[name]["raw"].as_str().unwrap()).unwrap();
        for piece in [1, 7, 100, 250] {
            let data = ok(host.trusted_input(&previous, 0, piece).await).unwrap();
            assert_eq!(
                data[4..36],
                previous.txid().to_byte_array(),
                "{name} in pieces of {piece}"
            );
            assert_eq!(data[36..40], [0; 4]);
            assert_eq!(data[40..48], previous.outputs[0].value.to_le_bytes());
        }
        let absent = previous.outputs.len() as u32;
        assert_eq!(ok(host.trusted_input(&previous, absent, 100).await), Err(0x6a80));
    }
}

#[tokio::test]
async fn malformed_streams_close_the_app() {
    let (ledger, panel) = start(true);
    let payment = payment(&ledger);
    let vouched = Host::connect(ledger.address()).await.trust(&payment).await.remove(0);
    let mut forged = vouched.clone();
    forged[40] ^= 1;
    let input = |flag: u8, data: &[u8]| {
        vec![
            apdu(0x44, 0, 0, &[2, 0, 0, 0, 1]),
            apdu(0x44, 0x80, 0, &[&[flag, 56], data, &[0]].concat()),
        ]
    };
    let previous = |data: &[u8]| {
        vec![
            apdu(0x42, 0, 0, &[0, 0, 0, 0, 2, 0, 0, 0, 1]),
            apdu(0x42, 0x80, 0, data),
        ]
    };
    let eleven = vec![H; 11];
    let cases = [
        ("a changed amount", input(1, &forged)),
        ("an unknown input flag", input(7, &vouched)),
        ("a cut trusted input", input(1, &vouched[..50])),
        ("a cut outpoint", previous(&[1; 35])),
        ("a cut script length", previous(&[&[1; 36][..], &[0xfd, 1]].concat())),
        ("a cut sequence", previous(&[&[1; 36][..], &[0, 0xff, 0xff]].concat())),
        ("a 64-bit length", previous(&[&[1; 36][..], &[0xff; 9]].concat())),
        ("a cut version", vec![apdu(0x42, 0, 0, &[0, 0, 0, 0, 2, 0])]),
        ("an eleven-level path on screen", vec![apdu(0x40, 1, 0, &path(&eleven))]),
    ];
    for (what, commands) in cases {
        panel.open_app("Dash");
        let mut host = Host::connect(ledger.address()).await;
        let (last, before) = commands.split_last().unwrap();
        for command in before {
            assert_eq!(host.exchange(command).await, Some((Vec::new(), 0x9000)), "{what}");
        }
        assert_eq!(host.exchange(last).await, None, "{what}");
        let name = Host::connect(ledger.address()).await.hex("b001000000").await;
        assert!(name.is_some_and(|(data, _)| data[2..7] == *b"BOLOS"), "{what}");
    }
}

#[tokio::test]
async fn trusted_inputs_outlive_the_app_but_not_the_device() {
    let (ledger, panel) = start(true);
    let payment = payment(&ledger);
    let trusted = Host::connect(ledger.address()).await.trust(&payment).await;
    panel.open_app("Dash");
    let mut host = Host::connect(ledger.address()).await;
    assert_eq!(host.inputs(&payment, &trusted, 0).await, Ok(()));
    let (other, _panel) = start(true);
    let mut host = Host::connect(other.address()).await;
    ok(host.command(0x44, 0, 0, &[2, 0, 0, 0, 1]).await).unwrap();
    let data = [&[1, 56][..], &trusted[0], &[0]].concat();
    let reply: Option<Reply> = host.command(0x44, 0x80, 0, &data).await;
    assert_eq!(reply, None);
}

#[tokio::test]
async fn a_message_signed_between_two_rounds_ruins_the_payment() {
    let (ledger, _panel) = start(true);
    let mut host = Host::connect(ledger.address()).await;
    let payment = payment(&ledger);
    let trusted = host.trust(&payment).await;
    host.inputs(&payment, &trusted, 0).await.unwrap();
    host.outputs(&payment, 0).await.unwrap();
    host.sign(&key_path(0, 0), payment.lock_time).await.unwrap();
    let hello = [&path(&key_path(0, 0))[..], &[0, 5], b"hello"].concat();
    ok(host.command(0x4e, 0, 1, &hello).await).unwrap();
    ok(host.command(0x4e, 0x80, 0, &[0]).await).unwrap();
    host.inputs(&payment, &trusted, 1).await.unwrap();
    assert_eq!(host.outputs(&payment, 1).await, Err(0x6985));
}

#[tokio::test]
async fn outputs_given_up_halfway_spoil_the_next_payment_and_no_other() {
    let (ledger, _panel) = start(true);
    let mut host = Host::connect(ledger.address()).await;
    let payment = payment(&ledger);
    let trusted = host.trust(&payment).await;
    host.inputs(&payment, &trusted, 0).await.unwrap();
    let half = [&[2][..], &payment.outputs[0].value.to_le_bytes()].concat();
    assert_eq!(ok(host.command(0x4a, 0, 0, &half).await), Ok(vec![0]));
    assert_eq!(host.pay(&payment).await.map(drop), Err(0x6f0f));
    assert!(host.pay(&payment).await.is_ok());
}
