//! What the fuzz targets (`fuzz/`) found once, and their seeds: each is put through the public API again.
//!
//! A case that was found is a file in `tests/cases/TARGET`, named after what was wrong.
//!
//! A binary of its own: the sequences of calls change the level of the log, which is the process's.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use common::abi_sequence::{self, World};
use common::harmless::{self, FUZZED};
use common::loopback::{self, End};
use dcs::{Client, Config, Error, Status};

const SERVER_CERTIFICATE: &[u8] = include_bytes!("../fuzz/pki/server.pem");
const SERVER_KEY: &[u8] = include_bytes!("../fuzz/pki/server.key");

/// The target's cases and seeds, with their names.
fn cases(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seeds = fs::read_dir(root.join("fuzz/seeds").join(target)).expect("seeds");
    // There is no folder where nothing was found.
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
        // Says where it fails; the harness shows it then only.
        println!("{}", path.display());
        harmless::assert_is_harmless(&content, &FUZZED);
        harmless::assert_is_harmless_to_a_diagnosis(&content, &FUZZED);
    }
}

#[test]
fn files_are_harmless() {
    assert_harmless("loader");
}

/// Makes the call to a server that says these bytes.
fn answers() -> impl Fn(&[u8], End) -> Result<Status, Error> {
    let said = Arc::new(Mutex::new((Vec::new(), End::Never)));
    let says = said.clone();
    let port = loopback::start(SERVER_CERTIFICATE, SERVER_KEY, move |_| {
        says.lock().unwrap().clone()
    });
    let mut config = Config::new();
    config
        .set_url(&format!("https://127.0.0.1:{port}/"))
        .unwrap();
    config.set_ca_bundle(FUZZED.ca_bundle);
    config.set_timeout_ms(20_000).unwrap();
    move |bytes, end| {
        *said.lock().unwrap() = (bytes.to_vec(), end);
        // A client each: nothing is left of the answer before.
        Client::new(&config).unwrap().status()
    }
}

#[test]
fn answers_are_harmless() {
    let status = answers();
    for (path, case) in cases("answer") {
        let Some((how, bytes)) = case.split_first() else {
            continue;
        };
        println!("{}", path.display());
        let end = match how & 1 {
            0 => End::Properly,
            _ => End::Abruptly,
        };
        if let Err(error) = status(bytes, end) {
            let number = error.code().number();
            assert!((200..900).contains(&number), "{error}");
            assert!(!error.message().chars().any(char::is_control), "{error:?}");
            assert!(error.message().len() < 4096, "{error}");
        }
    }
}

#[test]
fn bodies_of_a_status_are_harmless() {
    let status = answers();
    for (path, body) in cases("status") {
        println!("{}", path.display());
        let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut bytes = std::mem::take(&mut answer).into_bytes();
        bytes.extend_from_slice(&body);
        match status(&bytes, End::Properly) {
            Ok(status) => assert_eq!(status.json().as_bytes(), body),
            Err(error) => {
                assert_eq!(error.code(), dcs::Code::Response, "{error}");
                assert!(!error.message().chars().any(char::is_control), "{error:?}");
            }
        }
    }
}

#[test]
fn sequences_of_calls_keep_to_the_header() {
    let port = loopback::start(SERVER_CERTIFICATE, SERVER_KEY, abi_sequence::answer);
    let world = World {
        urls: &abi_sequence::urls(port),
        ca_bundle: FUZZED.ca_bundle,
        certificate: FUZZED.certificate,
        private_key: FUZZED.private_key,
        encrypted_key: include_bytes!("../fuzz/seeds/loader/client.aes.pem"),
        password: FUZZED.password,
    };
    let mut answered = 0;
    for (path, program) in cases("abi") {
        println!("{}", path.display());
        answered += abi_sequence::run(&program, &world);
    }
    // Otherwise the sequences do not get as far as they should.
    assert!(answered >= 4, "{answered}");
}
