//! The three files together, each read on its own: a fault in one hides nothing about the others.

use std::time::SystemTime;

use super::ca_bundle::CaBundle;
use super::identity::{CertificateFile, Identity, KeyFile};
use super::source::Sources;
use crate::error::Check;
use crate::error::{Code, Error};

/// The hint if the certificate is missing.
pub(crate) const CONFIGURE_CERTIFICATE: &str = "Configure the TLS client certificate that the DCS team sent you (`DCS_CERTIFICATE`, `--cert` of the command, or the option certificate).";

/// The hint if the key is missing.
pub(crate) const CONFIGURE_KEY: &str = "Configure the private key that the certificate's request was made with (`DCS_PRIVATE_KEY`, `--key` of the command, or the option private_key).";

/// The three files, each parsed or with its error.
pub(crate) struct Files {
    pub(crate) ca_bundle: Result<CaBundle, Error>,
    /// `None` if none is configured.
    pub(crate) certificate: Option<Result<CertificateFile, Error>>,
    /// `None` if none is configured and the certificate's file holds none either.
    pub(crate) private_key: Option<Result<KeyFile, Error>>,
}

impl Files {
    pub(crate) fn read(sources: &Sources) -> Self {
        let password = sources.password();
        let ca_bundle = CaBundle::read(sources.ca_bundle.as_ref(), password);
        let certificate = sources
            .certificate
            .as_ref()
            .map(|source| CertificateFile::read(source, password));
        // A file that holds both serves for both, as a PKCS#12 store usually does.
        let holds_key = matches!(&certificate, Some(Ok(file)) if file.parsed.has_private_key());
        let key_source = sources
            .private_key
            .as_ref()
            .or(sources.certificate.as_ref().filter(|_| holds_key));
        Files {
            ca_bundle,
            certificate,
            private_key: key_source.map(|source| KeyFile::read(source, password)),
        }
    }

    /// Pairs certificate and key. Both may be missing, one alone may not.
    ///
    /// # Errors
    /// What is wrong with the certificate or the key, or with the two together.
    pub(crate) fn identity(&self, now: SystemTime) -> Result<Option<Identity>, Error> {
        let (certificate, key) = match (&self.certificate, &self.private_key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(Err(error)), None) => return Err(error.clone()),
            (Some(Ok(file)), None) => {
                let what = "is configured without its private key, and holds none.";
                return Err(file
                    .loaded
                    .error_as(Code::PrivateKey, Check::FileConfigured, what)
                    .with_hint(CONFIGURE_KEY));
            }
            (None, Some(Err(error))) => return Err(error.clone()),
            (None, Some(Ok(file))) => {
                let what = "is configured without its client certificate.";
                return Err(file
                    .loaded
                    .error_as(Code::Certificate, Check::FileConfigured, what)
                    .with_hint(CONFIGURE_CERTIFICATE));
            }
        };
        let certificate = certificate.as_ref().map_err(Error::clone)?;
        let key = key.as_ref().map_err(Error::clone)?;
        let cas = self.ca_bundle.iter().flat_map(CaBundle::cas);
        Identity::pair(certificate, key, cas, now).map(Some)
    }
}
