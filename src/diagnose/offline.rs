//! The checks that need no network: each of the three files, and whether they belong together.

use std::time::SystemTime;

use super::certificate_checks::CertificateChecks;
use super::format::count;
use super::report::{FileSummary, Finding};
use crate::config::Config;
use crate::credentials::entry::EntryKind;
use crate::credentials::files::{CONFIGURE_CERTIFICATE, CONFIGURE_KEY};
use crate::credentials::parsed_file::ParsedFile;
use crate::credentials::source::{LoadedFile, Role, Source, capitalise};
use crate::credentials::x509::Certificate;
use crate::credentials::{CertificateSummary, Files, Identity};
use crate::datetime::day;
use crate::error::{Check, Code, Error, Subject};

/// The checks on every file, in the order in which they can be performed.
const FILE_CHECKS: [Check; 4] = [
    Check::FileConfigured,
    Check::FileReadable,
    Check::FileNotEmpty,
    Check::FileFormat,
];

/// The results of the checks on the files.
pub(crate) struct OfflineChecks {
    pub(crate) files: Files,
    pub(crate) identity: Option<Identity>,
    pub(crate) certificate_checks: Option<CertificateChecks>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) summaries: Vec<FileSummary>,
    /// No client can be created from these files.
    pub(crate) is_unusable: bool,
}

/// Reads the files, and performs every check on them that is possible.
pub(crate) fn check(config: &Config, now: SystemTime) -> OfflineChecks {
    let files = Files::read(&config.sources);
    let mut findings = Vec::new();

    check_bundle(&files, now, &mut findings);
    check_certificate_file(&files, &mut findings);
    check_key_file(config, &files, &mut findings);

    let identity = match files.identity(now) {
        Ok(identity) => identity,
        Err(error) => {
            let subject = match error.code() {
                Code::Certificate => Subject::Certificate,
                _ => Subject::PrivateKey,
            };
            push_error(&error, subject, &mut findings);
            None
        }
    };
    if let Some(identity) = &identity {
        findings.push(Finding::passed(
            Check::KeyMatchesCertificate,
            Subject::PrivateKey,
            format!("The private key belongs to {}.", identity.leaf().subject()),
        ));
        if let Some(Ok(file)) = &files.certificate {
            findings.push(check_chain_order(identity, &file.certificates));
        }
    }
    let bundle = files.ca_bundle.as_ref().ok();
    let host = &config.endpoint.target.host;
    let certificate_checks = identity
        .as_ref()
        .map(|identity| CertificateChecks::new(identity, bundle, host))
        // If the key is missing or wrong, the certificate itself can still be checked.
        .or_else(|| {
            let file = files.certificate.as_ref()?.as_ref().ok()?;
            Some(CertificateChecks::from_file(file, bundle, host, now))
        });
    if let Some(certificate_checks) = &certificate_checks {
        findings.extend(certificate_checks.findings(now));
    }
    OfflineChecks {
        is_unusable: findings
            .iter()
            .any(|finding| finding.is_failed() && is_fatal(finding.check, config)),
        summaries: file_summaries(config, &files),
        files,
        identity,
        certificate_checks,
        findings,
    }
}

/// Returns whether no client can be created if the check fails.
fn is_fatal(check: Check, config: &Config) -> bool {
    // A client needs a CA bundle, but can do without certificate and key.
    let none_configured =
        config.sources.certificate.is_none() && config.sources.private_key.is_none();
    match check {
        Check::FileConfigured => config.sources.ca_bundle.is_none() || !none_configured,
        check => check.prevents_client(),
    }
}

/// Adds an error's finding, unless the file's own checks have already added it.
fn push_error(error: &Error, subject: Subject, findings: &mut Vec<Finding>) {
    let Some(check) = error.check() else { return };
    let is_known = findings
        .iter()
        .any(|finding| finding.is_failed() && finding.message() == error.message());
    if !is_known {
        findings.push(Finding::of_error(check, subject, error));
    }
}

/// Adds the check that an error is about as failed, and those before it as passed.
fn push_read_error(error: &Error, subject: Subject, findings: &mut Vec<Finding>) {
    let Some(check) = error.check() else { return };
    // A file that fails a later check than these has passed all of them.
    let earlier = FILE_CHECKS.iter().take_while(|earlier| **earlier != check);
    findings.extend(earlier.map(|earlier| Finding::holds(*earlier, subject)));
    findings.push(Finding::of_error(check, subject, error));
}

