//! The instants in certificates, as text.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::SignedDuration;
use jiff::civil::{self, DateTime};

pub(crate) const SECONDS_PER_DAY: i64 = 86_400;

/// Returns an instant in UTC.
///
/// A [`jiff::Timestamp`] ends a day before 9999-12-31T23:59:59Z, which stands for no expiry in a certificate (RFC 5280,
/// section 4.1.2.5).
fn utc(time: SystemTime) -> Option<DateTime> {
    civil::date(1970, 1, 1)
        .at(0, 0, 0, 0)
        .checked_add(SignedDuration::from_secs(unix_seconds(time)?))
        .ok()
}

/// Returns the whole seconds since 1970, rounded down.
pub(crate) fn unix_seconds(time: SystemTime) -> Option<i64> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).ok(),
        Err(before) => {
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).ok()?;
            Some(-whole - i64::from(before.subsec_nanos() > 0))
        }
    }
}

/// Returns an instant in RFC 3339, to the second; `None` for a year that RFC 3339 cannot express.
pub(crate) fn rfc3339(time: SystemTime) -> Option<String> {
    let time = utc(time)?;
    (time.year() >= 0).then(|| format!("{time}Z"))
}

/// Returns the day of an instant, such as `2026-11-24`.
pub(crate) fn day(time: SystemTime) -> String {
    utc(time).map_or_else(
        || "(date out of range)".into(),
        |time| time.date().to_string(),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn formats_up_to_the_last_second_of_a_certificate() {
        let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        assert_eq!(rfc3339(last).unwrap(), "9999-12-31T23:59:59Z");
        assert_eq!(day(last), "9999-12-31");
        // On Windows, time ends in the year 30828.
        let far = UNIX_EPOCH + Duration::from_secs(500_000_000_000);
        assert_eq!(rfc3339(far), None);
        let before = UNIX_EPOCH - Duration::from_millis(1);
        assert_eq!(unix_seconds(before), Some(-1));
        assert_eq!(rfc3339(before).unwrap(), "1969-12-31T23:59:59Z");
    }
}
