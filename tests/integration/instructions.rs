//! Counts the instructions of a call with callgrind. No path may exceed `benches/instructions/expected.json` by more than a
//! tenth; `make instructions` rewrites that file.
//!
//! Unlike time, the count does not depend on the load of the machine: medians of several runs differ by less than 1 %.
//! valgrind presents every x86-64 processor with AVX2 as the same model, so aws-lc selects the same code on all of them.
//! Other compilers generate other code, so only counts of equal compilers are compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::c::{folder, library, link, root};
use dcs_testbed::Testbed;
use serde_json::{Value, json};

/// For each path: its name, the listener, the URL's path, and what `calls.c` repeats.
const PATHS: [(&str, &str, &str, &str); 6] = [
    (
        "keepalive_tls12",
        "tls12_keepalive",
        "/checks/passport",
        "call",
    ),
    (
        "keepalive_tls13",
        "tls13_keepalive",
        "/checks/passport",
        "call",
    ),
    // As the first, with two planned outages to parse.
    (
        "keepalive_tls12_outages",
        "tls12_keepalive",
        "/outages",
        "call",
    ),
    ("resumed_tls12", "tls12_close", "/checks/passport", "call"),
    ("resumed_tls13", "tls13_close", "/checks/passport", "call"),
    (
        "client_of_three_certificates",
        "tls12_close",
        "/checks/passport",
        "client",
    ),
];

/// How often each path runs. The median counts.
const TIMES: u32 = 21;

/// The most that a count may be of the expected one, in percent.
const LIMIT: u64 = 110;

fn first_line(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().to_owned())
}

/// Returns why this machine cannot count, or `None` if it can.
fn obstacle() -> Option<String> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Some("the expected counts are for Linux on x86-64".to_owned());
    }
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if !cpu.split_whitespace().any(|flag| flag == "avx2") {
        return Some("the expected counts are for a processor with AVX2".to_owned());
    }
    if first_line("valgrind", "--version").is_none() {
        return Some("valgrind does not run".to_owned());
    }
    None
}

/// Returns the compilers of the library, on which the counts depend.
fn compilers() -> BTreeMap<&'static str, String> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    BTreeMap::from([
        ("rustc", first_line(&rustc, "--version").unwrap_or_default()),
        ("cc", first_line("cc", "--version").unwrap_or_default()),
    ])
}

fn compile(library: &Path) -> PathBuf {
    let program = folder().join("instructions_calls");
    let source = root().join("benches/instructions/calls.c");
    link(library, &program, "cc", "-std=c99", &source, &["-O1"]);
    program
}

/// Returns the median count of one path.
fn count(program: &Path, testbed: &Testbed, url: &str, repeated: &str) -> u64 {
    let folder = folder().join("instructions");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--instr-atstart=no"])
        .arg(format!(
            "--callgrind-out-file={}",
            folder.join("out").display()
        ))
        .arg(program)
        .arg(url)
        .args(["ca_bundle", "client_chain", "client_key"].map(|name| testbed.file(name)))
        .args([repeated, &TIMES.to_string()])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{url}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut counts: Vec<u64> = (1..=TIMES)
        .map(|time| {
            let text = fs::read_to_string(folder.join(format!("out.{time}"))).unwrap();
            let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
            total.unwrap().trim().parse().unwrap()
        })
        .collect();
    counts.sort_unstable();
    counts[counts.len() / 2]
}

#[test]
fn no_path_exceeds_its_expected_instructions() {
    if let Some(obstacle) = obstacle() {
        eprintln!("skipped: {obstacle}");
        return;
    }
    let file = root().join("benches/instructions/expected.json");
    let compilers = compilers();
    let write = std::env::var_os("DCS_WRITE_INSTRUCTIONS").is_some();
    let expected: Value = match fs::read_to_string(&file) {
        Ok(text) => serde_json::from_str(&text).unwrap(),
        Err(_) if write => Value::Null,
        Err(error) => panic!("{}: {error}", file.display()),
    };
    for (name, version) in &compilers {
        let then = &expected["compilers"][name];
        if !write && then != version {
            eprintln!(
                "skipped: the expected counts are for {name} {then}, and this is {version}. \
                 `make instructions` rewrites them."
            );
            return;
        }
    }

    let testbed = Testbed::from_env();
    let program = compile(&library());
    let mut counts = BTreeMap::new();
    let mut grown = Vec::new();
    for (name, listener, path, repeated) in PATHS {
        let now = count(&program, &testbed, &testbed.url(listener, path), repeated);
        let then = expected["counts"][name].as_u64();
        println!("{name}: {now}, expected {then:?}");
        if then.is_none_or(|then| now * 100 > then * LIMIT) {
            grown.push(format!("{name}: {now}, expected {then:?}"));
        }
        counts.insert(name, now);
    }
    if write {
        let text = serde_json::to_string_pretty(&json!({
            "compilers": compilers,
            "counts": counts,
        }))
        .unwrap();
        fs::write(&file, text + "\n").unwrap();
        return;
    }
    assert!(
        grown.is_empty(),
        "more than a tenth above the expected counts; if this is intended, run `make instructions` and commit the \
         result: {grown:?}"
    );
}
