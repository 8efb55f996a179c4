//! Calls leave no thread and no descriptor behind, and rustls as it was. Alone in its file, because it counts those
//! of the whole process.

mod common;

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use common::{call, config};
use dcs_testbed::Testbed;

/// Threads and open descriptors of this process.
fn count() -> (usize, usize) {
    let entries = |path| fs::read_dir(path).unwrap().count();
    (entries("/proc/self/task"), entries("/proc/self/fd"))
}

#[test]
fn calls_leave_nothing_behind() {
    let testbed = Testbed::from_env();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let round = || {
        for url in [
            testbed.url("tls12_close", "/checks/passport"),
            testbed.url("tls13_keepalive", "/checks/passport"),
            testbed.url("tls12_close", "/503"),
            "https://dcs.invalid/".to_owned(),
            "https://localhost:1/".to_owned(),
            format!("https://localhost:{port}/"),
        ] {
            let mut config = config(&testbed, &url);
            config
                .set_connect_timeout_ms(if url.contains(&port.to_string()) {
                    20
                } else {
                    5_000
                })
                .unwrap();
            let _ = call(&config);
        }
    };
    round();
    let before = count();
    for _ in 0..20 {
        round();
    }
    // A look-up's thread ends a moment after its answer is there.
    let give_up = Instant::now() + Duration::from_secs(10);
    while count() != before && Instant::now() < give_up {
        std::thread::yield_now();
    }
    assert_eq!(count(), before);
    // The host's own use of rustls chooses its own provider.
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
