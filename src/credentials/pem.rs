//! PEM (RFC 7468): finding the blocks of a file and decoding them.
//!
//! rustls-pemfile decodes a block; nothing else of it is used, and its errors are never passed on,
//! because they print the bytes of the file. Finding the blocks here gives what it does not tell: the
//! labels of blocks that it passes over, and the line that a fault is on.

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls_pemfile::Item;
use zeroize::Zeroizing;

use super::source::Document;
use crate::error::Error;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A block, from its BEGIN line to its END line.
pub(crate) struct Block<'a> {
    /// The word between the dashes, such as `CERTIFICATE`.
    pub(crate) label: String,
    /// The number of the BEGIN line, from 1.
    pub(crate) line: usize,
    text: &'a [u8],
}

/// The labels that the role of a block is told from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Certificate,
    PrivateKey,
    EncryptedPrivateKey,
    CertificateRequest,
    PublicKey,
    Other,
}

impl Block<'_> {
    pub(crate) fn kind(&self) -> Kind {
        match self.label.as_str() {
            // X509 CERTIFICATE is an old synonym (RFC 7468, section 5.1).
            "CERTIFICATE" | "X509 CERTIFICATE" => Kind::Certificate,
            "ENCRYPTED PRIVATE KEY" => Kind::EncryptedPrivateKey,
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Kind::CertificateRequest,
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Kind::PublicKey,
            label if label.ends_with("PRIVATE KEY") => Kind::PrivateKey,
            _ => Kind::Other,
        }
    }

    /// Whether the block is encrypted in the way of old OpenSSL versions (RFC 1421 headers).
    pub(crate) fn has_legacy_encryption(&self) -> bool {
        let needle = b"DEK-Info:";
        self.text.windows(needle.len()).any(|part| part == needle)
    }

    /// The certificate in a `CERTIFICATE` block.
    pub(crate) fn certificate(
        &self,
        document: &Document,
    ) -> Result<CertificateDer<'static>, Error> {
        match self.decode("CERTIFICATE") {
            Some(Item::X509Certificate(certificate)) => Ok(certificate),
            _ => Err(self.damaged(document)),
        }
    }

    /// The key in a block that is one of PKCS#1, PKCS#8 and SEC1.
    pub(crate) fn private_key(&self, document: &Document) -> Result<PrivateKeyDer<'static>, Error> {
        match self.decode(&self.label) {
            Some(Item::Pkcs1Key(key)) => Ok(key.into()),
            Some(Item::Pkcs8Key(key)) => Ok(key.into()),
            Some(Item::Sec1Key(key)) => Ok(key.into()),
            Some(_) => Err(self.damaged(document)),
            None if matches!(
                self.label.as_str(),
                "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY"
            ) =>
            {
                Err(self.damaged(document))
            }
            None => Err(document
                .error(format!(
                    "holds a key in a form that is not supported (BEGIN {} on line {}).",
                    self.label, self.line
                ))
                .with_hint(
                    "Convert it to PKCS#8: openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW_KEY",
                )),
        }
    }

    /// The bytes in an `ENCRYPTED PRIVATE KEY` block.
    pub(crate) fn encrypted_key(&self, document: &Document) -> Result<Zeroizing<Vec<u8>>, Error> {
        match self.decode("PRIVATE KEY") {
            Some(Item::Pkcs8Key(key)) => Ok(Zeroizing::new(key.secret_pkcs8_der().to_vec())),
            _ => Err(self.damaged(document)),
        }
    }

    /// Decodes the block as if it had the given label.
    fn decode(&self, label: &str) -> Option<Item> {
        let start = self.text.iter().position(|byte| is_line_end(*byte))?;
        let end = find(self.text, END)?;
        let mut block = Zeroizing::new(Vec::with_capacity(self.text.len() + 2 * label.len() + 40));
        block.extend_from_slice(BEGIN);
        block.extend_from_slice(label.as_bytes());
        block.extend_from_slice(DASHES);
        block.extend_from_slice(self.text.get(start..end)?);
        block.extend_from_slice(END);
        block.extend_from_slice(label.as_bytes());
        block.extend_from_slice(DASHES);
        block.push(b'\n');
        match rustls_pemfile::read_one_from_slice(&block) {
            Ok(Some((item, _))) => Some(item),
            _ => None,
        }
    }

    fn damaged(&self, document: &Document) -> Error {
        document
            .error(format!(
                "is damaged: the {} block that begins on line {} is not valid base64.",
                self.label, self.line
            ))
            .with_hint("Copy the file again from where it came from, as plain text.")
    }
}

