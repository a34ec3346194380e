//! An operation for another computer: what can be signed here is signed, then it is written to a file or copied as text.

use std::path::PathBuf;

use iced::task::Handle;
use iced::widget::{column, row};
use iced::{Element, Task};

use crate::flow::operation::{Missing, Operation};
use crate::flow::{Error, Ports, Step, operation, register, update};
use crate::store::{FileError, dirs, file};
use crate::ui::screen::part::new_file::{NoPath, free, read_path};
use crate::ui::screen::part::signing::Job;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    Field, body, error_notice, fact_mono, input, muted, panel, primary_button, secondary_button, success,
};
use crate::ui::work::blocking;

pub struct HandOver {
    path: Field<PathBuf>,
    state: State,
}

enum State {
    Offered,
    /// Signing what can be signed here.
    Running {
        to: To,
        _task: Handle,
    },
    Signed {
        text: String,
        /// Where it went.
        gone: Option<To>,
    },
    Failed(Error),
}

/// Where the text goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    File(PathBuf),
    Clipboard,
}

#[derive(Debug, Clone)]
pub enum Message {
    PathEdited(String),
    Export,
    Copy,
    Signed(Result<Box<Operation>, Error>),
    Stepped(Step),
    Written(PathBuf, Result<(), FileError>),
}

impl HandOver {
    /// Proposes a new file among the user's documents.
    pub fn new(job: &Job, name: &str) -> Self {
        let stem = format!("castellan-{}-{}", job.kind().name(), tame(name));
        let folder = dirs::documents();
        let path = folder.and_then(|folder| free(&folder, &stem, "json"));
        Self {
            path: path.map_or_else(Field::default, |path| Field::with(path.display().to_string(), path)),
            state: State::Offered,
        }
    }

    pub fn update(&mut self, ports: &Ports, job: &Job, message: Message) -> Task<Message> {
        match message {
            Message::PathEdited(text) => self.path.edit(text, read_path),
            Message::Export => {
                if let Some(path) = self.path.value().cloned() {
                    return self.hand(ports, job, To::File(path));
                }
            }
            Message::Copy => return self.hand(ports, job, To::Clipboard),
            Message::Signed(result) => return self.signed(result),
            Message::Stepped(_) => {}
            Message::Written(path, result) => self.written(path, result),
        }
        Task::none()
    }

    fn hand(&mut self, ports: &Ports, job: &Job, to: To) -> Task<Message> {
        match &mut self.state {
            State::Running { .. } => Task::none(),
            State::Signed { text, .. } => give(text.clone(), to, &mut self.state),
            State::Offered | State::Failed(_) => {
                let (task, handle) = sign(ports, job).abortable();
                self.state = State::Running {
                    to,
                    _task: handle.abort_on_drop(),
                };
                task
            }
        }
    }

    fn signed(&mut self, result: Result<Box<Operation>, Error>) -> Task<Message> {
        let State::Running { to, .. } = &self.state else {
            return Task::none();
        };
        let to = to.clone();
        match result {
            Ok(operation) => give(operation.to_file(), to, &mut self.state),
            Err(error) => {
                self.state = State::Failed(error);
                Task::none()
            }
        }
    }

    fn written(&mut self, path: PathBuf, result: Result<(), FileError>) {
        let State::Signed { gone, .. } = &mut self.state else {
            return;
        };
        match result {
            Ok(()) => *gone = Some(To::File(path)),
            Err(FileError::Io {
                kind: std::io::ErrorKind::AlreadyExists,
                ..
            }) => self.path.refuse(NoPath::Exists),
            Err(error) => self.path.refuse(NoPath::Unwritable(error)),
        }
    }

    /// It was signed here as far as that goes: keys made for it stay.
    pub fn is_begun(&self) -> bool {
        !matches!(self.state, State::Offered)
    }

    /// It is on its way.
    pub fn is_gone(&self) -> bool {
        matches!(self.state, State::Signed { gone: Some(_), .. })
    }

    /// Whose signatures are missing, and the ways out.
    pub fn view<'a>(&'a self, missing: &'a [Missing]) -> Element<'a, Message> {
        let idle = !matches!(self.state, State::Running { .. });
        let mut parts = column![body(
            "This computer cannot make every signature. Export the operation: what can be signed here is signed, nothing is sent, and no secret is in the file. Who holds the missing key opens it with “Complete an operation from a file” on the Journal page, or with castellan import-operation."
        )]
        .spacing(Gap::M);
        for each in missing {
            parts = parts.push(fact_mono(role_name(each), each.key.clone()));
        }
        let path = input("File", &self.path, Message::PathEdited)
            .help("A new file; one that is there already is never overwritten.")
            .mono()
            .id("export-path")
            .on_submit(Message::Export);
        let ready = idle && self.path.value().is_some();
        let export = primary_button("Export to a file").on_press_maybe(ready.then_some(Message::Export));
        let copy = secondary_button("Copy").on_press_maybe(idle.then_some(Message::Copy));
        parts = parts.push(path).push(row![export, copy].spacing(Gap::S));
        match &self.state {
            State::Failed(error) => parts = parts.push(error_notice(error)),
            State::Running { .. } => parts = parts.push(muted("Signing what can be signed here.")),
            State::Signed { gone: Some(to), .. } => {
                let words = match to {
                    To::File(path) => format!("Written to {}.", path.display()),
                    To::Clipboard => "Copied; paste it where the missing key is.".to_owned(),
                };
                parts = parts.push(success(format!("{words} The journal keeps it here as unfinished.")));
            }
            State::Offered | State::Signed { gone: None, .. } => {}
        }
        panel("Signatures that are missing", parts).into()
    }
}

fn role_name(missing: &Missing) -> &'static str {
    use crate::flow::operation::Role;
    match missing.role {
        Role::Collateral => "Collateral key",
        Role::Owner => "Owner key",
        Role::Operator => "Operator key",
        Role::Fee => "Fee key",
    }
}

/// Brings a text on its way.
fn give(text: String, to: To, state: &mut State) -> Task<Message> {
    let (gone, task) = match to {
        To::Clipboard => (Some(To::Clipboard), iced::clipboard::write(text.clone())),
        To::File(path) => (None, write(path, text.clone())),
    };
    *state = State::Signed { text, gone };
    task
}

fn write(path: PathBuf, text: String) -> Task<Message> {
    blocking(
        move || {
            let result = file::write_new(&path, text.as_bytes());
            (path, result)
        },
        |(path, result)| Message::Written(path, result),
    )
}

fn sign(ports: &Ports, job: &Job) -> Task<Message> {
    let ports = ports.clone();
    let done = |result: Result<Operation, Error>| Message::Signed(result.map(Box::new));
    match job.clone() {
        Job::Register(plan) => Task::sip(register::export(ports, *plan), Message::Stepped, done),
        Job::Update(plan) => Task::sip(update::export(ports, *plan), Message::Stepped, done),
        Job::Operation(operation, once) => {
            Task::sip(operation::sign_here(ports, *operation, once), Message::Stepped, done)
        }
    }
}

/// A name that is one in every file system.
fn tame(name: &str) -> String {
    let tame = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    name.chars().map(tame).take(40).collect()
}
