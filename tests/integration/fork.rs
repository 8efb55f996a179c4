//! A client that the parent and its children use at once after a fork.

use std::process::Command;

use crate::common::c::{compile, text};
use dcs_testbed::Testbed;

#[track_caller]
fn fork(listener: &str, threads: u32, children: u32, calls: u32) -> String {
    let program = Command::new(compile("cc", "-std=c99", "tests/c/fork.c"));
    run(program, listener, [threads, children, calls], &[])
}

#[track_caller]
fn run(mut program: Command, listener: &str, numbers: [u32; 3], more: &[&str]) -> String {
    let testbed = Testbed::from_env();
    let output = program
        .arg(testbed.url(listener, "/checks/passport"))
        .args(["ca_bundle", "client_cert", "client_key"].map(|name| testbed.file(name)))
        .args(numbers.map(|number| number.to_string()))
        .args(more)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn children_do_not_use_the_parents_connections() {
    for listener in ["tls12_keepalive", "tls13_keepalive"] {
        // No other thread calls: the parent's one connection must outlive its children.
        assert_eq!(fork(listener, 0, 8, 20), "ok reused=1\n");
    }
    assert_eq!(fork("tls12_close", 0, 8, 20), "ok reused=0\n");
}

#[test]
fn fork_during_calls_of_other_threads() {
    for listener in ["tls12_keepalive", "tls13_close"] {
        fork(listener, 16, 64, 5);
    }
}

/// As in a container whose first process starts a namespace.
#[cfg(target_os = "linux")]
#[test]
fn child_with_the_same_process_id_as_its_parent() {
    let namespace = |command: &mut Command| {
        command.args(["--user", "--map-root-user", "--pid", "--fork"]);
    };
    let mut probe = Command::new("unshare");
    namespace(&mut probe);
    if !probe
        .arg("true")
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("skipped: no PID namespace can be created here");
        return;
    }
    let mut program = Command::new("unshare");
    namespace(&mut program);
    program.arg(compile("cc", "-std=c99", "tests/c/fork.c"));
    assert_eq!(
        run(program, "tls12_keepalive", [0, 1, 5], &["namespace"]),
        "ok reused=1\n"
    );
}
