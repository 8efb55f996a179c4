//! Against files that `openssl` and Java's `keytool` made.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use x509_cert::der::Encode as _;

use super::*;
use crate::credentials::reference::{Folder, mutations};

/// `keytool -genkeypair -keyalg EC -groupname secp256r1 -dname CN=keytool -validity 36500 -alias k
/// -storetype PKCS12 -storepass hunter2`, of a JDK 17: the key comes first, both parts are PBES2.
const KEYTOOL: &str = "\
MIID1gIBAzCCA4AGCSqGSIb3DQEHAaCCA3EEggNtMIIDaTCCASAGCSqGSIb3DQEHAaCCAREEggENMIIBCTCCAQUGCy\
qGSIb3DQEMCgECoIG9MIG6MGYGCSqGSIb3DQEFDTBZMDgGCSqGSIb3DQEFDDArBBRXhV0RsfpYR2xnhb1O4H7Sk6rl\
iQICJxACASAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEAkaY6T5o2oYDFC4B+47mU4EUB8Qlkmzb7+8RDdDlC\
21ua82Tu9uHJ6cK0DLuHu6qnQUWU/zBEFO8APFaS2Q8clNNf9TYa2braqkGOJ6WgfUoz9lVsus/R+B4KVUyC5XPN95\
MTYwEQYJKoZIhvcNAQkUMQQeAgBrMCEGCSqGSIb3DQEJFTEUBBJUaW1lIDE3OTU2MTcwNjYzNTYwggJBBgkqhkiG9w\
0BBwagggIyMIICLgIBADCCAicGCSqGSIb3DQEHATBmBgkqhkiG9w0BBQ0wWTA4BgkqhkiG9w0BBQwwKwQU2ou6EfcV\
SzFCjy7OBEMY+NN50/QCAicQAgEgMAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBDxcxt0WJodbICdES8gBCOsgI\
IBsLx0frKyuRKtbBtkPn8V8pNPYnV3IZ5Ego5BZvT8GwCyOn8Sdwx6tTs0qkNuw8zgOFU98zgCA0uQpDMX52c/DNSD\
gObXAxsE1buYOfGlodxLc+seCwbReLakHaBbhyuJNyaLRFdskaymiWpy1OJukTZHC9AjjSNOFUW1JTox6wUtIwFfPZ\
1ExGI668IsCIRV8FxuHTEjb8tfqCExvmwnmUIVdfhHccAW2lw9LrUTAY5+AcNe+rN5p6VKSWsA2LnbybfKHr9oXci5\
oQt+IDjZpVp+9M1YZceTwxayK6DPtdrdONvXKZdPkWeKbl6RAGTjXI4jXY+veDxCYkhQ8NWBCOa9YzsHrv9+PTibpq\
04cukRtSjyigM/gV7ocilkv2rrZJvHFJGSmBzfYn/UqwzJPSlLipU1kT+ArkP6VzGvLcKnyRuANFIZNWiMv2IqPmm7\
1CFSgR3g1Km4TpssDWToUvu+jzdIxCPSq4JH/T58EPe9dvPZl3quov2FA15KFuYdzcNiXcIoHHsFCC9/nflH8sJJi9\
6KtVezb3FzL2IYjpQRW2MtR4Y6hG0w2GqbYyhFyTBNMDEwDQYJYIZIAWUDBAIBBQAEIKn/WrkUQWRuBX1kConfpn9I\
WnOfbNI+8d3jv0iNA1hFBBQ08WMHmdC2JUVWDZSwApUlSAMyiQICJxA=";

/// A leaf `leaf.pem` with the key `key.pem`, and a chain of two in `chain.pem`.
fn pki() -> Folder {
    let folder = Folder::new();
    for name in ["leaf", "ca1", "ca2"] {
        folder.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout {name}.key -out {name}.pem \
             -subj /CN={name} -days 2"
        ));
        folder.openssl(&format!("x509 -in {name}.pem -outform DER -out {name}.der"));
    }
    let chain = [folder.read("ca1.pem"), folder.read("ca2.pem")].concat();
    folder.write("chain.pem", &chain);
    folder
}

/// Runs `openssl pkcs12 -export` with some options.
fn export(folder: &Folder, options: &str) -> Vec<u8> {
    folder.openssl(format!("pkcs12 -export -inkey leaf.key -in leaf.pem {options}").trim_end())
}

fn key(folder: &Folder) -> Vec<u8> {
    folder.openssl("pkcs8 -topk8 -nocrypt -in leaf.key -outform DER")
}

fn failure(der: &[u8], password: Option<&str>) -> Option<Failure> {
    open(der, password).err()
}

