//! `dcs`: the library on the command line, for people and for scripts, and the sandbox test server. It uses the
//! library's public interface only.

#![deny(unsafe_code)]

mod arguments;
mod config;
mod convert_key;
mod diagnose;
mod error;
mod exit;
mod files;
mod format;
mod inspect;
mod man;
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
use error::CommandError;
use exit::Exit;

fn main() -> ExitCode {
    // Reports a panic like any other error, and without its message, which may contain anything.
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        output::eprint(&format!(
            "dcs: Internal error at {}.\nThis is a bug. Please report it with this line. ({})\n",
            place.unwrap_or_default(),
            dcs::Code::Internal.name()
        ));
    }));
    let exit = panic::catch_unwind(start).unwrap_or(Exit::Failure);
    ExitCode::from(exit as u8)
}

fn start() -> Exit {
    let outcome = match Arguments::try_parse() {
        Ok(arguments) => run(&arguments.command),
        Err(error) => after_parsing(&error),
    };
    outcome.unwrap_or_else(|error| {
        output::eprint(&error.text());
        error.exit()
    })
}

fn run(command: &Command) -> Result<Exit, CommandError> {
    match command {
        Command::Status(arguments) => status::run(arguments),
        Command::Diagnose(arguments) => diagnose::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::ConvertKey(arguments) => convert_key::run(arguments),
        Command::Thumbprint(arguments) => thumbprint::run(arguments),
        Command::Sandbox(arguments) => sandbox::run(arguments),
        Command::Completions { shell } => print(man::completions(*shell)),
        Command::Man => print(man::page()),
    }
}

fn print(document: impl AsRef<[u8]>) -> Result<Exit, CommandError> {
    output::print(document).map(|()| Exit::Success)
}

/// Prints what clap returns instead of arguments: the help, the version, or an error.
fn after_parsing(error: &clap::Error) -> Result<Exit, CommandError> {
    let text = error.render().to_string();
    if error.exit_code() == 0 {
        return print(text);
    }
    let text = match text.strip_prefix("error: ") {
        Some(text) => format!("dcs: {text}"),
        None => text,
    };
    output::eprint(&text);
    Ok(Exit::Usage)
}
