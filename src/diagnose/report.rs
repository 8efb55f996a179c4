//! The result of a diagnosis as data, which `render` turns into text, JSON and HTML.

use std::time::{Duration, SystemTime};

use crate::credentials::CertificateSummary;
use crate::datetime::rfc3339;
use crate::error::{Check, Error, Severity, Subject};
use crate::redact::Message;

/// The outcome of a check or a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It succeeded.
    Passed,
    /// It failed.
    Failed,
    /// It was not performed, because something that it needs is missing.
    Skipped,
}

impl Outcome {
    /// Returns the word in a report: `passed`, `failed` or `skipped`.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
        }
    }
}

/// The result of one check.
#[derive(Clone, Debug)]
pub struct Finding {
    pub(crate) check: Check,
    pub(crate) outcome: Outcome,
    pub(crate) severity: Severity,
    pub(crate) subject: Subject,
    pub(crate) message: Message,
    pub(crate) advice: Message,
}

impl Finding {
    /// Returns the check.
    pub fn check(&self) -> Check {
        self.check
    }

    /// Returns the outcome.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns how serious it is if the check failed. Usually [`Check::severity`]; a warning instead of an error if
    /// the call succeeded in spite of it.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns what the check is about.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// Returns what was found.
    pub fn message(&self) -> &str {
        self.message.as_str()
    }

    /// Returns what to do about it; empty if no action is needed.
    pub fn advice(&self) -> &str {
        self.advice.as_str()
    }

    pub(crate) fn passed(check: Check, subject: Subject, message: impl Into<Message>) -> Self {
        Finding {
            check,
            outcome: Outcome::Passed,
            severity: check.severity(),
            subject,
            message: message.into(),
            advice: "".into(),
        }
    }

    pub(crate) fn failed(check: Check, subject: Subject, message: impl Into<Message>) -> Self {
        Finding {
            outcome: Outcome::Failed,
            advice: check.advice().into(),
            ..Finding::passed(check, subject, message)
        }
    }

    /// Creates the finding of a check that passed with the message in `Ok`, or failed with that in `Err`.
    pub(crate) fn of_result(
        check: Check,
        subject: Subject,
        result: Result<String, String>,
    ) -> Self {
        match result {
            Ok(message) => Finding::passed(check, subject, message),
            Err(message) => Finding::failed(check, subject, message),
        }
    }

    /// Creates the finding of a check that passed and has nothing to say beyond its title.
    pub(crate) fn holds(check: Check, subject: Subject) -> Self {
        Finding::passed(check, subject, check.title())
    }

    /// Creates the finding of a check that was not performed, with the reason.
    pub(crate) fn skipped(check: Check, subject: Subject, message: impl Into<Message>) -> Self {
        Finding {
            outcome: Outcome::Skipped,
            ..Finding::passed(check, subject, message)
        }
    }

    /// Creates the finding of a check that failed with an error.
    pub(crate) fn of_error(check: Check, subject: Subject, error: &Error) -> Self {
        Finding::failed(check, subject, error.message_text().clone())
            .with_advice(error.hint_text().clone())
    }

    pub(crate) fn with_advice(mut self, advice: impl Into<Message>) -> Self {
        self.advice = advice.into();
        self
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.outcome == Outcome::Failed
    }
}

/// A step of the connection to the service, and the time it took.
#[derive(Clone, Debug)]
pub struct Step {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) duration: Duration,
    pub(crate) message: Message,
}

impl Step {
    /// Returns the name: `dns`, `tcp` (once for each address), `proxy`, `tls` or `http`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the outcome.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns how long it took; zero for a skipped step.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Returns the result, such as the addresses or the TLS version and cipher suite.
    pub fn message(&self) -> &str {
        self.message.as_str()
    }
}

