//! HAProxy accepts and rejects client certificates, and sends wrong dates, as the testbed promises, for curl.

mod common;

use std::process::Command;

use common::{ALERTS, Bed, Outcome};

const CA: &str = "ca_root_only";
const CLIENT: Option<(&str, &str)> = Some(("client_cert", "client_key"));

#[test]
fn each_fault_has_its_alert() {
    let bed = Bed::start("haproxy-alerts");
    for (listener, none_sent) in [("haproxy_tls12", 40), ("haproxy_tls13", 116)] {
        let (outcome, text) = bed.curl(listener, CA, None, "");
        assert_eq!(outcome, Outcome::Alert(none_sent), "{listener}: {text}");
        for (name, alert) in ALERTS {
            let certificate = format!("rejected_{name}_cert");
            let key = format!("rejected_{name}_key");
            let (outcome, text) = bed.curl(listener, CA, Some((&certificate, &key)), "");
            assert_eq!(
                outcome,
                Outcome::Alert(u32::from(alert)),
                "{listener} {name}: {text}"
            );
        }
        // HAProxy has no limit for the length of a chain.
        let deep = Some(("rejected_too_deep_cert", "rejected_too_deep_key"));
        let (outcome, text) = bed.curl(listener, CA, deep, "");
        assert_eq!(outcome, Outcome::Accepted, "{listener}: {text}");
    }
    let log = bed.log("haproxy_error");
    assert_eq!(
        log.matches("\"client_verify\":\"FAILED:23\"").count(),
        2,
        "{log}"
    );
}

#[test]
fn valid_certificate_gets_the_documented_response() {
    let bed = Bed::start("haproxy");
    for (listener, version) in [
        ("haproxy_tls12", "TLSv1.2"),
        ("haproxy_tls13", "TLSv1.3"),
        ("haproxy_no_ca_names", "TLSv1.2"),
    ] {
        let (outcome, text) = bed.curl(listener, CA, CLIENT, &format!("?case={listener}"));
        assert_eq!(outcome, Outcome::Accepted, "{listener}: {text}");
        for part in [
            "HTTP/1.1 200 OK\r\n",
            "\r\ncontent-type: application/json\r\n",
            "\r\ncontent-length: 40\r\n",
            "\r\nconnection: close\r\n",
        ] {
            assert!(text.contains(part), "{listener}: {text}");
        }
        let session = bed.testbed().dir().join(format!("{listener}.session"));
        let path = format!("/checks/passport?case={listener}");
        let first = bed
            .call(listener, "client")
            .with_file("-sess_out", &session)
            .get(&[&path]);
        let no_names = first.contains("No client certificate CA names sent");
        assert_eq!(no_names, listener == "haproxy_no_ca_names", "{first}");
        let again = bed
            .anonymous_call(listener)
            .with_file("-sess_in", &session)
            .get(&[&path]);
        assert!(again.contains("HTTP/1.1 200 OK\r\n"), "{again}");

        let lines = bed.testbed().wait_for_log(listener, 3);
        assert_eq!(lines.len(), 3);
        for (line, reused) in lines.iter().zip([false, false, true]) {
            assert_eq!(line.listener, listener);
            assert_eq!(line.protocol, version);
            assert_eq!(line.client_verify, "SUCCESS");
            assert!(line.client_subject.contains("Example Org TLS Integration"));
            assert_eq!((line.method.as_str(), line.status), ("GET", 200));
            assert_eq!(line.uri, path);
            assert_eq!(line.session_reused, reused, "{line:?}");
        }
        assert!(lines[0].user_agent.starts_with("curl/"), "{lines:?}");
    }
}

#[test]
fn skewed_clocks_are_off_by_two_hours() {
    let bed = Bed::start("haproxy-clock");
    let seconds = |date: &str| -> i64 {
        let run = Command::new("date").args(["-d", date, "+%s"]).output();
        let printed = String::from_utf8(run.expect("date runs").stdout).expect("text");
        printed.trim().parse().expect("seconds")
    };
    for (listener, offset) in [
        ("haproxy_tls12", 0),
        ("skewed_clock_past", -7200),
        ("skewed_clock_future", 7200),
    ] {
        let before = seconds("now");
        let (outcome, text) = bed.curl(listener, CA, CLIENT, "");
        let after = seconds("now");
        assert_eq!(outcome, Outcome::Accepted, "{listener}: {text}");
        let date = text
            .lines()
            .find_map(|line| line.strip_prefix("date: "))
            .expect("a date");
        let sent = seconds(date.trim()) - offset;
        assert!((before..=after).contains(&sent), "{listener}: {date}");
    }
}

/// Otherwise a second HAProxy could get some of this one's connections.
#[test]
fn haproxy_shares_no_port() {
    let bed = Bed::start("haproxy-ports");
    let output = Command::new("sh")
        .args([
            "-c",
            "PATH=$PATH:/usr/sbin; exec timeout 300 haproxy -db -f haproxy.cfg",
        ])
        .current_dir(bed.testbed().dir().join("haproxy"))
        .output()
        .expect("sh runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("Address already in use"), "{text}");
}
