//! `dcs_status` and its response.

use std::ffi::{CString, c_char};
use std::ptr;
use std::time::Duration;

use super::cancellation::dcs_cancellation;
use super::client::dcs_client;
use super::code::dcs_code;
use super::error::{code_and_error, dcs_error};
use super::{guard, text};
use crate::client::Client;
use crate::error::Error;
use crate::status::{ConnectionInfo, Limits, Status};

/// Holds the DCS's answer to the status call. Owned by the caller, who frees it with
/// `dcs_status_response_free`; its texts live until then, even if the client is freed first. It never
/// changes, so several threads may read it at once.
pub struct dcs_status_response {
    status: Status,
    message: Option<CString>,
    json: CString,
    tls_version: CString,
    tls_cipher: CString,
    outages: Vec<OutageTexts>,
}

struct OutageTexts {
    start: CString,
    end: CString,
    message: Option<CString>,
}

/// Asks the DCS for its status: sends GET to the endpoint in the calling thread, and waits for the
/// answer.
///
/// Returns `DCS_OK` for every well-formed 200, even if the DCS says that it is not available: that is
/// an answer, not a failure. The call ends within its timeouts. It follows no redirect. If a kept
/// connection turns out to be dead before the first byte of the answer, the call is made again, once,
/// on a new connection.
///
/// On success `response` receives a response, which the caller frees. From any thread.
///
/// Errors: those of the network (`DCS_ERR_RESOLVE` to `DCS_ERR_INTERRUPTED`), of TLS
/// (`DCS_ERR_SERVER_UNTRUSTED` to `DCS_ERR_TLS`) and of the service (`DCS_ERR_BAD_REQUEST` to
/// `DCS_ERR_UNAVAILABLE`); `DCS_ERR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status(
    client: *const dcs_client,
    response: *mut *mut dcs_status_response,
    error: *mut *mut dcs_error,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe { ask(client, response, error, Client::status) }
}

/// As `dcs_status`. Also ends within 100 ms, with `DCS_ERR_INTERRUPTED`, when `cancellation` is
/// cancelled. The cancellation is only borrowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_until(
    client: *const dcs_client,
    cancellation: *const dcs_cancellation,
    response: *mut *mut dcs_status_response,
    error: *mut *mut dcs_error,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        ask(client, response, error, |client| {
            let handle = guard::required(cancellation, "cancellation")?;
            client.status_until(&handle.cancellation)
        })
    }
}

unsafe fn ask(
    client: *const dcs_client,
    response: *mut *mut dcs_status_response,
    error: *mut *mut dcs_error,
    call: impl FnOnce(&Client) -> Result<Status, Error>,
) -> dcs_code {
    code_and_error(error, || {
        // SAFETY: the caller's duty, see the module.
        unsafe {
            guard::clear(response);
            let client = guard::required(client, "client")?;
            if response.is_null() {
                return Err(guard::is_null("response"));
            }
            let status = call(&client.client)?;
            *response = Box::into_raw(Box::new(dcs_status_response::new(status)));
        }
        Ok(())
    })
}

impl dcs_status_response {
    pub(crate) fn new(status: Status) -> Self {
        let outages = status
            .scheduled_outages()
            .iter()
            .map(|outage| OutageTexts {
                start: text::owned(&outage.start),
                end: text::owned(&outage.end),
                message: outage.message.as_deref().map(text::owned),
            })
            .collect();
        dcs_status_response {
            message: status.message().map(text::owned),
            json: text::owned(status.json()),
            tls_version: text::owned(status.connection().tls_version),
            tls_cipher: text::owned(status.connection().tls_cipher),
            outages,
            status,
        }
    }
}

/// Returns 1 if the DCS is serving requests, otherwise 0. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_available(
    response: *const dcs_status_response,
) -> i32 {
    guard::read(response, -1, |r| i32::from(r.status.available()))
}

/// Returns why the DCS is not available, such as "Unplanned outage". NULL if it sent no reason, and for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_message(
    response: *const dcs_status_response,
) -> *const c_char {
    guard::read(response, ptr::null(), |r| text::pointer(r.message.as_ref()))
}

/// Returns the number of planned outages. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_outage_count(
    response: *const dcs_status_response,
) -> usize {
    guard::read(response, 0, |r| r.outages.len())
}

/// Returns when the outage with this index starts, in ISO 8601 as the DCS wrote it. NULL for an index
/// that is too large, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_outage_start(
    response: *const dcs_status_response,
    index: usize,
) -> *const c_char {
    guard::read(response, ptr::null(), |r| {
        text::pointer(r.outages.get(index).map(|outage| &outage.start))
    })
}

/// Returns when the outage ends. Otherwise as `dcs_status_response_outage_start`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_outage_end(
    response: *const dcs_status_response,
    index: usize,
) -> *const c_char {
    guard::read(response, ptr::null(), |r| {
        text::pointer(r.outages.get(index).map(|outage| &outage.end))
    })
}

/// Returns the reason of the outage. NULL if the DCS sent none, for an index that is too large, and for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_outage_message(
    response: *const dcs_status_response,
    index: usize,
) -> *const c_char {
    guard::read(response, ptr::null(), |r| {
        text::pointer(
            r.outages
                .get(index)
                .and_then(|outage| outage.message.as_ref()),
        )
    })
}

