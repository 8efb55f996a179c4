//! One entry of a file: a certificate, a key, or something else.

use zeroize::Zeroizing;

use super::pem::LegacyEncryption;
use super::source::LoadedFile;
use crate::error::{Check, Error};

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Certificate,
    TrustedCertificate,
    Pkcs1,
    Pkcs8,
    Sec1,
    EncryptedPkcs8,
    UnsupportedKey,
    CertificateRequest,
    PublicKey,
    Crl,
    Pkcs7,
    Pkcs12,
    Other,
}

impl EntryKind {
    /// Returns the kind that a label promises. If the shape of the content is known, that decides instead.
    pub(super) fn of_label(label: &str) -> Self {
        match label {
            // X509 CERTIFICATE is an old synonym (RFC 7468, section 5.1).
            "CERTIFICATE" | "X509 CERTIFICATE" => EntryKind::Certificate,
            "TRUSTED CERTIFICATE" => EntryKind::TrustedCertificate,
            "RSA PRIVATE KEY" => EntryKind::Pkcs1,
            "PRIVATE KEY" => EntryKind::Pkcs8,
            "EC PRIVATE KEY" => EntryKind::Sec1,
            "ENCRYPTED PRIVATE KEY" => EntryKind::EncryptedPkcs8,
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => EntryKind::CertificateRequest,
            "PUBLIC KEY" | "RSA PUBLIC KEY" => EntryKind::PublicKey,
            "X509 CRL" => EntryKind::Crl,
            "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS" => EntryKind::Pkcs7,
            "PKCS12" => EntryKind::Pkcs12,
            label if label.ends_with("PRIVATE KEY") => EntryKind::UnsupportedKey,
            _ => EntryKind::Other,
        }
    }

    pub(crate) fn is_private_key(self) -> bool {
        matches!(
            self,
            EntryKind::Pkcs1
                | EntryKind::Pkcs8
                | EntryKind::Sec1
                | EntryKind::EncryptedPkcs8
                | EntryKind::UnsupportedKey
        )
    }

    /// Returns the name for a reader.
    pub(crate) fn description(self) -> &'static str {
        match self {
            EntryKind::Certificate => "certificate",
            EntryKind::TrustedCertificate => "certificate with OpenSSL's trust settings",
            EntryKind::Pkcs1 => "private key (PKCS#1)",
            EntryKind::Pkcs8 => "private key (PKCS#8)",
            EntryKind::Sec1 => "private key (SEC1)",
            EntryKind::EncryptedPkcs8 => "encrypted private key (PKCS#8)",
            EntryKind::UnsupportedKey => "private key of an unsupported form",
            EntryKind::CertificateRequest => "certificate signing request",
            EntryKind::PublicKey => "public key",
            EntryKind::Crl => "certificate revocation list",
            EntryKind::Pkcs7 => "PKCS#7 bundle",
            EntryKind::Pkcs12 => "PKCS#12 store",
            EntryKind::Other => "something else",
        }
    }
}

/// One certificate, key or other thing in a file.
pub(crate) struct Entry {
    pub(crate) kind: EntryKind,
    /// The PEM label; empty in other formats.
    pub(crate) label: String,
    /// The line that it begins on, in PEM.
    pub(crate) line: Option<usize>,
    /// `None` if it is damaged.
    pub(crate) der: Option<Zeroizing<Vec<u8>>>,
    pub(crate) encryption: Option<LegacyEncryption>,
}

impl Entry {
    pub(super) fn of_der(kind: EntryKind, der: Zeroizing<Vec<u8>>, line: Option<usize>) -> Self {
        Entry {
            kind,
            label: String::new(),
            line,
            der: Some(der),
            encryption: None,
        }
    }

    /// Whether it needs a password.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.kind == EntryKind::EncryptedPkcs8 || self.encryption.is_some()
    }

    /// Returns the DER, or the error that the entry is damaged.
    pub(crate) fn der(&self, loaded: &LoadedFile) -> Result<&[u8], Error> {
        self.der
            .as_ref()
            .map(|der| der.as_slice())
            .ok_or_else(|| self.damaged(loaded, "is not valid base64"))
    }

    /// Returns the error that this entry is damaged: "the CERTIFICATE block that begins on line 3 " + `how`.
    pub(crate) fn damaged(&self, loaded: &LoadedFile, how: &str) -> Error {
        let which = match self.line {
            Some(line) if !self.label.is_empty() => {
                format!("the {} block that begins on line {line}", self.label)
            }
            Some(line) => format!(
                "the {} of the block on line {line}",
                self.kind.description()
            ),
            None => format!("the {} in it", self.kind.description()),
        };
        loaded
            .error(Check::FileFormat, format!("is damaged: {which} {how}."))
            .with_hint("Copy the file again from its source, as plain text.")
    }

    /// Returns its place in the file, as the end of a phrase.
    pub(crate) fn place(&self) -> String {
        match self.line {
            Some(line) => format!(" on line {line}"),
            None => String::new(),
        }
    }
}
