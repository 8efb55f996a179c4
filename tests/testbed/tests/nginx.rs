//! nginx accepts, rejects and responds as the testbed promises, for OpenSSL's client and in nginx's logs.

mod common;

use std::fs;
use std::process::Command;

use common::Bed;
use dcs_testbed::PASSWORD;

const LISTENERS: [&str; 4] = [
    "tls12_close",
    "tls12_keepalive",
    "tls13_close",
    "tls13_keepalive",
];

/// The reason in nginx's error log for each rejected certificate.
///
/// nginx reports the last of several errors. A chain that is cut off at the allowed depth has no root, so the CRL for its end
/// cannot be verified either: that is the last error of `too_deep`.
const REJECTED: [(&str, &str); 8] = [
    ("wrong_ca", "(21:unable to verify the first certificate)"),
    ("expired", "(10:certificate has expired)"),
    ("not_yet_valid", "(9:certificate is not yet valid)"),
    ("self_signed", "(18:self-signed certificate)"),
    ("revoked", "(23:certificate revoked)"),
    ("no_client_auth", "(26:unsuitable certificate purpose)"),
    (
        "missing_intermediate",
        "(21:unable to verify the first certificate)",
    ),
    ("too_deep", "(3:unable to get certificate CRL)"),
];

#[test]
fn certificates_are_rejected_as_named() {
    let bed = Bed::start("rejections");
    for listener in LISTENERS {
        for (name, reason) in REJECTED {
            let case = format!("{listener}_{name}");
            let path = format!("/checks/passport?case={case}");
            let response = bed
                .call(listener, &format!("rejected_{name}"))
                .get(&[&path]);
            assert!(
                response.contains("HTTP/1.1 400 Bad Request\r\n"),
                "{case}: {response}"
            );
            assert!(
                response.contains("<title>400 The SSL certificate error</title></head>\r\n"),
                "{case}: {response}"
            );
            let line = &bed.testbed().wait_for_log(&case, 1)[0];
            assert_eq!(line.status, 400);
            assert!(line.client_verify.starts_with("FAILED:"), "{line:?}");
            let log = bed.log("nginx_error");
            let logged = log
                .lines()
                .find(|line| line.contains(&format!("case={case} ")))
                .expect("a line");
            assert!(logged.contains(reason), "{case}: {logged}");
        }
        let path = format!("/checks/passport?case={listener}_none");
        let response = bed.anonymous_call(listener).get(&[&path]);
        assert!(
            response.contains("<title>400 No required SSL certificate was sent</title></head>\r\n"),
            "{response}"
        );
    }

    // A listener that differs only in the allowed depth accepts the long chain.
    let response = bed
        .call("tls12_depth2", "rejected_too_deep")
        .get(&["/checks/passport"]);
    assert!(response.contains("HTTP/1.1 200 OK\r\n"), "{response}");

    // With the intermediate, which OpenSSL's client sends from this bundle, the chain is complete.
    let bundle = bed.testbed().file("ca_bundle_with_second_intermediate");
    let call = bed
        .leaf_call("tls12_close", "rejected_missing_intermediate")
        .with_file("-CAfile", &bundle);
    let response = call.get(&["/checks/passport"]);
    assert!(response.contains("HTTP/1.1 200 OK\r\n"), "{response}");
    let call = bed
        .leaf_call("tls12_close", "rejected_wrong_ca")
        .with_file("-CAfile", &bundle);
    let response = call.get(&["/checks/passport"]);
    assert!(
        response.contains("<title>400 The SSL certificate error</title>"),
        "{response}"
    );
}

