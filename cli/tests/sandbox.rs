//! Tests the built `dcs sandbox` with curl and openssl, which share no code with it.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

/// Returns the command with no further arguments.
fn dcs_sandbox() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dcs"));
    command.arg("sandbox");
    command
}

/// Starts a sandbox that keeps its files in a folder, and waits until it is listening.
fn spawn(folder: &Path, arguments: &[&str]) -> Child {
    let mut child = dcs_sandbox()
        .arg("--dir")
        .arg(folder.join("pki"))
        .arg("--env-file")
        .arg(folder.join("env"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Its output fits into the pipe, which stays open as long as the child is kept.
    let mut line = [0; 25];
    let out = child.stdout.as_mut().unwrap();
    out.read_exact(&mut line)
        .expect("the sandbox did not start");
    assert_eq!(text(&line), "The sandbox is listening.");
    child
}

/// Returns the certificates of one sandbox, which the others copy: creating the RSA keys takes seconds.
fn shared_pki() -> &'static Path {
    static PKI: OnceLock<PathBuf> = OnceLock::new();
    PKI.get_or_init(|| {
        let folder = folder("shared");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let mut child = spawn(&folder, &[]);
        child.kill().unwrap();
        child.wait().unwrap();
        folder.join("pki")
    })
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
        let pki = folder.join("pki");
        fs::create_dir_all(&pki).unwrap();
        for entry in fs::read_dir(shared_pki()).unwrap() {
            let file = entry.unwrap().path();
            fs::copy(&file, pki.join(file.file_name().unwrap())).unwrap();
        }
        let child = spawn(&folder, arguments);
        let exports = fs::read_to_string(folder.join("env")).unwrap();
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
fn documented_answer() {
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
fn rejects_client_certificates_with_nginxs_page() {
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
fn rejects_client_certificates_with_an_alert() {
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
fn sends_nginxs_page_to_plain_http() {
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
fn keeps_connections_alive_only_with_the_flag() {
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
fn resumes_sessions() {
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
fn uses_its_folder_again_and_rejects_other_folders() {
    let sandbox = Sandbox::start("again", &[]);
    let before = fs::read(shared_pki().join("client.pem")).unwrap();
    assert_eq!(fs::read(sandbox.file("client.pem")).unwrap(), before);
    assert!(sandbox.get("").contains("200 OK"));

    let other = folder("other");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("mine.txt"), "mine").unwrap();
    let output = dcs_sandbox().arg("--dir").arg(&other).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("did not create"),
        "{output:?}"
    );
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
    fs::remove_dir_all(&other).unwrap();
}

#[test]
fn keys_are_readable_by_their_owner_only() {
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
fn writes_the_settings_through_no_link_and_over_no_foreign_file() {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    let sandbox = Sandbox::start("env", &[]);
    let (env, victim) = (sandbox.folder.join("env"), sandbox.folder.join("victim"));
    fs::write(&victim, "before").unwrap();
    let start = || {
        let mut child = dcs_sandbox()
            .arg("--dir")
            .arg(sandbox.folder.join("pki"))
            .arg("--env-file")
            .arg(&env)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A sandbox that starts would never end.
        if child.stdout.as_mut().unwrap().read(&mut [0]).unwrap() > 0 {
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        text(&output.stderr)
    };
    fs::remove_file(&env).unwrap();
    symlink(&victim, &env).unwrap();
    assert!(start().contains("it is a symbolic link"));

    fs::remove_file(&env).unwrap();
    fs::write(&env, "before").unwrap();
    match chown(&env, Some(12_345), None) {
        Ok(()) => assert!(start().contains("it is a file of another user")),
        Err(error) => eprintln!("skipped: only root may give a file to another user ({error})"),
    }

    // Nor through a link beside it, and with the permissions of a new file.
    fs::remove_file(&env).unwrap();
    fs::write(&env, "before").unwrap();
    fs::set_permissions(&env, fs::Permissions::from_mode(0o4777)).unwrap();
    for name in ["env.new", "env.tmp", ".env"] {
        symlink(&victim, sandbox.folder.join(name)).unwrap();
    }
    let mut child = spawn(&sandbox.folder, &[]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(fs::read_to_string(&env).unwrap().starts_with("export "));
    assert_eq!(fs::metadata(&env).unwrap().permissions().mode() & 0o7111, 0);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "before");
}

#[test]
fn a_temporary_folder_cannot_be_prepared_by_others() {
    use std::os::unix::fs::PermissionsExt;
    let parent = folder("tmpdir");
    let _ = fs::remove_dir_all(&parent);
    fs::create_dir_all(&parent).unwrap();
    let start = || {
        // It creates its folder, and then fails.
        let output = dcs_sandbox()
            .args(["--env-file", "/nonexistent/env"])
            .env("TMPDIR", &parent)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
    };
    start();
    let created = fs::read_dir(&parent).unwrap().next().unwrap().unwrap();
    let mode = created.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
    fs::remove_dir_all(&parent).unwrap();
}

#[test]
fn reports_invalid_arguments() {
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
