//! Codes: their names and advice.

use std::ffi::{CStr, c_char};
use std::ptr;

use crate::error::Code;

/// What became of a call: `DCS_OK` or one of the `DCS_ERR_` constants. Numbers are only ever added.
pub type dcs_code = i32;

/// The name of a code, such as "DCS_ERR_KEY_MISMATCH". NULL for a number that was never given out.
/// Lives forever.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_code_name(code: dcs_code) -> *const c_char {
    Code::from_number(code).map_or(ptr::null(), |code| CStr::as_ptr(code.c_name()))
}

/// The general advice for a code, in a sentence. An error's own `dcs_error_hint` is usually more specific.
/// NULL for a number that was never given out. Lives forever.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_code_hint(code: dcs_code) -> *const c_char {
    Code::from_number(code).map_or(ptr::null(), |code| CStr::as_ptr(code.c_hint()))
}
