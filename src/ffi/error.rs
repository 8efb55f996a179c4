//! `dcs_error`.

use std::ffi::{CString, c_char};
use std::ptr;

use super::code::dcs_code;
use super::{guard, text};
use crate::error::{Code, Error};
use crate::status::Limits;

/// Describes a failure. Owned by the caller, who frees it with `dcs_error_free`; its texts live until
/// then. It never changes, so several threads may read it at once. It holds no secret.
pub struct dcs_error {
    error: Error,
    message: CString,
    hint: CString,
}

impl dcs_error {
    pub(super) fn into_raw(error: Error) -> *mut dcs_error {
        Box::into_raw(Box::new(dcs_error {
            message: text::owned(error.message()),
            hint: text::owned(error.hint()),
            error,
        }))
    }
}

/// Runs the body of a function with an `error` out-parameter.
pub(super) fn code_and_error(
    error_out: *mut *mut dcs_error,
    body: impl FnOnce() -> Result<(), Error>,
) -> dcs_code {
    // SAFETY: the caller passes NULL or a pointer to writable memory.
    unsafe { guard::clear(error_out) };
    match guard::run(body) {
        Ok(Ok(())) => Code::Ok.number(),
        Ok(Err(error)) | Err(error) => {
            let number = error.code().number();
            if !error_out.is_null() {
                // SAFETY: not NULL, and the caller passes writable memory.
                unsafe { *error_out = dcs_error::into_raw(error) };
            }
            number
        }
    }
}

/// Returns the code. `DCS_OK` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_code(error: *const dcs_error) -> dcs_code {
    guard::read(error, Code::Ok.number(), |e| e.error.code().number())
}

/// Returns what happened, with the file, host or field it concerns. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_message(error: *const dcs_error) -> *const c_char {
    guard::read(error, ptr::null(), |e| e.message.as_ptr())
}

/// Returns what to do about it, as one sentence or more. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_hint(error: *const dcs_error) -> *const c_char {
    guard::read(error, ptr::null(), |e| e.hint.as_ptr())
}

/// Returns the name of the check that explains the failure, such as "DCS_CHECK_CERT_NOT_EXPIRED". NULL
/// if no check does, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_check(error: *const dcs_error) -> *const c_char {
    guard::read(error, ptr::null(), |e| {
        e.error
            .check()
            .map_or(ptr::null(), |check| check.c_name().as_ptr())
    })
}

/// Returns the HTTP status of the answer. 0 if there was no answer, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_http_status(error: *const dcs_error) -> i32 {
    guard::read(error, 0, |e| e.error.http_status().map_or(0, i32::from))
}

/// Returns the number of the TLS alert that the server sent (RFC 8446, section 6). -1 if it sent none,
/// and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_tls_alert(error: *const dcs_error) -> i32 {
    guard::read(error, -1, |e| e.error.tls_alert().map_or(-1, i32::from))
}

/// Returns the operating system's error number: errno, or the WSA code on Windows. 0 if there is none,
/// and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_os_code(error: *const dcs_error) -> i32 {
    guard::read(error, 0, |e| e.error.os_code().unwrap_or(0))
}

/// Returns 1 if retrying the same call later may succeed, otherwise 0. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_retryable(error: *const dcs_error) -> i32 {
    guard::read(error, 0, |e| i32::from(e.error.retryable()))
}

/// Returns how long the service asked to wait (Retry-After), in milliseconds. -1 if it did not, and for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_retry_after_ms(error: *const dcs_error) -> i64 {
    guard::read(error, -1, |e| {
        e.error.retry_after().map_or(-1, |after| {
            i64::try_from(after.as_millis()).unwrap_or(i64::MAX)
        })
    })
}

/// Reads a number of the service's limits.
fn limit(error: *const dcs_error, field: fn(Limits) -> Option<u64>) -> i64 {
    guard::read(error, -1, |e| text::number(field(e.error.limits())))
}

/// Returns the requests allowed in a window (X-RateLimit-Limit). -1 without that header, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_rate_limit(error: *const dcs_error) -> i64 {
    limit(error, |limits| limits.rate_limit)
}

/// Returns the requests left in this window (X-RateLimit-Remaining). -1 without that header, and for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_rate_limit_remaining(error: *const dcs_error) -> i64 {
    limit(error, |limits| limits.rate_limit_remaining)
}

/// Returns the time until the window ends (X-RateLimit-Reset), in milliseconds. -1 without that header,
/// and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_rate_limit_reset_ms(error: *const dcs_error) -> i64 {
    limit(error, Limits::rate_limit_reset_ms)
}

/// Returns the number of passport checks bought (DCS-Quota-Limit). -1 without that header, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_quota_limit(error: *const dcs_error) -> i64 {
    limit(error, |limits| limits.quota_limit)
}

/// Returns the number of passport checks left (DCS-Quota-Remaining). -1 without that header, and for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_quota_remaining(error: *const dcs_error) -> i64 {
    limit(error, |limits| limits.quota_remaining)
}

/// Frees an error. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_free(error: *mut dcs_error) {
    // SAFETY: the caller's duty, see the module.
    unsafe { guard::free(error) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_that_says_where() {
        let mut error = ptr::null_mut();
        let code = code_and_error(&raw mut error, || panic!("on purpose"));
        assert_eq!(code, Code::Internal.number());
        // SAFETY: set by the call above.
        let text = unsafe { dcs_error_message(error) };
        // SAFETY: the text lives as long as the error.
        let text = unsafe { std::ffi::CStr::from_ptr(text) }.to_str().unwrap();
        assert!(text.contains("error.rs:"), "{text}");
        // SAFETY: freed once.
        unsafe { dcs_error_free(error) };
        assert_eq!(guard::read(&raw const code, 7, |_| panic!("on purpose")), 7);
    }
}
