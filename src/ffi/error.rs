//! `dcs_error`.

use std::ffi::{CString, c_char};
use std::ptr;

use super::code::dcs_code;
use super::{guard, text};
use crate::error::{Code, Error};
use crate::status::Limits;

/// A failure in words. Owned by the caller, who frees it with `dcs_error_free`; its texts live until then.
/// It never changes, so threads may read it at once. It holds no secret.
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

/// For functions with an `error` out-parameter.
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

/// The code; `DCS_OK` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_code(error: *const dcs_error) -> dcs_code {
    guard::read(error, Code::Ok.number(), |e| e.error.code().number())
}

/// What happened, with the file, host or field it concerns. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_message(error: *const dcs_error) -> *const c_char {
    guard::read(error, ptr::null(), |e| e.message.as_ptr())
}

/// What to do about it, in a sentence to act on. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_hint(error: *const dcs_error) -> *const c_char {
    guard::read(error, ptr::null(), |e| e.hint.as_ptr())
}

/// The name of the check that explains the failure, such as "DCS_CHECK_CERT_NOT_EXPIRED". NULL where none
/// does, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_check(error: *const dcs_error) -> *const c_char {
    guard::read(error, ptr::null(), |e| {
        e.error
            .check()
            .map_or(ptr::null(), |check| check.c_name().as_ptr())
    })
}

/// The HTTP status of the answer. 0 where none came, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_http_status(error: *const dcs_error) -> i32 {
    guard::read(error, 0, |e| e.error.http_status().map_or(0, i32::from))
}

/// The number of the TLS alert that the server sent (RFC 8446, section 6). -1 where none came, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_tls_alert(error: *const dcs_error) -> i32 {
    guard::read(error, -1, |e| e.error.tls_alert().map_or(-1, i32::from))
}

/// The operating system's error number: errno, or the WSA code on Windows. 0 where none came, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_os_code(error: *const dcs_error) -> i32 {
    guard::read(error, 0, |e| e.error.os_code().unwrap_or(0))
}

/// 1 where the same call may succeed later without anybody changing anything, else 0; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_retryable(error: *const dcs_error) -> i32 {
    guard::read(error, 0, |e| i32::from(e.error.retryable()))
}

/// How long the service asked to wait (Retry-After), in milliseconds. -1 where it did not, and for NULL.
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

/// Requests allowed in a window (X-RateLimit-Limit). -1 where the header did not come, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_rate_limit(error: *const dcs_error) -> i64 {
    limit(error, |limits| limits.rate_limit)
}

/// Requests left in this window (X-RateLimit-Remaining). -1 where the header did not come, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_rate_limit_remaining(error: *const dcs_error) -> i64 {
    limit(error, |limits| limits.rate_limit_remaining)
}

/// The time until the window ends (X-RateLimit-Reset), in milliseconds. -1 where the header did not come, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_rate_limit_reset_ms(error: *const dcs_error) -> i64 {
    limit(error, Limits::rate_limit_reset_ms)
}

/// The checks that were bought (DCS-Quota-Limit). -1 where the header did not come, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_error_quota_limit(error: *const dcs_error) -> i64 {
    limit(error, |limits| limits.quota_limit)
}

/// The checks that are left (DCS-Quota-Remaining). -1 where the header did not come, and for NULL.
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
