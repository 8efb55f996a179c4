//! Options by name, from text: what the environment variables and [`Config::set_option`] share.

use std::env;

use zeroize::Zeroizing;

use super::Config;
use crate::error::{Code, Error};

/// An option: its name, its environment variable, and how its text is taken.
struct ConfigOption {
    name: &'static str,
    variable: &'static str,
    /// Where content came from that the variable held.
    origin: &'static str,
    set: fn(&mut Config, &str) -> Result<(), Error>,
}

impl ConfigOption {
    fn named(name: &str) -> Result<&'static Self, Error> {
        let mut options = OPTIONS.iter();
        options.find(|option| option.name == name).ok_or_else(|| {
            let names: Vec<_> = OPTIONS.iter().map(|option| option.name).collect();
            let name = crate::sanitize::printable(name);
            Error::new(
                Code::InvalidArgument,
                format!("There is no option '{name}'."),
            )
            .with_hint(format!("The options are: {}.", names.join(", ")))
        })
    }
}

const OPTIONS: &[ConfigOption] = &[
    ConfigOption {
        name: "url",
        variable: "DCS_URL",
        origin: "in DCS_URL",
        set: Config::set_url,
    },
    ConfigOption {
        name: "ca_bundle",
        variable: "DCS_CA_BUNDLE",
        origin: "in DCS_CA_BUNDLE",
        set: |config, value| {
            if is_content(value) {
                config.set_ca_bundle(value.as_bytes());
            } else {
                config.set_ca_bundle_file(value);
            }
            Ok(())
        },
    },
    ConfigOption {
        name: "certificate",
        variable: "DCS_CERTIFICATE",
        origin: "in DCS_CERTIFICATE",
        set: |config, value| {
            if is_content(value) {
                config.set_certificate(value.as_bytes());
            } else {
                config.set_certificate_file(value);
            }
            Ok(())
        },
    },
    ConfigOption {
        name: "private_key",
        variable: "DCS_PRIVATE_KEY",
        origin: "in DCS_PRIVATE_KEY",
        set: |config, value| {
            if is_content(value) {
                config.set_private_key(value.as_bytes());
            } else {
                config.set_private_key_file(value);
            }
            Ok(())
        },
    },
    ConfigOption {
        name: "private_key_password",
        variable: "DCS_PRIVATE_KEY_PASSWORD",
        origin: "in DCS_PRIVATE_KEY_PASSWORD",
        set: |config, value| {
            config.set_private_key_password(Some(value));
            Ok(())
        },
    },
    ConfigOption {
        name: "proxy",
        variable: "DCS_PROXY",
        origin: "in DCS_PROXY",
        set: |config, value| config.set_proxy(Some(value)),
    },
    ConfigOption {
        name: "timeout_ms",
        variable: "DCS_TIMEOUT_MS",
        origin: "in DCS_TIMEOUT_MS",
        set: |config, value| config.set_timeout_ms(milliseconds("timeout", value, 1)?),
    },
    ConfigOption {
        name: "connect_timeout_ms",
        variable: "DCS_CONNECT_TIMEOUT_MS",
        origin: "in DCS_CONNECT_TIMEOUT_MS",
        set: |config, value| {
            config.set_connect_timeout_ms(milliseconds("connect timeout", value, 1)?)
        },
    },
    ConfigOption {
        name: "reload_interval_ms",
        variable: "DCS_RELOAD_INTERVAL_MS",
        origin: "in DCS_RELOAD_INTERVAL_MS",
        set: |config, value| {
            config.set_reload_interval_ms(milliseconds("reload interval", value, 0)?);
            Ok(())
        },
    },
    ConfigOption {
        name: "honour_retry_after",
        variable: "DCS_HONOUR_RETRY_AFTER",
        origin: "in DCS_HONOUR_RETRY_AFTER",
        set: |config, value| {
            config.set_honour_retry_after(switch("honour_retry_after", value)?);
            Ok(())
        },
    },
    ConfigOption {
        name: "status_max_age_ms",
        variable: "DCS_STATUS_MAX_AGE_MS",
        origin: "in DCS_STATUS_MAX_AGE_MS",
        set: |config, value| {
            config.set_status_max_age_ms(milliseconds("status's age", value, 0)?);
            Ok(())
        },
    },
];

