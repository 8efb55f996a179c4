//! The throw-away PKI: certificates, bundles and CRLs.
//!
//! ```text
//! root -+- intermediate -+- client certificates, server certificates
//!       |                `- deep intermediate --- rejected_too_deep
//!       `- second intermediate --- rejected_missing_intermediate
//! other root --- rejected_wrong_ca, the server of server_unknown_ca
//! ```
//!
//! The module `faults` adds others, with CAs of its own.
//!
//! The servers trust the root and know the intermediate. They allow one intermediate between the root and a client
//! certificate.

use std::path::PathBuf;

use rcgen::{
    CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256,
    SanType, SerialNumber,
};

use crate::error::Error;
use crate::faults;
use crate::keys::{OtherKeys, RsaKeys, write_keys};
use crate::mint::{Ca, Mint, Validity, named};
use crate::store::{Store, make_dir};
use crate::tools::Tools;

/// The files of the servers.
pub(crate) struct ServerFiles {
    /// Root and intermediate, with which the servers verify clients.
    pub(crate) client_cas: PathBuf,
    /// The CRLs of the CAs.
    pub(crate) crls: PathBuf,
    /// The key of all server certificates.
    pub(crate) key: PathBuf,
    /// The certificate and its intermediate.
    pub(crate) certificate: PathBuf,
    pub(crate) expired: PathBuf,
    pub(crate) not_yet_valid: PathBuf,
    pub(crate) wrong_name: PathBuf,
    pub(crate) wrong_purpose: PathBuf,
    pub(crate) unknown_ca: PathBuf,
    pub(crate) intercepted: PathBuf,
}

/// The certificate authorities.
pub(crate) struct Authorities {
    pub(crate) root: Ca,
    pub(crate) intermediate: Ca,
    pub(crate) second_intermediate: Ca,
    deep: Ca,
    pub(crate) other: Ca,
    pub(crate) expired: Ca,
}

/// Creates the whole PKI in `store`.
pub(crate) fn create(tools: &Tools, store: &mut Store) -> Result<ServerFiles, Error> {
    let mint = Mint::new()?;
    let rsa = RsaKeys::generate()?;
    let keys = write_keys(tools, store, &rsa)?;
    let (client, server, json_signing, other_client) =
        (rsa.client, rsa.server, rsa.json_signing, rsa.other);

    let root = Ca::self_signed(mint.ca("Root CA", Validity::Current), rsa.root)?;
    let params = mint.ca("Intermediate CA", Validity::Current);
    let intermediate = Ca::signed_by(params, rsa.intermediate, &root)?;
    let params = mint.ca("Second Intermediate CA", Validity::Current);
    let second_intermediate = Ca::signed_by(params, rsa.second_intermediate, &root)?;
    let params = mint.ca("Deep Intermediate CA", Validity::Current);
    let deep = Ca::signed_by(params, ecdsa_key()?, &intermediate)?;
    let other = Ca::self_signed(
        mint.ca("Unrelated Root CA", Validity::Current),
        rsa.other_ca,
    )?;
    let expired = Ca::self_signed(mint.ca("Former Root CA", Validity::Expired), ecdsa_key()?)?;
    let cas = Authorities {
        root,
        intermediate,
        second_intermediate,
        deep,
        other,
        expired,
    };

    write_bundles(store, &cas)?;
    write_client_certificates(store, &mint, &cas, &client, &keys)?;
    let params = mint.json_signing();
    store.write(
        "json_signing_cert",
        params.signed_by(&json_signing, &cas.intermediate)?.pem(),
    )?;
    let mut crls = write_rejected_certificates(store, &mint, &cas, &client)?;
    write_wrong_files(store, &mint, &cas, &client)?;
    crls.push_str(&faults::write(
        tools,
        store,
        &mint,
        &cas,
        &client,
        &other_client,
    )?);
    write_server_files(store, &mint, &cas, &server, &crls)
}

pub(crate) fn ecdsa_key() -> Result<KeyPair, Error> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

