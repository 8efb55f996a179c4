//! Malicious HTTP responses: each call ends by itself, in bounded memory, and with an error that names the fault.
//! odd_responses.rs tests the unusual ones.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::https::{
    End, after_request, counting, endless, read_head, responding, sessions_of_any_version,
    with_length,
};
use crate::common::loopback::listen;
use crate::common::{timed_out, with_growing_timeout};
use crate::memory::Limit;
use dcs::{Client, Code, Config};
use dcs_testbed::Testbed;

const BODY: &str = r#"{"available":true,"scheduledOutages":[]}"#;
const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// The body while its buffer grows, and the buffers around it.
const LIMIT: Limit = Limit(4 * 1024 * 1024);

#[track_caller]
fn assert_available(name: &str, config: &Config) {
    match LIMIT.call(config) {
        Ok(status) => assert!(status.available(), "{name}: {status:?}"),
        Err(error) => panic!("{name}: {error}"),
    }
}

#[test]
fn endless_response_is_cut_off() {
    let testbed = Testbed::from_env();
    let y = "y".repeat(1000);
    let early = "HTTP/1.1 103 Early Hints\r\n";
    for (name, begin, piece, fault) in [
        (
            "a header",
            format!("{OK}X: "),
            y.clone(),
            "header of the response",
        ),
        (
            "a status line",
            "HTTP/1.1 200 ".into(),
            y.clone(),
            "header of the response",
        ),
        (
            "short headers",
            OK.into(),
            "X: y\r\n".repeat(10),
            "too many headers",
        ),
        (
            "long headers",
            OK.into(),
            format!("X: {y}\r\n"),
            "header of the response",
        ),
        (
            "blank lines",
            String::new(),
            "\r\n".repeat(50),
            "header of the response",
        ),
        (
            "garbage",
            String::new(),
            "garbage ".into(),
            "not valid HTTP/1.1",
        ),
        (
            "100 Continue",
            String::new(),
            "HTTP/1.1 100 Continue\r\n\r\n".repeat(20),
            "larger than 2048 KiB",
        ),
        (
            "1xx responses",
            String::new(),
            format!("{early}\r\n").repeat(20),
            "larger than 2048 KiB",
        ),
        (
            "long 1xx responses",
            String::new(),
            format!("{early}Link: {y}\r\n\r\n"),
            "larger than 2048 KiB",
        ),
        (
            "a body",
            format!("{OK}\r\n"),
            y.clone(),
            "larger than 1024 KiB",
        ),
        (
            "a body of a length",
            format!("{OK}Content-Length: 999999999999\r\n\r\n"),
            y.clone(),
            "larger than 1024 KiB",
        ),
        (
            "a chunk",
            format!("{CHUNKED}ffffffff\r\n"),
            y.clone(),
            "larger than 1024 KiB",
        ),
        (
            "small chunks",
            CHUNKED.into(),
            "1\r\ny\r\n".repeat(100),
            "larger than 2048 KiB",
        ),
        (
            "a chunk's size",
            CHUNKED.into(),
            "0".repeat(1000),
            "chunk's size",
        ),
        (
            "a chunk's extension",
            format!("{CHUNKED}5;"),
            y.clone(),
            "chunk's size",
        ),
        (
            "a trailer",
            format!("{CHUNKED}0\r\nX: "),
            y.clone(),
            "or a trailer",
        ),
        (
            "trailers",
            format!("{CHUNKED}28\r\n{BODY}\r\n0\r\n"),
            "X: y\r\n".repeat(100),
            "larger than 2048 KiB",
        ),
    ] {
        LIMIT.assert_error(
            name,
            &endless(&testbed, begin, piece),
            Code::Response,
            fault,
        );
    }
}

