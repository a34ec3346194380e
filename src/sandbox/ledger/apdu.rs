//! Commands and answers: the ISO 7816 frame and the status words of the app and the dashboard.

pub(super) const OK: u16 = 0x9000;
pub(super) const LOCKED: u16 = 0x5515;
/// The user said no to a question of the dashboard.
pub(super) const DECLINED_ON_DASHBOARD: u16 = 0x5501;
pub(super) const BAD_LENGTH: u16 = 0x6700;
pub(super) const NOT_INSTALLED: u16 = 0x6807;
/// Declined by the user, or a command out of order.
pub(super) const CONDITIONS: u16 = 0x6985;
pub(super) const BAD_DATA: u16 = 0x6a80;
pub(super) const BAD_P1_P2: u16 = 0x6b00;
pub(super) const UNKNOWN_INS: u16 = 0x6d00;
pub(super) const WRONG_CLA: u16 = 0x6e00;
pub(super) const ON_DASHBOARD: u16 = 0x6e01;
pub(super) const INTERNAL: u16 = 0x6f00;
pub(super) const BAD_OUTPUT: u16 = 0x6f0f;

/// A command as the app sees it; the declared length is the real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Command<'a> {
    pub cla: u8,
    pub ins: u8,
    pub p1: u8,
    pub p2: u8,
    pub data: &'a [u8],
}

impl<'a> Command<'a> {
    /// `CLA INS P1 P2 [Lc data]`; none if Lc is not the length of the rest (there is no Le byte).
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(4)?;
        let data = match rest.split_first() {
            None => rest,
            Some((lc, data)) if usize::from(*lc) == data.len() => data,
            Some(_) => return None,
        };
        Some(Self {
            cla: head[0],
            ins: head[1],
            p1: head[2],
            p2: head[3],
            data,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub data: Vec<u8>,
    pub status: u16,
}

impl Answer {
    pub fn ok(data: impl Into<Vec<u8>>) -> Self {
        Self {
            data: data.into(),
            status: OK,
        }
    }

    pub fn status(status: u16) -> Self {
        Self {
            data: Vec::new(),
            status,
        }
    }
}

/// Why a command got no answer of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    /// This status word and no data.
    Refuse(u16),
    /// A failed assertion: the app closes without a word.
    Crash,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_byte_must_be_the_length_and_may_be_missing_with_no_data() {
        assert!(Command::parse(&[0xb0, 1, 0, 0]).is_some_and(|command| command.data.is_empty()));
        assert!(Command::parse(&[0xb0, 1, 0, 0, 0]).is_some());
        assert!(Command::parse(&[0xe0, 0x40, 0, 0, 1, 7]).is_some_and(|command| command.data == [7]));
        assert!(Command::parse(&[0xe0, 0x40, 0, 0, 1, 7, 0]).is_none());
        assert!(Command::parse(&[0xe0, 0x40, 0]).is_none());
    }
}
