//! The verification of server certificates.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::credentials::TrustAnchor;
use crate::credentials::x509::Certificate;
use crate::error::{Code, Error};
use crate::handshake::{self, RejectedServerCert};
use crate::log;
use crate::transport::sessions;

/// Verifies server certificates as rustls does, with two additions.
///
/// - rustls takes every certificate of the bundle as a trust anchor and ignores an anchor's dates. Here, as in
///   OpenSSL, an expired anchor is not trusted. Chains that do not need it are not affected.
/// - If the verification fails, the subject and issuer of the certificate are recorded for the error.
pub(crate) struct Verifier {
    provider: Arc<CryptoProvider>,
    anchors: Arc<[TrustAnchor]>,
    /// The verifier that trusts all anchors, whatever their dates; `None` if there are no anchors.
    undated: Option<Arc<WebPkiServerVerifier>>,
    /// The verifier that trusts the valid anchors only.
    dated: Mutex<Dated>,
}

struct Dated {
    /// Which of the anchors are valid.
    valid: Vec<bool>,
    /// `None` if no anchor is valid.
    verifier: Option<Arc<WebPkiServerVerifier>>,
}

impl Verifier {
    /// Creates a verifier. Without anchors it trusts no certificate; a diagnosis without a usable CA bundle has such a
    /// one.
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
        })
    }

    /// Returns the verifier that trusts the anchors valid now. It is rebuilt only when an anchor's validity starts or
    /// ends.
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
}

impl Verifier {
    /// Returns the earliest end of the valid certificates that the accepted path may consist of.
    fn path_end<'a>(
        &self,
        presented: impl Iterator<Item = &'a CertificateDer<'a>>,
        now: SystemTime,
    ) -> SystemTime {
        let read = |der: &CertificateDer<'_>| Certificate::new(der.clone().into_owned());
        let presented: Vec<Certificate> = presented.map(read).collect();
        let valid_anchors = self.anchors.iter().filter(|a| a.is_valid_at(now));
        let anchors = valid_anchors
            .map(|anchor| read(&anchor.der))
            .filter(|anchor| presented.iter().any(|c| c.names_as_issuer(anchor)));
        let ends = presented
            .iter()
            .filter_map(|c| Some(c.fields.as_ref()?.not_after));
        let ends: Vec<_> = ends
            .chain(anchors.filter_map(|a| Some(a.fields?.not_after)))
            .collect();
        let valid = ends.into_iter().filter(|end| now <= *end);
        valid.min().unwrap_or(now)
    }
}

/// Records for the error which certificate failed.
fn record_rejected(end_entity: &CertificateDer<'_>, outdated_ca: bool) {
    let certificate = Certificate::new(end_entity.clone().into_owned());
    handshake::record_rejected(RejectedServerCert {
        subject: certificate.subject().to_owned(),
        issuer: certificate
            .fields
            .as_ref()
            .map_or_else(|| "(unreadable)".to_owned(), |f| f.issuer.clone()),
        self_issued: certificate.is_self_issued(),
        outdated_ca,
    });
}

/// Shows a certificate's subject and issuer in the log. The certificate is parsed only if a record is written.
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
        handshake::record_capture(|capture| {
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
                Err(error) => format!("rejected: {error}"),
            }
        );
        if verdict.is_ok() {
            let now = UNIX_EPOCH + Duration::from_secs(now.as_secs());
            let end = self.path_end(std::iter::once(end_entity).chain(intermediates), now);
            handshake::record_trusted_until(Some(sessions::trusted_until(end, now)));
        }
        verdict.inspect_err(|_| {
            let undated = self.undated.as_ref();
            let outdated_ca = undated.is_some_and(|undated| verify(undated).is_ok());
            record_rejected(end_entity, outdated_ca);
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

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
        date_time_ymd,
    };

    use rustls::crypto::aws_lc_rs;

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
    fn expired_ca_is_not_trusted_and_does_not_affect_others() {
        let (expired, by_expired) = ca_and_leaf(2000, 2001);
        let (valid, by_valid) = ca_and_leaf(2000, 4000);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Verifier::new(provider.clone(), Arc::new([expired, valid])).unwrap();
        assert_eq!(verify(&verifier, &by_valid), Ok(()));
        assert!(handshake::take_rejected().is_none());
        assert_eq!(
            verify(&verifier, &by_expired),
            Err(CertificateError::UnknownIssuer.into())
        );
        assert!(handshake::take_rejected().unwrap().outdated_ca);

        let (expired, leaf) = ca_and_leaf(2000, 2001);
        let verifier = Verifier::new(provider, Arc::new([expired])).unwrap();
        assert!(verify(&verifier, &leaf).is_err());
        assert!(handshake::take_rejected().unwrap().outdated_ca);
        assert!(verify(&verifier, &by_valid).is_err());
        assert!(!handshake::take_rejected().unwrap().outdated_ca);
        assert!(handshake::take_rejected().is_none());
    }
}
