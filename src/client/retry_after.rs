//! Honouring `Retry-After`: a client sends nothing while the service has asked it to wait.
//!
//! Off unless the configuration turns it on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Code, Error};

/// No service means to be left alone for longer than this by a client that could not know better.
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);

/// When the service wants to hear from this client again.
#[derive(Default)]
pub(super) struct RetryAfterGate(Mutex<Option<(Instant, Code)>>);

impl RetryAfterGate {
    /// # Errors
    /// The code of the answer that said to wait, while the time that it named is not over.
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
                "{peer} has asked to wait, for another {:.1} s: nothing was sent.",
                left.as_secs_f64()
            ),
        )
        .with_hint("Call again when that time is over; the option honour_retry_after keeps this client from sending before.")
        .with_retry_after(Some(left)))
    }

    /// Takes note of what a failed call was told.
    pub(super) fn note(&self, error: &Error) {
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
    fn a_wait_that_was_asked_for_is_kept_until_it_is_over() {
        let gate = RetryAfterGate::default();
        assert!(gate.check("h:1").is_ok());
        let told = |wait| {
            Error::new(Code::RateLimited, "")
                .with_http_status(429)
                .with_retry_after(Some(wait))
        };
        // A failure without an answer says nothing about the service's wishes.
        gate.note(&Error::new(Code::Timeout, "").with_retry_after(Some(LONG)));
        assert!(gate.check("h:1").is_ok());
        gate.note(&told(Duration::from_secs(30)));
        // A shorter one does not end it.
        gate.note(&told(Duration::ZERO));
        let error = gate.check("h:1").unwrap_err();
        assert_eq!(error.code(), Code::RateLimited);
        assert!(error.message().contains("nothing was sent"), "{error}");
        assert!(error.retry_after().unwrap() <= Duration::from_secs(30) && error.retryable());
        assert_eq!(error.http_status(), None);
        gate.note(&told(Duration::MAX));
        let longest = gate.check("h:1").unwrap_err().retry_after().unwrap();
        assert!(longest <= LONG && longest > LONG - Duration::from_secs(60));

        let gate = RetryAfterGate::default();
        gate.note(&told(Duration::ZERO));
        assert!(gate.check("h:1").is_ok());
    }
}
