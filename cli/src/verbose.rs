//! `--verbose`: the library's log on standard error.

use log::{LevelFilter, Log, Metadata, Record};

use crate::output::eprint;

struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("dcs.")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = record.level().as_str().to_lowercase();
            eprint(&format!(
                "* {level} {}: {}\n",
                record.target(),
                record.args()
            ));
        }
    }

    fn flush(&self) {}
}

/// Writes the log to standard error from now on, if `--verbose` is given.
pub fn start(is_on: bool) {
    if is_on && log::set_logger(&Logger).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}
