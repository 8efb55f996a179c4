//! Certificates of every odd kind, as a server sends them before anything about it is known: each is judged without a crash
//! and in little processor time.
//!
//! The input is a list of certificates in DER, each after its length in two bytes, as in a TLS handshake.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rustix::time::{ClockId, clock_gettime};

const CA: &[u8] = include_bytes!("../pki/ca.pem");

/// The limit is 0.2 s. The sanitizer and the counters of the fuzzer make the library slower.
const MAX_PROCESSOR_TIME: Duration = Duration::from_millis(600);

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

fn certificates(mut input: &[u8]) -> Vec<&[u8]> {
    let mut certificates = Vec::new();
    while let Some((length, rest)) = input.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (certificate, rest) = rest.split_at(length);
        certificates.push(certificate);
        input = rest;
    }
    certificates
}

fuzz_target!(|input: &[u8]| {
    let sent = certificates(input);
    let before = processor_time();
    let verdict = dcs::fuzzing::server_certificates(CA, &sent);
    let taken = processor_time() - before;
    assert!(taken < MAX_PROCESSOR_TIME, "{taken:?}");
    if let Err(error) = verdict {
        assert!(error.message().ends_with('.'), "{error}");
    }
});
