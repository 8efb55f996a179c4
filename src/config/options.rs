//! The one table of options: field, default, name and meaning. From it come the defaults, the debug output, the options by
//! name and from the environment, and the lists in the documentation.

use std::env;
use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Endpoint, Proxy};
use crate::credentials::{Source, Sources};
use crate::error::{Code, Error};
use crate::sanitize::printable;

/// A value that an option takes from text.
trait Setting: Sized {
    /// Parses the option's value. `variable` is the environment variable that held it, if one did.
    fn parse(option: &str, text: &str, variable: Option<&str>) -> Result<Self, Error>;

    /// The value as text for documentation and debug output, without secrets.
    fn display(&self) -> String;
}

macro_rules! options {
    (
        sources { $($source:ident $source_name:literal $source_meaning:literal)+ }
        fields { $($field:ident $name:literal: $type:ty = $default:expr, $meaning:literal)+ }
    ) => {
        /// The configuration that a [`Client`](crate::Client) is made from.
        ///
        /// Setting a file only notes it: the file is read when the client is created. `Debug` shows no secret.
        ///
        /// A setter that rejects a value returns the error and leaves the option as it was. So that a call does not go
        /// elsewhere if the error is ignored, [`Client::new`](crate::Client::new) and
        /// [`diagnose`](crate::diagnose()) report it again until that option is set.
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
            pub(crate) sources: Sources,
            $(pub(crate) $field: $type,)+
            /// The options whose last value was rejected, in the order of the rejections.
            pub(super) rejected: Vec<(&'static str, Error)>,
        }

        impl Config {
            /// Creates a configuration with the defaults: the integration endpoint, no files, no proxy, 10 s to connect and
            /// 30 s for the whole call.
            #[allow(clippy::new_without_default)] // A configuration without files is no useful default.
            pub fn new() -> Self {
                Config {
                    sources: Sources::default(),
                    $($field: $default,)+
                    rejected: Vec::new(),
                }
            }

            /// Sets an option by its name, from text.
            ///
            /// The names are those of [`ConfigOption::ALL`]:
            $(#[doc = concat!("`", $source_name, "`,")])+
            $(#[doc = concat!("`", $name, "`,")])+
            /// each with the value that its setter takes. A file is a path or the content: PEM, if the value contains
            /// `-----BEGIN`, or base64 of DER or PEM. A switch is `1` or `0`.
            ///
            /// # Errors
            /// [`Code::InvalidArgument`] for an unknown name and for a value that the option does not take.
            pub fn set_option(&mut self, name: &str, value: &str) -> Result<(), Error> {
                self.set_from_text(ConfigOption::find(name)?, value, None)
            }
        }

        impl fmt::Debug for Config {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Config")
                    $(.field($source_name, &format_args!("{}", self.sources.$source.display())))+
                    $(.field($name, &format_args!("{}", self.$field.display())))+
                    .finish()
            }
        }

        impl ConfigOption {
            /// Every option, in the order of the documentation.
            pub const ALL: &'static [ConfigOption] = &[
                $(ConfigOption {
                    name: $source_name,
                    set: |config, text, variable| {
                        config.sources.$source = Setting::parse($source_name, text, variable)?;
                        Ok(())
                    },
                },)+
                $(ConfigOption {
                    name: $name,
                    set: |config, text, variable| {
                        config.$field = Setting::parse($name, text, variable)?;
                        Ok(())
                    },
                },)+
            ];

            /// Returns what the option sets, as a sentence.
            pub fn meaning(&self) -> &'static str {
                match self.name {
                    $($source_name => $source_meaning,)+
                    $($name => $meaning,)+
                    _ => unreachable!("every option is in the table"),
                }
            }

            /// Returns the default as text, such as `30000`; `none` for an option that is not set.
            pub fn default_text(&self) -> String {
                let config = Config::new();
                match self.name {
                    $($source_name => config.sources.$source.display(),)+
                    $($name => config.$field.display(),)+
                    _ => unreachable!("every option is in the table"),
                }
            }
        }
    };
}

