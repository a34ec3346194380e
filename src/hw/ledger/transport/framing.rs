//! HID framing: a command or answer in 64-byte reports.
//!
//! `channel 0101 | tag 05 | sequence u16 BE | (first report only) length u16 BE | data`, padded with zeros.
//! Source: LedgerHQ/ledgerjs `hid-framing`; why it is written here: `docs/adr/0001-ledger-hid-framing.md`.

use super::super::bad;
use crate::hw::DeviceError;

pub const REPORT: usize = 64;
const CHANNEL: [u8; 2] = [0x01, 0x01];
const TAG: u8 = 0x05;
const HEAD: usize = 5;

/// The reports of a command, each with the report id 00 before it, as `hidapi` wants them written.
pub fn reports(command: &[u8]) -> Vec<[u8; REPORT + 1]> {
    let mut stream = (command.len() as u16).to_be_bytes().to_vec();
    stream.extend_from_slice(command);
    stream
        .chunks(REPORT - HEAD)
        .zip(0u16..)
        .map(|(chunk, sequence)| {
            let mut report = [0; REPORT + 1];
            report[1..3].copy_from_slice(&CHANNEL);
            report[3] = TAG;
            report[4..6].copy_from_slice(&sequence.to_be_bytes());
            report[6..6 + chunk.len()].copy_from_slice(chunk);
            report
        })
        .collect()
}

/// An answer being put together.
#[derive(Debug, Default)]
pub struct Assembly {
    sequence: u16,
    length: Option<usize>,
    data: Vec<u8>,
}

impl Assembly {
    /// Takes the next report (without report id); gives the answer with its status word when it is whole.
    ///
    /// # Errors
    /// [`DeviceError::BadAnswer`]: another channel or tag, or a report out of order.
    pub fn push(&mut self, report: &[u8]) -> Result<Option<Vec<u8>>, DeviceError> {
        let [c0, c1, tag, s0, s1, data @ ..] = report else {
            return Err(bad("a report without a head"));
        };
        if [*c0, *c1] != CHANNEL || *tag != TAG {
            return Err(bad("a report of another channel"));
        }
        if u16::from_be_bytes([*s0, *s1]) != self.sequence {
            return Err(bad("a report out of order"));
        }
        self.sequence = self.sequence.wrapping_add(1);
        let (length, data) = match (self.length, data) {
            (Some(length), data) => (length, data),
            (None, [l0, l1, data @ ..]) => (usize::from(u16::from_be_bytes([*l0, *l1])), data),
            (None, _) => return Err(bad("a first report without a length")),
        };
        self.length = Some(length);
        let missing = length - self.data.len();
        self.data.extend_from_slice(&data[..data.len().min(missing)]);
        Ok((self.data.len() == length).then(|| std::mem::take(&mut self.data)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_short_command_is_one_padded_report() {
        let reports = reports(&[0xb0, 0x01, 0, 0, 0]);
        assert_eq!(reports.len(), 1);
        assert_eq!(reports[0][..13], [0, 1, 1, 5, 0, 0, 0, 5, 0xb0, 0x01, 0, 0, 0]);
        assert_eq!(reports[0][13..], [0; 52]);
    }

    #[test]
    fn the_longest_command_takes_five_reports() {
        let reports = reports(&[0xaa; 260]);
        assert_eq!(reports.len(), 5);
        assert_eq!(reports[4][..6], [0, 1, 1, 5, 0, 4]);
    }

    #[test]
    fn reports_of_others_or_out_of_order_are_refused() {
        let whole = reports(&[7; 100]);
        let mut other = whole[0];
        other[2] = 2;
        assert!(Assembly::default().push(&other[1..]).is_err());
        assert!(Assembly::default().push(&whole[1][1..]).is_err());
        let mut twice = Assembly::default();
        assert_eq!(twice.push(&whole[0][1..]), Ok(None));
        assert!(twice.push(&whole[0][1..]).is_err());
    }

    proptest! {
        #[test]
        fn what_is_cut_into_reports_comes_back_whole(message in proptest::collection::vec(any::<u8>(), 0..1000)) {
            let mut assembly = Assembly::default();
            let reports = reports(&message);
            for (at, report) in reports.iter().enumerate() {
                let done = assembly.push(&report[1..]).unwrap();
                prop_assert_eq!(done, (at + 1 == reports.len()).then(|| message.clone()));
            }
        }

        #[test]
        fn reports_of_any_bytes_never_panic(
            reports in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..70), 0..6),
        ) {
            let mut assembly = Assembly::default();
            for (at, mut report) in reports.into_iter().enumerate() {
                if report.len() > 5 {
                    report[..5].copy_from_slice(&[1, 1, 5, 0, at as u8]);
                }
                if assembly.push(&report).is_err() {
                    break;
                }
            }
        }
    }
}
