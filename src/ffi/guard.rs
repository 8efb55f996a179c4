//! What every exported function is wrapped in: panics end here, and results become codes.

use std::ptr;

use super::code::dcs_code;
use crate::error::{Code, Error};
use crate::panic::{catch_panic, panic_if_asked};
use crate::sanitize::printable;

/// Runs the body of an exported function; see [`catch_panic`].
pub(super) fn run<T>(body: impl FnOnce() -> T) -> Result<T, Error> {
    catch_panic(|| {
        panic_if_asked("boundary");
        body()
    })
}

/// Runs a function that returns a code and nothing else.
pub(super) fn code(body: impl FnOnce() -> Result<(), Error>) -> dcs_code {
    match run(body) {
        Ok(Ok(())) => Code::Ok.number(),
        Ok(Err(error)) | Err(error) => error.code().number(),
    }
}

/// Runs an accessor. Returns `default` if the handle is NULL or the body panics.
pub(super) fn read<H, T>(handle: *const H, default: T, body: impl FnOnce(&H) -> T) -> T {
    // SAFETY: the caller passes NULL or a live handle.
    match unsafe { handle.as_ref() } {
        Some(handle) => run(|| body(handle)).unwrap_or(default),
        None => default,
    }
}

/// Frees a handle; NULL does nothing.
pub(super) unsafe fn free<H>(handle: *mut H) {
    if !handle.is_null() {
        // SAFETY: the caller passes a handle from `Box::into_raw` that has not been freed.
        let handle = unsafe { Box::from_raw(handle) };
        // A failure has no receiver.
        let _ = run(|| drop(handle));
    }
}

/// Sets an out-parameter to NULL, so that a failure leaves nothing in it that could be freed by mistake.
pub(super) unsafe fn clear<T>(out: *mut *mut T) {
    if !out.is_null() {
        // SAFETY: not NULL, and the caller passes writable memory.
        unsafe { *out = ptr::null_mut() };
    }
}

/// Borrows a required handle.
pub(super) unsafe fn required<'a, H>(handle: *const H, name: &str) -> Result<&'a H, Error> {
    // SAFETY: the caller passes NULL or a live handle.
    unsafe { handle.as_ref() }.ok_or_else(|| is_null(name))
}

/// Borrows a required handle for changing it.
pub(super) unsafe fn required_mut<'a, H>(handle: *mut H, name: &str) -> Result<&'a mut H, Error> {
    // SAFETY: the caller passes NULL or a live handle that no other thread uses.
    unsafe { handle.as_mut() }.ok_or_else(|| is_null(name))
}

/// The error for a required argument that is NULL.
pub(super) fn is_null(name: &str) -> Error {
    Error::new(
        Code::InvalidArgument,
        format!("The argument '{}' is NULL.", printable(name)),
    )
}
