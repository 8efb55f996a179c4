//! A panic in any exported function ends at the boundary: the caller gets `DCS_ERR_INTERNAL`, or what an
//! accessor gives for NULL, nothing is printed, and every handle can still be freed.
//!
//! The program is written here from the header, so that no function is left out. It runs with the library that
//! cargo builds for the tests, with the feature `panic-test`.
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::common::c::{Function, folder, functions, library, link, text};
use crate::common::config;
use dcs::{Client, Code};
use dcs_testbed::Testbed;

/// They look into tables of constants and have no guard, because there is nothing in them that could panic.
const UNGUARDED: [&str; 4] = [
    "dcs_version",
    "dcs_abi_version",
    "dcs_code_name",
    "dcs_code_hint",
];

/// The library that this test's cargo has built: in the folder of the test itself.
fn panicking_library() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.with_file_name("libdcs.so");
    let content = fs::read(&built).unwrap();
    assert!(
        has_switch(&content),
        "{} was built without the feature panic-test by another cargo command: touch src/lib.rs and run again",
        built.display()
    );
    let folder = folder().join("panics");
    fs::create_dir_all(&folder).unwrap();
    let library = folder.join("libdcs.so");
    fs::copy(built, &library).unwrap();
    library
}

fn has_switch(library: &[u8]) -> bool {
    const SWITCH: &[u8] = b"DCS_PANIC_TEST";
    library.windows(SWITCH.len()).any(|part| part == SWITCH)
}

/// The handle that a parameter takes: `config` of `const dcs_config *`.
fn handle(kind: &str) -> Option<&str> {
    kind.trim_start_matches("const ")
        .strip_prefix("dcs_")?
        .strip_suffix(" *")
}

/// A call with live handles, or with none.
fn call(function: &Function, is_live: bool) -> String {
    let arguments = function.takes.iter().map(|(kind, name)| {
        if kind.ends_with("**") {
            return format!("({kind})&{name}");
        }
        match (handle(kind), kind.as_str()) {
            (Some(handle), _) if is_live => format!("the_{handle}"),
            (Some(_), _) | (None, "dcs_log_callback" | "void *") => "NULL".to_owned(),
            (None, "const char *" | "const uint8_t *") => format!("({kind})\"x\""),
            (None, "size_t") if name == "index" => "0".to_owned(),
            (None, "size_t" | "uint32_t" | "int32_t" | "dcs_code") => "1".to_owned(),
            (None, other) => panic!("{}: a parameter of the type {other}", function.name),
        }
    });
    format!(
        "{}({})",
        function.name,
        arguments.collect::<Vec<_>>().join(", ")
    )
}

/// The statements that look at one function.
fn look_at(function: &Function) -> String {
    let Function { name, gives, takes } = function;
    let mut code = format!("    /* {name} */\n    {{\n");
    for (kind, name) in takes {
        if let Some(kind) = kind.strip_suffix('*')
            && kind.ends_with('*')
        {
            writeln!(code, "        {kind}{name} = NULL;").unwrap();
        }
    }
    let live = call(function, true);
    let error = takes.iter().any(|(kind, _)| kind == "dcs_error **");
    if UNGUARDED.contains(&name.as_str()) {
        writeln!(code, "        CHECK({live} == {live});").unwrap();
    } else if gives == "void" {
        writeln!(code, "        {live};").unwrap();
    } else if gives == "dcs_code" && name != "dcs_error_code" {
        writeln!(code, "        CHECK({live} == DCS_ERR_INTERNAL);").unwrap();
    } else {
        writeln!(code, "        {gives} nothing;").unwrap();
        writeln!(code, "        ask(\"\");").unwrap();
        let nothing = if takes.is_empty() {
            "NULL".to_owned()
        } else {
            call(function, false)
        };
        writeln!(code, "        nothing = {nothing};").unwrap();
        writeln!(code, "        ask(\"boundary\");").unwrap();
        writeln!(code, "        CHECK({live} == nothing);").unwrap();
    }
    for (kind, name) in takes {
        if kind.ends_with("**") && name != "error" {
            writeln!(code, "        CHECK({name} == NULL);").unwrap();
        }
    }
    if error {
        code.push_str(
            "        ask(\"\");\n        CHECK(dcs_error_code(error) == DCS_ERR_INTERNAL);\n        \
             CHECK(strstr(dcs_error_message(error), \"guard.rs:\") != NULL);\n        \
             dcs_error_free(error);\n        ask(\"boundary\");\n",
        );
    }
    code.push_str("        seen++;\n    }\n");
    code
}

/// Makes a handle of each kind. A kind that is new in the header does not compile until it is made here.
const BEGIN: &str = r#"
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dcs.h>

static int failures;

