//! One request and all that comes before its answer: buttons, PIN, passphrase, cancelling. Blocking.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context as Waking, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use protobuf::Message;
use trezor_client::TrezorMessage;
use trezor_client::protos::{
    ButtonAck, ButtonRequest, Failure, Features, Initialize, MessageType, PassphraseAck, PinMatrixAck,
    PinMatrixRequest, pin_matrix_request::PinMatrixRequestType,
};
use trezor_client::transport::ProtoMessage;
use trezor_client::transport::error::Error;
use trezor_client::transport::protocol::{Protocol, ProtocolV1};
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, Zeroizing};

use super::link::{Stopped, Wire};
use super::transport::Pipe;
use super::wire::failure::{self, Context};
use super::{bad, gone, timed_out};
use crate::hw::{Answer, Asker, DeviceError, Kind, Look, Question};

/// Bytes of a passphrase.
pub const MAX_PASSPHRASE: usize = 50;
/// Messages left over from another program before the answer to `Initialize`.
const MAX_LEFTOVERS: usize = 16;
/// While the user types here, the device is looked after this often.
const LOOK: Duration = Duration::from_millis(200);

/// How long is waited for what.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For the answer to `Initialize`, which needs nothing.
    pub hello: Duration,
    /// For an answer that needs no user. A Trezor One takes seconds to stretch a passphrase.
    pub quick: Duration,
    /// For the user to press buttons or enter a PIN.
    pub user: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(10),
            quick: Duration::from_secs(60),
            user: Duration::from_secs(600),
        }
    }
}

/// What the device asked last, for the meaning of a cancelled request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    Buttons,
    Pin,
    Passphrase,
}

/// What the user is asked with.
pub struct Manner<'a> {
    pub asker: &'a dyn Asker,
    /// Whether a passphrase can be typed on the device.
    pub passphrase_entry: bool,
    /// The wallet that was open so far.
    pub wallet: Option<String>,
    pub context: Context<'a>,
}

/// A connection, in step: each message sent has its answer read.
pub struct Talk {
    protocol: ProtocolV1<Wire>,
    limits: Limits,
}

impl Talk {
    pub fn new(pipe: Box<dyn Pipe>, limits: Limits) -> Self {
        let link = Wire::new(pipe);
        Self {
            protocol: ProtocolV1 { link },
            limits,
        }
    }

    /// Whether nothing has come or gone on the line since the last answer, as far as the line can tell.
    pub fn is_still_there(&mut self) -> bool {
        self.protocol.link.is_quiet()
    }

    /// Begins a request: the device drops whatever it was asking and says what it is.
    ///
    /// # Errors
    /// [`DeviceError::Gone`], [`DeviceError::TimedOut`]; a failure is given back as it is.
    pub fn hello(
        &mut self,
        session: Option<&[u8]>,
        abandoned: Arc<AtomicBool>,
    ) -> Result<Result<Features, Failure>, DeviceError> {
        self.protocol.link.begin(abandoned);
        self.protocol.link.sync(true);
        let answer = self.greet(session);
        self.protocol.link.sync(false);
        answer
    }

    fn greet(&mut self, session: Option<&[u8]>) -> Result<Result<Features, Failure>, DeviceError> {
        let mut hello = Initialize::new();
        hello.session_id = session.map(<[u8]>::to_vec);
        self.write(&hello)?;
        self.protocol.link.expect(self.limits.hello, false);
        let mut failed = None;
        for _ in 0..MAX_LEFTOVERS {
            let message = match self.protocol.read() {
                Ok(message) => message,
                // A message of another program whose type this one does not know.
                Err(Error::InvalidMessageType(_)) => continue,
                // A failure of before is followed by the answer, a failure that is the answer by nothing.
                Err(Error::DeviceReadTimeout) if failed.is_some() => break,
                Err(error) => return Err(lost(&error)),
            };
            match message.message_type() {
                MessageType::MessageType_Features => return Ok(Ok(parse(message)?)),
                MessageType::MessageType_Failure => {
                    failed = Some(parse(message)?);
                    self.protocol
                        .link
                        .expect(self.limits.hello.min(Duration::from_secs(2)), false);
                }
                _ => {}
            }
        }
        failed.map(Err).ok_or_else(|| bad("no answer to the first message"))
    }

