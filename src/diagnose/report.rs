//! What a diagnosis found, as data. [`text`](super::text), `json` and `html` make documents of it.

use std::time::Duration;

use jiff::Timestamp;

use crate::credentials::summary::CertificateSummary;
use crate::error::{Check, Error, Severity, Subject};
use crate::redact::Message;

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// All is well.
    Passed,
    /// Something is wrong.
    Failed,
    /// It could not be made, because something that it needs is missing.
    Skipped,
}

impl Outcome {
    /// The word in a report: `passed`, `failed` or `skipped`.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
        }
    }
}

/// What one check came to.
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
    /// The check that was made.
    pub fn check(&self) -> Check {
        self.check
    }

    /// What came of it.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// How much it weighs where it failed. Usually [`Check::severity`]; less where the server was seen to
    /// be content all the same.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What it is about.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// What was seen.
    pub fn message(&self) -> &str {
        self.message.as_str()
    }

    /// What to do about it; empty where nothing has to be done.
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

    /// A check that could not be made, and why.
    pub(crate) fn skipped(check: Check, subject: Subject, message: impl Into<Message>) -> Self {
        Finding {
            outcome: Outcome::Skipped,
            ..Finding::passed(check, subject, message)
        }
    }

    /// A check that failed as an error says.
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

/// A step on the way to the answer, with the time it took.
#[derive(Clone, Debug)]
pub struct Step {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) duration: Duration,
    pub(crate) message: Message,
}

impl Step {
    /// `dns`, `tcp` (once for each address), `proxy`, `tls` or `http`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// How long it took; zero for a step that was not made.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// What was seen, such as the addresses or the TLS version and cipher suite.
    pub fn message(&self) -> &str {
        self.message.as_str()
    }
}

/// One of the three files, as it was read.
#[derive(Clone, Debug)]
pub(crate) struct FileSummary {
    pub(crate) subject: Subject,
    /// The path, or where else the content came from.
    pub(crate) source: Message,
    /// `PEM`, `DER` and so on; `None` where it could not be read.
    pub(crate) format: Option<&'static str>,
    /// What had come to harm on its way and was mended, in words.
    pub(crate) repairs: Vec<&'static str>,
    pub(crate) certificates: Vec<CertificateSummary>,
    /// The key's kind and size, such as `RSA 2048`.
    pub(crate) key: Option<String>,
}

/// What was seen of the connection that got furthest.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionSummary {
    pub(crate) address: Option<String>,
    pub(crate) tls_version: Option<&'static str>,
    pub(crate) tls_cipher: Option<&'static str>,
    /// The certificates that the server showed, its own first.
    pub(crate) server_chain: Vec<CertificateSummary>,
    /// Whether the server asked for a client certificate; `None` where the handshake did not get there.
    pub(crate) client_certificate_asked: Option<bool>,
    pub(crate) client_certificate_sent: Option<bool>,
    /// The names of the CAs that the server accepts client certificates of, where it gave any.
    pub(crate) accepted_cas: Vec<Message>,
    pub(crate) tls_alert: Option<u8>,
    pub(crate) http_status: Option<u16>,
    /// How many seconds this machine's clock is ahead of the server's (`Date`).
    pub(crate) clock_skew_seconds: Option<i64>,
}

/// What a diagnosis found.
///
/// It holds no key material and no password, so it may be sent to a helpdesk. Paths and subject names can
/// be left out: [`Report::redacted`].
#[derive(Clone, Debug)]
pub struct Report {
    pub(crate) created: Timestamp,
    /// Without user name, password and query.
    pub(crate) url: String,
    /// The proxy's host and port.
    pub(crate) proxy: Option<String>,
    /// The failed ones first, the likeliest cause at the head; then those that were skipped and passed, in
    /// the order of the table.
    pub(crate) findings: Vec<Finding>,
    pub(crate) steps: Vec<Step>,
    pub(crate) files: Vec<FileSummary>,
    /// The certificates that the client sends: the leaf, then its issuers.
    pub(crate) chain: Vec<CertificateSummary>,
    /// The root in the CA bundle that the chain leads to.
    pub(crate) root: Option<CertificateSummary>,
    pub(crate) connection: ConnectionSummary,
}

impl Report {
    /// Whether no check failed that makes calls fail. Warnings and notes may still be there.
    pub fn ok(&self) -> bool {
        self.worst() != Some(Severity::Error)
    }

    /// How much the worst of the failed checks weighs; `None` where all is well.
    pub fn worst(&self) -> Option<Severity> {
        self.failed().map(Finding::severity).max()
    }

    /// What every check came to: the failed ones first, the likeliest cause at their head.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The likeliest cause of what is wrong. `None` where all is well; a note is nothing wrong.
    pub fn cause(&self) -> Option<&Finding> {
        self.findings
            .first()
            .filter(|finding| finding.is_failed() && finding.severity > Severity::Note)
    }

    /// The steps on the way to the answer, in the order in which they were made.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The same report without paths and without the names in certificates: `[path]` and `[name]` stand for
    /// them.
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
            file.certificates
                .iter_mut()
                .for_each(CertificateSummary::redact);
        }
        report.chain.iter_mut().for_each(CertificateSummary::redact);
        report.root.iter_mut().for_each(CertificateSummary::redact);
        let connection = &mut report.connection;
        connection
            .server_chain
            .iter_mut()
            .for_each(CertificateSummary::redact);
        connection.accepted_cas.iter_mut().for_each(Message::redact);
        report
    }

    pub(crate) fn failed(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_failed())
    }
}
