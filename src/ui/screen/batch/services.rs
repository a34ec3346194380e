//! New addresses as a list: typed, pasted, or read from a CSV file.

use std::io::{ErrorKind, Read};

use iced::widget::text_editor::{self, Content, Edit};
use iced::widget::{column, row};
use iced::{Element, Length, Task};

use super::subject::Subject;
use crate::flow::batch::{self, Known, ListError, MAX_TEXT, Row};
use crate::protocol::Profile;
use crate::ui::advice::sentence;
use crate::ui::format::count;
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{area, field::plain_input, help, label, secondary_button, toned};
use crate::ui::work::blocking;

/// Errors shown; the rest is counted.
const SHOWN: usize = 8;

pub struct Services {
    text: Content,
    rows: Result<Vec<Row>, Vec<ListError>>,
    /// Something was typed or read: what is wrong with it is shown.
    touched: bool,
    path: String,
    refused: Option<FileError>,
}

#[derive(Debug, Clone)]
pub enum Message {
    Edited(text_editor::Action),
    PathEdited(String),
    ReadFile,
    FileRead(Result<String, FileError>),
}

/// Why a file is no list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("the file {path} cannot be read: {kind}")]
    Unreadable { path: String, kind: ErrorKind },
    #[error("the file {path} is longer than {max} bytes")]
    TooLong { path: String, max: usize },
    #[error("the file {path} is not text")]
    NotText { path: String },
}

impl Services {
    /// Begins with the present addresses of the selected masternodes, to be edited.
    pub fn new(subject: &Subject, profile: &Profile) -> Self {
        let chosen = subject.chosen.iter().filter(|each| each.signed_here);
        let text = batch::sample(chosen.map(|each| (each.name.as_str(), each.service)));
        Self {
            rows: batch::read(&text, &subject.known, profile),
            text: Content::with_text(&text),
            touched: false,
            path: String::new(),
            refused: None,
        }
    }

    pub fn update(&mut self, known: &[Known], profile: &Profile, message: Message) -> Task<Message> {
        match message {
            Message::Edited(action) => {
                let edits = action.is_edit();
                self.text.perform(action);
                if edits {
                    self.touched = true;
                    self.rows = batch::read(&self.text.text(), known, profile);
                }
            }
            Message::PathEdited(path) => {
                self.path = path;
                self.refused = None;
            }
            Message::ReadFile => {
                let path = self.path.trim().to_owned();
                return blocking(move || read_file(path), Message::FileRead);
            }
            Message::FileRead(Ok(text)) => {
                self.text.perform(text_editor::Action::SelectAll);
                let all = text_editor::Action::Edit(Edit::Paste(text.into()));
                return self.update(known, profile, Message::Edited(all));
            }
            Message::FileRead(Err(error)) => self.refused = Some(error),
        }
        Task::none()
    }

    pub fn value(&self) -> Option<&[Row]> {
        self.rows.as_deref().ok()
    }

    pub fn view(&self) -> Element<'_, Message> {
        let wrong = self.touched && self.rows.is_err();
        let lines = area(&self.text, "mn1, 1.2.3.4:9999", wrong, Message::Edited)
            .height(200)
            .id("list");
        let about = help(
            "One line each: the name or the proTxHash, a comma, the new address. Lines that begin with # are comments.",
        );
        let file = row![
            plain_input("Path of a CSV file", &self.path, Message::PathEdited)
                .id("path")
                .on_submit(Message::ReadFile)
                .width(Length::Fill),
            secondary_button("Read the file")
                .on_press_maybe((!self.path.trim().is_empty()).then_some(Message::ReadFile))
        ]
        .spacing(Gap::S)
        .align_y(iced::Center);
        let mut parts = column![label("New addresses"), lines, about, self.verdict(), file].spacing(Gap::S);
        if let Some(error) = &self.refused {
            parts = parts.push(toned(sentence(error), Tone::Bad));
        }
        parts.into()
    }

    /// How many were understood, or every line that was not.
    fn verdict(&self) -> Element<'_, Message> {
        match &self.rows {
            Ok(rows) => help(format!("{} understood.", count(rows.len(), "line is", "lines are"))).into(),
            Err(_) if !self.touched => help("").into(),
            Err(errors) => {
                let shown = errors
                    .iter()
                    .take(SHOWN)
                    .map(|error| toned(sentence(error), Tone::Bad).into());
                let mut lines = column(shown).spacing(Gap::XS);
                if errors.len() > SHOWN {
                    let rest = count(errors.len() - SHOWN, "more line", "more lines");
                    lines = lines.push(toned(format!("And {rest}."), Tone::Bad));
                }
                lines.into()
            }
        }
    }
}

fn read_file(path: String) -> Result<String, FileError> {
    let unreadable = |path: &String, kind| FileError::Unreadable {
        path: path.clone(),
        kind,
    };
    let file = std::fs::File::open(&path).map_err(|error| unreadable(&path, error.kind()))?;
    let mut bytes = Vec::new();
    file.take(MAX_TEXT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&path, error.kind()))?;
    if bytes.len() > MAX_TEXT {
        return Err(FileError::TooLong { path, max: MAX_TEXT });
    }
    String::from_utf8(bytes).map_err(|_| FileError::NotText { path })
}