#[test]
fn opens_what_openssl_made() {
    let folder = pki();
    let key = key(&folder);
    let chain: Vec<_> = ["leaf.der", "ca1.der", "ca2.der"]
        .map(|name| folder.read(name))
        .into();
    for options in [
        "",
        "-legacy",
        "-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1",
        "-legacy -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-2DES",
        "-certpbe NONE -keypbe NONE",
        "-nomac",
        "-nomac -certpbe AES-256-CBC",
        "-legacy -nomac -certpbe PBE-SHA1-RC2-40",
        "-nomaciter -noiter",
        "-macalg sha224",
        "-macalg sha384 -certpbe AES-128-CBC",
        "-macalg sha512 -keypbe AES-192-CBC",
    ] {
        let der = export(
            &folder,
            &format!("-passout pass:hunter2 -certfile chain.pem {options}"),
        );
        assert!(looks_like(&der));
        let opened = open(&der, Some("hunter2")).unwrap();
        assert_eq!(
            opened
                .certificates
                .iter()
                .map(|der| der.to_vec())
                .collect::<Vec<_>>(),
            chain,
            "{options}"
        );
        assert_eq!(opened.keys.len(), 1, "{options}");
        assert_eq!(*opened.keys[0], key, "{options}");

        assert_eq!(
            failure(&der, Some("hunter3")),
            Some(Failure::WrongPassword),
            "{options}"
        );
        assert_eq!(
            failure(&der, None),
            Some(Failure::PasswordMissing),
            "{options}"
        );
        assert_eq!(
            failure(&der, Some("")),
            Some(Failure::WrongPassword),
            "{options}"
        );
    }
}

#[test]
fn opens_what_keytool_made() {
    let folder = Folder::new();
    let der = STANDARD.decode(KEYTOOL).unwrap();
    folder.write("store.p12", &der);
    let opened = open(&der, Some("hunter2")).unwrap();

    let reference = folder.openssl("pkcs12 -in store.p12 -passin pass:hunter2 -noenc");
    folder.write("reference.pem", &reference);
    folder.write("certificate.der", &opened.certificates[0]);
    folder.write("key.der", &opened.keys[0]);
    assert_eq!((opened.certificates.len(), opened.keys.len()), (1, 1));
    assert_eq!(
        *opened.certificates[0],
        folder.openssl("x509 -in reference.pem -outform DER")
    );
    assert_eq!(
        folder.openssl("pkey -in key.der -inform DER -pubout"),
        folder.openssl("x509 -in reference.pem -noout -pubkey"),
    );
    assert_eq!(
        failure(&der, Some("changeit")),
        Some(Failure::WrongPassword)
    );
}

#[test]
fn passwords_of_every_kind() {
    let folder = pki();
    for password in ["hünter€2", "пароль", "with blank ", "p𐍈ssword", "x"] {
        for options in ["", "-legacy"] {
            folder.write("password", format!("{password}\n").as_bytes());
            let der = export(&folder, &format!("-passout file:password {options}"));
            assert!(open(&der, Some(password)).is_ok(), "{password} {options}");
            assert_eq!(failure(&der, Some("hunter2")), Some(Failure::WrongPassword));
        }
    }
}

#[test]
fn an_empty_password_is_tried_without_being_asked() {
    let folder = pki();
    for options in ["", "-legacy", "-nomac", "-legacy -nomac"] {
        let der = export(&folder, &format!("-passout pass: {options}"));
        assert_eq!(open(&der, None).unwrap().keys.len(), 1, "{options}");
        assert_eq!(open(&der, Some("")).unwrap().keys.len(), 1, "{options}");
        assert_eq!(
            failure(&der, Some("x")),
            Some(Failure::WrongPassword),
            "{options}"
        );
    }
    let der = export(&folder, "-passout pass: -certpbe NONE -keypbe NONE -nomac");
    assert_eq!(open(&der, None).unwrap().keys.len(), 1);
    assert_eq!(open(&der, Some("any")).unwrap().keys.len(), 1);
}

#[test]
fn certificates_or_the_key_alone() {
    let folder = pki();
    let der = folder.openssl("pkcs12 -export -nokeys -in chain.pem -passout pass:x");
    let opened = open(&der, Some("x")).unwrap();
    assert_eq!((opened.certificates.len(), opened.keys.len()), (2, 0));
    let der =
        folder.openssl("pkcs12 -export -nocerts -in leaf.key -inkey leaf.key -passout pass:x");
    let opened = open(&der, Some("x")).unwrap();
    assert_eq!((opened.certificates.len(), opened.keys.len()), (0, 1));
    assert_eq!(format!("{opened:?}"), "Opened { certificates: 0, keys: 1 }");
}

