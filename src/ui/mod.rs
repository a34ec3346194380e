//! The window: which page is on screen, the connection below it, and what goes between them.
//!
//! Pages know nothing of each other; what one asks of the window is its `Action`, and `update` is a table.

pub mod advice;
mod alerting;
pub mod asker;
mod chrome;
mod connect;
pub mod finding;
pub mod format;
mod recording;
mod route;
pub mod screen;
pub mod session;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod widget;
mod work;

use iced::keyboard::key::Named;
use iced::keyboard::{self, Key};
use iced::{Element, Subscription, Task, Theme, event, task, window};

use crate::flow;
use crate::hw::discovery::Found;
use crate::rpc::{NodeStatus, RpcError};
use crate::setup::{Choice, Connection};
use crate::store::dirs::Dirs;
use crate::store::settings::Settings as Kept;
use crate::store::settings::SettingsError;
use alerting::Alerting;
use asker::{Asked, Window};
use finding::DeviceFound;
use screen::{
    Devices, Journal, Keys, Prompt, Settings, Slots, Start, Update, Vault, alerts, batch, devices, journal, keys,
    masternodes, network, prompt, register, sandbox, settings as settings_page, slots, start, update, vault, wallet,
};
use session::Session;

/// What the program was started with.
#[derive(Clone)]
pub struct Options {
    pub dirs: Dirs,
    /// Named on the command line; goes before what the settings say.
    pub choice: Option<Choice>,
}

pub struct App {
    dirs: Dirs,
    settings: Kept,
    settings_error: Option<SettingsError>,
    system: iced::theme::Mode,
    link: Link,
    screen: Screen,
    /// Where devices put their questions.
    asker: Window,
    /// What they wait for.
    asked: Vec<Asked>,
    /// The question on screen.
    prompt: Option<Prompt>,
    /// Number of the next connection.
    next_id: u64,
    /// How those who are told of alerts are reached.
    ways: alerts::Ways,
}

/// The connection.
enum Link {
    None,
    Connecting {
        id: u64,
        choice: Choice,
        _task: task::Handle,
    },
    Down {
        choice: Choice,
        error: flow::Error,
    },
    Up(Box<Session>),
}

/// What is on screen. Pages that outlive being left are in the session.
enum Screen {
    Start(Start),
    Masternodes,
    /// All of them; the page is in the session.
    Network,
    Alerts,
    Register,
    /// An operation on a masternode; it ends with its page.
    Update(Box<Update>),
    /// A change of several masternodes.
    Batch,
    /// Accounts and coins of the device; it is in the session.
    Wallet,
    /// The way into the vault, and where it leads.
    Vault(Vault, Page),
    Keys(Keys),
    /// What unlocks the vault.
    Slots(Slots),
    Devices(Devices),
    Journal,
    Sandbox,
    Settings(Settings),
}

/// A place to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Masternodes,
    Network,
    Alerts,
    Register,
    Wallet,
    Keys,
    Slots,
    Devices,
    Journal,
    Sandbox,
    Settings,
}

#[derive(Clone)]
pub enum Message {
    Go(Page),
    Connected(u64, Result<Connection, flow::Error>),
    Retry,
    NodeAnswered(u64, Result<NodeStatus, RpcError>),
    /// A list is in the history.
    Recorded(Result<(), flow::Error>),
    DeviceFound(u64, DeviceFound),
    DevicesFound(u64, Vec<Found>),
    SystemTheme(iced::theme::Mode),
    Saved(Result<(), SettingsError>),
    /// What devices ask now.
    Asked(Vec<Asked>),
    /// Of the question with this number.
    Prompt(u64, prompt::Message),
    /// Of a question for a device's buttons.
    CancelOnDevice(u64),
    Pressed(Named, keyboard::Modifiers),
    TrySandbox,
    Start(start::Message),
    Masternodes(masternodes::Message),
    Network(network::Message),
    Alerting(Alerting),
    Alerts(alerts::Message),
    Register(register::Message),
    Update(update::Message),
    Batch(batch::Message),
    Wallet(wallet::Message),
    Vault(vault::Message),
    Keys(keys::Message),
    Slots(slots::Message),
    Devices(devices::Message),
    Journal(journal::Message),
    Sandbox(sandbox::Message),
    Settings(settings_page::Message),
}

