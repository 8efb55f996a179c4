//! The built `dcs sandbox`, asked by curl and openssl: clients that share no code with it.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The command without arguments of its own.
fn dcs_sandbox() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dcs"));
    command.arg("sandbox");
    command
}

/// A running sandbox with a folder of its own; stopped and removed at the end.
struct Sandbox {
    child: Child,
    folder: PathBuf,
    url: String,
}

impl Sandbox {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let folder = folder(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self::start_in(folder, arguments)
    }

    fn start_in(folder: PathBuf, arguments: &[&str]) -> Self {
        let env_file = folder.join("env");
        let _ = fs::remove_file(&env_file);
        let child = dcs_sandbox()
            .arg("--dir")
            .arg(folder.join("pki"))
            .arg("--env-file")
            .arg(&env_file)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let give_up = Instant::now() + Duration::from_secs(60);
        let exports = loop {
            match fs::read_to_string(&env_file) {
                Ok(text) => break text,
                Err(_) => assert!(Instant::now() < give_up, "the sandbox did not start"),
            }
            std::thread::yield_now();
        };
        let url = exports.lines().next().unwrap();
        let url = url.strip_prefix("export DCS_URL='").unwrap();
        Sandbox {
            child,
            url: url.strip_suffix('\'').unwrap().to_owned(),
            folder,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join("pki").join(name)
    }

    /// Runs curl with a certificate and key, or with none.
    fn curl(&self, pair: Option<(&str, &str)>, query: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new("curl");
        command
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "20",
                "--include",
                "--cacert",
            ])
            .arg(self.file("ca-bundle.pem"))
            .args(arguments);
        if let Some((certificate, key)) = pair {
            command.arg("--cert").arg(self.file(certificate));
            command.arg("--key").arg(self.file(key));
        }
        command
            .arg(format!("{}{query}", self.url))
            .output()
            .unwrap()
    }

    fn get(&self, query: &str) -> String {
        text(&self.curl(GOOD, query, &[]).stdout)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

const GOOD: Option<(&str, &str)> = Some(("client.pem", "client.key"));

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sandbox-{name}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_documented_answer() {
    let sandbox = Sandbox::start("documented", &[]);
    let answer = sandbox.get("");
    for line in [
        "HTTP/1.1 200 OK\r\n",
        "\r\nContent-Type: application/json\r\n",
        "\r\nContent-Length: 40\r\n",
        "\r\nConnection: close\r\n",
    ] {
        assert!(answer.contains(line), "{answer}");
    }
    assert!(
        answer.ends_with("\r\n\r\n{\"available\":true,\"scheduledOutages\":[]}"),
        "{answer}"
    );
    let head = text(&sandbox.curl(GOOD, "", &["--head"]).stdout);
    assert!(
        head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    let newer = sandbox.curl(GOOD, "", &["--tlsv1.3"]);
    assert!(!newer.status.success(), "TLS 1.2 is the default");
    let post = text(&sandbox.curl(GOOD, "", &["--data", "x"]).stdout);
    assert!(post.contains("HTTP/1.1 405"), "{post}");
    let other = text(&sandbox.curl(GOOD, "/other", &[]).stdout);
    assert!(other.contains("HTTP/1.1 404"), "{other}");
}

#[test]
fn every_answer_by_name() {
    let sandbox = Sandbox::start("answers", &["--retry-after", "9"]);
    for (name, parts) in [
        ("available", &["200", "\"available\":true"][..]),
        ("unavailable", &["200", "false", "Unplanned outage"]),
        (
            "planned-outage",
            &["200", "false", "Planned outage in progress finishing 20"],
        ),
        (
            "scheduled-outages",
            &["200", "true", "\"start\":\"2030-01-01T12:30:00.000Z\""],
        ),
        ("limit-exceeded", &["200", "false", "Limit exceeded"]),
        ("bad-request", &["400 Bad Request"]),
        (
            "quota-exceeded",
            &["403", "DCS-Quota-Limit: 1000", "DCS-Quota-Remaining: 0"],
        ),
        ("not-found", &["404"]),
        (
            "rate-limited",
            &["429", "Retry-After: 9", "X-RateLimit-Remaining: 0"],
        ),
        ("internal-error", &["500"]),
        ("over-capacity", &["503", "Retry-After: 9"]),
        ("not-json", &["200", "text/html"]),
        ("nonsense", &["400", "no such answer: nonsense"]),
    ] {
        let answer = sandbox.get(&format!("?answer={name}"));
        for part in parts {
            assert!(answer.contains(part), "{name}: {answer}");
        }
    }
    let by_default = Sandbox::start("by-default", &["--answer", "over-capacity"]);
    assert!(by_default.get("").contains("503"));
    assert!(by_default.get("?answer=available").contains("200 OK"));
}

#[test]
fn client_certificates_are_turned_down_as_nginx_does_it() {
    for tls in ["1.2", "1.3"] {
        let sandbox = Sandbox::start(&format!("page-{tls}"), &["--tls", tls]);
        for (pair, title) in [
            (None, "No required SSL certificate was sent"),
            (
                Some(("wrong-client.pem", "wrong-client.key")),
                "The SSL certificate error",
            ),
            (
                Some(("expired-client.pem", "client.key")),
                "The SSL certificate error",
            ),
        ] {
            let answer = text(&sandbox.curl(pair, "", &[]).stdout);
            assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
            assert!(
                answer.contains(&format!("<title>400 {title}</title></head>\r\n")),
                "{answer}"
            );
            assert!(answer.contains("Connection: close"), "{answer}");
        }
        assert!(sandbox.get("").contains("200 OK"));
        let untrusted = Command::new("curl")
            .args(["--silent", "--show-error", "--cacert"])
            .arg(sandbox.file("wrong-ca-bundle.pem"))
            .arg(&sandbox.url)
            .output()
            .unwrap();
        let message = text(&untrusted.stderr);
        assert!(
            message.contains("unable to get local issuer certificate"),
            "{message}"
        );
    }
}

#[test]
fn client_certificates_are_turned_down_with_an_alert() {
    for tls in ["1.2", "1.3"] {
        let sandbox = Sandbox::start(
            &format!("alert-{tls}"),
            &["--tls", tls, "--reject-with", "alert"],
        );
        for pair in [None, Some(("wrong-client.pem", "wrong-client.key"))] {
            let output = sandbox.curl(pair, "", &[]);
            assert!(!output.status.success());
            assert!(text(&output.stderr).contains("alert"), "{output:?}");
        }
        assert!(sandbox.get("").contains("200 OK"));
    }
}

#[test]
fn plain_http_gets_a_page_too() {
    let sandbox = Sandbox::start("plain", &[]);
    let output = Command::new("curl")
        .args(["--silent", "--include", "--max-time", "20"])
        .arg(sandbox.url.replace("https:", "http:"))
        .output()
        .unwrap();
    let answer = text(&output.stdout);
    assert!(
        answer.contains("The plain HTTP request was sent to HTTPS port"),
        "{answer}"
    );
}

#[test]
fn connections_are_kept_only_where_asked_for() {
    for (arguments, connects) in [(&[][..], "11"), (&["--keep-alive"], "10")] {
        let sandbox = Sandbox::start(&format!("keep-{connects}"), arguments);
        let url = sandbox.url.clone();
        let output = sandbox.curl(GOOD, "", &["--write-out", "%{num_connects}", &url]);
        let counts: String = text(&output.stdout)
            .split("\"scheduledOutages\":[]}")
            .filter_map(|part| part.chars().next())
            .filter(char::is_ascii_digit)
            .collect();
        assert_eq!(counts, connects);
    }
}

#[test]
fn sessions_are_resumed() {
    let sandbox = Sandbox::start("resumed", &[]);
    let output = Command::new("openssl")
        .args([
            "s_client",
            "-reconnect",
            "-tls1_2",
            "-servername",
            "localhost",
            "-connect",
        ])
        .arg(
            sandbox
                .url
                .strip_prefix("https://")
                .unwrap()
                .split('/')
                .next()
                .unwrap(),
        )
        .arg("-cert")
        .arg(sandbox.file("client.pem"))
        .arg("-key")
        .arg(sandbox.file("client.key"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        text(&output.stdout).contains("\nReused, TLSv1.2"),
        "{output:?}"
    );
}

#[test]
fn a_folder_is_used_again_and_a_strangers_is_refused() {
    let sandbox = Sandbox::start("again", &[]);
    let before = fs::read(sandbox.file("client.pem")).unwrap();
    let copy = folder("again-copy");
    let _ = fs::remove_dir_all(&copy);
    fs::create_dir_all(copy.join("pki")).unwrap();
    for entry in fs::read_dir(sandbox.folder.join("pki")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.join("pki").join(path.file_name().unwrap())).unwrap();
    }
    let again = Sandbox::start_in(copy, &[]);
    assert_eq!(fs::read(again.file("client.pem")).unwrap(), before);
    assert!(again.get("").contains("200 OK"));

    let stranger = folder("stranger");
    fs::create_dir_all(&stranger).unwrap();
    fs::write(stranger.join("mine.txt"), "mine").unwrap();
    let output = dcs_sandbox().arg("--dir").arg(&stranger).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("did not make"), "{output:?}");
    assert_eq!(fs::read_dir(&stranger).unwrap().count(), 1);
    fs::remove_dir_all(&stranger).unwrap();
}

#[test]
fn keys_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::start("mode", &[]);
    for name in ["client.key", "server.key", "wrong-client.key"] {
        let mode = fs::metadata(sandbox.file(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn what_cannot_be_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let dir = folder("taken");
    let output = dcs_sandbox()
        .args(["--port", &port, "--dir"])
        .arg(&dir)
        .output()
        .unwrap();
    let _ = fs::remove_dir_all(&dir);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--port"), "{output:?}");
    let output = dcs_sandbox().args(["--host", "0.0.0.0"]).output().unwrap();
    assert!(text(&output.stderr).contains("loopback"), "{output:?}");
    let help = dcs_sandbox().arg("--help").output().unwrap();
    assert!(text(&help.stdout).contains("Examples:"), "{help:?}");
}
