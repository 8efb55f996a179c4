//! Codes: their names and advice.

use std::ffi::{CStr, c_char};
use std::ptr;

use crate::error::Code;

/// Is the result of a call: `DCS_OK` or one of the `DCS_ERR_` constants. Numbers are only ever added.
pub type dcs_code = i32;

/// Returns the name of a code, such as "DCS_ERR_KEY_MISMATCH". NULL for an unknown number. The text
/// lives forever.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_code_name(code: dcs_code) -> *const c_char {
    Code::from_number(code).map_or(ptr::null(), |code| CStr::as_ptr(code.c_name()))
}

/// Returns the general advice for a code. An error's own `dcs_error_hint` is usually more specific.
/// NULL for an unknown number. The text lives forever.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_code_hint(code: dcs_code) -> *const c_char {
    Code::from_number(code).map_or(ptr::null(), |code| CStr::as_ptr(code.c_hint()))
}
