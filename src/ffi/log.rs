//! The log for C: the logger of the [`log`](::log) facade that keeps records in a ring, or passes them to a callback.

use std::collections::VecDeque;
use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::UNIX_EPOCH;

use ::log::{LevelFilter, Log, Metadata, Record};
use arc_swap::ArcSwapOption;

use super::code::dcs_code;
use super::{guard, text};
use crate::error::{Code, Error};
use crate::{fork_gate, log as core_log};

/// Nothing is recorded. The default.
pub const DCS_LOG_OFF: i32 = 0;
/// Failed calls, and clients that could not be created.
pub const DCS_LOG_ERROR: i32 = 1;
/// Problems that need attention although calls succeed, such as a client certificate that expires soon.
pub const DCS_LOG_WARNING: i32 = 2;
/// Successful calls and the results of diagnoses: one line each.
pub const DCS_LOG_INFO: i32 = 3;
/// Each step of a call: lookup, TCP, proxy, TLS handshake, request, answer. The files of a new client.
pub const DCS_LOG_DEBUG: i32 = 4;
/// How many bytes each read and write moved.
pub const DCS_LOG_TRACE: i32 = 5;

/// Records that wait to be read; a call at the level debug makes about ten.
const CAPACITY: usize = 1024;

/// One line of the log. Owned by the caller, who frees it with `dcs_log_record_free`; its texts live until
/// then. It never changes, so several threads may read it at once. It holds no secret.
pub struct dcs_log_record {
    level: i32,
    target: CString,
    text: CString,
    time_unix_ms: i64,
}

impl dcs_log_record {
    fn new(level: i32, target: &str, text: &str) -> Self {
        let now = core_log::record_time()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        dcs_log_record {
            level,
            target: text::owned(target),
            text: text::owned(text),
            time_unix_ms: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
        }
    }
}

/// Receives the log's records, with the `user_data` it was set with. The level is one of the `DCS_LOG_` constants. The
/// texts are those of `dcs_log_record_target` and `dcs_log_record_text`; they live only during the callback.
///
/// It runs in the thread that makes the call, which waits for it, and in several threads at once if several make calls.
/// The callback may call the library, in any thread: no lock is held while it runs. What it calls in its own thread makes no
/// records. The records of a reload, and of a call with a greatest age of the status, wait until its end. The callback must
/// return normally: no longjmp, and no C++ exception may leave it.
pub type dcs_log_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        level: i32,
        target: *const c_char,
        text: *const c_char,
    ),
>;

/// A callback and the caller's pointer, which the library never dereferences.
struct Callback {
    function: unsafe extern "C" fn(*mut c_void, i32, *const c_char, *const c_char),
    user_data: *mut c_void,
}

// SAFETY: the header says that the callback gets its pointer in any thread, several at once.
unsafe impl Send for Callback {}
// SAFETY: as for `Send`.
unsafe impl Sync for Callback {}

static CALLBACK: ArcSwapOption<Callback> = ArcSwapOption::const_empty();
static RING: ProcessRing = ProcessRing::new();

struct Logger;

impl Log for Logger {
    /// The library's own targets pass, those of its dependencies do not.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("dcs.")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = record.args().to_string();
        let record = dcs_log_record::new(record.level() as i32, record.target(), &text);
        match CALLBACK.load_full() {
            Some(callback) => {
                // SAFETY: the caller keeps the function and its user data valid for any thread. The texts outlive the
                // call.
                unsafe {
                    (callback.function)(
                        callback.user_data,
                        record.level,
                        record.target.as_ptr(),
                        record.text.as_ptr(),
                    );
                }
            }
            None => ring().push(record),
        }
    }

    fn flush(&self) {}
}

/// The ring of one process. A forked child has its own: a thread of its parent may have held the lock of that one,
/// and the records in it are the parent's.
struct ProcessRing {
    /// 0 until a process takes it.
    process: AtomicU64,
    ring: Mutex<Ring>,
    of_child: OnceLock<Box<ProcessRing>>,
}

