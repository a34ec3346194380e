//! The device client against the emulated Ledger, over its socket.

use std::sync::Arc;

use bitcoin::hashes::Hash;
use castellan::hw::ledger::Ledger;
use castellan::hw::{Device, DeviceError, Progress, Spend, SpendInput};
use castellan::protocol::message::{self, CompactSignature};
use castellan::protocol::{Amount, KeyId, OutPoint, Profile, Transaction, TxIn, TxOut, network, path};
use castellan::sandbox::ledger::{Options, SandboxLedger};

fn start(profile: &Profile, auto_approve: bool) -> SandboxLedger {
    let options = Options {
        auto_approve,
        ..Options::for_profile(profile)
    };
    SandboxLedger::start(options).expect("a free port")
}

/// Opening blocks, so it has a thread of its own.
async fn open(ledger: &SandboxLedger, profile: &Profile) -> Arc<Ledger> {
    let (address, profile) = (ledger.address().to_string(), Arc::new(profile.clone()));
    let opened = tokio::task::spawn_blocking(move || Ledger::network(&address, profile));
    Arc::new(opened.await.expect("no panic").expect("the sandbox accepts"))
}

fn profile(name: &str) -> Profile {
    network::builtin(name).expect("embedded")
}

#[tokio::test]
async fn the_client_signs_messages_and_payments_for_every_network() {
    for name in network::builtin_names() {
        let profile = profile(name);
        let ledger = start(&profile, true);
        let device = open(&ledger, &profile).await;
        let info = device.info().await.expect("the app is open");
        assert_eq!((info.app.as_str(), info.version.as_str()), ("Dash", "2.4.6"));

        let own = path::address(&profile, 0, false, 0);
        let key = device.public_key(own.clone()).await.expect("a key");
        assert_eq!(Some(key), ledger.public_key(&own), "{name}");

        let text = b"some collateral message".to_vec();
        let signature: CompactSignature = device.sign_message(own.clone(), text.clone()).await.expect("signed");
        let address = ledger.key_address(&own).expect("derivable");
        assert_eq!(message::verify(&profile, address, &text, &signature), Ok(()), "{name}");

        let tx = device
            .sign_spend(spend(&ledger, &profile), Progress::none())
            .await
            .expect("signed");
        assert_eq!(tx.inputs.len(), 2);
        assert!(tx.inputs.iter().all(|input| input.script_sig.len() > 100));
    }
}

/// Two inputs, the second of a transaction with a payload; a payment and the change.
fn spend(ledger: &SandboxLedger, profile: &Profile) -> Spend {
    let input = |index: u32, kind: u16| {
        let own = path::address(profile, 0, false, index);
        let key_id = KeyId::of(&ledger.public_key(&own).expect("derivable"));
        let previous = Transaction {
            version: 3,
            kind,
            inputs: vec![TxIn::unsigned(OutPoint {
                txid: bitcoin::Txid::from_byte_array([7; 32]),
                vout: index,
            })],
            outputs: vec![TxOut::new(Amount::from_coins(5), key_id.address().script())],
            lock_time: 0,
            payload: vec![0xab; if kind == 0 { 0 } else { 400 }],
        };
        SpendInput {
            path: own,
            key_id,
            outpoint: OutPoint {
                txid: previous.txid(),
                vout: 0,
            },
            previous,
            amount: Amount::from_coins(5),
        }
    };
    let change = path::address(profile, 0, true, 0);
    let back = ledger.key_address(&change).expect("derivable").script();
    Spend {
        inputs: vec![input(0, 0), input(1, 1)],
        outputs: vec![
            TxOut::new(Amount::from_coins(6), KeyId([9; 20]).address().script()),
            TxOut::new(Amount::from_duffs(399_990_000), back),
        ],
        change: Some(change),
        lock_time: 0,
    }
}

#[tokio::test]
async fn the_client_says_what_is_in_the_way() {
    let dash = profile("dash");
    let ledger = start(&dash, false);
    let panel = ledger.panel();
    let device = open(&ledger, &dash).await;
    let own = path::address(&dash, 0, false, 0);

    let asking = tokio::spawn({
        let device = Arc::clone(&device);
        let own = own.clone();
        async move { device.sign_message(own, b"hello".to_vec()).await }
    });
    let mut screen = panel.watch();
    let asked = screen.wait_for(|screen| screen.prompt().is_some()).await;
    assert_eq!(asked.expect("the device runs").lines()[0], "Sign message");
    panel.reject();
    assert_eq!(asking.await.expect("no panic"), Err(DeviceError::Declined));

    panel.lock();
    assert!(matches!(device.info().await, Err(DeviceError::Locked { .. })));
    panel.unlock();
    panel.open_app("Bitcoin");
    let wrong = info_after_switch(&device).await;
    assert!(matches!(wrong, Err(DeviceError::WrongApp { .. })), "{wrong:?}");
    panel.open_app("Dash");
    assert!(info_after_switch(&device).await.is_ok());
}

/// The first command after an app was switched may find the broken connection; the next one has a new one.
async fn info_after_switch(device: &Ledger) -> Result<(), DeviceError> {
    match device.info().await {
        Err(DeviceError::Gone { .. }) => device.info().await.map(drop),
        other => other.map(drop),
    }
}
