//! The one table of error codes: number, name, whether a retry may help, the check that explains it, and advice.
//!
//! The C header's constants are generated from this table, and the bindings' enums are compared with
//! the header. Numbers are grouped, with gaps. New ones are appended; none is ever reused.

use std::ffi::CStr;

use super::{Check, c_text};

// A row without a hint of its own has the advice of its check.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal $name:literal $retry:ident $($check:ident)? $($hint:literal)?)+) => {
        /// The kind of failure that an [`Error`](crate::Error) reports.
        ///
        /// The groups: from 100 the caller's input, from 200 the network, from 300 TLS, from 400 the
        /// service's responses, 900 the library itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant = $number,)+
        }

        impl Code {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Code] = &[$(Code::$variant),+];

            /// Returns the name in the C header, such as `DCS_ERR_KEY_MISMATCH`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name),+ }
            }

            /// Returns one sentence on when the code occurs, as in the C header.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$variant => concat!($($doc),+)),+ }
            }

            /// Returns whether retrying the same call later may succeed. The particular error decides:
            /// see [`Error::retryable`](crate::Error::retryable).
            pub fn retryable(self) -> bool {
                match self { $(Code::$variant => codes!(@retryable $retry)),+ }
            }

            /// Returns the check that failed, if the code alone determines it.
            pub fn check(self) -> Option<Check> {
                match self { $(Code::$variant => codes!(@check $($check)?)),+ }
            }

            /// Returns general advice. An [`Error`](crate::Error) usually has more specific advice.
            pub fn hint(self) -> &'static str {
                match self { $(Code::$variant => codes!(@hint $($check)? $($hint)?)),+ }
            }

            /// Returns [`Code::name`] for C.
            pub(crate) fn c_name(self) -> &'static CStr {
                match self { $(Code::$variant => const { c_text(concat!($name, "\0")) }),+ }
            }

            /// Returns [`Code::hint`] for C.
            pub(crate) fn c_hint(self) -> &'static CStr {
                match self { $(Code::$variant => codes!(@c_hint $($check)? $($hint)?)),+ }
            }
        }
    };
    (@retryable retry) => { true };
    (@retryable final) => { false };
    (@check) => { None };
    (@check $check:ident) => { Some(Check::$check) };
    (@hint $check:ident) => { Check::$check.advice() };
    (@hint $($check:ident)? $hint:literal) => { $hint };
    (@c_hint $check:ident) => { Check::$check.c_advice() };
    (@c_hint $($check:ident)? $hint:literal) => { const { c_text(concat!($hint, "\0")) } };
}

