//! `dcs convert-key`: converts a private key to PKCS#8 in DER.

use std::io::{self, IsTerminal};

use dcs::{Check, sanitize_path};
use zeroize::Zeroizing;

use crate::arguments::ConvertKeyArguments;
use crate::config;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::files::{self, Access, Existing};
use crate::output;

/// The file in messages.
const KEY: &str = "The converted key";

pub fn run(arguments: &ConvertKeyArguments) -> Result<Exit, CommandError> {
    let existing = if arguments.force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    match &arguments.out {
        Some(path) => files::check(KEY, path, existing)?,
        None if io::stdout().is_terminal() => {
            return Err(CommandError::usage(
                "Standard output is a terminal, but DER is binary.",
                "Give --out FILE, or redirect standard output to a file or a program.",
            ));
        }
        None => {}
    }
    let der = convert(arguments)?;
    let Some(path) = &arguments.out else {
        output::print_secret(&der)?;
        return Ok(Exit::Success);
    };
    files::write(KEY, path, &der, existing, Access::OwnerOnly)?;
    if io::stderr().is_terminal() {
        output::eprint(&format!(
            "Wrote {}: PKCS#8 in DER, not encrypted, readable by its owner only.\n",
            sanitize_path(path)
        ));
    }
    Ok(Exit::Success)
}

fn convert(arguments: &ConvertKeyArguments) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let mut config = config::for_files(&arguments.password)?;
    match &arguments.key {
        Some(path) => {
            config::reject_password("--key", path)?;
            config.set_private_key_file(path);
        }
        None => config.load_env_option("private_key")?,
    }
    config.private_key_to_pkcs8_der().map_err(|error| {
        if error.check() == Some(Check::FileConfigured) {
            return CommandError::usage(
                "There is no private key to convert.",
                "Give --key FILE, or set DCS_PRIVATE_KEY.",
            );
        }
        error.into()
    })
}
