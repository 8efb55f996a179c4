//! Whether one certificate is signed with another one's key.

use rustls::crypto::aws_lc_rs;
use x509_cert::der::asn1::{AnyRef, BitStringRef};
use x509_cert::der::{Decode, Reader, SliceReader, Tag};

use super::x509::Certificate;

/// What checking a signature came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    Yes,
    No,
    /// The algorithm is none that this library verifies (SHA-1, for one), or the certificate cannot be read.
    Unknown,
}

/// Checks the signature of `certificate` with the public key of `issuer` (RFC 5280, section 6.1.3).
pub(crate) fn check(certificate: &Certificate, issuer: &Certificate) -> Signed {
    match (parts(&certificate.der), public_key(&issuer.der)) {
        (Some(parts), Some(key)) => verify(&parts, &key),
        _ => Signed::Unknown,
    }
}

struct Parts<'a> {
    /// The part that is signed, with its tag.
    signed: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

struct PublicKey<'a> {
    algorithm: &'a [u8],
    key: &'a [u8],
}

fn verify(parts: &Parts<'_>, key: &PublicKey<'_>) -> Signed {
    let provider = aws_lc_rs::default_provider();
    let mut outcome = Signed::Unknown;
    // Several algorithms answer to the same names: ECDSA's name for a signature does not hold the curve.
    for algorithm in provider.signature_verification_algorithms.all {
        if algorithm.signature_alg_id().as_ref() != parts.algorithm
            || algorithm.public_key_alg_id().as_ref() != key.algorithm
        {
            continue;
        }
        if algorithm
            .verify_signature(key.key, parts.signed, parts.signature)
            .is_ok()
        {
            return Signed::Yes;
        }
        outcome = Signed::No;
    }
    outcome
}

fn parts(der: &[u8]) -> Option<Parts<'_>> {
    let outer = AnyRef::from_der(der).ok()?;
    let mut reader = SliceReader::new(outer.value()).ok()?;
    let signed = reader.tlv_bytes().ok()?;
    let algorithm = AnyRef::decode(&mut reader).ok()?.value();
    let signature = BitStringRef::decode(&mut reader).ok()?.as_bytes()?;
    Some(Parts {
        signed,
        algorithm,
        signature,
    })
}

fn public_key(der: &[u8]) -> Option<PublicKey<'_>> {
    let outer = AnyRef::from_der(der).ok()?;
    let mut reader = SliceReader::new(outer.value()).ok()?;
    let signed = AnyRef::decode(&mut reader).ok()?;
    let mut fields = SliceReader::new(signed.value()).ok()?;
    // The version is left out of version 1 certificates; then come serial number, signature algorithm, issuer,
    // validity and subject.
    if Tag::peek(&fields).ok()?.is_context_specific() {
        fields.tlv_bytes().ok()?;
    }
    for _ in 0..5 {
        fields.tlv_bytes().ok()?;
    }
    let spki = AnyRef::decode(&mut fields).ok()?;
    let mut spki = SliceReader::new(spki.value()).ok()?;
    let algorithm = AnyRef::decode(&mut spki).ok()?.value();
    let key = BitStringRef::decode(&mut spki).ok()?.as_bytes()?;
    Some(PublicKey { algorithm, key })
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    use super::*;

    #[test]
    fn a_signature_is_by_one_key_only() {
        let ca = |algorithm| {
            let mut params = CertificateParams::new(vec![]).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate_for(algorithm).unwrap();
            let certificate = Certificate::new(params.self_signed(&key).unwrap().der().clone());
            (certificate, Issuer::new(params, key))
        };
        for algorithm in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ED25519,
        ] {
            let (right, issuer) = ca(algorithm);
            let (other, _) = ca(algorithm);
            let leaf = CertificateParams::new(vec!["localhost".into()])
                .unwrap()
                .signed_by(&KeyPair::generate().unwrap(), &issuer)
                .unwrap();
            let leaf = Certificate::new(leaf.der().clone());
            assert_eq!(check(&leaf, &right), Signed::Yes);
            assert_eq!(check(&leaf, &other), Signed::No);
            assert_eq!(check(&right, &right), Signed::Yes);
        }
        let (ec, _) = ca(&rcgen::PKCS_ECDSA_P256_SHA256);
        let (ed, _) = ca(&rcgen::PKCS_ED25519);
        assert_eq!(check(&ec, &ed), Signed::Unknown);
        let garbage = Certificate::new(vec![0x30, 0x00].into());
        assert_eq!(check(&garbage, &ec), Signed::Unknown);
        assert_eq!(check(&ec, &garbage), Signed::Unknown);
    }
}
