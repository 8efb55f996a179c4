//! Errors that name the cause and what to do about it.

mod check;
mod code;

use std::ffi::CStr;
use std::fmt;
use std::time::Duration;

use crate::redact::Message;
use crate::status::Limits;
pub use check::{Check, Severity, Subject};
pub use code::Code;

/// Returns a text of a table for C. A NUL within it is a compile-time error.
const fn c_text(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a text in a table contains a NUL"),
    }
}

/// A failure: what happened, to which file, host or field, and what to do about it.
///
/// It never contains key bytes, passwords or file content.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    message: Message,
    hint: Message,
    check: Option<Check>,
    http_status: Option<u16>,
    tls_alert: Option<u8>,
    os_code: Option<i32>,
    retryable: bool,
    retry_after: Option<Duration>,
    limits: Limits,
}

impl Error {
    /// Creates an error with the code's general advice; the `with_` functions make it specific.
    pub(crate) fn new(code: Code, message: impl Into<Message>) -> Self {
        Error(Box::new(Inner {
            code,
            message: message.into(),
            hint: code.hint().into(),
            check: code.check(),
            http_status: None,
            tls_alert: None,
            os_code: None,
            retryable: code.retryable(),
            retry_after: None,
            limits: Limits::default(),
        }))
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<Message>) -> Self {
        self.0.hint = hint.into();
        self
    }

    pub(crate) fn with_check(mut self, check: Check) -> Self {
        self.0.check = Some(check);
        self
    }

    pub(crate) fn with_http_status(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    pub(crate) fn with_tls_alert(mut self, alert: u8) -> Self {
        self.0.tls_alert = Some(alert);
        self
    }

    pub(crate) fn with_os_error(mut self, error: &std::io::Error) -> Self {
        self.0.os_code = error.raw_os_error();
        self
    }

    pub(crate) fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.0.retry_after = after;
        self
    }

    pub(crate) fn with_limits(mut self, limits: Limits) -> Self {
        self.0.limits = limits;
        self
    }

    pub(crate) fn message_text(&self) -> &Message {
        &self.0.message
    }

    pub(crate) fn hint_text(&self) -> &Message {
        &self.0.hint
    }

    /// Returns the kind of failure.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Returns what happened, to which file, host or field.
    pub fn message(&self) -> &str {
        self.0.message.as_str()
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> &str {
        self.0.hint.as_str()
    }

    /// Returns the check that explains the failure, such as [`Check::CertificateNotExpired`].
    pub fn check(&self) -> Option<Check> {
        self.0.check
    }

    /// Returns the HTTP status, if there was a response.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// Returns the number of the TLS alert that the server sent (RFC 8446, section 6), if it sent one.
    pub fn tls_alert(&self) -> Option<u8> {
        self.0.tls_alert
    }

    /// Returns the operating system's error number (errno, or the WSA code), if there is one.
    pub fn os_code(&self) -> Option<i32> {
        self.0.os_code
    }

    /// Returns whether retrying the same call later may succeed.
    pub fn retryable(&self) -> bool {
        self.0.retryable
    }

    /// Returns how long the service asked to wait (`Retry-After`), if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the rate limit and the quota in the response's headers, if there was a response.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} {}",
            self.code().name(),
            self.message(),
            self.hint()
        )
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.code())
            .field("message", &self.message())
            .field("hint", &self.hint())
            .field("check", &self.check().map(Check::name))
            .field("http_status", &self.http_status())
            .field("tls_alert", &self.tls_alert())
            .field("os_code", &self.os_code())
            .field("retryable", &self.retryable())
            .field("retry_after", &self.retry_after())
            .finish()
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_shows_name_message_and_hint() {
        let error = Error::new(Code::File, "a.pem: no such file.");
        assert_eq!(
            error.to_string(),
            format!("DCS_ERR_FILE: a.pem: no such file. {}", Code::File.hint())
        );
    }
}
