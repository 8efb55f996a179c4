//! Connections that were kept and are dead, half dead, or die in use: replaced where nothing can go wrong by it,
//! and only there.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use crate::common::config;
use crate::common::https::{identity, read_head, sessions, tls, with_length};
use crate::common::relay::{Fault, Hits, Place, Relay, port_of};
use dcs::{Client, Code, Config};
use dcs_testbed::Testbed;

const PATH: &str = "/checks/passport";
const BODY: &str = r#"{"available":true,"scheduledOutages":[]}"#;

/// The first answer of the first connection. In TLS 1.3 five records of the handshake and two tickets come before
/// it that look the same.
const FIRST_ANSWER: [(&str, Hits); 2] = [
    ("tls12_keepalive", |record| {
        !record.from_client
            && record.is_application_data
            && record.connection == 1
            && record.number == 1
    }),
    ("tls13_keepalive", |record| {
        !record.from_client
            && record.is_application_data
            && record.connection == 1
            && record.number == 8
    }),
];

fn through(testbed: &Testbed, listener: &str) -> (Relay, Config) {
    let url = testbed.url(listener, PATH);
    let relay = Relay::faithful(port_of(&url));
    let mut config = config(testbed, &relay.url(&url));
    config.set_timeout_ms(5_000).unwrap();
    (relay, config)
}

#[test]
fn a_connection_that_ended_while_it_was_idle_is_replaced() {
    let testbed = Testbed::from_env();
    for (listener, first_answer) in FIRST_ANSWER {
        for fault in [Fault::Close, Fault::Reset] {
            let (relay, config) = through(&testbed, listener);
            relay.arm(fault, Place::Behind(first_answer));
            let client = Client::new(&config).unwrap();
            client.status().unwrap();
            relay.await_faults(1);
            let status = client.status().unwrap();
            assert!(status.available() && !status.connection().reused);
            assert!(client.status().unwrap().connection().reused);
            assert_eq!(relay.connections(), 2, "{listener} {fault:?}");
        }
    }
}

#[test]
fn a_connection_that_a_firewall_forgot_costs_one_timeout() {
    let testbed = Testbed::from_env();
    for (listener, first_answer) in FIRST_ANSWER {
        let (relay, mut config) = through(&testbed, listener);
        relay.arm(Fault::Forget, Place::Behind(first_answer));
        config.set_timeout_ms(500).unwrap();
        let client = Client::new(&config).unwrap();
        client.status().unwrap();
        relay.await_faults(1);
        let error = client.status().unwrap_err();
        assert_eq!(error.code(), Code::Timeout, "{error}");
        assert!(
            error.message().contains("timeout of 500 ms")
                && error.message().contains("waiting for the response"),
            "{error}"
        );
        assert!(error.retryable());
        assert!(!client.status().unwrap().connection().reused);
        assert_eq!(relay.connections(), 2, "{listener}");
    }
}

#[test]
fn a_firewall_that_forgot_them_all_costs_one_timeout_too() {
    const KEPT: usize = 3;
    let testbed = Testbed::from_env();
    let answer = with_length("200 OK", "", BODY);
    let together = Barrier::new(KEPT);
    let number = AtomicUsize::new(0);
    let (mut config, connections) = sessions(
        &testbed,
        tls(identity(&testbed), rustls::ALL_VERSIONS),
        move |mut session| {
            let is_forgotten = number.fetch_add(1, Ordering::SeqCst) < KEPT;
            let mut is_first = true;
            while read_head(&mut session) {
                if is_forgotten && is_first {
                    // So each of the first calls has a connection of its own.
                    together.wait();
                } else if is_forgotten {
                    let _ = std::io::copy(&mut session.sock, &mut std::io::sink());
                    return;
                }
                is_first = false;
                let _ = session.write_all(answer.as_bytes());
            }
        },
    );
    config.set_timeout_ms(1_000).unwrap();
    let client = Client::new(&config).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..KEPT {
            scope.spawn(|| client.status().unwrap());
        }
    });
    let error = client.status().unwrap_err();
    assert_eq!(error.code(), Code::Timeout, "{error}");
    // Those that were idle as long as the one that had died are not tried one after the other.
    assert!(!client.status().unwrap().connection().reused);
    assert!(client.status().unwrap().connection().reused);
    assert_eq!(connections.load(Ordering::SeqCst), KEPT + 1);
}

