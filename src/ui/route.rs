//! From page to page, and what each page asks of the window.

use iced::Task;

use super::asker::Asked;
use super::screen::{
    Batch, Devices, Journal, Keys, Prompt, Register, Settings, Slots, Start, Update, Vault, batch, devices, journal,
    keys, masternodes, network, prompt, register, sandbox, settings, slots, start, update, vault, wallet,
};
use super::session::Session;
use super::{App, Link, Message, Page, Screen};
use crate::hw::discovery::Found;
use crate::protocol::ProTxHash;

impl App {
    /// Goes to a page. One that needs keys leads over the vault; one that needs a connection says that there is none.
    pub(super) fn go(&mut self, page: Page) -> Task<Message> {
        let left = self.leave();
        Task::batch([left, self.enter(page)])
    }

    /// The sidebar's Masternodes are mine: a stranger's page, or the one that is open, gives way to them.
    pub(super) fn leave_foreign(&mut self, to: Page) {
        if let Link::Up(session) = &mut self.link
            && to == Page::Masternodes
            && (matches!(self.screen, Screen::Masternodes) || session.masternodes.shows_foreign())
        {
            session.masternodes.close();
        }
    }

    /// Ends what the page on screen does not go on with elsewhere.
    fn leave(&mut self) -> Task<Message> {
        match (&self.screen, &mut self.link) {
            (Screen::Update(update), Link::Up(session)) => update.leave(session.ports()).map(Message::Update),
            (Screen::Wallet, Link::Up(session)) => {
                session.wallet.leave();
                Task::none()
            }
            _ => Task::none(),
        }
    }

    fn enter(&mut self, page: Page) -> Task<Message> {
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
        if locked && matches!(page, Page::Keys | Page::Slots | Page::Register) {
            let (vault, task) = Vault::new(&self.dirs.vault);
            self.screen = Screen::Vault(vault, page);
            return task.map(Message::Vault);
        }
        let (screen, task) = match page {
            Page::Masternodes => (
                Screen::Masternodes,
                session.refresh_masternodes().map(Message::Masternodes),
            ),
            Page::Network => (Screen::Network, open_network(session)),
            Page::Alerts => {
                session.alerts.enter(&self.settings.alerts);
                (Screen::Alerts, Task::none())
            }
            Page::Register => (Screen::Register, open_register(session)),
            Page::Wallet => (Screen::Wallet, open_wallet(session)),
            Page::Keys => match Keys::new(session.ports()) {
                Ok(keys) => (Screen::Keys(keys), Task::none()),
                Err(_) => (Screen::Masternodes, Task::none()),
            },
            Page::Slots => match Slots::new(session.ports()) {
                Ok(slots) => (Screen::Slots(slots), Task::none()),
                Err(_) => (Screen::Masternodes, Task::none()),
            },
            Page::Devices => (Screen::Devices(Devices::new(&session.ports().profile)), Task::none()),
            Page::Journal => (Screen::Journal, open_journal(session)),
            Page::Sandbox | Page::Settings => (Screen::Sandbox, Task::none()),
        };
        self.screen = screen;
        task
    }

    pub(super) fn update_start(&mut self, message: start::Message) -> Task<Message> {
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

    pub(super) fn update_masternodes(&mut self, message: masternodes::Message) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        let read = matches!(message, masternodes::Message::Read(Ok(_)));
        let action = session.masternodes.update(&session.connection.ports, message);
        if read {
            // Timed by benches/start.py.
            tracing::debug!("the list is on screen");
        }
        let network = match read && matches!(self.screen, Screen::Network) {
            true => session.tell_network().map(Message::Network),
            false => Task::none(),
        };
        match action {
            masternodes::Action::None => network,
            masternodes::Action::Run(task) => Task::batch([task.map(Message::Masternodes), network]),
            masternodes::Action::Register => self.go(Page::Register),
            masternodes::Action::Vault => self.go(Page::Keys),
            masternodes::Action::Journal => self.go(Page::Journal),
            masternodes::Action::Network => self.go(Page::Network),
            masternodes::Action::Update(asked) => self.open_update(asked),
            masternodes::Action::Batch(subject) => self.open_batch(subject),
            masternodes::Action::ShowBatch => {
                self.screen = Screen::Batch;
                Task::none()
            }
        }
    }

