//! Standard output and standard error.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use crate::arguments::Colour;
use crate::failure::Failure;

/// Prints to standard output. A reader that has gone, as behind `| head`, wants no more: that is no failure.
pub fn print(bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
    ended(write(io::stdout().lock(), bytes.as_ref()))
}

/// The same with a key: not by way of the buffer of standard output, which nobody wipes.
pub fn print_secret(bytes: &[u8]) -> Result<(), Failure> {
    ended(unbuffered_output().and_then(|out| write(out, bytes)))
}

#[cfg(unix)]
fn unbuffered_output() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn unbuffered_output() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}

fn write(mut out: impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.flush()
}

fn ended(outcome: io::Result<()>) -> Result<(), Failure> {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::file(
            format!("Standard output cannot be written to: {error}."),
            "Check where it leads, and that there is room.",
        )),
        _ => Ok(()),
    }
}

/// Prints a JSON document.
pub fn print_json(value: &Value) -> Result<(), Failure> {
    print(format!("{value:#}\n"))
}

/// Prints to standard error. Where that fails there is nobody left to tell.
pub fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Whether to colour what goes to standard output.
pub fn has_colour(when: Colour) -> bool {
    colour(when, io::stdout().is_terminal())
}

/// Whether to colour what goes to standard error.
pub fn has_colour_on_error(when: Colour) -> bool {
    colour(when, io::stderr().is_terminal())
}

/// See <https://no-color.org>.
fn colour(when: Colour, is_terminal: bool) -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    match when {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => is_terminal && !is_set("NO_COLOR") && reads_colour_codes(),
    }
}

fn reads_colour_codes() -> bool {
    let term = env::var_os("TERM");
    if cfg!(windows) {
        // The old console shows the codes as text. The terminals that read them say so: Windows Terminal, ConEmu and,
        // with TERM, those of Git and Cygwin.
        let names = ["WT_SESSION", "ConEmuANSI", "ANSICON"];
        return names.iter().any(|name| env::var_os(name).is_some())
            || term.is_some_and(|term| term != "dumb");
    }
    term.is_none_or(|term| term != "dumb")
}

/// The colours that are used.
#[derive(Clone, Copy)]
pub enum Paint {
    Good,
    Attention,
    Bad,
    Dim,
}

/// The text in a colour, where there is colour.
pub fn paint(text: &str, paint: Paint, coloured: bool) -> String {
    let number = match paint {
        Paint::Good => 32,
        Paint::Attention => 33,
        Paint::Bad => 31,
        Paint::Dim => 2,
    };
    if coloured {
        format!("\u{1b}[{number}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
