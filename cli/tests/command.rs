//! Tests the built `dcs` against real servers, with openssl as the reference.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use dcs_testbed::{PASSWORD, Testbed};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_dcs");

/// Returns the command with an empty environment.
fn dcs(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().args(arguments).stdin(Stdio::null());
    // `make coverage` collects its counters there.
    if let Some(file) = std::env::var_os("LLVM_PROFILE_FILE") {
        command.env("LLVM_PROFILE_FILE", file);
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    dcs(arguments).output().unwrap()
}

/// Returns the command with the testbed's good settings in the environment.
fn configured(testbed: &Testbed, path: &str, arguments: &[&str]) -> Command {
    let mut command = dcs(arguments);
    command
        .env("DCS_URL", testbed.url("tls12_close", path))
        .env("DCS_CA_BUNDLE", testbed.file("ca_bundle"))
        .env("DCS_CERTIFICATE", testbed.file("client_cert"))
        .env("DCS_PRIVATE_KEY", testbed.file("client_key"));
    command
}

/// Runs the command with the testbed's good settings, which must end with this exit code.
#[track_caller]
fn call(testbed: &Testbed, path: &str, arguments: &[&str], exit: i32) -> Output {
    let output = configured(testbed, path, arguments).output().unwrap();
    assert_exit(&output, exit);
    output
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[track_caller]
fn assert_exit(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(!err(output).contains("panicked"), "{output:?}");
}

fn path(testbed: &Testbed, name: &str) -> String {
    testbed.file(name).to_str().unwrap().to_owned()
}

/// Creates an empty folder for one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("command-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// Fails if the output contains a line of the key's file, other than a PEM label, or the testbed's password.
#[track_caller]
fn assert_no_secret(output: &Output, key: &Path) {
    let printed = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!printed.contains(PASSWORD), "{printed}");
    for line in fs::read_to_string(key).unwrap().lines() {
        if line.len() >= 16 && !line.starts_with("-----") {
            assert!(!printed.contains(&line[..16]), "{printed}");
        }
    }
}

// The command line.

#[test]
fn help_lists_commands_flags_and_variables() {
    let help = out(&run(&["--help"]));
    for word in [
        "status",
        "diagnose",
        "inspect",
        "convert-key",
        "thumbprint",
        "sandbox",
        "completions",
        "man",
        "Exit status:\n  0  ",
        "  4  ",
        "DCS_URL",
        "DCS_CA_BUNDLE",
        "DCS_CERTIFICATE",
        "DCS_PRIVATE_KEY ",
        "DCS_PRIVATE_KEY_PASSWORD",
        "DCS_PROXY",
        "DCS_TIMEOUT_MS",
        "DCS_CONNECT_TIMEOUT_MS",
        "NO_COLOR",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
    for (command, words) in [
        (
            "status",
            &[
                "--cacert",
                "--cert",
                "--key",
                "list of processes",
                "--pass-file",
                "--proxy",
                "--connect-timeout",
                "-m, --max-time",
                "-v, --verbose",
                "--url",
                "--json",
                "DCS_URL",
                "Exit status",
            ][..],
        ),
        ("diagnose", &["--html", "--redact", "--json", "--color"]),
        ("inspect", &["--json", "--pass-file"]),
        ("convert-key", &["--out", "--force", "0600"]),
        ("thumbprint", &["--all"]),
        (
            "sandbox",
            &["--dir", "--port", "--env-file", "rate-limited"],
        ),
    ] {
        let output = run(&[command, "--help"]);
        assert_exit(&output, 0);
        let help = out(&output);
        for word in words {
            assert!(help.contains(word), "{command}, {word}: {help}");
        }
    }
    let version = out(&run(&["--version"]));
    assert_eq!(version, concat!("dcs ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn usage_errors() {
    for (arguments, words) in [
        (&[][..], "Usage: dcs"),
        (&["statsu"], "dcs: unrecognized subcommand 'statsu'"),
        (&["status", "--jsn"], "'--json'"),
        (
            &["status", "https://a/", "--url", "https://b/"],
            "cannot be used with",
        ),
        (
            &["status", "--pass", "x", "--pass-file", "y"],
            "cannot be used with",
        ),
        (&["status", "--max-time", "0"], "number of seconds"),
        (
            &["status", "--connect-timeout", "soon"],
            "number of seconds",
        ),
        (
            &["status", "http://example.org/"],
            "dcs: The URL 'http://example.org/' is not https.\n",
        ),
        (&["status", "--proxy", "proxy:3128"], "proxy URL"),
        (&["diagnose", "--color", "sometimes"], "always"),
        (&["inspect"], "FILE"),
        (
            &["convert-key"],
            "dcs: There is no private key to convert.\n",
        ),
        (&["convert-key", "--force"], "--out"),
        (&["thumbprint"], "DCS_CERTIFICATE"),
        (&["completions", "tcsh"], "bash"),
    ] {
        let output = run(arguments);
        assert_exit(&output, 2);
        assert_eq!(out(&output), "", "{arguments:?}");
        assert!(
            err(&output).contains(words),
            "{arguments:?}: {}",
            err(&output)
        );
    }
}

#[test]
fn usage_errors_as_json() {
    for command in ["status", "diagnose"] {
        let output = run(&[command, "--json", "http://example.org/"]);
        assert_exit(&output, 2);
        let error = &json(&output)["error"];
        assert_eq!(error["code"], "DCS_ERR_INVALID_ARGUMENT");
        assert_eq!(err(&output), "");
    }
}

#[test]
fn names_an_invalid_variable() {
    let output = dcs(&["status"])
        .env("DCS_TIMEOUT_MS", "soon")
        .output()
        .unwrap();
    assert_exit(&output, 2);
    assert!(err(&output).contains("DCS_TIMEOUT_MS"), "{output:?}");
}

#[test]
fn closed_pipe_is_no_error() {
    let testbed = Testbed::from_env();
    for mut command in [
        dcs(&["man"]),
        dcs(&["--help"]),
        dcs(&["completions", "bash"]),
        configured(&testbed, "/checks/passport", &["status"]),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command.stdout(writer).output().unwrap();
        assert_exit(&output, 0);
        assert_eq!(err(&output), "");
    }
}

#[test]
fn full_disk_is_an_error() {
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = dcs(&["man"]).stdout(full).output().unwrap();
    assert_exit(&output, 1);
    assert!(err(&output).starts_with("dcs: Standard output cannot be written to"));
}

#[test]
fn shell_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = run(&["completions", shell]);
        assert_exit(&output, 0);
        for word in ["convert-key", "max-time", "thumbprint", "retry-after"] {
            assert!(out(&output).contains(word), "{shell}");
        }
    }
    // bash can load them, and they complete.
    let script = folder("completions").join("dcs.bash");
    fs::write(&script, run(&["completions", "bash"]).stdout).unwrap();
    let output = Command::new("bash")
        .arg("-c")
        .arg("set -e; . \"$1\"; COMP_WORDS=(dcs diag); COMP_CWORD=1; _dcs dcs diag dcs; echo \"${COMPREPLY[@]}\"")
        .arg("bash")
        .arg(&script)
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "diagnose\n",
        "{output:?}"
    );
}

#[test]
fn man_page() {
    let output = run(&["man"]);
    assert_exit(&output, 0);
    let page = out(&output);
    assert_eq!(page.matches("\n.TH dcs 1").count(), 1, "{page}");
    let file = folder("man").join("dcs.1");
    fs::write(&file, &page).unwrap();
    let shown = Command::new("man")
        .args(["--warnings", "-l"])
        .arg(&file)
        .env("MANWIDTH", "100")
        .output();
    let Ok(shown) = shown else {
        return; // man is not installed.
    };
    // A container's man may be a stub.
    if !shown.status.success() || !out(&shown).contains("NAME") {
        return;
    }
    assert_eq!(err(&shown), "", "groff finds fault with the page");
    for word in [
        "EXIT STATUS",
        "ENVIRONMENT",
        "dcs diagnose [OPTIONS] [URL]",
        "--pass-file <FILE>",
        "dcs sandbox [OPTIONS]",
        "retry_after_ms",
    ] {
        assert!(out(&shown).contains(word), "{word}: {}", out(&shown));
    }
}

// status

#[test]
fn status_available() {
    let testbed = Testbed::from_env();
    let output = call(&testbed, "/checks/passport", &["status"], 0);
    let text = out(&output);
    assert!(text.starts_with("The DCS is available.\n"), "{text}");
    for word in [
        "https://localhost:",
        "TLSv1.2",
        "DNS",
        "TCP",
        "TLS ",
        "first byte",
        "total",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "{text}");
    assert_eq!(err(&output), "");
}

#[test]
fn status_available_as_json() {
    let testbed = Testbed::from_env();
    let output = call(&testbed, "/checks/passport", &["status", "--json"], 0);
    let answer = json(&output);
    assert_eq!(
        answer["status"],
        serde_json::json!({"available": true, "message": null, "scheduled_outages": []})
    );
    assert_eq!(answer["limits"]["quota_limit"], Value::Null);
    let connection = &answer["connection"];
    assert_eq!(connection["tls_version"], "TLSv1.2");
    assert_eq!(connection["reused"], false);
    let time = |name: &str| connection[name].as_u64().unwrap();
    assert!(time("tls_us") > 0);
    assert!(time("first_byte_us") >= time("dns_us") + time("tcp_us") + time("tls_us"));
    assert!(time("total_us") >= time("first_byte_us"));

    let output = call(&testbed, "/limits", &["status", "--json"], 0);
    let limits = &json(&output)["limits"];
    for name in [
        "rate_limit",
        "rate_limit_remaining",
        "rate_limit_reset_ms",
        "quota_limit",
        "quota_remaining",
    ] {
        assert!(limits[name].is_u64(), "{limits}");
    }
    let output = call(&testbed, "/limits", &["status"], 0);
    assert!(
        out(&output).contains(" requests left; resets in "),
        "{output:?}"
    );
    assert!(out(&output).contains(" checks left\n"), "{output:?}");
}

#[test]
fn status_unavailable() {
    let testbed = Testbed::from_env();
    let output = call(&testbed, "/unavailable", &["status"], 4);
    assert!(
        out(&output).starts_with("The DCS is not available.\n  message "),
        "{output:?}"
    );
    let output = call(&testbed, "/unavailable", &["status", "--json"], 4);
    assert_eq!(json(&output)["status"]["available"], false);
    assert!(json(&output)["status"]["message"].is_string());
}

#[test]
fn status_prints_planned_outages_in_utc() {
    let testbed = Testbed::from_env();
    let mut command = configured(&testbed, "/outages", &["status"]);
    let output = command.env("TZ", "Asia/Tokyo").output().unwrap();
    let text = out(&output);
    let outages: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("  outage "))
        .collect();
    assert!(!outages.is_empty(), "{text}");
    assert!(
        outages.iter().all(|line| line.matches(" UTC").count() == 2),
        "{text}"
    );

    let output = call(&testbed, "/outages", &["status", "--json"], 0);
    let outage = &json(&output)["status"]["scheduled_outages"][0];
    assert!(
        outage["start"].is_string() && outage["end_unix_ms"].is_i64(),
        "{outage}"
    );
}

