//! The one table of error codes: number, name, whether a retry may help, the check that explains it, and advice.
//!
//! The C header's constants are generated from this table, and the bindings' enums are compared with
//! the header. Numbers are grouped with gaps, only ever appended, and never reused.

use std::ffi::CStr;

use super::{Check, c_text};

// A row without advice of its own has that of its check.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal $name:literal $retry:ident $($check:ident)? $($hint:literal)?)+) => {
        /// What kind of failure an [`Error`](crate::Error) is.
        ///
        /// The groups: from 100 the caller's input, from 200 the network, from 300 TLS, from 400 the
        /// service's answers, 900 the library itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant = $number,)+
        }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Code] = &[$(Code::$variant),+];

            /// The name in the C header, such as `DCS_ERR_KEY_MISMATCH`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name),+ }
            }

            /// One sentence on when the code comes, as in the C header.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$variant => concat!($($doc),+)),+ }
            }

            /// Whether the same call may succeed later without anybody changing anything. What came in particular can
            /// be otherwise, which [`Error::retryable`](crate::Error::retryable) tells.
            pub fn retryable(self) -> bool {
                match self { $(Code::$variant => codes!(@retryable $retry)),+ }
            }

            /// The check that did not pass, if the code alone says which.
            pub fn check(self) -> Option<Check> {
                match self { $(Code::$variant => codes!(@check $($check)?)),+ }
            }

            /// General advice. An [`Error`](crate::Error) usually carries a more specific one.
            pub fn hint(self) -> &'static str {
                match self { $(Code::$variant => codes!(@hint $($check)? $($hint)?)),+ }
            }

            /// [`Code::name`] for C.
            pub(crate) fn c_name(self) -> &'static CStr {
                match self { $(Code::$variant => const { c_text(concat!($name, "\0")) }),+ }
            }

            /// [`Code::hint`] for C.
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
    "There is nothing to mend."

    /// An argument is NULL, is not UTF-8, or has a value that the option does not take: a URL that is
    /// not https, a timeout of 0.
    InvalidArgument = 100 "DCS_ERR_INVALID_ARGUMENT" final
    "Correct the argument that the message names."

    /// A file cannot be read.
    File = 101 "DCS_ERR_FILE" final FileReadable

    /// The CA bundle holds no usable CA certificate.
    CaBundle = 102 "DCS_ERR_CA_BUNDLE" final
    "Use the CA bundle that the DCS team published for your environment: a file of CA certificates."

    /// The client certificate cannot be used.
    Certificate = 103 "DCS_ERR_CERTIFICATE" final
    "Use the TLS client certificate that the DCS team sent you: PEM (BEGIN CERTIFICATE), DER, PKCS#7 or PKCS#12."

    /// The private key cannot be used.
    PrivateKey = 104 "DCS_ERR_PRIVATE_KEY" final
    "Use the private key that the certificate request was made with: PEM (BEGIN PRIVATE KEY), DER or PKCS#12."

    /// The private key is encrypted, and the password is missing or wrong.
    Password = 105 "DCS_ERR_PASSWORD" final KeyPassword

    /// The private key is not the certificate's.
    KeyMismatch = 106 "DCS_ERR_KEY_MISMATCH" final KeyMatchesCertificate

    /// The host name cannot be resolved.
    Resolve = 200 "DCS_ERR_RESOLVE" retry Resolve

    /// No TCP connection can be made.
    Connect = 201 "DCS_ERR_CONNECT" retry Connect

    /// The proxy cannot be reached or refuses the connection.
    Proxy = 202 "DCS_ERR_PROXY" retry Proxy

    /// A time limit has passed; the message names the phase.
    Timeout = 203 "DCS_ERR_TIMEOUT" retry
    "Try again; if it happens often, raise the timeout or look for a firewall that drops packets."

    /// The server closed or reset the connection before its answer was complete.
    ConnectionLost = 204 "DCS_ERR_CONNECTION_LOST" retry
    "Try again; if it stays, a firewall, a proxy or the server ends the connection on purpose."

    /// The caller ended the call.
    Interrupted = 205 "DCS_ERR_INTERRUPTED" final
    "Nothing is wrong: the call was ended on purpose, from within this process."

    /// The CA bundle does not lead to the server's certificate ("unable to get local issuer certificate").
    ServerUntrusted = 300 "DCS_ERR_SERVER_UNTRUSTED" final ServerTrusted
    "Use the CA bundle of the environment that the URL belongs to (integration or production); if a proxy inspects TLS on the way, have it let the DCS's host pass."

    /// The server's certificate is expired, not yet valid, for another purpose, or wrongly signed.
    ServerCertificate = 301 "DCS_ERR_SERVER_CERTIFICATE" final ServerValid

    /// The server's certificate is for another host.
    ServerName = 302 "DCS_ERR_SERVER_NAME" final ServerName

    /// The server wants a client certificate and none was sent ("No required SSL certificate was sent").
    ClientCertRequired = 303 "DCS_ERR_CLIENT_CERT_REQUIRED" final ClientCertificateSent
    "Configure the TLS client certificate and its private key: `DCS_CERTIFICATE` and `DCS_PRIVATE_KEY`, `--cert` and `--key` of the command, or the options certificate and private_key."

    /// The server does not accept the client certificate ("The SSL certificate error").
    ClientCertRejected = 304 "DCS_ERR_CLIENT_CERT_REJECTED" final ClientCertificateAccepted
    "Use the TLS client certificate that the DCS team issued for this environment; if it is the one, ask them whether it is enabled or revoked."

    /// The TLS handshake failed for another reason: no common version or cipher, not TLS at all, or an alert.
    Tls = 305 "DCS_ERR_TLS" final Handshake

    /// HTTP 400: the service finds fault with the request.
    BadRequest = 400 "DCS_ERR_BAD_REQUEST" final Answer
    "Check the URL against the DCS documentation."

    /// HTTP 403: the quota of checks is used up for good.
    QuotaExceeded = 403 "DCS_ERR_QUOTA_EXCEEDED" final Answer
    "Ask the DCS team for a larger quota."

    /// HTTP 404: the URL's path is wrong.
    NotFound = 404 "DCS_ERR_NOT_FOUND" final Answer
    "Check the path in the URL; the passport check's is /checks/passport."

    /// HTTP 429: this client's own rate limit is exceeded.
    RateLimited = 429 "DCS_ERR_RATE_LIMITED" retry Answer
    "Wait for the time that retry-after gives, and send fewer requests."

    /// Any other HTTP status than 200 and those with a code of their own.
    Http = 450 "DCS_ERR_HTTP" final Answer
    "Check that the URL is the DCS's own endpoint; a status from 500 is the service's trouble: try later."

    /// The answer is not the JSON that it should be, was cut short, or is larger than the limit.
    Response = 460 "DCS_ERR_RESPONSE" final StatusBody

    /// HTTP 503: all clients together are over the limit.
    Unavailable = 503 "DCS_ERR_UNAVAILABLE" retry Answer
    "Wait for the time that retry-after gives and try again."

    /// A fault in the library itself.
    Internal = 900 "DCS_ERR_INTERNAL" final
    "This is a bug in libdcs: please report it with the message."
}

impl Code {
    /// The code with this number, if it was ever given out.
    pub fn from_number(number: i32) -> Option<Code> {
        Code::ALL
            .iter()
            .copied()
            .find(|code| code.number() == number)
    }

    /// The number in the C header.
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
