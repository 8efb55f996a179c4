//! Answers that no well-behaved nginx gives, by a TLS server that says what it is told to.

use crate::common::https::{End, serving as server, with_length};
use crate::common::{config, failure};
use dcs::{Client, Code, Config};
use dcs_testbed::Testbed;

const BODY: &str = r#"{"available":true,"scheduledOutages":[]}"#;

#[track_caller]
fn assert_available(config: &Config) {
    let client = Client::new(config).unwrap();
    // Twice: nothing of the first answer may be left over for the second.
    for _ in 0..2 {
        let status = client.status().unwrap();
        assert!(status.available());
        assert_eq!(status.json().trim(), BODY);
    }
}

#[test]
fn forms_of_a_right_answer() {
    let testbed = Testbed::from_env();
    let chunked = |extension: &str, trailer: &str| {
        let (first, second) = BODY.split_at(11);
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}{extension}\r\n{first}\r\n{:X}\r\n{second}\r\n0\r\n{trailer}\r\n",
            first.len(),
            second.len()
        )
    };
    let until_the_end = format!("HTTP/1.1 200 OK\r\n\r\n{BODY}");
    for (answer, end) in [
        (with_length("200 OK", "", BODY), End::Never),
        (
            with_length("200 OK", "Connection: close\r\n", BODY),
            End::Properly,
        ),
        // All that was announced has come: how the connection ends then says nothing.
        (
            with_length("200 OK", "Connection: close\r\n", BODY),
            End::Abruptly,
        ),
        (
            with_length(
                "200 Fine",
                &format!("X-Long: {}\r\n", "y".repeat(20_000)),
                BODY,
            ),
            End::Never,
        ),
        (chunked("", ""), End::Never),
        (chunked("", ""), End::Properly),
        (until_the_end, End::Properly),
        (
            format!(
                "HTTP/1.1 100 Continue\r\n\r\n{}",
                with_length("200 OK", "", BODY)
            ),
            End::Never,
        ),
        (
            with_length("200 OK", "", &format!("\n {BODY}\n\n")),
            End::Never,
        ),
    ] {
        assert_available(&server(&testbed, answer, end));
    }
}

#[test]
fn what_comes_behind_an_answer_is_not_the_next_one() {
    let testbed = Testbed::from_env();
    // The first answer fills the client's buffer to the byte, so that the rest waits further down.
    let head = |padding: usize| {
        format!(
            "HTTP/1.1 200 OK\r\nX-Padding: {}\r\nContent-Length: {}\r\n\r\n{BODY}",
            "y".repeat(padding),
            BODY.len()
        )
    };
    let stale = with_length("200 OK", "", r#"{"available":false}"#);
    for total in [1024, 4096, 8192] {
        let answer = head(total - head(0).len());
        assert_eq!(answer.len(), total);
        assert_available(&server(&testbed, format!("{answer}{stale}"), End::Never));
    }
}

#[test]
fn an_answer_that_lacks_its_end_is_cut_short() {
    let testbed = Testbed::from_env();
    for (answer, end) in [
        (
            format!("HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n{BODY}"),
            End::Properly,
        ),
        (
            format!("HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n{BODY}"),
            End::Abruptly,
        ),
        // Without a length only the close_notify says that this was all.
        (format!("HTTP/1.1 200 OK\r\n\r\n{BODY}"), End::Abruptly),
        (
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n28\r\n{BODY}\r\n"),
            End::Properly,
        ),
        ("HTTP/1.1 200 OK\r\nContent-".to_owned(), End::Properly),
        ("HTTP/1.1 200 OK\r\nContent-".to_owned(), End::Abruptly),
    ] {
        let error = failure(&server(&testbed, answer.as_str(), end), Code::Response);
        assert!(error.message().contains("cut short"), "{answer}: {error}");
        assert!(error.retryable());
    }
}

#[test]
fn no_answer_at_all_is_a_lost_connection() {
    let testbed = Testbed::from_env();
    for end in [End::Properly, End::Abruptly] {
        let error = failure(&server(&testbed, "", end), Code::ConnectionLost);
        assert!(error.message().contains("before it responded"), "{error}");
    }
}

#[test]
fn what_is_not_http_is_named() {
    let testbed = Testbed::from_env();
    for answer in [
        // HTTP/2: a SETTINGS frame.
        &b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"[..],
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    ] {
        failure(&server(&testbed, answer, End::Properly), Code::Response);
    }
}

#[test]
fn every_part_of_an_answer_has_a_limit() {
    let testbed = Testbed::from_env();
    let endless_head = format!("HTTP/1.1 200 OK\r\nX-Long: {}", "y".repeat(4 * 1024 * 1024));
    let error = failure(&server(&testbed, endless_head, End::Never), Code::Response);
    assert!(error.message().contains("head"), "{error}");

    let headers = (0..10_000).fold(String::from("HTTP/1.1 200 OK\r\n"), |mut text, number| {
        text.push_str(&format!("X-{number}: y\r\n"));
        text
    });
    failure(
        &server(&testbed, headers + "\r\n", End::Never),
        Code::Response,
    );

    let long = " ".repeat(2 * 1024 * 1024);
    for answer in [
        format!("HTTP/1.1 200 OK\r\n\r\n{long}{BODY}"),
        with_length("200 OK", "", &long),
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
            long.len()
        ),
    ] {
        let error = failure(&server(&testbed, answer, End::Properly), Code::Response);
        assert!(error.message().contains("larger than"), "{error}");
    }
    let flood = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100_000);
    failure(&server(&testbed, flood, End::Properly), Code::Response);
}

#[test]
fn bodies_that_are_no_status() {
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
            &server(&testbed, with_length("200 OK", "", body), End::Never),
            Code::Response,
        );
    }
    let nested = "[".repeat(200_000);
    failure(
        &server(&testbed, with_length("200 OK", "", &nested), End::Never),
        Code::Response,
    );
    let compressed = with_length("200 OK", "Content-Encoding: gzip\r\n", "\u{1f}\u{8b}\u{8}");
    failure(&server(&testbed, compressed, End::Never), Code::Response);
    let no_content = "HTTP/1.1 204 No Content\r\n\r\n";
    failure(&server(&testbed, no_content, End::Never), Code::Http);
    let redirect = with_length(
        "307 Temporary Redirect",
        "Location: https://example.org/\r\n",
        BODY,
    );
    let error = failure(&server(&testbed, redirect, End::Never), Code::Http);
    assert!(error.message().contains("https://example.org/"), "{error}");
}

#[test]
fn a_text_with_a_nul_or_control_characters_stays_whole() {
    let testbed = Testbed::from_env();
    let body = r#"{"available":false,"message":"a\u0000b\u001bc","scheduledOutages":[]}"#;
    let config = server(&testbed, with_length("200 OK", "", body), End::Never);
    let status = Client::new(&config).unwrap().status().unwrap();
    assert_eq!(status.message(), Some("a\0b\u{1b}c"));
}

#[test]
fn a_url_may_be_as_long_as_the_server_takes() {
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
