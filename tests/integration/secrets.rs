//! No password and no key stays in the process's memory after its last use.
//!
//! A C program searches all of its memory. While a client lives, it must find the parsed key, in the form in which the
//! provider signs with it, which proves that the search works.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use crate::common::c::{compile, folder, text};
use crate::common::openssl;
use dcs_testbed::Testbed;

const MASK: u8 = 0x5a;

/// Hashes process a short one at once and a long one in blocks.
const PASSWORDS: [&str; 2] = [
    "correct horse battery staple",
    "correct horse battery staple, correct horse battery staple, correct horse battery staple",
];

fn masked(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{:02x}", byte ^ MASK))
        .collect()
}

/// Returns the INTEGERs of a PKCS#1 key: version, n, e, d, p, q, ...
fn integers(der: &[u8]) -> Vec<&[u8]> {
    let mut rest = &der[4..];
    let mut integers = Vec::new();
    while let [0x02, length, after @ ..] = rest {
        let (length, after) = match length {
            0x81 => (usize::from(after[0]), &after[1..]),
            0x82 => (
                usize::from(after[0]) << 8 | usize::from(after[1]),
                &after[2..],
            ),
            length => (usize::from(*length), after),
        };
        integers.push(&after[..length]);
        rest = &after[length..];
    }
    integers
}

/// A form of a key.
struct Form {
    name: String,
    file: PathBuf,
    password: &'static str,
}

fn forms(testbed: &Testbed, pem: &[u8]) -> Vec<Form> {
    let folder = folder().join("secrets");
    std::fs::create_dir_all(&folder).unwrap();
    let form = |name: &str, content: Vec<u8>, password: &'static str| {
        let file = folder.join(name);
        std::fs::write(&file, content).unwrap();
        Form {
            name: name.to_owned(),
            file,
            password,
        }
    };
    let plain = |arguments: &[&str]| openssl(arguments, pem);
    let mut forms = vec![
        form("pkcs8.pem", plain(&["pkcs8", "-topk8", "-nocrypt"]), ""),
        form("pkcs1.pem", plain(&["rsa", "-traditional"]), ""),
        form(
            "pkcs8.der",
            plain(&["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"]),
            "",
        ),
        form(
            "pkcs1.der",
            plain(&["rsa", "-traditional", "-outform", "DER"]),
            "",
        ),
        form("base64", plain(&["base64", "-A"]), ""),
    ];
    for password in PASSWORDS {
        let pass = format!("pass:{password}");
        let encrypted = |arguments: &[&str]| {
            let options: &[&str] = &["-passout", &pass];
            openssl(&[arguments, options].concat(), pem)
        };
        let [certificate, key] =
            ["client_cert", "client_key"].map(|name| testbed.file(name).display().to_string());
        let store = ["pkcs12", "-export", "-in", &certificate, "-inkey", &key];
        for (name, content) in [
            (
                "pbkdf2.pem",
                encrypted(&["pkcs8", "-topk8", "-v2", "aes256"]),
            ),
            ("scrypt.pem", encrypted(&["pkcs8", "-topk8", "-scrypt"])),
            ("legacy.pem", encrypted(&["rsa", "-traditional", "-aes256"])),
            ("store.p12", encrypted(&store)),
            (
                "legacy.p12",
                encrypted(&[&store[..], &["-legacy"]].concat()),
            ),
        ] {
            let name = format!("{}-{name}", password.len());
            forms.push(form(&name, content, password));
        }
    }
    forms
}

/// Returns the patterns to search for, with their names.
fn patterns(form: &Form, numbers: &[&[u8]]) -> Vec<(&'static str, Vec<u8>)> {
    let (d, p) = (numbers[3], numbers[4]);
    // In the provider's form, the lowest word of a number is the first.
    let signing = d[d.len() - 72..d.len() - 40].iter().rev().copied();
    let mut patterns = vec![
        ("d", d[40..72].to_vec()),
        ("p", p[20..52].to_vec()),
        ("signing", signing.collect()),
    ];
    let content = std::fs::read(&form.file).unwrap();
    if !form.password.is_empty() {
        let password = form.password.as_bytes();
        let utf16: Vec<u8> = password.iter().flat_map(|byte| [0, *byte]).collect();
        patterns.push(("password", password[..20].to_vec()));
        patterns.push(("password_utf16", utf16[..40].to_vec()));
    } else if form.name == "base64" {
        patterns.push(("text", content[500..540].to_vec()));
    } else if form.name.ends_with(".pem") {
        // A line without its end: the library may join lines.
        let lines: Vec<&[u8]> = content.split(|byte| *byte == b'\n').collect();
        patterns.push(("text", lines[8].to_vec()));
    }
    patterns
}

#[test]
fn memory_holds_no_password_and_no_key_after_use() {
    let testbed = Testbed::from_env();
    let program = compile("cc", "-std=c11", "tests/c/secrets.c");
    let pem = std::fs::read(testbed.file("client_key")).unwrap();
    let certificate = testbed.file("client_cert");
    let pkcs1 = openssl(&["rsa", "-traditional", "-outform", "DER"], &pem);
    let numbers = integers(&pkcs1);

    let mut found_secrets = Vec::new();
    for form in forms(&testbed, &pem) {
        let patterns = patterns(&form, &numbers);
        let with_key = form.name.ends_with(".p12");
        let is_text = form.name.ends_with(".pem") || form.name == "base64";
        let ways = ["file", "bytes", "environment"];
        for way in &ways[..if is_text { 3 } else { 2 }] {
            let output = Command::new(&program)
                .arg(testbed.url("tls12_keepalive", "/checks/passport"))
                .arg(testbed.file("ca_bundle"))
                .arg(if with_key { &form.file } else { &certificate })
                .arg(&form.file)
                .arg(way)
                .arg(masked(form.password.as_bytes()))
                .args(
                    patterns
                        .iter()
                        .map(|(name, bytes)| format!("{name}:{}", masked(bytes))),
                )
                .output()
                .unwrap();
            let printed = text(&output.stdout);
            assert!(
                output.status.success(),
                "{}: {printed}{}",
                form.name,
                text(&output.stderr)
            );
            let found: BTreeMap<&str, usize> = printed
                .lines()
                .map(|line| {
                    let (what, count) = line.rsplit_once('=').unwrap();
                    (what, count.parse().unwrap())
                })
                .collect();
            assert_eq!(found.len(), 7 * patterns.len());
            for (what, count) in found {
                let (step, name) = what.split_once(' ').unwrap();
                let allowed = match (step, name) {
                    ("made" | "called", "signing") => 1..=9,
                    // The configuration's own copy. A long password contains the pattern three times.
                    ("configured", "password") => 1..=3,
                    // A reload of the file needs it.
                    ("made" | "called", "password") if *way == "file" => 1..=3,
                    ("configured", "text" | "d" | "p") => 0..=1,
                    // The exported key.
                    ("exported", "d" | "p") => 1..=1,
                    _ => 0..=0,
                };
                if !allowed.contains(&count) {
                    found_secrets.push(format!("{}, {way}: {what}: {count}", form.name));
                }
            }
        }
    }
    assert!(found_secrets.is_empty(), "{found_secrets:#?}");
}
