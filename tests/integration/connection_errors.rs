//! Connections that cannot be made, or are lost before the response.

use crate::common::loopback::listen;
use crate::common::relay::{Fault, Relay, port_of, request};
use crate::common::{config, failure, refused_port};
use dcs::{Code, Config};
use dcs_testbed::Testbed;

const PATH: &str = "/checks/passport";

fn config_to(testbed: &Testbed, port: u16) -> Config {
    config(testbed, &format!("https://localhost:{port}{PATH}"))
}

#[test]
fn refused_connection_is_a_connect_error() {
    let testbed = Testbed::from_env();
    let (_reserved, port) = refused_port();
    let error = failure(&config_to(&testbed, port), Code::Connect);
    assert!(error.message().contains("refused"), "{error}");
    assert_ne!(error.os_code(), None);
}

#[test]
fn unknown_host_is_a_resolve_error() {
    let testbed = Testbed::from_env();
    let config = config(&testbed, "https://dcs.invalid/checks/passport");
    let error = failure(&config, Code::Resolve);
    assert!(error.message().contains("dcs.invalid"), "{error}");
}

#[test]
fn connection_closed_at_once_is_lost() {
    let testbed = Testbed::from_env();
    let error = failure(&config_to(&testbed, listen(drop)), Code::ConnectionLost);
    assert!(error.message().contains("TLS handshake"), "{error}");
    assert!(error.retryable());
}

#[test]
fn connection_closed_after_the_request_is_lost_and_not_retried() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_keepalive", PATH);
    let relay = Relay::with_fault(port_of(&url), Fault::Close, request);
    let error = failure(&config(&testbed, &relay.url(&url)), Code::ConnectionLost);
    assert!(error.message().contains("before it responded"), "{error}");
    assert_eq!(relay.connections(), 1);
}

#[test]
fn connection_closed_within_the_response_truncates_it() {
    let testbed = Testbed::from_env();
    for listener in ["tls12_close", "tls13_close"] {
        let url = testbed.url(listener, "/long");
        // In TLS 1.3 the handshake's records look like application data too.
        let relay = Relay::with_fault(port_of(&url), Fault::Close, |record| {
            !record.from_client && record.is_application_data && record.number == 12
        });
        let error = failure(&config(&testbed, &relay.url(&url)), Code::Response);
        assert!(error.message().contains("cut short"), "{error}");
        assert!(error.retryable());
    }
}
