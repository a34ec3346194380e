//! Where rewards go: an address that is typed, or one of the device.

use bitcoin::bip32::DerivationPath;
use iced::task::Handle;
use iced::widget::{column, row};
use iced::{Element, Task};

use super::context::{Context, Look};
use crate::flow::Error;
use crate::flow::register::look;
use crate::protocol::{Address, Profile, path};
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, error_notice, help, input, secondary_button};

#[derive(Debug, Default)]
pub struct Payout {
    address: Field<Address>,
    device: FromDevice,
    run: u64,
}

#[derive(Debug, Default)]
enum FromDevice {
    #[default]
    Idle,
    Running {
        run: u64,
        _task: Handle,
    },
    Taken(DerivationPath),
    Failed(Error),
}

#[derive(Debug, Clone)]
pub enum Message {
    Edited(String),
    TakeFromDevice,
    Taken(u64, Result<(DerivationPath, Address), Error>),
    Submit,
}

impl Payout {
    /// Begins with what the chain has.
    pub fn with(address: Address, profile: &Profile) -> Self {
        Self {
            address: Field::with(address.to_text(profile), address),
            ..Self::default()
        }
    }

    pub fn update(&mut self, cx: &Context<'_>, message: Message) -> Task<Message> {
        match message {
            Message::Edited(text) => {
                self.device = FromDevice::Idle;
                self.address.edit(text, |text| Address::parse(text, cx.profile()));
            }
            Message::TakeFromDevice => return self.take(cx),
            Message::Taken(run, result) => self.taken(cx, run, result),
            Message::Submit => {}
        }
        Task::none()
    }

    fn take(&mut self, cx: &Context<'_>) -> Task<Message> {
        self.run += 1;
        let run = self.run;
        let ask = look::payout_address(cx.ports.clone(), cx.taken.clone());
        let (task, handle) = Task::perform(ask, move |result| Message::Taken(run, result)).abortable();
        self.device = FromDevice::Running {
            run,
            _task: handle.abort_on_drop(),
        };
        task
    }

    fn taken(&mut self, cx: &Context<'_>, run: u64, result: Result<(DerivationPath, Address), Error>) {
        if !matches!(self.device, FromDevice::Running { run: asked, .. } if asked == run) {
            return;
        }
        self.device = match result {
            Ok((path, address)) => {
                self.address = Field::with(address.to_text(cx.profile()), address);
                FromDevice::Taken(path)
            }
            Err(error) => FromDevice::Failed(error),
        };
    }

    pub fn recheck(&mut self, profile: &Profile) {
        if self.address.is_touched() {
            self.address.recheck(|text| Address::parse(text, profile));
        }
    }

    pub fn refuse(&mut self, reason: &str) {
        self.address.refuse(reason);
    }

    pub fn value(&self) -> Option<Address> {
        self.address.value().copied()
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let field = input("Payout address", &self.address, Message::Edited)
            .help(format!(
                "An address of {} that is neither the owner's nor the voting key's. Rewards are paid to it.",
                look.profile.name
            ))
            .mono()
            .id("payout")
            .on_submit(Message::Submit);
        let free = look.device.is_some() && !matches!(self.device, FromDevice::Running { .. });
        let take =
            secondary_button("Use an address of the device").on_press_maybe(free.then_some(Message::TakeFromDevice));
        let state: Element<'a, Message> = match &self.device {
            FromDevice::Taken(path) => help(format!("The device's address at {}.", path::to_text(path))).into(),
            FromDevice::Running { .. } => help("Asking the device.").into(),
            FromDevice::Failed(error) => error_notice(error).into(),
            FromDevice::Idle => help("").into(),
        };
        column![field, row![take, state].spacing(Gap::M).align_y(iced::Center)]
            .spacing(Gap::S)
            .into()
    }
}
