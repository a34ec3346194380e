//! The coins of an account: which can be spent, which are chosen, and why some are locked.

use std::collections::{BTreeMap, BTreeSet};

use iced::widget::text::Wrapping;
use iced::widget::{Row, button, column, container, row, space};
use iced::{Element, Length, Task};

use super::label::{self, Labelling};
use super::payment::Ticked;
use crate::flow::Ports;
use crate::flow::guard::{self, Guard};
use crate::flow::wallet::{CoinState, WalletCoin};
use crate::protocol::{OutPoint, Profile, path};
use crate::store::Item;
use crate::ui::format::{amount, count, grouped, short_hash};
use crate::ui::theme::{Gap, STRONG, Size, Tone};
use crate::ui::widget::{
    badge, card, divider, help, lock, mono, muted, secondary_button, strong, text_button, tick, toned,
};

/// Lines drawn at once: all are laid out whether they are seen or not.
const PORTION: usize = 100;
const BOX: Length = Length::Fixed(22.0);
const SUM: Length = Length::Fixed(164.0);
const OUTPOINT: Length = Length::Fixed(150.0);

#[derive(Debug)]
pub struct Coins {
    order: Order,
    ticked: BTreeSet<OutPoint>,
    /// Locked ones whose phrase was typed; they are locked again when the page is left.
    /// With how grave what guards them was when their phrases were typed.
    unlocked: BTreeMap<OutPoint, u8>,
    labels: Labelling,
    drawn: usize,
}

/// Of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Order {
    by: Column,
    rising: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Amount,
    Address,
    Age,
}

#[derive(Debug, Clone)]
pub enum Message {
    Tick(OutPoint, bool),
    TickAll(bool),
    SortBy(Column),
    More,
    /// Asks what would happen, and for the phrase.
    Unlock(OutPoint),
    Lock(OutPoint),
    /// A payment from those ticked.
    Send,
    Label(label::Message),
    Copy(String),
}

impl Default for Coins {
    fn default() -> Self {
        Self {
            order: Order {
                by: Column::Amount,
                rising: false,
            },
            ticked: BTreeSet::new(),
            unlocked: BTreeMap::new(),
            labels: Labelling::default(),
            drawn: PORTION,
        }
    }
}

impl Coins {
    pub fn update(&mut self, coins: &[WalletCoin], message: Message) {
        match message {
            Message::Tick(outpoint, true) => {
                if coins
                    .iter()
                    .any(|coin| outpoint == coin.own.coin.outpoint && self.may_spend(coin))
                {
                    self.ticked.insert(outpoint);
                }
            }
            Message::Tick(outpoint, false) => drop(self.ticked.remove(&outpoint)),
            Message::TickAll(true) => {
                let free = coins.iter().filter(|coin| coin.is_free());
                self.ticked.extend(free.map(|coin| coin.own.coin.outpoint));
            }
            Message::TickAll(false) => self.ticked.clear(),
            Message::SortBy(by) => self.sort_by(by),
            Message::More => self.drawn += PORTION,
            Message::Lock(outpoint) => {
                self.unlocked.remove(&outpoint);
                self.ticked.remove(&outpoint);
            }
            Message::Unlock(_) | Message::Send | Message::Label(_) | Message::Copy(_) => {}
        }
    }

    pub fn is_labelling(&self) -> bool {
        self.labels.is_editing()
    }

    /// A label that was kept is on screen at once.
    pub fn label(&mut self, ports: &Ports, coins: &mut [WalletCoin], message: label::Message) -> Task<Message> {
        let (task, kept) = self.labels.update(ports, message);
        if let Some(kept) = kept {
            for coin in coins.iter_mut().filter(|coin| item(coin) == kept.item) {
                coin.label.clone_from(&kept.label);
            }
        }
        task.map(Message::Label)
    }

    fn sort_by(&mut self, by: Column) {
        let rising = self.order.by == by && !self.order.rising;
        self.order = Order { by, rising };
    }

    /// Its phrase was typed.
    pub fn unlock(&mut self, coin: &WalletCoin) {
        let outpoint = coin.outpoint();
        self.unlocked.insert(outpoint, guard::gravity(&coin.guards));
        self.ticked.insert(outpoint);
    }

    /// Locks are back, and nothing is ticked.
    pub fn reset(&mut self) {
        self.labels.stop();
        self.ticked.clear();
        self.unlocked.clear();
    }

    /// What is gone, being spent or guarded by something graver is no longer ticked.
    pub fn keep(&mut self, coins: &[WalletCoin]) {
        let there: BTreeSet<OutPoint> = coins
            .iter()
            .filter(|coin| self.may_spend(coin))
            .map(|coin| coin.own.coin.outpoint)
            .collect();
        self.ticked.retain(|outpoint| there.contains(outpoint));
        self.unlocked.retain(|outpoint, _| there.contains(outpoint));
    }

