//! `dcs_config`.

use std::ffi::c_char;

use super::code::dcs_code;
use super::error::{code_and_error, dcs_error};
use super::{guard, text};
use crate::config::Config;
use crate::error::Error;

/// A configuration. Owned by the caller, who frees it with `dcs_config_free`; used by one thread at a time.
///
/// Setting a file only notes it: the file is read when a client is created. All that is passed in is copied. Every setter
/// returns `DCS_ERR_INVALID_ARGUMENT` if the configuration or a required argument is NULL, or a text is not UTF-8.
///
/// A setter that rejects a value leaves the option as it was. So that a call does not go elsewhere if the code is ignored,
/// `dcs_client_new`, `dcs_diagnose` and `dcs_diagnose_until` report the rejection again until that option is set.
pub struct dcs_config {
    pub(super) config: Config,
}

/// A configuration with the defaults: the DCS's integration endpoint, no files, no proxy, 10 s to connect
/// and 30 s for the whole call. NULL only where something goes wrong in the library itself.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_config_new() -> *mut dcs_config {
    guard::read(&(), std::ptr::null_mut(), |()| {
        Box::into_raw(Box::new(dcs_config {
            config: Config::new(),
        }))
    })
}

/// Frees a configuration and wipes what is secret in it. Clients made from it live on. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_free(config: *mut dcs_config) {
    // SAFETY: the caller's duty, see the module.
    unsafe { guard::free(config) };
}

/// Runs an option's setter. The configuration remembers an argument that is rejected here as it does a rejected value.
unsafe fn set(
    config: *mut dcs_config,
    option: &'static str,
    setter: impl FnOnce(&mut Config) -> Result<(), Error>,
) -> dcs_code {
    guard::code(|| {
        // SAFETY: the caller's duty, see the module.
        let config = &mut unsafe { guard::required_mut(config, "config") }?.config;
        setter(config).inspect_err(|error| config.reject(option, error))
    })
}

/// Runs a setter of one required text.
unsafe fn set_text(
    config: *mut dcs_config,
    option: &'static str,
    value: *const c_char,
    name: &str,
    setter: impl FnOnce(&mut Config, &str) -> Result<(), Error>,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        set(config, option, |config| {
            setter(config, text::required(value, name)?)
        })
    }
}

/// Runs a setter of bytes.
unsafe fn set_bytes(
    config: *mut dcs_config,
    option: &'static str,
    data: *const u8,
    len: usize,
    setter: impl FnOnce(&mut Config, &[u8]),
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        set(config, option, |config| {
            setter(config, text::bytes(data, len, "data")?);
            Ok(())
        })
    }
}

/// The endpoint's full URL, used as it is; https only. Default: the integration endpoint,
/// `https://dcs-integration.ida.digital.cabinet-office.gov.uk/checks/passport`.
///
/// `DCS_ERR_INVALID_ARGUMENT` for a URL that is not https, has no valid host, or holds a user name; to get
/// that in words, use `dcs_config_set_option`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_url(
    config: *mut dcs_config,
    url: *const c_char,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe { set_text(config, "url", url, "url", Config::set_url) }
}

/// The path of the CA bundle: the certificates that the server's certificate must lead to, as PEM, DER, PKCS#7 or
/// PKCS#12.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_ca_bundle_file(
    config: *mut dcs_config,
    path: *const c_char,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        set_text(config, "ca_bundle", path, "path", |config, path| {
            config.set_ca_bundle_file(path);
            Ok(())
        })
    }
}

/// The CA bundle's content: `len` bytes of what the file would hold.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_ca_bundle(
    config: *mut dcs_config,
    data: *const u8,
    len: usize,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe { set_bytes(config, "ca_bundle", data, len, Config::set_ca_bundle) }
}

/// The path of the client certificate: the leaf, with or without its intermediates, as PEM, DER, PKCS#7 or
/// PKCS#12. What is missing of its chain is taken from the CA bundle. Where the file holds the private key too
/// and none is configured, that one is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_certificate_file(
    config: *mut dcs_config,
    path: *const c_char,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        set_text(config, "certificate", path, "path", |config, path| {
            config.set_certificate_file(path);
            Ok(())
        })
    }
}

/// The client certificate's content: `len` bytes of what the file would hold.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_certificate(
    config: *mut dcs_config,
    data: *const u8,
    len: usize,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe { set_bytes(config, "certificate", data, len, Config::set_certificate) }
}

/// The path of the private key: PKCS#1, PKCS#8 or SEC1, plain or encrypted, as PEM or DER, or PKCS#12. It may be
/// the certificate's file, where that holds both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_private_key_file(
    config: *mut dcs_config,
    path: *const c_char,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        set_text(config, "private_key", path, "path", |config, path| {
            config.set_private_key_file(path);
            Ok(())
        })
    }
}

/// The private key's content: `len` bytes of what the file would hold. The copy is wiped when the configuration is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_private_key(
    config: *mut dcs_config,
    data: *const u8,
    len: usize,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe { set_bytes(config, "private_key", data, len, Config::set_private_key) }
}

