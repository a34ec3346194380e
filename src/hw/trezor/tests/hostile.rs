//! Peers that lie, stammer or fall silent: every answer is checked, none is fatal.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bitcoin::base58;
use bitcoin::bip32::{ChildNumber, DerivationPath, Xpriv, Xpub};
use bitcoin::network::NetworkKind;
use bitcoin::secp256k1::Secp256k1;
use protobuf::{Message, MessageField};
use trezor_client::TrezorMessage;
use trezor_client::protos::failure::FailureType;
use trezor_client::protos::tx_request::{RequestType, TxRequestDetailsType, TxRequestSerializedType};
use trezor_client::protos::{
    Address, Failure, Features, GetPublicKey, HDNodeType, Initialize, MessageSignature, MessageType, PublicKey,
    TxRequest,
};

use super::support::{at, profile, vectors};
use super::vectors::recorded_spend;
use crate::hw::trezor::Trezor;
use crate::hw::trezor::talk::Limits;
use crate::hw::trezor::transport::{CHUNK, Chunk, Lost, Pipe};
use crate::hw::{Device, DeviceError, Kind, Nobody, Progress, Spend};
use crate::protocol::{KeyId, SecpKey};

const OWN: &str = "m/44'/5'/0'/0/0";

/// A message of either side: its type's number and its bytes.
type Said = (u16, Vec<u8>);
type Script = dyn FnMut(u16, &[u8]) -> Vec<Said> + Send;

fn said<M: TrezorMessage>(message: &M) -> Said {
    (M::MESSAGE_TYPE as u16, message.write_to_bytes().unwrap())
}

fn is(kind: u16, wanted: MessageType) -> bool {
    kind == wanted as u16
}

/// A peer in memory, played by a function.
struct Play {
    script: Arc<Mutex<Box<Script>>>,
    coming: Option<(u16, usize, Vec<u8>)>,
    packets: VecDeque<Chunk>,
    /// Set to have the next look at it fail.
    unplugged: Arc<AtomicBool>,
}

impl Pipe for Play {
    fn send(&mut self, chunk: &Chunk) -> Result<(), Lost> {
        let (kind, length, mut data) = match self.coming.take() {
            Some((kind, length, mut data)) => {
                data.extend_from_slice(&chunk[1..]);
                (kind, length, data)
            }
            None => {
                let length = u32::from_be_bytes(chunk[5..9].try_into().unwrap());
                let kind = u16::from_be_bytes(chunk[3..5].try_into().unwrap());
                (kind, length as usize, chunk[9..].to_vec())
            }
        };
        if data.len() < length {
            self.coming = Some((kind, length, data));
            return Ok(());
        }
        data.truncate(length);
        let answers = (self.script.lock().unwrap())(kind, &data);
        self.packets.extend(answers.into_iter().flat_map(packets));
        Ok(())
    }

    fn tells_of_unplugging(&self) -> bool {
        true
    }

    fn receive(&mut self, wait: Duration) -> Result<Option<Chunk>, Lost> {
        if self.unplugged.swap(false, Ordering::SeqCst) {
            return Err(Lost);
        }
        if self.packets.is_empty() {
            std::thread::sleep(wait);
        }
        Ok(self.packets.pop_front())
    }
}

/// Type `RAW` stands for packets as they are.
const RAW: u16 = 0xffff;

fn packets((kind, data): Said) -> Vec<Chunk> {
    let mut stream = Vec::new();
    if kind != RAW {
        stream.extend_from_slice(b"##");
        stream.extend_from_slice(&kind.to_be_bytes());
        stream.extend_from_slice(&(data.len() as u32).to_be_bytes());
    }
    stream.extend(data);
    let packet = |part: &[u8]| {
        let mut packet = [0; CHUNK];
        packet[0] = b'?';
        packet[1..=part.len()].copy_from_slice(part);
        packet
    };
    stream.chunks(CHUNK - 1).map(packet).collect()
}

fn features() -> Features {
    let mut features = Features::new();
    features.set_major_version(1);
    features.set_minor_version(14);
    features.set_patch_version(2);
    features.set_model("1".to_owned());
    features.set_initialized(true);
    features.set_session_id(vec![1; 32]);
    features
}

fn master() -> Xpriv {
    Xpriv::new_master(NetworkKind::Main, &[7; 64]).unwrap()
}

fn key(path: &DerivationPath) -> SecpKey {
    let secp = Secp256k1::new();
    let derived = master().derive_priv(&secp, path).unwrap();
    SecpKey::from_bytes(&derived.private_key.secret_bytes()).unwrap()
}