/// One of the three files, as it was read.
#[derive(Clone, Debug)]
pub(crate) struct FileSummary {
    pub(crate) subject: Subject,
    /// The path, or the other origin of the content.
    pub(crate) source: Message,
    /// `PEM`, `DER` and so on; `None` if the file could not be read.
    pub(crate) format: Option<&'static str>,
    /// The damage that was repaired, each as the end of a sentence that starts with "The file".
    pub(crate) repairs: Vec<&'static str>,
    pub(crate) certificates: Vec<CertificateSummary>,
    /// The type and size of the key, such as `RSA 2048`.
    pub(crate) key: Option<String>,
}

/// What is known of the connection that got furthest.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionSummary {
    pub(crate) address: Option<String>,
    pub(crate) tls_version: Option<&'static str>,
    pub(crate) tls_cipher: Option<&'static str>,
    /// The certificates that the server sent, its own first.
    pub(crate) server_chain: Vec<CertificateSummary>,
    /// Whether the server requested a client certificate; `None` if the handshake did not get that far.
    pub(crate) client_certificate_asked: Option<bool>,
    pub(crate) client_certificate_sent: Option<bool>,
    /// The names of the CAs that the server accepts client certificates from, if it sent any.
    pub(crate) accepted_cas: Vec<Message>,
    pub(crate) tls_alert: Option<u8>,
    pub(crate) http_status: Option<u16>,
    /// How many seconds this machine's clock is ahead of the server's (`Date`).
    pub(crate) clock_skew_seconds: Option<i64>,
}

/// The result of a diagnosis.
///
/// It contains no key material and no password, so you can send it to a helpdesk. [`Report::redacted`] also leaves
/// out paths and the names in certificates.
#[derive(Clone, Debug)]
pub struct Report {
    pub(crate) created: SystemTime,
    /// Without user name, password and query.
    pub(crate) url: String,
    /// The proxy's host and port.
    pub(crate) proxy: Option<String>,
    /// The most likely cause first, then the other failed checks, then the skipped ones, then the passed ones.
    pub(crate) findings: Vec<Finding>,
    pub(crate) steps: Vec<Step>,
    pub(crate) files: Vec<FileSummary>,
    /// The certificates that the client sends: the leaf, then its issuers.
    pub(crate) chain: Vec<CertificateSummary>,
    /// The root in the CA bundle that the chain ends at.
    pub(crate) root: Option<CertificateSummary>,
    pub(crate) connection: ConnectionSummary,
}

impl Report {
    /// Returns whether no check of severity [`Severity::Error`] failed. There may be warnings and notes.
    pub fn ok(&self) -> bool {
        self.worst() != Some(Severity::Error)
    }

    /// Returns the highest severity of the failed checks; `None` if no check failed.
    pub fn worst(&self) -> Option<Severity> {
        self.failed().map(Finding::severity).max()
    }

    /// Returns the result of every check: the most likely cause first, then the other failed checks, then the skipped
    /// ones, then the passed ones.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns the most likely cause of the failure. `None` if no check failed, or only notes.
    pub fn cause(&self) -> Option<&Finding> {
        self.findings
            .first()
            .filter(|finding| finding.is_failed() && finding.severity > Severity::Note)
    }

    /// Returns the steps of the connection to the service, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns the report with `[path]` in place of paths and `[name]` in place of the names in certificates.
    #[must_use]
    pub fn redacted(&self) -> Report {
        let mut report = self.clone();
        for finding in &mut report.findings {
            finding.message.redact();
            finding.advice.redact();
        }
        for step in &mut report.steps {
            step.message.redact();
        }
        for file in &mut report.files {
            file.source.redact();
        }
        let connection = &mut report.connection;
        connection.accepted_cas.iter_mut().for_each(Message::redact);
        let in_files = report
            .files
            .iter_mut()
            .flat_map(|file| &mut file.certificates);
        in_files
            .chain(&mut report.chain)
            .chain(&mut report.root)
            .chain(&mut connection.server_chain)
            .for_each(CertificateSummary::redact);
        report
    }

    /// Returns when the report was created, in RFC 3339.
    pub(crate) fn created_rfc3339(&self) -> String {
        rfc3339(self.created).unwrap_or_default()
    }

    pub(crate) fn failed(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_failed())
    }
}
