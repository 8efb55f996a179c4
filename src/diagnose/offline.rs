//! The checks that need no network: each of the three files, and whether they belong together.

use std::time::SystemTime;

use super::certificate_checks::CertificateChecks;
use super::format::count;
use super::report::{FileSummary, Finding};
use crate::config::Config;
use crate::credentials::entry::EntryKind;
use crate::credentials::files::{CONFIGURE_CERTIFICATE, CONFIGURE_KEY};
use crate::credentials::parsed_file::ParsedFile;
use crate::credentials::repair::Repair;
use crate::credentials::source::{LoadedFile, Role, Source, capitalise};
use crate::credentials::x509::Certificate;
use crate::credentials::{CaBundle, CertificateSummary, Files, Identity};
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
    let is_there = findings
        .iter()
        .any(|finding| finding.is_failed() && finding.message() == error.message());
    if !is_there {
        findings.push(Finding::of_error(check, subject, error));
    }
}

/// Adds the check that an error is about as failed, and those before it as passed.
fn push_read_error(error: &Error, subject: Subject, findings: &mut Vec<Finding>) {
    let Some(check) = error.check() else { return };
    // A file that fails a later check than these has passed all of them.
    for earlier in FILE_CHECKS.iter().take_while(|earlier| **earlier != check) {
        findings.push(Finding::passed(*earlier, subject, earlier.title()));
    }
    findings.push(Finding::of_error(check, subject, error));
}

fn push_readable(
    document: &str,
    contents: &ParsedFile,
    subject: Subject,
    findings: &mut Vec<Finding>,
) {
    for check in [
        Check::FileConfigured,
        Check::FileReadable,
        Check::FileNotEmpty,
    ] {
        findings.push(Finding::passed(check, subject, check.title()));
    }
    let items = contents_text(contents);
    findings.push(Finding::passed(
        Check::FileFormat,
        subject,
        format!("{}: {items}.", contents.format.name()),
    ));
    findings.push(if contents.repairs.is_empty() {
        Finding::passed(Check::FileIntact, subject, Check::FileIntact.title())
    } else {
        let repairs: Vec<_> = contents
            .repairs
            .iter()
            .map(|repair| repair.description())
            .collect();
        Finding::failed(
            Check::FileIntact,
            subject,
            capitalise(&format!("{document} {}.", repairs.join(", and "))),
        )
    });
    findings.push(Finding::passed(
        Check::FileRole,
        subject,
        Check::FileRole.title(),
    ));
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
        format!(
            "{}, {} of them for a CA.",
            capitalise(&count(bundle.certificates.len(), "certificate")),
            bundle.cas().count()
        ),
    ));
    let roots: Vec<&Certificate> = bundle.cas().filter(|ca| ca.is_self_issued()).collect();
    findings.push(match roots.first() {
        Some(root) => Finding::passed(
            Check::BundleHasRoot,
            subject,
            format!(
                "{}, such as {}.",
                capitalise(&count(roots.len(), "root")),
                root.subject()
            ),
        ),
        None => Finding::failed(
            Check::BundleHasRoot,
            subject,
            format!(
                "{} contains intermediates only, no root.",
                capitalise(&bundle.name)
            ),
        ),
    });
    findings.push(check_bundle_expiry(bundle, now));
    findings.push(if bundle.parsed.has_private_key() {
        Finding::failed(
            Check::BundleNoPrivateKey,
            subject,
            format!("{} contains a private key.", capitalise(&bundle.name)),
        )
    } else {
        Finding::passed(
            Check::BundleNoPrivateKey,
            subject,
            Check::BundleNoPrivateKey.title(),
        )
    });
}

fn check_bundle_expiry(bundle: &CaBundle, now: SystemTime) -> Finding {
    let expired: Vec<String> = bundle
        .certificates
        .iter()
        .filter_map(|certificate| {
            let fields = certificate.fields.as_ref()?;
            (now > fields.not_after)
                .then(|| format!("{} (on {})", fields.subject, day(fields.not_after)))
        })
        .collect();
    if expired.is_empty() {
        return Finding::passed(
            Check::BundleNotExpired,
            Subject::CaBundle,
            Check::BundleNotExpired.title(),
        );
    }
    Finding::failed(
        Check::BundleNotExpired,
        Subject::CaBundle,
        format!(
            "{} of the {} in {} {} expired: {}.",
            expired.len(),
            count(bundle.certificates.len(), "certificate"),
            bundle.name,
            if expired.len() == 1 { "has" } else { "have" },
            expired.join("; ")
        ),
    )
}

fn check_certificate_file(files: &Files, findings: &mut Vec<Finding>) {
    let subject = Subject::Certificate;
    match &files.certificate {
        None => {
            findings.push(
                Finding::failed(
                    Check::FileConfigured,
                    subject,
                    "No client certificate is configured.",
                )
                .with_advice(CONFIGURE_CERTIFICATE),
            );
        }
        Some(Err(error)) => push_read_error(error, subject, findings),
        Some(Ok(file)) => {
            push_readable(&file.loaded.name, &file.parsed, subject, findings);
        }
    }
}

