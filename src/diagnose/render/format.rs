//! What the renderings of a report have in common: instants, times and names in words.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use crate::credentials::CertificateSummary;
use crate::datetime::{SECONDS_PER_DAY, unix_seconds};
use crate::diagnose::report::{FileSummary, Finding, Outcome, Report, Step};
use crate::error::Severity;
use crate::redact::Message;

/// To the second.
pub(super) fn system_time(created: Timestamp) -> SystemTime {
    let by = Duration::from_secs(created.as_second().unsigned_abs());
    if created.as_second() < 0 {
        UNIX_EPOCH - by
    } else {
        UNIX_EPOCH + by
    }
}

/// The report's own instant in RFC 3339, to the second.
pub(super) fn rfc3339_of(created: Timestamp) -> String {
    Timestamp::from_second(created.as_second())
        .unwrap_or(created)
        .to_string()
}

/// Whole days until the certificate expires, rounded down: negative exactly where it has expired.
pub(super) fn days_left(certificate: &CertificateSummary, created: Timestamp) -> Option<i64> {
    certificate.days_left(system_time(created))
}

fn seconds_left(certificate: &CertificateSummary, created: Timestamp) -> Option<i64> {
    unix_seconds(certificate.not_after)?.checked_sub(created.as_second())
}

/// How a certificate stands to an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validity {
    NotYet,
    Valid,
    /// Valid, but for fewer than 30 days.
    ExpiresSoon,
    Expired,
}

/// How a certificate stands to the report's instant, and that in words.
pub(super) fn validity(certificate: &CertificateSummary, created: Timestamp) -> (Validity, String) {
    let starts = unix_seconds(certificate.not_before).unwrap_or(i64::MIN);
    let until = starts.saturating_sub(created.as_second());
    if until > 0 {
        let days = (until - 1) / SECONDS_PER_DAY + 1;
        return (
            Validity::NotYet,
            format!("not valid yet: in {}", count(days, "day", "days")),
        );
    }
    match days_left(certificate, created) {
        None => (Validity::Valid, "valid".into()),
        Some(left) if left < 0 => {
            let ago = match -seconds_left(certificate, created).unwrap_or(0) / SECONDS_PER_DAY {
                0 => "less than a day ago".into(),
                days => format!("{} ago", count(days, "day", "days")),
            };
            (Validity::Expired, format!("expired {ago}"))
        }
        Some(0) => (Validity::ExpiresSoon, "less than a day left".into()),
        Some(left) if left < 30 => (
            Validity::ExpiresSoon,
            format!("{} left", count(left, "day", "days")),
        ),
        Some(left) => (Validity::Valid, format!("{} left", thousands(left, "days"))),
    }
}

fn thousands(number: i64, what: &str) -> String {
    // From ten years on nobody counts days.
    match number {
        0..3_650 => format!("{number} {what}"),
        _ => format!("{} years", number / 365),
    }
}

