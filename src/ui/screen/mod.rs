//! The pages. Each is a state with its messages; what it asks of the window is its `Action`.

pub mod alerts;
pub mod batch;
pub mod devices;
pub mod journal;
pub mod keys;
pub mod masternodes;
pub mod network;
pub mod node_form;
pub mod part;
pub mod prompt;
pub mod register;
pub mod sandbox;
pub mod settings;
pub mod slots;
pub mod start;
pub mod update;
pub mod vault;
pub mod wallet;

pub use alerts::Alerts;
pub use batch::Batch;
pub use devices::Devices;
pub use journal::Journal;
pub use keys::Keys;
pub use masternodes::Masternodes;
pub use network::Network;
pub use prompt::Prompt;
pub use register::Register;
pub use sandbox::Sandbox;
pub use settings::Settings;
pub use slots::Slots;
pub use start::Start;
pub use update::Update;
pub use vault::Vault;
pub use wallet::Wallet;
