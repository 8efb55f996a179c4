//! Properties of the file loader over many inputs: it never panics or runs without end, and no error contains any of a file's
//! content.

use std::sync::LazyLock;

use crate::common::harmless::{self, Companions, MARKER};
use crate::common::openssl;
use dcs_testbed::{PASSWORD, Testbed};
use proptest::prelude::*;

/// The valid files.
static COMPANIONS: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    let testbed = Testbed::from_env();
    ["ca_bundle", "client_cert", "client_key"]
        .map(|name| std::fs::read(testbed.file(name)).unwrap())
});

/// Real files of every format, from which inputs are made.
static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let testbed = Testbed::from_env();
    let path = |name: &str| testbed.file(name).to_str().unwrap().to_owned();
    let openssl = |arguments: &[&str]| openssl(arguments, b"");
    let mut files: Vec<Vec<u8>> = [
        "ca_bundle",
        "client_chain",
        "client_combined",
        "client_key",
        "client_key_pkcs1",
        "client_key_encrypted",
        "client_key_legacy_encrypted",
        "ec_p384_key",
        "ed25519_key",
        "csr",
        "public_key",
    ]
    .iter()
    .map(|name| std::fs::read(testbed.file(name)).unwrap())
    .collect();
    let (certificate, chain, key) = (
        path("client_cert"),
        path("client_chain"),
        path("client_key"),
    );
    let pass = format!("pass:{PASSWORD}");
    files.push(openssl(&["x509", "-outform", "DER", "-in", &certificate]));
    files.push(openssl(&[
        "rsa",
        "-outform",
        "DER",
        "-traditional",
        "-in",
        &key,
    ]));
    files.push(openssl(&[
        "pkcs8", "-topk8", "-outform", "DER", "-passout", &pass, "-in", &key,
    ]));
    files.push(openssl(&[
        "crl2pkcs7",
        "-nocrl",
        "-outform",
        "DER",
        "-certfile",
        &chain,
    ]));
    files.push(openssl(&[
        "pkcs12", "-export", "-in", &chain, "-inkey", &key, "-passout", &pass,
    ]));
    files.push(openssl(&[
        "pkcs12", "-export", "-legacy", "-in", &chain, "-inkey", &key, "-passout", &pass,
    ]));
    files
});

/// A change to a file.
#[derive(Clone, Debug)]
enum Damage {
    Cut(usize),
    Flip(usize, u8),
    Remove(usize, usize),
    Repeat(usize, usize),
    Insert(usize, Vec<u8>),
    Mark(usize),
    ReplaceAll(u8, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<usize>();
    prop_oneof![
        at.prop_map(Damage::Cut),
        (any::<usize>(), any::<u8>()).prop_map(|(at, mask)| Damage::Flip(at, mask)),
        (any::<usize>(), 1_usize..100).prop_map(|(at, length)| Damage::Remove(at, length)),
        (any::<usize>(), 1_usize..400).prop_map(|(at, length)| Damage::Repeat(at, length)),
        (any::<usize>(), prop::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        any::<usize>().prop_map(Damage::Mark),
        (any::<u8>(), any::<u8>()).prop_map(|(from, to)| Damage::ReplaceAll(from, to)),
    ]
}

fn apply(file: &mut Vec<u8>, damage: &Damage) {
    let length = file.len();
    if length == 0 {
        return;
    }
    let range = |at: usize, count: usize| {
        let at = at % length;
        at..(at + count).min(length)
    };
    match damage {
        Damage::Cut(at) => file.truncate(at % length),
        Damage::Flip(at, mask) => file[at % length] ^= mask,
        Damage::Remove(at, count) => {
            file.drain(range(*at, *count));
        }
        Damage::Repeat(at, count) => {
            let part = file[range(*at, *count)].to_vec();
            let at = at % length;
            file.splice(at..at, part);
        }
        Damage::Insert(at, bytes) => {
            let at = at % length;
            file.splice(at..at, bytes.iter().copied());
        }
        Damage::Mark(at) => {
            let at = at % length;
            file.splice(at..at, MARKER.bytes());
        }
        Damage::ReplaceAll(from, to) => {
            for byte in file.iter_mut().filter(|byte| **byte == *from) {
                *byte = *to;
            }
        }
    }
}

fn damaged_file() -> impl Strategy<Value = Vec<u8>> {
    (
        any::<prop::sample::Index>(),
        prop::collection::vec(damage(), 1..5),
    )
        .prop_map(|(which, damages)| {
            let mut file = which.get(&FILES).clone();
            for damage in &damages {
                apply(&mut file, damage);
            }
            file
        })
}

/// Text that resembles PEM.
fn almost_pem() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just("-----BEGIN ".to_owned()),
        Just("-----END ".to_owned()),
        Just("-----".to_owned()),
        Just("CERTIFICATE".to_owned()),
        Just("RSA PRIVATE KEY".to_owned()),
        Just("ENCRYPTED PRIVATE KEY".to_owned()),
        Just(
            "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n"
                .to_owned()
        ),
        Just("MIIB".to_owned()),
        Just("\n".to_owned()),
        Just("\\n".to_owned()),
        Just("> ".to_owned()),
        Just("\u{feff}".to_owned()),
        Just(MARKER.to_owned()),
        "[ -~]{0,20}",
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat().into_bytes())
}

fn assert_is_harmless(content: &[u8]) {
    harmless::assert_is_harmless(
        content,
        &Companions {
            ca_bundle: &COMPANIONS[0],
            certificate: &COMPANIONS[1],
            private_key: &COMPANIONS[2],
            password: PASSWORD,
        },
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_file_is_harmless(content in damaged_file()) {
        assert_is_harmless(&content);
    }

    #[test]
    fn almost_pem_is_harmless(content in almost_pem()) {
        assert_is_harmless(&content);
    }

    #[test]
    fn any_bytes_are_harmless(content in prop::collection::vec(any::<u8>(), 0..600)) {
        assert_is_harmless(&content);
    }
}

/// At this size, quadratic time would take hours.
#[test]
fn large_file_takes_linear_time() {
    const SIZE: usize = 512 * 1024;
    let block = "-----BEGIN X-----\nQUJD\n-----END X-----";
    for unit in [
        "-----BEGIN ",
        "-",
        "A",
        "\\n",
        "> ",
        "\n",
        block,
        "-----BEGIN CERTIFICATE-----",
        "0\u{7f}",
    ] {
        let mut content = unit.repeat(SIZE / unit.len()).into_bytes();
        assert_is_harmless(&content);
        content.insert(0, 0x30);
        assert_is_harmless(&content);
    }
}
