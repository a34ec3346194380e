//! What a device says of itself (`Features`), and whether it can be used.

use trezor_client::protos::Features;
use trezor_client::protos::features::Capability;

use super::coin::Coin;
use crate::hw::{DeviceError, Kind, minimum};

/// An initialised device with firmware that knows the coin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traits {
    /// `Trezor Model T`
    pub model: &'static str,
    /// Of the firmware: `2.4.1`.
    pub version: String,
    pub label: Option<String>,
    /// Whether the next request for a key asks for the PIN.
    pub locked: bool,
    /// Whether a passphrase belongs to the wallet. A locked Model T says no in any case.
    pub passphrase: bool,
    /// Whether a passphrase can be typed on the device.
    pub passphrase_entry: bool,
}

impl Traits {
    /// # Errors
    /// Why it cannot be used: bootloader, firmware without the coin, too old, no wallet.
    pub fn of(features: &Features, coin: &Coin) -> Result<Self, DeviceError> {
        if features.bootloader_mode() {
            return Err(DeviceError::Bootloader { kind: Kind::Trezor });
        }
        let model = model(features);
        let minimum = minimum(Kind::Trezor, Some(model)).ok_or_else(|| no_coin(model, coin))?;
        let found = version_text(features);
        if !minimum.allows(&found) {
            return Err(DeviceError::OldFirmware {
                model: model.to_owned(),
                found,
                minimum: minimum.text(),
            });
        }
        if is_bitcoin_only(features) {
            return Err(no_coin(&format!("{model} with Bitcoin-only firmware"), coin));
        }
        if !features.initialized() {
            return Err(DeviceError::NotInitialised { kind: Kind::Trezor });
        }
        Ok(Self {
            model,
            version: found,
            label: features.label.as_deref().map(plain).filter(|label| !label.is_empty()),
            locked: features.pin_protection() && !features.unlocked(),
            passphrase: features.passphrase_protection(),
            passphrase_entry: has(features, Capability::Capability_PassphraseEntry),
        })
    }
}

/// As printed on the box. Old firmware tells the short name only.
pub fn model(features: &Features) -> &'static str {
    match (features.internal_model(), features.model()) {
        ("T1B1", _) | ("", "1") => "Trezor One",
        ("T2T1", _) | ("", "T") => "Trezor Model T",
        ("T2B1" | "T3B1", _) | ("", "R" | "Safe 3") => "Trezor Safe 3",
        ("T3T1", _) | ("", "Safe 5") => "Trezor Safe 5",
        ("T3W1", _) | ("", "Safe 7") => "Trezor Safe 7",
        _ => "Trezor",
    }
}

/// True for a name of `model` whose firmware has no Dash.
pub fn is_without_dash(model: &str) -> bool {
    matches!(model, "Trezor Safe 3" | "Trezor Safe 5" | "Trezor Safe 7")
}

/// Only the One and the Model T know Dash; their makers do not plan to add it to the others.
pub fn no_coin(model: &str, coin: &Coin) -> DeviceError {
    DeviceError::NoCoinOnModel {
        model: model.to_owned(),
        coin: coin.name.to_owned(),
    }
}

fn version_text(features: &Features) -> String {
    format!(
        "{}.{}.{}",
        features.major_version(),
        features.minor_version(),
        features.patch_version()
    )
}

fn is_bitcoin_only(features: &Features) -> bool {
    !features.capabilities.is_empty() && !has(features, Capability::Capability_Bitcoin_like)
}

fn has(features: &Features, wanted: Capability) -> bool {
    features
        .capabilities
        .iter()
        .any(|capability| capability.enum_value() == Ok(wanted))
}

/// A name without letters that steer a terminal or turn the words around it.
fn plain(name: &str) -> String {
    let steers = |letter: &char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    name.chars().filter(|letter| !steers(letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::trezor::wire::coin;
    use crate::protocol::network::builtin;

    fn model_t() -> Features {
        let mut features = Features::new();
        features.set_major_version(2);
        features.set_minor_version(4);
        features.set_patch_version(1);
        features.set_model("T".to_owned());
        features.set_initialized(true);
        features
    }

    fn refusal(change: impl FnOnce(&mut Features)) -> DeviceError {
        let mut features = model_t();
        change(&mut features);
        Traits::of(&features, coin::of(&builtin("dash").unwrap()).unwrap()).unwrap_err()
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let dash = coin::of(&builtin("dash").unwrap()).unwrap();
        assert_eq!(
            Traits::of(&model_t(), dash).map(|traits| traits.model),
            Ok("Trezor Model T")
        );
        let kind = Kind::Trezor;
        assert_eq!(
            refusal(|features| features.set_bootloader_mode(true)),
            DeviceError::Bootloader { kind }
        );
        assert_eq!(
            refusal(|features| features.set_initialized(false)),
            DeviceError::NotInitialised { kind }
        );
        let old = refusal(|features| features.set_minor_version(3));
        assert_eq!(
            old.to_string(),
            "the firmware 2.3.1 of the Trezor Model T is older than 2.4"
        );
        let old = refusal(|features| {
            features.set_model("1".to_owned());
            features.set_major_version(1);
            features.set_minor_version(9);
        });
        assert!(matches!(old, DeviceError::OldFirmware { .. }));
        let bitcoin_only = refusal(|features| features.capabilities.push(Capability::Capability_Bitcoin.into()));
        assert!(matches!(bitcoin_only, DeviceError::NoCoinOnModel { .. }));
    }

    #[test]
    fn the_models_without_dash_are_told_apart() {
        for (internal, name) in [
            ("T2B1", "Trezor Safe 3"),
            ("T3B1", "Trezor Safe 3"),
            ("T3T1", "Trezor Safe 5"),
            ("T3W1", "Trezor Safe 7"),
            ("T9X9", "Trezor"),
        ] {
            let refused = refusal(|features| features.set_internal_model(internal.to_owned()));
            assert_eq!(
                refused.to_string(),
                format!("the firmware of the {name} does not know Dash")
            );
        }
    }
}
