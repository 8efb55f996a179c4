//! Creates the testbed's certificates and CRLs, with their names, dates, serial numbers and extensions.

use std::cell::Cell;
use std::net::Ipv4Addr;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData,
    RevocationReason, RevokedCertParams, SanType, SerialNumber, SigningKey,
};
use time::{Duration, OffsetDateTime};

use crate::error::Error;

/// A CA's certificate and key.
pub(crate) type Ca = CertifiedIssuer<'static, KeyPair>;

/// When a certificate is valid, relative to now.
#[derive(Clone, Copy)]
pub(crate) enum Validity {
    Current,
    /// For another week and an hour, which is seven whole days during the tests.
    Expiring,
    Expired,
    NotYet,
}

/// Sets another name than that of the convention.
pub(crate) fn named(
    mut params: CertificateParams,
    organization: &str,
    common_name: &str,
) -> CertificateParams {
    let name = &mut params.distinguished_name;
    name.push(DnType::OrganizationName, organization);
    name.push(DnType::CommonName, common_name);
    params
}

/// Creates certificates with the date of this run and with serial numbers of their own.
///
/// rcgen would derive the serial number from the key, so that certificates with the same key would be revoked together.
pub(crate) struct Mint {
    now: OffsetDateTime,
    serial: Cell<u64>,
    localhost: Ia5String,
}

impl Mint {
    pub(crate) fn new() -> Result<Self, Error> {
        let now = OffsetDateTime::now_utc();
        Ok(Self {
            // X.509 has whole seconds.
            now: now.replace_nanosecond(0).unwrap_or(now),
            serial: Cell::new(0x1000_0000_0000_0000),
            localhost: "localhost".try_into()?,
        })
    }

    /// Returns the common parts of a certificate. The common name follows the DCS's convention: organisation, use,
    /// environment, date.
    pub(crate) fn params(&self, usage: &str, validity: Validity) -> CertificateParams {
        let (from, to) = match validity {
            Validity::Current => (Duration::days(-1), Duration::days(365)),
            Validity::Expiring => (Duration::days(-358), Duration::days(7) + Duration::HOUR),
            Validity::Expired => (Duration::days(-400), Duration::days(-30)),
            Validity::NotYet => (Duration::days(30), Duration::days(400)),
        };
        let mut params = CertificateParams::default();
        params.not_before = self.now + from;
        params.not_after = self.now + to;
        params.serial_number = Some(SerialNumber::from(self.serial.get()));
        self.serial.set(self.serial.get() + 1);
        params.use_authority_key_identifier_extension = true;
        let name = &mut params.distinguished_name;
        // rcgen's default name.
        name.remove(DnType::CommonName);
        name.push(DnType::OrganizationName, "Example Org");
        name.push(
            DnType::CommonName,
            format!(
                "Example Org {usage} Integration {}",
                params.not_before.date()
            ),
        );
        params
    }

    pub(crate) fn ca(&self, usage: &str, validity: Validity) -> CertificateParams {
        let mut params = self.params(usage, validity);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    }

    pub(crate) fn tls(
        &self,
        validity: Validity,
        purpose: ExtendedKeyUsagePurpose,
    ) -> CertificateParams {
        let mut params = self.params("TLS", validity);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages = vec![purpose];
        params
    }

    pub(crate) fn client(&self, validity: Validity) -> CertificateParams {
        self.tls(validity, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// Returns a valid client certificate as PEM.
    pub(crate) fn client_leaf(
        &self,
        key: &impl PublicKeyData,
        issuer: &Ca,
    ) -> Result<String, Error> {
        Ok(self.client(Validity::Current).signed_by(key, issuer)?.pem())
    }

    /// Returns the certificate for signing messages. Without an extended key usage, a TLS server accepts it too.
    pub(crate) fn json_signing(&self) -> CertificateParams {
        let mut params = self.params("JSON Signing", Validity::Current);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params
    }

    pub(crate) fn server(&self, validity: Validity) -> CertificateParams {
        let mut params = self.tls(validity, ExtendedKeyUsagePurpose::ServerAuth);
        params.subject_alt_names = vec![
            SanType::DnsName(self.localhost.clone()),
            SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
        ];
        params
    }

    pub(crate) fn crl(
        &self,
        issuer: &Issuer<'_, impl SigningKey>,
        revoked: &[SerialNumber],
    ) -> Result<String, Error> {
        let params = CertificateRevocationListParams {
            this_update: self.now - Duration::days(1),
            next_update: self.now + Duration::days(365),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked
                .iter()
                .map(|serial| RevokedCertParams {
                    serial_number: serial.clone(),
                    revocation_time: self.now - Duration::hours(1),
                    reason_code: Some(RevocationReason::KeyCompromise),
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(issuer)?.pem()?)
    }
}
