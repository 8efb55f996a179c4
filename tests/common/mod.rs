//! What the tests against real servers share.

// Each test file uses its own part of this.
#![allow(dead_code)]

pub mod abi_sequence;
/// The compilers are those of the building machine, which the tests of a Windows program do not have.
#[cfg(unix)]
pub mod c;
pub mod harmless;
pub mod https;
pub mod kept;
pub mod logger;
pub mod loopback;
pub mod proxy;
pub mod records;
pub mod relay;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use dcs::{Client, Code, Config, Error, Report, Status};
use dcs_testbed::Testbed;

/// A configuration with the testbed's CA bundle and good client certificate.
pub fn config(testbed: &Testbed, url: &str) -> Config {
    let mut config = config_without_identity(testbed, url);
    config.set_certificate_file(testbed.file("client_cert"));
    config.set_private_key_file(testbed.file("client_key"));
    config
}

/// A configuration with the testbed's CA bundle only.
pub fn config_without_identity(testbed: &Testbed, url: &str) -> Config {
    let mut config = Config::new();
    config.set_url(url).unwrap();
    config.set_ca_bundle_file(testbed.file("ca_bundle"));
    config
}

/// A configuration with a named pair of files, `NAME_cert` and `NAME_key`.
pub fn config_of(testbed: &Testbed, url: &str, name: &str) -> Config {
    let mut config = config_without_identity(testbed, url);
    config.set_certificate_file(testbed.file(&format!("{name}_cert")));
    config.set_private_key_file(testbed.file(&format!("{name}_key")));
    config
}

/// Which of the three files a test replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    Bundle,
    Certificate,
    Key,
}

impl Slot {
    pub fn set(self, config: &mut Config, path: &Path) {
        match self {
            Slot::Bundle => config.set_ca_bundle_file(path),
            Slot::Certificate => config.set_certificate_file(path),
            Slot::Key => config.set_private_key_file(path),
        }
    }
}

/// Diagnoses a configuration in which no option was rejected.
pub fn diagnose(config: &Config) -> Report {
    dcs::diagnose(config).unwrap()
}

/// Makes a client and one call.
pub fn call(config: &Config) -> Result<Status, Error> {
    Client::new(config)?.status()
}

/// Makes a client and one call that must fail with the code, in words that name what it is about.
#[track_caller]
pub fn failure(config: &Config, code: Code) -> Error {
    let error = call(config).expect_err("the call succeeded");
    assert_eq!(error.code(), code, "{error}");
    assert!(error.message().ends_with('.'), "{error}");
    assert!(error.hint().len() > 20, "{error}");
    error
}

/// A port of 127.0.0.1 where nothing answers a SYN, as behind a firewall: the listener's queue is full. It is so
/// for as long as what comes with it is kept.
pub fn full_listener() -> ((socket2::Socket, Vec<TcpStream>), u16) {
    use socket2::{Domain, Socket, Type};

    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
        .unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queued.push(stream);
    }
    ((socket, queued), address.port())
}

/// Fails where a line of the file's content, other than a PEM label, is part of the error.
#[track_caller]
pub fn assert_no_content(error: &Error, path: &Path) {
    if let Ok(content) = std::fs::read(path) {
        assert_nothing_of(error, &content);
    }
}

/// Fails where a line of the content, other than a PEM label, is part of the error.
#[track_caller]
pub fn assert_nothing_of(error: &Error, content: &[u8]) {
    let text = format!("{error} {error:?}");
    for line in String::from_utf8_lossy(content).lines() {
        let line = line.trim();
        if line.len() >= 8 && !line.starts_with("-----") {
            let part: String = line.chars().take(16).collect();
            assert!(!text.contains(&part), "{text}");
        }
    }
}

/// Runs openssl on an input and returns what it writes.
pub fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
