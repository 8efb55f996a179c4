//! From what rustls and the operating system say to an [`Error`] that names the cause.

use std::io;

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

use super::deadline::{Deadline, Phase, WaitError};
use super::interception::is_inspector;
use super::tls::RejectedServerCert;
use crate::datetime::day;
use crate::error::Check;
use crate::error::{Code, Error};
use crate::handshake::ClientAuth;
use crate::redact;
use crate::sanitize::printable;

/// What a failure is told with.
pub(crate) struct ErrorContext<'a> {
    /// Host and port.
    pub(crate) peer: &'a str,
    pub(crate) phase: Phase,
    pub(crate) deadline: &'a Deadline,
    pub(crate) client_auth: ClientAuth,
    /// The connection is known to be TLS 1.3, where a client certificate is judged after the handshake.
    pub(crate) is_tls13: bool,
    /// A client certificate is configured.
    pub(crate) has_identity: bool,
    /// "the CA bundle ca.pem"
    pub(crate) ca_bundle: &'a str,
}

impl ErrorContext<'_> {
    /// A read or write failed.
    pub(crate) fn io(&self, error: &io::Error) -> Error {
        if let Some(over) = WaitError::from_io(error) {
            return self.deadline.error(over, self.phase, self.peer);
        }
        // Not the operating system's: rustls has no room for a message that goes on and on.
        if error.kind() == io::ErrorKind::InvalidData {
            return self.tls(&rustls::Error::General(error.to_string()), None);
        }
        let what = match error.kind() {
            io::ErrorKind::ConnectionReset => "reset the connection".to_owned(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                "closed the connection".to_owned()
            }
            _ => format!("cannot be reached any more ({error})"),
        };
        self.lost(&what).with_os_error(error)
    }

    /// The server closed the connection where more should have come.
    pub(crate) fn closed(&self) -> Error {
        self.lost("closed the connection")
    }

    fn lost(&self, what: &str) -> Error {
        let when = match self.phase {
            Phase::Handshake => "during the TLS handshake",
            Phase::Receive => "in the middle of its answer",
            _ => "before it answered",
        };
        let error = Error::new(
            Code::ConnectionLost,
            format!("{} {what} {when}.", self.peer),
        )
        .with_check(self.phase.check());
        // A front end may turn a certificate down without a word. In TLS 1.2 that is during the handshake.
        match (self.client_auth, self.phase) {
            (ClientAuth { asked: true, sent: false }, Phase::Handshake | Phase::Send | Phase::Await) => {
                error.with_hint("The server had asked for a client certificate and none was sent, which is the likeliest reason: configure certificate and private key.")
            }
            (ClientAuth { asked: true, sent: true }, Phase::Handshake | Phase::Send | Phase::Await) => {
                error.with_hint("Try again; if it stays, the server may not accept the client certificate, which it had just got, or a firewall or proxy cuts the connection.")
            }
            (_, Phase::Handshake) => error.with_hint(
                "Try again; if it stays, check that the port is that of a TLS server and that no firewall or proxy cuts TLS off.",
            ),
            _ => error,
        }
    }

    /// TLS failed. `refused` is the server's certificate, where that was the reason.
    pub(crate) fn tls(&self, error: &rustls::Error, refused: Option<RejectedServerCert>) -> Error {
        match error {
            rustls::Error::AlertReceived(alert) => self.alert(*alert),
            // The certificate itself was accepted: what it says of the CA would be wrong here.
            rustls::Error::InvalidCertificate(CertificateError::BadSignature)
                if refused.is_none() =>
            {
                Error::new(
                    Code::Tls,
                    format!(
                        "The TLS connection to {} failed: the server's signature in the handshake is wrong.",
                        self.peer
                    ),
                )
                .with_hint("Try again; if it stays, something on the way changes what is sent, or the server's private key is not its certificate's.")
            }
            rustls::Error::InvalidCertificate(error) => {
                self.server_certificate(error, refused.as_ref())
            }
            rustls::Error::NoCertificatesPresented => Error::new(
                Code::ServerCertificate,
                format!("{} sent no certificate.", self.peer),
            ),
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)
                if self.phase == Phase::Handshake =>
            {
                Error::new(
                    Code::Tls,
                    format!("{} does not speak TLS on this port.", self.peer),
                )
                .with_hint(
                    "Check the port in the URL: a plain HTTP server, or another service, answers there.",
                )
            }
            rustls::Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ) => self.no_common_version(),
            error => Error::new(
                Code::Tls,
                format!("The TLS connection to {} failed: {error}.", self.peer),
            ),
        }
    }

    fn no_common_version(&self) -> Error {
        Error::new(
            Code::Tls,
            format!(
                "{} and this client have no TLS version in common: it offers neither TLS 1.2 nor TLS 1.3.",
                self.peer
            ),
        )
        .with_hint("Check that host and port in the URL are the DCS's; a proxy that inspects TLS can also be the one that is outdated.")
    }

    fn alert(&self, alert: AlertDescription) -> Error {
        let ClientAuth { asked, sent } = self.client_auth;
        let number = u8::from(alert);
        let name = alert_name(alert);
        let said = format!(
            "{} ended the TLS connection with the alert {name}",
            self.peer
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
        let error = match alert {
            AlertDescription::CertificateRequired => self.certificate_required(&said),
            // TLS 1.2 has no alert of its own for a missing certificate (RFC 5246, section 7.4.6).
            AlertDescription::HandshakeFailure if asked && !sent => {
                self.certificate_required(&said)
            }
            AlertDescription::HandshakeFailure if asked => self.certificate_rejected(&said, alert),
            // Apache's answer to a chain that is too long. After the certificate and before any answer
            // there is little else that a server could mean.
            AlertDescription::InternalError if sent && self.may_be_about_certificate() => {
                self.certificate_rejected(&said, alert)
            }
            AlertDescription::ProtocolVersion => self.no_common_version(),
            _ if about_certificate && asked && !sent => self.certificate_required(&said),
            // On a connection that was kept, or whose session was resumed, the certificate was shown earlier.
            _ if about_certificate
                && (sent || self.has_identity && self.phase != Phase::Handshake) =>
            {
                self.certificate_rejected(&said, alert)
            }
            AlertDescription::HandshakeFailure
                if self.phase != Phase::Handshake && !self.is_tls13 => Error::new(
                Code::Tls,
                format!("{said}: it wants to negotiate TLS anew after the handshake, which is not supported."),
            )
            .with_hint("The front end asks for the client certificate only once it has seen the URL; it must ask for it in the handshake (in Apache httpd: SSLVerifyClient for the whole virtual host)."),
            AlertDescription::HandshakeFailure if self.phase == Phase::Handshake => Error::new(
                Code::Tls,
                format!("{said}: no cipher suite or key type in common."),
            ),
            AlertDescription::UnrecognisedName => Error::new(
                Code::Tls,
                format!("{said}: it does not know the host name in the URL."),
            ),
            _ => Error::new(Code::Tls, format!("{said}.")),
        };
        error.with_tls_alert(number)
    }

    /// Whether an alert that comes now can be the verdict on the client certificate.
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
            format!("{said}: it wants a client certificate and none was sent."),
        );
        if self.has_identity && self.client_auth.asked && !self.client_auth.sent {
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
                "the client certificate is for another purpose than TLS client authentication"
            }
            AlertDescription::InternalError => {
                "it does so right after it got the client certificate, which it most likely does not accept"
            }
            _ => "it does not accept the client certificate",
        };
        Error::new(Code::ClientCertRejected, format!("{said}: {why}."))
    }

    fn server_certificate(
        &self,
        error: &CertificateError,
        refused: Option<&RejectedServerCert>,
    ) -> Error {
        let whose = match refused {
            Some(refused) => format!(
                "The certificate of {} ({}, issued by {})",
                self.peer, refused.subject, refused.issuer
            ),
            None => format!("The certificate of {}", self.peer),
        };
        let new = |code, what: &str| Error::new(code, format!("{whose} {what}."));
        let untrusted = || {
            let error = new(
                Code::ServerUntrusted,
                &format!(
                    "is not issued by a CA of {} (unable to get local issuer certificate)",
                    self.ca_bundle
                ),
            );
            if refused.is_some_and(|refused| is_inspector(&refused.issuer)) {
                return error
                    .with_check(Check::ServerNotIntercepted)
                    .with_hint(Check::ServerNotIntercepted.advice());
            }
            error
        };
        match error {
            CertificateError::UnknownIssuer if refused.is_some_and(|refused| refused.outdated_ca) => {
                new(
                    Code::ServerUntrusted,
                    &format!(
                        "leads only to CA certificates of {} that have expired or are not valid yet",
                        self.ca_bundle
                    ),
                )
                .with_hint("Get the current CA bundle of the environment that the URL belongs to from the DCS team; and check this machine's clock.")
            }
            CertificateError::UnknownIssuer => untrusted(),
            // A CA certificate that signed itself and serves a web server: no bundle leads to it.
            CertificateError::Other(_) if refused.is_some_and(|refused| refused.self_issued) => {
                untrusted()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                self.wrong_name(error, &whose)
            }
            CertificateError::Expired => new(Code::ServerCertificate, "has expired"),
            CertificateError::ExpiredContext { not_after, .. } => new(
                Code::ServerCertificate,
                &format!("has expired, or one above it has (on {})", utc_day(*not_after)),
            ),
            CertificateError::NotValidYet => new(Code::ServerCertificate, "is not valid yet"),
            CertificateError::NotValidYetContext { not_before, .. } => new(
                Code::ServerCertificate,
                &format!("is not valid before {}", utc_day(*not_before)),
            ),
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => new(
                Code::ServerCertificate,
                "is not one for a TLS server (its extended key usage)",
            ),
            CertificateError::BadSignature => new(
                Code::ServerCertificate,
                &format!(
                    "has a signature that is not by the CA of that name in {}",
                    self.ca_bundle
                ),
            )
            .with_hint("The CA may have been issued anew under the same name: get the current CA bundle of the environment that the URL belongs to."),
            error => new(
                Code::ServerCertificate,
                &format!("is not acceptable: {}", printable(&error.to_string())),
            ),
        }
    }

    fn wrong_name(&self, error: &CertificateError, whose: &str) -> Error {
        let host = self
            .peer
            .rsplit_once(':')
            .map_or(self.peer, |(host, _)| host);
        let mut message = format!("{whose} is not for the host {host}");
        if let CertificateError::NotValidForNameContext { presented, .. } = error
            && !presented.is_empty()
        {
            let names = presented.iter().take(5).map(|name| name_text(name));
            message.push_str(", but for ");
            message.push_str(&names.collect::<Vec<_>>().join(", "));
        }
        message.push('.');
        Error::new(Code::ServerName, message)
    }
}

