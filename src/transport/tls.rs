//! The TLS configuration, built once for a client: a session can be resumed only under the configuration that it was
//! created under.

mod client_identity;
mod verifier;

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::{CipherSuite, ClientConfig, SignatureScheme, SupportedProtocolVersion};

use super::p521::Secp521r1;
use super::sessions::{Sessions, Tls12Sessions};
use crate::credentials::Identity;
use crate::error::{Code, Error};
use crate::sys::x509::X509;
use client_identity::IdentityResolver;
pub(super) use verifier::Verifier;

/// The versions that a handshake offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Versions {
    Tls13And12,
    /// For resuming a session of that version.
    Tls12,
}

/// What the TLS connections of one client share.
pub(crate) struct Tls {
    tls13_and_12: Arc<ClientConfig>,
    tls12: Arc<ClientConfig>,
    pub(crate) sessions: Arc<Sessions>,
    identity: Arc<IdentityResolver>,
}

impl Tls {
    /// Builds the configurations.
    ///
    /// The crypto provider is passed explicitly: no process-wide one is installed or used.
    pub(crate) fn new(anchors: &[X509], identity: Option<&Identity>) -> Result<Self, Error> {
        let mut provider = aws_lc_rs::default_provider();
        let signs_on_p521 = identity.is_some_and(|identity| {
            identity
                .certified_key
                .key
                .choose_scheme(&[SignatureScheme::ECDSA_NISTP521_SHA512])
                .is_some()
        });
        if signs_on_p521 {
            provider.kx_groups.push(&Secp521r1);
        }
        // Suites with AES-128 first: both sizes are recommended, and a server that leaves the choice to the client
        // gets the suite whose hash (SHA-256) processors have instructions for. A TLS 1.2 handshake that resumes a
        // session is mostly hashing.
        provider
            .cipher_suites
            .sort_by_key(|suite| !is_aes_128(suite.suite()));
        let provider = Arc::new(provider);
        let verifier = Arc::new(Verifier::new(provider.clone(), anchors)?);
        let identity = Arc::new(IdentityResolver::new(identity));
        let build = |versions: &[&'static SupportedProtocolVersion]| {
            let config = ClientConfig::builder_with_provider(provider.clone())
                .with_protocol_versions(versions)
                .map_err(|error| {
                    Error::new(Code::Internal, format!("TLS cannot be set up: {error}."))
                })?
                .dangerous()
                .with_custom_certificate_verifier(verifier.clone())
                .with_client_cert_resolver(identity.clone());
            Ok::<_, Error>(config)
        };
        let sessions = Arc::new(Sessions::default());
        let mut tls13_and_12 = build(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        tls13_and_12.resumption = Resumption::store(sessions.clone());
        let mut tls12 = build(&[&rustls::version::TLS12])?;
        tls12.resumption = Resumption::store(Arc::new(Tls12Sessions(sessions.clone())));
        Ok(Tls {
            tls13_and_12: Arc::new(tls13_and_12),
            tls12: Arc::new(tls12),
            sessions,
            identity,
        })
    }

    /// Returns the configuration that offers these versions. All share the sessions.
    pub(crate) fn config(&self, versions: Versions) -> &Arc<ClientConfig> {
        match versions {
            Versions::Tls13And12 => &self.tls13_and_12,
            Versions::Tls12 => &self.tls12,
        }
    }

    /// Returns whether the server named one of the client certificate's issuers among the CAs that it accepts, in the
    /// last handshake that asked for the certificate. `None` if it named no CAs.
    pub(crate) fn issuer_known(&self) -> Option<bool> {
        self.identity.issuer_known()
    }
}

fn is_aes_128(suite: CipherSuite) -> bool {
    matches!(
        suite,
        CipherSuite::TLS13_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    )
}
