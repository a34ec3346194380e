//! What is connected, in which state, and what to do about it; an address shown on the device to compare.

use bitcoin::bip32::DerivationPath;
use iced::widget::{column, row};
use iced::{Element, Task, task};
use sipper::sipper;

use crate::flow::Ports;
use crate::hw::{DeviceError, DeviceInfo, Kind, discovery};
use crate::protocol::path;
use crate::protocol::{KeyId, Profile};
use crate::ui::advice::{sentence, udev_file};
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{
    Field, Progress, badge, body, card, copy_row, error_notice, heading, info, input, key_element, key_value, mono,
    muted, page, panel, primary_button, progress_list, secondary_button, success, text_button, toned,
};

/// What is known of the device; the window asks for it in the background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Not looked yet.
    Searching,
    Missing(DeviceError),
    /// Open; it answered, or said why it is not ready.
    Open {
        kind: Kind,
        place: String,
        info: Result<DeviceInfo, DeviceError>,
    },
}

impl Seen {
    /// For the status bar.
    pub fn summary(&self) -> (String, Tone) {
        match self {
            Self::Searching => ("Looking for a device".to_owned(), Tone::Neutral),
            Self::Missing(DeviceError::NotConnected { .. }) => ("No device".to_owned(), Tone::Neutral),
            Self::Missing(error) | Self::Open { info: Err(error), .. } => (short(error).to_owned(), Tone::Warning),
            Self::Open {
                kind, info: Ok(info), ..
            } => match kind {
                Kind::Ledger => (format!("{kind}: {} app", info.app), Tone::Good),
                Kind::Trezor => (format!("{kind}: {}", info.app), Tone::Good),
            },
        }
    }

    /// As its owner knows it: `Trezor One “Savings”`.
    pub fn name(&self) -> String {
        match self {
            Self::Open { info: Ok(info), .. } => named(info),
            Self::Open { kind, .. } => kind.to_string(),
            Self::Searching | Self::Missing(_) => "device".to_owned(),
        }
    }

    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Open { info: Ok(_), .. })
    }
}

/// Model and label.
fn named(info: &DeviceInfo) -> String {
    let model = info.model.clone().unwrap_or_else(|| info.kind.to_string());
    match &info.label {
        Some(label) => format!("{model} “{label}”"),
        None => model,
    }
}

/// A device's trouble in two or three words.
fn short(error: &DeviceError) -> &'static str {
    match error {
        DeviceError::Locked { .. } => "Device locked",
        DeviceError::WrongApp { .. } | DeviceError::WrongCoin { .. } => "Wrong app open",
        DeviceError::NoPermission { .. } => "No permission",
        DeviceError::Busy { .. } | DeviceError::HeldBy { .. } => "Device busy",
        DeviceError::Several { .. } => "Several devices",
        DeviceError::NotConnected { .. } | DeviceError::Gone { .. } => "Device gone",
        _ => "Device not ready",
    }
}

pub struct Devices {
    path: Field<DerivationPath>,
    shown: Shown,
}

enum Shown {
    Nothing,
    /// The device asks its user.
    Asking {
        path: DerivationPath,
        /// Read silently before: what its screen has to show.
        expected: Option<KeyId>,
        _task: task::Handle,
    },
    Confirmed {
        path: DerivationPath,
        key: KeyId,
        on_screen: String,
    },
    Failed(DeviceError),
}

#[derive(Debug, Clone)]
pub enum Message {
    Refresh,
    PathEdited(String),
    ShowAddress,
    KeyRead(KeyId),
    AddressShown(Result<(KeyId, String), DeviceError>),
    Copy(String),
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// Look for a device again, now.
    Search,
}

