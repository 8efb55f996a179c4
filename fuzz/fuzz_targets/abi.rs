//! Any bytes as a sequence of calls of the C ABI, against a server in this process.
#![no_main]

#[path = "../../tests/common/abi_sequence.rs"]
mod abi_sequence;
#[path = "../../tests/common/loopback.rs"]
mod loopback;

use std::sync::OnceLock;

use abi_sequence::World;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|program: &[u8]| {
    static URLS: OnceLock<Vec<String>> = OnceLock::new();
    let urls = URLS.get_or_init(|| {
        let port = loopback::start(
            include_bytes!("../pki/server.pem"),
            include_bytes!("../pki/server.key"),
            abi_sequence::answer,
        );
        abi_sequence::urls(port)
    });
    abi_sequence::run(
        program,
        &World {
            urls,
            ca_bundle: include_bytes!("../pki/ca.pem"),
            certificate: include_bytes!("../pki/client.pem"),
            private_key: include_bytes!("../pki/client.key"),
            encrypted_key: include_bytes!("../seeds/loader/client.aes.pem"),
            password: "hunter2~secret",
        },
    );
});
