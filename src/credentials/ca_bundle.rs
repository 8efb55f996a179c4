//! The CA bundle: the certificates that the server's certificate must lead to.

use std::time::SystemTime;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::parsed_file::ParsedFile;
use super::source::{LoadedFile, Role, Source};
use super::x509::Certificate;
use crate::error::{Check, Code, Error};
use crate::log;

/// A CA certificate of the bundle, with the time in which it may vouch for others.
pub(crate) struct TrustAnchor {
    pub(crate) der: CertificateDer<'static>,
    /// `None` if the dates cannot be read; it then counts as valid.
    pub(crate) validity: Option<(SystemTime, SystemTime)>,
}

impl TrustAnchor {
    pub(crate) fn is_valid_at(&self, now: SystemTime) -> bool {
        self.validity
            .is_none_or(|(from, to)| from <= now && now <= to)
    }
}

/// The parsed CA bundle.
pub(crate) struct CaBundle {
    /// Every certificate of the file. Expired ones too: they do no harm to a path that does not need them.
    pub(crate) certificates: Vec<Certificate>,
    /// Where it came from, for messages.
    pub(crate) name: String,
    pub(crate) parsed: ParsedFile,
}

impl CaBundle {
    /// Reads and parses the bundle. One certificate that cannot be parsed is an error that names it,
    /// because a bundle that silently lost a certificate fails much later and says something else.
    pub(crate) fn read(source: Option<&Source>, password: Option<&str>) -> Result<Self, Error> {
        let Some(source) = source else {
            return Err(Error::new(
                Code::CaBundle,
                "No CA bundle is configured, so no server can be trusted.",
            )
            .with_check(Check::FileConfigured)
            .with_hint("Configure the CA bundle that the DCS team published for your environment (`DCS_CA_BUNDLE`, or `--cacert` of the command)."));
        };
        let loaded = LoadedFile::read(source, Role::CaBundle)?;
        let parsed = ParsedFile::read(&loaded, password)?;
        let certificates = parsed.certificates(&loaded)?;

        if certificates.is_empty() {
            let kinds = parsed
                .entries
                .iter()
                .take(3)
                .map(|entry| entry.kind.description())
                .collect::<Vec<_>>()
                .join(", ");
            return Err(loaded.error(
                Check::FileRole,
                format!("contains no certificate, only: {kinds}."),
            ));
        }
        let bundle = CaBundle {
            certificates,
            name: loaded.name.clone(),
            parsed,
        };
        if bundle.cas().next().is_none() {
            return Err(loaded.error(
                Check::BundleHasCa,
                format!(
                    "contains no CA certificate, only: {}.",
                    bundle
                        .certificates
                        .iter()
                        .take(3)
                        .map(Certificate::subject)
                        .collect::<Vec<_>>()
                        .join("; ")
                ),
            ));
        }
        for (index, certificate) in bundle.certificates.iter().enumerate() {
            let mut store = RootCertStore::empty();
            store.add(certificate.der.clone()).map_err(|_| {
                loaded.error(
                    Check::FileFormat,
                    format!(
                        "is damaged: certificate {} in it is not a valid X.509 certificate.",
                        index + 1
                    ),
                )
            })?;
        }
        log::emit!(
            Debug,
            FILES,
            "{}: certificates: {}, of them CAs: {}",
            bundle.name,
            bundle.certificates.len(),
            bundle.cas().count()
        );
        Ok(bundle)
    }

    /// Returns the CA certificates. One whose fields cannot be read counts as one: the verifier decides on it.
    pub(crate) fn cas(&self) -> impl Iterator<Item = &Certificate> + Clone {
        self.certificates.iter().filter(|certificate| {
            certificate
                .fields
                .as_ref()
                .is_none_or(|fields| fields.is_ca)
        })
    }

    /// Returns the trust anchors for the verifier.
    pub(crate) fn anchors(&self) -> Vec<TrustAnchor> {
        self.cas()
            .map(|certificate| TrustAnchor {
                der: certificate.der.clone(),
                validity: certificate
                    .fields
                    .as_ref()
                    .map(|fields| (fields.not_before, fields.not_after)),
            })
            .collect()
    }
}
