//! Calls through the C ABI leave no memory, descriptor or thread behind: calls that succeed, fail, or are interrupted,
//! clients that cannot be made, reloads, reports and key exports, from one thread and from several.
//!
//! `DCS_LEAK_CALLS` is the number of calls; `make leaks` makes a hundred thousand.

use std::collections::VecDeque;
use std::process::Command;
use std::sync::Mutex;

use crate::common::c::{compile, text};
use crate::common::loopback::listen;
use dcs_testbed::{PASSWORD, Testbed};

/// Listeners and paths: every kind of response, and untrusted servers.
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

/// Starts a server that never responds, and returns its port. It keeps only the last few connections open, to run with few
/// descriptors.
fn silent() -> u16 {
    let open = Mutex::new(VecDeque::new());
    listen(move |stream| {
        let mut open = open.lock().unwrap();
        open.push_back(stream);
        if open.len() > 16 {
            open.pop_front();
        }
    })
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
            // The library accepts https only; this server answers in plain HTTP.
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