#[test]
fn without_a_mac_no_wrong_password_gives_anything() {
    let folder = pki();
    // The first thing to be decrypted is the certificates in one and the key in the other.
    for options in ["-certpbe PBE-SHA1-3DES", "-keypbe PBE-SHA1-3DES"] {
        let der = export(
            &folder,
            &format!("-nomac {options} -noiter -passout pass:right"),
        );
        // Far more than the 256 tries after which one would pass the padding check.
        for attempt in 0..2000 {
            assert_eq!(
                failure(&der, Some(&attempt.to_string())),
                Some(Failure::WrongPassword)
            );
        }
    }
}

#[test]
fn an_absent_password_is_another_empty_one() {
    let folder = pki();
    let plain = export(
        &folder,
        "-nomac -certpbe NONE -keypbe NONE -passout pass:any",
    );
    let der = pfx(&content(&plain), Some(&Password::absent()));
    folder.write("absent.p12", &der);
    folder.openssl("pkcs12 -in absent.p12 -passin pass: -noenc");
    assert_eq!(open(&der, None).unwrap().keys.len(), 1);
    assert_eq!(failure(&der, Some("x")), Some(Failure::WrongPassword));
}

#[test]
fn once_the_mac_is_right_the_password_is_not_blamed() {
    let folder = pki();
    let other = content(&export(&folder, "-nomac -passout pass:other"));
    let der = pfx(&other, Some(&Password::new("x")));
    assert_eq!(failure(&der, Some("x")), Some(Failure::Damaged));
}

#[test]
fn nothing_may_follow() {
    let folder = pki();
    let der = export(&folder, "-nomac -passout pass:x");
    let content = content(&der);
    assert_eq!(pfx(&content, None), der);
    let outside = [der.as_slice(), &[0]].concat();
    let inside = pfx(&[content.as_slice(), &[5, 0]].concat(), None);
    for der in [outside, inside] {
        assert_eq!(failure(&der, Some("x")), Some(Failure::Damaged));
    }
}

/// The AuthenticatedSafe of a file.
fn content(der: &[u8]) -> Vec<u8> {
    AnyRef::from_der(der)
        .unwrap()
        .sequence(|reader| {
            reader.tlv_bytes()?;
            let (_, content) = content_info(reader)?;
            // The MAC.
            reader.read_slice(reader.remaining_len())?;
            Ok::<_, der::Error>(<&OctetStringRef>::from_der(content)?.as_bytes().to_vec())
        })
        .unwrap()
}

/// A file with the given AuthenticatedSafe, and a MAC for the given password.
fn pfx(content: &[u8], mac_password: Option<&Password<'_>>) -> Vec<u8> {
    let explicit = Tag::ContextSpecific {
        number: der::TagNumber(0),
        constructed: true,
    };
    let octet_string = octets(content);
    let tagged = AnyRef::new(explicit, &octet_string)
        .unwrap()
        .to_der()
        .unwrap();
    let content_info = sequence(&[DATA.to_der().unwrap(), tagged].concat());
    let mac = mac_password.map_or(Vec::new(), |password| {
        let salt = [7; 8];
        let key = password.derive::<sha2::Sha256>(Pkcs12KeyType::Mac, &salt, 1, 32);
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(content);
        let algorithm = sequence(&SHA_256.to_der().unwrap());
        let digest = octets(&mac.finalize().into_bytes());
        sequence(&[sequence(&[algorithm, digest].concat()), octets(&salt)].concat())
    });
    sequence(&[[2, 1, 3].as_slice(), &content_info, &mac].concat())
}

fn limited_to(limit: u64) -> Budget {
    Budget { spent: 0, limit }
}

#[test]
fn all_derivations_are_paid_out_of_one_budget() {
    let folder = pki();
    for (options, cost) in [
        // Without a MAC OpenSSL encrypts only the key, without further options.
        ("-nomac", 100),
        ("-nomac -certpbe AES-256-CBC", 200),
        ("-macalg sha384", 300),
        ("-legacy", 700),
    ] {
        let der = export(&folder, &format!("-passout pass:x -iter 100 {options}"));
        let mut budget = limited_to(cost);
        assert!(open_with(&der, &Password::new("x"), &mut budget).is_ok());
        assert_eq!(budget.spent, cost, "{options}");
        let too_little = open_with(&der, &Password::new("x"), &mut limited_to(cost - 1));
        assert_eq!(
            too_little.err(),
            Some(Failure::TooCostly(cost)),
            "{options}"
        );
    }
}

