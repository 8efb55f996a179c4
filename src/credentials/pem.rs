//! PEM (RFC 7468): finds the blocks of a text and decodes them, even if the text is damaged.
//!
//! rustls-pemfile decodes the base64 of blocks that are not secret. Nothing else of it is used, and its errors are
//! never passed on, because they print the bytes of the file. Keys are decoded here, because it leaves their text
//! in memory that is not wiped. The blocks are found here, because it reports neither the labels of blocks that it
//! skips nor the line of a fault. This reader also accepts what environment variables, parameter stores and mails do
//! to a PEM file: line ends that are lost or written out as `\n`, quotes, indentation.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64ct::{Base64Unpadded, Encoding};
use rustls_pemfile::Item;
use zeroize::Zeroizing;

use super::repair::Repair;

pub(crate) const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// The longest line that OpenSSL's tools write is 64 characters, mail programs' base64 has 76.
const MAX_LINE: usize = 76;

/// What mails and programs put around a line's text.
const QUOTES: &[u8] = b"\"'>|,";

/// A block, from its BEGIN to its END.
pub(crate) struct Block<'a> {
    /// The text between the dashes, such as `CERTIFICATE`.
    pub(crate) label: String,
    /// The number of the line that it begins on, from 1.
    pub(crate) line: usize,
    /// The text between BEGIN and END.
    inner: &'a [u8],
}

/// The content of a block.
pub(crate) struct Body {
    /// `None` if it is not base64.
    pub(crate) der: Option<Zeroizing<Vec<u8>>>,
    pub(crate) encryption: Option<LegacyEncryption>,
}

/// How old OpenSSL versions encrypted a key (the `DEK-Info` header).
pub(crate) struct LegacyEncryption {
    pub(crate) cipher: String,
    pub(crate) iv: String,
}

/// A block that has no END of its own.
#[derive(Debug)]
pub(crate) struct CutShort {
    pub(crate) label: String,
    pub(crate) line: usize,
}

/// Whether a block begins anywhere in the text.
pub(crate) fn has_block(text: &[u8]) -> bool {
    next_begin(text, 0).is_some()
}

/// Finds every block of the text, wherever on a line it begins, and notes the repairs.
pub(crate) fn blocks<'a>(
    text: &'a [u8],
    repairs: &mut Vec<Repair>,
) -> Result<Vec<Block<'a>>, CutShort> {
    let mut blocks = Vec::new();
    // Where the last block ended, and the line of that place.
    let (mut at, mut line) = (0, 1);
    while let Some((from, label, length)) = next_begin(text, at) {
        let inner = &text[from + length..];
        line += line_ends(&text[at..from]);
        let cut_short = || CutShort {
            label: label.clone(),
            line,
        };
        let end = find(inner, END).ok_or_else(cut_short)?;
        let has_own_end = inner[end + END.len()..].starts_with(label.as_bytes())
            && inner[end + END.len() + label.len()..].starts_with(DASHES);
        if !has_own_end || find(&inner[..end], BEGIN).is_some() {
            return Err(cut_short());
        }
        note_surroundings(&text[at..from], &inner[..end], blocks.is_empty(), repairs);
        at = from + length + end + END.len() + label.len() + DASHES.len();
        blocks.push(Block {
            label,
            line,
            inner: &inner[..end],
        });
        line += line_ends(&inner[..end]);
    }
    Ok(blocks)
}

impl Block<'_> {
    /// Splits the block into its headers and the bytes that its base64 encodes.
    pub(crate) fn body(&self) -> Body {
        let mut encryption = None;
        let mut base64 = Zeroizing::new(Vec::with_capacity(self.inner.len()));
        let plain = without_escapes(self.inner);
        let mut words = plain
            .split(u8::is_ascii_whitespace)
            .map(trim_quotes)
            .filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            if !word.ends_with(b":") {
                base64.extend_from_slice(word);
            } else if let Some(value) = words.next()
                && word == b"DEK-Info:"
            {
                let value = String::from_utf8_lossy(value);
                let (cipher, iv) = value.split_once(',').unwrap_or((&value, ""));
                encryption = Some(LegacyEncryption {
                    cipher: cipher.to_owned(),
                    iv: iv.to_owned(),
                });
            }
        }
        Body {
            der: if self.label.contains("PRIVATE KEY") {
                decode(&base64)
            } else {
                decode_public(&base64)
            },
            encryption,
        }
    }
}

