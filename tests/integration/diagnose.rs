//! The diagnosis of every known fault of a set-up, with real files and servers: the code, the check of the first finding,
//! and advice that makes the call succeed.

use std::path::Path;
use std::process::Command;

use crate::common::https::{End, responding, with_length};
use crate::common::loopback::listen;
use crate::common::proxy::tunnel;
use crate::common::{
    Slot, call, config, config_of, config_without_identity, diagnose, failure, openssl,
    refused_port,
};
use dcs::{Check, Client, Code, Config, Finding, Outcome, Report, Severity};
use dcs_testbed::{PASSWORD, Testbed};

const PATH: &str = "/checks/passport";

/// nginx answers with a page, the other two send alerts; each in TLS 1.2 and 1.3.
const FRONT_ENDS: [&str; 6] = [
    "tls12_close",
    "tls13_close",
    "apache_tls12",
    "apache_tls13",
    "haproxy_tls12",
    "haproxy_tls13",
];

/// Rejected certificates: the name in the testbed, the CA bundle, and the check that gives the reason.
const REJECTED: [(&str, &str, Check); 14] = [
    ("rejected_wrong_ca", "ca_bundle", Check::ChainComplete),
    (
        "rejected_expired",
        "ca_bundle",
        Check::CertificateNotExpired,
    ),
    (
        "rejected_not_yet_valid",
        "ca_bundle",
        Check::CertificateAlreadyValid,
    ),
    (
        "rejected_self_signed",
        "ca_bundle",
        Check::CertificateNotSelfSigned,
    ),
    (
        "rejected_revoked",
        "ca_bundle",
        Check::ClientCertificateAccepted,
    ),
    (
        "rejected_no_client_auth",
        "ca_bundle",
        Check::CertificateClientAuth,
    ),
    (
        "rejected_missing_intermediate",
        "ca_bundle",
        Check::ChainComplete,
    ),
    (
        "rejected_too_deep",
        "ca_bundle",
        Check::ClientCertificateAccepted,
    ),
    ("encryption", "ca_bundle", Check::CertificateForTls),
    ("ca_as_leaf", "ca_bundle", Check::CertificateNotCa),
    ("production", "ca_bundle", Check::ChainComplete),
    (
        "production",
        "both_ca_bundles",
        Check::ClientCertificateIssuer,
    ),
    (
        "expired_intermediate",
        "ca_bundle_with_expired_intermediate",
        Check::ChainNotExpired,
    ),
    ("sha1", "ca_bundle", Check::CertificateSignatureAlgorithm),
];

fn cause(report: &Report) -> &Finding {
    report
        .cause()
        .unwrap_or_else(|| panic!("{}", report.text()))
}

#[track_caller]
fn assert_cause(config: &Config, check: Check, severity: Severity) -> Report {
    let report = diagnose(config);
    let found = cause(&report);
    assert_eq!(found.check(), check, "{}", report.text());
    assert_eq!(found.severity(), severity, "{}", report.text());
    assert!(!found.advice().is_empty(), "{}", report.text());
    assert_eq!(report.findings()[0].check(), check);
    assert_eq!(report.ok(), severity < Severity::Error);
    report
}

fn outcome(report: &Report, check: Check) -> Option<Outcome> {
    let finding = report
        .findings()
        .iter()
        .find(|finding| finding.check() == check)?;
    Some(finding.outcome())
}

