//! What the text and the HTML page show of a report, apart from its layout.

use std::time::SystemTime;

use crate::credentials::CertificateSummary;
use crate::diagnose::certificate_checks::EXPIRES_SOON;
use crate::diagnose::format::{clock, count, time_span};
use crate::diagnose::report::{FileSummary, Finding, Outcome, Report, Step};
use crate::error::Severity;
use crate::redact::Message;

/// Returns the result of the diagnosis in a few words.
pub(super) fn headline(report: &Report) -> &'static str {
    match tone(report) {
        Tone::Error => "Calls fail",
        Tone::Warning => "Calls work, with a warning",
        Tone::Note => "Calls work, with a note",
        Tone::Ok => "Calls work",
        Tone::None => "Nothing was checked",
    }
}

/// Returns the sentence for a report that has no cause.
pub(super) fn passed_sentence(report: &Report) -> String {
    let passed = number_of(report, Outcome::Passed);
    match (passed, number_of(report, Outcome::Skipped)) {
        (0, _) => "No check could be performed.".into(),
        (2.., 0) if report.failed().next().is_none() => format!("All {passed} checks passed."),
        (_, 0) => format!("{} passed.", count(passed, "check")),
        (_, skipped) => format!("{} passed, {skipped} skipped.", count(passed, "check")),
    }
}

pub(super) fn with_outcome(report: &Report, outcome: Outcome) -> impl Iterator<Item = &Finding> {
    report
        .findings
        .iter()
        .filter(move |finding| finding.outcome == outcome)
}

pub(super) fn number_of(report: &Report, outcome: Outcome) -> usize {
    with_outcome(report, outcome).count()
}

/// Returns the failed checks without the most likely cause: errors, then warnings, then notes.
pub(super) fn other_problems(report: &Report) -> Vec<&Finding> {
    let cause = usize::from(report.cause().is_some());
    let mut others: Vec<_> = report.failed().skip(cause).collect();
    others.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    others
}

/// Returns the skipped checks, grouped by reason.
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

/// Returns the content of a file, such as `PEM: 2 certificates, private key (RSA 2048)`.
pub(super) fn contents(file: &FileSummary) -> String {
    let mut parts = Vec::new();
    if !file.certificates.is_empty() {
        parts.push(count(file.certificates.len(), "certificate"));
    }
    if let Some(key) = &file.key {
        parts.push(format!("private key ({key})"));
    }
    match (file.format, parts.join(", ")) {
        (None, parts) if parts.is_empty() => "could not be read".into(),
        (None, parts) => parts,
        (Some(format), parts) if parts.is_empty() => format!("{format}: nothing readable"),
        (Some(format), parts) => format!("{format}: {parts}"),
    }
}

/// How good a result is, which a colour and a symbol show. The text beside them says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Ok,
    Note,
    Warning,
    Error,
    /// There is no result.
    None,
}

impl From<Severity> for Tone {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Note => Tone::Note,
            Severity::Warning => Tone::Warning,
            Severity::Error => Tone::Error,
        }
    }
}

impl From<Outcome> for Tone {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Passed => Tone::Ok,
            Outcome::Failed => Tone::Error,
            Outcome::Skipped => Tone::None,
        }
    }
}

/// Returns the tone of the whole result.
pub(super) fn tone(report: &Report) -> Tone {
    match report.worst() {
        Some(severity) => severity.into(),
        None if number_of(report, Outcome::Passed) > 0 => Tone::Ok,
        None => Tone::None,
    }
}

/// Returns how long a certificate is valid from an instant on, or since when it is not.
pub(super) fn validity(certificate: &CertificateSummary, now: SystemTime) -> (Tone, String) {
    if let Ok(until) = certificate.not_before.duration_since(now)
        && !until.is_zero()
    {
        let description = format!("not yet valid, starts in {}", time_span(until));
        return (Tone::Error, description);
    }
    match certificate.not_after.duration_since(now) {
        Ok(left) if left < EXPIRES_SOON => (Tone::Warning, format!("{} left", time_span(left))),
        Ok(left) => (Tone::Ok, format!("{} left", time_span(left))),
        Err(error) => {
            let description = format!("expired {} ago", time_span(error.duration()));
            (Tone::Error, description)
        }
    }
}

