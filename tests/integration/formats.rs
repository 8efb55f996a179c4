//! The formats in which certificates and keys arrive, made with openssl. A client accepts them, or rejects them with advice.

use crate::common::{assert_nothing_of, call, config, openssl};
use dcs::{Check, Client, Code, Config};
use dcs_testbed::{PASSWORD, Testbed};

fn read(testbed: &Testbed, name: &str) -> Vec<u8> {
    std::fs::read(testbed.file(name)).unwrap()
}

fn text(testbed: &Testbed, name: &str) -> String {
    String::from_utf8(read(testbed, name)).unwrap()
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    openssl(&["base64", "-A"], bytes)
}

fn good(testbed: &Testbed) -> Config {
    config(testbed, &testbed.url("tls12_close", "/checks/passport"))
}

/// Encodes as in RFC 4648, section 5, without padding.
fn base64url(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(base64(bytes)).unwrap();
    let text = text.trim_end_matches('=').replace('+', "-");
    text.replace('/', "_").into_bytes()
}

/// Returns a PEM text as mails, variables and parameter stores change it.
fn mangled(pem: &str) -> Vec<(&'static str, Vec<u8>)> {
    let pem = pem.replace("\r\n", "\n");
    let bytes = |text: String| text.into_bytes();
    vec![
        ("byte-order mark", bytes(format!("\u{feff}{pem}"))),
        ("spaces for line ends", bytes(pem.replace('\n', " "))),
        ("no line ends at all", bytes(pem.replace('\n', ""))),
        ("written-out line ends", bytes(pem.replace('\n', "\\n"))),
        ("written-out CRLF", bytes(pem.replace('\n', "\\r\\n"))),
        (
            "JSON",
            bytes(format!("{{\"value\": \"{}\"}}", pem.replace('\n', "\\n"))),
        ),
        (
            "quoted mail",
            bytes(format!("> {}", pem.replace('\n', "\n> "))),
        ),
        (
            "twice quoted mail",
            bytes(format!(">> {}", pem.replace('\n', "\n>> "))),
        ),
        (
            "indented",
            bytes(format!("    {}", pem.replace('\n', "\n    "))),
        ),
        ("in quotes", bytes(format!("KEY='{pem}'"))),
        ("CR only", bytes(pem.replace('\n', "\r"))),
        ("base64 of PEM", base64(pem.as_bytes())),
        ("base64url of PEM", base64url(pem.as_bytes())),
        (
            "base64 of PEM, wrapped",
            openssl(&["base64"], pem.as_bytes()),
        ),
    ]
}

#[test]
fn mangled_pem_is_repaired() {
    let testbed = Testbed::from_env();
    for (how, key) in mangled(&text(&testbed, "client_key")) {
        let mut config = good(&testbed);
        config.set_private_key(&key);
        call(&config).unwrap_or_else(|error| panic!("key, {how}: {error}"));
    }
    for (how, certificate) in mangled(&text(&testbed, "client_chain")) {
        let mut config = good(&testbed);
        config.set_certificate(&certificate);
        call(&config).unwrap_or_else(|error| panic!("certificate, {how}: {error}"));
    }
    for (how, bundle) in mangled(&text(&testbed, "ca_bundle")) {
        let mut config = good(&testbed);
        config.set_ca_bundle(&bundle);
        call(&config).unwrap_or_else(|error| panic!("CA bundle, {how}: {error}"));
    }
}

#[test]
fn mangled_encrypted_key_is_repaired() {
    let testbed = Testbed::from_env();
    for name in ["client_key_encrypted", "client_key_legacy_encrypted"] {
        for (how, key) in mangled(&text(&testbed, name)) {
            let mut config = good(&testbed);
            config.set_private_key(&key);
            config.set_private_key_password(Some(PASSWORD));
            let status = call(&config);
            // Without any white space, the headers of the legacy form run into the key.
            let is_lost = name.contains("legacy") && how == "no line ends at all";
            assert_eq!(status.is_err(), is_lost, "{name}, {how}: {status:?}");
        }
    }
}