#[test]
fn correct_set_up_passes_every_check() {
    let testbed = Testbed::from_env();
    for front_end in FRONT_ENDS {
        let report = diagnose(&config(&testbed, &testbed.url(front_end, PATH)));
        assert!(report.ok() && report.cause().is_none(), "{}", report.text());
        let steps: Vec<_> = report.steps().iter().map(|step| step.name()).collect();
        assert_eq!(steps, ["dns", "tcp", "tls", "http"], "{front_end}");
        // All checks ran. The bundle's expired certificate is a note.
        let not_passed: Vec<_> = report
            .findings()
            .iter()
            .filter(|finding| finding.outcome() != Outcome::Passed)
            .map(Finding::check)
            .collect();
        assert_eq!(not_passed, [Check::BundleNotExpired], "{}", report.text());
        assert!(report.findings()[0].message().contains("does not matter"));
        for check in [
            Check::KeyMatchesCertificate,
            Check::ChainSigned,
            Check::ServerName,
            Check::ClientCertificateIssuer,
            Check::ClientCertificateAccepted,
            Check::Clock,
            Check::StatusBody,
            Check::Available,
        ] {
            assert_eq!(outcome(&report, check), Some(Outcome::Passed), "{check:?}");
        }
    }
}

#[test]
fn causes_of_a_rejected_certificate_on_every_front_end() {
    let testbed = Testbed::from_env();
    for front_end in FRONT_ENDS {
        for (name, bundle, check) in REJECTED {
            // HAProxy has no limit for the length of a chain.
            if name == "rejected_too_deep" && front_end.starts_with("haproxy") {
                continue;
            }
            let mut config = config_of(&testbed, &testbed.url(front_end, PATH), name);
            config.set_ca_bundle_file(testbed.file(bundle));
            let error = failure(&config, Code::ClientCertRejected);
            assert_eq!(error.check(), Some(check), "{front_end} {name}: {error}");

            let report = assert_cause(&config, check, Severity::Error);
            let found = cause(&report);
            // The call and the diagnosis give the same advice.
            if check == Check::ClientCertificateAccepted {
                assert_eq!(found.advice(), error.hint(), "{front_end} {name}");
            } else {
                assert!(
                    error.hint().contains(found.advice()),
                    "{front_end} {name}: {error}"
                );
            }
            assert_eq!(
                outcome(&report, Check::ClientCertificateAccepted),
                Some(Outcome::Failed),
                "{front_end} {name}"
            );
            assert_eq!(
                outcome(&report, Check::ServerTrusted),
                Some(Outcome::Passed)
            );
        }
    }
}

#[test]
fn missing_client_certificate_on_every_front_end() {
    let testbed = Testbed::from_env();
    for front_end in FRONT_ENDS {
        let config = config_without_identity(&testbed, &testbed.url(front_end, PATH));
        let error = failure(&config, Code::ClientCertRequired);
        assert_eq!(error.check(), Some(Check::ClientCertificateSent), "{error}");
        let report = assert_cause(&config, Check::FileConfigured, Severity::Error);
        assert!(cause(&report).message().contains("client certificate"));
        assert_eq!(
            outcome(&report, Check::ClientCertificateSent),
            Some(Outcome::Failed)
        );
    }
}

#[test]
fn server_that_names_no_cas() {
    let testbed = Testbed::from_env();
    let mut config = config_of(
        &testbed,
        &testbed.url("haproxy_no_ca_names", PATH),
        "production",
    );
    config.set_ca_bundle_file(testbed.file("both_ca_bundles"));
    let report = assert_cause(&config, Check::ClientCertificateAccepted, Severity::Error);
    assert!(cause(&report).advice().contains("Ask the DCS team"));
    assert_eq!(outcome(&report, Check::ClientCertificateIssuer), None);
}

#[test]
fn server_faults() {
    let testbed = Testbed::from_env();
    for (listener, code, check) in [
        (
            "server_expired",
            Code::ServerCertificate,
            Check::ServerValid,
        ),
        (
            "server_not_yet_valid",
            Code::ServerCertificate,
            Check::ServerValid,
        ),
        (
            "server_wrong_purpose",
            Code::ServerCertificate,
            Check::ServerValid,
        ),
        ("server_wrong_name", Code::ServerName, Check::ServerName),
        (
            "server_unknown_ca",
            Code::ServerUntrusted,
            Check::ServerTrusted,
        ),
        (
            "server_intercepted",
            Code::ServerUntrusted,
            Check::ServerNotIntercepted,
        ),
        ("tls11_only", Code::Tls, Check::Handshake),
    ] {
        let config = config(&testbed, &testbed.url(listener, PATH));
        let error = failure(&config, code);
        assert_eq!(error.check(), Some(check), "{error}");
        let report = assert_cause(&config, check, Severity::Error);
        assert_eq!(report.steps().last().unwrap().outcome(), Outcome::Failed);
    }
    let url = testbed
        .url("plain_http", PATH)
        .replace("http://", "https://");
    assert_cause(&config(&testbed, &url), Check::Handshake, Severity::Error);
}