    /// Sends a request and answers what the device asks, until its answer comes.
    ///
    /// # Errors
    /// The user's or the device's no, and what went wrong on the way.
    pub fn call<M: TrezorMessage, R: TrezorMessage>(
        &mut self,
        request: &M,
        manner: &Manner<'_>,
    ) -> Result<R, DeviceError> {
        if self.protocol.link.is_abandoned() {
            return Err(self.give_up(Stopped::Abandoned, &DeviceError::Declined));
        }
        self.write(request)?;
        self.protocol.link.expect(self.limits.quick, false);
        let mut asked = Asked::Nothing;
        loop {
            let message = self.protocol.read().map_err(|error| lost(&error))?;
            match message.message_type() {
                kind if kind == R::MESSAGE_TYPE => return self.answer(message),
                MessageType::MessageType_Failure => return Err(self.failed(&parse(message)?, asked, manner)),
                MessageType::MessageType_ButtonRequest => {
                    self.button(&parse(message)?, manner)?;
                    asked = Asked::Buttons;
                }
                MessageType::MessageType_PinMatrixRequest => {
                    self.pin(&parse(message)?, manner)?;
                    asked = Asked::Pin;
                }
                MessageType::MessageType_PassphraseRequest => {
                    self.passphrase(manner)?;
                    asked = Asked::Passphrase;
                }
                _ => return Err(self.give_up(Stopped::Late, &bad("another message than was asked for"))),
            }
            self.protocol.link.expect(self.limits.user, true);
        }
    }

    /// Ends what the device is in the middle of. The error, which is the reason, unless the connection is lost as well.
    pub fn give_up(&mut self, why: Stopped, reason: &DeviceError) -> DeviceError {
        let cancelled = self.protocol.link.cancel(why);
        // Its answer; should there be more, the next request begins with reading them.
        match cancelled.and_then(|()| self.protocol.read().map(drop)) {
            Err(Error::DeviceDisconnected) => gone(),
            _ => reason.clone(),
        }
    }

    /// An answer that comes although it was cancelled is too late: nobody is there, or was told otherwise.
    fn answer<R: TrezorMessage>(&self, message: ProtoMessage) -> Result<R, DeviceError> {
        match self.protocol.link.stopped() {
            Some(_) => Err(timed_out()),
            None => parse(message),
        }
    }

    fn failed(&self, failure: &Failure, asked: Asked, manner: &Manner<'_>) -> DeviceError {
        match (failure::error(failure, &manner.context), self.protocol.link.stopped()) {
            (_, Some(Stopped::Late)) => timed_out(),
            // Cancelled on the device while it was asking this.
            (DeviceError::Declined, None) if asked == Asked::Pin => DeviceError::PinCancelled,
            (error, _) => error,
        }
    }

    fn button(&mut self, request: &ButtonRequest, manner: &Manner<'_>) -> Result<(), DeviceError> {
        let (kind, look) = (Kind::Trezor, failure::look(request));
        self.write(&ButtonAck::new())?;
        let cancelled = match look {
            Look::Pin => DeviceError::PinCancelled,
            Look::Passphrase => DeviceError::PassphraseCancelled,
            _ => DeviceError::Declined,
        };
        match self.ask(Question::Button { kind, look }, manner)? {
            Some(_) => Ok(()),
            None => Err(self.give_up(Stopped::Abandoned, &cancelled)),
        }
    }

    fn pin(&mut self, request: &PinMatrixRequest, manner: &Manner<'_>) -> Result<(), DeviceError> {
        let current = PinMatrixRequestType::PinMatrixRequestType_Current;
        if request.type_.is_some_and(|kind| kind.enum_value() != Ok(current)) {
            return Err(self.give_up(Stopped::Abandoned, &bad("a question for a new PIN")));
        }
        let cancelled = DeviceError::PinCancelled;
        match self.ask(Question::Pin { kind: Kind::Trezor }, manner)? {
            Some(Answer::Pin(pin)) if is_positions(&pin) => {
                let mut ack = PinMatrixAck::new();
                ack.set_pin(pin.to_string());
                let sent = self.write_secret(&ack);
                ack.pin.zeroize();
                sent
            }
            _ => Err(self.give_up(Stopped::Abandoned, &cancelled)),
        }
    }

