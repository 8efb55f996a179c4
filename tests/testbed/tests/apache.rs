//! That Apache rejects with the TLS alerts that the testbed is for, seen by OpenSSL's client.

mod common;

use common::{ALERTS, Bed};

/// A chain's length is counted by Apache itself, which has no alert for it and lets OpenSSL call it an
/// internal error.
const TOO_DEEP: (&str, u8) = ("too_deep", 80);

#[test]
fn each_cause_has_its_alert() {
    let bed = Bed::start("alerts");
    for (listener, none_sent) in [("apache_tls12", 40), ("apache_tls13", 116)] {
        for (name, alert) in ALERTS.into_iter().chain([TOO_DEEP]) {
            let answer = bed
                .call(listener, &format!("rejected_{name}"))
                .get(&["/checks/passport"]);
            assert!(
                answer.contains(&format!("SSL alert number {alert}\n")),
                "{listener} {name}: {answer}"
            );
        }
        let answer = bed.anonymous_call(listener).get(&["/checks/passport"]);
        assert!(
            answer.contains(&format!("SSL alert number {none_sent}\n")),
            "{listener}: {answer}"
        );
    }
    let log = bed.log("apache_error");
    assert_eq!(
        log.matches("Certificate Verification: Certificate Chain too long")
            .count(),
        2,
        "{log}"
    );
}

#[test]
fn a_good_certificate_gets_the_documented_answer() {
    let bed = Bed::start("apache");
    for (listener, version) in [("apache_tls12", "TLSv1.2"), ("apache_tls13", "TLSv1.3")] {
        let path = format!("/checks/passport?case={listener}");
        let session = bed.testbed().dir().join(format!("{listener}.session"));
        let answer = bed
            .call(listener, "client")
            .with_file("-sess_out", &session)
            .get(&[&path]);
        for part in [
            "HTTP/1.1 200 OK\r\n",
            "\r\nContent-Type: application/json\r\n",
            "\r\nContent-Length: 40\r\n",
            "\r\n\r\n{\"available\":true,\"scheduledOutages\":[]}",
        ] {
            assert!(answer.contains(part), "{listener}: {answer}");
        }
        let again = bed
            .anonymous_call(listener)
            .with_file("-sess_in", &session)
            .get(&[&path]);
        assert!(again.contains("HTTP/1.1 200 OK\r\n"), "{again}");
        let lines = bed.testbed().wait_for_log(listener, 2);
        assert_eq!(lines[0].listener, listener);
        assert_eq!(lines[0].protocol, version);
        assert_eq!(lines[0].client_verify, "SUCCESS");
        assert_eq!(lines[0].uri, path);
        assert_eq!(
            lines
                .iter()
                .map(|line| line.session_reused)
                .collect::<Vec<_>>(),
            [false, true]
        );
    }
}
