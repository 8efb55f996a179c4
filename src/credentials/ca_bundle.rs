//! The CA bundle: the certificates that the server's certificate must lead to.

use super::parsed_file::ParsedFile;
use super::source::{LoadedFile, Role, Source};
use super::x509::Certificate;
use crate::error::{Check, Code, Error};
use crate::log;
use crate::sys::x509::X509;

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
        if let Some(index) = bundle.certificates.iter().position(|c| c.x509.is_none()) {
            return Err(loaded.error(
                Check::FileFormat,
                format!(
                    "is damaged: certificate {} in it is not a valid X.509 certificate.",
                    index + 1
                ),
            ));
        }
        if !bundle.certificates.iter().any(Certificate::may_vouch) {
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
        for position in bundle.unreadable() {
            log::emit!(
                Warn,
                FILES,
                "{}: certificate {position} is not trusted, because an extension of it cannot be read",
                bundle.name
            );
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

    /// Returns the CA certificates.
    pub(crate) fn cas(&self) -> impl Iterator<Item = &Certificate> + Clone {
        self.certificates.iter().filter(|c| c.is_ca())
    }

    /// Returns the positions, from 1, of the certificates that are not trusted because an extension of theirs cannot be
    /// read.
    pub(crate) fn unreadable(&self) -> impl Iterator<Item = usize> {
        let certificates = self.certificates.iter().zip(1..);
        certificates
            .filter(|(c, _)| !c.is_readable())
            .map(|(_, position)| position)
    }

    /// Returns the certificates that the path of a server's certificate may end at: all that can be read. Whether one
    /// may issue the next is up to the verifier.
    pub(crate) fn anchors(&self) -> Vec<X509> {
        let readable = self.certificates.iter().filter(|c| c.is_readable());
        readable.filter_map(|c| c.x509.clone()).collect()
    }
}
