//! `dcs_client`.

use super::code::dcs_code;
use super::config::dcs_config;
use super::error::dcs_error;
use super::guard;
use crate::client::Client;

/// A client. Owned by the caller, who frees it with `dcs_client_free` when no call is in flight any more.
///
/// Shared freely: any number of threads call it at once. Make one and keep it for as long as the service
/// runs: it holds the connections that the server keeps alive and the TLS sessions to resume.
pub struct dcs_client {
    pub(super) client: Client,
}

/// Shared by threads without a lock on the caller's side, which the compiler checks here.
const _: fn() = || {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<dcs_client>();
};

/// Reads the files and makes a client; nothing is sent yet. The configuration is only borrowed: the caller
/// still owns it and may make several clients from it.
///
/// A client without certificate and key can be made: the server then says what it thinks of it. One with
/// only one of the two cannot.
///
/// Errors: `DCS_ERR_FILE`, `DCS_ERR_CA_BUNDLE`, `DCS_ERR_CERTIFICATE`, `DCS_ERR_PRIVATE_KEY`,
/// `DCS_ERR_PASSWORD`, `DCS_ERR_KEY_MISMATCH`, `DCS_ERR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_client_new(
    config: *const dcs_config,
    client: *mut *mut dcs_client,
    error: *mut *mut dcs_error,
) -> dcs_code {
    guard::code_and_error(error, || {
        // SAFETY: the caller's duty, see the module.
        unsafe {
            guard::clear(client);
            let config = guard::required(config, "config")?;
            if client.is_null() {
                return Err(guard::is_null("client"));
            }
            let made = Client::new(&config.config)?;
            *client = Box::into_raw(Box::new(dcs_client { client: made }));
        }
        Ok(())
    })
}

/// Frees a client and closes its idle connections. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_client_free(client: *mut dcs_client) {
    // SAFETY: the caller's duty, see the module.
    unsafe { guard::free(client) };
}
