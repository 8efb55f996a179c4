//! One call for many threads: those that call at the same time, or shortly after each other, get the same status.
//!
//! Used only if the configuration enables it.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Code, Error};
use crate::status::Status;
use crate::transport::{Deadline, Phase};

/// Shares one call among the threads that need it while it is in flight, and its status for some time.
#[derive(Default)]
pub(super) struct SingleFlight {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    /// When the newest call ended, and its outcome.
    last: Option<(Instant, Result<Status, Error>)>,
    in_flight: bool,
    calls_ended: u64,
}

impl SingleFlight {
    /// Returns the newest status if it is no older than `max_age`, otherwise the outcome of the call in flight. If
    /// there is none, makes the call.
    pub(super) fn get_or_call(
        &self,
        max_age: Duration,
        deadline: &Deadline,
        peer: &str,
        call: impl FnOnce() -> Result<Status, Error>,
    ) -> Result<Status, Error> {
        let ended_before = lock(&self.state).calls_ended;
        loop {
            let mut state = lock(&self.state);
            if let Some((at, outcome)) = &state.last {
                let age = at.elapsed();
                match outcome {
                    Ok(status) if age <= max_age => return Ok(status.clone().with_age(age)),
                    // A failure is shared with the threads that waited for it, unless its caller ended the call.
                    Err(error)
                        if state.calls_ended != ended_before
                            && error.code() != Code::Interrupted =>
                    {
                        return Err(error.clone());
                    }
                    _ => {}
                }
            }
            if !state.in_flight {
                state.in_flight = true;
                // So that no thread takes an older outcome for this call's, even if the call panics.
                state.last = None;
                break;
            }
            drop(state);
            // A callback in the middle of a call makes another one. It cannot wait for the first, nor for a thread that
            // may wait for the first.
            if HAS_CALL_IN_FLIGHT.get() {
                return call();
            }
            // Without the lock, because a cancellation's callback may make calls.
            let wait = deadline
                .next_wait()
                .map_err(|wait_error| deadline.error(wait_error, Phase::Await, peer))?;
            let state = lock(&self.state);
            if state.in_flight {
                drop(self.ended.wait_timeout(state, wait));
            }
        }
        let guard = FlightGuard {
            flight: self,
            is_nested: HAS_CALL_IN_FLIGHT.replace(true),
        };
        let outcome = call();
        lock(&self.state).last = Some((Instant::now(), outcome.clone()));
        drop(guard);
        outcome
    }
}

thread_local! {
    /// Whether this thread makes a call that others may wait for.
    static HAS_CALL_IN_FLIGHT: Cell<bool> = const { Cell::new(false) };
}

/// Ends the call in flight, even if it panics.
struct FlightGuard<'a> {
    flight: &'a SingleFlight,
    /// This thread has another call in flight, with another client.
    is_nested: bool,
}

