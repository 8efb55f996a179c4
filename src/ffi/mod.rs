//! The C ABI: conversion and nothing else. `include/dcs.h` is generated from these files.
//!
//! Every exported function runs in a guard: no panic crosses the boundary, and a NULL or a text that is not
//! UTF-8 becomes `DCS_ERR_INVALID_ARGUMENT`. What remains the caller's duty, and the reason why the
//! functions are `unsafe`, is the same for all:
//!
//! - a handle is NULL or came from this library and has not been freed;
//! - a text is NULL or ends in a NUL; `data` points to `len` readable bytes;
//! - an out-parameter is NULL, if that is allowed, or points to writable memory for a pointer;
//! - a `dcs_config` is not used by two threads at once.

#![allow(unsafe_code, non_camel_case_types)]
// The duties are the same for all functions and stand above, once.
#![allow(clippy::missing_safety_doc)]

mod buffer;
mod cancellation;
mod client;
mod code;
mod config;
mod error;
mod guard;
mod log;
mod report;
mod status;
mod text;
mod version;

pub use buffer::*;
pub use cancellation::*;
pub use client::*;
pub use code::*;
pub use config::*;
pub use error::*;
pub use log::*;
pub use report::*;
pub use status::*;
pub use version::*;
