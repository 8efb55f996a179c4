//! A private key as PKCS#8, byte for byte as `openssl pkcs8 -topk8 -nocrypt -outform DER` writes it.
//!
//! What OpenSSL 3 does, as seen: it decodes the key and encodes it anew, as version 1, without attributes.
//! An EC key loses the parameters inside and gets its scalar padded to the length of the group's order; its
//! public key keeps the form it had, and if the source has none, none is added. An RSA key gets NULL
//! parameters.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::Ed25519KeyPair;
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use rustls::pki_types::PrivateKeyDer;
use sec1::EcPrivateKey;
use x509_cert::der::asn1::{AnyRef, OctetStringRef};
use x509_cert::der::{Decode, Encode};
use zeroize::Zeroizing;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

const ED25519_SEED_LEN: usize = 32;

/// Encodes a key that came as PKCS#1, SEC1 or PKCS#8, whatever its version and attributes.
///
/// `None` for a key that is damaged (the public half is checked against the private one) and for any kind
/// but RSA (2048 to 8192 bits), P-256, P-384, P-521 and Ed25519. Also `None` for curves that are spelled
/// out as parameters instead of named, and for points in the hybrid form: TLS has no use for either.
/// An Ed25519 key of PKCS#8 version 2 gives what version 1 of it gives; OpenSSL 3.0 cannot read version 2.
pub(crate) fn encode(key: &PrivateKeyDer<'_>) -> Option<Zeroizing<Vec<u8>>> {
    match key {
        PrivateKeyDer::Pkcs1(key) => encode_rsa(key.secret_pkcs1_der()),
        PrivateKeyDer::Sec1(key) => {
            let key = EcPrivateKey::from_der(key.secret_sec1_der()).ok()?;
            encode_ec(key.parameters?.named_curve()?, &key)
        }
        PrivateKeyDer::Pkcs8(key) => {
            let info = PrivateKeyInfoRef::try_from(key.secret_pkcs8_der()).ok()?;
            let inner = info.private_key.as_bytes();
            match (info.algorithm.oid, info.algorithm.parameters) {
                (RSA, parameters) if parameters.is_none_or(AnyRef::is_null) => encode_rsa(inner),
                (EC, Some(parameters)) => {
                    let curve = parameters.decode_as::<ObjectIdentifier>().ok()?;
                    let key = EcPrivateKey::from_der(inner).ok()?;
                    match &key.parameters {
                        Some(parameters) if parameters.named_curve() != Some(curve) => None,
                        _ => encode_ec(curve, &key),
                    }
                }
                (ED25519, None) => {
                    let public_key = match &info.public_key {
                        Some(key) => Some(key.as_bytes()?),
                        None => None,
                    };
                    encode_ed25519(inner, public_key)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// An RSAPrivateKey goes in as it is: AWS-LC takes version 0 in DER only, of which there is one encoding.
fn encode_rsa(pkcs1: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // What follows the key AWS-LC does not look at.
    AnyRef::from_der(pkcs1).ok()?;
    rsa::KeyPair::from_der(pkcs1).ok()?;
    wrap(RSA, Some(AnyRef::NULL), pkcs1)
}

fn encode_ec(curve: ObjectIdentifier, key: &EcPrivateKey<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let (algorithm, len) = match curve {
        P256 => (&ECDH_P256, 32),
        P384 => (&ECDH_P384, 48),
        P521 => (&ECDH_P521, 66),
        _ => return None,
    };
    let significant = key.private_key.iter().position(|byte| *byte != 0)?;
    let significant = key.private_key.get(significant..)?;
    let mut scalar = Zeroizing::new(vec![0; len]);
    let start = len.checked_sub(significant.len())?;
    scalar.get_mut(start..)?.copy_from_slice(significant);

    // Refuses a scalar out of range, too.
    let private_key = agreement::PrivateKey::from_private_key(algorithm, &scalar).ok()?;
    if let Some(point) = key.public_key {
        let public_key = private_key.compute_public_key().ok()?;
        if !is_same_point(point, public_key.as_ref()) {
            return None;
        }
    }
    let inner = EcPrivateKey {
        private_key: &scalar,
        parameters: None,
        public_key: key.public_key,
    };
    // One allocation of the right size: nothing is left behind.
    let inner = Zeroizing::new(inner.to_der().ok()?);
    wrap(EC, Some(AnyRef::from(&curve)), &inner)
}

/// Whether a point, compressed or not, is the given uncompressed one (SEC 1, section 2.3.3).
fn is_same_point(point: &[u8], uncompressed: &[u8]) -> bool {
    match (point.first(), uncompressed.last()) {
        (Some(0x04), _) => point == uncompressed,
        (Some(form @ (0x02 | 0x03)), Some(last)) => {
            let x = uncompressed.get(1..=uncompressed.len() / 2);
            form & 1 == last & 1 && point.get(1..) == x
        }
        _ => false,
    }
}

fn encode_ed25519(inner: &[u8], public_key: Option<&[u8]>) -> Option<Zeroizing<Vec<u8>>> {
    let seed = <&OctetStringRef>::from_der(inner).ok()?.as_bytes();
    if seed.len() != ED25519_SEED_LEN {
        return None;
    }
    if let Some(public_key) = public_key {
        Ed25519KeyPair::from_seed_and_public_key(seed, public_key).ok()?;
    }
    wrap(ED25519, None, inner)
}

fn wrap(
    oid: ObjectIdentifier,
    parameters: Option<AnyRef<'_>>,
    inner: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let algorithm = AlgorithmIdentifierRef { oid, parameters };
    let info = PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(inner).ok()?);
    Some(Zeroizing::new(info.to_der().ok()?))
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
    use sec1::EcParameters;
    use x509_cert::der::{Reader, Tag, TagNumber};

    use super::*;
    use crate::credentials::reference::{Folder, mutations};

    fn pkcs1(der: &[u8]) -> PrivateKeyDer<'_> {
        PrivatePkcs1KeyDer::from(der).into()
    }

    fn sec1(der: &[u8]) -> PrivateKeyDer<'_> {
        PrivateSec1KeyDer::from(der).into()
    }

    fn pkcs8(der: &[u8]) -> PrivateKeyDer<'_> {
        PrivatePkcs8KeyDer::from(der).into()
    }

    /// What OpenSSL makes of a key of any form.
    fn reference(folder: &Folder, der: &[u8]) -> Vec<u8> {
        folder.write("source.der", der);
        folder.openssl("pkcs8 -topk8 -nocrypt -inform DER -in source.der -outform DER")
    }

    fn assert_same(folder: &Folder, key: &PrivateKeyDer<'_>, what: &str) {
        let encoded = encode(key).map(|der| der.to_vec());
        assert_eq!(encoded, Some(reference(folder, key.secret_der())), "{what}");
    }

    fn tlv(tag: Tag, content: &[&[u8]]) -> Vec<u8> {
        AnyRef::new(tag, &content.concat())
            .unwrap()
            .to_der()
            .unwrap()
    }

    /// The elements of a SEQUENCE.
    fn elements(der: &[u8]) -> Vec<&[u8]> {
        AnyRef::from_der(der)
            .unwrap()
            .sequence(|reader| {
                let mut elements = Vec::new();
                while !reader.is_finished() {
                    elements.push(reader.tlv_bytes()?);
                }
                Ok::<_, x509_cert::der::Error>(elements)
            })
            .unwrap()
    }

    fn with_attributes(der: &[u8]) -> Vec<u8> {
        let name = tlv(Tag::BmpString, &[&[0, b'x']]);
        let oid = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.20")
            .to_der()
            .unwrap();
        let attribute = tlv(Tag::Sequence, &[&oid, &tlv(Tag::Set, &[&name])]);
        let tag = Tag::ContextSpecific {
            constructed: true,
            number: TagNumber(0),
        };
        let mut elements = elements(der);
        let attributes = tlv(tag, &[&attribute]);
        elements.push(&attributes);
        tlv(Tag::Sequence, &elements)
    }

    fn ec_pkcs8(curve: ObjectIdentifier, inner: &[u8]) -> Vec<u8> {
        let algorithm = tlv(
            Tag::Sequence,
            &[&EC.to_der().unwrap(), &curve.to_der().unwrap()],
        );
        let key = tlv(Tag::OctetString, &[inner]);
        tlv(Tag::Sequence, &[&[2, 1, 0], &algorithm, &key])
    }

    fn ed25519(folder: &Folder) -> (Vec<u8>, Vec<u8>) {
        folder.openssl("genpkey -algorithm ed25519 -out ed.key");
        let public_key = folder.openssl("pkey -in ed.key -pubout -outform DER");
        (
            folder.openssl("pkey -in ed.key -outform DER"),
            public_key[public_key.len() - 32..].to_vec(),
        )
    }

    fn ed25519_v2(v1: &[u8], public_key: &[u8]) -> Vec<u8> {
        let v1 = elements(v1);
        let tag = Tag::ContextSpecific {
            constructed: false,
            number: TagNumber(1),
        };
        let public_key = tlv(tag, &[&[0], public_key]);
        tlv(Tag::Sequence, &[&[2, 1, 1], v1[1], v1[2], &public_key])
    }

    #[test]
    fn rsa_keys_of_every_form() {
        let folder = Folder::new();
        for bits in [2048, 3072, 4096] {
            folder.openssl(&format!("genrsa -out rsa.key {bits}"));
            let der = folder.openssl("rsa -in rsa.key -traditional -outform DER");
            let v1 = folder.openssl("pkcs8 -topk8 -nocrypt -in rsa.key -outform DER");
            assert_same(&folder, &pkcs1(&der), "PKCS#1");
            assert_same(&folder, &pkcs8(&v1), "PKCS#8");
            assert_same(&folder, &pkcs8(&with_attributes(&v1)), "attributes");

            let bare = tlv(Tag::Sequence, &[&RSA.to_der().unwrap()]);
            let key = elements(&v1)[2];
            let bare = tlv(Tag::Sequence, &[&[2, 1, 0], &bare, key]);
            assert_same(&folder, &pkcs8(&bare), "without NULL");
        }
    }

    #[test]
    fn damaged_rsa_keys_are_refused() {
        let folder = Folder::new();
        folder.openssl("genrsa -out rsa.key 2048");
        let der = folder.openssl("rsa -in rsa.key -traditional -outform DER");
        let parts = elements(&der);
        assert_eq!(tlv(Tag::Sequence, &parts), der);
        let refused = |index: usize, part: &[u8]| {
            let mut parts = parts.clone();
            parts[index] = part;
            encode(&pkcs1(&tlv(Tag::Sequence, &parts))).is_none()
        };
        assert!(refused(0, &[2, 1, 1]), "version 1");
        assert!(refused(2, &[2, 4, 0, 1, 0, 1]), "a leading zero");
        for (index, part) in parts.iter().enumerate().skip(1) {
            let mut part = part.to_vec();
            *part.last_mut().unwrap() ^= 2;
            assert!(refused(index, &part), "{index}");
        }
        assert!(encode(&pkcs1(&[der.as_slice(), &[0]].concat())).is_none());
        let more = [parts.as_slice(), &[&[2, 1, 1]]].concat();
        assert!(encode(&pkcs1(&tlv(Tag::Sequence, &more))).is_none());
    }

    #[test]
    fn ec_keys_of_every_form() {
        let folder = Folder::new();
        for (name, curve) in [
            ("prime256v1", P256),
            ("secp384r1", P384),
            ("secp521r1", P521),
        ] {
            folder.openssl(&format!("ecparam -name {name} -genkey -noout -out ec.key"));
            for options in ["", " -conv_form compressed", " -no_public"] {
                let der = folder.openssl(&format!("ec -in ec.key -outform DER{options}"));
                let what = format!("{name}{options}");
                assert_same(&folder, &sec1(&der), &what);
                let v1 = reference(&folder, &der);
                assert_same(&folder, &pkcs8(&v1), &what);
                assert_same(&folder, &pkcs8(&with_attributes(&v1)), &what);
                // With the parameters inside as well, as some programs write it.
                assert_same(&folder, &pkcs8(&ec_pkcs8(curve, &der)), &what);
            }
        }
    }

    #[test]
    fn ec_scalars_of_any_length() {
        let folder = Folder::new();
        for (curve, len) in [(P256, 32), (P384, 48), (P521, 66)] {
            let key = |scalar: &[u8]| {
                let inner = EcPrivateKey {
                    private_key: scalar,
                    parameters: Some(EcParameters::NamedCurve(curve)),
                    public_key: None,
                };
                inner.to_der().unwrap()
            };
            let mut long = vec![0; len + 3];
            long[len + 2] = 7;
            assert_same(&folder, &sec1(&key(&[1])), "short");
            assert_same(&folder, &sec1(&key(&long)), "long");
            assert_same(&folder, &pkcs8(&ec_pkcs8(curve, &key(&[2, 1]))), "PKCS#8");
            // The two places for the curve disagree.
            let other = if curve == P384 { P521 } else { P384 };
            assert_eq!(encode(&pkcs8(&ec_pkcs8(other, &key(&[1])))), None);
            assert_eq!(encode(&sec1(&key(&[]))), None);
            assert_eq!(encode(&sec1(&key(&[0; 32]))), None);
            assert_eq!(
                encode(&sec1(&key(&vec![0xff; len]))),
                None,
                "beyond the order"
            );
            assert_eq!(encode(&sec1(&key(&vec![0xff; len + 1]))), None);
        }
    }

    #[test]
    fn ed25519_keys_of_every_form() {
        let folder = Folder::new();
        let (v1, public_key) = ed25519(&folder);
        assert_same(&folder, &pkcs8(&v1), "version 1");
        assert_same(&folder, &pkcs8(&with_attributes(&v1)), "attributes");

        // Not every OpenSSL 3 reads version 2.
        let expected = Some(Zeroizing::new(v1.clone()));
        let v2 = ed25519_v2(&v1, &public_key);
        assert_eq!(encode(&pkcs8(&v2)), expected);
        assert_eq!(encode(&pkcs8(&ed25519_v2(&v1, &[7; 32]))), None);

        let parts = elements(&v1);
        for seed in [[7; 31].as_slice(), &[7; 33]] {
            let inner = tlv(Tag::OctetString, &[&tlv(Tag::OctetString, &[seed])]);
            let der = tlv(Tag::Sequence, &[parts[0], parts[1], &inner]);
            assert_eq!(encode(&pkcs8(&der)), None);
        }
    }

    #[test]
    fn other_keys_are_refused() {
        let folder = Folder::new();
        folder.openssl("ecparam -name prime256v1 -genkey -noout -out ec.key");
        let ec = folder.openssl("ec -in ec.key -outform DER");
        let explicit = folder.openssl("ec -in ec.key -param_enc explicit -outform DER");
        let hybrid = folder.openssl("ec -in ec.key -conv_form hybrid -outform DER");
        let other_curve = folder.openssl("ecparam -name secp256k1 -genkey -noout -outform DER");
        for der in [&explicit, &hybrid, &other_curve] {
            assert_eq!(encode(&sec1(der)), None);
            assert_eq!(encode(&pkcs8(&reference(&folder, der))), None);
        }
        let no_curve = reference(&folder, &ec);
        let inner = <&OctetStringRef>::from_der(elements(&no_curve)[2])
            .unwrap()
            .as_bytes();
        assert_eq!(encode(&sec1(inner)), None);

        for kind in ["x25519", "ed448", "rsa-pss"] {
            let der = folder.openssl(&format!("genpkey -algorithm {kind} -outform DER"));
            assert_eq!(encode(&pkcs8(&der)), None, "{kind}");
        }
        let three_primes =
            folder.openssl("genpkey -algorithm rsa -pkeyopt rsa_keygen_primes:3 -outform DER");
        assert_eq!(encode(&pkcs8(&three_primes)), None);
    }

    #[test]
    fn another_keys_public_half_is_damage() {
        let folder = Folder::new();
        let mut public_keys = Vec::new();
        for options in ["", " -conv_form compressed"] {
            folder.openssl("ecparam -name prime256v1 -genkey -noout -out ec.key");
            public_keys.push(folder.openssl(&format!("ec -in ec.key -outform DER{options}")));
        }
        let [first, second] =
            [0, 1].map(|index| EcPrivateKey::from_der(&public_keys[index]).unwrap());
        for (private, public) in [(&first, &second), (&second, &first)] {
            let mixed = EcPrivateKey {
                public_key: public.public_key,
                ..private.clone()
            };
            assert_eq!(encode(&sec1(&mixed.to_der().unwrap())), None);
        }
        // The sign of a compressed point.
        let mut flipped = second.public_key.unwrap().to_vec();
        flipped[0] ^= 1;
        let mixed = EcPrivateKey {
            public_key: Some(&flipped),
            ..second.clone()
        };
        assert_eq!(encode(&sec1(&mixed.to_der().unwrap())), None);
    }

    #[test]
    fn damage_does_no_harm() {
        let folder = Folder::new();
        folder.openssl("genrsa -out rsa.key 2048");
        folder.openssl("ecparam -name secp521r1 -genkey -noout -out ec.key");
        let rsa = folder.openssl("rsa -in rsa.key -traditional -outform DER");
        let ec = folder.openssl("ec -in ec.key -outform DER");
        let (v1, public_key) = ed25519(&folder);
        let v2 = ed25519_v2(&v1, &public_key);
        let wrapped = [reference(&folder, &rsa), reference(&folder, &ec), v1, v2];

        type Form = fn(&[u8]) -> PrivateKeyDer<'_>;
        let mut cases: Vec<(&[u8], Form)> = vec![(&rsa, pkcs1), (&ec, sec1)];
        for der in &wrapped {
            cases.push((der, pkcs8));
        }
        for (der, key) in cases {
            for len in 0..der.len() {
                assert_eq!(encode(&key(&der[..len])), None, "{len}");
            }
            for mutation in mutations(der, 1000) {
                let _ = encode(&key(&mutation));
                // A key under a wrong label.
                for key in [pkcs1, sec1, pkcs8] {
                    let _ = encode(&key(&mutation));
                }
            }
        }
    }
}
