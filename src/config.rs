//! What the caller says: the endpoint, the three files, limits of time, a proxy.

mod endpoint;
mod options;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::credentials::{Source, Sources};
use crate::error::{Code, Error};
pub(crate) use endpoint::{Endpoint, INTEGRATION_URL, Proxy, Target};

/// The configuration that a [`Client`](crate::Client) is made from.
///
/// Setting a file only notes it: it is read when the client is made. `Debug` shows no secret.
///
/// ```
/// # fn main() -> Result<(), dcs::Error> {
/// let mut config = dcs::Config::new();
/// config.set_ca_bundle_file("ca-bundle.pem");
/// config.set_certificate_file("client.pem");
/// config.set_private_key_file("client.key");
/// config.set_timeout_ms(5_000)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Config {
    pub(crate) endpoint: Endpoint,
    pub(crate) sources: Sources,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Duration,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) reload_interval: Option<Duration>,
    pub(crate) honour_retry_after: bool,
    pub(crate) status_max_age: Option<Duration>,
}

impl Config {
    /// The integration endpoint, no files, no proxy, 10 s to connect and 30 s for the whole call.
    #[allow(clippy::new_without_default)] // A configuration without files is no useful default.
    pub fn new() -> Self {
        Config {
            endpoint: Endpoint::parse(INTEGRATION_URL).expect("the default URL is valid"),
            sources: Sources::default(),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            proxy: None,
            reload_interval: None,
            honour_retry_after: false,
            status_max_age: None,
        }
    }

    /// What has to be kept to read the files again; `None` where there is no file.
    ///
    /// Content that was given as bytes cannot change. So a certificate and a key that were are not kept, and neither is the
    /// password that was for them.
    pub(crate) fn for_reload(&self, needs_password: bool) -> Option<Config> {
        let is_file = |source: &Option<Source>| source.as_ref().is_some_and(|s| s.path().is_some());
        let sources = &self.sources;
        let has_identity_file = is_file(&sources.certificate) || is_file(&sources.private_key);
        if !has_identity_file && !is_file(&sources.ca_bundle) {
            return None;
        }
        let kept = |source: &Option<Source>| source.clone().filter(|_| has_identity_file);
        let password = sources.password.clone();
        Some(Config {
            endpoint: self.endpoint.clone(),
            sources: Sources {
                ca_bundle: sources.ca_bundle.clone(),
                certificate: kept(&sources.certificate),
                private_key: kept(&sources.private_key),
                password: password.filter(|_| has_identity_file || needs_password),
            },
            proxy: self.proxy.clone(),
            ..*self
        })
    }

    /// The endpoint's full URL, used as it is; https only. Default: the DCS's integration endpoint.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a URL that is not https or has no valid host; the old one stays.
    pub fn set_url(&mut self, url: &str) -> Result<(), Error> {
        self.endpoint = Endpoint::parse(url)?;
        Ok(())
    }

    /// The path of the CA bundle: the certificates that the server's certificate must lead to, as PEM, DER,
    /// PKCS#7 or PKCS#12.
    pub fn set_ca_bundle_file(&mut self, path: impl Into<PathBuf>) {
        self.sources.ca_bundle = Some(Source::File(path.into()));
    }

    /// The CA bundle's content, copied.
    pub fn set_ca_bundle(&mut self, content: &[u8]) {
        self.sources.ca_bundle = Some(Source::bytes(content));
    }

    /// The path of the client certificate: the leaf, with or without its intermediates, as PEM, DER, PKCS#7 or
    /// PKCS#12. Where it holds the private key too and none is configured, that one is taken.
    pub fn set_certificate_file(&mut self, path: impl Into<PathBuf>) {
        self.sources.certificate = Some(Source::File(path.into()));
    }

    /// The client certificate's content, copied.
    pub fn set_certificate(&mut self, content: &[u8]) {
        self.sources.certificate = Some(Source::bytes(content));
    }

    /// The path of the private key: PKCS#1, PKCS#8 or SEC1, plain or encrypted, as PEM or DER, or PKCS#12. It may
    /// be the certificate's file.
    pub fn set_private_key_file(&mut self, path: impl Into<PathBuf>) {
        self.sources.private_key = Some(Source::File(path.into()));
    }

    /// The private key's content, copied; the copy is wiped when it is no longer needed.
    pub fn set_private_key(&mut self, content: &[u8]) {
        self.sources.private_key = Some(Source::bytes(content));
    }

    /// The password of an encrypted private key or PKCS#12 store; `None` takes it back.
    pub fn set_private_key_password(&mut self, password: Option<&str>) {
        self.sources.password = password.map(|password| Zeroizing::new(password.to_owned()));
    }

    /// The limit in milliseconds for look-up, TCP and TLS together. Default: 10 000.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for 0; the old limit stays.
    pub fn set_connect_timeout_ms(&mut self, milliseconds: u32) -> Result<(), Error> {
        self.connect_timeout = limit("connect timeout", milliseconds)?;
        Ok(())
    }

    /// The limit in milliseconds for the whole call. Default: 30 000.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for 0; the old limit stays.
    pub fn set_timeout_ms(&mut self, milliseconds: u32) -> Result<(), Error> {
        self.timeout = limit("timeout", milliseconds)?;
        Ok(())
    }

    /// How often, in milliseconds, a call first looks whether the files have changed, and reads them again where they have,
    /// as [`Client::reload`](crate::Client::reload) does; what cannot be used is told in the log, and the client goes on
    /// with what it had. 0, the default: never.
    pub fn set_reload_interval_ms(&mut self, milliseconds: u32) {
        self.reload_interval =
            (milliseconds > 0).then(|| Duration::from_millis(u64::from(milliseconds)));
    }

    /// Whether the client sends nothing while the service has asked it to wait (`Retry-After` of a 429 or 503, of an hour at
    /// most): such a call fails at once, with that answer's code and the time that is left. Off by default.
    pub fn set_honour_retry_after(&mut self, is_on: bool) {
        self.honour_retry_after = is_on;
    }

    /// How old, in milliseconds, a status may be to answer a call without asking the DCS again. With it a client has a
    /// single call in flight: threads that ask meanwhile wait for its answer, and share it, a failure too. 0, the
    /// default: every call asks.
    pub fn set_status_max_age_ms(&mut self, milliseconds: u32) {
        self.status_max_age =
            (milliseconds > 0).then(|| Duration::from_millis(u64::from(milliseconds)));
    }

    /// An HTTP proxy to tunnel through: `http://[user:password@]host:port`. `None`, the default: none.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a URL of another form; the old one stays.
    pub fn set_proxy(&mut self, url: Option<&str>) -> Result<(), Error> {
        self.proxy = url.map(Proxy::parse).transpose()?;
        Ok(())
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("target", &self.endpoint.target)
            .field("path", &self.endpoint.uri.path())
            .field("ca_bundle", &self.sources.ca_bundle)
            .field("certificate", &self.sources.certificate)
            .field("private_key", &self.sources.private_key)
            .field("password", &self.sources.password.as_ref().map(|_| "***"))
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("proxy", &self.proxy)
            .field("reload_interval", &self.reload_interval)
            .field("honour_retry_after", &self.honour_retry_after)
            .field("status_max_age", &self.status_max_age)
            .finish()
    }
}

fn limit(what: &str, milliseconds: u32) -> Result<Duration, Error> {
    if milliseconds == 0 {
        return Err(Error::new(
            Code::InvalidArgument,
            format!("A {what} of 0 is not a limit that any call could keep."),
        )
        .with_hint("Give a limit above zero."));
    }
    Ok(Duration::from_millis(u64::from(milliseconds)))
}
