//! The private key: PKCS#1, PKCS#8 and SEC1, plain or encrypted.

use std::sync::Arc;

use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use rustls::sign::SigningKey;
use x509_cert::der::{Decode, asn1::AnyRef};
use x509_cert::spki::SubjectPublicKeyInfoRef;
use zeroize::Zeroize;

use super::dek_info;
use super::entry::{Entry, EntryKind};
use super::fork_key::MaskedKey;
use super::kdf_budget::{self, Budget, MAX_ROUNDS, TooManyRounds};
use super::oid;
use super::parsed_file::ParsedFile;
use super::source::LoadedFile;
use super::wipe_stack;
use super::x509::{rsa_private_key_bits, rsa_public_key_bits};
use crate::error::Check;
use crate::error::{Code, Error};
use crate::fork_gate;

/// A private key that can sign.
pub(crate) struct PrivateKey {
    pub(crate) signing_key: Arc<dyn SigningKey>,
    pub(crate) masked: Option<Arc<MaskedKey>>,
    /// Its kind and size, such as `RSA 2048`.
    pub(crate) description: String,
    /// Whether it is encrypted in the file.
    pub(crate) is_encrypted: bool,
}

/// Finds the one private key of a file and loads it for signing.
pub(crate) fn read(
    loaded: &LoadedFile,
    parsed: &ParsedFile,
    password: Option<&str>,
) -> Result<PrivateKey, Error> {
    of_entry(only_key(loaded, parsed)?, loaded, password)
}

/// Loads one key of a file for signing.
pub(crate) fn of_entry(
    entry: &Entry,
    loaded: &LoadedFile,
    password: Option<&str>,
) -> Result<PrivateKey, Error> {
    let mut der = decode(entry, loaded, password)?;
    let section = fork_gate::crypto_section();
    let signing_key = any_supported_type(&der).map_err(|_| unsupported(&der, loaded));
    let masked = MaskedKey::new(&der).map(Arc::new);
    drop(section);
    wipe(&mut der);
    let signing_key = signing_key?;
    Ok(PrivateKey {
        description: describe(&signing_key),
        signing_key,
        masked,
        is_encrypted: entry.is_encrypted(),
    })
}

/// Returns the one private key of a file.
pub(crate) fn only_key<'a>(
    loaded: &LoadedFile,
    parsed: &'a ParsedFile,
) -> Result<&'a Entry, Error> {
    let mut keys = parsed
        .entries
        .iter()
        .filter(|entry| entry.kind.is_private_key());
    let Some(entry) = keys.next() else {
        return Err(no_key(loaded, parsed));
    };
    match keys.next() {
        None => Ok(entry),
        Some(second) => {
            let lines = match (entry.line, second.line) {
                (Some(first), Some(second)) => format!(" (lines {first} and {second})"),
                _ => String::new(),
            };
            Err(loaded
                .error(
                    Check::KeySingle,
                    format!("contains more than one private key{lines}."),
                )
                .with_hint(Check::KeySingle.advice()))
        }
    }
}

/// Returns the key's DER, decrypted if it is encrypted. The caller wipes it.
pub(crate) fn decode(
    entry: &Entry,
    loaded: &LoadedFile,
    password: Option<&str>,
) -> Result<PrivateKeyDer<'static>, Error> {
    wipe_stack::wiped(|| decode_now(entry, loaded, password))
}

fn decode_now(
    entry: &Entry,
    loaded: &LoadedFile,
    password: Option<&str>,
) -> Result<PrivateKeyDer<'static>, Error> {
    let der = entry.der(loaded)?;
    if let Some(encryption) = &entry.encryption {
        let password = password.ok_or_else(|| password_missing(loaded))?;
        let plain = dek_info::decrypt(&encryption.cipher, &encryption.iv, der, password)
            .map_err(|failure| legacy_failure(&failure, loaded, entry))?;
        let kind = super::sniff::kind(&plain).unwrap_or(entry.kind);
        return plain_key(kind, &plain).ok_or_else(|| wrong_password(loaded));
    }
    match entry.kind {
        EntryKind::EncryptedPkcs8 => decrypt(entry, der, loaded, password),
        kind => plain_key(kind, der).ok_or_else(|| unsupported_form(loaded, entry)),
    }
}

fn plain_key(kind: EntryKind, der: &[u8]) -> Option<PrivateKeyDer<'static>> {
    match kind {
        EntryKind::Pkcs1 => Some(PrivatePkcs1KeyDer::from(der.to_vec()).into()),
        EntryKind::Pkcs8 => Some(PrivatePkcs8KeyDer::from(der.to_vec()).into()),
        EntryKind::Sec1 => Some(PrivateSec1KeyDer::from(der.to_vec()).into()),
        _ => None,
    }
}

