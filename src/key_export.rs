//! Converts private keys to PKCS#8 DER, which the service's documentation asks for.

use std::path::Path;

use zeroize::Zeroizing;

use crate::config::Config;
use crate::credentials::parsed_file::ParsedFile;
use crate::credentials::source::{LoadedFile, Role, Source};
use crate::credentials::{pkcs8, private_key};
use crate::error::Check;
use crate::error::{Code, Error};

/// Converts a private key, in any form that a client accepts, to unencrypted PKCS#8 in DER: the bytes that
/// `openssl pkcs8 -topk8 -nocrypt -outform DER` writes.
///
/// # Errors
/// [`Code::PrivateKey`] if the data holds no usable key, or more than one;
/// [`Code::Password`] if it is encrypted and the password is missing or wrong.
pub fn private_key_to_pkcs8_der(
    data: &[u8],
    password: Option<&str>,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    convert(&Source::content(data, None), password)
}

/// As [`private_key_to_pkcs8_der`], for a file.
///
/// # Errors
/// As [`private_key_to_pkcs8_der`], and [`Code::File`] if the file cannot be read.
pub fn private_key_file_to_pkcs8_der(
    path: impl AsRef<Path>,
    password: Option<&str>,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    convert(&Source::File(path.as_ref().to_owned()), password)
}

impl Config {
    /// As [`private_key_to_pkcs8_der`], for the configured private key, with its password.
    ///
    /// # Errors
    /// As [`private_key_file_to_pkcs8_der`]; [`Code::PrivateKey`] also if no private key is configured.
    pub fn private_key_to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let source = self.sources.private_key.as_ref().ok_or_else(|| {
            Error::new(Code::PrivateKey, "No private key is configured.")
                .with_check(Check::FileConfigured)
        })?;
        convert(source, self.sources.password())
    }
}

fn convert(source: &Source, password: Option<&str>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let loaded = LoadedFile::read(source, Role::PrivateKey)?;
    let parsed = ParsedFile::read(&loaded, password)?;
    let entry = private_key::only_key(&loaded, &parsed)?;
    let mut key = private_key::decode(entry, &loaded, password)?;
    let converted = pkcs8::encode(&key);
    private_key::wipe(&mut key);
    converted.ok_or_else(|| {
        loaded
            .error(
                Check::KeySupported,
                "is damaged, or of a kind that TLS clients cannot use.",
            )
            .with_hint("Use RSA, ECDSA (P-256, P-384, P-521) or Ed25519.")
    })
}
