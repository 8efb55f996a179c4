//! `dcs thumbprint`: prints the value by which the service identifies a certificate.

use std::path::PathBuf;

use dcs::{CertificateSummary, Check, Config, Inspection, sanitize, sanitize_path};

use crate::arguments::ThumbprintArguments;
use crate::config;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output;

/// The variable that is used if no file is given.
const VARIABLE: &str = "DCS_CERTIFICATE";

pub fn run(arguments: &ThumbprintArguments) -> Result<Exit, CommandError> {
    let mut config = config::for_files(&arguments.password)?;
    if let Some(path) = &arguments.cert {
        config::reject_password("--cert", path)?;
    }
    let paths: Vec<&PathBuf> = arguments.files.iter().chain(&arguments.cert).collect();
    if paths.is_empty() {
        let inspection = from_environment(&mut config)?;
        output::print(text(&inspection, VARIABLE, arguments.all, false)?)?;
        return Ok(Exit::Success);
    }

    let mut exit = Exit::Success;
    for path in &paths {
        let shown = config
            .inspect_file(path)
            .map_err(CommandError::from)
            .and_then(|inspection| {
                let name = sanitize_path(path);
                text(&inspection, &name, arguments.all, paths.len() > 1)
            });
        match shown {
            Ok(text) => output::print(text)?,
            Err(error) => {
                output::eprint(&error.text());
                exit = Exit::Failure;
            }
        }
    }
    Ok(exit)
}

fn from_environment(config: &mut Config) -> Result<Inspection, CommandError> {
    config.load_env_option("certificate")?;
    config.inspect_certificate().map_err(|error| {
        if error.check() == Some(Check::FileConfigured) {
            return CommandError::usage(
                "No certificate is given.",
                format!("Give a file, or set {VARIABLE}."),
            );
        }
        error.into()
    })
}

/// Returns the thumbprint of the client certificate, or a line for each certificate if `all` is set.
fn text(
    inspection: &Inspection,
    file: &str,
    all: bool,
    with_file: bool,
) -> Result<String, CommandError> {
    let certificates: Vec<&CertificateSummary> = inspection
        .items
        .iter()
        .filter_map(|item| item.certificate.as_ref())
        .collect();
    let shown = match certificates.as_slice() {
        [] => {
            return Err(wrong_file(
                file,
                "no certificate",
                "Give the certificate's file.",
            ));
        }
        all_of_them if all => all_of_them.to_vec(),
        // A single certificate is meant, even if it is a CA's.
        [one] => vec![*one],
        several => match several.iter().find(|certificate| !certificate.is_ca) {
            Some(leaf) => vec![*leaf],
            None => {
                return Err(wrong_file(
                    file,
                    "CA certificates only",
                    "Give the client certificate's file, or use --all to print the thumbprint of each.",
                ));
            }
        },
    };
    let mut text = String::new();
    for certificate in shown {
        text += &certificate.thumbprint;
        if all {
            text += &format!("  {}", sanitize(certificate.subject.as_str()));
        }
        if with_file {
            text += &format!("  {file}");
        }
        text.push('\n');
    }
    Ok(text)
}

fn wrong_file(file: &str, contents: &str, hint: &str) -> CommandError {
    CommandError::certificate(format!("{file} contains {contents}."), hint)
}
