//! A window on a sandbox whose work goes on while the test looks: clicks go in, texts come out, the device is answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::{BoxStream, SelectAll};
use iced::Size;
use iced_test::Simulator;
use iced_test::selector;

use super::support::{Fixture, outputs, select_all};
use crate::flow::Ports;
use crate::hw::fake::FakeDevice;
use crate::hw::{Device, DeviceSpec, Kind};
use crate::setup::SandboxRun;
use crate::ui::{Message, Page};

/// Silent for so long means: nothing more comes by itself.
const QUIET: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Live {
    pub fixture: Fixture,
    kind: Kind,
    running: SelectAll<BoxStream<'static, Message>>,
}

impl Live {
    /// On a sandbox with a block every second and one of its devices.
    pub fn on(network: &str, kind: Kind) -> Self {
        let mut live = Self {
            fixture: Fixture::on_sandbox_with(network, DeviceSpec::Usb(kind)),
            kind,
            running: SelectAll::new(),
        };
        live.look_for_device();
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

    /// Takes one result of the work under way.
    fn step(&mut self, patience: Duration) -> bool {
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

    /// Presses the buttons of the device, question by question, until it has been asked nothing for a while.
    pub fn answer(&mut self, yes: bool) {
        let run = self.run();
        let kind = self.kind;
        let begin = Instant::now();
        let mut quiet = 0;
        let mut any = false;
        while !(any && quiet > 10) {
            assert!(begin.elapsed() < PATIENCE, "the device asked nothing");
            let pressed = press(&run, kind, yes);
            any |= pressed;
            quiet = if pressed { 0 } else { quiet + 1 };
            self.step(Duration::from_millis(50));
        }
    }

    /// Presses the buttons until a text is on screen.
    #[track_caller]
    pub fn answer_until(&mut self, words: &str) {
        let run = self.run();
        let kind = self.kind;
        let begin = Instant::now();
        while !self.sees(words) {
            assert!(
                begin.elapsed() < PATIENCE,
                "{words:?} did not come; there are {:#?}",
                self.fixture.texts()
            );
            press(&run, kind, true);
            self.step(Duration::from_millis(50));
        }
    }
}

fn press(run: &SandboxRun, kind: Kind, yes: bool) -> bool {
    match (kind, &run.trezor) {
        (Kind::Trezor, Some(trezor)) if yes => trezor.panel().approve(),
        (Kind::Trezor, Some(trezor)) => trezor.panel().reject(),
        _ if yes => run.panel.approve(),
        _ => run.panel.reject(),
    }
}