#[test]
fn a_call_is_repeated_once_and_no_more() {
    let testbed = Testbed::from_env();
    for fault in [Fault::Close, Fault::Reset] {
        let (relay, config) = through(&testbed, "tls12_keepalive");
        // The second request dies, and so does the one that takes its place.
        relay.arm(
            fault,
            Place::Before(|record| {
                record.from_client
                    && record.is_application_data
                    && (record.connection > 1 || record.number == 2)
            }),
        );
        let client = Client::new(&config).unwrap();
        client.status().unwrap();
        let error = client.status().unwrap_err();
        assert_eq!(error.code(), Code::ConnectionLost, "{error}");
        assert_eq!(relay.connections(), 2, "{fault:?}");
    }
}

#[test]
fn a_call_is_not_repeated_once_a_byte_of_its_answer_came() {
    let testbed = Testbed::from_env();
    for beginning in [
        "H",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{",
    ] {
        let (config, connections) = sessions(
            &testbed,
            tls(identity(&testbed), rustls::ALL_VERSIONS),
            move |mut session| {
                read_head(&mut session);
                let _ = session.write_all(with_length("200 OK", "", BODY).as_bytes());
                if read_head(&mut session) {
                    let _ = session.write_all(beginning.as_bytes());
                    let _ = session.flush();
                }
            },
        );
        let client = Client::new(&config).unwrap();
        client.status().unwrap();
        let error = client.status().unwrap_err();
        assert_eq!(error.code(), Code::Response, "{beginning:?}: {error}");
        assert!(error.message().contains("cut short"), "{error}");
        assert_eq!(connections.load(Ordering::SeqCst), 1, "{beginning:?}");
    }
}

#[test]
fn what_a_server_says_while_a_connection_is_idle_ends_it() {
    let testbed = Testbed::from_env();
    let stale = with_length("408 Request Timeout", "Connection: close\r\n", "");
    let (said, heard) = std::sync::mpsc::channel();
    let (config, connections) = sessions(
        &testbed,
        tls(identity(&testbed), rustls::ALL_VERSIONS),
        move |mut session| {
            while read_head(&mut session) {
                let _ = session.write_all(with_length("200 OK", "", BODY).as_bytes());
                // In a segment of its own, as a server sends it that has waited for long enough.
                let _ = session.write_all(stale.as_bytes());
                let _ = said.send(());
            }
            let _ = session.sock.read(&mut [0]);
        },
    );
    let client = Arc::new(Client::new(&config).unwrap());
    for _ in 0..3 {
        let status = client.status().unwrap();
        assert!(status.available() && !status.connection().reused);
        heard.recv().unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

/// What the next call would otherwise take for its own answer.
#[test]
fn what_comes_with_an_answer_is_not_the_next_calls() {
    let testbed = Testbed::from_env();
    let unasked = with_length("200 OK", "", r#"{"available":false,"scheduledOutages":[]}"#);
    let both = with_length("200 OK", "", BODY) + &unasked;
    let (config, connections) = sessions(
        &testbed,
        tls(identity(&testbed), rustls::ALL_VERSIONS),
        move |mut session| {
            while read_head(&mut session) {
                let _ = session.write_all(both.as_bytes());
            }
        },
    );
    let client = Client::new(&config).unwrap();
    for _ in 0..3 {
        let status = client.status().unwrap();
        assert!(status.available() && !status.connection().reused);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}
