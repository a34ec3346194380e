//! A window on a sandbox whose work goes on while the test looks: clicks go in, texts come out, the device is answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::{BoxStream, SelectAll};
use iced::Size;
use iced_test::Simulator;
use iced_test::selector;

use super::support::{Fixture, outputs, select_all};
use super::user::HIDDEN;
use crate::flow::Ports;
use crate::hw::fake::FakeDevice;
use crate::hw::{Device, DeviceSpec, Kind, Question};
use crate::setup::SandboxRun;
use crate::ui::asker::Asked;
use crate::ui::screen::sandbox::PIN;
use crate::ui::{Message, Page};

/// Silent for so long means: nothing more comes by itself.
const QUIET: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Live {
    pub fixture: Fixture,
    kind: Kind,
    /// What the window was told of the devices' questions last.
    asked: Vec<Asked>,
    running: SelectAll<BoxStream<'static, Message>>,
}

impl Live {
    /// On a sandbox with a block every second and one of its devices.
    pub fn on(network: &str, kind: Kind) -> Self {
        let mut live = Self {
            fixture: Fixture::on_sandbox_with(network, DeviceSpec::Usb(kind)),
            kind,
            asked: Vec::new(),
            running: SelectAll::new(),
        };
        live.look_for_device();
        live
    }

    /// On a sandbox with its Ledger in use, changed on the Devices page for its other device, a Trezor One with a PIN and a
    /// passphrase.
    pub fn switched(network: &str) -> Self {
        let mut live = Self::on(network, Kind::Ledger);
        let trezor = live.fixture.trezor();
        assert!(trezor.set_pin(Some(PIN)));
        trezor.set_passphrase(true);
        live.send(Message::Go(Page::Devices));
        let session = live.fixture.session();
        let (id, find) = (session.id, session.find_devices());
        let found = live.fixture.wait(find);
        live.send(Message::DevicesFound(id, found));
        live.press("Use this one");
        live.kind = Kind::Trezor;
        live
    }

    /// The wallet page of that device, its accounts read.
    pub fn in_wallet(network: &str, kind: Kind) -> Self {
        let mut live = Self::on(network, kind);
        live.send(Message::Go(Page::Wallet));
        live.wait_for("Look further");
        live
    }

    pub fn ports(&mut self) -> Ports {
        self.fixture.session().ports().clone()
    }

    pub fn run(&mut self) -> Arc<SandboxRun> {
        let session = self.fixture.session();
        session.connection.sandbox.clone().expect("it is a sandbox")
    }

    /// As the subscription to the device does.
    pub fn look_for_device(&mut self) {
        let session = self.fixture.session();
        let (id, find) = (session.id, session.find_device());
        let found = self.fixture.wait(find);
        self.send(Message::DeviceFound(id, found));
    }

    /// One that is not the sandbox's.
    pub fn another_device(&mut self) -> Arc<dyn Device> {
        Arc::new(FakeDevice::new(self.ports().profile))
    }

    pub fn mine(&mut self, blocks: u32) {
        let run = self.run();
        self.fixture.wait(async move { run.chain.mine(blocks) });
    }

