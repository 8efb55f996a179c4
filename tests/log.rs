//! The log against real servers: the records of a call, their order, and the secrets that they never hold.
//!
//! A binary of its own: the whole process shares the log, and other tests would write to it.

mod common;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::logger::{self, Line, drain};
use common::loopback::listen;
use common::proxy::tunnel;
use common::relay::{Fault, Relay, port_of};
use common::{WATCHDOG, call, config, config_of, config_without_identity, failure, wait_until};
use dcs::{Client, Code, Config};
use dcs_testbed::{PASSWORD, Testbed};
use log::{Level, LevelFilter};

const PATH: &str = "/checks/passport";

/// Resets the log to the state of a new process, but for its level. The tests take turns with it.
fn take_log(level: Level) -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    logger::record(level.to_level_filter(), None);
    drain();
    turn
}

/// Fails if the records differ in level, target or text from the expected ones, of whose texts these are parts.
#[track_caller]
fn assert_records(records: &[Line], expected: &[(Level, &str, &str)]) {
    let all = || {
        let line = |r: &Line| format!("{} {} {}\n", r.level, r.target, r.text);
        records.iter().map(line).collect::<String>()
    };
    assert_eq!(records.len(), expected.len(), "\n{}", all());
    for (record, (level, target, part)) in records.iter().zip(expected) {
        let source = (record.level, record.target.as_str());
        assert_eq!(source, (*level, *target), "'{part}' in\n{}", all());
        assert!(record.text.contains(part), "no '{part}' in\n{}", all());
    }
}

use Level::{Debug, Info};

const FILES: [(Level, &str, &str); 4] = [
    (Debug, "dcs.files", "ca_bundle"),
    (Debug, "dcs.files", "certificates: 1"),
    (Debug, "dcs.files", "RSA 2048 key"),
    (Debug, "dcs.files", "from the CA bundle: 2"),
];

#[test]
fn full_and_resumed_handshake_are_logged_step_by_step() {
    let testbed = Testbed::from_env();
    let _turn = take_log(Level::Debug);
    for (listener, version) in [("tls12_close", "TLSv1.2"), ("tls13_close", "TLSv1.3")] {
        let url = testbed.url(listener, PATH);
        let peer = format!("localhost:{}", port_of(&url));
        let client = Client::new(&config(&testbed, &url)).unwrap();
        assert_records(&drain(), &FILES);

        client.status().unwrap();
        assert_records(
            &drain(),
            &[
                (Debug, "dcs.dns", "localhost is at "),
                (Debug, "dcs.tcp", ": connected ("),
                (
                    Debug,
                    "dcs.tls",
                    &format!("starting the handshake with {peer}: "),
                ),
                (Debug, "dcs.tls", "names 2 CAs; sending the configured one"),
                (Debug, "dcs.tls", ": accepted"),
                (
                    Debug,
                    "dcs.tls",
                    &format!("handshake done: {version}, TLS_"),
                ),
                (
                    Debug,
                    "dcs.http",
                    "GET /checks/passport is sent over the new",
                ),
                (
                    Debug,
                    "dcs.http",
                    "HTTP 200, 40 bytes of body; the connection is closed",
                ),
                (Info, "dcs.client", &format!("{peer}: HTTP 200 after ")),
            ],
        );

        client.status().unwrap();
        let resumed = drain();
        assert_records(
            &resumed,
            &[
                (Debug, "dcs.dns", "(cached, "),
                (Debug, "dcs.tcp", ": connected ("),
                (Debug, "dcs.tls", ": server name localhost, offering "),
                (Debug, "dcs.tls", "session resumed ("),
                (Debug, "dcs.http", "over the new connection"),
                (Debug, "dcs.http", "the connection is closed"),
                (Info, "dcs.client", "new connection, session resumed"),
            ],
        );
    }
}

