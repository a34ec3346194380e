//! Commands and answers of Ledger's Bitcoin-family apps (Dash 2.x), as pure bytes.
//!
//! Who sends them and in which order is left to the client. Sources: LedgerHQ/app-bitcoin `doc/btc.asc`, its
//! lib-app-bitcoin, and recordings of the real app (`tests/data/ledger`).

pub mod message;
pub mod signature;
pub mod spend;
pub mod status;
pub mod trusted_input;

use bitcoin::bip32::{ChainCode, DerivationPath};
use bitcoin::secp256k1::PublicKey;

use super::bad;
use crate::hw::DeviceError;
use crate::protocol::wire::{DecodeError, Reader};

/// Class byte of the app's own commands.
const APP: u8 = 0xe0;
/// Class byte of the commands every app and the dashboard answer.
const ANY_APP: u8 = 0xb0;
/// What one command may carry: its length is one byte.
pub const MAX_DATA: usize = 255;

/// A command: `CLA INS P1 P2 Lc data[Lc]`, without an Le byte (the app refuses one with 6700).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apdu {
    pub class: u8,
    pub instruction: u8,
    pub p1: u8,
    pub p2: u8,
    /// At most [`MAX_DATA`] bytes.
    pub data: Vec<u8>,
}

impl Apdu {
    /// # Panics
    /// More than 255 bytes of data; the builders here cut at it.
    pub fn encode(&self) -> Vec<u8> {
        let len = u8::try_from(self.data.len()).expect("builders cut at 255 bytes");
        let mut bytes = vec![self.class, self.instruction, self.p1, self.p2, len];
        bytes.extend_from_slice(&self.data);
        bytes
    }

    fn app(instruction: u8, p1: u8, p2: u8, data: Vec<u8>) -> Self {
        Self {
            class: APP,
            instruction,
            p1,
            p2,
            data,
        }
    }
}

/// Name with which the dashboard answers.
pub const DASHBOARD: &str = "BOLOS";

/// Which app is open, `B0 01`.
pub fn get_app() -> Apdu {
    Apdu {
        class: ANY_APP,
        instruction: 0x01,
        p1: 0,
        p2: 0,
        data: Vec::new(),
    }
}

/// Answer to [`get_app`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppName {
    pub name: String,
    pub version: String,
}

impl AppName {
    /// Reads `01 | u8 n | name | u8 n | version | ...`; what follows the version differs between firmwares.
    ///
    /// # Errors
    /// [`DeviceError::BadAnswer`]
    pub fn parse(answer: &[u8]) -> Result<Self, DeviceError> {
        let mut reader = Reader::new(answer);
        let read = |reader: &mut Reader<'_>| -> Result<Self, DecodeError> {
            Ok(Self {
                name: text(reader)?,
                version: text(reader)?,
            })
        };
        match reader.u8() {
            Ok(1) => read(&mut reader).map_err(|_| bad("the app's name is cut off")),
            _ => Err(bad("the app's name has an unknown format")),
        }
    }
}

/// Which coin the app serves, `E0 16`.
pub fn get_coin() -> Apdu {
    Apdu::app(0x16, 0, 0, Vec::new())
}

/// Answer to [`get_coin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coin {
    /// Version of P2PKH addresses the app shows: 76.
    pub pubkey_version: u16,
    /// Version of P2SH addresses: 16.
    pub script_version: u16,
    pub family: u8,
    /// `DarkCoin`; the app's message magic is `<coin_id> Signed Message:\n`.
    pub coin_id: String,
    /// `DASH`
    pub ticker: String,
}

impl Coin {
    /// Reads `u16 BE p2pkh | u16 BE p2sh | u8 family | u8 n coin id | u8 n ticker`.
    ///
    /// # Errors
    /// [`DeviceError::BadAnswer`]
    pub fn parse(answer: &[u8]) -> Result<Self, DeviceError> {
        let read = |mut reader: Reader<'_>| -> Result<Self, DecodeError> {
            Ok(Self {
                pubkey_version: reader.u16_be()?,
                script_version: reader.u16_be()?,
                family: reader.u8()?,
                coin_id: text(&mut reader)?,
                ticker: text(&mut reader)?,
            })
        };
        read(Reader::new(answer)).map_err(|_| bad("the coin of the app is cut off"))
    }
}

/// The public key of a path, `E0 40`; with `show` the device shows its address and waits for the user.
///
/// Even without `show` the device asks for BIP-0044 paths of another coin type than the app's.
pub fn get_public_key(path: &DerivationPath, show: bool) -> Apdu {
    Apdu::app(0x40, u8::from(show), 0, path_bytes(path))
}