/// Returns the position of the next block, its label, and the length of the whole BEGIN.
fn next_begin(text: &[u8], mut at: usize) -> Option<(usize, String, usize)> {
    loop {
        let from = at + find(&text[at..], BEGIN)?;
        if let Some((label, length)) = begin(&text[from..]) {
            return Some((from, label, length));
        }
        at = from + BEGIN.len();
    }
}

fn line_ends(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// Returns the label of a block that begins here, and the length of the whole BEGIN.
fn begin(text: &[u8]) -> Option<(String, usize)> {
    let rest = text.strip_prefix(BEGIN)?;
    // Anything else may be a key, and must not be quoted.
    let length = rest
        .iter()
        .take(40)
        .take_while(|byte| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b' ' | b'#')
        })
        .count();
    let label = &rest[..length];
    rest[length..].strip_prefix(DASHES)?;
    Some((
        String::from_utf8_lossy(label).into_owned(),
        BEGIN.len() + length + DASHES.len(),
    ))
}

/// Notes the repairs that the block needs. `before` begins at the last block's end.
fn note_surroundings(before: &[u8], inner: &[u8], is_first: bool, repairs: &mut Vec<Repair>) {
    let mut note = |repair| {
        if !repairs.contains(&repair) {
            repairs.push(repair);
        }
    };
    if inner
        .windows(2)
        .any(|pair| pair == b"\\n" || pair == b"\\r")
    {
        note(Repair::EscapedLineEnds);
    } else if inner
        .split(|byte| *byte == b'\n' || *byte == b'\r')
        .any(|line| line.trim_ascii().len() > MAX_LINE)
    {
        note(Repair::LostLineEnds);
    }
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n' || *byte == b'\r');
    let on_same_line = &before[line_start.map_or(0, |at| at + 1)..];
    let begins_line = is_first || line_start.is_some();
    let lines = inner.split(|byte| *byte == b'\n').skip(1);
    let mut starts = lines.filter_map(<[u8]>::first);
    if inner.iter().any(|byte| QUOTES[..4].contains(byte)) || !on_same_line.trim_ascii().is_empty()
    {
        note(Repair::Quoted);
    } else if starts.any(|first| matches!(first, b' ' | b'\t'))
        || begins_line && !on_same_line.is_empty()
    {
        note(Repair::Indented);
    }
}

/// Replaces `\n` and `\r` that are written out by line ends, and removes a backslash at a line's end.
pub(crate) fn without_escapes(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'\\', Some(b'n' | b'r')) => {
                bytes.next();
                plain.push(b'\n');
            }
            (b'\\', Some(b'\n' | b'\r')) => {}
            // A no-break space in UTF-8, which web pages and mails put in.
            (0xc2, Some(0xa0)) => {
                bytes.next();
                plain.push(b' ');
            }
            _ => plain.push(byte),
        }
    }
    plain
}

pub(crate) fn trim_quotes(mut word: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = word
        && QUOTES.contains(first)
    {
        word = rest;
    }
    while let [rest @ .., last] = word
        && QUOTES.contains(last)
    {
        word = rest;
    }
    word
}

/// Decodes what is not secret: several times as fast as [`decode`], whose time does not depend on the content.
fn decode_public(base64: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let decoded = STANDARD.decode(base64).ok().map(Zeroizing::new);
    // The stricter of the two.
    decoded
        .filter(|der| !der.is_empty())
        .or_else(|| decode_leniently(base64))
}

/// Decodes base64 by way of a block of a label that rustls-pemfile knows; what is in it does not matter
/// to it.
fn decode_leniently(base64: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const LABEL: &[u8] = b"CERTIFICATE-----\n";
    let block = [BEGIN, LABEL, base64, b"\n", END, LABEL].concat();
    match rustls_pemfile::read_one_from_slice(&block) {
        Ok(Some((Item::X509Certificate(der), _))) if !der.is_empty() => {
            Some(Zeroizing::new(der.to_vec()))
        }
        _ => None,
    }
}

