//! The PKI's key pairs, and the client's key in all formats.

use std::ffi::OsStr;
use std::path::Path;
use std::thread;

use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512,
    PKCS_RSA_SHA256, PublicKeyData, RsaKeySize, SignatureAlgorithm,
};

use crate::error::Error;
use crate::store::Store;
use crate::testbed::PASSWORD;
use crate::tools::Tools;

/// The curve's OID, which `openssl ecparam -genkey` writes before a P-384 key.
const P384_PARAMETERS: &str =
    "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n";

/// The RSA-2048 key pairs. Generating them takes most of the start-up time, so several certificates share a key unless a
/// test needs different ones.
pub(crate) struct RsaKeys {
    pub(crate) root: KeyPair,
    pub(crate) intermediate: KeyPair,
    pub(crate) second_intermediate: KeyPair,
    pub(crate) other_ca: KeyPair,
    pub(crate) server: KeyPair,
    pub(crate) client: KeyPair,
    pub(crate) json_signing: KeyPair,
    pub(crate) other: KeyPair,
}

impl RsaKeys {
    /// Generates all keys, on all processors.
    pub(crate) fn generate() -> Result<Self, Error> {
        let keys = thread::scope(|scope| {
            let threads: [_; 8] = std::array::from_fn(|_| {
                scope.spawn(|| KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048))
            });
            threads.map(join)
        });
        let [
            root,
            intermediate,
            second_intermediate,
            other_ca,
            server,
            client,
            json_signing,
            other,
        ] = keys;
        Ok(Self {
            root: root?,
            intermediate: intermediate?,
            second_intermediate: second_intermediate?,
            other_ca: other_ca?,
            server: server?,
            client: client?,
            json_signing: json_signing?,
            other: other?,
        })
    }
}

/// The keys of the client certificates that are not RSA-2048.
pub(crate) struct OtherKeys {
    pub(crate) p256: KeyPair,
    pub(crate) p384: KeyPair,
    pub(crate) p521: KeyPair,
    pub(crate) ed25519: KeyPair,
    pub(crate) rsa1024: RsaPublicKey,
}

/// The public half of an RSA key that is too short for rcgen's provider.
pub(crate) struct RsaPublicKey {
    /// The `RSAPublicKey` of PKCS#1, in DER.
    der: Vec<u8>,
}

impl PublicKeyData for RsaPublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.der
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

/// Writes every key file of the testbed and generates the keys that are not in `rsa`.
pub(crate) fn write_keys(
    tools: &Tools,
    store: &mut Store,
    rsa: &RsaKeys,
) -> Result<OtherKeys, Error> {
    let p256 = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
    let p521 = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512)?;

    let client = store.write("client_key", rsa.client.serialize_pem())?;
    store.write("public_key", rsa.client.public_key_pem())?;
    store.write("other_key", rsa.other.serialize_pem())?;
    store.write("json_signing_key", rsa.json_signing.serialize_pem())?;
    let p256_pkcs8 = store.write("ec_p256_key_pkcs8", p256.serialize_pem())?;
    let p384_pkcs8 = store.write_unlisted("ec_p384_key_pkcs8", p384.serialize_pem())?;
    let p521_pkcs8 = store.write_unlisted("ec_p521_key_pkcs8", p521.serialize_pem())?;

    let pkcs1 = store.path("client_key_pkcs1");
    let encrypted = store.path("client_key_encrypted");
    let legacy = store.path("client_key_legacy_encrypted");
    let p256_sec1 = store.path("ec_p256_key");
    let p384_sec1 = store.path("ec_p384_key");
    let p521_sec1 = store.path("ec_p521_key");
    let rsa1024 = store.path("rsa1024_key");
    let rsa1024_public = rsa1024.with_file_name("rsa1024_public_key.der");
    let ed25519 = store.path("ed25519_key");

    // The passwords are public test material, so a command line may contain them.
    let password = format!("pass:{PASSWORD}");
    let run = |arguments: &[&str], from: Option<&Path>, to: &Path| {
        let mut all: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        if let Some(from) = from {
            all.extend([OsStr::new("-in"), from.as_os_str()]);
        }
        all.extend([OsStr::new("-out"), to.as_os_str()]);
        tools.openssl(&all)
    };
    thread::scope(|scope| {
        let runs = [
            scope.spawn(|| run(&["rsa", "-traditional"], Some(&client), &pkcs1)),
            scope.spawn(|| {
                let pbes2 = [
                    "pkcs8",
                    "-topk8",
                    "-v2",
                    "aes-256-cbc",
                    "-passout",
                    &password,
                ];
                run(&pbes2, Some(&client), &encrypted)
            }),
            scope.spawn(|| {
                let dek_info = ["rsa", "-traditional", "-aes256", "-passout", &password];
                run(&dek_info, Some(&client), &legacy)
            }),
            scope.spawn(|| run(&["ec"], Some(&p256_pkcs8), &p256_sec1)),
            scope.spawn(|| run(&["ec"], Some(&p384_pkcs8), &p384_sec1)),
            scope.spawn(|| run(&["ec"], Some(&p521_pkcs8), &p521_sec1)),
            scope.spawn(|| {
                let bits = "rsa_keygen_bits:1024";
                run(
                    &["genpkey", "-algorithm", "RSA", "-pkeyopt", bits],
                    None,
                    &rsa1024,
                )?;
                run(
                    &["rsa", "-RSAPublicKey_out", "-outform", "DER"],
                    Some(&rsa1024),
                    &rsa1024_public,
                )
            }),
            scope.spawn(|| run(&["genpkey", "-algorithm", "ED25519"], None, &ed25519)),
        ];
        runs.into_iter().try_for_each(join)
    })?;

    store.write(
        "ec_p384_key",
        [P384_PARAMETERS.as_bytes(), &read(&p384_sec1)?].concat(),
    )?;
    Ok(OtherKeys {
        p256,
        p384,
        p521,
        ed25519: KeyPair::from_pem(&String::from_utf8_lossy(&read(&ed25519)?))?,
        rsa1024: RsaPublicKey {
            der: read(&rsa1024_public)?,
        },
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|cause| Error::file("read", path, &cause))
}

/// Returns a thread's result; continues its panic in the caller.
fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
