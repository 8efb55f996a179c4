//! The library's log: what a call does, step by step. Off until somebody turns it on.
//!
//! It is the process's, not a client's, because what goes wrong often goes wrong before there is a client.
//! Records wait in a bounded ring until [`next`] takes them, so that a binding has no callback to
//! register; a [sink](set_sink) gets them at once instead. While the log is off, a place that could log
//! costs one load of an atomic, and nothing is formatted.
//!
//! No record holds a key, a password, a proxy's credentials, a file's content, a URL's query or a body.
//!
//! ```
//! use dcs::log::{self, Level};
//!
//! log::set_level(Level::Debug);
//! // ... calls ...
//! while let Some(record) = log::next() {
//!     println!("{} {} {}", record.level.name(), record.target, record.text);
//! }
//! ```

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;

use crate::fork_gate;

/// Records that the ring holds; a call at [`Level::Debug`] makes about ten.
const CAPACITY: usize = 1024;

/// The longest text of a record.
const MAX_TEXT_CHARS: usize = 1000;

// The targets: which part of the library a record comes from.
pub(crate) const CLIENT: &str = "dcs.client";
pub(crate) const FILES: &str = "dcs.files";
pub(crate) const DNS: &str = "dcs.dns";
pub(crate) const TCP: &str = "dcs.tcp";
pub(crate) const PROXY: &str = "dcs.proxy";
pub(crate) const TLS: &str = "dcs.tls";
pub(crate) const HTTP: &str = "dcs.http";
const LOG: &str = "dcs.log";

macro_rules! levels {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal $name:literal)+) => {
        /// How important a record is, and how much is recorded: a level lets those below its number pass too.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i32)]
        pub enum Level {
            $($(#[doc = $doc])+ $variant = $number,)+
        }

        impl Level {
            /// Every level, in the order of their numbers.
            pub const ALL: &'static [Level] = &[$(Level::$variant),+];

            /// The name, such as `debug`; `DCS_LOG_DEBUG` is the one in the C header.
            pub fn name(self) -> &'static str {
                match self { $(Level::$variant => $name),+ }
            }

            /// One sentence on what is recorded, as in the C header.
            pub fn meaning(self) -> &'static str {
                match self { $(Level::$variant => concat!($($doc),+)),+ }
            }
        }
    };
}

levels! {
    /// Nothing is recorded: the default.
    Off = 0 "off"
    /// Calls that failed, and clients that could not be made.
    Error = 1 "error"
    /// What works and needs attention, such as a client certificate that expires soon.
    Warning = 2 "warning"
    /// Calls that succeeded, and what a diagnosis came to: a line for each.
    Info = 3 "info"
    /// Each step of a call: look-up, TCP, proxy, TLS handshake, request, answer; the files of a new client.
    Debug = 4 "debug"
    /// How many bytes each read and write moved.
    Trace = 5 "trace"
}

impl Level {
    /// The level with this number, if there is one.
    pub fn from_number(number: i32) -> Option<Level> {
        Level::ALL
            .iter()
            .copied()
            .find(|level| level.number() == number)
    }

