//! Arbitrary bytes as a file that a diagnosis inspects, in all formats of the report.
#![no_main]

#[path = "../../tests/common/harmless.rs"]
#[allow(dead_code)] // Each target uses its own part.
mod harmless;

use harmless::{FUZZED, assert_is_harmless_to_a_diagnosis};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| assert_is_harmless_to_a_diagnosis(content, &FUZZED));
