//! Every recorded exchange, as the client's own request where it makes such a request, at the level of `wire` where it never
//! would (probes, malformed commands).

use super::recording::{Covered, Play, derived, exchange};
use crate::hw::ledger::client::Client;
use crate::hw::ledger::wire::message;
use crate::hw::ledger::wire::signature::DeviceSignature;
use crate::hw::ledger::wire::spend as wire_spend;
use crate::hw::ledger::wire::spend::Round;
use crate::hw::ledger::wire::status::Refusal;
use crate::hw::ledger::wire::trusted_input::TrustedInput;
use crate::hw::ledger::wire::{self, Apdu};
use crate::hw::{DeviceError, Kind, Progress, Spend, SpendInput, derive};
use crate::protocol::message::{CompactSignature, message_hash};
use crate::protocol::path::{self, PathError};
use crate::protocol::script::pay_to_key;
use crate::protocol::wire::{from_hex, to_hex};
use crate::protocol::{Amount, KeyId, OutPoint, ScriptBuf, Transaction, TxOut};
use bitcoin::bip32::DerivationPath;

pub const ALL: [fn() -> Covered; 13] = [
    info,
    probes_the_client_never_sends,
    keys,
    account,
    shown_addresses,
    unhardened_path,
    messages,
    message_in_the_old_form,
    message_on_an_underivable_path,
    spend_with_change,
    previous_transactions_with_payload,
    malformed_commands,
    refused_outputs_and_declines,
];

const MAGIC: &str = "DarkCoin Signed Message:\n";

#[test]
fn info_is_the_recorded_one() {
    info();
}

#[test]
fn keys_are_read_byte_for_byte() {
    keys();
    account();
    shown_addresses();
    unhardened_path();
}

#[test]
fn messages_are_sent_byte_for_byte_and_give_the_recorded_signatures() {
    messages();
    message_in_the_old_form();
    message_on_an_underivable_path();
}

#[test]
fn a_spend_of_two_inputs_gives_the_recorded_transaction() {
    spend_with_change();
}

#[test]
fn previous_transactions_with_payload_are_streamed_byte_for_byte() {
    previous_transactions_with_payload();
}

#[test]
fn what_the_app_refuses_has_its_own_outcome() {
    probes_the_client_never_sends();
    malformed_commands();
    refused_outputs_and_declines();
}

pub fn at(text: &str) -> DerivationPath {
    path::parse(text).unwrap()
}

fn status(code: u16) -> DeviceError {
    DeviceError::Status {
        kind: Kind::Ledger,
        status: code,
    }
}

fn info() -> Covered {
    let (info, covered) = Play::connected().then([10]).run(Client::info);
    let info = info.unwrap();
    assert_eq!(
        (info.app.as_str(), info.version.as_str(), info.ticker.as_str()),
        ("Dash", "2.4.6", "DASH")
    );
    assert_eq!(info.wallet.map(|wallet| wallet.len()), Some(8));
    covered
}

/// GET_FIRMWARE_VERSION, GET_OPERATION_MODE, GET_MASTER_FINGERPRINT, GET_RANDOM, and an unknown instruction.
fn probes_the_client_never_sends() -> Covered {
    for (number, instruction) in [(1, 0xc4), (3, 0x24), (4, 0xd0)] {
        exchange(number).assert_is(&raw(0xe0, instruction, 0, Vec::new()));
        assert_eq!(exchange(number).status(), 0x9000);
    }
    for (number, instruction) in [(85, 0x99), (89, 0xc0)] {
        exchange(number).assert_is(&raw(0xe0, instruction, 0, Vec::new()));
        assert_eq!(Refusal::of(exchange(number).status(), true), Refusal::UnknownCommand);
    }
    [1, 3, 4, 85, 89].into()
}

fn raw(class: u8, instruction: u8, p1: u8, data: Vec<u8>) -> Apdu {
    Apdu {
        class,
        instruction,
        p1,
        p2: 0,
        data,
    }
}

fn keys() -> Covered {
    let paths = [
        (5, "m/44'/5'/0'/0/0"),
        (6, "m/44'/5'/0'/0/1"),
        (7, "m/44'/5'/0'/1/0"),
        (8, "m/44'/5'/0'"),
        (9, "m/44'/5'"),
        (10, "m/44'"),
        (13, "m/44'/1'/0'/0/0"),
    ];
    let mut all = Covered::new();
    for (number, text) in paths {
        let (key, covered) = Play::connected()
            .then([number])
            .run(|client| client.public_key(&at(text)));
        let recorded = from_hex(&exchange(number).response_hex).unwrap();
        assert_eq!(key.unwrap().serialize_uncompressed(), recorded[1..66]);
        all.extend(covered);
    }
    all
}

