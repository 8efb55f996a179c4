//! `dcs`: the library on the command line, for people and for scripts. It uses nothing but the library's
//! public interface.

#![deny(unsafe_code)]

mod arguments;
mod config;
mod convert_key;
mod diagnose;
mod failure;
mod files;
mod format;
mod inspect;
mod manual;
mod output;
mod sandbox;
mod status;
mod thumbprint;
mod timeline;
mod verbose;

use std::panic;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use failure::{Exit, Failure};

fn main() -> ExitCode {
    // A fault of our own is told like every other one. What it would say itself may hold anything.
    panic::set_hook(Box::new(|fault| {
        let place = fault.location().map(ToString::to_string);
        output::say(&format!(
            "dcs: a fault in dcs itself, at {}.\nThis is a bug: please report it with this line. ({})\n",
            place.unwrap_or_default(),
            dcs::Code::Internal.name()
        ));
    }));
    let exit = panic::catch_unwind(start).unwrap_or(Exit::Failed);
    ExitCode::from(exit as u8)
}

fn start() -> Exit {
    let ended = match Arguments::try_parse() {
        Ok(arguments) => run(&arguments.command),
        Err(error) => told(&error),
    };
    ended.unwrap_or_else(|failure| {
        output::say(&failure.text());
        failure.exit()
    })
}

fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Status(arguments) => status::run(arguments),
        Command::Diagnose(arguments) => diagnose::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::ConvertKey(arguments) => convert_key::run(arguments),
        Command::Thumbprint(arguments) => thumbprint::run(arguments),
        Command::Sandbox(arguments) => Ok(sandbox::run(arguments)),
        Command::Completions { shell } => printed(manual::completions(*shell)),
        Command::Man => printed(manual::page()),
    }
}

fn printed(document: impl AsRef<[u8]>) -> Result<Exit, Failure> {
    output::print(document).map(|()| Exit::Well)
}

/// What clap ends with: the help or version that was asked for, or a mistake.
fn told(error: &clap::Error) -> Result<Exit, Failure> {
    let text = error.render().to_string();
    if error.exit_code() == 0 {
        return printed(text);
    }
    let text = match text.strip_prefix("error: ") {
        Some(text) => format!("dcs: {text}"),
        None => text,
    };
    output::say(&text);
    Ok(Exit::Usage)
}
