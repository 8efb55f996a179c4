//! Passes the seeds of the fuzz targets (`fuzz/`), and the inputs that once failed, through the public API.
//!
//! `tests/cases/TARGET` holds the inputs that failed, named after the fault.
//!
//! A binary of its own: the sequences of calls change the level of the log, which the whole process shares.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use common::WATCHDOG_MS;
use common::abi_sequence::{self, World};
use common::harmless::{self, FUZZED};
use common::loopback::{self, End};
use dcs::{Client, Config, Error, Status};

const SERVER_CERTIFICATE: &[u8] = include_bytes!("../fuzz/pki/server.pem");
const SERVER_KEY: &[u8] = include_bytes!("../fuzz/pki/server.key");

/// Returns a target's seeds and failed inputs, with their paths.
fn cases(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seeds = fs::read_dir(root.join("fuzz/seeds").join(target)).expect("seeds");
    // The folder is missing if no input has failed.
    let found = fs::read_dir(root.join("tests/cases").join(target));
    let paths = seeds
        .chain(found.into_iter().flatten())
        .map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

fn assert_harmless(target: &str) {
    for (path, content) in cases(target) {
        // Shown only if the test fails.
        println!("{}", path.display());
        harmless::assert_is_harmless(&content, &FUZZED);
        harmless::assert_is_harmless_to_a_diagnosis(&content, &FUZZED);
    }
}

#[test]
fn loader_inputs_are_harmless() {
    assert_harmless("loader");
}

/// Returns a function that makes a call to a server that responds with these bytes.
fn caller() -> impl Fn(&[u8], End) -> Result<Status, Error> {
    let response = Arc::new(Mutex::new((Vec::new(), End::KeepAlive)));
    let current = response.clone();
    let port = loopback::start(SERVER_CERTIFICATE, SERVER_KEY, move |_| {
        current.lock().unwrap().clone()
    });
    let mut config = Config::new();
    config
        .set_url(&format!("https://127.0.0.1:{port}/"))
        .unwrap();
    config.set_ca_bundle(FUZZED.ca_bundle);
    config.set_timeout_ms(WATCHDOG_MS).unwrap();
    config.set_connect_timeout_ms(WATCHDOG_MS).unwrap();
    move |bytes, end| {
        *response.lock().unwrap() = (bytes.to_vec(), end);
        // A new client each time, so that nothing is left of the previous response.
        Client::new(&config).unwrap().status()
    }
}

#[test]
fn responses_are_harmless() {
    let call = caller();
    for (path, case) in cases("answer") {
        let Some((how, bytes)) = case.split_first() else {
            continue;
        };
        println!("{}", path.display());
        let end = match how & 1 {
            0 => End::CloseNotify,
            _ => End::Abrupt,
        };
        if let Err(error) = call(bytes, end) {
            let number = error.code().number();
            assert!((200..900).contains(&number), "{error}");
            assert!(!error.message().chars().any(char::is_control), "{error:?}");
            assert!(error.message().len() < 4096, "{error}");
        }
    }
}

#[test]
fn status_bodies_are_harmless() {
    let call = caller();
    for (path, body) in cases("status") {
        println!("{}", path.display());
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let bytes = [head.as_bytes(), &body].concat();
        match call(&bytes, End::CloseNotify) {
            Ok(status) => assert_eq!(status.json().as_bytes(), body),
            Err(error) => {
                assert_eq!(error.code(), dcs::Code::Response, "{error}");
                assert!(!error.message().chars().any(char::is_control), "{error:?}");
            }
        }
    }
}

#[test]
fn call_sequences_obey_the_header() {
    let port = loopback::start(SERVER_CERTIFICATE, SERVER_KEY, abi_sequence::answer);
    let world = World {
        urls: &abi_sequence::urls(port),
        ca_bundle: FUZZED.ca_bundle,
        certificate: FUZZED.certificate,
        private_key: FUZZED.private_key,
        encrypted_key: include_bytes!("../fuzz/seeds/loader/client.aes.pem"),
        password: FUZZED.password,
    };
    let mut successes = 0;
    for (path, program) in cases("abi") {
        println!("{}", path.display());
        successes += abi_sequence::run(&program, &world);
    }
    // Otherwise the sequences fail too early to test anything.
    assert!(successes >= 4, "{successes}");
}
