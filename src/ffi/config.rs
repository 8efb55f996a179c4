//! `dcs_config`.

use std::ffi::c_char;

use super::code::dcs_code;
use super::error::{code_and_error, dcs_error};
use super::{guard, text};
use crate::config::Config;
use crate::error::Error;

/// A configuration. Owned by the caller, who frees it with `dcs_config_free`; used by one thread at a time.
///
/// A setter of a file only stores the path: the file is read when a client is created. All arguments are copied. Every
/// setter returns `DCS_ERR_INVALID_ARGUMENT` if the configuration or a required argument is NULL, or a text is not
/// UTF-8.
///
/// A setter that rejects a value leaves the option as it was. The caller may ignore its code: `dcs_client_new`,
/// `dcs_diagnose` and `dcs_diagnose_until` report the rejection again, until that option is set to a valid value. So a
/// rejected URL or proxy never sends a call to the wrong place.
pub struct dcs_config {
    pub(super) config: Config,
}

/// Creates a configuration with the defaults: the DCS's integration endpoint, no files, no proxy, 10 s
/// to connect and 30 s for the whole call. The caller frees it. NULL only after a fault in the library
/// itself.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_config_new() -> *mut dcs_config {
    guard::read(&(), std::ptr::null_mut(), |()| {
        Box::into_raw(Box::new(dcs_config {
            config: Config::new(),
        }))
    })
}

/// Frees a configuration and wipes the secrets in it. Clients created from it stay usable. NULL does
/// nothing.
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

/// Sets the endpoint's full URL, which is used as it is. https only. Default: the integration endpoint,
/// `https://dcs-integration.ida.digital.cabinet-office.gov.uk/checks/passport`.
///
/// Errors: `DCS_ERR_INVALID_ARGUMENT` for a URL that is not https, has no valid host, or holds a user
/// name. `dcs_config_set_option` reports the reason.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_url(
    config: *mut dcs_config,
    url: *const c_char,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe { set_text(config, "url", url, "url", Config::set_url) }
}

/// Sets the path of the CA bundle: the certificates that the server's certificate must lead to, as PEM,
/// DER, PKCS#7 or PKCS#12.
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

/// Sets the CA bundle's content: `len` bytes of what the file would hold.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_ca_bundle(
    config: *mut dcs_config,
    data: *const u8,
    len: usize,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe { set_bytes(config, "ca_bundle", data, len, Config::set_ca_bundle) }
}

/// Sets the path of the client certificate: the leaf, with or without its intermediates, as PEM, DER,
/// PKCS#7 or PKCS#12. Missing intermediates are taken from the CA bundle. If the file holds the private
/// key too and none is configured, that key is used.
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

/// Sets the client certificate's content: `len` bytes of what the file would hold.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_certificate(
    config: *mut dcs_config,
    data: *const u8,
    len: usize,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe { set_bytes(config, "certificate", data, len, Config::set_certificate) }
}

/// Sets the path of the private key: PKCS#1, PKCS#8 or SEC1, plain or encrypted, as PEM or DER, or
/// PKCS#12. It may be the certificate's file, if that holds both.
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

/// Sets the private key's content: `len` bytes of what the file would hold. The copy is wiped when the
/// configuration is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_private_key(
    config: *mut dcs_config,
    data: *const u8,
    len: usize,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe { set_bytes(config, "private_key", data, len, Config::set_private_key) }
}

/// Sets the password of an encrypted private key or PKCS#12 store. NULL, the default: none.
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

/// Sets the limit for host name lookup, TCP, proxy and TLS together, in milliseconds. Default: 10 000.
///
/// Errors: `DCS_ERR_INVALID_ARGUMENT` for 0.
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

/// Sets the limit for the whole call, in milliseconds. Default: 30 000.
///
/// Errors: `DCS_ERR_INVALID_ARGUMENT` for 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_config_set_timeout_ms(config: *mut dcs_config, ms: u32) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe { set(config, "timeout_ms", |config| config.set_timeout_ms(ms)) }
}

/// Sets how often, in milliseconds, a call first checks whether the files have changed. If they have,
/// it reads them again as `dcs_client_reload` does, in a thread of the library. It waits at most one
/// second for that, and then uses the previous files. If a file is invalid, the client logs an error and
/// keeps using the previous files. 0, the default: never.
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

/// Sets whether the client sends nothing while the service has asked it to wait: 1, or 0, the default.
/// With 1, a call during the Retry-After of a 429 or 503 (an hour at most) fails at once, with that
/// answer's code and the time that is left.
///
/// Errors: `DCS_ERR_INVALID_ARGUMENT` for another number.
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

/// Sets the greatest age, in milliseconds, of a status that answers a call without another request. The
/// client then has a single call in flight: threads that call meanwhile wait for its result and share
/// it, a failure included. 0, the default: every call sends a request.
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

/// Sets an HTTP proxy to tunnel through with CONNECT: `http://[user:password@]host:port`, special
/// characters percent-encoded. NULL, the default: none.
///
/// Errors: `DCS_ERR_INVALID_ARGUMENT` for a URL of another form.
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

/// Sets an option by its name, from text, and reports why if it rejects the value.
///
/// The name is that of the setter without `dcs_config_set_`, such as "timeout_ms". "ca_bundle",
/// "certificate" and "private_key" take a path, or the content: PEM, if the value contains
/// "-----BEGIN", or base64 of DER or PEM. A switch takes "1" or "0".
///
/// Errors: `DCS_ERR_INVALID_ARGUMENT`, also for an unknown name; its hint lists the names.
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

/// Sets each option whose environment variable is set. No other function takes options from the
/// environment.
///
/// The variable of an option is `DCS_` and its name in upper case, such as DCS_URL or DCS_TIMEOUT_MS;
/// it takes what `dcs_config_set_option` takes. A variable that is not set, or is empty, leaves its
/// option as it is. No other thread may change the environment meanwhile, as for getenv.
///
/// Errors: `DCS_ERR_INVALID_ARGUMENT`, whose message names the variable. Every option is then
/// unchanged.
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
