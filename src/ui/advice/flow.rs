//! Of what the app does.

use super::Advice;
use crate::flow::Error;

impl Advice for Error {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::Node(error) => return error.advice(),
            Self::Device(error) => return error.advice(),
            Self::Vault(error) => return error.advice(),
            Self::Journal(error) => return error.advice(),
            Self::History(error) => return error.advice(),
            Self::Reorganised { .. } => "Try again: the node has followed another branch meanwhile.",
            Self::NoDevice => "Plug it in, unlock it and open its coin's app; the Devices page says more.",
            Self::VaultLocked => "Unlock it on the Keys page.",
            Self::NoSlot { .. } => "Unlock it with its passphrase; then you can add the device on the Keys page.",
            Self::AddedAlready { .. } => "There is nothing to do.",
            Self::NotRepeatable { .. } => "Nothing was added; look whether the app on the device has an update.",
            Self::Rule(_) => "Go back and correct it; nothing was signed.",
            Self::FeeKeyShort { .. } => "Send the money from your device with one click, or from any wallet.",
            Self::Short(_) => "Send some money to the device's account first, or pay a smaller amount.",
            Self::NoCollateral { .. } => {
                "Send exactly this amount to an address of the device, wait for a confirmation, and search again."
            }
            Self::SeveralCollaterals { .. } => "Choose one from the list.",
            Self::CollateralMissing { .. } => "Check transaction and index; a spent output backs no masternode.",
            Self::CollateralOfAnotherKey { .. } => "Name the path of the key that holds it, or choose another output.",
            Self::CollateralPathUnknown { .. } => {
                "Name its path if it belongs to another account; otherwise connect the device that holds it."
            }
            Self::NoSuchType { .. } => "Choose a regular masternode, or another network.",
            Self::KeyOfOtherKind { .. } => "Choose a key of the right kind, or make a new one.",
            Self::OperatorInOtherEncoding { .. } => "Use another operator key: each masternode needs its own.",
            Self::UnprovenCoin { .. } => "Nothing was signed; connect another node.",
            Self::Guarded { .. } => "Choose other coins, or unlock this one by typing its phrase if you mean it.",
            Self::CoinNotReady { .. } => "Choose other coins, or wait.",
            Self::NoSuchCoin { .. } => "Look at the account's coins again and choose anew.",
            Self::TooManyCoins { .. } => "Choose fewer coins and pay several times.",
            Self::FeeRate { .. } => "Choose a rate within these bounds, or leave it to the node.",
            Self::FeeTooHigh { .. } => "Choose a lower fee rate or fewer coins.",
            Self::NothingToPay => "Say how much to pay.",
            Self::Labels(error) => return error.advice(),
            Self::Alerts(error) => return error.advice(),
            Self::NoAlerts => "Start the program again.",
            Self::Signature(_) => "Nothing was sent; check that the right device is connected and try again.",
            Self::NotAsReviewed { .. } => "Nothing was sent; begin again and review it once more.",
            Self::Decode(_) => "Check that the whole transaction was copied.",
            Self::NotSynced { .. } => "Wait until the node has all blocks.",
            Self::CannotResume { .. } => "Begin it anew; nothing of it was sent.",
            Self::NoSuchMasternode { .. } => "Check the hash; a new masternode is listed with the next block.",
            Self::ChangedMeanwhile { .. } => "Nothing was sent; begin again from the masternode as it is now.",
            Self::OperatorRevoked { .. } => "Update the operator key with the owner key; then update the service.",
            Self::NotTheKey { .. } => {
                "Choose the key the masternode list names, or leave it out and let the vault find it."
            }
            Self::NotTold { .. } => "Name it yourself, or connect a newer node.",
            Self::SignatureElsewhere { .. } => "Export the operation to a file and complete it where that key is.",
            Self::Handover(_) => "Nothing was signed; ask for the file again.",
            Self::Pasted(_) => "Paste the 64 hexadecimal digits of the operator's secret.",
            Self::Sandbox { .. } => "Close what uses its port, or start the program again.",
            Self::NoRandomness => "Restart the computer; without random numbers no safe key can be made.",
        };
        Some(text.to_owned())
    }

    fn is_calm(&self) -> bool {
        matches!(self, Self::Device(error) if error.is_calm())
    }
}