    fn is_unlocked(&self, coin: &WalletCoin) -> bool {
        let agreed = self.unlocked.get(&coin.outpoint());
        agreed.is_some_and(|gravity| guard::gravity(&coin.guards) <= *gravity)
    }

    fn may_spend(&self, coin: &WalletCoin) -> bool {
        coin.state == CoinState::Ready && (coin.guards.is_empty() || self.is_unlocked(coin))
    }

    pub fn ticked(&self, coins: &[WalletCoin]) -> Ticked {
        let chosen = |coin: &&WalletCoin| self.ticked.contains(&coin.own.coin.outpoint);
        Ticked {
            coins: self.ticked.clone(),
            unlocked: self
                .unlocked
                .iter()
                .filter(|(outpoint, _)| self.ticked.contains(outpoint))
                .map(|(outpoint, gravity)| (*outpoint, *gravity))
                .collect(),
            sum: coins.iter().filter(chosen).map(|coin| coin.own.coin.value).sum(),
        }
    }

    pub fn view<'a>(&'a self, coins: &'a [WalletCoin], profile: &'a Profile) -> Element<'a, Message> {
        let mut sorted: Vec<&WalletCoin> = coins.iter().collect();
        sorted.sort_by(|one, other| self.order.compare(one, other));
        let mut list = column![self.header(coins)];
        for coin in sorted.iter().take(self.drawn) {
            list = list.push(divider()).push(self.line(coin, profile));
        }
        if sorted.len() > self.drawn {
            let rest = format!("Show {} more", (sorted.len() - self.drawn).min(PORTION));
            let more = secondary_button(rest).on_press(Message::More);
            list = list.push(divider()).push(container(more).padding(Gap::M));
        }
        let error = self.labels.error().map(|error| error.map(Message::Label));
        column![self.bar(coins, profile), error, card(list).padding(0)]
            .spacing(Gap::S)
            .into()
    }

    /// What is ticked.
    fn bar<'a>(&'a self, coins: &[WalletCoin], profile: &Profile) -> Element<'a, Message> {
        let ticked = self.ticked(coins);
        let content: Row<'a, Message> = if ticked.coins.is_empty() {
            row![muted("Tick coins to pay from exactly those.")]
        } else {
            row![
                strong(format!(
                    "{}: {}",
                    count(ticked.coins.len(), "coin ticked", "coins ticked"),
                    amount(ticked.sum, profile)
                )),
                text_button("Send these").on_press(Message::Send),
                text_button("Clear").on_press(Message::TickAll(false))
            ]
        };
        content
            .push(space().height(28))
            .spacing(Gap::S)
            .align_y(iced::Center)
            .into()
    }

    fn header<'a>(&self, coins: &[WalletCoin]) -> Element<'a, Message> {
        let free = coins.iter().filter(|coin| coin.is_free()).count();
        let all = free > 0 && self.ticked.len() >= free;
        let every = container(tick(all, Message::TickAll)).id("coins-all").width(BOX);
        let ages = row![self.sorter("Amount", Column::Amount), self.sorter("Age", Column::Age)].spacing(Gap::S);
        row![
            every,
            container(ages).width(SUM),
            container(self.sorter("Address and label", Column::Address)).width(Length::Fill),
            container(help("Output")).width(OUTPOINT)
        ]
        .spacing(Gap::M)
        .padding([Gap::S, Gap::M])
        .align_y(iced::Center)
        .into()
    }

    /// The name of a column that sorts by it.
    fn sorter<'a>(&self, name: &'static str, by: Column) -> Element<'a, Message> {
        let arrow = match (self.order.by == by, self.order.rising) {
            (false, _) => "",
            (true, true) => " ↑",
            (true, false) => " ↓",
        };
        let style = crate::ui::widget::text::colored(|colors| colors.muted);
        let name = iced::widget::text(format!("{name}{arrow}"))
            .size(Size::SMALL)
            .font(STRONG)
            .style(style);
        button(name)
            .padding(0)
            .style(button::text)
            .on_press(Message::SortBy(by))
            .into()
    }

    fn line<'a>(&'a self, coin: &'a WalletCoin, profile: &'a Profile) -> Element<'a, Message> {
        let outpoint = coin.own.coin.outpoint;
        let text = format!("{}:{}", short_hash(&outpoint.txid.to_string()), outpoint.vout);
        let sum = column![
            strong(amount(coin.own.coin.value, profile)).wrapping(Wrapping::None),
            state(coin)
        ];
        let address = short_hash(&coin.own.key_id.address().to_text(profile));
        let known = match name(coin) {
            Some(label) => help(label),
            None => help(path::to_text(&coin.own.path)),
        };
        let address = column![mono(address).wrapping(Wrapping::None), known.wrapping(Wrapping::None)];
        let copy = text_button("Copy")
            .padding(0)
            .on_press(Message::Copy(outpoint.to_string()));
        let begin = label::Message::Edit(item(coin), name(coin).unwrap_or_default().to_owned());
        let label = text_button("Label").padding(0).on_press(Message::Label(begin));
        let output = column![
            mono(text).size(Size::SMALL).wrapping(Wrapping::None),
            row![copy, container(label).id(format!("label-{outpoint}"))].spacing(Gap::M)
        ];
        let first = row![
            self.chooser(coin),
            container(sum.spacing(2)).width(SUM).clip(true),
            container(address.spacing(2)).width(Length::Fill).clip(true),
            container(output).width(OUTPOINT)
        ]
        .spacing(Gap::M)
        .align_y(iced::Center);
        let mut lines = column![first].spacing(Gap::XS);
        if !coin.guards.is_empty() {
            lines = lines.push(self.locked(coin));
        }
        if self.labels.is_of(&item(coin)) {
            lines = lines.push(self.labels.editor().map(|editor| editor.map(Message::Label)));
        }
        container(lines).padding([Gap::S, Gap::M]).width(Length::Fill).into()
    }

    /// The box, or what stands in its place.
    fn chooser<'a>(&self, coin: &WalletCoin) -> Element<'a, Message> {
        let outpoint = coin.own.coin.outpoint;
        let inner: Element<'a, Message> = if self.may_spend(coin) {
            let ticked = self.ticked.contains(&outpoint);
            tick(ticked, move |ticked| Message::Tick(outpoint, ticked)).into()
        } else if coin.guards.is_empty() {
            space().width(18).height(18).into()
        } else {
            lock(Tone::Warning).into()
        };
        container(inner).id(format!("coin-{outpoint}")).width(BOX).into()
    }

    /// Why it is locked, and the way to unlock it.
    fn locked<'a>(&self, coin: &'a WalletCoin) -> Element<'a, Message> {
        let outpoint = coin.own.coin.outpoint;
        let reasons: Vec<String> = coin.guards.iter().map(Guard::label).collect();
        let words = crate::ui::advice::sentence(&reasons.join("; "));
        let (mark, button) = if self.is_unlocked(coin) {
            let lock = text_button("Lock again").padding(0).on_press(Message::Lock(outpoint));
            (Some(badge("Unlocked", Tone::Bad)), lock)
        } else {
            let ready = coin.state == CoinState::Ready;
            let unlock = text_button("Unlock…")
                .padding(0)
                .on_press_maybe(ready.then_some(Message::Unlock(outpoint)));
            (None, unlock)
        };
        row![
            space().width(BOX),
            mark,
            toned(words, Tone::Warning).size(Size::SMALL).width(Length::Fill),
            container(button).width(OUTPOINT)
        ]
        .spacing(Gap::M)
        .align_y(iced::Center)
        .into()
    }
}