/// Decodes base64 that may be a key: in a time that does not depend on it, without any copy that is not wiped.
/// It may contain blanks and line ends, and the padding may be missing.
pub(crate) fn decode(base64: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Sized beforehand, so that growing leaves no copies behind on the heap.
    let mut text = Zeroizing::new(Vec::with_capacity(base64.len()));
    text.extend(base64.iter().filter(|byte| !byte.is_ascii_whitespace()));
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    if padding > 2 || padding > 0 && text.len() % 4 != 0 {
        return None;
    }
    let length = text.len() - padding;
    text.truncate(length);
    let mut der = Zeroizing::new(vec![0; text.len().div_ceil(4) * 3]);
    let length = Base64Unpadded::decode(text.as_slice(), &mut der)
        .ok()?
        .len();
    der.truncate(length);
    (!der.is_empty()).then_some(der)
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    // Most bytes are no dash, which spares comparing the windows.
    let first = *needle.first()?;
    let mut at = 0;
    while let Some(offset) = haystack[at..].iter().position(|byte| *byte == first) {
        if haystack[at + offset..].starts_with(needle) {
            return Some(at + offset);
        }
        at += offset + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block's label, line and content.
    type Found = (String, usize, Option<Vec<u8>>);

    fn read(text: &[u8]) -> (Vec<Found>, Vec<Repair>) {
        let mut repairs = Vec::new();
        let blocks = blocks(text, &mut repairs).unwrap();
        let found = blocks
            .iter()
            .map(|block| {
                let der = block.body().der.map(|der| der.to_vec());
                (block.label.clone(), block.line, der)
            })
            .collect();
        (found, repairs)
    }

    const CONTENT: &[u8] = b"the content of a block";
    const BASE64: &str = "dGhlIGNvbnRlbnQgb2YgYSBibG9jaw==";

    #[test]
    fn text_blank_lines_and_crlf_around_blocks_are_passed_over() {
        let (found, repairs) = read(
            format!(
                "subject=x\r\n\r\n-----BEGIN CERTIFICATE-----\r\n{BASE64}\r\n\r\n-----END CERTIFICATE-----\r\n\
                 text\n-----BEGIN PRIVATE KEY-----  \n{BASE64}\n-----END PRIVATE KEY-----"
            )
            .as_bytes(),
        );
        let content = Some(CONTENT.to_vec());
        assert_eq!(
            found,
            [
                ("CERTIFICATE".to_owned(), 3, content.clone()),
                ("PRIVATE KEY".to_owned(), 8, content)
            ]
        );
        assert_eq!(repairs, []);
    }

    #[test]
    fn what_has_come_to_harm_is_mended_and_noted() {
        let block = format!(
            "-----BEGIN X-----\n{}\n{}\n-----END X-----\n",
            &BASE64[..16],
            &BASE64[16..]
        );
        for (text, repair) in [
            (block.replace('\n', "\\n"), Repair::EscapedLineEnds),
            (block.replace('\n', "\\r\\n"), Repair::EscapedLineEnds),
            (
                format!("key: \"{}\"", block.replace('\n', "\\n")),
                Repair::Quoted,
            ),
            (block.replace('\n', "\n> "), Repair::Quoted),
            (format!("> {}", block.replace('\n', "\n> ")), Repair::Quoted),
            (
                format!("    {}", block.replace('\n', "\n    ")),
                Repair::Indented,
            ),
            (block.replace('\n', "\n\t"), Repair::Indented),
            (block.replace('\n', "\u{a0}\n"), Repair::Quoted),
            (block.replace('\n', "\",\n\""), Repair::Quoted),
        ] {
            let (found, repairs) = read(text.as_bytes());
            assert_eq!(found[0].2.as_deref(), Some(CONTENT), "{text}");
            if !text.contains('\u{a0}') {
                assert!(repairs.contains(&repair), "{text}: {repairs:?}");
            }
        }
        let long = "QUJD".repeat(40);
        let (found, repairs) = read(
            format!(
                "-----BEGIN X----- {long} -----END X----- -----BEGIN X-----{long}-----END X-----"
            )
            .as_bytes(),
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].2.as_deref(), Some(&b"ABC".repeat(40)[..]));
        assert_eq!(repairs, [Repair::LostLineEnds]);
    }

    #[test]
    fn a_block_without_its_end_is_cut_short() {
        for (text, line) in [
            ("x\n-----BEGIN CERTIFICATE-----\nQUJD", 2),
            (
                "-----BEGIN CERTIFICATE-----\nQUJD\n-----END PRIVATE KEY-----",
                1,
            ),
            ("-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE", 1),
            (
                "-----BEGIN CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
                1,
            ),
        ] {
            let cut = blocks(text.as_bytes(), &mut Vec::new()).err().unwrap();
            assert_eq!(
                (cut.label.as_str(), cut.line),
                ("CERTIFICATE", line),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_label_begins_no_block() {
        for text in [
            "-----BEGIN ",
            "-----BEGIN secret",
            "-----BEGIN SECRET",
            "----BEGIN X-----",
        ] {
            assert!(!has_block(text.as_bytes()), "{text}");
            assert!(blocks(text.as_bytes(), &mut Vec::new()).unwrap().is_empty());
        }
        assert!(has_block(b"-----BEGIN -----BEGIN X-----"));
    }

    #[test]
    fn headers_of_a_legacy_encrypted_key() {
        for separator in ["\n", " ", "\r\n", "\\n"] {
            let text = [
                "-----BEGIN RSA PRIVATE KEY-----",
                "Proc-Type: 4,ENCRYPTED",
                "DEK-Info: AES-256-CBC,00FF",
                "",
                BASE64,
                "-----END RSA PRIVATE KEY-----",
            ]
            .join(separator);
            let blocks = blocks(text.as_bytes(), &mut Vec::new()).unwrap();
            let body = blocks[0].body();
            let encryption = body.encryption.unwrap();
            assert_eq!(
                (encryption.cipher.as_str(), encryption.iv.as_str()),
                ("AES-256-CBC", "00FF")
            );
            assert_eq!(body.der.unwrap().as_slice(), CONTENT);
        }
    }

    #[test]
    fn what_is_not_base64_is_damaged() {
        let (found, _) =
            read(b"-----BEGIN X-----\n!!!!\n-----END X-----\n-----BEGIN X-----\n-----END X-----");
        assert_eq!(found[0].2, None);
        assert_eq!(found[1].2, None);
    }

    #[test]
    fn padding_may_be_missing_and_not_be_wrong() {
        let unpadded = BASE64.trim_end_matches('=');
        for label in ["CERTIFICATE", "PRIVATE KEY"] {
            let (found, _) = read(
                format!("-----BEGIN {label}-----\n{unpadded}\n-----END {label}-----\n").as_bytes(),
            );
            assert_eq!(found[0].2.as_deref(), Some(CONTENT), "{label}");
        }
        for (base64, der) in [
            ("QQ", Some(&b"A"[..])),
            ("QQ==", Some(b"A")),
            ("QUI=", Some(b"AB")),
            ("QUJD", Some(b"ABC")),
            ("QQ=", None),
            ("Q===", None),
            ("====", None),
        ] {
            let decoded = decode(base64.as_bytes());
            assert_eq!(decoded.as_deref().map(Vec::as_slice), der, "{base64}");
        }
    }

    #[test]
    fn a_block_that_stands_as_it_should_is_not_mended() {
        let line = "QUJD".repeat(MAX_LINE / 4);
        for end in ["\n", "\r\n", "\r"] {
            let lines = [
                "a text",
                "-----BEGIN X-----",
                &line,
                &line,
                "-----END X-----",
                "another one",
                "-----BEGIN X-----",
                &line,
                "-----END X-----",
            ];
            let (found, repairs) = read(lines.join(end).as_bytes());
            assert_eq!(found.len(), 2);
            assert_eq!(repairs, [], "{end:?}");
        }
    }

    #[test]
    fn a_first_line_that_is_indented_alone_is_noted() {
        let block = format!("  -----BEGIN X-----\n{BASE64}\n-----END X-----\n");
        for text in [block.clone(), format!("a text\n{block}")] {
            assert_eq!(read(text.as_bytes()).1, [Repair::Indented], "{text}");
        }
    }

    #[test]
    fn a_backslash_at_a_lines_end_is_left_out() {
        assert_eq!(*without_escapes(b"ab\\\ncd\\\r\nef\\g"), b"ab\ncd\r\nef\\g");
    }
}
