//! Calls through an HTTP proxy, and the errors of one.

use std::io::Write;

use crate::common::loopback::listen;
use crate::common::proxy::tunnel;
use crate::common::{config, failure, never_answer, refused_port};
use dcs::{Client, Code, Error};
use dcs_testbed::Testbed;

const PATH: &str = "/checks/passport";

#[test]
fn proxy_tunnels() {
    let testbed = Testbed::from_env();
    let proxy = listen(tunnel);
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

/// Makes a call through a proxy on localhost, which must fail with `Code::Proxy`.
#[track_caller]
fn proxy_error(credentials: &str, port: u16) -> Error {
    let testbed = Testbed::from_env();
    // Nothing listens on this port.
    let mut config = config(&testbed, "https://localhost:1/");
    config
        .set_proxy(Some(&format!("http://{credentials}localhost:{port}")))
        .unwrap();
    failure(&config, Code::Proxy)
}

#[test]
fn wrong_proxy_credentials_are_an_error() {
    let error = proxy_error("user:secret@", listen(tunnel));
    assert!(error.message().contains("407"), "{error}");
    assert!(error.hint().contains("credentials"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert_eq!(error.http_status(), Some(407));
    assert!(!error.retryable());
}

#[test]
fn proxy_that_cannot_reach_the_service_is_an_error() {
    let error = proxy_error("user:p%40ss@", listen(tunnel));
    assert!(error.message().contains("502"), "{error}");
    assert!(error.retryable());
}

#[test]
fn proxy_that_cannot_be_reached_is_an_error() {
    let (_reserved, port) = refused_port();
    let error = proxy_error("", port);
    assert!(error.message().contains("cannot be reached"), "{error}");
    proxy_error("", listen(drop));
}

#[test]
fn proxy_that_does_not_speak_http_is_an_error() {
    let not_http = listen(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n");
        never_answer(stream);
    });
    let error = proxy_error("", not_http);
    assert!(error.message().contains("not HTTP"), "{error}");

    let endless =
        listen(|mut stream| while stream.write_all(b"HTTP/1.1 200 OK\r\nX: y\r\n").is_ok() {});
    proxy_error("", endless);
}
