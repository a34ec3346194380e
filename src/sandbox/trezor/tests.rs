//! The firmware's manners, by a host that misbehaves; signatures are compared with recordings by the client's own tests.

use std::net::UdpSocket;
use std::time::Duration;

use protobuf::{Enum, MessageField};
use trezor_client::TrezorMessage;
use trezor_client::protos::failure::FailureType;
use trezor_client::protos::tx_ack::TransactionType;
use trezor_client::protos::tx_ack::transaction_type::{TxInputType, TxOutputBinType, TxOutputType};
use trezor_client::protos::tx_request::RequestType;
use trezor_client::protos::{
    ButtonAck, Cancel, EndSession, Failure, Features, GetAddress, GetFeatures, GetPublicKey, Initialize, MessageType,
    PassphraseAck, PassphraseRequest, PinMatrixAck, PinMatrixRequest, SignTx, TxAck, TxRequest,
};
use zeroize::Zeroizing;

use super::packet::{Assembly, Message, packets};
use super::{Model, Options, SandboxTrezor, Screen, positions};

const HARDENED: u32 = 0x8000_0000;
const OWN: [u32; 5] = [HARDENED | 44, HARDENED | 5, HARDENED, 0, 0];

/// A host that sends what it is told to.
struct Host {
    socket: UdpSocket,
    device: SandboxTrezor,
}

impl Host {
    fn new(options: Options) -> Self {
        let device = SandboxTrezor::start(options).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(device.address()).unwrap();
        let mut host = Self { socket, device };
        host.send(&Initialize::new());
        let _: Features = host.expect();
        host
    }

    fn send<M: TrezorMessage>(&mut self, message: &M) {
        for packet in packets(M::MESSAGE_TYPE, &message.write_to_bytes().unwrap()) {
            self.socket.send(&packet).unwrap();
        }
    }

    fn next(&mut self, wait: Duration) -> Option<Message> {
        self.socket.set_read_timeout(Some(wait)).unwrap();
        let mut assembly = Assembly::default();
        let mut packet = [0; 64];
        loop {
            let count = self.socket.recv(&mut packet).ok()?;
            if let Some(message) = assembly.push(&packet[..count]) {
                return Some(message);
            }
        }
    }

    fn expect<M: TrezorMessage>(&mut self) -> M {
        let message = self.next(Duration::from_secs(20)).expect("an answer");
        let kind = MessageType::from_i32(i32::from(message.kind));
        assert_eq!(kind, Some(M::MESSAGE_TYPE));
        M::parse_from_bytes(&message.data).unwrap()
    }

    fn fails<M: TrezorMessage>(&mut self, request: &M) -> (FailureType, String) {
        self.send(request);
        let failure: Failure = self.expect();
        (
            failure.code.unwrap().enum_value().unwrap(),
            failure.message().to_owned(),
        )
    }

    /// Asks again and again, as one does who waits for a cable.
    fn asks_until_answered<M: TrezorMessage, A: TrezorMessage>(&mut self, request: &M) -> A {
        for _ in 0..100 {
            for packet in packets(M::MESSAGE_TYPE, &request.write_to_bytes().unwrap()) {
                // Refused while nobody is at the port.
                let _ = self.socket.send(&packet);
            }
            if let Some(message) = self.next(Duration::from_millis(50)) {
                assert!(message.is(A::MESSAGE_TYPE));
                return A::parse_from_bytes(&message.data).unwrap();
            }
        }
        panic!("nobody answers");
    }

    fn silent(&mut self) -> bool {
        self.next(Duration::from_millis(200)).is_none()
    }
}

fn address(coin: &str, path: &[u32]) -> GetAddress {
    let mut request = GetAddress::new();
    request.address_n = path.to_vec();
    request.set_coin_name(coin.to_owned());
    request
}

