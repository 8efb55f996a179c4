//! Kept connections that are dead, half dead, or die in use. The client replaces them and repeats the call if, and only
//! if, that is safe.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use crate::common::https::{read_head, sessions_of_any_version, with_length};
use crate::common::relay::{Fault, Place, RecordFilter, Relay, port_of, request};
use crate::common::{WATCHDOG_MS, config, never_answer, timed_out, with_growing_timeout};
use dcs::{Client, Code, Config};
use dcs_testbed::Testbed;

const PATH: &str = "/checks/passport";
const BODY: &str = r#"{"available":true,"scheduledOutages":[]}"#;

/// The first response of the first connection. In TLS 1.3 it follows five records of the handshake and two tickets that
/// look the same.
const FIRST_RESPONSE: [(&str, RecordFilter); 2] = [
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

/// Starts a relay to a listener, and returns it with a configuration for calls through it.
fn relay_to(testbed: &Testbed, listener: &str) -> (Relay, Config) {
    let url = testbed.url(listener, PATH);
    let relay = Relay::start(port_of(&url));
    let mut config = config(testbed, &relay.url(&url));
    config.set_timeout_ms(WATCHDOG_MS).unwrap();
    (relay, config)
}

#[test]
fn connection_that_ended_while_idle_is_replaced() {
    let testbed = Testbed::from_env();
    for (listener, first_response) in FIRST_RESPONSE {
        for fault in [Fault::Close, Fault::Reset] {
            let (relay, config) = relay_to(&testbed, listener);
            relay.arm(fault, Place::After(first_response));
            let client = Client::new(&config).unwrap();
            client.status().unwrap();
            relay.wait_for_faults(1);
            let status = client.status().unwrap();
            assert!(status.available() && !status.connection().reused);
            assert!(client.status().unwrap().connection().reused);
            assert_eq!(relay.connections(), 2, "{listener} {fault:?}");
        }
    }
}

#[test]
fn retries_on_a_new_connection_if_a_kept_one_dies_in_use() {
    let testbed = Testbed::from_env();
    let case = "replaced";
    let url = testbed.url("tls12_keepalive", &format!("{PATH}?case={case}"));
    // The first connection dies with its second request, so no probe can see it beforehand.
    let relay = Relay::with_fault(port_of(&url), Fault::Close, |record| {
        record.connection == 1 && request(record) && record.number == 2
    });
    let client = Client::new(&config(&testbed, &relay.url(&url))).unwrap();
    assert!(!client.status().unwrap().connection().reused);
    let second = client.status().unwrap();
    assert!(second.available() && !second.connection().reused);
    assert!(client.status().unwrap().connection().reused);
    assert_eq!(relay.connections(), 2);
    assert_eq!(testbed.wait_for_log(case, 3).len(), 3);
}

#[test]
fn blackholed_connection_costs_one_timeout() {
    let testbed = Testbed::from_env();
    for (listener, first_response) in FIRST_RESPONSE {
        with_growing_timeout(|timeout_ms| {
            let (relay, mut config) = relay_to(&testbed, listener);
            relay.arm(Fault::Blackhole, Place::After(first_response));
            config.set_timeout_ms(timeout_ms).unwrap();
            let client = Client::new(&config).unwrap();
            client.status()?;
            relay.wait_for_faults(1);
            let timeout = format!("timeout of {timeout_ms} ms");
            timed_out(client.status(), &[&timeout, "waiting for the response"])?;
            assert!(!client.status()?.connection().reused);
            assert_eq!(relay.connections(), 2, "{listener}");
            Ok(())
        });
    }
}

#[test]
fn several_blackholed_connections_cost_one_timeout() {
    const KEPT: usize = 3;
    let testbed = Testbed::from_env();
    with_growing_timeout(|timeout_ms| {
        let together = Barrier::new(KEPT);
        let number = AtomicUsize::new(0);
        let (mut config, connections) = sessions_of_any_version(&testbed, move |mut session| {
            let is_blackholed = number.fetch_add(1, Ordering::SeqCst) < KEPT;
            let mut is_first = true;
            while read_head(&mut session).is_some() {
                if is_blackholed && is_first {
                    // So each of the first calls has a connection of its own.
                    together.wait();
                } else if is_blackholed {
                    never_answer(session.sock);
                    return;
                }
                is_first = false;
                let _ = session.write_all(with_length("200 OK", "", BODY).as_bytes());
            }
        });
        config.set_timeout_ms(timeout_ms).unwrap();
        let client = Client::new(&config).unwrap();
        std::thread::scope(|scope| {
            let calls: Vec<_> = (0..KEPT).map(|_| scope.spawn(|| client.status())).collect();
            calls
                .into_iter()
                .try_for_each(|call| call.join().unwrap().map(drop))
        })?;
        timed_out(client.status(), &["waiting for the response"])?;
        // The client discards the connections that were idle for as long as the dead one, without trying them.
        assert!(!client.status()?.connection().reused);
        assert!(client.status()?.connection().reused);
        assert_eq!(connections.load(Ordering::SeqCst), KEPT + 1);
        Ok(())
    });
}

#[test]
fn retries_only_once() {
    let testbed = Testbed::from_env();
    for fault in [Fault::Close, Fault::Reset] {
        let (relay, config) = relay_to(&testbed, "tls12_keepalive");
        // The second request dies, and so does its repetition.
        relay.arm(
            fault,
            Place::Before(|record| {
                request(record) && (record.connection > 1 || record.number == 2)
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
fn does_not_retry_after_the_first_byte_of_a_response() {
    let testbed = Testbed::from_env();
    for beginning in [
        "H",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{",
    ] {
        let (config, connections) = sessions_of_any_version(&testbed, move |mut session| {
            read_head(&mut session);
            let _ = session.write_all(with_length("200 OK", "", BODY).as_bytes());
            if read_head(&mut session).is_some() {
                let _ = session.write_all(beginning.as_bytes());
                let _ = session.flush();
            }
        });
        let client = Client::new(&config).unwrap();
        client.status().unwrap();
        let error = client.status().unwrap_err();
        assert_eq!(error.code(), Code::Response, "{beginning:?}: {error}");
        assert!(error.message().contains("cut short"), "{error}");
        assert_eq!(connections.load(Ordering::SeqCst), 1, "{beginning:?}");
    }
}

#[test]
fn unsolicited_response_on_an_idle_connection_closes_it() {
    let testbed = Testbed::from_env();
    let stale = with_length("408 Request Timeout", "Connection: close\r\n", "");
    let (sent, was_sent) = std::sync::mpsc::channel();
    let (config, connections) = sessions_of_any_version(&testbed, move |mut session| {
        while read_head(&mut session).is_some() {
            let _ = session.write_all(with_length("200 OK", "", BODY).as_bytes());
            // In a segment of its own, as from a server that gave up waiting.
            let _ = session.write_all(stale.as_bytes());
            let _ = sent.send(());
        }
        let _ = session.sock.read(&mut [0]);
    });
    let client = Arc::new(Client::new(&config).unwrap());
    for _ in 0..3 {
        let status = client.status().unwrap();
        assert!(status.available() && !status.connection().reused);
        was_sent.recv().unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}
