//! What to look at on a device that waits for its buttons: a line above the page, because the page stays in use.

use iced::widget::{column, container, row};
use iced::{Element, Length};

use super::Shown;
use crate::hw::Look;
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{body, framed, secondary_button, strong, toned};

/// The line; `cancel` is said where the device can be told to give up.
pub fn told<'a, M: Clone + 'a>(look: Look, shown: &Shown<'a>, cancel: Option<M>) -> Element<'a, M> {
    let head = format!("The {} asks", shown.device);
    let cancel = cancel.map(|message| secondary_button("Cancel on the device").on_press(message));
    line(head, sentence(look, shown.sandbox.is_some()), cancel.map(Element::from))
}

/// The same for a question that nobody waits for any more, of a device that cannot be told to give it up.
pub fn left_over<'a, M: Clone + 'a>(shown: &Shown<'a>) -> Element<'a, M> {
    let place = if shown.sandbox.is_some() {
        ", at the right of the window"
    } else {
        ""
    };
    let words = format!(
        "It may still show a question that was cancelled here. Answer it there{place}: whatever you choose, nothing is done with it. If it \
         shows none, close other programs that use it."
    );
    line(format!("The {} is busy", shown.device), words, None)
}

fn line<'a, M: 'a>(head: String, words: String, button: Option<Element<'a, M>>) -> Element<'a, M> {
    let words = column![strong(head), body(words)].width(Length::Fill);
    let line = row![toned("●", Tone::Info), words]
        .push(button)
        .spacing(Gap::M)
        .align_y(iced::Center);
    container(framed(line, Tone::Info))
        .padding(iced::Padding {
            top: Gap::M,
            right: Gap::L,
            bottom: 0.0,
            left: Gap::L,
        })
        .into()
}

/// `Look at its screen: compare the address and confirm it.`
pub fn sentence(look: Look, sandbox: bool) -> String {
    let place = if sandbox {
        "Look at its screen, at the right of the window"
    } else {
        "Look at its screen"
    };
    format!("{place}: {}.", look.sentence())
}
