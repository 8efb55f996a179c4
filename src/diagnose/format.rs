//! Numbers, times and names as findings and reports show them.

use std::borrow::Cow;
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;

/// Returns a number with its noun: "no days", "1 day", "2 days", "3 addresses".
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if noun.ends_with('s') { "es" } else { "s" };
    match number {
        0 => format!("no {noun}{plural}"),
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}{plural}"),
    }
}

/// Returns a time span in a unit of which there are at least two, rounded down: "90 seconds", "3 hours", "12 days",
/// and "10 years" or more.
pub(super) fn time_span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (unit, noun) = match seconds {
        s if s >= 10 * YEAR => (YEAR, "year"),
        s if s >= 2 * DAY => (DAY, "day"),
        s if s >= 2 * HOUR => (HOUR, "hour"),
        s if s >= 2 * MINUTE => (MINUTE, "minute"),
        _ => (1, "second"),
    };
    match seconds / unit {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}

/// Returns how this machine's clock compares with the server's, to follow "The clock is".
pub(super) fn clock(skew_seconds: i64) -> String {
    let difference = time_span(Duration::from_secs(skew_seconds.unsigned_abs()));
    match skew_seconds {
        -1..=1 => "in agreement with the server's".into(),
        2.. => format!("{difference} ahead of the server's"),
        _ => format!("{difference} behind the server's"),
    }
}

/// Returns how long a step took, such as `850 us`, `12.3 ms` or `1.20 s`.
pub(super) fn duration(duration: Duration) -> String {
    let us = duration.as_micros();
    match us {
        0..1_000 => format!("{us} us"),
        1_000..1_000_000 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}

/// Returns at most `max` characters of a text; three dots stand for the rest.
pub(super) fn cut(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        None => text.into(),
        Some(_) => {
            let start: String = text.chars().take(max.saturating_sub(3)).collect();
            format!("{start}...").into()
        }
    }
}

/// Returns the Common Name of a subject (RFC 4514), or the whole subject if it has none.
pub(super) fn common_name(subject: &str) -> &str {
    let mut is_escaped = false;
    let parts = subject.split(|c| {
        let separates = !is_escaped && (c == ',' || c == '+');
        is_escaped = !is_escaped && c == '\\';
        separates
    });
    parts
        .filter_map(|part| part.trim_start().split_once('='))
        .find(|(kind, value)| kind.eq_ignore_ascii_case("CN") && !value.trim().is_empty())
        .map_or(subject, |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_get_the_right_plural() {
        assert_eq!(count(0, "day"), "no days");
        assert_eq!(count(1, "CA"), "1 CA");
        assert_eq!(count(2, "address"), "2 addresses");
    }

    #[test]
    fn time_spans_have_a_fitting_unit() {
        for (seconds, expected) in [
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (2 * HOUR + 1, "2 hours"),
            (2 * DAY - 1, "47 hours"),
            (12 * DAY, "12 days"),
            (4_000 * DAY, "10 years"),
        ] {
            assert_eq!(time_span(Duration::from_secs(seconds)), expected);
        }
        assert_eq!(clock(-1), "in agreement with the server's");
        assert_eq!(clock(42), "42 seconds ahead of the server's");
        assert_eq!(clock(-7_200), "2 hours behind the server's");
    }

    #[test]
    fn durations_have_a_fitting_unit() {
        for (us, expected) in [(850, "850 us"), (12_340, "12.3 ms"), (1_200_000, "1.20 s")] {
            assert_eq!(duration(Duration::from_micros(us)), expected);
        }
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(cut("abcdef", 5), "ab...");
        assert_eq!(cut("abcde", 5), "abcde");
    }

    #[test]
    fn finds_the_common_name() {
        for (subject, name) in [
            ("CN=dcs,O=Example", "dcs"),
            (r"O=A\,CN=no,CN=yes\, indeed", r"yes\, indeed"),
            ("OU=a+CN=b,O=c", "b"),
            ("O=only", "O=only"),
            ("CN=,O=x", "CN=,O=x"),
            ("", ""),
        ] {
            assert_eq!(common_name(subject), name);
        }
    }
}