#[test]
fn status_failed() {
    let testbed = Testbed::from_env();
    let output = call(&testbed, "/503", &["status", "--json"], 1);
    let error = &json(&output)["error"];
    assert_eq!(error["code"], "DCS_ERR_UNAVAILABLE");
    assert_eq!(error["http_status"], 503);
    assert_eq!(error["retryable"], true);
    assert_eq!(error["retry_after_ms"], 2000);
    for name in ["message", "hint"] {
        assert!(error[name].is_string(), "{error}");
    }
    assert!(error.get("check").is_some(), "{error}");
    for name in ["tls_alert", "os_code"] {
        assert_eq!(error.get(name), Some(&Value::Null), "{error}");
    }
    let output = call(&testbed, "/503", &["status"], 1);
    assert_eq!(out(&output), "");
    let text = err(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("dcs: localhost:"), "{lines:?}");
    assert!(lines[1].contains(" (DCS_ERR_UNAVAILABLE"), "{lines:?}");
    assert_eq!(lines[2..], ["The service asks to wait 2 s."]);

    let missing = call(
        &testbed,
        "/checks/passport",
        &["status", "--cacert", "/nonexistent/ca.pem"],
        1,
    );
    assert!(err(&missing).contains("/nonexistent/ca.pem"), "{missing:?}");
    assert!(err(&missing).contains("dcs diagnose"), "{missing:?}");
}

