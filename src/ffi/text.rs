//! Text and bytes across the boundary.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use super::guard::is_null;
use crate::error::{Code, Error};
use crate::sanitize::printable;

/// Borrows a required text.
pub(super) unsafe fn required<'a>(text: *const c_char, name: &str) -> Result<&'a str, Error> {
    // SAFETY: as for `optional`.
    unsafe { optional(text, name) }?.ok_or_else(|| is_null(name))
}

/// Borrows a text that may be NULL.
pub(super) unsafe fn optional<'a>(
    text: *const c_char,
    name: &str,
) -> Result<Option<&'a str>, Error> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the caller passes a text that ends in a NUL.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|_| {
        Error::new(
            Code::InvalidArgument,
            format!("The argument '{}' is not UTF-8.", printable(name)),
        )
    })
}

/// Borrows bytes; NULL is only allowed for a length of 0.
pub(super) unsafe fn bytes<'a>(data: *const u8, len: usize, name: &str) -> Result<&'a [u8], Error> {
    if data.is_null() {
        return if len == 0 {
            Ok(&[])
        } else {
            Err(is_null(name))
        };
    }
    if isize::try_from(len).is_err() {
        return Err(Error::new(
            Code::InvalidArgument,
            format!("The length of '{name}' is larger than memory can be."),
        ));
    }
    // SAFETY: not NULL, no longer than an object can be, and the caller passes `len` readable bytes.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// Returns an owned text for C. Replaces a NUL within, which would end the text.
pub(super) fn owned(text: &str) -> CString {
    CString::new(text)
        .or_else(|_| CString::new(text.replace('\0', "\u{fffd}")))
        .unwrap_or_default()
}

/// Returns the pointer to an optional text, NULL for none.
pub(super) fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}

/// Returns a number for C, -1 for none.
pub(super) fn number(number: Option<u64>) -> i64 {
    number.map_or(-1, |number| i64::try_from(number).unwrap_or(i64::MAX))
}
