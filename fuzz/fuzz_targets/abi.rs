//! Arbitrary bytes as a sequence of calls of the C ABI, against a server in a separate process.
#![no_main]

#[path = "../../tests/common/abi_sequence.rs"]
mod abi_sequence;
#[path = "../../tests/common/loopback.rs"]
mod loopback;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use abi_sequence::World;
use libfuzzer_sys::fuzz_target;

/// Set in the environment of the server process.
const SERVER: &str = "DCS_FUZZ_SERVER";

static URLS: OnceLock<Vec<String>> = OnceLock::new();

fuzz_target!(
    init: {
        if std::env::var_os(SERVER).is_some() {
            serve();
        }
        URLS.get_or_init(|| abi_sequence::urls(start_server()));
    },
    |program: &[u8]| {
        abi_sequence::run(
            program,
            &World {
                urls: URLS.get().expect("init comes first"),
                ca_bundle: include_bytes!("../pki/ca.pem"),
                certificate: include_bytes!("../pki/client.pem"),
                private_key: include_bytes!("../pki/client.key"),
                encrypted_key: include_bytes!("../seeds/loader/client.aes.pem"),
                password: "hunter2~secret",
            },
        );
    }
);

/// Starts this program as the server and returns its port.
///
/// In this process, the server's short-lived threads would hold memory where LeakSanitizer does not look, and its code
/// would count as the library's coverage.
fn start_server() -> u16 {
    // Keeps the pipe open, whose end stops the server when this process ends.
    static SERVER_PROCESS: OnceLock<Mutex<Child>> = OnceLock::new();
    let mut server = Command::new(std::env::current_exe().unwrap())
        .env(SERVER, "1")
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut port)
        .unwrap();
    SERVER_PROCESS.get_or_init(|| Mutex::new(server));
    port.trim().parse().expect("the server prints its port")
}

/// Runs the server until the fuzzer's process ends.
fn serve() -> ! {
    let port = loopback::start(
        include_bytes!("../pki/server.pem"),
        include_bytes!("../pki/server.key"),
        abi_sequence::answer,
    );
    println!("{port}");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(0)
}
