//! The conversion to PKCS#8 DER gives openssl's own bytes, from every form that a key comes in.

use std::path::{Path, PathBuf};
use std::process::Command;

use dcs::{Check, Code, private_key_file_to_pkcs8_der, private_key_to_pkcs8_der};

const PASSWORD: &str = "correct horse";
const PASS: &str = "pass:correct horse";

/// A folder of the test's own, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dcs-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn openssl(arguments: &[&str], input: Option<&Path>, output: &Path) {
    let mut command = Command::new("openssl");
    command.args(arguments);
    if let Some(input) = input {
        command.arg("-in").arg(input);
    }
    let done = command.arg("-out").arg(output).output().unwrap();
    assert!(done.status.success(), "openssl {arguments:?}: {done:?}");
}

/// The kinds of keys, how openssl makes one, and the command that writes its traditional form.
const KEYS: [(&str, &[&str], Option<&str>); 7] = [
    (
        "rsa2048",
        &[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:2048",
        ],
        Some("rsa"),
    ),
    (
        "rsa3072",
        &[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:3072",
        ],
        Some("rsa"),
    ),
    (
        "rsa4096",
        &[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:4096",
        ],
        Some("rsa"),
    ),
    (
        "p256",
        &[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ],
        Some("ec"),
    ),
    (
        "p384",
        &[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-384",
        ],
        Some("ec"),
    ),
    (
        "p521",
        &[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-521",
        ],
        Some("ec"),
    ),
    ("ed25519", &["genpkey", "-algorithm", "ED25519"], None),
];

#[test]
fn every_key_in_every_form_gives_openssls_bytes() {
    let folder = Folder::new("convert");
    for (name, make, traditional) in KEYS {
        let key = folder.path(name);
        openssl(make, None, &key);
        let expected = folder.path("expected");
        openssl(
            &["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"],
            Some(&key),
            &expected,
        );
        let expected = std::fs::read(&expected).unwrap();

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
                let file = folder.path("form");
                openssl(
                    &[&form[..], &["-outform", encoding]].concat(),
                    Some(&key),
                    &file,
                );
                let content = std::fs::read(&file).unwrap();
                let converted = private_key_to_pkcs8_der(&content, Some(PASSWORD))
                    .unwrap_or_else(|error| panic!("{name} {form:?} {encoding}: {error}"));
                assert_eq!(*converted, expected, "{name} {form:?} {encoding}");
                let of_file = private_key_file_to_pkcs8_der(&file, Some(PASSWORD)).unwrap();
                assert_eq!(*of_file, expected, "{name} {form:?} {encoding}");
            }
        }
        // What comes out goes in again and stays as it is.
        assert_eq!(
            *private_key_to_pkcs8_der(&expected, None).unwrap(),
            expected
        );
    }
}

#[test]
fn what_cannot_be_converted_is_told() {
    let folder = Folder::new("convert-errors");
    let key = folder.path("key");
    openssl(&["genpkey", "-algorithm", "ED25519"], None, &key);
    let encrypted = folder.path("encrypted");
    openssl(
        &["pkcs8", "-topk8", "-passout", PASS],
        Some(&key),
        &encrypted,
    );
    let encrypted = std::fs::read(&encrypted).unwrap();
    let key = std::fs::read(&key).unwrap();
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
    let missing = private_key_file_to_pkcs8_der(folder.path("missing"), None).unwrap_err();
    assert_eq!(missing.code(), Code::File);
}