impl Drop for FlightGuard<'_> {
    fn drop(&mut self) {
        HAS_CALL_IN_FLIGHT.set(self.is_nested);
        let mut state = lock(&self.flight.state);
        state.in_flight = false;
        state.calls_ended += 1;
        drop(state);
        self.flight.ended.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadline() -> Deadline {
        Deadline::after(Duration::from_secs(5))
    }

    fn status() -> Status {
        Status::parse(br#"{"available":true}"#.to_vec()).unwrap()
    }

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn status_is_shared_until_max_age() {
        let flight = SingleFlight::default();
        let ask = |max_age| flight.get_or_call(max_age, &deadline(), "h:1", || Ok(status()));
        assert_eq!(ask(LONG).unwrap().age(), Duration::ZERO);
        let again = flight.get_or_call(LONG, &deadline(), "h:1", || panic!("it is fresh enough"));
        assert!(again.unwrap().available());
        assert_eq!(ask(Duration::ZERO).unwrap().age(), Duration::ZERO);
    }

    #[test]
    fn failure_is_not_shared_with_later_calls() {
        let flight = SingleFlight::default();
        let fail = || Err(Error::new(Code::Unavailable, ""));
        assert!(flight.get_or_call(LONG, &deadline(), "h:1", fail).is_err());
        assert!(
            flight
                .get_or_call(LONG, &deadline(), "h:1", || Ok(status()))
                .is_ok()
        );
    }

    #[test]
    fn next_thread_calls_after_a_panic() {
        let flight = SingleFlight::default();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            flight.get_or_call(LONG, &deadline(), "h:1", || panic!("on purpose"))
        }));
        assert!(outcome.is_err());
        assert!(
            flight
                .get_or_call(LONG, &deadline(), "h:1", || Ok(status()))
                .is_ok()
        );
    }

    #[test]
    fn concurrent_threads_make_one_call() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        for outcome in [Ok(status()), Err(Error::new(Code::Http, ""))] {
            let flight = SingleFlight::default();
            let calls = AtomicUsize::new(0);
            // The call ends when all others wait: each of them has looked at the state by then.
            let waiting = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        waiting.fetch_add(1, Ordering::SeqCst);
                        let got = flight.get_or_call(LONG, &deadline(), "h:1", || {
                            calls.fetch_add(1, Ordering::SeqCst);
                            while waiting.load(Ordering::SeqCst) < 8 {
                                std::thread::yield_now();
                            }
                            // One of them may not wait yet. If the call succeeds, it still gets the status.
                            outcome.clone()
                        });
                        if outcome.is_ok() {
                            assert!(got.is_ok());
                        }
                    });
                }
            });
            let calls = calls.load(Ordering::SeqCst);
            assert!(calls == 1 || outcome.is_err() && calls <= 8, "{calls}");
        }
    }

    /// Ends the call that is in flight.
    fn end(flight: &SingleFlight) {
        drop(FlightGuard {
            flight,
            is_nested: false,
        });
    }

    /// Returns what a thread gets that waited for a call with this outcome.
    fn waited_for(outcome: &Result<Status, Error>) -> Result<Status, Error> {
        use std::sync::atomic::{AtomicBool, Ordering};

        // Nothing shows when the other thread waits. If it came too late and made the call itself, try again.
        for patience in 0..1000 {
            let flight = SingleFlight::default();
            flight.state.lock().unwrap().in_flight = true;
            let (is_there, has_called) = (AtomicBool::new(false), AtomicBool::new(false));
            let got = std::thread::scope(|scope| {
                let waiting = scope.spawn(|| {
                    is_there.store(true, Ordering::SeqCst);
                    flight.get_or_call(LONG, &deadline(), "h:1", || {
                        has_called.store(true, Ordering::SeqCst);
                        Ok(status())
                    })
                });
                while !is_there.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                for _ in 0..patience {
                    std::thread::yield_now();
                }
                lock(&flight.state).last = Some((Instant::now(), outcome.clone()));
                end(&flight);
                waiting.join().unwrap()
            });
            if !has_called.load(Ordering::SeqCst) {
                return got;
            }
        }
        Err(Error::new(Code::Internal, "it always calls by itself"))
    }

    #[test]
    fn waiting_thread_gets_the_outcome() {
        assert!(waited_for(&Ok(status())).is_ok());
        let failed = waited_for(&Err(Error::new(Code::Unavailable, "")));
        assert_eq!(failed.unwrap_err().code(), Code::Unavailable);
        // If another caller interrupted its call, one of the waiting threads makes the call itself.
        let interrupted = waited_for(&Err(Error::new(Code::Interrupted, "")));
        assert_eq!(interrupted.unwrap_err().code(), Code::Internal);
    }

    #[test]
    fn callback_in_a_call_does_not_wait_for_a_call_with_another_client() {
        let (flight, other) = (SingleFlight::default(), SingleFlight::default());
        lock(&other.state).in_flight = true;
        let brief = Deadline::after(Duration::ZERO);
        let nested = || other.get_or_call(LONG, &brief, "h:1", || Ok(status()));
        assert_eq!(nested().unwrap_err().code(), Code::Timeout);
        assert!(flight.get_or_call(LONG, &deadline(), "h:1", nested).is_ok());
        assert_eq!(nested().unwrap_err().code(), Code::Timeout);
    }

    #[test]
    fn waiting_ends_by_the_deadline() {
        let flight = SingleFlight::default();
        flight.state.lock().unwrap().in_flight = true;
        let brief = Deadline::after(Duration::from_millis(20));
        let error = flight
            .get_or_call(LONG, &brief, "h:1", || Ok(status()))
            .unwrap_err();
        assert_eq!(error.code(), Code::Timeout);
    }
}
