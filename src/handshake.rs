//! The notes that a TLS handshake leaves for its thread: rustls does not pass a connection to the verifier and the
//! certificate resolver, and a handshake runs in one thread from start to end.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;

use rustls::pki_types::CertificateDer;

/// What happened about the client certificate in a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientAuth {
    /// The server asked for a certificate.
    pub(crate) asked: bool,
    /// One was sent.
    pub(crate) sent: bool,
}

thread_local! {
    /// The handshake that this thread is in. A handshake runs in one thread from begin to end, and the
    /// resolver is not told which connection it is asked for.
    static CLIENT_AUTH: Cell<ClientAuth> = const { Cell::new(ClientAuth { asked: false, sent: false }) };
}

/// A number that no other living thread has. std's own can no longer be asked for while a thread ends.
pub(crate) fn this_thread() -> usize {
    CLIENT_AUTH.with(|own| std::ptr::from_ref(own).addr())
}

/// Forgets what the thread's last handshake noted.
pub(crate) fn begin() {
    CLIENT_AUTH.set(ClientAuth::default());
}

/// Notes what the server asked for and what it got.
pub(crate) fn set_client_auth(client_auth: ClientAuth) {
    CLIENT_AUTH.set(client_auth);
}

/// What the thread's handshake has noted since [`begin`].
pub(crate) fn client_auth() -> ClientAuth {
    CLIENT_AUTH.get()
}

/// Keeps this thread's notes aside while foreign code runs, which may make a handshake of its own. Dropping it puts them
/// back.
pub(crate) struct Suspended {
    client_auth: ClientAuth,
    is_capturing: bool,
    capture: HandshakeCapture,
}

/// Sets this thread's notes aside until the guard is dropped.
pub(crate) fn suspend() -> Suspended {
    Suspended {
        client_auth: CLIENT_AUTH.get(),
        is_capturing: IS_CAPTURING.replace(false),
        capture: CAPTURE.with(|capture| capture.replace(HandshakeCapture::NONE)),
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        CLIENT_AUTH.set(self.client_auth);
        IS_CAPTURING.set(self.is_capturing);
        let capture = std::mem::replace(&mut self.capture, HandshakeCapture::NONE);
        CAPTURE.with(|current| current.replace(capture));
    }
}

/// What a diagnosis wants to know of a handshake beyond its outcome.
#[derive(Clone, Debug)]
pub(crate) struct HandshakeCapture {
    /// The names of the CAs that the server accepts client certificates of, in DER.
    pub(crate) accepted_cas: Vec<Vec<u8>>,
    /// The certificates that the server showed, its own first.
    pub(crate) server_chain: Vec<CertificateDer<'static>>,
    pub(crate) client_auth: ClientAuth,
}

thread_local! {
    /// Whether this thread is in a diagnosis; a call outside of one keeps no such things.
    static IS_CAPTURING: Cell<bool> = const { Cell::new(false) };
    /// Never dropped, so that a host may call also while its thread ends and the others are gone; between calls
    /// there is nothing in it.
    static CAPTURE: ManuallyDrop<RefCell<HandshakeCapture>> =
        const { ManuallyDrop::new(RefCell::new(HandshakeCapture::NONE)) };
}

impl HandshakeCapture {
    const NONE: HandshakeCapture = HandshakeCapture {
        accepted_cas: Vec::new(),
        server_chain: Vec::new(),
        client_auth: ClientAuth {
            asked: false,
            sent: false,
        },
    };
}

/// Has this thread's next handshakes watched, until [`take_capture`].
pub(crate) fn capture() {
    IS_CAPTURING.set(true);
    CAPTURE.with(|capture| capture.replace(HandshakeCapture::NONE));
}

/// What was seen since [`capture`].
pub(crate) fn take_capture() -> HandshakeCapture {
    IS_CAPTURING.set(false);
    HandshakeCapture {
        client_auth: CLIENT_AUTH.get(),
        ..CAPTURE.with(|capture| capture.replace(HandshakeCapture::NONE))
    }
}

pub(crate) fn record(note: impl FnOnce(&mut HandshakeCapture)) {
    if IS_CAPTURING.get() {
        CAPTURE.with(|capture| note(&mut capture.borrow_mut()));
    }
}