impl ProcessRing {
    const fn new() -> Self {
        ProcessRing {
            process: AtomicU64::new(0),
            ring: Mutex::new(Ring::new()),
            of_child: OnceLock::new(),
        }
    }
}

/// Locks this process's ring.
fn ring() -> MutexGuard<'static, Ring> {
    let process = fork_gate::this_process();
    let mut shared = &RING;
    while let Err(owner) =
        shared
            .process
            .compare_exchange(0, process, Ordering::Relaxed, Ordering::Relaxed)
        && owner != process
    {
        shared = match shared.of_child.get() {
            Some(shared) => shared,
            None => {
                // A child that is forked in the middle of this would wait for it forever.
                let _section = fork_gate::crypto_section();
                shared.of_child.get_or_init(|| Box::new(ProcessRing::new()))
            }
        };
    }
    // No holder leaves anything half done, so a panic elsewhere does not damage it.
    shared.ring.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Ring {
    records: VecDeque<dcs_log_record>,
    /// How many were dropped since the last read.
    dropped: u64,
}

impl Ring {
    const fn new() -> Self {
        Ring {
            records: VecDeque::new(),
            dropped: 0,
        }
    }

    fn push(&mut self, record: dcs_log_record) {
        if self.records.len() >= CAPACITY {
            self.records.pop_front();
            self.dropped += 1;
        }
        self.records.push_back(record);
    }

    fn next(&mut self) -> Option<dcs_log_record> {
        match std::mem::take(&mut self.dropped) {
            0 => self.records.pop_front(),
            dropped => Some(dcs_log_record::new(
                DCS_LOG_WARNING,
                core_log::LOG,
                &format!(
                    "{dropped} records are lost: more than {CAPACITY} were waiting to be read."
                ),
            )),
        }
    }
}

/// Sets what the log records from now on, in the whole process: one of the `DCS_LOG_` constants, each of
/// which includes those before it. Default: `DCS_LOG_OFF`. `DCS_ERR_INVALID_ARGUMENT` for another number. From any thread.
///
/// Never recorded: key bytes, passwords, a proxy's credentials, a file's content, a URL's query, bodies.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_log_set_level(level: i32) -> dcs_code {
    guard::code(|| {
        let filter = usize::try_from(level)
            .ok()
            .and_then(|index| LevelFilter::iter().nth(index))
            .ok_or_else(|| {
                Error::new(
                    Code::InvalidArgument,
                    format!("There is no log level {level}."),
                )
                .with_hint("Use one of the constants from DCS_LOG_OFF to DCS_LOG_TRACE.")
            })?;
        // Fails if the logger is set already: this one, or that of a program in Rust, which then gets the records.
        let _ = ::log::set_logger(&Logger);
        core_log::set_level(filter);
        Ok(())
    })
}

/// Takes the oldest record that waits to be read: `DCS_OK` with NULL if there is none. The caller frees it with
/// `dcs_log_record_free`. From any thread.
///
/// At most 1024 records wait. If older ones were dropped for newer ones, a warning that counts them comes first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_next(record: *mut *mut dcs_log_record) -> dcs_code {
    guard::code(|| {
        // SAFETY: the caller's duty, see the module.
        unsafe {
            guard::clear(record);
            if record.is_null() {
                return Err(guard::is_null("record"));
            }
            let next = ring().next();
            if let Some(next) = next {
                *record = Box::into_raw(Box::new(next));
            }
        }
        Ok(())
    })
}

/// Returns how important the record is: one of the `DCS_LOG_` constants. `DCS_LOG_OFF` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_record_level(record: *const dcs_log_record) -> i32 {
    guard::read(record, DCS_LOG_OFF, |r| r.level)
}

