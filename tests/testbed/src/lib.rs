//! Real servers for the tests of libdcs: nginx, Apache httpd and HAProxy on free loopback ports, with a
//! throw-away PKI.
//!
//! The binary `dcs-testbed` starts the servers, writes a JSON file, runs a command with the file's path in the environment
//! variable `DCS_TESTBED`, and stops the servers. Tests in any language read that file; Rust tests do so with [`Testbed`]:
//!
//! ```no_run
//! let testbed = dcs_testbed::Testbed::from_env();
//! let key = testbed.file("client_key");
//! let url = testbed.url("tls12_close", "/checks/passport?case=first_call");
//! // ... call `url` with `key` ...
//! let line = &testbed.wait_for_log("first_call", 1)[0];
//! assert_eq!(line.status, 200);
//! # let _ = (key, url);
//! ```
//!
//! The functions for tests panic instead of returning errors. With the feature `servers` (on by default) [`Testbed::start`]
//! starts the servers; without it the crate depends on `serde_json` only.

mod access_log;
mod error;
mod testbed;

#[cfg(feature = "servers")]
mod apache;
#[cfg(feature = "servers")]
mod faults;
#[cfg(feature = "servers")]
mod haproxy;
#[cfg(feature = "servers")]
mod keys;
#[cfg(feature = "servers")]
mod mint;
#[cfg(feature = "servers")]
mod nginx;
#[cfg(feature = "servers")]
mod pki;
#[cfg(feature = "servers")]
mod server;
#[cfg(feature = "servers")]
mod start;
#[cfg(feature = "servers")]
mod store;
#[cfg(feature = "servers")]
mod tools;

pub use access_log::LogLine;
pub use error::Error;
#[cfg(feature = "servers")]
pub use start::Running;
pub use testbed::{PASSWORD, Testbed, VARIABLE};
