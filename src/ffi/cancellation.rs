//! `dcs_cancellation`.

use super::code::dcs_code;
use super::guard;
use crate::transport::Cancellation;

/// Ends the calls that it is given to, by `dcs_status_until`. Owned by the caller, who frees it with
/// `dcs_cancellation_free` when the calls that it was given to are back.
///
/// Shared freely: any number of threads and calls use it at once. Once cancelled it stays so.
pub struct dcs_cancellation {
    pub(super) cancellation: Cancellation,
}

/// One that nobody has cancelled. NULL only where something goes wrong in the library itself.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_cancellation_new() -> *mut dcs_cancellation {
    guard::read(&(), std::ptr::null_mut(), |()| {
        Box::into_raw(Box::new(dcs_cancellation {
            cancellation: Cancellation::new(),
        }))
    })
}

/// Ends the calls in flight that it was given to, within 100 ms, with `DCS_ERR_INTERRUPTED`, and later ones
/// before they send anything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_cancellation_cancel(
    cancellation: *const dcs_cancellation,
) -> dcs_code {
    guard::code(|| {
        // SAFETY: the caller's duty, see the module.
        unsafe { guard::required(cancellation, "cancellation") }?
            .cancellation
            .cancel();
        Ok(())
    })
}

/// Ends calls also while something can be read from a descriptor: a pipe, a socket, an eventfd. It is only
/// looked at, about every 60 ms while a call waits, and stays the caller's, who keeps it open until the calls
/// are back. -1, the default: none. That is how a signal handler ends a call: it writes a byte to a pipe.
///
/// `DCS_ERR_INVALID_ARGUMENT` on Windows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_cancellation_set_descriptor(
    cancellation: *const dcs_cancellation,
    descriptor: i32,
) -> dcs_code {
    guard::code(|| {
        // SAFETY: the caller's duty, see the module.
        unsafe { guard::required(cancellation, "cancellation") }?
            .cancellation
            .set_descriptor((descriptor >= 0).then_some(descriptor))
    })
}

/// Frees a cancellation. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_cancellation_free(cancellation: *mut dcs_cancellation) {
    // SAFETY: the caller's duty, see the module.
    unsafe { guard::free(cancellation) };
}
