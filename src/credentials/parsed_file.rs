//! What is in a file, whatever its format, and what was mended on the way to it.

use zeroize::Zeroizing;

use super::pem::{self, LegacyEncryption};
use super::source::LoadedFile;
use super::{pkcs7, pkcs12, sniff, unsupported_format};
use crate::error::Check;
use crate::error::{Code, Error};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Pem,
    Der,
    Base64,
    Pkcs7,
    Pkcs12,
}

impl Format {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Pem => "PEM",
            Format::Der => "DER",
            Format::Base64 => "base64 of DER",
            Format::Pkcs7 => "PKCS#7",
            Format::Pkcs12 => "PKCS#12",
        }
    }
}

/// What had come to harm on its way and was mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repair {
    ByteOrderMark,
    EscapedLineEnds,
    LostLineEnds,
    Quoted,
    Indented,
    DoubleBase64,
}

impl Repair {
    /// Goes on from "The file ".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Repair::ByteOrderMark => "begins with a byte-order mark",
            Repair::EscapedLineEnds => "has line ends that are written out as \\n",
            Repair::LostLineEnds => "has lost its line ends",
            Repair::Quoted => "has quotes or other text around its lines",
            Repair::Indented => "has indented lines",
            Repair::DoubleBase64 => "is PEM that was encoded in base64 once more",
        }
    }
}

/// What one thing in a file is.
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
    /// What a label promises. The content has the last word where its shape is known.
    fn of_label(label: &str) -> Self {
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

    /// The words for a reader.
    pub(crate) fn words(self) -> &'static str {
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

/// One thing in a file.
pub(crate) struct Entry {
    pub(crate) kind: EntryKind,
    /// The PEM label; empty in other formats.
    pub(crate) label: String,
    /// The line that it begins on, in PEM.
    pub(crate) line: Option<usize>,
    /// `None` where it is damaged.
    pub(crate) der: Option<Zeroizing<Vec<u8>>>,
    pub(crate) encryption: Option<LegacyEncryption>,
}

impl Entry {
    fn of_der(kind: EntryKind, der: Zeroizing<Vec<u8>>, line: Option<usize>) -> Self {
        Entry {
            kind,
            label: String::new(),
            line,
            der: Some(der),
            encryption: None,
        }
    }

    /// Whether it takes a password to use it.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.kind == EntryKind::EncryptedPkcs8 || self.encryption.is_some()
    }

    /// The DER, or the error that it is damaged.
    pub(crate) fn der(&self, document: &LoadedFile) -> Result<&[u8], Error> {
        self.der
            .as_ref()
            .map(|der| der.as_slice())
            .ok_or_else(|| self.damaged(document, "is not valid base64"))
    }

    /// The error that this item is damaged: "the CERTIFICATE block that begins on line 3 " + `how`.
    pub(crate) fn damaged(&self, document: &LoadedFile, how: &str) -> Error {
        let which = match self.line {
            Some(line) if !self.label.is_empty() => {
                format!("the {} block that begins on line {line}", self.label)
            }
            Some(line) => format!("the {} of the block on line {line}", self.kind.words()),
            None => format!("the {} in it", self.kind.words()),
        };
        document
            .error(Check::FileFormat, format!("is damaged: {which} {how}."))
            .with_hint("Copy the file again from where it came from, as plain text.")
    }

    /// Where in the file it stands, in words to put behind it.
    pub(crate) fn place(&self) -> String {
        match self.line {
            Some(line) => format!(" on line {line}"),
            None => String::new(),
        }
    }
}

/// All that a file holds.
pub(crate) struct ParsedFile {
    pub(crate) format: Format,
    pub(crate) repairs: Vec<Repair>,
    pub(crate) items: Vec<Entry>,
}

