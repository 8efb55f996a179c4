//! Compares `include/dcs.h` with the header that the source generates. `make header` writes it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use dcs::{Check, Code};

/// The files of the C ABI, in the order of the header's sections.
const SECTIONS: [&str; 10] = [
    "version",
    "code",
    "error",
    "config",
    "client",
    "cancellation",
    "status",
    "report",
    "buffer",
    "log",
];

const ABOUT: &str = "\
/*
 * libdcs: client library for the UK Document Checking Service (DCS).
 *
 * Generated from src/ffi; do not edit.
 *
 * Ownership: the caller owns what a `_new` function returns and what an out-parameter receives, and frees
 * it with the matching `_free`. Texts that a function returns are borrowed: they live until their owner is
 * freed. The library copies its arguments.
 *
 * Errors: a function that can fail returns a dcs_code. Its `error` out-parameter may be NULL. On success it
 * is set to NULL; on failure it receives a dcs_error, which the caller frees. Other out-parameters are set
 * to NULL on failure. A NULL handle, a NULL required argument and text that is not UTF-8 give
 * DCS_ERR_INVALID_ARGUMENT.
 *
 * Text is NUL-terminated UTF-8, in and out.
 *
 * Threads: the description of each type says which threads may use it.
 *
 * Effects on the process: the library installs no signal handler, prints nothing and never ends the
 * process. Its log is off until dcs_log_set_level turns it on. Only dcs_config_load_env takes options from
 * the environment. Two other parts read it. When a process creates its first client, the HTTP layer looks
 * at the proxy variables and ignores what it finds; as for getenv, no other thread may change the
 * environment meanwhile. When the library is loaded, its cryptography reads OPENSSL_ia32cap, which can
 * switch off instructions of the processor.
 */";

fn codes() -> String {
    let mut text = String::from(
        "/* Codes: from 100 the caller's input, from 200 the network, from 300 TLS, from 400 the service's\n * answers, 900 the library itself. A code for one HTTP status equals it. */\n",
    );
    for code in Code::ALL {
        constant(&mut text, code.meaning(), code.name(), code.number());
    }
    text
}

fn constant(text: &mut String, meaning: &str, name: &str, number: i32) {
    text.push_str("\n/**");
    let mut width = 3;
    for word in meaning.split_whitespace() {
        if width + 1 + word.len() > 100 {
            text.push_str("\n *");
            width = 2;
        }
        write!(text, " {word}").unwrap();
        width += 1 + word.len();
    }
    writeln!(text, " */\n#define {name} {number}").unwrap();
}

fn generated() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    config.header = Some(ABOUT.into());
    config.after_includes = Some(format!("\n{}", codes().trim_end()));
    let mut builder = cbindgen::Builder::new().with_config(config);
    for section in SECTIONS {
        builder = builder.with_src(root.join(format!("src/ffi/{section}.rs")));
    }
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    String::from_utf8(header).unwrap()
}

fn header_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include/dcs.h")
}

#[test]
fn header_is_up_to_date() {
    let generated = generated();
    if std::env::var_os("DCS_WRITE_HEADER").is_some() {
        std::fs::write(header_path(), &generated).unwrap();
    }
    let committed = std::fs::read_to_string(header_path()).unwrap_or_default();
    assert!(
        committed == generated,
        "include/dcs.h differs from the source: run `make header` and commit the result"
    );
}

#[test]
fn every_exporting_file_is_in_the_header() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let exports = std::fs::read_to_string(&path)
            .unwrap()
            .contains("no_mangle");
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert_eq!(exports, SECTIONS.contains(&name.as_str()), "{name}");
    }
}

/// Returns the source of the tests against real servers, and of the unit tests in these files.
fn tests_and(unit_tests: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let mut sources = read(&root.join("tests/cancellation.rs"));
    for entry in std::fs::read_dir(root.join("tests/integration")).unwrap() {
        sources.push_str(&read(&entry.unwrap().path()));
    }
    for file in unit_tests {
        let source = read(&root.join(file));
        sources.push_str(source.split_once("mod tests").unwrap().1);
    }
    sources
}

/// Returns whether the sources name a variant such as `Code::File`, which a test asserts.
fn is_named(variant: &str, sources: &str) -> bool {
    sources.match_indices(variant).any(|(at, _)| {
        let next = sources[at + variant.len()..].chars().next();
        !next.is_some_and(|next| next.is_ascii_alphanumeric())
    })
}

#[test]
fn every_code_is_asserted_by_a_test() {
    // DCS_ERR_INTERNAL needs a panic, which only a unit test of the boundary can cause.
    let sources = tests_and(&["src/ffi/error.rs", "src/config/options.rs"]);
    // Every test of a success asserts DCS_OK.
    for code in &Code::ALL[1..] {
        let variant = format!("Code::{code:?}");
        assert!(is_named(&variant, &sources), "no test asserts {variant}");
    }
}

#[test]
fn every_check_is_asserted_by_a_test() {
    // Only the hosts of the DCS itself show which environment they are.
    let sources = tests_and(&["src/diagnose/certificate_checks.rs"]);
    for check in Check::ALL {
        let variant = format!("Check::{check:?}");
        assert!(is_named(&variant, &sources), "no test asserts {variant}");
    }
}