    /// The number in the C header.
    pub fn number(self) -> i32 {
        self as i32
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// How important it is; never [`Level::Off`].
    pub level: Level,
    /// The part of the library: `dcs.client`, `dcs.files`, `dcs.dns`, `dcs.tcp`, `dcs.proxy`, `dcs.tls`,
    /// `dcs.http`; `dcs.log` where the log speaks of itself.
    pub target: &'static str,
    /// What happened: one line of at most 1000 characters, none of them a control character.
    pub text: String,
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub time_unix_ms: i64,
}

/// What gets the records in the ring's place; see [`set_sink`].
pub type Sink = Arc<dyn Fn(&Record) + Send + Sync>;

static LEVEL: AtomicI32 = AtomicI32::new(Level::Off as i32);
static RING: Shared = Shared::new();
static SINK: ArcSwapOption<Sink> = ArcSwapOption::const_empty();

thread_local! {
    static IN_SINK: Cell<bool> = const { Cell::new(false) };
}

/// Sets what is recorded from now on, in the whole process. Records that are there already stay.
pub fn set_level(level: Level) {
    LEVEL.store(level.number(), Ordering::Relaxed);
}

/// What is recorded.
pub fn level() -> Level {
    Level::from_number(LEVEL.load(Ordering::Relaxed)).unwrap_or(Level::Off)
}

/// Whether records of this level are made.
#[inline]
pub fn enabled(level: Level) -> bool {
    level != Level::Off && level.number() <= LEVEL.load(Ordering::Relaxed)
}

/// Takes the oldest record out of the ring. `None` where there is none.
///
/// The ring holds 1024 records. Where older ones had to go for newer ones, a warning of the target
/// `dcs.log` comes first and says how many.
pub fn next() -> Option<Record> {
    ring().next()
}

/// Hands every record from now on to the sink, in place of the ring; `None` takes that back.
///
/// The sink runs in the thread that makes the call, while that call waits, and without any of the
/// library's locks. It may call the library; what it calls makes no records. A panic in it is caught and
/// goes no further. A record that another thread is about to hand on may still reach the sink that was
/// set before.
pub fn set_sink(sink: Option<Sink>) {
    SINK.store(sink.map(Arc::new));
}

/// The ring of one process. A forked child has its own: a thread of its parent may have held the lock of that one,
/// and the records in it are the parent's.
struct Shared {
    /// 0 until a process takes it.
    process: AtomicU64,
    ring: Mutex<Ring>,
    childs: OnceLock<Box<Shared>>,
}

impl Shared {
    const fn new() -> Self {
        Shared {
            process: AtomicU64::new(0),
            ring: Mutex::new(Ring::new()),
            childs: OnceLock::new(),
        }
    }
}

/// This process's ring, locked.
fn ring() -> MutexGuard<'static, Ring> {
    let process = fork_gate::this_process();
    let mut shared = &RING;
    while let Err(owner) =
        shared
            .process
            .compare_exchange(0, process, Ordering::Relaxed, Ordering::Relaxed)
        && owner != process
    {
        shared = match shared.childs.get() {
            Some(shared) => shared,
            None => {
                // A child that is forked in the middle of this would wait for it for ever.
                let _section = fork_gate::crypto_section();
                shared.childs.get_or_init(|| Box::new(Shared::new()))
            }
        };
    }
    // No holder leaves anything half done, so that a panic elsewhere spoils nothing.
    shared.ring.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Ring {
    records: VecDeque<Record>,
    /// How many were dropped since the last drain.
    dropped: u64,
}

impl Ring {
    const fn new() -> Self {
        Ring {
            records: VecDeque::new(),
            dropped: 0,
        }
    }

    fn push(&mut self, record: Record) {
        if self.records.len() >= CAPACITY {
            self.records.pop_front();
            self.dropped += 1;
        }
        self.records.push_back(record);
    }

    fn next(&mut self) -> Option<Record> {
        match std::mem::take(&mut self.dropped) {
            0 => self.records.pop_front(),
            dropped => Some(record(
                Level::Warning,
                LOG,
                format_args!(
                    "{dropped} records are lost: more than {CAPACITY} were waiting to be read."
                ),
            )),
        }
    }
}

/// Makes a record and hands it on. The macro below asks [`enabled`] first.
pub(crate) fn write(level: Level, target: &'static str, text: fmt::Arguments<'_>) {
    // Where a sink's own calls made records, each of them would call the sink again.
    if IN_SINK.try_with(Cell::get).unwrap_or(true) {
        return;
    }
    let record = record(level, target, text);
    match SINK.load_full() {
        Some(sink) => hand_over(&sink, &record),
        None => ring().push(record),
    }
}

fn hand_over(sink: &Sink, record: &Record) {
    // A handshake that the sink makes must not be taken for the one that this thread is in.
    let notes = crate::handshake::suspend();
    let _ = IN_SINK.try_with(|inside| inside.set(true));
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| sink(record)));
    let _ = IN_SINK.try_with(|inside| inside.set(false));
    drop(notes);
    if let Err(payload) = outcome {
        // A payload whose own drop panics must not end the call either.
        std::mem::forget(payload);
    }
}

