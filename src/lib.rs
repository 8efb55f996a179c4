//! Client library for the UK Document Checking Service (DCS): mutual TLS, in the caller's own process.
//!
//! ```no_run
//! # fn main() -> Result<(), dcs::Error> {
//! let mut config = dcs::Config::new();
//! config.set_ca_bundle_file("ca-bundle.pem");
//! config.set_certificate_file("client.pem");
//! config.set_private_key_file("client.key");
//!
//! let client = dcs::Client::new(&config)?; // once; shared by all threads
//! let status = client.status()?;
//! println!("available: {}", status.available());
//! # Ok(())
//! # }
//! ```
//!
//! C, C++, Python and Java use the same library through the C ABI in [`ffi`], which the header `include/dcs.h` declares.
//!
//! The library prints nothing, and reads the environment only in [`Config::load_env`]. There are two exceptions: ureq
//! looks at the proxy variables once, when a process creates its first client, and the result is not used; aws-lc reads
//! `OPENSSL_ia32cap`, which can switch off instructions of the processor. The log is that of the [`log`](::log) facade,
//! with targets that start with `dcs.`. One thing is changed for the whole process: the C ABI and the thread that looks
//! up names replace the panic hook of the Rust standard library, so that a panic which becomes an error prints nothing.
//! They pass other panics to the previous hook.

#![deny(unsafe_code, missing_docs)]

mod client;
mod config;
mod credentials;
mod datetime;
mod diagnose;
mod error;
pub mod ffi;
mod fork_gate;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod handshake;
mod inspect;
mod key_export;
mod log;
mod panic;
mod redact;
mod response;
mod sanitize;
mod status;
mod sys;
mod transport;

pub use client::Client;
pub use config::{Config, ConfigOption};
pub use credentials::CertificateSummary;
pub use diagnose::{
    Finding, Outcome, Report, Step, diagnose, diagnose_until, diagnose_with_progress,
};
pub use error::{Check, Code, Error, Severity, Subject};
pub use inspect::{Inspection, Item, inspect, inspect_file};
pub use key_export::{private_key_file_to_pkcs8_der, private_key_to_pkcs8_der};
pub use redact::Message;
pub use sanitize::{sanitize, sanitize_path};
pub use status::{ConnectionInfo, Limits, Outage, Status};
pub use transport::Cancellation;

/// The examples in Rust of the pages in `docs`, which tests/docs collects into one file and has run.
#[cfg(all(doctest, documentation))]
#[doc = include_str!(env!("DCS_DOCUMENTATION"))]
mod examples_of_the_documentation {}
