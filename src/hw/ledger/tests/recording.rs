//! The recordings, and a transport that plays a part of them: it asserts every command and gives the recorded answer.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde::Deserialize;

use crate::hw::DeviceError;
use crate::hw::ledger::client::Client;
use crate::hw::ledger::gone;
use crate::hw::ledger::transport::Transport;
use crate::hw::ledger::wire::Apdu;
use crate::hw::worker::Served;
use crate::protocol::Profile;
use crate::protocol::network::builtin;
use crate::protocol::wire::{from_hex, to_hex};

#[derive(Deserialize)]
pub struct Recording {
    pub exchanges: Vec<Exchange>,
    pub derived: serde_json::Value,
}

#[derive(Deserialize)]
pub struct Exchange {
    pub what: String,
    pub apdu_hex: String,
    pub response_hex: String,
    status: String,
    #[serde(default)]
    pub screen: Vec<String>,
}

impl Exchange {
    pub fn status(&self) -> u16 {
        u16::from_str_radix(&self.status, 16).unwrap()
    }

    pub fn answer(&self) -> Vec<u8> {
        from_hex(&self.response_hex).unwrap()
    }

    /// The data of the command.
    pub fn data(&self) -> Vec<u8> {
        from_hex(&self.apdu_hex).unwrap().split_off(5)
    }

    pub fn assert_is(&self, command: &Apdu) {
        assert_eq!(to_hex(&command.encode()), self.apdu_hex, "{}", self.what);
    }
}

pub fn recording() -> &'static Recording {
    static RECORDING: OnceLock<Recording> = OnceLock::new();
    let text = include_str!("../../../../tests/data/ledger/ledger.json");
    RECORDING.get_or_init(|| serde_json::from_str(text).unwrap())
}

pub fn exchange(at: usize) -> &'static Exchange {
    &recording().exchanges[at]
}

/// A text of `derived`, by JSON pointer.
pub fn derived(pointer: &str) -> &'static str {
    recording().derived.pointer(pointer).unwrap().as_str().unwrap()
}

pub fn dash() -> Arc<Profile> {
    Arc::new(builtin("dash").unwrap())
}

/// What the client is expected to send next.
enum Expected {
    /// Exactly this command.
    One(usize),
    /// The outputs of FINALIZE_FULL. The recording cuts them every 50 bytes, the client after each output: the bytes
    /// together are the same. The answers are those the app gives: 00 while more comes, the last recorded one at the end.
    Outputs { exchanges: Vec<usize>, sent: Vec<u8> },
    /// A previous transaction, or the inputs of a round. The recording has each field in a command of its own, the client packs
    /// them: the bytes together are the same. The app answers nothing but to the last.
    Stream { exchanges: Vec<usize>, sent: Vec<u8> },
}

/// A part of the recording in the order in which the client is expected to send it.
#[derive(Default)]
pub struct Play {
    expected: VecDeque<Expected>,
    used: BTreeSet<usize>,
}

impl Play {
    /// The exchanges with which every connection begins: which app, which coin.
    pub fn connected() -> Self {
        Self::default().then([0, 2])
    }

    pub fn then(mut self, exchanges: impl IntoIterator<Item = usize>) -> Self {
        for at in exchanges {
            self.used.insert(at);
            self.expected.push_back(Expected::One(at));
        }
        self
    }

    pub fn then_outputs(mut self, exchanges: impl IntoIterator<Item = usize>) -> Self {
        let exchanges: Vec<usize> = exchanges.into_iter().collect();
        self.used.extend(&exchanges);
        self.expected.push_back(Expected::Outputs {
            exchanges,
            sent: Vec::new(),
        });
        self
    }

    pub fn then_stream(mut self, exchanges: impl IntoIterator<Item = usize>) -> Self {
        let exchanges: Vec<usize> = exchanges.into_iter().collect();
        self.used.extend(&exchanges);
        self.expected.push_back(Expected::Stream {
            exchanges,
            sent: Vec::new(),
        });
        self
    }

    /// Has the client make a request. All of the part must have been sent, nothing else; then nothing is connected.
    pub fn run<T>(
        self,
        request: impl FnOnce(&mut Client) -> Result<T, DeviceError>,
    ) -> (Result<T, DeviceError>, Covered) {
        let left = Arc::new(Mutex::new(self.expected));
        let stage = Arc::clone(&left);
        let connect = move || Ok(Box::new(Stage(Arc::clone(&stage))) as Box<dyn Transport>);
        let mut client = Client::new(dash(), Box::new(connect));
        let result = client.serve(Arc::default(), request);
        assert!(left.lock().unwrap().is_empty(), "the client stopped early");
        (result, self.used)
    }
}

/// The exchanges a case went through.
pub type Covered = BTreeSet<usize>;

struct Stage(Arc<Mutex<VecDeque<Expected>>>);

impl Transport for Stage {
    fn exchange(&mut self, command: &[u8], _: Option<Duration>) -> Result<(Vec<u8>, u16), DeviceError> {
        let mut left = self.0.lock().unwrap();
        match left.front_mut() {
            None => Err(gone()),
            Some(Expected::One(at)) => {
                let expected = exchange(*at);
                assert_eq!(to_hex(command), expected.apdu_hex, "{}", expected.what);
                left.pop_front();
                Ok((expected.answer(), expected.status()))
            }
            Some(Expected::Outputs { exchanges, sent }) => {
                assert_eq!(command[..2], [0xe0, 0x4a]);
                sent.extend_from_slice(&command[5..]);
                let recorded: Vec<u8> = exchanges.iter().flat_map(|at| exchange(*at).data()).collect();
                assert_eq!(to_hex(sent), to_hex(&recorded[..sent.len()]));
                let last = exchange(*exchanges.last().unwrap());
                if command[2] == 0x80 {
                    assert_eq!(sent.len(), recorded.len());
                }
                if command[2] == 0x80 || last.status() != 0x9000 {
                    left.pop_front();
                    return Ok((last.answer(), last.status()));
                }
                Ok((vec![0], 0x9000))
            }
            Some(Expected::Stream { exchanges, sent }) => {
                let (first, last) = (exchange(exchanges[0]), exchange(*exchanges.last().unwrap()));
                let head = from_hex(&first.apdu_hex[..8]).unwrap();
                let p1 = if sent.is_empty() { head[2] } else { 0x80 };
                assert_eq!(command[..4], [head[0], head[1], p1, head[3]], "{}", first.what);
                sent.extend_from_slice(&command[5..]);
                let recorded: Vec<u8> = exchanges.iter().flat_map(|at| exchange(*at).data()).collect();
                assert_eq!(to_hex(sent), to_hex(&recorded[..sent.len()]), "{}", first.what);
                if sent.len() < recorded.len() {
                    return Ok((Vec::new(), 0x9000));
                }
                left.pop_front();
                Ok((last.answer(), last.status()))
            }
        }
    }
}