#[test]
fn network_faults() {
    let testbed = Testbed::from_env();
    let with_url = |url: &str| config(&testbed, url);
    assert_cause(
        &with_url("https://dcs.invalid/checks/passport"),
        Check::Resolve,
        Severity::Error,
    );
    let (_reserved, port) = refused_port();
    let refused = assert_cause(
        &with_url(&format!("https://127.0.0.1:{port}/")),
        Check::Connect,
        Severity::Error,
    );
    let message = cause(&refused).message();
    assert!(message.contains("connection refused"), "{message}");
    let mut config = with_url(&testbed.url("tls12_close", PATH));
    config
        .set_proxy(Some(&format!("http://user:hunter2@127.0.0.1:{port}")))
        .unwrap();
    let report = assert_cause(&config, Check::Proxy, Severity::Error);
    assert!(!report.text().contains("hunter2") && !report.json().contains("hunter2"));
}

#[test]
fn proxy_is_a_step_of_its_own() {
    let testbed = Testbed::from_env();
    let port = listen(tunnel);
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    let proxy = format!("http://user:p%40ss@127.0.0.1:{port}");
    config.set_proxy(Some(&proxy)).unwrap();
    let report = diagnose(&config);
    assert!(report.ok(), "{}", report.text());
    let steps: Vec<_> = report.steps().iter().map(|step| step.name()).collect();
    assert_eq!(steps, ["dns", "tcp", "proxy", "tls", "http"]);
    assert_eq!(outcome(&report, Check::Proxy), Some(Outcome::Passed));
}

#[test]
fn responses_of_the_service() {
    let testbed = Testbed::from_env();
    for (path, check, severity) in [
        ("/400", Check::Answer, Severity::Error),
        ("/403", Check::Answer, Severity::Error),
        ("/404", Check::Answer, Severity::Error),
        ("/429", Check::Answer, Severity::Error),
        ("/500", Check::Answer, Severity::Error),
        ("/503", Check::Answer, Severity::Error),
        ("/html", Check::StatusBody, Severity::Error),
        ("/not-json", Check::StatusBody, Severity::Error),
        ("/unavailable", Check::Available, Severity::Warning),
    ] {
        assert_cause(
            &config(&testbed, &testbed.url("tls12_close", path)),
            check,
            severity,
        );
    }
}

#[test]
fn wrong_clock_is_a_warning() {
    let testbed = Testbed::from_env();
    for (listener, difference) in [
        ("skewed_clock_past", "ahead of"),
        ("skewed_clock_future", "behind"),
    ] {
        let report = assert_cause(
            &config(&testbed, &testbed.url(listener, PATH)),
            Check::Clock,
            Severity::Warning,
        );
        let message = cause(&report).message();
        assert!(
            message.contains(difference) && message.contains("2 hours"),
            "{message}"
        );
    }
}

