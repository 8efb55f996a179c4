//! The library's log: what a call does, step by step, as records of the [`log`](::log) facade.
//!
//! Records go to whichever logger the program has installed. A program that uses the C ABI has the one of
//! [`ffi`](crate::ffi), which keeps them in a ring or passes them to a callback. While the log is off, a place that could
//! log costs one load of an atomic, and nothing is formatted.
//!
//! No record holds a key, a password, a proxy's credentials, a file's content, a URL's query or a body.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) use ::log::Level;
use ::log::{LevelFilter, Record};

use crate::handshake;
use crate::redact::is_mark;
use crate::sanitize::safe_char;

/// The longest text of a record.
const MAX_TEXT_CHARS: usize = 1000;

// The targets: the part of the library that a record comes from.
pub(crate) const CLIENT: &str = "dcs.client";
pub(crate) const FILES: &str = "dcs.files";
pub(crate) const DNS: &str = "dcs.dns";
pub(crate) const TCP: &str = "dcs.tcp";
pub(crate) const PROXY: &str = "dcs.proxy";
pub(crate) const TLS: &str = "dcs.tls";
pub(crate) const HTTP: &str = "dcs.http";

/// The level that the C ABI has set. It is not that of the facade: while nothing in `libdcs.so` sets that one, link-time
/// optimisation drops the log statements of its dependencies.
static LEVEL: AtomicUsize = AtomicUsize::new(LevelFilter::Off as usize);

thread_local! {
    static IN_LOGGER: Cell<bool> = const { Cell::new(false) };
}

/// Marks that this thread has left the logger, also if that panics.
struct LeaveLogger;

impl Drop for LeaveLogger {
    fn drop(&mut self) {
        let _ = IN_LOGGER.try_with(|inside| inside.set(false));
    }
}

pub(crate) fn set_level(level: LevelFilter) {
    LEVEL.store(level as usize, Ordering::Relaxed);
}

/// Whether a record of this level has a reader: by the C ABI's level, or by that of a Rust program's own logger.
pub(crate) fn is_enabled(level: Level) -> bool {
    level as usize <= LEVEL.load(Ordering::Relaxed) || level <= ::log::max_level()
}

/// Passes a record to the program's logger. The macro below checks the level first.
pub(crate) fn write(level: Level, target: &'static str, text: fmt::Arguments<'_>) {
    // A logger may call the library. If those calls made records, each would call the logger again.
    if IN_LOGGER
        .try_with(|inside| inside.replace(true))
        .unwrap_or(true)
    {
        return;
    }
    let _leave = LeaveLogger;
    // A handshake that the logger makes must not be taken for the one that this thread is in.
    let _suspended = handshake::suspend();
    let mut line = Line::default();
    // A line accepts everything, so only a value's own formatting can fail, which keeps what came before.
    let _ = line.write_fmt(text);
    ::log::logger().log(
        &Record::builder()
            .level(level)
            .target(target)
            .args(format_args!("{}", line.text))
            .build(),
    );
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
