//! A wizard on a stage: clicks and key strokes go in, its tasks run, texts come out.

use std::time::{Duration, Instant};

use castellan::flow::Ports;
use castellan::protocol::{ProTxHash, Profile};
use castellan::ui::screen::register::{Action, Message, Register};
use castellan::ui::theme::{FONTS, UI, dark, light};
use futures::StreamExt;
use futures::stream::{BoxStream, SelectAll};
use iced::keyboard::{self, Key, Modifiers, key};
use iced::{Settings, Size};
use iced_test::Simulator;
use iced_test::runtime::{self, task};
use iced_test::selector::{self, Candidate};

/// Silent for so long means: nothing more comes by itself.
const QUIET: Duration = Duration::from_millis(700);

pub struct Stage {
    pub ports: Ports,
    pub wizard: Register,
    pub closed: bool,
    pub opened: Option<ProTxHash>,
    running: SelectAll<BoxStream<'static, runtime::Action<Message>>>,
    runtime: tokio::runtime::Runtime,
}

impl Stage {
    pub fn new(runtime: tokio::runtime::Runtime, ports: Ports) -> Self {
        let (wizard, task) = Register::open(&ports, false);
        let mut stage = Self {
            ports,
            wizard,
            closed: false,
            opened: None,
            running: SelectAll::new(),
            runtime,
        };
        stage.act(Action::Run(task));
        stage.settle();
        stage
    }

    pub fn profile(&self) -> &Profile {
        &self.ports.profile
    }

    fn screen(&self) -> Simulator<'_, Message> {
        // Tall enough that nothing has to be scrolled to.
        self.screen_of(Size::new(1000.0, 4000.0))
    }

    fn screen_of(&self, size: Size) -> Simulator<'_, Message> {
        let fonts = FONTS.iter().map(|font| (*font).into()).collect();
        let settings = Settings {
            fonts,
            default_font: UI,
            ..Settings::default()
        };
        Simulator::with_size(settings, size, self.wizard.view())
    }

    /// Presses what carries this text; says whether anything happened.
    #[track_caller]
    pub fn click(&mut self, text: &str) -> bool {
        let mut screen = self.screen();
        if let Err(error) = screen.click(text) {
            drop(screen);
            panic!("{text}: {error}; there are {:#?}", self.texts());
        }
        let messages: Vec<Message> = screen.into_messages().collect();
        self.take(messages)
    }

    /// Empties a field and types into it, key by key, as a person does.
    #[track_caller]
    pub fn fill(&mut self, id: &'static str, text: &str) {
        self.keys(id, |screen| {
            let _ = screen.simulate(select_all().map(iced::Event::Keyboard));
            let _ = screen.tap_key(key::Named::Backspace);
        });
        for letter in text.chars() {
            self.keys(id, |screen| {
                let _ = screen.tap_key(key::Named::End);
                let _ = screen.typewrite(letter.encode_utf8(&mut [0; 4]));
            });
        }
        self.settle();
    }

    #[track_caller]
    fn keys(&mut self, id: &'static str, press: impl FnOnce(&mut Simulator<'_, Message>)) {
        let mut screen = self.screen();
        if let Err(error) = screen.click(selector::id(id)) {
            panic!("{id}: {error}");
        }
        press(&mut screen);
        let messages: Vec<Message> = screen.into_messages().collect();
        self.deliver(messages);
    }

    /// Presses Enter in a field.
    #[track_caller]
    pub fn enter(&mut self, id: &'static str) {
        self.keys(id, |screen| {
            let _ = screen.tap_key(key::Named::Enter);
        });
        self.settle();
    }

    pub fn send(&mut self, message: Message) {
        self.take(vec![message]);
    }

    fn take(&mut self, messages: Vec<Message>) -> bool {
        let any = !messages.is_empty();
        self.deliver(messages);
        self.settle();
        any
    }

    fn deliver(&mut self, messages: Vec<Message>) {
        for message in messages {
            let action = self.wizard.update(&self.ports, message);
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::None => {}
            Action::Run(task) => self.running.extend(task::into_stream(task)),
            Action::Open(hash) => self.opened = Some(hash),
            Action::Close => self.closed = true,
        }
    }

    /// Lets work go on until nothing comes of it for a while.
    fn settle(&mut self) {
        while self.step(QUIET) {}
    }

    /// Takes one result of the work under way.
    fn step(&mut self, patience: Duration) -> bool {
        let running = &mut self.running;
        let next = self
            .runtime
            .block_on(async { tokio::time::timeout(patience, running.next()).await });
        match next {
            Ok(Some(runtime::Action::Output(message))) => self.deliver(vec![message]),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return false,
        }
        true
    }

    /// Lets work go on until a text is on screen.
    #[track_caller]
    pub fn wait_for(&mut self, words: &str) {
        let begin = Instant::now();
        while !self.sees(words) {
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "{words:?} did not come; there are {:#?}",
                self.texts()
            );
            self.step(Duration::from_millis(200));
        }
    }

    /// Runs something that is not the wizard's.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Says whether a text with these words is on screen.
    pub fn sees(&self, words: &str) -> bool {
        self.texts().iter().any(|text| text.contains(words))
    }

    pub fn texts(&self) -> Vec<String> {
        let all = std::sync::Mutex::new(Vec::new());
        let _ = self.screen().find(|candidate: Candidate<'_>| -> Option<()> {
            if let Candidate::Text { content, .. } = candidate {
                all.lock().unwrap().push(content.to_owned());
            }
            None
        });
        all.into_inner().unwrap()
    }

    #[track_caller]
    pub fn expect(&self, words: &str) {
        assert!(self.sees(words), "{words:?} is not among {:#?}", self.texts());
    }

    /// The step cannot be left, and says why.
    #[track_caller]
    pub fn refuses(&mut self, words: &str) {
        self.expect(words);
        assert!(!self.click("Next"), "Next is not disabled");
    }

    /// Goes on; the step must be complete.
    #[track_caller]
    pub fn next(&mut self) {
        assert!(self.click("Next"), "Next is disabled: {:#?}", self.texts());
    }

    /// Writes pictures of what is on screen, light and dark, into the folder `CASTELLAN_PICTURES` names.
    pub fn picture(&self, name: &str) {
        self.draw(name, Size::new(800.0, 700.0));
    }

    /// The same with everything that would have to be scrolled to.
    pub fn tall_picture(&self, name: &str) {
        self.draw(name, Size::new(1000.0, 2300.0));
    }

    fn draw(&self, name: &str, size: Size) {
        let folder = std::env::var("CASTELLAN_PICTURES").unwrap();
        for (theme, word) in [(light(), "light"), (dark(), "dark")] {
            let file = format!("{folder}/{name}-{word}");
            self.screen_of(size)
                .snapshot(&theme)
                .unwrap()
                .matches_image(file)
                .unwrap();
        }
    }
}

fn select_all() -> [keyboard::Event; 3] {
    let letter = Key::Character("a".into());
    let all = keyboard::Event::KeyPressed {
        key: letter.clone(),
        modified_key: letter,
        physical_key: key::Physical::Code(key::Code::KeyA),
        location: keyboard::Location::Standard,
        modifiers: Modifiers::COMMAND,
        text: None,
        repeat: false,
    };
    let held = keyboard::Event::ModifiersChanged;
    [held(Modifiers::COMMAND), all, held(Modifiers::empty())]
}
