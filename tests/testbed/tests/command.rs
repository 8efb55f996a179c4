//! The binary's exit statuses. No server outlives it.

mod common;

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use dcs_testbed::Testbed;

const BINARY: &str = env!("CARGO_BIN_EXE_dcs-testbed");
const TIMEOUT: Duration = Duration::from_secs(120);
/// Some of each server.
const LISTENERS: [&str; 5] = [
    "tls12_close",
    "plain_http",
    "apache_tls12",
    "apache_tls13",
    "haproxy_tls12",
];

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The unused path of a directory. Dropping it removes the directory.
struct TempDir(PathBuf);

impl TempDir {
    fn new(name: &str) -> Self {
        Self(
            std::env::temp_dir().join(format!("dcs-testbed-command-{name}-{}", std::process::id())),
        )
    }

    fn text(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A directory that remains does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Polls until the function returns `Some`.
fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(result) = done() {
            return result;
        }
        assert!(Instant::now() < deadline, "{what} within {TIMEOUT:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Starts the binary with a long-running command, and waits until that runs.
fn start_long(dir: &TempDir) -> (Child, Testbed) {
    let started = dir.0.join("started");
    let script = format!("echo $$ >'{}'; exec sleep 600", started.display());
    let child = Command::new(BINARY)
        .args(["--dir", dir.text(), "--", "sh", "-c", &script])
        .spawn()
        .expect("the binary runs");
    wait_for("the command runs", || command_pid(dir));
    let testbed = Testbed::read(&dir.0.join("testbed.json")).expect("a testbed");
    assert!(
        LISTENERS
            .iter()
            .all(|listener| connects(&testbed, listener))
    );
    (child, testbed)
}

/// Returns the process ID of the command, once it runs.
fn command_pid(dir: &TempDir) -> Option<u32> {
    let text = fs::read_to_string(dir.0.join("started")).ok()?;
    text.strip_suffix('\n')?.parse().ok()
}

fn connects(testbed: &Testbed, listener: &str) -> bool {
    TcpStream::connect(common::address(testbed, listener)).is_ok()
}

fn signal(name: &str, process: u32) {
    let status = Command::new("sh")
        .args(["-c", &format!("kill -{name} {process}")])
        .status();
    assert!(status.expect("sh runs").success());
}

fn nothing_listens(testbed: &Testbed) -> Option<()> {
    (!LISTENERS.iter().any(|listener| connects(testbed, listener))).then_some(())
}

#[test]
fn returns_the_exit_status_of_the_command_and_removes_the_directory() {
    let output = run(&["--", "sh", "-c", "printf %s \"$DCS_TESTBED\"; exit 7"]);
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    let file = String::from_utf8(output.stdout).expect("a path");
    assert!(file.ends_with("/testbed.json"), "{file}");
    assert!(!Path::new(&file).parent().expect("a directory").exists());

    let output = run(&["--", "sh", "-c", "kill -KILL $$"]);
    assert_eq!(output.status.code(), Some(128 + 9), "{}", stderr(&output));
}

#[test]
fn servers_stop_if_the_directory_is_kept() {
    let dir = TempDir::new("kept");
    let output = run(&["--dir", dir.text(), "--", "true"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let testbed = Testbed::read(&dir.0.join("testbed.json")).expect("a testbed");
    assert_eq!(nothing_listens(&testbed), Some(()));
    // Another run cannot use the kept directory.
    let output = run(&["--dir", dir.text(), "--", "true"]);
    assert_eq!(output.status.code(), Some(125));
    assert!(
        stderr(&output).contains("is not empty"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn invalid_arguments_are_errors() {
    for (arguments, status, message) in [
        (
            ["--", "/no/such/program"].as_slice(),
            127,
            "cannot run /no/such/program",
        ),
        (&["--", "/etc/hostname"], 126, "cannot run /etc/hostname"),
        (&["--dir"], 2, "--dir needs a directory"),
        (&["--"], 2, "no command"),
        (&[], 2, "no command"),
        (&["ls"], 2, "ls is unknown"),
        (
            &["--dir", "/no/such/parent/dir", "--", "true"],
            125,
            "/no/such/parent/dir",
        ),
    ] {
        let output = run(arguments);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(message),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    let output = run(&["--help"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("Usage: dcs-testbed"));
}

#[test]
fn signal_ends_command_and_servers() {
    for (name, number) in [("TERM", 15), ("INT", 2)] {
        let dir = TempDir::new(name);
        let (mut child, testbed) = start_long(&dir);
        signal(name, child.id());
        let status = wait_for("the binary ends", || child.try_wait().expect("a child"));
        assert_eq!(status.code(), Some(128 + number), "{name}");
        assert_eq!(nothing_listens(&testbed), Some(()), "{name}");
    }
}

#[test]
fn servers_end_if_the_binary_is_killed() {
    let dir = TempDir::new("killed");
    let (mut child, testbed) = start_long(&dir);
    child.kill().expect("killed");
    child.wait().expect("ended");
    // The command outlives the binary.
    signal("KILL", command_pid(&dir).expect("it runs"));
    wait_for("the servers end", || nothing_listens(&testbed));
}

#[test]
fn death_of_a_server_fails_the_run() {
    for (pid_file, server, log) in [
        ("nginx/nginx.pid", "nginx", "error.log"),
        ("haproxy/haproxy.pid", "HAProxy", "output.log"),
    ] {
        // Waits until the server handles the signal (number 15): HAProxy accepts connections earlier, and would log
        // nothing. Then waits until the testbed, whose other children are two servers and this shell, has noticed.
        let script = format!(
            "pid=$(cat $(dirname $DCS_TESTBED)/{pid_file}); \
             until [ $((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' /proc/$pid/status) >> 14 & 1)) = 1 ]; do :; done; \
             kill -TERM $pid; \
             until [ $(wc -w </proc/$PPID/task/$PPID/children) = 3 ]; do :; done"
        );
        let output = run(&["--", "sh", "-c", &script]);
        assert_eq!(output.status.code(), Some(125), "{}", stderr(&output));
        for message in [
            format!("{server} ended while it was needed"),
            format!("{log} ends with:"),
        ] {
            assert!(stderr(&output).contains(&message), "{}", stderr(&output));
        }
    }
}
