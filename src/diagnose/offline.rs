//! The checks that need no network: the three files, and what they are to each other.

use std::time::SystemTime;

use super::certificate_checks::{CertificateChecks, count};
use super::report::{FileSummary, Finding};
use crate::config::Config;
use crate::credentials::files::{CONFIGURE_CERTIFICATE, CONFIGURE_KEY};
use crate::credentials::parsed_file::{EntryKind, ParsedFile, Repair};
use crate::credentials::source::{LoadedFile, Role, Source, capitalise};
use crate::credentials::x509::Certificate;
use crate::credentials::{CaBundle, CertificateSummary, Files, Identity};
use crate::datetime::day;
use crate::error::Check;
use crate::error::Subject;
use crate::error::{Code, Error};

/// The checks that every file goes through, in the order in which they can be made.
const FILE_CHECKS: [Check; 4] = [
    Check::FileConfigured,
    Check::FileReadable,
    Check::FileNotEmpty,
    Check::FileFormat,
];

/// What the files came to.
pub(crate) struct OfflineChecks {
    pub(crate) files: Files,
    pub(crate) identity: Option<Identity>,
    pub(crate) certificate_checks: Option<CertificateChecks>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) summaries: Vec<FileSummary>,
    /// A client could not be made from this.
    pub(crate) is_unusable: bool,
}

/// Reads the files and makes every check on them that can be made.
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
            format!("The private key is that of {}.", identity.leaf().subject()),
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
        // Also where the key is missing or wrong, the certificate itself can be looked at.
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

/// Whether no client can be made where the check fails.
fn is_fatal(check: Check, config: &Config) -> bool {
    // Without certificate and key a client can be made; without a CA bundle it cannot.
    let none_configured =
        config.sources.certificate.is_none() && config.sources.private_key.is_none();
    match check {
        Check::FileConfigured => config.sources.ca_bundle.is_none() || !none_configured,
        check => check.prevents_client(),
    }
}

/// Adds an error's finding, once: the file's own checks may have told it already.
fn push_error(error: &Error, subject: Subject, findings: &mut Vec<Finding>) {
    let Some(check) = error.check() else { return };
    let is_there = findings
        .iter()
        .any(|finding| finding.is_failed() && finding.message() == error.message());
    if !is_there {
        findings.push(Finding::of_error(check, subject, error));
    }
}

/// The checks up to the one that an error is about; the ones before it passed.
fn push_read_error(error: &Error, subject: Subject, findings: &mut Vec<Finding>) {
    let Some(check) = error.check() else { return };
    // A check that comes behind the file's format was reached only by a file that passed all of these.
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
        let harm: Vec<_> = contents
            .repairs
            .iter()
            .map(|repair| repair.words())
            .collect();
        Finding::failed(
            Check::FileIntact,
            subject,
            capitalise(&format!("{document} {}.", harm.join(", and "))),
        )
    });
    findings.push(Finding::passed(
        Check::FileRole,
        subject,
        Check::FileRole.title(),
    ));
}

/// What is in a file, such as "3 certificates, 1 private key (PKCS#8)".
fn contents_text(contents: &ParsedFile) -> String {
    let mut kinds: Vec<EntryKind> = Vec::new();
    for item in &contents.items {
        if !kinds.contains(&item.kind) {
            kinds.push(item.kind);
        }
    }
    kinds
        .into_iter()
        .map(|kind| {
            let number = contents
                .items
                .iter()
                .filter(|item| item.kind == kind)
                .count();
            match kind {
                EntryKind::Certificate => count(number, "certificate"),
                kind if number == 1 => kind.words().to_owned(),
                kind => format!("{number} times {}", kind.words()),
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
    push_readable(&bundle.name, &bundle.contents, subject, findings);
    findings.push(Finding::passed(
        Check::BundleHasCa,
        subject,
        format!(
            "{} of {}.",
            capitalise(&count(bundle.cas().count(), "CA certificate")),
            count(bundle.certificates.len(), "certificate")
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
                "{} holds intermediates only, and no root.",
                capitalise(&bundle.name)
            ),
        ),
    });
    findings.push(check_bundle_expiry(bundle, now));
    findings.push(if bundle.contents.has_private_key() {
        Finding::failed(
            Check::BundleNoPrivateKey,
            subject,
            format!("{} holds a private key.", capitalise(&bundle.name)),
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
            push_readable(&file.document.name, &file.contents, subject, findings);
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
            push_readable(&file.document.name, &file.contents, subject, findings);
            check_permissions(&file.document, findings);
            for check in [Check::KeyPresent, Check::KeySingle] {
                findings.push(Finding::passed(check, subject, check.title()));
            }
            findings.push(Finding::passed(
                Check::KeyPassword,
                subject,
                if file.key.is_encrypted {
                    "The key is encrypted, and the password opens it."
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

/// The permissions of a key that could not be read as one, but whose file could.
fn check_permissions_of_rejected_key(config: &Config, findings: &mut Vec<Finding>) {
    let password = config.sources.password();
    if let Some(source) = &config.sources.private_key
        && let Ok(document) = LoadedFile::read(source, Role::PrivateKey)
        && ParsedFile::read(&document, password).is_ok_and(|contents| contents.has_private_key())
    {
        check_permissions(&document, findings);
    }
}

fn check_permissions(document: &LoadedFile, findings: &mut Vec<Finding>) {
    let check = Check::FilePermissions;
    let Some(mode) = document.mode else {
        if cfg!(windows) {
            findings.push(Finding::skipped(
                check,
                Subject::PrivateKey,
                "Who may read a file is looked at on Unix only.",
            ));
        }
        return;
    };
    findings.push(if let Some(others) = document.open_to_others() {
        Finding::failed(
            check,
            Subject::PrivateKey,
            format!(
                "Everybody on this machine may {others} {} (mode {:04o}).",
                document.name,
                mode & 0o7777
            ),
        )
    } else {
        Finding::passed(
            check,
            Subject::PrivateKey,
            format!(
                "Only its owner and group may read it (mode {:04o}).",
                mode & 0o7777
            ),
        )
    });
}

/// Whether the file has the leaf first and each one's issuer behind it.
fn check_chain_order(identity: &Identity, certificates: &[Certificate]) -> Finding {
    let check = Check::ChainOrder;
    let subject = Subject::Certificate;
    if identity.leaf_position > 0 {
        return Finding::failed(
            check,
            subject,
            format!(
                "{} has the certificate that belongs to the key in place {} of {}, behind {}.",
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
                "{} has {} behind {}, which it did not issue.",
                capitalise(&identity.name),
                pair[1].subject(),
                pair[0].subject()
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
            bundle.map(|bundle| &bundle.contents),
            bundle.map_or_else(Vec::new, |bundle| of(&bundle.certificates)),
            None,
        ),
        file_summary(
            Role::Certificate,
            config.sources.certificate.as_ref(),
            certificate.map(|file| &file.contents),
            certificate.map_or_else(Vec::new, |file| of(&file.certificates)),
            None,
        ),
        file_summary(
            Role::PrivateKey,
            key_source,
            key.map(|file| &file.contents),
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
                .map(|repair: &Repair| repair.words())
                .collect()
        }),
        certificates,
        key,
    })
}
