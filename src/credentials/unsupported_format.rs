//! Recognises files in formats that hold no certificate or key, and says what they are instead.

use super::pem;
use super::source::{LoadedFile, Role};
use crate::error::Check;
use crate::error::Error;

/// How a file begins, what that makes it (the end of a sentence that starts with "The file"), and what to do.
const BEGINNINGS: &[(&[u8], &str, &str)] = &[
    (b"\xff\xfe", UTF_16, PLAIN_TEXT),
    (b"\xfe\xff", UTF_16, PLAIN_TEXT),
    (
        b"\xfe\xed\xfe\xed",
        "is a Java keystore (JKS), which only Java reads.",
        KEYTOOL,
    ),
    (
        b"\xce\xce\xce\xce",
        "is a Java keystore (JCEKS), which only Java reads.",
        KEYTOOL,
    ),
    (
        b"PK\x03\x04",
        "is a ZIP archive or an Office document.",
        "Unpack it, and configure the file inside.",
    ),
    (
        b"\x1f\x8b",
        "is compressed (gzip).",
        "Unpack it first: `gunzip FILE`.",
    ),
    (
        b"PuTTY-User-Key-File",
        "is a PuTTY key.",
        "Export it from PuTTYgen as an OpenSSH key, and convert that to PKCS#8: `ssh-keygen -p -m PKCS8 -f KEY`.",
    ),
    (b"ssh-rsa ", SSH_PUBLIC_KEY, NOT_SSH),
    (b"ssh-ed25519 ", SSH_PUBLIC_KEY, NOT_SSH),
    (b"ecdsa-sha2-", SSH_PUBLIC_KEY, NOT_SSH),
    (
        b"<",
        "is an HTML or XML page.",
        "Get the file again: an error page may have been saved under its name.",
    ),
    (
        b"{",
        "is JSON.",
        "Extract the PEM text from it, and configure that.",
    ),
    (
        b"%PDF",
        "is a PDF document.",
        "Ask for the file itself, as plain text.",
    ),
];

const UTF_16: &str = "is UTF-16 text.";
const PLAIN_TEXT: &str =
    "Save it again as plain text (UTF-8 or ASCII): `iconv -f UTF-16 -t ASCII FILE > NEW`.";
const KEYTOOL: &str = "Convert it to PKCS#12 and use that: `keytool -importkeystore -srckeystore FILE -destkeystore NEW.p12 -deststoretype PKCS12`.";
const SSH_PUBLIC_KEY: &str = "is an SSH public key.";
const NOT_SSH: &str = "Use the files of the DCS's TLS certificate: SSH keys do not work here.";

/// Returns the error that says what the file looks like instead.
pub(crate) fn error(loaded: &LoadedFile) -> Error {
    let (what, hint) = describe(&loaded.bytes);
    let error = loaded.error(Check::FileFormat, what);
    match hint {
        Some(hint) => error.with_hint(hint),
        None if loaded.role == Role::Any => {
            error.with_hint("Choose a file of certificates or keys: PEM, DER, PKCS#7 or PKCS#12.")
        }
        None => error,
    }
}

fn describe(bytes: &[u8]) -> (&'static str, Option<&'static str>) {
    let start = bytes.trim_ascii_start();
    for (beginning, what, hint) in BEGINNINGS {
        if bytes.starts_with(beginning) || start.starts_with(beginning) {
            return (what, Some(hint));
        }
    }
    let is_zero = |at: usize| bytes.get(at) == Some(&0);
    if bytes.len() >= 4 && (is_zero(0) && is_zero(2) || is_zero(1) && is_zero(3)) {
        return (UTF_16, Some(PLAIN_TEXT));
    }
    // What `openssl x509 -outform DER -text` writes, a command that the service's documentation once gave.
    if start.starts_with(b"Certificate:") && bytes.contains(&0x82) {
        return (
            "is a certificate's text followed by DER (binary), which no program can read.",
            Some("Create it without -text: `openssl x509 -in CERT -outform DER -out NEW`."),
        );
    }
    if start.starts_with(b"Certificate:") {
        return (
            "is a certificate's description without the certificate.",
            Some(
                "Get the certificate itself, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.",
            ),
        );
    }
    if [&b"BEGIN CERTIFICATE"[..], b"PRIVATE KEY"]
        .iter()
        .any(|words| pem::find(bytes, words).is_some())
    {
        return (
            "is PEM whose BEGIN line has been changed: it must be five plain hyphens, BEGIN, the label and five plain hyphens.",
            Some(
                "Copy the file again as plain text: a word processor may have replaced the hyphens.",
            ),
        );
    }
    (
        "is not PEM, DER, PKCS#7 or PKCS#12: it has no -----BEGIN line.",
        None,
    )
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn what_cannot_be_used_is_named() {
        for (bytes, words) in [
            (&b"\xfe\xed\xfe\xed\0\0\0\x02"[..], "JKS"),
            (b"\xff\xfe-\0-\0", "UTF-16"),
            (b"-\0-\0-\0", "UTF-16"),
            (b"\0-\0-", "UTF-16"),
            (b"\n <html>", "HTML"),
            (b"PK\x03\x04..", "ZIP"),
            (b"ssh-ed25519 AAAA", "SSH"),
            (b"Certificate:\n    Data:\n0\x82\x03", "followed by DER"),
            (b"Certificate:\n    Data:\n", "without the certificate"),
            (
                "\u{2014}\u{2014}BEGIN CERTIFICATE\u{2014}".as_bytes(),
                "plain hyphens",
            ),
            (b"hello", "no -----BEGIN"),
            (b"", "no -----BEGIN"),
        ] {
            let (what, _) = describe(bytes);
            assert!(what.contains(words), "{what}");
        }
    }
}
