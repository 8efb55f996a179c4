//! The verification of server certificates.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, PeerMisbehaved, SignatureScheme};

use crate::credentials::oid::Strength;
use crate::credentials::signature::{self, PublicKey};
use crate::credentials::x509::Certificate;
use crate::datetime::unix_seconds;
use crate::error::{Code, Error};
use crate::handshake::{self, RejectedServerCert, ServerCertFault};
use crate::log;
use crate::sys::x509::{KeyKind, PathFault, TrustStore, X509, codes};
use crate::transport::sessions;

/// The certificates of a server's chain that are looked at. Real chains have two or three.
const MAX_INTERMEDIATES: usize = 64;

/// The shortest keys of OpenSSL's security level 2, the default of Debian's and Red Hat's curl: 112 bits of strength.
const MIN_RSA_BITS: u32 = 2048;
const MIN_CURVE_BITS: u32 = 224;

/// Verifies server certificates as curl does with `--cacert`.
///
/// A path may end at any certificate of the bundle, the server's own among them. Validity, key usage, extended key
/// usage, path length and name constraints hold for each certificate of the path, the last one included.
pub(crate) struct Verifier {
    provider: Arc<CryptoProvider>,
    anchors: Vec<X509>,
    store: TrustStore,
}

/// What is wrong, and with which certificate above the server's own, if it is not that one.
struct Fault(ServerCertFault, Option<X509>);

impl From<ServerCertFault> for Fault {
    fn from(fault: ServerCertFault) -> Self {
        Fault(fault, None)
    }
}

impl Verifier {
    /// Creates a verifier. Without anchors it trusts no certificate; a diagnosis without a usable CA bundle has such a
    /// one.
    pub(crate) fn new(provider: Arc<CryptoProvider>, anchors: &[X509]) -> Result<Self, Error> {
        let store = TrustStore::new(anchors)
            .ok_or_else(|| Error::new(Code::Internal, "There is no memory for the CA bundle."))?;
        Ok(Verifier {
            provider,
            anchors: anchors.to_vec(),
            store,
        })
    }

    /// Returns whether it would accept these certificates now.
    pub(crate) fn trusts(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
    ) -> bool {
        self.judge(end_entity, intermediates, server_name, SystemTime::now())
            .is_ok()
    }

    /// Returns until when the path is valid.
    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: SystemTime,
    ) -> Result<SystemTime, Fault> {
        let certificate = X509::from_der(end_entity).ok_or(ServerCertFault::Unreadable)?;
        let intermediates: Vec<X509> = intermediates
            .iter()
            .take(MAX_INTERMEDIATES)
            .filter_map(|der| X509::from_der(der))
            .collect();
        let seconds = unix_seconds(now).unwrap_or(i64::MAX);
        let path = self
            .store
            .path(&certificate, &intermediates, seconds)
            .map_err(|fault| match fault {
                Some(fault) => self.path_fault(fault),
                // A lack of memory; there is no more to say.
                None => ServerCertFault::Other(codes::X509_V_ERR_OUT_OF_MEM).into(),
            })?;
        check_path_lengths(&path)?;
        check_strength(&path)?;
        check_name(&certificate, end_entity, server_name)?;
        Ok(path.iter().filter_map(X509::not_after).min().unwrap_or(now))
    }

    fn path_fault(&self, fault: PathFault) -> Fault {
        let of_bundle = |x509: &X509| self.anchors.iter().any(|anchor| anchor.der() == x509.der());
        let is_outdated_ca = fault.depth > 0 && fault.certificate.as_ref().is_some_and(of_bundle);
        let certificate = fault.certificate.as_ref();
        use ServerCertFault as F;
        let what = match fault.code {
            codes::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
            | codes::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
            | codes::X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
            | codes::X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN => F::UnknownIssuer,
            codes::X509_V_ERR_CERT_HAS_EXPIRED | codes::X509_V_ERR_CERT_NOT_YET_VALID
                if is_outdated_ca =>
            {
                F::OutdatedCa
            }
            codes::X509_V_ERR_CERT_HAS_EXPIRED => F::Expired(certificate.and_then(X509::not_after)),
            codes::X509_V_ERR_CERT_NOT_YET_VALID => {
                F::NotYetValid(certificate.and_then(X509::not_before))
            }
            codes::X509_V_ERR_INVALID_PURPOSE => F::WrongPurpose,
            codes::X509_V_ERR_INVALID_CA => F::NotCa,
            codes::X509_V_ERR_PATH_LENGTH_EXCEEDED => F::PathTooLong,
            codes::X509_V_ERR_PERMITTED_VIOLATION
            | codes::X509_V_ERR_EXCLUDED_VIOLATION
            | codes::X509_V_ERR_SUBTREE_MINMAX
            | codes::X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE
            | codes::X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX
            | codes::X509_V_ERR_UNSUPPORTED_NAME_SYNTAX => F::NameNotAllowed,
            codes::X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION => F::CriticalExtension,
            codes::X509_V_ERR_INVALID_EXTENSION => F::UnreadableExtension,
            codes::X509_V_ERR_EC_KEY_EXPLICIT_PARAMS => F::UnnamedCurve,
            // aws-lc verifies no signature of an algorithm that it does not know.
            codes::X509_V_ERR_CERT_SIGNATURE_FAILURE => fault
                .certificate
                .as_ref()
                .map(check_signature_strength)
                .and_then(Result::err)
                .unwrap_or(F::BadSignature),
            code => F::Other(code),
        };
        Fault(what, fault.certificate.filter(|_| fault.depth > 0))
    }
}

