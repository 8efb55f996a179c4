//! The transport: DNS lookup, TCP, proxy tunnel, TLS, HTTP, and the pool of idle connections.
//!
//! A [`Connector`] lives as long as its client. ureq only writes the request and parses the response; the timeouts, the
//! pool and the errors are this module's.

mod buffers;
mod cancel;
mod connection;
mod connector;
mod deadline;
mod dns;
mod errors;
#[cfg(fuzzing)]
pub(crate) mod flight;
mod happy_eyeballs;
mod http;
pub(crate) mod interception;
mod p521;
mod peer;
mod pool;
pub(crate) mod probe;
mod proxy;
mod retry;
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
pub(crate) use http::{Call, HttpResponse, header_text, is_html};
pub(crate) use peer::Peer;