impl Order {
    fn compare(self, one: &WalletCoin, other: &WalletCoin) -> std::cmp::Ordering {
        let key = |coin: &WalletCoin| coin.own.coin.clone();
        let (a, b) = (key(one), key(other));
        let order = match self.by {
            Column::Amount => a.value.cmp(&b.value),
            Column::Address => one.own.path.cmp(&other.own.path),
            Column::Age => a.confirmations.cmp(&b.confirmations),
        };
        let order = order.then(a.outpoint.cmp(&b.outpoint));
        if self.rising { order } else { order.reverse() }
    }
}

/// What its label is kept under.
fn item(coin: &WalletCoin) -> Item {
    Item::Output(coin.outpoint())
}

/// Its label. What is known of it anyway is said below, with the lock.
fn name(coin: &WalletCoin) -> Option<&str> {
    let label = coin.label.as_deref()?;
    coin.guards.iter().all(|guard| guard.label() != label).then_some(label)
}

fn state<'a>(coin: &WalletCoin) -> Element<'a, Message> {
    match coin.state {
        CoinState::Ready => {
            let confirmations = coin.own.coin.confirmations;
            let word = if confirmations == 1 {
                "confirmation"
            } else {
                "confirmations"
            };
            help(format!("{} {word}", grouped(confirmations))).into()
        }
        CoinState::Unconfirmed => small("Unconfirmed", Tone::Info),
        CoinState::Immature { blocks_left: 1 } => small("Immature: 1 block left", Tone::Info),
        CoinState::Immature { blocks_left } => small(format!("Immature: {blocks_left} blocks left"), Tone::Info),
        CoinState::BeingSpent => small("Being spent", Tone::Warning),
    }
}

fn small<'a>(words: impl Into<String>, tone: Tone) -> Element<'a, Message> {
    toned(words.into(), tone)
        .size(Size::SMALL)
        .wrapping(Wrapping::None)
        .into()
}