/// Checks how many CAs lie below each one. aws-lc leaves the roots out, OpenSSL does not.
fn check_path_lengths(path: &[X509]) -> Result<(), Fault> {
    let mut below = 0;
    for ca in path.iter().skip(1) {
        if ca.path_length().is_some_and(|length| below > length) {
            return Err(Fault(ServerCertFault::PathTooLong, Some(ca.clone())));
        }
        below += usize::from(!ca.is_self_issued());
    }
    Ok(())
}

/// Checks keys and signatures along the path. The signature of its last certificate is not what makes that trusted.
fn check_strength(path: &[X509]) -> Result<(), Fault> {
    for (depth, x509) in path.iter().enumerate() {
        let above = || Some(x509.clone()).filter(|_| depth > 0);
        let Some((kind, bits)) = x509.key_size() else {
            return Err(Fault(ServerCertFault::Unreadable, above()));
        };
        let least = match kind {
            KeyKind::Rsa | KeyKind::Dsa => MIN_RSA_BITS,
            KeyKind::Other => MIN_CURVE_BITS,
        };
        if bits < least {
            return Err(Fault(ServerCertFault::WeakKey(bits), above()));
        }
        if depth + 1 < path.len()
            && let Err(fault) = check_signature_strength(x509)
        {
            return Err(Fault(fault, above()));
        }
    }
    Ok(())
}

fn check_signature_strength(x509: &X509) -> Result<(), ServerCertFault> {
    let der = x509.der().ok_or(ServerCertFault::Unreadable)?;
    match signature::strength(&der) {
        Strength::Strong => Ok(()),
        Strength::Weak => Err(ServerCertFault::WeakSignature),
        Strength::Unknown => Err(ServerCertFault::UnknownSignatureAlgorithm),
    }
}

fn check_name(
    certificate: &X509,
    der: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
) -> Result<(), Fault> {
    let matches = match server_name {
        // A trailing dot ends a name that is complete (RFC 1034, section 3.1). Certificates leave it out.
        ServerName::DnsName(name) => {
            let name = name.as_ref();
            certificate.is_for_host(name.strip_suffix('.').unwrap_or(name))
        }
        ServerName::IpAddress(address) => certificate.is_for_address(IpAddr::from(*address)),
        _ => false,
    };
    if matches {
        return Ok(());
    }
    if certificate.is_version_1() {
        return Err(ServerCertFault::Version1.into());
    }
    let names = Certificate::new(der.clone().into_owned())
        .fields
        .map(|fields| fields.alternative_names);
    Err(match names {
        Some(names) if names.is_empty() => ServerCertFault::NamesNoHost,
        // For want of memory, aws-lc finds no names.
        Some(names) if names.iter().any(|name| *name == server_name.to_str()) => {
            ServerCertFault::Unreadable
        }
        names => ServerCertFault::WrongName(names.unwrap_or_default()),
    }
    .into())
}

