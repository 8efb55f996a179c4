//! What a TLS handshake reports besides its outcome, recorded per thread.
//!
//! rustls does not pass the connection to the certificate verifier and to the resolver of the client certificate. A
//! handshake runs in one thread from start to end, so they record here what they see, and the connection reads it.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;

/// What happened to the client certificate in a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientAuth {
    /// The server asked for a certificate.
    pub(crate) asked: bool,
    /// One was sent.
    pub(crate) sent: bool,
}

/// A server certificate that failed the verification.
#[derive(Debug)]
pub(crate) struct RejectedServerCert {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) fault: ServerCertFault,
    /// The certificate above the server's own that the fault is in; `None` if it is in the server's own.
    pub(crate) above: Option<String>,
}

/// Why a server's certificate is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerCertFault {
    /// It cannot be read.
    Unreadable,
    /// An extension that decides about trust cannot be read.
    UnreadableExtension,
    /// No path leads to a certificate of the CA bundle.
    UnknownIssuer,
    /// The certificate of the CA bundle that it leads to has expired or is not valid yet.
    OutdatedCa,
    Expired(Option<SystemTime>),
    NotYetValid(Option<SystemTime>),
    /// It is for these names, and not for the host.
    WrongName(Vec<String>),
    /// It has no subject alternative name.
    NamesNoHost,
    /// It has X.509 version 1, which has no alternative names.
    Version1,
    WrongPurpose,
    NotCa,
    PathTooLong,
    NameNotAllowed,
    CriticalExtension,
    BadSignature,
    UnknownSignatureAlgorithm,
    /// It is signed with SHA-1 or weaker.
    WeakSignature,
    /// Its key has this many bits.
    WeakKey(u32),
    /// Its key gives an elliptic curve by parameters and not by name.
    UnnamedCurve,
    /// Another number of OpenSSL's for an error of verification.
    Other(i32),
}

/// What a diagnosis needs to know about a handshake.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandshakeCapture {
    /// The names of the CAs whose client certificates the server accepts, in DER.
    pub(crate) accepted_cas: Vec<Vec<u8>>,
    /// The certificates that the server presented, its own first.
    pub(crate) server_chain: Vec<CertificateDer<'static>>,
    pub(crate) client_auth: ClientAuth,
}

/// What was recorded about the handshake that a thread is in.
struct Recording {
    client_auth: ClientAuth,
    rejected: Option<RejectedServerCert>,
    trusted_until: Option<SystemTime>,
    /// `None` unless a diagnosis captures the handshake.
    capture: Option<HandshakeCapture>,
}

impl Recording {
    const EMPTY: Recording = Recording {
        client_auth: ClientAuth {
            asked: false,
            sent: false,
        },
        rejected: None,
        trusted_until: None,
        capture: None,
    };
}

thread_local! {
    /// Never dropped, so that a host may make calls even while its thread ends and other thread-locals are gone. It
    /// owns no memory between calls.
    static RECORDING: ManuallyDrop<RefCell<Recording>> =
        const { ManuallyDrop::new(RefCell::new(Recording::EMPTY)) };
}

fn with_recording<T>(body: impl FnOnce(&mut Recording) -> T) -> T {
    RECORDING.with(|recording| body(&mut recording.borrow_mut()))
}

/// Starts the recording of a handshake: discards what the thread's last one left.
pub(crate) fn begin() {
    with_recording(|recording| {
        recording.client_auth = ClientAuth::default();
        recording.rejected = None;
        recording.trusted_until = None;
    });
}

/// Records what the server asked for and what it was sent.
pub(crate) fn record_client_auth(client_auth: ClientAuth) {
    with_recording(|recording| recording.client_auth = client_auth);
}

/// Returns what [`record_client_auth`] recorded since [`begin`].
pub(crate) fn client_auth() -> ClientAuth {
    with_recording(|recording| recording.client_auth)
}

/// Records the certificate that failed the verification.
pub(crate) fn record_rejected(certificate: RejectedServerCert) {
    with_recording(|recording| recording.rejected = Some(certificate));
}

