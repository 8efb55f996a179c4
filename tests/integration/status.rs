//! The status call against a real nginx: responses, connections, TLS sessions, threads, the environment.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use crate::common::loopback::listen;
use crate::common::proxy::join;
use crate::common::relay::{Fault, Record, Relay, port_of};
use crate::common::{
    WATCHDOG_MS, call, config, failure, never_answer, one_test, wait_until, with_growing_timeout,
};
use dcs::{Client, Code};
use dcs_testbed::Testbed;

const LISTENERS: [&str; 4] = [
    "tls12_close",
    "tls12_keepalive",
    "tls13_close",
    "tls13_keepalive",
];

#[test]
fn documented_response_with_either_tls_version_and_keep_alive() {
    let testbed = Testbed::from_env();
    for listener in LISTENERS {
        let url = testbed.url(
            listener,
            &format!("/checks/passport?case=documented_{listener}"),
        );
        let status = call(&config(&testbed, &url)).unwrap();
        assert!(status.available());
        assert_eq!(status.json(), r#"{"available":true,"scheduledOutages":[]}"#);
        let connection = status.connection();
        assert_eq!(
            connection.tls_version,
            if listener.starts_with("tls12") {
                "TLSv1.2"
            } else {
                "TLSv1.3"
            }
        );
        assert!(connection.tls_cipher.starts_with("TLS_"), "{connection:?}");
        assert!(connection.tls > Duration::ZERO);
        assert!(
            connection.first_byte > connection.tls && connection.total >= connection.first_byte
        );

        let line = &testbed.wait_for_log(&format!("documented_{listener}"), 1)[0];
        assert_eq!(line.method, "GET");
        assert_eq!(line.client_verify, "SUCCESS");
        assert_eq!(
            line.user_agent,
            concat!("libdcs/", env!("CARGO_PKG_VERSION"))
        );
    }
}

#[test]
fn unavailable_is_not_an_error() {
    let testbed = Testbed::from_env();
    let status = call(&config(
        &testbed,
        &testbed.url("tls12_close", "/unavailable"),
    ))
    .unwrap();
    assert!(!status.available());
    assert_eq!(status.message(), Some("Unplanned outage"));
}

#[test]
fn outages_are_read_and_unknown_fields_ignored() {
    let testbed = Testbed::from_env();
    let status = call(&config(&testbed, &testbed.url("tls12_close", "/outages"))).unwrap();
    let [first, second] = status.scheduled_outages() else {
        panic!("{status:?}");
    };
    assert_eq!(first.start, "2020-01-01T12:30:00.000Z");
    assert_eq!(first.end_unix_ms - first.start_unix_ms, 2 * 3_600_000);
    assert_eq!(first.message.as_deref(), Some("Planned maintenance"));
    assert_eq!(second.message, None);
    let status = call(&config(
        &testbed,
        &testbed.url("tls12_close", "/unknown-fields"),
    ))
    .unwrap();
    assert!(status.available());
    assert_eq!(status.message(), None);
}

#[test]
fn limits_are_read() {
    let testbed = Testbed::from_env();
    let status = call(&config(&testbed, &testbed.url("tls12_close", "/limits"))).unwrap();
    let limits = status.limits();
    assert_eq!(limits.rate_limit, Some(50));
    assert_eq!(limits.rate_limit_remaining, Some(49));
    assert_eq!(
        limits.rate_limit_reset.map(|reset| reset.as_secs()),
        Some(10)
    );
    assert_eq!(limits.quota_limit, Some(1000));
    assert_eq!(limits.quota_remaining, Some(900));
}

#[test]
fn second_call_resumes_the_session() {
    let testbed = Testbed::from_env();
    for listener in ["tls12_close", "tls13_close"] {
        let case = format!("resume_{listener}");
        let url = testbed.url(listener, &format!("/checks/passport?case={case}"));
        let client = Client::new(&config(&testbed, &url)).unwrap();
        let statuses: Vec<_> = (0..3).map(|_| client.status().unwrap()).collect();
        // As logged by nginx, and as reported by the library.
        let lines = testbed.wait_for_log(&case, 3);
        let resumed: Vec<bool> = lines.iter().map(|line| line.session_reused).collect();
        assert_eq!(resumed, [false, true, true], "{listener}");
        let ours: Vec<bool> = statuses
            .iter()
            .map(|s| s.connection().session_resumed)
            .collect();
        assert_eq!(ours, resumed, "{listener}");
        let connections: HashSet<_> = lines.iter().map(|line| &line.connection).collect();
        assert_eq!(connections.len(), 3);
        assert!(statuses.iter().all(|status| !status.connection().reused));
    }
}

#[test]
fn hundred_calls_use_one_connection_with_keep_alive() {
    let testbed = Testbed::from_env();
    for listener in ["tls12_keepalive", "tls13_keepalive"] {
        let case = format!("hundred_{listener}");
        let url = testbed.url(listener, &format!("/checks/passport?case={case}"));
        let client = Client::new(&config(&testbed, &url)).unwrap();
        for number in 0..100 {
            let connection = client.status().unwrap().connection();
            assert_eq!(connection.reused, number > 0);
        }
        let lines = testbed.wait_for_log(&case, 100);
        let connections: HashSet<_> = lines.iter().map(|line| &line.connection).collect();
        assert_eq!(connections.len(), 1, "{listener}");
    }
}

#[test]
fn error_status_keeps_the_connection_alive() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_keepalive", "/503?case=keep_503");
    let client = Client::new(&config(&testbed, &url)).unwrap();
    for _ in 0..3 {
        assert_eq!(client.status().unwrap_err().code(), Code::Unavailable);
    }
    let lines = testbed.wait_for_log("keep_503", 3);
    assert!(
        lines
            .iter()
            .all(|line| line.connection == lines[0].connection)
    );
}