    fn screen(&self) -> Simulator<'_, Message> {
        // Tall enough that nothing has to be scrolled to.
        self.fixture.ui_of(Size::new(1100.0, 5000.0))
    }

    /// Presses what carries this text; says whether anything happened.
    #[track_caller]
    pub fn click(&mut self, text: &str) -> bool {
        let mut screen = self.screen();
        if let Err(error) = screen.click(text) {
            drop(screen);
            panic!("{text}: {error}; there are {:#?}", self.fixture.texts());
        }
        let messages: Vec<Message> = screen.into_messages().collect();
        self.take(messages)
    }

    /// Presses the box or sign of a coin, a tab, anything with an id.
    #[track_caller]
    pub fn click_id(&mut self, id: impl Into<iced::advanced::widget::Id>) -> bool {
        let mut screen = self.screen();
        let id = id.into();
        if let Err(error) = screen.click(selector::id(id.clone())) {
            drop(screen);
            panic!("{id:?}: {error}; there are {:#?}", self.fixture.texts());
        }
        let messages: Vec<Message> = screen.into_messages().collect();
        self.take(messages)
    }

    /// Empties a field and types into it.
    #[track_caller]
    pub fn fill(&mut self, id: &'static str, text: &str) {
        self.keys(id, |screen| {
            let _ = screen.simulate(select_all().map(iced::Event::Keyboard));
            let _ = screen.tap_key(iced::keyboard::key::Named::Backspace);
        });
        for letter in text.chars() {
            self.keys(id, |screen| {
                let _ = screen.tap_key(iced::keyboard::key::Named::End);
                let _ = screen.typewrite(letter.encode_utf8(&mut [0; 4]));
            });
        }
    }

    #[track_caller]
    fn keys(&mut self, id: &'static str, press: impl FnOnce(&mut Simulator<'_, Message>)) {
        let mut screen = self.screen();
        if let Err(error) = screen.click(selector::id(id)) {
            drop(screen);
            panic!("{id}: {error}; there are {:#?}", self.fixture.texts());
        }
        press(&mut screen);
        let messages: Vec<Message> = screen.into_messages().collect();
        self.deliver(messages);
    }

    pub fn send(&mut self, message: Message) {
        self.take(vec![message]);
    }

    fn take(&mut self, messages: Vec<Message>) -> bool {
        let any = !messages.is_empty();
        self.deliver(messages);
        while self.step(QUIET) {}
        any
    }

    pub fn deliver(&mut self, messages: Vec<Message>) {
        for message in messages {
            let task = self.fixture.app.update(message);
            self.running.push(outputs(task).boxed());
        }
    }

    /// Tells the window what its devices ask, as its subscription does.
    fn hear(&mut self) {
        let open = self.fixture.app.asker.open();
        if open != self.asked {
            self.asked.clone_from(&open);
            self.deliver(vec![Message::Asked(open)]);
        }
    }

    /// Takes one result of the work under way.
    fn step(&mut self, patience: Duration) -> bool {
        self.hear();
        let running = &mut self.running;
        let next = self
            .fixture
            .runtime
            .block_on(async { tokio::time::timeout(patience, running.next()).await });
        match next {
            Ok(Some(message)) => self.deliver(vec![message]),
            Ok(None) => {
                std::thread::sleep(patience.min(Duration::from_millis(20)));
                return false;
            }
            Err(_) => return false,
        }
        true
    }

    /// Lets work go on until a text is on screen.
    #[track_caller]
    pub fn wait_for(&mut self, words: &str) {
        let begin = Instant::now();
        while !self.sees(words) {
            assert!(
                begin.elapsed() < PATIENCE,
                "{words:?} did not come; there are {:#?}",
                self.fixture.texts()
            );
            self.step(Duration::from_millis(200));
        }
    }

    /// Presses what carries this text, once it is there and can be pressed.
    #[track_caller]
    pub fn press(&mut self, text: &str) {
        let begin = Instant::now();
        while !(self.fixture.texts().iter().any(|shown| shown == text) && self.click(text)) {
            assert!(
                begin.elapsed() < PATIENCE,
                "{text:?} cannot be pressed; there are {:#?}",
                self.fixture.texts()
            );
            self.step(Duration::from_millis(50));
        }
    }

    pub fn sees(&self, words: &str) -> bool {
        self.fixture.texts().iter().any(|text| text.contains(words))
    }

    #[track_caller]
    pub fn expect(&self, words: &str) {
        self.fixture.assert_shows(&[words]);
    }

    #[track_caller]
    pub fn expect_not(&self, words: &str) {
        self.fixture.assert_hides(words);
    }

    /// Lets the device ask, and presses its buttons question by question, until it has been asked nothing for a while. What it
    /// asks through the window is typed there.
    pub fn answer(&mut self, yes: bool) {
        let begin = Instant::now();
        let mut quiet = 0;
        let mut any = false;
        while !(any && quiet > 10) {
            assert!(begin.elapsed() < PATIENCE, "the device asked nothing");
            let pressed = !self.type_it() && self.press_button(yes);
            any |= pressed;
            quiet = if pressed { 0 } else { quiet + 1 };
            self.step(Duration::from_millis(50));
        }
    }

    /// Answers everything with yes until a text is on screen.
    #[track_caller]
    pub fn answer_until(&mut self, words: &str) {
        let begin = Instant::now();
        while !self.sees(words) {
            assert!(
                begin.elapsed() < PATIENCE,
                "{words:?} did not come; there are {:#?}",
                self.fixture.texts()
            );
            let _ = self.type_it() || self.press_button(true);
            self.step(Duration::from_millis(50));
        }
    }

    /// Waits until the device asks for its buttons; what it asks through the window before is typed there.
    pub fn until_asked(&mut self) {
        let begin = Instant::now();
        while !self.is_asking() {
            assert!(begin.elapsed() < PATIENCE, "the device asks nothing");
            self.type_it();
            self.step(Duration::from_millis(50));
        }
    }

    /// Waits until the device asks nothing any more after a cancel. A Ledger cannot take its question back: it is declined there.
    pub fn until_quiet(&mut self) {
        let begin = Instant::now();
        while self.is_asking() || !self.asked.is_empty() {
            assert!(begin.elapsed() < Duration::from_secs(5), "the device still asks");
            if self.kind == Kind::Ledger {
                self.press_button(false);
            }
            self.step(Duration::from_millis(50));
        }
    }

    /// The device waits for its buttons.
    pub fn is_asking(&mut self) -> bool {
        match self.kind {
            Kind::Trezor => self.fixture.trezor().screen().prompt().is_some(),
            _ => self.run().panel.screen().prompt().is_some(),
        }
    }

    /// Types the PIN or the passphrase that is asked for in the window; false if none is.
    fn type_it(&mut self) -> bool {
        self.hear();
        match self.asked.first().map(|asked| &asked.question) {
            Some(Question::Pin { .. }) => self.fixture.enter_pin(PIN),
            Some(Question::Passphrase { wallet, .. }) => self.fixture.enter_passphrase(HIDDEN, wallet.is_none()),
            Some(Question::Button { .. }) | None => return false,
        }
        true
    }

    fn press_button(&mut self, yes: bool) -> bool {
        match (self.kind, yes) {
            (Kind::Trezor, true) => self.fixture.trezor().approve(),
            (Kind::Trezor, false) => self.fixture.trezor().reject(),
            (_, true) => self.run().panel.approve(),
            (_, false) => self.run().panel.reject(),
        }
    }
}
