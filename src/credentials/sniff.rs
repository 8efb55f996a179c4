//! Recognises what a DER encoding is by its shape.
//!
//! A file's name and a PEM label are claims that turn out wrong often enough: a PKCS#1 key under
//! `BEGIN PRIVATE KEY`, a PKCS#7 bundle called `.crt`. Only the first elements are looked at; whether the whole
//! can be used is for those to say who use it.

use x509_cert::der::{Decode, Reader, SliceReader, Tag, Tagged, asn1::AnyRef};

use super::entry::EntryKind;

/// `id-signedData` (RFC 5652, section 5.1), the only content of PKCS#7 that holds certificates.
const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

/// How many elements are looked at.
const MAX_ELEMENTS: usize = 6;

/// The kind of a whole DER encoding; `None` for a shape that is none of those known, and for what is not whole.
pub(crate) fn kind(der: &[u8]) -> Option<EntryKind> {
    let outer = AnyRef::from_der(der).ok()?;
    if outer.tag() != Tag::Sequence {
        return None;
    }
    let elements = elements(outer.value())?;
    let tags: Vec<Tag> = elements.iter().map(|(tag, _)| *tag).collect();
    match tags[..] {
        [Tag::ObjectIdentifier, ..] if elements[0].1 == SIGNED_DATA => Some(EntryKind::Pkcs7),
        // PrivateKeyInfo (RFC 5208, section 5) and OneAsymmetricKey (RFC 5958, section 2).
        [Tag::Integer, Tag::Sequence, Tag::OctetString, ..] => Some(EntryKind::Pkcs8),
        // PFX (RFC 7292, section 4).
        [Tag::Integer, Tag::Sequence, ..] if elements[0].1 == [3] => Some(EntryKind::Pkcs12),
        // ECPrivateKey (RFC 5915, section 3).
        [Tag::Integer, Tag::OctetString, ..] => Some(EntryKind::Sec1),
        // RSAPrivateKey and RSAPublicKey (RFC 8017, appendix A.1).
        [Tag::Integer, Tag::Integer, Tag::Integer, Tag::Integer, ..] => Some(EntryKind::Pkcs1),
        [Tag::Integer, Tag::Integer] => Some(EntryKind::PublicKey),
        // EncryptedPrivateKeyInfo (RFC 5958, section 3).
        [Tag::Sequence, Tag::OctetString] => Some(EntryKind::EncryptedPkcs8),
        // SubjectPublicKeyInfo (RFC 5280, section 4.1).
        [Tag::Sequence, Tag::BitString] => Some(EntryKind::PublicKey),
        [Tag::Sequence, Tag::Sequence, Tag::BitString] => signed(elements[0].1),
        _ => None,
    }
}

/// What has been signed: a certificate, a request or a revocation list.
fn signed(value: &[u8]) -> Option<EntryKind> {
    let elements = elements(value)?;
    let tags: Vec<Tag> = elements.iter().map(|(tag, _)| *tag).collect();
    match tags[..] {
        // TBSCertificate (RFC 5280, section 4.1) from version 2 on.
        [first, Tag::Integer, Tag::Sequence, Tag::Sequence, ..] if first.is_context_specific() => {
            Some(EntryKind::Certificate)
        }
        // The same in version 1: serial number, signature, issuer, validity, subject, key.
        [
            Tag::Integer,
            Tag::Sequence,
            Tag::Sequence,
            Tag::Sequence,
            Tag::Sequence,
            ..,
        ] => Some(EntryKind::Certificate),
        // TBSCertList (RFC 5280, section 5.1), with and without a version.
        [
            Tag::Integer,
            Tag::Sequence,
            Tag::Sequence,
            Tag::UtcTime | Tag::GeneralizedTime,
            ..,
        ]
        | [
            Tag::Sequence,
            Tag::Sequence,
            Tag::UtcTime | Tag::GeneralizedTime,
            ..,
        ] => Some(EntryKind::Crl),
        // CertificationRequestInfo (RFC 2986, section 4.1).
        [Tag::Integer, Tag::Sequence, Tag::Sequence, ..] => Some(EntryKind::CertificateRequest),
        _ => None,
    }
}

/// Tag and value of the first elements.
fn elements(value: &[u8]) -> Option<Vec<(Tag, &[u8])>> {
    let mut reader = SliceReader::new(value).ok()?;
    let mut elements = Vec::new();
    while !reader.is_finished() && elements.len() < MAX_ELEMENTS {
        let element = AnyRef::decode(&mut reader).ok()?;
        elements.push((element.tag(), element.value()));
    }
    Some(elements)
}

/// The length that the outermost header claims for the whole, header included. `None` if that is no
/// SEQUENCE of a definite length.
pub(crate) fn claimed_length(der: &[u8]) -> Option<usize> {
    let [0x30, length, rest @ ..] = der else {
        return None;
    };
    if *length < 0x80 {
        return Some(2 + usize::from(*length));
    }
    let count = usize::from(length & 0x7f);
    if count == 0 || count > 4 || rest.len() < count {
        return None;
    }
    let length = rest[..count]
        .iter()
        .fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
    Some(length.saturating_add(2 + count))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    #[test]
    fn what_rcgen_makes_is_told_apart() {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        let request = params.serialize_request(&key).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        assert_eq!(kind(certificate.der()), Some(EntryKind::Certificate));
        assert_eq!(kind(request.der()), Some(EntryKind::CertificateRequest));
        assert_eq!(kind(&key.serialize_der()), Some(EntryKind::Pkcs8));
        assert_eq!(
            claimed_length(certificate.der()),
            Some(certificate.der().len())
        );
        for cut in [0, 1, 5, certificate.der().len() - 1] {
            assert_eq!(kind(&certificate.der()[..cut]), None);
        }
        assert_eq!(claimed_length(&[0x30, 0x80]), None);
        assert_eq!(claimed_length(&[0x30, 0x03, 0, 0, 0]), Some(5));
    }
}
