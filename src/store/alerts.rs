//! The settings of alerts: what is told, when not, and to whom. The table `[alerts]` of the settings.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Alerts {
    /// Names of the kinds that are not told. All others are, those of later versions too.
    pub off: BTreeSet<String>,
    /// **Minutes** the node may be silent before that is told.
    pub node_down_minutes: u32,
    /// Notifications of the desktop, from the window.
    pub desktop: bool,
    /// Address that every alert is posted to; empty: none.
    pub webhook: Private,
    /// Command line that is run for every alert; empty: none.
    pub command: Private,
    /// When nothing is sent.
    pub quiet: Option<Quiet>,
    #[serde(flatten)]
    pub(crate) unknown: toml::Table,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            off: BTreeSet::new(),
            node_down_minutes: 10,
            desktop: true,
            webhook: Private::default(),
            command: Private::default(),
            quiet: None,
            unknown: toml::Table::new(),
        }
    }
}

/// A text that may hold a token: it is kept, and in no log.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private(String);

impl Private {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Private {
    fn from(text: &str) -> Self {
        Self(text.trim().to_owned())
    }
}

impl FromStr for Private {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.into())
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() {
            "Private(empty)"
        } else {
            "Private(..)"
        })
    }
}

/// Hours of the day, by this computer's clock and time zone. `from` belongs to them, `to` does not; they may go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    pub from: TimeOfDay,
    pub to: TimeOfDay,
}

impl Quiet {
    /// Whether a time of the day is in them. Beginning and end at the same time are no hours at all.
    pub fn holds(self, now: TimeOfDay) -> bool {
        if self.from <= self.to {
            (self.from..self.to).contains(&now)
        } else {
            now >= self.from || now < self.to
        }
    }
}

/// `22:00`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    /// Since midnight.
    minutes: u16,
}

/// A text that is no time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{text}' is no time of the day like 22:00")]
pub struct NotATime {
    pub text: String,
}

impl TimeOfDay {
    /// **Minutes** since midnight; more than a day begins anew.
    pub fn of_minutes(minutes: u16) -> Self {
        Self { minutes: minutes % DAY }
    }
}

impl FromStr for TimeOfDay {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str, below: u16| {
            let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u16>().ok().filter(|number| digits && *number < below)
        };
        let trimmed = text.trim();
        let read = || {
            let (hours, minutes) = trimmed.split_once(':').unwrap_or((trimmed, "0"));
            Some(number(hours, 24)? * 60 + number(minutes, 60)?)
        };
        let minutes = read().ok_or_else(|| NotATime {
            text: trimmed.to_owned(),
        })?;
        Ok(Self { minutes })
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> TimeOfDay {
        text.parse().unwrap()
    }

    #[test]
    fn quiet_hours_go_over_midnight() {
        let night = Quiet {
            from: time("22:00"),
            to: time("7:30"),
        };
        for (at, quiet) in [
            ("21:59", false),
            ("22:00", true),
            ("0:00", true),
            ("7:29", true),
            ("07:30", false),
        ] {
            assert_eq!(night.holds(time(at)), quiet, "{at}");
        }
        let noon = Quiet {
            from: time("12"),
            to: time("14"),
        };
        assert!(noon.holds(time("13:59")) && !noon.holds(time("14:00")) && !noon.holds(time("3:00")));
        let none = Quiet {
            from: time("9:00"),
            to: time("9:00"),
        };
        assert!(!none.holds(time("9:00")) && !none.holds(time("8:59")));
    }

    #[test]
    fn a_time_is_hours_and_minutes() {
        assert_eq!(time(" 7:05 ").to_string(), "07:05");
        for bad in [
            "",
            "24:00",
            "7:60",
            "-1:00",
            "7:5:1",
            "half past",
            "+7:00",
            "007:00",
            ":",
        ] {
            assert!(bad.parse::<TimeOfDay>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_settings_are_read_back_and_what_is_missing_is_as_usual() {
        let text = "off = [\"payment\"]\nwebhook = \"https://example.org/x?token=s3cret\"\nlater = 1\n[quiet]\nfrom = \"22:00\"\nto = \"07:00\"\n";
        let read: Alerts = toml::from_str(text).unwrap();
        assert!(read.desktop && read.off.contains("payment") && read.node_down_minutes == 10);
        assert!(!format!("{read:?}").contains("s3cret"), "{read:?}");
        let again: Alerts = toml::from_str(&toml::to_string(&read).unwrap()).unwrap();
        assert_eq!(again, read);
        assert!(toml::from_str::<Alerts>("[quiet]\nfrom = \"late\"\nto = \"07:00\"\n").is_err());
    }
}
