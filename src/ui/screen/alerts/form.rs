//! What is typed on the page: quiet hours, patience with the node, webhook, command. Kept when it is saved.

use super::Way;
use crate::notify::{NotifyError, command, webhook};
use crate::store::alerts::{Alerts, Private, Quiet, TimeOfDay};
use crate::ui::widget::Field;

/// Longer than a day nobody wants to wait.
const MOST_MINUTES: u32 = 24 * 60;

pub struct Form {
    /// There are quiet hours.
    pub quiet: bool,
    pub from: Field<TimeOfDay>,
    pub to: Field<TimeOfDay>,
    pub minutes: Field<u32>,
    pub webhook: Field<Private>,
    pub command: Field<Private>,
}

impl Form {
    pub fn of(settings: &Alerts) -> Self {
        let night = Quiet {
            from: TimeOfDay::of_minutes(22 * 60),
            to: TimeOfDay::of_minutes(7 * 60),
        };
        let quiet = settings.quiet.unwrap_or(night);
        let private = |text: &Private| Field::with(text.as_str(), text.clone());
        Self {
            quiet: settings.quiet.is_some(),
            from: Field::with(quiet.from.to_string(), quiet.from),
            to: Field::with(quiet.to.to_string(), quiet.to),
            minutes: Field::with(settings.node_down_minutes.to_string(), settings.node_down_minutes),
            webhook: private(&settings.webhook),
            command: private(&settings.command),
        }
    }

    pub fn edit_from(&mut self, text: String) {
        self.from.edit(text, str::parse);
    }

    pub fn edit_to(&mut self, text: String) {
        self.to.edit(text, str::parse);
    }

    pub fn edit_minutes(&mut self, text: String) {
        self.minutes.edit(text, |text| {
            let minutes = text.trim().parse::<u32>().ok();
            minutes
                .filter(|minutes| (1..=MOST_MINUTES).contains(minutes))
                .ok_or("a number of minutes from 1 to 1440")
        });
    }

    pub fn edit_webhook(&mut self, text: String) {
        self.webhook.edit(text, |text| read(text, webhook::check));
    }

    pub fn edit_command(&mut self, text: String) {
        self.command
            .edit(text, |text| read(text, |text| command::Command::new(text).map(|_| ())));
    }

    pub fn hours(&self) -> Option<Quiet> {
        Some(Quiet {
            from: *self.from.value()?,
            to: *self.to.value()?,
        })
    }

    /// The settings with what is typed; none while something is wrong.
    pub fn applied(&self, settings: &Alerts) -> Option<Alerts> {
        let quiet = if self.quiet { Some(self.hours()?) } else { None };
        Some(Alerts {
            quiet,
            node_down_minutes: *self.minutes.value()?,
            webhook: self.webhook.value()?.clone(),
            command: self.command.value()?.clone(),
            ..settings.clone()
        })
    }

    /// The settings with one way only, as it is typed.
    pub fn of_way(&self, settings: &Alerts, way: Way) -> Alerts {
        let typed = |field: &Field<Private>| Private::from(field.text());
        let none = Private::default;
        let (webhook, command) = match way {
            Way::Desktop => (none(), none()),
            Way::Webhook => (typed(&self.webhook), none()),
            Way::Command => (none(), typed(&self.command)),
        };
        Alerts {
            webhook,
            command,
            ..settings.clone()
        }
    }
}

/// Nothing typed is nobody told.
fn read(text: &str, check: impl FnOnce(&str) -> Result<(), NotifyError>) -> Result<Private, NotifyError> {
    if !text.trim().is_empty() {
        check(text)?;
    }
    Ok(text.into())
}
