//! The front ends accept and reject the faulty identities as the testbed promises, for curl and OpenSSL's client.

mod common;

use std::fs;
use std::process::Command;

use common::{Bed, Outcome};

const NGINX: [&str; 2] = ["tls12_close", "tls13_close"];
const ALERTING: [&str; 4] = [
    "apache_tls12",
    "apache_tls13",
    "haproxy_tls12",
    "haproxy_tls13",
];

/// Certificates, their key, and the alert if they are rejected.
const VERDICTS: [(&str, &str, Option<u32>); 8] = [
    // A client certificate needs the key usage digitalSignature.
    ("encryption_cert", "encryption_key", Some(43)),
    ("production_cert", "production_key", Some(48)),
    ("ca_as_leaf_cert", "ca_as_leaf_key", Some(43)),
    ("expiring_cert", "expiring_key", None),
    (
        "expired_intermediate_cert",
        "expired_intermediate_key",
        Some(48),
    ),
    (
        "expired_intermediate_chain",
        "expired_intermediate_key",
        Some(45),
    ),
    // The servers find the real intermediate among their own CAs and ignore the one that the client sent.
    ("impostor_intermediate_chain", "client_key", None),
    ("client_chain", "client_key", None),
];

#[test]
fn front_ends_agree_on_each_fault() {
    let bed = Bed::start("faults");
    for (certificate, key, alert) in VERDICTS {
        let alerted = alert.map_or(Outcome::Accepted, Outcome::Alert);
        let page = alert.map_or(Outcome::Accepted, |_| Outcome::Page);
        for (listeners, expected) in [(NGINX.as_slice(), page), (&ALERTING, alerted)] {
            for listener in listeners {
                let (outcome, text) =
                    bed.curl(listener, "ca_root_only", Some((certificate, key)), "");
                assert_eq!(outcome, expected, "{listener} {certificate}: {text}");
            }
        }
    }
    for reason in [
        "(26:unsuitable certificate purpose)",
        "(21:unable to verify the first certificate)",
        "(10:certificate has expired)",
    ] {
        assert!(bed.log("nginx_error").contains(reason), "{reason}");
    }
}

/// curl uses the first certificate as the client's, which does not match the key.
#[test]
fn file_that_starts_with_another_certificate_is_not_sent() {
    let bed = Bed::start("not-sent");
    for certificate in ["two_leaves_cert", "wrong_order_chain"] {
        let identity = Some((certificate, "client_key"));
        let (outcome, text) = bed.curl("tls12_close", "ca_root_only", identity, "");
        assert_eq!(outcome, Outcome::NotSent, "{certificate}: {text}");
        let second = certificates(&bed, certificate)[1].clone();
        assert_eq!(second, certificates(&bed, "client_cert")[0]);
    }
    let first = &certificates(&bed, "two_leaves_cert")[0];
    assert_ne!(first, &certificates(&bed, "client_cert")[0]);
}

/// OpenSSL's client rejects weak certificates too, unless its security level is 0.
#[test]
fn servers_reject_weak_certificates() {
    let bed = Bed::start("weak");
    for (name, reason) in [
        ("sha1", "(68:CA signature digest algorithm too weak)"),
        ("rsa1024", "(66:EE certificate key too weak)"),
    ] {
        for listener in NGINX.into_iter().chain(ALERTING) {
            let response = bed
                .leaf_call(listener, name)
                .with(&["-cipher", "DEFAULT@SECLEVEL=0"])
                .get(&["/checks/passport"]);
            let verdict = if NGINX.contains(&listener) {
                "<title>400 The SSL certificate error</title>"
            } else {
                "SSL alert number 42\n"
            };
            assert!(response.contains(verdict), "{listener} {name}: {response}");
        }
        assert!(bed.log("nginx_error").contains(reason), "{reason}");
    }
}