#[test]
fn kept_and_dead_connections_are_logged() {
    let testbed = Testbed::from_env();
    let _turn = take_log(Level::Debug);
    let url = testbed.url("tls12_keepalive", PATH);
    // The first connection dies silently at its third request.
    let relay = Relay::with_fault(port_of(&url), Fault::Close, |record| {
        record.connection == 1
            && record.from_client
            && record.is_application_data
            && record.number == 3
    });
    let client = Client::new(&config(&testbed, &relay.url(&url))).unwrap();
    client.status().unwrap();
    drain();
    client.status().unwrap();
    assert_records(
        &drain(),
        &[
            (Debug, "dcs.http", "over an idle connection"),
            (Debug, "dcs.http", "the connection is kept"),
            (Info, "dcs.client", "connection reused"),
        ],
    );
    client.status().unwrap();
    let records = drain();
    assert_records(
        &records[..3],
        &[
            (Debug, "dcs.http", "over an idle connection"),
            (Debug, "dcs.client", "retrying on a new one"),
            (Debug, "dcs.dns", "localhost"),
        ],
    );
    assert!(records.last().unwrap().text.contains("new connection"));
}

#[test]
fn rejected_certificates_are_logged() {
    let testbed = Testbed::from_env();
    let _turn = take_log(Level::Debug);
    // The client rejects the server's.
    let url = testbed.url("tls12_close", PATH);
    let mut wrong_bundle = config(&testbed, &url);
    wrong_bundle.set_ca_bundle_file(testbed.file("other_ca_bundle"));
    failure(&wrong_bundle, Code::ServerUntrusted);
    let records = drain();
    let begin = records.iter().position(|r| r.target == "dcs.tls").unwrap();
    assert_records(
        &records[begin..],
        &[
            (Debug, "dcs.tls", "starting the handshake"),
            (Debug, "dcs.tls", "names 2 CAs"),
            (Debug, "dcs.tls", ": rejected"),
            (Debug, "dcs.tls", "failed: "),
            (Debug, "dcs.tls", "unable to get local issuer certificate"),
            (
                Level::Error,
                "dcs.client",
                "DCS_ERR_SERVER_UNTRUSTED after ",
            ),
        ],
    );

    // The server rejects the client's, with an alert and with a page.
    let expired = config_of(
        &testbed,
        &testbed.url("apache_tls12", PATH),
        "rejected_expired",
    );
    failure(&expired, Code::ClientCertRejected);
    let records = drain();
    let begin = records.iter().position(|r| r.target == "dcs.tls").unwrap();
    assert!(
        records[..begin]
            .iter()
            .any(|record| { record.level == Level::Warn && record.text.contains("expired on ") })
    );
    assert_records(
        &records[begin..],
        &[
            (Debug, "dcs.tls", "starting the handshake"),
            (Debug, "dcs.tls", "sending the configured one"),
            (
                Debug,
                "dcs.tls",
                "the server's certificate is 'CN=Example Org TLS",
            ),
            (
                Debug,
                "dcs.tls",
                "the server sent the alert CertificateExpired (45)",
            ),
            (Debug, "dcs.tls", "handshake failed: localhost:"),
            (
                Level::Error,
                "dcs.client",
                "DCS_ERR_CLIENT_CERT_REJECTED after ",
            ),
        ],
    );
    let expired = config_of(&testbed, &url, "rejected_expired");
    failure(&expired, Code::ClientCertRejected);
    let records = drain();
    assert_records(
        &records[records.len() - 2..],
        &[
            (Debug, "dcs.http", "HTTP 400, "),
            (Level::Error, "dcs.client", "DCS_ERR_CLIENT_CERT_REJECTED"),
        ],
    );

    // None is configured.
    let without_identity = config_without_identity(&testbed, &url);
    failure(&without_identity, Code::ClientCertRequired);
    assert!(
        drain()
            .iter()
            .any(|r| r.text.contains("none is configured"))
    );
}

