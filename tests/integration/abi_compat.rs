//! Compatibility with released versions: the ABI, the programs of an older version, and every published number and name.
//! `tests/abi` holds them, `make abi` adds new ones, and docs/versioning.md has the rules.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::c::{STRICT, compile, folder, functions_of, library, link, root, text};
use crate::common::kept::{compare, is_renewing};
use dcs::{Check, Code, ConfigOption};
use dcs_testbed::Testbed;
use serde_json::Value;

const PATH: &str = "/checks/passport";

/// Returns the headers of the versions whose programs must keep working.
fn old_headers() -> Vec<PathBuf> {
    let mut headers: Vec<PathBuf> = fs::read_dir(kept(""))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension() == Some(OsStr::new("h")))
        .collect();
    headers.sort();
    assert!(!headers.is_empty());
    headers
}

fn kept(name: &str) -> PathBuf {
    root().join("tests/abi").join(name)
}

fn files(testbed: &Testbed) -> [PathBuf; 3] {
    ["ca_bundle", "client_cert", "client_key"].map(|name| testbed.file(name).to_owned())
}

// Numbers and names.

/// Collects the fields of a JSON schema, as `findings[].check string`, and the values of each enum.
fn schema_lines(root: &Value, schema: &Value, at: &str, lines: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        schema_lines(root, root.pointer(pointer).unwrap(), at, lines);
        return;
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let at = if at.is_empty() {
            name.clone()
        } else {
            format!("{at}.{name}")
        };
        let required = schema["required"].as_array().unwrap();
        assert!(required.contains(&Value::from(name.as_str())), "{at}");
        lines.insert(format!("report {at}{}", kinds(&field["type"])));
        for word in field["enum"].as_array().into_iter().flatten() {
            lines.insert(format!("report {at} = {word}"));
        }
        if let Some(number) = field.get("const") {
            lines.insert(format!("report {at} = {number}"));
        }
        schema_lines(root, field, &at, lines);
    }
    if let Some(items) = schema.get("items") {
        schema_lines(root, items, &format!("{at}[]"), lines);
    }
}

fn kinds(kind: &Value) -> String {
    match kind {
        Value::Array(kinds) => kinds.iter().map(kinds_one).collect(),
        Value::Null => String::new(),
        kind => kinds_one(kind),
    }
}

fn kinds_one(kind: &Value) -> String {
    format!(" {}", kind.as_str().unwrap())
}

/// Returns whether an old program reads a variable: it reports an error for an invalid value.
fn is_read(variable: &str) -> bool {
    let output = Command::new(compile("cc", "-std=c99", "tests/abi/program.c"))
        .env_clear()
        .env(variable, OsStr::from_bytes(b"\xff"))
        .output()
        .unwrap();
    text(&output.stdout).contains(variable)
}

