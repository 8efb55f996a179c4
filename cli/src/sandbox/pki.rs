//! The throw-away certificates, in a folder that can be used again.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

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

/// How long the certificates are valid, in days.
const VALID_DAYS: i64 = 90;
/// A folder whose certificates are older is made anew, so that they do not expire under a running test.
const RENEW_AFTER_DAYS: i64 = 60;

/// Says that a folder is the sandbox's, and when its certificates were made.
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
    /// Opens the folder, or makes it and its certificates. A folder with anything else in it is refused.
    pub fn open(dir: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot use {}: {error}", dir.display());
        fs::create_dir_all(dir).map_err(failed)?;
        let pki = Pki {
            dir: fs::canonicalize(dir).map_err(failed)?,
        };
        match pki.age_in_days() {
            Some(age) if (0..RENEW_AFTER_DAYS).contains(&age) => {}
            Some(_) => pki.make()?,
            None if fs::read_dir(dir).map_err(failed)?.next().is_some() => {
                return Err(format!(
                    "{} holds files that the sandbox did not make; give an empty folder or a new name",
                    dir.display()
                ));
            }
            None => pki.make()?,
        }
        Ok(pki)
    }

    /// The days since the certificates were made; `None` where the folder is not the sandbox's.
    fn age_in_days(&self) -> Option<i64> {
        let text = fs::read_to_string(self.dir.join(MARKER)).ok()?;
        let made: Timestamp = text.lines().next()?.rsplit(' ').next()?.parse().ok()?;
        let age = Timestamp::now().duration_since(made).as_secs();
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

    /// The CAs that a client certificate may be of. The intermediate is among them, because the service's
    /// clients send their certificate without its chain.
    pub fn client_cas(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates(CA_BUNDLE)? {
            roots
                .add(certificate)
                .map_err(|error| self.damaged(CA_BUNDLE, &error))?;
        }
        Ok(roots)
    }

    /// The server's chain and key.
    pub fn server(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
        let key = self.read(SERVER_KEY)?;
        // What the reader's errors say of the content is not passed on.
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
        fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    }

    fn damaged(&self, name: &str, why: &dyn std::fmt::Display) -> String {
        format!(
            "{} is damaged ({why}); remove the folder to have it made anew",
            self.dir.join(name).display()
        )
    }

    fn make(&self) -> Result<(), String> {
        let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
        self.write_all(today).map_err(|error| match error {
            MakeError::Certificate(error) => format!("cannot make the certificates: {error}"),
            MakeError::Clock(error) => format!("cannot work with this machine's clock: {error}"),
            MakeError::File(path, error) => format!("cannot write {}: {error}", path.display()),
        })
    }

    fn write_all(&self, today: Date) -> Result<(), MakeError> {
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

        self.write(SERVER, &format!("{server}{}", intermediate.pem), false)?;
        self.write(SERVER_KEY, &server_key.serialize_pem(), true)?;
        self.write(
            CA_BUNDLE,
            &format!("{}{}", root.pem, intermediate.pem),
            false,
        )?;
        self.write(CLIENT, &client, false)?;
        self.write(CLIENT_KEY, &client_key.serialize_pem(), true)?;
        self.write("expired-client.pem", &expired, false)?;
        self.write("wrong-client.pem", &wrong, false)?;
        self.write("wrong-client.key", &wrong_key.serialize_pem(), true)?;
        self.write("wrong-ca-bundle.pem", &other.pem, false)?;
        // Last: a folder without it was not finished and is not taken for one that was.
        let marker = format!(
            "Certificates of dcs sandbox, for tests only, made on {}\n",
            Timestamp::now()
        );
        self.write(MARKER, &marker, false)
    }

    /// Writes a file; a key for its owner only, from the first byte on.
    fn write(&self, name: &str, text: &str, is_secret: bool) -> Result<(), MakeError> {
        let path = self.dir.join(name);
        let write = || {
            if path.exists() {
                fs::remove_file(&path)?;
            }
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            {
                use std::os::unix::fs::OpenOptionsExt;
                options.mode(if is_secret { 0o600 } else { 0o644 });
            }
            #[cfg(not(unix))]
            let _ = is_secret;
            options.open(&path)?.write_all(text.as_bytes())
        };
        write().map_err(|error| MakeError::File(path.clone(), error))
    }
}

enum MakeError {
    Certificate(rcgen::Error),
    Clock(jiff::Error),
    File(PathBuf, std::io::Error),
}

impl From<rcgen::Error> for MakeError {
    fn from(error: rcgen::Error) -> Self {
        MakeError::Certificate(error)
    }
}

/// A CA: what signs with its key, and its certificate.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// RSA with 2048 bits, as the service's certificates have.
fn rsa_key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
}

fn authority(name: &str, today: Date, parent: Option<&Authority>) -> Result<Authority, MakeError> {
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
) -> Result<CertificateParams, MakeError> {
    let mut params = params(name, today)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    Ok(params)
}

fn params(name: &str, today: Date) -> Result<CertificateParams, MakeError> {
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

/// Makes a certificate valid from one day to another, both counted from today.
fn set_validity(
    params: &mut CertificateParams,
    today: Date,
    from: i64,
    to: i64,
) -> Result<(), MakeError> {
    let day = |days: i64| {
        let date = today.checked_add(days.days()).map_err(MakeError::Clock)?;
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        Ok::<_, MakeError>(date_time_ymd(i32::from(date.year()), month, day))
    };
    params.not_before = day(from)?;
    params.not_after = day(to)?;
    Ok(())
}
