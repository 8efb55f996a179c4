//! `dcs diagnose`: the progress of the library's diagnosis, and its report.

use std::io::{self, IsTerminal};

use dcs::{Config, Outcome, Report, Severity, Step};

use crate::arguments::DiagnoseArguments;
use crate::config;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::files::{self, Access, Existing};
use crate::format::duration;
use crate::output::{self, Colour, paint};
use crate::verbose;

/// The report in messages.
const PAGE: &str = "The HTML report";

pub fn run(arguments: &DiagnoseArguments) -> Result<Exit, CommandError> {
    verbose::start(arguments.connection.verbose);
    let config = match prepare(arguments) {
        Ok(config) => config,
        Err(error) if arguments.json => {
            output::print_json(&error.json())?;
            return Ok(error.exit());
        }
        Err(error) => return Err(error),
    };

    let shows_progress = !arguments.json && io::stderr().is_terminal();
    let colour = output::colours_stderr(arguments.colour.when);
    if shows_progress {
        output::eprint(&format!("Checking {} ...\n", dcs::sanitize(&config.url())));
    }
    let mut report = dcs::diagnose_with_progress(&config, |step| {
        if shows_progress {
            output::eprint(&step_text(step, arguments.redact, colour));
        }
    })?;
    if shows_progress {
        output::eprint("\n");
    }
    if arguments.redact {
        report = report.redacted();
    }

    let text = if arguments.json {
        report.json()
    } else if output::colours_stdout(arguments.colour.when) {
        report.text_with_colour()
    } else {
        report.text()
    };
    // First, so that the user gets the report even if the page cannot be written.
    output::print(text)?;
    if let Some(path) = &arguments.html {
        let page = report.html();
        files::write(
            PAGE,
            path,
            page.as_bytes(),
            Existing::Replace,
            Access::Umask,
        )?;
    }
    Ok(exit(&report))
}

/// Returns the configuration, and finds mistakes before the user waits for a diagnosis.
fn prepare(arguments: &DiagnoseArguments) -> Result<Config, CommandError> {
    if let Some(path) = &arguments.html {
        files::check(PAGE, path, Existing::Replace)?;
    }
    config::for_call(&arguments.connection)
}

fn exit(report: &Report) -> Exit {
    match report.worst() {
        Some(Severity::Error) => Exit::Failure,
        Some(Severity::Warning) => Exit::Warnings,
        _ => Exit::Success,
    }
}

/// Returns the line of a step. A redacted one has no message, because only those of the report can be redacted.
fn step_text(step: &Step, redact: bool, colour: bool) -> String {
    let mark = match step.outcome() {
        Outcome::Passed => paint("ok  ", Colour::Green, colour),
        Outcome::Failed => paint("FAIL", Colour::Red, colour),
        _ => paint("--  ", Colour::Dim, colour),
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