#[test]
fn proxies_and_refused_connections_are_logged() {
    let testbed = Testbed::from_env();
    let _turn = take_log(Level::Debug);
    let url = testbed.url("tls12_close", PATH);
    let target = format!("localhost:{}", port_of(&url));
    let proxy = listen(tunnel);
    let mut config = config(&testbed, &url);
    let mut call_through = |proxy: &str| {
        config.set_proxy(Some(proxy)).unwrap();
        let client = Client::new(&config).unwrap();
        drain();
        let _ = client.status();
        drain()
    };
    let records = call_through(&format!("http://user:p%40ss@localhost:{proxy}"));
    assert_records(
        &records[..5],
        &[
            (Debug, "dcs.dns", "localhost"),
            (Debug, "dcs.tcp", &format!(":{proxy}: connected")),
            (
                Debug,
                "dcs.proxy",
                &format!("sending CONNECT {target} to localhost:{proxy}, with credentials"),
            ),
            (Debug, "dcs.proxy", "responds: HTTP 200"),
            (
                Debug,
                "dcs.tls",
                &format!("starting the handshake with {target}: "),
            ),
        ],
    );
    let records = call_through(&format!("http://localhost:{proxy}"));
    assert_records(
        &records[2..],
        &[
            (Debug, "dcs.proxy", "without credentials"),
            (Debug, "dcs.proxy", "responds: HTTP 407"),
            (Level::Error, "dcs.client", "DCS_ERR_PROXY after "),
        ],
    );
    let records = call_through("http://127.0.0.1:1");
    assert_records(
        &records,
        &[
            (Debug, "dcs.dns", "127.0.0.1 is at 127.0.0.1 (as configured"),
            (Debug, "dcs.tcp", "127.0.0.1:1: connection refused ("),
            (Level::Error, "dcs.client", "DCS_ERR_PROXY after "),
        ],
    );
}

#[test]
fn diagnosis_logs_its_result() {
    let testbed = Testbed::from_env();
    let _turn = take_log(Level::Info);
    let url = testbed.url("tls12_close", PATH);
    let expired = config_of(&testbed, &url, "rejected_expired");
    let mut missing = config(&testbed, &url);
    missing.set_private_key_file(testbed.file("missing"));
    for (config, cause) in [
        (expired, "most likely cause: DCS_CHECK_CERT_NOT_EXPIRED"),
        (missing, "most likely cause: DCS_CHECK_FILE_READABLE"),
    ] {
        let report = common::diagnose(&config);
        let failed = |finding: &&dcs::Finding| finding.outcome() == dcs::Outcome::Failed;
        let count = report.findings().iter().filter(failed).count();
        let last = [drain().pop().unwrap()];
        assert_records(&last, &[(Info, "dcs.client", cause)]);
        assert!(last[0].text.contains(&format!(": {count} check")));
    }
    // A readable key is a note at most.
    assert!(common::diagnose(&config(&testbed, &url)).cause().is_none());
    let last = [drain().pop().unwrap()];
    assert_records(&last, &[(Info, "dcs.client", "diagnosis: ")]);
    assert!(!last[0].text.contains("cause"), "{}", last[0].text);
}

#[test]
fn secrets_are_never_logged() {
    let testbed = Testbed::from_env();
    let _turn = take_log(Level::Trace);
    let proxy = listen(tunnel);
    let mut config = config(
        &testbed,
        &testbed.url("tls12_close", "/redirect?case=hidden-query"),
    );
    config
        .set_proxy(Some(&format!("http://user:p%40ss@localhost:{proxy}")))
        .unwrap();
    for key in ["client_key", "client_key_pkcs1", "client_key_encrypted"] {
        config.set_private_key_password(Some(PASSWORD));
        config.set_private_key_file(testbed.file(key));
        failure(&config, Code::Http);
        config.set_private_key(&std::fs::read(testbed.file(key)).unwrap());
        failure(&config, Code::Http);
    }
    config.set_private_key_password(Some("battery staple"));
    failure(&config, Code::Password);
    config.set_private_key(b"-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5IGF0IGFsbA==\n");
    failure(&config, Code::PrivateKey);

    let records = drain();
    let count = |part| records.iter().filter(|r| r.text.contains(part)).count();
    assert!(count("bytes read") > 10 && count("bytes written") > 10);
    assert_eq!(count("with credentials"), 6);
    let mut secrets: Vec<String> = [
        PASSWORD,
        "battery staple",
        "p%40ss",
        "p@ss",
        "dXNlcjpwQHNz",
        "hidden-query",
        "bm90IGEga2V5",
        "BEGIN",
    ]
    .map(str::to_owned)
    .into();
    for file in [
        "client_key",
        "client_key_pkcs1",
        "client_key_encrypted",
        "client_cert",
    ] {
        let content = std::fs::read_to_string(testbed.file(file)).unwrap();
        let lines = content.lines().filter(|line| !line.starts_with("-----"));
        secrets.extend(lines.map(|line| line.chars().take(16).collect()));
    }
    assert!(secrets.len() > 50);
    for record in &records {
        for secret in &secrets {
            assert!(!record.text.contains(secret), "{secret}: {record:?}");
        }
    }
}

