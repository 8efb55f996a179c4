//! Tests that the command keeps the exit codes and JSON fields in tests/abi/command.txt.

#[path = "../../tests/common/kept.rs"]
mod kept;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use dcs_testbed::Testbed;
use serde_json::Value;

const PATH: &str = "/checks/passport";

/// Adds the names of an object's fields, at any depth.
fn field_lines(value: &Value, at: &str, lines: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let at = if at.is_empty() {
                    name.clone()
                } else {
                    format!("{at}.{name}")
                };
                lines.insert(format!("json status {at}"));
                field_lines(value, &at, lines);
            }
        }
        Value::Array(items) => {
            for item in items {
                field_lines(item, &format!("{at}[]"), lines);
            }
        }
        _ => {}
    }
}

/// Runs the command with the testbed's good files; `settings` override them.
fn command(testbed: &Testbed, path: &str, settings: &[(&str, &OsStr)], line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dcs"))
        .args(line.split(' '))
        .env_clear()
        .env("DCS_URL", testbed.url("tls12_close", path))
        .env("DCS_CA_BUNDLE", testbed.file("ca_bundle"))
        .env("DCS_CERTIFICATE", testbed.file("client_cert"))
        .env("DCS_PRIVATE_KEY", testbed.file("client_key"))
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

/// Returns the exit codes of the command and the fields of its JSON.
fn current(testbed: &Testbed) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    let without_certificate = [
        ("DCS_CERTIFICATE", OsStr::new("")),
        ("DCS_PRIVATE_KEY", OsStr::new("")),
    ];
    for (what, path, settings, line) in [
        ("status, available", PATH, &[][..], "status"),
        ("status, not available", "/unavailable", &[], "status"),
        ("status, failed", PATH, &without_certificate, "status"),
        ("status, mistaken option", PATH, &[], "status --no-such"),
        ("diagnose, all is well", PATH, &[], "diagnose"),
        ("diagnose, a warning", "/unavailable", &[], "diagnose"),
        ("diagnose, an error", PATH, &without_certificate, "diagnose"),
        ("inspect, no such file", PATH, &[], "inspect /no/such/file"),
    ] {
        let output = command(testbed, path, settings, line);
        let code = output.status.code().unwrap();
        lines.insert(format!("exit {code} {what}"));
    }
    for (path, settings) in [("/outages", &[][..]), ("/429", &[])] {
        let output = command(testbed, path, settings, "status --json");
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        field_lines(&value, "", &mut lines);
    }
    lines
}

#[test]
fn keeps_exit_codes_and_json_fields() {
    let list = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/abi/command.txt");
    kept::compare(Path::new(list), &current(&Testbed::from_env()));
}