#[test]
fn der_and_base64_of_der_are_accepted() {
    let testbed = Testbed::from_env();
    let pem = read(&testbed, "client_key");
    let pkcs8 = openssl(&["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], &pem);
    let pkcs1 = openssl(&["rsa", "-traditional", "-outform", "DER"], &pem);
    let pass = format!("pass:{PASSWORD}");
    let encrypted = openssl(
        &[
            "pkcs8", "-topk8", "-v2", "aes256", "-outform", "DER", "-passout", &pass,
        ],
        &pem,
    );
    let certificate = openssl(&["x509", "-outform", "DER"], &read(&testbed, "client_cert"));
    let root = openssl(
        &["x509", "-outform", "DER"],
        &read(&testbed, "ca_root_only"),
    );

    for key in [pkcs8, pkcs1, encrypted] {
        let with_line_end = [key.as_slice(), b"\n"].concat();
        for key in [
            key.clone(),
            base64(&key),
            base64url(&key),
            openssl(&["base64"], &key),
            with_line_end,
        ] {
            let mut config = good(&testbed);
            config.set_private_key(&key);
            config.set_private_key_password(Some(PASSWORD));
            call(&config).unwrap();
        }
    }
    // A certificate is long enough to contain every character of the alphabet.
    assert!(base64url(&certificate).contains(&b'-') && base64url(&certificate).contains(&b'_'));
    for certificate in [
        certificate.clone(),
        base64(&certificate),
        base64url(&certificate),
    ] {
        let mut config = good(&testbed);
        config.set_certificate(&certificate);
        call(&config).unwrap();
    }
    let mut config = good(&testbed);
    config.set_ca_bundle(&root);
    config.set_certificate_file(testbed.file("client_chain"));
    call(&config).unwrap();

    let sec1 = openssl(&["ec", "-outform", "DER"], &read(&testbed, "ec_p384_key"));
    let mut config = good(&testbed);
    config.set_certificate_file(testbed.file("ec_p384_cert"));
    config.set_private_key(&sec1);
    call(&config).unwrap();
}

#[test]
fn wrong_pem_label_is_ignored() {
    let testbed = Testbed::from_env();
    let pkcs1 = text(&testbed, "client_key_pkcs1");
    let mut config = good(&testbed);
    config.set_private_key(pkcs1.replace("RSA PRIVATE KEY", "PRIVATE KEY").as_bytes());
    call(&config).unwrap();
    let bundle = openssl(
        &[
            "crl2pkcs7",
            "-nocrl",
            "-certfile",
            testbed.file("client_chain").to_str().unwrap(),
        ],
        b"",
    );
    let bundle = String::from_utf8(bundle).unwrap();
    config.set_certificate(bundle.replace("PKCS7", "CERTIFICATE").as_bytes());
    call(&config).unwrap();
}

#[test]
fn pkcs7_is_accepted_as_bundle_and_certificate() {
    let testbed = Testbed::from_env();
    for form in ["PEM", "DER"] {
        let pkcs7 = |name: &str| {
            let file = testbed.file(name);
            let file = file.to_str().unwrap();
            openssl(
                &["crl2pkcs7", "-nocrl", "-outform", form, "-certfile", file],
                b"",
            )
        };
        let mut config = good(&testbed);
        config.set_ca_bundle(&pkcs7("ca_bundle"));
        config.set_certificate(&pkcs7("client_chain"));
        assert!(call(&config).unwrap().available(), "{form}");
        config.set_certificate(&base64(&pkcs7("client_chain")));
        assert!(call(&config).unwrap().available(), "{form}");
    }
}

/// Returns a PKCS#12 store with the client's certificate, chain and key.
fn pkcs12(testbed: &Testbed, more: &[&str]) -> Vec<u8> {
    let path = |name: &str| testbed.file(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("client_chain"), path("client_key"));
    let pass = format!("pass:{PASSWORD}");
    let mut arguments = vec!["pkcs12", "-export", "-in", &certificate, "-inkey", &key];
    arguments.extend(["-passout", &pass]);
    arguments.extend(more);
    openssl(&arguments, b"")
}

#[test]
fn pkcs12_store_replaces_certificate_and_key() {
    let testbed = Testbed::from_env();
    for more in [&[][..], &["-legacy"]] {
        let store = pkcs12(&testbed, more);
        let mut config = Config::new();
        config
            .set_url(&testbed.url("tls12_close", "/checks/passport"))
            .unwrap();
        config.set_ca_bundle_file(testbed.file("ca_root_only"));
        config.set_certificate(&store);
        let missing = Client::new(&config).unwrap_err();
        assert_eq!(missing.code(), Code::Password, "{missing}");
        assert_eq!(missing.check(), Some(Check::KeyPassword));
        config.set_private_key_password(Some("battery staple"));
        let wrong = Client::new(&config).unwrap_err();
        assert_eq!(wrong.code(), Code::Password, "{wrong}");
        assert!(!wrong.to_string().contains("battery"), "{wrong}");
        config.set_private_key_password(Some(PASSWORD));
        assert!(call(&config).unwrap().available());
        // Also if both options name it, and as base64 from a parameter store.
        config.set_private_key(&base64(&store));
        assert!(call(&config).unwrap().available());
    }
}

#[test]
fn certificate_file_may_contain_the_key() {
    let testbed = Testbed::from_env();
    let mut config = Config::new();
    config
        .set_url(&testbed.url("tls13_close", "/checks/passport"))
        .unwrap();
    config.set_ca_bundle_file(testbed.file("ca_bundle"));
    config.set_certificate_file(testbed.file("client_combined"));
    assert!(call(&config).unwrap().available());
}

#[test]
fn chain_in_any_order_is_sorted() {
    let testbed = Testbed::from_env();
    let bundle = text(&testbed, "ca_bundle");
    let mut blocks: Vec<&str> = bundle
        .split_inclusive("-----END CERTIFICATE-----")
        .collect();
    blocks.pop();
    blocks.reverse();
    let leaf = text(&testbed, "client_cert");
    let mut config = good(&testbed);
    config.set_ca_bundle_file(testbed.file("ca_root_only"));
    config.set_certificate(format!("{}\n{leaf}", blocks.concat()).as_bytes());
    assert!(call(&config).unwrap().available());
}

#[test]
fn unsupported_format_is_an_error_with_advice() {
    let testbed = Testbed::from_env();
    let pem = text(&testbed, "client_cert");
    let key = text(&testbed, "client_key");
    let utf16 = |text: &str, mark: bool| {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        let mark: &[u8] = if mark { b"\xff\xfe" } else { b"" };
        mark.iter().copied().chain(units).collect::<Vec<u8>>()
    };
    let text_and_der = openssl(&["x509", "-outform", "DER", "-text"], pem.as_bytes());
    let trusted = openssl(
        &["x509", "-trustout", "-addtrust", "clientAuth"],
        pem.as_bytes(),
    );
    let der = openssl(&["x509", "-outform", "DER"], pem.as_bytes());
    let csr = openssl(
        &[
            "req",
            "-new",
            "-subj",
            "/CN=x",
            "-outform",
            "DER",
            "-key",
            testbed.file("client_key").to_str().unwrap(),
        ],
        b"",
    );
    for (content, format, hint) in [
        (utf16(&pem, true), "UTF-16", "iconv"),
        (utf16(&pem, false), "UTF-16", "iconv"),
        (
            b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01".to_vec(),
            "JKS",
            "keytool -importkeystore",
        ),
        (text_and_der, "text followed by DER", "without -text"),
        (trusted, "TRUSTED CERTIFICATE", "openssl x509"),
        (csr, "signing request", "Send the CSR"),
        (read(&testbed, "csr"), "signing request", "Send the CSR"),
        (read(&testbed, "public_key"), "public key", ""),
        (der[..der.len() / 2].to_vec(), "cut short", "binary"),
        (
            b"<!DOCTYPE html><title>Sign in</title>".to_vec(),
            "HTML",
            "error page",
        ),
        (
            pem.replace("-----", "\u{2014}\u{2014}").into_bytes(),
            "plain hyphens",
            "plain text",
        ),
        (
            key.clone().into_bytes(),
            "private key and no certificate",
            "Exchange the two files",
        ),
    ] {
        let mut config = good(&testbed);
        config.set_certificate(&content);
        let error = Client::new(&config).expect_err(format);
        assert_eq!(error.code(), Code::Certificate, "{error}");
        assert!(error.message().contains(format), "{error}");
        assert!(error.hint().contains(hint), "{error}");
        assert!(error.check().is_some(), "{error}");
        assert_nothing_of(&error, &content);
    }
    // The key of ssh-keygen starts with "openssh-key-v1".
    let openssh = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----\n".to_owned();
    for (content, format, hint) in [
        (openssh.into_bytes(), "OPENSSH PRIVATE KEY", "ssh-keygen"),
        (utf16(&key, true), "UTF-16", "iconv"),
        (
            pem.clone().into_bytes(),
            "certificate and no private key",
            "Exchange the two files",
        ),
        (
            b"PuTTY-User-Key-File-3: ssh-rsa".to_vec(),
            "PuTTY",
            "PuTTYgen",
        ),
    ] {
        let mut config = good(&testbed);
        config.set_private_key(&content);
        let error = Client::new(&config).expect_err(format);
        assert_eq!(error.code(), Code::PrivateKey, "{error}");
        assert!(error.message().contains(format), "{error}");
        assert!(error.hint().contains(hint), "{error}");
        assert_nothing_of(&error, &content);
    }
}