/// Keys derived here from the account are those the device gives, and are not asked for again.
fn account() -> Covered {
    let (xpub, mut covered) = Play::connected().then([9, 8]).run(|client| {
        let xpub = client.account_xpub(&at("m/44'/5'/0'"))?;
        let below = client.public_key(&at("m/44'/5'/0'/0/1"))?;
        assert_eq!(below, derive(&xpub, false, 1));
        Ok(xpub)
    });
    let xpub = xpub.unwrap();
    assert_eq!((xpub.depth, xpub.child_number.to_string().as_str()), (3, "0'"));
    for (number, change, index) in [(5, false, 0), (6, false, 1), (7, true, 0)] {
        let recorded = from_hex(&exchange(number).response_hex).unwrap();
        assert_eq!(derive(&xpub, change, index).serialize_uncompressed(), recorded[1..66]);
        covered.insert(number);
    }
    covered
}

fn shown_addresses() -> Covered {
    let mut all = Covered::new();
    for (number, text) in [(11, "m/44'/5'/0'/0/0"), (12, "m/44'/5'/0'/1/0")] {
        let (shown, covered) = Play::connected()
            .then([number])
            .run(|client| client.show_address(&at(text)));
        let screen = exchange(number).screen.concat();
        assert!(screen.contains(&shown.unwrap().on_screen));
        all.extend(covered);
    }
    let (declined, covered) = Play::connected()
        .then([108])
        .run(|client| client.show_address(&at("m/44'/5'/0'/0/0")));
    assert_eq!(declined, Err(DeviceError::Declined));
    all.extend(covered);
    all
}

fn unhardened_path() -> Covered {
    let path: DerivationPath = "m/10/100/1000".parse().unwrap();
    exchange(14).assert_is(&wire::get_public_key(&path, false));
    let code = exchange(14).status();
    assert_eq!(Refusal::of(code, true).error(code), status(0x6f00));
    let (refused, mut covered) = Play::connected().run(|client| client.public_key(&path));
    assert!(matches!(refused, Err(DeviceError::Path(PathError::NotHardened { .. }))));
    covered.insert(14);
    covered
}

/// The text a recorded prepare command hands over, of a five-level path.
fn recorded_text(exchanges: &[usize]) -> Vec<u8> {
    let mut text = exchange(exchanges[0]).data().split_off(23);
    for number in &exchanges[1..] {
        text.extend(exchange(*number).data());
    }
    text
}

fn messages() -> Covered {
    let mut all = Covered::new();
    for (key, prepare, sign, text_path) in [
        (5, &[15][..], 16, "m/44'/5'/0'/0/0"),
        (5, &[17, 18], 19, "m/44'/5'/0'/0/0"),
        (13, &[22], 23, "m/44'/1'/0'/0/0"),
    ] {
        let text = recorded_text(prepare);
        let play = Play::connected().then([key]).then(prepare.iter().copied()).then([sign]);
        let (signature, covered) = play.run(|client| client.sign_message(&at(text_path), &text));
        let digest = message_hash(MAGIC, &text);
        let signer = wire::WalletKey::parse(&exchange(key).answer()).unwrap().key;
        assert_eq!(signature.unwrap().recover_key_id(&digest), Ok(KeyId::of(&signer)));
        assert_hash_is_on_screen(sign, &text);
        all.extend(covered);
    }
    collateral_message();
    let (declined, covered) = Play::connected()
        .then([5, 106, 107])
        .run(|client| client.sign_message(&at("m/44'/5'/0'/0/0"), b"hello"));
    assert_eq!(declined, Err(DeviceError::Declined));
    all.extend(covered);
    all
}

fn assert_hash_is_on_screen(sign: usize, text: &[u8]) {
    let is_hash =
        |line: &&String| line.len() > 8 && line.bytes().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_lowercase());
    let shown: String = exchange(sign).screen.iter().filter(is_hash).cloned().collect();
    assert_eq!(shown, message::message_hash_shown(text));
}

fn collateral_message() {
    let text = derived("/collateral_message/message");
    assert_eq!(recorded_text(&[15]), text.as_bytes());
    assert_eq!(
        message::message_hash_shown(text.as_bytes()),
        derived("/collateral_message/sha256_shown")
    );
    assert_eq!(
        to_hex(&message_hash(MAGIC, text.as_bytes())),
        derived("/collateral_message/digest")
    );
    let (signature, _) = Play::connected()
        .then([5, 15, 16])
        .run(|client| client.sign_message(&at(derived("/collateral_message/path")), text.as_bytes()));
    let expected = CompactSignature::from_base64(derived("/collateral_message/signature_base64"));
    assert_eq!(signature.unwrap(), expected.unwrap());
}

