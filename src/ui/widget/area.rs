//! A box for several lines of text.

use iced::Theme;
use iced::widget::text_editor::{self, Content, Status, Style};
use iced::widget::text_input;

use super::field::field_style;
use crate::ui::theme::{Gap, MONO, Size};

/// Lines in the font of hashes and addresses; give `.height(..)` and `.id(..)`.
pub fn area<'a, M: Clone + 'a>(
    content: &'a Content,
    placeholder: &'a str,
    wrong: bool,
    on_edit: impl Fn(text_editor::Action) -> M + 'a,
) -> text_editor::TextEditor<'a, iced::advanced::text::highlighter::PlainText, M> {
    text_editor::TextEditor::new(content)
        .placeholder(placeholder)
        .font(MONO)
        .size(Size::BODY - 1.0)
        .padding(Gap::S + 2.0)
        .on_action(on_edit)
        .style(move |theme: &Theme, status| style(theme, status, wrong))
}

/// As a field of one line.
fn style(theme: &Theme, status: Status, wrong: bool) -> Style {
    let status = match status {
        Status::Active => text_input::Status::Active,
        Status::Hovered => text_input::Status::Hovered,
        Status::Focused { is_hovered } => text_input::Status::Focused { is_hovered },
        Status::Disabled => text_input::Status::Disabled,
    };
    let style = field_style(theme, status, wrong);
    Style {
        background: style.background,
        border: style.border,
        placeholder: style.placeholder,
        value: style.value,
        selection: style.selection,
    }
}