impl Devices {
    pub fn new(profile: &Profile) -> Self {
        let first = path::address(profile, 0, false, 0);
        Self {
            path: Field::with(path::to_text(&first), first),
            shown: Shown::Nothing,
        }
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::Refresh => return Action::Search,
            Message::PathEdited(text) => self.path.edit(text, path::parse),
            Message::ShowAddress => return self.show_address(ports),
            Message::KeyRead(key) => {
                if let Shown::Asking { expected, .. } = &mut self.shown {
                    *expected = Some(key);
                }
            }
            Message::AddressShown(result) => self.address_shown(result),
            Message::Copy(text) => return Action::Run(iced::clipboard::write(text)),
        }
        Action::None
    }

    fn show_address(&mut self, ports: &Ports) -> Action {
        let (Some(path), Some(device)) = (self.path.value().cloned(), ports.device.clone()) else {
            return Action::None;
        };
        if matches!(self.shown, Shown::Asking { .. }) {
            return Action::None;
        }
        let asked = path.clone();
        let ask = sipper(async move |mut keys| {
            let key = KeyId::of(&device.public_key(asked.clone()).await?);
            keys.send(key).await;
            let shown = device.show_address(asked).await?;
            Ok((KeyId::of(&shown.key), shown.on_screen))
        });
        let (task, handle) = Task::sip(ask, Message::KeyRead, Message::AddressShown).abortable();
        self.shown = Shown::Asking {
            path,
            expected: None,
            _task: handle.abort_on_drop(),
        };
        Action::Run(task)
    }

    fn address_shown(&mut self, result: Result<(KeyId, String), DeviceError>) {
        let Shown::Asking { path, .. } = &self.shown else {
            return;
        };
        self.shown = match result {
            Ok((key, on_screen)) => Shown::Confirmed {
                path: path.clone(),
                key,
                on_screen,
            },
            Err(error) => Shown::Failed(error),
        };
    }

    pub fn view<'a>(&'a self, seen: &'a Seen, profile: &'a Profile) -> Element<'a, Message> {
        let mut content = column![state(seen, profile)].spacing(Gap::M);
        if let Seen::Missing(error) | Seen::Open { info: Err(error), .. } = seen
            && let DeviceError::NoPermission { kind, .. } = error
        {
            content = content.push(permission(*kind));
        }
        if let Seen::Open { kind, info: Ok(_), .. } = seen {
            content = content.push(self.address(*kind, profile));
        }
        content = content.push(abilities());
        page(
            "Devices",
            secondary_button("Refresh").on_press(Message::Refresh),
            content,
        )
    }

    fn address<'a>(&'a self, kind: Kind, profile: &'a Profile) -> Element<'a, Message> {
        let busy = matches!(self.shown, Shown::Asking { .. });
        let show = self.path.value().filter(|_| !busy).map(|_| Message::ShowAddress);
        let field = input("Path", &self.path, Message::PathEdited)
            .help(format!(
                "The first address of the first account is {}.",
                path::to_text(&path::address(profile, 0, false, 0))
            ))
            .mono()
            .id("device-path")
            .on_submit_maybe(show.clone());
        let mut content = column![field, primary_button("Show on the device").on_press_maybe(show)].spacing(Gap::S);
        content = match &self.shown {
            Shown::Nothing => content,
            Shown::Asking { path, expected, .. } => {
                content.push(asking(path, expected.map(|key| as_on_screen(key, kind, profile))))
            }
            Shown::Confirmed { path, key, on_screen } => content.push(confirmed(path, *key, on_screen, profile)),
            Shown::Failed(error) => content.push(error_notice(error)),
        };
        panel("Show an address on the device", content).into()
    }
}

fn asking<'a>(path: &DerivationPath, expected: Option<String>) -> Element<'a, Message> {
    let path = path::to_text(path);
    let mut lines = column![info(format!(
        "The device shows the address of {path}. Approve it there if it is this one."
    ))];
    if let Some(address) = expected {
        lines = lines.push(key_element("On its screen", mono(address)));
    }
    lines.spacing(Gap::S).into()
}

/// An address as the device writes it: the Ledger's app shows a fork without an own app with its parent's prefix.
fn as_on_screen(key: KeyId, kind: Kind, profile: &Profile) -> String {
    let mut shown = profile.clone();
    if kind == Kind::Ledger {
        shown.pubkey_prefix = profile.devices.ledger_pubkey_prefix;
    }
    key.address().to_text(&shown)
}

