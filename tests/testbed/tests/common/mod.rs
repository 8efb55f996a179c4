//! A testbed for one test, and calls to it with OpenSSL's client and curl.

#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dcs_testbed::{Running, Testbed};

/// The documented response to the status call.
pub const STATUS: &str = r#"{"available":true,"scheduledOutages":[]}"#;

/// OpenSSL's alert for each rejected certificate, the same in TLS 1.2 and 1.3.
pub const ALERTS: [(&str, u8); 7] = [
    ("wrong_ca", 48),
    ("expired", 45),
    ("not_yet_valid", 42),
    ("self_signed", 48),
    ("revoked", 44),
    ("no_client_auth", 43),
    ("missing_intermediate", 48),
];

/// The outcome of a call with curl.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    /// A fatal alert of the server, by its number.
    Alert(u32),
    /// nginx's error page for certificates.
    Page,
    /// curl rejected the files and made no connection.
    NotSent,
    Other,
}

/// A running testbed. Dropping it removes its directory.
pub struct Bed {
    running: Option<Running>,
    dir: PathBuf,
}

impl Bed {
    pub fn start(name: &str) -> Self {
        let dir =
            std::env::temp_dir().join(format!("dcs-testbed-test-{name}-{}", std::process::id()));
        match Testbed::start(&dir) {
            Ok(running) => Self {
                running: Some(running),
                dir,
            },
            Err(error) => panic!("{error}"),
        }
    }

    pub fn testbed(&self) -> &Testbed {
        self.running
            .as_ref()
            .expect("runs until it is dropped")
            .testbed()
    }

    /// Returns the current content of a log.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.testbed().log(name)).expect("a log")
    }

    /// Returns host and port of a listener.
    pub fn address(&self, listener: &str) -> String {
        address(self.testbed(), listener)
    }

    /// Returns a call that presents all certificates of `<name>_cert`, with `<name>_key`.
    pub fn call<'a>(&'a self, listener: &str, name: &str) -> Call<'a> {
        let cert = self.testbed().file(&format!("{name}_cert"));
        self.leaf_call(listener, name)
            .with_file("-cert_chain", &cert)
    }

    /// Returns a call that presents the first certificate of `<name>_cert`, and its issuers from the CA file.
    pub fn leaf_call<'a>(&'a self, listener: &str, name: &str) -> Call<'a> {
        let cert = self.testbed().file(&format!("{name}_cert"));
        let key = self.testbed().file(&format!("{name}_key"));
        self.anonymous_call(listener)
            .with_file("-cert", &cert)
            .with_file("-key", &key)
    }

    /// Requests the status with curl, which presents `identity` (certificate, key) and trusts `ca`. Returns the outcome
    /// and curl's output.
    pub fn curl(
        &self,
        listener: &str,
        ca: &str,
        identity: Option<(&str, &str)>,
        query: &str,
    ) -> (Outcome, String) {
        let url = self.testbed().url(listener, "/checks/passport");
        let mut command = Command::new("curl");
        command
            .args(["-q", "-siv", "--noproxy", "*", "--max-time", "300"])
            .arg(format!("{url}{query}"))
            .arg("--cacert")
            .arg(self.testbed().file(ca));
        if let Some((certificate, key)) = identity {
            command
                .arg("--cert")
                .arg(self.testbed().file(certificate))
                .arg("--key")
                .arg(self.testbed().file(key));
        }
        let output = command.output().expect("curl runs");
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
        // curl prints the level and the alert as one number; a fatal alert's level is 2.
        let fatal_alert = text.lines().find_map(|line| {
            let (_, number) = line
                .split_once(" (IN), TLS alert, ")?
                .1
                .trim_end_matches("):")
                .rsplit_once('(')?;
            number.parse::<u32>().ok()?.checked_sub(2 << 8)
        });
        let outcome = match (fatal_alert, output.status.code()) {
            (Some(alert), _) => Outcome::Alert(alert),
            (None, Some(58)) => Outcome::NotSent,
            (None, Some(0)) if text.ends_with(STATUS) => Outcome::Accepted,
            (None, Some(0)) if text.contains("<title>400 The SSL certificate error") => {
                Outcome::Page
            }
            _ => Outcome::Other,
        };
        (outcome, text)
    }

    /// Returns a call that presents no certificate.
    pub fn anonymous_call<'a>(&'a self, listener: &str) -> Call<'a> {
        let call = Call {
            bed: self,
            listener: listener.to_owned(),
            arguments: Vec::new(),
        };
        call.with_file("-CAfile", &self.testbed().file("ca_root_only"))
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.running.take();
        // A directory that remains does no harm.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Returns host and port of a listener.
pub fn address(testbed: &Testbed, listener: &str) -> String {
    let url = testbed.url(listener, "");
    let port = url.rsplit(':').next().expect("a port");
    format!("127.0.0.1:{port}")
}

/// A run of `openssl s_client`.
pub struct Call<'a> {
    bed: &'a Bed,
    listener: String,
    arguments: Vec<String>,
}

impl Call<'_> {
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    pub fn with_file(self, option: &str, file: &Path) -> Self {
        let file = file.display().to_string();
        self.with(&[option, &file])
    }

    /// Requests the paths on one connection; returns OpenSSL's output.
    pub fn get(self, paths: &[&str]) -> String {
        let mut requests = String::new();
        for (number, path) in paths.iter().enumerate() {
            let close = if number + 1 == paths.len() {
                "Connection: close\r\n"
            } else {
                ""
            };
            requests.push_str(&format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\n{close}\r\n"
            ));
        }
        let mut child = Command::new("timeout")
            .args([
                "300",
                "openssl",
                "s_client",
                "-ign_eof",
                "-connect",
                &self.bed.address(&self.listener),
            ])
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("openssl runs");
        // Fails if the handshake fails.
        let _ = child
            .stdin
            .take()
            .expect("piped")
            .write_all(requests.as_bytes());
        let output = child.wait_with_output().expect("openssl ends");
        assert_ne!(
            output.status.code(),
            Some(124),
            "{} did not respond in time",
            self.listener
        );
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        text
    }
}
