//! Shared by the tests against real servers: configurations, calls, servers and relays.

// Each test binary uses a part of this.
#![allow(dead_code)]

pub mod abi_sequence;
/// Unix only: a test that runs as a Windows program has no compiler.
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
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use dcs::{Client, Code, Config, Error, Report, Status};
use dcs_testbed::Testbed;
use socket2::{Domain, Socket, Type};

/// Returns a configuration with the testbed's CA bundle and good client certificate.
pub fn config(testbed: &Testbed, url: &str) -> Config {
    let mut config = config_without_identity(testbed, url);
    config.set_certificate_file(testbed.file("client_cert"));
    config.set_private_key_file(testbed.file("client_key"));
    config
}

/// Returns a configuration with the testbed's CA bundle only.
pub fn config_without_identity(testbed: &Testbed, url: &str) -> Config {
    let mut config = Config::new();
    config.set_url(url).unwrap();
    config.set_ca_bundle_file(testbed.file("ca_bundle"));
    config
}

/// Returns a configuration with the testbed's files `NAME_cert` and `NAME_key`.
pub fn config_of(testbed: &Testbed, url: &str, name: &str) -> Config {
    let mut config = config_without_identity(testbed, url);
    config.set_certificate_file(testbed.file(&format!("{name}_cert")));
    config.set_private_key_file(testbed.file(&format!("{name}_key")));
    config
}

/// The file that a test replaces.
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

/// Creates a client and makes one call.
pub fn call(config: &Config) -> Result<Status, Error> {
    Client::new(config)?.status()
}

/// Creates a client and makes one call, which must fail with the code, a whole sentence and a hint.
#[track_caller]
pub fn failure(config: &Config, code: Code) -> Error {
    let error = call(config).expect_err("the call succeeded");
    assert_eq!(error.code(), code, "{error}");
    assert!(error.message().ends_with('.'), "{error}");
    assert!(error.hint().len() > 20, "{error}");
    error
}

/// The timeout of a call that should not wait for it, and the time after which a test gives up. Far above what a busy
/// machine needs: it passes only if something hangs.
pub const WATCHDOG: Duration = Duration::from_millis(WATCHDOG_MS as u64);
pub const WATCHDOG_MS: u32 = 120_000;

/// Calls the function until it returns true.
#[track_caller]
pub fn wait_until(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < WATCHDOG);
        thread::yield_now();
    }
}

/// Runs a test of a timeout, in milliseconds, with longer and longer ones until it returns `Ok`. A short timeout may pass
/// too early on a busy machine: before the phase that the test is about.
#[track_caller]
pub fn with_growing_timeout<T>(mut run: impl FnMut(u32) -> Result<T, Error>) -> T {
    let mut last = None;
    for timeout_ms in [200, 1_000, 5_000, 25_000] {
        match run(timeout_ms) {
            Ok(value) => return value,
            Err(error) => last = Some(error),
        }
    }
    panic!("{}", last.unwrap())
}

/// Returns the error of a call that timed out in the phase that the message names, otherwise `Err` with the same error.
#[track_caller]
pub fn timed_out(result: Result<Status, Error>, parts: &[&str]) -> Result<Error, Error> {
    let error = result.expect_err("the call succeeded");
    assert_eq!(error.code(), Code::Timeout, "{error}");
    assert!(error.retryable());
    match parts.iter().all(|part| error.message().contains(part)) {
        true => Ok(error),
        false => Err(error),
    }
}

/// Returns a port of 127.0.0.1 that answers no SYN, as if behind a firewall: the queue of its listener is full. It stays
/// full while the first value lives.
pub fn unanswered_port() -> ((Socket, Vec<TcpStream>), u16) {
    let (socket, port) = refused_port();
    socket.listen(0).unwrap();
    let mut queued = Vec::new();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // On the loopback a connection is made at once, or never.
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queued.push(stream);
    }
    ((socket, queued), port)
}

/// Returns a port of 127.0.0.1 that refuses connections. It stays reserved while the socket lives.
pub fn refused_port() -> (Socket, u16) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address.port())
}

/// Reads from a client until it gives up, and sends nothing.
pub fn never_answer(mut stream: TcpStream) {
    let _ = std::io::copy(&mut stream, &mut std::io::sink());
}

/// A folder of a test's own that every user may enter. Dropping it removes it.
pub struct TempFolder(PathBuf);

impl TempFolder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dcs-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        TempFolder(path)
    }

    /// Returns the path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Returns the arguments with which this binary runs one test, by its full name, in a process of its own.
pub fn one_test(name: &str) -> [&str; 3] {
    ["--exact", name, "--nocapture"]
}

/// Fails if a line of the file's content, other than a PEM label, is part of the error.
#[track_caller]
pub fn assert_no_content(error: &Error, path: &Path) {
    if let Ok(content) = std::fs::read(path) {
        assert_nothing_of(error, &content);
    }
}

/// Fails if a line of the content, other than a PEM label, is part of the error.
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

/// Runs openssl on an input and returns its output.
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
