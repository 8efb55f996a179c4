//! The CA bundle: the certificates that the server's certificate must lead to.

use rustls::RootCertStore;

use super::pem::{self, Kind};
use super::source::{Document, Role, Source};
use super::x509::Certificate;
use crate::error::{Code, Error};
use crate::transport::Anchor;

/// The parsed CA bundle.
pub(crate) struct CaBundle {
    /// Every certificate of the file, expired ones too: they stop nothing that does not need them.
    pub(crate) certificates: Vec<Certificate>,
    /// Where it came from, for messages.
    pub(crate) name: String,
}

impl CaBundle {
    /// Reads and parses the bundle. One certificate that cannot be parsed is an error that names it,
    /// because a bundle that silently lost a certificate fails much later and says something else.
    pub(crate) fn read(source: Option<&Source>) -> Result<Self, Error> {
        let Some(source) = source else {
            return Err(Error::new(
                Code::CaBundle,
                "No CA bundle is configured, so no server could be trusted.",
            ));
        };
        let document = Document::read(source, Role::CaBundle)?;
        let blocks = pem::blocks(&document)?;
        let certificates = blocks
            .iter()
            .filter(|block| block.kind() == Kind::Certificate)
            .map(|block| block.certificate(&document).map(Certificate::new))
            .collect::<Result<Vec<_>, _>>()?;

        if certificates.is_empty() {
            let labels = blocks
                .iter()
                .map(|block| block.label.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            return Err(document.error(format!("holds no certificate, only: {labels}.")));
        }
        let bundle = CaBundle {
            certificates,
            name: document.name.clone(),
        };
        if bundle.cas().next().is_none() {
            return Err(document.error(format!(
                "holds no CA certificate, only: {}.",
                bundle
                    .certificates
                    .iter()
                    .take(3)
                    .map(Certificate::subject)
                    .collect::<Vec<_>>()
                    .join("; ")
            )));
        }
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
    ///
    /// # Errors
    /// [`Code::CaBundle`] where a certificate is damaged, with its number.
    pub(crate) fn anchors(&self) -> Result<Vec<Anchor>, Error> {
        let mut store = RootCertStore::empty();
        for (index, certificate) in self.certificates.iter().enumerate() {
            store.add(certificate.der.clone()).map_err(|_| {
                Error::new(
                    Code::CaBundle,
                    format!(
                        "Certificate {} of {} is damaged: it is not a valid X.509 certificate.",
                        index + 1,
                        self.name
                    ),
                )
            })?;
        }
        Ok(self
            .cas()
            .map(|certificate| Anchor {
                der: certificate.der.clone(),
                validity: certificate
                    .fields
                    .as_ref()
                    .map(|fields| (fields.not_before, fields.not_after)),
            })
            .collect())
    }
}