fn record(level: Level, target: &'static str, text: fmt::Arguments<'_>) -> Record {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut line = Line::default();
    // A line takes everything, so only a value's own formatting can fail, which leaves what came before.
    let _ = line.write_fmt(text);
    Record {
        level,
        target,
        text: line.text,
        time_unix_ms: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
    }
}

/// Text of a bounded length on one line: a file's or a server's words must not forge a second record.
#[derive(Default)]
struct Line {
    text: String,
    chars: usize,
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let shown = text.chars().filter(|c| !crate::redact::is_mark(*c));
        for c in shown.take(MAX_TEXT_CHARS - self.chars) {
            self.text.push(crate::sanitize::safe_char(c));
            self.chars += 1;
        }
        Ok(())
    }
}

/// Several values, separated by commas.
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

/// `emit!(Debug, TLS, "...", ...)`: formats only where the level is enabled.
macro_rules! emit {
    ($level:ident, $target:ident, $($text:tt)+) => {
        if $crate::log::enabled($crate::log::Level::$level) {
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

    fn numbered(number: usize) -> Record {
        record(Level::Debug, TLS, format_args!("{number}"))
    }

    #[test]
    fn the_ring_gives_records_in_their_order() {
        let mut ring = Ring::new();
        assert_eq!(ring.next(), None);
        ring.push(numbered(1));
        ring.push(numbered(2));
        assert_eq!(ring.next().unwrap().text, "1");
        ring.push(numbered(3));
        assert_eq!(ring.next().unwrap().text, "2");
        assert_eq!(ring.next().unwrap().text, "3");
        assert_eq!(ring.next(), None);
    }

    #[test]
    fn a_full_ring_drops_the_oldest_and_says_how_many() {
        let mut ring = Ring::new();
        for number in 0..CAPACITY {
            ring.push(numbered(number));
        }
        assert_eq!(ring.next().unwrap().text, "0");
        for number in 0..3 {
            ring.push(numbered(CAPACITY + number));
        }
        let lost = ring.next().unwrap();
        assert_eq!((lost.level, lost.target), (Level::Warning, LOG));
        assert!(lost.text.starts_with("2 records are lost"), "{lost:?}");
        let rest: Vec<_> = std::iter::from_fn(|| ring.next()).collect();
        assert_eq!(rest.len(), CAPACITY);
        assert_eq!(rest[0].text, "3");
        assert_eq!(rest[CAPACITY - 1].text, (CAPACITY + 2).to_string());
    }

    #[test]
    fn a_text_is_one_line_and_bounded() {
        let text = |text: &str| record(Level::Info, TCP, format_args!("<{text}>")).text;
        assert_eq!(
            text("a\r\nb\tc\0d\u{1b}e\u{85}f\u{2028}g"),
            "<a??b?c?d?e?f?g>"
        );
        assert_eq!(text("naïve"), "<naïve>");
        let long = text(&"é".repeat(2 * MAX_TEXT_CHARS));
        assert_eq!(long.chars().count(), MAX_TEXT_CHARS);
        assert!(long.starts_with("<é") && long.ends_with('é'));
    }

    #[test]
    fn levels_and_their_numbers() {
        for (number, level) in (0..).zip(Level::ALL) {
            assert_eq!(level.number(), number);
            assert_eq!(Level::from_number(number), Some(*level));
        }
        assert_eq!(Level::from_number(-1), None);
        assert_eq!(Level::from_number(6), None);
    }
}