fn confirmed<'a>(path: &DerivationPath, key: KeyId, on_screen: &str, profile: &Profile) -> Element<'a, Message> {
    let here = key.address().to_text(profile);
    let mut lines = column![
        success(format!("Confirmed on the device for {}.", path::to_text(path))),
        copy_row("Address", here.clone(), Message::Copy)
    ]
    .spacing(Gap::S);
    if here != on_screen {
        lines = lines
            .push(key_value("As the device wrote it", on_screen))
            .push(muted(format!(
                "The app writes this key with another coin's prefix; on {} its address is the one above.",
                profile.name
            )));
    }
    lines.into()
}

fn state<'a>(seen: &'a Seen, profile: &'a Profile) -> Element<'a, Message> {
    match seen {
        Seen::Searching => card(muted("Looking for a device…")).into(),
        Seen::Missing(error @ DeviceError::NotConnected { .. }) => missing(error, profile),
        Seen::Missing(error) => error_notice(error).into(),
        Seen::Open { kind, place, info } => {
            let mut lines = column![
                key_value("Model", model(*kind, info)),
                key_value("Where", place.as_str())
            ]
            .spacing(Gap::S);
            match info {
                Ok(info) => {
                    let chip = row![badge("Ready", Tone::Good)];
                    let software = match kind {
                        Kind::Ledger => key_value("App", format!("{} {}", info.app, info.version)),
                        Kind::Trezor => key_value("Firmware", info.version.as_str()),
                    };
                    lines = lines
                        .push(key_element("State", chip))
                        .push(software)
                        .push(key_value("Coin on its screen", info.ticker.as_str()));
                    if let Some(label) = &info.label {
                        lines = lines.push(key_value("Label", label.as_str()));
                    }
                    if let Some(wallet) = &info.wallet {
                        lines = lines.push(copy_row("Wallet", wallet.clone(), Message::Copy));
                    }
                }
                Err(error) => lines = lines.push(error_notice(error)),
            }
            card(lines).into()
        }
    }
}

fn model(kind: Kind, info: &Result<DeviceInfo, DeviceError>) -> String {
    let told = info.as_ref().ok().and_then(|info| info.model.clone());
    told.unwrap_or_else(|| kind.to_string())
}

fn missing<'a>(error: &DeviceError, profile: &Profile) -> Element<'a, Message> {
    let app = &profile.devices.ledger_app;
    let steps = [
        "Plug the Ledger or Trezor in and unlock it.".to_owned(),
        format!("Open the {app} app on a Ledger; a Trezor has none."),
        "Close Ledger Live, Trezor Suite and other wallets: only one program can talk to it.".to_owned(),
    ];
    card(
        column![
            heading(sentence(error)),
            progress_list(steps.map(|step| (Progress::Next, step))),
            muted("It is noticed by itself within two seconds.")
        ]
        .spacing(Gap::M),
    )
    .into()
}

/// Linux lets only root talk to USB devices until a rule says otherwise.
fn permission<'a>(kind: Kind) -> Element<'a, Message> {
    let (file, rules) = (udev_file(kind), discovery::udev_rule(kind));
    panel(
        "Let this user open the device",
        column![
            body(format!(
                "As root, write these lines into {file}, then unplug the device and plug it in again."
            )),
            card(mono(rules.trim_end())),
            row![
                text_button("Copy the rules").on_press(Message::Copy(rules.to_owned())),
                text_button("Copy the file name").on_press(Message::Copy(file.to_owned()))
            ]
        ]
        .spacing(Gap::S),
    )
    .into()
}

/// What a device can and cannot do, so that nobody looks for it.
fn abilities<'a>() -> Element<'a, Message> {
    let lines = [
        ("✓", Tone::Good, "Keeps the collateral and signs that it is yours."),
        ("✓", Tone::Good, "Signs ordinary payments, such as money for a fee key."),
        (
            "✗",
            Tone::Neutral,
            "Cannot sign the transaction of a registration itself: no device knows its payload. A fee key of the vault signs that.",
        ),
        ("✗", Tone::Neutral, "Cannot hold owner or operator keys."),
    ];
    let lines = lines.map(|(sign, tone, words)| {
        row![toned(sign, tone).width(16), body(words).width(iced::Fill)]
            .spacing(Gap::S)
            .into()
    });
    panel("What a device does here", column(lines).spacing(Gap::S)).into()
}
