//! Dates and durations as text.

use std::time::{Duration, SystemTime};

use dcs::CertificateSummary;
use jiff::Timestamp;

const SECONDS_PER_DAY: u64 = 86_400;

/// Formats a duration, such as `850 us`, `12.3 ms` or `1.20 s`.
pub fn duration(duration: Duration) -> String {
    match duration.as_micros() {
        us @ 0..1_000 => format!("{us} us"),
        1_000..1_000_000 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}

/// Returns microseconds, for JSON.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Formats a time, such as `2030-01-01 12:30 UTC`.
pub fn utc_of_millis(millis: i64) -> String {
    match Timestamp::from_millisecond(millis) {
        Ok(instant) => instant.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => "an unknown time".into(),
    }
}

/// Formats a time in RFC 3339, such as `2026-11-24 12:00 UTC`.
pub fn utc_of(rfc3339: Option<&str>) -> String {
    let parts = rfc3339.and_then(|text| Some((text.get(..10)?, text.get(11..16)?)));
    parts.map_or_else(
        || "an unknown time".into(),
        |(day, time)| format!("{day} {time} UTC"),
    )
}

/// Describes whether a certificate is valid at a time.
pub fn validity(certificate: &CertificateSummary, now: SystemTime) -> String {
    let count = |days: u64| match days {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    let days = |time: Duration| count(time.as_secs() / SECONDS_PER_DAY);
    if let Ok(until) = certificate.not_before.duration_since(now)
        && !until.is_zero()
    {
        return format!("NOT YET VALID: starts in {}", days(until));
    }
    match certificate.not_after.duration_since(now) {
        Ok(left) => format!("{} left", days(left)),
        Err(expired) => format!("EXPIRED {} ago", days(expired.duration())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_rfc_3339() {
        assert_eq!(utc_of(Some("2024-10-04T00:05:10Z")), "2024-10-04 00:05 UTC");
        assert_eq!(utc_of(None), "an unknown time");
    }
}
