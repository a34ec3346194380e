//! The embedded devices and chain in the user's hands: screens, buttons, blocks.

mod devices;
mod glass;
mod watch;

use std::sync::Arc;

use iced::widget::{column, row};
use iced::{Element, Length, Subscription, Task};

use crate::hw::{DeviceSpec, Kind};
use crate::protocol::ProTxHash;
use crate::sandbox::{ledger, trezor};
use crate::setup::{SANDBOX_PASSPHRASE, SandboxRun};
use crate::ui::format;
use crate::ui::screen::Masternodes;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    SecretField, SecretText, Weight, body, card, heading, help, key_value, muted, page, panel, secondary_button,
    segments, strong, wide_button,
};

pub use devices::PIN;

/// Width of the panel at the right of every page.
pub const WIDTH: f32 = 232.0;
/// Choices of seconds between blocks; 0 mines none by itself.
const INTERVALS: [u64; 4] = [0, 5, 15, 60];

pub struct Sandbox {
    run: Arc<SandboxRun>,
    /// Tells runs apart, so that a new one is watched anew.
    id: u64,
    /// The device in use.
    kind: Kind,
    screen: ledger::Screen,
    trezor: trezor::Screen,
    /// On the Trezor's own screen.
    typed: SecretField,
    height: u32,
}

#[derive(Debug, Clone)]
pub enum Message {
    ScreenChanged(u64, ledger::Screen),
    TrezorChanged(u64, trezor::Screen),
    HeightChanged(u64, u32),
    /// The buttons of the device in use.
    Approve,
    Reject,
    Typed(SecretText),
    Enter,
    Mine,
    /// Bans a masternode with a block that is mined at once.
    Ban(ProTxHash),
    Every(u64),
    Use(Kind),
    Model(trezor::Model),
    Pin(bool),
    Passphrase(bool),
    Unplug,
    PlugIn,
    Lock,
    Unlock,
    OpenApp,
    CloseApp,
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// Use this device from now on.
    Use(DeviceSpec),
}

impl Sandbox {
    pub fn new(run: Arc<SandboxRun>, id: u64, used: &DeviceSpec) -> Self {
        let (screen, height) = (run.panel.screen(), run.height());
        let trezor = run.trezor.as_ref().map(|trezor| trezor.panel().screen());
        let mut new = Self {
            run,
            id,
            kind: Kind::Ledger,
            screen,
            trezor: trezor.unwrap_or_default(),
            typed: SecretField::default(),
            height,
        };
        new.used(used);
        new
    }

    /// Draws the device that is used.
    pub fn used(&mut self, spec: &DeviceSpec) {
        if let DeviceSpec::Network { kind, .. } = spec
            && self.run.specs().contains(spec)
        {
            self.kind = *kind;
        }
    }

    fn trezor_panel(&self) -> Option<trezor::Panel> {
        self.run.trezor.as_ref().map(|trezor| trezor.panel())
    }

    pub fn update(&mut self, app: &str, message: Message) -> Action {
        match message {
            Message::ScreenChanged(id, screen) if id == self.id => self.screen = screen,
            Message::TrezorChanged(id, screen) if id == self.id => {
                self.trezor = screen;
                self.typed.clear();
            }
            Message::HeightChanged(id, height) if id == self.id => self.height = height,
            Message::ScreenChanged(..) | Message::TrezorChanged(..) | Message::HeightChanged(..) => {}
            Message::Mine => return Action::Run(self.mine()),
            Message::Ban(hash) => return Action::Run(self.ban(hash)),
            Message::Every(seconds) => self.run.chain.mine_every(seconds),
            Message::Typed(text) => self.typed.edit(text),
            Message::Use(kind) => return self.choose(kind),
            message => match self.kind {
                Kind::Ledger => self.ledger_done(app, message),
                Kind::Trezor => self.trezor_done(message),
            },
        }
        Action::None
    }

    fn choose(&self, kind: Kind) -> Action {
        let mut specs = self.run.specs().into_iter();
        let fits = |spec: &DeviceSpec| matches!(spec, DeviceSpec::Network { kind: other, .. } if *other == kind);
        specs.find(fits).map_or(Action::None, Action::Use)
    }

    /// What the user does to the Ledger.
    fn ledger_done(&self, app: &str, message: Message) {
        let panel = &self.run.panel;
        match message {
            Message::Approve => drop(panel.approve()),
            Message::Reject => drop(panel.reject()),
            Message::Unplug => panel.unplug(),
            Message::PlugIn => {
                panel.plug_in();
                panel.open_app(app);
            }
            Message::Lock => panel.lock(),
            Message::Unlock => panel.unlock(),
            Message::OpenApp => panel.open_app(app),
            Message::CloseApp => panel.dashboard(),
            _ => {}
        }
    }