/// The password of an encrypted private key or PKCS#12 store. NULL, the default: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_private_key_password(
    config: *mut dcs_config,
    password: *const c_char,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        set(config, "private_key_password", |config| {
            config.set_private_key_password(text::optional(password, "password")?);
            Ok(())
        })
    }
}

/// The limit for look-up, TCP and TLS together, in milliseconds. Default: 10 000.
/// `DCS_ERR_INVALID_ARGUMENT` for 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_connect_timeout_ms(
    config: *mut dcs_config,
    ms: u32,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        set(config, "connect_timeout_ms", |config| {
            config.set_connect_timeout_ms(ms)
        })
    }
}

/// The limit for the whole call, in milliseconds. Default: 30 000. `DCS_ERR_INVALID_ARGUMENT` for 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_timeout_ms(config: *mut dcs_config, ms: u32) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe { set(config, "timeout_ms", |config| config.set_timeout_ms(ms)) }
}

/// How often, in milliseconds, a call first looks whether the files have changed, and reads them again where they
/// have, as `dcs_client_reload` does; what cannot be used is told in the log, and the client goes on with what
/// it had. 0, the default: never.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_reload_interval_ms(
    config: *mut dcs_config,
    ms: u32,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        set(config, "reload_interval_ms", |config| {
            config.set_reload_interval_ms(ms);
            Ok(())
        })
    }
}

/// 1: the client sends nothing while the service has asked it to wait (Retry-After of a 429 or 503, of an hour
/// at most); such a call fails at once, with that answer's code and the time that is left. 0, the default: it sends.
/// `DCS_ERR_INVALID_ARGUMENT` for another number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_honour_retry_after(
    config: *mut dcs_config,
    on: i32,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        set(config, "honour_retry_after", |config| {
            config.set_option("honour_retry_after", &on.to_string())
        })
    }
}

/// How old, in milliseconds, a status may be to answer a call without asking the DCS again. With it a client has
/// a single call in flight: threads that ask meanwhile wait for its answer, and share it, a failure too. 0, the
/// default: every call asks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_status_max_age_ms(
    config: *mut dcs_config,
    ms: u32,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        set(config, "status_max_age_ms", |config| {
            config.set_status_max_age_ms(ms);
            Ok(())
        })
    }
}

/// An HTTP proxy to tunnel through with CONNECT: `http://[user:password@]host:port`, special characters
/// percent-encoded. NULL, the default: none. `DCS_ERR_INVALID_ARGUMENT` for a URL of another form.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_proxy(
    config: *mut dcs_config,
    url: *const c_char,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        set(config, "proxy", |config| {
            config.set_proxy(text::optional(url, "url")?)
        })
    }
}

/// Sets an option by its name, from text, and says in words what is wrong with a value that is refused.
///
/// Names: "url", "ca_bundle", "certificate", "private_key" (each a path, or the content: PEM, where the value
/// contains "-----BEGIN", or base64 of DER or PEM), "private_key_password", "proxy", "timeout_ms", "connect_timeout_ms",
/// "reload_interval_ms", "honour_retry_after" ("1" or "0"), "status_max_age_ms".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_option(
    config: *mut dcs_config,
    name: *const c_char,
    value: *const c_char,
    error: *mut *mut dcs_error,
) -> dcs_code {
    code_and_error(error, || {
        // SAFETY: the caller's duty, see the module.
        unsafe {
            let name = text::required(name, "name")?;
            let config = &mut guard::required_mut(config, "config")?.config;
            // An unknown name is not remembered, so that a program may try what only newer versions have.
            let option = Config::option_name(name)?;
            text::required(value, option)
                .inspect_err(|error| config.reject(option, error))
                .and_then(|value| config.set_option(option, value))
        }
    })
}

/// Takes the options that are set in the environment; no other function takes anything from there.
///
/// Variables: DCS_URL, DCS_CA_BUNDLE, DCS_CERTIFICATE, DCS_PRIVATE_KEY (each a path, or the content: PEM,
/// where the value contains "-----BEGIN", or base64 of DER or PEM), DCS_PRIVATE_KEY_PASSWORD, DCS_PROXY, DCS_TIMEOUT_MS,
/// DCS_CONNECT_TIMEOUT_MS, DCS_RELOAD_INTERVAL_MS, DCS_HONOUR_RETRY_AFTER, DCS_STATUS_MAX_AGE_MS. One that is not set or empty leaves its option as it is. On a failure, which
/// names the variable, the configuration is unchanged. No other thread may change the environment
/// meanwhile, as for getenv.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_load_env(
    config: *mut dcs_config,
    error: *mut *mut dcs_error,
) -> dcs_code {
    code_and_error(error, || {
        // SAFETY: the caller's duty, see the module.
        unsafe { guard::required_mut(config, "config") }?
            .config
            .load_env()
    })
}