#[test]
fn sixteen_threads_share_one_client() {
    let testbed = Testbed::from_env();
    for listener in LISTENERS {
        let url = testbed.url(listener, "/checks/passport");
        let client = Client::new(&config(&testbed, &url)).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        assert!(client.status().unwrap().available());
                    }
                });
            }
        });
    }
}

#[test]
fn http_statuses_map_to_codes() {
    let testbed = Testbed::from_env();
    for (path, code, status, retryable, after) in [
        ("/400", Code::BadRequest, 400, false, None),
        ("/403", Code::QuotaExceeded, 403, false, None),
        ("/404", Code::NotFound, 404, false, None),
        ("/429", Code::RateLimited, 429, true, Some(7)),
        ("/500", Code::Http, 500, true, None),
        ("/503", Code::Unavailable, 503, true, Some(2)),
        ("/redirect", Code::Http, 302, false, None),
    ] {
        let url = testbed.url("tls12_close", path);
        let error = failure(&config(&testbed, &url), code);
        assert_eq!(error.http_status(), Some(status), "{path}");
        assert_eq!(error.retryable(), retryable, "{path}");
        assert_eq!(
            error.retry_after().map(|after| after.as_secs()),
            after,
            "{path}"
        );
        assert!(error.message().contains("localhost:"), "{error}");
        assert!(error.message().contains(&status.to_string()), "{error}");
    }
}

#[test]
fn response_that_is_not_a_status_is_an_error() {
    let testbed = Testbed::from_env();
    for (path, fault) in [
        ("/html", "not JSON"),
        ("/not-json", "not JSON"),
        ("/wrong-types", "'available'"),
        ("/no-available", "'available'"),
        ("/bad-time", "scheduledOutages[0].start"),
        ("/large", "larger than"),
    ] {
        let url = testbed.url("tls12_close", path);
        let error = failure(&config(&testbed, &url), Code::Response);
        assert!(error.message().contains(fault), "{path}: {error}");
        assert_eq!(error.http_status(), Some(200), "{path}");
    }
}

