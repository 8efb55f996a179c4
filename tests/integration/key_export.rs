//! The export of a private key as PKCS#8 DER yields the same bytes as openssl, from every form of key.

use crate::common::{TempFolder, openssl};
use dcs::{Check, Code, private_key_file_to_pkcs8_der, private_key_to_pkcs8_der};
use dcs_testbed::PASSWORD;

const PASS: &str = concat!("pass:", "correct horse");

/// The kinds of keys, how openssl generates one, and the command that writes its traditional form.
const KEYS: [(&str, &str, Option<&str>); 7] = [
    ("RSA", "rsa_keygen_bits:2048", Some("rsa")),
    ("RSA", "rsa_keygen_bits:3072", Some("rsa")),
    ("RSA", "rsa_keygen_bits:4096", Some("rsa")),
    ("EC", "ec_paramgen_curve:P-256", Some("ec")),
    ("EC", "ec_paramgen_curve:P-384", Some("ec")),
    ("EC", "ec_paramgen_curve:P-521", Some("ec")),
    ("ED25519", "", None),
];

fn generate(algorithm: &str, option: &str) -> Vec<u8> {
    let mut arguments = vec!["genpkey", "-algorithm", algorithm];
    if !option.is_empty() {
        arguments.extend(["-pkeyopt", option]);
    }
    openssl(&arguments, b"")
}

#[test]
fn every_form_of_key_exports_as_with_openssl() {
    let folder = TempFolder::new("key-export");
    for (algorithm, option, traditional) in KEYS {
        let key = generate(algorithm, option);
        let to_der = ["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"];
        let expected = openssl(&to_der, &key);

        let mut forms: Vec<Vec<&str>> = vec![vec!["pkcs8", "-topk8", "-nocrypt"]];
        for cipher in ["aes-256-cbc", "aes-128-cbc", "des3"] {
            forms.push(vec!["pkcs8", "-topk8", "-v2", cipher, "-passout", PASS]);
        }
        forms.push(vec!["pkcs8", "-topk8", "-scrypt", "-passout", PASS]);
        if let Some(command) = traditional {
            let plain = match command {
                "rsa" => vec!["rsa", "-traditional"],
                other => vec![other],
            };
            forms.push(plain.clone());
            for cipher in ["-aes256", "-des3"] {
                forms.push([&plain[..], &[cipher, "-passout", PASS]].concat());
            }
        }
        for form in forms {
            for encoding in ["PEM", "DER"] {
                // The legacy encryption is one of PEM: in DER, openssl would leave it out.
                let is_legacy = form.contains(&"-aes256") || form.contains(&"-des3");
                if is_legacy && encoding == "DER" {
                    continue;
                }
                let what = format!("{algorithm} {option} {form:?} {encoding}");
                let content = openssl(&[&form[..], &["-outform", encoding]].concat(), &key);
                let exported = private_key_to_pkcs8_der(&content, Some(PASSWORD))
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(*exported, expected, "{what}");
                let file = folder.path("key");
                std::fs::write(&file, content).unwrap();
                let exported = private_key_file_to_pkcs8_der(&file, Some(PASSWORD)).unwrap();
                assert_eq!(*exported, expected, "{what}");
            }
        }
        // The export of an export is the same.
        let again = private_key_to_pkcs8_der(&expected, None).unwrap();
        assert_eq!(*again, expected);
    }
}

#[test]
fn key_that_cannot_be_exported_is_an_error() {
    let key = generate("ED25519", "");
    let encrypted = openssl(&["pkcs8", "-topk8", "-passout", PASS], &key);
    let twice = [key.as_slice(), &key].concat();
    for (data, password, code, check) in [
        (&b""[..], None, Code::PrivateKey, Check::FileNotEmpty),
        (b"hello", None, Code::PrivateKey, Check::FileFormat),
        (&encrypted, None, Code::Password, Check::KeyPassword),
        (
            &encrypted,
            Some("battery staple"),
            Code::Password,
            Check::KeyPassword,
        ),
        (&twice, None, Code::PrivateKey, Check::KeySingle),
        (
            b"-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----",
            None,
            Code::PrivateKey,
            Check::KeySupported,
        ),
    ] {
        let error = private_key_to_pkcs8_der(data, password).unwrap_err();
        assert_eq!(
            (error.code(), error.check()),
            (code, Some(check)),
            "{error}"
        );
        assert!(!error.to_string().contains("battery"), "{error}");
    }
    let missing = private_key_file_to_pkcs8_der("/nowhere/missing", None).unwrap_err();
    assert_eq!(missing.code(), Code::File);
}