    fn passphrase(&mut self, manner: &Manner<'_>) -> Result<(), DeviceError> {
        let question = Question::Passphrase {
            kind: Kind::Trezor,
            on_device_possible: manner.passphrase_entry,
            wallet: manner.wallet.clone(),
        };
        let mut ack = PassphraseAck::new();
        match self.ask(question, manner)? {
            Some(Answer::Passphrase(text)) => {
                let normal: Zeroizing<String> = Zeroizing::new(text.nfkd().collect());
                let (len, max) = (normal.len(), MAX_PASSPHRASE);
                if len > max {
                    return Err(self.give_up(Stopped::Abandoned, &DeviceError::PassphraseTooLong { len, max }));
                }
                ack.set_passphrase(normal.to_string());
            }
            Some(Answer::PassphraseOnDevice) if manner.passphrase_entry => ack.set_on_device(true),
            _ => return Err(self.give_up(Stopped::Abandoned, &DeviceError::PassphraseCancelled)),
        }
        let sent = self.write_secret(&ack);
        ack.passphrase.zeroize();
        sent
    }

    /// Puts a question and waits, looking after the device meanwhile. None also when nobody waits for the request any more. What
    /// is only told is over when the device answers.
    fn ask(&mut self, question: Question, manner: &Manner<'_>) -> Result<Option<Answer>, DeviceError> {
        let told = matches!(question, Question::Button { .. });
        let mut asked = pin!(manner.asker.ask(question));
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut waking = Waking::from_waker(&waker);
        let deadline = Instant::now() + self.limits.user;
        loop {
            if let Poll::Ready(answer) = asked.as_mut().poll(&mut waking) {
                return Ok(answer);
            }
            if self.protocol.link.is_abandoned() {
                return Ok(None);
            }
            // A device that waits for its buttons may answer at any time; that answer is read by the one who called.
            if told && self.protocol.link.arrived().map_err(|error| lost(&error))? {
                return Ok(Some(Answer::Seen));
            }
            if !told {
                self.protocol.link.look().map_err(|error| lost(&error))?;
            }
            if Instant::now() > deadline {
                return Err(self.give_up(Stopped::Late, &timed_out()));
            }
            if !told {
                thread::park_timeout(LOOK);
            }
        }
    }

    fn write<M: TrezorMessage>(&mut self, message: &M) -> Result<(), DeviceError> {
        let payload = message
            .write_to_bytes()
            .map_err(|_| bad("a message that cannot be written"))?;
        let message = ProtoMessage::new(M::MESSAGE_TYPE, payload);
        self.protocol.write(message).map_err(|error| lost(&error))
    }

    fn write_secret<M: TrezorMessage>(&mut self, message: &M) -> Result<(), DeviceError> {
        // As long as it will be: a growing buffer would leave copies behind.
        let size = usize::try_from(message.compute_size()).unwrap_or_default();
        let mut payload = Zeroizing::new(Vec::with_capacity(size));
        message
            .write_to_vec(&mut payload)
            .map_err(|_| bad("a message that cannot be written"))?;
        let link = &mut self.protocol.link;
        link.write_secret(M::MESSAGE_TYPE, &payload)
            .map_err(|error| lost(&error))
    }
}

/// Wakes the thread that waits for the user.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Length of a passphrase in the form it is sent in; at most [`MAX_PASSPHRASE`].
pub fn passphrase_bytes(text: &str) -> usize {
    text.nfkd().map(char::len_utf8).sum()
}

fn is_positions(pin: &str) -> bool {
    !pin.is_empty() && pin.len() <= 50 && pin.bytes().all(|digit| matches!(digit, b'1'..=b'9'))
}

fn parse<M: Message>(message: ProtoMessage) -> Result<M, DeviceError> {
    message.into_message().map_err(|_| bad("a message that cannot be read"))
}

fn lost(error: &Error) -> DeviceError {
    match error {
        Error::DeviceReadTimeout => timed_out(),
        Error::DeviceBadMagic => bad("a packet out of order"),
        Error::UnexpectedChunkSizeFromDevice(_) => bad("a message longer than any"),
        Error::InvalidMessageType(_) => bad("a message of an unknown type"),
        _ => gone(),
    }
}
