//! The TLS configuration: built once for a client, because a session is only resumed under the very
//! configuration it was made with.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use super::p521::Secp521r1;
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

/// A CA certificate of the bundle, with the time in which it may vouch for others.
pub(crate) struct Anchor {
    pub(crate) der: CertificateDer<'static>,
    /// `None` where the dates cannot be read; it then counts as valid.
    pub(crate) validity: Option<(SystemTime, SystemTime)>,
}

impl Anchor {
    fn is_valid_at(&self, now: SystemTime) -> bool {
        self.validity
            .is_none_or(|(from, to)| from <= now && now <= to)
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
    anchors: Vec<Anchor>,
    /// The verifier that trusts all anchors, whatever their dates.
    undated: Arc<WebPkiServerVerifier>,
    /// The verifier of the anchors that are valid, with which ones these are.
    dated: Mutex<Dated>,
    /// Written and taken by the same thread, so that calls at the same time keep apart.
    refused: Mutex<HashMap<ThreadId, Refused>>,
}

struct Dated {
    valid: Vec<bool>,
    /// `None` where no anchor is valid.
    verifier: Option<Arc<WebPkiServerVerifier>>,
}

/// The server's certificate that was refused.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) self_issued: bool,
    /// It leads to CA certificates of the bundle that have expired or are not valid yet.
    pub(crate) outdated_ca: bool,
}

impl Verifier {
    fn new(provider: Arc<CryptoProvider>, anchors: Vec<Anchor>) -> Result<Self, Error> {
        let undated = build(&provider, anchors.iter()).map_err(|error| {
            Error::new(
                Code::CaBundle,
                format!("The CA bundle is not usable: {error}."),
            )
        })?;
        Ok(Verifier {
            dated: Mutex::new(Dated {
                valid: vec![true; anchors.len()],
                verifier: Some(undated.clone()),
            }),
            provider,
            anchors,
            undated,
            refused: Mutex::default(),
        })
    }

    /// The certificate that this thread's handshake refused.
    pub(crate) fn take_refused(&self) -> Option<Refused> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&thread::current().id())
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
        let refused = Refused {
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
            .insert(thread::current().id(), refused);
    }
}

fn build<'a>(
    provider: &Arc<CryptoProvider>,
    anchors: impl Iterator<Item = &'a Anchor>,
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
        let verify = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        let verdict = match self.dated(UNIX_EPOCH + Duration::from_secs(now.as_secs())) {
            Some(verifier) => verify(&verifier),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        verdict.inspect_err(|_| self.note(end_entity, verify(&self.undated).is_ok()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.undated
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.undated
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.undated.supported_verify_schemes()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({} CA certificates)", self.anchors.len())
    }
}

/// Builds the configuration and its verifier.
///
/// The provider is given by hand: nothing process-wide is installed or asked for.
pub(crate) fn configure(
    anchors: Vec<Anchor>,
    identity: Option<Arc<CertifiedKey>>,
) -> Result<(Arc<ClientConfig>, Arc<Verifier>), Error> {
    let mut provider = aws_lc_rs::default_provider();
    let signs_on_p521 = identity.as_ref().is_some_and(|identity| {
        identity
            .key
            .choose_scheme(&[SignatureScheme::ECDSA_NISTP521_SHA512])
            .is_some()
    });
    if signs_on_p521 {
        provider.kx_groups.push(&Secp521r1);
    }
    let provider = Arc::new(provider);
    let verifier = Arc::new(Verifier::new(provider.clone(), anchors)?);
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| Error::new(Code::Internal, format!("TLS cannot be set up: {error}.")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_client_cert_resolver(Arc::new(IdentityResolver(identity)));
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok((Arc::new(config), verifier))
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
        date_time_ymd,
    };

    use super::*;

    /// A CA that was valid in the given years, and a server certificate by it.
    fn ca_and_leaf(from: i32, to: i32) -> (Anchor, CertificateDer<'static>) {
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
        let anchor = Anchor {
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
        let verifier = Verifier::new(provider.clone(), vec![expired, valid]).unwrap();
        assert_eq!(verify(&verifier, &by_valid), Ok(()));
        assert!(verifier.take_refused().is_none());
        assert_eq!(
            verify(&verifier, &by_expired),
            Err(CertificateError::UnknownIssuer.into())
        );
        assert!(verifier.take_refused().unwrap().outdated_ca);

        let (expired, leaf) = ca_and_leaf(2000, 2001);
        let verifier = Verifier::new(provider, vec![expired]).unwrap();
        assert!(verify(&verifier, &leaf).is_err());
        assert!(verifier.take_refused().unwrap().outdated_ca);
        assert!(verify(&verifier, &by_valid).is_err());
        assert!(!verifier.take_refused().unwrap().outdated_ca);
        assert!(verifier.take_refused().is_none());
    }
}
