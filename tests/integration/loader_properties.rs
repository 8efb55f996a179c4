//! Properties of reading files, over many inputs: nothing makes it panic or go on without end, and nothing of
//! a file's content gets into an error.

use std::process::Command;
use std::sync::LazyLock;

use crate::common::harmless::{self, Companions, MARKER};
use dcs_testbed::{PASSWORD, Testbed};
use proptest::prelude::*;

/// The files that are in order.
static COMPANIONS: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    let testbed = Testbed::from_env();
    ["ca_bundle", "client_cert", "client_key"]
        .map(|name| std::fs::read(testbed.file(name)).unwrap())
});

/// Real files of every format to make inputs of.
static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let testbed = Testbed::from_env();
    let path = |name: &str| testbed.file(name).to_str().unwrap().to_owned();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
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

/// What happens to a file.
#[derive(Clone, Debug)]
enum Harm {
    Cut(usize),
    Flip(usize, u8),
    Remove(usize, usize),
    Repeat(usize, usize),
    Insert(usize, Vec<u8>),
    Mark(usize),
    ReplaceAll(u8, u8),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = any::<usize>();
    prop_oneof![
        at.prop_map(Harm::Cut),
        (any::<usize>(), any::<u8>()).prop_map(|(at, mask)| Harm::Flip(at, mask)),
        (any::<usize>(), 1_usize..100).prop_map(|(at, length)| Harm::Remove(at, length)),
        (any::<usize>(), 1_usize..400).prop_map(|(at, length)| Harm::Repeat(at, length)),
        (any::<usize>(), prop::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
        any::<usize>().prop_map(Harm::Mark),
        (any::<u8>(), any::<u8>()).prop_map(|(from, to)| Harm::ReplaceAll(from, to)),
    ]
}

fn apply(file: &mut Vec<u8>, harm: &Harm) {
    let length = file.len();
    if length == 0 {
        return;
    }
    let range = |at: usize, count: usize| {
        let at = at % length;
        at..(at + count).min(length)
    };
    match harm {
        Harm::Cut(at) => file.truncate(at % length),
        Harm::Flip(at, mask) => file[at % length] ^= mask,
        Harm::Remove(at, count) => {
            file.drain(range(*at, *count));
        }
        Harm::Repeat(at, count) => {
            let part = file[range(*at, *count)].to_vec();
            let at = at % length;
            file.splice(at..at, part);
        }
        Harm::Insert(at, bytes) => {
            let at = at % length;
            file.splice(at..at, bytes.iter().copied());
        }
        Harm::Mark(at) => {
            let at = at % length;
            file.splice(at..at, MARKER.bytes());
        }
        Harm::ReplaceAll(from, to) => {
            for byte in file.iter_mut().filter(|byte| **byte == *from) {
                *byte = *to;
            }
        }
    }
}

fn harmed_file() -> impl Strategy<Value = Vec<u8>> {
    (
        any::<prop::sample::Index>(),
        prop::collection::vec(harm(), 1..5),
    )
        .prop_map(|(which, harms)| {
            let mut file = which.get(&FILES).clone();
            for harm in &harms {
                apply(&mut file, harm);
            }
            file
        })
}

/// Text that looks like PEM from afar.
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
    fn a_real_file_that_came_to_harm_is_harmless(content in harmed_file()) {
        assert_is_harmless(&content);
    }

    #[test]
    fn text_that_is_almost_pem_is_harmless(content in almost_pem()) {
        assert_is_harmless(&content);
    }

    #[test]
    fn any_bytes_are_harmless(content in prop::collection::vec(any::<u8>(), 0..600)) {
        assert_is_harmless(&content);
    }
}

/// Sizes at which something that is done once for each byte, for each byte, would take hours.
#[test]
fn a_large_file_costs_no_more_than_its_size() {
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
