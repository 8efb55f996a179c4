//! Versions.

use std::ffi::c_char;

/// Changes if programs that were built with an older header would no longer work.
const ABI_VERSION: u32 = 1;

/// Returns the library's version, such as "0.1.0". The text lives forever.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Returns the version of this C ABI: 1. A binding is made for one number, and refuses to load a library
/// with another.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_abi_version() -> u32 {
    ABI_VERSION
}
