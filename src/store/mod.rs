//! What is kept on this computer: settings, the vault of keys, the journal of operations, the history of masternodes.
//!
//! Secrets are in the vault and nowhere else. Settings, journal and history are written so that they can hold none: their
//! types take public data only.
//!
//! Calls here block (disk, key stretching); above this layer they belong on a thread of their own.

pub mod alert_log;
pub mod alerts;
pub mod clock;
pub mod derive;
pub mod dirs;
pub mod eip2333;
pub mod file;
pub mod history;
pub mod import;
pub mod journal;
pub mod keys;
pub mod labels;
pub mod phrase;
pub mod platform_key;
mod secret;
pub mod settings;
pub mod slip10;
pub mod vault;

pub use alert_log::{AlertLog, AlertLogError};
pub use alerts::{Alerts, Private, Quiet};
pub use dirs::Dirs;
pub use file::FileError;
pub use history::{History, HistoryError};
pub use journal::{Journal, JournalError};
pub use keys::{KeyInfo, Kind, Origin, Public};
pub use labels::{Item, Labels, LabelsError};
pub use phrase::{Phrase, PhraseError};
pub use platform_key::PlatformKey;
pub use settings::Settings;

pub use vault::{Vault, VaultError};