impl ParsedFile {
    /// Finds out the format and takes the file apart. The password is for PKCS#12, which is encrypted as a
    /// whole.
    ///
    /// # Errors
    /// The role's code where nothing can be made out, with what the file looks like instead;
    /// [`Code::Password`] for PKCS#12 without the right password.
    pub(crate) fn read(document: &LoadedFile, password: Option<&str>) -> Result<Self, Error> {
        let mut contents = ParsedFile {
            format: Format::Pem,
            repairs: Vec::new(),
            items: Vec::new(),
        };
        let mut bytes = document.bytes.as_slice();
        if let Some(rest) = bytes.strip_prefix(BYTE_ORDER_MARK) {
            contents.repairs.push(Repair::ByteOrderMark);
            bytes = rest;
        }
        if pem::has_block(bytes) {
            contents.take_pem(bytes, document)?;
            return Ok(contents);
        }
        if sniff::claimed_length(bytes).is_some() || looks_like_container(bytes) {
            contents.format = Format::Der;
            contents.take_der(trimmed(bytes), document, password)?;
            return Ok(contents);
        }
        if let Some(decoded) = bare_base64(bytes) {
            if pem::has_block(&decoded) {
                contents.repairs.push(Repair::DoubleBase64);
                contents.take_pem(&decoded, document)?;
                return Ok(contents);
            }
            if decoded.first() == Some(&0x30) {
                contents.format = Format::Base64;
                contents.take_der(&decoded, document, password)?;
                return Ok(contents);
            }
        }
        Err(unsupported_format::error(document))
    }

    /// The certificates, in the file's order.
    ///
    /// # Errors
    /// The role's code where one is damaged.
    pub(crate) fn certificates(
        &self,
        document: &LoadedFile,
    ) -> Result<Vec<super::x509::Certificate>, Error> {
        self.items
            .iter()
            .filter(|item| item.kind == EntryKind::Certificate)
            .map(|item| {
                let der = item.der(document)?.to_vec();
                Ok(super::x509::Certificate::new(der.into()))
            })
            .collect()
    }

    pub(crate) fn has(&self, kind: EntryKind) -> bool {
        self.items.iter().any(|item| item.kind == kind)
    }

    pub(crate) fn has_private_key(&self) -> bool {
        self.items.iter().any(|item| item.kind.is_private_key())
    }

    fn take_pem(&mut self, text: &[u8], document: &LoadedFile) -> Result<(), Error> {
        let blocks = pem::blocks(text, &mut self.repairs).map_err(|cut| {
            document
                .error(
                    Check::FileFormat,
                    format!(
                        "is cut short: the {} block that begins on line {} has no END line of its own.",
                        cut.label, cut.line
                    ),
                )
                .with_hint("Copy the whole file again from where it came from, up to its last END line.")
        })?;
        for block in blocks {
            let body = block.body();
            let claimed = EntryKind::of_label(&block.label);
            let line = Some(block.line);
            let kind = match &body.der {
                Some(der) if claimed != EntryKind::Other => sniff::kind(der).unwrap_or(claimed),
                _ => claimed,
            };
            match (kind, body.der) {
                (EntryKind::Pkcs7, Some(der)) => self.take_pkcs7(&der, line, document)?,
                (kind, der) => self.items.push(Entry {
                    kind,
                    label: block.label,
                    line,
                    der,
                    encryption: body.encryption,
                }),
            }
        }
        Ok(())
    }

    fn take_der(
        &mut self,
        bytes: &[u8],
        document: &LoadedFile,
        password: Option<&str>,
    ) -> Result<(), Error> {
        match sniff::kind(bytes) {
            Some(EntryKind::Pkcs7) => {
                self.format = Format::Pkcs7;
                self.take_pkcs7(bytes, None, document)
            }
            Some(EntryKind::Pkcs12) => {
                self.format = Format::Pkcs12;
                self.take_pkcs12(bytes, document, password)
            }
            Some(kind) => {
                let der = Zeroizing::new(bytes.to_vec());
                self.items.push(Entry::of_der(kind, der, None));
                Ok(())
            }
            None => Err(match sniff::claimed_length(bytes) {
                Some(length) if length > bytes.len() => document
                    .error(
                        Check::FileFormat,
                        format!(
                            "is cut short: it is DER (binary) of {length} bytes, of which {} are there.",
                            bytes.len()
                        ),
                    )
                    .with_hint("Copy the file again from where it came from, as binary and not as text."),
                // In a form that only BER allows; what cannot be read is told as such.
                _ if pkcs7::looks_like(bytes) => return self.take_pkcs7(bytes, None, document),
                _ if pkcs12::looks_like(bytes) => {
                    return self.take_pkcs12(bytes, document, password);
                }
                _ => document.error(
                    Check::FileFormat,
                    "is DER (binary), but neither a certificate nor a key in a form that is known.",
                ),
            }),
        }
    }

