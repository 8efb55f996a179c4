//! The TLS configuration: built once for a client, because a session is only resumed under the very
//! configuration it was made with.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::credentials::x509::Certificate;
use crate::error::{Code, Error};

/// A client talks to one server; TLS 1.3 tickets are counted apart from this (eight a server).
const SESSIONS: usize = 8;

/// What happened about the client certificate in a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientAuth {
    /// The server asked for a certificate.
    pub(crate) asked: bool,
    /// One was sent.
    pub(crate) sent: bool,
}

thread_local! {
    /// The handshake that this thread is in. A handshake runs in one thread from begin to end, and the
    /// resolver is not told which connection it is asked for.
    static CLIENT_AUTH: Cell<ClientAuth> = const { Cell::new(ClientAuth { asked: false, sent: false }) };
}

/// Forgets what the thread's last handshake noted.
pub(crate) fn begin_handshake() {
    CLIENT_AUTH.set(ClientAuth::default());
}

/// What the thread's handshake has noted since [`begin_handshake`].
pub(crate) fn client_auth() -> ClientAuth {
    CLIENT_AUTH.get()
}

/// Shows the client's certificate, and notes whether the server asked for one.
struct IdentityResolver(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for IdentityResolver {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // With no scheme in common rustls would send an empty certificate and say nothing.
        let usable = self
            .0
            .as_ref()
            .filter(|identity| identity.key.choose_scheme(schemes).is_some());
        CLIENT_AUTH.set(ClientAuth {
            asked: true,
            sent: usable.is_some(),
        });
        usable.cloned()
    }

    fn has_certs(&self) -> bool {
        // Also without one: being asked is worth knowing.
        true
    }
}

impl fmt::Debug for IdentityResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = if self.0.is_some() { "set" } else { "none" };
        write!(f, "IdentityResolver({known})")
    }
}

/// rustls' own verification, which on failure also notes whose certificate it was that failed: rustls
/// does not tell afterwards.
#[derive(Debug)]
pub(crate) struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    /// Written and taken by the same thread, so that calls at the same time keep apart.
    refused: Mutex<HashMap<ThreadId, Refused>>,
}

/// The server's certificate that was refused.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    /// The certificate is one of the CA bundle itself or issued by itself.
    pub(crate) self_issued: bool,
}

impl Verifier {
    /// The certificate that this thread's handshake refused.
    pub(crate) fn take_refused(&self) -> Option<Refused> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&thread::current().id())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.inner
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .inspect_err(|_| {
                let certificate = Certificate::new(end_entity.clone().into_owned());
                let refused = Refused {
                    subject: certificate.subject().to_owned(),
                    issuer: certificate
                        .fields
                        .as_ref()
                        .map_or_else(|| "(unreadable)".to_owned(), |f| f.issuer.clone()),
                    self_issued: certificate.is_self_issued(),
                };
                self.refused
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(thread::current().id(), refused);
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Builds the configuration and its verifier.
///
/// The provider is given by hand: nothing process-wide is installed or asked for.
pub(crate) fn configure(
    roots: RootCertStore,
    identity: Option<Arc<CertifiedKey>>,
) -> Result<(Arc<ClientConfig>, Arc<Verifier>), Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| {
            Error::new(
                Code::CaBundle,
                format!("The CA bundle is not usable: {error}."),
            )
        })?;
    let verifier = Arc::new(Verifier {
        inner,
        refused: Mutex::default(),
    });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| Error::new(Code::Internal, format!("TLS cannot be set up: {error}.")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_client_cert_resolver(Arc::new(IdentityResolver(identity)));
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok((Arc::new(config), verifier))
}
