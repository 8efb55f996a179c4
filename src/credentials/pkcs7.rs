//! PKCS#7 or CMS (RFC 5652) as a bag of certificates, the `.p7b` and `.p7c` files.
//!
//! Such a file is a SignedData without signers. It is walked here instead of being decoded with the `cms`
//! crate, because a certificate must keep its bytes: that crate decodes each one and rejects the whole file
//! for one that it does not understand.

use rustls::pki_types::CertificateDer;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode, Reader, Result, SliceReader, Tag, Tagged};

use super::asn1::{content_info, sequence_start, tagged};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// The first byte of a SEQUENCE. Other kinds of certificate have a tag of their own in the set.
const SEQUENCE: u8 = 0x30;

/// Whether these bytes begin like PKCS#7: a SEQUENCE with one of its content types.
pub(crate) fn looks_like(der: &[u8]) -> bool {
    /// An OBJECT IDENTIFIER under 1.2.840.113549.1.7.
    const PKCS7: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
    sequence_start(der).is_some_and(|rest| rest.starts_with(PKCS7))
}

/// The certificates of a SignedData, in the file's order; a file may hold none.
///
/// `None` if the file is damaged, of another content type, or BER of indefinite length. Signatures are
/// not looked at: what a certificate is worth is decided elsewhere.
pub(crate) fn certificates(der: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let mut reader = SliceReader::new(der).ok()?;
    let (content_type, content) = content_info(&mut reader).ok()?;
    reader.finish().ok()?;
    if content_type != SIGNED_DATA {
        return None;
    }
    let set = AnyRef::from_der(content)
        .ok()?
        .sequence(certificate_set)
        .ok()?;
    let mut reader = SliceReader::new(set).ok()?;
    let mut certificates = Vec::new();
    while !reader.is_finished() {
        let choice = reader.tlv_bytes().ok()?;
        if choice.first() == Some(&SEQUENCE) {
            certificates.push(CertificateDer::from(choice.to_vec()));
        }
    }
    Some(certificates)
}

