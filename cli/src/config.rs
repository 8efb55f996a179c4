//! The library's configuration, from the command line and the environment.

use std::fs::File;
use std::io;
use std::path::{Component, Path};

use dcs::{Config, sanitize_path};
use zeroize::Zeroizing;

use crate::arguments::{ConnectionArguments, PasswordArguments};
use crate::error::CommandError;
use crate::files;

/// The longest password file.
const MAX_PASSWORD_FILE: u64 = 64 * 1024;

/// Returns the configuration of a command that makes a call. The command line overrides the environment.
pub fn for_call(arguments: &ConnectionArguments) -> Result<Config, CommandError> {
    let mut config = Config::new();
    config.load_env()?;
    if let Some(url) = arguments.url.as_ref().or(arguments.url_flag.as_ref()) {
        config.set_url(url)?;
    }
    if let Some(path) = &arguments.cacert {
        config.set_ca_bundle_file(path);
    }
    if let Some(path) = &arguments.cert {
        reject_password("--cert", path)?;
        config.set_certificate_file(path);
    }
    // Without --key, the library takes the key from the certificate's file, if that contains one.
    if let Some(path) = &arguments.key {
        reject_password("--key", path)?;
        config.set_private_key_file(path);
    }
    if let Some(password) = password(&arguments.password)? {
        config.set_private_key_password(Some(&password));
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
    Ok(config)
}

/// Returns the configuration of a command that only reads files: the password from the command line or the environment.
/// Other variables are not read, so that a command does not fail because of one that only a call needs.
pub fn for_files(arguments: &PasswordArguments) -> Result<Config, CommandError> {
    let mut config = Config::new();
    match password(arguments)? {
        Some(password) => config.set_private_key_password(Some(&password)),
        None => config.load_env_option("private_key_password")?,
    }
    Ok(config)
}

/// Fails if a path may be curl's `FILE:PASSWORD`: a message about that file would show the password. A file whose name
/// contains a colon exists.
pub fn reject_password(flag: &str, path: &Path) -> Result<(), CommandError> {
    // Windows has a colon in `C:` too.
    let prefix = match path.components().next() {
        Some(Component::Prefix(prefix)) => prefix.as_os_str().len(),
        _ => 0,
    };
    let text = path.as_os_str().as_encoded_bytes();
    let Some(colon) = text[prefix..].iter().position(|byte| *byte == b':') else {
        return Ok(());
    };
    if path.exists() {
        return Ok(());
    }
    let file = String::from_utf8_lossy(&text[..prefix + colon]);
    let file = sanitize_path(Path::new(&*file));
    Err(CommandError::usage(
        format!(
            "There is no file with the name in {flag} {file}:***, and no password is taken there."
        ),
        "Give the file's path alone, and the password with --pass-file FILE or DCS_PRIVATE_KEY_PASSWORD.",
    ))
}

/// Returns the password from the command line.
fn password(arguments: &PasswordArguments) -> Result<Option<Zeroizing<String>>, CommandError> {
    if let Some(password) = &arguments.text {
        return Ok(Some(Zeroizing::new(password.clone())));
    }
    let Some(path) = &arguments.file else {
        return Ok(None);
    };
    // The file may be a pipe from a password manager.
    let (what, read) = if path == Path::new("-") {
        let what = "The password on standard input".to_owned();
        (what, files::read_limited(io::stdin(), MAX_PASSWORD_FILE))
    } else {
        let what = format!("The password file {}", sanitize_path(path));
        let read = File::open(path).and_then(|file| files::read_limited(file, MAX_PASSWORD_FILE));
        (what, read)
    };
    let wrong = |reason: &str| {
        CommandError::file(
            format!("{what} {reason}."),
            "Give a file whose first line is the password.",
        )
    };
    let bytes = match read {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(wrong("is larger than 64 KiB")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(wrong("does not exist"));
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
