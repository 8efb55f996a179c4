//! `dcs inspect`: prints the contents of files.

use std::path::Path;
use std::time::SystemTime;

use dcs::{CertificateSummary, Inspection, Item, sanitize, sanitize_path};
use serde_json::{Value, json};

use crate::arguments::InspectArguments;
use crate::config;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::format::{utc_of, validity};
use crate::output;

pub fn run(arguments: &InspectArguments) -> Result<Exit, CommandError> {
    let config = config::for_files(&arguments.password)?;
    let now = SystemTime::now();
    let mut exit = Exit::Success;
    let mut files = Vec::new();
    let mut separator = "";
    for path in &arguments.files {
        let inspected = config.inspect_file(path).map_err(CommandError::from);
        if let Err(error) = &inspected {
            exit = Exit::Failure;
            if !arguments.json {
                output::eprint(&error.text());
            }
        }
        if arguments.json {
            files.push(file_json(path, &inspected, now));
        } else if let Ok(inspection) = &inspected {
            // At once, because the next file may be on a slow disk.
            output::print(format!("{separator}{}", file_text(path, inspection, now)))?;
            separator = "\n";
        }
    }
    if arguments.json {
        output::print_json(&json!({ "files": files }))?;
    }
    Ok(exit)
}

fn file_text(path: &Path, inspection: &Inspection, now: SystemTime) -> String {
    let mut text = format!("{}: {}\n", sanitize_path(path), inspection.format);
    for repair in &inspection.repairs {
        text += &format!("  repaired: the file {repair}\n");
    }
    if inspection.items.is_empty() {
        text += "  empty\n";
    }
    for item in &inspection.items {
        text += &item_text(item, now);
    }
    text
}

fn item_text(item: &Item, now: SystemTime) -> String {
    let mut text = match item.line {
        Some(line) => format!("  {}, line {line}\n", item.kind),
        None => format!("  {}\n", item.kind),
    };
    let mut lines = Vec::new();
    if let Some(certificate) = &item.certificate {
        lines.extend(certificate_lines(certificate, now));
    }
    if let Some(key) = &item.key {
        lines.push(("key", key.clone()));
    } else if item.kind.contains("private key") {
        lines.push((
            "key",
            "not shown: encrypted (--pass-file FILE decrypts it), or not supported".into(),
        ));
    }
    for (name, value) in lines {
        text += &format!("    {name:<11} {}\n", sanitize(&value));
    }
    text
}

fn certificate_lines(
    certificate: &CertificateSummary,
    now: SystemTime,
) -> Vec<(&'static str, String)> {
    let usages: Vec<&str> = certificate
        .key_usage
        .iter()
        .copied()
        .chain(certificate.extended_key_usage.iter().map(String::as_str))
        .collect();
    let names: Vec<&str> = certificate
        .alternative_names
        .iter()
        .map(dcs::Message::as_str)
        .collect();
    let mut lines = vec![
        ("subject", certificate.subject.to_string()),
        ("issuer", certificate.issuer.to_string()),
        ("serial", certificate.serial.clone()),
        (
            "valid",
            format!(
                "{} to {}: {}",
                utc_of(certificate.not_before_rfc3339().as_deref()),
                utc_of(certificate.not_after_rfc3339().as_deref()),
                validity(certificate, now)
            ),
        ),
        ("key", certificate.key.clone()),
        ("signature", certificate.signature_algorithm.clone()),
    ];
    if certificate.is_ca {
        lines.push(("CA", "yes: it may issue certificates".into()));
    }
    lines.push((
        "usages",
        if usages.is_empty() {
            "not restricted".into()
        } else {
            usages.join(", ")
        },
    ));
    if !names.is_empty() {
        lines.push(("names", names.join(", ")));
    }
    lines.push(("thumbprint", certificate.thumbprint.clone()));
    lines
}

fn file_json(path: &Path, inspected: &Result<Inspection, CommandError>, now: SystemTime) -> Value {
    let mut file = match inspected {
        Ok(inspection) => json!({
            "format": inspection.format,
            "repairs": inspection.repairs,
            "items": inspection
                .items
                .iter()
                .map(|item| item_json(item, now))
                .collect::<Vec<_>>(),
        }),
        Err(error) => error.json(),
    };
    file["file"] = path.to_string_lossy().into();
    file
}

fn item_json(item: &Item, now: SystemTime) -> Value {
    let certificate = item.certificate.as_ref().map(|certificate| {
        let mut value = json!(certificate);
        value["days_left"] = json!(certificate.days_left(now));
        value["valid_now"] = json!(certificate.is_valid_at(now));
        value
    });
    json!({
        "kind": item.kind,
        "line": item.line,
        "certificate": certificate,
        "key": item.key,
    })
}
