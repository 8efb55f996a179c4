//! The order of the findings: the likeliest cause of what is wrong stands first.

use super::explain::most_likely_cause;
use super::offline::OfflineChecks;
use super::online::OnlineChecks;
use super::report::{Finding, Outcome};
use crate::error::{Check, Severity};

/// Puts the findings together: the failed ones first, the likeliest cause at their head, then those that were
/// skipped and those that passed, in the order of the table.
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
                finding.advice = "Mend the likeliest cause first, and try again.".into();
            }
        }
    }
    if is_rejected(&findings) {
        // What a rejection comes from is more than a warning.
        for finding in &mut findings {
            if finding.is_failed() && Some(finding.check) == cause {
                finding.severity = Severity::Error;
            }
        }
    }
    // The sort is stable, so within a group the order is that in which the checks were made.
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

/// Says whether it matters that certificates of the bundle have expired.
fn explain_expired_ca(findings: &mut [Finding]) {
    let outcome = |check| {
        let about = findings.iter().filter(|finding| finding.check == check);
        about.map(|finding| finding.outcome).next_back()
    };
    let server = outcome(Check::ServerTrusted);
    let client = outcome(Check::ChainNotExpired);
    let is_needed = server == Some(Outcome::Failed) || client == Some(Outcome::Failed);
    let verdict = match server {
        _ if is_needed => {
            "It matters where one of them is what a chain needs: see the other findings."
        }
        Some(Outcome::Passed) if client == Some(Outcome::Passed) => {
            "It does not matter: no chain needs them."
        }
        Some(Outcome::Passed) => "The server's chain does not need them.",
        _ => return,
    };
    for finding in findings {
        if finding.check == Check::BundleNotExpired && finding.is_failed() {
            finding.message = format!("{} {verdict}", finding.message.marked()).into();
        }
    }
}

/// A fault of the certificate that the server was seen to let pass: calls succeed for now.
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

/// The likeliest cause of what is wrong.
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
        return most_likely_cause(findings, online.tls_alert).or(rejection);
    }
    // A file that nothing could be done with comes first, as it does for a client; then what the call failed on;
    // then what was found beside it.
    let failed = |check: fn(&Finding) -> bool| {
        findings
            .iter()
            .find(|finding| finding.is_failed() && finding.severity == worst && check(finding))
    };
    let of_file = failed(|finding| finding.check.prevents_client());
    let of_network = failed(|finding| finding.check.needs_network());
    // That no certificate is configured matters first where the server missed it.
    let is_missed = of_network.is_some_and(|finding| finding.check == Check::ClientCertificateSent);
    let (first, second) = if offline.is_unusable || is_missed {
        (of_file, of_network)
    } else {
        (of_network, of_file)
    };
    first.or(second).or_else(|| failed(|_| true))
}
