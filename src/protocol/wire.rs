//! Reading and writing the integers, lengths and byte strings of Dash's serialisation.
//!
//! All integers are little-endian unless a name says otherwise. Lengths are Bitcoin's compactSize in their shortest form:
//! a longer form is refused, as nodes do, so that decoding and encoding are exact inverses.

use thiserror::Error;

/// Why bytes are not the structure they were taken for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    #[error("the data ends at byte {at} where {wanted} more bytes were expected")]
    UnexpectedEnd { at: usize, wanted: usize },
    #[error("a length at byte {at} is not in its shortest form")]
    LongLength { at: usize },
    #[error("{count} bytes are left over after the last field")]
    Trailing { count: usize },
    #[error("not hexadecimal")]
    NotHex,
    #[error("payload version {version} is not one this program knows")]
    UnknownVersion { version: u16 },
    #[error("masternode type {kind} is not known in payload version {version}")]
    UnknownType { version: u16, kind: u16 },
    #[error("transaction type {found} instead of {expected}")]
    OtherType { found: u16, expected: u16 },
    #[error("a payload signature of {len} bytes, not 0 or 65")]
    SignatureLength { len: usize },
}

/// A position in a byte slice; every read is checked.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes not yet read.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// How many bytes were read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        if self.remaining() < count {
            return Err(DecodeError::UnexpectedEnd {
                at: self.at,
                wanted: count - self.remaining(),
            });
        }
        let taken = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Big-endian, as ports of service addresses are.
    pub fn u16_be(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A compactSize in its shortest form.
    pub fn length(&mut self) -> Result<u64, DecodeError> {
        let at = self.at;
        let (value, least) = match self.u8()? {
            0xfd => (u64::from(self.u16()?), 0xfd),
            0xfe => (u64::from(self.u32()?), 0x1_0000),
            0xff => (self.u64()?, 0x1_0000_0000),
            small => (u64::from(small), 0),
        };
        if value < least {
            Err(DecodeError::LongLength { at })
        } else {
            Ok(value)
        }
    }

    /// A compactSize and that many bytes.
    pub fn var_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.length()?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        self.take(len)
    }

    /// # Errors
    /// Bytes that nobody read.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            count => Err(DecodeError::Trailing { count }),
        }
    }
}

/// The writing half: appends to a byte vector.
pub trait WriteWire {
    fn put_u16(&mut self, value: u16);
    fn put_u16_be(&mut self, value: u16);
    fn put_u32(&mut self, value: u32);
    fn put_u64(&mut self, value: u64);
    /// A compactSize.
    fn put_length(&mut self, value: usize);
    /// A compactSize and the bytes.
    fn put_var_bytes(&mut self, bytes: &[u8]);
}

impl WriteWire for Vec<u8> {
    fn put_u16(&mut self, value: u16) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_u16_be(&mut self, value: u16) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_length(&mut self, value: usize) {
        match value as u64 {
            small @ 0..=0xfc => self.push(small as u8),
            medium @ 0xfd..=0xffff => {
                self.push(0xfd);
                self.put_u16(medium as u16);
            }
            large @ 0x1_0000..=0xffff_ffff => {
                self.push(0xfe);
                self.put_u32(large as u32);
            }
            huge => {
                self.push(0xff);
                self.put_u64(huge);
            }
        }
    }

    fn put_var_bytes(&mut self, bytes: &[u8]) {
        self.put_length(bytes.len());
        self.extend_from_slice(bytes);
    }
}

/// Bytes of a hexadecimal text; surrounding white space is forgiven.
///
/// # Errors
/// An odd number of digits or anything that is not one.
pub fn from_hex(text: &str) -> Result<Vec<u8>, DecodeError> {
    use bitcoin::hex::FromHex;
    Vec::from_hex(text.trim()).map_err(|_| DecodeError::NotHex)
}

/// Lower-case hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    use bitcoin::hex::DisplayHex;
    bytes.to_lower_hex_string()
}

/// SHA256 twice, as every hash in transactions is made.
pub fn sha256d(bytes: &[u8]) -> [u8; 32] {
    use bitcoin::hashes::{Hash, sha256d};
    sha256d::Hash::hash(bytes).to_byte_array()
}

/// A hash as RPCs print it: the stored bytes reversed, lower-case.
pub fn hash_to_display(internal: &[u8; 32]) -> String {
    let mut reversed = *internal;
    reversed.reverse();
    to_hex(&reversed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_round_trip_at_their_borders() {
        for value in [0usize, 1, 0xfc, 0xfd, 0xffff, 0x1_0000, 0xffff_ffff] {
            let mut bytes = Vec::new();
            bytes.put_length(value);
            assert_eq!(Reader::new(&bytes).length(), Ok(value as u64));
        }
    }

    #[test]
    fn a_length_in_a_longer_form_is_refused() {
        for long in [
            &[0xfd, 0xfc, 0x00][..],
            &[0xfe, 0xff, 0xff, 0, 0],
            &[0xff, 1, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(Reader::new(long).length(), Err(DecodeError::LongLength { at: 0 }));
        }
    }

    #[test]
    fn a_length_beyond_the_data_is_an_error_and_not_an_allocation() {
        let hostile = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        assert!(matches!(
            Reader::new(&hostile).var_bytes(),
            Err(DecodeError::UnexpectedEnd { .. })
        ));
    }
}