#[test]
fn invalid_file_is_the_cause_and_the_other_checks_still_run() {
    use Slot::{Bundle, Certificate, Key};
    let testbed = Testbed::from_env();
    for (slot, name, check) in [
        (Bundle, "missing", Check::FileReadable),
        (Bundle, "directory", Check::FileReadable),
        (Bundle, "empty", Check::FileNotEmpty),
        (Bundle, "garbage", Check::FileFormat),
        (Bundle, "truncated_cert", Check::FileFormat),
        (Bundle, "client_key", Check::FileRole),
        (Bundle, "client_cert", Check::BundleHasCa),
        (Certificate, "missing", Check::FileReadable),
        (Certificate, "empty", Check::FileNotEmpty),
        (Certificate, "garbage", Check::FileFormat),
        (Certificate, "csr", Check::FileRole),
        (Certificate, "client_key", Check::FileRole),
        (Certificate, "public_key", Check::FileRole),
        (Certificate, "ca_bundle", Check::FileRole),
        (Certificate, "rsa1024_cert", Check::KeyLength),
        (Key, "missing", Check::FileReadable),
        (Key, "empty", Check::FileNotEmpty),
        (Key, "garbage", Check::FileFormat),
        (Key, "truncated_key", Check::FileFormat),
        (Key, "client_cert", Check::FileRole),
        (Key, "csr", Check::FileRole),
        (Key, "client_key_encrypted", Check::KeyPassword),
        (Key, "client_key_legacy_encrypted", Check::KeyPassword),
        (Key, "rsa1024_key", Check::KeyLength),
        (Key, "other_key", Check::KeyMatchesCertificate),
    ] {
        let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
        let path = testbed.file(name);
        slot.set(&mut config, &path);
        let error = Client::new(&config).expect_err(name);
        assert_eq!(error.check(), Some(check), "{name}: {error}");
        let report = assert_cause(&config, check, Severity::Error);
        assert_eq!(cause(&report).message(), error.message(), "{name}");
        assert_eq!(cause(&report).advice(), error.hint(), "{name}");
        // The server is still checked.
        let tls = report.steps().iter().find(|step| step.name() == "tls");
        assert!(tls.is_some(), "{name}: {}", report.text());
        assert!(
            !matches!(slot, Key) || outcome(&report, Check::CertificateNotExpired).is_some(),
            "{name}: {}",
            report.text()
        );
    }
}

#[test]
fn certificate_or_key_alone_is_the_cause() {
    let testbed = Testbed::from_env();
    let mut config = config_without_identity(&testbed, &testbed.url("tls12_close", PATH));
    config.set_certificate_file(testbed.file("client_cert"));
    let report = assert_cause(&config, Check::FileConfigured, Severity::Error);
    assert!(
        cause(&report).message().contains("private key"),
        "{}",
        report.text()
    );
    let mut config = config_without_identity(&testbed, &testbed.url("tls12_close", PATH));
    config.set_private_key_file(testbed.file("client_key"));
    let report = assert_cause(&config, Check::FileConfigured, Severity::Error);
    assert!(
        cause(&report).message().contains("certificate"),
        "{}",
        report.text()
    );
    // Nothing is configured, not even the CA bundle.
    let report = assert_cause(&Config::new(), Check::FileConfigured, Severity::Error);
    assert!(
        cause(&report).message().contains("CA bundle"),
        "{}",
        report.text()
    );
}

#[test]
fn harmless_faults_are_warnings_or_notes() {
    let testbed = Testbed::from_env();
    let good = || config(&testbed, &testbed.url("tls12_close", PATH));
    assert_cause(
        &config_of(&testbed, &testbed.url("tls12_close", PATH), "expiring"),
        Check::CertificateExpiresLater,
        Severity::Warning,
    );
    let json_signing = config_of(&testbed, &testbed.url("tls12_close", PATH), "json_signing");
    assert_cause(&json_signing, Check::CertificateForTls, Severity::Warning);
    for (bundle, check) in [
        ("bundle_with_key", Check::BundleNoPrivateKey),
        ("bundle_no_root", Check::BundleHasRoot),
    ] {
        let mut config = good();
        config.set_ca_bundle_file(testbed.file(bundle));
        assert_cause(&config, check, Severity::Warning);
    }
    // The server has the right intermediate itself, so it ignores the wrong one.
    let mut impostor = good();
    impostor.set_ca_bundle_file(testbed.file("ca_root_only"));
    impostor.set_certificate_file(testbed.file("impostor_intermediate_chain"));
    assert_cause(&impostor, Check::ChainSigned, Severity::Warning);

    for chain in ["two_leaves_cert", "wrong_order_chain"] {
        let mut config = good();
        config.set_certificate_file(testbed.file(chain));
        let report = diagnose(&config);
        assert!(report.cause().is_none(), "{}", report.text());
        assert_eq!(
            outcome(&report, Check::ChainOrder),
            Some(Outcome::Failed),
            "{chain}"
        );
    }
    let mut mangled = good();
    let key = std::fs::read_to_string(testbed.file("client_key")).unwrap();
    mangled.set_private_key(key.replace('\n', "\\n").as_bytes());
    let report = diagnose(&mangled);
    assert!(report.cause().is_none(), "{}", report.text());
    let intact = report
        .findings()
        .iter()
        .find(|finding| {
            finding.check() == Check::FileIntact && finding.outcome() == Outcome::Failed
        })
        .unwrap_or_else(|| panic!("{}", report.text()));
    assert!(
        intact.message().contains("written out"),
        "{}",
        intact.message()
    );
}