/// Advice for a key that none of the server's signature algorithms can use.
pub(crate) const NO_COMMON_SCHEME: &str = "The server accepts no signature that this private key can make: ask the DCS team which key types they take (RSA 2048 is the usual one).";

/// `DnsName("example.org")` as rustls prints it, bare.
fn name_text(name: &str) -> String {
    let bare = name.split('"').nth(1).unwrap_or(name);
    redact::name(printable(bare))
}

fn utc_day(time: rustls::pki_types::UnixTime) -> String {
    day(std::time::UNIX_EPOCH + std::time::Duration::from_secs(time.as_secs()))
}

/// The name in the standard (RFC 8446, section 6), such as `unknown_ca (48)`.
fn alert_name(alert: AlertDescription) -> String {
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

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;
    use std::time::Duration;

    use super::*;

    static DEADLINE: LazyLock<Deadline> =
        LazyLock::new(|| Deadline::after(Duration::from_secs(3600)));

    fn scene(asked: bool, sent: bool, has_identity: bool) -> ErrorContext<'static> {
        ErrorContext {
            peer: "h:443",
            phase: Phase::Handshake,
            deadline: &DEADLINE,
            client_auth: ClientAuth { asked, sent },
            is_tls13: false,
            has_identity,
            ca_bundle: "the CA bundle b.pem",
        }
    }

    #[test]
    fn a_wrong_signature_in_the_handshake_is_not_the_certificates() {
        let wrong = rustls::Error::InvalidCertificate(CertificateError::BadSignature);
        let error = scene(false, false, true).tls(&wrong, None);
        assert_eq!(error.code(), Code::Tls);
        assert!(error.message().contains("in the handshake"), "{error}");
        let refused = RejectedServerCert {
            subject: "CN=h".into(),
            issuer: "CN=ca".into(),
            self_issued: false,
            outdated_ca: false,
        };
        let error = scene(false, false, true).tls(&wrong, Some(refused));
        assert_eq!(error.code(), Code::ServerCertificate);
    }

    #[test]
    fn alerts_are_told_apart_by_what_was_asked_and_sent() {
        use AlertDescription as A;
        for (alert, asked, sent, code) in [
            (
                A::CertificateRequired,
                true,
                false,
                Code::ClientCertRequired,
            ),
            (A::HandshakeFailure, true, false, Code::ClientCertRequired),
            (A::HandshakeFailure, true, true, Code::ClientCertRejected),
            (A::HandshakeFailure, false, false, Code::Tls),
            (A::BadCertificate, true, false, Code::ClientCertRequired),
            (A::UnknownCA, true, true, Code::ClientCertRejected),
            (A::CertificateExpired, true, true, Code::ClientCertRejected),
            (A::CertificateRevoked, true, true, Code::ClientCertRejected),
            (
                A::UnsupportedCertificate,
                true,
                true,
                Code::ClientCertRejected,
            ),
            (A::CertificateUnknown, true, true, Code::ClientCertRejected),
            (A::BadCertificate, true, true, Code::ClientCertRejected),
            (A::ProtocolVersion, false, false, Code::Tls),
            (A::InternalError, true, true, Code::ClientCertRejected),
            (A::InternalError, true, false, Code::Tls),
            (A::DecodeError, true, true, Code::Tls),
        ] {
            let error = scene(asked, sent, sent).tls(&rustls::Error::AlertReceived(alert), None);
            assert_eq!(error.code(), code, "{alert:?} {asked} {sent}");
            assert_eq!(error.tls_alert(), Some(u8::from(alert)));
        }
    }

    #[test]
    fn an_internal_error_is_about_the_certificate_only_where_it_can_be() {
        let alert = rustls::Error::AlertReceived(AlertDescription::InternalError);
        for (phase, is_tls13, code) in [
            (Phase::Handshake, false, Code::ClientCertRejected),
            (Phase::Await, true, Code::ClientCertRejected),
            (Phase::Await, false, Code::Tls),
            (Phase::Receive, true, Code::Tls),
        ] {
            let scene = ErrorContext {
                phase,
                is_tls13,
                ..scene(true, true, true)
            };
            assert_eq!(scene.tls(&alert, None).code(), code, "{phase:?}");
        }
    }

    #[test]
    fn a_connection_closed_after_the_certificate_question_says_so() {
        let hint = |asked, sent| scene(asked, sent, sent).closed().hint().to_owned();
        assert!(hint(true, false).contains("none was sent"));
        assert!(hint(true, true).contains("may not accept"));
        assert!(hint(false, false).contains("port"));
    }

    #[test]
    fn a_key_that_the_server_cannot_use_is_named() {
        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        let error = scene(true, false, true).tls(&alert, None);
        assert!(error.hint().contains("signature"), "{error}");
    }

    #[test]
    fn a_lost_connection_is_told_with_how_and_when() {
        for (kind, how) in [
            (io::ErrorKind::ConnectionReset, "h:443 reset the connection"),
            (io::ErrorKind::BrokenPipe, "h:443 closed the connection"),
            (
                io::ErrorKind::ConnectionAborted,
                "h:443 closed the connection",
            ),
            (io::ErrorKind::HostUnreachable, "cannot be reached any more"),
        ] {
            for (phase, when) in [
                (Phase::Handshake, "during the TLS handshake"),
                (Phase::Send, "before it answered"),
                (Phase::Await, "before it answered"),
                (Phase::Receive, "in the middle of its answer"),
            ] {
                let scene = ErrorContext {
                    phase,
                    ..scene(true, true, true)
                };
                let error = scene.io(&kind.into());
                assert_eq!(error.code(), Code::ConnectionLost);
                assert!(error.retryable() && error.check() == Some(phase.check()));
                let message = error.message();
                assert!(message.contains(how) && message.contains(when), "{message}");
                // The verdict on a certificate does not come in the middle of an answer.
                let is_hinted = error.hint().contains("client certificate");
                assert_eq!(is_hinted, phase != Phase::Receive, "{error}");
            }
        }
        let late = scene(true, true, true).io(&WaitError::TimedOut.into());
        assert_eq!(late.code(), Code::Timeout);
    }

    #[test]
    fn each_fault_of_a_servers_certificate_is_named() {
        use CertificateError as E;
        use rustls::pki_types::{ServerName, UnixTime};

        // 2020-01-01.
        let day = UnixTime::since_unix_epoch(Duration::from_secs(1_577_836_800));
        let plain = |error| (error, false, false);
        for ((fault, self_issued, outdated_ca), code, words) in [
            (
                plain(E::UnknownIssuer),
                Code::ServerUntrusted,
                "unable to get local issuer",
            ),
            (
                (E::UnknownIssuer, false, true),
                Code::ServerUntrusted,
                "expired or are not valid yet",
            ),
            (
                (
                    E::Other(rustls::OtherError(std::sync::Arc::new(std::fmt::Error))),
                    true,
                    false,
                ),
                Code::ServerUntrusted,
                "unable to get local issuer",
            ),
            (
                plain(E::NotValidForName),
                Code::ServerName,
                "is not for the host h.",
            ),
            (
                plain(E::NotValidForNameContext {
                    expected: ServerName::try_from("h").unwrap(),
                    presented: vec![
                        "DnsName(\"a.example\")".into(),
                        "DnsName(\"b.example\")".into(),
                    ],
                }),
                Code::ServerName,
                "is not for the host h, but for a.example, b.example.",
            ),
            (plain(E::Expired), Code::ServerCertificate, "has expired."),
            (
                plain(E::ExpiredContext {
                    time: day,
                    not_after: day,
                }),
                Code::ServerCertificate,
                "(on 2020-01-01)",
            ),
            (
                plain(E::NotValidYet),
                Code::ServerCertificate,
                "is not valid yet",
            ),
            (
                plain(E::NotValidYetContext {
                    time: day,
                    not_before: day,
                }),
                Code::ServerCertificate,
                "before 2020-01-01",
            ),
            (
                plain(E::InvalidPurpose),
                Code::ServerCertificate,
                "extended key usage",
            ),
            (
                plain(E::BadSignature),
                Code::ServerCertificate,
                "not by the CA of that name",
            ),
            (
                plain(E::Revoked),
                Code::ServerCertificate,
                "is not acceptable",
            ),
        ] {
            let refused = RejectedServerCert {
                subject: "CN=the subject".into(),
                issuer: "CN=the issuer".into(),
                self_issued,
                outdated_ca,
            };
            let fault = rustls::Error::InvalidCertificate(fault);
            let error = scene(false, false, true).tls(&fault, Some(refused));
            assert_eq!(error.code(), code, "{error}");
            let message = error.message();
            assert!(message.contains(words), "{message} {words}");
            assert!(
                message.contains("CN=the subject, issued by CN=the issuer"),
                "{message}"
            );
            assert!(!error.retryable());
        }
    }

    #[test]
    fn what_is_wrong_with_a_handshake_is_named() {
        use rustls::Error as E;
        let said = |phase, error: &rustls::Error| {
            let scene = ErrorContext {
                phase,
                ..scene(false, false, true)
            };
            scene.tls(error, None)
        };
        let no_tls = E::InvalidMessage(InvalidMessage::InvalidContentType);
        for (error, code, words) in [
            (
                E::NoCertificatesPresented,
                Code::ServerCertificate,
                "sent no certificate",
            ),
            (no_tls.clone(), Code::Tls, "does not speak TLS"),
            (
                E::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
                Code::Tls,
                "no TLS version in common",
            ),
            (
                E::AlertReceived(AlertDescription::UnrecognisedName),
                Code::Tls,
                "does not know the host name",
            ),
            (E::General("as rustls has it".into()), Code::Tls, "failed: "),
        ] {
            let error = said(Phase::Handshake, &error);
            assert_eq!(error.code(), code);
            assert!(error.message().contains(words), "{error}");
        }
        // Later it has spoken TLS before.
        let later = said(Phase::Await, &no_tls);
        assert!(!later.message().contains("does not speak TLS"), "{later}");
    }

    #[test]
    fn alert_names_are_the_standards() {
        assert_eq!(alert_name(AlertDescription::UnknownCA), "unknown_ca (48)");
        assert_eq!(
            alert_name(AlertDescription::CertificateRequired),
            "certificate_required (116)"
        );
    }

    #[test]
    fn names_are_bare() {
        let bare = |name| crate::redact::Message::from(name_text(name));
        assert_eq!(bare("DnsName(\"example.org\")").as_str(), "example.org");
        assert_eq!(bare("plain").as_str(), "plain");
        assert_eq!(bare("plain").redacted().as_str(), "[name]");
    }
}
