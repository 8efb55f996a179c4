//! `dcs convert-key`: a private key as PKCS#8 in DER.

use std::io::{self, IsTerminal};

use dcs::{Check, sanitize};
use zeroize::Zeroizing;

use crate::arguments::ConvertKeyArguments;
use crate::config;
use crate::failure::{Exit, Failure};
use crate::files::{self, Access, Existing};
use crate::output;

/// What the file is called in messages.
const KEY: &str = "The converted key";

pub fn run(arguments: &ConvertKeyArguments) -> Result<Exit, Failure> {
    let existing = if arguments.force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    match &arguments.out {
        Some(path) => files::check(KEY, path, existing)?,
        None if io::stdout().is_terminal() => {
            return Err(Failure::usage(
                "Standard output is a terminal, and DER is not text.",
                "Give --out FILE, or send standard output to a file or a program.",
            ));
        }
        None => {}
    }
    let der = convert(arguments)?;
    let Some(path) = &arguments.out else {
        output::print_secret(&der)?;
        return Ok(Exit::Well);
    };
    files::write(KEY, path, &der, existing, Access::Owner)?;
    if io::stderr().is_terminal() {
        output::say(&format!(
            "Wrote {}: PKCS#8 in DER, not encrypted, for its owner only.\n",
            sanitize(&path.display().to_string())
        ));
    }
    Ok(Exit::Well)
}

fn convert(arguments: &ConvertKeyArguments) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut config = config::for_files(&arguments.password)?;
    match &arguments.key {
        Some(path) => config.set_private_key_file(path),
        None => config.load_env_option("private_key")?,
    }
    config.private_key_to_pkcs8_der().map_err(|error| {
        if error.check() == Some(Check::FileConfigured) {
            return Failure::usage(
                "There is no private key to convert.",
                "Give --key FILE, or set DCS_PRIVATE_KEY.",
            );
        }
        error.into()
    })
}