codes! {
    /// Success.
    Ok = 0 "DCS_OK" final
    "No action is needed."

    /// An argument is NULL, not UTF-8, or a value that the option does not accept, such as a URL that is not
    /// https or a timeout of 0.
    InvalidArgument = 100 "DCS_ERR_INVALID_ARGUMENT" final
    "Correct the argument named in the message."

    /// A file cannot be read.
    File = 101 "DCS_ERR_FILE" final FileReadable

    /// The CA bundle contains no usable CA certificate.
    CaBundle = 102 "DCS_ERR_CA_BUNDLE" final
    "Use the CA bundle that the DCS team published for your environment (a file of CA certificates)."

    /// The client certificate cannot be used.
    Certificate = 103 "DCS_ERR_CERTIFICATE" final
    "Use the TLS client certificate that the DCS team issued to you, as PEM (BEGIN CERTIFICATE), DER, PKCS#7 or PKCS#12."

    /// The private key cannot be used.
    PrivateKey = 104 "DCS_ERR_PRIVATE_KEY" final
    "Use the private key that you created the certificate request with, as PEM (BEGIN PRIVATE KEY), DER or PKCS#12."

    /// The private key is encrypted, and the password is missing or wrong.
    Password = 105 "DCS_ERR_PASSWORD" final KeyPassword

    /// The private key does not belong to the certificate.
    KeyMismatch = 106 "DCS_ERR_KEY_MISMATCH" final KeyMatchesCertificate

    /// The host name cannot be resolved.
    Resolve = 200 "DCS_ERR_RESOLVE" retry Resolve

    /// No TCP connection can be opened.
    Connect = 201 "DCS_ERR_CONNECT" retry Connect

    /// The proxy cannot be reached, or it rejects the connection.
    Proxy = 202 "DCS_ERR_PROXY" retry Proxy

    /// A timeout elapsed; the message names the phase.
    Timeout = 203 "DCS_ERR_TIMEOUT" retry
    "Try again. If it happens often, raise the timeout or look for a firewall that drops packets."

    /// The server closed or reset the connection before the response was complete.
    ConnectionLost = 204 "DCS_ERR_CONNECTION_LOST" retry
    "Try again. If it keeps happening, find out whether a firewall, a proxy or the server closes the connection on purpose."

    /// The caller cancelled the call.
    Interrupted = 205 "DCS_ERR_INTERRUPTED" final
    "No action is needed: this process cancelled the call itself."

    /// The server's certificate does not chain to a CA in the CA bundle ("unable to get local issuer
    /// certificate").
    ServerUntrusted = 300 "DCS_ERR_SERVER_UNTRUSTED" final ServerTrusted

    /// The server's certificate has expired, is not yet valid, is for another purpose, or has an invalid
    /// signature.
    ServerCertificate = 301 "DCS_ERR_SERVER_CERTIFICATE" final ServerValid

    /// The server's certificate is for another host.
    ServerName = 302 "DCS_ERR_SERVER_NAME" final ServerName

    /// The server requires a client certificate, and none was sent ("No required SSL certificate was sent").
    ClientCertRequired = 303 "DCS_ERR_CLIENT_CERT_REQUIRED" final ClientCertificateSent

    /// The server rejected the client certificate ("The SSL certificate error").
    ClientCertRejected = 304 "DCS_ERR_CLIENT_CERT_REJECTED" final ClientCertificateAccepted

    /// The TLS handshake failed for another reason: no common version or cipher, no TLS at all, or an alert.
    Tls = 305 "DCS_ERR_TLS" final Handshake

    /// HTTP 400: the service rejected the request as malformed.
    BadRequest = 400 "DCS_ERR_BAD_REQUEST" final Answer
    "Check the URL against the DCS documentation."

    /// HTTP 403: the quota of checks is used up.
    QuotaExceeded = 403 "DCS_ERR_QUOTA_EXCEEDED" final Answer
    "Ask the DCS team for a larger quota."

    /// HTTP 404: the URL's path is wrong.
    NotFound = 404 "DCS_ERR_NOT_FOUND" final Answer
    "Check the path in the URL; the path of the passport check is /checks/passport."

    /// HTTP 429: this client exceeded its own rate limit.
    RateLimited = 429 "DCS_ERR_RATE_LIMITED" retry Answer
    "Wait for the time in retry-after, then send fewer requests."

    /// Any HTTP status other than 200 that has no code of its own.
    Http = 450 "DCS_ERR_HTTP" final Answer
    "Check that the URL is the DCS's own endpoint. If the status is 500 or above, the service has a fault: try again later."

    /// The response is not the documented JSON, is incomplete, or exceeds the size limit.
    Response = 460 "DCS_ERR_RESPONSE" final StatusBody

    /// HTTP 503: all clients together exceeded the service's rate limit.
    Unavailable = 503 "DCS_ERR_UNAVAILABLE" retry Answer
    "Wait for the time in retry-after, then try again."

    /// A bug in the library.
    Internal = 900 "DCS_ERR_INTERNAL" final
    "Report this bug in libdcs, with the message."
}

impl Code {
    /// Returns the code with this number, if it exists.
    pub fn from_number(number: i32) -> Option<Code> {
        Code::ALL
            .iter()
            .copied()
            .find(|code| code.number() == number)
    }

    /// Returns the number in the C header.
    pub fn number(self) -> i32 {
        self as i32
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn numbers_rise_and_names_are_unique() {
        for pair in Code::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number(), "{pair:?}");
        }
        for code in Code::ALL {
            assert_eq!(Code::from_number(code.number()), Some(*code));
            assert!(code.name().starts_with("DCS_"));
            assert!(code.hint().ends_with('.'), "{}", code.hint());
            assert_eq!(
                Code::ALL.iter().filter(|c| c.name() == code.name()).count(),
                1
            );
        }
        assert_eq!(Code::from_number(206), None);
    }
}
