//! A good guest in the process: what the library leaves alone, and what it copes with.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::common::c::{compile_preload, compile_with, folder, library, text};
use dcs_testbed::Testbed;

const LISTENER: &str = "tls12_close";

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

struct Guest<'a> {
    testbed: &'a Testbed,
    url: String,
    certificate: PathBuf,
    key: PathBuf,
    password: &'a str,
    more: PathBuf,
}

impl<'a> Guest<'a> {
    fn new(testbed: &'a Testbed, listener: &str) -> Self {
        Guest {
            testbed,
            url: testbed.url(listener, "/checks/passport"),
            certificate: testbed.file("client_cert"),
            key: testbed.file("client_key"),
            password: "",
            more: PathBuf::new(),
        }
    }

    fn command(&self, what: &str) -> Command {
        self.run(
            &compile_with("cc", "-std=gnu11", "tests/c/host_process.c", &["-ldl"]),
            what,
        )
    }

    fn run(&self, program: &Path, what: &str) -> Command {
        let mut command = Command::new(program);
        command
            .arg(what)
            .arg(library())
            .arg(&self.url)
            .arg(self.testbed.file("ca_bundle"))
            .args([&self.certificate, &self.key])
            .arg(self.testbed.file("other_ca_bundle"))
            .arg(self.password)
            .arg(&self.more)
            .stdin(Stdio::null());
        command
    }

    /// All is well, and nothing was printed.
    #[track_caller]
    fn is_good(&self, what: &str) {
        is_silent(&self.command(what).output().unwrap());
    }
}

#[track_caller]
fn is_silent(output: &Output) {
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert!(
        output.status.success() && printed.is_empty(),
        "{}: {printed}",
        output.status
    );
}

#[test]
fn signals_are_as_they_were() {
    let testbed = Testbed::from_env();
    Guest::new(&testbed, LISTENER).is_good("signals");
}

#[test]
fn a_peer_that_goes_away_raises_no_sigpipe() {
    let testbed = Testbed::from_env();
    Guest::new(&testbed, LISTENER).is_good("pipes");
}

#[test]
fn it_can_be_called_while_a_thread_or_the_process_ends() {
    let testbed = Testbed::from_env();
    for listener in [LISTENER, "tls13_keepalive"] {
        Guest::new(&testbed, listener).is_good("thread_exit");
    }
}

#[test]
fn threads_may_end_after_it_was_unloaded() {
    let testbed = Testbed::from_env();
    for listener in [LISTENER, "tls13_keepalive"] {
        Guest::new(&testbed, listener).is_good("unload");
    }
}

#[test]
fn two_copies_in_a_process_do_not_meet() {
    let testbed = Testbed::from_env();
    let copy = folder().join("another_libdcs.so");
    fs::copy(library(), &copy).unwrap();
    let mut guest = Guest::new(&testbed, "tls13_keepalive");
    guest.more = copy;
    guest.is_good("two_copies");
}

/// The stack of a thread that a host gives us, in KiB.
const SMALL_STACK: &str = "128";

