//! The fields of a certificate (RFC 5280) that rustls does not hand out.
//!
//! A certificate that this stricter parser cannot read is still used: it only goes without the insight.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use x509_cert::der::{Decode, Encode, SliceReader, Tag, asn1::UintRef};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, SubjectKeyIdentifier,
};

/// Two object identifiers that decide on client authentication (RFC 5280, section 4.2.1.12).
const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
const ANY_PURPOSE: &str = "2.5.29.37.0";
const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";

/// The longest subject that goes into a message.
const MAX_NAME_CHARS: usize = 200;

/// A certificate with what could be read of it.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) fields: Option<Fields>,
}

/// The fields of one certificate.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    /// The subject as text, safe to print.
    pub(crate) subject: String,
    /// The issuer as text, safe to print.
    pub(crate) issuer: String,
    subject_der: Vec<u8>,
    issuer_der: Vec<u8>,
    subject_key_id: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
    /// Whether it may issue certificates. A version 1 certificate cannot say, so a self-issued one counts.
    pub(crate) is_ca: bool,
    /// Whether it may be used as a TLS client certificate.
    pub(crate) allows_client_auth: bool,
    /// The size of its RSA key, where it has one.
    pub(crate) rsa_bits: Option<usize>,
}

impl Certificate {
    pub(crate) fn new(der: CertificateDer<'static>) -> Self {
        let fields = Fields::read(&der);
        Certificate { der, fields }
    }

    /// The subject for a message.
    pub(crate) fn subject(&self) -> &str {
        match &self.fields {
            Some(fields) => &fields.subject,
            None => "(unreadable subject)",
        }
    }

    /// Whether `issuer` has the name and key that this certificate gives for its issuer.
    pub(crate) fn names_as_issuer(&self, issuer: &Certificate) -> bool {
        let (Some(own), Some(other)) = (&self.fields, &issuer.fields) else {
            return false;
        };
        let keys_agree = match (&own.authority_key_id, &other.subject_key_id) {
            (Some(wanted), Some(got)) => wanted == got,
            _ => true,
        };
        own.issuer_der == other.subject_der && keys_agree && other.is_ca
    }

    /// Whether subject and issuer are the same name.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.fields
            .as_ref()
            .is_some_and(|fields| fields.subject_der == fields.issuer_der)
    }
}

impl Fields {
    fn read(der: &[u8]) -> Option<Self> {
        let certificate = x509_cert::Certificate::from_der(der).ok()?;
        let tbs = certificate.tbs_certificate();
        let subject_der = tbs.subject().to_der().ok()?;
        let issuer_der = tbs.issuer().to_der().ok()?;
        let constraints = tbs.get_extension::<BasicConstraints>().ok()?;
        let is_ca = match constraints {
            Some((_, constraints)) => constraints.ca,
            None => {
                tbs.version() == x509_cert::certificate::Version::V1 && subject_der == issuer_der
            }
        };
        let allows_client_auth = match tbs.get_extension::<ExtendedKeyUsage>().ok()? {
            Some((_, usage)) => usage.0.iter().any(|purpose| {
                let purpose = purpose.to_string();
                purpose == CLIENT_AUTH || purpose == ANY_PURPOSE
            }),
            None => true,
        };
        let key = tbs.subject_public_key_info();
        let rsa_bits = (key.algorithm.oid.to_string() == RSA_ENCRYPTION)
            .then(|| {
                key.subject_public_key
                    .as_bytes()
                    .and_then(rsa_public_key_bits)
            })
            .flatten();
        Some(Fields {
            subject: printable(&tbs.subject().to_string()),
            issuer: printable(&tbs.issuer().to_string()),
            subject_key_id: tbs
                .get_extension::<SubjectKeyIdentifier>()
                .ok()?
                .map(|(_, id)| id.0.as_bytes().to_vec()),
            authority_key_id: tbs
                .get_extension::<AuthorityKeyIdentifier>()
                .ok()?
                .and_then(|(_, id)| id.key_identifier)
                .map(|id| id.as_bytes().to_vec()),
            subject_der,
            issuer_der,
            not_before: system_time(tbs.validity().not_before.to_unix_duration())?,
            not_after: system_time(tbs.validity().not_after.to_unix_duration())?,
            is_ca,
            allows_client_auth,
            rsa_bits,
        })
    }

    pub(crate) fn is_valid_at(&self, now: SystemTime) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

/// The size of the modulus in an RSAPublicKey (RFC 8017, appendix A.1.1).
fn rsa_public_key_bits(der: &[u8]) -> Option<usize> {
    rsa_modulus_bits(der, 0)
}

/// The size of the modulus in an RSAPrivateKey (RFC 8017, appendix A.1.2).
pub(crate) fn rsa_private_key_bits(der: &[u8]) -> Option<usize> {
    rsa_modulus_bits(der, 1)
}

/// The size of the modulus, which comes after `skip` other integers.
fn rsa_modulus_bits(der: &[u8], skip: usize) -> Option<usize> {
    let mut reader = SliceReader::new(der).ok()?;
    let header = x509_cert::der::Header::decode(&mut reader).ok()?;
    if header.tag() != Tag::Sequence {
        return None;
    }
    for _ in 0..skip {
        UintRef::decode(&mut reader).ok()?;
    }
    let modulus = UintRef::decode(&mut reader).ok()?;
    let bytes = modulus.as_bytes();
    let leading = bytes.first()?.leading_zeros() as usize;
    Some(bytes.len() * 8 - leading)
}

fn system_time(since_epoch: Duration) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(since_epoch)
}

/// A name from outside, cut and without control characters, so that it can stand in a message.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .take(MAX_NAME_CHARS)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// The day of an instant, such as `2026-11-24`.
pub(crate) fn day(time: SystemTime) -> String {
    match jiff::Timestamp::try_from(time) {
        Ok(time) => time.to_string().chars().take(10).collect(),
        Err(_) => "(a date out of range)".into(),
    }
}
