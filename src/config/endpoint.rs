//! The URLs of the service and of a proxy, checked when they are set.

use std::fmt;
use std::net::IpAddr;

use base64::Engine;
use rustls::pki_types::ServerName;
use ureq::http::Uri;
use zeroize::Zeroizing;

use crate::error::{Code, Error};
use crate::sanitize::{printable, sanitize};

/// The default: the DCS's integration endpoint.
const INTEGRATION_URL: &str =
    "https://dcs-integration.ida.digital.cabinet-office.gov.uk/checks/passport";

/// A host and port to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// A name or an address, an IPv6 address without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Target {
    /// Returns the address, if the host is one and needs no lookup.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Whether the host is that of the default URL.
    pub(crate) fn is_default_host(&self) -> bool {
        Endpoint::integration().target.host == self.host
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The service's URL, known to be https.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) uri: Uri,
    pub(crate) target: Target,
    /// The name that the server's certificate must have.
    pub(crate) server_name: ServerName<'static>,
}

impl Endpoint {
    /// Returns the default endpoint.
    pub(crate) fn integration() -> Self {
        Endpoint::parse(INTEGRATION_URL).expect("the default URL is valid")
    }

    /// Returns the URL without its query, for a report.
    pub(crate) fn shown(&self) -> String {
        // A path may contain any character above ASCII.
        format!("https://{}{}", self.target, sanitize(self.uri.path()))
    }

    /// Returns the URL as it was given, without its query.
    pub(crate) fn without_query(&self) -> String {
        let authority = self
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        format!("https://{authority}{}", self.uri.path())
    }

    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let invalid = |reason: &str| {
            Error::new(
                Code::InvalidArgument,
                format!("The URL {} {reason}.", quoted(url)),
            )
            .with_hint(format!(
                "Give the endpoint's full URL, such as {INTEGRATION_URL}"
            ))
        };
        let uri: Uri = url.parse().map_err(|_| invalid("is not a valid URL"))?;
        if uri.scheme_str() != Some("https") {
            return Err(invalid("is not https"));
        }
        let target =
            target(&uri, Some(443)).ok_or_else(|| invalid("has no valid host and port"))?;
        if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
            return Err(invalid("must not hold a user name or password"));
        }
        let server_name = ServerName::try_from(target.host.clone())
            .map_err(|_| invalid("has a host that is neither a DNS name nor an IP address"))?;
        Ok(Endpoint {
            uri,
            target,
            server_name,
        })
    }
}

/// An HTTP proxy that tunnels to the service (CONNECT).
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) target: Target,
    /// The value of `Proxy-Authorization`, if there are credentials (RFC 7617).
    pub(crate) authorization: Option<Zeroizing<String>>,
}

impl Proxy {
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        // The URL may hold a password, so no message repeats it.
        let invalid = |reason: &str| {
            Error::new(
                Code::InvalidArgument,
                format!("The proxy URL {reason}."),
            )
            .with_hint("Give it as http://host:port or http://user:password@host:port, special characters percent-encoded.")
        };
        let uri: Uri = url.parse().map_err(|_| invalid("is not a valid URL"))?;
        if uri.scheme_str() != Some("http") {
            return Err(invalid(
                "does not begin with http:// (the connection to the DCS is encrypted all the same)",
            ));
        }
        if !matches!(
            uri.path_and_query().map(|path| path.as_str()),
            None | Some("" | "/")
        ) {
            return Err(invalid("has a path, which a proxy has no use for"));
        }
        let target = target(&uri, None).ok_or_else(|| invalid("has no valid host and port"))?;
        let authorization = uri
            .authority()
            .and_then(|authority| authority.as_str().rsplit_once('@'))
            .map(|(credentials, _)| {
                let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
                let mut plain = Zeroizing::new(Vec::new());
                plain.extend(percent_encoding::percent_decode_str(user));
                plain.push(b':');
                plain.extend(percent_encoding::percent_decode_str(password));
                Zeroizing::new(format!(
                    "Basic {}",
                    base64::engine::general_purpose::STANDARD.encode(&*plain)
                ))
            });
        Ok(Proxy {
            target,
            authorization,
        })
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("target", &self.target)
            .field("authorization", &self.authorization.as_ref().map(|_| "***"))
            .finish()
    }
}

