//! Every wait of a call ends by a timeout, and the error names the phase.

use crate::common::loopback::listen;
use crate::common::relay::{Fault, Place, Relay, port_of, request};
use crate::common::{call, config, never_answer, timed_out, unanswered_port, with_growing_timeout};
use dcs::Client;
use dcs_testbed::Testbed;

const PATH: &str = "/checks/passport";

#[test]
fn tls_handshake_times_out() {
    let testbed = Testbed::from_env();
    let port = listen(never_answer);
    let mut config = config(&testbed, &format!("https://localhost:{port}{PATH}"));
    with_growing_timeout(|timeout_ms| {
        config.set_connect_timeout_ms(timeout_ms).unwrap();
        let timeout = format!("connect timeout of {timeout_ms} ms");
        timed_out(call(&config), &[&timeout, "TLS handshake"])
    });
    // The timeout of the whole call applies if it is shorter.
    with_growing_timeout(|timeout_ms| {
        config.set_connect_timeout_ms(timeout_ms).unwrap();
        config.set_timeout_ms(timeout_ms / 2).unwrap();
        let timeout = format!("The timeout of {} ms", timeout_ms / 2);
        timed_out(call(&config), &[&timeout, "TLS handshake"])
    });
}

#[test]
fn tls_handshake_that_stalls_midway_times_out() {
    let testbed = Testbed::from_env();
    for listener in ["tls12_close", "tls13_close"] {
        let url = testbed.url(listener, PATH);
        let relay = Relay::with_fault(port_of(&url), Fault::Stall, |record| {
            !record.from_client && !record.is_application_data && record.number == 2
        });
        let mut config = config(&testbed, &relay.url(&url));
        with_growing_timeout(|timeout_ms| {
            config.set_connect_timeout_ms(timeout_ms).unwrap();
            timed_out(call(&config), &["TLS handshake"])
        });
    }
}

#[test]
fn tcp_connect_times_out() {
    let testbed = Testbed::from_env();
    let (_listener, port) = unanswered_port();
    let mut config = config(&testbed, &format!("https://127.0.0.1:{port}{PATH}"));
    let error = with_growing_timeout(|timeout_ms| {
        config.set_connect_timeout_ms(timeout_ms).unwrap();
        let timeout = format!("connect timeout of {timeout_ms} ms");
        let phase = "waiting for the TCP connection";
        timed_out(call(&config), &[&timeout, phase])
    });
    assert!(error.hint().contains("firewall"), "{error}");
}

#[test]
fn waiting_for_a_response_times_out() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", PATH);
    let relay = Relay::with_fault(port_of(&url), Fault::Stall, request);
    let mut config = config(&testbed, &relay.url(&url));
    with_growing_timeout(|timeout_ms| {
        config.set_timeout_ms(timeout_ms).unwrap();
        let port = relay.port.to_string();
        timed_out(call(&config), &["waiting for the response", &port])
    });
}

#[test]
fn reading_a_response_times_out() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", "/long");
    let relay = Relay::with_fault(port_of(&url), Fault::Stall, |record| {
        !record.from_client && record.is_application_data && record.number == 3
    });
    let mut config = config(&testbed, &relay.url(&url));
    with_growing_timeout(|timeout_ms| {
        config.set_timeout_ms(timeout_ms).unwrap();
        timed_out(call(&config), &["reading the response"])
    });
}

#[test]
fn waiting_for_a_proxy_times_out() {
    let testbed = Testbed::from_env();
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    let proxy = format!("http://localhost:{}", listen(never_answer));
    config.set_proxy(Some(&proxy)).unwrap();
    with_growing_timeout(|timeout_ms| {
        config.set_connect_timeout_ms(timeout_ms).unwrap();
        timed_out(call(&config), &["proxy's response"])
    });
}

#[test]
fn byte_by_byte_exchange_succeeds() {
    let testbed = Testbed::from_env();
    for listener in ["tls12_keepalive", "tls13_keepalive"] {
        for from_client in [true, false] {
            let url = testbed.url(listener, PATH);
            let relay = Relay::start(port_of(&url));
            let place = Place::Byte {
                from_client,
                offset: 0,
            };
            relay.arm(Fault::Drip, place);
            let client = Client::new(&config(&testbed, &relay.url(&url))).unwrap();
            for reused in [false, true] {
                let status = client.status().unwrap();
                assert_eq!(status.connection().reused, reused);
                assert!(status.available());
            }
        }
    }
}