fn current() -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for code in Code::ALL {
        lines.insert(format!("code {} {}", code.number(), code.name()));
    }
    for check in Check::ALL {
        lines.insert(format!("check {}", check.name()));
    }
    let header = fs::read_to_string(root().join("include/dcs.h")).unwrap();
    for (_, rest) in header
        .match_indices("#define DCS_LOG_")
        .map(|(at, word)| (at, &header[at + word.len()..]))
    {
        let (name, number) = rest.lines().next().unwrap().split_once(' ').unwrap();
        lines.insert(format!("level {number} {}", name.to_lowercase()));
    }
    for option in ConfigOption::ALL {
        let variable = option.variable();
        assert!(is_read(&variable), "{variable} is not read");
        lines.insert(format!("option {}", option.name()));
        lines.insert(format!("variable {variable}"));
    }
    let schema = fs::read_to_string(root().join("docs/report.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    schema_lines(&schema, &schema, "", &mut lines);
    lines
}

#[test]
fn no_number_and_no_name_is_removed() {
    compare(&kept("kept.txt"), &current());
}

// The ABI.

/// Returns the library of this build, which has debug information.
fn library_with_types() -> PathBuf {
    let folder = std::env::current_exe().unwrap();
    let folder = folder.parent().unwrap();
    folder.join("libdcs.so")
}

/// Returns the differences that abidiff reports, empty if there are none.
fn abidiff(old: &Path, new: &Path, options: &[&str]) -> String {
    /// The first two bits of its exit code: it failed to compare.
    const FAILED: i32 = 1 | 2;
    let output = Command::new("abidiff")
        .args(options)
        .args([old, new])
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    assert_eq!(code & FAILED, 0, "{output:?}");
    if code == 0 {
        String::new()
    } else {
        text(&output.stdout)
    }
}

#[test]
fn abi_is_unchanged() {
    let new = folder().join("new-abi.xml");
    let output = Command::new("python3")
        .arg(kept("dump.py"))
        .args([&library_with_types(), &new])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    // A new ABI number allows another ABI.
    let old = kept(&format!("abi-{}.xml", abi_number()));
    if is_renewing() && !old.exists() {
        fs::copy(&new, &old).unwrap();
    }
    let broken = abidiff(&old, &new, &["--no-added-syms"]);
    assert!(
        broken.is_empty(),
        "this breaks programs that are linked with the library; see docs/versioning.md:\n{broken}"
    );
    let added = abidiff(&old, &new, &[]);
    if is_renewing() && !added.is_empty() {
        fs::copy(&new, &old).unwrap();
    } else {
        assert!(
            added.is_empty(),
            "not recorded yet: run `make abi` and commit tests/abi:\n{added}"
        );
    }
}

fn abi_number() -> u32 {
    let source = fs::read_to_string(root().join("src/ffi/version.rs")).unwrap();
    let number = source.split_once("ABI_VERSION: u32 = ").unwrap().1;
    number.split_once(';').unwrap().0.parse().unwrap()
}

/// The SONAME keeps programs from another ABI, the number the bindings.
#[test]
fn soname_follows_the_abi_number() {
    let build = fs::read_to_string(root().join("build.rs")).unwrap();
    let soname = format!("-soname,libdcs.so.{}\"", abi_number() - 1);
    assert!(build.contains(&soname), "build.rs does not have {soname}");
}

// Programs of an older version.

#[test]
fn program_of_an_older_version_works() {
    let testbed = Testbed::from_env();
    let program = compile("cc", "-std=c99", "tests/abi/program.c");
    let output = Command::new(program)
        .arg(testbed.url("tls12_close", PATH))
        .args(files(&testbed))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn every_function_of_an_older_version_exists() {
    for header in old_headers() {
        let mut source = format!("#include \"{}\"\n", header.display());
        source.push_str(
            "typedef void (*function)(void);\nint main(void) {\n    function all[] = {\n",
        );
        let old = functions_of(&header);
        assert!(old.len() > 50);
        for function in old {
            writeln!(source, "        (function){},", function.name).unwrap();
        }
        source.push_str("    };\n    return all[0] == 0;\n}\n");
        let file = folder().join("every_function.c");
        fs::write(&file, source).unwrap();
        let program = folder().join("every_function");
        let options = ["-Wl,-z,now", "-Wno-cast-function-type"];
        link(&library(), &program, "cc", "-std=c99", &file, &options);
        assert!(Command::new(program).status().unwrap().success());
    }
}

/// In one translation unit, C allows equal declarations twice, but not different ones.
#[test]
fn headers_agree() {
    let new = root().join("include/dcs.h");
    for old in old_headers() {
        let file = folder().join("both_headers.c");
        let (old, new) = (old.display(), new.display());
        fs::write(
            &file,
            format!("#include \"{old}\"\n#undef DCS_H\n#include \"{new}\"\n"),
        )
        .unwrap();
        let output = Command::new("cc")
            .args(["-std=c11", "-fsyntax-only"])
            .args(STRICT)
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}