#[test]
fn bundle_with_only_expired_certificates_is_the_cause() {
    let testbed = Testbed::from_env();
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    config.set_ca_bundle_file(testbed.file("bundle_expired_only"));
    let report = assert_cause(&config, Check::ServerTrusted, Severity::Error);
    let expired = report
        .findings()
        .iter()
        .find(|finding| finding.check() == Check::BundleNotExpired)
        .unwrap();
    assert_eq!(expired.outcome(), Outcome::Failed);
    assert!(
        !expired.message().contains("does not matter"),
        "{}",
        expired.message()
    );
}

#[test]
fn report_holds_no_secret_and_redacts_paths_and_names() {
    let testbed = Testbed::from_env();
    for (name, key) in [
        ("client", "client_key_encrypted"),
        ("rejected_expired", "rejected_expired_key"),
        ("client", "other_key"),
        ("production", "production_key"),
    ] {
        let mut config = config_of(&testbed, &testbed.url("tls12_close", PATH), name);
        config.set_private_key_file(testbed.file(key));
        config.set_private_key_password(Some(PASSWORD));
        let report = diagnose(&config);
        for document in [
            report.text(),
            report.json(),
            report.html(),
            format!("{report:?}"),
        ] {
            assert!(!document.contains(PASSWORD), "{document}");
            let content = std::fs::read_to_string(testbed.file(key)).unwrap();
            for line in content.lines().filter(|line| line.len() > 40) {
                assert!(!document.contains(&line[..40]), "{document}");
            }
        }
        let redacted = report.redacted();
        for document in [
            redacted.text(),
            redacted.json(),
            redacted.html(),
            format!("{redacted:?}"),
        ] {
            assert!(!document.contains("Example"), "{document}");
            assert!(
                !document.contains(testbed.dir().to_str().unwrap()),
                "{document}"
            );
        }
        assert_eq!(redacted.ok(), report.ok());
    }
}

