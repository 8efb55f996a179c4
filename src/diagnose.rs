//! Diagnosis: what is wrong with a configuration, why, and what to do about it.

mod certificate_checks;
mod explain;
mod format;
mod offline;
mod online;
mod rank;
mod render;
mod report;

use std::time::SystemTime;

use crate::config::Config;
use crate::credentials::CertificateSummary;
use crate::error::{Code, Error, Subject};
use crate::log;
use crate::transport::{CancelToken, Cancellation};
pub(crate) use certificate_checks::{CertificateChecks, EXPIRES_SOON};
pub(crate) use explain::explain_rejection;
use online::OnlineChecks;
pub use report::{Finding, Outcome, Report, Step};

/// Checks a configuration from the files to the service's response, and reports what is wrong.
///
/// Works on a configuration that no client can be created from: it performs every check that is possible.
/// Connects to the service and makes the status call, within the configured timeouts. Reads the three files
/// and, if the server's certificate is not trusted, the CA certificates that this machine trusts. Writes
/// nothing.
///
/// # Errors
/// [`Code::InvalidArgument`] if an option's value was rejected and the option was not set since.
pub fn diagnose(config: &Config) -> Result<Report, Error> {
    diagnose_with_progress(config, |_| {})
}

/// As [`diagnose`]; calls `progress` with each network step as it ends.
///
/// # Errors
/// As [`diagnose`].
pub fn diagnose_with_progress(
    config: &Config,
    mut progress: impl FnMut(&Step),
) -> Result<Report, Error> {
    config.check()?;
    Ok(run(config, CancelToken::default(), &mut progress).0)
}

/// As [`diagnose`], until it is cancelled. Cancelling ends a wait for the network within 100 ms; nothing more is sent.
///
/// # Errors
/// As [`diagnose`]; [`Code::Interrupted`] if it was cancelled before it ended.
pub fn diagnose_until(config: &Config, cancellation: &Cancellation) -> Result<Report, Error> {
    config.check()?;
    let token = CancelToken::from(cancellation);
    match run(config, token, &mut |_| {}) {
        (report, false) => Ok(report),
        (_, true) => Err(Error::new(
            Code::Interrupted,
            "The diagnosis was interrupted.",
        )),
    }
}

/// Returns the report, and whether the caller cancelled a step.
fn run(config: &Config, token: CancelToken, progress: &mut dyn FnMut(&Step)) -> (Report, bool) {
    let now = SystemTime::now();
    let offline = offline::check(config, now);
    let online = match online::check(config, &offline, token, progress) {
        Ok(online) => online,
        // Each file passed its checks, but TLS cannot be set up with them.
        Err(error) => OnlineChecks {
            findings: error
                .check()
                .map(|check| Finding::of_error(check, Subject::Connection, &error))
                .into_iter()
                .collect(),
            ..OnlineChecks::default()
        },
    };
    let chain = offline
        .certificate_checks
        .as_ref()
        .map_or(&[][..], CertificateChecks::links);
    let report = Report {
        created: now,
        url: config.endpoint.shown(),
        proxy: config.proxy.as_ref().map(|proxy| proxy.target.to_string()),
        chain: chain.iter().filter_map(CertificateSummary::of).collect(),
        root: offline
            .certificate_checks
            .as_ref()
            .and_then(|checks| CertificateSummary::of(checks.root(now)?)),
        findings: rank::rank(&offline, &online),
        steps: online.steps,
        files: offline.summaries,
        connection: online.connection,
    };
    if !online.is_interrupted {
        log_result(&report);
    }
    (report, online.is_interrupted)
}

/// Logs the result of a diagnosis. Names the check only: the details are in the report, and the caller decides who
/// sees it.
fn log_result(report: &Report) {
    let count = report.failed().count();
    let checks = format::count(count, "check");
    match report.cause() {
        Some(cause) => log::emit!(
            Info,
            CLIENT,
            "diagnosis: {checks} failed; most likely cause: {}",
            cause.check().name()
        ),
        None if count > 0 => log::emit!(
            Info,
            CLIENT,
            "diagnosis: {checks} failed, with no effect on calls"
        ),
        None => log::emit!(Info, CLIENT, "diagnosis: no check failed"),
    }
}
