//! Signals that interrupt system calls do not change what a call does.
//!
//! A binary of its own: a signal handler is the process's.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::relay::{Fault, Place, Relay, port_of, request};
use common::{WATCHDOG, call, config, timed_out, unanswered_port, with_growing_timeout};
use dcs::Client;
use dcs_testbed::Testbed;

const PATH: &str = "/checks/passport";

static DELIVERED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: libc::c_int) {
    DELIVERED.fetch_add(1, Ordering::Relaxed);
}

/// Installs a handler without SA_RESTART, so that the signal interrupts system calls.
fn handle_without_restart(signal: libc::c_int) {
    // SAFETY: all zeros is a valid `sigaction`: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = count as extern "C" fn(libc::c_int) as usize;
    // SAFETY: the action is valid, and its handler only counts, which is allowed in a handler.
    let outcome = unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    assert_eq!(outcome, 0);
}

/// Runs a function, whose thread gets a signal every millisecond, until it got at least twenty.
fn in_a_storm(mut run: impl FnMut()) {
    // SAFETY: has no preconditions.
    let thread = unsafe { libc::pthread_self() };
    let is_over = AtomicBool::new(false);
    let before = DELIVERED.load(Ordering::Relaxed);
    std::thread::scope(|scope| {
        let storm = scope.spawn(|| {
            let start = Instant::now();
            while !is_over.load(Ordering::SeqCst) && start.elapsed() < WATCHDOG {
                // SAFETY: the thread outlives this one, and the signal has a handler.
                assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR1) }, 0);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        // Ends the storm also if the function panics: the scope would wait for it.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            loop {
                run();
                if DELIVERED.load(Ordering::Relaxed) - before >= 20 {
                    break;
                }
                assert!(!storm.is_finished(), "the signals are not delivered");
            }
        }));
        is_over.store(true, Ordering::SeqCst);
        storm.join().unwrap();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn storm_of_signals_changes_nothing() {
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

    // Many reads, each of which waits for one byte.
    let url = testbed.url("tls12_close", PATH);
    let relay = Relay::start(port_of(&url));
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

    // A signal neither ends a wait nor restarts it.
    relay.arm(Fault::Stall, Place::Before(request));
    let (_listener, port) = unanswered_port();
    let unanswered = config(&testbed, &format!("https://127.0.0.1:{port}/"));
    for (mut config, phase) in [
        (through, "waiting for the response"),
        (unanswered, "waiting for the TCP connection"),
    ] {
        in_a_storm(|| {
            with_growing_timeout(|timeout_ms| {
                config.set_timeout_ms(timeout_ms).unwrap();
                config.set_connect_timeout_ms(timeout_ms).unwrap();
                let start = Instant::now();
                let error = timed_out(call(&config), &[phase])?;
                let limit = Duration::from_millis(timeout_ms.into());
                assert!((limit..WATCHDOG).contains(&start.elapsed()));
                Ok(error)
            });
        });
    }
}
