//! The fields of a certificate as text, for reports and for `dcs inspect`.

use std::time::SystemTime;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::x509::Certificate;
use crate::datetime::{SECONDS_PER_DAY, rfc3339, unix_seconds};
use crate::redact::{self, Message};

/// Holds the fields of a certificate as text. Nothing in it is secret.
#[derive(Clone, Debug)]
pub struct CertificateSummary {
    /// The subject, in the order of RFC 4514.
    pub subject: Message,
    /// The issuer, in the order of RFC 4514.
    pub issuer: Message,
    /// Whether subject and issuer are the same name, as a root's are.
    pub is_self_issued: bool,
    /// The serial number in hexadecimal.
    pub serial: String,
    /// From when it is valid.
    pub not_before: SystemTime,
    /// Until when it is valid.
    pub not_after: SystemTime,
    /// The public key's kind and size, such as `RSA 2048` or `ECDSA P-256`.
    pub key: String,
    /// Such as `sha256WithRSAEncryption`.
    pub signature_algorithm: String,
    /// Whether it may issue certificates.
    pub is_ca: bool,
    /// The key usages, such as `digitalSignature`; empty if the certificate does not limit them.
    pub key_usage: Vec<&'static str>,
    /// The purposes, such as `clientAuth`; empty if the certificate does not limit them.
    pub extended_key_usage: Vec<String>,
    /// The host names and addresses that it is for.
    pub alternative_names: Vec<Message>,
    /// SHA-256 of the DER encoding, base64url without padding, as the service identifies certificates
    /// (RFC 7515, section 4.1.8).
    pub thumbprint: String,
}

/// Writes the certificate's fields as a report in JSON has them, without those that depend on the current time.
impl Serialize for CertificateSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.alternative_names.iter().map(Message::as_str);
        let mut fields = serializer.serialize_struct("CertificateSummary", 12)?;
        fields.serialize_field("subject", self.subject.as_str())?;
        fields.serialize_field("issuer", self.issuer.as_str())?;
        fields.serialize_field("serial", &self.serial)?;
        fields.serialize_field("not_before", &self.not_before_rfc3339())?;
        fields.serialize_field("not_after", &self.not_after_rfc3339())?;
        fields.serialize_field("key", &self.key)?;
        fields.serialize_field("signature_algorithm", &self.signature_algorithm)?;
        fields.serialize_field("is_ca", &self.is_ca)?;
        fields.serialize_field("key_usage", &self.key_usage)?;
        fields.serialize_field("extended_key_usage", &self.extended_key_usage)?;
        fields.serialize_field("alternative_names", &names.collect::<Vec<_>>())?;
        fields.serialize_field("thumbprint", &self.thumbprint)?;
        fields.end()
    }
}

impl CertificateSummary {
    /// Returns `None` for a certificate whose fields cannot be read.
    pub(crate) fn of(certificate: &Certificate) -> Option<Self> {
        let fields = certificate.fields.as_ref()?;
        let names = fields.alternative_names.iter();
        Some(CertificateSummary {
            subject: fields.subject.clone().into(),
            issuer: fields.issuer.clone().into(),
            is_self_issued: certificate.is_self_issued(),
            serial: fields.serial.clone(),
            not_before: fields.not_before,
            not_after: fields.not_after,
            key: fields.key.clone(),
            signature_algorithm: fields.signature_algorithm.clone(),
            is_ca: certificate.is_ca(),
            key_usage: fields.key_usage.clone(),
            extended_key_usage: fields.purposes.clone(),
            alternative_names: names.map(|name| redact::name(name).into()).collect(),
            thumbprint: thumbprint(&certificate.der),
        })
    }

    /// Whether it is valid at this instant.
    pub fn is_valid_at(&self, now: SystemTime) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// [`not_before`](Self::not_before) in RFC 3339, to the second; `None` for a year that it cannot write.
    pub fn not_before_rfc3339(&self) -> Option<String> {
        rfc3339(self.not_before)
    }

    /// [`not_after`](Self::not_after) in RFC 3339, to the second; `None` for a year that it cannot write.
    pub fn not_after_rfc3339(&self) -> Option<String> {
        rfc3339(self.not_after)
    }

    /// Returns whole days from `now` until it expires, rounded down: negative exactly if it has expired.
    pub fn days_left(&self, now: SystemTime) -> Option<i64> {
        let left = unix_seconds(self.not_after)?.checked_sub(unix_seconds(now)?)?;
        Some(left.div_euclid(SECONDS_PER_DAY))
    }

    pub(crate) fn redact(&mut self) {
        self.subject.redact();
        self.issuer.redact();
        self.alternative_names.iter_mut().for_each(Message::redact);
    }
}

/// How the service identifies certificates: SHA-256 of the DER, base64url without padding.
fn thumbprint(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, der))
}
