//! What the client refuses by itself, and how it reads devices that are locked, busy, of another app, or lying.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::cases::{at, recorded_spend};
use super::recording::{Play, dash, exchange};
use crate::hw::ledger::client::Client;
use crate::hw::ledger::transport::Transport;
use crate::hw::ledger::{MAX_INPUTS, gone};
use crate::hw::worker::Served;
use crate::hw::{DeviceError, Kind, Progress, Spend};
use crate::protocol::network::builtin;
use crate::protocol::script::pay_to_key;
use crate::protocol::{Amount, KeyId, Profile, ScriptBuf, TxOut};

type Answer = Result<(Vec<u8>, u16), DeviceError>;

/// Connections that give these answers, one after the other, whatever is asked; one list for every connection.
fn device(profile: Arc<Profile>, connections: Vec<Vec<Answer>>) -> Client {
    let mut connections = VecDeque::from(connections);
    let connect = move || match connections.pop_front() {
        Some(answers) => Ok(Box::new(Answers(Arc::new(Mutex::new(answers.into())))) as Box<dyn Transport>),
        None => Err(DeviceError::NotConnected { kind: Kind::Ledger }),
    };
    Client::new(profile, Box::new(connect))
}

struct Answers(Arc<Mutex<VecDeque<Answer>>>);

impl Transport for Answers {
    fn exchange(&mut self, _: &[u8], _: Option<Duration>) -> Answer {
        self.0.lock().unwrap().pop_front().unwrap_or_else(|| Err(gone()))
    }
}

fn recorded(number: usize) -> Answer {
    Ok((exchange(number).answer(), exchange(number).status()))
}

fn code(status: u16) -> Answer {
    Ok((Vec::new(), status))
}

fn named(name: &str) -> Answer {
    let mut answer = vec![1, name.len() as u8];
    answer.extend_from_slice(name.as_bytes());
    answer.extend_from_slice(b"\x051.0.0\x01\x00");
    Ok((answer, 0x9000))
}

fn info(client: &mut Client) -> Result<String, DeviceError> {
    client
        .serve(Arc::default(), |client| client.info())
        .map(|info| info.app)
}

fn dashboard() -> DeviceError {
    DeviceError::NoApp {
        kind: Kind::Ledger,
        wanted: "Dash".to_owned(),
    }
}

fn wrong_app(found: &str) -> DeviceError {
    DeviceError::WrongApp {
        kind: Kind::Ledger,
        found: found.to_owned(),
        wanted: "Dash".to_owned(),
    }
}

#[test]
fn a_locked_busy_or_wrongly_opened_device_says_which() {
    for (answer, error) in [
        (code(0x5515), DeviceError::Locked { kind: Kind::Ledger }),
        (code(0x6901), DeviceError::Busy { kind: Kind::Ledger }),
        (named("BOLOS"), dashboard()),
        (named("Bitcoin"), wrong_app("Bitcoin")),
        (code(0x6e00), dashboard()),
        (code(0x6d00), dashboard()),
    ] {
        assert_eq!(info(&mut device(dash(), vec![vec![answer]])), Err(error));
    }
}

#[test]
fn an_app_of_the_right_name_with_another_coin_is_refused() {
    let mut other = exchange(2).answer();
    other[1] = 0x1e;
    let mut client = device(dash(), vec![vec![recorded(0), Ok((other, 0x9000))]]);
    assert!(matches!(info(&mut client), Err(DeviceError::WrongCoin { .. })));
    let bitcoin = b"\0\0\0\x05\x01\x07Bitcoin\x03BTC".to_vec();
    let mut client = device(dash(), vec![vec![recorded(0), Ok((bitcoin, 0x9000))]]);
    assert_eq!(
        info(&mut client),
        Err(DeviceError::WrongCoin {
            found: "Bitcoin".to_owned(),
            wanted: "DarkCoin".to_owned()
        })
    );
}

#[test]
fn an_app_closed_for_the_dashboard_in_the_middle_is_named() {
    let mut client = device(
        dash(),
        vec![vec![recorded(0), recorded(2), code(0x6d00), named("BOLOS")]],
    );
    assert_eq!(info(&mut client), Err(dashboard()));
}

