//! Certificate errors, documented by the DCS and others, from real servers: the client's certificate is rejected with
//! nginx's pages and Apache's alerts, and the client rejects the server's.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::common::https::{End, sessions, tls, with_length};
use crate::common::loopback::respond;
use crate::common::{call, config, config_of, config_without_identity, failure, wait_until};
use dcs::{Check, Client, Code, Config, Error};
use dcs_testbed::Testbed;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::SupportedProtocolVersion;
use rustls::pki_types::PrivateKeyDer;
use rustls::version::{TLS12, TLS13};

const NGINX: [&str; 4] = [
    "tls12_close",
    "tls12_keepalive",
    "tls13_close",
    "tls13_keepalive",
];
const APACHE: [&str; 2] = ["apache_tls12", "apache_tls13"];

/// The causes of nginx's one page, with the check that explains each if the files show it, and Apache's alerts.
const CAUSES: [(&str, Option<Check>, &[u8]); 8] = [
    ("rejected_wrong_ca", Some(Check::ChainComplete), &[48]),
    (
        "rejected_expired",
        Some(Check::CertificateNotExpired),
        &[45],
    ),
    (
        "rejected_not_yet_valid",
        Some(Check::CertificateAlreadyValid),
        &[42],
    ),
    (
        "rejected_self_signed",
        Some(Check::CertificateNotSelfSigned),
        &[48],
    ),
    (
        "rejected_revoked",
        Some(Check::ClientCertificateAccepted),
        &[44],
    ),
    (
        "rejected_no_client_auth",
        Some(Check::CertificateClientAuth),
        &[43],
    ),
    (
        "rejected_missing_intermediate",
        Some(Check::ChainComplete),
        &[48],
    ),
    // Apache checks the depth itself, for which OpenSSL has no better alert.
    (
        "rejected_too_deep",
        Some(Check::ClientCertificateAccepted),
        &[80],
    ),
];

#[test]
fn no_required_ssl_certificate_was_sent() {
    let testbed = Testbed::from_env();
    for listener in NGINX {
        let url = testbed.url(listener, "/checks/passport");
        let error = failure(
            &config_without_identity(&testbed, &url),
            Code::ClientCertRequired,
        );
        assert_eq!(error.http_status(), Some(400));
        assert_eq!(error.tls_alert(), None);
        assert!(
            error
                .message()
                .contains("No required SSL certificate was sent"),
            "{error}"
        );
        assert!(
            error.hint().contains("certificate and its private key"),
            "{error}"
        );
    }
}

#[test]
fn ssl_certificate_error_for_each_cause() {
    let testbed = Testbed::from_env();
    for listener in NGINX {
        for (name, check, _) in CAUSES {
            let url = testbed.url(listener, "/checks/passport");
            let error = failure(&config_of(&testbed, &url, name), Code::ClientCertRejected);
            assert_eq!(error.http_status(), Some(400), "{name}");
            assert_eq!(error.tls_alert(), None, "{name}");
            assert_eq!(error.check(), check, "{name}: {error}");
            assert!(
                error.message().contains("The SSL certificate error"),
                "{error}"
            );
        }
    }
}

#[test]
fn unable_to_get_local_issuer_certificate() {
    let testbed = Testbed::from_env();
    for listener in NGINX {
        let url = testbed.url(listener, "/checks/passport");
        let mut config = config(&testbed, &url);
        let bundle = testbed.file("other_ca_bundle");
        config.set_ca_bundle_file(&bundle);
        let error = failure(&config, Code::ServerUntrusted);
        for part in [
            "unable to get local issuer certificate",
            bundle.to_str().unwrap(),
            "localhost",
        ] {
            assert!(error.message().contains(part), "{error}");
        }
        assert!(error.hint().contains("CA bundle"), "{error}");
    }
    // A server with an unknown CA, and the right bundle for the DCS.
    let url = testbed.url("server_unknown_ca", "/checks/passport");
    failure(&config(&testbed, &url), Code::ServerUntrusted);
}

#[test]
fn alerts_and_pages_lead_to_the_same_errors() {
    let testbed = Testbed::from_env();
    for listener in APACHE {
        let url = testbed.url(listener, "/checks/passport");
        assert!(call(&config(&testbed, &url)).unwrap().available());

        let error = failure(
            &config_without_identity(&testbed, &url),
            Code::ClientCertRequired,
        );
        let alert = if listener == "apache_tls12" { 40 } else { 116 };
        assert_eq!(error.tls_alert(), Some(alert), "{error}");
        assert_eq!(error.http_status(), None);

        for (name, check, alerts) in CAUSES {
            let error = failure(&config_of(&testbed, &url, name), Code::ClientCertRejected);
            let alert = error.tls_alert().unwrap();
            assert!(alerts.contains(&alert), "{listener} {name}: {error}");
            assert_eq!(error.check(), check, "{name}: {error}");
        }
    }
}

#[test]
fn request_for_a_certificate_after_the_handshake_is_an_error() {
    let testbed = Testbed::from_env();
    let url = testbed.url("apache_late_tls12", "/checks/passport");
    let error = failure(&config(&testbed, &url), Code::Tls);
    assert_eq!(error.tls_alert(), Some(40), "{error}");
    assert!(error.message().contains("after the handshake"), "{error}");
}

