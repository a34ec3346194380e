//! The device as one conversation: a message, what it asks its user meanwhile, the answer.

use std::sync::Arc;

use protobuf::Enum as _;
use trezor_client::TrezorMessage;
use trezor_client::protos::button_request::ButtonRequestType;
use trezor_client::protos::failure::FailureType;
use trezor_client::protos::features::Capability;
use trezor_client::protos::pin_matrix_request::PinMatrixRequestType;
use trezor_client::protos::{
    ButtonRequest, Failure, Features, Initialize, MessageType, PassphraseAck, PassphraseRequest, PinMatrixAck,
    PinMatrixRequest, Success,
};
use zeroize::Zeroizing;

use super::keys::Wallet;
use super::line::Line;
use super::packet::Message;
use super::panel::{Deed, Prompt, Screen, Shared};
use super::session::Sessions;
use super::{Model, Options};

/// Bytes of a passphrase.
const MAX_PASSPHRASE: usize = 50;

/// How a request ends without its answer.
pub enum Halt {
    Fail(FailureType, &'static str),
    /// The host begins anew: its `Initialize` is the next message.
    Again(Message),
}

pub type Done<T> = Result<T, Halt>;

pub fn fail<T>(code: FailureType, text: &'static str) -> Done<T> {
    Err(Halt::Fail(code, text))
}

pub fn data_error(text: &'static str) -> Halt {
    Halt::Fail(FailureType::Failure_DataError, text)
}

pub struct Device {
    pub(super) options: Options,
    line: Line,
    pub(super) panel: Arc<Shared>,
    sessions: Sessions,
    unlocked: bool,
}

impl Device {
    /// One that was plugged in just now.
    pub fn new(line: Line, panel: Arc<Shared>) -> Self {
        let options = panel.options();
        let unlocked = options.pin.is_none();
        panel.take_changes();
        panel.note_unlocked(unlocked);
        Self {
            unlocked,
            options,
            line,
            panel,
            sessions: Sessions::default(),
        }
    }

    /// Serves until it is dropped: the cable is pulled.
    pub async fn run(mut self) {
        let mut next = None;
        loop {
            self.panel.show(Screen::Home);
            let message = match next.take() {
                Some(message) => message,
                None => self.line.receive().await,
            };
            self.take_changes();
            match self.handle(&message).await {
                Ok(()) => {}
                Err(Halt::Fail(code, text)) => self.failure(code, text).await,
                Err(Halt::Again(message)) => next = Some(message),
            }
        }
    }

    /// What the user set meanwhile.
    fn take_changes(&mut self) {
        self.options = self.panel.options();
        let (lock, forget) = self.panel.take_changes();
        if lock {
            self.unlocked = self.options.pin.is_none();
        }
        if forget {
            self.sessions.forget();
        }
        self.panel.note_unlocked(self.unlocked);
    }

    async fn handle(&mut self, message: &Message) -> Done<()> {
        match MessageType::from_i32(i32::from(message.kind)) {
            Some(MessageType::MessageType_Initialize) => self.initialize(message).await,
            Some(MessageType::MessageType_GetFeatures) => {
                let features = self.features();
                self.send(&features).await
            }
            Some(MessageType::MessageType_Cancel) => fail(FailureType::Failure_ActionCancelled, "Cancelled"),
            Some(MessageType::MessageType_LockDevice) => {
                self.unlocked = self.options.pin.is_none();
                self.panel.note_unlocked(self.unlocked);
                self.success("Session cleared").await
            }
            Some(MessageType::MessageType_EndSession) => {
                self.sessions.end();
                self.success("Session ended").await
            }
            _ if self.options.bootloader => fail(FailureType::Failure_UnexpectedMessage, "Unknown message"),
            Some(kind) => self.request(kind, message).await,
            None => fail(FailureType::Failure_UnexpectedMessage, "Unknown message"),
        }
    }

    async fn initialize(&mut self, message: &Message) -> Done<()> {
        let hello: Initialize = parse(message)?;
        let id = self.sessions.begin(hello.session_id.as_deref());
        let id = id.map_err(|_| Halt::Fail(FailureType::Failure_FirmwareError, "No randomness"))?;
        let mut features = self.features();
        features.set_session_id(id.to_vec());
        self.send(&features).await
    }

