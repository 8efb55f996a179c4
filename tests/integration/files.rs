//! The CA bundle, certificate and key files: every accepted form, and an error for every mistake.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{Slot, TempFolder, assert_no_content, call, config, one_test, openssl};
#[cfg(unix)]
use dcs::Check;
use dcs::{Client, Code, Config};
use dcs_testbed::{PASSWORD, Testbed};

const PATH: &str = "/checks/passport";

#[test]
fn every_key_type_and_form_is_accepted() {
    let testbed = Testbed::from_env();
    for listener in ["tls12_close", "tls13_close"] {
        let url = testbed.url(listener, PATH);
        for (certificate, key) in [
            ("client_cert", "client_key"),
            ("client_chain", "client_key"),
            ("client_cert", "client_key_pkcs1"),
            ("client_combined", "client_combined"),
            ("ec_p256_cert", "ec_p256_key"),
            ("ec_p256_cert", "ec_p256_key_pkcs8"),
            ("ec_p384_cert", "ec_p384_key"),
            ("ec_p521_cert", "ec_p521_key"),
            ("ed25519_cert", "ed25519_key"),
        ] {
            let mut config = config(&testbed, &url);
            config.set_certificate_file(testbed.file(certificate));
            config.set_private_key_file(testbed.file(key));
            let status = call(&config).unwrap_or_else(|error| panic!("{listener} {key}: {error}"));
            assert!(status.available());
        }
    }
}

#[test]
fn bytes_replace_files() {
    let testbed = Testbed::from_env();
    let read = |name: &str| std::fs::read(testbed.file(name)).unwrap();
    let mut config = Config::new();
    config.set_url(&testbed.url("tls12_close", PATH)).unwrap();
    config.set_ca_bundle(&read("ca_bundle"));
    config.set_certificate(&read("client_cert"));
    config.set_private_key(&read("client_key"));
    assert!(call(&config).unwrap().available());
    config.set_private_key(b"");
    let error = Client::new(&config).unwrap_err();
    assert_eq!(error.code(), Code::PrivateKey);
    assert!(error.message().contains("given as bytes"), "{error}");
}

#[test]
fn line_endings_do_not_matter() {
    let testbed = Testbed::from_env();
    let with_crlf = |name: &str| {
        let text = std::fs::read_to_string(testbed.file(name)).unwrap();
        text.replace("\r\n", "\n").replace('\n', "\r\n\r\n")
    };
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    config.set_ca_bundle(with_crlf("ca_bundle").as_bytes());
    config.set_certificate(with_crlf("client_cert").as_bytes());
    config.set_private_key(with_crlf("client_key").as_bytes());
    assert!(call(&config).unwrap().available());
}

#[test]
fn leaf_may_follow_its_issuers() {
    let testbed = Testbed::from_env();
    let read = |name: &str| std::fs::read_to_string(testbed.file(name)).unwrap();
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    config.set_ca_bundle_file(testbed.file("ca_root_only"));
    config.set_certificate(format!("{}\n{}", read("ca_bundle"), read("client_cert")).as_bytes());
    assert!(call(&config).unwrap().available());
}

#[test]
fn encrypted_key_requires_its_password() {
    let testbed = Testbed::from_env();
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    config.set_private_key_file(testbed.file("client_key_encrypted"));
    let missing = Client::new(&config).unwrap_err();
    assert_eq!(missing.code(), Code::Password);
    assert!(missing.message().contains("no password"), "{missing}");
    config.set_private_key_password(Some("battery staple"));
    let wrong = Client::new(&config).unwrap_err();
    assert_eq!(wrong.code(), Code::Password);
    assert!(!wrong.to_string().contains("battery staple"), "{wrong}");
    config.set_private_key_password(Some(PASSWORD));
    assert!(call(&config).unwrap().available());
    assert!(!format!("{config:?}").contains(PASSWORD));

    config.set_private_key_file(testbed.file("client_key_legacy_encrypted"));
    assert!(call(&config).unwrap().available());
    config.set_private_key_password(Some("battery staple"));
    assert_eq!(Client::new(&config).unwrap_err().code(), Code::Password);
    config.set_private_key_password(None);
    let legacy = Client::new(&config).unwrap_err();
    assert_eq!(legacy.code(), Code::Password);
    assert!(legacy.message().contains("no password"), "{legacy}");
    // A password without an encrypted key is ignored.
    config.set_private_key_file(testbed.file("client_key"));
    assert!(call(&config).unwrap().available());
}

