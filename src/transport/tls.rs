//! The TLS configuration: built once for a client, because a session is only resumed under the very
//! configuration it was made with.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, CipherSuite, ClientConfig, DigitallySignedStruct, RootCertStore,
    SignatureScheme, SupportedProtocolVersion,
};

use super::p521::Secp521r1;
use super::sessions::{Sessions, Tls12Sessions};
use crate::credentials::x509::Certificate;
use crate::credentials::{Identity, TrustAnchor};
use crate::error::{Code, Error};
use crate::handshake::{self, ClientAuth};
use crate::log;

/// Shows the client's certificate, and notes whether the server asked for one and which CAs it accepts.
pub(crate) struct IdentityResolver {
    key: Option<Arc<CertifiedKey>>,
    /// The names that the certificates which are sent give for their issuers, in DER.
    issuers: Vec<Vec<u8>>,
    issuer_known: AtomicU8,
}

/// The states of [`IdentityResolver::issuer_known`].
const UNKNOWN: u8 = 0;
const KNOWN: u8 = 1;
const FOREIGN: u8 = 2;

impl IdentityResolver {
    fn new(identity: Option<&Identity>) -> Self {
        let links = identity.map_or(&[][..], |identity| &identity.links);
        IdentityResolver {
            key: identity.map(|identity| identity.certified_key.clone()),
            issuers: links
                .iter()
                .filter_map(|link| Some(link.fields.as_ref()?.issuer_der.clone()))
                .collect(),
            issuer_known: AtomicU8::new(UNKNOWN),
        }
    }

    pub(crate) fn issuer_known(&self) -> Option<bool> {
        match self.issuer_known.load(Ordering::Relaxed) {
            KNOWN => Some(true),
            FOREIGN => Some(false),
            _ => None,
        }
    }
}

impl ResolvesClientCert for IdentityResolver {
    fn resolve(&self, cas: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // With no scheme in common rustls would send an empty certificate and say nothing.
        let usable = self
            .key
            .as_ref()
            .filter(|identity| identity.key.choose_scheme(schemes).is_some());
        handshake::set_client_auth(ClientAuth {
            asked: true,
            sent: usable.is_some(),
        });
        let is_known = self
            .issuers
            .iter()
            .any(|issuer| cas.contains(&issuer.as_slice()));
        let verdict = match (cas.is_empty() || self.issuers.is_empty(), is_known) {
            (true, _) => UNKNOWN,
            (false, true) => KNOWN,
            (false, false) => FOREIGN,
        };
        self.issuer_known.store(verdict, Ordering::Relaxed);
        handshake::record(|capture| {
            capture.accepted_cas = cas.iter().map(|ca| ca.to_vec()).collect()
        });
        log::emit!(
            Debug,
            TLS,
            "the server asks for a client certificate and names {} CAs; {}",
            cas.len(),
            match (&self.key, usable) {
                (_, Some(_)) => "this client has one to send",
                (None, None) => "none is configured",
                (Some(_), None) => "the configured key signs in no way that the server accepts",
            }
        );
        usable.cloned()
    }

    fn has_certs(&self) -> bool {
        // Also without one: being asked is worth knowing.
        true
    }
}

impl fmt::Debug for IdentityResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = if self.key.is_some() { "set" } else { "none" };
        write!(f, "IdentityResolver({known})")
    }
}

/// rustls' own verification, with two additions.
///
/// - rustls takes every certificate of the bundle for a trust anchor and does not look at an anchor's
///   dates. Here an expired one vouches for nobody, as OpenSSL has it, and stops nothing that does not
///   need it.
/// - On failure it notes whose certificate it was that failed: rustls does not tell afterwards.
pub(crate) struct Verifier {
    provider: Arc<CryptoProvider>,
    anchors: Arc<[TrustAnchor]>,
    /// The verifier that trusts all anchors, whatever their dates; `None` where there are none.
    undated: Option<Arc<WebPkiServerVerifier>>,
    /// The verifier of the anchors that are valid, with which ones these are.
    dated: Mutex<Dated>,
    /// Written and taken by the same thread, so that calls at the same time keep apart.
    refused: Mutex<HashMap<usize, RejectedServerCert>>,
}

