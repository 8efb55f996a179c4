//! Certificate rotation: files that are replaced while a client runs.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::common::{TempFolder, config, wait_until};
use dcs::{Client, Code, Config};
use dcs_testbed::{PASSWORD, Testbed};

const PATH: &str = "/checks/passport";

/// A folder with a certificate and a key to replace, as Kubernetes mounts them.
struct Mounted(TempFolder);

impl Mounted {
    fn new(name: &str) -> Self {
        Mounted(TempFolder::new(&format!("reload-{name}")))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    /// Replaces both files, each atomically, by the testbed's `NAME_cert` and `NAME_key`.
    fn put(&self, testbed: &Testbed, name: &str) {
        for part in ["cert", "key"] {
            let new = self.file("new");
            fs::copy(testbed.file(&format!("{name}_{part}")), &new).unwrap();
            fs::rename(&new, self.file(part)).unwrap();
        }
    }

    fn config(&self, testbed: &Testbed, listener: &str) -> Config {
        let mut config = config(testbed, &testbed.url(listener, PATH));
        config.set_certificate_file(self.file("cert"));
        config.set_private_key_file(self.file("key"));
        config
    }
}

#[test]
fn reload_applies_new_files() {
    let testbed = Testbed::from_env();
    for listener in ["tls12_close", "tls12_keepalive", "tls13_keepalive"] {
        let mounted = Mounted::new(listener);
        mounted.put(&testbed, "rejected_expired");
        let client = Client::new(&mounted.config(&testbed, listener)).unwrap();
        let expired = client.certificate_not_after().unwrap();
        assert_eq!(
            client.status().unwrap_err().code(),
            Code::ClientCertRejected
        );
        mounted.put(&testbed, "client");
        // Without a reload, the client does not read them.
        assert_eq!(
            client.status().unwrap_err().code(),
            Code::ClientCertRejected
        );
        client.reload().unwrap();
        assert!(client.status().unwrap().available());
        assert!(client.certificate_not_after().unwrap() > expired);
        // The client discards the connections and sessions of the former certificate.
        mounted.put(&testbed, "rejected_expired");
        client.reload().unwrap();
        assert_eq!(
            client.status().unwrap_err().code(),
            Code::ClientCertRejected
        );
    }
}

#[test]
fn failed_reload_changes_nothing() {
    let testbed = Testbed::from_env();
    let mounted = Mounted::new("unusable");
    mounted.put(&testbed, "client");
    let client = Client::new(&mounted.config(&testbed, "tls12_keepalive")).unwrap();
    assert!(client.status().unwrap().available());
    let not_after = client.certificate_not_after();

    fs::write(mounted.file("cert"), "").unwrap();
    let error = client.reload().unwrap_err();
    assert_eq!(error.code(), Code::Certificate);
    assert!(error.message().contains("cert is empty"), "{error}");
    fs::copy(testbed.file("server_cert"), mounted.file("cert")).unwrap();
    assert_eq!(client.reload().unwrap_err().code(), Code::KeyMismatch);
    fs::remove_file(mounted.file("key")).unwrap();
    assert_eq!(client.reload().unwrap_err().code(), Code::File);

    let status = client.status().unwrap();
    assert!(status.available() && status.connection().reused);
    assert_eq!(client.certificate_not_after(), not_after);
}

#[test]
fn reload_without_files_is_an_error() {
    let testbed = Testbed::from_env();
    let mut config = Config::new();
    config.set_url(&testbed.url("tls12_close", PATH)).unwrap();
    config.set_ca_bundle(&fs::read(testbed.file("ca_bundle")).unwrap());
    config.set_certificate(&fs::read(testbed.file("client_cert")).unwrap());
    config.set_private_key(&fs::read(testbed.file("client_key")).unwrap());
    let client = Client::new(&config).unwrap();
    let error = client.reload().unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.hint().contains("Create a new client"), "{error}");
    assert!(client.status().unwrap().available());
}