/// Windows has no openssl.
#[cfg(unix)]
#[test]
fn obsolete_encryption_is_not_reported_as_a_wrong_password() {
    let testbed = Testbed::from_env();
    let key = std::fs::read(testbed.file("client_key")).unwrap();
    for scheme in ["PBE-MD5-DES", "PBE-SHA1-3DES"] {
        let encrypt = ["pkcs8", "-topk8", "-v1", scheme, "-passout", "pass:secret"];
        let legacy = ["-provider", "legacy", "-provider", "default"];
        let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
        config.set_private_key(&openssl(&[&encrypt[..], &legacy].concat(), &key));
        config.set_private_key_password(Some("secret"));
        let error = Client::new(&config).unwrap_err();
        assert_eq!(error.code(), Code::PrivateKey, "{scheme}: {error}");
        assert!(error.hint().contains("-v2 aes256"), "{error}");
    }
}

#[test]
fn every_wrong_file_is_an_error_that_names_the_fault() {
    use Slot::{Bundle, Certificate, Key};
    let testbed = Testbed::from_env();
    for (slot, name, code, fault) in [
        (Bundle, "missing", Code::File, "no such file"),
        (Bundle, "directory", Code::File, "directory"),
        (Bundle, "empty", Code::CaBundle, "empty"),
        (Bundle, "garbage", Code::CaBundle, "not PEM"),
        (Bundle, "client_key", Code::CaBundle, "no certificate"),
        (Bundle, "client_cert", Code::CaBundle, "no CA certificate"),
        (Bundle, "truncated_cert", Code::CaBundle, "cut short"),
        (Certificate, "missing", Code::File, "no such file"),
        (Certificate, "directory", Code::File, "directory"),
        (Certificate, "empty", Code::Certificate, "empty"),
        (Certificate, "garbage", Code::Certificate, "not PEM"),
        (
            Certificate,
            "client_key",
            Code::Certificate,
            "private key and no certificate",
        ),
        (Certificate, "csr", Code::Certificate, "signing request"),
        (Certificate, "public_key", Code::Certificate, "public key"),
        (
            Certificate,
            "truncated_cert",
            Code::Certificate,
            "cut short",
        ),
        (
            Certificate,
            "ca_bundle",
            Code::Certificate,
            "CA certificates only",
        ),
        (Key, "missing", Code::File, "no such file"),
        (Key, "directory", Code::File, "directory"),
        (Key, "empty", Code::PrivateKey, "empty"),
        (Key, "garbage", Code::PrivateKey, "not PEM"),
        (
            Key,
            "client_cert",
            Code::PrivateKey,
            "certificate and no private key",
        ),
        (Key, "csr", Code::PrivateKey, "signing request"),
        (Key, "public_key", Code::PrivateKey, "public key"),
        (Key, "truncated_key", Code::PrivateKey, "cut short"),
        (Key, "rsa1024_key", Code::PrivateKey, "1024 bits"),
        (Key, "other_key", Code::KeyMismatch, "not the key of"),
    ] {
        let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
        let path = testbed.file(name);
        slot.set(&mut config, &path);
        let error = Client::new(&config).expect_err(name);
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(error.message().contains(fault), "{name}: {error}");
        assert!(error.message().contains(path.to_str().unwrap()), "{error}");
        assert!(error.hint().len() > 20, "{error}");
        assert_no_content(&error, &path);
        if code == Code::File && fault == "no such file" {
            assert_ne!(error.os_code(), None);
        }
    }
}

#[test]
fn rsa_1024_is_rejected() {
    let testbed = Testbed::from_env();
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    config.set_certificate_file(testbed.file("rsa1024_cert"));
    config.set_private_key_file(testbed.file("rsa1024_key"));
    let error = Client::new(&config).unwrap_err();
    assert_eq!(error.code(), Code::PrivateKey);
    assert!(error.message().contains("1024 bits"), "{error}");
    config.set_private_key_file(testbed.file("client_key"));
    let error = Client::new(&config).unwrap_err();
    assert_eq!(error.code(), Code::Certificate);
    assert!(error.message().contains("1024 bits"), "{error}");
}

