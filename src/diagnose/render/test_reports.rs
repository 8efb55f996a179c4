//! Reports for the tests of the renderings.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::credentials::CertificateSummary;
use crate::diagnose::report::{ConnectionSummary, FileSummary, Finding, Outcome, Report, Step};
use crate::error::{Check, Subject};
use crate::redact::{Message, name, path};

pub(super) const URL: &str = "https://dcs-integration.example.org/checks/passport";
const CA_PATH: &str = "/etc/dcs/ca-bundle.pem";
const CERTIFICATE_PATH: &str = "/etc/dcs/client.pem";
const KEY_PATH: &str = "/etc/dcs/client.key";
const LEAF: &str = "CN=dcs-integration-tls.example.org,O=Example Insurance Ltd,L=Leeds,C=GB";
const ISSUING: &str = "CN=DCS Integration Issuing CA,O=Document Checking Service,C=GB";
const ROOT: &str = "CN=DCS Integration Root CA,O=Document Checking Service,C=GB";
const SERVER: &str = "CN=dcs-integration.example.org,O=Document Checking Service,C=GB";

/// Everything in these reports that a redacted report must not contain.
pub(super) const PRIVATE: &[&str] = &[
    "/etc/dcs",
    "client.pem",
    "client.key",
    "ca-bundle.pem",
    "Insurance",
    "Leeds",
    "Issuing",
    "Root CA",
    "integration-tls",
    "CN=",
    "alert(1)",
    "onerror",
    "xxxx",
    "hostile",
];

/// 2026-05-12T09:30:00Z.
pub(super) fn created() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_778_578_200)
}

/// Days are counted from [`created`].
pub(super) fn certificate(
    subject: &str,
    issuer: &str,
    from_day: i64,
    to_day: i64,
) -> CertificateSummary {
    let is_ca = subject.contains(" CA");
    CertificateSummary {
        subject: name(subject).into(),
        issuer: name(issuer).into(),
        serial: "4D3F91A27B60C85E".into(),
        not_before: day(from_day),
        not_after: day(to_day),
        key: if is_ca { "RSA 4096" } else { "RSA 2048" }.into(),
        signature_algorithm: "sha256WithRSAEncryption".into(),
        is_ca,
        key_usage: if is_ca {
            vec!["keyCertSign", "cRLSign"]
        } else {
            vec!["digitalSignature"]
        },
        extended_key_usage: if is_ca {
            Vec::new()
        } else {
            vec!["clientAuth".into()]
        },
        is_self_issued: subject == issuer,
        alternative_names: Vec::new(),
        thumbprint: "n2mF0c6H1rQ8kVbT4yZpXwJ3sLdUa9eGiMoRhNqPfEw".into(),
    }
}

fn day(offset: i64) -> SystemTime {
    let by = Duration::from_secs(offset.unsigned_abs() * 86_400);
    if offset < 0 {
        created() - by
    } else {
        created() + by
    }
}

fn subject_of(check: Check) -> Subject {
    let name = check.name();
    if name.contains("_BUNDLE_") {
        Subject::CaBundle
    } else if name.contains("_KEY_") && !name.contains("_CERT_") || name.contains("FILE_PERM") {
        Subject::PrivateKey
    } else if name.ends_with("_ANSWER") || name.ends_with("_BODY") || name.ends_with("_AVAILABLE") {
        Subject::Service
    } else if Check::ALL.iter().position(|c| *c == check)
        >= Check::ALL.iter().position(|c| *c == Check::Proxy)
    {
        Subject::Connection
    } else {
        Subject::Certificate
    }
}