/// Records for the error which certificate failed, and returns rustls's error, which decides about the alert.
fn reject(end_entity: &CertificateDer<'_>, Fault(fault, above): Fault) -> rustls::Error {
    use ServerCertFault as F;
    let alert = match fault {
        F::Unreadable | F::UnreadableExtension => CertificateError::BadEncoding,
        F::UnknownIssuer | F::OutdatedCa => CertificateError::UnknownIssuer,
        F::Expired(_) => CertificateError::Expired,
        F::NotYetValid(_) => CertificateError::NotValidYet,
        F::WrongName(_) | F::NamesNoHost | F::Version1 => CertificateError::NotValidForName,
        F::WrongPurpose | F::NotCa | F::PathTooLong => CertificateError::InvalidPurpose,
        F::BadSignature => CertificateError::BadSignature,
        _ => CertificateError::ApplicationVerificationFailure,
    };
    let certificate = Certificate::new(end_entity.clone().into_owned());
    let above = above.and_then(|above| above.der()).map(|der| {
        let above = Certificate::new(der.into());
        above.subject().to_owned()
    });
    handshake::record_rejected(RejectedServerCert {
        subject: certificate.subject().to_owned(),
        issuer: certificate
            .fields
            .as_ref()
            .map_or_else(|| "(unreadable)".to_owned(), |f| f.issuer.clone()),
        fault,
        above,
    });
    alert.into()
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

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        handshake::record_capture(|capture| {
            let intermediates = intermediates.iter().map(|der| der.clone().into_owned());
            capture.server_chain = std::iter::once(end_entity.clone().into_owned())
                .chain(intermediates)
                .collect();
        });
        let now = UNIX_EPOCH + Duration::from_secs(now.as_secs());
        let verdict = self.judge(end_entity, intermediates, server_name, now);
        log::emit!(
            Debug,
            TLS,
            "the server's certificate is {}: {}",
            Shown(end_entity),
            match verdict {
                Ok(_) => "accepted",
                Err(_) => "rejected",
            }
        );
        match verdict {
            Ok(end) => {
                handshake::record_trusted_until(Some(sessions::trusted_until(end, now)));
                Ok(ServerCertVerified::assertion())
            }
            Err(fault) => Err(reject(end_entity, fault)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // The scheme does not name the curve in TLS 1.2 (RFC 8446, section 4.2.3), so each may be the one.
        verify_signature(
            message,
            certificate,
            signature,
            self.algorithms(signature.scheme),
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = self.algorithms(signature.scheme);
        // The first is the one on the curve that the scheme names.
        let named = &algorithms[..algorithms.len().min(1)];
        verify_signature(message, certificate, signature, named)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl Verifier {
    fn algorithms(
        &self,
        scheme: SignatureScheme,
    ) -> &[&'static dyn SignatureVerificationAlgorithm] {
        let mapping = self.provider.signature_verification_algorithms.mapping;
        let found = mapping.iter().find(|(offered, _)| *offered == scheme);
        found.map_or(&[], |(_, algorithms)| *algorithms)
    }
}

/// Verifies the server's signature in the handshake. rustls's own functions cannot be used: they reject certificates
/// that the path may contain, such as one with a critical policy.
fn verify_signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let key = PublicKey::of(certificate).ok_or(CertificateError::BadEncoding)?;
    if algorithms.is_empty() {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    if algorithms
        .iter()
        .filter(|algorithm| algorithm.public_key_alg_id().as_ref() == key.algorithm)
        .any(|algorithm| {
            algorithm
                .verify_signature(key.key, message, signature.signature())
                .is_ok()
        })
    {
        return Ok(HandshakeSignatureValid::assertion());
    }
    Err(CertificateError::BadSignature.into())
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({} certificates)", self.anchors.len())
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
    fn ca_and_leaf(from: i32, to: i32) -> (CertificateDer<'static>, CertificateDer<'static>) {
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
        (ca, leaf.der().clone())
    }

    fn anchors(certificates: &[CertificateDer<'_>]) -> Vec<X509> {
        certificates
            .iter()
            .filter_map(|der| X509::from_der(der))
            .collect()
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
        let verifier = Verifier::new(provider.clone(), &anchors(&[expired, valid])).unwrap();
        assert_eq!(verify(&verifier, &by_valid), Ok(()));
        assert!(handshake::take_rejected().is_none());
        assert_eq!(
            verify(&verifier, &by_expired),
            Err(CertificateError::UnknownIssuer.into())
        );
        assert_eq!(
            handshake::take_rejected().unwrap().fault,
            ServerCertFault::OutdatedCa
        );

        let (expired, leaf) = ca_and_leaf(2000, 2001);
        let verifier = Verifier::new(provider, &anchors(&[expired])).unwrap();
        assert!(verify(&verifier, &leaf).is_err());
        assert_eq!(
            handshake::take_rejected().unwrap().fault,
            ServerCertFault::OutdatedCa
        );
        assert!(verify(&verifier, &by_valid).is_err());
        assert_eq!(
            handshake::take_rejected().unwrap().fault,
            ServerCertFault::UnknownIssuer
        );
        assert!(handshake::take_rejected().is_none());
    }
}
