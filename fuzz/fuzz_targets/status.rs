//! Arbitrary bytes as the body of a status, read through the C ABI.
#![no_main]

use std::ffi::{CStr, c_char};

use dcs::ffi::*;
use libfuzzer_sys::fuzz_target;

/// Returns whether the text is not NULL; it must be UTF-8.
fn is_text(text: *const c_char) -> bool {
    // SAFETY: NULL or a text that lives as long as the response, which is freed at the end.
    !text.is_null() && unsafe { CStr::from_ptr(text) }.to_str().is_ok()
}

fuzz_target!(|body: &[u8]| {
    let status = match dcs::fuzzing::status(body) {
        Ok(status) => status,
        Err(message) => {
            assert!(!message.chars().any(char::is_control), "{message:?}");
            assert!(message.len() < 200, "{message}");
            return;
        }
    };
    assert_eq!(status.json().as_bytes(), body);
    let (count, has_message) = (status.scheduled_outages().len(), status.message().is_some());
    let response = dcs::fuzzing::status_response(status);
    // SAFETY: the response is live until it is freed, once, at the end.
    unsafe {
        assert!(is_text(dcs_status_response_json(response)));
        assert_eq!(is_text(dcs_status_response_message(response)), has_message);
        assert_eq!(dcs_status_response_outage_count(response), count);
        for index in 0..count {
            assert!(is_text(dcs_status_response_outage_start(response, index)));
            assert!(is_text(dcs_status_response_outage_end(response, index)));
            let message = dcs_status_response_outage_message(response, index);
            assert!(message.is_null() || is_text(message));
            assert_ne!(
                dcs_status_response_outage_start_unix_ms(response, index),
                i64::MIN
            );
            assert_ne!(
                dcs_status_response_outage_end_unix_ms(response, index),
                i64::MIN
            );
        }
        assert!(dcs_status_response_outage_start(response, count).is_null());
        dcs_status_response_free(response);
    }
});