    pub(super) fn update_network(&mut self, message: network::Message) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        match session.network.update(message) {
            network::Action::None => Task::none(),
            network::Action::Run(task) => task.map(Message::Network),
            network::Action::Refresh => session.refresh_masternodes().map(Message::Masternodes),
            network::Action::Open(hash) => {
                session.masternodes.open(hash);
                self.go(Page::Masternodes)
            }
            network::Action::Keep(table, task) => {
                self.settings.masternode_table = table;
                Task::batch([task.map(Message::Network), self.save()])
            }
        }
    }

    fn open_update(&mut self, asked: update::Asked) -> Task<Message> {
        self.next_id += 1;
        let number = self.next_id;
        let Link::Up(session) = &self.link else {
            return Task::none();
        };
        let (page, task) = Update::change(session.ports(), session.sandbox.is_some(), number, asked);
        self.screen = Screen::Update(Box::new(page));
        task.map(Message::Update)
    }

    pub(super) fn update_update(&mut self, message: update::Message) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        let Screen::Update(page) = &mut self.screen else {
            return update::abandoned(session.ports(), message).map(Message::Update);
        };
        let from_file = page.is_from_file();
        match page.update(&session.connection.ports, message) {
            update::Action::None => Task::none(),
            update::Action::Run(task) => task.map(Message::Update),
            update::Action::Open(hash) => {
                session.masternodes.open(hash);
                self.go(Page::Masternodes)
            }
            update::Action::Next(asked) => self.open_update(asked),
            update::Action::Close(task) => {
                // What it leaves behind it has said itself.
                self.screen = Screen::Masternodes;
                let to = if from_file { Page::Journal } else { Page::Masternodes };
                Task::batch([task.map(Message::Update), self.go(to)])
            }
        }
    }

    /// Opens the form; one that is open already is gone on with, as it may be sending.
    fn open_batch(&mut self, subject: batch::Subject) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        self.screen = Screen::Batch;
        if session.batch.is_some() {
            return Task::none();
        }
        let (batch, task) = Batch::new(&session.connection, subject);
        session.batch = Some(batch);
        task.map(Message::Batch)
    }

    pub(super) fn update_batch(&mut self, message: batch::Message) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        let Some(batch) = &mut session.batch else {
            return Task::none();
        };
        let open = match batch.update(&session.connection.ports, message) {
            batch::Action::None => return Task::none(),
            batch::Action::Run(task) => return task.map(Message::Batch),
            batch::Action::Open(hash) => Some(hash),
            batch::Action::Close => None,
        };
        session.batch = None;
        session.masternodes.clear_selection();
        if let Some(hash) = open {
            session.masternodes.open(hash);
        }
        if matches!(self.screen, Screen::Batch) {
            return self.go(Page::Masternodes);
        }
        Task::none()
    }

    pub(super) fn update_register(&mut self, message: register::Message) -> Task<Message> {
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

    pub(super) fn update_wallet(&mut self, message: wallet::Message) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        match session.wallet.update(&session.connection.ports, message) {
            wallet::Action::None => Task::none(),
            wallet::Action::Run(task) => task.map(Message::Wallet),
            wallet::Action::Devices => self.go(Page::Devices),
            wallet::Action::Register(offer) => {
                session.offer = Some(offer);
                self.go(Page::Register)
            }
        }
    }

    pub(super) fn close_register(&mut self, open: Option<ProTxHash>) -> Task<Message> {
        if let Link::Up(session) = &mut self.link {
            session.register = None;
            if let Some(hash) = open {
                session.masternodes.open(hash);
            }
        }
        self.go(Page::Masternodes)
    }

    pub(super) fn update_vault(&mut self, message: vault::Message) -> Task<Message> {
        let (Screen::Vault(vault, then), Link::Up(session)) = (&mut self.screen, &mut self.link) else {
            return Task::none();
        };
        let then = *then;
        match vault.update(session.ports(), message) {
            vault::Action::None => Task::none(),
            vault::Action::Run(task) => task.map(Message::Vault),
            vault::Action::Close => self.go(Page::Masternodes),
            vault::Action::Opened(vault) => {
                session.unlock(vault);
                self.go(then)
            }
        }
    }

    pub(super) fn update_slots(&mut self, message: slots::Message) -> Task<Message> {
        let (Screen::Slots(slots), Link::Up(session)) = (&mut self.screen, &self.link) else {
            return Task::none();
        };
        match slots.update(session.ports(), message) {
            slots::Action::None => Task::none(),
            slots::Action::Run(task) => task.map(Message::Slots),
            slots::Action::Close => self.go(Page::Keys),
        }
    }

    pub(super) fn update_keys(&mut self, message: keys::Message) -> Task<Message> {
        let Screen::Keys(keys) = &mut self.screen else {
            return Task::none();
        };
        match keys.update(message) {
            keys::Action::None => Task::none(),
            keys::Action::Run(task) => task.map(Message::Keys),
            keys::Action::Slots => self.go(Page::Slots),
        }
    }

    pub(super) fn update_devices(&mut self, message: devices::Message) -> Task<Message> {
        let (Screen::Devices(devices), Link::Up(session)) = (&mut self.screen, &mut self.link) else {
            return Task::none();
        };
        match devices.update(session.ports(), message) {
            devices::Action::None => Task::none(),
            devices::Action::Run(task) => task.map(Message::Devices),
            devices::Action::Search => search(session),
            devices::Action::Use(spec) => {
                session.use_device(spec);
                search(session)
            }
        }
    }

    /// Shows the question that waits longest; one on screen stays until it is over.
    pub(super) fn devices_asked(&mut self, asked: Vec<Asked>) -> Task<Message> {
        self.asked = asked;
        if let Link::Up(session) = &mut self.link {
            session.told(&self.asked);
        }
        let on_screen = self.prompt.as_ref().map(Prompt::id);
        if self.asked.iter().any(|asked| Some(asked.id) == on_screen) {
            return Task::none();
        }
        self.prompt = self.asked.iter().find_map(Prompt::of);
        match &self.prompt {
            Some(prompt) => of_prompt(prompt.id(), prompt.focus()),
            None => Task::none(),
        }
    }

    /// What was pressed or typed for a question that has gone meanwhile answers no other one.
    pub(super) fn update_prompt(&mut self, id: u64, message: prompt::Message) -> Task<Message> {
        match &self.prompt {
            Some(prompt) if prompt.id() == id => self.pressed_on_prompt(message),
            _ => Task::none(),
        }
    }

    pub(super) fn pressed_on_prompt(&mut self, message: prompt::Message) -> Task<Message> {
        let Some(prompt) = &mut self.prompt else {
            return Task::none();
        };
        match prompt.update(message) {
            prompt::Action::None => Task::none(),
            prompt::Action::Run(task) => of_prompt(prompt.id(), task),
            prompt::Action::Answer(answer) => {
                self.asker.answer(prompt.id(), answer);
                self.devices_asked(self.asker.open())
            }
        }
    }

    /// The list has changed: the device in use may have come or gone.
    pub(super) fn devices_found(&mut self, id: u64, found: Vec<Found>) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        if session.id != id {
            return Task::none();
        }
        let first = session.devices.replace(found).is_none();
        if first { Task::none() } else { search_used(session) }
    }

    pub(super) fn update_journal(&mut self, message: journal::Message) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        let Some(journal) = &mut session.journal else {
            return Task::none();
        };
        match journal.update(&session.connection.ports, message) {
            journal::Action::None => Task::none(),
            journal::Action::Run(task) => task.map(Message::Journal),
            journal::Action::Complete => {
                self.next_id += 1;
                let (page, task) = Update::complete(session.ports(), session.sandbox.is_some(), self.next_id);
                self.screen = Screen::Update(Box::new(page));
                task.map(Message::Update)
            }
        }
    }

    pub(super) fn update_sandbox(&mut self, message: sandbox::Message) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        let app = session.connection.ports.profile.devices.ledger_app.clone();
        let Some(sandbox) = &mut session.sandbox else {
            return Task::none();
        };
        match sandbox.update(&app, message) {
            sandbox::Action::None => Task::none(),
            sandbox::Action::Run(task) => task.map(Message::Sandbox),
            sandbox::Action::Use(spec) => {
                session.use_device(spec);
                search(session)
            }
        }
    }

    pub(super) fn update_settings(&mut self, message: settings::Message) -> Task<Message> {
        let Screen::Settings(page) = &mut self.screen else {
            return Task::none();
        };
        match page.update(message) {
            settings::Action::None => Task::none(),
            settings::Action::Run(task) => task.map(Message::Settings),
            settings::Action::Theme(theme) => {
                self.settings.theme = theme;
                self.save()
            }
            settings::Action::Sandbox => self.try_sandbox(),
            settings::Action::Connect { choice, remember } => self.connect_remembering(choice, remember),
            settings::Action::Disconnect => {
                self.link = Link::None;
                self.screen = Screen::Start(Start::new());
                Task::none()
            }
        }
    }
}

