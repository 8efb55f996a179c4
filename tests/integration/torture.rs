//! Each call of each function of the C library that ours uses is made to fail, one after the other, as curl's
//! torture tests do it: a proper code comes of it, nothing is left open, everything ends.
//!
//! What cannot be had this way: an allocation of Rust that fails ends the process by design, so that only aws-lc's
//! own are made to fail; and aws-lc ends the process where the kernel refuses random bytes; see docs/host-process.md.

use std::collections::BTreeMap;
use std::process::Command;

use crate::common::c::{compile, compile_preload, text};
use dcs_testbed::Testbed;

/// Which functions must have been hit: that one is missing means that the library no longer calls it, or by another
/// name.
const HIT: [&str; 21] = [
    "getsockopt",
    "poll",
    "socket",
    "connect",
    "setsockopt",
    "send",
    "send_short",
    "recv",
    "recv_end",
    "recv_short",
    "getaddrinfo",
    "pthread_create",
    "open",
    "statx",
    "read",
    "read_end",
    "read_short",
    "close",
    "getrandom",
    "clock_gettime",
    "aws_lc_malloc",
];

/// Runs the whole; with `DCS_TORTURE=full` also with failures that do not end.
#[test]
fn every_call_of_the_system_may_fail() {
    let testbed = Testbed::from_env();
    let shim = compile_preload("tests/c/torture_shim.c");
    let program = compile("cc", "-std=c11", "tests/c/torture.c");
    let extent = std::env::var("DCS_TORTURE").unwrap_or_else(|_| "quick".to_owned());
    for listener in ["tls12_close", "tls13_keepalive"] {
        let output = Command::new(&program)
            .arg(&extent)
            .arg(testbed.url(listener, "/checks/passport"))
            .args(["ca_bundle", "client_cert", "client_key"].map(|name| testbed.file(name)))
            .env("LD_PRELOAD", &shim)
            .output()
            .unwrap();
        let printed = text(&output.stdout);
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{}: {}{printed}",
            output.status,
            text(&output.stderr)
        );
        let mut hits: BTreeMap<&str, u32> = BTreeMap::new();
        for line in printed.lines() {
            let (function, rest) = line.split_once(' ').unwrap();
            let (_, count) = rest.split_once(' ').unwrap();
            let count: u32 = count.parse().unwrap();
            *hits.entry(function).or_default() += count;
        }
        for function in HIT {
            assert!(hits[function] > 0, "{function} was not called:\n{printed}");
        }
    }
}