fn check_key_file(config: &Config, files: &Files, findings: &mut Vec<Finding>) {
    let subject = Subject::PrivateKey;
    match &files.private_key {
        None => {
            findings.push(
                Finding::failed(
                    Check::FileConfigured,
                    subject,
                    "No private key is configured.",
                )
                .with_advice(CONFIGURE_KEY),
            );
        }
        Some(Err(error)) => {
            push_read_error(error, subject, findings);
            check_permissions_of_rejected_key(config, findings);
        }
        Some(Ok(file)) => {
            push_readable(&file.loaded.name, &file.parsed, subject, findings);
            check_permissions(&file.loaded, findings);
            for check in [Check::KeyPresent, Check::KeySingle] {
                findings.push(Finding::passed(check, subject, check.title()));
            }
            findings.push(Finding::passed(
                Check::KeyPassword,
                subject,
                if file.key.is_encrypted {
                    "The key is encrypted, and the password decrypts it."
                } else {
                    "The key is not encrypted."
                },
            ));
            for check in [Check::KeySupported, Check::KeyLength] {
                findings.push(Finding::passed(
                    check,
                    subject,
                    format!("{}.", file.key.description),
                ));
            }
        }
    }
}

/// Checks the permissions of a file that can be read, although its key cannot be used.
fn check_permissions_of_rejected_key(config: &Config, findings: &mut Vec<Finding>) {
    let password = config.sources.password();
    if let Some(source) = &config.sources.private_key
        && let Ok(document) = LoadedFile::read(source, Role::PrivateKey)
        && ParsedFile::read(&document, password).is_ok_and(|contents| contents.has_private_key())
    {
        check_permissions(&document, findings);
    }
}

fn check_permissions(loaded: &LoadedFile, findings: &mut Vec<Finding>) {
    let check = Check::FilePermissions;
    let Some(mode) = loaded.mode else {
        if cfg!(windows) {
            findings.push(Finding::skipped(
                check,
                Subject::PrivateKey,
                "File permissions are checked on Unix only.",
            ));
        }
        return;
    };
    findings.push(if let Some(others) = loaded.open_to_others() {
        Finding::failed(
            check,
            Subject::PrivateKey,
            format!(
                "Every user of this machine may {others} {} (mode {:04o}).",
                loaded.name,
                mode & 0o7777
            ),
        )
    } else {
        Finding::passed(
            check,
            Subject::PrivateKey,
            format!(
                "Only the owner and the group may read it (mode {:04o}).",
                mode & 0o7777
            ),
        )
    });
}

/// Checks that the leaf comes first and each issuer follows the certificate that it issued.
fn check_chain_order(identity: &Identity, certificates: &[Certificate]) -> Finding {
    let check = Check::ChainOrder;
    let subject = Subject::Certificate;
    if identity.leaf_position > 0 {
        return Finding::failed(
            check,
            subject,
            format!(
                "{} contains the certificate of the key in position {} of {}, after {}.",
                capitalise(&identity.name),
                identity.leaf_position + 1,
                certificates.len(),
                certificates[0].subject()
            ),
        );
    }
    let misplaced = certificates
        .windows(2)
        .find(|pair| !pair[0].names_as_issuer(&pair[1]));
    match misplaced {
        Some(pair) => Finding::failed(
            check,
            subject,
            format!(
                "In {}, {} is followed by {}, which did not issue it.",
                identity.name,
                pair[0].subject(),
                pair[1].subject()
            ),
        ),
        None => Finding::passed(check, subject, check.title()),
    }
}

fn file_summaries(config: &Config, files: &Files) -> Vec<FileSummary> {
    let bundle = files.ca_bundle.as_ref().ok();
    let certificate = files
        .certificate
        .as_ref()
        .and_then(|file| file.as_ref().ok());
    let key = files
        .private_key
        .as_ref()
        .and_then(|file| file.as_ref().ok());
    let key_source = config.sources.private_key.as_ref().or(files
        .private_key
        .as_ref()
        .and(config.sources.certificate.as_ref()));
    let of = |certificates: &[Certificate]| {
        certificates
            .iter()
            .filter_map(CertificateSummary::of)
            .collect()
    };
    [
        file_summary(
            Role::CaBundle,
            config.sources.ca_bundle.as_ref(),
            bundle.map(|bundle| &bundle.parsed),
            bundle.map_or_else(Vec::new, |bundle| of(&bundle.certificates)),
            None,
        ),
        file_summary(
            Role::Certificate,
            config.sources.certificate.as_ref(),
            certificate.map(|file| &file.parsed),
            certificate.map_or_else(Vec::new, |file| of(&file.certificates)),
            None,
        ),
        file_summary(
            Role::PrivateKey,
            key_source,
            key.map(|file| &file.parsed),
            Vec::new(),
            key.map(|file| file.key.description.clone()),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn file_summary(
    role: Role,
    source: Option<&Source>,
    contents: Option<&ParsedFile>,
    certificates: Vec<CertificateSummary>,
    key: Option<String>,
) -> Option<FileSummary> {
    Some(FileSummary {
        subject: role.subject(),
        source: source?.shown().into(),
        format: contents.map(|contents| contents.format.name()),
        repairs: contents.map_or_else(Vec::new, |contents| {
            contents
                .repairs
                .iter()
                .map(|repair: &Repair| repair.description())
                .collect()
        }),
        certificates,
        key,
    })
}