/// Returns a CA bundle in the form of the published one, with CRLF line ends and blank lines. The published one contains an
/// expired CA too.
pub(crate) fn published(cas: &[&Ca]) -> String {
    let blocks: Vec<String> = cas.iter().map(|ca| ca.pem()).collect();
    format!("{}\n\n", blocks.join("\n\n"))
        .replace("\r\n", "\n")
        .replace('\n', "\r\n")
}

/// Writes the bundles with which clients verify servers.
fn write_bundles(store: &mut Store, cas: &Authorities) -> Result<(), Error> {
    store.write(
        "ca_bundle",
        published(&[&cas.expired, &cas.root, &cas.intermediate]),
    )?;
    store.write(
        "ca_bundle_with_second_intermediate",
        published(&[
            &cas.expired,
            &cas.root,
            &cas.intermediate,
            &cas.second_intermediate,
        ]),
    )?;
    store.write("ca_root_only", cas.root.pem())?;
    store.write("other_ca_bundle", cas.other.pem())?;
    Ok(())
}

/// Writes the valid client certificates, and one with an RSA-1024 key.
fn write_client_certificates(
    store: &mut Store,
    mint: &Mint,
    cas: &Authorities,
    client: &KeyPair,
    keys: &OtherKeys,
) -> Result<(), Error> {
    let leaf = mint.client_leaf(client, &cas.intermediate)?;
    let key = client.serialize_pem();
    store.write("client_cert", &leaf)?;
    store.write("client_chain", format!("{leaf}{}", cas.intermediate.pem()))?;
    store.write(
        "client_combined",
        format!(
            "Your TLS certificate:\nsubject=O = Example Org\n\n{leaf}\n\
             and the private key that belongs to it:\n\n{key}\nKind regards\n"
        ),
    )?;
    store.write(
        "ec_p256_cert",
        mint.client_leaf(&keys.p256, &cas.intermediate)?,
    )?;
    store.write(
        "ec_p384_cert",
        mint.client_leaf(&keys.p384, &cas.intermediate)?,
    )?;
    store.write(
        "ec_p521_cert",
        mint.client_leaf(&keys.p521, &cas.intermediate)?,
    )?;
    store.write(
        "ed25519_cert",
        mint.client_leaf(&keys.ed25519, &cas.intermediate)?,
    )?;
    store.write(
        "rsa1024_cert",
        mint.client_leaf(&keys.rsa1024, &cas.intermediate)?,
    )?;
    Ok(())
}

/// Writes the client certificates that the servers reject, with the client's key. Returns the CRLs.
fn write_rejected_certificates(
    store: &mut Store,
    mint: &Mint,
    cas: &Authorities,
    client: &KeyPair,
) -> Result<String, Error> {
    let current = || mint.client(Validity::Current);
    let revoked = current();
    let revoked_serials: Vec<SerialNumber> = revoked.serial_number.iter().cloned().collect();
    let mut self_signed = current();
    // Without key usages it may sign its CRL.
    self_signed.key_usages.clear();
    let self_signed = CertifiedIssuer::self_signed(self_signed, client)?;
    let too_deep = current().signed_by(client, &cas.deep)?.pem();
    let no_client_auth = mint.tls(Validity::Current, ExtendedKeyUsagePurpose::ServerAuth);
    let certificates = [
        ("wrong_ca", current().signed_by(client, &cas.other)?.pem()),
        (
            "expired",
            mint.client(Validity::Expired)
                .signed_by(client, &cas.intermediate)?
                .pem(),
        ),
        (
            "not_yet_valid",
            mint.client(Validity::NotYet)
                .signed_by(client, &cas.intermediate)?
                .pem(),
        ),
        ("self_signed", self_signed.pem()),
        (
            "revoked",
            revoked.signed_by(client, &cas.intermediate)?.pem(),
        ),
        (
            "no_client_auth",
            no_client_auth.signed_by(client, &cas.intermediate)?.pem(),
        ),
        (
            "missing_intermediate",
            current().signed_by(client, &cas.second_intermediate)?.pem(),
        ),
        // With its issuer: otherwise the server would report an incomplete chain.
        ("too_deep", format!("{too_deep}{}", cas.deep.pem())),
    ];
    for (name, pem) in certificates {
        store.write(&format!("rejected_{name}_cert"), pem)?;
        store.write(&format!("rejected_{name}_key"), client.serialize_pem())?;
    }
    // nginx reports the last error that it finds. A missing CRL would come after the reasons to reject two of these
    // certificates, so every issuer has a CRL.
    Ok([
        mint.crl(&cas.root, &[])?,
        mint.crl(&cas.intermediate, &revoked_serials)?,
        mint.crl(&cas.second_intermediate, &[])?,
        mint.crl(&cas.deep, &[])?,
        mint.crl(&self_signed, &[])?,
    ]
    .concat())
}

