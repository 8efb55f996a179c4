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
//! The same library is reached from C, C++, Python and Java through the C ABI in [`ffi`], which the
//! header `include/dcs.h` declares. Nothing is taken from the environment unless
//! [`Config::load_env`] is called (ureq looks at the proxy variables once, when a process makes its first client,
//! and what it finds is not used; aws-lc looks at `OPENSSL_ia32cap`, by which instructions of the processor can be
//! kept from it), nothing is printed, and nothing process-wide is changed but the log,
//! which is off until it is turned on. (The C ABI
//! and the thread that looks names up replace the panic hook of the Rust standard library that they are linked with,
//! so that a panic which they turn into an error prints nothing; other panics go to the hook that was there.)

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
pub use sanitize::sanitize;
pub use status::{ConnectionInfo, Limits, Outage, Status};
pub use transport::Cancellation;

/// The examples in Rust of the pages in `docs`, which tests/docs collects into one file and has run.
#[cfg(all(doctest, documentation))]
#[doc = include_str!(env!("DCS_DOCUMENTATION"))]
mod examples_of_the_documentation {}