/// The window as a program: for [`run`], and for tests that drive it without a display.
pub fn app(options: Options) -> iced::Application<impl iced::Program<State = App, Message = Message, Theme = Theme>> {
    let application = iced::application(move || App::new(options.clone()), App::update, App::view)
        .settings(settings())
        .window(window_settings())
        .title("Castellan")
        .theme(App::theme)
        .subscription(App::subscription);
    theme::FONTS
        .into_iter()
        .fold(application, |application, font| application.font(font))
}

/// Opens the window and returns when it is closed. Call [`has_display`] first: without a display the toolkit panics.
///
/// # Errors
/// No window can be opened.
pub fn run(options: Options) -> iced::Result {
    app(options).run()
}

/// Whether there is a display to open a window on.
pub fn has_display() -> bool {
    if cfg!(any(target_os = "macos", target_os = "windows")) {
        return true;
    }
    ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Settings of the toolkit, without fonts; tests draw with the same.
pub fn settings() -> iced::Settings {
    iced::Settings {
        id: Some("castellan".to_owned()),
        default_font: theme::UI,
        default_text_size: theme::Size::BODY.into(),
        ..iced::Settings::default()
    }
}

fn window_settings() -> window::Settings {
    window::Settings {
        size: iced::Size::new(1180.0, 780.0),
        min_size: Some(iced::Size::new(900.0, 600.0)),
        #[cfg(target_os = "linux")]
        platform_specific: window::settings::PlatformSpecific {
            application_id: "castellan".to_owned(),
            ..window::settings::PlatformSpecific::default()
        },
        ..window::Settings::default()
    }
}

impl App {
    /// Connects as the command line or the settings say; else shows the first start.
    pub fn new(options: Options) -> (Self, Task<Message>) {
        let (settings, first, settings_error) = match Kept::load(&options.dirs.settings) {
            Ok(Some(settings)) => (settings, false, None),
            Ok(None) => (Kept::default(), true, None),
            Err(error) => (Kept::default(), true, Some(error)),
        };
        let mut app = Self {
            dirs: options.dirs,
            settings,
            settings_error,
            system: iced::theme::Mode::None,
            link: Link::None,
            screen: Screen::Start(Start::new()),
            asker: Window::default(),
            asked: Vec::new(),
            prompt: None,
            next_id: 1,
            ways: crate::setup::sinks,
        };
        let connect = match options.choice {
            Some(choice) => app.connect(choice),
            None if first => Task::none(),
            None => app.connect_as_kept(),
        };
        (
            app,
            Task::batch([iced::system::theme().map(Message::SystemTheme), connect]),
        )
    }

    pub fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::Go(page) => self.go(page),
            Message::Connected(id, result) => self.connected(id, result),
            Message::Retry => self.retry(),
            Message::NodeAnswered(id, answer) => self.heard_of_node(id, answer),
            Message::DeviceFound(id, found) => {
                if let Link::Up(session) = &mut self.link
                    && session.id == id
                {
                    session.device_found(found);
                    if let Screen::Update(page) = &mut self.screen {
                        page.ports_changed(session.ports());
                    }
                    let shown = matches!(self.screen, Screen::Wallet);
                    return session.tell_wallet(shown).map(Message::Wallet);
                }
                Task::none()
            }
            Message::DevicesFound(id, found) => self.devices_found(id, found),
            Message::SystemTheme(mode) => {
                self.system = mode;
                Task::none()
            }
            Message::Saved(result) => {
                self.settings_error = result.err();
                Task::none()
            }
            Message::Asked(asked) => self.devices_asked(asked),
            Message::Prompt(id, message) => self.update_prompt(id, message),
            Message::CancelOnDevice(id) => {
                self.asker.answer(id, None);
                Task::none()
            }
            Message::Pressed(key, modifiers) if self.prompt.is_some() => {
                self.pressed_on_prompt(prompt::Message::Pressed(key, modifiers))
            }
            Message::Pressed(key, modifiers) => self.pressed(key, modifiers),
            Message::TrySandbox => self.try_sandbox(),
            Message::Start(message) => self.update_start(message),
            Message::Network(message) => self.update_network(message),
            Message::Masternodes(message) => {
                let (recorded, look) = (self.record(&message), self.look(&message));
                Task::batch([recorded, look, self.update_masternodes(message)])
            }
            Message::Alerting(message) => self.alerting(message),
            Message::Alerts(message) => self.update_alerts(message),
            Message::Recorded(result) => self.recorded(result),
            Message::Register(message) => self.update_register(message),
            Message::Update(message) => self.update_update(message),
            Message::Batch(message) => self.update_batch(message),
            Message::Wallet(message) => self.update_wallet(message),
            Message::Vault(message) => self.update_vault(message),
            Message::Keys(message) => self.update_keys(message),
            Message::Slots(message) => self.update_slots(message),
            Message::Devices(message) => self.update_devices(message),
            Message::Journal(message) => self.update_journal(message),
            Message::Sandbox(message) => self.update_sandbox(message),
            Message::Settings(message) => self.update_settings(message),
        }
    }

    /// Tab moves between fields; Esc closes what is open; Enter goes on where no field has it.
    fn pressed(&mut self, key: Named, modifiers: keyboard::Modifiers) -> Task<Message> {
        match key {
            Named::Tab if modifiers.shift() => iced::widget::operation::focus_previous(),
            Named::Tab => iced::widget::operation::focus_next(),
            Named::Escape => self.escape(),
            Named::Enter if matches!(self.screen, Screen::Register) => {
                self.update(Message::Register(register::Message::Submit))
            }
            Named::Enter if matches!(self.screen, Screen::Update(_)) => {
                self.update(Message::Update(update::Message::Submit))
            }
            Named::Enter if matches!(self.screen, Screen::Wallet) => {
                self.update(Message::Wallet(wallet::Message::Submit))
            }
            Named::Enter if matches!(self.screen, Screen::Batch) => self.update(Message::Batch(batch::Message::Submit)),
            _ => Task::none(),
        }
    }

    fn escape(&mut self) -> Task<Message> {
        let message = match (&self.screen, &self.link) {
            (Screen::Start(_), _) => Message::Start(start::Message::Back),
            (Screen::Masternodes, Link::Up(session)) if session.masternodes.has_open() => {
                Message::Masternodes(masternodes::Message::Back)
            }
            (Screen::Network, Link::Up(session)) if session.network.has_open() => {
                Message::Network(network::Message::Back)
            }
            (Screen::Journal, Link::Up(session)) if session.journal.as_ref().is_some_and(Journal::has_open) => {
                Message::Journal(journal::Message::Back)
            }
            (Screen::Register, _) => Message::Register(register::Message::Back),
            (Screen::Update(_), _) => Message::Update(update::Message::Back),
            (Screen::Batch, _) => Message::Batch(batch::Message::Back),
            (Screen::Wallet, _) => Message::Wallet(wallet::Message::Back),
            (Screen::Keys(keys), _) if keys.has_dialog() => Message::Keys(keys::Message::Cancel),
            (Screen::Slots(slots), _) if slots.has_dialog() => Message::Slots(slots::Message::Cancel),
            (Screen::Vault(..), _) => Message::Vault(vault::Message::Close),
            _ => return Task::none(),
        };
        self.update(message)
    }

    pub fn view(&self) -> Element<'_, Message> {
        chrome::view(self)
    }

    pub fn theme(&self) -> Theme {
        theme::of(self.settings.theme, self.system)
    }

    pub fn subscription(&self) -> Subscription<Message> {
        let mut all = vec![
            iced::system::theme_changes().map(Message::SystemTheme),
            self.asker.subscription().map(Message::Asked),
            event::listen_with(|event, status, _| match (event, status) {
                (
                    iced::Event::Keyboard(keyboard::Event::KeyPressed {
                        key: Key::Named(key),
                        modifiers,
                        ..
                    }),
                    status,
                ) => {
                    // What a field did not take for itself.
                    let free = key == Named::Enter && status == event::Status::Ignored;
                    let wanted = free || matches!(key, Named::Tab | Named::Escape);
                    wanted.then_some(Message::Pressed(key, modifiers))
                }
                _ => None,
            }),
        ];
        if let Some(prompt) = self.prompt.as_ref().filter(|prompt| prompt.is_pin()) {
            let keys = prompt::keys().with(prompt.id());
            all.push(keys.map(|(id, message)| Message::Prompt(id, message)));
        }
        if let Link::Up(session) = &self.link {
            all.push(
                session
                    .watch_node()
                    .map(|(id, answer)| Message::NodeAnswered(id, answer)),
            );
            all.push(
                session
                    .watch_device()
                    .map(|(id, found)| Message::DeviceFound(id, found)),
            );
            all.push(session.watch_time().map(Message::Alerting));
            all.push(session.wallet.subscription().map(Message::Wallet));
            all.push(
                session
                    .watch_devices()
                    .map(|(id, found)| Message::DevicesFound(id, found)),
            );
            all.extend(
                session
                    .sandbox
                    .as_ref()
                    .map(|sandbox| sandbox.subscription().map(Message::Sandbox)),
            );
        }
        Subscription::batch(all)
    }
}
