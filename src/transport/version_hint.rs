//! Whether the server chose TLS 1.2 lately.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long TLS 1.2 alone is offered after it was negotiated. A server that is upgraded to TLS 1.3 is offered that
/// again after this time, or once it does not resume a session.
const HINT_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// When the server, offered both versions, chose TLS 1.2.
#[derive(Default)]
pub(crate) struct VersionHint(Mutex<Option<Instant>>);

impl VersionHint {
    /// Returns whether to offer TLS 1.2 alone.
    pub(super) fn is_tls12(&self) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() < HINT_LIFETIME)
    }

    /// Records what the server chose, offered both versions.
    pub(super) fn record(&self, is_tls12: bool) {
        self.set(is_tls12.then(Instant::now));
    }

    /// Returns to offering both versions.
    pub(super) fn clear(&self) {
        self.set(None);
    }

    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls12_is_offered_until_cleared_or_expired() {
        let hint = VersionHint::default();
        assert!(!hint.is_tls12());
        hint.record(true);
        assert!(hint.is_tls12());
        hint.record(false);
        assert!(!hint.is_tls12());
        hint.record(true);
        hint.clear();
        assert!(!hint.is_tls12());
        let long_ago = Instant::now().checked_sub(HINT_LIFETIME);
        assert!(
            long_ago.is_none() || {
                hint.set(long_ago);
                !hint.is_tls12()
            }
        );
    }
}