/// Returns the part of the library: "dcs.client", "dcs.files", "dcs.dns", "dcs.tcp", "dcs.proxy", "dcs.tls" or
/// "dcs.http"; "dcs.log" for a record about the log itself. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_record_target(record: *const dcs_log_record) -> *const c_char {
    guard::read(record, ptr::null(), |r| r.target.as_ptr())
}

/// Returns what happened: one line of at most 1000 characters, none of them a control character. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_record_text(record: *const dcs_log_record) -> *const c_char {
    guard::read(record, ptr::null(), |r| r.text.as_ptr())
}

/// Returns when it happened, in milliseconds since 1970-01-01T00:00:00Z. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_record_time_unix_ms(record: *const dcs_log_record) -> i64 {
    guard::read(record, -1, |r| r.time_unix_ms)
}

/// Frees a record. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_record_free(record: *mut dcs_log_record) {
    // SAFETY: the caller's duty, see the module.
    unsafe { guard::free(record) };
}

/// Passes every record from now on to the callback instead of keeping it for `dcs_log_next`. NULL ends that. Records that
/// already wait stay there for `dcs_log_next`. From any thread.
///
/// `user_data` is passed through untouched, to any thread that makes a call. When this function returns, another thread may
/// still be running the previous callback. Keep its function and `user_data` valid until the calls that were in flight
/// have returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_log_set_callback(callback: dcs_log_callback, user_data: *mut c_void) {
    // It returns nothing, and storing a pointer does not fail.
    let _ = guard::code(|| {
        CALLBACK.store(callback.map(|function| {
            Arc::new(Callback {
                function,
                user_data,
            })
        }));
        Ok(())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(number: usize) -> dcs_log_record {
        dcs_log_record::new(DCS_LOG_DEBUG, "dcs.tls", &number.to_string())
    }

    fn next_text(ring: &mut Ring) -> Option<String> {
        Some(ring.next()?.text.into_string().unwrap())
    }

    #[test]
    fn the_ring_keeps_the_order() {
        let mut ring = Ring::new();
        assert_eq!(next_text(&mut ring), None);
        ring.push(numbered(1));
        ring.push(numbered(2));
        assert_eq!(next_text(&mut ring).unwrap(), "1");
        ring.push(numbered(3));
        assert_eq!(next_text(&mut ring).unwrap(), "2");
        assert_eq!(next_text(&mut ring).unwrap(), "3");
        assert_eq!(next_text(&mut ring), None);
    }

    #[test]
    fn a_full_ring_drops_the_oldest_and_counts_them() {
        let mut ring = Ring::new();
        for number in 0..CAPACITY {
            ring.push(numbered(number));
        }
        assert_eq!(next_text(&mut ring).unwrap(), "0");
        for number in 0..3 {
            ring.push(numbered(CAPACITY + number));
        }
        let lost = ring.next().unwrap();
        assert_eq!(
            (lost.level, lost.target.as_c_str()),
            (DCS_LOG_WARNING, c"dcs.log")
        );
        assert!(
            lost.text
                .to_str()
                .unwrap()
                .starts_with("2 records are lost")
        );
        let rest: Vec<_> = std::iter::from_fn(|| next_text(&mut ring)).collect();
        assert_eq!(rest.len(), CAPACITY);
        assert_eq!(rest[0], "3");
        assert_eq!(rest[CAPACITY - 1], (CAPACITY + 2).to_string());
    }

    #[test]
    fn levels_have_the_numbers_of_the_facade() {
        for (number, level) in [
            (DCS_LOG_ERROR, ::log::Level::Error),
            (DCS_LOG_WARNING, ::log::Level::Warn),
            (DCS_LOG_INFO, ::log::Level::Info),
            (DCS_LOG_DEBUG, ::log::Level::Debug),
            (DCS_LOG_TRACE, ::log::Level::Trace),
        ] {
            assert_eq!(level as i32, number);
        }
        assert_eq!(dcs_log_set_level(-1), Code::InvalidArgument.number());
        assert_eq!(dcs_log_set_level(6), Code::InvalidArgument.number());
    }
}