fn target(uri: &Uri, default_port: Option<u16>) -> Option<Target> {
    let host = uri.host()?;
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let port = match uri.port() {
        Some(port) => port.as_u16(),
        None => {
            // `host:` and a port over 65535 are no ports either, and must not become the default.
            if uri.authority()?.as_str().rsplit('@').next()? != uri.host()? {
                return None;
            }
            default_port?
        }
    };
    (port != 0 && !host.is_empty()).then(|| Target {
        host: host.to_owned(),
        port,
    })
}

/// Returns a URL from the caller for a message: cut, without control characters, and without what may be secret (user
/// name, password, query).
fn quoted(url: &str) -> String {
    let shown = match url.rsplit_once('@') {
        Some((before, after)) => {
            let scheme = before.split_once("//").map_or("", |(scheme, _)| scheme);
            format!("{scheme}//***@{after}")
        }
        None => url.to_owned(),
    };
    let shown = shown.split(['?', '#']).next().unwrap_or("");
    format!("'{}'", printable(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_are_taken() {
        for (url, target) in [
            (
                INTEGRATION_URL,
                "dcs-integration.ida.digital.cabinet-office.gov.uk:443",
            ),
            (
                "https://localhost:8443/checks/passport?x=1",
                "localhost:8443",
            ),
            ("https://127.0.0.1/", "127.0.0.1:443"),
            ("https://[::1]:4433/x", "[::1]:4433"),
            ("HTTPS://example.org/x", "example.org:443"),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!(endpoint.target.to_string(), target);
            let shown = url.replace("HTTPS", "https").replace("?x=1", "");
            assert_eq!(endpoint.without_query(), shown);
        }
    }

    #[test]
    fn a_report_shows_no_character_that_hides_others() {
        let endpoint = Endpoint::parse("https://example.org/é\u{9b}1m\u{202e}").unwrap();
        assert_eq!(endpoint.shown(), "https://example.org:443/é?1m?");
    }

    #[test]
    fn urls_that_are_refused() {
        for (url, words) in [
            ("http://example.org/", "not https"),
            ("", "not a valid URL"),
            ("example.org", "not https"),
            ("/checks/passport", "not https"),
            ("https://", "not a valid URL"),
            ("https://example.org:0/", "host and port"),
            ("https://example.org:99999/", "host and port"),
            ("https://example.org:/", "host and port"),
            ("https://user:pw@example.org/", "password"),
            ("https://exa_mple..org/", "neither a DNS name"),
            ("https://example.org/\n", "not a valid URL"),
        ] {
            let error = Endpoint::parse(url).unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument);
            assert!(error.message().contains(words), "{url}: {error}");
        }
    }

    #[test]
    fn what_may_be_secret_in_a_url_is_not_repeated() {
        for url in [
            "https://user:hunter2@example.org/x",
            "http://hunter2@example.org/",
            "http://example.org/x?token=hunter2",
            "user:hunter2@example.org",
            "https://alice:hunter2#t@example.org/checks",
            "https://alice:hun?ter2@example.org/?hun",
            "http://example.org/#hunter2",
        ] {
            let error = Endpoint::parse(url).unwrap_err();
            assert!(!error.message().contains("hun"), "{error}");
            assert!(error.message().contains("example.org"), "{error}");
        }
    }

    #[test]
    fn proxies() {
        let proxy = Proxy::parse("http://user:p%40ss@proxy.example:3128").unwrap();
        assert_eq!(proxy.target.to_string(), "proxy.example:3128");
        assert_eq!(
            proxy.authorization.as_deref().map(String::as_str),
            Some("Basic dXNlcjpwQHNz")
        );
        assert!(!format!("{proxy:?}").contains("dXNlcjpwQHNz"));
        assert!(
            Proxy::parse("http://proxy:8080/")
                .unwrap()
                .authorization
                .is_none()
        );
        for url in [
            "https://proxy:3128",
            "http://proxy",
            "proxy:3128",
            "http://proxy:3128/x",
            "socks5://a:1",
        ] {
            let error = Proxy::parse(url).unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "{url}");
        }
        let error = Proxy::parse("ftp://user:secret@proxy:1").unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }
}
