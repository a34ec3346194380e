//! The wallet on screen: the accounts, what they hold, and the two tables.

use iced::widget::{Row, column, row, space};
use iced::{Element, Length};

use super::payment::Payment;
use super::{Front, Message, Tab, Wallet};
use crate::flow::Ports;
use crate::flow::wallet::{Account, CoinState};
use crate::protocol::{Amount, Profile, path};
use crate::ui::format::{amount, count, duration};
use crate::ui::screen::devices::Seen;
use crate::ui::screen::part::context::Look;
use crate::ui::theme::{Gap, Size, Tone};
use crate::ui::widget::{
    body, card, error_notice, heading, help, info, key_value, mono, muted, option_of, overlay, page, panel,
    primary_button, secondary_button, segments, strong, success, text_button,
};

impl Wallet {
    pub fn view<'a>(&'a self, ports: &'a Ports, seen: &'a Seen, sandbox: bool) -> Element<'a, Message> {
        let look = Look {
            profile: &ports.profile,
            keys: &[],
            status: None,
            device: ports.device.as_ref().map(|device| device.kind()),
            // The window says it above every page.
            told: None,
            errand: "payment",
            hand_over: false,
            sandbox,
        };
        match &self.front {
            Front::Tables => overlay(self.tables(&look, seen), None),
            Front::Unlocking(unlock) => {
                let dialog = unlock.view(look.profile).map(Message::Unlock);
                overlay(self.tables(&look, seen), Some(dialog))
            }
            Front::Receiving(receive) => receive.view(&look).map(Message::Receive),
            Front::Paying(id) => match self.payments.iter().find(|(each, _)| each == id) {
                Some((_, payment)) => {
                    let id = *id;
                    payment.view(&look).map(move |message| Message::Payment(id, message))
                }
                None => self.tables(&look, seen),
            },
        }
    }

    fn tables<'a>(&'a self, look: &Look<'a>, seen: &'a Seen) -> Element<'a, Message> {
        let mut content = column![].spacing(Gap::M);
        for (id, payment) in &self.payments {
            content = content.push(under_way(*id, payment, look.profile));
        }
        if let Some(notice) = self.device_notice(seen) {
            content = content.push(notice);
        }
        if let Some(error) = self.search.error() {
            content = content.push(error_notice(error));
        }
        content = match self.shown() {
            Some(account) => content
                .push(self.choice(look.profile))
                .push(balances(account, look.profile))
                .push(self.things(account, look.profile)),
            None => content.push(self.nothing_read(seen)),
        };
        page("Wallet", self.actions(look), content)
    }

    fn actions<'a>(&self, look: &Look<'a>) -> Element<'a, Message> {
        let known = self.shown().is_some();
        let ready = known && look.device.is_some();
        let mayread = look.device.is_some() && !self.search.is_running();
        row![
            text_button("Refresh").on_press_maybe((known && mayread).then_some(Message::Refresh)),
            secondary_button("Create a collateral").on_press_maybe(ready.then_some(Message::Collateral)),
            secondary_button("Receive").on_press_maybe(ready.then_some(Message::ReceiveNext)),
            primary_button("Send").on_press_maybe(ready.then_some(Message::Send))
        ]
        .spacing(Gap::S)
        .align_y(iced::Center)
        .into()
    }

    /// Why nothing can be done now, while older answers stay in sight.
    fn device_notice<'a>(&self, seen: &'a Seen) -> Option<Element<'a, Message>> {
        self.accounts.as_ref()?;
        match seen {
            Seen::Missing(error) | Seen::Open { info: Err(error), .. } => {
                let words = "What was read before stays in sight. Receiving and paying need the device.";
                Some(column![error_notice(error), help(words)].spacing(Gap::XS).into())
            }
            Seen::Searching | Seen::Open { info: Ok(_), .. } => None,
        }
    }

    /// Before the first answer.
    fn nothing_read<'a>(&'a self, seen: &'a Seen) -> Element<'a, Message> {
        if self.search.is_running() {
            return card(self.running()).into();
        }
        let parts = match seen {
            Seen::Searching => column![muted("Looking for a device…")],
            Seen::Missing(error) | Seen::Open { info: Err(error), .. } => column![
                heading("The wallet is on the device"),
                error_notice(error),
                body(
                    "Connect a Ledger or Trezor and unlock it: its accounts are read at once, and nothing has to be confirmed."
                ),
                secondary_button("Show the device").on_press(Message::Devices)
            ],
            Seen::Open { .. } => {
                let words = if self.asks {
                    "The first three accounts are read. A Ledger asks before it tells keys of this coin: approve each one."
                } else {
                    "The first three accounts are read; nothing has to be confirmed on the device."
                };
                column![
                    heading("The accounts are not read yet"),
                    body(words),
                    primary_button("Read the accounts").on_press(Message::Refresh)
                ]
            }
        };
        card(parts.spacing(Gap::M)).into()
    }

    /// How long it has taken, and the way to stop it.
    fn running<'a>(&self) -> Element<'a, Message> {
        let seconds = self.search.elapsed().map_or(0, |elapsed| elapsed.as_secs());
        let far = duration(seconds).map_or_else(String::new, |far| format!(" {far} so far."));
        let accounts = count(self.search.accounts() as usize, "account", "accounts");
        let mut words = column![body(format!("Reading {accounts} of the device and their coins.{far}"))];
        if seconds >= 5 {
            words = words.push(help(
                "A node without an index of addresses looks through every coin there is; that takes a minute or two.",
            ));
        }
        row![
            words.spacing(Gap::XS).width(Length::Fill),
            secondary_button("Stop").on_press(Message::StopSearch)
        ]
        .spacing(Gap::M)
        .align_y(iced::Center)
        .into()
    }

    /// The accounts with what each holds.
    fn choice<'a>(&'a self, profile: &'a Profile) -> Element<'a, Message> {
        let accounts = self.accounts.as_deref().unwrap_or_default();
        let mut rows = column![].spacing(Gap::S);
        for (line, group) in accounts.chunks(3).enumerate() {
            let choices = group.iter().enumerate().map(|(at, account)| {
                let at = line * 3 + at;
                account_option(account, at == self.account, at, profile)
            });
            let mut choices: Vec<Element<'a, Message>> = choices.collect();
            while choices.len() < 3 {
                choices.push(space().width(Length::Fill).into());
            }
            rows = rows.push(Row::with_children(choices).spacing(Gap::S));
        }
        let state: Element<'a, Message> = if self.search.is_running() {
            self.running()
        } else {
            let words = if self.stale {
                "The chain has grown since this was read."
            } else {
                ""
            };
            row![
                help(words).width(Length::Fill),
                text_button("Look further").on_press(Message::Further)
            ]
            .align_y(iced::Center)
            .into()
        };
        rows.push(state).into()
    }

    /// The tables, or what to do with an account that has nothing.
    fn things<'a>(&'a self, account: &'a Account, profile: &'a Profile) -> Element<'a, Message> {
        let tabs = [
            (Tab::Coins, format!("Coins ({})", account.coins.len())),
            (Tab::Addresses, "Addresses".to_owned()),
        ];
        let table = match self.tab {
            Tab::Coins if account.coins.is_empty() => self.empty(),
            Tab::Coins => self.coins.view(&account.coins, profile).map(Message::Coins),
            Tab::Addresses => self.addresses.view(account, profile).map(Message::Addresses),
        };
        column![segments(tabs, self.tab, Message::Tab), table]
            .spacing(Gap::S)
            .into()
    }

    fn empty<'a>(&self) -> Element<'a, Message> {
        let accounts = self.accounts.as_deref().unwrap_or_default();
        let elsewhere = accounts.iter().any(|account| !account.coins.is_empty());
        let words = if elsewhere {
            "This account holds nothing; another one above does."
        } else {
            "None of the accounts read so far holds anything. If the device has coins, they may be on a later account or address: \
             look further. A Trezor with a passphrase has another wallet for each passphrase."
        };
        panel(
            "No coins here",
            column![
                body(words),
                body("To put something in, press Receive: the device shows an address of its own, and you have it paid to."),
                row![
                    secondary_button("Receive").on_press(Message::ReceiveNext),
                    secondary_button("Look further").on_press(Message::Further)
                ]
                .spacing(Gap::S)
            ]
            .spacing(Gap::M),
        )
        .into()
    }
}

