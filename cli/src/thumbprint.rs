//! `dcs thumbprint`: how the service identifies a certificate.

use std::path::PathBuf;

use dcs::{CertificateSummary, Check, Config, Inspection, sanitize};

use crate::arguments::ThumbprintArguments;
use crate::config;
use crate::failure::{Exit, Failure};
use crate::output;

/// The variable that is used if no file is given.
const VARIABLE: &str = "DCS_CERTIFICATE";

pub fn run(arguments: &ThumbprintArguments) -> Result<Exit, Failure> {
    let mut config = config::for_files(&arguments.password)?;
    let paths: Vec<&PathBuf> = arguments.files.iter().chain(&arguments.cert).collect();
    if paths.is_empty() {
        let seen = from_environment(&mut config)?;
        output::print(text(&seen, VARIABLE, arguments.all, false)?)?;
        return Ok(Exit::Well);
    }

    let mut exit = Exit::Well;
    for path in &paths {
        let shown = config
            .inspect_file(path)
            .map_err(Failure::from)
            .and_then(|seen| {
                let name = path.display().to_string();
                text(&seen, &name, arguments.all, paths.len() > 1)
            });
        match shown {
            Ok(text) => output::print(text)?,
            Err(failure) => {
                output::say(&failure.text());
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}

fn from_environment(config: &mut Config) -> Result<Inspection, Failure> {
    config.load_env_option("certificate")?;
    config.inspect_certificate().map_err(|error| {
        if error.check() == Some(Check::FileConfigured) {
            return Failure::usage(
                "There is no certificate to show the thumbprint of.",
                format!("Give a file, or set {VARIABLE}."),
            );
        }
        error.into()
    })
}

/// A line for each certificate; the thumbprint alone where one is asked for.
fn text(
    inspection: &Inspection,
    file: &str,
    all: bool,
    with_file: bool,
) -> Result<String, Failure> {
    let certificates: Vec<&CertificateSummary> = inspection
        .items
        .iter()
        .filter_map(|item| item.certificate.as_ref())
        .collect();
    let shown = match certificates.as_slice() {
        [] => {
            return Err(wrong(
                file,
                "no certificate",
                "Give the certificate's file.",
            ));
        }
        all_of_them if all => all_of_them.to_vec(),
        // One alone is the one that is meant, also where it is a CA's.
        [one] => vec![*one],
        several => match several.iter().find(|certificate| !certificate.is_ca) {
            Some(leaf) => vec![*leaf],
            None => {
                return Err(wrong(
                    file,
                    "CA certificates only",
                    "Give the client certificate's file, or --all for the thumbprint of each.",
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
            text += &format!("  {}", sanitize(file));
        }
        text.push('\n');
    }
    Ok(text)
}

fn wrong(file: &str, holds: &str, hint: &str) -> Failure {
    Failure::certificate(format!("The file {file} holds {holds}."), hint)
}