/// The honest answer to GetPublicKey.
fn public_key(request: &[u8]) -> PublicKey {
    let request = GetPublicKey::parse_from_bytes(request).unwrap();
    let path: Vec<ChildNumber> = request
        .address_n
        .iter()
        .map(|level| ChildNumber::from(*level))
        .collect();
    let secp = Secp256k1::new();
    let xpub = Xpub::from_priv(&secp, &master().derive_priv(&secp, &path).unwrap());
    let mut node = HDNodeType::new();
    node.set_depth(u32::from(xpub.depth));
    node.set_fingerprint(u32::from_be_bytes(xpub.parent_fingerprint.to_bytes()));
    node.set_child_num(u32::from(xpub.child_number));
    node.set_chain_code(xpub.chain_code.to_bytes().to_vec());
    node.set_public_key(xpub.public_key.serialize().to_vec());
    let mut answer = PublicKey::new();
    answer.node = MessageField::some(node);
    answer.set_xpub(base58::encode_check(&xpub.encode()));
    answer.set_root_fingerprint(5);
    answer
}

fn cancelled() -> Said {
    let mut failure = Failure::new();
    failure.set_code(FailureType::Failure_ActionCancelled);
    said(&failure)
}

fn quick() -> Limits {
    Limits {
        hello: Duration::from_millis(300),
        quick: Duration::from_millis(300),
        user: Duration::from_millis(300),
    }
}

/// A device that is honest in all but what the function answers itself.
fn device(lie: impl FnMut(u16, &[u8]) -> Option<Vec<Said>> + Send + 'static) -> Trezor {
    device_with_plug(lie, Arc::default())
}

fn device_with_plug(
    mut lie: impl FnMut(u16, &[u8]) -> Option<Vec<Said>> + Send + 'static,
    unplugged: Arc<AtomicBool>,
) -> Trezor {
    let script = move |kind: u16, data: &[u8]| match lie(kind, data) {
        Some(answers) => answers,
        None if is(kind, MessageType::MessageType_Initialize) => vec![said(&features())],
        None if is(kind, MessageType::MessageType_GetPublicKey) => vec![said(&public_key(data))],
        None if is(kind, MessageType::MessageType_Cancel) => vec![cancelled()],
        None => Vec::new(),
    };
    let script: Arc<Mutex<Box<Script>>> = Arc::new(Mutex::new(Box::new(script)));
    let connect = move || {
        Ok(Box::new(Play {
            script: Arc::clone(&script),
            coming: None,
            packets: VecDeque::new(),
            unplugged: Arc::clone(&unplugged),
        }) as Box<dyn Pipe>)
    };
    Trezor::open(
        "play".to_owned(),
        profile("Dash"),
        Box::new(connect),
        Arc::new(Nobody),
        quick(),
    )
    .unwrap()
}

fn is_bad<T>(result: &Result<T, DeviceError>) -> bool {
    matches!(result, Err(DeviceError::BadAnswer { .. }))
}

#[tokio::test]
async fn an_honest_peer_is_believed() {
    let device = device(|_, _| None);
    assert_eq!(device.public_key(at(OWN)).await, Ok(key(&at(OWN)).public_key()));
}

#[tokio::test]
async fn a_public_key_with_any_part_wrong_is_refused() {
    let lies: [fn(&mut PublicKey); 8] = [
        |answer| answer.root_fingerprint = None,
        |answer| answer.set_xpub("xpub".to_owned()),
        |answer| answer.set_xpub(base58::encode_check(&[7; 78])),
        |answer| answer.node.as_mut().unwrap().set_depth(4),
        |answer| answer.node.as_mut().unwrap().set_depth(400),
        |answer| answer.node.as_mut().unwrap().set_child_num(7),
        |answer| answer.node.as_mut().unwrap().set_public_key(vec![2; 33]),
        |answer| answer.node.as_mut().unwrap().set_chain_code(vec![1; 31]),
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let device = device(move |kind, data| {
            is(kind, MessageType::MessageType_GetPublicKey).then(|| {
                let mut answer = public_key(data);
                lie(&mut answer);
                vec![said(&answer)]
            })
        });
        let answer = device.public_key(at(OWN)).await;
        assert!(is_bad(&answer), "{number}: {answer:?}");
    }
}

