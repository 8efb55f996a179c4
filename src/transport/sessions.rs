//! The session cache: the TLS sessions of one client, which its later connections resume.
//!
//! The cache of rustls is for many servers and keeps eight TLS 1.3 tickets of each. A client has one server, and its
//! threads may connect at the same time. Each takes a ticket, which is used only once (RFC 8446, appendix C.4).
//!
//! A resumed handshake does not verify the server's certificate again. So each session has an end, which those that follow
//! from it inherit.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

use crate::handshake;

/// A ticket takes about 1 KB, more if the server puts the client's certificate into it.
const MAX_TICKETS: usize = 64;

/// How long sessions are resumed after the server's certificate was verified. TLS 1.3 allows seven days (RFC 8446, section
/// 4.6.1), TLS 1.2 suggests one (RFC 5246, appendix F.1.4).
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns until when the sessions of a server are resumed whose certificates were verified now, and whose first one ends
/// at `path_end`.
pub(super) fn trusted_until(path_end: SystemTime, now: SystemTime) -> SystemTime {
    path_end.min(now + MAX_AGE)
}

/// A session, and when it ends.
#[derive(Clone)]
struct Session<T> {
    value: T,
    end: SystemTime,
}

impl<T> Session<T> {
    /// Takes the end from the handshake that this thread is in. `None` if the server was not verified.
    fn new(value: T) -> Option<Self> {
        let end = handshake::trusted_until()?;
        Some(Session { value, end })
    }

    /// Returns the session for the handshake that this thread is in; `None` after its end.
    fn resume(self) -> Option<T> {
        if self.end <= SystemTime::now() {
            return None;
        }
        handshake::record_trusted_until(Some(self.end));
        Some(self.value)
    }
}

/// The sessions of both versions, shared by all threads.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<State>);

#[derive(Default)]
struct State {
    group: Option<NamedGroup>,
    tls12: Option<Session<Tls12ClientSessionValue>>,
    /// The newest at the back.
    tickets: VecDeque<Session<Tls13ClientSessionValue>>,
}

impl Sessions {
    /// Discards the TLS 1.3 tickets of a server that chooses TLS 1.2 now: while rustls has one of them to offer, it
    /// does not look for a TLS 1.2 session.
    pub(super) fn discard_tls13_tickets(&self) {
        self.lock().tickets.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.lock().group = Some(group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.lock().group
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.lock().tls12 = Session::new(value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        let session = self.lock().tls12.clone();
        session?.resume()
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.lock().tls12 = None;
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        let Some(ticket) = Session::new(value) else {
            return;
        };
        let mut state = self.lock();
        if state.tickets.len() == MAX_TICKETS {
            state.tickets.pop_front();
        }
        state.tickets.push_back(ticket);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        let mut state = self.lock();
        std::iter::from_fn(|| state.tickets.pop_back()).find_map(Session::resume)
    }
}

/// Shows nothing of the sessions, which are secret.
impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

/// The same sessions for connections that offer TLS 1.2 only: TLS 1.3 tickets are left for the others.
#[derive(Debug)]
pub(crate) struct Tls12Sessions(pub(crate) Arc<Sessions>);

impl ClientSessionStore for Tls12Sessions {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(name, group);
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(name)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.set_tls12_session(name, value);
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(name)
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.0.remove_tls12_session(name);
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(name, value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ends_with_the_certificates_and_after_a_day() {
        let now = SystemTime::now();
        let (soon, late) = (now + MAX_AGE / 2, now + 2 * MAX_AGE);
        assert_eq!(trusted_until(soon, now), soon);
        assert_eq!(trusted_until(late, now), now + MAX_AGE);
    }

    #[test]
    fn session_inherits_the_end_of_the_one_that_it_follows() {
        let resume = |end| {
            handshake::begin();
            Session { value: (), end }.resume()
        };
        let now = SystemTime::now();
        assert_eq!(resume(now), None);
        assert!(Session::new(()).is_none());
        let end = now + MAX_AGE / 2;
        assert_eq!(resume(end), Some(()));
        assert!(Session::new(()).is_some_and(|next| next.end == end));
    }
}
