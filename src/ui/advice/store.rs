//! Of files on this computer: vault, journal, settings.

use std::io;

use super::Advice;
use crate::store::alert_log::AlertLogError;
use crate::store::file::FileError;
use crate::store::history::HistoryError;
use crate::store::journal::JournalError;
use crate::store::keys::LabelError;
use crate::store::labels::LabelsError;
use crate::store::settings::SettingsError;
use crate::store::vault::VaultError;

impl Advice for FileError {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::Io {
                kind: io::ErrorKind::PermissionDenied,
                ..
            } => "Let your user read and write this file and its folder.",
            Self::Io {
                kind: io::ErrorKind::StorageFull,
                ..
            } => "Free some space on the disk, then try again.",
            Self::Io { .. } => "Check that the disk is there and that the folder can be written.",
            Self::TooLarge { .. } => "This is another file; put the right one in its place.",
            Self::Busy { .. } => "Wait until the other copy of this program has finished, then try again.",
        };
        Some(text.to_owned())
    }
}

impl Advice for VaultError {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::File(error) => return error.advice(),
            Self::Missing { .. } => "Create a vault, or put your copy of the file back.",
            Self::Exists { .. } => "Unlock it, or move the file away before you create another one.",
            Self::WrongPassphrase => "Try again; mind upper and lower case and the keyboard's language.",
            Self::EmptyPassphrase => "Type a passphrase.",
            Self::Damaged { .. } => "Put your copy of the file back, or restore the keys from the recovery phrase.",
            Self::Newer { .. } => "Open it with the newer version of this program.",
            Self::Cipher { .. } | Self::Stretching { .. } | Self::NoPassphraseSlot { .. } => {
                "It was not written by this program; put your copy of the file back."
            }
            Self::ChangedElsewhere => "Unlock the vault again.",
            Self::UnknownSlot { .. } => "Look at the list of what unlocks the vault.",
            Self::WrongDevice => {
                "Connect the device that was added, with the passphrase of its wallet, or use the vault's passphrase."
            }
            Self::PassphraseStays => "Change it, or remove a device instead.",
            Self::TooManyDevices { .. } => "Remove a device that you no longer have.",
            Self::OutOfMemory => "Close other programs, then try again.",
            Self::NoRandomness => "Restart the computer; without random numbers no safe key can be made.",
            Self::Label(error) => return error.advice(),
            Self::LabelTaken { .. } => "Choose another label.",
            Self::UnknownLabel { .. } => "Look at the Keys page for the labels there are.",
            Self::Duplicate { .. } => "Use the key that is there.",
            Self::OtherKind { .. } => "Choose a key of the right kind.",
            Self::Import(_) => "Check that the whole private key was copied and that its kind and network are right.",
            Self::Derive(_) => "Try again; if it fails again, import a key made elsewhere.",
        };
        Some(text.to_owned())
    }
}

impl Advice for AlertLogError {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::File(error) => return error.advice(),
            Self::Unknown { .. } => {
                "Move the file away, so that a new record begins, or open it with a newer version of this program."
            }
            Self::Database { .. } => "Check that the disk has space and that its folder can be written.",
        };
        Some(text.to_owned())
    }
}

impl Advice for LabelsError {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::File(error) => return error.advice(),
            Self::NotText { .. } => "Put your copy of the file back, or move it away to begin anew.",
            Self::TooLong { .. } | Self::SeveralLines => "Choose a shorter label.",
        };
        Some(text.to_owned())
    }
}

impl Advice for LabelError {
    fn advice(&self) -> Option<String> {
        Some("Use a short name such as mn1-owner.".to_owned())
    }
}

impl Advice for JournalError {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::File(error) => return error.advice(),
            Self::NotAJournal { .. } | Self::Damaged { .. } => {
                "Put your copy of the file back, or move it away so that a new journal begins."
            }
            Self::Newer { .. } => "Open it with the newer version of this program.",
            Self::Database { .. } => "Check that the disk has space and that its folder can be written.",
            Self::UnknownOperation { .. } => "Look at the Journal page for the operations there are.",
            Self::PastNoReturn { .. } => "Resume it: the node tells whether it was mined.",
            Self::NotASignature { .. } | Self::Plan { .. } => "Nothing was sent; begin anew.",
        };
        Some(text.to_owned())
    }
}

impl Advice for HistoryError {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::File(error) => return error.advice(),
            Self::NotAHistory { .. } | Self::Damaged { .. } => {
                "Move the file away: a new history begins, and the past can be read from the node again."
            }
            Self::Newer { .. } => "Open it with the newer version of this program.",
            Self::Database { .. } => "Check that the disk has space and that its folder can be written.",
        };
        Some(text.to_owned())
    }
}

impl Advice for SettingsError {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::File(error) => return error.advice(),
            Self::Malformed { .. } => "Correct that line, or move the file away to begin with fresh settings.",
            Self::CredentialsInUrl { .. } => {
                "Take user and password out of the URL and type them into their own fields."
            }
            Self::UnknownNode { .. } => "Choose one of the nodes in the settings.",
        };
        Some(text.to_owned())
    }
}
