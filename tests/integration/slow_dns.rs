//! A DNS server that never answers, in a network namespace: the C library's lookup waits on, but the call ends in time.

use std::fs;
use std::process::Command;

use crate::common::c::{compile, folder, text};
use dcs_testbed::Testbed;

/// How late a call may end. Far above the promised 50 and 100 ms, for a busy machine, and far below what the resolver waits.
const MAX_LATE_MS: i64 = 20_000;

/// The resolver waits for 30 s and asks five times.
const RESOLV_CONF: &str = "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n";

/// Returns a command that runs as root of a user namespace, so that the test needs no root.
fn namespace() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "--net"]);
    command
}

#[test]
fn call_ends_in_time_while_its_dns_lookup_waits() {
    if !namespace()
        .arg("true")
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("skipped: no network namespace can be created here");
        return;
    }
    let testbed = Testbed::from_env();
    let resolver = folder().join("slow_dns.resolv.conf");
    let switch = folder().join("slow_dns.nsswitch.conf");
    fs::write(&resolver, RESOLV_CONF).unwrap();
    fs::write(&switch, "hosts: dns\n").unwrap();
    let output = namespace()
        .args(["sh", "-c"])
        .arg(
            "mount --bind \"$1\" /etc/resolv.conf && mount --bind \"$2\" /etc/nsswitch.conf && shift 2 && exec \"$@\"",
        )
        .args(["sh".as_ref(), resolver.as_os_str(), switch.as_os_str()])
        .arg(compile("cc", "-std=c99", "tests/c/slow_dns.c"))
        .arg("https://slow.example/checks/passport")
        .args(["ca_bundle", "client_cert", "client_key"].map(|name| testbed.file(name)))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}: {}",
        output.status,
        text(&output.stderr)
    );
    let printed = text(&output.stdout);
    let lines: Vec<&str> = printed.lines().collect();
    let codes = ["DCS_ERR_TIMEOUT", "DCS_ERR_TIMEOUT", "DCS_ERR_INTERRUPTED"];
    assert_eq!(lines.len(), codes.len(), "{printed}");
    for (line, expected) in lines.iter().zip(codes) {
        let mut parts = line.splitn(3, ' ');
        assert_eq!(parts.next(), Some(expected), "{printed}");
        let late: i64 = parts.next().unwrap().parse().unwrap();
        assert!((0..MAX_LATE_MS).contains(&late), "{printed}");
        let message = parts.next().unwrap();
        assert!(message.contains("looking up the host name"), "{printed}");
        assert!(message.contains("slow.example"), "{printed}");
    }
}
