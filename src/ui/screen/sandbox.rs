//! The embedded Ledger and chain in the user's hands: its screen, its buttons, its blocks.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use iced::widget::{Column, column, container, row, space, text};
use iced::{Background, Border, Color, Element, Length, Subscription, Task};
use tokio::sync::{broadcast, watch};

use crate::protocol::ProTxHash;
use crate::sandbox::Event;
use crate::sandbox::ledger::Screen;
use crate::setup::{SANDBOX_PASSPHRASE, SandboxRun};
use crate::ui::format;
use crate::ui::screen::Masternodes;
use crate::ui::theme::{Gap, MONO, Size};
use crate::ui::widget::{
    Weight, body, card, heading, help, key_value, muted, page, panel, secondary_button, segments, strong, wide_button,
};

/// Width of the panel at the right of every page.
pub const WIDTH: f32 = 232.0;
/// Height of the device's screen while little is on it.
const GLASS: f32 = 84.0;
/// Choices of seconds between blocks; 0 mines none by itself.
const INTERVALS: [u64; 4] = [0, 5, 15, 60];

pub struct Sandbox {
    run: Arc<SandboxRun>,
    /// Tells runs apart, so that a new one is watched anew.
    id: u64,
    screen: Screen,
    height: u32,
}

#[derive(Debug, Clone)]
pub enum Message {
    ScreenChanged(u64, Screen),
    HeightChanged(u64, u32),
    Approve,
    Reject,
    Mine,
    /// Bans a masternode with a block that is mined at once.
    Ban(ProTxHash),
    Every(u64),
    Unplug,
    PlugIn,
    Lock,
    Unlock,
    OpenApp,
}

impl Sandbox {
    pub fn new(run: Arc<SandboxRun>, id: u64) -> Self {
        let (screen, height) = (run.panel.screen(), run.height());
        Self {
            run,
            id,
            screen,
            height,
        }
    }

    pub fn update(&mut self, app: &str, message: Message) -> Task<Message> {
        let panel = &self.run.panel;
        match message {
            Message::ScreenChanged(id, screen) if id == self.id => self.screen = screen,
            Message::HeightChanged(id, height) if id == self.id => self.height = height,
            Message::ScreenChanged(..) | Message::HeightChanged(..) => {}
            Message::Approve => drop(panel.approve()),
            Message::Reject => drop(panel.reject()),
            Message::Mine => return self.mine(),
            Message::Ban(hash) => return self.ban(hash),
            Message::Every(seconds) => self.run.chain.mine_every(seconds),
            Message::Unplug => panel.unplug(),
            Message::PlugIn => {
                panel.plug_in();
                panel.open_app(app);
            }
            Message::Lock => panel.lock(),
            Message::Unlock => panel.unlock(),
            Message::OpenApp => panel.open_app(app),
        }
        Task::none()
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
        let watch = Watch {
            id: self.id,
            run: Arc::clone(&self.run),
        };
        Subscription::run_with(watch, changes)
    }

    /// The device and the next block, for the right side of every page.
    pub fn panel(&self) -> Element<'_, Message> {
        column![
            heading("Sandbox Ledger"),
            device(&self.screen, WIDTH - 2.0 * Gap::M),
            self.buttons(),
            help(self.hint()),
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
        let state = column![
            muted("See what the program says when a device is not ready:"),
            row![
                secondary_button("Unplug it").on_press(Message::Unplug),
                secondary_button("Plug it in").on_press(Message::PlugIn),
                secondary_button("Lock it").on_press(Message::Lock),
                secondary_button("Unlock it").on_press(Message::Unlock),
                secondary_button("Open the app").on_press(Message::OpenApp)
            ]
            .spacing(Gap::S)
            .wrap()
            .vertical_spacing(Gap::S)
        ]
        .spacing(Gap::M);
        let content = column![
            card(about()),
            panel("Chain", chain),
            panel("Your masternodes", bans(masternodes)),
            panel("Device", state)
        ]
        .spacing(Gap::M);
        page("Sandbox", iced::widget::space(), content)
    }

