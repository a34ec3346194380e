//! What time of the day it is here. SQLite asks the system for the time zone, with its summer time, on every platform; the standard
//! library cannot.

use rusqlite::Connection;

use super::alerts::TimeOfDay;

/// The local time of the day at a moment in **Unix seconds**; none where the system does not tell its time zone.
pub fn time_of_day(unix: u64) -> Option<TimeOfDay> {
    let minutes = local(
        unix,
        "CAST(strftime('%H', ?1, 'unixepoch', 'localtime') AS INTEGER) * 60 + CAST(strftime('%M', ?1, 'unixepoch', 'localtime') AS INTEGER)",
    )?;
    minutes.parse().ok().map(TimeOfDay::of_minutes)
}

/// `2026-11-20 15:24`, in local time.
pub fn date_time(unix: u64) -> Option<String> {
    local(unix, "strftime('%Y-%m-%d %H:%M', ?1, 'unixepoch', 'localtime')")
}

fn local(unix: u64, expression: &str) -> Option<String> {
    let database = Connection::open_in_memory().ok()?;
    let unix = i64::try_from(unix).ok()?;
    let query = format!("SELECT CAST({expression} AS TEXT)");
    database.query_row(&query, [unix], |row| row.get(0)).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hours_move_on_with_the_seconds() {
        // 2026-11-20 15:24:37 UTC, in any time zone of whole minutes.
        let (then, later) = (1_795_188_277, 1_795_188_277 + 3 * 3_600 + 60);
        let minutes = |unix| {
            let text = time_of_day(unix).unwrap().to_string();
            let (hours, minutes) = text.split_once(':').unwrap();
            hours.parse::<u32>().unwrap() * 60 + minutes.parse::<u32>().unwrap()
        };
        assert_eq!((minutes(later) + 1440 - minutes(then)) % 1440, 181);
        let words = date_time(then).unwrap();
        assert!(words.starts_with("2026-11-2") && words.len() == 16, "{words}");
        assert!(words.ends_with(&time_of_day(then).unwrap().to_string()), "{words}");
    }

    #[test]
    fn a_moment_beyond_all_calendars_is_none() {
        assert_eq!(time_of_day(u64::MAX), None);
        assert_eq!(date_time(i64::MAX as u64), None);
    }
}
