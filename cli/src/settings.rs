//! From the command line and the environment to the library's configuration.

use std::env;
use std::fs::File;
use std::io;
use std::path::Path;

use dcs::Config;
use zeroize::Zeroizing;

use crate::arguments::{ConnectionArguments, DEFAULT_URL, PasswordArguments};
use crate::failure::Failure;
use crate::files;

/// The longest password file.
const MAX_PASSWORD_FILE: u64 = 64 * 1024;

/// What a command that makes a call was given.
pub struct Settings {
    pub config: Config,
    /// The URL without its query, which may hold a secret.
    pub url: String,
}

impl Settings {
    /// The environment's settings, and over them those of the command line.
    pub fn load(arguments: &ConnectionArguments) -> Result<Self, Failure> {
        let mut config = Config::new();
        config.load_env()?;
        let url = arguments.url.as_ref().or(arguments.url_flag.as_ref());
        if let Some(url) = url {
            config.set_url(url)?;
        }
        if let Some(path) = &arguments.cacert {
            config.set_ca_bundle_file(path);
        }
        if let Some(path) = &arguments.cert {
            config.set_certificate_file(path);
        }
        let password = password(&arguments.password)?;
        if let Some(password) = &password {
            config.set_private_key_password(Some(password));
        }
        // Without one, the library takes the key from the certificate's file, where that holds one.
        if let Some(path) = &arguments.key {
            config.set_private_key_file(path);
        }
        if let Some(proxy) = &arguments.proxy {
            config.set_proxy(Some(proxy))?;
        }
        if let Some(milliseconds) = arguments.connect_timeout {
            config.set_connect_timeout_ms(milliseconds)?;
        }
        if let Some(milliseconds) = arguments.max_time {
            config.set_timeout_ms(milliseconds)?;
        }
        let url = match url {
            Some(url) => url.clone(),
            None => variable("DCS_URL")?.map_or(DEFAULT_URL.into(), |url| url.to_string()),
        };
        Ok(Settings {
            config,
            url: url.split(['?', '#']).next().unwrap_or_default().to_owned(),
        })
    }
}

/// The password for a file: of the command line, or of the environment.
pub fn password(arguments: &PasswordArguments) -> Result<Option<Zeroizing<String>>, Failure> {
    match given_password(arguments)? {
        Some(password) => Ok(Some(password)),
        None => variable("DCS_PRIVATE_KEY_PASSWORD"),
    }
}

/// An environment variable; one that is empty counts as not set, as it does in the library.
pub fn variable(name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    let Some(value) = env::var_os(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    match value.into_string() {
        Ok(value) => Ok(Some(Zeroizing::new(value))),
        Err(_) => Err(Failure::usage(
            format!("The environment variable {name} is not UTF-8."),
            "Correct it, or give the flag that is meant for it.",
        )),
    }
}

fn given_password(arguments: &PasswordArguments) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(password) = &arguments.text {
        return Ok(Some(Zeroizing::new(password.clone())));
    }
    let Some(path) = &arguments.file else {
        return Ok(None);
    };
    // A pipe is welcome here: a password manager may be at its other end.
    let (what, read) = if path == Path::new("-") {
        let what = "The password on standard input".to_owned();
        (what, files::read_limited(io::stdin(), MAX_PASSWORD_FILE))
    } else {
        let what = format!("The password file {}", path.display());
        let read = File::open(path).and_then(|file| files::read_limited(file, MAX_PASSWORD_FILE));
        (what, read)
    };
    let wrong = |reason: &str| {
        Failure::file(
            format!("{what} {reason}."),
            "Give a file whose first line is the password.",
        )
    };
    let bytes = match read {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(wrong("is larger than 64 KiB")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(wrong("is not there"));
        }
        Err(error) => return Err(wrong(&format!("cannot be read: {error}"))),
    };
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => Err(wrong("has an empty first line")),
        Ok(line) => Ok(Some(Zeroizing::new(line.to_owned()))),
        Err(_) => Err(wrong("is not UTF-8")),
    }
}