/// Takes what [`record_rejected`] recorded since [`begin`].
pub(crate) fn take_rejected() -> Option<RejectedServerCert> {
    with_recording(|recording| recording.rejected.take())
}

/// Records until when the verification of the server's certificate holds for this connection and for the sessions that
/// come from it: the one of its own handshake, or that of the session that it resumes.
pub(crate) fn record_trusted_until(time: Option<SystemTime>) {
    with_recording(|recording| recording.trusted_until = time);
}

/// Returns what [`record_trusted_until`] recorded since [`begin`].
pub(crate) fn trusted_until() -> Option<SystemTime> {
    with_recording(|recording| recording.trusted_until)
}

/// Records something for a diagnosis; does nothing outside of one.
pub(crate) fn record_capture(record: impl FnOnce(&mut HandshakeCapture)) {
    with_recording(|recording| {
        if let Some(capture) = &mut recording.capture {
            record(capture);
        }
    });
}

/// Runs a handshake, and returns with its outcome what was seen of it.
pub(crate) fn capture<T>(handshake: impl FnOnce() -> T) -> (T, HandshakeCapture) {
    RECORDING.with(|recording| {
        recording.replace(Recording {
            capture: Some(HandshakeCapture::default()),
            ..Recording::EMPTY
        })
    });
    let outcome = handshake();
    let recorded = RECORDING.with(|recording| recording.replace(Recording::EMPTY));
    let capture = HandshakeCapture {
        client_auth: recorded.client_auth,
        ..recorded.capture.unwrap_or_default()
    };
    (outcome, capture)
}

/// Restores this thread's recording when it is dropped.
pub(crate) struct Suspended(Recording);

/// Sets this thread's recording aside while foreign code runs, which may make a handshake of its own.
pub(crate) fn suspend() -> Suspended {
    Suspended(RECORDING.with(|recording| recording.replace(Recording::EMPTY)))
}

impl Drop for Suspended {
    fn drop(&mut self) {
        let recording = std::mem::replace(&mut self.0, Recording::EMPTY);
        RECORDING.with(|current| current.replace(recording));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: ClientAuth = ClientAuth {
        asked: true,
        sent: false,
    };

    fn rejected() -> RejectedServerCert {
        RejectedServerCert {
            subject: "CN=h".into(),
            issuer: "CN=ca".into(),
            fault: ServerCertFault::UnknownIssuer,
            above: None,
        }
    }

    #[test]
    fn suspended_recording_is_restored() {
        begin();
        record_client_auth(ASKED);
        record_rejected(rejected());
        let suspended = suspend();
        assert_eq!(client_auth(), ClientAuth::default());
        assert!(take_rejected().is_none());
        record_client_auth(ClientAuth {
            asked: true,
            sent: true,
        });
        drop(suspended);
        assert_eq!(client_auth(), ASKED);
        assert!(take_rejected().is_some() && take_rejected().is_none());
    }

    #[test]
    fn begin_discards_the_last_handshake() {
        record_client_auth(ASKED);
        record_rejected(rejected());
        begin();
        assert_eq!(client_auth(), ClientAuth::default());
        assert!(take_rejected().is_none());
    }

    #[test]
    fn only_a_capture_records_the_certificates() {
        let handshake = || {
            begin();
            record_client_auth(ASKED);
            record_capture(|capture| capture.accepted_cas.push(vec![1]));
        };
        handshake();
        let ((), seen) = capture(handshake);
        assert_eq!(seen.accepted_cas, [[1]]);
        assert_eq!(seen.client_auth, ASKED);
        let ((), nothing) = capture(|| {});
        assert!(nothing.accepted_cas.is_empty() && !nothing.client_auth.asked);
    }

    #[test]
    fn threads_record_apart() {
        begin();
        record_rejected(rejected());
        let other = std::thread::spawn(|| take_rejected().is_none());
        assert!(other.join().unwrap() && take_rejected().is_some());
    }
}
