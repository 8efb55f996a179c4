//! The private key: PKCS#1, PKCS#8 and SEC1, plain or as encrypted PKCS#8.

use std::sync::Arc;

use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::SigningKey;
use zeroize::Zeroize;

use super::pem::{self, Block, Kind};
use super::source::Document;
use super::x509::rsa_private_key_bits;
use crate::error::{Code, Error};

/// What deriving a key from a password may cost, so that no file can keep the caller busy for hours.
/// OpenSSL's default is 2 048 iterations, current advice for passwords 600 000.
const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;
/// The memory that scrypt may take, in bytes.
const MAX_SCRYPT_MEMORY: u64 = 64 * 1024 * 1024;

/// Reads the one private key of a file and makes it ready for signing.
pub(crate) fn read(
    document: &Document,
    password: Option<&str>,
) -> Result<Arc<dyn SigningKey>, Error> {
    let blocks = pem::blocks(document)?;
    let mut keys = blocks
        .iter()
        .filter(|block| matches!(block.kind(), Kind::PrivateKey | Kind::EncryptedPrivateKey));
    let Some(block) = keys.next() else {
        return Err(no_key(document, &blocks));
    };
    if let Some(second) = keys.next() {
        return Err(document
            .error(format!(
                "holds more than one private key (lines {} and {}).",
                block.line, second.line
            ))
            .with_hint("Keep the one key that belongs to the certificate."));
    }

    let mut key = decode(block, document, password)?;
    let signing_key = any_supported_type(&key).map_err(|_| unsupported(&key, document));
    wipe(&mut key);
    signing_key
}

fn decode(
    block: &Block<'_>,
    document: &Document,
    password: Option<&str>,
) -> Result<PrivateKeyDer<'static>, Error> {
    if block.has_legacy_encryption() {
        return Err(document
            .error_as(
                Code::Password,
                "is encrypted in the legacy form (DEK-Info), which is not supported.",
            )
            .with_hint(
                "Convert it to encrypted PKCS#8: openssl pkcs8 -topk8 -in KEY -out NEW_KEY",
            ));
    }
    match block.kind() {
        Kind::EncryptedPrivateKey => decrypt(block, document, password),
        _ => block.private_key(document),
    }
}

fn decrypt(
    block: &Block<'_>,
    document: &Document,
    password: Option<&str>,
) -> Result<PrivateKeyDer<'static>, Error> {
    let der = block.encrypted_key(document)?;
    let unsupported = || {
        document
            .error("is encrypted in a way that is not supported.")
            .with_hint("Encrypt it with AES: openssl pkcs8 -topk8 -v2 aes256 -in KEY -out NEW_KEY")
    };
    let encrypted =
        EncryptedPrivateKeyInfoRef::try_from(der.as_slice()).map_err(|_| unsupported())?;
    if !matches!(encrypted.encryption_algorithm, EncryptionScheme::Pbes2(_)) {
        return Err(unsupported());
    }
    if is_too_costly(&encrypted.encryption_algorithm) {
        return Err(document.error(
            "asks for an absurd amount of work to be decrypted (its iteration count or memory cost).",
        ));
    }
    let Some(password) = password else {
        return Err(document.error_as(Code::Password, "is encrypted and no password was given."));
    };
    let wrong = || {
        document
            .error_as(
                Code::Password,
                "cannot be decrypted with the password given.",
            )
            .with_hint("Check the private key password; blanks and a line end count as part of it.")
    };
    let secret = encrypted.decrypt(password).map_err(|_| wrong())?;
    // A wrong password passes the padding check once in 256 times and then gives no key.
    PrivateKeyInfoRef::try_from(secret.as_bytes()).map_err(|_| wrong())?;
    Ok(PrivatePkcs8KeyDer::from(secret.as_bytes().to_vec()).into())
}

fn is_too_costly(scheme: &EncryptionScheme) -> bool {
    let EncryptionScheme::Pbes2(parameters) = scheme else {
        return false;
    };
    match &parameters.kdf {
        Kdf::Pbkdf2(kdf) => kdf.iteration_count > MAX_PBKDF2_ITERATIONS,
        Kdf::Scrypt(kdf) => {
            let memory = kdf
                .cost_parameter
                .saturating_mul(128)
                .saturating_mul(u64::from(kdf.block_size))
                .saturating_mul(u64::from(kdf.parallelization));
            memory > MAX_SCRYPT_MEMORY
        }
        _ => true,
    }
}

fn no_key(document: &Document, blocks: &[Block<'_>]) -> Error {
    let has = |kind| blocks.iter().any(|block| block.kind() == kind);
    if has(Kind::Certificate) {
        document
            .error("holds a certificate and no private key.")
            .with_hint(
                "Certificate and private key look exchanged: give the file that begins with BEGIN PRIVATE KEY as the key.",
            )
    } else if has(Kind::CertificateRequest) {
        document.error("holds a certificate signing request (CSR) and no private key.")
    } else if has(Kind::PublicKey) {
        document.error("holds a public key, not the private one.")
    } else {
        document.error("holds no private key.")
    }
}

/// Says why the provider refuses a key.
fn unsupported(key: &PrivateKeyDer<'_>, document: &Document) -> Error {
    let pkcs1 = match key {
        PrivateKeyDer::Pkcs1(key) => Some(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => PrivateKeyInfoRef::try_from(key.secret_pkcs8_der())
            .ok()
            .map(|info| info.private_key.as_bytes()),
        _ => None,
    };
    match pkcs1.and_then(rsa_private_key_bits) {
        Some(bits) if bits < 2048 => document
            .error(format!(
                "is an RSA key of {bits} bits, which is too short to be accepted."
            ))
            .with_hint("Make a key of 2048 bits or more and ask the DCS team for a certificate for it: openssl genrsa 2048"),
        Some(bits) if bits > 8192 => document
            .error(format!("is an RSA key of {bits} bits; at most 8192 are supported.")),
        _ => document
            .error("is damaged, or of a kind that TLS clients cannot use.")
            .with_hint("Use RSA (2048 to 8192 bits), ECDSA (P-256, P-384, P-521) or Ed25519."),
    }
}

fn wipe(key: &mut PrivateKeyDer<'static>) {
    match key {
        PrivateKeyDer::Pkcs1(key) => key.zeroize(),
        PrivateKeyDer::Pkcs8(key) => key.zeroize(),
        PrivateKeyDer::Sec1(key) => key.zeroize(),
        _ => {}
    }
}
