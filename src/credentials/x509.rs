//! The fields of a certificate (RFC 5280) that rustls does not provide.
//!
//! A certificate that this stricter parser cannot read is still used, but without the checks on its fields.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use x509_cert::TbsCertificate;
use x509_cert::der::{Decode, Encode, SliceReader, Tag, asn1::UintRef};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName};

use super::{oid, signature};
use crate::redact;
use crate::sanitize::printable;
use crate::sys::x509::X509;

/// The names of a certificate that are read.
const MAX_ALTERNATIVE_NAMES: usize = 50;

/// The key usages in the order of their bits (RFC 5280, section 4.2.1.3).
const KEY_USAGES: [(KeyUsages, &str); 9] = [
    (KeyUsages::DigitalSignature, "digitalSignature"),
    (KeyUsages::NonRepudiation, "nonRepudiation"),
    (KeyUsages::KeyEncipherment, "keyEncipherment"),
    (KeyUsages::DataEncipherment, "dataEncipherment"),
    (KeyUsages::KeyAgreement, "keyAgreement"),
    (KeyUsages::KeyCertSign, "keyCertSign"),
    (KeyUsages::CRLSign, "cRLSign"),
    (KeyUsages::EncipherOnly, "encipherOnly"),
    (KeyUsages::DecipherOnly, "decipherOnly"),
];

/// A certificate with the fields that could be read.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) fields: Option<Fields>,
    /// What decides about trust. `None` if it is no certificate.
    pub(crate) x509: Option<X509>,
}

/// The fields of one certificate.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    /// The subject as text, for messages: marked as private.
    pub(crate) subject: String,
    /// The issuer as text, for messages: marked as private.
    pub(crate) issuer: String,
    pub(crate) common_name: Option<String>,
    /// In hexadecimal.
    pub(crate) serial: String,
    pub(crate) issuer_der: Vec<u8>,
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
    /// Whether it may be used as a TLS client certificate.
    pub(crate) allows_client_auth: bool,
    /// Whether its key may sign, which a TLS client's does (RFC 8446, section 4.4.2.4).
    pub(crate) allows_signing: bool,
    pub(crate) key_usage: Vec<&'static str>,
    pub(crate) purposes: Vec<String>,
    pub(crate) alternative_names: Vec<String>,
    /// The public key's kind and size, such as `RSA 2048`.
    pub(crate) key: String,
    /// The size of its RSA key, if it has one.
    pub(crate) rsa_bits: Option<usize>,
    pub(crate) signature_algorithm: String,
    /// Signed with MD5 or SHA-1, which servers no longer accept.
    pub(crate) is_weakly_signed: bool,
}

impl Certificate {
    pub(crate) fn new(der: CertificateDer<'static>) -> Self {
        let x509 = X509::from_der(&der);
        let fields = Fields::read(&der);
        Certificate { der, fields, x509 }
    }

    /// Whether the extensions that decide about trust can be read.
    pub(crate) fn is_readable(&self) -> bool {
        self.x509.as_ref().is_some_and(X509::is_readable)
    }

    /// Whether it may issue certificates.
    pub(crate) fn is_ca(&self) -> bool {
        self.x509.as_ref().is_some_and(X509::is_ca)
    }

    /// Whether a server's certificate may lead to it: as to a CA, or as to the server's own.
    pub(crate) fn may_vouch(&self) -> bool {
        let names_host = |fields: &Fields| !fields.alternative_names.is_empty();
        let is_servers =
            |x509: &X509| x509.allows_server() && self.fields.as_ref().is_some_and(names_host);
        self.is_ca() || self.x509.as_ref().is_some_and(is_servers)
    }

    /// Returns the subject for a message.
    pub(crate) fn subject(&self) -> &str {
        match &self.fields {
            Some(fields) => &fields.subject,
            None => "(unreadable subject)",
        }
    }

    /// Whether `issuer` is a CA with the name and key that this certificate gives for its issuer.
    pub(crate) fn names_as_issuer(&self, issuer: &Certificate) -> bool {
        match (&self.x509, &issuer.x509) {
            (Some(own), Some(other)) => other.is_named_as_issuer_of(own) && other.is_ca(),
            _ => false,
        }
    }

