//! The library's log: what a call does, step by step, as records of the [`log`](::log) facade.
//!
//! Records go to whichever logger the program has installed. A program that uses the C ABI has the one of
//! [`ffi`](crate::ffi), which keeps them in a ring or passes them to a callback. While the log is off, a place that could
//! log costs one load of an atomic, and nothing is formatted.
//!
//! The program's logger may call the library. So code that holds a lock [`collect`]s its records, and delivers them after it
//! has released the lock.
//!
//! No record holds a key, a password, a proxy's credentials, a file's content, a URL's query or a body.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

pub(crate) use ::log::Level;
use ::log::{LevelFilter, Record};

use crate::handshake;
use crate::redact::is_mark;
use crate::sanitize::safe_char;

/// The longest text of a record.
const MAX_TEXT_CHARS: usize = 1000;

/// How many records wait while a lock is held; a call at the level debug makes about ten.
const MAX_COLLECTED: usize = 1024;

// The targets: the part of the library that a record comes from.
pub(crate) const CLIENT: &str = "dcs.client";
pub(crate) const FILES: &str = "dcs.files";
pub(crate) const DNS: &str = "dcs.dns";
pub(crate) const TCP: &str = "dcs.tcp";
pub(crate) const PROXY: &str = "dcs.proxy";
pub(crate) const TLS: &str = "dcs.tls";
pub(crate) const HTTP: &str = "dcs.http";
pub(crate) const LOG: &str = "dcs.log";

/// The level that the C ABI has set. It is not that of the facade: while nothing in `libdcs.so` sets that one, link-time
/// optimisation drops the log statements of its dependencies.
static LEVEL: AtomicUsize = AtomicUsize::new(LevelFilter::Off as usize);

thread_local! {
    static IN_LOGGER: Cell<bool> = const { Cell::new(false) };
    static TIME: Cell<Option<SystemTime>> = const { Cell::new(None) };
    /// Where this thread's records wait; `None` while they go to the logger at once. Never dropped, so that a host may
    /// make calls even while its thread ends. It owns no memory between calls.
    static COLLECTED: ManuallyDrop<RefCell<Option<Records>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
}

/// `emit!(Debug, TLS, "...", ...)` makes a record. It formats only if the level is enabled.
macro_rules! emit {
    ($level:ident, $target:ident, $($text:tt)+) => {
        if $crate::log::is_enabled($crate::log::Level::$level) {
            $crate::log::write(
                $crate::log::Level::$level,
                $crate::log::$target,
                format_args!($($text)+),
            );
        }
    };
}
pub(crate) use emit;

/// Marks that this thread has left the logger, also if that panics.
struct LeaveLogger;

impl Drop for LeaveLogger {
    fn drop(&mut self) {
        IN_LOGGER.set(false);
        TIME.set(None);
    }
}

pub(crate) fn set_level(level: LevelFilter) {
    LEVEL.store(level as usize, Ordering::Relaxed);
}

/// Whether a record of this level has a reader: by the C ABI's level, or by that of a Rust program's own logger.
pub(crate) fn is_enabled(level: Level) -> bool {
    level as usize <= LEVEL.load(Ordering::Relaxed) || level <= ::log::max_level()
}

/// Returns when the record happened that this thread's logger has now. It may have waited since.
pub(crate) fn record_time() -> SystemTime {
    TIME.get().unwrap_or_else(SystemTime::now)
}

/// Makes a record. The macro below checks the level first.
pub(crate) fn write(level: Level, target: &'static str, text: fmt::Arguments<'_>) {
    // A logger may call the library. If those calls made records, each would call the logger again.
    if IN_LOGGER.get() {
        return;
    }
    let mut line = Line::default();
    // A line accepts everything, so only a value's own formatting can fail, which keeps what came before.
    let _ = line.write_fmt(text);
    deliver(Waiting {
        time: SystemTime::now(),
        level,
        target,
        text: line.text,
    });
}

/// Passes a record to the program's logger, or to the records that this thread collects.
fn deliver(record: Waiting) {
    let record = COLLECTED.with(|collected| match collected.borrow_mut().as_mut() {
        Some(records) => {
            records.push(record);
            None
        }
        None => Some(record),
    });
    let Some(record) = record else { return };
    IN_LOGGER.set(true);
    TIME.set(Some(record.time));
    let _leave = LeaveLogger;
    // A handshake that the logger makes must not be taken for the one that this thread is in.
    let _suspended = handshake::suspend();
    ::log::logger().log(
        &Record::builder()
            .level(record.level)
            .target(record.target)
            .args(format_args!("{}", record.text))
            .build(),
    );
}

/// A record on its way to the logger.
struct Waiting {
    time: SystemTime,
    level: Level,
    target: &'static str,
    text: String,
}

/// The newest records that were made while a lock was held.
#[derive(Default)]
pub(crate) struct Records {
    waiting: VecDeque<Waiting>,
    dropped: usize,
}

impl Records {
    fn push(&mut self, record: Waiting) {
        if self.waiting.len() >= MAX_COLLECTED {
            self.waiting.pop_front();
            self.dropped += 1;
        }
        self.waiting.push_back(record);
    }

    /// Passes the records to the program's logger, which may call the library. So the caller holds no lock.
    pub(crate) fn deliver(self) {
        if self.dropped > 0 {
            emit!(
                Warn,
                LOG,
                "{} records are lost: more than {MAX_COLLECTED} were waiting for the end of the call.",
                self.dropped
            );
        }
        self.waiting.into_iter().for_each(deliver);
    }
}

/// Runs the body, which may hold locks, and returns its records. The caller delivers them after it has released the locks.
pub(crate) fn collect<T>(body: impl FnOnce() -> T) -> (T, Records) {
    /// Restores what the thread had collected before, also if the body panics.
    struct Outer(Option<Records>);

    impl Drop for Outer {
        fn drop(&mut self) {
            COLLECTED.with(|collected| collected.replace(self.0.take()));
        }
    }

    let outer = Outer(COLLECTED.with(|collected| collected.replace(Some(Records::default()))));
    let outcome = body();
    let records = COLLECTED.with(|collected| collected.take());
    drop(outer);
    (outcome, records.unwrap_or_default())
}

/// Text of a bounded length on one line: foreign text must not forge a second record.
#[derive(Default)]
struct Line {
    text: String,
    chars: usize,
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let shown = text.chars().filter(|c| !is_mark(*c));
        for c in shown.take(MAX_TEXT_CHARS - self.chars) {
            self.text.push(safe_char(c));
            self.chars += 1;
        }
        Ok(())
    }
}

/// Displays several values, separated by commas.
pub(crate) struct List<I>(pub(crate) I);

impl<I: Iterator<Item: fmt::Display> + Clone> fmt::Display for List<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.0.clone().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_line_and_bounded() {
        let text = |text: &str| {
            let mut line = Line::default();
            write!(line, "<{text}>").unwrap();
            line.text
        };
        assert_eq!(
            text("a\r\nb\tc\0d\u{1b}e\u{85}f\u{2028}g"),
            "<a??b?c?d?e?f?g>"
        );
        assert_eq!(text("naïve"), "<naïve>");
        let long = text(&"é".repeat(2 * MAX_TEXT_CHARS));
        assert_eq!(long.chars().count(), MAX_TEXT_CHARS);
        assert!(long.starts_with("<é") && long.ends_with('é'));
    }
}
