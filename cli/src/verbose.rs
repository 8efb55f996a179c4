//! `--verbose`: the library's log on standard error.

use std::sync::Arc;

use dcs::log::{self, Level};

use crate::output::say;

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
            record.text
        ));
    })));
}
