//! Arbitrary bytes as a file: CA bundle, certificate, private key, key to convert, file to inspect.
#![no_main]

#[path = "../../tests/common/harmless.rs"]
#[allow(dead_code)] // Each target uses its own part.
mod harmless;

use harmless::{FUZZED, assert_is_harmless};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    assert_is_harmless(content, &FUZZED);
});