// A new option has its row here, a setter in config.rs, and its setters in src/ffi/config.rs, include/dcs.hpp and the
// bindings: CONTRIBUTING.md lists them.
options! {
    sources {
        ca_bundle "ca_bundle"
        "CA certificates that the server's certificate must lead to."

        certificate "certificate"
        "Client certificate, with or without its intermediates."

        private_key "private_key"
        "Private key of the certificate. Not needed if the certificate's file holds it."

        password "private_key_password"
        "Password of an encrypted private key or PKCS#12 store."
    }
    fields {
        endpoint "url": Endpoint = Endpoint::integration(),
        "Full URL of the endpoint, used as it is; https only."

        proxy "proxy": Option<Proxy> = None,
        "HTTP proxy to tunnel through: `http://[user:password@]host:port`."

        timeout "timeout_ms": Duration = Duration::from_secs(30),
        "Limit for a whole call, in milliseconds."

        connect_timeout "connect_timeout_ms": Duration = Duration::from_secs(10),
        "Limit for host name lookup, TCP, proxy and TLS together, in milliseconds."

        reload_interval "reload_interval_ms": Option<Duration> = None,
        "How often a call first checks whether the files have changed, in milliseconds; 0: never."

        honour_retry_after "honour_retry_after": bool = false,
        "Whether the client sends nothing while the service has asked it to wait."

        status_max_age "status_max_age_ms": Option<Duration> = None,
        "Greatest age of a status that answers a call without a request, in milliseconds; 0: every call asks."
    }
}

/// An option of [`Config`]: its name, its environment variable, its default and its meaning.
pub struct ConfigOption {
    name: &'static str,
    set: fn(&mut Config, &str, Option<&str>) -> Result<(), Error>,
}

impl ConfigOption {
    /// Returns the name, such as `timeout_ms`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the environment variable that [`Config::load_env`] reads, such as `DCS_TIMEOUT_MS`.
    pub fn variable(&self) -> String {
        format!("DCS_{}", self.name.to_ascii_uppercase())
    }

    fn find(name: &str) -> Result<&'static Self, Error> {
        let mut options = ConfigOption::ALL.iter();
        options.find(|option| option.name == name).ok_or_else(|| {
            let names: Vec<_> = ConfigOption::ALL.iter().map(ConfigOption::name).collect();
            Error::new(
                Code::InvalidArgument,
                format!("There is no option '{}'.", printable(name)),
            )
            .with_hint(format!("Use one of the options: {}.", names.join(", ")))
        })
    }
}

impl Config {
    /// Returns the option's name as it is in the table.
    ///
    /// # Errors
    /// As [`Config::set_option`], for an unknown name.
    pub(crate) fn option_name(name: &str) -> Result<&'static str, Error> {
        ConfigOption::find(name).map(ConfigOption::name)
    }

    /// Sets the options that have an environment variable. No other function but
    /// [`Config::load_env_option`] reads the environment.
    ///
    /// The variable of an option is `DCS_` and its name in upper case, such as `DCS_TIMEOUT_MS`; see
    /// [`ConfigOption::ALL`]. A variable that is not set, or is empty, leaves its option as it is.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`], naming the variable; every option is unchanged.
    pub fn load_env(&mut self) -> Result<(), Error> {
        let mut loaded = self.clone();
        for option in ConfigOption::ALL {
            if let Err(error) = loaded.load_variable(option) {
                self.reject(option.name, &error);
                return Err(error);
            }
        }
        *self = loaded;
        Ok(())
    }

    /// Sets one option from its environment variable, as [`Config::load_env`] sets all.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for an unknown name and for a variable whose value the option does not take.
    pub fn load_env_option(&mut self, name: &str) -> Result<(), Error> {
        self.load_variable(ConfigOption::find(name)?)
    }

    fn load_variable(&mut self, option: &'static ConfigOption) -> Result<(), Error> {
        let variable = option.variable();
        // The value may be a key. It keeps its buffer, which is wiped.
        let value = env::var_os(&variable).unwrap_or_default();
        let value = Zeroizing::new(value.into_encoded_bytes());
        match str::from_utf8(&value) {
            Ok("") => Ok(()),
            Ok(text) => self.set_from_text(option, text, Some(&variable)),
            Err(_) => {
                let error = Error::new(
                    Code::InvalidArgument,
                    format!("The environment variable {variable} is not UTF-8."),
                )
                .with_hint(format!("Set {variable} to text in UTF-8, or unset it."));
                self.note(option.name, Err(error))
            }
        }
    }

    fn set_from_text(
        &mut self,
        option: &'static ConfigOption,
        text: &str,
        variable: Option<&str>,
    ) -> Result<(), Error> {
        let outcome = (option.set)(self, text, variable).map_err(|error| match variable {
            None => error,
            Some(variable) => {
                let message = format!("Environment variable {variable}: {}", error.message());
                Error::new(error.code(), message).with_hint(error.hint().to_owned())
            }
        });
        self.note(option.name, outcome)
    }
}

