//! Any bytes as a file: CA bundle, certificate, private key, key to convert, file to inspect.
#![no_main]

#[path = "../../tests/common/harmless.rs"]
#[allow(dead_code)] // Each target uses its own part.
mod harmless;

use harmless::{Companions, assert_is_harmless};
use libfuzzer_sys::fuzz_target;

const COMPANIONS: Companions<'static> = Companions {
    ca_bundle: include_bytes!("../pki/ca.pem"),
    certificate: include_bytes!("../pki/client.pem"),
    private_key: include_bytes!("../pki/client.key"),
    password: "hunter2~secret",
};

fuzz_target!(|content: &[u8]| {
    assert_is_harmless(content, &COMPANIONS);
});