    fn buttons(&self) -> Element<'_, Message> {
        let asks = self.screen.prompt().is_some();
        let approve = wide_button("Approve", Weight::Primary).on_press_maybe(asks.then_some(Message::Approve));
        let reject = wide_button("Reject", Weight::Danger).on_press_maybe(asks.then_some(Message::Reject));
        row![approve, reject].spacing(Gap::S).into()
    }

    fn blocks_hint(&self) -> String {
        match self.run.chain.block_seconds() {
            0 => "Blocks come only when you mine one.".to_owned(),
            seconds => format!("One also comes by itself every {seconds} seconds."),
        }
    }

    fn hint(&self) -> &'static str {
        match &self.screen {
            Screen::Unplugged => "It is unplugged.",
            Screen::Locked => "It is locked.",
            Screen::Dashboard => "No app is open.",
            Screen::Idle { .. } => "Nothing to answer. When it asks, compare its screen with the page.",
            Screen::Prompt(_) => "It asks: compare its screen with the page, then answer.",
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
            "This chain, its node and its Ledger run inside the program. They follow the real rules and speak the real protocols, \
             but the coins are worth nothing and everything is gone when the program ends."
        ),
        muted(format!("Its vault is open already; where a passphrase is asked again, it is: {SANDBOX_PASSPHRASE}"))
    ]
    .spacing(Gap::S)
    .into()
}

/// A small device: dark body, darker screen, its lines in white.
fn device<'a>(screen: &Screen, width: f32) -> Element<'a, Message> {
    let lines = screen.lines();
    let off = lines.is_empty();
    let lines = lines.into_iter().map(|line| {
        let size = if line.chars().count() > 40 {
            Size::SMALL - 1.0
        } else {
            Size::SMALL
        };
        text(line)
            .size(size)
            .font(MONO)
            .wrapping(text::Wrapping::WordOrGlyph)
            .center()
            .width(Length::Fill)
            .into()
    });
    let lines: Column<'a, Message> = Column::with_children(lines).spacing(Gap::S).width(Length::Fill);
    // As high as its text, and never lower than a device's screen.
    let glass = container(row![lines, space().height(GLASS)].align_y(iced::Center))
        .width(Length::Fill)
        .padding(Gap::S + 2.0)
        .style(move |_| container::Style {
            text_color: Some(Color::WHITE),
            background: Some(Background::Color(if off {
                Color::from_rgb8(24, 24, 26)
            } else {
                Color::BLACK
            })),
            border: Border {
                radius: 4.0.into(),
                ..Border::default()
            },
            ..container::Style::default()
        });
    container(glass)
        .padding(10)
        .width(width)
        .style(|_| container::Style {
            background: Some(Background::Color(Color::from_rgb8(52, 56, 64))),
            border: Border {
                color: Color::from_rgb8(90, 96, 106),
                width: 1.0,
                radius: 14.0.into(),
            },
            ..container::Style::default()
        })
        .into()
}

/// What is watched; a run has one identity. The streams hold receivers only, so that they keep no run alive.
struct Watch {
    id: u64,
    run: Arc<SandboxRun>,
}

impl Hash for Watch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

fn changes(watch: &Watch) -> impl Stream<Item = Message> + use<> {
    let id = watch.id;
    let screens = screens(watch.run.panel.watch()).map(move |screen| Message::ScreenChanged(id, screen));
    let heights = heights(watch.run.chain.subscribe()).map(move |height| Message::HeightChanged(id, height));
    stream::select(screens, heights)
}

/// What the device shows now and whenever it changes.
fn screens(mut screen: watch::Receiver<Screen>) -> impl Stream<Item = Screen> {
    screen.mark_changed();
    stream::unfold(screen, |mut screen| async move {
        screen.changed().await.ok()?;
        let value = screen.borrow_and_update().clone();
        Some((value, screen))
    })
}

/// The height of each new block.
fn heights(events: broadcast::Receiver<Event>) -> impl Stream<Item = u32> {
    stream::unfold(events, |mut events| async move {
        loop {
            match events.recv().await {
                Ok(Event::BlockMined { height, .. }) => return Some((height, events)),
                Ok(Event::TransactionAccepted { .. }) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    })
}
