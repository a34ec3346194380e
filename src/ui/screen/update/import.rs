//! An operation somebody else began: read from a file or pasted, then judged by the own node.

use std::fmt;
use std::path::PathBuf;

use iced::Element;
use iced::widget::column;

use crate::flow::operation::{self, FileError as NoOperation, MAX_FILE, Operation};
use crate::flow::update::{self, Review};
use crate::flow::{Error, Ports};
use crate::store::{FileError, file};
use crate::ui::advice::Advice;
use crate::ui::screen::part::new_file::read_path;
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, body, error_notice, input, muted};

#[derive(Debug, Default)]
pub struct Form {
    path: Field<PathBuf>,
    text: Field<String>,
    error: Option<Failure>,
}

#[derive(Debug, Clone)]
pub enum Message {
    PathEdited(String),
    TextEdited(String),
    Submit,
}

/// Where the text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    File(PathBuf),
    Text(String),
}

/// Why it is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    File(FileError),
    Flow(Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Flow(error) => error.fmt(f),
        }
    }
}

impl Advice for Failure {
    fn advice(&self) -> Option<String> {
        match self {
            Self::File(error) => error.advice(),
            Self::Flow(error) => error.advice(),
        }
    }
}

/// A text that cannot be an operation.
struct NoText;

impl fmt::Display for NoText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an operation begins with { and ends with }")
    }
}

impl Form {
    pub fn update(&mut self, message: Message) {
        self.error = None;
        match message {
            // One or the other.
            Message::PathEdited(text) => {
                self.text = Field::default();
                self.path.edit(text, read_path);
            }
            Message::TextEdited(text) => {
                self.path = Field::default();
                self.text.edit(text, read_text);
            }
            Message::Submit => {}
        }
    }

    pub fn source(&self) -> Option<Source> {
        let text = self.text.value().cloned().map(Source::Text);
        text.or_else(|| self.path.value().cloned().map(Source::File))
    }

    pub fn failed(&mut self, error: Failure) {
        self.error = Some(error);
    }

    pub fn view(&self) -> Element<'_, Message> {
        let path = input("File", &self.path, Message::PathEdited)
            .help("The whole path of a file that was exported on another computer.")
            .mono()
            .id("import-path")
            .on_submit(Message::Submit);
        let text = input("Or its text", &self.text, Message::TextEdited)
            .help("Paste everything, from the first brace to the last.")
            .mono()
            .id("import-text")
            .on_submit(Message::Submit);
        let mut parts = column![
            body("Somebody began this operation and lacks a key that you hold. You see everything it does before you sign; nothing the file says is believed, your own node is asked."),
            path,
            text,
        ]
        .spacing(Gap::L);
        if let Some(error) = &self.error {
            parts = parts
                .push(error_notice(error))
                .push(muted("Nothing was signed and nothing was sent."));
        }
        parts.into()
    }
}

fn read_text(text: &str) -> Result<String, NoText> {
    let text = text.trim();
    if text.starts_with('{') && text.ends_with('}') {
        Ok(text.to_owned())
    } else {
        Err(NoText)
    }
}

/// Reads and judges.
///
/// # Errors
/// Of the file, its content, or the node.
pub async fn open(ports: Ports, source: Source) -> Result<(Operation, Review), Failure> {
    let text = match source {
        Source::Text(text) => text,
        Source::File(path) => read_file(path).await?,
    };
    let operation = operation::import(&ports, &[text]).map_err(Failure::Flow)?;
    let review = update::review(&ports, &operation, None).await.map_err(Failure::Flow)?;
    Ok((operation, review))
}

async fn read_file(path: PathBuf) -> Result<String, Failure> {
    let not_one = |reason: &str| {
        Failure::Flow(Error::Handover(NoOperation::NotOne {
            reason: reason.to_owned(),
        }))
    };
    let read = tokio::task::spawn_blocking(move || file::read(&path, MAX_FILE as u64)).await;
    let bytes = read
        .map_err(|_| not_one("it could not be read"))?
        .map_err(Failure::File)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| not_one("it is not text"))
}