#[test]
fn status_names_the_check_of_a_rejected_certificate() {
    let testbed = Testbed::from_env();
    let mut command = configured(&testbed, "/checks/passport", &["status"]);
    command
        .env("DCS_CERTIFICATE", testbed.file("rejected_expired_cert"))
        .env("DCS_PRIVATE_KEY", testbed.file("rejected_expired_key"));
    let output = command.output().unwrap();
    assert_exit(&output, 1);
    assert!(
        err(&output).contains("(DCS_ERR_CLIENT_CERT_REJECTED, DCS_CHECK_CERT_NOT_EXPIRED)"),
        "{output:?}"
    );
}

#[test]
fn flags_override_the_environment() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", "/checks/passport");
    let (ca, certificate, key) = (
        path(&testbed, "ca_bundle"),
        path(&testbed, "client_cert"),
        path(&testbed, "client_key_encrypted"),
    );
    let with = |arguments: &[&str]| {
        let mut command = dcs(&["status"]);
        command
            .env("DCS_URL", "https://wrong.invalid/")
            .env("DCS_CA_BUNDLE", "/nonexistent/ca.pem")
            .env("DCS_CERTIFICATE", "/nonexistent/cert.pem")
            .env("DCS_PRIVATE_KEY", "/nonexistent/key.pem")
            .env("DCS_PRIVATE_KEY_PASSWORD", "wrong")
            .env("DCS_PROXY", "http://wrong.invalid:1")
            .env("DCS_TIMEOUT_MS", "1")
            .env("DCS_CONNECT_TIMEOUT_MS", "1")
            .args(arguments)
            .output()
            .unwrap()
    };
    let all = [
        url.as_str(),
        "--cacert",
        &ca,
        "--cert",
        &certificate,
        "--key",
        &key,
        "--pass",
        PASSWORD,
        "--max-time",
        "20",
        "--connect-timeout",
        "20",
    ];
    // All flags, with a proxy that does not exist: the call fails for that reason alone.
    let output = with(&[&all[..], &["--proxy", "http://localhost:1"]].concat());
    assert_exit(&output, 1);
    assert!(err(&output).contains("(DCS_ERR_PROXY"), "{output:?}");
    assert!(err(&output).contains("localhost:1"), "{output:?}");
    assert!(!err(&output).contains("wrong.invalid"), "{output:?}");

    // Without a flag, the environment's value is used.
    for (left_out, words) in [
        (0..1, "wrong.invalid"),
        (1..3, "/nonexistent/ca.pem"),
        (3..5, "/nonexistent/cert.pem"),
        (5..7, "/nonexistent/key.pem"),
        (7..9, "DCS_ERR_PASSWORD"),
    ] {
        let mut arguments = all.to_vec();
        arguments.drain(left_out);
        let mut command = dcs(&["status"]);
        command
            .env("DCS_URL", "https://wrong.invalid/")
            .env("DCS_CA_BUNDLE", "/nonexistent/ca.pem")
            .env("DCS_CERTIFICATE", "/nonexistent/cert.pem")
            .env("DCS_PRIVATE_KEY", "/nonexistent/key.pem")
            .env("DCS_PRIVATE_KEY_PASSWORD", "wrong")
            .args(&arguments);
        let output = command.output().unwrap();
        assert_exit(&output, 1);
        assert!(err(&output).contains(words), "{words}: {output:?}");
    }
    // With all flags the call succeeds, with the URL as a flag too.
    let mut command = dcs(&["status", "--url"]);
    let output = command
        .env("DCS_URL", "https://wrong.invalid/")
        .env("DCS_PRIVATE_KEY_PASSWORD", "wrong")
        .env("DCS_TIMEOUT_MS", "1")
        .env("DCS_CONNECT_TIMEOUT_MS", "1")
        .args(all)
        .output()
        .unwrap();
    assert_exit(&output, 0);
}