fn key() -> GetPublicKey {
    let mut request = GetPublicKey::new();
    request.address_n = OWN[..3].to_vec();
    request.set_coin_name("Dash".to_owned());
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_question_waits_nothing_else_is_heard_and_a_cancel_has_one_answer() {
    let mut host = Host::new(Options::new(Model::One));
    let mut shown = address("Dash", &OWN);
    shown.set_show_display(true);
    host.send(&shown);
    let _: trezor_client::protos::ButtonRequest = host.expect();
    for acknowledged in [false, true] {
        if acknowledged {
            host.send(&ButtonAck::new());
        }
        host.send(&GetFeatures::new());
        host.send(&key());
        assert!(host.silent());
    }
    assert_eq!(host.fails(&Cancel::new()).0, FailureType::Failure_ActionCancelled);
    assert!(host.silent());
    host.send(&shown);
    let _: trezor_client::protos::ButtonRequest = host.expect();
    host.send(&Initialize::new());
    let _: Features = host.expect();
    assert!(host.silent());
}

#[tokio::test(flavor = "multi_thread")]
async fn pin_and_passphrase_are_refused_as_the_firmware_refuses_them() {
    let mut host = Host::new(Options {
        pin: Some(Zeroizing::new("1".to_owned())),
        passphrase: true,
        ..Options::new(Model::One)
    });
    host.send(&key());
    let _: trezor_client::protos::PinMatrixRequest = host.expect();
    assert_eq!(host.fails(&Cancel::new()).0, FailureType::Failure_PinCancelled);
    host.send(&key());
    let _: trezor_client::protos::PinMatrixRequest = host.expect();
    let mut empty = PinMatrixAck::new();
    empty.set_pin(String::new());
    assert_eq!(host.fails(&empty).0, FailureType::Failure_PinInvalid);

    let mut host = Host::new(Options {
        passphrase: true,
        ..Options::new(Model::One)
    });
    let mut on_device = PassphraseAck::new();
    on_device.set_on_device(true);
    let mut long = PassphraseAck::new();
    long.set_passphrase("x".repeat(51));
    for (ack, text) in [
        (PassphraseAck::new(), "No passphrase provided"),
        (on_device, "incapable of passphrase entry"),
        (long, "string overflow"),
    ] {
        host.send(&key());
        let _: trezor_client::protos::PassphraseRequest = host.expect();
        assert!(host.fails(&ack).1.contains(text));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_paths_and_sessions_have_the_firmwares_errors() {
    let mut one = Host::new(Options::new(Model::One));
    assert_eq!(one.fails(&address("dash", &OWN)).1, "Invalid coin name");
    let foreign = [HARDENED | 44, HARDENED | 1, HARDENED, 0, 0];
    assert_eq!(one.fails(&address("Dash", &foreign)).1, "Forbidden key path");
    let mut safe = Host::new(Options::new(Model::Safe3));
    assert_eq!(safe.fails(&address("Dash", &OWN)).1, "Unsupported coin type");
    one.send(&EndSession::new());
    let _: trezor_client::protos::Success = one.expect();
    assert_eq!(one.fails(&key()).0, FailureType::Failure_InvalidSession);
    one.send(&Initialize::new());
    let _: Features = one.expect();
    one.send(&key());
    let _: trezor_client::protos::PublicKey = one.expect();
}

/// Answers the device's questions about a payment of one input; `lie` changes the answers.
fn payment(lie: impl Fn(RequestType, bool, &mut TransactionType)) -> (FailureType, String) {
    let mut host = Host::new(Options {
        auto_approve: true,
        ..Options::new(Model::One)
    });
    let mut request = SignTx::new();
    request.set_coin_name("Dash".to_owned());
    request.set_inputs_count(1);
    request.set_outputs_count(1);
    host.send(&request);
    loop {
        let message = host.next(Duration::from_secs(20)).expect("a question");
        match MessageType::from_i32(i32::from(message.kind)) {
            Some(MessageType::MessageType_ButtonRequest) => host.send(&ButtonAck::new()),
            Some(MessageType::MessageType_TxRequest) => {
                let question = <TxRequest as protobuf::Message>::parse_from_bytes(&message.data).unwrap();
                let part = question.request_type.unwrap().enum_value().unwrap();
                let previous = question.details.tx_hash.is_some();
                let mut tx = answer(part, previous);
                lie(part, previous, &mut tx);
                let mut ack = TxAck::new();
                ack.tx = MessageField::some(tx);
                host.send(&ack);
            }
            _ => {
                let failure = <Failure as protobuf::Message>::parse_from_bytes(&message.data).unwrap();
                return (
                    failure.code.unwrap().enum_value().unwrap(),
                    failure.message().to_owned(),
                );
            }
        }
    }
}

fn answer(part: RequestType, previous: bool) -> TransactionType {
    let mut tx = TransactionType::new();
    match (part, previous) {
        (RequestType::TXINPUT, false) => {
            let mut input = TxInputType::new();
            input.address_n = OWN.to_vec();
            input.set_prev_hash(vec![7; 32]);
            input.set_prev_index(0);
            input.set_amount(1000);
            tx.inputs.push(input);
        }
        (RequestType::TXOUTPUT, false) => {
            let mut output = TxOutputType::new();
            output.set_address("XwJrgiHwAvv7XJQWRwPx3sNGxmXBg5auTa".to_owned());
            output.set_amount(900);
            tx.outputs.push(output);
        }
        (RequestType::TXMETA, _) => {
            tx.set_version(2);
            tx.set_outputs_cnt(1);
        }
        (RequestType::TXOUTPUT, true) => {
            let mut output = TxOutputBinType::new();
            output.set_amount(1000);
            output.set_script_pubkey(vec![0x51]);
            tx.bin_outputs.push(output);
        }
        _ => {}
    }
    tx
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_does_not_add_up_ends_with_the_firmwares_error() {
    assert_eq!(payment(|_, _, _| {}).1, "Encountered invalid prevhash");
    let poor = payment(|part, previous, tx| {
        if part == RequestType::TXOUTPUT && !previous {
            tx.outputs[0].set_amount(1001);
        }
    });
    assert_eq!(
        poor,
        (FailureType::Failure_NotEnoughFunds, "Not enough funds".to_owned())
    );
    let foreign = payment(|part, previous, tx| {
        if part == RequestType::TXOUTPUT && !previous {
            tx.outputs[0].set_address("ybQPZRHKifv9BDqMN2cieCsMzQQ1BuDoR5".to_owned());
        }
    });
    assert_eq!(foreign.1, "Failed to compile output");
    let empty = payment(|_, _, tx| *tx = TransactionType::new());
    assert_eq!(empty.0, FailureType::Failure_DataError);
}

#[tokio::test(flavor = "multi_thread")]
async fn switches_hold_from_the_next_request_on() {
    let mut host = Host::new(Options::new(Model::One));
    let panel = host.device.panel();
    host.send(&key());
    let _: trezor_client::protos::PublicKey = host.expect();
    assert!(!panel.set_pin(Some("12a")) && !panel.set_pin(Some("0")) && !panel.set_pin(Some("")));
    assert!(!panel.settings().has_pin);

    assert!(panel.set_pin(Some("1934")));
    assert!(panel.settings().locked);
    host.send(&key());
    let _: PinMatrixRequest = host.expect();
    let Screen::PinMatrix(matrix) = panel.screen() else {
        panic!("{:?}", panel.screen());
    };
    let mut ack = PinMatrixAck::new();
    ack.set_pin(positions(&matrix, "1934"));
    host.send(&ack);
    let _: trezor_client::protos::PublicKey = host.expect();
    assert!(!panel.settings().locked);

    // The wallet of the session is forgotten, or nobody would be asked.
    panel.set_passphrase(true);
    host.send(&key());
    let _: PassphraseRequest = host.expect();
    let mut ack = PassphraseAck::new();
    ack.set_passphrase(String::new());
    host.send(&ack);
    let _: trezor_client::protos::PublicKey = host.expect();

    panel.lock();
    assert!(panel.settings().locked);
    assert!(panel.set_pin(None));
    panel.set_passphrase(false);
    host.send(&key());
    let _: trezor_client::protos::PublicKey = host.expect();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_cable_it_is_gone_and_comes_back_knowing_no_session() {
    let mut host = Host::new(Options {
        passphrase: true,
        ..Options::new(Model::T)
    });
    let panel = host.device.panel();
    host.send(&Initialize::new());
    let known: Features = host.expect();
    host.send(&key());
    let _: PassphraseRequest = host.expect();

    panel.unplug();
    until(&panel, &Screen::Unplugged);
    assert!(!panel.settings().plugged && !panel.approve());
    // The first is refused by the host's own system; the second is told of it.
    let _ = host.socket.send(b"PINGPING");
    assert!(host.next(Duration::from_millis(100)).is_none());
    panel.plug_in();
    until(&panel, &Screen::Home);
    let mut hello = Initialize::new();
    hello.session_id.clone_from(&known.session_id);
    let again: Features = host.asks_until_answered(&hello);
    assert_ne!(again.session_id, known.session_id);

    panel.set_model(Model::Safe3);
    until(&panel, &Screen::Unplugged);
    until(&panel, &Screen::Home);
    let safe: Features = host.asks_until_answered(&Initialize::new());
    assert_eq!((safe.internal_model(), panel.settings().model), ("T3B1", Model::Safe3));
    assert!(host.fails(&key()).1.contains("Unsupported coin type"));
}

fn until(panel: &super::Panel, wanted: &Screen) {
    for _ in 0..500 {
        if panel.screen() == *wanted {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{:?} instead of {wanted:?}", panel.screen());
}
