//! What is told, and when not: the settings of alerts as types.

use std::collections::BTreeSet;

use super::{Alert, Kind};
use crate::store::alerts::{Alerts, Quiet};
use crate::store::clock;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Kinds that are not told.
    pub off: BTreeSet<Kind>,
    pub quiet: Option<Quiet>,
    /// **Seconds** the node may be silent.
    pub patience: u64,
}

impl Rules {
    pub fn of(settings: &Alerts) -> Self {
        Self {
            // Those of another version mean nothing here.
            off: settings.off.iter().filter_map(|name| Kind::by_name(name)).collect(),
            quiet: settings.quiet,
            patience: u64::from(settings.node_down_minutes) * 60,
        }
    }

    pub fn tells(&self, alert: &Alert) -> bool {
        !self.off.contains(&alert.kind())
    }

    /// Whether nothing is sent at a moment in **Unix seconds**. Where the system does not tell its time zone nothing is held back.
    pub fn is_quiet(&self, now: u64) -> bool {
        let holds = |quiet: Quiet| clock::time_of_day(now).is_some_and(|time| quiet.holds(time));
        self.quiet.is_some_and(holds)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::of(&Alerts::default())
    }
}