impl Setting for Endpoint {
    fn parse(_: &str, text: &str, _: Option<&str>) -> Result<Self, Error> {
        Endpoint::parse(text)
    }

    fn display(&self) -> String {
        self.without_query()
    }
}

impl Setting for Option<Proxy> {
    fn parse(_: &str, text: &str, _: Option<&str>) -> Result<Self, Error> {
        Proxy::parse(text).map(Some)
    }

    fn display(&self) -> String {
        self.as_ref()
            .map_or_else(|| "none".to_owned(), |proxy| proxy.target.to_string())
    }
}

impl Setting for Option<Source> {
    fn parse(_: &str, text: &str, variable: Option<&str>) -> Result<Self, Error> {
        if !is_content(text) {
            return Ok(Some(Source::File(text.into())));
        }
        let origin = variable.map(|variable| format!("in {variable}"));
        Ok(Some(Source::content(text.as_bytes(), origin)))
    }

    fn display(&self) -> String {
        self.as_ref()
            .map_or_else(|| "none".to_owned(), |source| format!("{source:?}"))
    }
}

/// The password.
impl Setting for Option<Zeroizing<String>> {
    fn parse(_: &str, text: &str, _: Option<&str>) -> Result<Self, Error> {
        Ok(Some(Zeroizing::new(text.to_owned())))
    }

    fn display(&self) -> String {
        self.as_ref().map_or("none", |_| "***").to_owned()
    }
}

/// A limit in milliseconds, which is never 0.
impl Setting for Duration {
    fn parse(option: &str, text: &str, _: Option<&str>) -> Result<Self, Error> {
        limit(option, milliseconds(option, text, 1)?)
    }

    fn display(&self) -> String {
        self.as_millis().to_string()
    }
}

/// A time in milliseconds; 0 switches the option off.
impl Setting for Option<Duration> {
    fn parse(option: &str, text: &str, _: Option<&str>) -> Result<Self, Error> {
        Ok(interval(milliseconds(option, text, 0)?))
    }

    fn display(&self) -> String {
        self.unwrap_or_default().display()
    }
}

/// A switch.
impl Setting for bool {
    fn parse(option: &str, text: &str, _: Option<&str>) -> Result<Self, Error> {
        match text {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(Error::new(
                Code::InvalidArgument,
                format!(
                    "The option {option} is '{}', which is neither 1 nor 0.",
                    printable(text)
                ),
            )
            .with_hint(format!("Set {option} to 1 or 0."))),
        }
    }

    fn display(&self) -> String {
        u8::from(*self).to_string()
    }
}

/// Checks a limit in milliseconds.
pub(super) fn limit(option: &str, milliseconds: u32) -> Result<Duration, Error> {
    interval(milliseconds).ok_or_else(|| {
        Error::new(
            Code::InvalidArgument,
            format!("The option {option} is 0, a limit that no call could keep."),
        )
        .with_hint(format!("Set {option} to at least 1."))
    })
}

/// A time in milliseconds; `None` for 0.
pub(super) fn interval(milliseconds: u32) -> Option<Duration> {
    (milliseconds > 0).then(|| Duration::from_millis(u64::from(milliseconds)))
}

fn milliseconds(option: &str, text: &str, least: u32) -> Result<u32, Error> {
    text.parse().map_err(|_| {
        Error::new(
            Code::InvalidArgument,
            format!(
                "The option {option} is '{}', which is not a whole number of milliseconds.",
                printable(text)
            ),
        )
        .with_hint(format!(
            "Set {option} to a whole number from {least} to {}.",
            u32::MAX
        ))
    })
}

