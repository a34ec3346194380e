//! Network, node, theme, and where things are kept.

use iced::widget::{column, row};
use iced::{Element, Task};

use super::node_form::{self, NodeForm};
use crate::setup::Choice;
use crate::store::dirs::Dirs;
use crate::store::settings::{self as store, SettingsError, Theme};
use crate::ui::theme::Gap;
use crate::ui::widget::{
    body, copy_row, error_notice, help, key_value, muted, page, panel, secondary_button, segments,
};

pub struct Settings {
    form: NodeForm,
}

#[derive(Debug, Clone)]
pub enum Message {
    ThemeChosen(Theme),
    Node(node_form::Message),
    TrySandbox,
    Disconnect,
    Copy(String),
}

pub enum Action {
    None,
    Run(Task<Message>),
    Theme(Theme),
    Sandbox,
    Connect { choice: Choice, remember: bool },
    Disconnect,
}

/// What the page shows besides its own form.
pub struct Shown<'a> {
    pub settings: &'a store::Settings,
    pub dirs: &'a Dirs,
    /// The connection in words: `dash-testnet at http://..`.
    pub connection: Option<String>,
    /// That connection is the sandbox already.
    pub in_sandbox: bool,
    /// Why the settings could not be read or written.
    pub error: Option<&'a SettingsError>,
}

impl Settings {
    pub fn new(settings: &store::Settings) -> Self {
        Self {
            form: NodeForm::of(settings),
        }
    }

    pub fn update(&mut self, message: Message) -> Action {
        match message {
            Message::ThemeChosen(theme) => Action::Theme(theme),
            Message::Node(message) => match self.form.update(message) {
                node_form::Action::None => Action::None,
                node_form::Action::Run(task) => Action::Run(task.map(Message::Node)),
                node_form::Action::Connect { choice, remember } => Action::Connect { choice, remember },
            },
            Message::TrySandbox => Action::Sandbox,
            Message::Disconnect => Action::Disconnect,
            Message::Copy(text) => Action::Run(iced::clipboard::write(text)),
        }
    }

    pub fn view<'a>(&'a self, shown: Shown<'a>) -> Element<'a, Message> {
        let mut content = column![].spacing(Gap::M);
        if let Some(error) = shown.error {
            content = content.push(error_notice(error));
        }
        content = content
            .push(panel("Appearance", appearance(shown.settings.theme)))
            .push(panel("Connection", connection(shown.connection, shown.in_sandbox)))
            .push(panel("Another node", self.form.view().map(Message::Node)))
            .push(panel("Files", files(shown.dirs)));
        page("Settings", iced::widget::space(), content)
    }
}

fn appearance<'a>(chosen: Theme) -> Element<'a, Message> {
    let themes = [
        (Theme::System, "As the desktop".to_owned()),
        (Theme::Light, "Light".to_owned()),
        (Theme::Dark, "Dark".to_owned()),
    ];
    segments(themes, chosen, Message::ThemeChosen)
}

fn connection<'a>(connection: Option<String>, in_sandbox: bool) -> Element<'a, Message> {
    let connected = connection.is_some();
    let words = match connection {
        Some(place) => body(format!("Connected to {place}.")),
        None => muted("Not connected."),
    };
    let buttons = row![
        secondary_button("Switch to the sandbox").on_press_maybe((!in_sandbox).then_some(Message::TrySandbox)),
        secondary_button("Disconnect").on_press_maybe(connected.then_some(Message::Disconnect))
    ]
    .spacing(Gap::S);
    column![words, buttons].spacing(Gap::M).into()
}

fn files<'a>(dirs: &'a Dirs) -> Element<'a, Message> {
    let path = |path: &std::path::Path| path.display().to_string();
    column![
        copy_row("Vault", path(&dirs.vault), Message::Copy),
        copy_row("Journal", path(&dirs.journal), Message::Copy),
        copy_row("Settings", path(&dirs.settings), Message::Copy),
        help("Keep a copy of the vault file and, on paper, its recovery phrase. The sandbox has its own vault, which is thrown away."),
        key_value("Version", env!("CARGO_PKG_VERSION"))
    ]
    .spacing(Gap::S)
    .into()
}
