//! Times, lengths of time and foreign text, in words.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::civil::{self, DateTime};
use jiff::{SignedDuration, Timestamp};

const SECONDS_PER_DAY: i64 = 86_400;

/// Text from outside without what would move, hide or turn round the text about it: control characters but
/// for line ends, and the marks of bidirectional text (UAX #9).
pub fn clean(text: &str) -> String {
    let is_unsafe = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.replace(is_unsafe, "?")
}

/// The same on one line.
pub fn clean_line(text: &str) -> String {
    clean(text).replace('\n', " ")
}

/// Such as `850 us`, `12.3 ms` or `1.20 s`.
pub fn duration(duration: Duration) -> String {
    match duration.as_micros() {
        us @ 0..1_000 => format!("{us} us"),
        1_000..1_000_000 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}

/// Microseconds, for a machine.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// An instant of the service, such as `2030-01-01 12:30 UTC`.
pub fn utc_of_millis(millis: i64) -> String {
    match Timestamp::from_millisecond(millis) {
        Ok(instant) => instant.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => "an unknown time".into(),
    }
}

/// An instant of a certificate in UTC. Not as a [`Timestamp`], which ends a day before the last instant that
/// a certificate can name (RFC 5280, section 4.1.2.5).
fn utc(time: SystemTime) -> Option<DateTime> {
    civil::date(1970, 1, 1)
        .at(0, 0, 0, 0)
        .checked_add(SignedDuration::from_secs(unix_seconds(time)?))
        .ok()
}

fn unix_seconds(time: SystemTime) -> Option<i64> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).ok(),
        Err(before) => i64::try_from(before.duration().as_secs()).ok().map(|s| -s),
    }
}

/// Such as `2026-11-24 12:00 UTC`.
pub fn utc_of(time: SystemTime) -> String {
    utc(time).map_or_else(
        || "an unknown time".into(),
        |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

/// RFC 3339 to the second, for a machine.
pub fn rfc3339(time: SystemTime) -> Option<String> {
    utc(time).map(|time| format!("{time}Z"))
}

/// Whole days until an instant, rounded down: negative where it has passed.
pub fn days_until(time: SystemTime, now: SystemTime) -> Option<i64> {
    Some((unix_seconds(time)? - unix_seconds(now)?).div_euclid(SECONDS_PER_DAY))
}

/// How a time of validity stands to an instant.
pub fn validity(not_before: SystemTime, not_after: SystemTime, now: SystemTime) -> String {
    let count = |days: i64| match days {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    if now < not_before {
        let days = days_until(not_before, now).unwrap_or_default();
        return format!("NOT VALID YET: begins in {}", count(days));
    }
    if not_after < now {
        let days = days_until(now, not_after).unwrap_or_default();
        return format!("EXPIRED {} ago", count(days));
    }
    match days_until(not_after, now) {
        Some(days) => format!("{} left", count(days)),
        None => "valid".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_in_words() {
        let day = Duration::from_secs(86_400);
        let now = UNIX_EPOCH + 20_000 * day;
        let hour = Duration::from_secs(3600);
        for (before, after, words) in [
            (now - day, now + 2 * day + hour, "2 days left"),
            (now - day, now + hour, "less than a day left"),
            (now - 9 * day, now - day - hour, "EXPIRED 1 day ago"),
            (now - 9 * day, now - hour, "EXPIRED less than a day ago"),
            (
                now + 3 * day,
                now + 9 * day,
                "NOT VALID YET: begins in 3 days",
            ),
        ] {
            assert_eq!(validity(before, after, now), words);
        }
        assert_eq!(utc_of(now), "2024-10-04 00:00 UTC");
        assert_eq!(rfc3339(now).unwrap(), "2024-10-04T00:00:00Z");
        // 9999-12-31T23:59:59Z: no end.
        let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        assert_eq!(rfc3339(last).unwrap(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn foreign_text_moves_nothing() {
        assert_eq!(clean("a\u{1b}[2Jb\rc\u{202e}d\ne"), "a?[2Jb?c?d\ne");
        assert_eq!(clean_line("a\nb"), "a b");
    }
}
