//! The client's identity: its certificate chain and private key, checked against each other.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::sign::{CertifiedKey, SigningKey};

use super::chain;
use super::entry::EntryKind;
use super::fork_key::MaskedKey;
use super::parsed_file::ParsedFile;
use super::private_key::{self, PrivateKey};
use super::source::{LoadedFile, Role, Source};
use super::x509::Certificate;
use crate::error::Check;
use crate::error::{Code, Error};
use crate::log;

/// The certificate's file.
pub(crate) struct CertificateFile {
    /// In the file's order.
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) loaded: LoadedFile,
    pub(crate) parsed: ParsedFile,
}

/// The private key's file.
pub(crate) struct KeyFile {
    pub(crate) key: PrivateKey,
    pub(crate) loaded: LoadedFile,
    pub(crate) parsed: ParsedFile,
}

/// What the client presents to the server.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certified_key: Arc<CertifiedKey>,
    masked_key: Option<Arc<MaskedKey>>,
    /// The certificates that are sent: the leaf, then its issuers as far as they are known, without the root.
    pub(crate) links: Vec<Certificate>,
    /// The leaf's position in the certificate's file, from 0.
    pub(crate) leaf_position: usize,
    /// Where the certificate came from, for messages.
    pub(crate) name: String,
}

impl CertificateFile {
    pub(crate) fn read(source: &Source, password: Option<&str>) -> Result<Self, Error> {
        let loaded = LoadedFile::read(source, Role::Certificate)?;
        let parsed = ParsedFile::read(&loaded, password)?;
        let certificates = parsed.certificates(&loaded)?;
        if certificates.is_empty() {
            return Err(no_certificate(&loaded, &parsed));
        }
        log::emit!(
            Debug,
            FILES,
            "{}: {}, certificates: {}",
            loaded.name,
            parsed.format.name(),
            certificates.len()
        );
        Ok(CertificateFile {
            certificates,
            loaded,
            parsed,
        })
    }
}

impl KeyFile {
    pub(crate) fn read(source: &Source, password: Option<&str>) -> Result<Self, Error> {
        let loaded = LoadedFile::read(source, Role::PrivateKey)?;
        let parsed = ParsedFile::read(&loaded, password)?;
        let key = private_key::read(&loaded, &parsed, password)?;
        log::emit!(
            Debug,
            FILES,
            "{}: {}, {} key",
            loaded.name,
            parsed.format.name(),
            key.description
        );
        Ok(KeyFile {
            key,
            loaded,
            parsed,
        })
    }
}

impl Identity {
    /// Pairs certificate and key, and completes the chain from the CA certificates at hand.
    ///
    /// # Errors
    /// [`Code::KeyMismatch`] if the key belongs to none of the certificates.
    pub(crate) fn pair<'a>(
        file: &'a CertificateFile,
        key: &KeyFile,
        cas: impl Iterator<Item = &'a Certificate> + Clone,
        now: SystemTime,
    ) -> Result<Self, Error> {
        let leaf_position = leaf_position(&key.key.signing_key, file, &key.loaded)?;
        let leaf = &file.certificates[leaf_position];
        let others = file
            .certificates
            .iter()
            .enumerate()
            .filter(|(position, _)| *position != leaf_position)
            .map(|(_, certificate)| certificate);
        let links: Vec<Certificate> = if leaf.fields.is_some() {
            chain::complete(leaf, others.chain(cas), now)
                .into_iter()
                .cloned()
                .collect()
        } else {
            // Its issuer is unknown, so the file's own order has to do.
            std::iter::once(leaf).chain(others).cloned().collect()
        };
        log::emit!(
            Debug,
            FILES,
            "certificates for a server that asks, with those from the CA bundle: {}",
            links.len()
        );
        let chain = links.iter().map(|link| link.der.clone()).collect();
        Ok(Identity {
            certified_key: Arc::new(CertifiedKey::new(chain, key.key.signing_key.clone())),
            masked_key: key.key.masked.clone(),
            links,
            leaf_position,
            name: file.loaded.name.clone(),
        })
    }

    /// Returns the same with a key of its own, for a forked child: its parent may be signing with this one.
    pub(crate) fn for_child(&self) -> Result<Self, Error> {
        let key = self.masked_key.as_ref().and_then(|key| key.signing_key());
        let key = key.ok_or_else(|| {
            Error::new(
                Code::Internal,
                "The private key cannot be loaded again in a forked process.",
            )
        })?;
        let chain = self.certified_key.cert.clone();
        Ok(Identity {
            certified_key: Arc::new(CertifiedKey::new(chain, key)),
            ..self.clone()
        })
    }

    pub(crate) fn leaf(&self) -> &Certificate {
        &self.links[0]
    }
}

fn no_certificate(loaded: &LoadedFile, parsed: &ParsedFile) -> Error {
    let error = |what| loaded.error(Check::FileRole, what);
    if parsed.has(EntryKind::CertificateRequest) {
        error("contains a certificate signing request (CSR), not a certificate.")
            .with_hint("Send the CSR to the DCS team and use the certificate that they send back.")
    } else if parsed.has_private_key() {
        error("contains a private key and no certificate.").with_hint(
            "Exchange the two files: the certificate is the one that begins with BEGIN CERTIFICATE.",
        )
    } else if parsed.has(EntryKind::PublicKey) {
        error("contains a public key, not a certificate.")
    } else if parsed.has(EntryKind::TrustedCertificate) {
        error("contains a certificate with OpenSSL's trust settings (BEGIN TRUSTED CERTIFICATE), which only OpenSSL reads.")
            .with_hint("Convert it: `openssl x509 -in FILE -out NEW`.")
    } else if parsed.has(EntryKind::Crl) {
        error("contains a certificate revocation list, not a certificate.")
    } else {
        error("contains no certificate.")
    }
}

/// Returns the position of the certificate that belongs to the key: it is the leaf, wherever it stands.
fn leaf_position(
    key: &Arc<dyn SigningKey>,
    file: &CertificateFile,
    key_file: &LoadedFile,
) -> Result<usize, Error> {
    let loaded = &file.loaded;
    for (index, certificate) in file.certificates.iter().enumerate() {
        let pair = CertifiedKey::new(vec![certificate.der.clone()], key.clone());
        match pair.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
                return Ok(index);
            }
            Err(rustls::Error::InconsistentKeys(_)) => {}
            Err(_) => {
                return Err(loaded.error(
                    Check::FileFormat,
                    format!(
                        "is damaged: certificate {} in it is not a valid X.509 certificate.",
                        index + 1
                    ),
                ));
            }
        }
    }
    let first = file.certificates.first();
    let subject = first.map_or("", Certificate::subject);
    let short = first
        .and_then(|certificate| certificate.fields.as_ref()?.rsa_bits)
        .filter(|bits| *bits < 2048);
    if let Some(bits) = short {
        return Err(loaded
            .error(
                Check::KeyLength,
                format!(
                    "({subject}) is for an RSA key of {bits} bits, which is too short to be accepted."
                ),
            )
            .with_hint(Check::KeyLength.advice()));
    }
    if file.certificates.iter().all(Certificate::is_ca) {
        return Err(loaded
            .error(
                Check::FileRole,
                format!("contains CA certificates only ({subject}), and none of them is the key's."),
            )
            .with_hint("Configure the certificate that the DCS team sent you for your own request: this file looks like the CA bundle."));
    }
    Err(key_file.error_as(
        Code::KeyMismatch,
        Check::KeyMatchesCertificate,
        format!("is not the key of {} ({subject}).", loaded.name),
    ))
}
