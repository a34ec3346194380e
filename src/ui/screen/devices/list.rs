//! Every device there is, whoever made it: what it is, where, how it is, and which one is in use.

use iced::widget::{column, container, row};
use iced::{Element, Length};

use super::seen::{Seen, model, short};
use super::{Message, Shown, diagnosis};
use crate::hw::discovery::{About, Found, State};
use crate::hw::{DeviceError, DeviceInfo, DeviceSpec, Kind};
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{badge, card, copy_row, heading, key_value, secondary_button, text_button};

/// One device, from what the search and the device itself say.
pub struct Listed<'a> {
    kind: Kind,
    model: String,
    place: &'a str,
    used: bool,
    state: Told<'a>,
}

enum Told<'a> {
    /// It is open and says all of itself.
    Info(&'a DeviceInfo),
    Ready {
        app: &'a str,
        version: &'a str,
        about: &'a About,
    },
    Trouble(&'a DeviceError),
    /// Open, but it has not answered yet.
    Asked,
}

/// All of them; the one in use is among them if it is anywhere.
pub fn listed<'a>(shown: &Shown<'a>) -> Vec<Listed<'a>> {
    let found = shown.found.unwrap_or_default();
    let used = |kind, place: &str| match shown.seen {
        Seen::Open {
            kind: open, place: at, ..
        } => *open == kind && at == place,
        Seen::Searching | Seen::Missing(_) => {
            let chosen = DeviceSpec::at(kind, place).is_some_and(|spec| spec == *shown.spec);
            chosen || (found.len() == 1 && is_open_to(shown.spec, kind))
        }
    };
    let mut all: Vec<Listed<'a>> = found
        .iter()
        .map(|one| one_of(one, used(one.kind, &one.place), shown.seen))
        .collect();
    // It answers before it is listed, or is somewhere nobody looks.
    if let Seen::Open { kind, place, info } = shown.seen
        && !all.iter().any(|one| one.used)
    {
        let state = info.as_ref().map_or_else(Told::Trouble, Told::Info);
        let model = model(*kind, shown.seen.info().and_then(|info| info.model.as_deref()));
        all.insert(
            0,
            Listed {
                kind: *kind,
                model,
                place,
                used: true,
                state,
            },
        );
    }
    all
}

/// Whether a choice names no place.
fn is_open_to(spec: &DeviceSpec, kind: Kind) -> bool {
    match spec {
        DeviceSpec::Any => true,
        DeviceSpec::Usb(wanted) => *wanted == kind,
        DeviceSpec::Port { .. } | DeviceSpec::Network { .. } => false,
    }
}

fn one_of<'a>(one: &'a Found, used: bool, seen: &'a Seen) -> Listed<'a> {
    let own = match &one.state {
        State::Ready { app, version } => Told::Ready {
            app,
            version,
            about: &one.about,
        },
        State::NotReady(error) => Told::Trouble(error),
        State::Open => Told::Asked,
    };
    let state = match seen {
        Seen::Open { info, .. } if used => info.as_ref().map_or_else(Told::Trouble, Told::Info),
        // What opening it said is more than what looking at it said.
        Seen::Missing(error) if used && !matches!(own, Told::Trouble(_)) => Told::Trouble(error),
        _ => own,
    };
    let told = seen.info().filter(|_| used).and_then(|info| info.model.as_deref());
    Listed {
        kind: one.kind,
        model: model(one.kind, told.or(Some(&one.model))),
        place: &one.place,
        used,
        state,
    }
}

impl Listed<'_> {
    pub fn is_used(&self) -> bool {
        self.used
    }
}

/// Nothing its owner could do would make it of use here.
fn is_useless(state: &Told<'_>) -> bool {
    matches!(
        state,
        Told::Trouble(DeviceError::NoCoinOnModel { .. } | DeviceError::UnknownCoin { .. })
    )
}

pub fn view<'a>(one: Listed<'a>, shown: &Shown<'a>) -> Element<'a, Message> {
    let spec = DeviceSpec::at(one.kind, one.place).filter(|_| !one.used && !is_useless(&one.state));
    let choose = spec.map(|spec| secondary_button("Use this one").on_press(Message::Use(spec)));
    let label = match one.state {
        Told::Info(info) => info.label.as_deref(),
        Told::Ready { about, .. } => about.label.as_deref(),
        Told::Trouble(_) | Told::Asked => None,
    };
    let name = label.map_or_else(|| one.model.clone(), |label| format!("{} “{label}”", one.model));
    let (word, tone) = match one.state {
        Told::Ready { about, .. } if about.locked => ("Locked", Tone::Warning),
        Told::Info(_) | Told::Ready { .. } => ("Ready", Tone::Good),
        Told::Trouble(error) => (short(error), Tone::Warning),
        Told::Asked => ("Asking", Tone::Neutral),
    };
    let chips = row![badge(word, tone)]
        .push(one.used.then(|| badge("In use", Tone::Info)))
        .spacing(Gap::S);
    let head = row![container(heading(name)).width(Length::Fill), chips]
        .push(choose)
        .spacing(Gap::M)
        .align_y(iced::Center);
    let mut lines = column![head].spacing(Gap::S);
    lines = match one.state {
        Told::Info(info) => lines
            .push(software(info.kind, &info.app, &info.version))
            .push(key_value("Coin on its screen", info.ticker.as_str()))
            .push(wallet(info.wallet.as_deref())),
        Told::Ready { app, version, about } => lines
            .push(software(one.kind, app, version))
            .push(wallet(about.wallet.as_deref())),
        Told::Trouble(_) | Told::Asked => lines,
    };
    lines = lines.push(key_value("Where", place(one.place, shown)));
    // It keeps to the wallet it was opened with, whatever passphrase is entered later.
    if one.used
        && one.kind == Kind::Trezor
        && matches!(one.state, Told::Info(_))
        && let Some(spec) = DeviceSpec::at(one.kind, one.place)
    {
        lines = lines.push(text_button("Open another wallet").on_press(Message::Use(spec)));
    }
    if let Told::Trouble(error) = one.state {
        lines = lines.push(diagnosis::view(error, shown));
    }
    card(lines).into()
}

fn wallet<'a>(wallet: Option<&str>) -> Element<'a, Message> {
    match wallet {
        Some(wallet) => copy_row("Wallet", wallet.to_owned(), Message::Copy).into(),
        None => key_value("Wallet", "known once PIN and passphrase are entered").into(),
    }
}

fn software<'a>(kind: Kind, app: &str, version: &str) -> Element<'a, Message> {
    match kind {
        Kind::Ledger => key_value("App", format!("{app} {version}, open")).into(),
        Kind::Trezor => key_value("Firmware", format!("{version}, knows {app}")).into(),
    }
}

/// `USB port 3-2.1`
fn place(place: &str, shown: &Shown<'_>) -> String {
    match place.strip_prefix("usb:") {
        Some(port) => format!("USB port {port}"),
        None if shown.sandbox => format!("in the sandbox, {place}"),
        None => place.to_owned(),
    }
}