#[test]
fn environment_is_ignored_by_default() {
    // In a process of its own, because all tests share the variables of this one.
    let testbed = Testbed::from_env();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(one_test("status::unavailable_is_not_an_error"))
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .env("https_proxy", "http://127.0.0.1:1")
        .env("ALL_PROXY", "http://127.0.0.1:1")
        .env("SSL_CERT_FILE", testbed.file("other_ca_bundle"))
        .env("DCS_CA_BUNDLE", testbed.file("other_ca_bundle"))
        .env("DCS_URL", "https://127.0.0.1:1/")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test]
fn load_env_reads_the_environment() {
    const CHILD: &str = "DCS_TEST_LOAD_ENV_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let mut config = dcs::Config::new();
        match config.load_env().and_then(|()| call(&config)) {
            Ok(status) => println!("available={}", status.available()),
            Err(error) => println!("error={error}"),
        }
        return;
    }
    let testbed = Testbed::from_env();
    let child = |more: &[(&str, String)]| {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command
            .args(one_test("status::load_env_reads_the_environment"))
            .env(CHILD, "1")
            .env("DCS_URL", testbed.url("tls12_close", "/checks/passport"))
            .env("DCS_CA_BUNDLE", testbed.file("ca_bundle"))
            .env("DCS_CERTIFICATE", testbed.file("client_cert"))
            .env("DCS_PRIVATE_KEY", testbed.file("client_key_encrypted"))
            .env("DCS_PRIVATE_KEY_PASSWORD", dcs_testbed::PASSWORD)
            .env("DCS_PROXY", "");
        for (name, value) in more {
            command.env(name, value);
        }
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    };
    assert!(child(&[]).contains("available=true"));
    // PEM text in place of a path.
    let key = std::fs::read_to_string(testbed.file("client_key")).unwrap();
    assert!(child(&[("DCS_PRIVATE_KEY", key.clone())]).contains("available=true"));
    // An error names the variable whose content is invalid.
    let text = child(&[("DCS_CERTIFICATE", key)]);
    assert!(text.contains("error=DCS_ERR_CERTIFICATE"), "{text}");
    assert!(text.contains("in DCS_CERTIFICATE"), "{text}");
    let text = child(&[("DCS_TIMEOUT_MS", "0".into())]);
    assert!(text.contains("error=DCS_ERR_INVALID_ARGUMENT"), "{text}");
    assert!(text.contains("DCS_TIMEOUT_MS"), "{text}");
    let text = child(&[("DCS_PROXY", "http://127.0.0.1:1".into())]);
    assert!(text.contains("error=DCS_ERR_PROXY"), "{text}");
}

#[test]
fn follows_a_server_that_changes_its_tls_version() {
    // What listens behind one port changes, as behind a load balancer.
    let testbed = Testbed::from_env();
    let url = |listener| testbed.url(listener, "/checks/passport");
    let port = |listener| port_of(&url(listener));
    let behind = Arc::new(AtomicU16::new(port("tls12_close")));
    let upstream = behind.clone();
    let front = listen(move |client| {
        let server = TcpStream::connect(("127.0.0.1", upstream.load(Ordering::SeqCst))).unwrap();
        join(client, server);
    });
    let url = format!("https://localhost:{front}/checks/passport");
    let client = Client::new(&config(&testbed, &url)).unwrap();
    let call = |listener| {
        behind.store(port(listener), Ordering::SeqCst);
        let connection = client.status().unwrap().connection();
        (connection.tls_version, connection.session_resumed)
    };
    assert_eq!(call("tls12_close"), ("TLSv1.2", false));
    assert_eq!(call("tls12_close"), ("TLSv1.2", true));
    assert_eq!(call("tls13_close"), ("TLSv1.3", false));
    assert_eq!(call("tls13_close"), ("TLSv1.3", true));
    // rustls offers no TLS 1.2 session while it offers one of TLS 1.3.
    assert_eq!(call("tls12_close"), ("TLSv1.2", false));
    assert_eq!(call("tls12_close"), ("TLSv1.2", false));
    assert_eq!(call("tls12_close"), ("TLSv1.2", true));
    assert_eq!(call("tls12_close"), ("TLSv1.2", true));
}