/// Answer to [`get_public_key`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletKey {
    pub key: PublicKey,
    /// Of the compressed key, with the app's own prefix.
    pub address: String,
    pub chain_code: ChainCode,
}

impl WalletKey {
    /// Reads `u8 65 | uncompressed key | u8 n | address | chain code (32)`.
    ///
    /// # Errors
    /// [`DeviceError::BadAnswer`]
    pub fn parse(answer: &[u8]) -> Result<Self, DeviceError> {
        let cut = |_| bad("the public key is cut off");
        let mut reader = Reader::new(answer);
        if reader.u8() != Ok(65) {
            return Err(bad("the public key is not 65 bytes long"));
        }
        let key = PublicKey::from_slice(reader.take(65).map_err(cut)?)
            .map_err(|_| bad("the public key is no curve point"))?;
        let address = text(&mut reader).map_err(cut)?;
        let chain_code = ChainCode::from(reader.array::<32>().map_err(cut)?);
        reader
            .finish()
            .map_err(|_| bad("bytes follow the public key's chain code"))?;
        Ok(Self {
            key,
            address,
            chain_code,
        })
    }
}

/// `u8 count | count x u32 BE`. At most ten levels (`protocol::path::check`): more crash the app.
pub fn path_bytes(path: &DerivationPath) -> Vec<u8> {
    let mut bytes = vec![path.len() as u8];
    for level in path {
        bytes.extend_from_slice(&u32::from(*level).to_be_bytes());
    }
    bytes
}

/// `u8 length | bytes`. Names go to the user, so anything that is no plain text is replaced.
fn text(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let len = reader.u8()?;
    let bytes = reader.take(usize::from(len))?;
    Ok(String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect())
}

/// Packs a stream for the app's transaction parser into as few commands as its rules allow: it reads field after field, wherever a
/// command ends, but exits when a field that it wants whole goes on in the next one (lib-app-bitcoin, `transaction_parse`).
#[derive(Default)]
struct Packed {
    full: Vec<Vec<u8>>,
    open: Vec<u8>,
}

impl Packed {
    /// What must not be cut; at most [`MAX_DATA`] bytes.
    fn whole(&mut self, piece: &[u8]) {
        if self.open.len() + piece.len() > MAX_DATA {
            self.full.push(std::mem::take(&mut self.open));
        }
        self.open.extend_from_slice(piece);
    }

    /// What may be cut anywhere.
    fn loose(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.open.len() == MAX_DATA {
                self.full.push(std::mem::take(&mut self.open));
            }
            let fits = bytes.len().min(MAX_DATA - self.open.len());
            self.open.extend_from_slice(&bytes[..fits]);
            bytes = &bytes[fits..];
        }
    }

    /// The commands; `command` is told whether it is the first.
    fn commands(mut self, command: impl Fn(bool, Vec<u8>) -> Apdu) -> Vec<Apdu> {
        if !self.open.is_empty() {
            self.full.push(self.open);
        }
        let all = self.full.into_iter().enumerate();
        all.map(|(at, data)| command(at == 0, data)).collect()
    }
}

/// Cuts bytes into commands of one instruction: `p1` says for every chunk whether it is the first and whether the last.
fn chunked(bytes: &[u8], size: usize, command: impl Fn(bool, bool, Vec<u8>) -> Apdu) -> Vec<Apdu> {
    let count = bytes.len().div_ceil(size);
    bytes
        .chunks(size)
        .enumerate()
        .map(|(at, chunk)| command(at == 0, at + 1 == count, chunk.to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_app_name_is_read_and_a_cut_one_refused() {
        let answer = b"\x01\x04Dash\x052.4.6\x01\x00";
        let app = AppName::parse(answer).unwrap();
        assert_eq!((app.name.as_str(), app.version.as_str()), ("Dash", "2.4.6"));
        for cut in 0..11 {
            assert!(matches!(
                AppName::parse(&answer[..cut]),
                Err(DeviceError::BadAnswer { .. })
            ));
        }
        assert!(AppName::parse(b"\x02\x04Dash\x052.4.6").is_err());
    }

    #[test]
    fn control_characters_in_a_name_do_not_reach_the_user() {
        let app = AppName::parse(b"\x01\x03D\x1b[\x011").unwrap();
        assert_eq!(app.name, "D?[");
    }

    proptest! {
        #[test]
        fn answers_of_any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = AppName::parse(&bytes);
            let _ = Coin::parse(&bytes);
            let _ = WalletKey::parse(&bytes);
            let _ = trusted_input::TrustedInput::parse(&bytes);
            let _ = signature::DeviceSignature::of_message(&bytes);
            let _ = signature::DeviceSignature::of_input(&bytes);
        }
    }
}