#[tokio::test]
async fn an_address_of_another_key_is_refused() {
    let device = device(|kind, _| {
        is(kind, MessageType::MessageType_GetAddress).then(|| {
            let mut answer = Address::new();
            answer.set_address("XdTw4G5AWW4cogGd7ayybyBNDbuB45UpgH".to_owned());
            vec![said(&answer)]
        })
    });
    assert!(is_bad(&device.show_address(at(OWN)).await));
    assert!(is_bad(&device.account_xpub(at("m/44'/5'/0'")).await));
}

#[tokio::test]
async fn a_message_signed_by_another_key_or_in_another_form_is_refused() {
    let signed_with = |signature: Vec<u8>, signer: SecpKey| {
        device(move |kind, _| {
            is(kind, MessageType::MessageType_SignMessage).then(|| {
                let mut answer = MessageSignature::new();
                let coin = super::super::wire::coin::of(&profile("Dash")).unwrap();
                answer.set_address(coin.address(signer.key_id().address()));
                answer.set_signature(signature.clone());
                vec![said(&answer)]
            })
        })
    };
    let digest = crate::protocol::message::message_hash("DarkCoin Signed Message:\n", b"hello");
    let (own, other) = (key(&at(OWN)), key(&at("m/44'/5'/0'/0/1")));
    let sign = |key: &SecpKey| key.sign_compact(&digest).as_bytes().to_vec();
    let ask = |device: Trezor| async move { device.sign_message(at(OWN), b"hello".to_vec()).await };
    assert!(ask(signed_with(sign(&own), own.clone())).await.is_ok());
    let foreign = [
        ask(signed_with(sign(&other), own.clone())).await,
        ask(signed_with(sign(&own), other)).await,
    ];
    for refused in foreign {
        assert!(matches!(refused, Err(DeviceError::OtherKey { .. })), "{refused:?}");
    }
    assert!(is_bad(&ask(signed_with(vec![31; 64], own)).await));
}

fn spend() -> Spend {
    let (mut spend, _) = recorded_spend(&vectors()["transactions"][3]);
    spend.inputs.truncate(1);
    spend.outputs.truncate(1);
    spend.outputs[0].value = 1000;
    spend.change = None;
    let input = &mut spend.inputs[0];
    input.path = at(OWN);
    input.key_id = KeyId::of(&key(&at(OWN)).public_key());
    input.previous.outputs[input.outpoint.vout as usize].script = input.key_id.address().script();
    input.outpoint.txid = input.previous.txid();
    spend
}

fn question(part: RequestType, index: u32, hash: Option<Vec<u8>>) -> TxRequest {
    let mut details = TxRequestDetailsType::new();
    details.set_request_index(index);
    details.tx_hash = hash;
    let mut request = TxRequest::new();
    request.set_request_type(part);
    request.details = MessageField::some(details);
    request
}

fn piece(signature: &[u8], bytes: &[u8]) -> TxRequest {
    let mut piece = TxRequestSerializedType::new();
    piece.set_signature_index(0);
    piece.set_signature(signature.to_vec());
    piece.set_serialized_tx(bytes.to_vec());
    let mut request = question(RequestType::TXFINISHED, 0, None);
    request.serialized = MessageField::some(piece);
    request
}

#[tokio::test]
async fn a_question_about_what_does_not_exist_is_cancelled_and_the_next_request_is_in_step() {
    let mut hash = bitcoin::hashes::Hash::to_byte_array(spend().inputs[0].outpoint.txid).to_vec();
    hash.reverse();
    let known = Some(hash);
    let mut extra = question(RequestType::TXEXTRADATA, 0, known.clone());
    extra.details.as_mut().unwrap().set_extra_data_offset(u32::MAX);
    extra.details.as_mut().unwrap().set_extra_data_len(u32::MAX);
    let mut stray = question(RequestType::TXINPUT, 0, None);
    stray.serialized = piece(&[], &[]).serialized;
    stray.serialized.as_mut().unwrap().set_signature_index(1);
    let mut bare = TxRequest::new();
    bare.set_request_type(RequestType::TXINPUT);
    let mut long = question(RequestType::TXINPUT, 0, None);
    long.serialized = piece(&[], &[0; 5000]).serialized;
    let mut unknown = question(RequestType::TXINPUT, 0, None);
    unknown.request_type = Some(protobuf::EnumOrUnknown::from_i32(77));
    for (number, lie) in [
        question(RequestType::TXINPUT, 1, None),
        question(RequestType::TXOUTPUT, u32::MAX, None),
        question(RequestType::TXMETA, 0, None),
        question(RequestType::TXMETA, 0, Some(vec![7; 32])),
        question(RequestType::TXINPUT, 1000, known.clone()),
        question(RequestType::TXOUTPUT, 1000, known.clone()),
        question(RequestType::TXORIGINPUT, 0, known),
        question(RequestType::TXPAYMENTREQ, 0, None),
        extra,
        stray,
        bare,
        long,
        unknown,
        TxRequest::new(),
    ]
    .into_iter()
    .enumerate()
    {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kinds = Arc::clone(&seen);
        let device = device(move |kind, _| {
            kinds.lock().unwrap().push(kind);
            is(kind, MessageType::MessageType_SignTx).then(|| vec![said(&lie)])
        });
        let refused = device.sign_spend(spend(), Progress::none()).await;
        assert!(is_bad(&refused), "{number}: {refused:?}");
        let last = *seen.lock().unwrap().last().unwrap();
        assert!(is(last, MessageType::MessageType_Cancel), "{number}");
        assert!(device.public_key(at(OWN)).await.is_ok());
    }
}

