//! The client's identity: its certificate chain and private key, checked against each other.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::sign::{CertifiedKey, SigningKey};

use super::ca_bundle::CaBundle;
use super::chain;
use super::pem::{self, Kind};
use super::private_key;
use super::source::{Document, Role, Source};
use super::x509::Certificate;
use crate::diagnose::Check;
use crate::error::{Code, Error};

/// What the client shows to the server.
pub(crate) struct Identity {
    pub(crate) certified_key: Arc<CertifiedKey>,
    pub(crate) leaf: Certificate,
    /// The last certificate that is sent; its issuer must be one that the server trusts.
    pub(crate) last: Certificate,
    /// Where the certificate came from, for messages.
    pub(crate) name: String,
}

impl Identity {
    /// Reads certificate and key. Both may be missing, one alone may not.
    pub(crate) fn read(
        certificate: Option<&Source>,
        key: Option<&Source>,
        password: Option<&str>,
        bundle: &CaBundle,
        now: SystemTime,
    ) -> Result<Option<Self>, Error> {
        let (certificate, key) = match (certificate, key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(_), None) => {
                return Err(Error::new(
                    Code::PrivateKey,
                    "A client certificate is configured without its private key.",
                ));
            }
            (None, Some(_)) => {
                return Err(Error::new(
                    Code::Certificate,
                    "A private key is configured without its client certificate.",
                ));
            }
        };
        let document = Document::read(certificate, Role::Certificate)?;
        let mut certificates = certificates(&document)?;
        let key_document = Document::read(key, Role::PrivateKey)?;
        let key = private_key::read(&key_document, password)?;

        let leaf = leaf_for(&key, &mut certificates, &document, &key_document)?;
        let links = if leaf.fields.is_some() {
            chain::complete(&leaf, certificates.iter().chain(bundle.cas()), now)
        } else {
            // Who issued it cannot be seen: the file's own order has to do.
            std::iter::once(&leaf).chain(&certificates).collect()
        };
        let last = (*links.last().unwrap_or(&&leaf)).clone();
        let chain = links.iter().map(|link| link.der.clone()).collect();
        Ok(Some(Identity {
            certified_key: Arc::new(CertifiedKey::new(chain, key)),
            last,
            leaf,
            name: document.name,
        }))
    }
}

fn certificates(document: &Document) -> Result<Vec<Certificate>, Error> {
    let blocks = pem::blocks(document)?;
    let certificates = blocks
        .iter()
        .filter(|block| block.kind() == Kind::Certificate)
        .map(|block| block.certificate(document).map(Certificate::new))
        .collect::<Result<Vec<_>, _>>()?;
    if !certificates.is_empty() {
        return Ok(certificates);
    }

    let has = |kind| blocks.iter().any(|block| block.kind() == kind);
    Err(if has(Kind::CertificateRequest) {
        document
            .error("holds a certificate signing request (CSR), not a certificate.")
            .with_hint("Send the CSR to the DCS team and use the certificate that they send back.")
    } else if has(Kind::PrivateKey) || has(Kind::EncryptedPrivateKey) {
        document
            .error("holds a private key and no certificate.")
            .with_hint(
                "Certificate and private key look exchanged: give the file that begins with BEGIN CERTIFICATE as the certificate.",
            )
    } else if has(Kind::PublicKey) {
        document.error("holds a public key, not a certificate.")
    } else {
        document.error("holds no certificate.")
    })
}

/// Takes the certificate that belongs to the key out of the list: it is the leaf, wherever it stands.
fn leaf_for(
    key: &Arc<dyn SigningKey>,
    certificates: &mut Vec<Certificate>,
    document: &Document,
    key_document: &Document,
) -> Result<Certificate, Error> {
    for (index, certificate) in certificates.iter().enumerate() {
        let pair = CertifiedKey::new(vec![certificate.der.clone()], key.clone());
        match pair.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
                return Ok(certificates.remove(index));
            }
            Err(rustls::Error::InconsistentKeys(_)) => {}
            Err(_) => {
                return Err(document.error(format!(
                    "is damaged: certificate {} in it is not a valid X.509 certificate.",
                    index + 1
                )));
            }
        }
    }
    let subject = certificates.first().map_or("", Certificate::subject);
    let short = certificates
        .first()
        .and_then(|certificate| certificate.fields.as_ref()?.rsa_bits)
        .filter(|bits| *bits < 2048);
    if let Some(bits) = short {
        return Err(document
            .error(format!(
                "({subject}) is for an RSA key of {bits} bits, which is too short to be accepted."
            ))
            .with_hint("Make a key of 2048 bits or more and ask the DCS team for a certificate for it: openssl genrsa 2048"));
    }
    Err(key_document
        .error_as(
            Code::KeyMismatch,
            format!("is not the key of {} ({subject}).", document.name),
        )
        .with_check(Check::KeyMatchesCertificate))
}
