//! Client identities and CA bundles with faults from the field, besides those that the servers distinguish (`rejected_*`).
//! Most look correct at first sight.

use std::ffi::OsString;

use rcgen::{CertificateParams, CustomExtension, IsCa, KeyPair, KeyUsagePurpose};

use crate::error::Error;
use crate::mint::{Ca, Mint, Validity, named};
use crate::pki::{Authorities, ecdsa_key, published};
use crate::store::Store;
use crate::tools::Tools;

/// Writes all of them. Returns the CRLs of the CAs that it creates: the servers would report a missing CRL.
pub(crate) fn write(
    tools: &Tools,
    store: &mut Store,
    mint: &Mint,
    cas: &Authorities,
    client: &KeyPair,
    other: &KeyPair,
) -> Result<String, Error> {
    write_leaves(store, mint, cas, client, other)?;
    write_sha1(tools, store, cas, client)?;
    write_chains(store, mint, cas, other)?;
    write_production(store, mint, cas, client)?;
    let expired = write_expired_intermediate(store, mint, cas, client)?;
    store.write(
        "bundle_with_key",
        format!(
            "{}{}",
            published(&[&cas.root, &cas.intermediate]),
            client.serialize_pem()
        ),
    )?;
    store.write(
        "bundle_no_root",
        published(&[&cas.intermediate, &cas.second_intermediate]),
    )?;
    store.write("bundle_expired_only", published(&[&cas.expired]))?;
    mint.crl(&expired, &[])
}

/// Writes certificates of the intermediate for other purposes, and one that expires soon.
fn write_leaves(
    store: &mut Store,
    mint: &Mint,
    cas: &Authorities,
    client: &KeyPair,
    other: &KeyPair,
) -> Result<(), Error> {
    // The DCS's third certificate, besides those for TLS and for signing.
    let mut encryption = mint.params("JSON Encryption", Validity::Current);
    encryption.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    let mut ca = mint.ca("Subordinate CA", Validity::Current);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    for (name, params, key) in [
        ("encryption", encryption, other),
        ("ca_as_leaf", ca, client),
        ("expiring", mint.client(Validity::Expiring), client),
    ] {
        let pem = params.signed_by(key, &cas.intermediate)?.pem();
        write_pair(store, name, pem, key)?;
    }
    Ok(())
}

fn write_pair(store: &mut Store, name: &str, pem: String, key: &KeyPair) -> Result<(), Error> {
    store.write(&format!("{name}_cert"), pem)?;
    store.write(&format!("{name}_key"), key.serialize_pem())?;
    Ok(())
}

/// Writes a certificate with a SHA-1 signature, which rcgen does not support, for the client's request.
fn write_sha1(
    tools: &Tools,
    store: &mut Store,
    cas: &Authorities,
    client: &KeyPair,
) -> Result<(), Error> {
    store.write("sha1_key", client.serialize_pem())?;
    let key = cas.intermediate.key().serialize_pem();
    let files = [
        ("-in", store.path("csr")),
        (
            "-CA",
            store.write_unlisted("intermediate", cas.intermediate.pem())?,
        ),
        ("-CAkey", store.write_unlisted("intermediate_key", key)?),
        (
            "-extfile",
            store.write_unlisted(
                "sha1_extensions",
                "keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=clientAuth\n",
            )?,
        ),
        ("-out", store.path("sha1_cert")),
    ];
    let mut arguments: Vec<OsString> =
        ["x509", "-req", "-sha1", "-days", "365", "-set_serial", "1"]
            .map(OsString::from)
            .to_vec();
    for (option, file) in files {
        arguments.extend([option.into(), file.into_os_string()]);
    }
    tools.openssl(&arguments)
}

/// Writes files whose certificates are in the wrong order or do not belong together.
fn write_chains(
    store: &mut Store,
    mint: &Mint,
    cas: &Authorities,
    other: &KeyPair,
) -> Result<(), Error> {
    let leaf = std::fs::read_to_string(store.path("client_cert"))
        .map_err(|cause| Error::file("read", &store.path("client_cert"), &cause))?;
    store.write(
        "wrong_order_chain",
        format!("{}{leaf}", cas.intermediate.pem()),
    )?;
    let anothers = mint.client_leaf(other, &cas.intermediate)?;
    store.write("two_leaves_cert", format!("{anothers}{leaf}"))?;

    // The intermediate's name and kind of key, but another key. rcgen gives every CA that it knows for one
    // a key identifier; without it nothing but the signature tells that this one is not the issuer.
    let mut impostor: CertificateParams = mint.ca("Intermediate CA", Validity::Current);
    impostor.use_authority_key_identifier_extension = false;
    impostor.is_ca = IsCa::NoCa;
    let mut constraints =
        CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 3, 1, 1, 0xff]);
    constraints.set_criticality(true);
    impostor.custom_extensions.push(constraints);
    let impostor = impostor.signed_by(cas.other.key(), &cas.root)?;
    store.write(
        "impostor_intermediate_chain",
        format!("{leaf}{}", impostor.pem()),
    )?;
    Ok(())
}

/// Writes the identity for the other environment, whose CAs the servers do not know.
fn write_production(
    store: &mut Store,
    mint: &Mint,
    cas: &Authorities,
    client: &KeyPair,
) -> Result<(), Error> {
    let production = |params: CertificateParams, usage: &str| {
        let name = format!(
            "Example Org {usage} Production {}",
            params.not_before.date()
        );
        named(params, "Example Org", &name)
    };
    let ca = |usage| production(mint.ca("", Validity::Current), usage);
    let root = Ca::self_signed(ca("Root CA"), ecdsa_key()?)?;
    let intermediate = Ca::signed_by(ca("Intermediate CA"), ecdsa_key()?, &root)?;
    let leaf = production(mint.client(Validity::Current), "TLS")
        .signed_by(client, &intermediate)?
        .pem();
    write_pair(store, "production", leaf, client)?;
    store.write("production_ca_bundle", published(&[&root, &intermediate]))?;
    store.write(
        "both_ca_bundles",
        published(&[
            &cas.expired,
            &cas.root,
            &cas.intermediate,
            &root,
            &intermediate,
        ]),
    )?;
    Ok(())
}

/// Writes a valid certificate whose issuer has expired; returns the issuer.
fn write_expired_intermediate(
    store: &mut Store,
    mint: &Mint,
    cas: &Authorities,
    client: &KeyPair,
) -> Result<Ca, Error> {
    let params = mint.ca("Former Intermediate CA", Validity::Expired);
    let issuer = Ca::signed_by(params, ecdsa_key()?, &cas.root)?;
    let leaf = mint.client_leaf(client, &issuer)?;
    store.write(
        "expired_intermediate_chain",
        format!("{leaf}{}", issuer.pem()),
    )?;
    write_pair(store, "expired_intermediate", leaf, client)?;
    store.write(
        "ca_bundle_with_expired_intermediate",
        published(&[&cas.expired, &cas.root, &cas.intermediate, &issuer]),
    )?;
    Ok(issuer)
}
