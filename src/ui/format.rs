//! Values as people read them: amounts with their ticker, short hashes, heights, times.

use crate::protocol::{Amount, Profile};

use crate::flow::words::civil;
pub use crate::flow::words::{about, count, date_time, duration, grouped, relative};

/// `in 2 d 3 h`, `in 12 min`; `now` where it is due. **Unix seconds**.
pub fn wait_until(now: u64, then: u64) -> String {
    match then.saturating_sub(now) {
        0..30 => "now".to_owned(),
        wait => format!("in {}", span(wait)),
    }
}

/// `2 d 3 h`, `3 h 20 min`, `12 min`, `40 s`. **Seconds**.
pub fn span(seconds: u64) -> String {
    let minutes = (seconds + 30) / 60;
    let (days, hours, rest) = (minutes / 1_440, minutes % 1_440 / 60, minutes % 60);
    match (days, hours, rest) {
        _ if seconds < 90 => format!("{seconds} s"),
        (0, 0, _) => format!("{rest} min"),
        (0, _, 0) => format!("{hours} h"),
        (0, ..) => format!("{hours} h {rest} min"),
        (_, 0, _) => format!("{days} d"),
        _ => format!("{days} d {hours} h"),
    }
}

/// `Tue 24 Nov, 14:00 UTC`, for days not far away, from **Unix seconds**.
pub fn day_time(unix: u64) -> String {
    let of_day = unix % 86_400;
    format!("{}, {:02}:{:02} UTC", day(unix), of_day / 3_600, of_day % 3_600 / 60)
}

/// `Tue 24 Nov`
pub fn day(unix: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let days = unix / 86_400;
    let (_, month, day) = civil(days);
    let month = MONTHS[(month as usize).clamp(1, 12) - 1];
    format!("{} {day} {month}", DAYS[(days % 7) as usize])
}

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
    fn a_wait_is_told_in_two_units() {
        assert_eq!(wait_until(100, 90), "now");
        assert_eq!(wait_until(0, 45), "in 45 s");
        assert_eq!(span(12 * 60), "12 min");
        assert_eq!(span(3 * 3_600 + 20 * 60), "3 h 20 min");
        assert_eq!(span(2 * 3_600), "2 h");
        assert_eq!(span(2 * 86_400 + 3 * 3_600), "2 d 3 h");
        // Rounded up to the next unit as a whole.
        assert_eq!(span(86_400 - 10), "1 d");
    }

    #[test]
    fn days_are_those_of_the_week() {
        assert_eq!(day_time(0), "Thu 1 Jan, 00:00 UTC");
        assert_eq!(day_time(1_795_528_800), "Tue 24 Nov, 14:00 UTC");
    }

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
