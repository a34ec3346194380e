//! What to look at on a device that waits for its buttons: a line above the page, because the page stays in use.

use iced::widget::{column, container, row};
use iced::{Element, Length};

use super::Shown;
use crate::hw::Look;
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{body, framed, secondary_button, strong, toned};

/// The line; `cancel` is said where the device can be told to give up.
pub fn told<'a, M: Clone + 'a>(look: Look, shown: &Shown<'a>, cancel: Option<M>) -> Element<'a, M> {
    let words = column![
        strong(format!("The {} asks", shown.device)),
        body(sentence(look, shown.sandbox.is_some()))
    ]
    .width(Length::Fill);
    let cancel = cancel.map(|message| secondary_button("Cancel on the device").on_press(message));
    let line = row![toned("●", Tone::Info), words]
        .push(cancel)
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
