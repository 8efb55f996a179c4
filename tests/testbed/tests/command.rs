//! The binary: exit statuses, and that no server outlives it.

mod common;

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use dcs_testbed::Testbed;

const BINARY: &str = env!("CARGO_BIN_EXE_dcs-testbed");
const DEADLINE: Duration = Duration::from_secs(30);
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

/// A directory's name that nothing else has; the directory goes away with it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        Self(
            std::env::temp_dir().join(format!("dcs-testbed-command-{name}-{}", std::process::id())),
        )
    }

    fn text(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Left behind, it is in the way of nothing.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Polls until `done` gives something.
fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(result) = done() {
            return result;
        }
        assert!(Instant::now() < deadline, "{what} within {DEADLINE:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Starts the binary with a command that shows when it runs and would run for long.
fn start_long(place: &Place) -> (Child, Testbed) {
    let started = place.0.join("started");
    let script = format!("touch '{}'; exec sleep 60", started.display());
    let child = Command::new(BINARY)
        .args(["--dir", place.text(), "--", "sh", "-c", &script])
        .spawn()
        .expect("the binary runs");
    wait_for("the command runs", || started.exists().then_some(()));
    let testbed = Testbed::read(&place.0.join("testbed.json")).expect("a testbed");
    assert!(
        LISTENERS
            .iter()
            .all(|listener| connects(&testbed, listener))
    );
    (child, testbed)
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

fn nobody_listens(testbed: &Testbed) -> Option<()> {
    (!LISTENERS.iter().any(|listener| connects(testbed, listener))).then_some(())
}

#[test]
fn the_commands_status_is_passed_on_and_the_directory_removed() {
    let output = run(&["--", "sh", "-c", "printf %s \"$DCS_TESTBED\"; exit 7"]);
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    let file = String::from_utf8(output.stdout).expect("a path");
    assert!(file.ends_with("/testbed.json"), "{file}");
    assert!(!Path::new(&file).parent().expect("a directory").exists());

    let output = run(&["--", "sh", "-c", "kill -KILL $$"]);
    assert_eq!(output.status.code(), Some(128 + 9), "{}", stderr(&output));
}

#[test]
fn a_kept_directory_has_its_servers_stopped() {
    let place = Place::new("kept");
    let output = run(&["--dir", place.text(), "--", "true"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let testbed = Testbed::read(&place.0.join("testbed.json")).expect("a testbed");
    assert_eq!(nobody_listens(&testbed), Some(()));
    // What one run has left is no place for the next.
    let output = run(&["--dir", place.text(), "--", "true"]);
    assert_eq!(output.status.code(), Some(125));
    assert!(
        stderr(&output).contains("is not empty"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn mistakes_are_told() {
    for (arguments, status, words) in [
        (
            ["--", "/no/such/program"].as_slice(),
            127,
            "cannot run /no/such/program",
        ),
        (&["--", "/etc/hostname"], 126, "cannot run /etc/hostname"),
        (&["--dir"], 2, "--dir needs a directory"),
        (&["--"], 2, "there is no command"),
        (&[], 2, "there is no command"),
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
            stderr(&output).contains(words),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    let output = run(&["--help"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("Usage: dcs-testbed"));
}

#[test]
fn a_signal_ends_command_and_servers() {
    for (name, number) in [("TERM", 15), ("INT", 2)] {
        let place = Place::new(name);
        let (mut child, testbed) = start_long(&place);
        signal(name, child.id());
        let status = wait_for("the binary ends", || child.try_wait().expect("a child"));
        assert_eq!(status.code(), Some(128 + number), "{name}");
        assert_eq!(nobody_listens(&testbed), Some(()), "{name}");
    }
}

#[test]
fn the_servers_end_even_where_the_binary_is_killed() {
    let place = Place::new("killed");
    let (mut child, testbed) = start_long(&place);
    child.kill().expect("killed");
    child.wait().expect("ended");
    wait_for("the servers end", || nobody_listens(&testbed));
}

#[test]
fn a_server_that_dies_is_told_and_fails_the_run() {
    for (pid_file, server, log) in [
        ("nginx/nginx.pid", "nginx", "error.log"),
        ("haproxy/haproxy.pid", "HAProxy", "output.log"),
    ] {
        // Once it takes the signal (number 15): HAProxy takes connections a moment before, and would log nothing.
        let script = format!(
            "pid=$(cat $(dirname $DCS_TESTBED)/{pid_file}); \
             until [ $((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' /proc/$pid/status) >> 14 & 1)) = 1 ]; do :; done; \
             kill -TERM $pid; sleep 1"
        );
        let output = run(&["--", "sh", "-c", &script]);
        assert_eq!(output.status.code(), Some(125), "{}", stderr(&output));
        for words in [
            format!("{server} ended while it was needed"),
            format!("{log} ends with:"),
        ] {
            assert!(stderr(&output).contains(&words), "{}", stderr(&output));
        }
    }
}
