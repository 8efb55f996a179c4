//! The CA bundle: the certificates that the server's certificate must lead to.

use rustls::RootCertStore;

use super::contents::Contents;
use super::source::{Document, Role, Source};
use super::x509::Certificate;
use crate::diagnose::Check;
use crate::error::{Code, Error};
use crate::log;
use crate::transport::Anchor;

/// The parsed CA bundle.
pub(crate) struct CaBundle {
    /// Every certificate of the file, expired ones too: they stop nothing that does not need them.
    pub(crate) certificates: Vec<Certificate>,
    /// Where it came from, for messages.
    pub(crate) name: String,
    pub(crate) contents: Contents,
}

impl CaBundle {
    /// Reads and parses the bundle. One certificate that cannot be parsed is an error that names it,
    /// because a bundle that silently lost a certificate fails much later and says something else.
    pub(crate) fn read(source: Option<&Source>, password: Option<&str>) -> Result<Self, Error> {
        let Some(source) = source else {
            return Err(Error::new(
                Code::CaBundle,
                "No CA bundle is configured, so no server could be trusted.",
            )
            .with_check(Check::FileConfigured)
            .with_hint("Configure the CA bundle that the DCS team published for your environment (`DCS_CA_BUNDLE`, or `--cacert` of the command)."));
        };
        let document = Document::read(source, Role::CaBundle)?;
        let contents = Contents::read(&document, password)?;
        let certificates = contents.certificates(&document)?;

        if certificates.is_empty() {
            let kinds = contents
                .items
                .iter()
                .take(3)
                .map(|item| item.kind.words())
                .collect::<Vec<_>>()
                .join(", ");
            return Err(document.error(
                Check::FileRole,
                format!("holds no certificate, only: {kinds}."),
            ));
        }
        let bundle = CaBundle {
            certificates,
            name: document.name.clone(),
            contents,
        };
        if bundle.cas().next().is_none() {
            return Err(document.error(
                Check::BundleHasCa,
                format!(
                    "holds no CA certificate, only: {}.",
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
                document.error(
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

    /// The CA certificates. One whose fields cannot be read counts, the verifier decides on it.
    pub(crate) fn cas(&self) -> impl Iterator<Item = &Certificate> + Clone {
        self.certificates.iter().filter(|certificate| {
            certificate
                .fields
                .as_ref()
                .is_none_or(|fields| fields.is_ca)
        })
    }

    /// The trust anchors for the verifier.
    pub(crate) fn anchors(&self) -> Vec<Anchor> {
        self.cas()
            .map(|certificate| Anchor {
                der: certificate.der.clone(),
                validity: certificate
                    .fields
                    .as_ref()
                    .map(|fields| (fields.not_before, fields.not_after)),
            })
            .collect()
    }
}
