//! A logger that keeps the library's records for a test, or passes them to a function.

use std::sync::{Arc, Mutex, Once, PoisonError};

use log::{Level, LevelFilter, Log, Metadata, Record};

/// A record of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    pub target: String,
    pub text: String,
}

type Sink = Arc<dyn Fn(&Line) + Send + Sync>;

static SINK: Mutex<Option<Sink>> = Mutex::new(None);
static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());

struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("dcs.")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = Line {
            level: record.level(),
            target: record.target().to_owned(),
            text: record.args().to_string(),
        };
        let sink = SINK.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match sink {
            Some(sink) => sink(&line),
            None => LINES
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line),
        }
    }

    fn flush(&self) {}
}

/// Sets the level, and the function that gets the records instead of [`drain`].
pub fn record(level: LevelFilter, sink: Option<Sink>) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| log::set_logger(&Logger).unwrap());
    *SINK.lock().unwrap_or_else(PoisonError::into_inner) = sink;
    log::set_max_level(level);
}

/// Takes the records that were kept.
pub fn drain() -> Vec<Line> {
    std::mem::take(&mut *LINES.lock().unwrap_or_else(PoisonError::into_inner))
}