struct Dated {
    valid: Vec<bool>,
    /// `None` where no anchor is valid.
    verifier: Option<Arc<WebPkiServerVerifier>>,
}

/// The server's certificate that was refused.
#[derive(Debug)]
pub(crate) struct RejectedServerCert {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) self_issued: bool,
    /// It leads to CA certificates of the bundle that have expired or are not valid yet.
    pub(crate) outdated_ca: bool,
}

impl Verifier {
    /// Without anchors it trusts nobody, which a diagnosis without a usable CA bundle makes do with.
    pub(crate) fn new(
        provider: Arc<CryptoProvider>,
        anchors: Arc<[TrustAnchor]>,
    ) -> Result<Self, Error> {
        let undated = if anchors.is_empty() {
            None
        } else {
            let verifier = build(&provider, anchors.iter()).map_err(|error| {
                Error::new(
                    Code::CaBundle,
                    format!("The CA bundle is not usable: {error}."),
                )
            })?;
            Some(verifier)
        };
        Ok(Verifier {
            dated: Mutex::new(Dated {
                valid: vec![true; anchors.len()],
                verifier: undated.clone(),
            }),
            provider,
            anchors,
            undated,
            refused: Mutex::default(),
        })
    }

    /// The certificate that this thread's handshake refused.
    pub(crate) fn take_refused(&self) -> Option<RejectedServerCert> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&handshake::this_thread())
    }

    /// The verifier of the anchors that are valid now, built anew only when one of them expires.
    fn dated(&self, now: SystemTime) -> Option<Arc<WebPkiServerVerifier>> {
        let valid: Vec<bool> = self.anchors.iter().map(|a| a.is_valid_at(now)).collect();
        let mut dated = self.dated.lock().unwrap_or_else(PoisonError::into_inner);
        if dated.valid != valid {
            let anchors = self.anchors.iter().filter(|a| a.is_valid_at(now));
            *dated = Dated {
                valid,
                verifier: build(&self.provider, anchors).ok(),
            };
        }
        dated.verifier.clone()
    }

    fn note(&self, end_entity: &CertificateDer<'_>, outdated_ca: bool) {
        let certificate = Certificate::new(end_entity.clone().into_owned());
        let refused = RejectedServerCert {
            subject: certificate.subject().to_owned(),
            issuer: certificate
                .fields
                .as_ref()
                .map_or_else(|| "(unreadable)".to_owned(), |f| f.issuer.clone()),
            self_issued: certificate.is_self_issued(),
            outdated_ca,
        };
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(handshake::this_thread(), refused);
    }
}

/// A certificate's subject and issuer for the log; it is parsed only where it is shown.
struct Shown<'a>(&'a CertificateDer<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificate = Certificate::new(self.0.clone().into_owned());
        let issuer = certificate.fields.as_ref().map(|f| f.issuer.as_str());
        write!(
            f,
            "'{}' by '{}'",
            certificate.subject(),
            issuer.unwrap_or("(unreadable)")
        )
    }
}

