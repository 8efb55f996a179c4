use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

use super::tls::alert_name;
use super::*;
use crate::handshake::ServerCertFault;

static DEADLINE: LazyLock<Deadline> = LazyLock::new(|| Deadline::after(Duration::from_secs(3600)));
static PEER: LazyLock<Peer> = LazyLock::new(|| Peer::for_test("h:443", true));
static PEER_WITHOUT_IDENTITY: LazyLock<Peer> = LazyLock::new(|| Peer::for_test("h:443", false));

fn context(asked: bool, sent: bool, has_identity: bool) -> ErrorContext<'static> {
    let peer = if has_identity {
        &PEER
    } else {
        &PEER_WITHOUT_IDENTITY
    };
    ErrorContext {
        client_auth: ClientAuth { asked, sent },
        ..ErrorContext::new(peer, Phase::Handshake, &DEADLINE)
    }
}

fn rejected(fault: ServerCertFault, above: Option<&str>) -> RejectedServerCert {
    RejectedServerCert {
        subject: "CN=the subject".into(),
        issuer: "CN=the issuer".into(),
        fault,
        above: above.map(str::to_owned),
    }
}

#[test]
fn invalid_handshake_signature_is_not_a_certificate_error() {
    let wrong = rustls::Error::InvalidCertificate(CertificateError::BadSignature);
    let error = context(false, false, true).error(Failure::Tls(&wrong, None));
    assert_eq!(error.code(), Code::Tls);
    assert!(error.message().contains("in the handshake"), "{error}");
    let rejected = rejected(ServerCertFault::BadSignature, None);
    let error = context(false, false, true).error(Failure::Tls(&wrong, Some(rejected)));
    assert_eq!(error.code(), Code::ServerCertificate);
}

#[test]
fn alert_error_depends_on_what_was_asked_and_sent() {
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
        let error = context(asked, sent, sent)
            .error(Failure::Tls(&rustls::Error::AlertReceived(alert), None));
        assert_eq!(error.code(), code, "{alert:?} {asked} {sent}");
        assert_eq!(error.tls_alert(), Some(u8::from(alert)));
    }
}

#[test]
fn internal_error_alert_is_a_rejection_only_before_the_response() {
    let alert = rustls::Error::AlertReceived(AlertDescription::InternalError);
    for (phase, is_tls13, code) in [
        (Phase::Handshake, false, Code::ClientCertRejected),
        (Phase::Await, true, Code::ClientCertRejected),
        (Phase::Await, false, Code::Tls),
        (Phase::Receive, true, Code::Tls),
    ] {
        let context = ErrorContext {
            phase,
            is_tls13,
            ..context(true, true, true)
        };
        assert_eq!(
            context.error(Failure::Tls(&alert, None)).code(),
            code,
            "{phase:?}"
        );
    }
}

#[test]
fn connection_closed_after_certificate_request_has_a_hint() {
    let hint = |asked, sent| {
        context(asked, sent, sent)
            .error(Failure::Closed)
            .hint()
            .to_owned()
    };
    assert!(hint(true, false).contains("none was sent"));
    assert!(hint(true, true).contains("may not accept"));
    assert!(hint(false, false).contains("port"));
}

#[test]
fn unusable_key_has_a_hint() {
    let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
    let error = context(true, false, true).error(Failure::Tls(&alert, None));
    assert!(error.hint().contains("signature"), "{error}");
}

#[test]
fn lost_connection_names_how_and_when() {
    for (kind, how) in [
        (io::ErrorKind::ConnectionReset, "h:443 reset the connection"),
        (io::ErrorKind::BrokenPipe, "h:443 closed the connection"),
        (
            io::ErrorKind::ConnectionAborted,
            "h:443 closed the connection",
        ),
        (io::ErrorKind::HostUnreachable, "can no longer be reached"),
    ] {
        for (phase, when) in [
            (Phase::Handshake, "during the TLS handshake"),
            (Phase::Send, "before it responded"),
            (Phase::Await, "before it responded"),
        ] {
            let context = ErrorContext {
                phase,
                ..context(true, true, true)
            };
            let error = context.error(Failure::Io(&kind.into()));
            assert_eq!(error.code(), Code::ConnectionLost);
            assert!(error.retryable() && error.check() == Some(phase.check()));
            let message = error.message();
            assert!(message.contains(how) && message.contains(when), "{message}");
            assert!(error.hint().contains("client certificate"), "{error}");
        }
        // The verdict on a certificate does not come in the middle of a response.
        let context = ErrorContext {
            phase: Phase::Receive,
            ..context(true, true, true)
        };
        let error = context.error(Failure::Io(&kind.into()));
        assert_eq!(error.code(), Code::Response);
        assert!(
            error.retryable() && error.message().contains("cut short"),
            "{error}"
        );
    }
    let timed_out = context(true, true, true).error(Failure::Io(&WaitError::TimedOut.into()));
    assert_eq!(timed_out.code(), Code::Timeout);
}

