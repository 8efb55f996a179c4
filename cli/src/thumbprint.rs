//! `dcs thumbprint`: how the service identifies a certificate.

use std::path::{Path, PathBuf};

use dcs::{CertificateSummary, Inspection};

use crate::arguments::ThumbprintArguments;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings;
use crate::words::clean_line;

pub fn run(arguments: &ThumbprintArguments) -> Result<Exit, Failure> {
    let password = settings::password(&arguments.password)?;
    let password = password.as_deref().map(String::as_str);
    let paths: Vec<&PathBuf> = arguments.files.iter().chain(&arguments.cert).collect();
    if paths.is_empty() {
        let (name, seen) = from_environment(password)?;
        output::print(text(&seen, &name, arguments.all, false)?)?;
        return Ok(Exit::Well);
    }

    let mut exit = Exit::Well;
    for path in &paths {
        let shown = dcs::inspect_file(path, password)
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

fn from_environment(password: Option<&str>) -> Result<(String, Inspection), Failure> {
    let Some(value) = settings::variable("DCS_CERTIFICATE")? else {
        return Err(Failure::usage(
            "There is no certificate to show the thumbprint of.",
            "Give a file, or set DCS_CERTIFICATE.",
        ));
    };
    if value.contains("-----BEGIN") {
        let seen = dcs::inspect(value.as_bytes(), password)?;
        return Ok(("DCS_CERTIFICATE".into(), seen));
    }
    let seen = dcs::inspect_file(Path::new(&*value), password)?;
    Ok((value.to_string(), seen))
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
            text += &format!("  {}", clean_line(certificate.subject.as_str()));
        }
        if with_file {
            text += &format!("  {}", clean_line(file));
        }
        text.push('\n');
    }
    Ok(text)
}

fn wrong(file: &str, holds: &str, hint: &str) -> Failure {
    Failure::certificate(format!("The file {file} holds {holds}."), hint)
}