    fn features(&self) -> Features {
        let options = &self.options;
        let (short, internal) = match options.model {
            Model::One => ("1", "T1B1"),
            Model::T => ("T", "T2T1"),
            Model::Safe3 => ("Safe 3", "T3B1"),
        };
        let mut features = Features::new();
        features.set_vendor("trezor.io".to_owned());
        features.set_model(short.to_owned());
        features.set_internal_model(internal.to_owned());
        features.set_major_version(options.version.0);
        features.set_minor_version(options.version.1);
        features.set_patch_version(options.version.2);
        if options.bootloader {
            features.set_bootloader_mode(true);
            return features;
        }
        features.label.clone_from(&options.label);
        features.set_initialized(!options.phrase.is_empty());
        features.set_pin_protection(options.pin.is_some());
        features.set_unlocked(self.unlocked);
        // A locked Model T does not tell.
        let told = self.unlocked || options.model == Model::One;
        features.set_passphrase_protection(options.passphrase && told);
        let mut capabilities = vec![
            Capability::Capability_Bitcoin,
            Capability::Capability_Bitcoin_like,
            Capability::Capability_Crypto,
        ];
        if options.model != Model::One {
            capabilities.push(Capability::Capability_PassphraseEntry);
        }
        features.capabilities = capabilities.into_iter().map(Into::into).collect();
        features
    }

    pub(super) async fn send<M: TrezorMessage>(&mut self, message: &M) -> Done<()> {
        // The host that asked is gone: nobody to tell.
        let _ = self.line.send(message).await;
        Ok(())
    }

    pub(super) async fn success(&mut self, text: &str) -> Done<()> {
        let mut success = Success::new();
        success.set_message(text.to_owned());
        self.send(&success).await
    }

    async fn failure(&mut self, code: FailureType, text: &str) {
        let mut failure = Failure::new();
        failure.set_code(code);
        failure.set_message(text.to_owned());
        let _ = self.line.send(&failure).await;
    }

    /// A question and its answer from the host.
    pub(super) async fn ask_host<M: TrezorMessage, A: TrezorMessage>(
        &mut self,
        question: &M,
        cancelled: FailureType,
    ) -> Done<A> {
        self.send(question).await?;
        loop {
            let message = self.line.receive().await;
            if message.is(A::MESSAGE_TYPE) {
                return parse(&message);
            }
            self.interrupted(message, cancelled)?;
        }
    }

    /// While it waits it listens to nothing else: everything but these two stays without an answer.
    fn interrupted(&self, message: Message, cancelled: FailureType) -> Done<()> {
        if message.is(MessageType::MessageType_Cancel) {
            return fail(cancelled, "Cancelled");
        }
        if message.is(MessageType::MessageType_Initialize) {
            return Err(Halt::Again(message));
        }
        Ok(())
    }

    /// Says to the host that the user is asked, waits until it knows, and then for the user.
    async fn user(&mut self, code: ButtonRequestType, screen: Screen, cancelled: FailureType) -> Done<Deed> {
        let mut request = ButtonRequest::new();
        request.set_code(code);
        let _: trezor_client::protos::ButtonAck = self.ask_host(&request, cancelled).await?;
        self.panel.show(screen);
        let panel = Arc::clone(&self.panel);
        loop {
            tokio::select! {
                deed = panel.deed() => {
                    panel.show(Screen::Home);
                    return Ok(deed);
                }
                message = self.line.receive() => self.interrupted(message, cancelled)?,
            }
        }
    }

    /// A question for the buttons; whether it was accepted.
    pub(super) async fn decide(&mut self, code: ButtonRequestType, title: &'static str, text: String) -> Done<bool> {
        let prompt = Prompt { title, text };
        let deed = self
            .user(
                code,
                Screen::Prompt(prompt.clone()),
                FailureType::Failure_ActionCancelled,
            )
            .await?;
        let approved = deed == Deed::Approve;
        self.panel.remember(prompt, approved);
        Ok(approved)
    }

    /// A question that ends the request unless it is accepted.
    pub(super) async fn confirm(&mut self, code: ButtonRequestType, title: &'static str, text: String) -> Done<()> {
        if self.decide(code, title, text).await? {
            Ok(())
        } else {
            fail(FailureType::Failure_ActionCancelled, "Action cancelled by user")
        }
    }

