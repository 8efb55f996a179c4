//! The one way from a failure of the layers below (the operating system, rustls, ureq) to an [`Error`] that names the
//! cause.

mod http;
mod server_certificate;
#[cfg(test)]
mod tests;
mod tls;

use std::io;

use super::deadline::{Deadline, Phase, WaitError};
use super::peer::Peer;
use crate::error::{Code, Error};
use crate::handshake::{ClientAuth, RejectedServerCert};

/// The hint for a key that the server's signature algorithms exclude.
pub(crate) const NO_COMMON_SCHEME: &str = "Ask the DCS team which key types they accept (RSA 2048 is the usual one): the server accepts no signature that this private key can make.";

/// A failure, as the layer below reports it.
#[derive(Debug)]
pub(crate) enum Failure<'a> {
    /// The server closed the connection although more was expected.
    Closed,
    /// A read or write failed.
    Io(&'a io::Error),
    /// TLS failed; with the server's certificate if that was rejected.
    Tls(&'a rustls::Error, Option<RejectedServerCert>),
    /// The server sends more of something than a client takes.
    Excess(&'a str),
    /// ureq rejects the header of a response.
    Head(&'a ureq::Error),
    /// ureq rejects the body of a response.
    Body(&'a ureq::Error),
}

/// What an error says besides the failure.
pub(crate) struct ErrorContext<'a> {
    pub(crate) peer: &'a Peer,
    pub(crate) phase: Phase,
    pub(crate) deadline: &'a Deadline,
    pub(crate) client_auth: ClientAuth,
    /// The connection is known to be TLS 1.3, where a server verifies the client certificate after the handshake.
    pub(crate) is_tls13: bool,
}

impl<'a> ErrorContext<'a> {
    /// Creates a context in which nothing is known about the client certificate and the TLS version.
    pub(crate) fn new(peer: &'a Peer, phase: Phase, deadline: &'a Deadline) -> Self {
        ErrorContext {
            peer,
            phase,
            deadline,
            client_auth: ClientAuth::default(),
            is_tls13: false,
        }
    }

    /// Returns the error for a failure.
    pub(crate) fn error(&self, failure: Failure<'_>) -> Error {
        match failure {
            Failure::Closed => self.lost("closed the connection"),
            Failure::Io(error) => self.io(error),
            Failure::Tls(error, rejected) => self.tls(error, rejected.as_ref()),
            Failure::Excess(what) => Error::new(
                Code::Tls,
                format!(
                    "The TLS connection to {} failed: the server sends {what}.",
                    self.peer.name
                ),
            ),
            Failure::Head(error) => self.http_head(error),
            Failure::Body(error) => self.http_body(error),
        }
    }

    fn io(&self, error: &io::Error) -> Error {
        if let Some(wait_error) = WaitError::from_io(error) {
            return self.deadline.error(wait_error, self.phase, &self.peer.name);
        }
        // Not the operating system's error: rustls's buffer is full and the message still incomplete.
        if error.kind() == io::ErrorKind::InvalidData {
            return self.tls(&rustls::Error::General(error.to_string()), None);
        }
        let what = match error.kind() {
            io::ErrorKind::ConnectionReset => "reset the connection".to_owned(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                "closed the connection".to_owned()
            }
            _ => format!("can no longer be reached ({error})"),
        };
        let lost = self.lost(&what);
        if lost.code() == Code::ConnectionLost {
            return lost.with_os_error(error);
        }
        lost
    }

    fn lost(&self, what: &str) -> Error {
        let when = match self.phase {
            // What was received cannot be used.
            Phase::Receive => return self.cut_short(),
            Phase::Handshake => "during the TLS handshake",
            _ => "before it responded",
        };
        let error = Error::new(
            Code::ConnectionLost,
            format!("{} {what} {when}.", self.peer.name),
        )
        .with_check(self.phase.check());
        // A server may reject a certificate by closing the connection. In TLS 1.2 that is during the handshake.
        match self.client_auth {
            ClientAuth { asked: true, sent: false } if self.peer.has_identity => {
                error.with_hint(NO_COMMON_SCHEME)
            }
            ClientAuth { asked: true, sent: false } => error.with_hint(
                "Configure a client certificate and private key: the server asked for a certificate and none was sent, which is the most likely cause.",
            ),
            ClientAuth { sent: true, .. } => error.with_hint(
                "Try again. If the error persists, the server may not accept the client certificate that it just received, or a firewall or proxy cuts the connection.",
            ),
            _ if self.phase == Phase::Handshake => error.with_hint(
                "Try again. If the error persists, check that the port is that of a TLS server and that no firewall or proxy blocks TLS.",
            ),
            _ => error,
        }
    }
}
