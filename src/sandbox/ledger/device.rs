//! The device around the app: cable, PIN, dashboard, which app is open, and who gets the answers.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::apdu::{
    Answer, BAD_LENGTH, Command, DECLINED_ON_DASHBOARD, Halt, LOCKED, NOT_INSTALLED, ON_DASHBOARD, WRONG_CLA,
};
use super::app::{App, AppIdentity, Outcome, put_text};
use super::keys::{InputKey, Keys};
use super::screen::{Prompt, Screen};

/// How many answered questions are remembered.
const MEMORY: usize = 100;
/// What the dashboard says its version is: that of a firmware of the recordings' time.
const FIRMWARE: &str = "1.1.2";

/// A question the user has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub prompt: Prompt,
    pub approved: bool,
}

pub(super) struct Device {
    identity: AppIdentity,
    keys: Arc<Keys>,
    input_key: InputKey,
    plugged: bool,
    locked: bool,
    running: Running,
    prompt: Option<Prompt>,
    /// Whether the host still gets the answer of the question on the screen.
    awaited: bool,
    auto_approve: bool,
    answered: VecDeque<Answered>,
    screen: watch::Sender<Screen>,
    link: Option<Link>,
    links: u64,
    /// Counts re-enumerations: each ends every connection.
    enumeration: watch::Sender<u64>,
}

/// The newest connection, which gets all answers.
struct Link {
    id: u64,
    answers: mpsc::UnboundedSender<Vec<u8>>,
}

enum Running {
    /// `opening`: the app a host asked for, while the user is asked.
    Dashboard {
        opening: Option<String>,
    },
    App(Box<App>),
    /// Some other app, of which only the name is known.
    Other {
        name: String,
    },
}

/// What the device does about a command.
enum Reaction {
    Do(Outcome),
    /// Answers, then runs something else, which re-enumerates.
    Switch(Option<Answer>, Running),
}

impl Device {
    /// Plugged in, unlocked, the app open.
    pub fn new(identity: AppIdentity, keys: Arc<Keys>, input_key: InputKey, auto_approve: bool) -> Self {
        let mut device = Self {
            identity,
            keys,
            input_key,
            plugged: true,
            locked: false,
            running: Running::Dashboard { opening: None },
            prompt: None,
            awaited: false,
            auto_approve,
            answered: VecDeque::new(),
            screen: watch::Sender::new(Screen::Dashboard),
            link: None,
            links: 0,
            enumeration: watch::Sender::new(0),
        };
        device.running = device.launch(&device.identity.name);
        device.draw();
        device
    }

    pub fn watch(&self) -> watch::Receiver<Screen> {
        self.screen.subscribe()
    }

    pub fn answered(&self) -> Vec<Answered> {
        self.answered.iter().cloned().collect()
    }

    /// A new connection takes over from the one before; none while the cable is out.
    pub fn connect(&mut self, answers: mpsc::UnboundedSender<Vec<u8>>) -> Option<(u64, watch::Receiver<u64>)> {
        if !self.plugged {
            return None;
        }
        self.links += 1;
        self.link = Some(Link {
            id: self.links,
            answers,
        });
        Some((self.links, self.enumeration.subscribe()))
    }

    /// A connection ended; the question it asked stays on the screen.
    pub fn disconnect(&mut self, id: u64) {
        self.link.take_if(|link| link.id == id);
    }

    /// A command from a connection; one that is not the newest is not heard.
    pub fn receive(&mut self, id: u64, bytes: &[u8]) {
        if self.link.as_ref().is_none_or(|link| link.id != id) {
            return;
        }
        match self.react(bytes) {
            Reaction::Do(Outcome::Answer(answer)) => {
                // The app has one answer to give: a question on the screen has lost its own.
                self.awaited = false;
                self.send(&answer);
            }
            Reaction::Do(Outcome::Ask(prompt)) => {
                self.awaited = true;
                self.prompt = Some(prompt);
                self.approve_by_itself();
            }
            Reaction::Switch(answer, running) => {
                if let Some(answer) = answer {
                    self.send(&answer);
                }
                self.run(running);
            }
        }
        self.draw();
    }

    /// Presses the buttons; false if nothing was asked.
    pub fn decide(&mut self, approved: bool) -> bool {
        if !self.plugged || self.locked {
            return false;
        }
        let decided = self.decide_one(approved);
        self.approve_by_itself();
        self.draw();
        decided
    }

    pub fn auto_approve(&mut self, auto: bool) {
        self.auto_approve = auto;
        self.approve_by_itself();
        self.draw();
    }

    pub fn set_locked(&mut self, locked: bool) {
        self.locked = locked;
        self.approve_by_itself();
        self.draw();
    }

    /// Back to the dashboard, or into an app.
    pub fn open(&mut self, app: Option<&str>) {
        let running = match app {
            Some(name) => self.launch(name),
            None => Running::Dashboard { opening: None },
        };
        self.run(running);
        self.draw();
    }

    /// Pulls the cable, which ends the app, or puts it back, on the dashboard.
    pub fn set_plugged(&mut self, plugged: bool) {
        self.plugged = plugged;
        self.run(Running::Dashboard { opening: None });
        self.draw();
    }