#[test]
fn valid_certificates_are_accepted() {
    let bed = Bed::start("accepted");
    for listener in LISTENERS {
        for name in [
            "client",
            "ec_p256",
            "ec_p384",
            "ec_p521",
            "ed25519",
            "json_signing",
        ] {
            let response = bed
                .call(listener, name)
                .with(&["-verify_return_error"])
                .get(&["/checks/passport"]);
            assert!(
                response.contains("HTTP/1.1 200 OK\r\n"),
                "{listener} {name}: {response}"
            );
            assert!(
                response.contains("\r\n\r\n{\"available\":true,\"scheduledOutages\":[]}"),
                "{response}"
            );
        }
    }
}

/// Session tickets contain the client's certificate, so a resumed session is verified.
#[test]
fn sessions_resume_with_their_client_certificate() {
    let bed = Bed::start("resumption");
    for listener in LISTENERS {
        let session = bed.testbed().dir().join(format!("{listener}.session"));
        let path = format!("/checks/passport?case=resume_{listener}");
        let first = bed
            .call(listener, "client")
            .with_file("-sess_out", &session)
            .get(&[&path]);
        assert!(first.contains("HTTP/1.1 200 OK\r\n"), "{first}");
        let second = bed
            .anonymous_call(listener)
            .with_file("-sess_in", &session)
            .get(&[&path]);
        assert!(second.contains("HTTP/1.1 200 OK\r\n"), "{second}");
        let lines = bed.testbed().wait_for_log(&format!("resume_{listener}"), 2);
        assert_eq!(
            lines
                .iter()
                .map(|line| line.session_reused)
                .collect::<Vec<_>>(),
            [false, true]
        );
        assert!(
            lines.iter().all(|line| line.client_verify == "SUCCESS"),
            "{lines:?}"
        );
        assert!(
            lines[1]
                .client_subject
                .contains("Example Org TLS Integration"),
            "{lines:?}"
        );
        assert_ne!(lines[0].connection, lines[1].connection);
        let version = if listener.starts_with("tls12") {
            "TLSv1.2"
        } else {
            "TLSv1.3"
        };
        assert!(
            lines.iter().all(|line| line.protocol == version),
            "{lines:?}"
        );
    }
}

#[test]
fn only_the_keepalive_listeners_keep_connections() {
    let bed = Bed::start("keepalive");
    for listener in LISTENERS {
        let path = format!("/checks/passport?case=keep_{listener}");
        let response = bed.call(listener, "client").get(&[&path, &path]);
        let responses = response.matches("HTTP/1.1 200 OK\r\n").count();
        let lines = bed
            .testbed()
            .wait_for_log(&format!("keep_{listener}"), responses);
        if listener.ends_with("keepalive") {
            assert_eq!(responses, 2);
            assert_eq!(lines[0].connection, lines[1].connection);
            assert_eq!(
                (lines[0].connection_requests, lines[1].connection_requests),
                (Some(1), Some(2))
            );
        } else {
            assert_eq!(responses, 1);
            assert!(response.contains("\r\nConnection: close\r\n"), "{response}");
        }
    }
}