#[test]
fn missing_intermediate_is_sent_from_the_bundle() {
    let testbed = Testbed::from_env();
    for listener in NGINX.into_iter().chain(APACHE) {
        let url = testbed.url(listener, "/checks/passport");
        let mut config = config_of(&testbed, &url, "rejected_missing_intermediate");
        config.set_ca_bundle_file(testbed.file("ca_bundle_with_second_intermediate"));
        assert!(call(&config).unwrap().available(), "{listener}");
    }
}

#[test]
fn full_chain_works_with_only_the_root_in_the_bundle() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", "/checks/passport");
    let mut config = config(&testbed, &url);
    config.set_ca_bundle_file(testbed.file("ca_root_only"));
    config.set_certificate_file(testbed.file("client_chain"));
    assert!(call(&config).unwrap().available());
}

#[test]
fn faults_of_the_server_certificate_are_distinguished() {
    let testbed = Testbed::from_env();
    for (listener, code, fault) in [
        ("server_expired", Code::ServerCertificate, "expired"),
        (
            "server_not_yet_valid",
            Code::ServerCertificate,
            "not valid before",
        ),
        (
            "server_wrong_purpose",
            Code::ServerCertificate,
            "extended key usage",
        ),
        ("server_wrong_name", Code::ServerName, "but for"),
    ] {
        let url = testbed.url(listener, "/checks/passport");
        let error = failure(&config(&testbed, &url), code);
        assert!(error.message().contains(fault), "{error}");
        assert!(error.message().contains("localhost"), "{error}");
    }
}

#[test]
fn server_without_a_common_tls_version() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls11_only", "/checks/passport");
    let error = failure(&config(&testbed, &url), Code::Tls);
    assert!(error.message().contains("TLS 1.2"), "{error}");
}

#[test]
fn server_that_does_not_speak_tls() {
    let testbed = Testbed::from_env();
    let url = testbed
        .url("plain_http", "/checks/passport")
        .replace("http://", "https://");
    let error = failure(&config(&testbed, &url), Code::Tls);
    assert!(error.message().contains("does not speak TLS"), "{error}");
}

#[test]
fn rejection_is_the_same_in_a_resumed_session() {
    let testbed = Testbed::from_env();
    for listener in ["tls12_close", "tls13_close"] {
        let url = testbed.url(listener, "/checks/passport");
        let client = dcs::Client::new(&config_of(&testbed, &url, "rejected_expired")).unwrap();
        for _ in 0..3 {
            let error = client.status().unwrap_err();
            assert_eq!(error.code(), Code::ClientCertRejected, "{error}");
        }
        let client = dcs::Client::new(&config_without_identity(&testbed, &url)).unwrap();
        for _ in 0..3 {
            assert_eq!(
                client.status().unwrap_err().code(),
                Code::ClientCertRequired
            );
        }
    }
}

/// Which certificate of a server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Server,
    Ca,
}

/// Returns a configuration for calls to a server of a CA of its own, one of whose certificates ends at this time.
fn server_until(
    ending: Ending,
    time: SystemTime,
    version: &'static SupportedProtocolVersion,
    end: End,
) -> Config {
    let params = |name: &str, own: Ending| {
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        if own == ending {
            let since_epoch = time.duration_since(UNIX_EPOCH).unwrap();
            params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_epoch;
        }
        params
    };
    let mut ca = params("CA", Ending::Ca);
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let server = params("server", Ending::Server);
    let server = server.signed_by(&key, &issuer).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let tls = tls((vec![server], key), &[version]);
    let response = with_length("200 OK", "", r#"{"available":true,"scheduledOutages":[]}"#);
    let (mut config, _) = sessions(&Testbed::from_env(), tls, move |session| {
        respond(session, &|_| (response.clone().into_bytes(), end));
    });
    config.set_ca_bundle(ca_pem.as_bytes());
    config
}

/// Makes calls before and after a certificate ends, and returns the outcome of the last one. `None` if the certificate
/// ended before it could be used again.
fn after_the_end(
    ending: Ending,
    seconds: u64,
    version: &'static SupportedProtocolVersion,
    end: End,
) -> Option<Result<(), Error>> {
    let time = SystemTime::now() + Duration::from_secs(seconds);
    let client = Client::new(&server_until(ending, time, version, end)).unwrap();
    client.status().ok()?;
    let again = client.status().ok()?.connection();
    if !again.session_resumed && !again.reused {
        assert!(SystemTime::now() >= time, "{again:?}");
        return None;
    }
    // A certificate counts to the end of its last second.
    wait_until(|| SystemTime::now() > time + Duration::from_secs(1));
    Some(client.status().map(|_| ()))
}

#[test]
fn server_is_verified_again_after_its_certificates_end() {
    thread::scope(|scope| {
        for ending in [Ending::Server, Ending::Ca] {
            for version in [&TLS12, &TLS13] {
                for end in [End::CloseNotify, End::KeepAlive] {
                    scope.spawn(move || {
                        // Longer and longer, because making the certificate takes a while on a busy machine.
                        let outcome = [2, 8, 32]
                            .into_iter()
                            .find_map(|seconds| after_the_end(ending, seconds, version, end));
                        let code = match ending {
                            Ending::Server => Code::ServerCertificate,
                            Ending::Ca => Code::ServerUntrusted,
                        };
                        let error = outcome.unwrap().expect_err("the certificate has expired");
                        assert_eq!(
                            error.code(),
                            code,
                            "{ending:?} {version:?} {end:?}: {error}"
                        );
                    });
                }
            }
        }
    });
}
