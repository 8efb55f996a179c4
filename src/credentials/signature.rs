//! Whether one certificate is signed with another one's key.

use rustls::crypto::aws_lc_rs;
use x509_cert::der::asn1::{AnyRef, BitStringRef};
use x509_cert::der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};

use super::oid::{self, Oid, Strength};

/// What checking a signature came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    Yes,
    No,
    /// The algorithm is none that this library verifies (SHA-1, for one), or the certificate cannot be read.
    Unknown,
}

/// Checks the signature of `certificate` with the public key of `issuer`, both in DER (RFC 5280, section 6.1.3).
pub(crate) fn check(certificate: &[u8], issuer: &[u8]) -> Signed {
    match (parts(certificate), PublicKey::of(issuer)) {
        (Some(parts), Some(key)) => verify(&parts, &key),
        _ => Signed::Unknown,
    }
}

/// The tag of the hash in the parameters of PSS.
const HASH: Tag = Tag::ContextSpecific {
    constructed: true,
    number: TagNumber(0),
};

/// Returns how far the algorithm of the signature on a certificate in DER can be relied on.
pub(crate) fn strength(der: &[u8]) -> Strength {
    let of_parts = |parts: Parts<'_>| {
        let mut algorithm = SliceReader::new(parts.algorithm).ok()?;
        let number = object_identifier(&mut algorithm)?;
        if number != oid::RSASSA_PSS {
            return Some(oid::signature_strength(&number));
        }
        // Parameters that leave the hash out mean SHA-1 (RFC 8017, appendix A.2.3).
        let parameters = AnyRef::decode(&mut algorithm).ok()?;
        let hash = SliceReader::new(parameters.value())
            .and_then(|mut fields| AnyRef::decode(&mut fields))
            .ok()
            .filter(|field| field.tag() == HASH);
        let Some(hash) = hash else {
            return Some(Strength::Weak);
        };
        let hash = AnyRef::from_der(hash.value()).ok()?;
        let number = object_identifier(&mut SliceReader::new(hash.value()).ok()?)?;
        Some(oid::hash_strength(&number))
    };
    parts(der).and_then(of_parts).unwrap_or(Strength::Unknown)
}

fn object_identifier(reader: &mut SliceReader<'_>) -> Option<String> {
    let number: Oid = Oid::decode(reader).ok()?;
    Some(number.to_string())
}

struct Parts<'a> {
    /// The part that is signed, with its tag.
    signed: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

/// A certificate's public key.
pub(crate) struct PublicKey<'a> {
    /// The content of its AlgorithmIdentifier.
    pub(crate) algorithm: &'a [u8],
    pub(crate) key: &'a [u8],
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

impl<'a> PublicKey<'a> {
    /// Returns the public key of a certificate in DER, whatever its other fields are.
    pub(crate) fn of(der: &'a [u8]) -> Option<Self> {
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
            let certificate = params.self_signed(&key).unwrap().der().clone();
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
            let leaf = leaf.der();
            assert_eq!(check(leaf, &right), Signed::Yes);
            assert_eq!(check(leaf, &other), Signed::No);
            assert_eq!(check(&right, &right), Signed::Yes);
        }
        let (ec, _) = ca(&rcgen::PKCS_ECDSA_P256_SHA256);
        let (ed, _) = ca(&rcgen::PKCS_ED25519);
        assert_eq!(check(&ec, &ed), Signed::Unknown);
        let garbage = [0x30, 0x00];
        assert_eq!(check(&garbage, &ec), Signed::Unknown);
        assert_eq!(check(&ec, &garbage), Signed::Unknown);
    }
}
