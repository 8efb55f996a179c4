//! Entry points for the targets in `fuzz/`, which compile the library with `cfg(fuzzing)`: they read a server's bytes
//! without a server. No release contains this module.

use std::sync::OnceLock;
use std::time::Duration;

use crate::config::Config;
use crate::credentials::CaBundle;
use crate::diagnose;
use crate::error::Error;
use crate::ffi::dcs_status_response;
use crate::status::Status;
use crate::transport::{Call, Connector, ConnectorConfig, Deadline, flight, played};

/// Makes a call that gets these bytes from the server, `piece` bytes at a time. The connection ends with a close_notify,
/// or without one if it does not end properly.
///
/// # Errors
/// As `Client::status`.
pub fn answer(bytes: &[u8], piece: usize, ends_properly: bool) -> Result<Status, Error> {
    static CONNECTOR: OnceLock<Connector> = OnceLock::new();
    let connector = CONNECTOR.get_or_init(|| {
        let config = ConnectorConfig::new(&Config::new(), Vec::new(), "the CA bundle", None);
        Connector::new(config).expect("a connector without files")
    });
    let call = Call::new(Deadline::after(Duration::from_secs(30)));
    let script = played::Script {
        bytes,
        piece,
        ends_properly,
    };
    played::get(
        &connector.config.endpoint.uri,
        &connector.peer,
        &call,
        script,
    )
    .and_then(|answer| crate::response::read(answer, &call, &connector.peer))
    .map_err(|error| diagnose::explain_rejection(error, None, None))
}

/// Verifies the certificates that a server sends in a handshake, for the host `localhost`; `ca` is the CA bundle in PEM.
///
/// # Errors
/// As `Client::status`.
pub fn server_certificates(ca: &[u8], sent: &[&[u8]]) -> Result<(), Error> {
    let mut config = Config::new();
    config.set_ca_bundle(ca);
    let bundle = CaBundle::read(config.sources.ca_bundle.as_ref(), None)?;
    let config = ConnectorConfig::new(&config, bundle.anchors(), "the CA bundle", None);
    let peer = Connector::new(config)?.peer.clone();
    flight::verify(&bundle.anchors(), &peer, sent)
}

/// Reads the body of a status.
///
/// # Errors
/// Returns what is wrong, as the end of a sentence that starts with "The status answer of HOST".
pub fn status(body: &[u8]) -> Result<Status, String> {
    Status::parse(body.to_vec())
}

/// Returns the status for C; freed with `dcs_status_response_free`.
pub fn status_response(status: Status) -> *mut dcs_status_response {
    Box::into_raw(Box::new(dcs_status_response::new(status)))
}