#[test]
fn each_server_certificate_fault_is_named() {
    use ServerCertFault as F;

    // 2020-01-01.
    let day = UNIX_EPOCH + Duration::from_secs(1_577_836_800);
    let (own, above) = (None, Some("CN=the CA"));
    for (fault, above, code, words) in [
        (
            F::UnknownIssuer,
            own,
            Code::ServerUntrusted,
            "unable to get local issuer",
        ),
        (
            F::OutdatedCa,
            above,
            Code::ServerUntrusted,
            "expired or are not valid yet",
        ),
        (
            F::WrongName(vec![]),
            own,
            Code::ServerName,
            "is not for the host h.",
        ),
        (
            F::WrongName(vec!["a.example".into(), "b.example".into()]),
            own,
            Code::ServerName,
            "is not for the host h, but for a.example, b.example.",
        ),
        (
            F::NamesNoHost,
            own,
            Code::ServerName,
            "no subject alternative name",
        ),
        (F::Version1, own, Code::ServerName, "version 1"),
        (
            F::Expired(Some(day)),
            own,
            Code::ServerCertificate,
            ") expired on 2020-01-01.",
        ),
        (
            F::Expired(Some(day)),
            above,
            Code::ServerCertificate,
            "leads to CN=the CA, which expired on 2020-01-01.",
        ),
        (
            F::Expired(None),
            own,
            Code::ServerCertificate,
            "has expired",
        ),
        (
            F::NotYetValid(Some(day)),
            own,
            Code::ServerCertificate,
            "is not valid before 2020-01-01",
        ),
        (
            F::NotYetValid(None),
            own,
            Code::ServerCertificate,
            "is not valid yet",
        ),
        (
            F::WrongPurpose,
            own,
            Code::ServerCertificate,
            "is not for a TLS server",
        ),
        (
            F::WrongPurpose,
            above,
            Code::ServerCertificate,
            "CN=the CA, which may not issue",
        ),
        (
            F::NotCa,
            above,
            Code::ServerCertificate,
            "CN=the CA, which is not a CA",
        ),
        (
            F::PathTooLong,
            above,
            Code::ServerCertificate,
            "path length",
        ),
        (
            F::NameNotAllowed,
            own,
            Code::ServerCertificate,
            "name constraints",
        ),
        (
            F::CriticalExtension,
            own,
            Code::ServerCertificate,
            "critical extension",
        ),
        (
            F::BadSignature,
            own,
            Code::ServerCertificate,
            "not signed by the CA of that name",
        ),
        (
            F::UnknownSignatureAlgorithm,
            own,
            Code::ServerCertificate,
            "an algorithm",
        ),
        (F::WeakSignature, own, Code::ServerCertificate, "SHA-1"),
        (F::WeakKey(1024), own, Code::ServerCertificate, "1024 bits"),
        (
            F::UnnamedCurve,
            own,
            Code::ServerCertificate,
            "by parameters",
        ),
        (
            F::Unreadable,
            own,
            Code::ServerCertificate,
            "cannot be read",
        ),
        (
            F::UnreadableExtension,
            own,
            Code::ServerCertificate,
            "extension that cannot be read",
        ),
        (F::Other(99), own, Code::ServerCertificate, "error 99"),
    ] {
        let failed = rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
        let rejected = rejected(fault, above);
        let error = context(false, false, true).error(Failure::Tls(&failed, Some(rejected)));
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
fn each_handshake_failure_is_named() {
    use rustls::Error as E;
    let said = |phase, error: &rustls::Error| {
        let context = ErrorContext {
            phase,
            ..context(false, false, true)
        };
        context.error(Failure::Tls(error, None))
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
fn alert_names_follow_the_standard() {
    assert_eq!(alert_name(AlertDescription::UnknownCA), "unknown_ca (48)");
    assert_eq!(
        alert_name(AlertDescription::CertificateRequired),
        "certificate_required (116)"
    );
}