/// Windows has other permissions, and Wine runs as one user.
#[cfg(unix)]
#[test]
fn unreadable_file_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    // A file without permissions, read by a user who is not root.
    const CHILD: &str = "DCS_TEST_UNREADABLE";
    if let Some(path) = std::env::var_os(CHILD) {
        let mut config = Config::new();
        config.set_ca_bundle_file(PathBuf::from(path));
        println!("{}", Client::new(&config).unwrap_err());
        return;
    }
    let folder = TempFolder::new("unreadable");
    let path = folder.path("ca.pem");
    std::fs::write(&path, "x").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();

    let executable = std::env::current_exe().unwrap();
    let is_root = std::fs::read(&path).is_ok();
    let mut command = if is_root {
        // A copy that every user may run. Another process writes it: a child that another test starts meanwhile would
        // inherit an open file of this process, and a file that is open for writing cannot be executed.
        let copy = folder.path("test");
        let cp = Command::new("cp").arg(&executable).arg(&copy).status();
        assert!(cp.unwrap().success());
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(copy);
        command
    } else {
        Command::new(executable)
    };
    let output = command
        .args(one_test("files::unreadable_file_is_an_error"))
        .env(CHILD, &path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("DCS_ERR_FILE"), "{output:?}");
    assert!(text.contains("permission denied"), "{text}");
    assert!(text.contains(path.to_str().unwrap()), "{text}");
}

#[test]
fn paths_may_contain_spaces_and_non_ascii_letters() {
    let testbed = Testbed::from_env();
    let folder = TempFolder::new("Prüf stand Ωж文");
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    for (slot, name) in [
        (Slot::Bundle, "ca_bundle"),
        (Slot::Certificate, "client_cert"),
        (Slot::Key, "client_key"),
    ] {
        let path = folder.path(&format!("{name} ß.pem"));
        std::fs::copy(testbed.file(name), &path).unwrap();
        slot.set(&mut config, &path);
    }
    assert!(call(&config).unwrap().available());
    drop(folder);
    let error = Client::new(&config).unwrap_err();
    assert!(
        error.message().contains("Prüf stand Ωж文") && error.message().contains("no such file"),
        "{error}"
    );
}

