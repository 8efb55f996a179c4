//! Every wait ends, and the error names what was waited for; lost connections; proxies.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::common::proxy::{server, tunnel};
use crate::common::relay::{Fault, Place, Relay, port_of, request};
use crate::common::{config, failure, full_listener};
use dcs::{Client, Code, Config};
use dcs_testbed::Testbed;

const PATH: &str = "/checks/passport";

/// Reads until the other side gives up.
fn never_answer(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    while matches!(stream.read(&mut buffer), Ok(1..)) {}
}

fn config_to(testbed: &Testbed, port: u16) -> Config {
    config(testbed, &format!("https://localhost:{port}{PATH}"))
}

#[test]
fn a_handshake_that_stalls_ends_by_the_connect_timeout() {
    let testbed = Testbed::from_env();
    let mut config = config_to(&testbed, server(never_answer));
    config.set_connect_timeout_ms(150).unwrap();
    let error = failure(&config, Code::Timeout);
    assert!(
        error.message().contains("connect timeout of 150 ms"),
        "{error}"
    );
    assert!(error.message().contains("TLS handshake"), "{error}");
    assert!(error.retryable());
    // The whole call's limit holds where it is the shorter one.
    config.set_timeout_ms(100).unwrap();
    let error = failure(&config, Code::Timeout);
    assert!(error.message().contains("The timeout of 100 ms"), "{error}");
}

#[test]
fn a_syn_that_nobody_answers_ends_by_the_connect_timeout() {
    let testbed = Testbed::from_env();
    let (_listener, port) = full_listener();
    let mut config = config(&testbed, &format!("https://127.0.0.1:{port}{PATH}"));
    config.set_connect_timeout_ms(200).unwrap();
    let error = failure(&config, Code::Timeout);
    assert!(
        error.message().contains("connect timeout of 200 ms"),
        "{error}"
    );
    assert!(
        error.message().contains("waiting for the TCP connection"),
        "{error}"
    );
    assert!(error.hint().contains("firewall"), "{error}");
}

#[test]
fn an_exchange_that_comes_byte_by_byte_is_a_right_one() {
    let testbed = Testbed::from_env();
    for listener in ["tls12_keepalive", "tls13_keepalive"] {
        for from_client in [true, false] {
            let url = testbed.url(listener, PATH);
            let relay = Relay::faithful(port_of(&url));
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

#[test]
fn a_handshake_that_stalls_in_the_middle_ends_too() {
    let testbed = Testbed::from_env();
    for listener in ["tls12_close", "tls13_close"] {
        let url = testbed.url(listener, PATH);
        let relay = Relay::start(port_of(&url), Fault::Stall, |record| {
            !record.from_client && !record.is_application_data && record.number == 2
        });
        let mut config = config(&testbed, &relay.url(&url));
        config.set_connect_timeout_ms(200).unwrap();
        config.set_timeout_ms(400).unwrap();
        let error = failure(&config, Code::Timeout);
        assert!(error.message().contains("TLS handshake"), "{error}");
    }
}

#[test]
fn a_service_that_never_answers_ends_by_the_timeout() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", PATH);
    let relay = Relay::start(port_of(&url), Fault::Stall, request);
    let mut config = config(&testbed, &relay.url(&url));
    config.set_timeout_ms(300).unwrap();
    let error = failure(&config, Code::Timeout);
    assert!(
        error.message().contains("waiting for the response"),
        "{error}"
    );
    assert!(error.message().contains(&relay.port.to_string()), "{error}");
}

#[test]
fn an_answer_that_stalls_ends_by_the_timeout() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", "/long");
    let relay = Relay::start(port_of(&url), Fault::Stall, |record| {
        !record.from_client && record.is_application_data && record.number == 3
    });
    let mut config = config(&testbed, &relay.url(&url));
    config.set_timeout_ms(300).unwrap();
    let error = failure(&config, Code::Timeout);
    assert!(error.message().contains("reading the response"), "{error}");
}

#[test]
fn an_answer_that_is_cut_short_is_no_answer() {
    let testbed = Testbed::from_env();
    for listener in ["tls12_close", "tls13_close"] {
        let url = testbed.url(listener, "/long");
        // In TLS 1.3 the handshake's records look like application data too.
        let relay = Relay::start(port_of(&url), Fault::Close, |record| {
            !record.from_client && record.is_application_data && record.number == 12
        });
        let error = failure(&config(&testbed, &relay.url(&url)), Code::Response);
        assert!(error.message().contains("cut short"), "{error}");
        assert!(error.retryable());
    }
}

#[test]
fn a_connection_that_is_closed_at_once_is_lost() {
    let testbed = Testbed::from_env();
    let error = failure(&config_to(&testbed, server(drop)), Code::ConnectionLost);
    assert!(error.message().contains("TLS handshake"), "{error}");
    assert!(error.retryable());
}

#[test]
fn a_first_request_that_is_lost_is_not_repeated() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_keepalive", PATH);
    let relay = Relay::start(port_of(&url), Fault::Close, request);
    let error = failure(&config(&testbed, &relay.url(&url)), Code::ConnectionLost);
    assert!(error.message().contains("before it responded"), "{error}");
    assert_eq!(relay.connections(), 1);
}

