//! A secret only this device can open: `CipherKeyValue` (SLIP-0011).
//!
//! The device derives a key from path, text and both flags, and en- or decrypts with AES-256-CBC. It proves nothing: another device,
//! passphrase, text or flag gives other bytes, not an error. So what is sealed has to carry its own proof (an AEAD).

use bitcoin::bip32::DerivationPath;
use trezor_client::protos::{CipherKeyValue, CipheredKeyValue};
use zeroize::{Zeroize, Zeroizing};

use super::client::{Client, fingerprint};
use super::wire::levels;
use super::{bad, gone, unsupported};
use crate::hw::{DeviceError, Kind, SlotRequest, SlotSecret};

/// Bytes of a value, in steps of 16, and of the text.
pub const MAX_VALUE: usize = 1024;
const BLOCK: usize = 16;
pub const MAX_TEXT: usize = 255;

/// Which secret. All of it has to be the same for both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    pub path: DerivationPath,
    /// Shown on the device when it asks.
    pub text: String,
    /// With neither flag the device answers without a word: of no use for what must not be opened unnoticed.
    pub ask_on_encrypt: bool,
    pub ask_on_decrypt: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Encrypt,
    Decrypt,
}

impl Client {
    /// A value of 16 to 1024 bytes, a multiple of 16, to one of the same length.
    pub fn cipher(
        &mut self,
        seal: &Seal,
        direction: Direction,
        value: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DeviceError> {
        if value.is_empty() || value.len() > MAX_VALUE || !value.len().is_multiple_of(BLOCK) {
            return Err(unsupported(format!("seal a value of {} bytes", value.len())));
        }
        if seal.text.len() > MAX_TEXT {
            return Err(unsupported(format!("seal under a text of {} bytes", seal.text.len())));
        }
        // So that the wallet is the one of before: the answer itself would not tell.
        self.same_wallet()?;
        let mut request = CipherKeyValue::new();
        request.address_n = levels(&seal.path);
        request.set_key(seal.text.clone());
        request.set_value(value.to_vec());
        request.set_encrypt(direction == Direction::Encrypt);
        request.set_ask_on_encrypt(seal.ask_on_encrypt);
        request.set_ask_on_decrypt(seal.ask_on_decrypt);
        let answer = self.call::<_, CipheredKeyValue>(&request, &seal.path);
        request.value.zeroize();
        let sealed = Zeroizing::new(answer?.take_value());
        if sealed.len() == value.len() {
            Ok(sealed)
        } else {
            Err(bad("a sealed value of another length"))
        }
    }

    /// The secret that deciphering the slot's salt makes.
    ///
    /// A device with another wallet open forgets it: so a mistyped passphrase can be typed again.
    pub fn slot_secret(&mut self, request: &SlotRequest) -> Result<SlotSecret, DeviceError> {
        request.check(Kind::Trezor)?;
        self.same_wallet()?;
        let wallet = self.wallet.map(fingerprint).ok_or_else(gone)?;
        request.check_wallet(&wallet).inspect_err(|_| self.wallet = None)?;
        let seal = Seal {
            path: request.path.clone(),
            text: request.title(),
            ask_on_encrypt: true,
            ask_on_decrypt: true,
        };
        let answer = self.cipher(&seal, Direction::Decrypt, &request.salt)?;
        let secret = request.secret(Kind::Trezor, &answer);
        Ok(SlotSecret { wallet, secret })
    }
}
