//! `Retry-After`: a client sends nothing while the service has asked it to wait.
//!
//! Used only if the configuration enables it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Code, Error};

/// The longest wait that is honoured.
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);

/// Until when the service has asked this client to wait, and the code of the response that said so.
#[derive(Default)]
pub(super) struct RetryAfterGate(Mutex<Option<(Instant, Code)>>);

impl RetryAfterGate {
    /// Returns whether the client may send.
    ///
    /// # Errors
    /// While the wait has not elapsed: the code of the response that asked for it.
    pub(super) fn check(&self, peer: &str) -> Result<(), Error> {
        let mut until = lock(&self.0);
        let Some((at, code)) = *until else {
            return Ok(());
        };
        let left = at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            *until = None;
            return Ok(());
        }
        Err(Error::new(
            code,
            format!(
                "{peer} asked to wait for another {:.1} s, so nothing was sent.",
                left.as_secs_f64()
            ),
        )
        .with_hint("Call again after that time. The option honour_retry_after is on, so this client does not send before.")
        .with_retry_after(Some(left)))
    }

    /// Records the wait that a failed call was asked for.
    pub(super) fn record(&self, error: &Error) {
        if let Some(wait) = error
            .retry_after()
            .filter(|_| matches!(error.http_status(), Some(429 | 503)))
        {
            let at = Instant::now() + wait.min(MAX_WAIT);
            let mut until = lock(&self.0);
            if until.is_none_or(|(before, _)| before < at) {
                *until = Some((at, error.code()));
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn requested_wait_is_honoured_until_it_elapses() {
        let gate = RetryAfterGate::default();
        assert!(gate.check("h:1").is_ok());
        let rate_limited = |wait| {
            Error::new(Code::RateLimited, "")
                .with_http_status(429)
                .with_retry_after(Some(wait))
        };
        // A failure without a response requests no wait.
        gate.record(&Error::new(Code::Timeout, "").with_retry_after(Some(LONG)));
        assert!(gate.check("h:1").is_ok());
        gate.record(&rate_limited(Duration::from_secs(30)));
        // A shorter wait does not replace it.
        gate.record(&rate_limited(Duration::ZERO));
        let error = gate.check("h:1").unwrap_err();
        assert_eq!(error.code(), Code::RateLimited);
        assert!(error.message().contains("nothing was sent"), "{error}");
        assert!(error.retry_after().unwrap() <= Duration::from_secs(30) && error.retryable());
        assert_eq!(error.http_status(), None);
        gate.record(&rate_limited(Duration::MAX));
        let longest = gate.check("h:1").unwrap_err().retry_after().unwrap();
        assert!(longest <= LONG && longest > LONG - Duration::from_secs(60));

        let gate = RetryAfterGate::default();
        gate.record(&rate_limited(Duration::ZERO));
        assert!(gate.check("h:1").is_ok());
    }
}
