//! The three files: every form that is accepted, and every mistake with the error that names it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{Slot, assert_no_content, call, config};
#[cfg(unix)]
use dcs::Check;
use dcs::{Client, Code, Config};
use dcs_testbed::{PASSWORD, Testbed};

const PATH: &str = "/checks/passport";

#[test]
fn every_key_type_and_form_makes_the_call() {
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
fn bytes_serve_like_files() {
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
fn line_ends_do_not_matter() {
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
fn the_leaf_may_stand_behind_its_issuers() {
    let testbed = Testbed::from_env();
    let read = |name: &str| std::fs::read_to_string(testbed.file(name)).unwrap();
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    config.set_ca_bundle_file(testbed.file("ca_root_only"));
    config.set_certificate(format!("{}\n{}", read("ca_bundle"), read("client_cert")).as_bytes());
    assert!(call(&config).unwrap().available());
}

#[test]
fn an_encrypted_key_needs_its_password() {
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
    // A password that is not needed does no harm.
    config.set_private_key_file(testbed.file("client_key"));
    assert!(call(&config).unwrap().available());
}

/// Where openssl is.
#[cfg(unix)]
#[test]
fn an_old_kind_of_encryption_is_not_called_a_wrong_password() {
    let testbed = Testbed::from_env();
    for scheme in ["PBE-MD5-DES", "PBE-SHA1-3DES"] {
        let output = std::process::Command::new("openssl")
            .args(["pkcs8", "-topk8", "-v1", scheme, "-passout", "pass:secret"])
            .args(["-provider", "legacy", "-provider", "default", "-in"])
            .arg(testbed.file("client_key"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
        config.set_private_key(&output.stdout);
        config.set_private_key_password(Some("secret"));
        let error = Client::new(&config).unwrap_err();
        assert_eq!(error.code(), Code::PrivateKey, "{scheme}: {error}");
        assert!(error.hint().contains("-v2 aes256"), "{error}");
    }
}

#[test]
fn every_wrong_file_is_named_with_what_is_wrong() {
    use Slot::{Bundle, Certificate, Key};
    let testbed = Testbed::from_env();
    for (slot, name, code, words) in [
        (Bundle, "missing", Code::File, "no such file"),
        (Bundle, "directory", Code::File, "directory"),
        (Bundle, "empty", Code::CaBundle, "empty"),
        (Bundle, "garbage", Code::CaBundle, "not PEM"),
        (Bundle, "client_key", Code::CaBundle, "no certificate"),
        (
            Bundle,
            "bundle_leaf_only",
            Code::CaBundle,
            "no CA certificate",
        ),
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
        assert!(error.message().contains(words), "{name}: {error}");
        assert!(error.message().contains(path.to_str().unwrap()), "{error}");
        assert!(error.hint().len() > 20, "{error}");
        assert_no_content(&error, &path);
        if code == Code::File && words == "no such file" {
            assert_ne!(error.os_code(), None);
        }
    }
}

#[test]
fn an_rsa_1024_pair_is_refused_by_name() {
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

/// Permissions are other ones on Windows, and Wine runs as one user.
#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    // A file without permissions, read by a user who is not root.
    const CHILD: &str = "DCS_TEST_UNREADABLE";
    if let Some(path) = std::env::var_os(CHILD) {
        let mut config = Config::new();
        config.set_ca_bundle_file(PathBuf::from(path));
        println!("{}", Client::new(&config).unwrap_err());
        return;
    }
    let folder = tempfile_in_tmp("unreadable");
    let path = folder.join("ca.pem");
    std::fs::write(&path, "x").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();

    let test = [
        "--exact",
        "files::a_file_that_may_not_be_read_is_named",
        "--nocapture",
    ];
    let executable = std::env::current_exe().unwrap();
    let as_root = std::fs::read(&path).is_ok();
    let output = if as_root {
        // The executable goes where an ordinary user may run it. Another process copies it: a child that another test
        // starts meanwhile would inherit this one's open file, and a file open for writing cannot be executed.
        let copy = folder.join("test");
        let mut copying = std::process::Command::new("cp");
        copying.arg(&executable).arg(&copy);
        assert!(copying.status().unwrap().success());
        std::process::Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(copy)
            .args(test)
            .env(CHILD, &path)
            .output()
            .unwrap()
    } else {
        std::process::Command::new(executable)
            .args(test)
            .env(CHILD, &path)
            .output()
            .unwrap()
    };
    std::fs::remove_dir_all(&folder).unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("DCS_ERR_FILE"), "{output:?}");
    assert!(text.contains("permission denied"), "{text}");
    assert!(text.contains(path.to_str().unwrap()), "{text}");
}

/// A folder that every user may enter.
fn tempfile_in_tmp(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("dcs-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

#[test]
fn paths_may_have_spaces_and_any_letters() {
    let testbed = Testbed::from_env();
    let folder = tempfile_in_tmp("Prüf stand Ωж文");
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    for (slot, name) in [
        (Slot::Bundle, "ca_bundle"),
        (Slot::Certificate, "client_cert"),
        (Slot::Key, "client_key"),
    ] {
        let path = folder.join(format!("{name} ß.pem"));
        std::fs::copy(testbed.file(name), &path).unwrap();
        slot.set(&mut config, &path);
    }
    assert!(call(&config).unwrap().available());
    std::fs::remove_dir_all(&folder).unwrap();
    let error = Client::new(&config).unwrap_err();
    assert!(
        error.message().contains("Prüf stand Ωж文") && error.message().contains("no such file"),
        "{error}"
    );
}

/// Reading the console would wait for somebody to type.
#[cfg(windows)]
#[test]
fn what_windows_calls_a_file_and_is_none_is_refused() {
    let folder = tempfile_in_tmp("odd");
    for (path, words) in [
        (folder.as_path(), "directory"),
        (Path::new("NUL"), "not a regular file"),
        (Path::new("COM1"), "not a regular file"),
        (Path::new(r"\\.\NUL"), "not a regular file"),
    ] {
        let mut config = Config::new();
        config.set_ca_bundle_file(path);
        let error = Client::new(&config).unwrap_err();
        assert_eq!(error.code(), Code::File, "{error}");
        assert!(error.message().contains(words), "{error}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_refused_without_waiting() {
    let folder = tempfile_in_tmp("pipe");
    let path = folder.join("pipe");
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
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(error.code(), Code::File);
    assert!(error.message().contains("not a regular file"), "{error}");
}

#[test]
fn the_folder_of_a_relative_path_is_named() {
    let folder = std::env::current_dir().unwrap().display().to_string();
    for (path, words) in [
        (
            "missing.pem",
            format!("missing.pem cannot be opened: there is no such file in {folder}."),
        ),
        ("~/missing.pem", "'~' is not read".to_owned()),
        ("/nowhere/missing.pem", "there is no such file.".to_owned()),
    ] {
        let mut config = Config::new();
        config.set_ca_bundle_file(path);
        let error = Client::new(&config).unwrap_err();
        assert_eq!(error.code(), Code::File);
        assert!(error.message().contains(&words), "{error}");
    }
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let folder = tempfile_in_tmp("large");
    let path = folder.join("large");
    std::fs::File::create(&path)
        .unwrap()
        .set_len(5 * 1024 * 1024 * 1024)
        .unwrap();
    let mut config = Config::new();
    config.set_ca_bundle_file(&path);
    let error = Client::new(&config).unwrap_err();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(error.code(), Code::File);
    assert!(error.message().contains("4 MiB"), "{error}");
}

#[test]
fn a_bundle_of_some_megabytes_is_read() {
    let testbed = Testbed::from_env();
    let folder = tempfile_in_tmp("long");
    let path = folder.join("bundle");
    let mut bundle = "# a remark\n".repeat(3 * 1024 * 1024 / 11).into_bytes();
    bundle.extend(std::fs::read(testbed.file("ca_bundle")).unwrap());
    std::fs::write(&path, bundle).unwrap();
    let mut config = Config::new();
    config.set_ca_bundle_file(&path);
    let made = Client::new(&config);
    std::fs::remove_dir_all(&folder).unwrap();
    made.unwrap();
}

#[cfg(unix)]
#[test]
fn what_is_no_file_with_a_content_is_refused() {
    let folder = tempfile_in_tmp("odd");
    let socket = folder.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let around = folder.join("around");
    std::os::unix::fs::symlink(&around, &around).unwrap();
    let empty = folder.join("empty");
    std::fs::write(&empty, "").unwrap();
    for (path, words) in [
        (folder.as_path(), "directory"),
        (&socket, "No such device or address"),
        (&around, "symbolic links"),
        (Path::new("/dev/zero"), "not a regular file"),
        (Path::new("/dev/null"), "not a regular file"),
        // The kernel calls these regular files.
        (Path::new("/proc/self/mem"), "Input/output error"),
        (Path::new("/proc/self/environ/x"), "Not a directory"),
    ] {
        let mut config = Config::new();
        config.set_ca_bundle_file(path);
        let error = Client::new(&config).unwrap_err();
        assert_eq!(error.code(), Code::File, "{error}");
        assert!(error.message().contains(words), "{error}");
    }
    let mut config = Config::new();
    config.set_ca_bundle_file(&empty);
    let error = Client::new(&config).unwrap_err();
    assert_eq!(error.check(), Some(Check::FileNotEmpty), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The kernel tells no size of what it makes up, such as a pipe's other end or its own tables.
#[cfg(unix)]
#[test]
fn a_file_that_tells_no_size_is_read_whole() {
    let mut config = Config::new();
    config.set_ca_bundle_file("/proc/self/maps");
    let error = Client::new(&config).unwrap_err();
    assert_eq!(error.code(), Code::CaBundle, "{error}");
    assert_ne!(error.check(), Some(Check::FileNotEmpty), "{error}");
}

#[test]
fn a_file_that_changes_while_it_is_read_does_no_harm() {
    let testbed = Testbed::from_env();
    let folder = tempfile_in_tmp("changing");
    let path = folder.join("key.pem");
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
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn certificate_and_key_go_together() {
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
fn two_keys_in_a_file_are_one_too_many() {
    let testbed = Testbed::from_env();
    let read = |name: &str| std::fs::read(testbed.file(name)).unwrap();
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    config.set_private_key(&[read("client_key"), read("other_key")].concat());
    let error = Client::new(&config).unwrap_err();
    assert_eq!(error.code(), Code::PrivateKey);
    assert!(error.message().contains("more than one"), "{error}");
}