#[test]
fn slow_endless_response_times_out() {
    let testbed = Testbed::from_env();
    for begin in [
        format!("{OK}X: "),
        format!("{OK}\r\n"),
        format!("{OK}Content-Length: 1000000\r\n\r\n"),
        format!("{CHUNKED}5;"),
        format!("{CHUNKED}fffff\r\n"),
    ] {
        let mut config = after_request(&testbed, move |session| {
            let _ = session.write_all(begin.as_bytes());
            while session.write_all(b"y").is_ok() {
                // Slow, but never silent for as long as any timeout.
                thread::sleep(Duration::from_millis(5));
            }
        });
        with_growing_timeout(|timeout_ms| {
            config.set_timeout_ms(timeout_ms).unwrap();
            let start = Instant::now();
            let result = LIMIT.call(&config);
            assert!(start.elapsed() >= Duration::from_millis(timeout_ms.into()));
            let phase = format!("timeout of {timeout_ms} ms passed while reading the response");
            timed_out(result, &[&phase, "localhost:"])
        });
    }
}

#[test]
fn invalid_content_length_is_an_error() {
    let testbed = Testbed::from_env();
    for (headers, fault) in [
        (
            "Content-Length: 40\r\nContent-Length: 41\r\n",
            "conflicting content-length",
        ),
        ("Content-Length: 40, 41\r\n", "conflicting content-length"),
        ("Content-Length: -40\r\n", "content-length"),
        ("Content-Length: +40\r\n", "content-length"),
        ("Content-Length: 4e1\r\n", "content-length"),
        ("Content-Length:\r\n", "content-length"),
        ("Content-Length: many\r\n", "content-length"),
        (
            "Content-Length: 99999999999999999999999\r\n",
            "content-length",
        ),
        (
            "Content-Length: 18446744073709551615\r\n",
            "larger than 1024 KiB",
        ),
        ("Content-Length: 1048577\r\n", "larger than 1024 KiB"),
        ("Content-Length: 39\r\n", "not JSON"),
        ("Content-Length: 0\r\n", "not JSON"),
    ] {
        // The fault shows at once: the call does not wait for more.
        let config = responding(&testbed, format!("{OK}{headers}\r\n{BODY}"), End::KeepAlive);
        LIMIT.assert_error(headers, &config, Code::Response, fault);
    }
    let chunks = format!("28\r\n{BODY}\r\n0\r\n\r\n");
    for (headers, body) in [
        ("Content-Length: 40\r\nContent-Length: 40\r\n", BODY),
        // RFC 9112, section 6.3: the chunks count.
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            &chunks,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5000\r\n",
            &chunks,
        ),
        // The call does not wait for the end of the connection.
        ("Connection: close\r\nContent-Length: 40\r\n", BODY),
    ] {
        let config = responding(&testbed, format!("{OK}{headers}\r\n{body}"), End::KeepAlive);
        assert_available(headers, &config);
    }
}

