//! Parses a file of any format into its entries, and notes the repairs.

use zeroize::Zeroizing;

use super::entry::{Entry, EntryKind};
use super::kdf_budget::MAX_ROUNDS;
use super::pem;
use super::repair::Repair;
use super::source::LoadedFile;
use super::{pkcs7, pkcs12, sniff, unsupported_format};
use crate::error::{Check, Code, Error};

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

/// The entries of a file, and how it is written.
pub(crate) struct ParsedFile {
    pub(crate) format: Format,
    pub(crate) repairs: Vec<Repair>,
    pub(crate) entries: Vec<Entry>,
}

impl ParsedFile {
    /// Detects the format and parses the file. The password is for PKCS#12, which is encrypted as a whole.
    ///
    /// # Errors
    /// The role's code if the format is unknown, with what the file looks like instead;
    /// [`Code::Password`] for PKCS#12 without the right password.
    pub(crate) fn read(loaded: &LoadedFile, password: Option<&str>) -> Result<Self, Error> {
        let mut parsed = ParsedFile {
            format: Format::Pem,
            repairs: Vec::new(),
            entries: Vec::new(),
        };
        let mut bytes = loaded.bytes.as_slice();
        if let Some(rest) = bytes.strip_prefix(BYTE_ORDER_MARK) {
            parsed.repairs.push(Repair::ByteOrderMark);
            bytes = rest;
        }
        if pem::has_block(bytes) {
            parsed.take_pem(bytes, loaded)?;
            return Ok(parsed);
        }
        if sniff::claimed_length(bytes).is_some() || looks_like_container(bytes) {
            parsed.format = Format::Der;
            parsed.take_der(trimmed(bytes), loaded, password)?;
            return Ok(parsed);
        }
        if let Some(decoded) = bare_base64(bytes) {
            if pem::has_block(&decoded) {
                parsed.repairs.push(Repair::DoubleBase64);
                parsed.take_pem(&decoded, loaded)?;
                return Ok(parsed);
            }
            if decoded.first() == Some(&0x30) {
                parsed.format = Format::Base64;
                parsed.take_der(&decoded, loaded, password)?;
                return Ok(parsed);
            }
        }
        Err(unsupported_format::error(loaded))
    }