#[test]
fn after_an_error_the_app_is_checked_again_and_a_lost_connection_made_anew() {
    let first = vec![code(0x5515)];
    let second = vec![recorded(0), recorded(2), recorded(10)];
    let mut client = device(dash(), vec![first, second]);
    assert_eq!(info(&mut client), Err(DeviceError::Locked { kind: Kind::Ledger }));
    assert_eq!(info(&mut client).as_deref(), Ok("Dash"));
}

#[test]
fn a_connection_lost_within_a_request_is_gone_and_not_tried_again() {
    let first = vec![recorded(0), recorded(2)];
    let second = vec![recorded(0), recorded(2), recorded(10)];
    let mut client = device(dash(), vec![first, second]);
    assert_eq!(info(&mut client), Err(gone()));
    assert_eq!(info(&mut client).as_deref(), Ok("Dash"));
}

#[test]
fn a_late_answer_on_a_new_connection_is_no_app_name() {
    let mut client = device(
        dash(),
        vec![
            vec![recorded(16), recorded(0)],
            vec![recorded(0), recorded(2), recorded(10)],
        ],
    );
    assert!(matches!(info(&mut client), Err(DeviceError::BadAnswer { .. })));
    assert_eq!(
        info(&mut client).as_deref(),
        Ok("Dash"),
        "the confused connection was given up"
    );
}

#[test]
fn an_address_that_is_not_the_keys_is_refused() {
    let mut lying = exchange(5).answer();
    lying.splice(67..101, exchange(6).answer()[67..101].iter().copied());
    let mut client = device(dash(), vec![vec![recorded(0), recorded(2), Ok((lying, 0x9000))]]);
    let key = client.serve(Arc::default(), |client| client.public_key(&at("m/44'/5'/0'/0/0")));
    assert!(matches!(key, Err(DeviceError::BadAnswer { .. })));
}

#[test]
fn a_signature_of_another_key_or_text_is_refused() {
    // The recorded signature of the collateral message, for another text of the same length.
    let sign = vec![recorded(0), recorded(2), recorded(5), recorded(15), recorded(16)];
    let path = at("m/44'/5'/0'/0/0");
    let mut client = device(dash(), vec![sign]);
    let signature = client.serve(Arc::default(), |client| client.sign_message(&path, &[b'x'; 171]));
    assert_eq!(
        signature,
        Err(DeviceError::OtherKey {
            kind: Kind::Ledger,
            path: "m/44'/5'/0'/0/0".to_owned()
        })
    );
    let mut client = device(
        dash(),
        vec![vec![recorded(0), recorded(2), recorded(5), recorded(24), recorded(25)]],
    );
    let nothing = client.serve(Arc::default(), |client| client.sign_message(&path, b"x"));
    assert!(matches!(nothing, Err(DeviceError::BadAnswer { .. })));
}

#[test]
fn keys_are_read_again_after_the_device_was_locked() {
    let answers = vec![
        recorded(0),
        recorded(2),
        recorded(5),
        code(0x5515),
        recorded(0),
        recorded(2),
        recorded(6),
    ];
    let mut client = device(dash(), vec![answers]);
    let path = at("m/44'/5'/0'/0/0");
    let mut key = || client.serve(Arc::default(), |client| client.public_key(&path));
    let first = key();
    assert_eq!(key(), first, "known by now, nothing is asked");
    let locked = client.serve(Arc::default(), |client| client.show_address(&path));
    assert_eq!(locked.unwrap_err(), DeviceError::Locked { kind: Kind::Ledger });
    let other = client.serve(Arc::default(), |client| client.public_key(&path));
    assert_ne!(
        other.unwrap(),
        first.unwrap(),
        "another PIN may have opened another wallet"
    );
}

#[test]
fn a_fork_without_an_own_app_uses_its_parents() {
    let wei = Arc::new(builtin("wei").unwrap());
    let mut client = device(wei, vec![vec![recorded(0), recorded(2), recorded(11)]]);
    let shown = client.serve(Arc::default(), |client| client.show_address(&at("m/44'/1308'/0'/0/0")));
    assert!(shown.unwrap().on_screen.starts_with('X'));
}

fn refused(change: impl FnOnce(&mut Spend)) -> DeviceError {
    let mut spend = recorded_spend();
    change(&mut spend);
    Play::connected()
        .run(|client| client.sign_spend(&spend, &Progress::none()))
        .0
        .unwrap_err()
}

