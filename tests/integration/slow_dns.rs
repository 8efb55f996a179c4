//! A name server that never answers, in a network of its own: the C library waits for it as long as it likes, and a call
//! does not.

use std::fs;
use std::process::Command;

use crate::common::c::{compile, folder, text};
use dcs_testbed::Testbed;

/// Far above the 50 and 100 ms that are promised, for a busy machine; far below the 5 s of a resolver's patience.
const SOON_MS: i64 = 2000;

/// As root of a user namespace, so that nobody has to be root.
fn namespace() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "--net"]);
    command
}

#[test]
fn a_look_up_ends_with_its_call() {
    if !namespace()
        .arg("true")
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("not tested: no network namespace can be made here");
        return;
    }
    let testbed = Testbed::from_env();
    let resolver = folder().join("slow_dns.resolv.conf");
    let switch = folder().join("slow_dns.nsswitch.conf");
    fs::write(&resolver, "nameserver 127.0.0.1\n").unwrap();
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
    let told = text(&output.stdout);
    let lines: Vec<&str> = told.lines().collect();
    let codes = ["DCS_ERR_TIMEOUT", "DCS_ERR_TIMEOUT", "DCS_ERR_INTERRUPTED"];
    assert_eq!(lines.len(), codes.len(), "{told}");
    for (line, expected) in lines.iter().zip(codes) {
        let mut parts = line.splitn(3, ' ');
        assert_eq!(parts.next(), Some(expected), "{told}");
        let late: i64 = parts.next().unwrap().parse().unwrap();
        assert!((0..SOON_MS).contains(&late), "{told}");
        let message = parts.next().unwrap();
        assert!(message.contains("looking up the host name"), "{told}");
        assert!(message.contains("slow.example"), "{told}");
    }
}
