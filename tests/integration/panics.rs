//! A panic in any exported function ends at the C boundary: the caller gets `DCS_ERR_INTERNAL`, or the accessor's value for
//! NULL. Nothing is printed, and every handle can still be freed.
//!
//! The test generates a C program from the header, so that no function is missing. It runs with the library that cargo builds
//! for the tests, with the feature `panic-test`.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::common::c::{Function, folder, functions, library, link, text};
use crate::common::{config, one_test};
use dcs::{Client, Code};
use dcs_testbed::Testbed;

/// Functions without a guard: they only read tables of constants and cannot panic.
const UNGUARDED: [&str; 4] = [
    "dcs_version",
    "dcs_abi_version",
    "dcs_code_name",
    "dcs_code_hint",
];

/// Returns the library that cargo has built for this test, in the folder of the test itself.
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

/// Returns the handle of a parameter: `config` for `const dcs_config *`.
fn handle(kind: &str) -> Option<&str> {
    kind.trim_start_matches("const ")
        .strip_prefix("dcs_")?
        .strip_suffix(" *")
}

/// Returns a call with live handles, or with NULL.
fn call(function: &Function, is_live: bool) -> String {
    let arguments = function.parameters.iter().map(|(kind, name)| {
        if kind.ends_with("**") {
            return format!("({kind})&{name}");
        }
        match (handle(kind), kind.as_str()) {
            (Some(handle), _) if is_live => format!("the_{handle}"),
            (Some(_), _) | (None, "dcs_log_callback" | "dcs_cancellation_callback" | "void *") => {
                "NULL".to_owned()
            }
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

/// Returns the statements that test one function.
fn test_of(function: &Function) -> String {
    let Function {
        name,
        returns,
        parameters,
    } = function;
    let mut code = format!("    /* {name} */\n    {{\n");
    for (kind, name) in parameters {
        if let Some(kind) = kind.strip_suffix('*')
            && kind.ends_with('*')
        {
            writeln!(code, "        {kind}{name} = NULL;").unwrap();
        }
    }
    let live = call(function, true);
    let error = parameters.iter().any(|(kind, _)| kind == "dcs_error **");
    if UNGUARDED.contains(&name.as_str()) {
        writeln!(code, "        CHECK({live} == {live});").unwrap();
    } else if returns == "void" {
        writeln!(code, "        {live};").unwrap();
    } else if returns == "dcs_code" && name != "dcs_error_code" {
        writeln!(code, "        CHECK({live} == DCS_ERR_INTERNAL);").unwrap();
    } else {
        writeln!(code, "        {returns} nothing;").unwrap();
        writeln!(code, "        panic_at(\"\");").unwrap();
        let nothing = if parameters.is_empty() {
            "NULL".to_owned()
        } else {
            call(function, false)
        };
        writeln!(code, "        nothing = {nothing};").unwrap();
        writeln!(code, "        panic_at(\"boundary\");").unwrap();
        writeln!(code, "        CHECK({live} == nothing);").unwrap();
    }
    for (kind, name) in parameters {
        if kind.ends_with("**") && name != "error" {
            writeln!(code, "        CHECK({name} == NULL);").unwrap();
        }
    }
    if error {
        code.push_str(
            "        panic_at(\"\");\n        CHECK(dcs_error_code(error) == DCS_ERR_INTERNAL);\n        \
             CHECK(strstr(dcs_error_message(error), \"guard.rs:\") != NULL);\n        \
             dcs_error_free(error);\n        panic_at(\"boundary\");\n",
        );
    }
    code.push_str("        tested++;\n    }\n");
    code
}

/// Makes a handle of each kind. A new kind in the header does not compile until it is made here.
const BEGIN: &str = r#"
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dcs.h>

static int failures;

#define CHECK(condition) \
    do { if (!(condition)) { failures++; fprintf(stderr, "line %d: %s\n", __LINE__, #condition); } } while (0)

static void panic_at(const char *place) {
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
    int tested = 0;

    CHECK(argc == 4);
    CHECK(dcs_log_set_level(DCS_LOG_DEBUG) == DCS_OK);
    CHECK(dcs_client_new(the_config, &the_client, &the_error) == DCS_ERR_CA_BUNDLE);
    CHECK(dcs_config_set_url(the_config, argv[1]) == DCS_OK);
    /* Far above what a call takes under valgrind on a busy machine. */
    CHECK(dcs_config_set_connect_timeout_ms(the_config, 600000) == DCS_OK);
    CHECK(dcs_config_set_timeout_ms(the_config, 600000) == DCS_OK);
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

    panic_at("boundary");
"#;

/// Tests that the handles still work after all these panics.
const AFTERWARDS: &str = r#"
    panic_at("");
    {
        dcs_status_response *again = NULL;
        CHECK(dcs_status(the_client, &again, NULL) == DCS_OK);
        dcs_status_response_free(again);
        CHECK(dcs_status_response_available(the_status_response) == 1);
        CHECK(strlen(dcs_report_html(the_report)) > 1000);
        CHECK(dcs_buffer_len(the_buffer) == 48);
    }
    panic_at("boundary");
"#;

#[test]
fn panic_in_any_function_ends_at_the_boundary() {
    let testbed = Testbed::from_env();
    let all = functions();
    assert!(all.len() > 80);
    let (frees, others): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|function| function.name.ends_with("_free"));
    let mut code = BEGIN.to_owned();
    for function in others {
        code.push_str(&test_of(function));
    }
    code.push_str(AFTERWARDS);
    // A panic in a free function does not keep it from freeing the handle.
    for function in &frees {
        code.push_str(&test_of(function));
    }
    writeln!(
        code,
        "    CHECK(tested == {});\n    return failures == 0 ? 0 : 1;\n}}",
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

/// Runs a test in a process of its own, whose library panics at this place and prints nothing. Returns whether this is that
/// process.
fn is_child(test: &str, place: &str) -> bool {
    const IN_CHILD: &str = "DCS_TEST_CHILD";
    if std::env::var_os(IN_CHILD).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(one_test(test))
        .env(IN_CHILD, "1")
        .env("DCS_PANIC_TEST", place)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stderr), "");
    false
}

/// Every call that waits for the lookup fails.
#[test]
fn panic_in_the_dns_thread_is_an_error_of_the_call() {
    if !is_child(
        "panics::panic_in_the_dns_thread_is_an_error_of_the_call",
        "lookup",
    ) {
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
fn release_library_has_no_switch_to_panic() {
    assert!(!has_switch(&fs::read(library()).unwrap()));
}

/// The calls go on with the previous files.
#[test]
fn panic_in_the_thread_that_checks_the_files_fails_no_call() {
    if !is_child(
        "panics::panic_in_the_thread_that_checks_the_files_fails_no_call",
        "files",
    ) {
        return;
    }
    let testbed = Testbed::from_env();
    let mut config = config(&testbed, &testbed.url("tls12_close", "/checks/passport"));
    config.set_reload_interval_ms(1);
    let client = Client::new(&config).unwrap();
    for _ in 0..10 {
        assert!(client.status().unwrap().available());
    }
}
