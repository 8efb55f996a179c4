//! Standard output and standard error.

use std::borrow::Cow;
use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Write};

use dcs::sanitize;
use serde_json::Value;

use crate::arguments::ColourChoice;
use crate::error::CommandError;

/// Prints to standard output. A reader that has closed the pipe, such as `head`, is no error.
pub fn print(bytes: impl AsRef<[u8]>) -> Result<(), CommandError> {
    check(write(io::stdout().lock(), bytes.as_ref()))
}

/// Prints a key to standard output. It bypasses the buffer of standard output, which is never wiped.
pub fn print_secret(bytes: &[u8]) -> Result<(), CommandError> {
    check(unbuffered_output().and_then(|out| write(out, bytes)))
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

fn check(outcome: io::Result<()>) -> Result<(), CommandError> {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::file(
            format!("Standard output cannot be written to: {error}."),
            "Check the file or pipe that it leads to, and that the disk is not full.",
        )),
        _ => Ok(()),
    }
}

/// Prints a JSON document. The characters that [`sanitize`] replaces in text are written as escapes: the values stay as they
/// are, and a terminal does not act on them.
pub fn print_json(value: &Value) -> Result<(), CommandError> {
    let document = format!("{value:#}\n");
    let mut escaped = String::with_capacity(document.len());
    for c in document.chars() {
        // Between the values, the only such character is the line end.
        if c == '\n' || matches!(sanitize(c.encode_utf8(&mut [0; 4])), Cow::Borrowed(_)) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            escaped += &format!("\\u{unit:04x}");
        }
    }
    print(escaped)
}

/// Prints to standard error. A failure is ignored: there is nowhere left to report it.
pub fn eprint(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Returns whether to colour standard output.
pub fn colours_stdout(when: ColourChoice) -> bool {
    colours(when, io::stdout().is_terminal())
}

/// Returns whether to colour standard error.
pub fn colours_stderr(when: ColourChoice) -> bool {
    colours(when, io::stderr().is_terminal())
}

/// Returns whether to colour a stream. `NO_COLOR` is that of <https://no-color.org>.
fn colours(when: ColourChoice, is_terminal: bool) -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    match when {
        ColourChoice::Always => true,
        ColourChoice::Never => false,
        ColourChoice::Auto => is_terminal && !is_set("NO_COLOR") && reads_colour_codes(),
    }
}

fn reads_colour_codes() -> bool {
    let term = env::var_os("TERM");
    if cfg!(windows) {
        // The old console prints the codes as text. The terminals that read them set a variable: Windows Terminal,
        // ConEmu and, with TERM, those of Git and Cygwin.
        let names = ["WT_SESSION", "ConEmuANSI", "ANSICON"];
        return names.iter().any(|name| env::var_os(name).is_some())
            || term.is_some_and(|term| term != "dumb");
    }
    term.is_none_or(|term| term != "dumb")
}

/// A colour of the output.
#[derive(Clone, Copy)]
pub enum Colour {
    Green,
    Yellow,
    Red,
    Dim,
}

/// Returns the text in a colour, if colours are on.
pub fn paint(text: &str, colour: Colour, is_on: bool) -> String {
    let number = match colour {
        Colour::Green => 32,
        Colour::Yellow => 33,
        Colour::Red => 31,
        Colour::Dim => 2,
    };
    if is_on {
        format!("\u{1b}[{number}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
