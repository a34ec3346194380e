//! What is shown, into a file: as a table for spreadsheets or as JSON for scripts.

use std::path::PathBuf;

use iced::widget::{column, row, space};
use iced::{Element, Length, Task};

use crate::flow::export::Table;
use crate::store::{FileError, dirs, file};
use crate::ui::format::count;
use crate::ui::screen::part::new_file::{NoPath, free, read_path};
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, card, input, primary_button, secondary_button, segments, success};
use crate::ui::work::blocking;

/// The question where to.
pub struct Export {
    form: Form,
    path: Field<PathBuf>,
    /// Name of the file without its ending, as proposed.
    stem: String,
    /// The path is the user's own: another form changes its ending alone.
    typed: bool,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Asking,
    Writing,
    Written(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Csv,
    Json,
}

impl Form {
    fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// A table in this form.
    pub fn text(self, table: &Table) -> String {
        match self {
            Self::Csv => table.csv(),
            Self::Json => format!("{:#}\n", table.json()),
        }
    }
}

#[derive(Debug, Clone)]
pub enum Message {
    FormChosen(Form),
    PathEdited(String),
    Write,
    Written(PathBuf, Result<(), FileError>),
    Close,
}

pub enum Action {
    None,
    /// Whoever shows the table writes it: see [`write`].
    Write(Form, PathBuf),
    Close,
}

impl Export {
    /// Proposes a new file among the user's documents, named after the network and the block.
    pub fn new(network: &str, height: u32) -> Self {
        let mut export = Self {
            form: Form::Csv,
            path: Field::default(),
            stem: format!("masternodes-{network}-{height}"),
            typed: false,
            state: State::Asking,
        };
        export.propose();
        export
    }

    fn propose(&mut self) {
        let path = dirs::documents().and_then(|folder| free(&folder, &self.stem, self.form.ending()));
        self.path = path.map_or_else(Field::default, |path| Field::with(path.display().to_string(), path));
    }

    pub fn update(&mut self, message: Message) -> Action {
        match message {
            Message::FormChosen(form) => self.choose(form),
            Message::PathEdited(text) => {
                self.state = State::Asking;
                self.typed = true;
                self.path.edit(text, read_path);
            }
            Message::Write => return self.begin(),
            Message::Written(path, result) => self.written(path, result),
            Message::Close => return Action::Close,
        }
        Action::None
    }

    fn choose(&mut self, form: Form) {
        let old = std::mem::replace(&mut self.form, form).ending();
        self.state = State::Asking;
        if !self.typed {
            self.propose();
        } else if let Some(stem) = self.path.text().strip_suffix(old) {
            let text = format!("{stem}{}", form.ending());
            self.path.edit(text, read_path);
        }
    }

    fn begin(&mut self) -> Action {
        match self.path.value().cloned() {
            Some(path) if self.state == State::Asking => {
                self.state = State::Writing;
                Action::Write(self.form, path)
            }
            _ => Action::None,
        }
    }

    fn written(&mut self, path: PathBuf, result: Result<(), FileError>) {
        self.state = State::Asking;
        match result {
            Ok(()) => self.state = State::Written(path),
            Err(FileError::Io {
                kind: std::io::ErrorKind::AlreadyExists,
                ..
            }) => self.path.refuse(NoPath::Exists),
            Err(error) => self.path.refuse(NoPath::Unwritable(error)),
        }
    }

    /// `rows`: how many would be written.
    pub fn view(&self, rows: usize) -> Element<'_, Message> {
        let forms = [(Form::Csv, "CSV".to_owned()), (Form::Json, "JSON".to_owned())];
        let path = input("File", &self.path, Message::PathEdited)
            .help("A new file; one that is there already is never overwritten.")
            .mono()
            .id("export-path")
            .on_submit(Message::Write);
        let ready = self.state == State::Asking && self.path.value().is_some() && rows > 0;
        let write = format!("Write {}", count(rows, "row", "rows"));
        let buttons = row![
            segments(forms, self.form, Message::FormChosen),
            space().width(Length::Fill),
            secondary_button("Close").on_press(Message::Close),
            primary_button(write).on_press_maybe(ready.then_some(Message::Write)),
        ];
        let mut parts = column![path].spacing(Gap::M);
        if let State::Written(path) = &self.state {
            parts = parts.push(success(format!("Written to {}.", path.display())));
        }
        card(parts.push(buttons.spacing(Gap::S).align_y(iced::Center))).into()
    }
}

/// Writes a new file away from the window's thread; `table` is made there, too.
pub fn write(form: Form, path: PathBuf, table: impl FnOnce() -> Table + Send + 'static) -> Task<Message> {
    blocking(
        move || {
            let result = file::write_new(&path, form.text(&table()).as_bytes());
            (path, result)
        },
        |(path, result)| Message::Written(path, result),
    )
}
