//! Makes each call of each C library function that the library uses fail, one after the other, as curl's torture tests do.
//! Every failure leads to a proper code, leaks nothing, and ends in bounded time.
//!
//! Not tested: a failed allocation of Rust ends the process by design, so only those of aws-lc fail. aws-lc ends the process
//! if the kernel refuses random bytes. See docs/host-process.md.

use std::collections::BTreeMap;
use std::process::Command;

use crate::common::c::{compile, compile_preload, text};
use dcs_testbed::Testbed;

/// The functions of which at least one call must fail. If one is missing, the library no longer calls it, or by another
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

/// `DCS_TORTURE=full` adds the failures that persist.
#[test]
fn every_system_call_may_fail() {
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
