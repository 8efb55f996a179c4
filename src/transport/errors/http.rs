//! Errors of HTTP: responses that are too large, cut short or malformed.

use super::ErrorContext;
use crate::error::{Code, Error};

impl ErrorContext<'_> {
    pub(super) fn http_head(&self, error: &ureq::Error) -> Error {
        match error {
            ureq::Error::LargeResponseHeader(_, limit) => self.response_error(
                "The header of the response from",
                &format!("is larger than {} KiB", limit / 1024),
            ),
            error => self.http(error),
        }
    }

    pub(super) fn http_body(&self, error: &ureq::Error) -> Error {
        match error {
            // ureq needs the whole line in the buffer, whose limit is the header's.
            ureq::Error::LargeResponseHeader(_, limit) => self.response_error(
                "The body of the response from",
                &format!(
                    "is not valid HTTP/1.1: the line with a chunk's size, or a trailer, is larger than {} KiB",
                    limit / 1024
                ),
            ),
            error => self.http(error),
        }
    }

    fn http(&self, error: &ureq::Error) -> Error {
        match error {
            ureq::Error::BodyExceedsLimit(limit) => self.response_error(
                "The response from",
                &format!("is larger than {} KiB", limit / 1024),
            ),
            // The stream ended, and ureq expected more.
            ureq::Error::Io(_) | ureq::Error::BodyStalled => self.cut_short(),
            error => self.response_error(
                "The response from",
                &format!("is not valid HTTP/1.1: {error}"),
            ),
        }
    }

    pub(super) fn cut_short(&self) -> Error {
        self.response_error(
            "The response from",
            "was cut short: the connection was closed before its end",
        )
        .with_hint(
            "Try again. If the error persists, something between this machine and the service cuts connections.",
        )
        .with_retryable(true)
    }

    fn response_error(&self, subject: &str, what: &str) -> Error {
        Error::new(
            Code::Response,
            format!("{subject} {} {what}.", self.peer.name),
        )
    }
}
