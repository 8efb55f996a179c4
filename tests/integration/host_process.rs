//! Effects on the host process: what the library leaves unchanged, and the conditions under which it works.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::common::c::{compile_preload, compile_with, folder, library, text};
use crate::common::{call, config, openssl};
use dcs_testbed::Testbed;

const LISTENER: &str = "tls12_close";

/// A host process, whose program loads the library.
struct Host<'a> {
    testbed: &'a Testbed,
    url: String,
    certificate: PathBuf,
    key: PathBuf,
    password: &'a str,
    more: PathBuf,
}

impl<'a> Host<'a> {
    fn new(testbed: &'a Testbed, listener: &str) -> Self {
        Host {
            testbed,
            url: testbed.url(listener, "/checks/passport"),
            certificate: testbed.file("client_cert"),
            key: testbed.file("client_key"),
            password: "",
            more: PathBuf::new(),
        }
    }

    fn command(&self, test: &str) -> Command {
        self.run(
            &compile_with("cc", "-std=gnu11", "tests/c/host_process.c", &["-ldl"]),
            test,
        )
    }

    fn run(&self, program: &Path, test: &str) -> Command {
        let mut command = Command::new(program);
        command
            .arg(test)
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

    /// Runs a test of the program.
    #[track_caller]
    fn passes(&self, test: &str) {
        assert_passed(&self.command(test).output().unwrap());
    }
}

/// Fails if the program failed or printed anything.
#[track_caller]
fn assert_passed(output: &Output) {
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert!(
        output.status.success() && printed.is_empty(),
        "{}: {printed}",
        output.status
    );
}

#[test]
fn signal_handlers_and_masks_stay_unchanged() {
    let testbed = Testbed::from_env();
    Host::new(&testbed, LISTENER).passes("signals");
}

#[test]
fn closed_connection_raises_no_sigpipe() {
    let testbed = Testbed::from_env();
    Host::new(&testbed, LISTENER).passes("sigpipe");
}

#[test]
fn calls_succeed_while_a_thread_or_the_process_exits() {
    let testbed = Testbed::from_env();
    for listener in [LISTENER, "tls13_keepalive"] {
        Host::new(&testbed, listener).passes("thread_exit");
    }
}

#[test]
fn threads_may_exit_after_dlclose() {
    let testbed = Testbed::from_env();
    for listener in [LISTENER, "tls13_keepalive"] {
        Host::new(&testbed, listener).passes("unload");
    }
}

#[test]
fn two_copies_in_a_process_are_independent() {
    let testbed = Testbed::from_env();
    let copy = folder().join("another_libdcs.so");
    fs::copy(library(), &copy).unwrap();
    let mut host = Host::new(&testbed, "tls13_keepalive");
    host.more = copy;
    host.passes("two_copies");
}

/// The stack of a host's thread, in KiB.
const SMALL_STACK: &str = "128";

#[test]
fn small_stack_is_enough() {
    let testbed = Testbed::from_env();
    let folder = folder().join("host-process");
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| testbed.file(name).display().to_string();
    let (key, certificate) = (file("client_key"), file("client_cert"));
    let password = "correct horse battery staple";
    let pass = format!("pass:{password}");
    let store = ["pkcs12", "-export", "-in", &certificate, "-inkey", &key];
    let pem = fs::read(&key).unwrap();
    for (name, arguments) in [
        ("scrypt.pem", &["pkcs8", "-topk8", "-scrypt"][..]),
        ("pbkdf2.pem", &["pkcs8", "-topk8", "-v2", "aes256"]),
        ("legacy.pem", &["rsa", "-traditional", "-aes256"]),
        ("new.p12", &store),
        ("old.p12", &[&store[..], &["-legacy"]].concat()),
    ] {
        let encrypted = openssl(&[arguments, &["-passout", &pass]].concat(), &pem);
        fs::write(folder.join(name), encrypted).unwrap();
    }
    for listener in [LISTENER, "tls13_keepalive"] {
        let mut host = Host::new(&testbed, listener);
        host.more = SMALL_STACK.into();
        host.passes("small_stack");
        host.password = password;
        for name in ["scrypt.pem", "pbkdf2.pem", "legacy.pem"] {
            host.key = folder.join(name);
            host.passes("small_stack");
        }
        for name in ["new.p12", "old.p12"] {
            host.key = folder.join(name);
            host.certificate = folder.join(name);
            host.passes("small_stack");
        }
    }
}

#[test]
fn empty_file_system_is_enough() {
    let testbed = Testbed::from_env();
    let is_root = fs::metadata("/proc/self").is_ok_and(|metadata| {
        use std::os::unix::fs::MetadataExt;
        metadata.uid() == 0
    });
    if !is_root {
        eprintln!("skipped: only root may change the root directory");
        return;
    }
    let mut host = Host::new(&testbed, LISTENER);
    host.url = host.url.replace("localhost", "127.0.0.1");
    host.more = folder().join("empty");
    fs::create_dir_all(&host.more).unwrap();
    host.passes("chroot");
}

#[test]
fn too_many_open_files_is_an_error_and_recoverable() {
    let testbed = Testbed::from_env();
    let mut host = Host::new(&testbed, LISTENER);
    host.url = host.url.replace("localhost", "127.0.0.1");
    host.passes("no_descriptors");
}

#[test]
fn openssl_in_the_same_process_is_not_affected() {
    let testbed = Testbed::from_env();
    let source = "tests/c/beside_openssl.c";
    let program = compile_with("cc", "-std=gnu11", source, &["-ldl", "-lssl", "-lcrypto"]);
    for listener in [LISTENER, "tls13_keepalive"] {
        let host = Host::new(&testbed, listener);
        assert_passed(&host.run(&program, "").output().unwrap());
    }
}

#[test]
fn nothing_is_printed_to_descriptors_of_closed_standard_streams() {
    let testbed = Testbed::from_env();
    Host::new(&testbed, LISTENER).passes("closed_output");
}

/// The variables that are read without the host's request. ureq reads the proxy variables once, when a process makes its
/// first client, and the library ignores them. aws-lc reads `OPENSSL_ia32cap`, which masks instructions of the processor,
/// when the library is loaded.
const READ_UNASKED: [&str; 9] = [
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

/// The variables of `dcs_config_load_env`.
const OWN: &str = "DCS_";

#[test]
fn environment_is_read_on_request_only() {
    let testbed = Testbed::from_env();
    let shim = compile_preload("tests/c/watch_environment.c");
    let notes = folder().join("environment");
    let _ = fs::remove_file(&notes);
    let host = Host::new(&testbed, "tls13_close");
    let output = host
        .command("everything")
        .env("LD_PRELOAD", shim)
        .env("WATCH", &notes)
        .output()
        .unwrap();
    assert_passed(&output);
    let names = fs::read_to_string(&notes).unwrap_or_default();
    let read: BTreeSet<&str> = names.lines().collect();
    assert!(read.contains("DCS_URL"), "{read:?}");
    let others: Vec<&&str> = read
        .iter()
        .filter(|name| !name.starts_with(OWN) && !READ_UNASKED.contains(name))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

/// A host's own use of rustls chooses its own provider.
#[test]
fn rustls_default_provider_stays_unset() {
    let testbed = Testbed::from_env();
    let config = config(&testbed, &testbed.url("tls13_close", "/checks/passport"));
    assert!(call(&config).unwrap().available());
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