    /// What the user does to the Trezor.
    fn trezor_done(&mut self, message: Message) {
        let Some(panel) = self.trezor_panel() else { return };
        match message {
            Message::Approve => drop(panel.approve()),
            Message::Reject => drop(panel.reject()),
            Message::Enter => {
                panel.enter(self.typed.text());
                self.typed.clear();
            }
            Message::Model(model) => panel.set_model(model),
            Message::Pin(asked) => drop(panel.set_pin(asked.then_some(PIN))),
            Message::Passphrase(asked) => panel.set_passphrase(asked),
            Message::Unplug => panel.unplug(),
            Message::PlugIn => panel.plug_in(),
            Message::Lock => panel.lock(),
            _ => {}
        }
    }

    /// Mining signs and checks a block; it has no place on the window's thread.
    fn mine(&self) -> Task<Message> {
        let (run, id) = (Arc::clone(&self.run), self.id);
        crate::ui::work::blocking(
            move || {
                run.chain.mine(1);
                run.height()
            },
            move |height| Message::HeightChanged(id, height),
        )
    }

    fn ban(&self, hash: ProTxHash) -> Task<Message> {
        let (run, id) = (Arc::clone(&self.run), self.id);
        crate::ui::work::blocking(
            move || {
                // One that left the list meanwhile needs no ban.
                if run.chain.ban(hash).is_ok() {
                    run.chain.mine(1);
                }
                run.height()
            },
            move |height| Message::HeightChanged(id, height),
        )
    }

    pub fn subscription(&self) -> Subscription<Message> {
        watch::subscription(&self.run, self.id)
    }

    /// The device and the next block, for the right side of every page.
    pub fn panel(&self) -> Element<'_, Message> {
        column![
            self.beside(),
            heading("Chain"),
            muted(format!("Block {}", format::height(self.height))),
            wide_button("Mine a block", Weight::Secondary).on_press(Message::Mine),
            help(self.blocks_hint()),
        ]
        .spacing(Gap::S)
        .into()
    }

    pub fn view<'a>(&'a self, masternodes: &'a Masternodes) -> Element<'a, Message> {
        let seconds = self.run.chain.block_seconds();
        let intervals = INTERVALS.map(|each| {
            (
                each,
                if each == 0 {
                    "Never".to_owned()
                } else {
                    format!("{each} s")
                },
            )
        });
        let chain = column![
            key_value("Height", format::height(self.height)),
            row![body("A block every"), segments(intervals, seconds, Message::Every)]
                .spacing(Gap::M)
                .align_y(iced::Center),
            muted("Mine a block, approve and reject are in the panel at the right, on every page."),
        ]
        .spacing(Gap::M);
        let content = column![
            card(about()),
            panel("Chain", chain),
            panel("Your masternodes", bans(masternodes)),
            self.choices()
        ]
        .spacing(Gap::M);
        page("Sandbox", iced::widget::space(), content)
    }

    fn blocks_hint(&self) -> String {
        match self.run.chain.block_seconds() {
            0 => "Blocks come only when you mine one.".to_owned(),
            seconds => format!("One also comes by itself every {seconds} seconds."),
        }
    }
}

/// Mine, each with a button that bans it.
fn bans(masternodes: &Masternodes) -> Element<'_, Message> {
    let mut lines = column![muted(
        "Ban one as the network bans a server that misses its sessions, then revive it from its page."
    )]
    .spacing(Gap::S);
    let mut any = false;
    for (name, masternode) in masternodes.mine() {
        any = true;
        let entry = &masternode.entry;
        let press = (!entry.is_banned()).then_some(Message::Ban(entry.pro_tx_hash));
        let words = if entry.is_banned() { "banned" } else { "in the queue" };
        lines = lines.push(
            row![
                strong(name),
                muted(words).width(Length::Fill),
                secondary_button("Ban my masternode").on_press_maybe(press)
            ]
            .spacing(Gap::M)
            .align_y(iced::Center),
        );
    }
    if !any {
        lines = lines.push(body("You have none yet: register one first."));
    }
    lines.into()
}

fn about<'a>() -> Element<'a, Message> {
    column![
        heading("A place to learn"),
        body(
            "This chain, its node, its Ledger and its Trezor run inside the program. They follow the real rules and speak the real protocols, \
             but the coins are worth nothing and everything is gone when the program ends."
        ),
        muted(format!("Its vault is open already; where a passphrase is asked again, it is: {SANDBOX_PASSPHRASE}"))
    ]
    .spacing(Gap::S)
    .into()
}
