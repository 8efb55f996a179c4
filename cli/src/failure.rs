//! What ends a command, and with which exit code.

use std::io;
use std::path::Path;

use dcs::{Code, Error, sanitize};
use serde_json::{Value, json};

/// The exit codes; [`EXIT_STATUS`](crate::arguments::EXIT_STATUS) explains them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Well = 0,
    Failed = 1,
    Usage = 2,
    Warnings = 3,
    Unavailable = 4,
}

/// A failure, of the library or of the command itself.
#[derive(Debug)]
pub struct Failure {
    code: Code,
    message: String,
    hint: String,
    /// What the library knows beyond that.
    error: Option<Box<Error>>,
}

impl Failure {
    /// A mistake on the command line that clap cannot see.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message, hint)
    }

    /// A file, or standard output, that cannot be used.
    pub fn file(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Code::File, message, hint)
    }

    /// A file that does not hold the certificate that it should.
    pub fn certificate(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Code::Certificate, message, hint)
    }

    /// A file that the system refuses; `done` is what could not be done with it, such as "read".
    pub fn io(what: &str, path: &Path, done: &str, error: &io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        Self::file(
            format!("{what} {} cannot be {done}: {reason}.", path.display()),
            "Check the path, and what the user that this command runs as may do there.",
        )
    }

    fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure {
            code,
            message: message.into(),
            hint: hint.into(),
            error: None,
        }
    }

    pub fn exit(&self) -> Exit {
        match self.code {
            Code::InvalidArgument => Exit::Usage,
            _ => Exit::Failed,
        }
    }

    /// Whether a diagnosis could say more.
    pub fn is_worth_a_diagnosis(&self) -> bool {
        self.error.is_some() && self.code != Code::InvalidArgument && self.code.number() < 400
    }

    /// For standard error: what happened, and what to do.
    pub fn text(&self) -> String {
        let mut names = self.code.name().to_owned();
        let mut wait = String::new();
        if let Some(error) = &self.error {
            if let Some(check) = error.check() {
                names = format!("{names}, {}", check.name());
            }
            if let Some(after) = error.retry_after() {
                wait = format!("\nThe service asks to wait {} s.", after.as_secs_f64());
            }
        }
        format!(
            "dcs: {}\n{} ({names}){wait}\n",
            sanitize(&self.message),
            sanitize(&self.hint)
        )
    }

    /// `{"error": {...}}`.
    pub fn json(&self) -> Value {
        let error = self.error.as_deref();
        json!({"error": {
            "code": self.code.name(),
            "message": self.message,
            "hint": self.hint,
            "check": error.and_then(Error::check).map(dcs::Check::name),
            "http_status": error.and_then(Error::http_status),
            "tls_alert": error.and_then(Error::tls_alert),
            "os_code": error.and_then(Error::os_code),
            "retryable": error.is_some_and(Error::retryable),
            "retry_after_ms": error
                .and_then(Error::retry_after)
                .map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        }})
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure {
            code: error.code(),
            message: error.message().to_owned(),
            hint: error.hint().to_owned(),
            error: Some(Box::new(error)),
        }
    }
}
