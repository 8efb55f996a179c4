//! `dcs_buffer`, and the conversion that gives one.

use std::ffi::c_char;
use std::ptr;

use zeroize::Zeroizing;

use super::code::dcs_code;
use super::error::{code_and_error, dcs_error};
use super::{guard, text};
use crate::error::Error;
use crate::key_export::{private_key_file_to_pkcs8_der, private_key_to_pkcs8_der};

/// Holds secret bytes. Owned by the caller, who frees it with `dcs_buffer_free`, which wipes them first. It never
/// changes, so several threads may read it at once.
///
/// ```c
/// dcs_buffer *der = NULL;
/// dcs_error *error = NULL;
/// if (dcs_private_key_to_pkcs8_der(pem, pem_len, NULL, &der, &error) == DCS_OK) {
///     fwrite(dcs_buffer_data(der), 1, dcs_buffer_len(der), file);
/// }
/// dcs_buffer_free(der);
/// dcs_error_free(error);
/// ```
pub struct dcs_buffer {
    bytes: Zeroizing<Vec<u8>>,
}

/// Converts a private key, `len` bytes in any form that a client accepts, to unencrypted PKCS#8 in DER.
/// These are the bytes that `openssl pkcs8 -topk8 -nocrypt -outform DER` writes. `password` is that of
/// an encrypted key, otherwise NULL. Only memory is used: no file is read or written.
///
/// On success `der` receives a buffer, which the caller frees. From any thread.
///
/// Errors: `DCS_ERR_PRIVATE_KEY` if the data holds no usable key, or more than one; `DCS_ERR_PASSWORD`
/// if it is encrypted and the password is missing or wrong; `DCS_ERR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_private_key_to_pkcs8_der(
    data: *const u8,
    len: usize,
    password: *const c_char,
    der: *mut *mut dcs_buffer,
    error: *mut *mut dcs_error,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        convert(der, error, || {
            let data = text::bytes(data, len, "data")?;
            private_key_to_pkcs8_der(data, text::optional(password, "password")?)
        })
    }
}

/// As `dcs_private_key_to_pkcs8_der`, for the private key in a file.
///
/// Errors: the same, and `DCS_ERR_FILE` if the file cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_private_key_file_to_pkcs8_der(
    path: *const c_char,
    password: *const c_char,
    der: *mut *mut dcs_buffer,
    error: *mut *mut dcs_error,
) -> dcs_code {
    // SAFETY: the caller's duty, see the module.
    unsafe {
        convert(der, error, || {
            let path = text::required(path, "path")?;
            private_key_file_to_pkcs8_der(path, text::optional(password, "password")?)
        })
    }
}

unsafe fn convert(
    der: *mut *mut dcs_buffer,
    error: *mut *mut dcs_error,
    conversion: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, Error>,
) -> dcs_code {
    code_and_error(error, || {
        // SAFETY: the caller's duty, see the module.
        unsafe {
            guard::clear(der);
            if der.is_null() {
                return Err(guard::is_null("der"));
            }
            let bytes = conversion()?;
            *der = Box::into_raw(Box::new(dcs_buffer { bytes }));
        }
        Ok(())
    })
}

/// Returns the first of the buffer's `dcs_buffer_len` bytes. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_buffer_data(buffer: *const dcs_buffer) -> *const u8 {
    guard::read(buffer, ptr::null(), |b| b.bytes.as_ptr())
}

/// Returns the number of bytes. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_buffer_len(buffer: *const dcs_buffer) -> usize {
    guard::read(buffer, 0, |b| b.bytes.len())
}

/// Wipes and frees a buffer. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcs_buffer_free(buffer: *mut dcs_buffer) {
    // SAFETY: the caller's duty, see the module.
    unsafe { guard::free(buffer) };
}
