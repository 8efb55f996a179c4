//! `dcs diagnose`: the library's diagnosis, shown while it is made and as a report.

use std::io::{self, IsTerminal};

use dcs::{Config, Outcome, Report, Severity, Step};

use crate::arguments::DiagnoseArguments;
use crate::config;
use crate::failure::{Exit, Failure};
use crate::files::{self, Access, Existing};
use crate::format::duration;
use crate::output::{self, Paint, paint};
use crate::verbose;

/// What the page is called in messages.
const PAGE: &str = "The HTML report";

pub fn run(arguments: &DiagnoseArguments) -> Result<Exit, Failure> {
    verbose::start(arguments.connection.verbose);
    let config = match prepare(arguments) {
        Ok(config) => config,
        Err(failure) if arguments.json => {
            output::print_json(&failure.json())?;
            return Ok(failure.exit());
        }
        Err(failure) => return Err(failure),
    };

    let is_shown = !arguments.json && io::stderr().is_terminal();
    let coloured = output::has_colour_on_error(arguments.colour.when);
    if is_shown {
        output::say(&format!("Asking {} ...\n", dcs::sanitize(&config.url())));
    }
    let mut report = dcs::diagnose_with_progress(&config, |step| {
        if is_shown {
            output::say(&step_text(step, arguments.redact, coloured));
        }
    })?;
    if is_shown {
        output::say("\n");
    }
    if arguments.redact {
        report = report.redacted();
    }

    let document = if arguments.json {
        report.json()
    } else if output::has_colour(arguments.colour.when) {
        report.text_with_colour()
    } else {
        report.text()
    };
    // The report that a user has waited for comes first, also where the page then fails.
    output::print(document)?;
    if let Some(path) = &arguments.html {
        let page = report.html();
        files::write(
            PAGE,
            path,
            page.as_bytes(),
            Existing::Replace,
            Access::Usual,
        )?;
    }
    Ok(exit(&report))
}

/// What can be known to be wrong before the diagnosis.
fn prepare(arguments: &DiagnoseArguments) -> Result<Config, Failure> {
    if let Some(path) = &arguments.html {
        files::check(PAGE, path, Existing::Replace)?;
    }
    config::for_call(&arguments.connection)
}

fn exit(report: &Report) -> Exit {
    match report.worst() {
        Some(Severity::Error) => Exit::Failed,
        Some(Severity::Warning) => Exit::Warnings,
        _ => Exit::Well,
    }
}

/// A step's line. The library's steps have no message without paths and names; the report that follows has.
fn step_text(step: &Step, redact: bool, coloured: bool) -> String {
    let mark = match step.outcome() {
        Outcome::Passed => paint("ok  ", Paint::Good, coloured),
        Outcome::Failed => paint("FAIL", Paint::Bad, coloured),
        _ => paint("--  ", Paint::Dim, coloured),
    };
    let time = if step.outcome() == Outcome::Skipped {
        String::new()
    } else {
        duration(step.duration())
    };
    let message = if redact { "" } else { step.message() };
    let line = format!("  {mark}  {:<6}{time:>9}  {}", step.name(), message);
    format!("{}\n", line.trim_end())
}