/// Adds the checks on a file that could be read.
fn push_readable(name: &str, contents: &ParsedFile, subject: Subject, findings: &mut Vec<Finding>) {
    for check in [
        Check::FileConfigured,
        Check::FileReadable,
        Check::FileNotEmpty,
    ] {
        findings.push(Finding::holds(check, subject));
    }
    findings.push(Finding::passed(
        Check::FileFormat,
        subject,
        format!("{}: {}.", contents.format.name(), contents_text(contents)),
    ));
    let repairs: Vec<_> = contents
        .repairs
        .iter()
        .map(|repair| repair.description())
        .collect();
    findings.push(match repairs.as_slice() {
        [] => Finding::holds(Check::FileIntact, subject),
        repairs => Finding::failed(
            Check::FileIntact,
            subject,
            capitalise(&format!("{name} {}.", repairs.join(", and "))),
        ),
    });
    findings.push(Finding::holds(Check::FileRole, subject));
}

/// Returns the content of a file, such as "3 certificates, private key (PKCS#8)".
fn contents_text(contents: &ParsedFile) -> String {
    let mut kinds: Vec<EntryKind> = Vec::new();
    for item in &contents.entries {
        if !kinds.contains(&item.kind) {
            kinds.push(item.kind);
        }
    }
    kinds
        .into_iter()
        .map(|kind| {
            let number = contents
                .entries
                .iter()
                .filter(|item| item.kind == kind)
                .count();
            match kind {
                EntryKind::Certificate => count(number, "certificate"),
                kind if number == 1 => kind.description().to_owned(),
                kind => format!("{} ({number} times)", kind.description()),
            }
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn check_bundle(files: &Files, now: SystemTime, findings: &mut Vec<Finding>) {
    let subject = Subject::CaBundle;
    let bundle = match &files.ca_bundle {
        Ok(bundle) => bundle,
        Err(error) => return push_read_error(error, subject, findings),
    };
    push_readable(&bundle.name, &bundle.parsed, subject, findings);
    findings.push(Finding::passed(
        Check::BundleHasCa,
        subject,
        match bundle.cas().count() {
            0 => format!(
                "{} has no CA certificate, but one that can be the server's own.",
                capitalise(&bundle.name)
            ),
            cas => format!(
                "{}, {cas} of them for a CA.",
                capitalise(&count(bundle.certificates.len(), "certificate")),
            ),
        },
    ));
    let unreadable: Vec<String> = bundle
        .unreadable()
        .map(|position| position.to_string())
        .collect();
    findings.push(match unreadable.len() {
        0 => Finding::holds(Check::BundleReadable, subject),
        number => Finding::failed(
            Check::BundleReadable,
            subject,
            format!(
                "In {}, {} with an extension that cannot be read {} not trusted: number {}.",
                bundle.name,
                count(number, "certificate"),
                if number == 1 { "is" } else { "are" },
                unreadable.join(", ")
            ),
        ),
    });
    let roots: Vec<&Certificate> = bundle.cas().filter(|ca| ca.is_self_issued()).collect();
    findings.push(Finding::of_result(
        Check::BundleHasRoot,
        subject,
        match roots.first() {
            Some(root) => Ok(format!(
                "{}, such as {}.",
                capitalise(&count(roots.len(), "root")),
                root.subject()
            )),
            None => Err(format!(
                "{} contains intermediates only, no root.",
                capitalise(&bundle.name)
            )),
        },
    ));
    let expired: Vec<String> = bundle
        .certificates
        .iter()
        .filter_map(|certificate| certificate.fields.as_ref())
        .filter(|fields| now > fields.not_after)
        .map(|fields| format!("{} (on {})", fields.subject, day(fields.not_after)))
        .collect();
    findings.push(match expired.len() {
        0 => Finding::holds(Check::BundleNotExpired, subject),
        number => Finding::failed(
            Check::BundleNotExpired,
            subject,
            format!(
                "{number} of the {} in {} {} expired: {}.",
                count(bundle.certificates.len(), "certificate"),
                bundle.name,
                if number == 1 { "has" } else { "have" },
                expired.join("; ")
            ),
        ),
    });
    findings.push(match bundle.parsed.has_private_key() {
        false => Finding::holds(Check::BundleNoPrivateKey, subject),
        true => Finding::failed(
            Check::BundleNoPrivateKey,
            subject,
            format!("{} contains a private key.", capitalise(&bundle.name)),
        ),
    });
}

fn check_certificate_file(files: &Files, findings: &mut Vec<Finding>) {
    let subject = Subject::Certificate;
    match &files.certificate {
        None => findings.push(
            Finding::failed(
                Check::FileConfigured,
                subject,
                "No client certificate is configured.",
            )
            .with_advice(CONFIGURE_CERTIFICATE),
        ),
        Some(Err(error)) => push_read_error(error, subject, findings),
        Some(Ok(file)) => push_readable(&file.loaded.name, &file.parsed, subject, findings),
    }
}

fn check_key_file(config: &Config, files: &Files, findings: &mut Vec<Finding>) {
    let subject = Subject::PrivateKey;
    match &files.private_key {
        None => findings.push(
            Finding::failed(
                Check::FileConfigured,
                subject,
                "No private key is configured.",
            )
            .with_advice(CONFIGURE_KEY),
        ),
        Some(Err(error)) => {
            push_read_error(error, subject, findings);
            // The file may be readable, although its key cannot be used.
            let source = config.sources.private_key.as_ref();
            let loaded = source.and_then(|source| LoadedFile::read(source, Role::PrivateKey).ok());
            if let Some(loaded) = loaded
                && ParsedFile::read(&loaded, config.sources.password())
                    .is_ok_and(|parsed| parsed.has_private_key())
            {
                check_permissions(&loaded, findings);
            }
        }
        Some(Ok(file)) => {
            push_readable(&file.loaded.name, &file.parsed, subject, findings);
            check_permissions(&file.loaded, findings);
            findings.push(Finding::holds(Check::KeyPresent, subject));
            findings.push(Finding::holds(Check::KeySingle, subject));
            let password = if file.key.is_encrypted {
                "The key is encrypted, and the password decrypts it."
            } else {
                "The key is not encrypted."
            };
            findings.push(Finding::passed(Check::KeyPassword, subject, password));
            for check in [Check::KeySupported, Check::KeyLength] {
                let key = format!("{}.", file.key.description);
                findings.push(Finding::passed(check, subject, key));
            }
        }
    }
}

fn check_permissions(loaded: &LoadedFile, findings: &mut Vec<Finding>) {
    let (check, subject) = (Check::FilePermissions, Subject::PrivateKey);
    match (loaded.mode, loaded.open_to_others()) {
        (Some(mode), Some(others)) => findings.push(Finding::failed(
            check,
            subject,
            format!(
                "Every user of this machine may {others} {} (mode {:04o}).",
                loaded.name,
                mode & 0o7777
            ),
        )),
        (Some(mode), None) => findings.push(Finding::passed(
            check,
            subject,
            format!(
                "Only the owner and the group may read it (mode {:04o}).",
                mode & 0o7777
            ),
        )),
        (None, _) if cfg!(windows) => findings.push(Finding::skipped(
            check,
            subject,
            "File permissions are checked on Unix only.",
        )),
        (None, _) => {}
    }
}

/// Checks that the leaf comes first and each issuer follows the certificate that it issued.
fn check_chain_order(identity: &Identity, certificates: &[Certificate]) -> Finding {
    let misplaced = certificates
        .windows(2)
        .find(|pair| !pair[0].names_as_issuer(&pair[1]));
    let message = match (identity.leaf_position, misplaced) {
        (0, None) => return Finding::holds(Check::ChainOrder, Subject::Certificate),
        (0, Some(pair)) => format!(
            "In {}, {} is followed by {}, which did not issue it.",
            identity.name,
            pair[0].subject(),
            pair[1].subject()
        ),
        (position, _) => format!(
            "{} contains the certificate of the key in position {} of {}, after {}.",
            capitalise(&identity.name),
            position + 1,
            certificates.len(),
            certificates[0].subject()
        ),
    };
    Finding::failed(Check::ChainOrder, Subject::Certificate, message)
}

fn file_summaries(config: &Config, files: &Files) -> Vec<FileSummary> {
    let sources = &config.sources;
    let bundle = files.ca_bundle.as_ref().ok();
    let certificate = files
        .certificate
        .as_ref()
        .and_then(|file| file.as_ref().ok());
    let key = files
        .private_key
        .as_ref()
        .and_then(|file| file.as_ref().ok());
    // A key without a source of its own is in the certificate file.
    let key_source = sources
        .private_key
        .as_ref()
        .or(files.private_key.as_ref().and(sources.certificate.as_ref()));
    [
        file_summary(
            Subject::CaBundle,
            sources.ca_bundle.as_ref(),
            bundle.map(|bundle| &bundle.parsed),
            bundle.map_or(&[], |bundle| &bundle.certificates),
            None,
        ),
        file_summary(
            Subject::Certificate,
            sources.certificate.as_ref(),
            certificate.map(|file| &file.parsed),
            certificate.map_or(&[], |file| &file.certificates),
            None,
        ),
        file_summary(
            Subject::PrivateKey,
            key_source,
            key.map(|file| &file.parsed),
            &[],
            key.map(|file| file.key.description.clone()),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn file_summary(
    subject: Subject,
    source: Option<&Source>,
    parsed: Option<&ParsedFile>,
    certificates: &[Certificate],
    key: Option<String>,
) -> Option<FileSummary> {
    let repairs = parsed.map_or(&[][..], |parsed| &parsed.repairs);
    Some(FileSummary {
        subject,
        source: source?.shown().into(),
        format: parsed.map(|parsed| parsed.format.name()),
        repairs: repairs.iter().map(|repair| repair.description()).collect(),
        certificates: certificates
            .iter()
            .filter_map(CertificateSummary::of)
            .collect(),
        key,
    })
}
