//! Which TLS version the server speaks, as far as it was seen lately.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::connection::TLS_1_2;

/// How long TLS 1.2 alone is offered after it was negotiated. A server that learns TLS 1.3 is spoken to in that
/// by then, or from the first session on that it does not resume.
const LATELY: Duration = Duration::from_secs(10 * 60);

/// When a server that was offered both versions chose TLS 1.2.
#[derive(Default)]
pub(crate) struct VersionHint(Mutex<Option<Instant>>);

impl VersionHint {
    pub(crate) fn is_tls12(&self) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() < LATELY)
    }

    /// Notes what a handshake that offered both came to.
    pub(crate) fn note(&self, version: &str) {
        self.set((version == TLS_1_2).then(Instant::now));
    }

    pub(crate) fn forget(&self) {
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
    fn tls12_is_what_was_spoken_until_it_is_forgotten() {
        let spoken = VersionHint::default();
        assert!(!spoken.is_tls12());
        spoken.note(TLS_1_2);
        assert!(spoken.is_tls12());
        spoken.note("TLSv1.3");
        assert!(!spoken.is_tls12());
        spoken.note(TLS_1_2);
        spoken.forget();
        assert!(!spoken.is_tls12());
        let long_ago = Instant::now().checked_sub(LATELY);
        assert!(
            long_ago.is_none() || {
                spoken.set(long_ago);
                !spoken.is_tls12()
            }
        );
    }
}
