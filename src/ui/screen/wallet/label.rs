//! A label that is written in place, of an address or of a coin.

use iced::widget::{column, row};
use iced::{Element, Task};

use crate::flow::Ports;
use crate::store::labels::MAX_LABEL;
use crate::store::{Item, Labels, LabelsError};
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, error_notice, field::plain_input, help, text_button};
use crate::ui::work::blocking;

/// Id of the field: one label is written at a time.
const FIELD: &str = "label";

#[derive(Debug, Default)]
pub struct Labelling {
    editing: Option<Editing>,
    error: Option<LabelsError>,
}

#[derive(Debug)]
struct Editing {
    item: Item,
    text: Field<String>,
}

/// A label on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub item: Item,
    /// None: taken away.
    pub label: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Message {
    /// Begins, with what it is called so far.
    Edit(Item, String),
    Edited(String),
    Keep,
    Kept(Result<Kept, LabelsError>),
    Cancel,
}

impl Labelling {
    pub fn is_editing(&self) -> bool {
        self.editing.is_some()
    }

    pub fn is_of(&self, item: &Item) -> bool {
        self.editing.as_ref().is_some_and(|editing| editing.item == *item)
    }

    /// Gives back a label that was kept, to be put on screen at once.
    pub fn update(&mut self, ports: &Ports, message: Message) -> (Task<Message>, Option<Kept>) {
        match message {
            Message::Edit(item, label) => return (self.edit(item, label), None),
            Message::Edited(text) => {
                if let Some(editing) = &mut self.editing {
                    editing.text.edit(text, read_label);
                }
            }
            Message::Keep => return (self.keep(ports), None),
            Message::Kept(Ok(kept)) => {
                self.stop();
                return (Task::none(), Some(kept));
            }
            Message::Kept(Err(error)) => self.error = Some(error),
            Message::Cancel => self.stop(),
        }
        (Task::none(), None)
    }

    pub fn stop(&mut self) {
        *self = Self::default();
    }

    fn edit(&mut self, item: Item, label: String) -> Task<Message> {
        self.error = None;
        self.editing = Some(Editing {
            item,
            text: Field::with(label.clone(), label),
        });
        iced::widget::operation::focus(FIELD)
    }

    fn keep(&mut self, ports: &Ports) -> Task<Message> {
        let Some(editing) = &self.editing else {
            return Task::none();
        };
        let Some(label) = editing.text.value().map(|label| label.trim().to_owned()) else {
            return Task::none();
        };
        let item = editing.item.clone();
        let path = Labels::beside(ports.journal.path(), &ports.profile.name);
        blocking(
            move || {
                Labels::open(&path)?.set(&item, &label)?;
                let label = (!label.is_empty()).then_some(label);
                Ok(Kept { item, label })
            },
            Message::Kept,
        )
    }

    /// Why the last one was not kept.
    pub fn error(&self) -> Option<Element<'_, Message>> {
        self.error.as_ref().map(|error| error_notice(error).into())
    }

    /// The field with its buttons.
    pub fn editor(&self) -> Option<Element<'_, Message>> {
        let editing = self.editing.as_ref()?;
        let keep = editing.text.value().map(|_| Message::Keep);
        let field = plain_input("What it is for", editing.text.text(), Message::Edited)
            .id(FIELD)
            .on_submit_maybe(keep.clone());
        let line = row![
            field,
            text_button("Keep").on_press_maybe(keep),
            text_button("Cancel").on_press(Message::Cancel)
        ]
        .spacing(Gap::S)
        .align_y(iced::Center);
        Some(column![line, editing.text.error().map(help)].into())
    }
}

/// As the store takes it.
fn read_label(text: &str) -> Result<String, LabelsError> {
    let label = text.trim();
    let len = label.chars().count();
    if label.chars().any(char::is_control) {
        return Err(LabelsError::SeveralLines);
    }
    if len > MAX_LABEL {
        return Err(LabelsError::TooLong { len });
    }
    Ok(label.to_owned())
}
