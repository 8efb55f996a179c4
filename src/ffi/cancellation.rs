//! `dcs_cancellation`.

use std::ffi::c_void;

use super::code::dcs_code;
use super::guard;
use crate::transport::Cancellation;

/// Ends the calls that it was passed to, with `dcs_status_until` or `dcs_diagnose_until`. Owned by the
/// caller, who frees it with `dcs_cancellation_free` when these calls have returned.
///
/// Shared freely: any number of threads and calls use it at once. Once cancelled it stays cancelled.
pub struct dcs_cancellation {
    pub(super) cancellation: Cancellation,
}

/// Decides whether a waiting call goes on; see `dcs_cancellation_set_callback`.
pub type dcs_cancellation_callback = Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>;

/// A callback and the caller's pointer, which the library never dereferences.
struct Callback {
    function: unsafe extern "C" fn(*mut c_void) -> i32,
    user_data: *mut c_void,
}

// SAFETY: the header says that the callback gets its pointer in the thread of each call, several at once.
unsafe impl Send for Callback {}
// SAFETY: as for `Send`.
unsafe impl Sync for Callback {}

impl Callback {
    fn goes_on(&self) -> bool {
        // SAFETY: the caller keeps the function and its user data valid until the calls have returned.
        unsafe { (self.function)(self.user_data) == 1 }
    }
}

/// Creates a cancellation that is not cancelled. NULL only after a fault in the library itself.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_cancellation_new() -> *mut dcs_cancellation {
    guard::read(&(), std::ptr::null_mut(), |()| {
        Box::into_raw(Box::new(dcs_cancellation {
            cancellation: Cancellation::new(),
        }))
    })
}

/// Ends the calls in flight that it was passed to, within 100 ms, with `DCS_ERR_INTERRUPTED`. Later
/// calls end before they send anything. From any thread.
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

/// Makes readable data on a descriptor (a pipe, a socket, an eventfd) end calls too. -1, the default:
/// none. This lets a signal handler end a call: it writes a byte to a pipe.
///
/// The library only polls the descriptor, about every 60 ms while a call waits, and never reads from
/// it. The caller owns it and keeps it open until the calls have returned.
///
/// Errors: `DCS_ERR_INVALID_ARGUMENT` on Windows.
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

/// Sets a function that calls run while they wait, about every 60 ms and whenever a signal interrupts the
/// wait. If it returns 1, the call goes on. Any other value cancels, as `dcs_cancellation_cancel` does.
/// NULL, the default: none. This lets an interpreter run its signal handlers during a call.
///
/// It runs in the thread of the call, and in several threads at once if several calls wait. It may call the
/// library. It must return normally: no longjmp, and no C++ exception may leave it. Function and
/// `user_data` stay valid until the calls have returned. If it forks, the call is cancelled in the child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_cancellation_set_callback(
    cancellation: *const dcs_cancellation,
    callback: dcs_cancellation_callback,
    user_data: *mut c_void,
) -> dcs_code {
    guard::code(|| {
        let callback = callback.map(|function| {
            let callback = Callback {
                function,
                user_data,
            };
            move || callback.goes_on()
        });
        // SAFETY: the caller's duty, see the module.
        unsafe { guard::required(cancellation, "cancellation") }?
            .cancellation
            .set_callback(callback);
        Ok(())
    })
}

/// Frees a cancellation. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_cancellation_free(cancellation: *mut dcs_cancellation) {
    // SAFETY: the caller's duty, see the module.
    unsafe { guard::free(cancellation) };
}
