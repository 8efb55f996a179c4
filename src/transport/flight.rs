//! A server's certificates without a server, for the fuzz target.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, UnixTime};

use super::deadline::{Deadline, Phase};
use super::errors::{ErrorContext, Failure};
use super::peer::Peer;
use super::tls::Verifier;
use crate::error::Error;
use crate::handshake;
use crate::sys::x509::X509;

/// Verifies what the server sends, its own certificate first, and makes the error of it.
pub(crate) fn verify(anchors: &[X509], peer: &Peer, sent: &[&[u8]]) -> Result<(), Error> {
    let sent: Vec<CertificateDer<'_>> = sent.iter().map(|der| (*der).into()).collect();
    let Some((own, others)) = sent.split_first() else {
        return Ok(());
    };
    handshake::begin();
    let verifier = Verifier::new(Arc::new(aws_lc_rs::default_provider()), anchors)?;
    let verdict = verifier.verify_server_cert(own, others, &peer.server_name, &[], UnixTime::now());
    verdict.map(|_| ()).map_err(|error| {
        let deadline = Deadline::after(Duration::from_secs(1));
        ErrorContext::new(peer, Phase::Handshake, &deadline)
            .error(Failure::Tls(&error, handshake::take_rejected()))
    })
}
