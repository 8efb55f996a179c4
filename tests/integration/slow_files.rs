//! A file system that does not answer: the calls of a client with a reload interval use the previous files.

use crate::common::c::{compile, run, text};
use dcs_testbed::Testbed;

#[test]
fn calls_do_not_wait_for_a_file_system_that_hangs() {
    let testbed = Testbed::from_env();
    let output = run(&compile("cc", "-std=gnu99", "tests/c/slow_files.c"))
        .arg(testbed.url("tls12_keepalive", "/checks/passport"))
        .args(["ca_bundle", "client_cert", "client_key"].map(|name| testbed.file(name)))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "ok\n");
}