/// `1 day`, `2 days`.
pub(super) fn count(number: i64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// [`count`] of the length of a list.
pub(super) fn count_of<T>(list: &[T], one: &str, many: &str) -> String {
    count(i64::try_from(list.len()).unwrap_or(i64::MAX), one, many)
}

/// Such as `850 us`, `12.3 ms` or `1.20 s`.
pub(super) fn duration(duration: Duration) -> String {
    let us = duration.as_micros();
    match us {
        0..1_000 => format!("{us} us"),
        1_000..1_000_000 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}

/// Microseconds for a machine.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// At most `max` characters; three dots stand for the rest.
pub(super) fn cut(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        None => text.into(),
        Some(_) => {
            let kept: String = text.chars().take(max.saturating_sub(3)).collect();
            format!("{kept}...").into()
        }
    }
}

/// The Common Name in a subject (RFC 4514), or the whole where it has none.
pub(super) fn common_name(subject: &str) -> &str {
    let mut is_escaped = false;
    let separated = subject.split(|c| {
        let separates = !is_escaped && (c == ',' || c == '+');
        is_escaped = !is_escaped && c == '\\';
        separates
    });
    separated
        .filter_map(|part| part.trim_start().split_once('='))
        .find(|(kind, value)| kind.eq_ignore_ascii_case("CN") && !value.trim().is_empty())
        .map_or(subject, |(_, value)| value)
}

/// What is in a file, such as `PEM: 2 certificates, private key (RSA 2048)`.
pub(super) fn contents(file: &FileSummary) -> String {
    let mut parts = Vec::new();
    if !file.certificates.is_empty() {
        parts.push(count_of(&file.certificates, "certificate", "certificates"));
    }
    if let Some(key) = &file.key {
        parts.push(format!("private key ({key})"));
    }
    match (file.format, parts.is_empty()) {
        (None, true) => "could not be read".into(),
        (None, false) => parts.join(", "),
        (Some(format), true) => format!("{format}: nothing in it that could be read"),
        (Some(format), false) => format!("{format}: {}", parts.join(", ")),
    }
}

/// The state of all in a few words.
pub(super) fn headline(report: &Report) -> &'static str {
    match report.worst() {
        Some(Severity::Error) => "Calls fail",
        Some(Severity::Warning) => "Calls work, with a warning",
        Some(Severity::Note) => "All is well, with a note",
        None if with_outcome(report, Outcome::Passed).next().is_some() => "All is well",
        None => "Nothing was checked",
    }
}

/// The sentence for a report without a failed check.
pub(super) fn good_news(report: &Report) -> String {
    let number = |outcome| i64::try_from(with_outcome(report, outcome).count()).unwrap_or(i64::MAX);
    let (passed, skipped) = (number(Outcome::Passed), number(Outcome::Skipped));
    match (passed, skipped) {
        (0, _) => "No check could be made.".into(),
        (1, 0) => "The one check that was made passed.".into(),
        (_, 0) if report.failed().next().is_none() => format!("All {passed} checks passed."),
        (_, 0) => format!("{passed} checks passed."),
        _ => format!(
            "{} passed, {skipped} could not be made.",
            count(passed, "check", "checks")
        ),
    }
}

pub(super) fn with_outcome(report: &Report, outcome: Outcome) -> impl Iterator<Item = &Finding> {
    report
        .findings
        .iter()
        .filter(move |finding| finding.outcome == outcome)
}

/// The failed checks but the likeliest cause: errors, then warnings, then notes, else in their order.
pub(super) fn other_problems(report: &Report) -> Vec<&Finding> {
    let cause = usize::from(report.cause().is_some());
    let mut others: Vec<_> = report.failed().skip(cause).collect();
    others.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    others
}

/// The skipped checks by their reason, in the order of the first of each.
pub(super) fn skipped_by_reason(report: &Report) -> Vec<(&str, Vec<&Finding>)> {
    let mut reasons: Vec<(&str, Vec<&Finding>)> = Vec::new();
    for finding in with_outcome(report, Outcome::Skipped) {
        let reason = finding.message();
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, findings)) => findings.push(finding),
            None => reasons.push((reason, vec![finding])),
        }
    }
    reasons
}

/// Where each step's bar begins and how long it is, as parts of the whole time. Steps follow one another.
pub(super) fn timeline(steps: &[Step]) -> Vec<(f64, f64)> {
    let total: f64 = steps.iter().map(|step| step.duration.as_secs_f64()).sum();
    let mut before = 0.0;
    steps
        .iter()
        .map(|step| {
            let part = if total > 0.0 {
                step.duration.as_secs_f64() / total
            } else {
                0.0
            };
            let start = before;
            before += part;
            (start, part)
        })
        .collect()
}

/// How the clocks differ, in words.
pub(super) fn clock(skew_seconds: i64) -> String {
    let seconds = skew_seconds.unsigned_abs();
    let by = match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    match skew_seconds {
        -1..=1 => "agrees with the server's".into(),
        2.. => format!("{by} ahead of the server's"),
        _ => format!("{by} behind the server's"),
    }
}

