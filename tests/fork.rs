//! A client that is used after a fork, in the parent and in the children at once.

mod common;

use std::process::Command;

use common::c::{compile, text};
use dcs_testbed::Testbed;

#[track_caller]
fn fork(listener: &str, threads: u32, children: u32, calls: u32) -> String {
    let testbed = Testbed::from_env();
    let output = Command::new(compile("cc", "-std=c99", "tests/c/fork.c"))
        .arg(testbed.url(listener, "/checks/passport"))
        .args(["ca_bundle", "client_cert", "client_key"].map(|name| testbed.file(name)))
        .args([threads, children, calls].map(|number| number.to_string()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn children_leave_the_parents_connections_alone() {
    for listener in ["tls12_keepalive", "tls13_keepalive"] {
        // Nobody else calls: the parent's one connection must have outlived its children.
        assert_eq!(fork(listener, 0, 8, 20), "ok reused=1\n");
    }
    assert_eq!(fork("tls12_close", 0, 8, 20), "ok reused=0\n");
}

#[test]
fn a_fork_may_find_the_other_threads_anywhere() {
    for listener in ["tls12_keepalive", "tls13_close"] {
        fork(listener, 16, 64, 5);
    }
}