impl Config {
    /// Sets an option by its name, from text.
    ///
    /// Names: `url`, `ca_bundle`, `certificate`, `private_key` (each a path, or the content: PEM, where the value
    /// contains `-----BEGIN`, or base64 of DER or PEM), `private_key_password`, `proxy`, `timeout_ms`, `connect_timeout_ms`,
    /// `reload_interval_ms`, `honour_retry_after` (`1` or `0`), `status_max_age_ms`.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a name that is none of these and a value that the option does not
    /// take; the configuration is unchanged.
    pub fn set_option(&mut self, name: &str, value: &str) -> Result<(), Error> {
        (ConfigOption::named(name)?.set)(self, value)
    }

    /// The option's name as it is in the table.
    ///
    /// # Errors
    /// As [`Config::set_option`], for a name that is none.
    pub(crate) fn option_name(name: &str) -> Result<&'static str, Error> {
        ConfigOption::named(name).map(|option| option.name)
    }

    /// Has the messages about a file's content name the variable that it stood in.
    fn note_origin(&mut self, option: &ConfigOption) {
        let source = match option.name {
            "ca_bundle" => &mut self.sources.ca_bundle,
            "certificate" => &mut self.sources.certificate,
            "private_key" => &mut self.sources.private_key,
            _ => return,
        };
        if let Some(source) = source {
            source.set_origin(option.origin);
        }
    }

    /// Takes the options that are set in the environment; no other function takes anything from there.
    ///
    /// Variables: `DCS_URL`, `DCS_CA_BUNDLE`, `DCS_CERTIFICATE`, `DCS_PRIVATE_KEY` (each a path, or the content:
    /// PEM, where the value contains `-----BEGIN`, or base64 of DER or PEM), `DCS_PRIVATE_KEY_PASSWORD`, `DCS_PROXY`, `DCS_TIMEOUT_MS`,
    /// `DCS_CONNECT_TIMEOUT_MS`, `DCS_RELOAD_INTERVAL_MS`, `DCS_HONOUR_RETRY_AFTER`,
    /// `DCS_STATUS_MAX_AGE_MS`. One that is not set or empty leaves its option as it is.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`], naming the variable; the configuration is unchanged.
    pub fn load_env(&mut self) -> Result<(), Error> {
        let mut loaded = self.clone();
        for option in OPTIONS {
            let Some(value) = env::var_os(option.variable) else {
                continue;
            };
            let Some(value) = value.to_str().map(|text| Zeroizing::new(text.to_owned())) else {
                return Err(Error::new(
                    Code::InvalidArgument,
                    format!("The environment variable {} is not UTF-8.", option.variable),
                ));
            };
            if !value.is_empty() {
                (option.set)(&mut loaded, &value).map_err(|error| {
                    let message = format!(
                        "Environment variable {}: {}",
                        option.variable,
                        error.message()
                    );
                    Error::new(error.code(), message).with_hint(error.hint().to_owned())
                })?;
                loaded.note_origin(option);
            }
        }
        *self = loaded;
        Ok(())
    }
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

fn switch(name: &str, value: &str) -> Result<bool, Error> {
    match value {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(Error::new(
            Code::InvalidArgument,
            format!(
                "The option {name} is '{}', which is neither 1 nor 0.",
                crate::sanitize::printable(value)
            ),
        )),
    }
}

/// The setters judge the number; `least` is for the words.
fn milliseconds(what: &str, value: &str, least: u32) -> Result<u32, Error> {
    value.parse().map_err(|_| {
        Error::new(
            Code::InvalidArgument,
            format!(
                "The {what} '{}' is not a whole number of milliseconds from {least} to {}.",
                crate::sanitize::printable(value),
                u32::MAX
            ),
        )
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
        assert!(debug.contains("250ms"), "{debug}");
    }

    #[test]
    fn a_bad_value_changes_nothing() {
        let mut config = Config::new();
        let before = format!("{config:?}");
        for (name, value, words) in [
            ("uri", "x", "no option 'uri'"),
            ("url", "http://x/", "not https"),
            ("timeout_ms", "0", "0"),
            ("timeout_ms", "soon", "milliseconds from 1 to"),
            ("connect_timeout_ms", "-1", "connect timeout"),
            ("honour_retry_after", "maybe", "neither 1 nor 0"),
            ("reload_interval_ms", "often", "reload interval 'often'"),
            ("status_max_age_ms", "young", "from 0 to"),
            ("proxy", "proxy", "proxy"),
        ] {
            let error = config.set_option(name, value).unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument);
            assert!(error.message().contains(words), "{error}");
            assert_eq!(format!("{config:?}"), before);
        }
    }
}