#[test]
fn a_kept_connection_that_died_is_replaced_once() {
    let testbed = Testbed::from_env();
    let case = "replaced";
    let url = testbed.url("tls12_keepalive", &format!("{PATH}?case={case}"));
    // The first connection dies with its second request, so no probe can see it beforehand.
    let relay = Relay::start(port_of(&url), Fault::Close, |record| {
        record.connection == 1
            && record.from_client
            && record.is_application_data
            && record.number == 2
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
fn a_refused_connection_and_an_unknown_host() {
    let testbed = Testbed::from_env();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = failure(&config_to(&testbed, port), Code::Connect);
    assert!(error.message().contains("refused"), "{error}");
    assert_ne!(error.os_code(), None);
    let error = failure(
        &config(&testbed, "https://dcs.invalid/checks/passport"),
        Code::Resolve,
    );
    assert!(error.message().contains("dcs.invalid"), "{error}");
}

#[test]
fn a_proxy_tunnels() {
    let testbed = Testbed::from_env();
    let proxy = server(tunnel);
    for listener in ["tls12_close", "tls13_keepalive"] {
        let mut config = config(&testbed, &testbed.url(listener, PATH));
        config
            .set_proxy(Some(&format!("http://user:p%40ss@localhost:{proxy}")))
            .unwrap();
        let client = Client::new(&config).unwrap();
        for _ in 0..3 {
            assert!(client.status().unwrap().available());
        }
    }
}

#[test]
fn what_is_wrong_with_a_proxy_is_named() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", PATH);
    let proxy = server(tunnel);
    let mut config = config(&testbed, &url);

    config
        .set_proxy(Some(&format!("http://user:secret@localhost:{proxy}")))
        .unwrap();
    let error = failure(&config, Code::Proxy);
    assert!(error.message().contains("407"), "{error}");
    assert!(error.hint().contains("credentials"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert_eq!(error.http_status(), Some(407));
    assert!(!error.retryable());

    let refusing = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    config
        .set_proxy(Some(&format!("http://localhost:{refusing}")))
        .unwrap();
    let error = failure(&config, Code::Proxy);
    assert!(error.message().contains("cannot be reached"), "{error}");

    config
        .set_proxy(Some(&format!("http://localhost:{}", server(drop))))
        .unwrap();
    failure(&config, Code::Proxy);

    let not_http = server(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n");
        never_answer(stream);
    });
    config
        .set_proxy(Some(&format!("http://localhost:{not_http}")))
        .unwrap();
    let error = failure(&config, Code::Proxy);
    assert!(error.message().contains("not HTTP"), "{error}");

    let endless =
        server(|mut stream| while stream.write_all(b"HTTP/1.1 200 OK\r\nX: y\r\n").is_ok() {});
    config
        .set_proxy(Some(&format!("http://localhost:{endless}")))
        .unwrap();
    failure(&config, Code::Proxy);

    config
        .set_proxy(Some(&format!("http://localhost:{}", server(never_answer))))
        .unwrap();
    config.set_connect_timeout_ms(150).unwrap();
    let error = failure(&config, Code::Timeout);
    assert!(error.message().contains("proxy's response"), "{error}");

    let mut config = crate::common::config(&testbed, "https://localhost:1/");
    config
        .set_proxy(Some(&format!("http://user:p%40ss@localhost:{proxy}")))
        .unwrap();
    let error = failure(&config, Code::Proxy);
    assert!(error.message().contains("502"), "{error}");
    assert!(error.retryable());
}
