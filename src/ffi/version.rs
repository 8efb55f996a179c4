//! Versions.

use std::ffi::c_char;

/// The number that changes when programs built against an older header would no longer work.
const ABI_VERSION: u32 = 1;

/// The library's version, such as "0.1.0". Lives forever.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The version of this C ABI: 1. A binding refuses to load a library whose number differs from the one it
/// was made for.
#[unsafe(no_mangle)]
pub extern "C" fn dcs_abi_version() -> u32 {
    ABI_VERSION
}