#[tokio::test]
async fn a_payment_is_taken_only_with_its_own_bytes_under_signatures_of_its_own_keys() {
    let spend = spend();
    let mut unsigned = crate::protocol::Transaction::empty(2);
    unsigned.inputs = vec![crate::protocol::TxIn::unsigned(spend.inputs[0].outpoint)];
    unsigned.outputs.clone_from(&spend.outputs);
    let code = spend.inputs[0].key_id.address().script();
    let digest = unsigned.sighash_all(0, code.as_bytes());
    let der = |key: &SecpKey, digest: &[u8; 32]| {
        let mut der = key.sign_der(digest);
        der.pop();
        der
    };
    let own = key(&at(OWN));
    let good = der(&own, &digest);
    let with = |der: &[u8]| {
        let mut tx = unsigned.clone();
        let with_type = [der, &[1]].concat();
        tx.inputs[0].script_sig = crate::protocol::script::script_sig(&with_type, &own.public_key().serialize());
        tx.encode()
    };
    let ask = |request: TxRequest| {
        let spend = spend.clone();
        let device = device(move |kind, _| is(kind, MessageType::MessageType_SignTx).then(|| vec![said(&request)]));
        async move { device.sign_spend(spend, Progress::none()).await }
    };
    assert_eq!(
        ask(piece(&good, &with(&good))).await.map(|tx| tx.encode()),
        Ok(with(&good))
    );
    let mut altered = with(&good);
    *altered.last_mut().unwrap() = 1;
    assert!(is_bad(&ask(piece(&good, &altered)).await));
    assert!(is_bad(&ask(piece(&[1, 2, 3], &with(&good))).await));
    assert!(
        is_bad(&ask(question(RequestType::TXFINISHED, 0, None)).await),
        "no signature"
    );
    let foreign = [der(&key(&at("m/44'/5'/0'/0/1")), &digest), der(&own, &[5; 32])];
    for signature in foreign {
        let refused = ask(piece(&signature, &with(&signature))).await;
        assert!(matches!(refused, Err(DeviceError::OtherKey { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_payment_that_is_wrong_here_never_reaches_the_device() {
    let device = device(|kind, _| {
        assert!(!is(kind, MessageType::MessageType_SignTx));
        None
    });
    let changes: [fn(&mut Spend); 9] = [
        |spend| spend.inputs.clear(),
        |spend| spend.inputs = vec![spend.inputs[0].clone(); 51],
        |spend| spend.inputs.push(spend.inputs[0].clone()),
        |spend| spend.outputs.clear(),
        |spend| spend.outputs[0].value = -1,
        |spend| spend.outputs[0].value = i64::MAX,
        |spend| spend.outputs[0].script = crate::protocol::ScriptBuf::from_bytes(vec![0x6a, 1, 1]),
        |spend| spend.inputs[0].previous.lock_time ^= 1,
        |spend| spend.change = Some(at("m/44'/5'/0'/1/0")),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut wrong = spend();
        change(&mut wrong);
        let refused = device.sign_spend(wrong, Progress::none()).await.unwrap_err();
        let named = matches!(refused, DeviceError::Unsupported { .. } | DeviceError::PreviousTx);
        assert!(named, "{number}: {refused}");
    }
    let mut foreign = spend();
    foreign.inputs[0].path = at("m/44'/5'/0'/0/1");
    assert!(matches!(
        device.sign_spend(foreign, Progress::none()).await,
        Err(DeviceError::OtherKey { .. })
    ));
}

#[tokio::test]
async fn noise_is_an_error_and_the_next_request_begins_anew() {
    let huge = [
        &b"##"[..],
        &(MessageType::MessageType_PublicKey as u16).to_be_bytes(),
        &[0xff; 4],
    ]
    .concat();
    let cut = [
        &b"##"[..],
        &(MessageType::MessageType_PublicKey as u16).to_be_bytes(),
        &[0, 0, 0, 200],
        &[1; 10],
    ]
    .concat();
    let noise: [Said; 7] = [
        (MessageType::MessageType_PublicKey as u16, Vec::new()),
        (RAW, b"no message".to_vec()),
        (RAW, huge),
        (RAW, cut),
        (60_000, vec![1]),
        (MessageType::MessageType_PublicKey as u16, vec![0xff; 9]),
        (MessageType::MessageType_Features as u16, Vec::new()),
    ];
    for (number, lie) in noise.into_iter().enumerate() {
        let mut lie = Some(lie);
        let device = device(move |kind, _| {
            let asked = is(kind, MessageType::MessageType_GetPublicKey);
            if asked { lie.take().map(|lie| vec![lie]) } else { None }
        });
        let refused = device.public_key(at(OWN)).await;
        let timed_out = Err(DeviceError::TimedOut { kind: Kind::Trezor });
        assert!(is_bad(&refused) || refused == timed_out, "{number}: {refused:?}");
        assert!(device.public_key(at(OWN)).await.is_ok(), "{number}");
    }
}

#[tokio::test]
async fn silence_ends_and_leftovers_of_another_program_are_skipped() {
    let silent = device(|_, _| Some(Vec::new()));
    assert_eq!(silent.info().await, Err(DeviceError::TimedOut { kind: Kind::Trezor }));
    let late = device(|kind, _| {
        is(kind, MessageType::MessageType_Initialize).then(|| {
            let rest_of_a_message = (RAW, vec![7; 40]);
            vec![
                rest_of_a_message,
                (60_000, vec![1; 3]),
                cancelled(),
                said(&public_key(&[])),
                said(&features()),
            ]
        })
    });
    assert!(late.public_key(at(OWN)).await.is_ok());
}

#[tokio::test]
async fn looking_again_and_again_whether_it_is_there_sends_nothing_that_would_keep_it_from_locking_itself() {
    let (sent, plug) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let seen = Arc::clone(&sent);
    let note = move |kind, _: &[u8]| {
        seen.lock().unwrap().push(kind);
        None
    };
    let device = device_with_plug(note, Arc::clone(&plug));
    let first = device.info().await.unwrap();
    assert_eq!(first.wallet.as_deref(), Some("00000005"));
    let messages = [
        MessageType::MessageType_Initialize,
        MessageType::MessageType_GetPublicKey,
    ]
    .map(|kind| kind as u16);
    assert_eq!(*sent.lock().unwrap(), messages);
    for _ in 0..50 {
        assert_eq!(device.info().await.as_ref(), Ok(&first));
    }
    assert_eq!(*sent.lock().unwrap(), messages, "nothing more");
    plug.store(true, Ordering::SeqCst);
    assert_eq!(device.info().await, Ok(first), "plugged in again");
    assert_eq!(
        sent.lock().unwrap().len(),
        3,
        "a new hello; the key of the resumed session is known"
    );
    device.public_key(at(OWN)).await.unwrap();
    assert_eq!(sent.lock().unwrap().len(), 4, "a request says hello all the same");
}

#[tokio::test]
async fn the_session_is_resumed_and_begun_anew_when_the_device_ended_it() {
    let ids = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ids);
    let mut ended = 2;
    let device = device(move |kind, data| {
        if is(kind, MessageType::MessageType_Initialize) {
            let hello = Initialize::parse_from_bytes(data).unwrap();
            seen.lock().unwrap().push(hello.session_id.is_some());
        }
        if !is(kind, MessageType::MessageType_GetAddress) {
            return None;
        }
        ended -= 1;
        (ended == 1).then(|| {
            let mut failure = Failure::new();
            failure.set_code(FailureType::Failure_InvalidSession);
            vec![said(&failure)]
        })
    });
    assert!(device.public_key(at(OWN)).await.is_ok());
    let lost = DeviceError::SessionLost { kind: Kind::Trezor };
    assert_eq!(device.show_address(at(OWN)).await, Err(lost));
    assert!(device.public_key(at(OWN)).await.is_ok());
    assert_eq!(*ids.lock().unwrap(), [false, true, false]);
}