#[test]
fn a_small_stack_is_enough() {
    let testbed = Testbed::from_env();
    let folder = folder().join("guest");
    fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let file = |name: &str| testbed.file(name).display().to_string();
    let (key, certificate) = (file("client_key"), file("client_cert"));
    let password = "correct horse battery staple";
    let pass = format!("pass:{password}");
    openssl(&[
        "pkcs8",
        "-topk8",
        "-scrypt",
        "-in",
        &key,
        "-out",
        &path("scrypt.pem"),
        "-passout",
        &pass,
    ]);
    openssl(&[
        "pkcs8",
        "-topk8",
        "-v2",
        "aes256",
        "-in",
        &key,
        "-out",
        &path("pbkdf2.pem"),
        "-passout",
        &pass,
    ]);
    openssl(&[
        "rsa",
        "-traditional",
        "-aes256",
        "-in",
        &key,
        "-out",
        &path("legacy.pem"),
        "-passout",
        &pass,
    ]);
    for (name, legacy) in [("new.p12", &[][..]), ("old.p12", &["-legacy"][..])] {
        let store = path(name);
        let made = [
            "pkcs12",
            "-export",
            "-in",
            &certificate,
            "-inkey",
            &key,
            "-out",
            &store,
            "-passout",
            &pass,
        ];
        openssl(&[&made[..], legacy].concat());
    }
    for listener in [LISTENER, "tls13_keepalive"] {
        let mut guest = Guest::new(&testbed, listener);
        guest.more = SMALL_STACK.into();
        guest.is_good("small_stack");
        guest.password = password;
        for name in ["scrypt.pem", "pbkdf2.pem", "legacy.pem"] {
            guest.key = folder.join(name);
            guest.is_good("small_stack");
        }
        for name in ["new.p12", "old.p12"] {
            guest.key = folder.join(name);
            guest.certificate = folder.join(name);
            guest.is_good("small_stack");
        }
    }
}

#[test]
fn an_empty_file_system_is_enough() {
    let testbed = Testbed::from_env();
    let is_root = fs::metadata("/proc/self").is_ok_and(|metadata| {
        use std::os::unix::fs::MetadataExt;
        metadata.uid() == 0
    });
    if !is_root {
        eprintln!("skipped: only root may change the root directory");
        return;
    }
    let mut guest = Guest::new(&testbed, LISTENER);
    guest.url = guest.url.replace("localhost", "127.0.0.1");
    guest.more = folder().join("empty");
    fs::create_dir_all(&guest.more).unwrap();
    guest.is_good("chroot");
}

#[test]
fn without_descriptors_the_error_says_so_and_later_all_is_well() {
    let testbed = Testbed::from_env();
    let mut guest = Guest::new(&testbed, LISTENER);
    guest.url = guest.url.replace("localhost", "127.0.0.1");
    guest.is_good("no_descriptors");
}

#[test]
fn openssl_in_the_same_process_is_not_disturbed() {
    let testbed = Testbed::from_env();
    let source = "tests/c/beside_openssl.c";
    let program = compile_with("cc", "-std=gnu11", source, &["-ldl", "-lssl", "-lcrypto"]);
    for listener in [LISTENER, "tls13_keepalive"] {
        let guest = Guest::new(&testbed, listener);
        is_silent(&guest.run(&program, "").output().unwrap());
    }
}

#[test]
fn nothing_is_printed_where_standard_output_is_closed() {
    let testbed = Testbed::from_env();
    Guest::new(&testbed, LISTENER).is_good("closed_output");
}

/// The only variables that are looked at without being asked to: those that ureq looks at once, when a process
/// makes its first client, without using what it finds; and the one by which a processor's instructions can be kept
/// from aws-lc, when the library is loaded.
const LOOKED_AT: [&str; 9] = [
    "OPENSSL_ia32cap",
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// What `dcs_config_load_env` is for.
const OWN: &str = "DCS_";

#[test]
fn the_environment_is_left_alone() {
    let testbed = Testbed::from_env();
    let shim = compile_preload("tests/c/watch_environment.c");
    let notes = folder().join("environment");
    let _ = fs::remove_file(&notes);
    let guest = Guest::new(&testbed, "tls13_close");
    let output = guest
        .command("everything")
        .env("LD_PRELOAD", shim)
        .env("WATCH", &notes)
        .output()
        .unwrap();
    is_silent(&output);
    let noted = read_or_empty(&notes);
    let asked: BTreeSet<&str> = noted.lines().collect();
    assert!(asked.contains("DCS_URL"), "{asked:?}");
    let others: Vec<&&str> = asked
        .iter()
        .filter(|name| !name.starts_with(OWN) && !LOOKED_AT.contains(name))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

fn read_or_empty(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