/// Reads the fields of a SignedData and gives what is in its `certificates`, which may be missing.
fn certificate_set<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8]> {
    u8::decode(reader)?;
    AnyRef::decode(reader)?.tag().assert_eq(Tag::Set)?;
    AnyRef::decode(reader)?.tag().assert_eq(Tag::Sequence)?;
    let certificates = match reader.peek_byte() {
        Some(0xa0) => tagged(reader, 0, true)?,
        _ => &[],
    };
    if reader.peek_byte() == Some(0xa1) {
        tagged(reader, 1, true)?;
    }
    AnyRef::decode(reader)?.tag().assert_eq(Tag::Set)?;
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::reference::{Folder, body_of_pem, mutations};

    /// Certificates of two kinds of key, as `1.der`, `2.der` and together in `all.pem`.
    fn pki() -> Folder {
        let folder = Folder::new();
        for (name, key) in [
            ("1", "ec -pkeyopt ec_paramgen_curve:P-256"),
            ("2", "rsa:2048"),
        ] {
            folder.openssl(&format!(
                "req -x509 -newkey {key} -noenc -keyout {name}.key -out {name}.pem -subj /CN={name} -days 2"
            ));
            folder.openssl(&format!("x509 -in {name}.pem -outform DER -out {name}.der"));
        }
        folder.write(
            "all.pem",
            &[folder.read("1.pem"), folder.read("2.pem")].concat(),
        );
        folder
    }

    fn bytes(der: &[u8]) -> Option<Vec<Vec<u8>>> {
        Some(certificates(der)?.iter().map(|der| der.to_vec()).collect())
    }

    #[test]
    fn reads_what_openssl_bundled() {
        let folder = pki();
        let expected = vec![folder.read("1.der"), folder.read("2.der")];
        let der = folder.openssl("crl2pkcs7 -nocrl -certfile all.pem -outform DER");
        assert!(looks_like(&der));
        assert_eq!(bytes(&der), Some(expected.clone()));
        let pem = folder.openssl("crl2pkcs7 -nocrl -certfile all.pem");
        let body = body_of_pem(std::str::from_utf8(&pem).unwrap());
        assert_eq!(bytes(&body), Some(expected));
    }

    #[test]
    fn reads_signed_messages_and_bundles_with_a_crl() {
        let folder = pki();
        folder.write("message", b"text");
        for options in ["-nodetach", "-nodetach -cades", ""] {
            let sign = format!(
                "cms -sign -in message -signer 1.pem -inkey 1.key -certfile 2.pem -outform DER {options}"
            );
            let der = folder.openssl(sign.trim_end());
            let mut found = bytes(&der).unwrap();
            found.sort();
            let mut expected = vec![folder.read("1.der"), folder.read("2.der")];
            expected.sort();
            assert_eq!(found, expected, "{options}");
        }
        let without = folder
            .openssl("cms -sign -in message -signer 1.pem -inkey 1.key -nocerts -outform DER");
        assert_eq!(bytes(&without), Some(Vec::new()));

        folder.write("index", b"");
        folder.write(
            "ca.cnf",
            b"[ca]\ndefault_ca=x\n[x]\ndatabase=index\ndefault_md=sha256\n",
        );
        folder.openssl(
            "ca -gencrl -config ca.cnf -keyfile 1.key -cert 1.pem -crldays 1 -out crl.pem",
        );
        let der = folder.openssl("crl2pkcs7 -in crl.pem -certfile 1.pem -outform DER");
        assert_eq!(bytes(&der), Some(vec![folder.read("1.der")]));
    }

    #[test]
    fn other_contents_are_refused() {
        let folder = pki();
        folder.write("message", b"text");
        let encrypted = folder.openssl("cms -encrypt -in message -aes128 -outform DER 2.pem");
        assert!(looks_like(&encrypted));
        assert_eq!(certificates(&encrypted), None);
        let streamed = folder.openssl(
            "cms -sign -stream -nodetach -in message -signer 1.pem -inkey 1.key -outform DER",
        );
        assert!(looks_like(&streamed));
        assert_eq!(certificates(&streamed), None);

        let der = folder.openssl("crl2pkcs7 -nocrl -certfile all.pem -outform DER");
        // The content type, and the tag that follows it, each changed to a neighbour.
        assert_eq!(der[14..16], [0x02, 0xa0]);
        for (at, byte) in [(14, 0x01), (15, 0xa1)] {
            let mut changed = der.clone();
            changed[at] = byte;
            assert_eq!(certificates(&changed), None);
        }

        let pkcs12 = folder.openssl("pkcs12 -export -in 1.pem -inkey 1.key -passout pass:x");
        let trailing = [der.as_slice(), &[0]].concat();
        assert_eq!(certificates(&trailing), None);
        for other in [pkcs12, folder.read("1.der"), Vec::new(), vec![0x30, 0x84]] {
            assert!(!looks_like(&other));
            assert_eq!(certificates(&other), None);
        }
    }

    #[test]
    fn certificates_of_other_kinds_are_passed_over() {
        let folder = pki();
        let mut der = folder.openssl("crl2pkcs7 -nocrl -certfile all.pem -outform DER");
        let first = folder.read("1.der");
        let at = der
            .windows(first.len())
            .position(|part| part == first)
            .unwrap();
        // The tag of an extendedCertificate.
        der[at] = 0xa0;
        assert_eq!(bytes(&der), Some(vec![folder.read("2.der")]));
    }

    #[test]
    fn damage_does_no_harm() {
        let folder = pki();
        let der = folder.openssl("crl2pkcs7 -nocrl -certfile all.pem -outform DER");
        for len in 0..der.len() {
            assert_eq!(certificates(&der[..len]), None, "{len}");
            assert_eq!(looks_like(&der[..len]), len >= 14, "{len}");
        }
        for bit in 0..8 * der.len() {
            let mut flipped = der.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let _ = certificates(&flipped);
        }
        for mutation in mutations(&der, 5000) {
            looks_like(&mutation);
            let _ = certificates(&mutation);
        }
    }
}
