//! Finds the most likely cause of a rejection, from the local files.

use std::time::SystemTime;

use super::certificate_checks::CertificateChecks;
use super::report::Finding;
use crate::error::{Check, Code, Error, Subject};
use crate::redact::Message;

/// The causes of a rejection that the local files can show, the most likely first.
const CAUSES_BY_LIKELIHOOD: [Check; 13] = [
    Check::CertificateNotExpired,
    Check::CertificateAlreadyValid,
    Check::CertificateNotSelfSigned,
    Check::CertificateNotCa,
    Check::CertificateForTls,
    Check::CertificateClientAuth,
    Check::CertificateKeyUsage,
    Check::CertificateEnvironment,
    Check::ChainComplete,
    Check::ChainSigned,
    Check::ChainNotExpired,
    Check::ClientCertificateIssuer,
    Check::CertificateSignatureAlgorithm,
];

/// Returns the causes that a front end's alert points to, the most likely first (measured with Apache httpd and
/// HAProxy, which pass on the alerts of OpenSSL).
fn causes_by_alert(alert: Option<u8>) -> &'static [Check] {
    match alert {
        // bad_certificate
        Some(42) => &[
            Check::CertificateAlreadyValid,
            Check::ChainSigned,
            Check::CertificateSignatureAlgorithm,
        ],
        // unsupported_certificate
        Some(43) => &[
            Check::CertificateForTls,
            Check::CertificateNotCa,
            Check::CertificateClientAuth,
            Check::CertificateKeyUsage,
        ],
        // certificate_expired
        Some(45) => &[Check::CertificateNotExpired, Check::ChainNotExpired],
        // unknown_ca
        Some(48) => &[
            Check::CertificateNotSelfSigned,
            Check::CertificateEnvironment,
            Check::ChainComplete,
            Check::ClientCertificateIssuer,
            Check::ChainSigned,
        ],
        _ => &[],
    }
}

/// How many of the accepted CAs a sentence names.
const MAX_NAMED: usize = 3;

/// The alert `certificate_revoked`, which needs no further explanation.
const REVOKED: u8 = 44;

/// Returns the most likely cause of a rejection among the findings, if there is one.
pub(crate) fn most_likely_cause(findings: &[Finding], alert: Option<u8>) -> Option<&Finding> {
    if alert == Some(REVOKED) {
        return None;
    }
    causes_by_alert(alert)
        .iter()
        .chain(&CAUSES_BY_LIKELIHOOD)
        .find_map(|check| {
            findings
                .iter()
                .find(|finding| finding.check == *check && finding.is_failed())
        })
}

/// Returns what to do about a rejection that the local files do not explain.
pub(crate) fn advice_without_cause(
    alert: Option<u8>,
    checks: Option<&CertificateChecks>,
) -> String {
    if alert == Some(REVOKED) {
        return "Request a new certificate from the DCS team, with a new key, and ask why this one was revoked.".into();
    }
    let mut advice = "Ask the DCS team whether the certificate is revoked, not yet enabled, or for another environment than the URL's: the local files show no fault.".to_owned();
    let intermediates = checks.map_or(0, CertificateChecks::intermediate_count);
    if intermediates > 1 {
        advice.push_str(&format!(
            " Ask also how many intermediates the server allows: this chain has {intermediates}."
        ));
    }
    advice
}

/// Adds the most likely cause to a rejection, from the local files. `is_issuer_accepted` is whether one of the
/// certificate's issuers is among the CAs that the server accepts; `None` if the server named no CAs.
pub(crate) fn explain_rejection(
    error: Error,
    checks: Option<&CertificateChecks>,
    is_issuer_accepted: Option<bool>,
) -> Error {
    if error.code() != Code::ClientCertRejected {
        return error;
    }
    let alert = error.tls_alert();
    let mut findings = checks.map_or_else(Vec::new, |checks| checks.findings(SystemTime::now()));
    if is_issuer_accepted == Some(false) {
        findings.push(unknown_issuer(checks, &[]));
    }
    match most_likely_cause(&findings, alert) {
        Some(cause) => {
            let hint = format!(
                "Most likely cause: {} {}",
                cause.message.marked(),
                cause.advice.marked()
            );
            error.with_check(cause.check).with_hint(hint)
        }
        None => error
            .with_check(Check::ClientCertificateAccepted)
            .with_hint(advice_without_cause(alert, checks)),
    }
}

/// Returns the finding that the server accepts other CAs than the certificate's. Names those in `accepted`.
pub(crate) fn unknown_issuer(checks: Option<&CertificateChecks>, accepted: &[Message]) -> Finding {
    let issuer = checks
        .and_then(CertificateChecks::issuer)
        .map_or_else(String::new, |issuer| format!(" ({issuer})"));
    let some: Vec<&str> = accepted
        .iter()
        .take(MAX_NAMED)
        .map(Message::marked)
        .collect();
    let names = match accepted.len() {
        0 => String::new(),
        1..=MAX_NAMED => format!(" ({})", some.join("; ")),
        _ => format!(" ({}; and others)", some.join("; ")),
    };
    Finding::failed(
        Check::ClientCertificateIssuer,
        Subject::Certificate,
        format!(
            "The client certificate's issuer{issuer} is not among the CAs that the server accepts{names}."
        ),
    )
}