/// Returns `head`, then the skipped checks with their reason, then all others as passed.
fn findings(head: Vec<Finding>, skipped: &[(Check, &'static str)]) -> Vec<Finding> {
    let mut all = head;
    for (check, reason) in skipped {
        all.push(Finding::skipped(*check, subject_of(*check), *reason));
    }
    for check in Check::ALL {
        if !all.iter().any(|finding| finding.check == *check) {
            all.push(Finding::holds(*check, subject_of(*check)));
        }
    }
    all
}

fn step(name: &'static str, outcome: Outcome, us: u64, message: impl Into<Message>) -> Step {
    Step {
        name,
        outcome,
        duration: Duration::from_micros(us),
        message: message.into(),
    }
}

fn files(leaf: CertificateSummary) -> Vec<FileSummary> {
    vec![
        FileSummary {
            subject: Subject::CaBundle,
            source: path(CA_PATH).into(),
            format: Some("PEM"),
            repairs: Vec::new(),
            certificates: vec![
                certificate(ROOT, ROOT, -1200, 6000),
                certificate(ISSUING, ROOT, -800, 1022),
            ],
            key: None,
        },
        FileSummary {
            subject: Subject::Certificate,
            source: path(CERTIFICATE_PATH).into(),
            format: Some("PEM"),
            repairs: vec!["has lost its line ends"],
            certificates: vec![leaf, certificate(ISSUING, ROOT, -800, 1022)],
            key: None,
        },
        FileSummary {
            subject: Subject::PrivateKey,
            source: path(KEY_PATH).into(),
            format: Some("PEM"),
            repairs: Vec::new(),
            certificates: Vec::new(),
            key: Some("RSA 2048".into()),
        },
    ]
}

fn steps(http: Outcome, answer: &'static str) -> Vec<Step> {
    vec![
        step("dns", Outcome::Passed, 3_210, "203.0.113.10, 203.0.113.11"),
        step(
            "tcp",
            Outcome::Failed,
            21_450,
            "203.0.113.10:443: connection refused",
        ),
        step("tcp", Outcome::Passed, 11_020, "203.0.113.11:443"),
        step(
            "tls",
            Outcome::Passed,
            38_900,
            "TLSv1.2, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        ),
        step("http", http, 12_340, answer),
    ]
}

fn connection(status: u16) -> ConnectionSummary {
    let mut server = certificate(SERVER, ISSUING, -30, 335);
    server.extended_key_usage = vec!["serverAuth".into()];
    server.alternative_names = vec![name("dcs-integration.example.org").into()];
    ConnectionSummary {
        address: Some("203.0.113.11:443".into()),
        tls_version: Some("TLSv1.2"),
        tls_cipher: Some("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
        server_chain: vec![server, certificate(ISSUING, ROOT, -800, 1022)],
        client_certificate_asked: Some(true),
        client_certificate_sent: Some(true),
        accepted_cas: vec![name(ISSUING).into(), name(ROOT).into()],
        tls_alert: None,
        http_status: Some(status),
        clock_skew_seconds: Some(42),
    }
}

/// nginx rejects an expired certificate, and other checks fail, too.
pub(super) fn expired() -> Report {
    let leaf = certificate(LEAF, ISSUING, -377, -12);
    Report {
        created: created(),
        url: URL.into(),
        proxy: Some("proxy.example.org:3128".into()),
        findings: findings(
            vec![
                Finding::failed(Check::CertificateNotExpired, Subject::Certificate, format!(
                        "The client certificate {} ({}) expired on 2026-04-30, 12 days ago.",
                        path(CERTIFICATE_PATH),
                        name(LEAF)
                    )).with_advice(format!(
                        "Request a new certificate from the DCS team, with a new key: `openssl req -new -newkey rsa:2048 -nodes -keyout {} -out request.csr`",
                        path("/etc/dcs/new.key")
                    )),
                Finding::failed(Check::ClientCertificateAccepted, Subject::Connection, "The server answered with HTTP 400 and nginx's page `400 The SSL certificate error`.").with_advice("Fix the most likely cause first, then try again."),
                Finding::failed(Check::FilePermissions, Subject::PrivateKey, format!(
                        "Every user of this machine may read {} (mode 0644).",
                        path(KEY_PATH)
                    )).with_advice(format!(
                        "Remove the permissions of all other users: `chmod o-rwx {}`",
                        path(KEY_PATH)
                    )),
                Finding::failed(Check::FileIntact, Subject::Certificate, format!("{} has lost its line ends.", path(CERTIFICATE_PATH))).with_advice("Copy the file again as plain text: this library can read it as it is, but other programs may not."),
            ],
            &[
                (Check::StatusBody, "The connection did not get this far."),
                (Check::Available, "The connection did not get this far."),
                (Check::KeyPassword, "The private key is not encrypted."),
            ],
        ),
        steps: steps(Outcome::Failed, "HTTP 400"),
        files: files(leaf.clone()),
        chain: vec![leaf, certificate(ISSUING, ROOT, -800, 1022)],
        root: Some(certificate(ROOT, ROOT, -1200, 6000)),
        connection: connection(400),
    }
}

/// Every check passes.
pub(super) fn all_passed() -> Report {
    let leaf = certificate(LEAF, ISSUING, -112, 253);
    Report {
        findings: findings(Vec::new(), &[]),
        steps: vec![
            step("dns", Outcome::Passed, 3_210, "203.0.113.11"),
            step("tcp", Outcome::Passed, 11_020, "203.0.113.11:443"),
            step(
                "tls",
                Outcome::Passed,
                38_900,
                "TLSv1.2, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            ),
            step("http", Outcome::Passed, 12_340, "HTTP 200"),
        ],
        files: files(leaf.clone()),
        chain: vec![leaf, certificate(ISSUING, ROOT, -800, 1022)],
        root: Some(certificate(ROOT, ROOT, -1200, 6000)),
        connection: connection(200),
        proxy: None,
        ..expired()
    }
}

/// Calls work, and the certificate expires soon.
pub(super) fn expires_soon() -> Report {
    let leaf = certificate(LEAF, ISSUING, -346, 19);
    Report {
        findings: findings(
            vec![
                Finding::failed(
                    Check::CertificateExpiresLater,
                    Subject::Certificate,
                    format!(
                        "The client certificate {} expires on 2026-05-31, in 19 days.",
                        path(CERTIFICATE_PATH)
                    ),
                )
                .with_advice("Request the next certificate from the DCS team now, with a new key."),
            ],
            &[],
        ),
        files: files(leaf.clone()),
        chain: vec![leaf, certificate(ISSUING, ROOT, -800, 1022)],
        root: Some(certificate(ROOT, ROOT, -1200, 6000)),
        ..all_passed()
    }
}

/// The host name cannot be resolved; one file is missing.
pub(super) fn unresolved() -> Report {
    let at = |check| Check::ALL.iter().position(|c| *c == check).unwrap();
    let skipped: Vec<_> = Check::ALL[at(Check::Connect)..]
        .iter()
        .map(|check| (*check, "The connection did not get this far."))
        .chain([(Check::Proxy, "No proxy is configured.")])
        .collect();
    let mut report = Report {
        findings: findings(
            vec![
                Finding::failed(Check::Resolve, Subject::Connection, "The host dcs-integration.example.org cannot be resolved: no such host.").with_advice("Check the host name in the URL and this machine's DNS: `getent hosts dcs-integration.example.org`"),
                Finding::failed(Check::FileReadable, Subject::PrivateKey, format!(
                        "The private key {} cannot be read: no such file.",
                        path(KEY_PATH)
                    )).with_advice("Check the path."),
            ],
            &skipped,
        ),
        steps: vec![
            step("dns", Outcome::Failed, 5_003_000, "no such host"),
            step("tcp", Outcome::Skipped, 0, "no address"),
        ],
        connection: ConnectionSummary::default(),
        ..all_passed()
    };
    report.files[2].format = None;
    report.files[2].key = None;
    report
}

/// Names that contain markup, terminal escapes and right-to-left text, or are very long.
pub(super) fn hostile() -> Report {
    let script = "CN=<script>alert(1)</script>\"'&amp;,O=</style></title><img src=x onerror=alert(1)>,OU=`hostile`";
    let long = format!("CN={},O=hostile", "x".repeat(5_000));
    let right_to_left = "CN=\u{202e}moc.elpmaxe\u{202c} שלום مرحبا,O=hostile";
    let leaf = certificate(script, &long, -10, 10);
    let mut report =
        Report {
            url: "https://h.example.org/<script>alert(1)</script>?\"'".into(),
            proxy: Some("<script>:1".into()),
            findings: findings(
                vec![
                Finding::failed(Check::ServerName, Subject::Connection, format!(
                        "The server's certificate is for {} and not for `<b>`, it's \"odd` & more.",
                        name(script)
                    )).with_advice(format!("Use {}.", name(right_to_left))),
                Finding::failed(Check::ClientCertificateIssuer, Subject::Certificate, format!(
                        "{} is not by {}.",
                        path("/etc/dcs/<script>hostile"),
                        name(&long)
                    )).with_advice(""),
            ],
                &[],
            ),
            steps: vec![step("http", Outcome::Failed, u64::MAX, name(script))],
            chain: vec![
                leaf.clone(),
                certificate(right_to_left, right_to_left, 5, 10),
            ],
            root: None,
            ..expired()
        };
    report.files[1].certificates = vec![leaf, certificate(&long, right_to_left, -10, 10)];
    report.files[1].certificates[0].alternative_names = vec![name(script).into()];
    report.files[1].source = path("/etc/dcs/<script>hostile\u{202e}").into();
    report.connection.accepted_cas = vec![
        name(right_to_left).into(),
        name(script).into(),
        name(&long).into(),
    ];
    report.connection.clock_skew_seconds = Some(i64::MIN);
    report
}

/// Nothing was checked.
pub(super) fn empty() -> Report {
    Report {
        created: created(),
        url: String::new(),
        proxy: None,
        findings: Vec::new(),
        steps: Vec::new(),
        files: Vec::new(),
        chain: Vec::new(),
        root: None,
        connection: ConnectionSummary::default(),
    }
}

/// Returns each report with its name.
pub(super) fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("expired", expired()),
        ("all-passed", all_passed()),
        ("expires-soon", expires_soon()),
        ("unresolved", unresolved()),
        ("hostile", hostile()),
        ("empty", empty()),
        ("redacted", expired().redacted()),
        ("redacted-hostile", hostile().redacted()),
    ]
}
