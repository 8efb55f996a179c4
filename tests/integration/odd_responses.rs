//! Unusual responses, which no well-behaved nginx sends: valid ones, truncated ones, and bodies that are not a status.
//! hostile.rs tests the malicious ones.

use crate::common::https::{End, responding, with_length};
use crate::common::{config, failure};
use dcs::{Client, Code, Config};
use dcs_testbed::Testbed;

const BODY: &str = r#"{"available":true,"scheduledOutages":[]}"#;

#[track_caller]
fn assert_available(config: &Config) {
    let client = Client::new(config).unwrap();
    // Twice: nothing of the first response may be left over for the second.
    for _ in 0..2 {
        let status = client.status().unwrap();
        assert!(status.available());
        assert_eq!(status.json().trim(), BODY);
    }
}

#[test]
fn every_form_of_a_valid_response_is_accepted() {
    let testbed = Testbed::from_env();
    let chunked = |extension: &str, trailer: &str| {
        let (first, second) = BODY.split_at(11);
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}{extension}\r\n{first}\r\n{:X}\r\n{second}\r\n0\r\n{trailer}\r\n",
            first.len(),
            second.len()
        )
    };
    let until_close = format!("HTTP/1.1 200 OK\r\n\r\n{BODY}");
    for (response, end) in [
        (with_length("200 OK", "", BODY), End::KeepAlive),
        (
            with_length("200 OK", "Connection: close\r\n", BODY),
            End::CloseNotify,
        ),
        // The whole body has arrived, so it does not matter how the connection ends.
        (
            with_length("200 OK", "Connection: close\r\n", BODY),
            End::Abrupt,
        ),
        (
            with_length(
                "200 Fine",
                &format!("X-Long: {}\r\n", "y".repeat(20_000)),
                BODY,
            ),
            End::KeepAlive,
        ),
        (chunked("", ""), End::KeepAlive),
        (chunked("", ""), End::CloseNotify),
        (until_close, End::CloseNotify),
        (
            format!(
                "HTTP/1.1 100 Continue\r\n\r\n{}",
                with_length("200 OK", "", BODY)
            ),
            End::KeepAlive,
        ),
        (
            with_length("200 OK", "", &format!("\n {BODY}\n\n")),
            End::KeepAlive,
        ),
    ] {
        assert_available(&responding(&testbed, response, end));
    }
}

#[test]
fn bytes_after_a_response_are_not_the_next_response() {
    let testbed = Testbed::from_env();
    // The first response fills the client's buffer exactly, so that the rest waits in a lower layer.
    let head = |padding: usize| {
        format!(
            "HTTP/1.1 200 OK\r\nX-Padding: {}\r\nContent-Length: {}\r\n\r\n{BODY}",
            "y".repeat(padding),
            BODY.len()
        )
    };
    let stale = with_length("200 OK", "", r#"{"available":false}"#);
    for total in [1024, 4096, 8192] {
        let response = head(total - head(0).len());
        assert_eq!(response.len(), total);
        assert_available(&responding(
            &testbed,
            format!("{response}{stale}"),
            End::KeepAlive,
        ));
    }
}

#[test]
fn truncated_response_is_an_error() {
    let testbed = Testbed::from_env();
    for (response, end) in [
        (
            format!("HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n{BODY}"),
            End::CloseNotify,
        ),
        (
            format!("HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n{BODY}"),
            End::Abrupt,
        ),
        // Without a length, only a close_notify marks the end of the body.
        (format!("HTTP/1.1 200 OK\r\n\r\n{BODY}"), End::Abrupt),
        (
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n28\r\n{BODY}\r\n"),
            End::CloseNotify,
        ),
        ("HTTP/1.1 200 OK\r\nContent-".to_owned(), End::CloseNotify),
        ("HTTP/1.1 200 OK\r\nContent-".to_owned(), End::Abrupt),
    ] {
        let error = failure(
            &responding(&testbed, response.as_str(), end),
            Code::Response,
        );
        assert!(error.message().contains("cut short"), "{response}: {error}");
        assert!(error.retryable());
    }
}

#[test]
fn close_without_a_response_is_connection_lost() {
    let testbed = Testbed::from_env();
    for end in [End::CloseNotify, End::Abrupt] {
        let error = failure(&responding(&testbed, "", end), Code::ConnectionLost);
        assert!(error.message().contains("before it responded"), "{error}");
    }
}

#[test]
fn body_that_is_not_a_status_is_an_error() {
    let testbed = Testbed::from_env();
    for body in [
        "",
        "null",
        "{\"available\":true",
        "{\"available\":true}{}",
        "\u{feff}{}",
        "[[[[[[[[[[",
    ] {
        failure(
            &responding(&testbed, with_length("200 OK", "", body), End::KeepAlive),
            Code::Response,
        );
    }
    let compressed = with_length("200 OK", "Content-Encoding: gzip\r\n", "\u{1f}\u{8b}\u{8}");
    failure(
        &responding(&testbed, compressed, End::KeepAlive),
        Code::Response,
    );
    let no_content = "HTTP/1.1 204 No Content\r\n\r\n";
    failure(
        &responding(&testbed, no_content, End::KeepAlive),
        Code::Http,
    );
}

#[test]
fn message_keeps_nul_and_control_characters() {
    let testbed = Testbed::from_env();
    let body = r#"{"available":false,"message":"a\u0000b\u001bc","scheduledOutages":[]}"#;
    let config = responding(&testbed, with_length("200 OK", "", body), End::KeepAlive);
    let status = Client::new(&config).unwrap().status().unwrap();
    assert_eq!(status.message(), Some("a\0b\u{1b}c"));
}

#[test]
fn long_url_is_sent() {
    let testbed = Testbed::from_env();
    let url = |length: usize| {
        let path = format!("/checks/passport?{}", "y".repeat(length));
        config(&testbed, &testbed.url("tls12_keepalive", &path))
    };
    // nginx reads a request line of up to 8 KiB.
    Client::new(&url(7_000)).unwrap().status().unwrap();
    let error = failure(&url(60_000), Code::Http);
    assert_eq!(error.http_status(), Some(414));
}
