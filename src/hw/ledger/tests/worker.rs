//! The port over TCP: waiting, giving up, late answers, a device that goes away.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::time::timeout;

use super::cases::at;
use super::recording::{dash, exchange};
use crate::hw::ledger::Ledger;
use crate::hw::{Device, DeviceError, Kind};

/// A peer for one connection, driven by its own script.
fn peer(script: impl FnOnce(&mut Peer) + Send + 'static) -> (Arc<Ledger>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        script(&mut Peer(stream));
    });
    (Arc::new(Ledger::network(&address, dash()).unwrap()), thread)
}

struct Peer(TcpStream);

impl Peer {
    /// Reads the recorded command.
    fn expect(&mut self, number: usize) {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).unwrap();
        let mut command = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut command).unwrap();
        assert_eq!(crate::protocol::wire::to_hex(&command), exchange(number).apdu_hex);
    }

    fn answer(&mut self, number: usize) {
        let data = exchange(number).answer();
        let mut framed = (data.len() as u32).to_be_bytes().to_vec();
        framed.extend_from_slice(&data);
        framed.extend_from_slice(&exchange(number).status().to_be_bytes());
        self.0.write_all(&framed).unwrap();
    }

    fn play(&mut self, numbers: &[usize]) {
        for number in numbers {
            self.expect(*number);
            self.answer(*number);
        }
    }
}

const BUSY: DeviceError = DeviceError::Busy { kind: Kind::Ledger };
const GONE: DeviceError = DeviceError::Gone { kind: Kind::Ledger };

#[tokio::test]
async fn an_abandoned_question_keeps_the_device_busy_and_its_late_answer_goes_to_nobody() {
    let (user, decides) = std::sync::mpsc::channel();
    let (ledger, thread) = peer(move |peer| {
        peer.play(&[0, 2]);
        peer.expect(11);
        decides.recv().unwrap();
        peer.answer(11);
        peer.play(&[6]);
    });
    let asked = ledger.show_address(at("m/44'/5'/0'/0/0"));
    assert!(
        timeout(Duration::from_millis(200), asked).await.is_err(),
        "it waits for the user"
    );
    assert_eq!(ledger.public_key(at("m/44'/5'/0'/0/1")).await, Err(BUSY));
    assert!(*ledger.busy().borrow());
    user.send(()).unwrap();
    let key = ledger.public_key(at("m/44'/5'/0'/0/1")).await.unwrap();
    assert_eq!(key.serialize_uncompressed(), exchange(6).answer()[1..66]);
    thread.join().unwrap();
}

#[tokio::test]
async fn requests_of_live_waiters_queue_and_each_gets_its_own_answer() {
    let (ledger, thread) = peer(|peer| peer.play(&[0, 2, 5, 6]));
    let (first, second) = tokio::join!(
        ledger.public_key(at("m/44'/5'/0'/0/0")),
        ledger.public_key(at("m/44'/5'/0'/0/1"))
    );
    assert_eq!(first.unwrap().serialize_uncompressed(), exchange(5).answer()[1..66]);
    assert_eq!(second.unwrap().serialize_uncompressed(), exchange(6).answer()[1..66]);
    thread.join().unwrap();
}

#[tokio::test]
async fn an_abandoned_request_sends_nothing_more() {
    let (go, going) = std::sync::mpsc::channel();
    let (ledger, thread) = peer(move |peer| {
        peer.play(&[0, 2]);
        peer.expect(5);
        going.recv().unwrap();
        peer.answer(5);
        // Not the text: the next command belongs to the next request, which checks the app again after the error.
        peer.play(&[0, 2, 10]);
    });
    let asked = ledger.sign_message(at("m/44'/5'/0'/0/0"), b"hello".to_vec());
    assert!(timeout(Duration::from_millis(200), asked).await.is_err());
    go.send(()).unwrap();
    assert_eq!(ledger.info().await.unwrap().app, "Dash");
    thread.join().unwrap();
}

#[tokio::test]
async fn an_app_that_exits_during_a_question_is_gone() {
    let (ledger, thread) = peer(|peer| {
        peer.play(&[0, 2]);
        peer.expect(11);
    });
    assert_eq!(ledger.show_address(at("m/44'/5'/0'/0/0")).await, Err(GONE));
    thread.join().unwrap();
    let again = ledger.info().await;
    assert_eq!(
        again,
        Err(DeviceError::NotConnected { kind: Kind::Ledger }),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn a_declined_question_leaves_the_connection_usable() {
    let (ledger, thread) = peer(|peer| peer.play(&[0, 2, 108, 0, 2, 11]));
    let path = at("m/44'/5'/0'/0/0");
    assert_eq!(ledger.show_address(path.clone()).await, Err(DeviceError::Declined));
    let shown = ledger.show_address(path).await.unwrap();
    assert_eq!(shown.on_screen, "XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5");
    thread.join().unwrap();
}