#[test]
fn every_path_responds_as_promised() {
    let bed = Bed::start("paths");
    let head = |path: &str| {
        let response = bed
            .call("tls12_close", "client")
            .with(&["-quiet"])
            .get(&[path]);
        let start = response.find("HTTP/1.1 ").expect("a response");
        response[start..].to_owned()
    };
    for (path, parts) in [
        (
            "/checks/passport",
            [
                "200 OK",
                "Content-Type: application/json",
                "Content-Length: 40",
            ]
            .as_slice(),
        ),
        ("/checks/passport?case=x", &["200 OK", "Content-Length: 40"]),
        (
            "/unavailable",
            &[
                "200 OK",
                r#"{"available":false,"message":"Unplanned outage","#,
            ],
        ),
        (
            "/outages",
            &[
                "200 OK",
                r#""start":"2020-01-01T12:30:00.000Z","end":"2020-01-01T14:30:00.000Z""#,
            ],
        ),
        (
            "/400",
            &[
                "400 Bad Request",
                "text/html",
                "<title>400 Bad Request</title>",
            ],
        ),
        (
            "/403",
            &[
                "403 Forbidden",
                "DCS-Quota-Limit: 1000\r\n",
                "DCS-Quota-Remaining: 0\r\n",
            ],
        ),
        ("/404", &["404 Not Found"]),
        ("/no-such-path", &["404 Not Found"]),
        (
            "/429",
            &[
                "429 Too Many Requests",
                "Retry-After: 7\r\n",
                "X-RateLimit-Limit: 50\r\n",
                "X-RateLimit-Remaining: 0\r\n",
                "X-RateLimit-Reset: 7\r\n",
            ],
        ),
        ("/500", &["500 Internal Server Error"]),
        ("/503", &["503 Service", "Retry-After: 2\r\n"]),
        ("/redirect", &["302 Moved", "/checks/passport\r\n"]),
        (
            "/html",
            &["200 OK", "Content-Type: text/html\r\n", "<html>"],
        ),
        (
            "/not-json",
            &["200 OK", "application/json", "available: true"],
        ),
        ("/wrong-types", &["200 OK", r#"{"available":"yes"}"#]),
        ("/no-available", &["200 OK", r#"{"scheduledOutages":[]}"#]),
        ("/bad-time", &["200 OK", r#""start":"next Tuesday""#]),
        (
            "/unknown-fields",
            &["200 OK", r#""message":null,"version":{"#],
        ),
        (
            "/limits",
            &[
                "200 OK",
                "Content-Type: application/json\r\n",
                "X-RateLimit-Remaining: 49\r\n",
                "X-RateLimit-Reset: 10\r\n",
                "DCS-Quota-Remaining: 900\r\n",
                r#"{"available":true,"scheduledOutages":[]}"#,
            ],
        ),
        (
            "/large",
            &["200 OK", "Content-Type: application/json\r\n", "xxxx"],
        ),
    ] {
        let response = head(path);
        for part in parts {
            assert!(
                response.contains(part),
                "{path} without {part:?}: {response:.600}"
            );
        }
    }
    assert!(head("/large").len() > 2 * 1024 * 1024);
}

#[test]
fn faulty_servers_match_their_names() {
    let bed = Bed::start("faulty-servers");
    for (listener, code) in [
        ("tls12_close", "0 (ok)"),
        ("tls13_close", "0 (ok)"),
        ("server_expired", "10 (certificate has expired)"),
        ("server_not_yet_valid", "9 (certificate is not yet valid)"),
        ("server_wrong_name", "62 (hostname mismatch)"),
        (
            "server_wrong_purpose",
            "26 (unsuitable certificate purpose)",
        ),
        (
            "server_unknown_ca",
            "21 (unable to verify the first certificate)",
        ),
        (
            "server_intercepted",
            "19 (self-signed certificate in certificate chain)",
        ),
    ] {
        let call = bed
            .call(listener, "client")
            .with(&["-verify_hostname", "localhost"]);
        let response = call.get(&["/checks/passport"]);
        assert!(
            response.contains(&format!("Verify return code: {code}")),
            "{listener}: {response}"
        );
    }
    let unrelated = bed.testbed().file("other_ca_bundle");
    let call = bed
        .call("server_unknown_ca", "client")
        .with_file("-CAfile", &unrelated);
    assert!(call.get(&["/"]).contains("Verify return code: 0 (ok)"));
    let inspection = bed.testbed().file("inspection_ca");
    let call = bed
        .call("server_intercepted", "client")
        .with_file("-CAfile", &inspection);
    let response = call.get(&["/"]);
    assert!(
        response.contains("Verify return code: 0 (ok)"),
        "{response}"
    );
    assert!(
        response.contains("issuer=O = Example Corp, CN = Example Corp TLS Inspection CA"),
        "{response}"
    );

    // The server answers an offer of TLS 1.2 with TLS 1.1, which the client must reject.
    let call = bed.call("tls11_only", "client").with(&["-tls1_2"]);
    let response = call.get(&["/checks/passport"]);
    assert!(response.contains("unsupported protocol"), "{response}");
    let call = bed
        .call("tls11_only", "client")
        .with(&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
    let response = call.get(&["/checks/passport"]);
    assert!(response.contains("Protocol  : TLSv1.1"), "{response}");

    let response = bed.anonymous_call("plain_http").get(&["/checks/passport"]);
    assert!(response.contains("wrong version number"), "{response}");
}

#[test]
fn files_match_their_names() {
    let bed = Bed::start("files");
    let read = |name: &str| fs::read_to_string(bed.testbed().file(name)).expect(name);
    for (name, first) in [
        ("client_key", "-----BEGIN PRIVATE KEY-----\n"),
        ("client_key_pkcs1", "-----BEGIN RSA PRIVATE KEY-----\n"),
        (
            "client_key_encrypted",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
        ),
        (
            "client_key_legacy_encrypted",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: ",
        ),
        ("ec_p256_key", "-----BEGIN EC PRIVATE KEY-----\n"),
        ("ec_p256_key_pkcs8", "-----BEGIN PRIVATE KEY-----\n"),
        ("ec_p384_key", "-----BEGIN EC PARAMETERS-----\n"),
        ("ec_p521_key", "-----BEGIN EC PRIVATE KEY-----\n"),
        ("ed25519_key", "-----BEGIN PRIVATE KEY-----\n"),
        ("csr", "-----BEGIN CERTIFICATE REQUEST-----\n"),
        ("public_key", "-----BEGIN PUBLIC KEY-----\n"),
        ("client_combined", "Your TLS certificate"),
    ] {
        assert!(read(name).starts_with(first), "{name}");
    }

    let public_half = |name: &str, password: &str| {
        let password = format!("pass:{password}");
        let mut command = Command::new("openssl");
        command
            .args(["pkey", "-pubout", "-passin", &password, "-in"])
            .arg(bed.testbed().file(name));
        String::from_utf8(command.output().expect("openssl runs").stdout).expect("PEM")
    };
    let client = read("public_key");
    for name in ["client_key", "client_key_pkcs1", "client_combined"] {
        assert_eq!(public_half(name, ""), client, "{name}");
    }
    for name in ["client_key_encrypted", "client_key_legacy_encrypted"] {
        assert_eq!(public_half(name, PASSWORD), client, "{name}");
        assert_eq!(public_half(name, "wrong"), "", "{name}");
    }
    for name in ["other_key", "json_signing_key"] {
        assert_ne!(public_half(name, ""), client, "{name}");
    }
    assert_eq!(public_half("truncated_key", ""), "");

    for (bundle, blocks) in [("ca_bundle", 3), ("ca_bundle_with_second_intermediate", 4)] {
        let text = read(bundle);
        assert_eq!(
            text.matches("-----BEGIN CERTIFICATE-----\r\n").count(),
            blocks
        );
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        assert!(text.contains("\r\n\r\n"));
    }
    for (name, blocks) in [
        ("client_cert", 1),
        ("client_chain", 2),
        ("rejected_too_deep_cert", 2),
    ] {
        assert_eq!(
            read(name).matches("-----END CERTIFICATE-----").count(),
            blocks,
            "{name}"
        );
    }
    assert_eq!(read("truncated_cert").matches("-----END").count(), 0);
    assert_eq!(read("empty"), "");
    assert!(bed.testbed().file("directory").is_dir());
    assert!(!bed.testbed().file("missing").exists());
    let text = Command::new("openssl")
        .args(["x509", "-noout", "-text", "-in"])
        .arg(bed.testbed().file("rsa1024_cert"))
        .output()
        .expect("openssl runs");
    assert!(String::from_utf8_lossy(&text.stdout).contains("Public-Key: (1024 bit)"));
}
