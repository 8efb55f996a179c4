//! The options that a caller sets: the endpoint, the three files, timeouts, a proxy.

mod endpoint;
mod options;

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::credentials::{Source, Sources};
#[cfg(doc)]
use crate::error::Code;
use crate::error::Error;
pub(crate) use endpoint::{Endpoint, Proxy, Target};
pub use options::{Config, ConfigOption};
use options::{interval, limit};

impl Config {
    /// Returns what has to be kept to read the files again. `None` if there is no file.
    ///
    /// Content that was given as bytes cannot change. So if certificate and key were both given as bytes, neither they nor
    /// their password are kept.
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
            rejected: Vec::new(),
            ..*self
        })
    }

    /// Sets the endpoint's full URL, which is used as it is. https only. Default: the DCS's integration endpoint.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a URL that is not https or has no valid host.
    pub fn set_url(&mut self, url: &str) -> Result<(), Error> {
        let parsed = Endpoint::parse(url).map(|endpoint| self.endpoint = endpoint);
        self.note("url", parsed)
    }

    /// Returns the endpoint's URL without its query, which may contain a secret.
    pub fn url(&self) -> String {
        self.endpoint.without_query()
    }

    /// Sets the path of the CA bundle: the certificates that the server's certificate must lead to, as PEM, DER,
    /// PKCS#7 or PKCS#12.
    pub fn set_ca_bundle_file(&mut self, path: impl Into<PathBuf>) {
        self.sources.ca_bundle = Some(Source::File(path.into()));
        self.accept("ca_bundle");
    }

    /// Sets the CA bundle's content, which is copied.
    pub fn set_ca_bundle(&mut self, content: &[u8]) {
        self.sources.ca_bundle = Some(Source::content(content, None));
        self.accept("ca_bundle");
    }

    /// Sets the path of the client certificate: the leaf, with or without its intermediates, as PEM, DER, PKCS#7 or
    /// PKCS#12. If the file holds the private key too and none is configured, that key is used.
    pub fn set_certificate_file(&mut self, path: impl Into<PathBuf>) {
        self.sources.certificate = Some(Source::File(path.into()));
        self.accept("certificate");
    }

    /// Sets the client certificate's content, which is copied.
    pub fn set_certificate(&mut self, content: &[u8]) {
        self.sources.certificate = Some(Source::content(content, None));
        self.accept("certificate");
    }

    /// Sets the path of the private key: PKCS#1, PKCS#8 or SEC1, plain or encrypted, as PEM or DER, or PKCS#12. It may
    /// be the certificate's file.
    pub fn set_private_key_file(&mut self, path: impl Into<PathBuf>) {
        self.sources.private_key = Some(Source::File(path.into()));
        self.accept("private_key");
    }

    /// Sets the private key's content, which is copied. The copy is wiped when it is no longer needed.
    pub fn set_private_key(&mut self, content: &[u8]) {
        self.sources.private_key = Some(Source::content(content, None));
        self.accept("private_key");
    }

    /// Sets the password of an encrypted private key or PKCS#12 store. `None` removes it.
    pub fn set_private_key_password(&mut self, password: Option<&str>) {
        self.sources.password = password.map(|password| Zeroizing::new(password.to_owned()));
        self.accept("private_key_password");
    }

    /// Sets the limit for host name lookup, TCP, proxy and TLS together, in milliseconds. Default: 10 000.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for 0.
    pub fn set_connect_timeout_ms(&mut self, milliseconds: u32) -> Result<(), Error> {
        let limit = limit("connect_timeout_ms", milliseconds);
        let set = limit.map(|limit| self.connect_timeout = limit);
        self.note("connect_timeout_ms", set)
    }

    /// Sets the limit for the whole call, in milliseconds. Default: 30 000.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for 0.
    pub fn set_timeout_ms(&mut self, milliseconds: u32) -> Result<(), Error> {
        let set = limit("timeout_ms", milliseconds).map(|limit| self.timeout = limit);
        self.note("timeout_ms", set)
    }

    /// Sets how often, in milliseconds, a call first checks whether the files have changed. If they have, it reads them again
    /// as [`Client::reload`](crate::Client::reload) does. If a file is invalid, the client logs an error and keeps using
    /// the previous files. 0, the default: never.
    pub fn set_reload_interval_ms(&mut self, milliseconds: u32) {
        self.reload_interval = interval(milliseconds);
        self.accept("reload_interval_ms");
    }

    /// Sets whether the client sends nothing while the service has asked it to wait (`Retry-After` of a 429 or 503, of an
    /// hour at most). Such a call fails at once, with that answer's code and the time that is left. Default: off.
    pub fn set_honour_retry_after(&mut self, is_on: bool) {
        self.honour_retry_after = is_on;
        self.accept("honour_retry_after");
    }

    /// Sets the greatest age, in milliseconds, of a status that answers a call without another request. The client then has a
    /// single call in flight: threads that call meanwhile wait for its result and share it, a failure included. 0, the
    /// default: every call sends a request.
    pub fn set_status_max_age_ms(&mut self, milliseconds: u32) {
        self.status_max_age = interval(milliseconds);
        self.accept("status_max_age_ms");
    }

    /// Sets an HTTP proxy to tunnel through: `http://[user:password@]host:port`. `None`, the default: none.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a URL of another form.
    pub fn set_proxy(&mut self, url: Option<&str>) -> Result<(), Error> {
        let parsed = url.map(Proxy::parse).transpose();
        let set = parsed.map(|proxy| self.proxy = proxy);
        self.note("proxy", set)
    }

    /// Fails if the last value of an option was rejected, with that rejection.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Some((option, error)) = self.rejected.first() else {
            return Ok(());
        };
        let message = format!(
            "The option '{option}' could not be set: {}",
            error.message()
        );
        Err(Error::new(error.code(), message).with_hint(error.hint().to_owned()))
    }

    /// Remembers that an option's value was rejected, until the option is set.
    pub(crate) fn reject(&mut self, option: &'static str, error: &Error) {
        self.accept(option);
        self.rejected.push((option, error.clone()));
    }

    fn accept(&mut self, option: &'static str) {
        self.rejected.retain(|(rejected, _)| *rejected != option);
    }

    fn note(&mut self, option: &'static str, outcome: Result<(), Error>) -> Result<(), Error> {
        match &outcome {
            Ok(()) => self.accept(option),
            Err(error) => self.reject(option, error),
        }
        outcome
    }
}