#[test]
fn connection_with_bytes_after_the_response_is_not_reused() {
    let testbed = Testbed::from_env();
    let stale = with_length("200 OK", "", r#"{"available":false}"#);
    for excess in ["\r\n", "garbage", "HTTP/1.1 2", &stale] {
        let response = format!("{}{excess}", with_length("200 OK", "", BODY));
        let (config, connections) = counting(&testbed, response, End::KeepAlive);
        let client = Client::new(&config).unwrap();
        for _ in 0..3 {
            let status = client.status().unwrap();
            assert!(
                status.available() && !status.connection().reused,
                "{excess:?}"
            );
        }
        assert_eq!(connections.load(Ordering::SeqCst), 3, "{excess:?}");
    }
}

#[test]
fn invalid_chunk_is_an_error() {
    let testbed = Testbed::from_env();
    for (body, fault) in [
        ("xx\r\n{}\r\n0\r\n\r\n", "chunk length"),
        ("\r\n{}\r\n0\r\n\r\n", "chunk length"),
        ("-2\r\n{}\r\n0\r\n\r\n", "chunk length"),
        ("0x2\r\n{}\r\n0\r\n\r\n", "chunk length"),
        ("2 2\r\n{}\r\n0\r\n\r\n", "chunk length"),
        ("\u{e9}\r\n{}\r\n0\r\n\r\n", "chunk length"),
        ("10000000000000002\r\n{}\r\n0\r\n\r\n", "chunk length"),
        ("2\r\n{}0\r\n\r\n", "crlf"),
        ("1\r\n{}\r\n0\r\n\r\n", "crlf"),
        ("00000000000000000000000000002\r\n{}\r\n0\r\n\r\n", "crlf"),
        // The connection ends before the chunk does.
        ("ffffffffffffffff\r\n{}\r\n0\r\n\r\n", "cut short"),
        ("2\n{}\n0\n\n", "cut short"),
        ("2\r\n{}\r\n", "cut short"),
    ] {
        let config = responding(&testbed, format!("{CHUNKED}{body}"), End::CloseNotify);
        LIMIT.assert_error(body, &config, Code::Response, fault);
    }
}

#[test]
fn hostile_json_takes_bounded_memory() {
    let testbed = Testbed::from_env();
    let of = |begin: &str, piece: &str, count: usize, end: &str| {
        let body = format!("{begin}{}{end}", piece.repeat(count));
        responding(&testbed, with_length("200 OK", "", &body), End::KeepAlive)
    };
    for (name, config, fault) in [
        ("deep arrays", of("", "[", 1_000_000, ""), "not JSON"),
        ("deep objects", of("", "{\"a\":", 200_000, ""), "not JSON"),
        (
            "a deep message",
            of("{\"available\":true,\"message\":", "[", 1_000_000, "}"),
            "not JSON",
        ),
        (
            "a huge number",
            of("{\"available\":", "9", 1_000_000, "}"),
            "not true or false",
        ),
        (
            "an infinite number",
            of("{\"available\":1e", "9", 1_000, "}"),
            "not true or false",
        ),
        (
            "empty outages",
            of(
                "{\"available\":true,\"scheduledOutages\":[{}",
                ",{}",
                340_000,
                "]}",
            ),
            "scheduledOutages[0].start",
        ),
        (
            "long texts",
            of(
                "{\"available\":true,\"scheduledOutages\":[{\"start\":\"",
                "2",
                1_000_000,
                "\"}]}",
            ),
            "ISO 8601",
        ),
        (
            "escapes",
            of("{\"available\":true,\"message\":\"", "\\u0000", 170_000, ""),
            "not JSON",
        ),
    ] {
        LIMIT.assert_error(name, &config, Code::Response, fault);
    }
    for (name, config) in [
        (
            "numbers",
            of("{\"available\":true,\"x\":[0", ",0", 500_000, "]}"),
        ),
        // A tree of these would take a hundred times their memory.
        (
            "objects",
            of(
                "{\"available\":true,\"x\":[{\"\":0}",
                ",{\"\":0}",
                140_000,
                "]}",
            ),
        ),
        ("fields", of("{\"available\":true", ",\"\":0", 200_000, "}")),
        (
            "a long field",
            of("{\"available\":true,\"", "x", 1_000_000, "\":0}"),
        ),
        (
            "a message of escapes",
            of(
                "{\"available\":true,\"message\":\"",
                "\\u0000",
                170_000,
                "\"}",
            ),
        ),
    ] {
        assert_available(name, &config);
    }
    // The caller gets as many outages as fit, for memory in proportion.
    let outage = r#",{"start":"2020-01-01T00Z","end":"2020-01-01T00Z"}"#;
    let config = of(
        &format!(
            "{{\"available\":true,\"scheduledOutages\":[{}",
            &outage[1..]
        ),
        outage,
        20_000,
        "]}",
    );
    let status = Limit(2 * LIMIT.0).call(&config).unwrap();
    assert_eq!(status.scheduled_outages().len(), 20_001);
}

#[test]
fn invalid_bytes_are_an_error() {
    let testbed = Testbed::from_env();
    let response = [
        OK.as_bytes(),
        b"Content-Length: 21\r\n\r\n{\"available\":tr\xff\xfe\xfd\xfc\xfb}",
    ]
    .concat();
    let config = responding(&testbed, response, End::KeepAlive);
    LIMIT.assert_error("a body", &config, Code::Response, "not UTF-8");
    for (header, fault) in [
        (&b"X: a\0b"[..], "header value"),
        (b"X: a\rb", "header value"),
        (b"X: a\x7fb", "header value"),
        (b"X y: ab", "header name"),
        (b"X: ab\r\n folded", "header name"),
        (b"no colon", "header name"),
        (b": no name", "header name"),
        (b"X\xe9: ab", "header name"),
    ] {
        let rest = format!("\r\nContent-Length: 40\r\n\r\n{BODY}");
        let response = [OK.as_bytes(), header, rest.as_bytes()].concat();
        let name = String::from_utf8_lossy(header).into_owned();
        LIMIT.assert_error(
            &name,
            &responding(&testbed, response, End::KeepAlive),
            Code::Response,
            fault,
        );
    }
    // RFC 9110, section 5.5: bytes over 127 are opaque data.
    let response = with_length("200 OK", "X: \u{e9}\r\n", BODY);
    assert_available(
        "bytes over 127",
        &responding(&testbed, response, End::KeepAlive),
    );
}

#[test]
fn invalid_status_line_is_an_error() {
    let testbed = Testbed::from_env();
    let whole = with_length("200 OK", "", BODY);
    for (name, response) in [
        ("HTTP/0.9", BODY.to_owned()),
        ("HTTP/2 in text", whole.replacen("1.1", "2", 1)),
        ("HTTP/1.2", whole.replacen("1.1", "1.2", 1)),
        ("ICY", whole.replacen("HTTP/1.1", "ICY", 1)),
        ("HTTP/2", "\0\0\0\x04\0\0\0\0\0".to_owned()),
        ("SSH", "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned()),
        ("garbage before it", format!("garbage{whole}")),
        (
            "a request",
            format!("GET / HTTP/1.1\r\nHost: x\r\n\r\n{whole}"),
        ),
        ("abc", whole.replacen("200", "abc", 1)),
        ("000", whole.replacen("200", "000", 1)),
        ("099", whole.replacen("200", "099", 1)),
        ("20", whole.replacen("200", "20", 1)),
        ("-200", whole.replacen("200", "-200", 1)),
        ("99999", whole.replacen("200", "99999", 1)),
    ] {
        LIMIT.assert_error(
            name,
            &responding(&testbed, response, End::KeepAlive),
            Code::Response,
            "not valid HTTP/1.1",
        );
    }
    for status in [
        "999 X",
        "600 X",
        "101 Switching Protocols",
        "206 Partial Content",
        "204 No Content",
    ] {
        let config = responding(&testbed, with_length(status, "", BODY), End::KeepAlive);
        LIMIT.assert_error(status, &config, Code::Http, &status[..3]);
    }
    assert_available(
        "HTTP/1.0",
        &responding(&testbed, whole.replacen("1.1", "1.0", 1), End::KeepAlive),
    );
}

#[test]
fn redirect_is_not_followed() {
    let testbed = Testbed::from_env();
    let visitors = Arc::new(AtomicUsize::new(0));
    let count = visitors.clone();
    let elsewhere = listen(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let location = format!("https://localhost:{elsewhere}/");
    for status in [300, 301, 302, 303, 305, 307, 308] {
        let headers = format!("Location: {location}\r\nRefresh: 0; url={location}\r\n");
        let config = responding(
            &testbed,
            with_length(&format!("{status} X"), &headers, BODY),
            End::KeepAlive,
        );
        let error = LIMIT.assert_error(&headers, &config, Code::Http, &status.to_string());
        // RFC 9110, section 15.4: a redirect to one place.
        let is_redirect = matches!(status, 301 | 302 | 303 | 307 | 308);
        assert_eq!(is_redirect, error.message().contains(&location), "{error}");
    }
    assert_eq!(visitors.load(Ordering::SeqCst), 0);
}

#[test]
fn response_before_the_request_is_accepted() {
    let testbed = Testbed::from_env();
    let response = with_length("503 Service Unavailable", "Retry-After: 2\r\n", "");
    // As an overloaded server does. On a new connection it can be meant for no other request.
    let (config, _) = sessions_of_any_version(&testbed, move |mut session| {
        let _ = session.write_all(response.as_bytes());
        let _ = session.flush();
        read_head(&mut session);
    });
    let error = LIMIT.call(&config).unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(2)));
}
