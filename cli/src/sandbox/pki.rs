//! The sandbox's certificates, in a folder that can be used again.

use std::fs;
use std::path::{Path, PathBuf};

use dcs::sanitize_path;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::CommandError;
use crate::files::{self, Access, Existing};

/// Validity of the certificates, in days.
const VALID_DAYS: i64 = 90;
/// Older certificates are replaced, so that they do not expire during a test.
const RENEW_AFTER_DAYS: i64 = 60;

/// Marks a folder as the sandbox's, and states when its certificates were created.
const MARKER: &str = "dcs-sandbox.txt";
const CA_BUNDLE: &str = "ca-bundle.pem";
const CLIENT: &str = "client.pem";
const CLIENT_KEY: &str = "client.key";
const SERVER: &str = "server.pem";
const SERVER_KEY: &str = "server.key";

/// The certificates of one sandbox.
pub struct Pki {
    dir: PathBuf,
}

impl Pki {
    /// Opens the folder, or creates it and its certificates. Rejects a folder with other files.
    pub fn open(dir: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot use {}: {error}", sanitize_path(dir));
        fs::create_dir_all(dir).map_err(failed)?;
        let pki = Pki {
            dir: fs::canonicalize(dir).map_err(failed)?,
        };
        match pki.age_in_days() {
            Some(age) if (0..RENEW_AFTER_DAYS).contains(&age) => {}
            Some(_) => pki.create()?,
            None if fs::read_dir(dir).map_err(failed)?.next().is_some() => {
                return Err(format!(
                    "{} contains files that the sandbox did not create; give an empty or a new folder",
                    sanitize_path(dir)
                ));
            }
            None => pki.create()?,
        }
        Ok(pki)
    }

    /// Returns the age of the certificates, or `None` if the folder is not the sandbox's.
    fn age_in_days(&self) -> Option<i64> {
        let text = fs::read_to_string(self.dir.join(MARKER)).ok()?;
        let created: Timestamp = text.lines().next()?.rsplit(' ').next()?.parse().ok()?;
        let age = Timestamp::now().duration_since(created).as_secs();
        Some(age.div_euclid(24 * 60 * 60))
    }

    pub fn ca_bundle_path(&self) -> PathBuf {
        self.dir.join(CA_BUNDLE)
    }

    pub fn client_path(&self) -> PathBuf {
        self.dir.join(CLIENT)
    }

    pub fn client_key_path(&self) -> PathBuf {
        self.dir.join(CLIENT_KEY)
    }

    /// Returns the CAs that may issue a client certificate. They include the intermediate, because the service's clients
    /// send their certificate without its chain.
    pub fn client_cas(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates(CA_BUNDLE)? {
            roots
                .add(certificate)
                .map_err(|error| self.damaged(CA_BUNDLE, &error))?;
        }
        Ok(roots)
    }

