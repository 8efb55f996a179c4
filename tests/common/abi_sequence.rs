//! Interprets bytes as a sequence of calls of the C ABI: any function in any order, any lifetimes, NULL for any argument. It
//! omits only what the header forbids: it never uses a handle after it was freed.
//!
//! Independent of the testbed, because `fuzz/` compiles this too.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;

use dcs::ffi::*;

use super::loopback::End;

/// The longest sequence, and the most calls in it that use the network.
const MAX_CALLS: usize = 400;
const MAX_NETWORK_CALLS: u32 = 8;

const OK: i32 = 0;
const INVALID: i32 = 100;
const INTERNAL: i32 = 900;

/// URLs on this machine's loopback, and valid files.
pub struct World<'a> {
    pub urls: &'a [String],
    pub ca_bundle: &'a [u8],
    pub certificate: &'a [u8],
    pub private_key: &'a [u8],
    /// Another key, which is encrypted.
    pub encrypted_key: &'a [u8],
    pub password: &'a str,
}

/// Returns the URLs of a server in this process that responds with [`answer`], and one where nothing listens.
pub fn urls(port: u16) -> Vec<String> {
    ["status", "outages", "limited", "cut", "page"]
        .map(|path| format!("https://127.0.0.1:{port}/{path}"))
        .into_iter()
        .chain(["https://127.0.0.1:1/".to_owned()])
        .collect()
}

/// Returns the server's response to a request.
pub fn answer(request: &str) -> (Vec<u8>, End) {
    const STATUS: &str = r#"{"available":true,"scheduledOutages":[]}"#;
    const OUTAGES: &str = r#"{"available":false,"message":"a\u0000b","scheduledOutages":[{"start":"2020-01-01T12:30:00Z","end":"2020-01-01T14:30:00Z"}]}"#;
    let said = |status: &str, headers: &str, body: &str| {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
    };
    match request.split(['/', ' ']).nth(2) {
        Some("status") => (
            said("200 OK", "X-RateLimit-Limit: 50\r\n", STATUS),
            End::KeepAlive,
        ),
        Some("outages") => (
            said("200 OK", "Connection: close\r\n", OUTAGES),
            End::CloseNotify,
        ),
        Some("limited") => (said("429 No", "Retry-After: 7\r\n", ""), End::KeepAlive),
        Some("cut") => (said("200 OK", "", STATUS)[..60].to_vec(), End::Abrupt),
        _ => (
            said(
                "400 No",
                "Content-Type: text/html\r\n",
                "No required SSL certificate was sent",
            ),
            End::CloseNotify,
        ),
    }
}

/// The input, consumed from the front. It continues with zeros.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn next(&mut self) -> usize {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                usize::from(*first)
            }
            None => 0,
        }
    }

    /// Returns true once in so many times, if the bytes are evenly distributed.
    fn once_in(&mut self, times: usize) -> bool {
        self.next() % times == times - 1
    }

    fn take(&mut self) -> &'a [u8] {
        let count = self.next().min(self.0.len());
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    /// Returns a text for C, which may be invalid UTF-8.
    fn text(&mut self) -> CString {
        let bytes = self.take();
        let end = bytes.iter().position(|byte| *byte == 0);
        CString::new(&bytes[..end.unwrap_or(bytes.len())]).unwrap_or_default()
    }
}

/// A place for a handle. It frees the handle when another one replaces it, or when the sequence ends.
struct Slot<T> {
    handle: *mut T,
    free: unsafe extern "C" fn(*mut T),
    /// Its calls might reach another machine.
    is_external: bool,
}

impl<T> Slot<T> {
    fn new(free: unsafe extern "C" fn(*mut T)) -> Self {
        Slot {
            handle: ptr::null_mut(),
            free,
            is_external: false,
        }
    }

    fn put(&mut self, handle: *mut T) {
        // SAFETY: NULL or a live handle, which is replaced at once.
        unsafe { (self.free)(self.handle) };
        self.handle = handle;
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        self.put(ptr::null_mut());
    }
}

