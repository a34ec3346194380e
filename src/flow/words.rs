//! Numbers and times inside sentences, the same in the window and on the terminal.

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

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

/// A wait as operators write it: `about 40 min`, `about 49 h`, `about 5 days`. **Seconds**.
pub fn about(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..5_400 => (seconds.div_ceil(MINUTE).max(1), "min"),
        5_400..360_000 => ((seconds + HOUR / 2) / HOUR, "h"),
        _ => ((seconds + DAY / 2) / DAY, "days"),
    };
    format!("about {} {unit}", grouped(number))
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
pub fn civil(days: u64) -> (u64, u64, u64) {
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

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(0u32), "0");
        assert_eq!(grouped(999u32), "999");
        assert_eq!(grouped(1_234_567u32), "1,234,567");
        assert_eq!(count(1, "key", "keys"), "1 key");
        assert_eq!(count(0, "key", "keys"), "0 keys");
    }

    #[test]
    fn a_wait_is_told_in_minutes_hours_or_days() {
        assert_eq!(about(0), "about 1 min");
        assert_eq!(about(61), "about 2 min");
        assert_eq!(about(1_121 * 315 / 2), "about 49 h");
        assert_eq!(about(99 * HOUR), "about 99 h");
        assert_eq!(about(5 * DAY), "about 5 days");
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