/// Returns the commands in an advice, in its order.
fn commands(advice: &str) -> Vec<String> {
    advice
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Runs the first command of the advice, with its placeholders in capitals replaced.
fn follow(advice: &str, names: &[(&str, &Path)]) {
    let mut command = commands(advice)
        .first()
        .unwrap_or_else(|| panic!("no command in: {advice}"))
        .clone();
    for (name, path) in names {
        command = command
            .split(' ')
            .map(|word| {
                if word == *name {
                    path.to_str().unwrap()
                } else {
                    word
                }
            })
            .collect::<Vec<_>>()
            .join(" ");
    }
    let output = Command::new("sh").args(["-c", &command]).output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
}

#[test]
fn commands_in_the_advice_make_the_call_succeed() {
    use std::os::unix::fs::PermissionsExt;
    let testbed = Testbed::from_env();
    let folder = testbed.dir().join("advice");
    std::fs::create_dir(&folder).unwrap();
    let good = || config(&testbed, &testbed.url("tls12_close", PATH));
    let convert = |arguments: &[&str], input: &Path, output: &Path| {
        let input = std::fs::read(input).unwrap();
        std::fs::write(output, openssl(arguments, &input)).unwrap();
    };
    let hint = |config: &Config| Client::new(config).unwrap_err().hint().to_owned();
    let (old, new) = (folder.join("old"), folder.join("new"));

    // A key in an obsolete encryption.
    let v1 = [
        "pkcs8",
        "-topk8",
        "-v1",
        "PBE-SHA1-3DES",
        "-passout",
        "pass:secret",
    ];
    let legacy = ["-provider", "legacy", "-provider", "default"];
    convert(
        &[&v1[..], &legacy].concat(),
        &testbed.file("client_key"),
        &old,
    );
    let mut config = good();
    config.set_private_key_file(&old);
    config.set_private_key_password(Some("secret"));
    let advice = hint(&config).replace(
        "-topk8",
        "-topk8 -provider legacy -provider default -passin pass:secret -passout pass:secret",
    );
    follow(&advice, &[("KEY", &old), ("NEW_KEY", &new)]);
    config.set_private_key_file(&new);
    assert!(call(&config).unwrap().available());

    // An encrypted key without a password.
    let mut config = good();
    config.set_private_key_file(testbed.file("client_key_encrypted"));
    let advice = hint(&config).replace("-nocrypt", "-nocrypt -passin 'pass:correct horse'");
    follow(
        &advice,
        &[
            ("KEY", &testbed.file("client_key_encrypted")),
            ("NEW_KEY", &new),
        ],
    );
    config.set_private_key_file(&new);
    assert!(call(&config).unwrap().available());

    // A certificate with OpenSSL's trust settings.
    convert(
        &["x509", "-trustout", "-addtrust", "clientAuth"],
        &testbed.file("client_cert"),
        &old,
    );
    let mut config = good();
    config.set_certificate_file(&old);
    follow(&hint(&config), &[("FILE", &old), ("NEW", &new)]);
    config.set_certificate_file(&new);
    assert!(call(&config).unwrap().available());

    // A certificate saved as UTF-16.
    let text = std::fs::read_to_string(testbed.file("client_cert")).unwrap();
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    std::fs::write(&old, utf16).unwrap();
    config.set_certificate_file(&old);
    follow(&hint(&config), &[("FILE", &old), ("NEW", &new)]);
    config.set_certificate_file(&new);
    assert!(call(&config).unwrap().available());

    // The command of the DCS's documentation, which writes text in front of DER.
    convert(
        &["x509", "-outform", "DER", "-text"],
        &testbed.file("client_cert"),
        &old,
    );
    config.set_certificate_file(&old);
    follow(
        &hint(&config),
        &[("CERT", &testbed.file("client_cert")), ("NEW", &new)],
    );
    config.set_certificate_file(&new);
    assert!(call(&config).unwrap().available());

    // A world-readable key.
    let key = folder.join("key");
    std::fs::copy(testbed.file("client_key"), &key).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut config = good();
    config.set_private_key_file(&key);
    let report = assert_cause(&config, Check::FilePermissions, Severity::Warning);
    follow(cause(&report).advice(), &[("KEY", &key)]);
    let report = diagnose(&config);
    assert!(report.cause().is_none(), "{}", report.text());

    // A Java keystore, if there is a JDK.
    if Command::new("keytool").arg("-help").output().is_ok() {
        let (jks, p12) = (folder.join("store.jks"), folder.join("NEW.p12"));
        let made = folder.join("made.p12");
        openssl_export(&testbed, &made);
        let status = Command::new("keytool")
            .args([
                "-importkeystore",
                "-srcstorepass",
                "secret",
                "-deststorepass",
                "secret",
            ])
            .args(["-deststoretype", "JKS", "-srckeystore"])
            .args([&made, Path::new("-destkeystore"), &jks])
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
        let mut config = config_without_identity(&testbed, &testbed.url("tls12_close", PATH));
        config.set_certificate_file(&jks);
        config.set_private_key_file(&jks);
        config.set_private_key_password(Some("secret"));
        let advice = hint(&config).replace(
            "-importkeystore",
            "-importkeystore -srcstorepass secret -deststorepass secret",
        );
        follow(&advice, &[("FILE", &jks), ("NEW.p12", &p12)]);
        config.set_certificate_file(&p12);
        config.set_private_key_file(&p12);
        assert!(call(&config).unwrap().available());
    }

    // A missing intermediate, added to the certificate's file.
    let url = testbed.url("tls12_close", PATH);
    let mut config = config_of(&testbed, &url, "rejected_missing_intermediate");
    let report = assert_cause(&config, Check::ChainComplete, Severity::Error);
    assert!(
        cause(&report)
            .advice()
            .contains("add the missing intermediate")
    );
    let leaf = std::fs::read(testbed.file("rejected_missing_intermediate_cert")).unwrap();
    let bundle = std::fs::read(testbed.file("ca_bundle_with_second_intermediate")).unwrap();
    config.set_certificate(&[leaf, b"\n".to_vec(), bundle].concat());
    assert!(call(&config).unwrap().available());
}

fn openssl_export(testbed: &Testbed, to: &Path) {
    let output = Command::new("openssl")
        .args([
            "pkcs12",
            "-export",
            "-name",
            "client",
            "-passout",
            "pass:secret",
            "-in",
        ])
        .arg(testbed.file("client_cert"))
        .arg("-inkey")
        .arg(testbed.file("client_key"))
        .arg("-out")
        .arg(to)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn documented_errors_match_the_readme() {
    let testbed = Testbed::from_env();
    let readme = include_str!("../../README.md");
    let url = testbed.url("tls12_close", PATH);
    let row = |documented: &str| {
        let begins = format!("| `{documented}` |");
        let row = readme.lines().find(|line| line.starts_with(&begins));
        row.unwrap_or_else(|| panic!("the README has no row for {documented}"))
    };

    let required = failure(
        &config_without_identity(&testbed, &url),
        Code::ClientCertRequired,
    );
    let line = row("No required SSL certificate was sent");
    assert!(line.contains(required.code().name()), "{line}");
    assert!(
        line.contains(&format!("\"{}\"", required.hint())),
        "{required}"
    );

    let expired = failure(
        &config_of(&testbed, &url, "rejected_expired"),
        Code::ClientCertRejected,
    );
    let line = row("SSL certificate error");
    assert!(line.contains(expired.code().name()), "{line}");
    // The README's file, name and date are those of an example.
    let path = testbed.file("rejected_expired_cert");
    let hint = expired.hint().replace(path.to_str().unwrap(), "client.pem");
    for part in hint.split(['(', ')']).filter(|part| !part.contains("CN=")) {
        let (before, after) = part.split_once("on 20").unwrap_or((part, ""));
        assert!(line.contains(before), "{part}: {line}");
        let after = after.split_once(',').map_or("", |(_, after)| after);
        assert!(line.contains(after), "{part}: {line}");
    }

    let mut wrong_bundle = config(&testbed, &url);
    wrong_bundle.set_ca_bundle_file(testbed.file("other_ca_bundle"));
    let untrusted = failure(&wrong_bundle, Code::ServerUntrusted);
    let line = row("SSL certificate problem: unable to get local issuer certificate");
    assert!(line.contains(untrusted.code().name()), "{line}");
    assert!(
        line.contains(&format!("\"{}\"", untrusted.hint())),
        "{untrusted}"
    );
}

#[test]
fn redaction_covers_names_in_the_server_certificate() {
    let testbed = Testbed::from_env();
    let report = diagnose(&config(&testbed, &testbed.url("server_wrong_name", PATH)));
    let message = cause(&report).message();
    let name = message
        .rsplit("but for ")
        .next()
        .unwrap()
        .trim_end_matches('.');
    assert!(name.contains('.') && !name.contains(' '), "{message}");
    let redacted = report.redacted();
    for document in [redacted.text(), redacted.json(), redacted.html()] {
        assert!(!document.contains(name), "{document}");
    }
}

#[test]
fn tls_inspection_is_a_warning_if_its_ca_is_in_the_bundle() {
    let testbed = Testbed::from_env();
    let mut config = config(&testbed, &testbed.url("server_intercepted", PATH));
    config.set_ca_bundle_file(testbed.file("inspection_ca"));
    config.set_certificate_file(testbed.file("client_chain"));
    assert_cause(&config, Check::ServerNotIntercepted, Severity::Warning);
}

#[test]
fn alert_before_any_certificate_does_not_blame_the_client_certificate() {
    use std::io::{Read as _, Write as _};

    let testbed = Testbed::from_env();
    // A firewall that answers the ClientHello with access_denied (49).
    let port = listen(|mut stream| {
        let mut hello = [0; 4096];
        let _ = stream.read(&mut hello);
        let _ = stream.write_all(&[21, 3, 3, 0, 2, 2, 49]);
    });
    let config = config(&testbed, &format!("https://localhost:{port}{PATH}"));
    let error = failure(&config, Code::Tls);
    assert_eq!(error.tls_alert(), Some(49));
    let report = assert_cause(&config, Check::Handshake, Severity::Error);
    assert_eq!(outcome(&report, Check::ClientCertificateAccepted), None);
    assert_eq!(
        outcome(&report, Check::ServerTrusted),
        Some(Outcome::Skipped)
    );
    assert_eq!(outcome(&report, Check::Answer), Some(Outcome::Skipped));
}

#[test]
fn network_fault_outranks_a_missing_certificate() {
    let testbed = Testbed::from_env();
    let config = config_without_identity(&testbed, "https://dcs.invalid/checks/passport");
    assert_cause(&config, Check::Resolve, Severity::Error);
}

#[test]
fn redaction_keeps_the_path_to_the_root() {
    let testbed = Testbed::from_env();
    let report = diagnose(&config(&testbed, &testbed.url("tls12_close", PATH)));
    let links = |report: &Report| {
        let text = report.text();
        let chain = text.split("Certificate chain\n").nth(1).unwrap();
        chain.lines().take_while(|line| !line.is_empty()).count()
    };
    assert_eq!(links(&report), 3, "{}", report.text());
    assert_eq!(links(&report.redacted()), 3);
}

#[test]
fn server_that_asks_for_no_client_certificate() {
    let testbed = Testbed::from_env();
    // Its response is a page, with nothing about the client's certificate.
    let page = with_length("200 OK", "Content-Type: text/html\r\n", "<p>Hello</p>");
    let mut config = responding(&testbed, page, End::KeepAlive);
    let report = diagnose(&config);
    config.set_private_key_file(testbed.file("other_key"));
    let unusable = diagnose(&config);
    assert_eq!(
        cause(&report).check(),
        Check::StatusBody,
        "{}",
        report.text()
    );
    assert_eq!(
        outcome(&report, Check::ClientCertificateAsked),
        Some(Outcome::Failed)
    );
    assert_eq!(outcome(&report, Check::ClientCertificateSent), None);
    // A configuration that cannot make a client never passes.
    assert!(!unusable.ok(), "{}", unusable.text());
    assert_eq!(cause(&unusable).check(), Check::KeyMatchesCertificate);
}

#[test]
fn key_file_without_a_key_and_encryption_certificate() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", PATH);
    let mut config = config(&testbed, &url);
    config.set_private_key(
        b"-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n",
    );
    assert_cause(&config, Check::KeyPresent, Severity::Error);
    let report = diagnose(&config_of(&testbed, &url, "encryption"));
    assert_eq!(
        outcome(&report, Check::CertificateKeyUsage),
        Some(Outcome::Failed),
        "{}",
        report.text()
    );
}
