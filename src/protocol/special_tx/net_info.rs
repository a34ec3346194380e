//! The address structure of payload version 3 ("extended addresses"), read only to tell a well-formed payload from a broken one.
//!
//! Never emitted: the layout changed between node releases and is active on no network.

use crate::protocol::wire::{DecodeError, Reader};

const FORMAT: u8 = 1;
const NETWORK_ADDRESS: u8 = 1;
const DOMAIN: u8 = 2;

/// Reads past one structure.
///
/// # Errors
/// Truncated, or of a form version 3 does not know.
pub fn skip(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    let format = reader.u8()?;
    if format != FORMAT {
        return Err(DecodeError::UnknownVersion {
            version: u16::from(format),
        });
    }
    for _ in 0..reader.length()? {
        reader.u8()?;
        for _ in 0..reader.length()? {
            skip_entry(reader)?;
        }
    }
    Ok(())
}

fn skip_entry(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    match reader.u8()? {
        NETWORK_ADDRESS => {
            reader.u8()?;
            reader.var_bytes()?;
        }
        DOMAIN => {
            reader.var_bytes()?;
        }
        kind => {
            return Err(DecodeError::UnknownType {
                version: 3,
                kind: u16::from(kind),
            });
        }
    }
    reader.u16_be().map(drop)
}

/// Whether bytes have the shape of a version-3 ProRegTx.
pub fn is_pro_reg_v3(payload: &[u8]) -> bool {
    fn read(payload: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader::new(payload);
        reader.u16()?;
        let kind = reader.u16()?;
        reader.take(2 + 36)?;
        skip(&mut reader)?;
        reader.take(20 + 48 + 20 + 2)?;
        reader.var_bytes()?;
        reader.take(32)?;
        if kind == 1 {
            reader.take(20)?;
        }
        reader.var_bytes()?;
        reader.finish()
    }
    read(payload).is_ok()
}

/// Whether bytes have the shape of a version-3 ProUpServTx.
pub fn is_pro_up_serv_v3(payload: &[u8]) -> bool {
    fn read(payload: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader::new(payload);
        reader.u16()?;
        let kind = reader.u16()?;
        reader.take(32)?;
        skip(&mut reader)?;
        reader.var_bytes()?;
        reader.take(32)?;
        if kind == 1 {
            reader.take(20)?;
        }
        reader.take(96)?;
        reader.finish()
    }
    read(payload).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_ipv4_address_is_skipped_to_its_last_byte() {
        let bytes = [1, 1, 0, 1, 1, 1, 4, 1, 2, 3, 4, 0x27, 0x0f];
        let mut reader = Reader::new(&bytes);
        assert_eq!(skip(&mut reader), Ok(()));
        assert_eq!(reader.remaining(), 0);
        for cut in 0..bytes.len() {
            assert!(skip(&mut Reader::new(&bytes[..cut])).is_err(), "{cut}");
        }
    }
}