#[test]
fn chains_verify_or_fail_as_named() {
    let bed = Bed::start("chains");
    for (bundle, chain, certificate, verdict) in [
        ("both_ca_bundles", "empty", "production_cert", "OK"),
        ("both_ca_bundles", "empty", "client_cert", "OK"),
        ("production_ca_bundle", "empty", "production_cert", "OK"),
        ("ca_bundle", "empty", "production_cert", "error 20 at 0"),
        (
            "ca_root_only",
            "impostor_intermediate_chain",
            "client_cert",
            "error 7 at 0",
        ),
        ("ca_root_only", "client_chain", "client_cert", "OK"),
        (
            "ca_bundle_with_expired_intermediate",
            "empty",
            "expired_intermediate_cert",
            "error 10 at 1",
        ),
        ("bundle_no_root", "empty", "server_cert", "error 2 at 1"),
        (
            "bundle_expired_only",
            "empty",
            "server_cert",
            "error 20 at 0",
        ),
        ("bundle_with_key", "empty", "server_cert", "OK"),
    ] {
        let mut command = Command::new("openssl");
        command.arg("verify").arg("-CAfile");
        command.arg(bed.testbed().file(bundle));
        if chain != "empty" {
            command.arg("-untrusted").arg(bed.testbed().file(chain));
        }
        let output = command
            .arg(bed.testbed().file(certificate))
            .output()
            .expect("openssl runs");
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
        .replace(" depth lookup", "");
        assert!(text.contains(verdict), "{bundle} {certificate}: {text}");
    }

    let read = |name: &str| fs::read_to_string(bed.testbed().file(name)).expect(name);
    assert!(read("bundle_with_key").contains("-----BEGIN PRIVATE KEY-----"));
    for (name, count) in [
        ("both_ca_bundles", 5),
        ("bundle_no_root", 2),
        ("bundle_expired_only", 1),
        ("expired_intermediate_chain", 2),
    ] {
        assert_eq!(certificates(&bed, name).len(), count, "{name}");
    }
}

#[test]
fn certificates_match_their_names() {
    let bed = Bed::start("texts");
    let openssl = |name: &str, arguments: &[&str]| {
        let output = Command::new("openssl")
            .args(["x509", "-noout", "-in"])
            .arg(bed.testbed().file(name))
            .args(arguments)
            .output()
            .expect("openssl runs");
        String::from_utf8(output.stdout).expect("text")
    };
    for (name, parts) in [
        (
            "encryption_cert",
            [
                "CN = Example Org JSON Encryption Integration 2",
                "Key Encipherment",
            ]
            .as_slice(),
        ),
        ("production_cert", &["CN = Example Org TLS Production 2"]),
        ("ca_as_leaf_cert", &["CA:TRUE", "Certificate Sign\n"]),
        (
            "sha1_cert",
            &[
                "sha1WithRSAEncryption",
                "CN = Example Org TLS Integration 2",
            ],
        ),
        ("inspection_ca", &["CN = Example Corp TLS Inspection CA"]),
    ] {
        let text = openssl(name, &["-text"]);
        for part in parts {
            assert!(text.contains(part), "{name} without {part}: {text}");
        }
    }
    let encryption = openssl("encryption_cert", &["-text"]);
    for word in ["Digital Signature", "Extended Key Usage"] {
        assert!(!encryption.contains(word), "{encryption}");
    }
    let days = |days: u32| (days * 24 * 60 * 60).to_string();
    let ends = |within: u32| openssl("expiring_cert", &["-checkend", &days(within)]);
    assert!(ends(7).contains("will not expire"));
    assert!(ends(8).contains("will expire"));
}

/// Returns the certificates of a file, without the lines around them.
fn certificates(bed: &Bed, name: &str) -> Vec<String> {
    let text = fs::read_to_string(bed.testbed().file(name)).expect(name);
    text.split("-----BEGIN CERTIFICATE-----")
        .skip(1)
        .map(|block| block.split("-----END").next().expect("a part").to_owned())
        .collect()
}
