//! The built library through its C ABI: C99 and C++17 programs against nginx, its exported symbols, and memcheck.
//!
//! `make test` sets `DCS_LIBRARY`, the libdcs.so to test. `make sanitize` also sets `DCS_CFLAGS`, compiler options for a
//! library that was built with a sanitizer.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::c::{STRICT, compile, declared, is_windows, library, root, run, text};
use dcs_testbed::Testbed;

/// Runs the C program that makes calls. "-" omits a file.
fn calls(testbed: &Testbed, url: &str, files: [&str; 3], more: &[&str]) -> Output {
    let program = compile("cc", "-std=c99", "tests/c/calls.c");
    run_calls(run(&program), testbed, url, files, more)
}

fn run_calls(
    mut command: Command,
    testbed: &Testbed,
    url: &str,
    files: [&str; 3],
    more: &[&str],
) -> Output {
    command.arg(url);
    for name in files {
        if name == "-" {
            command.arg(name);
        } else {
            command.arg(testbed.file(name));
        }
    }
    command.args(more).output().unwrap()
}

const GOOD: [&str; 3] = ["ca_bundle", "client_cert", "client_key"];

#[track_caller]
fn assert_line(output: &Output, line: &str) {
    let printed = text(&output.stdout);
    assert!(
        printed.lines().any(|printed| printed == line),
        "no line '{line}' in:\n{printed}{}",
        text(&output.stderr)
    );
}