/// P2=00 and a one-byte length: the app still takes it, the client sends the newer form. The signature is the same.
fn message_in_the_old_form() -> Covered {
    let mut data = wire::path_bytes(&at("m/44'/5'/0'/0/0"));
    data.push(5);
    data.extend_from_slice(b"hello");
    exchange(20).assert_is(&raw(0xe0, 0x4e, 0, data));
    assert_eq!(exchange(20).answer(), message::COMPLETE);
    exchange(21).assert_is(&message::sign());
    let signature = DeviceSignature::of_message(&exchange(21).answer()).unwrap().compact();
    let signer = wire::WalletKey::parse(&exchange(5).answer()).unwrap().key;
    let digest = message_hash(MAGIC, b"hello");
    assert_eq!(signature.normalised(&digest, KeyId::of(&signer)), Ok(signature));
    assert_hash_is_on_screen(21, b"hello");
    [20, 21].into()
}

/// The app asks, answers 9000, and gives two zero bytes instead of a signature.
fn message_on_an_underivable_path() -> Covered {
    let path: DerivationPath = "m/10/100/1000".parse().unwrap();
    let commands = message::prepare(&path, b"x");
    assert_eq!(commands.len(), 1);
    exchange(24).assert_is(&commands[0]);
    exchange(25).assert_is(&message::sign());
    assert_eq!(exchange(25).status(), 0x9000);
    assert!(matches!(
        DeviceSignature::of_message(&exchange(25).answer()),
        Err(DeviceError::BadAnswer { .. })
    ));
    [24, 25].into()
}

fn key_id(number: usize) -> KeyId {
    KeyId::of(&wire::WalletKey::parse(&exchange(number).answer()).unwrap().key)
}

fn input(name: &str, vout: u32, key: usize, path: &str) -> SpendInput {
    let previous = Transaction::from_hex(derived(&format!("/spend/{name}"))).unwrap();
    SpendInput {
        path: at(path),
        key_id: key_id(key),
        outpoint: OutPoint {
            txid: previous.txid(),
            vout,
        },
        amount: previous.outputs[vout as usize].amount().unwrap(),
        previous,
    }
}

/// The recorded payment: 1.5 DASH, change to `m/44'/5'/0'/1/0`, fee 0.001.
pub fn recorded_spend() -> Spend {
    let signed = Transaction::from_hex(derived("/spend/signed_tx")).unwrap();
    Spend {
        inputs: vec![
            input("prev0", 0, 5, "m/44'/5'/0'/0/0"),
            input("prev1", 1, 6, "m/44'/5'/0'/0/1"),
        ],
        outputs: signed.outputs,
        change: Some(at(derived("/spend/change_path"))),
        lock_time: 0,
    }
}

fn spend_with_change() -> Covered {
    let spend = recorded_spend();
    let (signed, covered) = Play::connected()
        .then([5, 6, 7])
        .then_stream(26..=34)
        .then_stream(35..=45)
        .then_stream(46..=50)
        .then([51])
        .then_outputs([52, 53])
        .then([54])
        .then_stream(55..=59)
        .then_outputs([60, 61])
        .then([62])
        .run(|client| client.sign_spend(&spend, &Progress::none()));
    let signed = signed.unwrap();
    assert_eq!(signed.to_hex(), derived("/spend/signed_tx"));
    assert_eq!(signed.txid().to_string(), derived("/spend/txid"));
    for (number, input) in spend.inputs.iter().enumerate() {
        let code = pay_to_key(&input.key_id.0);
        let sighash = signed.sighash_all(number, code.as_bytes());
        assert_eq!(to_hex(&sighash), derived(&format!("/spend/sighashes/{number}")));
    }
    // The recording's own cuts, every 50 bytes.
    for recorded in [[52, 53], [60, 61]] {
        let commands = wire_spend::outputs_packed(&spend.outputs, 50);
        assert_eq!(commands.len(), recorded.len());
        for (number, command) in recorded.iter().zip(&commands) {
            exchange(*number).assert_is(command);
        }
    }
    covered
}

fn previous_transactions_with_payload() -> Covered {
    let mut all = Covered::new();
    for (name, numbers) in [
        ("dip2_prev_proreg", 63..=70),
        ("dip2_prev_coinbase", 71..=79),
        ("dip2_prev_asset_unlock", 80..=84),
    ] {
        let tx = Transaction::from_hex(derived(&format!("/{name}/raw"))).unwrap();
        let amount = tx.outputs[0].amount().unwrap();
        let (trusted, covered) = Play::connected()
            .then_stream(numbers)
            .run(|client| client.trusted_input(&tx, 0, amount));
        assert_eq!(trusted.unwrap().txid, tx.txid());
        all.extend(covered);
    }
    all
}

