//! Apache accepts and rejects client certificates as the testbed promises, for OpenSSL's client.

mod common;

use common::{ALERTS, Bed};

/// Apache itself checks the length of a chain. It has no alert for that, so OpenSSL sends internal_error.
const TOO_DEEP: (&str, u8) = ("too_deep", 80);

#[test]
fn each_fault_has_its_alert() {
    let bed = Bed::start("alerts");
    for (listener, none_sent) in [("apache_tls12", 40), ("apache_tls13", 116)] {
        for (name, alert) in ALERTS.into_iter().chain([TOO_DEEP]) {
            let response = bed
                .call(listener, &format!("rejected_{name}"))
                .get(&["/checks/passport"]);
            assert!(
                response.contains(&format!("SSL alert number {alert}\n")),
                "{listener} {name}: {response}"
            );
        }
        let response = bed.anonymous_call(listener).get(&["/checks/passport"]);
        assert!(
            response.contains(&format!("SSL alert number {none_sent}\n")),
            "{listener}: {response}"
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
fn valid_certificate_gets_the_documented_response() {
    let bed = Bed::start("apache");
    for (listener, version) in [("apache_tls12", "TLSv1.2"), ("apache_tls13", "TLSv1.3")] {
        let path = format!("/checks/passport?case={listener}");
        let session = bed.testbed().dir().join(format!("{listener}.session"));
        let response = bed
            .call(listener, "client")
            .with_file("-sess_out", &session)
            .get(&[&path]);
        for part in [
            "HTTP/1.1 200 OK\r\n",
            "\r\nContent-Type: application/json\r\n",
            "\r\nContent-Length: 40\r\n",
            "\r\n\r\n{\"available\":true,\"scheduledOutages\":[]}",
        ] {
            assert!(response.contains(part), "{listener}: {response}");
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