    /// Returns the server's chain and key.
    pub fn server(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
        let key = self.read(SERVER_KEY)?;
        // The reader's error is dropped, because it may quote the key.
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|_| self.damaged(SERVER_KEY, &"no private key"))?;
        Ok((self.certificates(SERVER)?, key))
    }

    fn certificates(&self, name: &str) -> Result<Vec<CertificateDer<'static>>, String> {
        CertificateDer::pem_slice_iter(&self.read(name)?)
            .collect::<Result<_, _>>()
            .map_err(|_| self.damaged(name, &"not valid PEM"))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = self.dir.join(name);
        fs::read(&path).map_err(|error| format!("cannot read {}: {error}", sanitize_path(&path)))
    }

    fn damaged(&self, name: &str, why: &dyn std::fmt::Display) -> String {
        format!(
            "{} is damaged ({why}); remove the folder, and the sandbox creates it again",
            sanitize_path(&self.dir.join(name))
        )
    }

    fn create(&self) -> Result<(), String> {
        let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
        self.write_all(today).map_err(|error| match error {
            CreateError::Certificate(error) => format!("cannot create the certificates: {error}"),
            CreateError::Clock(error) => {
                format!("the clock of this machine is out of range: {error}")
            }
            CreateError::File(error) => error.message().to_owned(),
        })
    }

    fn write_all(&self, today: Date) -> Result<(), CreateError> {
        let root = authority("DCS Sandbox Root CA", today, None)?;
        let intermediate = authority("DCS Sandbox CA", today, Some(&root))?;
        let other = authority("DCS Sandbox Unrelated CA", today, None)?;

        let server_key = rsa_key()?;
        let mut params = leaf("DCS Sandbox", today, ExtendedKeyUsagePurpose::ServerAuth)?;
        params.subject_alt_names = CertificateParams::new(vec![
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            "::1".to_owned(),
        ])?
        .subject_alt_names;
        let server = params.signed_by(&server_key, &intermediate.issuer)?.pem();

        let client_key = rsa_key()?;
        let name = format!("Example Organisation TLS Integration {today}");
        let params = leaf(&name, today, ExtendedKeyUsagePurpose::ClientAuth)?;
        let client = params.signed_by(&client_key, &intermediate.issuer)?.pem();
        let mut params = leaf(&name, today, ExtendedKeyUsagePurpose::ClientAuth)?;
        set_validity(&mut params, today, -60, -30)?;
        let expired = params.signed_by(&client_key, &intermediate.issuer)?.pem();

        let wrong_key = rsa_key()?;
        let params = leaf(&name, today, ExtendedKeyUsagePurpose::ClientAuth)?;
        let wrong = params.signed_by(&wrong_key, &other.issuer)?.pem();

        self.write(
            SERVER,
            &format!("{server}{}", intermediate.pem),
            Access::Umask,
        )?;
        self.write(SERVER_KEY, &server_key.serialize_pem(), Access::OwnerOnly)?;
        self.write(
            CA_BUNDLE,
            &format!("{}{}", root.pem, intermediate.pem),
            Access::Umask,
        )?;
        self.write(CLIENT, &client, Access::Umask)?;
        self.write(CLIENT_KEY, &client_key.serialize_pem(), Access::OwnerOnly)?;
        self.write("expired-client.pem", &expired, Access::Umask)?;
        self.write("wrong-client.pem", &wrong, Access::Umask)?;
        self.write(
            "wrong-client.key",
            &wrong_key.serialize_pem(),
            Access::OwnerOnly,
        )?;
        self.write("wrong-ca-bundle.pem", &other.pem, Access::Umask)?;
        // Last, because a folder without it is incomplete.
        let marker = format!(
            "Certificates of dcs sandbox, for tests only, created on {}\n",
            Timestamp::now()
        );
        self.write(MARKER, &marker, Access::Umask)
    }

    fn write(&self, name: &str, text: &str, access: Access) -> Result<(), CreateError> {
        let path = self.dir.join(name);
        files::write(
            "The file",
            &path,
            text.as_bytes(),
            Existing::Replace,
            access,
        )
        .map_err(CreateError::File)
    }
}

enum CreateError {
    Certificate(rcgen::Error),
    Clock(jiff::Error),
    File(CommandError),
}

impl From<rcgen::Error> for CreateError {
    fn from(error: rcgen::Error) -> Self {
        CreateError::Certificate(error)
    }
}

/// A CA: its signer and its certificate.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// Generates an RSA key of 2048 bits, the size of the service's certificates.
fn rsa_key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
}

fn authority(
    name: &str,
    today: Date,
    parent: Option<&Authority>,
) -> Result<Authority, CreateError> {
    let key = rsa_key()?;
    let mut params = params(name, today)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = match parent {
        Some(parent) => params.signed_by(&key, &parent.issuer)?,
        None => params.self_signed(&key)?,
    };
    Ok(Authority {
        pem: certificate.pem(),
        issuer: Issuer::new(params, key),
    })
}

fn leaf(
    name: &str,
    today: Date,
    purpose: ExtendedKeyUsagePurpose,
) -> Result<CertificateParams, CreateError> {
    let mut params = params(name, today)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    Ok(params)
}

fn params(name: &str, today: Date) -> Result<CertificateParams, CreateError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "DCS Sandbox");
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, today, -1, VALID_DAYS)?;
    Ok(params)
}

/// Sets the validity, in days relative to today.
fn set_validity(
    params: &mut CertificateParams,
    today: Date,
    from: i64,
    to: i64,
) -> Result<(), CreateError> {
    let day = |days: i64| {
        let date = today.checked_add(days.days()).map_err(CreateError::Clock)?;
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        Ok::<_, CreateError>(date_time_ymd(i32::from(date.year()), month, day))
    };
    params.not_before = day(from)?;
    params.not_after = day(to)?;
    Ok(())
}