    fn react(&mut self, bytes: &[u8]) -> Reaction {
        if self.locked {
            return refuse(LOCKED);
        }
        let Some(command) = Command::parse(bytes) else {
            return refuse(BAD_LENGTH);
        };
        match (command.cla, command.ins, command.p1, command.p2) {
            (0xb0, 0x01, 0, 0) => Reaction::Do(Outcome::Answer(self.name_and_version())),
            (0xb0, 0xa7, 0, 0) => self.quit(),
            _ => self.pass_on(command),
        }
    }

    fn pass_on(&mut self, command: Command<'_>) -> Reaction {
        let handled = match &mut self.running {
            Running::App(app) => app.handle(command),
            Running::Other { .. } => Err(Halt::Refuse(WRONG_CLA)),
            Running::Dashboard { opening } if (command.cla, command.ins) == (0xe0, 0xd8) => {
                let name = String::from_utf8_lossy(command.data).into_owned();
                if name == self.identity.name {
                    let prompt = Prompt::open_app(&name);
                    *opening = Some(name);
                    Ok(Outcome::Ask(prompt))
                } else {
                    Err(Halt::Refuse(NOT_INSTALLED))
                }
            }
            Running::Dashboard { .. } => Err(Halt::Refuse(ON_DASHBOARD)),
        };
        match handled {
            Ok(outcome) => Reaction::Do(outcome),
            Err(Halt::Refuse(status)) => refuse(status),
            Err(Halt::Crash) => Reaction::Switch(None, Running::Dashboard { opening: None }),
        }
    }

    fn quit(&self) -> Reaction {
        match self.running {
            Running::Dashboard { .. } => Reaction::Do(Outcome::Answer(Answer::ok([]))),
            _ => Reaction::Switch(Some(Answer::ok([])), Running::Dashboard { opening: None }),
        }
    }

    /// `01 | name | version | 01 | flags`, the texts with a length byte.
    fn name_and_version(&self) -> Answer {
        let (name, version) = match &self.running {
            Running::Dashboard { .. } => ("BOLOS", FIRMWARE),
            Running::App(app) => (app.identity.name.as_str(), app.identity.version.as_str()),
            Running::Other { name } => (name.as_str(), "1.0.0"),
        };
        let mut data = vec![1];
        put_text(&mut data, name);
        put_text(&mut data, version);
        data.extend_from_slice(&[1, 0]);
        Answer::ok(data)
    }

    fn decide_one(&mut self, approved: bool) -> bool {
        let Some(prompt) = self.prompt.take() else {
            return false;
        };
        self.remember(Answered { prompt, approved });
        match &mut self.running {
            Running::App(app) => match app.decide(approved) {
                Some(Outcome::Answer(answer)) => self.give_awaited(&answer),
                Some(Outcome::Ask(prompt)) => self.prompt = Some(prompt),
                None => {}
            },
            Running::Dashboard { opening } => match opening.take() {
                Some(name) if approved => {
                    self.give_awaited(&Answer::ok([]));
                    let running = self.launch(&name);
                    self.run(running);
                }
                _ => self.give_awaited(&Answer::status(DECLINED_ON_DASHBOARD)),
            },
            Running::Other { .. } => {}
        }
        true
    }

    fn approve_by_itself(&mut self) {
        while self.auto_approve && self.plugged && !self.locked && self.decide_one(true) {}
    }

    fn remember(&mut self, answered: Answered) {
        if self.answered.len() == MEMORY {
            self.answered.pop_front();
        }
        self.answered.push_back(answered);
    }

    fn launch(&self, name: &str) -> Running {
        if name == self.identity.name {
            let app = App::new(self.identity.clone(), Arc::clone(&self.keys), self.input_key.clone());
            Running::App(Box::new(app))
        } else {
            Running::Other { name: name.to_owned() }
        }
    }

    /// Switches to other software: the device leaves the bus and comes back.
    fn run(&mut self, running: Running) {
        self.running = running;
        self.prompt = None;
        self.awaited = false;
        self.link = None;
        self.enumeration.send_modify(|count| *count += 1);
    }

    fn give_awaited(&mut self, answer: &Answer) {
        if std::mem::take(&mut self.awaited) {
            self.send(answer);
        }
    }

    /// To the newest connection, whoever asked; lost if there is none.
    fn send(&self, answer: &Answer) {
        let Some(link) = &self.link else {
            return;
        };
        let mut frame = (answer.data.len() as u32).to_be_bytes().to_vec();
        frame.extend_from_slice(&answer.data);
        frame.extend_from_slice(&answer.status.to_be_bytes());
        // A connection that has just ended takes its answer with it.
        let _ = link.answers.send(frame);
    }

    fn draw(&self) {
        let screen = self.picture();
        self.screen.send_if_modified(|shown| {
            let changed = *shown != screen;
            *shown = screen;
            changed
        });
    }

    fn picture(&self) -> Screen {
        if !self.plugged {
            return Screen::Unplugged;
        }
        if self.locked {
            return Screen::Locked;
        }
        match (&self.prompt, &self.running) {
            (Some(prompt), _) => Screen::Prompt(prompt.clone()),
            (None, Running::Dashboard { .. }) => Screen::Dashboard,
            (None, Running::App(app)) => Screen::Idle {
                app: app.identity.name.clone(),
            },
            (None, Running::Other { name }) => Screen::Idle { app: name.clone() },
        }
    }
}

fn refuse(status: u16) -> Reaction {
    Reaction::Do(Outcome::Answer(Answer::status(status)))
}
