//! The error that ends a command: its text, its JSON and its exit code.

use std::io;
use std::path::Path;

use dcs::{Code, Error, sanitize, sanitize_path};
use serde_json::{Value, json};

use crate::exit::Exit;

/// An error of the library or of the command itself.
#[derive(Debug)]
pub struct CommandError {
    /// `None` for an error of the sandbox, which has no hint either.
    code: Option<Code>,
    message: String,
    hint: String,
    /// The library's error, if it is one.
    error: Option<Box<Error>>,
}

impl CommandError {
    /// Returns the error for a mistake on the command line that clap cannot detect.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message, hint)
    }

    /// Returns the error for a file, or standard output, that cannot be used.
    pub fn file(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Code::File, message, hint)
    }

    /// Returns the error for a file without the expected certificate.
    pub fn certificate(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Code::Certificate, message, hint)
    }

    /// Returns the error for a file that cannot be written.
    pub fn write(what: &str, path: &Path, error: &io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "no such file or folder".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        Self::file(
            format!(
                "{what} {} cannot be written: {reason}.",
                sanitize_path(path)
            ),
            "Check the path and its permissions.",
        )
    }

    fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        CommandError {
            code: Some(code),
            message: message.into(),
            hint: hint.into(),
            error: None,
        }
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn exit(&self) -> Exit {
        match self.code {
            Some(Code::InvalidArgument) => Exit::Usage,
            _ => Exit::Failure,
        }
    }

    /// Returns whether a diagnosis may find the cause.
    pub fn is_worth_a_diagnosis(&self) -> bool {
        self.error.as_ref().is_some_and(|error| {
            error.code() != Code::InvalidArgument && error.code().number() < 400
        })
    }

    /// Returns the text for standard error: what happened, and what to do.
    pub fn text(&self) -> String {
        let mut text = format!("dcs: {}\n", sanitize(&self.message));
        let error = self.error.as_deref();
        if let Some(code) = self.code {
            let check = error.and_then(Error::check);
            let check = check.map_or(String::new(), |check| format!(", {}", check.name()));
            text += &format!("{} ({}{check})\n", sanitize(&self.hint), code.name());
        }
        if let Some(after) = error.and_then(Error::retry_after) {
            text += &format!("The service asks to wait {} s.\n", after.as_secs_f64());
        }
        text
    }

    /// Returns the error as `{"error": {...}}`.
    pub fn json(&self) -> Value {
        let error = self.error.as_deref();
        json!({"error": {
            "code": self.code.map(Code::name),
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

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        CommandError {
            code: Some(error.code()),
            message: error.message().to_owned(),
            hint: error.hint().to_owned(),
            error: Some(Box::new(error)),
        }
    }
}

/// An error of the sandbox.
impl From<String> for CommandError {
    fn from(message: String) -> Self {
        CommandError {
            code: None,
            message,
            hint: String::new(),
            error: None,
        }
    }
}
