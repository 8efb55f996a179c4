//! `--verbose`: the library's log on standard error.

use std::sync::Arc;

use dcs::log::{self, Level};

use crate::output::say;
use crate::words::clean_line;

/// Turns the log on, where asked for.
pub fn start(verbose: bool) {
    if !verbose {
        return;
    }
    log::set_level(Level::Debug);
    log::set_sink(Some(Arc::new(|record| {
        say(&format!(
            "* {} {}: {}\n",
            record.level.name(),
            record.target,
            clean_line(&record.text)
        ));
    })));
}
