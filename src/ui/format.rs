//! Values as people read them: amounts with their ticker, short hashes, heights, times.

use crate::protocol::{Amount, Profile};

pub use crate::flow::words::{about, count, date_time, duration, grouped, relative};

/// `1000 tDASH`, `0.00001234 tDASH`.
pub fn amount(amount: Amount, profile: &Profile) -> String {
    format!("{} {}", amount.short(), profile.ticker)
}

/// First eight and last six characters: `80d0f2cf…2fbd2a`. Short texts stay whole.
pub fn short_hash(text: &str) -> String {
    shorten(text, 8, 6)
}

/// `head` and `tail` characters with an ellipsis between, if that is shorter.
pub fn shorten(text: &str, head: usize, tail: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= head + tail + 1 {
        return text.to_owned();
    }
    let first: String = letters[..head].iter().collect();
    let last: String = letters[letters.len() - tail..].iter().collect();
    format!("{first}…{last}")
}

/// A block height; 0 is "never".
pub fn height(height: u32) -> String {
    if height == 0 {
        "never".to_owned()
    } else {
        grouped(height)
    }
}

/// Hundredths of a percent: `5.25 %`, `0 %`.
pub fn percent(hundredths: u16) -> String {
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    match rest {
        0 => format!("{whole} %"),
        _ if rest % 10 == 0 => format!("{whole}.{} %", rest / 10),
        _ => format!("{whole}.{rest:02} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::network;

    #[test]
    fn amounts_carry_their_ticker() {
        let testnet = network::builtin("dash-testnet").unwrap();
        assert_eq!(amount(Amount::from_coins(1000), &testnet), "1000 tDASH");
        assert_eq!(amount(Amount::from_duffs(1), &testnet), "0.00000001 tDASH");
    }

    #[test]
    fn long_texts_keep_their_ends() {
        assert_eq!(short_hash(&"0123456789abcdef".repeat(4)), "01234567…abcdef");
        assert_eq!(short_hash("abc"), "abc");
        assert_eq!(shorten("äöüäöüäöü", 2, 2), "äö…öü");
    }

    #[test]
    fn a_height_that_never_was_is_told_so() {
        assert_eq!(height(0), "never");
        assert_eq!(height(1_234_567), "1,234,567");
    }

    #[test]
    fn percents_have_no_needless_zeros() {
        assert_eq!(percent(0), "0 %");
        assert_eq!(percent(525), "5.25 %");
        assert_eq!(percent(550), "5.5 %");
        assert_eq!(percent(505), "5.05 %");
        assert_eq!(percent(10_000), "100 %");
    }
}