/// Reading the console would wait for input.
#[cfg(windows)]
#[test]
fn windows_device_is_rejected() {
    let folder = TempFolder::new("odd");
    for (path, fault) in [
        (folder.path("").as_path(), "directory"),
        (Path::new("NUL"), "not a regular file"),
        (Path::new("COM1"), "not a regular file"),
        (Path::new(r"\\.\NUL"), "not a regular file"),
    ] {
        let mut config = Config::new();
        config.set_ca_bundle_file(path);
        let error = Client::new(&config).unwrap_err();
        assert_eq!(error.code(), Code::File, "{error}");
        assert!(error.message().contains(fault), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn named_pipe_is_rejected_without_waiting() {
    let folder = TempFolder::new("pipe");
    let path = folder.path("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let mut config = Config::new();
    config.set_ca_bundle_file(&path);
    let error = Client::new(&config).unwrap_err();
    assert_eq!(error.code(), Code::File);
    assert!(error.message().contains("not a regular file"), "{error}");
}

#[test]
fn error_names_the_folder_of_a_relative_path() {
    let folder = std::env::current_dir().unwrap().display().to_string();
    for (path, fault) in [
        (
            "missing.pem",
            format!("missing.pem cannot be opened: there is no such file in {folder}."),
        ),
        ("~/missing.pem", "'~' is not expanded".to_owned()),
        ("/nowhere/missing.pem", "there is no such file.".to_owned()),
    ] {
        let mut config = Config::new();
        config.set_ca_bundle_file(path);
        let error = Client::new(&config).unwrap_err();
        assert_eq!(error.code(), Code::File);
        assert!(error.message().contains(&fault), "{error}");
    }
}

#[test]
fn large_file_is_rejected() {
    let folder = TempFolder::new("large");
    let path = folder.path("large");
    std::fs::File::create(&path)
        .unwrap()
        .set_len(5 * 1024 * 1024 * 1024)
        .unwrap();
    let mut config = Config::new();
    config.set_ca_bundle_file(&path);
    let error = Client::new(&config).unwrap_err();
    assert_eq!(error.code(), Code::File);
    assert!(error.message().contains("4 MiB"), "{error}");
}

#[test]
fn bundle_of_some_megabytes_is_accepted() {
    let testbed = Testbed::from_env();
    let folder = TempFolder::new("long");
    let path = folder.path("bundle");
    let mut bundle = "# a remark\n".repeat(3 * 1024 * 1024 / 11).into_bytes();
    bundle.extend(std::fs::read(testbed.file("ca_bundle")).unwrap());
    std::fs::write(&path, bundle).unwrap();
    let mut config = Config::new();
    config.set_ca_bundle_file(&path);
    Client::new(&config).unwrap();
}

#[cfg(unix)]
#[test]
fn anything_but_a_regular_file_is_rejected() {
    let folder = TempFolder::new("odd");
    let socket = folder.path("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let cycle = folder.path("cycle");
    std::os::unix::fs::symlink(&cycle, &cycle).unwrap();
    let empty = folder.path("empty");
    std::fs::write(&empty, "").unwrap();
    for (path, fault) in [
        (folder.path("").as_path(), "directory"),
        (&socket, "No such device or address"),
        (&cycle, "symbolic links"),
        (Path::new("/dev/zero"), "not a regular file"),
        (Path::new("/dev/null"), "not a regular file"),
        // To the kernel these are regular files.
        (Path::new("/proc/self/mem"), "Input/output error"),
        (Path::new("/proc/self/environ/x"), "Not a directory"),
    ] {
        let mut config = Config::new();
        config.set_ca_bundle_file(path);
        let error = Client::new(&config).unwrap_err();
        assert_eq!(error.code(), Code::File, "{error}");
        assert!(error.message().contains(fault), "{error}");
    }
    let mut config = Config::new();
    config.set_ca_bundle_file(&empty);
    let error = Client::new(&config).unwrap_err();
    assert_eq!(error.check(), Some(Check::FileNotEmpty), "{error}");
}

/// The kernel reports size 0 for the files that it generates.
#[cfg(unix)]
#[test]
fn file_of_reported_size_0_is_read_whole() {
    let mut config = Config::new();
    config.set_ca_bundle_file("/proc/self/maps");
    let error = Client::new(&config).unwrap_err();
    assert_eq!(error.code(), Code::CaBundle, "{error}");
    assert_ne!(error.check(), Some(Check::FileNotEmpty), "{error}");
}

#[test]
fn file_that_changes_while_it_is_read() {
    let testbed = Testbed::from_env();
    let folder = TempFolder::new("changing");
    let path = folder.path("key.pem");
    let contents = ["client_key", "client_key_pkcs1", "ca_bundle"]
        .map(|name| std::fs::read(testbed.file(name)).unwrap());
    std::fs::write(&path, &contents[0]).unwrap();
    let mut config = config(&testbed, "https://localhost/");
    config.set_private_key_file(&path);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                for content in &contents {
                    std::fs::write(&path, content).unwrap();
                }
            }
        });
        for _ in 0..500 {
            if let Err(error) = Client::new(&config) {
                assert!(
                    matches!(error.code(), Code::PrivateKey | Code::File),
                    "{error}"
                );
                assert!(error.message().contains("key.pem"), "{error}");
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    Client::new(&config).unwrap_err();
    std::fs::write(&path, &contents[0]).unwrap();
    Client::new(&config).unwrap();
}

#[test]
fn certificate_requires_a_key_and_vice_versa() {
    let testbed = Testbed::from_env();
    let mut config = Config::new();
    assert_eq!(Client::new(&config).unwrap_err().code(), Code::CaBundle);
    config.set_ca_bundle_file(testbed.file("ca_bundle"));
    assert!(Client::new(&config).is_ok());
    config.set_certificate_file(testbed.file("client_cert"));
    assert_eq!(Client::new(&config).unwrap_err().code(), Code::PrivateKey);
    let mut config = Config::new();
    config.set_ca_bundle_file(testbed.file("ca_bundle"));
    config.set_private_key_file(testbed.file("client_key"));
    assert_eq!(Client::new(&config).unwrap_err().code(), Code::Certificate);
}

#[test]
fn two_keys_in_a_file_are_an_error() {
    let testbed = Testbed::from_env();
    let read = |name: &str| std::fs::read(testbed.file(name)).unwrap();
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    config.set_private_key(&[read("client_key"), read("other_key")].concat());
    let error = Client::new(&config).unwrap_err();
    assert_eq!(error.code(), Code::PrivateKey);
    assert!(error.message().contains("more than one"), "{error}");
}
