//! Calls through the C ABI leave no memory, no descriptor and no thread behind: calls that succeed and calls that fail,
//! clients that cannot be made, files read again, calls ended, reports and conversions, from one thread and from several.
//!
//! `DCS_LEAK_CALLS` says how many; `make leaks` makes a hundred thousand.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use crate::common::c::{compile, text};
use dcs_testbed::{PASSWORD, Testbed};

/// Listeners and paths: every kind of answer, and servers that cannot be trusted.
const URLS: [(&str, &str); 14] = [
    ("tls12_close", "/checks/passport"),
    ("tls12_keepalive", "/checks/passport"),
    ("tls13_close", "/outages"),
    ("tls13_keepalive", "/limits"),
    ("tls13_keepalive", "/unavailable"),
    ("tls12_close", "/429"),
    ("tls12_keepalive", "/503"),
    ("tls13_close", "/404"),
    ("tls12_keepalive", "/not-json"),
    ("tls13_keepalive", "/html"),
    ("server_expired", "/checks/passport"),
    ("server_wrong_name", "/checks/passport"),
    ("server_unknown_ca", "/checks/passport"),
    ("plain_http", "/checks/passport"),
];

/// A server that takes connections and never says anything; it keeps the last few.
fn silent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut kept = VecDeque::new();
        for stream in listener.incoming().flatten() {
            kept.push_back(stream);
            if kept.len() > 16 {
                kept.pop_front();
            }
        }
    });
    port
}

#[test]
fn calls_leave_nothing_behind() {
    let testbed = Testbed::from_env();
    let count = std::env::var("DCS_LEAK_CALLS").unwrap_or_else(|_| "3000".to_owned());
    let program = compile("cc", "-std=c11", "tests/c/leaks.c");
    let output = Command::new(program)
        .arg(count)
        .args(
            [
                "ca_bundle",
                "client_cert",
                "client_key",
                "other_key",
                "client_key_encrypted",
            ]
            .map(|name| testbed.file(name)),
        )
        .arg(PASSWORD)
        .arg(testbed.file("other_ca_bundle"))
        .arg(format!("https://localhost:{}/", silent()))
        .args(URLS.map(|(listener, path)| {
            // The scheme is checked beforehand; here the server answers in the clear.
            testbed.url(listener, path).replace("http://", "https://")
        }))
        .output()
        .unwrap();
    println!("{}", text(&output.stdout));
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// The host's own use of rustls chooses its own provider.
#[test]
fn rustls_is_as_it_was() {
    let testbed = Testbed::from_env();
    let config = crate::common::config(&testbed, &testbed.url("tls13_close", "/checks/passport"));
    assert!(crate::common::call(&config).unwrap().available());
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
