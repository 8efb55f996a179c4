//! The order of the findings: the most likely cause comes first.

use super::explain::most_likely_cause;
use super::offline::OfflineChecks;
use super::online::OnlineChecks;
use super::report::{Finding, Outcome};
use crate::error::{Check, Severity};

/// Merges the findings: the most likely cause first, then the other failed checks by severity, then the skipped ones,
/// then the passed ones. Otherwise they keep the order in which the checks were performed.
pub(crate) fn rank(offline: &OfflineChecks, online: &OnlineChecks) -> Vec<Finding> {
    let mut findings: Vec<Finding> = offline
        .findings
        .iter()
        .chain(&online.findings)
        .cloned()
        .collect();
    if online.is_answered && !offline.is_unusable {
        for finding in &mut findings {
            downgrade(finding);
        }
    }
    explain_expired_ca(&mut findings);
    let cause = cause(&findings, offline, online).map(|finding| finding.check);
    if cause != Some(Check::ClientCertificateAccepted) {
        for finding in &mut findings {
            if finding.check == Check::ClientCertificateAccepted && finding.is_failed() {
                finding.advice = "Fix the most likely cause first, then try again.".into();
            }
        }
    }
    if is_rejected(&findings) {
        // The cause of a rejection is more than a warning.
        for finding in &mut findings {
            if finding.is_failed() && Some(finding.check) == cause {
                finding.severity = Severity::Error;
            }
        }
    }
    // The sort is stable.
    findings.sort_by_key(|finding| {
        let group = match finding.outcome {
            Outcome::Failed if Some(finding.check) == cause => 0,
            Outcome::Failed => 1,
            Outcome::Skipped => 2,
            Outcome::Passed => 3,
        };
        let severity = (group == 1).then_some(std::cmp::Reverse(finding.severity));
        (group, severity)
    });
    findings
}

/// Adds to the finding on expired certificates in the bundle whether they matter.
fn explain_expired_ca(findings: &mut [Finding]) {
    let outcome = |check| {
        let about = findings.iter().filter(|finding| finding.check == check);
        about.map(|finding| finding.outcome).next_back()
    };
    let server = outcome(Check::ServerTrusted);
    let client = outcome(Check::ChainNotExpired);
    let is_needed = server == Some(Outcome::Failed) || client == Some(Outcome::Failed);
    let effect = match server {
        _ if is_needed => {
            "This matters if a chain needs an expired certificate: see the other findings."
        }
        Some(Outcome::Passed) if client == Some(Outcome::Passed) => {
            "This does not matter: no chain needs an expired certificate."
        }
        Some(Outcome::Passed) => "The server's chain needs no expired certificate.",
        _ => return,
    };
    for finding in findings {
        if finding.check == Check::BundleNotExpired && finding.is_failed() {
            finding.message = format!("{} {effect}", finding.message.marked()).into();
        }
    }
}

/// Reduces an error to a warning: the server accepted the certificate in spite of it, so calls succeed for now.
fn downgrade(finding: &mut Finding) {
    if finding.is_failed() && finding.severity == Severity::Error {
        finding.severity = Severity::Warning;
    }
}

fn is_rejected(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.check == Check::ClientCertificateAccepted && finding.is_failed())
}

/// Returns the most likely cause of the failure.
fn cause<'a>(
    findings: &'a [Finding],
    offline: &OfflineChecks,
    online: &OnlineChecks,
) -> Option<&'a Finding> {
    let worst = findings
        .iter()
        .filter(|finding| finding.is_failed())
        .map(Finding::severity)
        .max()?;
    if is_rejected(findings) {
        let rejection = findings
            .iter()
            .find(|finding| finding.check == Check::ClientCertificateAccepted);
        return most_likely_cause(findings, online.connection.tls_alert).or(rejection);
    }
    // An unusable file comes first, as it does for a client; then what the call failed on; then everything else.
    let failed = |check: fn(&Finding) -> bool| {
        findings
            .iter()
            .find(|finding| finding.is_failed() && finding.severity == worst && check(finding))
    };
    let of_file = failed(|finding| finding.check.prevents_client());
    let of_network = failed(|finding| finding.check.needs_network());
    // A missing certificate comes first if the server requires it.
    let is_missed = of_network.is_some_and(|finding| finding.check == Check::ClientCertificateSent);
    let (first, second) = if offline.is_unusable || is_missed {
        (of_file, of_network)
    } else {
        (of_network, of_file)
    };
    first.or(second).or_else(|| failed(|_| true))
}