    fn take_pkcs7(
        &mut self,
        bytes: &[u8],
        line: Option<usize>,
        document: &LoadedFile,
    ) -> Result<(), Error> {
        let certificates = pkcs7::certificates(bytes).ok_or_else(|| {
            document.error(Check::FileFormat, "is a PKCS#7 bundle that is damaged.")
        })?;
        self.items.extend(
            certificates.into_iter().map(|der| {
                Entry::of_der(EntryKind::Certificate, Zeroizing::new(der.to_vec()), line)
            }),
        );
        Ok(())
    }

    fn take_pkcs12(
        &mut self,
        bytes: &[u8],
        document: &LoadedFile,
        password: Option<&str>,
    ) -> Result<(), Error> {
        let opened =
            pkcs12::open(bytes, password).map_err(|failure| cannot_open(&failure, document))?;
        for der in opened.certificates {
            let der = Zeroizing::new(der.to_vec());
            self.items
                .push(Entry::of_der(EntryKind::Certificate, der, None));
        }
        for key in opened.keys {
            self.items.push(Entry::of_der(EntryKind::Pkcs8, key, None));
        }
        Ok(())
    }
}

fn looks_like_container(bytes: &[u8]) -> bool {
    pkcs7::looks_like(bytes) || pkcs12::looks_like(bytes)
}

fn cannot_open(failure: &pkcs12::Failure, document: &LoadedFile) -> Error {
    use pkcs12::Failure;
    match failure {
        Failure::PasswordMissing => document.error_as(
            Code::Password,
            Check::KeyPassword,
            "is a PKCS#12 store that is encrypted, and no password was given.",
        )
        .with_hint("Set the private key password: it opens the store too."),
        Failure::WrongPassword => document.error_as(
            Code::Password,
            Check::KeyPassword,
            "is a PKCS#12 store that the password given does not open.",
        )
        .with_hint("Check the private key password; blanks and a line end count as part of it."),
        Failure::Damaged => document
            .error(Check::FileFormat, "is a PKCS#12 store that is damaged.")
            .with_hint("Copy the file again from where it came from, as binary and not as text."),
        Failure::Unsupported => document
            .error(
                Check::FileFormat,
                "is a PKCS#12 store that is encrypted in a way that is not supported.",
            )
            .with_hint("Take it apart with the program that made it, or with: `openssl pkcs12 -legacy -in FILE -nodes -out NEW`."),
        Failure::TooCostly => document.error(
            Check::FileFormat,
            "is a PKCS#12 store that asks for an absurd amount of work to be opened.",
        ),
    }
}

/// Without the line end that a text editor may have put behind binary content.
fn trimmed(bytes: &[u8]) -> &[u8] {
    match sniff::claimed_length(bytes) {
        Some(length)
            if length < bytes.len() && bytes[length..].iter().all(u8::is_ascii_whitespace) =>
        {
            &bytes[..length]
        }
        _ => bytes,
    }
}

/// What a text that is base64 from begin to end stands for, in either alphabet (RFC 4648, sections 4 and 5) and padded or
/// not. Quotes around it and line ends in it, also written-out ones, do no harm.
fn bare_base64(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = pem::without_escapes(bytes);
    let text = pem::trim_quotes(text.trim_ascii());
    // Sized beforehand, so that growing leaves no copies behind on the heap.
    let mut standard = Zeroizing::new(Vec::with_capacity(text.len() + 3));
    for byte in text {
        match byte {
            b'-' => standard.push(b'+'),
            b'_' => standard.push(b'/'),
            b'+' | b'/' | b'=' => standard.push(*byte),
            byte if byte.is_ascii_alphanumeric() => standard.push(*byte),
            byte if byte.is_ascii_whitespace() => {}
            _ => return None,
        }
    }
    while standard.len() % 4 != 0 {
        standard.push(b'=');
    }
    pem::decode(&standard)
}