#[test]
fn excessive_work_is_rejected() {
    let folder = pki();
    // The iteration count of the MAC stands at the very end.
    let mut mac = export(&folder, "-passout pass:x -iter 2048");
    let end = mac.len() - 4;
    assert_eq!(mac[end..], [0x02, 0x02, 0x08, 0x00]);
    mac.truncate(end);
    mac.extend([0x02, 0x02, 0x7f, 0xff]);
    assert_eq!(failure(&mac, Some("x")), Some(Failure::WrongPassword));
    for (integer, rounds) in [
        ([0x02, 0x04, 0x7f, 0xff, 0xff, 0xff].as_slice(), 0x7fff_ffff),
        (&[0x02, 0x05, 0x00, 0xff, 0xff, 0xff, 0xff], 0xffff_ffff),
        (&[0x02, 0x03, 0x0f, 0x42, 0x41], 1_000_001),
    ] {
        let costly = Some(Failure::TooCostly(rounds));
        assert_eq!(failure(&grown(&mac, integer), Some("x")), costly);
    }
    let negative = grown(&mac, &[0x02, 0x01, 0xff]);
    assert_eq!(failure(&negative, Some("x")), Some(Failure::Damaged));
    let large = vec![0; MAX_SIZE + 1];
    assert_eq!(failure(&large, None), Some(Failure::TooLarge));
}

/// Puts another INTEGER in place of the last four bytes and corrects the lengths around it.
fn grown(der: &[u8], integer: &[u8]) -> Vec<u8> {
    let (content, mac) = AnyRef::from_der(der)
        .unwrap()
        .sequence(|reader| {
            reader.tlv_bytes()?;
            let content = reader.tlv_bytes()?;
            Ok::<_, der::Error>((content, AnyRef::decode(reader)?.value()))
        })
        .unwrap();
    let mac = sequence(&[&mac[..mac.len() - 4], integer].concat());
    sequence(&[&[0x02, 0x01, 0x03], content, &mac].concat())
}

fn octets(content: &[u8]) -> Vec<u8> {
    OctetStringRef::new(content).unwrap().to_der().unwrap()
}

fn sequence(content: &[u8]) -> Vec<u8> {
    AnyRef::new(Tag::Sequence, content)
        .unwrap()
        .to_der()
        .unwrap()
}

#[test]
fn scrypt_is_bounded() {
    let folder = pki();
    // OpenSSL writes scrypt in PKCS#8 only; the algorithm is the same.
    let shrouded = |options: &str| {
        folder.openssl(&format!(
            "pkcs8 -topk8 -in leaf.key -outform DER -passout pass:x {options}"
        ))
    };
    let read = |value: &[u8]| {
        let mut opening = Opening {
            password: &Password::new("x"),
            budget: &mut Budget::new(),
            is_verified: false,
            opened: Opened {
                certificates: Vec::new(),
                keys: Vec::new(),
            },
        };
        opening
            .read_bag(SHROUDED_KEY_BAG, value)
            .map(|()| opening.opened.keys.len())
    };
    assert_eq!(read(&shrouded("-scrypt -scrypt_N 1024")), Ok(1));
    assert_eq!(
        read(&shrouded("-scrypt -scrypt_N 1024 -scrypt_p 200")),
        Err(Failure::TooCostly(2 * 1024 * 8 * 200))
    );
}

#[test]
fn other_files_are_told_apart() {
    let folder = pki();
    let pkcs7 = folder.openssl("crl2pkcs7 -nocrl -certfile chain.pem -outform DER");
    for other in [
        folder.read("leaf.der"),
        key(&folder),
        pkcs7,
        Vec::new(),
        vec![0x30],
    ] {
        assert!(!looks_like(&other));
        assert!(open(&other, None).is_err());
    }
    let mut indefinite = export(&folder, "-passout pass:x");
    indefinite.splice(1..4, [0x80]);
    assert!(looks_like(&indefinite));
    assert_eq!(failure(&indefinite, Some("x")), Some(Failure::Unsupported));
}

#[test]
fn damage_never_passes_and_never_panics() {
    let folder = pki();
    // Without iterations, so that a few thousand tries are quick.
    for options in [
        "-noiter -nomaciter",
        "-legacy -noiter -nomac -certpbe PBE-SHA1-RC2-40",
        "-nomac -keypbe NONE",
    ] {
        let der = export(
            &folder,
            &format!("-passout pass:x -certfile chain.pem {options}"),
        );
        for len in 0..der.len() {
            assert!(open(&der[..len], Some("x")).is_err(), "{len}");
            assert_eq!(looks_like(&der[..len]), len >= 21, "{len}");
        }
        for mutation in mutations(&der, 3000) {
            looks_like(&mutation);
            // Little to spend, so that no count that damage has raised makes the test slow.
            let _ = open_with(&mutation, &Password::new("x"), &mut limited_to(1000));
        }
    }
    let der = export(&folder, "-passout pass:x -noiter -nomaciter");
    let original = open(&der, Some("x")).unwrap();
    for bit in 0..8 * der.len() {
        let mut flipped = der.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // Only the parameters of the MAC's own algorithm are neither covered by it nor read.
        if let Ok(opened) = open(&flipped, Some("x")) {
            assert_eq!(opened.certificates, original.certificates, "{bit}");
            assert_eq!(opened.keys, original.keys, "{bit}");
        }
    }
}
