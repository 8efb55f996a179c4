//! The way to the server: look-up, TCP, proxy, TLS, and the connections that are kept for later calls.
//!
//! A [`Connector`] lives as long as its client. ureq only writes the request and reads the answer over
//! what this module connects; every limit of time, the pool and the errors are here.

mod cancel;
mod connection;
mod connector;
mod deadline;
mod dns;
mod errors;
mod happy_eyeballs;
mod http;
pub(crate) mod interception;
mod p521;
mod pool;
pub(crate) mod probe;
mod proxy;
mod sessions;
mod socket;
mod tcp;
mod tls;
mod version_hint;

pub use cancel::Cancellation;
pub(crate) use cancel::{CancelToken, Interrupt};
pub(crate) use connection::HandshakeInfo;
pub(crate) use connector::{Connector, ConnectorConfig};
pub(crate) use deadline::{Deadline, Phase};
pub(crate) use errors::NO_COMMON_SCHEME;
#[cfg(fuzzing)]
pub(crate) use http::played;
pub(crate) use http::{Answer, Call, Start, get, header_text, is_html};

/// Names this library to the server.
pub(crate) const USER_AGENT: &str = concat!("libdcs/", env!("CARGO_PKG_VERSION"));