/// Writes the files with another content than expected.
fn write_wrong_files(
    store: &mut Store,
    mint: &Mint,
    cas: &Authorities,
    client: &KeyPair,
) -> Result<(), Error> {
    let csr = mint.params("TLS", Validity::Current).distinguished_name;
    let mut request = CertificateParams::default();
    request.distinguished_name = csr;
    store.write("csr", request.serialize_request(client)?.pem()?)?;
    let half = |text: String| text[..text.len() / 2].to_owned();
    store.write(
        "truncated_cert",
        half(mint.client_leaf(client, &cas.intermediate)?),
    )?;
    store.write("truncated_key", half(client.serialize_pem()))?;
    store.write("empty", "")?;
    make_dir(&store.path("directory"))?;
    store.path("missing");
    // All byte values, in an order that is neither text nor DER.
    store.write(
        "garbage",
        (0..2048_u32)
            .map(|i| (i * 167 % 256) as u8)
            .collect::<Vec<u8>>(),
    )?;
    Ok(())
}

/// Writes the files of the servers.
fn write_server_files(
    store: &mut Store,
    mint: &Mint,
    cas: &Authorities,
    server: &KeyPair,
    crls: &str,
) -> Result<ServerFiles, Error> {
    let mut wrong_name = mint.server(Validity::Current);
    wrong_name.subject_alt_names = vec![SanType::DnsName("dcs.example.org".try_into()?)];
    let mut wrong_purpose = mint.server(Validity::Current);
    wrong_purpose.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];

    let chain = |params: CertificateParams| -> Result<String, Error> {
        Ok(format!(
            "{}{}",
            params.signed_by(server, &cas.intermediate)?.pem(),
            cas.intermediate.pem()
        ))
    };
    let leaf = mint
        .server(Validity::Current)
        .signed_by(server, &cas.intermediate)?
        .pem();
    let params = mint.ca("", Validity::Current);
    let params = named(params, "Example Corp", "Example Corp TLS Inspection CA");
    let inspection = Ca::self_signed(params, ecdsa_key()?)?;
    store.write("inspection_ca", inspection.pem())?;
    Ok(ServerFiles {
        client_cas: store.write_unlisted(
            "client_cas",
            format!("{}{}", cas.root.pem(), cas.intermediate.pem()),
        )?,
        crls: store.write_unlisted("crls", crls)?,
        key: store.write("server_key", server.serialize_pem())?,
        certificate: store.write("server_cert", format!("{leaf}{}", cas.intermediate.pem()))?,
        expired: store.write_unlisted("server_expired", chain(mint.server(Validity::Expired))?)?,
        not_yet_valid: store.write_unlisted(
            "server_not_yet_valid",
            chain(mint.server(Validity::NotYet))?,
        )?,
        wrong_name: store.write_unlisted("server_wrong_name", chain(wrong_name)?)?,
        wrong_purpose: store.write_unlisted("server_wrong_purpose", chain(wrong_purpose)?)?,
        unknown_ca: store.write_unlisted(
            "server_unknown_ca",
            mint.server(Validity::Current)
                .signed_by(server, &cas.other)?
                .pem(),
        )?,
        intercepted: store.write_unlisted(
            "server_intercepted",
            format!(
                "{}{}",
                mint.server(Validity::Current)
                    .signed_by(server, &inspection)?
                    .pem(),
                inspection.pem()
            ),
        )?,
    })
}
