//! Status words: the two bytes that end every answer.

use crate::hw::{DeviceError, Kind};

pub const OK: u16 = 0x9000;
/// The user said no, or a command came out of order.
pub const REFUSED: u16 = 0x6985;

/// What a status word other than [`OK`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The user said no.
    Declined,
    /// No PIN entered: 5515, and what older firmware answered.
    Locked,
    /// The device shows something of its own.
    Busy,
    /// The open app (or the dashboard) does not know the command. Which one is open has to be asked.
    UnknownCommand,
    Other(u16),
}

impl Refusal {
    /// `asked`: the command may have put a question to the user. Otherwise 6985 means "out of order".
    pub fn of(status: u16, asked: bool) -> Self {
        match status {
            REFUSED if asked => Self::Declined,
            0x5515 | 0x6804 | 0x6982 | 0x6b0c => Self::Locked,
            0x6901 => Self::Busy,
            0x6d00 | 0x6d02 | 0x6e00 | 0x6e01 | 0x6511 => Self::UnknownCommand,
            other => Self::Other(other),
        }
    }

    /// The port's error. [`Refusal::UnknownCommand`] keeps its code: only the client can ask which app is open.
    pub fn error(self, status: u16) -> DeviceError {
        let kind = Kind::Ledger;
        match self {
            Self::Declined => DeviceError::Declined,
            Self::Locked => DeviceError::Locked { kind },
            Self::Busy => DeviceError::Busy { kind },
            Self::UnknownCommand | Self::Other(_) => DeviceError::Status { kind, status },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_means_declined_only_where_the_user_was_asked() {
        assert_eq!(Refusal::of(0x6985, true), Refusal::Declined);
        assert_eq!(Refusal::of(0x6985, false), Refusal::Other(0x6985));
    }

    #[test]
    fn every_code_of_a_locked_device_is_locked() {
        for status in [0x5515, 0x6804, 0x6982, 0x6b0c] {
            let error = Refusal::of(status, true).error(status);
            assert_eq!(error, DeviceError::Locked { kind: Kind::Ledger });
        }
    }

    #[test]
    fn codes_of_dashboards_and_other_apps_are_unknown_commands() {
        for status in [0x6d00, 0x6d02, 0x6e00, 0x6e01, 0x6511] {
            assert_eq!(Refusal::of(status, false), Refusal::UnknownCommand);
        }
    }
}