fn build<'a>(
    provider: &Arc<CryptoProvider>,
    anchors: impl Iterator<Item = &'a TrustAnchor>,
) -> Result<Arc<WebPkiServerVerifier>, VerifierBuilderError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(anchors.map(|anchor| anchor.der.clone()));
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build()
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
        handshake::record(|capture| {
            let intermediates = intermediates.iter().map(|der| der.clone().into_owned());
            capture.server_chain = std::iter::once(end_entity.clone().into_owned())
                .chain(intermediates)
                .collect();
        });
        let verify = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        let verdict = match self.dated(UNIX_EPOCH + Duration::from_secs(now.as_secs())) {
            Some(verifier) => verify(&verifier),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        log::emit!(
            Debug,
            TLS,
            "the server's certificate is {}: {}",
            Shown(end_entity),
            match &verdict {
                Ok(_) => "accepted".to_owned(),
                Err(error) => format!("refused: {error}"),
            }
        );
        verdict.inspect_err(|_| {
            let undated = self.undated.as_ref();
            self.note(
                end_entity,
                undated.is_some_and(|undated| verify(undated).is_ok()),
            );
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({} CA certificates)", self.anchors.len())
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

/// What the connections of one client share.
pub(crate) struct Tls {
    /// Offers all that there is.
    pub(crate) config: Arc<ClientConfig>,
    /// Offers TLS 1.2 only, for resuming a session of that version. It shares the sessions.
    pub(crate) tls12: Arc<ClientConfig>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) identity: Arc<IdentityResolver>,
}

/// Builds the configuration and what it asks.
///
/// The provider is given by hand: nothing process-wide is installed or asked for.
pub(crate) fn configure(
    anchors: Arc<[TrustAnchor]>,
    identity: Option<&Identity>,
) -> Result<Tls, Error> {
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
    // Both are recommended, and a server that leaves the choice to the client gets the one whose hash (SHA-256)
    // processors have instructions for: a TLS 1.2 handshake is mostly hashing where it resumes a session.
    provider
        .cipher_suites
        .sort_by_key(|suite| !is_aes_128(suite.suite()));
    let provider = Arc::new(provider);
    let verifier = Arc::new(Verifier::new(provider.clone(), anchors)?);
    let identity = Arc::new(IdentityResolver::new(identity));
    let build = |versions: &[&'static SupportedProtocolVersion]| {
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .map_err(|error| Error::new(Code::Internal, format!("TLS cannot be set up: {error}.")))?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_client_cert_resolver(identity.clone());
        Ok::<_, Error>(config)
    };
    let mut config = build(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
    let sessions = Arc::new(Sessions::default());
    config.resumption = Resumption::store(sessions.clone());
    let mut tls12 = build(&[&rustls::version::TLS12])?;
    tls12.resumption = Resumption::store(Arc::new(Tls12Sessions(sessions.clone())));
    Ok(Tls {
        config: Arc::new(config),
        tls12: Arc::new(tls12),
        sessions,
        verifier,
        identity,
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
        date_time_ymd,
    };

    use super::*;

    /// A CA that was valid in the given years, and a server certificate by it.
    fn ca_and_leaf(from: i32, to: i32) -> (TrustAnchor, CertificateDer<'static>) {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("CA {from} to {to}"));
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        let leaf = CertificateParams::new(vec!["localhost".into()])
            .unwrap()
            .signed_by(&KeyPair::generate().unwrap(), &issuer)
            .unwrap();
        let fields = Certificate::new(ca.clone()).fields.unwrap();
        let anchor = TrustAnchor {
            der: ca,
            validity: Some((fields.not_before, fields.not_after)),
        };
        (anchor, leaf.der().clone())
    }

    fn verify(verifier: &Verifier, leaf: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let name = ServerName::try_from("localhost").unwrap();
        verifier
            .verify_server_cert(leaf, &[], &name, &[], UnixTime::now())
            .map(|_| ())
    }

    #[test]
    fn an_expired_ca_vouches_for_nobody_and_stops_nothing_else() {
        let (expired, by_expired) = ca_and_leaf(2000, 2001);
        let (valid, by_valid) = ca_and_leaf(2000, 4000);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Verifier::new(provider.clone(), Arc::new([expired, valid])).unwrap();
        assert_eq!(verify(&verifier, &by_valid), Ok(()));
        assert!(verifier.take_refused().is_none());
        assert_eq!(
            verify(&verifier, &by_expired),
            Err(CertificateError::UnknownIssuer.into())
        );
        assert!(verifier.take_refused().unwrap().outdated_ca);

        let (expired, leaf) = ca_and_leaf(2000, 2001);
        let verifier = Verifier::new(provider, Arc::new([expired])).unwrap();
        assert!(verify(&verifier, &leaf).is_err());
        assert!(verifier.take_refused().unwrap().outdated_ca);
        assert!(verify(&verifier, &by_valid).is_err());
        assert!(!verifier.take_refused().unwrap().outdated_ca);
        assert!(verifier.take_refused().is_none());
    }

    /// What a handshake refused is kept by it, and must not be another thread's.
    #[test]
    fn threads_that_live_at_the_same_time_have_numbers_of_their_own() {
        let own = handshake::this_thread();
        assert_eq!(handshake::this_thread(), own);
        assert_ne!(
            std::thread::spawn(handshake::this_thread).join().unwrap(),
            own
        );
    }
}