    /// The wallet of the session, unlocked and selected by whatever that needs.
    pub(super) async fn wallet(&mut self) -> Done<Wallet> {
        if self.options.phrase.is_empty() {
            return fail(FailureType::Failure_NotInitialized, "Device not initialized");
        }
        let Some(selected) = self.sessions.wallet() else {
            return fail(FailureType::Failure_InvalidSession, "Invalid session");
        };
        self.unlock().await?;
        if let Some(wallet) = selected {
            return Ok(wallet);
        }
        let passphrase = if self.options.passphrase {
            self.passphrase().await?
        } else {
            Zeroizing::default()
        };
        let wallet = Wallet::new(&self.options.phrase, &passphrase).map_err(|_| data_error("Invalid mnemonic"))?;
        self.sessions.select(wallet.clone());
        Ok(wallet)
    }

    async fn unlock(&mut self) -> Done<()> {
        while !self.unlocked {
            let pin = match self.options.model {
                Model::One => self.pin_from_host().await?,
                Model::T | Model::Safe3 => self.pin_on_device().await?,
            };
            self.unlocked = self.options.pin.as_ref() == Some(&pin);
            self.panel.note_unlocked(self.unlocked);
            if !self.unlocked && self.options.model == Model::One {
                return fail(FailureType::Failure_PinInvalid, "PIN invalid");
            }
        }
        Ok(())
    }

    async fn pin_from_host(&mut self) -> Done<Zeroizing<String>> {
        let matrix = shuffled().map_err(|_| Halt::Fail(FailureType::Failure_FirmwareError, "No randomness"))?;
        self.panel.show(Screen::PinMatrix(matrix));
        let mut request = PinMatrixRequest::new();
        request.set_type(PinMatrixRequestType::PinMatrixRequestType_Current);
        let ack: PinMatrixAck = self.ask_host(&request, FailureType::Failure_PinCancelled).await?;
        self.panel.show(Screen::Home);
        let digit = |place: u8| match place {
            b'1'..=b'9' => char::from(b'0' + matrix[usize::from(place - b'1')]),
            _ => '0',
        };
        Ok(Zeroizing::new(ack.pin().bytes().map(digit).collect()))
    }

    async fn pin_on_device(&mut self) -> Done<Zeroizing<String>> {
        let cancelled = FailureType::Failure_PinCancelled;
        let code = ButtonRequestType::ButtonRequest_PinEntry;
        match self.user(code, Screen::PinEntry, cancelled).await? {
            Deed::Type(pin) => Ok(pin),
            Deed::Approve | Deed::Reject => fail(cancelled, "PIN entry cancelled"),
        }
    }

    async fn passphrase(&mut self) -> Done<Zeroizing<String>> {
        let cancelled = FailureType::Failure_ActionCancelled;
        self.panel.show(Screen::PassphraseOnHost);
        let ack: PassphraseAck = self.ask_host(&PassphraseRequest::new(), cancelled).await?;
        self.panel.show(Screen::Home);
        if ack.on_device() {
            if self.options.model == Model::One {
                return Err(data_error("This device is incapable of passphrase entry on the device"));
            }
            let code = ButtonRequestType::ButtonRequest_PassphraseEntry;
            return match self.user(code, Screen::PassphraseEntry, cancelled).await? {
                Deed::Type(text) => Ok(text),
                Deed::Approve | Deed::Reject => fail(cancelled, "Passphrase entry cancelled"),
            };
        }
        let Some(text) = ack.passphrase.map(Zeroizing::new) else {
            return Err(data_error("No passphrase provided"));
        };
        if text.len() > MAX_PASSPHRASE {
            return Err(data_error("string overflow"));
        }
        if !text.is_empty() {
            let code = ButtonRequestType::ButtonRequest_Other;
            self.confirm(code, "Hidden wallet", "Next screen will show the passphrase".to_owned())
                .await?;
            self.confirm(code, "Use this passphrase?", text.to_string()).await?;
        }
        Ok(text)
    }
}

pub fn parse<M: protobuf::Message>(message: &Message) -> Done<M> {
    M::parse_from_bytes(&message.data).map_err(|_| data_error("Could not parse protocol buffers"))
}

/// The digits 1 to 9 in a new order.
fn shuffled() -> Result<[u8; 9], getrandom::Error> {
    let mut digits = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    let mut random = [0; 9];
    getrandom::fill(&mut random)?;
    for at in (1..digits.len()).rev() {
        digits.swap(at, usize::from(random[at]) % (at + 1));
    }
    Ok(digits)
}