/// Returns whether the hello that the client has sent offers TLS 1.3. Leaves it to be read.
fn offers_tls13(client: &TcpStream) -> bool {
    const BOTH_VERSIONS: [u8; 4] = [3, 4, 3, 3];
    let mut hello = [0; 4096];
    loop {
        let count = client.peek(&mut hello).unwrap();
        let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
        if count == 0 || count >= 5 + length {
            let mut parts = hello[..count].windows(BOTH_VERSIONS.len());
            return parts.any(|part| part == BOTH_VERSIONS);
        }
    }
}

#[test]
fn same_call_follows_a_server_that_answers_no_tls12_hello() {
    type Answer = fn(TcpStream);
    let reset: Answer = drop; // With unread bytes.
    let close: Answer = |mut client| {
        let _ = client.read(&mut [0; 4096]);
    };
    let protocol_version: Answer = |mut client| {
        let _ = client.read(&mut [0; 4096]);
        let _ = client.write_all(&[21, 3, 3, 0, 2, 2, 70]);
    };
    let bad_certificate: Answer = |mut client| {
        let _ = client.read(&mut [0; 4096]);
        let _ = client.write_all(&[21, 3, 3, 0, 2, 2, 42]);
    };
    let testbed = Testbed::from_env();
    let ports = ["tls12_close", "tls13_close"]
        .map(|listener| port_of(&testbed.url(listener, "/checks/passport")));
    let versions = |answer: Answer, connect_timeout_ms| {
        let has_moved = Arc::new(AtomicBool::new(false));
        let moved = has_moved.clone();
        let front = listen(move |client| {
            let is_moved = moved.load(Ordering::SeqCst);
            if is_moved && !offers_tls13(&client) {
                return answer(client);
            }
            let server = TcpStream::connect(("127.0.0.1", ports[usize::from(is_moved)])).unwrap();
            join(client, server);
        });
        let url = format!("https://localhost:{front}/checks/passport");
        let mut config = config(&testbed, &url);
        config.set_connect_timeout_ms(connect_timeout_ms).unwrap();
        config.set_timeout_ms(WATCHDOG_MS).unwrap();
        let client = Client::new(&config)?;
        let call = || Ok(client.status()?.connection().tls_version);
        let before = [call()?, call()?];
        has_moved.store(true, Ordering::SeqCst);
        Ok([before[0], before[1], call()?, call()?])
    };
    let expected = ["TLSv1.2", "TLSv1.2", "TLSv1.3", "TLSv1.3"];
    for answer in [reset, close, protocol_version, bad_certificate] {
        assert_eq!(versions(answer, WATCHDOG_MS).unwrap(), expected);
    }
    // If it does not answer at all, the connect timeout ends the first attempt.
    let stalled = with_growing_timeout(|timeout_ms| versions(never_answer, timeout_ms));
    assert_eq!(stalled, expected);
}

#[test]
fn dropped_client_sends_close_notify_on_kept_connections() {
    static HAS_REQUESTED: AtomicBool = AtomicBool::new(false);
    static HAS_CLOSED: AtomicBool = AtomicBool::new(false);
    // In TLS 1.2 a close_notify is the only record after the request that is not application data.
    fn observe(record: Record) -> bool {
        if record.from_client && record.is_application_data {
            HAS_REQUESTED.store(true, Ordering::SeqCst);
        } else if record.from_client && HAS_REQUESTED.load(Ordering::SeqCst) {
            HAS_CLOSED.store(true, Ordering::SeqCst);
        }
        false
    }
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_keepalive", "/checks/passport");
    let relay = Relay::with_fault(port_of(&url), Fault::Close, observe);
    let client = Client::new(&config(&testbed, &relay.url(&url))).unwrap();
    assert!(client.status().unwrap().available());
    assert!(client.status().unwrap().connection().reused);
    assert!(!HAS_CLOSED.load(Ordering::SeqCst));
    drop(client);
    wait_until(|| HAS_CLOSED.load(Ordering::SeqCst));
}
