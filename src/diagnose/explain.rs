//! From a failure to its likeliest cause, by what the local files say.

use std::time::SystemTime;

use super::certificate_checks::CertificateChecks;
use super::report::Finding;
use crate::error::Check;
use crate::error::Subject;
use crate::error::{Code, Error};
use crate::redact::Message;

/// The causes of a rejection that can be seen from here, the likeliest first.
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

/// What the front end meant by the alert it turned the certificate down with, the likeliest first
/// (measured on Apache httpd and HAProxy, which pass on what OpenSSL says).
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

/// How many of the CAs that a server accepts are named in a sentence.
const MAX_NAMED: usize = 3;

/// The alert `certificate_revoked`, which leaves nothing to guess.
const REVOKED: u8 = 44;

/// The likeliest cause of a rejection among the findings, if one of them can be it.
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

/// What to do about a rejection that nothing local explains.
pub(crate) fn advice_without_cause(
    alert: Option<u8>,
    checks: Option<&CertificateChecks>,
) -> String {
    if alert == Some(REVOKED) {
        return "Ask the DCS team for a new certificate, made from a new key, and why this one was revoked.".into();
    }
    let mut advice = "Nothing is wrong with the certificate as far as it can be seen from here: ask the DCS team whether it is revoked, not yet enabled, or for another environment than the URL's.".to_owned();
    let intermediates = checks.map_or(0, CertificateChecks::intermediate_count);
    if intermediates > 1 {
        advice.push_str(&format!(
            " Its chain has {intermediates} intermediates; a server may allow fewer, so ask for that too."
        ));
    }
    advice
}

/// Adds to a rejection what the local files say about its cause. `is_issuer_accepted` is whether the server names
/// one of the certificate's issuers among the CAs that it accepts, where it named any.
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
                "Most likely the cause: {} {}",
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

/// The finding that the server names other CAs than the certificate's; `accepted` where they are known.
pub(crate) fn unknown_issuer(checks: Option<&CertificateChecks>, accepted: &[Message]) -> Finding {
    let issuer = checks
        .and_then(CertificateChecks::issuer)
        .map_or_else(String::new, |issuer| format!(" ({issuer})"));
    let names = match accepted {
        [] => "is not among the CAs that the server names".to_owned(),
        names => {
            let some: Vec<&str> = names.iter().take(MAX_NAMED).map(Message::marked).collect();
            let more = if names.len() > MAX_NAMED {
                "; and others"
            } else {
                ""
            };
            format!(
                "is not among the CAs that the server accepts client certificates of ({}{more})",
                some.join("; ")
            )
        }
    };
    Finding::failed(
        Check::ClientCertificateIssuer,
        Subject::Certificate,
        format!("The issuer of the client certificate{issuer} {names}."),
    )
}
