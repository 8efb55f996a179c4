//! Lists what a file of any format holds, for `dcs inspect`.

use std::path::Path;

use crate::config::Config;
use crate::credentials::entry::{Entry, EntryKind};
use crate::credentials::parsed_file::ParsedFile;
use crate::credentials::private_key;
use crate::credentials::source::{LoadedFile, Role, Source};
use crate::credentials::summary::CertificateSummary;
use crate::credentials::x509::Certificate;
use crate::error::{Check, Code, Error};

/// Lists what a file holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// `PEM`, `DER`, `base64 of DER`, `PKCS#12` or `PKCS#7`.
    pub format: &'static str,
    /// The damage that was repaired, each as the end of a sentence that starts with "The file".
    pub repairs: Vec<&'static str>,
    /// Its entries, in the order of the file.
    pub items: Vec<Item>,
}

/// One entry of a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Item {
    /// Such as `certificate`, `private key (PKCS#8)` or `certificate signing request`.
    pub kind: &'static str,
    /// The line that it begins on, in PEM.
    pub line: Option<usize>,
    /// A certificate's fields. `None` for other entries, and if they cannot be read.
    pub certificate: Option<CertificateSummary>,
    /// A private key's kind and size, such as `RSA 2048`. `None` for other entries, for an unusable key, for an encrypted
    /// key without its password, and after the fourth encrypted key of a file.
    pub key: Option<String>,
}

/// Describes the contents of a file in any format that a client takes.
///
/// # Errors
/// [`Code::File`] if it cannot be read; [`Code::Certificate`] if it contains nothing that is recognised;
/// [`Code::Password`] if it is encrypted as a whole (PKCS#12) and the password is missing or wrong.
pub fn inspect_file(path: impl AsRef<Path>, password: Option<&str>) -> Result<Inspection, Error> {
    read(&Source::File(path.as_ref().to_owned()), password)
}

/// As [`inspect_file`], for content that is already in memory.
///
/// # Errors
/// As [`inspect_file`], but for [`Code::File`].
pub fn inspect(data: &[u8], password: Option<&str>) -> Result<Inspection, Error> {
    read(&Source::content(data, None), password)
}

impl Config {
    /// Describes the contents of a file, like [`inspect_file`], with the configured password.
    ///
    /// # Errors
    /// As [`inspect_file`].
    pub fn inspect_file(&self, path: impl AsRef<Path>) -> Result<Inspection, Error> {
        inspect_file(path, self.sources.password())
    }

    /// Describes the contents of the configured certificate's file, like [`inspect_file`], with the configured password.
    ///
    /// # Errors
    /// As [`inspect_file`]; [`Code::Certificate`] also if no certificate is configured.
    pub fn inspect_certificate(&self) -> Result<Inspection, Error> {
        let source = self.sources.certificate.as_ref().ok_or_else(|| {
            Error::new(Code::Certificate, "No client certificate is configured.")
                .with_check(Check::FileConfigured)
        })?;
        read(source, self.sources.password())
    }
}

/// How many encrypted keys of one file are decrypted.
const MAX_DECRYPTED: usize = 4;

fn read(source: &Source, password: Option<&str>) -> Result<Inspection, Error> {
    let loaded = LoadedFile::read(source, Role::Any)?;
    let parsed = ParsedFile::read(&loaded, password)?;
    let mut encrypted = 0;
    let mut entries = Vec::with_capacity(parsed.entries.len());
    for entry in &parsed.entries {
        // Deriving a key from a password is slow by design, and a file can hold thousands of such keys.
        encrypted += usize::from(entry.is_encrypted());
        let password = password.filter(|_| encrypted <= MAX_DECRYPTED);
        entries.push(describe(entry, &loaded, password));
    }
    Ok(Inspection {
        format: parsed.format.name(),
        repairs: parsed
            .repairs
            .iter()
            .map(|repair| repair.description())
            .collect(),
        items: entries,
    })
}

fn describe(entry: &Entry, loaded: &LoadedFile, password: Option<&str>) -> Item {
    let certificate = match (entry.kind, &entry.der) {
        (EntryKind::Certificate, Some(der)) => {
            CertificateSummary::of(&Certificate::new(der.to_vec().into()))
        }
        _ => None,
    };
    Item {
        kind: entry.kind.description(),
        line: entry.line,
        certificate,
        key: entry
            .kind
            .is_private_key()
            .then(|| private_key::of_entry(entry, loaded, password).ok())
            .flatten()
            .map(|key| key.description),
    }
}