/// Returns when the outage starts, in milliseconds since 1970-01-01T00:00:00Z. INT64_MIN for an index
/// that is too large, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_outage_start_unix_ms(
    response: *const dcs_status_response,
    index: usize,
) -> i64 {
    guard::read(response, i64::MIN, |r| {
        let outage = r.status.scheduled_outages().get(index);
        outage.map_or(i64::MIN, |outage| outage.start_unix_ms)
    })
}

/// Returns when the outage ends. Otherwise as `dcs_status_response_outage_start_unix_ms`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_outage_end_unix_ms(
    response: *const dcs_status_response,
    index: usize,
) -> i64 {
    guard::read(response, i64::MIN, |r| {
        let outage = r.status.scheduled_outages().get(index);
        outage.map_or(i64::MIN, |outage| outage.end_unix_ms)
    })
}

/// Returns the body as the DCS sent it. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_json(
    response: *const dcs_status_response,
) -> *const c_char {
    guard::read(response, ptr::null(), |r| r.json.as_ptr())
}

/// Returns how long ago the answer arrived, in milliseconds. It is above 0 if the answer is shared with
/// an earlier call; see `dcs_config_set_status_max_age_ms`. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_age_ms(response: *const dcs_status_response) -> i64 {
    guard::read(response, -1, |r| {
        // Rounded up, so that an answer shared within the same millisecond differs from one of the call itself.
        i64::try_from(r.status.age().as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
    })
}

/// Reads a number of the service's limits.
fn limit(response: *const dcs_status_response, field: fn(Limits) -> Option<u64>) -> i64 {
    guard::read(response, -1, |r| text::number(field(r.status.limits())))
}

/// Returns the requests allowed in a window (X-RateLimit-Limit). -1 without that header, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_rate_limit(
    response: *const dcs_status_response,
) -> i64 {
    limit(response, |limits| limits.rate_limit)
}

/// Returns the requests left in this window (X-RateLimit-Remaining). -1 without that header, and for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_rate_limit_remaining(
    response: *const dcs_status_response,
) -> i64 {
    limit(response, |limits| limits.rate_limit_remaining)
}

/// Returns the time until the window ends (X-RateLimit-Reset), in milliseconds. -1 without that header,
/// and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_rate_limit_reset_ms(
    response: *const dcs_status_response,
) -> i64 {
    limit(response, Limits::rate_limit_reset_ms)
}

/// Returns the number of passport checks bought (DCS-Quota-Limit). -1 without that header, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_quota_limit(
    response: *const dcs_status_response,
) -> i64 {
    limit(response, |limits| limits.quota_limit)
}

/// Returns the number of passport checks left (DCS-Quota-Remaining). -1 without that header, and for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_quota_remaining(
    response: *const dcs_status_response,
) -> i64 {
    limit(response, |limits| limits.quota_remaining)
}

/// Reads a duration of what the connection did.
fn microseconds(
    response: *const dcs_status_response,
    field: impl FnOnce(ConnectionInfo) -> Duration,
) -> i64 {
    guard::read(response, -1, |r| {
        i64::try_from(field(r.status.connection()).as_micros()).unwrap_or(i64::MAX)
    })
}

/// Returns how long the host name lookup took, in microseconds. 0 on a reused connection. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_dns_us(response: *const dcs_status_response) -> i64 {
    microseconds(response, |connection| connection.dns)
}

/// Returns how long the TCP connection took, in microseconds. 0 on a reused connection. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_tcp_us(response: *const dcs_status_response) -> i64 {
    microseconds(response, |connection| connection.tcp)
}

/// Returns how long the TLS handshake took, in microseconds. 0 on a reused connection. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_tls_us(response: *const dcs_status_response) -> i64 {
    microseconds(response, |connection| connection.tls)
}

/// Returns the time from the start of the call to the first byte of the answer, in microseconds. -1 for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_first_byte_us(
    response: *const dcs_status_response,
) -> i64 {
    microseconds(response, |connection| connection.first_byte)
}

/// Returns how long the whole call took, in microseconds. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_total_us(response: *const dcs_status_response) -> i64 {
    microseconds(response, |connection| connection.total)
}

/// Returns 1 if the call used a connection that an earlier call had opened, otherwise 0. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_connection_reused(
    response: *const dcs_status_response,
) -> i32 {
    guard::read(response, -1, |r| i32::from(r.status.connection().reused))
}

/// Returns 1 if the connection's handshake resumed a TLS session, otherwise 0. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_tls_session_resumed(
    response: *const dcs_status_response,
) -> i32 {
    guard::read(response, -1, |r| {
        i32::from(r.status.connection().session_resumed)
    })
}

/// Returns "TLSv1.2" or "TLSv1.3". NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_tls_version(
    response: *const dcs_status_response,
) -> *const c_char {
    guard::read(response, ptr::null(), |r| r.tls_version.as_ptr())
}

/// Returns the cipher suite's registered name, such as "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384". NULL
/// for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_tls_cipher(
    response: *const dcs_status_response,
) -> *const c_char {
    guard::read(response, ptr::null(), |r| r.tls_cipher.as_ptr())
}

/// Frees a response. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_status_response_free(response: *mut dcs_status_response) {
    // SAFETY: the caller's duty, see the module.
    unsafe { guard::free(response) };
}