/// Looks for the device in use, now.
fn search_used(session: &Session) -> Task<Message> {
    let id = session.id;
    Task::perform(session.find_device(), move |found| Message::DeviceFound(id, found))
}

/// Looks for all devices, now.
fn search(session: &Session) -> Task<Message> {
    let id = session.id;
    let all = Task::perform(session.find_devices(), move |found| Message::DevicesFound(id, found));
    Task::batch([search_used(session), all])
}

/// Shows the list there is at once, and reads it anew.
fn open_network(session: &mut Session) -> Task<Message> {
    let shown = session.tell_network().map(Message::Network);
    Task::batch([shown, session.refresh_masternodes().map(Message::Masternodes)])
}

/// Reads the accounts of the device, if they are not known.
fn open_wallet(session: &mut Session) -> Task<Message> {
    let sandbox = session.sandbox.is_some();
    let ports = &session.connection.ports;
    session.wallet.enter(ports, sandbox).map(Message::Wallet)
}

/// Goes on with the wizard that is open, or opens one; a collateral that waits for it is filled in.
fn open_register(session: &mut Session) -> Task<Message> {
    let offer = session.offer.take();
    let goes_on = |register: &Register| offer.is_none() || !register.is_done();
    let (mut register, opened) = match session.register.take().filter(goes_on) {
        Some(register) => (register, Task::none()),
        None => Register::new(&session.connection),
    };
    let filled = offer.map_or_else(Task::none, |offer| register.offer(&session.connection.ports, &offer));
    session.register = Some(register);
    Task::batch([opened, filled]).map(Message::Register)
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

fn of_prompt(id: u64, task: Task<prompt::Message>) -> Task<Message> {
    task.map(move |message| Message::Prompt(id, message))
}
