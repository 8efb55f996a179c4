//! Errors of TLS: alerts of the server, and handshakes that fail.

use rustls::{AlertDescription, InvalidMessage, PeerIncompatible};

use super::{ErrorContext, NO_COMMON_SCHEME};
use crate::error::{Code, Error};
use crate::handshake::{ClientAuth, RejectedServerCert};
use crate::transport::deadline::Phase;

impl ErrorContext<'_> {
    pub(super) fn tls(
        &self,
        error: &rustls::Error,
        rejected: Option<&RejectedServerCert>,
    ) -> Error {
        let peer = &self.peer.name;
        match error {
            rustls::Error::AlertReceived(alert) => self.alert(*alert),
            rustls::Error::InvalidCertificate(_) => match rejected {
                Some(rejected) => self.server_certificate(rejected),
                // The certificate was accepted, so this is not about its own signature.
                None => self.handshake_signature(),
            },
            rustls::Error::NoCertificatesPresented => {
                Error::new(Code::ServerCertificate, format!("{peer} sent no certificate."))
            }
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)
                if self.phase == Phase::Handshake =>
            {
                Error::new(Code::Tls, format!("{peer} does not speak TLS on this port.")).with_hint(
                    "Check the port in the URL: a plain HTTP server, or another service, answers there.",
                )
            }
            rustls::Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ) => self.no_common_version(),
            error => Error::new(
                Code::Tls,
                format!("The TLS connection to {peer} failed: {error}."),
            ),
        }
    }

    fn handshake_signature(&self) -> Error {
        let peer = &self.peer.name;
        Error::new(
            Code::Tls,
            format!("The TLS connection to {peer} failed: the server's signature in the handshake is invalid."),
        )
        .with_hint("Try again. If the error persists, the data is changed on the way, or the server's private key does not match its certificate.")
    }

    fn no_common_version(&self) -> Error {
        Error::new(
            Code::Tls,
            format!(
                "{} and this client have no TLS version in common: it supports neither TLS 1.2 nor TLS 1.3.",
                self.peer.name
            ),
        )
        .with_hint("Check that the host and port in the URL are the DCS's. An outdated proxy that inspects TLS can also cause this.")
    }

    fn alert(&self, alert: AlertDescription) -> Error {
        let ClientAuth { asked, sent } = self.client_auth;
        let said = format!(
            "{} ended the TLS connection with the alert {}",
            self.peer.name,
            alert_name(alert)
        );
        let about_certificate = matches!(
            alert,
            AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied
        );
        let in_handshake = self.phase == Phase::Handshake;
        let error = match alert {
            AlertDescription::CertificateRequired => self.certificate_required(&said),
            // TLS 1.2 has no alert of its own for a missing certificate (RFC 5246, section 7.4.6).
            AlertDescription::HandshakeFailure if asked && !sent => {
                self.certificate_required(&said)
            }
            AlertDescription::HandshakeFailure if asked => self.certificate_rejected(&said, alert),
            // Apache's reaction to a chain that is too long. After the certificate and before any response a server
            // can hardly mean anything else.
            AlertDescription::InternalError if sent && self.may_be_about_certificate() => {
                self.certificate_rejected(&said, alert)
            }
            AlertDescription::ProtocolVersion => self.no_common_version(),
            _ if about_certificate && asked && !sent => self.certificate_required(&said),
            // On a kept connection, or one whose session was resumed, the certificate was sent earlier.
            _ if about_certificate && (sent || self.peer.has_identity && !in_handshake) => {
                self.certificate_rejected(&said, alert)
            }
            AlertDescription::HandshakeFailure if !in_handshake && !self.is_tls13 => Error::new(
                Code::Tls,
                format!("{said}: it requested a renegotiation after the handshake, which is not supported."),
            )
            .with_hint("Ask the DCS team to request the client certificate in the handshake, and not once the URL is known (in Apache httpd: SSLVerifyClient for the whole virtual host)."),
            AlertDescription::HandshakeFailure if in_handshake => Error::new(
                Code::Tls,
                format!("{said}: no cipher suite or key type in common."),
            ),
            AlertDescription::UnrecognisedName => Error::new(
                Code::Tls,
                format!("{said}: it does not know the host name in the URL."),
            ),
            _ => Error::new(Code::Tls, format!("{said}.")),
        };
        error.with_tls_alert(u8::from(alert))
    }

    /// Returns whether an alert in this phase can be the verdict on the client certificate.
    fn may_be_about_certificate(&self) -> bool {
        match self.phase {
            Phase::Handshake => true,
            Phase::Send | Phase::Await => self.is_tls13,
            _ => false,
        }
    }

    fn certificate_required(&self, said: &str) -> Error {
        let error = Error::new(
            Code::ClientCertRequired,
            format!("{said}: it requires a client certificate and none was sent."),
        );
        if self.peer.has_identity && self.client_auth.asked && !self.client_auth.sent {
            return error.with_hint(NO_COMMON_SCHEME);
        }
        error
    }

    fn certificate_rejected(&self, said: &str, alert: AlertDescription) -> Error {
        let why = match alert {
            AlertDescription::UnknownCA => {
                "it does not know the CA that issued the client certificate"
            }
            AlertDescription::CertificateExpired => "the client certificate has expired",
            AlertDescription::CertificateRevoked => "the client certificate has been revoked",
            AlertDescription::UnsupportedCertificate => {
                "the client certificate is not for TLS client authentication"
            }
            AlertDescription::InternalError => {
                "it had just received the client certificate, which it most likely does not accept"
            }
            _ => "it does not accept the client certificate",
        };
        Error::new(Code::ClientCertRejected, format!("{said}: {why}."))
    }
}

/// Returns the alert's name in the standard (RFC 8446, section 6), such as `unknown_ca (48)`.
pub(super) fn alert_name(alert: AlertDescription) -> String {
    let mut name = String::new();
    let words = alert.as_str().unwrap_or("unknown");
    let mut previous_lower = false;
    for letter in words.chars() {
        if letter.is_ascii_uppercase() && previous_lower {
            name.push('_');
        }
        previous_lower = letter.is_ascii_lowercase();
        name.push(letter.to_ascii_lowercase());
    }
    format!("{name} ({})", u8::from(alert))
}