#[test]
fn each_level_includes_the_more_severe_ones() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", PATH);
    // A call that succeeds, and one whose certificate has expired.
    let logged_at = |level: Level| {
        let _turn = take_log(level);
        call(&config(&testbed, &url)).unwrap();
        let expired = config_of(&testbed, &url, "rejected_expired");
        failure(&expired, Code::ClientCertRejected);
        let levels: Vec<Level> = drain().iter().map(|record| record.level).collect();
        Level::iter()
            .filter(|level| levels.contains(level))
            .collect::<Vec<_>>()
    };
    for level in Level::iter() {
        let expected: Vec<Level> = Level::iter().filter(|other| *other <= level).collect();
        assert_eq!(logged_at(level), expected, "{level:?}");
    }
    let _turn = take_log(Level::Info);
    logger::record(LevelFilter::Off, None);
    log_one_record();
    assert_eq!(drain(), []);
}

/// Returns a configuration with a self-signed certificate that is valid for this many days.
fn valid_for_days(testbed: &Testbed, days: u64) -> Config {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
    let end = SystemTime::now() + Duration::from_secs(days * 24 * 60 * 60 + 60);
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + end.duration_since(UNIX_EPOCH).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let mut config = Config::new();
    config.set_ca_bundle_file(testbed.file("ca_bundle"));
    config.set_certificate(certificate.pem().as_bytes());
    config.set_private_key(key.serialize_pem().as_bytes());
    config
}

#[test]
fn expiring_client_certificate_is_a_warning() {
    let testbed = Testbed::from_env();
    let _turn = take_log(Level::Warn);
    Client::new(&valid_for_days(&testbed, 31)).unwrap();
    assert_eq!(drain(), []);
    Client::new(&valid_for_days(&testbed, 29)).unwrap();
    assert_records(
        &drain(),
        &[(
            Level::Warn,
            "dcs.files",
            "the client certificate (given as bytes) expires on ",
        )],
    );
}

/// Windows has other permissions.
#[cfg(unix)]
#[test]
fn world_readable_key_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let testbed = Testbed::from_env();
    let _turn = take_log(Level::Warn);
    let key = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("open.key");
    std::fs::copy(testbed.file("client_key"), &key).unwrap();
    let mut config = config(&testbed, "https://localhost/");
    config.set_private_key_file(&key);
    for (mode, may) in [
        (0o600, None),
        (0o640, None),
        (0o644, Some("read")),
        (0o666, Some("read and write")),
    ] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        Client::new(&config).unwrap();
        let texts: Vec<_> = drain().into_iter().map(|record| record.text).collect();
        let expected = may.map(|may| {
            format!(
                "every user of this machine may {may} the private key {}",
                key.display()
            )
        });
        assert_eq!(texts, Vec::from_iter(expected));
    }
}

/// Logs one record, of level error.
fn log_one_record() {
    Client::new(&Config::new()).unwrap_err();
}

#[test]
fn logger_may_call_the_library() {
    let _turn = take_log(Level::Error);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let sink = move |line: &Line| {
        // The calls of a logger are not logged.
        log_one_record();
        sink.lock().unwrap().push(line.clone());
    };
    logger::record(LevelFilter::Error, Some(Arc::new(sink)));
    log_one_record();
    assert_records(
        &seen.lock().unwrap(),
        &[(Level::Error, "dcs.client", "DCS_ERR_CA_BUNDLE")],
    );
}

