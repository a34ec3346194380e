//! Which devices there are, in which state, and what to do about it; which one is used; an address shown on it to compare.

mod address;
mod diagnosis;
mod list;
mod seen;
mod table;

use bitcoin::bip32::DerivationPath;
use iced::widget::column;
use iced::{Element, Task, task};
use sipper::sipper;

use crate::flow::Ports;
use crate::hw::diagnosis::udev;
use crate::hw::discovery::Found;
use crate::hw::{DeviceError, DeviceSpec, Kind};
use crate::protocol::path;
use crate::protocol::{KeyId, Profile};
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, Progress, body, card, heading, info, muted, page, progress_list, secondary_button};
use crate::ui::work::blocking;
use address::Address;

pub use seen::Seen;
pub use table::Maker;

pub struct Devices {
    path: Field<DerivationPath>,
    address: Address,
    rules: Rules,
    /// The table that was asked for; else that of the device in use.
    table: Option<Maker>,
}

/// The udev rules on their way to the system.
pub enum Rules {
    Idle,
    Installing { _task: task::Handle },
    Installed,
    Failed(udev::UdevError),
}

#[derive(Debug, Clone)]
pub enum Message {
    Refresh,
    Use(DeviceSpec),
    PathEdited(String),
    ShowAddress,
    KeyRead(KeyId),
    AddressShown(Result<(KeyId, String), DeviceError>),
    InstallRules(Kind),
    RulesInstalled(Result<(), udev::UdevError>),
    ShowTable(Maker),
    Copy(String),
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// Look for devices again, now.
    Search,
    /// Use this one from now on.
    Use(DeviceSpec),
}

/// What the page shows besides itself.
pub struct Shown<'a> {
    pub seen: &'a Seen,
    /// None before it was looked.
    pub found: Option<&'a [Found]>,
    /// Where the device in use is looked for.
    pub spec: &'a DeviceSpec,
    pub profile: &'a Profile,
    pub sandbox: bool,
    rules: &'a Rules,
}

/// What the window knows.
pub struct Known<'a> {
    pub seen: &'a Seen,
    pub found: Option<&'a [Found]>,
    pub spec: &'a DeviceSpec,
    pub profile: &'a Profile,
    pub sandbox: bool,
}

impl Devices {
    pub fn new(profile: &Profile) -> Self {
        let first = path::address(profile, 0, false, 0);
        Self {
            path: Field::with(path::to_text(&first), first),
            address: Address::Nothing,
            rules: Rules::Idle,
            table: None,
        }
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::Refresh => return Action::Search,
            Message::Use(spec) => {
                self.address = Address::Nothing;
                self.table = None;
                return Action::Use(spec);
            }
            Message::PathEdited(text) => self.path.edit(text, path::parse),
            Message::ShowAddress => return self.show_address(ports),
            Message::KeyRead(key) => {
                if let Address::Asking { expected, .. } = &mut self.address {
                    *expected = Some(key);
                }
            }
            Message::AddressShown(result) => self.address_shown(result),
            Message::InstallRules(kind) => return self.install(kind),
            Message::RulesInstalled(result) => {
                self.rules = result.map_or_else(Rules::Failed, |()| Rules::Installed);
                return Action::Search;
            }
            Message::ShowTable(maker) => self.table = Some(maker),
            Message::Copy(text) => return Action::Run(iced::clipboard::write(text)),
        }
        Action::None
    }

    fn show_address(&mut self, ports: &Ports) -> Action {
        let (Some(path), Some(device)) = (self.path.value().cloned(), ports.device.clone()) else {
            return Action::None;
        };
        if matches!(self.address, Address::Asking { .. }) {
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
        self.address = Address::Asking {
            path,
            expected: None,
            _task: handle.abort_on_drop(),
        };
        Action::Run(task)
    }

    fn address_shown(&mut self, result: Result<(KeyId, String), DeviceError>) {
        let Address::Asking { path, .. } = &self.address else {
            return;
        };
        self.address = match result {
            Ok((key, on_screen)) => Address::Confirmed {
                path: path.clone(),
                key,
                on_screen,
            },
            Err(error) => Address::Failed(error),
        };
    }

    fn install(&mut self, kind: Kind) -> Action {
        let (task, handle) = blocking(move || udev::install(kind), Message::RulesInstalled).abortable();
        self.rules = Rules::Installing {
            _task: handle.abort_on_drop(),
        };
        Action::Run(task)
    }

    pub fn view<'a>(&'a self, known: &Known<'a>) -> Element<'a, Message> {
        let shown = Shown {
            seen: known.seen,
            found: known.found,
            spec: known.spec,
            profile: known.profile,
            sandbox: known.sandbox,
            rules: &self.rules,
        };
        let listed = list::listed(&shown);
        let mut content = column![].spacing(Gap::M);
        if !listed.iter().any(list::Listed::is_used) {
            content = content.push(unused(&shown, listed.is_empty()));
        }
        for one in listed {
            content = content.push(list::view(one, &shown));
        }
        if let Seen::Open { kind, info: Ok(_), .. } = known.seen {
            content = content.push(self.address_view(*kind, known.profile));
        }
        let maker = self.table.unwrap_or_else(|| maker(known.seen));
        content = content.push(table::view(maker));
        page(
            "Devices",
            secondary_button("Refresh").on_press(Message::Refresh),
            content,
        )
    }
}