fn slots<T, const N: usize>(free: unsafe extern "C" fn(*mut T)) -> [Slot<T>; N] {
    std::array::from_fn(|_| Slot::new(free))
}

/// Returns a value for an out-parameter that the call must overwrite.
fn garbage<T>() -> *mut T {
    ptr::without_provenance_mut(0xdead_beef)
}

/// Reads a text of the library: NULL or UTF-8.
fn read(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not NULL, and its owner is live.
    let text = unsafe { CStr::from_ptr(text) };
    Some(text.to_str().expect("text that is UTF-8").to_owned())
}

struct Machine<'a> {
    world: &'a World<'a>,
    bytes: Bytes<'a>,
    configs: [Slot<dcs_config>; 3],
    clients: [Slot<dcs_client>; 3],
    cancellations: [Slot<dcs_cancellation>; 2],
    responses: [Slot<dcs_status_response>; 2],
    errors: [Slot<dcs_error>; 3],
    reports: [Slot<dcs_report>; 2],
    buffers: [Slot<dcs_buffer>; 2],
    records: [Slot<dcs_log_record>; 2],
    network_calls: u32,
    successes: u32,
}

/// Makes the calls, and returns how many got a status. Panics if one violates the header.
pub fn run(program: &[u8], world: &World<'_>) -> u32 {
    let mut machine = Machine {
        world,
        bytes: Bytes(program),
        configs: slots(dcs_config_free),
        clients: slots(dcs_client_free),
        cancellations: slots(dcs_cancellation_free),
        responses: slots(dcs_status_response_free),
        errors: slots(dcs_error_free),
        reports: slots(dcs_report_free),
        buffers: slots(dcs_buffer_free),
        records: slots(dcs_log_record_free),
        network_calls: 0,
        successes: 0,
    };
    for _ in 0..MAX_CALLS {
        if machine.bytes.0.is_empty() {
            break;
        }
        machine.step();
    }
    // The whole process shares the log.
    // SAFETY: NULL is allowed.
    unsafe { dcs_log_set_callback(None, ptr::null_mut()) };
    assert_eq!(dcs_log_set_level(0), OK);
    machine.successes
}

extern "C" fn go_on(_: *mut c_void) -> i32 {
    1
}

extern "C" fn callback(
    user_data: *mut c_void,
    level: i32,
    target: *const c_char,
    text: *const c_char,
) {
    assert_eq!(user_data.addr(), 7);
    assert!((1..=5).contains(&level));
    let target = read(target).unwrap_or_default();
    assert!(target.starts_with("dcs."));
    assert!(read(text).is_some_and(|text| !text.chars().any(char::is_control)));
}