/// Whether a text is a file's content and not a path: PEM, or the base64 that parameter stores keep of DER or
/// of PEM, in either alphabet. DER begins with a SEQUENCE, whose base64 is `M` and a letter up to `P`.
fn is_content(value: &str) -> bool {
    /// Shorter than the shortest key's DER in base64.
    const MIN_BASE64: usize = 60;
    if value.contains("-----BEGIN") {
        return true;
    }
    let text = value
        .trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'')
        .as_bytes();
    let begins = match text {
        [b'M', b'A'..=b'P', ..] => true,
        text => text.starts_with(b"LS0tLS1CRUdJTi"),
    };
    begins
        && text.len() >= MIN_BASE64
        && text.iter().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
                || byte.is_ascii_whitespace()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_by_name() {
        let mut config = Config::new();
        config.set_option("url", "https://localhost:1/x").unwrap();
        config.set_option("timeout_ms", "250").unwrap();
        config.set_option("ca_bundle", "-----BEGIN X").unwrap();
        config.set_option("certificate", "cert.pem").unwrap();
        // The shortest key there is, as a parameter store keeps it; what a path looks like stays one.
        let key = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
        config.set_option("private_key", key).unwrap();
        assert!(
            format!("{config:?}").contains("Bytes(64 bytes)"),
            "{config:?}"
        );
        config
            .set_option("private_key", &format!("\"{key}\""))
            .unwrap();
        assert!(format!("{config:?}").contains("Bytes(66 bytes)"));
        let url_safe = key.replace('+', "-").replace('/', "_");
        config.set_option("private_key", &url_safe).unwrap();
        assert!(format!("{config:?}").contains("Bytes(64 bytes)"));
        for path in [
            "MY/key.pem",
            "/etc/MA",
            "MII",
            "MII/example.key",
            "MAIN_dcs-key",
        ] {
            config.set_option("private_key", path).unwrap();
            assert!(format!("{config:?}").contains(path), "{config:?}");
        }
        let debug = format!("{config:?}");
        assert!(debug.contains("localhost"), "{debug}");
        assert!(debug.contains("Bytes(12 bytes)"), "{debug}");
        assert!(debug.contains("cert.pem"), "{debug}");
        assert!(debug.contains("timeout_ms: 250"), "{debug}");
    }

    #[test]
    fn a_bad_value_changes_nothing() {
        let mut config = Config::new();
        let before = format!("{config:?}");
        for (name, value, words) in [
            ("uri", "x", "no option 'uri'"),
            ("url", "http://x/", "not https"),
            ("timeout_ms", "0", "0"),
            ("timeout_ms", "soon", "'soon', which is not a whole number"),
            ("connect_timeout_ms", "-1", "connect_timeout_ms is '-1'"),
            ("honour_retry_after", "maybe", "neither 1 nor 0"),
            (
                "reload_interval_ms",
                "often",
                "reload_interval_ms is 'often'",
            ),
            ("status_max_age_ms", "young", "status_max_age_ms is"),
            ("proxy", "proxy", "proxy"),
        ] {
            let error = config.set_option(name, value).unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument);
            assert!(error.message().contains(words), "{error}");
            assert_eq!(format!("{config:?}"), before);
        }
    }

    #[test]
    fn a_rejected_value_is_reported_until_the_option_is_set() {
        let mut config = Config::new();
        config.set_url("http://h/").unwrap_err();
        config.set_timeout_ms(0).unwrap_err();
        let error = config.check().unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(
            error
                .message()
                .contains("The option 'url' could not be set"),
            "{error}"
        );
        config.set_option("url", "https://h/").unwrap();
        let error = config.check().unwrap_err();
        assert!(error.message().contains("'timeout_ms'"), "{error}");
        config.set_timeout_ms(5).unwrap();
        assert!(config.check().is_ok());
        // An unknown name concerns no option.
        config.set_option("uri", "x").unwrap_err();
        assert!(config.check().is_ok());
    }

    #[test]
    fn an_option_has_a_variable_and_a_default() {
        let text = |name: &str| {
            let option = ConfigOption::find(name).unwrap();
            (option.variable(), option.default_text())
        };
        assert_eq!(
            text("timeout_ms"),
            ("DCS_TIMEOUT_MS".into(), "30000".into())
        );
        assert_eq!(text("ca_bundle").1, "none");
        assert_eq!(text("honour_retry_after").1, "0");
        assert!(text("url").1.starts_with("https://dcs-integration."));
    }
}