fn account_option<'a>(account: &Account, chosen: bool, at: usize, profile: &'a Profile) -> Element<'a, Message> {
    let words = column![
        strong(format!("Account {}", account.number)),
        body(amount(account.balances().total(), profile)),
        mono(path::to_text(&account.path)).size(Size::SMALL)
    ];
    option_of(words.spacing(2), chosen, Some(Message::Account(at))).into()
}

/// What can be spent, and what cannot yet or should not.
fn balances<'a>(account: &'a Account, profile: &'a Profile) -> Element<'a, Message> {
    let sums = account.balances();
    let mut parts = column![
        muted("Available"),
        iced::widget::text(amount(sums.ready, profile))
            .size(Size::TITLE)
            .font(crate::ui::theme::STRONG)
    ]
    .spacing(Gap::XS);
    let more = [
        ("Immature rewards", sums.immature, next_mature(account)),
        ("Unconfirmed", sums.unconfirmed, "until the next block".to_owned()),
        ("Locked", sums.locked, locked(account)),
    ];
    for (name, sum, remark) in more {
        if sum > Amount::ZERO {
            parts = parts.push(key_value(name, format!("{} · {remark}", amount(sum, profile))));
        }
    }
    card(parts).into()
}

fn next_mature(account: &Account) -> String {
    let left = account.coins.iter().filter_map(|coin| match coin.state {
        CoinState::Immature { blocks_left } => Some(blocks_left),
        _ => None,
    });
    match (left.clone().min(), left.max()) {
        (Some(first), Some(last)) if first < last => format!("ready in {first} to {last} blocks"),
        (Some(first), _) => format!("ready in {}", count(first as usize, "block", "blocks")),
        _ => String::new(),
    }
}

fn locked(account: &Account) -> String {
    let number = account.coins.iter().filter(|coin| !coin.guards.is_empty()).count();
    count(number, "collateral", "collaterals")
}

/// A payment that goes on, or ended, while the tables are on screen.
fn under_way<'a>(id: u64, payment: &'a Payment, profile: &Profile) -> Element<'a, Message> {
    let words = payment.summary(profile);
    let (notice, button) = if payment.is_done() {
        let done = text_button("Put away").on_press(Message::PutAway(id));
        (success(format!("In the chain: {words}.")), Some(done))
    } else if payment.is_waiting() {
        (info(format!("Waiting for its block: {words}.")), None)
    } else {
        (
            crate::ui::widget::notice(format!("Not finished: {words}."), Tone::Warning),
            None,
        )
    };
    row![
        notice.width(Length::Fill),
        button,
        secondary_button("Show it").on_press(Message::ShowPayment(id))
    ]
    .spacing(Gap::S)
    .align_y(iced::Center)
    .into()
}