impl Machine<'_> {
    #[allow(clippy::too_many_lines)] // A table, in the form of a match.
    fn step(&mut self) {
        match self.bytes.next() % 34 {
            0 | 1 => {
                let slot = self.bytes.next() % 3;
                self.configs[slot].put(dcs_config_new());
                self.configs[slot].is_external = true;
            }
            2 => {
                let slot = self.bytes.next() % 3;
                self.configs[slot].put(ptr::null_mut());
            }
            3..=5 => self.set_url(),
            6..=9 => self.set_content(),
            10 => self.set_file(),
            11 => {
                let password = match self.bytes.next() % 4 {
                    0 => None,
                    1 => Some(self.bytes.text()),
                    _ => CString::new(self.world.password).ok(),
                };
                let config = self.config();
                let text = password.as_deref().map_or(ptr::null(), CStr::as_ptr);
                // SAFETY: a live handle or NULL, and a text that outlives the call.
                let code = unsafe { dcs_config_set_private_key_password(config, text) };
                assert_code(code);
            }
            12 => {
                let milliseconds = u32::try_from(self.bytes.next() * 256 + self.bytes.next());
                let milliseconds = milliseconds.unwrap_or(1);
                let config = self.config();
                // SAFETY: a live handle or NULL.
                let code = unsafe {
                    if self.bytes.once_in(2) {
                        dcs_config_set_timeout_ms(config, milliseconds)
                    } else {
                        dcs_config_set_connect_timeout_ms(config, milliseconds)
                    }
                };
                assert_eq!(code == OK, !config.is_null() && milliseconds > 0);
            }
            13 => self.set_proxy(),
            14 => self.set_option(),
            15..=17 => self.new_client(),
            18 => {
                let slot = self.bytes.next() % 3;
                self.clients[slot].put(ptr::null_mut());
            }
            19 | 20 => self.status(),
            21 => {
                for response in &self.responses {
                    read_response(response.handle);
                }
                self.responses[self.bytes.next() % 2].put(ptr::null_mut());
            }
            22 => {
                self.errors
                    .iter()
                    .for_each(|error| read_error(error.handle));
                self.errors[self.bytes.next() % 3].put(ptr::null_mut());
            }
            23 => self.diagnose(),
            24 => self.redact(),
            25 => {
                self.reports
                    .iter()
                    .for_each(|report| read_report(report.handle));
                self.reports[self.bytes.next() % 2].put(ptr::null_mut());
            }
            26 => self.convert(),
            27 => self.log(),
            28 => {
                let number = i32::try_from(self.bytes.next() * 4 + self.bytes.next()).unwrap_or(0);
                let name = read(dcs_code_name(number));
                assert_eq!(name.is_some(), read(dcs_code_hint(number)).is_some());
                assert!(name.is_none_or(|name| name == "DCS_OK" || name.starts_with("DCS_ERR_")));
                assert!(read(dcs_version()).is_some());
            }
            30 => self.set_number(),
            31 => self.reload(),
            32 => self.cancel(),
            33 => {
                let client = self.clients[self.bytes.next() % 3].handle;
                // SAFETY: a live handle or NULL.
                unsafe {
                    assert_eq!(dcs_client_interrupt(client) == OK, !client.is_null());
                    let until = dcs_client_certificate_not_after_unix_ms(client);
                    assert!(until == i64::MIN || !client.is_null());
                }
            }
            _ => {
                let slot = self.bytes.next() % 3;
                let config = &mut self.configs[slot];
                // The environment may contain any URL.
                config.is_external = true;
                let handle = config.handle;
                // SAFETY: a live handle or NULL.
                self.with_error(|error| unsafe { dcs_config_load_env(handle, error) });
            }
        }
    }

    fn config(&mut self) -> *mut dcs_config {
        self.configs[self.bytes.next() % 3].handle
    }

    /// Makes a call with an out-parameter for the error, or with NULL, and checks the error.
    fn with_error(&mut self, call: impl FnOnce(*mut *mut dcs_error) -> i32) -> i32 {
        let slot = self.bytes.next() % 4;
        let Some(slot) = self.errors.get_mut(slot) else {
            let code = call(ptr::null_mut());
            assert_code(code);
            return code;
        };
        let mut error = garbage();
        let code = call(&raw mut error);
        assert_code(code);
        assert_eq!(error.is_null(), code == OK);
        slot.put(error);
        // SAFETY: a live handle or NULL.
        assert_eq!(unsafe { dcs_error_code(error) }, code);
        code
    }

    fn set_url(&mut self) {
        let slot = self.bytes.next() % 3;
        let choice = self.bytes.next();
        let own = choice % 8 != 7;
        let url = if own {
            let urls = self.world.urls;
            CString::new(urls[choice % urls.len()].as_str()).unwrap_or_default()
        } else {
            self.bytes.text()
        };
        let config = &mut self.configs[slot];
        // SAFETY: a live handle or NULL, and a text that outlives the call.
        let code = unsafe { dcs_config_set_url(config.handle, url.as_ptr()) };
        assert_code(code);
        if code == OK {
            config.is_external = !own;
        }
    }

    fn content(&mut self) -> &[u8] {
        match self.bytes.next() % 8 {
            0 | 1 => self.world.ca_bundle,
            2 | 3 => self.world.certificate,
            4 | 5 => self.world.private_key,
            6 => self.world.encrypted_key,
            _ => self.bytes.take(),
        }
    }

    fn set_content(&mut self) {
        let config = self.config();
        let (setter, right): (unsafe extern "C" fn(_, _, _) -> _, &[u8]) =
            match self.bytes.next() % 3 {
                0 => (dcs_config_set_ca_bundle, self.world.ca_bundle),
                1 => (dcs_config_set_certificate, self.world.certificate),
                _ => (dcs_config_set_private_key, self.world.private_key),
            };
        let content = match self.bytes.once_in(4) {
            true => self.content(),
            false => right,
        };
        // SAFETY: a live handle or NULL, and bytes that outlive the call.
        let code = unsafe { setter(config, content.as_ptr(), content.len()) };
        assert_eq!(code == OK, !config.is_null());
        if self.bytes.once_in(8) {
            // SAFETY: NULL is allowed where the length is 0, and refused elsewhere.
            assert_eq!(unsafe { setter(config, ptr::null(), 1) }, INVALID);
        }
    }

    fn set_file(&mut self) {
        let config = self.config();
        let setter = match self.bytes.next() % 3 {
            0 => dcs_config_set_ca_bundle_file,
            1 => dcs_config_set_certificate_file,
            _ => dcs_config_set_private_key_file,
        };
        let path = self.path();
        // SAFETY: a live handle or NULL, and a text that outlives the call.
        let code = unsafe { setter(config, path.as_deref().map_or(ptr::null(), CStr::as_ptr)) };
        assert_code(code);
    }

    fn path(&mut self) -> Option<CString> {
        let path: &CStr = match self.bytes.next() % 6 {
            0 => return None,
            1 => c"/does/not/exist.pem",
            2 => c"/dev/null",
            3 => c"/",
            4 => c"",
            _ => c"\xff\xfe",
        };
        Some(path.to_owned())
    }

    fn set_proxy(&mut self) {
        let slot = self.bytes.next() % 3;
        let (proxy, external) = match self.bytes.next() % 4 {
            0 => (Some(self.bytes.text()), true),
            1 => (Some(c"http://user:p%40ss@127.0.0.1:1".to_owned()), false),
            _ => (None, false),
        };
        let config = &mut self.configs[slot];
        let text = proxy.as_deref().map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: a live handle or NULL, and a text that outlives the call.
        let code = unsafe { dcs_config_set_proxy(config.handle, text) };
        assert_code(code);
        config.is_external |= code == OK && external;
    }

    fn set_option(&mut self) {
        let slot = self.bytes.next() % 3;
        let name = match self.bytes.next() % 10 {
            0 => c"url",
            1 => c"ca_bundle",
            2 => c"certificate",
            3 => c"private_key",
            4 => c"private_key_password",
            5 => c"proxy",
            6 => c"timeout_ms",
            7 => c"connect_timeout_ms",
            8 => c"\xff",
            _ => c"nonsense",
        };
        let value = self.bytes.text();
        let config = &mut self.configs[slot];
        config.is_external |= name == c"url" || name == c"proxy";
        let handle = config.handle;
        self.with_error(|error| {
            // SAFETY: a live handle or NULL, and texts that outlive the call.
            unsafe { dcs_config_set_option(handle, name.as_ptr(), value.as_ptr(), error) }
        });
    }

    fn new_client(&mut self) {
        let from = self.bytes.next() % 3;
        let (config, external) = (self.configs[from].handle, self.configs[from].is_external);
        let to = self.bytes.next() % 4;
        let mut made = garbage();
        let out = if to < 3 {
            &raw mut made
        } else {
            ptr::null_mut()
        };
        // SAFETY: a live handle or NULL; an out-parameter that may be NULL.
        let code = self.with_error(|error| unsafe { dcs_client_new(config, out, error) });
        if let Some(slot) = self.clients.get_mut(to) {
            assert_eq!(made.is_null(), code != OK);
            slot.put(made);
            slot.is_external = external;
        } else {
            assert_eq!(code, INVALID);
        }
    }

    /// Returns whether one more call over the network is allowed, and counts it.
    fn may_call(&mut self, is_external: bool) -> bool {
        if is_external || self.network_calls >= MAX_NETWORK_CALLS {
            return false;
        }
        self.network_calls += 1;
        true
    }

    fn status(&mut self) {
        let from = self.bytes.next() % 3;
        let (client, external) = (self.clients[from].handle, self.clients[from].is_external);
        if !self.may_call(!client.is_null() && external) {
            return;
        }
        let to = self.bytes.next() % 3;
        let mut response = garbage();
        let out = if to < 2 {
            &raw mut response
        } else {
            ptr::null_mut()
        };
        let until = self.bytes.next() % 4;
        let cancellation = self.cancellations.get(until).map(|slot| slot.handle);
        // SAFETY: live handles or NULL; an out-parameter that may be NULL.
        let code = self.with_error(|error| unsafe {
            match cancellation {
                Some(handle) => dcs_status_until(client, handle, out, error),
                None => dcs_status(client, out, error),
            }
        });
        if let Some(slot) = self.responses.get_mut(to) {
            assert_eq!(response.is_null(), code != OK);
            self.successes += u32::from(code == OK);
            slot.put(response);
        } else {
            assert_eq!(code, INVALID);
        }
    }

    /// Sets a numeric option.
    fn set_number(&mut self) {
        let config = self.config();
        let number = self.bytes.next();
        let milliseconds = u32::try_from(number * 4).unwrap_or(0);
        // SAFETY: a live handle or NULL.
        let code = unsafe {
            match self.bytes.next() % 3 {
                0 => dcs_config_set_reload_interval_ms(config, milliseconds),
                1 => dcs_config_set_status_max_age_ms(config, milliseconds),
                _ => {
                    let on = i32::try_from(number % 4).unwrap_or(0) - 1;
                    let code = dcs_config_set_honour_retry_after(config, on);
                    assert!(code == INVALID || (0..=1).contains(&on));
                    code
                }
            }
        };
        assert_code(code);
    }

    fn reload(&mut self) {
        let client = self.clients[self.bytes.next() % 3].handle;
        // SAFETY: a live handle or NULL.
        let code = self.with_error(|error| unsafe { dcs_client_reload(client, error) });
        // Those here are made from bytes, or could not be made.
        assert_eq!(code, INVALID);
    }

    /// Makes, cancels or frees a cancellation.
    fn cancel(&mut self) {
        let slot = self.bytes.next() % 2;
        let handle = self.cancellations[slot].handle;
        match self.bytes.next() % 5 {
            0 => self.cancellations[slot].put(dcs_cancellation_new()),
            1 => self.cancellations[slot].put(ptr::null_mut()),
            2 => {
                // SAFETY: a live handle or NULL.
                let code = unsafe { dcs_cancellation_cancel(handle) };
                assert_eq!(code == OK, !handle.is_null());
            }
            3 => {
                let callback = self
                    .bytes
                    .next()
                    .is_multiple_of(2)
                    .then_some(go_on as unsafe extern "C" fn(_) -> _);
                // SAFETY: a live handle or NULL, and a function that needs no data.
                let code =
                    unsafe { dcs_cancellation_set_callback(handle, callback, ptr::null_mut()) };
                assert_eq!(code == OK, !handle.is_null());
            }
            _ => {
                // SAFETY: a live handle or NULL, and no descriptor.
                let code = unsafe { dcs_cancellation_set_descriptor(handle, -1) };
                assert!(code == OK || handle.is_null() || cfg!(windows));
            }
        }
    }

    fn diagnose(&mut self) {
        let from = self.bytes.next() % 3;
        let (config, external) = (self.configs[from].handle, self.configs[from].is_external);
        if !self.may_call(!config.is_null() && external) {
            return;
        }
        let to = self.bytes.next() % 3;
        let mut report = garbage();
        let out = if to < 2 {
            &raw mut report
        } else {
            ptr::null_mut()
        };
        // SAFETY: a live handle or NULL; an out-parameter that may be NULL.
        let code = self.with_error(|error| unsafe { dcs_diagnose(config, out, error) });
        assert_eq!(code == OK, !config.is_null() && to < 2);
        if let Some(slot) = self.reports.get_mut(to) {
            assert_eq!(report.is_null(), code != OK);
            slot.put(report);
        }
    }

    fn redact(&mut self) {
        let report = self.reports[self.bytes.next() % 2].handle;
        let to = self.bytes.next() % 2;
        let mut redacted = garbage();
        let out = &raw mut redacted;
        // SAFETY: a live handle or NULL, and an out-parameter.
        let code = self.with_error(|error| unsafe { dcs_report_redacted(report, out, error) });
        assert_eq!(code == OK, !report.is_null());
        self.reports[to].put(redacted);
    }

    fn convert(&mut self) {
        let to = self.bytes.next() % 3;
        let with_password = self.bytes.once_in(2);
        let password = with_password.then(|| CString::new(self.world.password).unwrap_or_default());
        let password = password.as_deref().map_or(ptr::null(), CStr::as_ptr);
        let mut der = garbage();
        let out = if to < 2 {
            &raw mut der
        } else {
            ptr::null_mut()
        };
        let code = if self.bytes.once_in(4) {
            let path = self.path();
            let path = path.as_deref().map_or(ptr::null(), CStr::as_ptr);
            self.with_error(|error| {
                // SAFETY: texts that outlive the call or NULL; an out-parameter that may be NULL.
                unsafe { dcs_private_key_file_to_pkcs8_der(path, password, out, error) }
            })
        } else {
            let data = self.content().to_vec();
            self.with_error(|error| {
                // SAFETY: bytes that outlive the call; an out-parameter that may be NULL.
                unsafe {
                    dcs_private_key_to_pkcs8_der(data.as_ptr(), data.len(), password, out, error)
                }
            })
        };
        let Some(slot) = self.buffers.get_mut(to) else {
            assert_eq!(code, INVALID);
            return;
        };
        assert_eq!(der.is_null(), code != OK);
        slot.put(der);
        for buffer in &self.buffers {
            // SAFETY: a live handle or NULL, whose bytes are there as long as it is.
            unsafe {
                let (data, len) = (
                    dcs_buffer_data(buffer.handle),
                    dcs_buffer_len(buffer.handle),
                );
                assert_eq!(data.is_null(), buffer.handle.is_null());
                if !data.is_null() {
                    assert_eq!(std::slice::from_raw_parts(data, len)[0], 0x30);
                }
            }
        }
    }

    fn log(&mut self) {
        match self.bytes.next() % 4 {
            0 => {
                let level = i32::try_from(self.bytes.next()).unwrap_or(0) - 1;
                let code = dcs_log_set_level(level);
                assert_eq!(code == OK, (0..=5).contains(&level));
            }
            1 => {
                let callback = self.bytes.once_in(2).then_some(callback as _);
                // SAFETY: the callback looks at the number only.
                unsafe { dcs_log_set_callback(callback, ptr::without_provenance_mut(7)) };
            }
            2 => {
                let mut record = garbage();
                // SAFETY: an out-parameter.
                assert_eq!(unsafe { dcs_log_next(&raw mut record) }, OK);
                self.records[self.bytes.next() % 2].put(record);
            }
            _ => {
                // SAFETY: NULL is refused.
                assert_eq!(unsafe { dcs_log_next(ptr::null_mut()) }, INVALID);
                for record in &self.records {
                    let handle = record.handle;
                    // SAFETY: live handles or NULL.
                    unsafe {
                        let level = dcs_log_record_level(handle);
                        assert_eq!(level > 0, !handle.is_null());
                        assert_eq!(read(dcs_log_record_text(handle)).is_some(), level > 0);
                        assert_eq!(read(dcs_log_record_target(handle)).is_some(), level > 0);
                        assert_eq!(dcs_log_record_time_unix_ms(handle) > 0, level > 0);
                    }
                }
                self.records[0].put(ptr::null_mut());
            }
        }
    }
}