fn decrypt(
    entry: &Entry,
    der: &[u8],
    loaded: &LoadedFile,
    password: Option<&str>,
) -> Result<PrivateKeyDer<'static>, Error> {
    let unsupported = || {
        loaded
            .error(
                Check::KeySupported,
                "is encrypted in a way that is not supported.",
            )
            .with_hint(
                "Encrypt it with AES: `openssl pkcs8 -topk8 -v2 aes256 -in KEY -out NEW_KEY`.",
            )
    };
    if super::sniff::kind(der) != Some(EntryKind::EncryptedPkcs8) {
        return Err(entry.damaged(loaded, "is not an encrypted key"));
    }
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| unsupported())?;
    let EncryptionScheme::Pbes2(parameters) = &encrypted.encryption_algorithm else {
        return Err(unsupported());
    };
    let rounds = kdf_budget::rounds(parameters).ok_or_else(unsupported)?;
    if let Err(TooManyRounds(rounds)) = Budget::new().spend(rounds) {
        return Err(loaded
            .error(
                Check::KeySupported,
                format!("asks for {rounds} rounds of key derivation, more than the limit of {MAX_ROUNDS}."),
            )
            .with_hint("Encrypt it again with fewer rounds: `openssl pkcs8 -topk8 -v2 aes256 -iter 100000 -in KEY -out NEW_KEY`."));
    }
    let password = password.ok_or_else(|| password_missing(loaded))?;
    let secret = encrypted
        .decrypt(password)
        .map_err(|_| wrong_password(loaded))?;
    // A wrong password passes the padding check once in 256 times and then gives no key.
    PrivateKeyInfoRef::try_from(secret.as_bytes()).map_err(|_| wrong_password(loaded))?;
    Ok(PrivatePkcs8KeyDer::from(secret.as_bytes().to_vec()).into())
}

fn password_missing(loaded: &LoadedFile) -> Error {
    loaded.error_as(
        Code::Password,
        Check::KeyPassword,
        "is encrypted and no password was given.",
    )
}

fn wrong_password(loaded: &LoadedFile) -> Error {
    loaded
        .error_as(
            Code::Password,
            Check::KeyPassword,
            "cannot be decrypted with the password given.",
        )
        .with_hint("Check the private key password; blanks and a line end count as part of it.")
}

fn legacy_failure(failure: &dek_info::Failure, loaded: &LoadedFile, entry: &Entry) -> Error {
    match failure {
        dek_info::Failure::WrongPassword => wrong_password(loaded),
        dek_info::Failure::Damaged => entry.damaged(loaded, "is not a whole encrypted key"),
        dek_info::Failure::UnsupportedCipher => loaded
            .error(
                Check::KeySupported,
                "is encrypted with a cipher that is not supported (its DEK-Info header).",
            )
            .with_hint(
                "Convert it to encrypted PKCS#8: `openssl pkcs8 -topk8 -in KEY -out NEW_KEY`.",
            ),
    }
}

fn unsupported_form(loaded: &LoadedFile, entry: &Entry) -> Error {
    let hint = if entry.label.contains("OPENSSH") {
        "Convert this SSH key, if the certificate request was made with it: `ssh-keygen -p -m PKCS8 -f KEY`."
    } else {
        "Convert it to PKCS#8: `openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW_KEY`."
    };
    loaded
        .error(
            Check::KeySupported,
            format!(
                "contains a key in a form that is not supported (BEGIN {}{}).",
                entry.label,
                entry.place()
            ),
        )
        .with_hint(hint)
}

fn no_key(loaded: &LoadedFile, parsed: &ParsedFile) -> Error {
    if parsed.has(EntryKind::Certificate) {
        loaded
            .error(
                Check::FileRole,
                "contains a certificate and no private key.",
            )
            .with_hint(
                "Exchange the two files: the private key is the one that begins with BEGIN PRIVATE KEY.",
            )
    } else if parsed.has(EntryKind::CertificateRequest) {
        loaded.error(
            Check::FileRole,
            "contains a certificate signing request (CSR) and no private key.",
        )
    } else if parsed.has(EntryKind::PublicKey) {
        loaded.error(
            Check::FileRole,
            "contains a public key, not the private one.",
        )
    } else {
        loaded.error(Check::KeyPresent, "contains no private key.")
    }
}