/// Where a certificate of the chain comes from.
#[derive(Clone, Copy)]
pub(super) enum Link<'a> {
    /// The client sends it.
    Sent(&'a CertificateSummary),
    /// It is in the CA bundle, and issued the last one that is sent.
    InBundle(&'a CertificateSummary),
    /// It is in none of the files; this is its name.
    Missing(&'a Message),
}

impl<'a> Link<'a> {
    pub(super) fn name(self) -> &'a str {
        match self {
            Link::Sent(certificate) | Link::InBundle(certificate) => certificate.subject.as_str(),
            Link::Missing(name) => name.as_str(),
        }
    }

    pub(super) fn certificate(self) -> Option<&'a CertificateSummary> {
        match self {
            Link::Sent(certificate) | Link::InBundle(certificate) => Some(certificate),
            Link::Missing(_) => None,
        }
    }

    pub(super) fn origin(self) -> &'static str {
        match self {
            Link::Sent(_) => "sent",
            Link::InBundle(_) => "in the CA bundle",
            Link::Missing(_) => "not in any file",
        }
    }
}

/// Returns the chain that the client sends, and the root in the CA bundle that it ends at.
pub(super) fn chain_to_root(report: &Report) -> Vec<Link<'_>> {
    let mut links: Vec<_> = report.chain.iter().map(Link::Sent).collect();
    match (&report.root, report.chain.last()) {
        (Some(root), _) => links.push(Link::InBundle(root)),
        (None, Some(last)) if !last.is_self_issued => links.push(Link::Missing(&last.issuer)),
        _ => {}
    }
    links
}

/// Returns the start and the length of each step, as parts of the whole time. The steps follow one another.
pub(super) fn timeline(steps: &[Step]) -> Vec<(f64, f64)> {
    let total: f64 = steps.iter().map(|step| step.duration.as_secs_f64()).sum();
    let mut start = 0.0;
    steps
        .iter()
        .map(|step| {
            let part = match total {
                0.0 => 0.0,
                total => step.duration.as_secs_f64() / total,
            };
            start += part;
            (start - part, part)
        })
        .collect()
}

/// Returns what is known of the connection and the server, as pairs of label and text.
pub(super) fn server_facts(report: &Report) -> Vec<(&'static str, String)> {
    let connection = &report.connection;
    let tls = connection
        .tls_version
        .map(|version| match connection.tls_cipher {
            Some(cipher) => format!("{version}, {cipher}"),
            None => version.to_owned(),
        });
    let client_certificate = connection.client_certificate_asked.map(|asked| {
        match (asked, connection.client_certificate_sent) {
            (false, _) => "not requested",
            (true, Some(true)) => "requested and sent",
            (true, _) => "requested, not sent",
        }
        .to_owned()
    });
    [
        ("address", connection.address.clone()),
        ("TLS", tls),
        (
            "TLS alert",
            connection.tls_alert.map(|alert| alert.to_string()),
        ),
        (
            "HTTP status",
            connection.http_status.map(|status| status.to_string()),
        ),
        ("client certificate", client_certificate),
        ("local clock", connection.clock_skew_seconds.map(clock)),
    ]
    .into_iter()
    .filter_map(|(label, text)| Some((label, text?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::diagnose::format::{DAY, common_name};
    use crate::diagnose::render::test_reports;

    #[test]
    fn validity_changes_at_the_limits() {
        let now = test_reports::created();
        let days = |days: u64| Duration::from_secs(days * DAY);
        let mut certificate = test_reports::certificate("CN=a", "CN=b", -100, 10);
        for (not_after, tone, description) in [
            (now, Tone::Warning, "0 seconds left"),
            (now + days(10), Tone::Warning, "10 days left"),
            (now + days(30), Tone::Ok, "30 days left"),
            (now + days(4_000), Tone::Ok, "10 years left"),
            (now - days(3), Tone::Error, "expired 3 days ago"),
        ] {
            certificate.not_after = not_after;
            assert_eq!(validity(&certificate, now), (tone, description.into()));
        }
        let early = test_reports::certificate("CN=a", "CN=b", 3, 10);
        let expected = (Tone::Error, "not yet valid, starts in 3 days".into());
        assert_eq!(validity(&early, now), expected);
    }

    #[test]
    fn chain_continues_in_the_bundle() {
        let links = |report: &Report| -> Vec<String> {
            chain_to_root(report)
                .into_iter()
                .map(|link| format!("{} ({})", common_name(link.name()), link.origin()))
                .collect()
        };
        let mut report = test_reports::expired();
        assert_eq!(
            links(&report),
            [
                "dcs-integration-tls.example.org (sent)",
                "DCS Integration Issuing CA (sent)",
                "DCS Integration Root CA (in the CA bundle)"
            ]
        );
        assert_eq!(links(&report.redacted()).len(), 3);
        report.root = None;
        assert_eq!(
            links(&report)[2],
            "DCS Integration Root CA (not in any file)"
        );
    }
}
