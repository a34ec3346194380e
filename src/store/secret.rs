//! Secret bytes and their written forms, wiped when dropped.

use std::fmt;
use std::io;

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// Secret bytes on the heap, so that moving them leaves no copy. Written as lower-case hex inside the vault's content,
/// which a JSON reader hands over without a copy of its own. `Debug` prints nothing.
#[derive(Clone, Default)]
pub(crate) struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, if there are exactly `N`.
    pub fn array<const N: usize>(&self) -> Option<Zeroizing<[u8; N]>> {
        let mut array = Zeroizing::new([0; N]);
        (self.0.len() == N).then(|| {
            array.copy_from_slice(&self.0);
            array
        })
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

impl Serialize for SecretBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Hex;
        impl Visitor<'_> for Hex {
            type Value = SecretBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("hexadecimal digits")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SecretBytes, E> {
                // Never the text itself: errors are shown.
                from_hex(text)
                    .map(SecretBytes)
                    .ok_or_else(|| E::custom("not hexadecimal"))
            }
        }
        deserializer.deserialize_str(Hex).map_err(D::Error::custom)
    }
}

/// Lower-case hex, in one allocation: a string that grows leaves its former buffers unwiped.
pub(crate) fn to_hex(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for digit in bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]) {
        text.push(char::from_digit(digit.into(), 16).expect("half a byte is below 16"));
    }
    text
}

/// Bytes of hex digits of either case; none for anything else.
pub(crate) fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    for pair in digits.chunks_exact(2) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        // Two digits are below 256.
        bytes.push((high << 4 | low) as u8);
    }
    Some(bytes)
}

/// A growing buffer that wipes what it outgrows.
#[derive(Default)]
pub(crate) struct WipedBuffer(Zeroizing<Vec<u8>>);

impl WipedBuffer {
    pub fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl io::Write for WipedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity((2 * needed).max(4096)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn secret_bytes_are_written_as_hex_and_never_shown() {
        let secret = SecretBytes::new(&[0xab, 0x01]);
        let json = serde_json::to_string(&secret).unwrap();
        assert_eq!(json, "\"ab01\"");
        let read: SecretBytes = serde_json::from_str(&json).unwrap();
        assert_eq!(read.as_slice(), [0xab, 0x01]);
        assert_eq!(format!("{secret:?}"), "SecretBytes(..)");
        assert!(secret.array::<2>().is_some() && secret.array::<3>().is_none());
    }

    #[test]
    fn an_error_does_not_repeat_the_text() {
        let error = serde_json::from_str::<SecretBytes>("\"zz01secret\"").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(from_hex("abc").is_none() && from_hex("0g").is_none() && from_hex("é").is_none());
    }

    #[test]
    fn the_buffer_keeps_all_bytes_while_it_grows() {
        let mut buffer = WipedBuffer::default();
        let bytes: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
        for part in bytes.chunks(7) {
            buffer.write_all(part).unwrap();
        }
        assert_eq!(*buffer.into_bytes(), bytes);
    }
}