/// `yes`, `no`, or that nobody knows.
pub(super) fn yes_no(answer: Option<bool>) -> &'static str {
    match answer {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    }
}

/// Where a link of the chain comes from.
#[derive(Clone, Copy)]
pub(super) enum Link<'a> {
    /// The client sends it.
    Sent(&'a CertificateSummary),
    /// It is in the CA bundle and leads on from what is sent.
    InBundle(&'a CertificateSummary),
    /// It is in none of the files; this is its name.
    Missing(&'a Message),
}

/// The chain that the client sends, and the root in the CA bundle that it leads to.
pub(super) fn chain_to_root(report: &Report) -> Vec<Link<'_>> {
    let mut links: Vec<_> = report.chain.iter().map(Link::Sent).collect();
    match (&report.root, report.chain.last()) {
        (Some(root), _) => links.push(Link::InBundle(root)),
        (None, Some(last)) if !last.is_self_issued => links.push(Link::Missing(&last.issuer)),
        _ => {}
    }
    links
}

/// What a certificate is on the way from the leaf to the root.
pub(super) fn role(index: usize, certificate: &CertificateSummary) -> &'static str {
    match (certificate.is_self_issued, certificate.is_ca, index) {
        (true, true, _) => "root",
        (true, false, _) => "self-signed",
        (false, _, 0) => "client certificate",
        _ => "intermediate",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::render::test_reports;

    #[test]
    fn days_are_negative_exactly_where_it_has_expired() {
        let mut certificate = test_reports::certificate("CN=a", "CN=b", -100, 10);
        let created = test_reports::created();
        let words = |certificate: &CertificateSummary| {
            let (_, words) = validity(certificate, created);
            (days_left(certificate, created).unwrap(), words)
        };
        assert_eq!(words(&certificate), (10, "10 days left".into()));
        let now = system_time(created);
        for (seconds, expected) in [
            (0, (0, "less than a day left")),
            (86_400, (1, "1 day left")),
            (4_000 * 86_400, (4_000, "10 years left")),
        ] {
            certificate.not_after = now + Duration::from_secs(seconds);
            assert_eq!(words(&certificate), (expected.0, expected.1.into()));
        }
        for (seconds, expected) in [
            (1, (-1, "expired less than a day ago")),
            (86_401, (-2, "expired 1 day ago")),
        ] {
            certificate.not_after = now - Duration::from_secs(seconds);
            assert_eq!(words(&certificate), (expected.0, expected.1.into()));
        }
        let early = test_reports::certificate("CN=a", "CN=b", 3, 10);
        assert_eq!(
            validity(&early, created),
            (Validity::NotYet, "not valid yet: in 3 days".into())
        );
    }

    #[test]
    fn common_names_are_found() {
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

    #[test]
    fn long_text_is_cut() {
        assert_eq!(cut("abcdef", 5), "ab...");
        assert_eq!(cut("abcde", 5), "abcde");
    }

    #[test]
    fn the_chain_is_led_on_through_the_bundle() {
        let names = |report: &Report| -> Vec<String> {
            chain_to_root(report)
                .into_iter()
                .map(|link| match link {
                    Link::Sent(c) => format!("sent {}", common_name(c.subject.as_str())),
                    Link::InBundle(c) => format!("bundle {}", common_name(c.subject.as_str())),
                    Link::Missing(name) => format!("missing {}", common_name(name.as_str())),
                })
                .collect()
        };
        let mut report = test_reports::expired();
        assert_eq!(
            names(&report),
            [
                "sent dcs-integration-tls.example.org",
                "sent DCS Integration Issuing CA",
                "bundle DCS Integration Root CA"
            ]
        );
        assert_eq!(names(&report.redacted()).len(), 3);
        report.root = None;
        assert_eq!(names(&report)[2], "missing DCS Integration Root CA");
    }
}