fn assert_code(code: i32) {
    assert_ne!(code, INTERNAL);
    assert!(read(dcs_code_name(code)).is_some(), "{code}");
}

fn read_error(error: *const dcs_error) {
    // SAFETY: a live handle or NULL.
    unsafe {
        let there = !error.is_null();
        assert_eq!(dcs_error_code(error) != OK, there);
        assert_eq!(
            read(dcs_error_message(error)).is_some_and(|text| text.len() > 10),
            there
        );
        assert_eq!(
            read(dcs_error_hint(error)).is_some_and(|text| text.len() > 10),
            there
        );
        let check = read(dcs_error_check(error));
        assert!(check.is_none_or(|name| name.starts_with("DCS_CHECK_")));
        assert!((0..1000).contains(&dcs_error_http_status(error)));
        assert!((-1..256).contains(&dcs_error_tls_alert(error)));
        assert!((0..2).contains(&dcs_error_retryable(error)));
        assert!(dcs_error_retry_after_ms(error) >= -1);
        let _ = dcs_error_os_code(error);
        for number in [
            dcs_error_rate_limit(error),
            dcs_error_rate_limit_remaining(error),
            dcs_error_rate_limit_reset_ms(error),
            dcs_error_quota_limit(error),
            dcs_error_quota_remaining(error),
        ] {
            assert!(number >= -1);
        }
    }
}

