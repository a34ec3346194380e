//! The window: which page is on screen, the connection below it, and what goes between them.
//!
//! Pages know nothing of each other; what one asks of the window is its `Action`, and `update` is a table.

pub mod advice;
mod chrome;
pub mod format;
pub mod screen;
pub mod session;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod widget;
mod work;

use std::sync::Arc;

use iced::keyboard::key::Named;
use iced::keyboard::{self, Key};
use iced::{Element, Subscription, Task, Theme, event, task, window};

use crate::flow;
use crate::hw::DeviceSpec;
use crate::protocol::ProTxHash;
use crate::rpc::{NodeStatus, RpcError};
use crate::setup::{self, Choice, Connection, NodeChoice};
use crate::store::dirs::Dirs;
use crate::store::settings::Settings as Kept;
use crate::store::settings::{Login, SettingsError};
use screen::{
    Devices, Journal, Keys, Register, Settings, Start, Vault, devices, journal, keys, masternodes, register, sandbox,
    settings as settings_page, start, vault,
};
use session::{DeviceFound, Session};

/// Seconds between the sandbox's blocks: long enough to see a transaction wait.
const SANDBOX_SECONDS: u64 = 5;
/// Network the sandbox plays.
const SANDBOX_NETWORK: &str = "dash-regtest";

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
    /// Number of the next connection.
    next_id: u64,
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
    Register,
    /// The way into the vault, and where it leads.
    Vault(Vault, Page),
    Keys(Keys),
    Devices(Devices),
    Journal,
    Sandbox,
    Settings(Settings),
}