/// Why none is in use, and what to do.
fn unused<'a>(shown: &Shown<'a>, none: bool) -> Element<'a, Message> {
    match shown.seen {
        Seen::Missing(DeviceError::Several { .. }) => {
            info("Several devices are connected. Choose the one to use.").into()
        }
        Seen::Missing(DeviceError::NotConnected { .. } | DeviceError::Gone { .. }) if !none => {
            info("The device in use is not connected. Plug it in again, or use another one.").into()
        }
        Seen::Missing(DeviceError::NotConnected { .. } | DeviceError::Gone { .. }) => nothing(shown.profile),
        Seen::Missing(error) => card(diagnosis::view(error, shown)).into(),
        Seen::Searching | Seen::Open { .. } if none => card(muted("Looking for devices…")).into(),
        Seen::Searching | Seen::Open { .. } => column![].into(),
    }
}

/// Whose table is of interest.
fn maker(seen: &Seen) -> Maker {
    match seen {
        Seen::Open { kind, info, .. } => {
            let told = info.as_ref().ok().and_then(|info| info.model.as_deref());
            let model = match info {
                Err(DeviceError::NoCoinOnModel { model, .. }) => Some(model.as_str()),
                _ => told,
            };
            Maker::of(*kind, model)
        }
        Seen::Searching | Seen::Missing(_) => Maker::Ledger,
    }
}

fn nothing<'a>(profile: &Profile) -> Element<'a, Message> {
    let app = &profile.devices.ledger_app;
    let steps = [
        "Plug a Ledger or Trezor in and unlock it.".to_owned(),
        format!("On a Ledger, open the {app} app; a Trezor has no apps."),
        "Close Ledger Live, Trezor Suite and other wallets: only one program can talk to a device.".to_owned(),
    ];
    card(
        column![
            heading("No device is connected"),
            progress_list(steps.map(|step| (Progress::Next, step))),
            body(supported(profile)),
            muted("A device is noticed within two seconds; the table below says what each can do.")
        ]
        .spacing(Gap::M),
    )
    .into()
}

fn supported(profile: &Profile) -> String {
    let ledger = "Supported are Ledger Nano S Plus, Nano X, Stax and Flex";
    if crate::hw::trezor::knows(profile) {
        format!(
            "{ledger}, Trezor One and Trezor Model T. The firmware of Trezor Safe 3, 5 and 7 does not know {}.",
            profile.coin
        )
    } else {
        format!("{ledger}. No Trezor knows the addresses of {}.", profile.name)
    }
}