    /// The certificates, in the file's order.
    ///
    /// # Errors
    /// The role's code if one is damaged.
    pub(crate) fn certificates(
        &self,
        loaded: &LoadedFile,
    ) -> Result<Vec<super::x509::Certificate>, Error> {
        self.entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Certificate)
            .map(|entry| {
                let der = entry.der(loaded)?.to_vec();
                Ok(super::x509::Certificate::new(der.into()))
            })
            .collect()
    }

    pub(crate) fn has(&self, kind: EntryKind) -> bool {
        self.entries.iter().any(|entry| entry.kind == kind)
    }

    pub(crate) fn has_private_key(&self) -> bool {
        self.entries.iter().any(|entry| entry.kind.is_private_key())
    }

    fn take_pem(&mut self, text: &[u8], loaded: &LoadedFile) -> Result<(), Error> {
        let blocks = pem::blocks(text, &mut self.repairs).map_err(|cut| {
            loaded
                .error(
                    Check::FileFormat,
                    format!(
                        "is cut short: the {} block that begins on line {} has no END line of its own.",
                        cut.label, cut.line
                    ),
                )
                .with_hint("Copy the whole file again from its source, up to its last END line.")
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
                (EntryKind::Pkcs7, Some(der)) => self.take_pkcs7(&der, line, loaded)?,
                (kind, der) => self.entries.push(Entry {
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
        loaded: &LoadedFile,
        password: Option<&str>,
    ) -> Result<(), Error> {
        match sniff::kind(bytes) {
            Some(EntryKind::Pkcs7) => {
                self.format = Format::Pkcs7;
                self.take_pkcs7(bytes, None, loaded)
            }
            Some(EntryKind::Pkcs12) => {
                self.format = Format::Pkcs12;
                self.take_pkcs12(bytes, loaded, password)
            }
            Some(kind) => {
                let der = Zeroizing::new(bytes.to_vec());
                self.entries.push(Entry::of_der(kind, der, None));
                Ok(())
            }
            None => Err(match sniff::claimed_length(bytes) {
                Some(length) if length > bytes.len() => loaded
                    .error(
                        Check::FileFormat,
                        format!(
                            "is cut short: it is DER (binary) of {length} bytes, of which {} are there.",
                            bytes.len()
                        ),
                    )
                    .with_hint("Copy the file again from its source, as binary and not as text."),
                // In a form that only BER allows; the error says so if it cannot be read.
                _ if pkcs7::looks_like(bytes) => return self.take_pkcs7(bytes, None, loaded),
                _ if pkcs12::looks_like(bytes) => {
                    return self.take_pkcs12(bytes, loaded, password);
                }
                _ => loaded.error(
                    Check::FileFormat,
                    "is DER (binary), but neither a certificate nor a key in a known form.",
                ),
            }),
        }
    }

    fn take_pkcs7(
        &mut self,
        bytes: &[u8],
        line: Option<usize>,
        loaded: &LoadedFile,
    ) -> Result<(), Error> {
        let certificates = pkcs7::certificates(bytes).ok_or_else(|| {
            loaded.error(Check::FileFormat, "is a PKCS#7 bundle that is damaged.")
        })?;
        self.entries.extend(
            certificates.into_iter().map(|der| {
                Entry::of_der(EntryKind::Certificate, Zeroizing::new(der.to_vec()), line)
            }),
        );
        Ok(())
    }

    fn take_pkcs12(
        &mut self,
        bytes: &[u8],
        loaded: &LoadedFile,
        password: Option<&str>,
    ) -> Result<(), Error> {
        let opened =
            pkcs12::open(bytes, password).map_err(|failure| cannot_open(&failure, loaded))?;
        for der in opened.certificates {
            let der = Zeroizing::new(der.to_vec());
            self.entries
                .push(Entry::of_der(EntryKind::Certificate, der, None));
        }
        for key in opened.keys {
            self.entries
                .push(Entry::of_der(EntryKind::Pkcs8, key, None));
        }
        Ok(())
    }
}

fn looks_like_container(bytes: &[u8]) -> bool {
    pkcs7::looks_like(bytes) || pkcs12::looks_like(bytes)
}

fn cannot_open(failure: &pkcs12::Failure, loaded: &LoadedFile) -> Error {
    use pkcs12::Failure;
    match failure {
        Failure::PasswordMissing => loaded.error_as(
            Code::Password,
            Check::KeyPassword,
            "is an encrypted PKCS#12 store, and no password was given.",
        )
        .with_hint("Set the private key password: it opens the store too."),
        Failure::WrongPassword => loaded.error_as(
            Code::Password,
            Check::KeyPassword,
            "is a PKCS#12 store that the password given does not open.",
        )
        .with_hint("Check the private key password; blanks and a line end count as part of it."),
        Failure::Damaged => loaded
            .error(Check::FileFormat, "is a PKCS#12 store that is damaged.")
            .with_hint("Copy the file again from its source, as binary and not as text."),
        Failure::Unsupported => loaded
            .error(
                Check::FileFormat,
                "is a PKCS#12 store that is encrypted in a way that is not supported.",
            )
            .with_hint("Convert it with the program that created it, or with: `openssl pkcs12 -legacy -in FILE -nodes -out NEW`."),
        Failure::TooLarge => loaded.error(
            Check::FileFormat,
            "is a PKCS#12 store of more than 256 KiB, too large for a key with its certificates.",
        ),
        Failure::TooCostly(rounds) => loaded
            .error(
                Check::FileFormat,
                format!("is a PKCS#12 store that asks for {rounds} rounds of key derivation, more than the limit of {MAX_ROUNDS}."),
            )
            .with_hint("Write it again with fewer rounds: `openssl pkcs12 -in FILE -out PEM`, then `openssl pkcs12 -export -iter 100000 -in PEM -out NEW`."),
    }
}

/// Removes the line end that a text editor may have added to binary content.
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

/// Decodes a text that is base64 from start to end, in either alphabet (RFC 4648, sections 4 and 5), padded or not. It
/// may have quotes around it and line ends in it, even written-out ones.
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
