//! The log: its level, the ring of records, the callback.

use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::sync::Arc;

use super::code::dcs_code;
use super::{guard, text};
use crate::error::{Code, Error};
use crate::log::{self, Level, Record, Sink};

/// One line of the log. Owned by the caller, who frees it with `dcs_log_record_free`; its texts live until
/// then. It never changes, so threads may read it at once. It holds no secret.
pub struct dcs_log_record {
    record: Record,
    target: CString,
    text: CString,
}

/// What gets the log's records, with the `user_data` it was set with: the level is one of the `DCS_LOG_`
/// constants, the texts are those of `dcs_log_record_target` and `dcs_log_record_text` and live only during
/// the callback.
///
/// It runs in the thread that makes the call, which waits for it, and in several threads at once where
/// several make calls. The library holds no lock then, and the callback may call it; what it calls makes no
/// records. It must return normally: no longjmp, and no C++ exception may leave it.
pub type dcs_log_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        level: i32,
        target: *const c_char,
        text: *const c_char,
    ),
>;

/// Sets what the log records from now on, in the whole process: one of the `DCS_LOG_` constants, each of
/// which includes those before it. Default: `DCS_LOG_OFF`. `DCS_ERR_INVALID_ARGUMENT` for another number.
///
/// Never recorded: key bytes, passwords, a proxy's credentials, a file's content, a URL's query, bodies.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_log_set_level(level: i32) -> dcs_code {
    guard::code(|| {
        let level = Level::from_number(level).ok_or_else(|| {
            Error::new(
                Code::InvalidArgument,
                format!("There is no log level {level}."),
            )
        })?;
        log::set_level(level);
        Ok(())
    })
}

/// Takes the oldest record that waits to be read. `DCS_OK` with NULL where none does.
///
/// 1024 records wait at most. Where older ones had to go for newer ones, a warning comes first that says
/// how many. Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_next(record: *mut *mut dcs_log_record) -> dcs_code {
    guard::code(|| {
        // SAFETY: the caller's duty, see the module.
        unsafe {
            guard::clear(record);
            if record.is_null() {
                return Err(guard::is_null("record"));
            }
            if let Some(next) = log::next() {
                *record = Box::into_raw(Box::new(dcs_log_record {
                    target: text::owned(next.target),
                    text: text::owned(&next.text),
                    record: next,
                }));
            }
        }
        Ok(())
    })
}

/// How important the record is: one of the `DCS_LOG_` constants. `DCS_LOG_OFF` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_record_level(record: *const dcs_log_record) -> i32 {
    guard::read(record, Level::Off.number(), |r| r.record.level.number())
}

/// The part of the library: "dcs.client", "dcs.files", "dcs.dns", "dcs.tcp", "dcs.proxy", "dcs.tls" or
/// "dcs.http"; "dcs.log" where the log speaks of itself. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_record_target(record: *const dcs_log_record) -> *const c_char {
    guard::read(record, ptr::null(), |r| r.target.as_ptr())
}

/// What happened, in one line without control characters. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_record_text(record: *const dcs_log_record) -> *const c_char {
    guard::read(record, ptr::null(), |r| r.text.as_ptr())
}

/// When it happened, in milliseconds since 1970-01-01T00:00:00Z. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_record_time_unix_ms(record: *const dcs_log_record) -> i64 {
    guard::read(record, -1, |r| r.record.time_unix_ms)
}

/// Frees a record. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_record_free(record: *mut dcs_log_record) {
    // SAFETY: the caller's duty, see the module.
    unsafe { guard::free(record) };
}

/// Hands every record from now on to the callback instead of letting it wait for `dcs_log_next`; NULL takes
/// that back. Records that wait already go on waiting.
///
/// `user_data` is handed through untouched, to any thread that makes a call. When this function returns, a
/// callback that is under way in another thread may still be finishing with the function and the
/// `user_data` that were set before: keep these usable until the calls that were in flight have returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_set_callback(callback: dcs_log_callback, user_data: *mut c_void) {
    // It returns nothing, and storing a pointer does not fail.
    let _ = guard::code(|| {
        let user_data = UserData(user_data);
        log::set_sink(callback.map(|callback| -> Sink {
            Arc::new(move |record| {
                let (target, text) = (text::owned(record.target), text::owned(&record.text));
                let level = record.level.number();
                // SAFETY: the caller keeps the function and its user data usable from any thread; the texts
                // outlive the call.
                unsafe { callback(user_data.pointer(), level, target.as_ptr(), text.as_ptr()) };
            })
        }));
        Ok(())
    });
}

/// The caller's pointer, which is never looked behind here.
struct UserData(*mut c_void);

impl UserData {
    fn pointer(&self) -> *mut c_void {
        self.0
    }
}

// SAFETY: the header says that the callback gets it in any thread, several at once.
unsafe impl Send for UserData {}
// SAFETY: as for `Send`.
unsafe impl Sync for UserData {}