fn read_response(response: *const dcs_status_response) {
    // SAFETY: a live handle or NULL.
    unsafe {
        let there = !response.is_null();
        assert_eq!(dcs_status_response_available(response) >= 0, there);
        assert_eq!(read(dcs_status_response_json(response)).is_some(), there);
        assert_eq!(
            read(dcs_status_response_tls_version(response)).is_some(),
            there
        );
        assert_eq!(
            read(dcs_status_response_tls_cipher(response)).is_some(),
            there
        );
        let _ = read(dcs_status_response_message(response));
        for number in [
            dcs_status_response_rate_limit(response),
            dcs_status_response_rate_limit_remaining(response),
            dcs_status_response_rate_limit_reset_ms(response),
            dcs_status_response_quota_limit(response),
            dcs_status_response_quota_remaining(response),
            dcs_status_response_dns_us(response),
            dcs_status_response_tcp_us(response),
            dcs_status_response_tls_us(response),
            dcs_status_response_first_byte_us(response),
            dcs_status_response_total_us(response),
            dcs_status_response_age_ms(response),
        ] {
            assert!(number >= -1);
        }
        let count = dcs_status_response_outage_count(response);
        for index in 0..count {
            assert!(read(dcs_status_response_outage_start(response, index)).is_some());
            assert!(read(dcs_status_response_outage_end(response, index)).is_some());
            let _ = read(dcs_status_response_outage_message(response, index));
        }
        assert!(dcs_status_response_outage_start(response, count).is_null());
        assert_eq!(
            dcs_status_response_outage_end_unix_ms(response, count),
            i64::MIN
        );
    }
}