/// A place to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Masternodes,
    Register,
    Keys,
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
    DeviceFound(u64, DeviceFound),
    SystemTheme(iced::theme::Mode),
    Saved(Result<(), SettingsError>),
    Pressed(Named, keyboard::Modifiers),
    TrySandbox,
    Start(start::Message),
    Masternodes(masternodes::Message),
    Register(register::Message),
    Vault(vault::Message),
    Keys(keys::Message),
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
            next_id: 1,
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

    fn connect_as_kept(&mut self) -> Task<Message> {
        if self.settings.sandbox {
            return self.connect_sandbox();
        }
        let Some((_, node)) = self.settings.node(&self.settings.network) else {
            return Task::none();
        };
        let (user, cookie) = match &node.login {
            Login::None => (None, None),
            Login::Cookie { file } => (None, Some(file.clone())),
            Login::Ask { .. } | Login::Vault { .. } => {
                self.screen = Screen::Start(Start::ask_password(&self.settings));
                return iced::widget::operation::focus("node-password");
            }
        };
        let url = node.url.clone();
        match setup::profile(&self.settings.network) {
            Ok(profile) => self.connect(Choice {
                profile: Arc::new(profile),
                node: NodeChoice::Remote {
                    url,
                    user,
                    password: None,
                    cookie,
                },
                device: DeviceSpec::Any,
            }),
            Err(_) => Task::none(),
        }
    }

    fn connect_sandbox(&mut self) -> Task<Message> {
        match setup::profile(SANDBOX_NETWORK) {
            Ok(profile) => self.connect(Choice {
                profile: Arc::new(profile),
                node: NodeChoice::Sandbox {
                    block_seconds: SANDBOX_SECONDS,
                },
                device: DeviceSpec::Any,
            }),
            Err(_) => Task::none(),
        }
    }

    /// Leaves what was connected and connects anew, in the background.
    fn connect(&mut self, choice: Choice) -> Task<Message> {
        let id = self.next_id;
        self.next_id += 1;
        let (wanted, dirs) = (choice.clone(), self.dirs.clone());
        let work = async move { setup::connect(wanted, &dirs).await };
        let (task, handle) = Task::perform(work, move |result| Message::Connected(id, result)).abortable();
        self.link = Link::Connecting {
            id,
            choice,
            _task: handle.abort_on_drop(),
        };
        self.screen = Screen::Masternodes;
        task
    }

    fn connected(&mut self, id: u64, result: Result<Connection, flow::Error>) -> Task<Message> {
        let Link::Connecting { id: waiting, .. } = &self.link else {
            return Task::none();
        };
        if *waiting != id {
            return Task::none();
        }
        let Link::Connecting { choice, .. } = std::mem::replace(&mut self.link, Link::None) else {
            return Task::none();
        };
        match result {
            Ok(connection) => {
                let mut session = Box::new(Session::new(id, choice, connection));
                let read = session.refresh_masternodes().map(Message::Masternodes);
                self.link = Link::Up(session);
                read
            }
            Err(error) => {
                self.link = Link::Down { choice, error };
                Task::none()
            }
        }
    }

    fn retry(&mut self) -> Task<Message> {
        match &self.link {
            Link::Down { choice, .. } => {
                let choice = choice.clone();
                self.connect(choice)
            }
            Link::Up(session) => {
                let (id, node) = (session.id, Arc::clone(&session.ports().node));
                Task::perform(session::ask_node(node), move |answer| Message::NodeAnswered(id, answer))
            }
            Link::None | Link::Connecting { .. } => Task::none(),
        }
    }

    pub fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::Go(page) => self.go(page),
            Message::Connected(id, result) => self.connected(id, result),
            Message::Retry => self.retry(),
            Message::NodeAnswered(id, answer) => self.node_answered(id, answer),
            Message::DeviceFound(id, found) => {
                if let Link::Up(session) = &mut self.link
                    && session.id == id
                {
                    session.device_found(found);
                }
                Task::none()
            }
            Message::SystemTheme(mode) => {
                self.system = mode;
                Task::none()
            }
            Message::Saved(result) => {
                self.settings_error = result.err();
                Task::none()
            }
            Message::Pressed(key, modifiers) => self.pressed(key, modifiers),
            Message::TrySandbox => self.try_sandbox(),
            Message::Start(message) => self.update_start(message),
            Message::Masternodes(message) => self.update_masternodes(message),
            Message::Register(message) => self.update_register(message),
            Message::Vault(message) => self.update_vault(message),
            Message::Keys(message) => self.update_keys(message),
            Message::Devices(message) => self.update_devices(message),
            Message::Journal(message) => self.update_journal(message),
            Message::Sandbox(message) => self.update_sandbox(message),
            Message::Settings(message) => self.update_settings(message),
        }
    }

    /// Goes to a page. One that needs keys leads over the vault; one that needs a connection says that there is none.
    fn go(&mut self, page: Page) -> Task<Message> {
        if page == Page::Settings {
            self.screen = Screen::Settings(Settings::new(&self.settings));
            return Task::none();
        }
        let Link::Up(session) = &mut self.link else {
            self.screen = if page == Page::Sandbox {
                Screen::Sandbox
            } else {
                Screen::Masternodes
            };
            return Task::none();
        };
        let locked = session.ports().vault.is_none();
        if locked && matches!(page, Page::Keys | Page::Register) {
            self.screen = Screen::Vault(Vault::new(&self.dirs.vault), page);
            return iced::widget::operation::focus("passphrase");
        }
        let (screen, task) = match page {
            Page::Masternodes => (
                Screen::Masternodes,
                session.refresh_masternodes().map(Message::Masternodes),
            ),
            Page::Register => (Screen::Register, open_register(session)),
            Page::Keys => match Keys::new(session.ports()) {
                Ok(keys) => (Screen::Keys(keys), Task::none()),
                Err(_) => (Screen::Masternodes, Task::none()),
            },
            Page::Devices => (Screen::Devices(Devices::new(&session.ports().profile)), Task::none()),
            Page::Journal => (Screen::Journal, open_journal(session)),
            Page::Sandbox | Page::Settings => (Screen::Sandbox, Task::none()),
        };
        self.screen = screen;
        task
    }

    fn node_answered(&mut self, id: u64, answer: Result<NodeStatus, RpcError>) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        if session.id == id && session.node_answered(answer) && matches!(self.screen, Screen::Masternodes) {
            return session.refresh_masternodes().map(Message::Masternodes);
        }
        Task::none()
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
            _ => Task::none(),
        }
    }

    fn escape(&mut self) -> Task<Message> {
        let message = match (&self.screen, &self.link) {
            (Screen::Start(_), _) => Message::Start(start::Message::Back),
            (Screen::Masternodes, Link::Up(session)) if session.masternodes.has_open() => {
                Message::Masternodes(masternodes::Message::Back)
            }
            (Screen::Journal, Link::Up(session)) if session.journal.as_ref().is_some_and(Journal::has_open) => {
                Message::Journal(journal::Message::Back)
            }
            (Screen::Register, _) => Message::Register(register::Message::Back),
            (Screen::Keys(keys), _) if keys.has_dialog() => Message::Keys(keys::Message::Cancel),
            (Screen::Vault(..), _) => Message::Vault(vault::Message::Close),
            _ => return Task::none(),
        };
        self.update(message)
    }

    fn try_sandbox(&mut self) -> Task<Message> {
        self.settings.sandbox = true;
        let save = self.save();
        Task::batch([save, self.connect_sandbox()])
    }

    fn connect_remembering(&mut self, choice: Choice, remember: bool) -> Task<Message> {
        let mut save = Task::none();
        if let Some(node) = screen::node_form::remembered(&choice).filter(|_| remember) {
            let name = node.network.clone();
            self.settings.network.clone_from(&node.network);
            self.settings.sandbox = false;
            self.settings.chosen.insert(node.network.clone(), name.clone());
            self.settings.nodes.insert(name, node);
            save = self.save();
        }
        Task::batch([save, self.connect(choice)])
    }

    /// Writes the settings away from the window's thread.
    fn save(&self) -> Task<Message> {
        let (settings, dirs) = (self.settings.clone(), self.dirs.clone());
        work::blocking(
            move || {
                dirs.create()?;
                settings.save(&dirs.settings)
            },
            Message::Saved,
        )
    }

    fn update_start(&mut self, message: start::Message) -> Task<Message> {
        let Screen::Start(start) = &mut self.screen else {
            return Task::none();
        };
        match start.update(&self.settings, message) {
            start::Action::None => Task::none(),
            start::Action::Run(task) => task.map(Message::Start),
            start::Action::Sandbox => self.try_sandbox(),
            start::Action::Connect { choice, remember } => self.connect_remembering(choice, remember),
        }
    }

    fn update_masternodes(&mut self, message: masternodes::Message) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        match session.masternodes.update(&session.connection.ports, message) {
            masternodes::Action::None => Task::none(),
            masternodes::Action::Run(task) => task.map(Message::Masternodes),
            masternodes::Action::Register => self.go(Page::Register),
        }
    }

    fn update_register(&mut self, message: register::Message) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        let Some(register) = &mut session.register else {
            return Task::none();
        };
        match register.update(&session.connection.ports, message) {
            register::Action::None => Task::none(),
            register::Action::Run(task) => task.map(Message::Register),
            register::Action::Open(hash) => self.close_register(Some(hash)),
            register::Action::Close => self.close_register(None),
        }
    }

    fn close_register(&mut self, open: Option<ProTxHash>) -> Task<Message> {
        if let Link::Up(session) = &mut self.link {
            session.register = None;
            if let Some(hash) = open {
                session.masternodes.open(hash);
            }
        }
        self.go(Page::Masternodes)
    }

    fn update_vault(&mut self, message: vault::Message) -> Task<Message> {
        let Screen::Vault(vault, then) = &mut self.screen else {
            return Task::none();
        };
        let then = *then;
        match vault.update(message) {
            vault::Action::None => Task::none(),
            vault::Action::Run(task) => task.map(Message::Vault),
            vault::Action::Close => self.go(Page::Masternodes),
            vault::Action::Opened(vault) => {
                if let Link::Up(session) = &mut self.link {
                    session.unlock(vault);
                }
                self.go(then)
            }
        }
    }

    fn update_keys(&mut self, message: keys::Message) -> Task<Message> {
        let Screen::Keys(keys) = &mut self.screen else {
            return Task::none();
        };
        match keys.update(message) {
            keys::Action::None => Task::none(),
            keys::Action::Run(task) => task.map(Message::Keys),
        }
    }

    fn update_devices(&mut self, message: devices::Message) -> Task<Message> {
        let (Screen::Devices(devices), Link::Up(session)) = (&mut self.screen, &self.link) else {
            return Task::none();
        };
        match devices.update(session.ports(), message) {
            devices::Action::None => Task::none(),
            devices::Action::Run(task) => task.map(Message::Devices),
            devices::Action::Search => {
                let id = session.id;
                let find = session::find_device(session.connection.device.clone(), session.ports().clone());
                Task::perform(find, move |found| Message::DeviceFound(id, found))
            }
        }
    }

    fn update_journal(&mut self, message: journal::Message) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        let Some(journal) = &mut session.journal else {
            return Task::none();
        };
        match journal.update(&session.connection.ports, message) {
            journal::Action::None => Task::none(),
            journal::Action::Run(task) => task.map(Message::Journal),
        }
    }

    fn update_sandbox(&mut self, message: sandbox::Message) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        let app = session.connection.ports.profile.devices.ledger_app.clone();
        session.sandbox.as_mut().map_or_else(Task::none, |sandbox| {
            sandbox.update(&app, message).map(Message::Sandbox)
        })
    }

    fn update_settings(&mut self, message: settings_page::Message) -> Task<Message> {
        let Screen::Settings(page) = &mut self.screen else {
            return Task::none();
        };
        match page.update(message) {
            settings_page::Action::None => Task::none(),
            settings_page::Action::Run(task) => task.map(Message::Settings),
            settings_page::Action::Theme(theme) => {
                self.settings.theme = theme;
                self.save()
            }
            settings_page::Action::Sandbox => self.try_sandbox(),
            settings_page::Action::Connect { choice, remember } => self.connect_remembering(choice, remember),
            settings_page::Action::Disconnect => {
                self.link = Link::None;
                self.screen = Screen::Start(Start::new());
                Task::none()
            }
        }
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

/// Goes on with the wizard that is open, or opens one.
fn open_register(session: &mut Session) -> Task<Message> {
    if session.register.is_some() {
        return Task::none();
    }
    let (register, task) = Register::new(&session.connection);
    session.register = Some(register);
    task.map(Message::Register)
}

/// Keeps a running operation; else reads the journal anew.
fn open_journal(session: &mut Session) -> Task<Message> {
    if session.journal.as_ref().is_some_and(Journal::is_running) {
        return Task::none();
    }
    let (journal, task) = Journal::new(&session.connection.ports);
    session.journal = Some(journal);
    task.map(Message::Journal)
}
