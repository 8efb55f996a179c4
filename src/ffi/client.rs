//! `dcs_client`.

use std::ffi::{CString, c_char};
use std::ptr;
use std::time::{SystemTime, UNIX_EPOCH};

use super::code::dcs_code;
use super::config::dcs_config;
use super::error::{code_and_error, dcs_error};
use super::{guard, text};
use crate::client::Client;

/// Makes calls. Owned by the caller, who frees it with `dcs_client_free` when no call is in flight.
///
/// Shared freely: any number of threads call it at once. Create one and keep it for as long as your
/// program runs: it holds the connections that the server keeps alive, and the TLS sessions to resume.
///
/// A forked child may use and free its parent's client, whatever the parent's threads were doing. There
/// it starts without the parent's connections and sessions, and sends nothing on them.
pub struct dcs_client {
    pub(super) client: Client,
    peer: CString,
}

/// The compiler checks here that threads may share a client without a lock.
const _: fn() = || {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<dcs_client>();
};

/// Reads the files and creates a client; nothing is sent yet. The configuration is only borrowed: the
/// caller still owns it and may create several clients from it.
///
/// A client can be created without a certificate and key; the server will then reject it. A certificate
/// without a key, or a key without a certificate, is an error.
///
/// On success `client` receives a client, which the caller frees.
///
/// Errors: `DCS_ERR_FILE`, `DCS_ERR_CA_BUNDLE`, `DCS_ERR_CERTIFICATE`, `DCS_ERR_PRIVATE_KEY`,
/// `DCS_ERR_PASSWORD`, `DCS_ERR_KEY_MISMATCH`; `DCS_ERR_INVALID_ARGUMENT`, also if a setter rejected a
/// value and the option was not set since.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_client_new(
    config: *const dcs_config,
    client: *mut *mut dcs_client,
    error: *mut *mut dcs_error,
) -> dcs_code {
    code_and_error(error, || {
        // SAFETY: the caller's duty, see the module.
        unsafe {
            guard::clear(client);
            let config = guard::required(config, "config")?;
            if client.is_null() {
                return Err(guard::is_null("client"));
            }
            let made = Client::new(&config.config)?;
            let peer = text::owned(&made.peer());
            *client = Box::into_raw(Box::new(dcs_client { client: made, peer }));
        }
        Ok(())
    })
}

/// Reads the files again, for the calls that start afterwards. Calls in flight end undisturbed. All or
/// nothing: after a failure the client keeps using the previous files. From any thread, also while
/// other threads make calls.
///
/// For this a client keeps the paths of its files. If the certificate, the key or an encrypted CA bundle
/// comes from a file, it also keeps the password. If only one of certificate and key comes from a file,
/// it also keeps the other one's bytes. Password and bytes are wiped when the client is freed. If both
/// were given as bytes, a reload leaves them as they are, and their content is not kept.
///
/// Errors: as `dcs_client_new`; `DCS_ERR_INVALID_ARGUMENT` for a client that was created without any
/// file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_client_reload(
    client: *const dcs_client,
    error: *mut *mut dcs_error,
) -> dcs_code {
    code_and_error(error, || {
        // SAFETY: the caller's duty, see the module.
        unsafe { guard::required(client, "client") }?
            .client
            .reload()
    })
}

/// Ends every call in flight with `DCS_ERR_INTERRUPTED`, within 100 ms, in any phase, the host name
/// lookup included. Returns at once. The client stays usable: calls that start afterwards are not
/// affected. From any thread, but not from a signal handler; see `dcs_cancellation_set_descriptor` for
/// that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_client_interrupt(client: *const dcs_client) -> dcs_code {
    guard::code(|| {
        // SAFETY: the caller's duty, see the module.
        unsafe { guard::required(client, "client") }?
            .client
            .interrupt();
        Ok(())
    })
}

/// Returns host and port of the endpoint, such as "example.org:443". Never the URL's path or query. Borrowed: it lives as
/// long as the client. NULL for NULL. From any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_client_peer(client: *const dcs_client) -> *const c_char {
    guard::read(client, ptr::null(), |c| c.peer.as_ptr())
}

/// Returns the limit of a whole call, in milliseconds. 0 for NULL. From any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_client_timeout_ms(client: *const dcs_client) -> u32 {
    guard::read(client, 0, |c| {
        u32::try_from(c.client.timeout().as_millis()).unwrap_or(u32::MAX)
    })
}

/// Returns the end of the client certificate's validity, in milliseconds since 1970-01-01T00:00:00Z,
/// for your program's monitoring. `dcs_client_reload` may change it. INT64_MIN if no certificate is
/// configured or its dates cannot be read, and for NULL. From any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_client_certificate_not_after_unix_ms(
    client: *const dcs_client,
) -> i64 {
    guard::read(client, i64::MIN, |c| {
        c.client.certificate_not_after().map_or(i64::MIN, unix_ms)
    })
}

fn unix_ms(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

/// Frees a client and closes its idle connections. NULL does nothing. In a forked child it ends only
/// the child's own connections; the parent's stay open there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_client_free(client: *mut dcs_client) {
    // SAFETY: the caller's duty, see the module.
    unsafe { guard::free(client) };
}
