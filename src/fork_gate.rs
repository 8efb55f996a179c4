//! Keeps a fork from falling into the middle of a cryptographic operation, and tells processes apart.
//!
//! The provider has locks of its own, for random numbers and for RSA keys. A process that is forked while another
//! thread holds one would wait for it for ever, in a call or when it ends. So the bursts of computing that take such
//! locks, which are handshakes' and the loading of keys, are noted here, and a fork (`pthread_atfork`) waits until none is under
//! way. Nothing waits here for the network, and nothing for longer than [`PATIENCE`].

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{process, thread};

/// A burst takes a millisecond or two. One that a caller's own code forks in, from a sink of the log, would never end.
const PATIENCE: Duration = Duration::from_millis(200);

/// How many threads are in a burst.
static INSIDE: AtomicU32 = AtomicU32::new(0);
/// How many threads are about to fork.
static FORKING: AtomicU32 = AtomicU32::new(0);

/// How often this process and those before it were forked since [`install`].
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Tells this process from those that it was forked from. Never 0.
///
/// Its number alone would not: each first process of a PID namespace is number 1. And a fork by the bare system call is not
/// counted.
pub(crate) fn this_process() -> u64 {
    u64::from(FORKS.load(Ordering::Relaxed)) << 32 | u64::from(process::id())
}

/// Ends the burst when it is dropped.
pub(crate) struct Burst(());

/// Begins a burst; a fork that is about to happen comes first.
pub(crate) fn burst() -> Burst {
    let mut waited = None;
    loop {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        let begun = *waited.get_or_insert_with(Instant::now);
        if FORKING.load(Ordering::SeqCst) == 0 || begun.elapsed() > PATIENCE {
            return Burst(());
        }
        leave();
        thread::yield_now();
    }
}

impl Drop for Burst {
    fn drop(&mut self) {
        leave();
    }
}

/// A forked child has begun to count anew, also where it was forked in a burst of its own.
fn leave() {
    let _ = INSIDE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| {
        count.checked_sub(1)
    });
}

/// Has this process's forks wait; once is enough, and a child inherits it.
pub(crate) fn install() {
    #[cfg(unix)]
    {
        // Not a Once: that waits, also in a child whose parent was in the middle of this.
        static IS_INSTALLED: std::sync::atomic::AtomicBool =
            std::sync::atomic::AtomicBool::new(false);
        if IS_INSTALLED.swap(true, Ordering::Relaxed) {
            return;
        }
        // SAFETY: the three functions are there for as long as the process, because the library is never unloaded
        // (`-z nodelete`), and they touch nothing but atomic numbers.
        #[allow(unsafe_code)]
        let _ = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    }
}

#[cfg(unix)]
extern "C" fn before() {
    FORKING.fetch_add(1, Ordering::SeqCst);
    let begun = Instant::now();
    while INSIDE.load(Ordering::SeqCst) > 0 && begun.elapsed() < PATIENCE {
        thread::yield_now();
    }
}

#[cfg(unix)]
extern "C" fn in_parent() {
    FORKING.fetch_sub(1, Ordering::SeqCst);
}

/// Of the parent's threads only the one that forked is here.
#[cfg(unix)]
extern "C" fn in_child() {
    FORKING.store(0, Ordering::SeqCst);
    INSIDE.store(0, Ordering::SeqCst);
    FORKS.fetch_add(1, Ordering::Relaxed);
}

#[cfg(all(test, unix))]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// In one test, because the numbers are the process's.
    #[test]
    fn a_fork_and_the_bursts_wait_for_each_other_and_not_for_ever() {
        let held = burst();
        // As a fork in a burst of its own: it gives up waiting.
        before();
        // As a burst in a burst, while a fork is about to happen.
        drop(burst());
        in_parent();
        drop(held);
        assert_eq!(FORKING.load(Ordering::SeqCst), 0);

        let held = burst();
        waits_until(|| before(), || drop(held));
        in_parent();
        before();
        waits_until(|| drop(burst()), || in_parent());

        waits_for_nothing(|| {
            before();
            in_parent();
        });
        waits_for_nothing(|| drop(burst()));
    }

    /// The body, in another thread, waits for what ends its waiting.
    fn waits_until(body: impl FnOnce() + Send, end: impl FnOnce()) {
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let begun = Instant::now();
            let is_ended = &ended;
            let waiting = scope.spawn(move || {
                body();
                is_ended.load(Ordering::SeqCst) || begun.elapsed() >= PATIENCE
            });
            while !waiting.is_finished() && begun.elapsed() < PATIENCE / 4 {
                thread::yield_now();
            }
            ended.store(true, Ordering::SeqCst);
            end();
            assert!(waiting.join().unwrap(), "it did not wait");
        });
    }

    /// Several times, because anything may take long once on a busy machine.
    fn waits_for_nothing(body: impl Fn()) {
        let waits = (0..10).all(|_| {
            let begun = Instant::now();
            body();
            begun.elapsed() >= PATIENCE
        });
        assert!(!waits, "it waits where there is nothing to wait for");
    }
}
