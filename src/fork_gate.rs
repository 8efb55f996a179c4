//! Keeps a fork out of the middle of a cryptographic operation, and distinguishes processes.
//!
//! The provider has locks of its own, for random numbers and for RSA keys. A process that is forked while another
//! thread holds one would wait for it forever, in a call or when it ends. So the sections that take such locks, in
//! handshakes and when keys are loaded, are counted here, and a fork (`pthread_atfork`) waits until none is running.
//! Nothing waits here for the network, and nothing for longer than [`MAX_FORK_WAIT`].

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{process, thread};

use crate::sys;

/// A section takes a millisecond or two. One in which the caller's own code forks, from a logger, would never end.
const MAX_FORK_WAIT: Duration = Duration::from_millis(200);

/// How many threads are in a section.
static INSIDE: AtomicU32 = AtomicU32::new(0);
/// How many threads are about to fork.
static FORKING: AtomicU32 = AtomicU32::new(0);

/// How often this process and those before it were forked since [`install`].
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Distinguishes this process from those that it was forked from. Never 0.
///
/// Neither number is enough alone: each first process of a PID namespace has the process number 1, and a fork by the
/// bare system call is not counted.
pub(crate) fn this_process() -> u64 {
    u64::from(FORKS.load(Ordering::Relaxed)) << 32 | u64::from(process::id())
}

/// Ends the section when it is dropped.
pub(crate) struct CryptoSection(());

/// Starts a section. A fork that is about to happen comes first.
pub(crate) fn crypto_section() -> CryptoSection {
    let mut waited = None;
    loop {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        let begun = *waited.get_or_insert_with(Instant::now);
        if FORKING.load(Ordering::SeqCst) == 0 || begun.elapsed() > MAX_FORK_WAIT {
            return CryptoSection(());
        }
        leave();
        thread::yield_now();
    }
}

impl Drop for CryptoSection {
    fn drop(&mut self) {
        leave();
    }
}

/// Leaves a section. A forked child counts from zero, even if it was forked in a section of its own.
fn leave() {
    let _ = INSIDE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| {
        count.checked_sub(1)
    });
}

/// Makes this process's forks wait for crypto sections; a child inherits that.
pub(crate) fn install() {
    sys::install_fork_handlers(before, in_parent, in_child);
}

extern "C" fn before() {
    FORKING.fetch_add(1, Ordering::SeqCst);
    let begun = Instant::now();
    while INSIDE.load(Ordering::SeqCst) > 0 && begun.elapsed() < MAX_FORK_WAIT {
        thread::yield_now();
    }
}

extern "C" fn in_parent() {
    FORKING.fetch_sub(1, Ordering::SeqCst);
}

/// Of the parent's threads only the one that forked is here.
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
    fn a_fork_and_the_sections_wait_for_each_other_and_not_for_ever() {
        let held = crypto_section();
        // As a fork in a section of its own: it gives up waiting.
        before();
        // As a section in a section, while a fork is about to happen.
        drop(crypto_section());
        in_parent();
        drop(held);
        assert_eq!(FORKING.load(Ordering::SeqCst), 0);

        let held = crypto_section();
        waits_until(|| before(), || drop(held));
        in_parent();
        before();
        waits_until(|| drop(crypto_section()), || in_parent());

        waits_for_nothing(|| {
            before();
            in_parent();
        });
        waits_for_nothing(|| drop(crypto_section()));
    }

    /// The body, in another thread, waits for what ends its waiting.
    fn waits_until(body: impl FnOnce() + Send, end: impl FnOnce()) {
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let begun = Instant::now();
            let is_ended = &ended;
            let waiting = scope.spawn(move || {
                body();
                is_ended.load(Ordering::SeqCst) || begun.elapsed() >= MAX_FORK_WAIT
            });
            while !waiting.is_finished() && begun.elapsed() < MAX_FORK_WAIT / 4 {
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
            begun.elapsed() >= MAX_FORK_WAIT
        });
        assert!(!waits, "it waits although there is nothing to wait for");
    }
}
