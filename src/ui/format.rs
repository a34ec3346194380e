//! Values as people read them: amounts with their ticker, short hashes, heights, times.

use crate::protocol::{Amount, Profile};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

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

/// Digits in groups of three: `1,234,567`.
pub fn grouped(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
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

/// `one key`, `2 keys`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{} {many}", grouped(number as u64))
    }
}

/// How far a moment is away: `in about 3 hours`, `5 minutes ago`, `now`. **Unix seconds**.
pub fn relative(now: u64, then: u64) -> String {
    let far = duration(now.abs_diff(then));
    match (far, then >= now) {
        (None, _) => "now".to_owned(),
        (Some(far), true) => format!("in about {far}"),
        (Some(far), false) => format!("{far} ago"),
    }
}

/// `40 seconds`, `3 hours`, `2 days`; none below five seconds.
pub fn duration(seconds: u64) -> Option<String> {
    let (number, unit) = match seconds {
        0..5 => return None,
        5..90 => (seconds, "second"),
        90..5_400 => ((seconds + MINUTE / 2) / MINUTE, "minute"),
        5_400..172_800 => ((seconds + HOUR / 2) / HOUR, "hour"),
        _ => ((seconds + DAY / 2) / DAY, "day"),
    };
    Some(if number == 1 {
        format!("1 {unit}")
    } else {
        format!("{number} {unit}s")
    })
}

/// `2026-11-20 15:24 UTC`, from **Unix seconds**.
pub fn date_time(unix: u64) -> String {
    let (year, month, day) = civil(unix / DAY);
    let second = unix % DAY;
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02} UTC",
        second / HOUR,
        second % HOUR / MINUTE
    )
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
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
    fn numbers_are_grouped() {
        assert_eq!(grouped(0u32), "0");
        assert_eq!(grouped(999u32), "999");
        assert_eq!(grouped(1_234_567u32), "1,234,567");
        assert_eq!(height(0), "never");
        assert_eq!(count(1, "key", "keys"), "1 key");
        assert_eq!(count(0, "key", "keys"), "0 keys");
    }

    #[test]
    fn percents_have_no_needless_zeros() {
        assert_eq!(percent(0), "0 %");
        assert_eq!(percent(525), "5.25 %");
        assert_eq!(percent(550), "5.5 %");
        assert_eq!(percent(505), "5.05 %");
        assert_eq!(percent(10_000), "100 %");
    }

    #[test]
    fn moments_are_told_from_now() {
        assert_eq!(relative(100, 100), "now");
        assert_eq!(relative(0, 10_800), "in about 3 hours");
        assert_eq!(relative(300, 0), "5 minutes ago");
        assert_eq!(relative(0, 5_400), "in about 2 hours");
        assert_eq!(relative(0, 259_200), "in about 3 days");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date_time(0), "1970-01-01 00:00 UTC");
        assert_eq!(date_time(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date_time(1_795_188_277), "2026-11-20 15:24 UTC");
    }
}