#[test]
fn uses_the_key_in_the_certificates_file() {
    let testbed = Testbed::from_env();
    let output = run(&[
        "status",
        &testbed.url("tls12_close", "/checks/passport"),
        "--cacert",
        &path(&testbed, "ca_bundle"),
        "-E",
        &path(&testbed, "client_combined"),
    ]);
    assert_exit(&output, 0);
}

#[test]
fn reports_a_certificate_without_a_key() {
    let testbed = Testbed::from_env();
    let output = run(&[
        "status",
        &testbed.url("tls12_close", "/checks/passport"),
        "--cacert",
        &path(&testbed, "ca_bundle"),
        "--cert",
        &path(&testbed, "client_cert"),
    ]);
    assert_exit(&output, 1);
    assert!(!err(&output).contains("exchanged"), "{output:?}");
    assert!(err(&output).contains("key"), "{output:?}");
}

#[test]
fn accepts_a_password_in_each_way_and_never_prints_it() {
    let testbed = Testbed::from_env();
    let key = testbed.file("client_key_encrypted");
    let file = folder("password").join("password");
    fs::write(&file, format!("{PASSWORD}\r\nsecond line\n")).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = configured(&testbed, "/checks/passport", &["status", "--verbose"]);
        command.env("DCS_PRIVATE_KEY", &key).args(arguments);
        command
    };
    let file = file.to_str().unwrap();
    for mut command in [
        command(&["--pass", PASSWORD]),
        command(&["--pass-file", file]),
    ] {
        let output = command.output().unwrap();
        assert_exit(&output, 0);
        assert_no_secret(&output, &key);
    }
    let output = command(&[])
        .env("DCS_PRIVATE_KEY_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert_exit(&output, 0);

    let mut child = command(&["--pass-file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    assert_exit(&child.wait_with_output().unwrap(), 0);

    // Neither a wrong password nor the content of the key's file is printed.
    let output = command(&["--pass", "hunter2hunter2"]).output().unwrap();
    assert_exit(&output, 1);
    assert!(err(&output).contains("(DCS_ERR_PASSWORD"), "{output:?}");
    assert!(!err(&output).contains("hunter2"), "{output:?}");
    assert_no_secret(&output, &key);
    for (arguments, words) in [
        (
            ["--pass-file", "/nonexistent/password"],
            "/nonexistent/password does not exist",
        ),
        (["--pass-file", "/dev/null"], "empty first line"),
        (["--pass-file", "/dev/zero"], "larger than 64 KiB"),
    ] {
        let output = command(&arguments).output().unwrap();
        assert_exit(&output, 1);
        assert!(err(&output).contains(words), "{output:?}");
    }
}

#[test]
fn takes_no_password_after_a_path() {
    let testbed = Testbed::from_env();
    let folder = folder("colon");
    let certificate = format!("{}:hunter2", path(&testbed, "client_cert"));
    let key = path(&testbed, "client_key_encrypted");
    for arguments in [
        &["status", "--verbose", "--cert", &certificate][..],
        &["status", "--json", "-E", &certificate],
        &["diagnose", "--verbose", "--cert", &certificate],
        &["diagnose", "--json", "--cert", "missing.pem:hunter2"],
        &["status", "--key", "k:hunter2", "--verbose"],
        &["convert-key", "--key", "k:hunter2:hunter2"],
        &["thumbprint", "--cert", &certificate],
    ] {
        let output = call(&testbed, "/checks/passport", arguments, 2);
        let text = format!("{}{}", out(&output), err(&output));
        assert!(
            text.contains(":***") && text.contains("--pass-file"),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }
    // The name of a file may contain a colon.
    let [with_colon, key_with_colon] = ["a:b.pem", "c:hunter2"].map(|name| folder.join(name));
    fs::copy(testbed.file("client_cert"), &with_colon).unwrap();
    fs::copy(key, &key_with_colon).unwrap();
    let output = configured(
        &testbed,
        "/checks/passport",
        &["status", "--pass", PASSWORD],
    )
    .arg("--cert")
    .arg(with_colon)
    .arg("--key")
    .arg(key_with_colon)
    .output()
    .unwrap();
    assert_exit(&output, 0);
}

#[test]
fn never_prints_secrets_in_urls() {
    let testbed = Testbed::from_env();
    let path = "/checks/passport?token=hunter2";
    let output = call(&testbed, path, &["status"], 0);
    assert!(!out(&output).contains("hunter2"), "{output:?}");
    for url in [
        "https://user:hunter2@example.org/",
        "http://user:hunter2@example.org/",
    ] {
        for arguments in [
            &["status", url][..],
            &["status", "--json", url],
            &["diagnose", url],
        ] {
            let output = run(arguments);
            assert_exit(&output, 2);
            assert!(!format!("{}{}", out(&output), err(&output)).contains("hunter2"));
        }
    }
    let proxy = "http://user:hunter2@localhost:1";
    let output = call(
        &testbed,
        "/checks/passport",
        &["status", "--verbose", "--proxy", proxy],
        1,
    );
    assert!(!format!("{output:?}").contains("hunter2"), "{output:?}");
}

#[test]
fn colours_terminals_unless_switched_off() {
    let testbed = Testbed::from_env();
    let on_terminal = |arguments: &str, no_color: Option<&str>| {
        let mut command = Command::new("script");
        command
            .args(["--quiet", "--return", "--command"])
            .arg(format!("'{PROGRAM}' status {arguments}"))
            .arg("/dev/null")
            .env_remove("NO_COLOR")
            .env("TERM", "xterm")
            .env("DCS_URL", testbed.url("tls12_close", "/checks/passport"))
            .env("DCS_CA_BUNDLE", testbed.file("ca_bundle"))
            .env("DCS_CERTIFICATE", testbed.file("client_cert"))
            .env("DCS_PRIVATE_KEY", testbed.file("client_key"))
            .stdin(Stdio::null());
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let output = command.output().unwrap();
        assert_exit(&output, 0);
        assert!(out(&output).contains("The DCS is available."), "{output:?}");
        out(&output).contains("\u{1b}[32m")
    };
    assert!(on_terminal("", None));
    assert!(on_terminal("", Some("")), "an empty NO_COLOR says nothing");
    assert!(!on_terminal("", Some("1")));
    assert!(!on_terminal("--color never", None));
    assert!(on_terminal("--color always", Some("1")));

    let always = call(
        &testbed,
        "/checks/passport",
        &["status", "--color", "always"],
        0,
    );
    assert!(out(&always).contains("\u{1b}[32m"));
}

#[test]
fn verbose_logs_steps_to_standard_error() {
    let testbed = Testbed::from_env();
    let output = call(
        &testbed,
        "/checks/passport",
        &["status", "--verbose", "--json"],
        0,
    );
    json(&output);
    assert!(err(&output).contains("* debug dcs.tls: "), "{output:?}");
    assert_no_secret(&output, &testbed.file("client_key"));
    let quiet = call(&testbed, "/checks/passport", &["status"], 0);
    assert_eq!(err(&quiet), "");
}

// diagnose

#[test]
fn diagnose_good_configuration() {
    let testbed = Testbed::from_env();
    let output = call(&testbed, "/checks/passport", &["diagnose"], 0);
    assert!(out(&output).contains("localhost"), "{output:?}");
    assert_eq!(err(&output), "", "the steps are for a terminal");
    let output = call(&testbed, "/checks/passport", &["diagnose", "--json"], 0);
    assert!(json(&output).is_object());
    assert_no_secret(&output, &testbed.file("client_key"));
}

#[test]
fn diagnose_error() {
    let testbed = Testbed::from_env();
    let mut command = configured(&testbed, "/checks/passport", &["diagnose"]);
    command
        .env("DCS_CERTIFICATE", testbed.file("rejected_expired_cert"))
        .env("DCS_PRIVATE_KEY", testbed.file("rejected_expired_key"));
    let output = command.output().unwrap();
    assert_exit(&output, 1);
    assert!(out(&output).contains("expired"), "{output:?}");
    assert_no_secret(&output, &testbed.file("rejected_expired_key"));

    // The same for a configuration from which no client can be created.
    let output = run(&["diagnose", "--json", "https://localhost:1/"]);
    assert_exit(&output, 1);
    assert!(json(&output).is_object());
}

#[test]
fn diagnose_warning() {
    let testbed = Testbed::from_env();
    call(&testbed, "/unavailable", &["diagnose"], 3);
}

#[test]
fn diagnose_prints_progress_on_a_terminal() {
    let testbed = Testbed::from_env();
    let steps = |ca_bundle: &str, arguments: &str| {
        let output = Command::new("script")
            .args(["--quiet", "--return", "--command"])
            .arg(format!("'{PROGRAM}' diagnose {arguments} >/dev/null"))
            .arg("/dev/null")
            .env("NO_COLOR", "1")
            .env("DCS_URL", testbed.url("tls12_close", "/checks/passport"))
            .env("DCS_CA_BUNDLE", testbed.file(ca_bundle))
            .env("DCS_CERTIFICATE", testbed.file("client_cert"))
            .env("DCS_PRIVATE_KEY", testbed.file("client_key"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        out(&output).replace('\r', "")
    };
    let shown = steps("ca_bundle", "");
    for step in [
        "\n  ok    dns ",
        "\n  ok    tcp ",
        "\n  ok    tls ",
        "\n  ok    http ",
    ] {
        assert!(shown.contains(step), "{step}: {shown}");
    }
    assert_eq!(steps("ca_bundle", "--json"), "");

    let failed = steps("other_ca_bundle", "");
    assert!(failed.contains("\n  FAIL  tls "), "{failed}");
    assert!(failed.contains("CN="), "{failed}");
    let redacted = steps("other_ca_bundle", "--redact");
    assert!(redacted.contains("\n  FAIL  tls "), "{redacted}");
    assert!(!redacted.contains("CN="), "{redacted}");
}

#[test]
fn diagnose_writes_a_web_page() {
    let testbed = Testbed::from_env();
    let folder = folder("html");
    let page = folder.join("report.html");
    let diagnose = |html: &Path| {
        let mut command = configured(&testbed, "/checks/passport", &["diagnose", "--html"]);
        command.arg(html).output().unwrap()
    };
    // A regular file is replaced, and no other file is left in the folder.
    fs::write(&page, "before").unwrap();
    let output = diagnose(&page);
    assert_exit(&output, 0);
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.to_lowercase().starts_with("<!doctype html"), "{html}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);

    // Everything else is kept.
    let link = folder.join("link");
    std::os::unix::fs::symlink(&page, &link).unwrap();
    for (path, words) in [
        (folder.as_path(), "a folder"),
        (link.as_path(), "a symbolic link"),
        (Path::new("/dev/null"), "not a regular file"),
        (
            &folder.join("missing").join("x.html"),
            "the folder does not exist",
        ),
    ] {
        let output = diagnose(path);
        assert_exit(&output, 1);
        assert!(err(&output).contains(words), "{output:?}");
        assert_eq!(out(&output), "", "said before the diagnosis");
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&page).unwrap().len(), html.len());
}

#[test]
fn a_written_file_takes_over_no_permission() {
    use std::os::unix::fs::PermissionsExt;
    let testbed = Testbed::from_env();
    let folder = folder("permissions");
    let (page, der) = (folder.join("report.html"), folder.join("key.der"));
    let key = path(&testbed, "client_key");
    let write = |file: &Path| {
        let arguments = if file == page {
            ["diagnose", "https://localhost:1/", "--html"].map(str::to_owned)
        } else {
            ["convert-key", "--force", "--out"].map(str::to_owned)
        };
        let output = Command::new("sh")
            .args(["-c", "umask 027; exec \"$@\"", "sh", PROGRAM])
            .args(arguments)
            .arg(file)
            .env("DCS_PRIVATE_KEY", &key)
            .output()
            .unwrap();
        assert!(fs::read(file).unwrap().len() > 100, "{output:?}");
        mode(file)
    };
    assert_eq!((write(&page), write(&der)), (0o640, 0o600));
    for (before, as_page, as_key) in [
        (0o6777, 0o640, 0o600),
        (0o1666, 0o640, 0o600),
        // Nor does the file become readable for others.
        (0o600, 0o600, 0o600),
    ] {
        for (file, expected) in [(&page, as_page), (&der, as_key)] {
            fs::write(file, "before").unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(before)).unwrap();
            assert_eq!(write(file), expected, "{before:o} {}", file.display());
        }
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}

#[test]
fn writes_to_no_file_of_another_user() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let testbed = Testbed::from_env();
    let folder = folder("foreign");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o1777)).unwrap();
    let foreign = folder.join("foreign");
    fs::write(&foreign, "before").unwrap();
    if let Err(error) = std::os::unix::fs::chown(&foreign, Some(12_345), None) {
        eprintln!("skipped: only root may give a file to another user ({error})");
        return;
    }
    fs::set_permissions(&foreign, fs::Permissions::from_mode(0o4755)).unwrap();
    let (name, key) = (foreign.to_str().unwrap(), path(&testbed, "client_key"));
    for arguments in [
        &["diagnose", "https://localhost:1/", "--html", name][..],
        &["convert-key", "--key", &key, "--force", "--out", name],
    ] {
        let output = run(arguments);
        assert_exit(&output, 1);
        assert!(
            err(&output).contains("it is a file of another user"),
            "{output:?}"
        );
        assert_eq!(out(&output), "");
    }
    let metadata = fs::metadata(&foreign).unwrap();
    assert_eq!((metadata.uid(), mode(&foreign)), (12_345, 0o4755));
    assert_eq!(fs::read(&foreign).unwrap(), b"before");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn diagnose_redacted() {
    let testbed = Testbed::from_env();
    let page = folder("redact").join("report.html");
    for arguments in [&["diagnose"][..], &["diagnose", "--json"]] {
        let plain = call(&testbed, "/checks/passport", arguments, 0);
        let folder = testbed.dir().to_str().unwrap();
        assert!(out(&plain).contains(folder), "{plain:?}");
        assert!(out(&plain).contains("CN="), "{plain:?}");
        let mut command = configured(&testbed, "/checks/passport", arguments);
        let redacted = command
            .arg("--redact")
            .arg("--html")
            .arg(&page)
            .output()
            .unwrap();
        for text in [out(&redacted), fs::read_to_string(&page).unwrap()] {
            assert!(!text.contains(folder) && !text.contains("CN="), "{text}");
            assert!(text.contains("[path]"), "{text}");
        }
    }
}

// inspect

#[test]
fn inspect_certificates_and_keys() {
    let testbed = Testbed::from_env();
    let (chain, key) = (path(&testbed, "client_chain"), path(&testbed, "client_key"));
    let output = run(&["inspect", &chain, &key]);
    assert_exit(&output, 0);
    let text = out(&output);
    for word in [
        format!("{chain}: PEM\n"),
        format!("\n\n{key}: PEM\n"),
        "\n  certificate, line 1\n".into(),
        "    subject     ".into(),
        "    issuer      ".into(),
        "days left".into(),
        "RSA 2048".into(),
        "clientAuth".into(),
        "    thumbprint  ".into(),
        "CA          yes".into(),
    ] {
        assert!(text.contains(&word), "{word}: {text}");
    }
    assert_no_secret(&output, &testbed.file("client_key"));
}

#[test]
fn inspect_as_json() {
    let testbed = Testbed::from_env();
    let certificate = path(&testbed, "client_cert");
    let output = run(&[
        "inspect",
        "--json",
        &certificate,
        &path(&testbed, "client_key"),
    ]);
    assert_exit(&output, 0);
    let document = json(&output);
    let file = &document["files"][0];
    assert_eq!(file["file"], certificate.as_str());
    assert_eq!(file["format"], "PEM");
    let seen = &file["items"][0]["certificate"];
    assert_eq!(
        seen["thumbprint"],
        thumbprint_by_openssl(&certificate).as_str()
    );
    assert_eq!(seen["is_ca"], false);
    assert_eq!(seen["valid_now"], true);
    assert!(
        (360..=365).contains(&seen["days_left"].as_i64().unwrap()),
        "{seen}"
    );
    assert!(seen["not_after"].as_str().unwrap().ends_with('Z'), "{seen}");
    assert_eq!(document["files"][1]["items"][0]["key"], "RSA 2048");
    assert_no_secret(&output, &testbed.file("client_key"));
}

#[test]
fn inspect_continues_after_an_unreadable_file() {
    let testbed = Testbed::from_env();
    let certificate = path(&testbed, "client_cert");
    let garbage = path(&testbed, "garbage");
    let files = ["/nonexistent/x.pem", &garbage, &certificate];
    let output = run(&[&["inspect"], &files[..]].concat());
    assert_exit(&output, 1);
    assert!(
        out(&output).starts_with(&format!("{certificate}: PEM\n")),
        "{output:?}"
    );
    assert!(err(&output).contains("/nonexistent/x.pem"), "{output:?}");
    assert!(err(&output).contains("(DCS_ERR_FILE"), "{output:?}");
    assert!(err(&output).contains(&garbage), "{output:?}");

    let output = run(&[&["inspect", "--json"], &files[..]].concat());
    assert_exit(&output, 1);
    let document = json(&output);
    assert_eq!(document["files"][0]["error"]["code"], "DCS_ERR_FILE");
    assert!(document["files"][1]["error"]["message"].is_string());
    assert_eq!(document["files"][2]["format"], "PEM");
    assert_eq!(err(&output), "");
}

#[test]
fn inspect_encrypted_key() {
    let testbed = Testbed::from_env();
    let key = path(&testbed, "client_key_encrypted");
    let output = run(&["inspect", &key]);
    assert_exit(&output, 0);
    assert!(
        out(&output).contains("encrypted (--pass-file FILE"),
        "{output:?}"
    );
    let output = run(&["inspect", &key, "--pass", PASSWORD]);
    assert_exit(&output, 0);
    assert!(out(&output).contains("RSA 2048"), "{output:?}");
    assert_no_secret(&output, Path::new(&key));
}

#[test]
fn prints_no_character_that_moves_or_hides_text() {
    // A C1 control (CSI), a bidirectional override and an invisible one.
    const MARKS: [char; 3] = ['\u{9b}', '\u{202e}', '\u{200b}'];
    let testbed = Testbed::from_env();
    let folder = folder("marks");
    let (key, file) = (folder.join("key"), folder.join("a\u{9b}31m\u{202e}b.pem"));
    let (key, name) = (key.to_str().unwrap(), file.to_str().unwrap());
    let request = "req -x509 -utf8 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2";
    let mut arguments: Vec<&str> = request.split(' ').collect();
    arguments.extend([
        "-subj",
        "/CN=marked\u{202e}\u{200b}",
        "-keyout",
        key,
        "-out",
        name,
    ]);
    openssl(&arguments);
    let missing = folder.join("missing\u{9b}\u{200b}");
    for arguments in [
        &["inspect", name][..],
        &["inspect", "--json", name],
        &["inspect", "--json", missing.to_str().unwrap()],
        &["inspect", missing.to_str().unwrap()],
        &["thumbprint", "--all", name, key],
        &["status", "--verbose", "--cert", name, "--key", key],
        &["status", "--json", "--cacert", name, "--cert", name],
        &["diagnose", "--cert", name, "--key", key],
        &["diagnose", "--json", "--cert", name, "--key", key],
        &[
            "diagnose",
            "--json",
            "https://localhost:1/marked\u{9b}\u{200b}",
        ],
    ] {
        let output = configured(&testbed, "/checks/passport", arguments)
            .output()
            .unwrap();
        let text = format!("{}{}", out(&output), err(&output));
        assert!(text.contains("marked") || text.contains("missing") || text.contains("31m"));
        assert!(!text.contains(MARKS), "{arguments:?}: {text:?}");
    }
    // JSON still has a path as it is.
    let document = json(&run(&["inspect", "--json", name]));
    assert_eq!(document["files"][0]["file"], name);
}

// convert-key

#[test]
fn convert_key_keeps_existing_files() {
    let testbed = Testbed::from_env();
    let folder = folder("convert-keep");
    let file = folder.join("there.der");
    fs::write(&file, "before").unwrap();
    let out_file = file.to_str().unwrap();
    let key = path(&testbed, "client_key");
    let output = run(&["convert-key", "--key", &key, "--out", out_file]);
    assert_exit(&output, 1);
    assert!(err(&output).contains("already exists"), "{output:?}");
    assert!(err(&output).contains("--force"), "{output:?}");
    let output = run(&[
        "convert-key",
        "--key",
        &key,
        "--force",
        "--out",
        "/dev/null",
    ]);
    assert_exit(&output, 1);
    assert!(err(&output).contains("not a regular file"), "{output:?}");
    // A failure with --force keeps the old file, and leaves no other file.
    let empty = path(&testbed, "empty");
    let output = run(&["convert-key", "--key", &empty, "--force", "--out", out_file]);
    assert_exit(&output, 1);
    assert_eq!(fs::read(&file).unwrap(), b"before");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    let output = run(&["convert-key", "--key", "/nonexistent/x.key"]);
    assert_exit(&output, 1);
    assert!(
        err(&output).contains("/nonexistent/x.key cannot be opened: there is no such file"),
        "{output:?}"
    );
}

#[test]
fn convert_key_writes_no_der_to_a_terminal() {
    let testbed = Testbed::from_env();
    let key = path(&testbed, "client_key");
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("'{PROGRAM}' convert-key --key '{key}'"))
        .arg("/dev/null")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_exit(&output, 2);
    assert!(
        out(&output).contains("Standard output is a terminal"),
        "{output:?}"
    );
}

#[test]
fn convert_key_matches_openssl() {
    let testbed = Testbed::from_env();
    let folder = folder("convert");
    let expected = openssl(&[
        "pkcs8",
        "-topk8",
        "-nocrypt",
        "-outform",
        "DER",
        "-in",
        &path(&testbed, "client_key"),
    ]);
    for (name, arguments) in [
        ("client_key", &[][..]),
        ("client_key_encrypted", &["--pass", PASSWORD]),
    ] {
        let key = path(&testbed, name);
        let file = folder.join(format!("{name}.der"));
        let file_name = file.to_str().unwrap();
        let to_file = [
            &["convert-key", "--key", &key, "--out", file_name],
            arguments,
        ]
        .concat();
        let output = run(&to_file);
        assert_exit(&output, 0);
        assert!(
            output.stdout.is_empty() && output.stderr.is_empty(),
            "{output:?}"
        );
        assert_eq!(fs::read(&file).unwrap(), expected);
        assert_eq!(mode(&file), 0o600);
        assert_exit(&run(&to_file), 1);
        assert_exit(&run(&[&to_file[..], &["--force"]].concat()), 0);
        assert_eq!(mode(&file), 0o600);

        let output = run(&[&["convert-key", "--key", &key], arguments].concat());
        assert_exit(&output, 0);
        assert_eq!(output.stdout, expected);
    }
    let pem = fs::read_to_string(testbed.file("client_key")).unwrap();
    for value in [pem, path(&testbed, "client_key")] {
        let output = dcs(&["convert-key"])
            .env("DCS_PRIVATE_KEY", value)
            .output()
            .unwrap();
        assert_eq!(output.stdout, expected);
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    let output = run(&[
        "convert-key",
        "--key",
        &path(&testbed, "client_key_encrypted"),
    ]);
    assert_exit(&output, 1);
    assert!(err(&output).contains("(DCS_ERR_PASSWORD"), "{output:?}");
    assert!(output.stdout.is_empty());
}

// thumbprint

/// Returns the thumbprint of the first certificate in the file, as openssl calculates it.
fn thumbprint_by_openssl(file: &str) -> String {
    let hex = openssl(&["x509", "-in", file, "-noout", "-fingerprint", "-sha256"]);
    let hex = String::from_utf8(hex).unwrap();
    let hash: Vec<u8> = hex
        .trim()
        .rsplit('=')
        .next()
        .unwrap()
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash)
}

#[test]
fn thumbprint_of_the_client_certificate() {
    let testbed = Testbed::from_env();
    let (certificate, chain) = (
        path(&testbed, "client_cert"),
        path(&testbed, "client_chain"),
    );
    let expected = thumbprint_by_openssl(&certificate);
    assert_eq!(expected.len(), 43);
    for arguments in [
        &["thumbprint", &certificate][..],
        &["thumbprint", &chain],
        &["thumbprint", "--cert", &certificate],
    ] {
        let output = run(arguments);
        assert_exit(&output, 0);
        assert_eq!(out(&output), format!("{expected}\n"), "{arguments:?}");
    }
    let pem = fs::read_to_string(&certificate).unwrap();
    let der = openssl(&["x509", "-in", &certificate, "-outform", "DER"]);
    let base64 = |content: &[u8]| base64::engine::general_purpose::STANDARD.encode(content);
    for value in [&certificate, &pem, &base64(&der), &base64(pem.as_bytes())] {
        let output = dcs(&["thumbprint"])
            .env("DCS_CERTIFICATE", value)
            // Ignored, because only a call needs it.
            .env("DCS_URL", "http://example.org/")
            .output()
            .unwrap();
        assert_eq!(out(&output), format!("{expected}\n"), "{output:?}");
    }
    // The client certificate is found even if it is not the first.
    let turned = folder("thumbprint").join("turned.pem");
    let ca = fs::read_to_string(testbed.file("ca_root_only")).unwrap();
    fs::write(&turned, format!("{ca}\n{pem}")).unwrap();
    let output = run(&["thumbprint", turned.to_str().unwrap()]);
    assert_eq!(out(&output), format!("{expected}\n"), "{output:?}");
}

#[test]
fn thumbprints_of_all_certificates() {
    let testbed = Testbed::from_env();
    let chain = path(&testbed, "client_chain");
    let output = run(&["thumbprint", "--all", &chain]);
    assert_exit(&output, 0);
    let text = out(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with(&thumbprint_by_openssl(&chain)),
        "{text}"
    );
    assert!(
        lines
            .iter()
            .all(|line| line.contains("  ") && line.contains("CN=")),
        "{text}"
    );

    let bundle = path(&testbed, "ca_bundle");
    let output = run(&["thumbprint", &bundle, &chain]);
    assert_exit(&output, 1);
    assert!(err(&output).contains("CA certificates only"), "{output:?}");
    assert_eq!(
        out(&output),
        format!("{}  {chain}\n", thumbprint_by_openssl(&chain))
    );
    let output = run(&["thumbprint", &path(&testbed, "client_key")]);
    assert_exit(&output, 1);
    assert!(err(&output).contains("no certificate"), "{output:?}");
    assert_no_secret(&output, &testbed.file("client_key"));
}