/// Explains why the provider rejects a key.
fn unsupported(key: &PrivateKeyDer<'_>, loaded: &LoadedFile) -> Error {
    let pkcs1 = match key {
        PrivateKeyDer::Pkcs1(key) => Some(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => PrivateKeyInfoRef::try_from(key.secret_pkcs8_der())
            .ok()
            .map(|info| info.private_key.as_bytes()),
        _ => None,
    };
    match pkcs1.and_then(rsa_private_key_bits) {
        Some(bits) if bits < 2048 => loaded
            .error(
                Check::KeyLength,
                format!("is an RSA key of {bits} bits, which is too short to be accepted."),
            )
            .with_hint(Check::KeyLength.advice()),
        Some(bits) if bits > 8192 => loaded.error(
            Check::KeySupported,
            format!("is an RSA key of {bits} bits; at most 8192 are supported."),
        ),
        _ => loaded
            .error(
                Check::KeySupported,
                "is damaged, or of a kind that TLS clients cannot use.",
            )
            .with_hint(Check::KeySupported.advice()),
    }
}

/// Returns the kind and size of a key, read from its public half.
pub(crate) fn describe(key: &Arc<dyn SigningKey>) -> String {
    let described = key.public_key().and_then(|spki| {
        let spki = SubjectPublicKeyInfoRef::from_der(&spki).ok()?;
        let algorithm = spki.algorithm.oid.to_string();
        let curve = spki
            .algorithm
            .parameters
            .and_then(|parameters: AnyRef<'_>| parameters.decode_as::<oid::Oid>().ok())
            .map(|curve| curve.to_string());
        let bits = spki
            .subject_public_key
            .as_bytes()
            .and_then(rsa_public_key_bits);
        Some(oid::key_name(&algorithm, curve.as_deref(), bits))
    });
    described.unwrap_or_else(|| format!("{:?}", key.algorithm()))
}

/// Wipes a key's copy.
pub(crate) fn wipe(key: &mut PrivateKeyDer<'static>) {
    match key {
        PrivateKeyDer::Pkcs1(key) => key.zeroize(),
        PrivateKeyDer::Pkcs8(key) => key.zeroize(),
        PrivateKeyDer::Sec1(key) => key.zeroize(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use pkcs8::EncryptedPrivateKeyInfoRef as Encrypted;
    use pkcs8::pkcs5::pbes2::{Kdf, Parameters, Pbkdf2Params, Pbkdf2Prf, ScryptParams};
    use x509_cert::der::{Encode, asn1::OctetStringRef};

    use super::super::source::{Role, Source};
    use super::*;

    fn code_and_message(kdf: Kdf) -> (Code, String) {
        let mut scheme =
            Parameters::generate_pbkdf2_sha256_aes256cbc(1, b"saltsalt", [0; 16]).unwrap();
        scheme.kdf = kdf;
        let key = Encrypted {
            encryption_algorithm: EncryptionScheme::Pbes2(scheme),
            encrypted_data: OctetStringRef::new(&[0; 48]).unwrap(),
        };
        let source = Source::content(&key.to_der().unwrap(), None);
        let loaded = LoadedFile::read(&source, Role::PrivateKey).unwrap();
        let parsed = ParsedFile::read(&loaded, Some("password")).unwrap();
        let error = read(&loaded, &parsed, Some("password")).err().unwrap();
        (error.code(), error.message().to_owned())
    }

    #[test]
    fn excessive_work_is_rejected_before_it_starts() {
        let pbkdf2 = |iteration_count, prf| {
            let usual = Pbkdf2Params::hmac_sha256(1, b"saltsalt").unwrap();
            Kdf::from(Pbkdf2Params {
                iteration_count,
                prf,
                ..usual
            })
        };
        let (sha1, sha256) = (Pbkdf2Prf::HmacWithSha1, Pbkdf2Prf::HmacWithSha256);
        let scrypt = |cost_parameter, block_size, parallelization| {
            Kdf::from(ScryptParams {
                salt: b"saltsalt".as_slice().try_into().unwrap(),
                cost_parameter,
                block_size,
                parallelization,
                key_length: None,
            })
        };
        for (kdf, rounds) in [
            (pbkdf2(1_000_001, sha256), 1_000_001),
            (pbkdf2(9_900_000, sha256), 9_900_000),
            (pbkdf2(u32::MAX, sha256), u64::from(u32::MAX)),
            // The key takes two blocks.
            (pbkdf2(500_001, sha1), 1_000_002),
            (scrypt(1 << 16, 8, 1), 1 << 20),
            (scrypt(1 << 14, u16::MAX, 1), (1 << 15) * 0xffff),
            (scrypt(1 << 14, 8, u16::MAX), (1 << 18) * 0xffff),
        ] {
            let (code, message) = code_and_message(kdf);
            assert_eq!(code, Code::PrivateKey);
            let expected = format!(
                "(given as bytes) asks for {rounds} rounds of key derivation, more than the limit of 1000000."
            );
            assert!(message.contains(&expected), "{message}");
        }
        // What OpenSSL writes, and reads by default, is within the limit.
        for kdf in [
            pbkdf2(2048, sha256),
            scrypt(1 << 14, 8, 1),
            scrypt(1 << 15, 7, 1),
        ] {
            assert_eq!(code_and_message(kdf).0, Code::Password);
        }
    }
}