/// Commands that `wire` cannot make, or that the client refuses to send, and what their codes mean.
fn malformed_commands() -> Covered {
    let path = at("m/44'/5'/0'/0/0");
    let path_data = wire::path_bytes(&path);
    exchange(86).assert_is(&raw(0xe1, 0x40, 0, path_data.clone()));
    assert_eq!(Refusal::of(exchange(86).status(), true), Refusal::UnknownCommand);
    exchange(87).assert_is(&raw(0xe0, 0x40, 2, path_data));
    exchange(88).assert_is(&raw(0xe0, 0x40, 0, Vec::new()));
    let empty = message::prepare(&path, b"");
    exchange(90).assert_is(&empty[0]);
    exchange(91).assert_is(&wire_spend::hash_sign(&path, 0));
    for (number, code) in [(87, 0x6b00), (88, 0x6700), (90, 0x6a80), (91, 0x6985)] {
        assert_eq!(Refusal::of(exchange(number).status(), false).error(code), status(code));
    }
    let (refused, _) = Play::connected().run(|client| client.sign_message(&path, b""));
    assert!(matches!(refused, Err(DeviceError::Unsupported { .. })));
    [86, 87, 88, 90, 91].into()
}

fn refused_outputs_and_declines() -> Covered {
    let mut all = refused_by_the_app(92, &[vec![0x6a, 0], change_script()], 0x6f0f);
    all.extend(refused_by_the_app(99, &[change_script()], 0x6a80));
    all.extend(declined_spend());
    all
}

fn change_script() -> Vec<u8> {
    pay_to_key(&key_id(7).0).into_bytes()
}

/// Inputs, change and outputs as recorded from `first` on; the app refuses the outputs, the client refuses to send them.
fn refused_by_the_app(first: usize, scripts: &[Vec<u8>], code: u16) -> Covered {
    let recorded = exchange(first + 6).data();
    let mut spend = recorded_spend();
    spend.outputs = outputs_of(&recorded);
    let read: Vec<_> = spend.outputs.iter().map(|output| output.script.to_bytes()).collect();
    assert_eq!(read, scripts);
    let mut tx = Transaction::from_hex(derived("/spend/signed_tx")).unwrap();
    tx.outputs = spend.outputs.clone();
    let trusted = [34, 45].map(|number| TrustedInput::parse(&exchange(number).answer()).unwrap());
    let codes = [pay_to_key(&spend.inputs[0].key_id.0), ScriptBuf::new()];
    let packed = wire_spend::inputs(&tx, trusted.iter().zip(codes), Round::First);
    let sent: Vec<u8> = packed.into_iter().flat_map(|command| command.data).collect();
    let recorded: Vec<u8> = (first..first + 5).flat_map(|at| exchange(at).data()).collect();
    assert_eq!(to_hex(&sent), to_hex(&recorded));
    exchange(first + 5).assert_is(&wire_spend::change(spend.change.as_ref()));
    let commands = wire_spend::outputs_packed(&spend.outputs, 50);
    assert_eq!(commands.len(), 1);
    exchange(first + 6).assert_is(&commands[0]);
    for number in first..first + 6 {
        assert_eq!(exchange(number).status(), 0x9000);
    }
    assert_eq!(
        Refusal::of(exchange(first + 6).status(), true).error(code),
        status(code)
    );
    let (refused, _) = Play::connected().run(|client| client.sign_spend(&spend, &Progress::none()));
    assert!(matches!(refused, Err(DeviceError::Unsupported { .. })), "{refused:?}");
    (first..=first + 6).collect()
}

/// Reads `varint | outputs` by putting a transaction around it.
fn outputs_of(bytes: &[u8]) -> Vec<TxOut> {
    let whole = [&[2, 0, 0, 0, 0][..], bytes, &[0; 4]].concat();
    Transaction::decode(&whole).unwrap().outputs
}

fn declined_spend() -> Covered {
    let mut spend = recorded_spend();
    spend.inputs.truncate(1);
    let paid = spend.outputs[0].clone();
    let change = TxOut::new(Amount::from_duffs(99_849_900_000), pay_to_key(&key_id(7).0));
    spend.outputs = vec![paid, change];
    let (declined, covered) = Play::connected()
        .then([5, 7])
        .then_stream(109..=117)
        .then_stream(118..=120)
        .then([121])
        .then_outputs([122])
        .run(|client| client.sign_spend(&spend, &Progress::none()));
    assert_eq!(declined, Err(DeviceError::Declined));
    exchange(122).assert_is(&wire_spend::outputs_packed(&spend.outputs, 50)[0]);
    covered
}
