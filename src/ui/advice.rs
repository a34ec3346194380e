//! The next step for each error. Errors say what happened, in one clause; what to do about it is said here and only here.

use std::fmt;

use crate::hw::{DeviceError, Kind};
use crate::rpc::RpcError;

/// An error with, if there is one, a sentence of advice.
pub trait Advice: fmt::Display {
    /// One sentence, beginning with a capital letter, ending with a full stop.
    fn advice(&self) -> Option<String>;
}

/// An error's clause as a sentence: capital letter, full stop.
pub fn sentence(error: &(impl fmt::Display + ?Sized)) -> String {
    let text = error.to_string();
    let text = text.trim();
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let end = if text.ends_with(['.', '!', '?', '…']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

/// What happened and what to do, in one line.
pub fn explain(error: &impl Advice) -> String {
    match error.advice() {
        Some(advice) => format!("{} {advice}", sentence(error)),
        None => sentence(error),
    }
}

/// The rules that let users of a Linux desktop open Ledger and Trezor devices.
pub const UDEV_RULES: &str = r#"SUBSYSTEM=="hidraw", ATTRS{idVendor}=="2c97", TAG+="uaccess"
SUBSYSTEM=="usb", ATTRS{idVendor}=="2c97", TAG+="uaccess"
SUBSYSTEM=="hidraw", ATTRS{idVendor}=="1209", ATTRS{idProduct}=="53c1", TAG+="uaccess"
SUBSYSTEM=="usb", ATTRS{idVendor}=="1209", ATTRS{idProduct}=="53c1", TAG+="uaccess"
"#;

/// Where they go.
pub const UDEV_FILE: &str = "/etc/udev/rules.d/51-castellan.rules";

impl Advice for DeviceError {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::Declined => "Nothing was signed; you can try again whenever you like.".to_owned(),
            Self::NotConnected { kind } => format!("Plug the {kind} in, unlock it and {}.", open_app(*kind)),
            Self::Locked { .. } => "Enter the PIN on the device.".to_owned(),
            Self::WrongApp { kind, wanted, .. } => {
                format!("Open the {wanted} app on the {kind}, then try again.")
            }
            Self::WrongCoin { wanted, .. } => format!("Open the app that serves {wanted} on the device."),
            Self::NoPermission { .. } => {
                format!(
                    "Put the udev rules of the Devices page into {UDEV_FILE}, then unplug the device and plug it in again."
                )
            }
            Self::Busy { .. } => {
                "Answer the question on the device, and close Ledger Live and other wallets that use it.".to_owned()
            }
            Self::Several { .. } => "Unplug all but the one you mean.".to_owned(),
            Self::Gone { kind } => format!("Plug the {kind} in again, unlock it and {}.", open_app(*kind)),
            Self::BadAnswer { .. } => "Unplug the device, plug it in again and try once more.".to_owned(),
            Self::Status { kind, .. } => {
                format!("Close and open the app on the {kind}, and look whether it has an update.")
            }
            Self::OtherKey { .. } => {
                "The signature was thrown away; check that this is the device with your collateral.".to_owned()
            }
            Self::Unsupported { .. } => "This step needs another way or another device.".to_owned(),
            Self::PreviousTx => "Nothing was signed; connect to a node you trust and try again.".to_owned(),
            Self::Path(_) => "Write the path as m/44'/5'/0'/0/0.".to_owned(),
            Self::BadSpec { .. } => "Write ledger, trezor or ledger@host:port.".to_owned(),
        };
        Some(text)
    }
}

fn open_app(kind: Kind) -> &'static str {
    match kind {
        Kind::Ledger => "open its coin's app",
        Kind::Trezor => "wait until it shows its home screen",
    }
}

impl Advice for RpcError {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::Unreachable { .. } => {
                "Check that the node runs, that host and port are right, and that a firewall or tunnel lets you through."
            }
            Self::Timeout { .. } => "The node may be busy or far away; try again in a moment.",
            Self::Certificate { .. } => {
                "Use the name the certificate was made for, or reach the node through an SSH tunnel."
            }
            Self::Unauthorized { .. } => "Check rpcuser and rpcpassword, or choose the node's .cookie file.",
            Self::Forbidden { .. } => {
                "Add this computer to rpcallowip, or the call to rpcwhitelist, in the node's configuration."
            }
            Self::Busy { .. } => "Wait a moment, or raise rpcworkqueue in the node's configuration.",
            Self::WarmingUp { .. } => "Wait until the node has loaded its blocks; this can take some minutes.",
            Self::NotANode { .. } => "Check the port: RPC and P2P ports differ.",
            Self::TooLarge { .. } => "No honest answer is that large; connect to another node.",
            Self::Malformed { .. } => "The node may be of an unknown version; update it or connect to another one.",
            Self::UnknownMethod { .. } => "Update the node, or connect to one that allows this call.",
            Self::Failed { .. } => "Look into the node's debug.log for the reason.",
            Self::Rejected { .. } => "Nothing was registered; go back, correct it and try again.",
            Self::OtherChain { .. } => "Choose the network this node belongs to, or connect to another node.",
            Self::OtherData { .. } => "This node does not tell the truth; connect to another one.",
            Self::NoCoinSearch => "Name the outputs yourself, or start the node with -addressindex=1.",
            Self::Cookie { .. } => "Check the path; the file exists only while the node runs.",
            Self::BadUrl { .. } => "Write it as http://127.0.0.1:9998.",
        };
        Some(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_becomes_a_sentence() {
        assert_eq!(sentence("no device is connected"), "No device is connected.");
        assert_eq!(sentence("über 100 %"), "Über 100 %.");
        assert_eq!(sentence("done!"), "Done!");
        assert_eq!(sentence("  "), "");
    }

    #[test]
    fn advice_follows_the_error() {
        let error = DeviceError::WrongApp {
            kind: Kind::Ledger,
            found: "Bitcoin".into(),
            wanted: "Dash".into(),
        };
        assert_eq!(
            explain(&error),
            "The app Bitcoin is open on the Ledger instead of Dash. Open the Dash app on the Ledger, then try again."
        );
        assert!(UDEV_RULES.lines().all(|line| line.contains("uaccess")));
    }

    #[test]
    fn every_advice_is_a_sentence() {
        let url = || "http://node:1".to_owned();
        for error in [
            RpcError::Unreachable {
                url: url(),
                kind: "refused".into(),
            },
            RpcError::Unauthorized { url: url() },
            RpcError::NoCoinSearch,
        ] {
            let advice = error.advice().unwrap();
            assert_eq!(advice, sentence(&advice));
        }
    }
}