    /// Whether subject and issuer are the same name.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.x509.as_ref().is_some_and(X509::is_self_issued)
    }
}

impl Fields {
    fn read(der: &[u8]) -> Option<Self> {
        let certificate = x509_cert::Certificate::from_der(der).ok()?;
        let tbs = certificate.tbs_certificate();
        let issuer_der = tbs.issuer().to_der().ok()?;
        let purposes = tbs
            .get_extension::<ExtendedKeyUsage>()
            .ok()?
            .map(|(_, usage)| usage.0.iter().map(ToString::to_string).collect::<Vec<_>>());
        let key_usage = tbs
            .get_extension::<KeyUsage>()
            .ok()?
            .map(|(_, usage)| usage.0);
        let spki = tbs.subject_public_key_info();
        let algorithm = spki.algorithm.oid.to_string();
        let rsa_bits = (algorithm == oid::RSA_ENCRYPTION)
            .then(|| {
                spki.subject_public_key
                    .as_bytes()
                    .and_then(rsa_public_key_bits)
            })
            .flatten();
        let curve = spki
            .algorithm
            .parameters
            .as_ref()
            .and_then(|parameters| parameters.decode_as::<oid::Oid>().ok())
            .map(|curve| curve.to_string());
        let signed_with = certificate.signature_algorithm().oid.to_string();
        Some(Fields {
            subject: redact::name(printable(&tbs.subject().to_string())),
            issuer: redact::name(printable(&tbs.issuer().to_string())),
            common_name: common_name(tbs),
            serial: hex(tbs.serial_number().as_bytes()),
            issuer_der,
            not_before: system_time(tbs.validity().not_before.to_unix_duration())?,
            not_after: system_time(tbs.validity().not_after.to_unix_duration())?,
            allows_client_auth: purposes.as_ref().is_none_or(|purposes| {
                purposes
                    .iter()
                    .any(|purpose| purpose == oid::CLIENT_AUTH || purpose == oid::ANY_PURPOSE)
            }),
            allows_signing: key_usage
                .is_none_or(|usage| usage.contains(KeyUsages::DigitalSignature)),
            key_usage: KEY_USAGES
                .iter()
                .filter(|(flag, _)| key_usage.is_some_and(|usage| usage.contains(*flag)))
                .map(|(_, name)| *name)
                .collect(),
            purposes: purposes
                .unwrap_or_default()
                .iter()
                .map(|purpose| oid::purpose_name(purpose).to_owned())
                .collect(),
            alternative_names: alternative_names(tbs),
            key: oid::key_name(&algorithm, curve.as_deref(), rsa_bits),
            rsa_bits,
            is_weakly_signed: signature::strength(der) == oid::Strength::Weak,
            signature_algorithm: oid::signature_name(&signed_with).to_owned(),
        })
    }

    pub(crate) fn is_valid_at(&self, now: SystemTime) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

/// A distinguished name in DER as text, safe to print.
pub(crate) fn name_text(der: &[u8]) -> Option<String> {
    let name = x509_cert::name::Name::from_der(der).ok()?;
    Some(printable(&name.to_string()))
}

fn common_name(tbs: &TbsCertificate) -> Option<String> {
    let name = tbs.subject().common_name().ok()??;
    Some(printable(name.value().as_ref()))
}

fn alternative_names(tbs: &TbsCertificate) -> Vec<String> {
    let Ok(Some((_, names))) = tbs.get_extension::<SubjectAltName>() else {
        return Vec::new();
    };
    names
        .0
        .iter()
        .filter_map(|name| match name {
            GeneralName::DnsName(name) => Some(printable(name.as_str())),
            GeneralName::IpAddress(address) => address_text(address.as_bytes()),
            _ => None,
        })
        .take(MAX_ALTERNATIVE_NAMES)
        .collect()
}

fn address_text(bytes: &[u8]) -> Option<String> {
    let address: IpAddr = match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok()?.into(),
        16 => <[u8; 16]>::try_from(bytes).ok()?.into(),
        _ => return None,
    };
    Some(address.to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The size of the modulus in an RSAPublicKey (RFC 8017, appendix A.1.1).
pub(crate) fn rsa_public_key_bits(der: &[u8]) -> Option<usize> {
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
