//! Sharing one call: threads that ask at the same time, or soon after one another, get the same answer.
//!
//! Off unless the configuration turns it on.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Code, Error};
use crate::status::Status;
use crate::transport::{Deadline, Phase};

/// One answer for all who ask within some time, and one call for all who ask while it is in flight.
#[derive(Default)]
pub(super) struct SingleFlight {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    /// When the newest call ended, and what it came to.
    last: Option<(Instant, Result<Status, Error>)>,
    in_flight: bool,
    calls_ended: u64,
}

impl SingleFlight {
    /// The newest answer where it is no older than `max_age`, else that of the call in flight, else that of a call
    /// that is made here.
    pub(super) fn answer(
        &self,
        max_age: Duration,
        deadline: &Deadline,
        peer: &str,
        call: impl FnOnce() -> Result<Status, Error>,
    ) -> Result<Status, Error> {
        let mut state = lock(&self.state);
        let ended_before = state.calls_ended;
        loop {
            if let Some((at, outcome)) = &state.last {
                let age = at.elapsed();
                match outcome {
                    Ok(status) if age <= max_age => return Ok(status.clone().with_age(age)),
                    // A failure is for those who have waited for it, but not that its caller ended the call.
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
                break;
            }
            let round = deadline
                .next_wait()
                .map_err(|over| deadline.error(over, Phase::Await, peer))?;
            state = self
                .ended
                .wait_timeout(state, round)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.in_flight = true;
        // Nobody takes what was before for what this call comes to, also where it panics.
        state.last = None;
        drop(state);
        let landing = FlightGuard(self);
        let outcome = call();
        lock(&self.state).last = Some((Instant::now(), outcome.clone()));
        drop(landing);
        outcome
    }
}

/// Ends the call in flight, also where it panics.
struct FlightGuard<'a>(&'a SingleFlight);

impl Drop for FlightGuard<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.in_flight = false;
        state.calls_ended += 1;
        drop(state);
        self.0.ended.notify_all();
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
    fn an_answer_is_shared_while_it_is_young() {
        let shared = SingleFlight::default();
        let ask = |max_age| shared.answer(max_age, &deadline(), "h:1", || Ok(status()));
        assert_eq!(ask(LONG).unwrap().age(), Duration::ZERO);
        let again = shared.answer(LONG, &deadline(), "h:1", || panic!("it is young enough"));
        assert!(again.unwrap().available());
        assert_eq!(ask(Duration::ZERO).unwrap().age(), Duration::ZERO);
    }

    #[test]
    fn a_failure_is_for_those_who_waited_and_no_others() {
        let shared = SingleFlight::default();
        let fail = || Err(Error::new(Code::Unavailable, ""));
        assert!(shared.answer(LONG, &deadline(), "h:1", fail).is_err());
        assert!(
            shared
                .answer(LONG, &deadline(), "h:1", || Ok(status()))
                .is_ok()
        );
    }

    #[test]
    fn a_panic_lets_the_next_one_call() {
        let shared = SingleFlight::default();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            shared.answer(LONG, &deadline(), "h:1", || panic!("on purpose"))
        }));
        assert!(outcome.is_err());
        assert!(
            shared
                .answer(LONG, &deadline(), "h:1", || Ok(status()))
                .is_ok()
        );
    }

    #[test]
    fn many_threads_make_one_call() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        for outcome in [Ok(status()), Err(Error::new(Code::Http, ""))] {
            let shared = SingleFlight::default();
            let calls = AtomicUsize::new(0);
            // The call ends when all others wait: each of them has looked at the state by then.
            let waiting = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        waiting.fetch_add(1, Ordering::SeqCst);
                        let got = shared.answer(LONG, &deadline(), "h:1", || {
                            calls.fetch_add(1, Ordering::SeqCst);
                            while waiting.load(Ordering::SeqCst) < 8 {
                                std::thread::yield_now();
                            }
                            // One of them may not have begun to wait yet, which a success makes up for.
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

    /// What a thread gets that has waited for a call, and the call came to this.
    fn waited_for(outcome: &Result<Status, Error>) -> Result<Status, Error> {
        use std::sync::atomic::{AtomicBool, Ordering};

        // Nothing tells when the other thread waits. Where it came too late it has called by itself, and it is tried
        // again.
        for patience in 0..1000 {
            let shared = SingleFlight::default();
            shared.state.lock().unwrap().in_flight = true;
            let (is_there, has_called) = (AtomicBool::new(false), AtomicBool::new(false));
            let got = std::thread::scope(|scope| {
                let waiting = scope.spawn(|| {
                    is_there.store(true, Ordering::SeqCst);
                    shared.answer(LONG, &deadline(), "h:1", || {
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
                lock(&shared.state).last = Some((Instant::now(), outcome.clone()));
                drop(FlightGuard(&shared));
                waiting.join().unwrap()
            });
            if !has_called.load(Ordering::SeqCst) {
                return got;
            }
        }
        Err(Error::new(Code::Internal, "it always calls by itself"))
    }

    #[test]
    fn who_waits_for_a_call_gets_what_it_came_to() {
        assert!(waited_for(&Ok(status())).is_ok());
        let failed = waited_for(&Err(Error::new(Code::Unavailable, "")));
        assert_eq!(failed.unwrap_err().code(), Code::Unavailable);
        // That another caller gave up is nothing to those who wait: one of them calls.
        let interrupted = waited_for(&Err(Error::new(Code::Interrupted, "")));
        assert_eq!(interrupted.unwrap_err().code(), Code::Internal);
    }

    #[test]
    fn waiting_ends_by_the_deadline() {
        let shared = SingleFlight::default();
        shared.state.lock().unwrap().in_flight = true;
        let brief = Deadline::after(Duration::from_millis(20));
        let error = shared
            .answer(LONG, &brief, "h:1", || Ok(status()))
            .unwrap_err();
        assert_eq!(error.code(), Code::Timeout);
    }
}