#define CHECK(condition) \
    do { if (!(condition)) { failures++; fprintf(stderr, "line %d: %s\n", __LINE__, #condition); } } while (0)

static void ask(const char *place) {
    setenv("DCS_PANIC_TEST", place, 1);
}

static const char KEY[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                          "-----END PRIVATE KEY-----\n";

int main(int argc, char **argv) {
    dcs_config *the_config = dcs_config_new();
    dcs_client *the_client = NULL;
    dcs_cancellation *the_cancellation = dcs_cancellation_new();
    dcs_status_response *the_status_response = NULL;
    dcs_report *the_report = NULL;
    dcs_buffer *the_buffer = NULL;
    dcs_log_record *the_log_record = NULL;
    dcs_error *the_error = NULL;
    int seen = 0;

    CHECK(argc == 4);
    CHECK(dcs_log_set_level(DCS_LOG_DEBUG) == DCS_OK);
    CHECK(dcs_client_new(the_config, &the_client, &the_error) == DCS_ERR_CA_BUNDLE);
    CHECK(dcs_config_set_url(the_config, argv[1]) == DCS_OK);
    CHECK(dcs_config_set_ca_bundle_file(the_config, argv[2]) == DCS_OK);
    CHECK(dcs_config_set_certificate_file(the_config, argv[3]) == DCS_OK);
    CHECK(dcs_config_set_private_key_file(the_config, argv[3]) == DCS_OK);
    CHECK(dcs_client_new(the_config, &the_client, NULL) == DCS_OK);
    CHECK(dcs_status(the_client, &the_status_response, NULL) == DCS_OK);
    CHECK(dcs_diagnose(the_config, &the_report, NULL) == DCS_OK);
    CHECK(dcs_private_key_to_pkcs8_der((const uint8_t *)KEY, sizeof KEY - 1, NULL, &the_buffer, NULL) == DCS_OK);
    CHECK(dcs_log_next(&the_log_record) == DCS_OK);
    CHECK(the_client != NULL && the_status_response != NULL && the_report != NULL && the_buffer != NULL);
    CHECK(the_error != NULL && the_log_record != NULL);
    if (failures != 0) {
        return 2;
    }

    ask("boundary");
"#;

/// What lives on after all of that still works.
const STILL: &str = r#"
    ask("");
    {
        dcs_status_response *again = NULL;
        CHECK(dcs_status(the_client, &again, NULL) == DCS_OK);
        dcs_status_response_free(again);
        CHECK(dcs_status_response_available(the_status_response) == 1);
        CHECK(strlen(dcs_report_html(the_report)) > 1000);
        CHECK(dcs_buffer_len(the_buffer) == 48);
    }
    ask("boundary");
"#;

#[test]
fn a_panic_in_any_function_ends_at_the_boundary() {
    let testbed = Testbed::from_env();
    let all = functions();
    assert!(all.len() > 80);
    let (frees, others): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|function| function.name.ends_with("_free"));
    let mut code = BEGIN.to_owned();
    for function in others {
        code.push_str(&look_at(function));
    }
    code.push_str(STILL);
    // A handle is freed although that panics.
    for function in &frees {
        code.push_str(&look_at(function));
    }
    writeln!(
        code,
        "    CHECK(seen == {});\n    return failures == 0 ? 0 : 1;\n}}",
        all.len()
    )
    .unwrap();

    let library = panicking_library();
    let source = library.with_file_name("panics.c");
    let program = library.with_file_name("panics");
    fs::write(&source, code).unwrap();
    link(
        &library,
        &program,
        "cc",
        "-std=c11",
        &source,
        &["-Wno-unused-variable"],
    );
    let both = library.with_file_name("both.pem");
    let content = ["client_cert", "client_key"].map(|name| fs::read(testbed.file(name)).unwrap());
    fs::write(&both, content.concat()).unwrap();
    let output = Command::new("valgrind")
        .args(["--quiet", "--error-exitcode=99", "--leak-check=full"])
        .args(["--errors-for-leak-kinds=definite"])
        .arg(program)
        .arg(testbed.url("tls12_keepalive", "/checks/passport"))
        .arg(testbed.file("ca_bundle"))
        .arg(both)
        .output()
        .unwrap();
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success() && printed.is_empty(), "{printed}");
}

/// Calls that wait for a lookup fail in bounded time.
#[test]
fn a_panic_in_the_look_ups_thread_is_an_error_of_the_call() {
    const IN_CHILD: &str = "DCS_TEST_CHILD";
    if std::env::var_os(IN_CHILD).is_none() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("panics::a_panic_in_the_look_ups_thread_is_an_error_of_the_call")
            .env(IN_CHILD, "1")
            .env("DCS_PANIC_TEST", "lookup")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(text(&output.stderr), "");
        return;
    }
    let testbed = Testbed::from_env();
    let url = testbed.url("tls12_close", "/checks/passport");
    assert!(url.contains("localhost"), "{url}");
    let client = Client::new(&config(&testbed, &url)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let error = client.status().unwrap_err();
                assert_eq!(error.code(), Code::Resolve);
                assert!(error.message().contains("dns.rs:"), "{error}");
            });
        }
    });
}

#[test]
fn the_release_library_cannot_be_asked_to_panic() {
    assert!(!has_switch(&fs::read(library()).unwrap()));
}