fn read_report(report: *const dcs_report) {
    // SAFETY: a live handle or NULL.
    unsafe {
        let there = !report.is_null();
        assert_eq!(dcs_report_ok(report) >= 0, there);
        assert_eq!(read(dcs_report_text(report)).is_some(), there);
        assert_eq!(read(dcs_report_json(report)).is_some(), there);
        assert_eq!(read(dcs_report_html(report)).is_some(), there);
        let count = dcs_report_finding_count(report);
        assert_eq!(count > 0, there);
        assert!(dcs_report_cause(report) < i32::try_from(count).unwrap_or(i32::MAX).max(1));
        for index in 0..count {
            for text in [
                dcs_report_finding_check(report, index),
                dcs_report_finding_outcome(report, index),
                dcs_report_finding_severity(report, index),
                dcs_report_finding_subject(report, index),
                dcs_report_finding_title(report, index),
                dcs_report_finding_message(report, index),
                dcs_report_finding_advice(report, index),
            ] {
                assert!(read(text).is_some());
            }
        }
        assert!(dcs_report_finding_check(report, count).is_null());
        let count = dcs_report_step_count(report);
        for index in 0..count {
            assert!(read(dcs_report_step_name(report, index)).is_some());
            assert!(read(dcs_report_step_message(report, index)).is_some());
            assert!(dcs_report_step_us(report, index) >= 0);
        }
        assert_eq!(dcs_report_step_us(report, count), -1);
    }
}
