//! A host may have signals delivered to the threads that call: a storm of them changes nothing.
//!
//! A binary of its own: a signal's handler is the process's.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::full_listener;
use common::relay::{Fault, Place, Relay, port_of, request};
use common::{call, config, failure};
use dcs::{Client, Code};
use dcs_testbed::Testbed;

const PATH: &str = "/checks/passport";

static DELIVERED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: libc::c_int) {
    DELIVERED.fetch_add(1, Ordering::Relaxed);
}

/// Has a handler that interrupts system calls, as one without SA_RESTART does.
fn handle_without_restart(signal: libc::c_int) {
    // SAFETY: all zeros is a valid `sigaction`: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = count as extern "C" fn(libc::c_int) as usize;
    // SAFETY: the action is valid, and its handler only counts, which is allowed in a handler.
    let outcome = unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    assert_eq!(outcome, 0);
}

/// Runs the function while its thread gets a signal every millisecond.
fn in_a_storm(run: impl FnOnce()) {
    // SAFETY: has no preconditions.
    let thread = unsafe { libc::pthread_self() };
    let is_over = AtomicBool::new(false);
    let before = DELIVERED.load(Ordering::Relaxed);
    std::thread::scope(|scope| {
        let storm = scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                // SAFETY: the thread runs at least until this one has ended, and the signal has a handler.
                assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR1) }, 0);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        // Also where the function panics, or the scope would wait for ever.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        is_over.store(true, Ordering::SeqCst);
        storm.join().unwrap();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
    let delivered = DELIVERED.load(Ordering::Relaxed) - before;
    assert!(delivered > 20, "only {delivered} signals");
}

#[test]
fn a_storm_of_signals_changes_nothing() {
    handle_without_restart(libc::SIGUSR1);
    let testbed = Testbed::from_env();

    in_a_storm(|| {
        for listener in [
            "tls12_close",
            "tls13_close",
            "tls12_keepalive",
            "tls13_keepalive",
        ] {
            let url = testbed.url(listener, PATH);
            let client = Client::new(&config(&testbed, &url)).unwrap();
            for _ in 0..20 {
                assert!(client.status().unwrap().available());
            }
            for _ in 0..5 {
                assert!(call(&config(&testbed, &url)).unwrap().available());
            }
        }
    });

    // Many reads, each of which waits.
    let url = testbed.url("tls12_close", PATH);
    let relay = Relay::faithful(port_of(&url));
    let through = config(&testbed, &relay.url(&url));
    in_a_storm(|| {
        for from_client in [true, false] {
            let place = Place::Byte {
                from_client,
                offset: 0,
            };
            relay.arm(Fault::Drip, place);
            for _ in 0..5 {
                assert!(call(&through).unwrap().available());
            }
        }
    });

    // A wait is neither cut short nor begun anew by a signal.
    let limit = Duration::from_millis(500);
    let (_listener, port) = full_listener();
    let unanswered = config(&testbed, &format!("https://127.0.0.1:{port}/"));
    for (mut config, words) in [
        (through, "waiting for the response"),
        (unanswered, "waiting for the TCP connection"),
    ] {
        relay.arm(Fault::Stall, Place::Before(request));
        config.set_timeout_ms(500).unwrap();
        config.set_connect_timeout_ms(500).unwrap();
        in_a_storm(|| {
            let begun = Instant::now();
            let error = failure(&config, Code::Timeout);
            assert!(error.message().contains(words), "{error}");
            assert!(begun.elapsed() >= limit, "{:?}", begun.elapsed());
            assert!(begun.elapsed() < 10 * limit, "{:?}", begun.elapsed());
        });
    }
}