#[test]
fn reload_of_the_ca_bundle_keeps_an_identity_from_bytes() {
    let testbed = Testbed::from_env();
    let mounted = Mounted::new("bundle");
    let bundle = mounted.file("bundle");
    fs::copy(testbed.file("ca_bundle"), &bundle).unwrap();
    let mut config = Config::new();
    config.set_url(&testbed.url("tls12_close", PATH)).unwrap();
    config.set_ca_bundle_file(&bundle);
    config.set_certificate(&fs::read(testbed.file("client_cert")).unwrap());
    config.set_private_key(&fs::read(testbed.file("client_key_encrypted")).unwrap());
    config.set_private_key_password(Some(PASSWORD));
    let client = Client::new(&config).unwrap();
    let not_after = client.certificate_not_after();
    fs::copy(testbed.file("production_ca_bundle"), &bundle).unwrap();
    client.reload().unwrap();
    assert_eq!(client.status().unwrap_err().code(), Code::ServerUntrusted);
    fs::copy(testbed.file("ca_bundle"), &bundle).unwrap();
    client.reload().unwrap();
    assert!(client.status().unwrap().available());
    assert!(not_after.is_some() && client.certificate_not_after() == not_after);
}

#[test]
fn certificate_file_is_reloaded_beside_a_key_from_bytes() {
    let testbed = Testbed::from_env();
    let mounted = Mounted::new("half");
    mounted.put(&testbed, "client");
    let mut config = config(&testbed, &testbed.url("tls12_close", PATH));
    config.set_certificate_file(mounted.file("cert"));
    config.set_private_key(&fs::read(testbed.file("client_key_encrypted")).unwrap());
    config.set_private_key_password(Some(PASSWORD));
    let client = Client::new(&config).unwrap();
    client.reload().unwrap();
    assert!(client.status().unwrap().available());
    // An older certificate of the same key.
    mounted.put(&testbed, "rejected_expired");
    client.reload().unwrap();
    assert_eq!(
        client.status().unwrap_err().code(),
        Code::ClientCertRejected
    );
}

#[test]
fn calls_succeed_while_files_are_reloaded() {
    const CALLS: usize = 400;
    let testbed = Testbed::from_env();
    for listener in ["tls12_close", "tls13_keepalive"] {
        let mounted = Mounted::new(&format!("load-{listener}"));
        mounted.put(&testbed, "client");
        let client = Client::new(&mounted.config(&testbed, listener)).unwrap();
        let (made, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while made.fetch_add(1, Ordering::Relaxed) < CALLS {
                        assert!(client.status().unwrap().available());
                    }
                    over.store(true, Ordering::Relaxed);
                });
            }
            for round in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                // Every other time the key is invalid.
                if round % 2 == 0 {
                    mounted.put(&testbed, "client");
                    client.reload().unwrap();
                } else {
                    fs::write(mounted.file("key"), "").unwrap();
                    client.reload().unwrap_err();
                }
            }
        });
    }
}

#[test]
fn reload_interval_detects_changed_files() {
    let testbed = Testbed::from_env();
    let mounted = Mounted::new("noticed");
    mounted.put(&testbed, "rejected_expired");
    let mut config = mounted.config(&testbed, "tls12_keepalive");
    config.set_reload_interval_ms(1);
    let client = Client::new(&config).unwrap();
    assert_eq!(
        client.status().unwrap_err().code(),
        Code::ClientCertRejected
    );
    mounted.put(&testbed, "client");
    wait_until(|| client.status().is_ok());
    assert!(client.status().unwrap().connection().reused);
    // An invalid file is ignored, and read again after it has changed.
    fs::write(mounted.file("cert"), "").unwrap();
    assert!(client.status().unwrap().connection().reused);
    mounted.put(&testbed, "rejected_expired");
    wait_until(|| {
        client
            .status()
            .is_err_and(|error| error.code() == Code::ClientCertRejected)
    });
}