#[test]
fn no_lock_is_held_while_the_logger_runs() {
    const OTHER: &str = "called by the logger";
    let testbed = Testbed::from_env();
    let _turn = take_log(Level::Debug);
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    // So that the call of the other thread would wait for this one's.
    config.set_status_max_age_ms(1);
    config.set_reload_interval_ms(1);
    let client = Arc::new(Client::new(&config).unwrap());
    let own = client.clone();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let sink = move |line: &Line| {
        if thread::current().name() == Some(OTHER) {
            return;
        }
        let (client, (done, finished)) = (own.clone(), mpsc::channel());
        let other = move || {
            client.reload().unwrap();
            client.status().unwrap();
            done.send(()).unwrap();
        };
        let started = thread::Builder::new().name(OTHER.to_owned()).spawn(other);
        started.unwrap();
        assert_eq!(finished.recv_timeout(WATCHDOG), Ok(()), "{line:?}");
        sink.lock().unwrap().push(line.clone());
    };
    logger::record(LevelFilter::Debug, Some(Arc::new(sink)));
    client.reload().unwrap();
    let has = |part| {
        let seen = seen.lock().unwrap();
        seen.iter().any(|line: &Line| line.text.contains(part))
    };
    // The other thread's status may be fresh enough.
    wait_until(|| client.status().is_ok() && has("HTTP 200 after"));
    logger::record(LevelFilter::Off, None);
    for part in ["RSA 2048 key", "the files are reloaded", "handshake done"] {
        assert!(has(part), "{part}");
    }
}

#[test]
fn records_that_waited_keep_their_number_and_order() {
    let testbed = Testbed::from_env();
    let _turn = take_log(Level::Debug);
    let url = testbed.url("tls12_close", PATH);
    let mut config = config(&testbed, &url);
    let texts = |config: &Config| {
        let client = Client::new(config).unwrap();
        drain();
        client.status().unwrap();
        let targets = drain().into_iter().map(|record| record.target);
        targets.collect::<Vec<_>>()
    };
    let at_once = texts(&config);
    config.set_status_max_age_ms(1);
    assert_eq!(texts(&config), at_once);
}

#[test]
fn panic_in_a_logger_does_not_affect_the_client() {
    let testbed = Testbed::from_env();
    let _turn = take_log(Level::Trace);
    let client = Client::new(&config(&testbed, &testbed.url("tls13_close", PATH))).unwrap();
    // Bypasses the standard library's panic hook, which would print the panic.
    let sink = |line: &Line| std::panic::resume_unwind(Box::new(line.text.clone()));
    logger::record(LevelFilter::Trace, Some(Arc::new(sink)));
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| client.status()));
    assert!(outcome.is_err(), "nothing was logged");
    logger::record(LevelFilter::Info, None);
    drain();
    assert!(client.status().unwrap().available());
    assert_eq!(drain().len(), 1);
}

#[test]
fn call_inside_a_sink_does_not_affect_the_outer_call() {
    let testbed = Testbed::from_env();
    let _turn = take_log(Level::Debug);
    // The inner call resumes its session, so the server does not ask it for a certificate. The sink interrupts the outer
    // call after the server has asked for one, and its error reports that request.
    let inner = Client::new(&config(&testbed, &testbed.url("tls12_close", PATH))).unwrap();
    inner.status().unwrap();
    drain();
    let calls = Arc::new(Mutex::new(0));
    let count = calls.clone();
    let sink = move |line: &Line| {
        if line.target == "dcs.tls" {
            assert!(inner.status().unwrap().connection().session_resumed);
            *count.lock().unwrap() += 1;
        }
    };
    logger::record(LevelFilter::Debug, Some(Arc::new(sink)));
    let without_identity = config_without_identity(&testbed, &testbed.url("apache_tls12", PATH));
    let error = call(&without_identity).unwrap_err();
    logger::record(LevelFilter::Off, None);
    assert_eq!(error.code(), Code::ClientCertRequired, "{error}");
    assert!(*calls.lock().unwrap() >= 3);
}