#[test]
fn every_function_obeys_the_header() {
    let program = compile("cc", "-std=c99", "tests/c/contract.c");
    let output = run(&program).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn header_compiles_as_cpp() {
    for standard in ["-std=c++11", "-std=c++17", "-std=c++20"] {
        let output = Command::new("c++")
            .args([standard, "-fsyntax-only", "-x", "c++"])
            .args(STRICT)
            .arg(root().join("include/dcs.h"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

#[test]
fn c_program_reads_a_status() {
    let testbed = Testbed::from_env();
    for (listener, version) in [("tls12_close", "TLSv1.2"), ("tls13_keepalive", "TLSv1.3")] {
        let output = calls(
            &testbed,
            &testbed.url(listener, "/checks/passport"),
            GOOD,
            &[],
        );
        assert!(output.status.success(), "{output:?}");
        assert_line(&output, "code=DCS_OK");
        assert_line(&output, "available=1");
        assert_line(&output, "message=NULL");
        assert_line(&output, r#"json={"available":true,"scheduledOutages":[]}"#);
        assert_line(&output, "age_ms=0");
        assert_line(&output, "rate_limit=-1");
        assert_line(&output, &format!("tls_version={version}"));
        assert!(!text(&output.stdout).contains("are inconsistent"));
    }
}

#[test]
fn paths_may_contain_spaces_and_non_ascii_letters() {
    let testbed = Testbed::from_env();
    let folder = testbed.dir().join("Prüf stand Ωж文");
    std::fs::create_dir_all(&folder).unwrap();
    let url = testbed.url("tls12_close", "/checks/passport");
    let paths = GOOD.map(|name| {
        let path = folder.join(format!("{name} ß.pem"));
        std::fs::copy(testbed.file(name), &path).unwrap();
        path
    });
    let program = compile("cc", "-std=c99", "tests/c/calls.c");
    let output = run(&program).arg(&url).args(&paths).output().unwrap();
    assert_line(&output, "available=1");
    // The error shows them unchanged.
    std::fs::remove_file(&paths[1]).unwrap();
    let output = run(&program).arg(&url).args(&paths).output().unwrap();
    assert_line(&output, "code=DCS_ERR_FILE");
    let name = paths[1].to_str().unwrap();
    assert!(text(&output.stdout).contains(name), "{output:?}");
}

/// A DNS lookup may outlive its call. On Linux the linker keeps the library loaded (`soname_and_link_options`).
#[test]
fn dll_stays_loaded_while_its_threads_may_run() {
    if !is_windows() {
        return;
    }
    let testbed = Testbed::from_env();
    let program = compile("cc", "-std=gnu99", "tests/c/unload.c");
    let output = run(&program)
        .arg(testbed.file("ca_bundle"))
        .output()
        .unwrap();
    for line in ["unused=0", "code=DCS_ERR_RESOLVE", "used=1"] {
        assert_line(&output, line);
    }
}

#[test]
fn c_program_reads_outages_and_limits() {
    let testbed = Testbed::from_env();
    let output = calls(&testbed, &testbed.url("tls12_close", "/outages"), GOOD, &[]);
    assert_line(&output, "outage_start=2020-01-01T12:30:00.000Z");
    assert_line(&output, "outage_end=2020-01-01T14:30:00.000Z");
    assert_line(&output, "outage_message=Planned maintenance");
    assert_line(&output, "outage_message=NULL");
    assert_line(&output, "outage_start_unix_ms=1577881800000");
    assert_line(&output, "outage_end_unix_ms=1577889000000");
    assert!(!text(&output.stdout).contains("out of range"));

    let output = calls(&testbed, &testbed.url("tls12_close", "/limits"), GOOD, &[]);
    for line in [
        "rate_limit=50",
        "rate_limit_remaining=49",
        "rate_limit_reset_ms=10000",
        "quota_limit=1000",
        "quota_remaining=900",
    ] {
        assert_line(&output, line);
    }
    let output = calls(
        &testbed,
        &testbed.url("tls12_close", "/unavailable"),
        GOOD,
        &[],
    );
    assert_line(&output, "code=DCS_OK");
    assert_line(&output, "available=0");
    assert_line(&output, "message=Unplanned outage");
}

#[test]
fn c_program_reads_errors() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", "/checks/passport");
    let required = calls(&testbed, &url, ["ca_bundle", "-", "-"], &[]);
    assert_eq!(required.status.code(), Some(1));
    assert_line(&required, "code=DCS_ERR_CLIENT_CERT_REQUIRED");
    assert_line(&required, "http_status=400");
    assert_line(&required, "tls_alert=-1");
    let expired = ["ca_bundle", "rejected_expired_cert", "rejected_expired_key"];
    let output = calls(&testbed, &url, expired, &[]);
    assert_line(&output, "code=DCS_ERR_CLIENT_CERT_REJECTED");
    assert_line(&output, "check=DCS_CHECK_CERT_NOT_EXPIRED");
    let url = testbed.url("apache_tls13", "/checks/passport");
    let output = calls(&testbed, &url, ["ca_bundle", "-", "-"], &[]);
    assert_line(&output, "code=DCS_ERR_CLIENT_CERT_REQUIRED");
    assert_line(&output, "tls_alert=116");
    let output = calls(&testbed, &testbed.url("tls12_close", "/429"), GOOD, &[]);
    assert_line(&output, "code=DCS_ERR_RATE_LIMITED");
    assert_line(&output, "retry_after_ms=7000");
    assert_line(&output, "retryable=1");
    for line in [
        "rate_limit=50",
        "rate_limit_remaining=0",
        "rate_limit_reset_ms=7000",
        "quota_limit=-1",
        "quota_remaining=-1",
    ] {
        assert_line(&output, line);
    }
    let output = calls(&testbed, &testbed.url("tls12_close", "/403"), GOOD, &[]);
    for line in ["rate_limit=-1", "quota_limit=1000", "quota_remaining=0"] {
        assert_line(&output, line);
    }
}

fn assert_interrupted(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for how in ["interrupt", "callback", "cancel", "cancelled_before"] {
        assert_line(output, &format!("{how}=DCS_ERR_INTERRUPTED"));
    }
    assert_line(output, "callback_left=0");
    let by_descriptor = if is_windows() {
        "DCS_ERR_INVALID_ARGUMENT"
    } else {
        "DCS_ERR_INTERRUPTED"
    };
    assert_line(output, &format!("descriptor={by_descriptor}"));
    assert_line(output, "freed_in_flight=DCS_ERR_CONNECTION_LOST");
}

#[test]
fn c_program_interrupts_calls() {
    let testbed = Testbed::from_env();
    assert_interrupted(&calls(&testbed, "https://localhost/", GOOD, &["stall"]));
}

#[test]
fn c_program_reads_a_report() {
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", "/checks/passport");
    let output = calls(&testbed, &url, GOOD, &["diagnose"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_line(&output, "ok=1");
    assert_line(
        &output,
        "finding=passed DCS_CHECK_CERT_NOT_EXPIRED certificate",
    );
    for step in ["dns", "tcp", "tls", "http"] {
        assert_line(&output, &format!("step=passed {step}"));
    }
    assert!(!text(&output.stdout).contains("threads read different documents"));
    assert!(!text(&output.stdout).contains("is impossible"));

    let expired = ["ca_bundle", "rejected_expired_cert", "rejected_expired_key"];
    let output = calls(&testbed, &url, expired, &["diagnose"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_line(&output, "ok=0");
    // The first finding is the most likely cause.
    let printed = text(&output.stdout);
    let first = printed.lines().find(|line| line.starts_with("finding="));
    assert_eq!(
        first,
        Some("finding=failed DCS_CHECK_CERT_NOT_EXPIRED certificate")
    );
    let path = testbed.file("rejected_expired_cert").display().to_string();
    let (whole, redacted) = printed.split_once("\nredacted=").unwrap();
    assert!(whole.contains(&path), "{whole}");
    assert!(!redacted.contains(&path), "{redacted}");

    // This configuration cannot make a client.
    let output = calls(
        &testbed,
        &url,
        ["ca_bundle", "missing", "client_key"],
        &["diagnose"],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_line(
        &output,
        "finding=failed DCS_CHECK_FILE_READABLE certificate",
    );
}

#[test]
fn sixteen_threads_share_one_client() {
    let testbed = Testbed::from_env();
    for listener in [
        "tls12_close",
        "tls12_keepalive",
        "tls13_close",
        "tls13_keepalive",
    ] {
        let url = testbed.url(listener, "/checks/passport");
        let output = calls(&testbed, &url, GOOD, &["16", "10000"]);
        assert_line(&output, "correct=10000");
    }
}

/// For some seconds, or for as long as `DCS_STRESS_SECONDS` says.
#[cfg(unix)]
#[test]
fn stress_of_fourteen_threads_ends_well() {
    let testbed = Testbed::from_env();
    let seconds = std::env::var("DCS_STRESS_SECONDS").unwrap_or_else(|_| "3".into());
    let output = run(&compile("cc", "-std=gnu99", "tests/c/stress.c"))
        .arg(testbed.url("tls12_keepalive", "/checks/passport"))
        .args(["ca_bundle", "client_cert", "client_key"].map(|name| testbed.file(name)))
        .arg(seconds)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.starts_with("ok "), "{printed}");
    for counter in printed.split_whitespace().skip(1) {
        assert!(!counter.ends_with("=0"), "{printed}");
    }
    println!("{printed}");
}

#[test]
fn memcheck_finds_no_leak_and_no_fault() {
    let testbed = Testbed::from_env();
    let program = compile("cc", "-std=c99", "tests/c/calls.c");
    let contract = compile("cc", "-std=c99", "tests/c/contract.c");
    let memcheck = |program: &Path| {
        let mut command = Command::new("valgrind");
        command
            .args(["--quiet", "--error-exitcode=99", "--leak-check=full"])
            .arg("--errors-for-leak-kinds=definite,indirect,possible")
            .arg(program);
        command
    };
    let output = memcheck(&contract).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));

    let calls =
        |url: &str, files, more: &[&str]| run_calls(memcheck(&program), &testbed, url, files, more);
    for listener in ["tls12_close", "tls13_keepalive"] {
        let url = testbed.url(listener, "/checks/passport");
        let output = calls(&url, GOOD, &["16", "160"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_line(&output, "correct=160");
    }
    let url = testbed.url("tls12_close", "/checks/passport");
    let output = calls(&url, GOOD, &["diagnose"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_interrupted(&calls(&url, GOOD, &["stall"]));
    let output = memcheck(&compile("c++", "-std=c++17", "tests/cpp/calls.cpp"))
        .arg(testbed.url("tls12_close", ""))
        .args(GOOD.map(|name| testbed.file(name)))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    // The memory of an error is freed too.
    let output = calls(&url, ["ca_bundle", "-", "-"], &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_line(&output, "code=DCS_ERR_CLIENT_CERT_REQUIRED");
}

#[test]
fn cpp_program_uses_the_whole_wrapper() {
    let testbed = Testbed::from_env();
    let program = compile("c++", "-std=c++17", "tests/cpp/calls.cpp");
    let output = run(&program)
        .arg(testbed.url("tls12_close", ""))
        .args(GOOD.map(|name| testbed.file(name)))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn examples_work() {
    let testbed = Testbed::from_env();
    for (compiler, standard, source) in [
        ("cc", "-std=c99", "examples/status.c"),
        ("c++", "-std=c++17", "examples/status.cpp"),
    ] {
        let program = compile(compiler, standard, source);
        let output = run(&program)
            .env("DCS_URL", testbed.url("tls12_close", "/outages"))
            .env("DCS_CA_BUNDLE", testbed.file("ca_bundle"))
            .env("DCS_CERTIFICATE", testbed.file("client_cert"))
            .env("DCS_PRIVATE_KEY", testbed.file("client_key"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(
            text(&output.stdout).contains("available: yes"),
            "{output:?}"
        );
        let output = run(&program)
            .env("DCS_TIMEOUT_MS", "soon")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).contains("DCS_TIMEOUT_MS"),
            "{output:?}"
        );
    }
}

#[test]
fn library_exports_only_what_the_header_declares() {
    let output = Command::new("nm")
        .args(["-D", "--defined-only", "--format=posix"])
        .arg(library())
        .output()
        .unwrap();
    let exported: BTreeSet<String> = text(&output.stdout)
        .lines()
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect();
    assert!(declared().len() > 50);
    assert_eq!(exported, declared());
}

#[test]
fn soname_and_link_options() {
    let output = Command::new("readelf")
        .args(["--dynamic", "--program-headers", "--wide"])
        .arg(library())
        .output()
        .unwrap();
    let dynamic = text(&output.stdout);
    assert!(
        dynamic.contains("Library soname: [libdcs.so.0]"),
        "{dynamic}"
    );
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
    assert!(dynamic.contains("NOW"), "{dynamic}");
    let stack = dynamic
        .lines()
        .find(|line| line.contains("GNU_STACK"))
        .unwrap();
    assert!(!stack.contains("RWE"), "{stack}");
}

/// Returns the symbols that the library imports, as nm lists them.
fn imported() -> String {
    let output = Command::new("nm")
        .args(["-D", "--undefined-only"])
        .arg(library())
        .output()
        .unwrap();
    text(&output.stdout).to_owned()
}

/// A failed assertion would end the host process. `.cargo/config.toml` disables those of aws-lc.
#[test]
fn library_contains_no_c_assertions() {
    let imported = imported();
    assert!(imported.contains("memcpy"), "{imported}");
    assert!(!imported.contains("assert"), "{imported}");
}

/// `.cargo/config.toml` turns the checks on.
#[test]
fn c_code_is_compiled_with_checks() {
    let imported = imported();
    // The second is any of `__memcpy_chk`, `__vsnprintf_chk` and others.
    for function in ["__stack_chk_fail@", "_chk@"] {
        assert!(imported.contains(function), "{function}: {imported}");
    }
}

#[test]
fn static_library_links() {
    let archive = library().with_file_name("libdcs.a");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contract_static");
    let output = Command::new("cc")
        .args(["-std=c99", "-I"])
        .arg(root().join("include"))
        .arg("-o")
        .arg(&program)
        .arg(root().join("tests/c/contract.c"))
        .arg(archive)
        .args(["-lpthread", "-ldl"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(Command::new(program).status().unwrap().success());
}