#[test]
fn a_spend_the_device_would_refuse_is_refused_before_it_is_asked() {
    let text = |change: fn(&mut Spend)| refused(change).to_string();
    assert_eq!(
        text(|spend| spend.inputs = vec![spend.inputs[0].clone(); MAX_INPUTS + 1]),
        "a Ledger cannot do this: spend 51 inputs at once, only 1 to 50"
    );
    assert_eq!(
        text(|spend| spend.inputs.clear()),
        "a Ledger cannot do this: spend 0 inputs at once, only 1 to 50"
    );
    assert_eq!(
        text(|spend| spend.inputs[1] = spend.inputs[0].clone()),
        "a Ledger cannot do this: spend one output twice"
    );
    assert_eq!(
        text(|spend| spend.outputs[0].value = -1),
        "a Ledger cannot do this: pay the amount of output 1"
    );
    assert_eq!(
        text(|spend| spend.outputs[0].script = ScriptBuf::from_bytes(vec![0x51])),
        "a Ledger cannot do this: pay the script of output 1"
    );
    assert!(text(|spend| spend.outputs.clear()).contains("without outputs"));
    let data = |len: usize| {
        TxOut::new(
            Amount::ZERO,
            ScriptBuf::from_bytes([&[0x6a][..], &vec![0; len]].concat()),
        )
    };
    assert!(
        refused(|spend| spend.outputs.push(data(90)))
            .to_string()
            .contains("91 bytes of data in output 3")
    );
}

#[test]
fn a_previous_transaction_that_is_not_the_one_named_is_refused() {
    let cases: [fn(&mut Spend); 5] = [
        |spend| spend.inputs[0].previous.lock_time = 1,
        |spend| spend.inputs[0].outpoint.vout = 1,
        |spend| spend.inputs[0].outpoint.vout = u32::MAX,
        |spend| spend.inputs[0].amount = Amount::from_duffs(1),
        |spend| spend.inputs[0].key_id = KeyId([1; 20]),
    ];
    for change in cases {
        assert_eq!(refused(change), DeviceError::PreviousTx);
    }
}

#[test]
fn dangerous_paths_are_refused_in_inputs_and_change() {
    let bit_id = "m/45341'/0".parse().unwrap();
    assert!(matches!(
        refused(|spend| spend.inputs[1].path = bit_id),
        DeviceError::Path(_)
    ));
    let unhardened = "m/1/2".parse().unwrap();
    assert!(matches!(
        refused(|spend| spend.change = Some(unhardened)),
        DeviceError::Path(_)
    ));
}

#[test]
fn exactly_one_output_may_pay_the_change_key() {
    let mut spend = recorded_spend();
    spend.outputs[0].script = spend.outputs[1].script.clone();
    let (two, _) = Play::connected()
        .then([5, 6, 7])
        .run(|client| client.sign_spend(&spend, &Progress::none()));
    assert!(two.unwrap_err().to_string().contains("2 outputs to its change key"));
    spend.outputs[0].script = pay_to_key(&[1; 20]);
    spend.outputs[1].script = pay_to_key(&[2; 20]);
    let (none, _) = Play::connected()
        .then([5, 6, 7])
        .run(|client| client.sign_spend(&spend, &Progress::none()));
    assert!(none.unwrap_err().to_string().contains("0 outputs to its change key"));
}

#[test]
fn an_input_key_that_is_not_the_devices_is_refused() {
    let mut spend = recorded_spend();
    spend.inputs[0].path = at("m/44'/5'/0'/0/1");
    let (other, _) = Play::connected()
        .then([6])
        .run(|client| client.sign_spend(&spend, &Progress::none()));
    assert!(matches!(other, Err(DeviceError::OtherKey { .. })));
}

#[test]
fn a_trusted_input_of_another_output_is_refused() {
    let spend = recorded_spend();
    let previous = &spend.inputs[0].previous;
    let (other, _) = Play::connected()
        .then_stream(26..=34)
        .run(|client| client.trusted_input(previous, 0, Amount::from_duffs(1)));
    assert!(matches!(other, Err(DeviceError::BadAnswer { .. })));
}