/// Finds every block of the file.
///
/// Text around the blocks, blank lines, CRLF line ends and a byte-order mark are passed over. A block
/// without an end, and a file without any block, are errors.
pub(crate) fn blocks(document: &Document) -> Result<Vec<Block<'_>>, Error> {
    let bytes = document
        .bytes
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(&document.bytes);
    let mut blocks = Vec::new();
    let mut open: Option<(String, usize, usize)> = None;

    for (number, start, line) in lines(bytes) {
        if let Some(label) = label(line, BEGIN) {
            if let Some((label, begun, _)) = open {
                return Err(cut_short(document, &label, begun));
            }
            open = Some((label, number, start));
        } else if let Some(end_label) = label(line, END)
            && let Some((begun_label, begun, from)) = open.take()
        {
            if end_label != begun_label {
                return Err(cut_short(document, &begun_label, begun));
            }
            blocks.push(Block {
                label: begun_label,
                line: begun,
                text: &bytes[from..start + line.len()],
            });
        }
    }
    if let Some((label, begun, _)) = open {
        return Err(cut_short(document, &label, begun));
    }
    if blocks.is_empty() {
        return Err(no_block(document));
    }
    Ok(blocks)
}

/// The lines with their number (from 1) and offset.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, usize, &[u8])> {
    let mut offset = 0;
    bytes
        .split(|byte| *byte == b'\n')
        .enumerate()
        .map(move |(index, line)| {
            let start = offset;
            offset += line.len() + 1;
            (index + 1, start, line.trim_ascii_end())
        })
}

fn label(line: &[u8], prefix: &[u8]) -> Option<String> {
    let label = line.strip_prefix(prefix)?.strip_suffix(DASHES)?;
    // Anything else on such a line may be a key that has lost its line ends, and must not be quoted.
    let sane = label.len() <= 40
        && label
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ');
    sane.then(|| String::from_utf8_lossy(label).into_owned())
}

fn is_line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|part| part == needle)
}

fn cut_short(document: &Document, label: &str, line: usize) -> Error {
    document
        .error(format!(
            "is cut short: the {label} block that begins on line {line} has no END line of its own."
        ))
        .with_hint("Copy the whole file again from where it came from, up to its last END line.")
}

/// Says what the file looks like instead of PEM.
fn no_block(document: &Document) -> Error {
    let bytes = &document.bytes;
    if bytes.starts_with(&[0x30, 0x82]) || bytes.starts_with(&[0x30, 0x81]) {
        return document
            .error("is not PEM: it looks like DER (binary).")
            .with_hint(
                "Convert it to PEM: `openssl x509 -inform DER -in FILE -out NEW` for a certificate, \
                 `openssl pkey -inform DER -in FILE -out NEW` for a key.",
            );
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return document
            .error("is UTF-16 text.")
            .with_hint("Save it again as plain text (UTF-8 or ASCII).");
    }
    if find(bytes, BEGIN).is_some() {
        return document
            .error("has lost its line ends: a BEGIN line must stand on a line of its own.")
            .with_hint("Copy the file again from where it came from, with its line breaks.");
    }
    document.error("is not PEM: it has no -----BEGIN line.")
}

#[cfg(test)]
mod tests {
    use super::super::source::{Document, Role};
    use super::*;
    use crate::error::Code;

    fn document(text: &[u8]) -> Document {
        Document {
            role: Role::Certificate,
            bytes: Zeroizing::new(text.to_vec()),
            name: "the client certificate x.pem".into(),
        }
    }

    #[test]
    fn text_blank_lines_and_crlf_around_blocks_are_passed_over() {
        let document = document(
            b"\xef\xbb\xbfsubject=x\r\n\r\n-----BEGIN CERTIFICATE-----\r\nMAA=\r\n\r\n-----END CERTIFICATE-----\r\n\
              text\n-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----",
        );
        let blocks = blocks(&document).unwrap();
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[0].kind(), Kind::Certificate);
        assert_eq!(blocks[0].line, 3);
        assert_eq!(
            blocks[0].certificate(&document).unwrap().as_ref(),
            [0x30, 0]
        );
        assert_eq!(blocks[1].kind(), Kind::PrivateKey);
        assert_eq!(
            blocks[1].private_key(&document).unwrap().secret_der(),
            [0x30, 0]
        );
    }

    #[test]
    fn faults_name_file_and_line_and_no_bytes() {
        let cases: [(&[u8], &str); 6] = [
            (b"x\n-----BEGIN CERTIFICATE-----\nc2VjcmV0", "line 2"),
            (
                b"-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END PRIVATE KEY-----",
                "line 1",
            ),
            (
                b"-----BEGIN CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
                "line 1",
            ),
            (
                b"-----BEGIN CERTIFICATE----- c2VjcmV0 -----END CERTIFICATE-----",
                "line ends",
            ),
            (b"\x30\x82c2VjcmV0", "DER"),
            (b"c2VjcmV0", "no -----BEGIN"),
        ];
        for (bytes, words) in cases {
            let error = blocks(&document(bytes)).err().unwrap();
            assert_eq!(error.code(), Code::Certificate);
            assert!(error.message().contains(words), "{error}");
            assert!(error.message().contains("x.pem"), "{error}");
            assert!(!error.to_string().contains("c2VjcmV0"), "{error}");
        }
    }

    #[test]
    fn a_block_that_is_not_base64_is_damaged() {
        let document =
            document(b"-----BEGIN CERTIFICATE-----\n!secret!\n-----END CERTIFICATE-----");
        let error = blocks(&document).unwrap()[0]
            .certificate(&document)
            .unwrap_err();
        assert!(error.message().contains("line 1"), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
