//! The client certificate's part in a handshake.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

use crate::credentials::Identity;
use crate::handshake::{self, ClientAuth};
use crate::log;

/// Presents the client certificate, and records whether the server asked for one and which CAs it accepts.
pub(crate) struct IdentityResolver {
    key: Option<Arc<CertifiedKey>>,
    /// The issuer names of the certificates that are sent, in DER.
    issuers: Vec<Vec<u8>>,
    issuer_known: AtomicU8,
}

/// The states of [`IdentityResolver::issuer_known`].
const UNKNOWN: u8 = 0;
const KNOWN: u8 = 1;
const FOREIGN: u8 = 2;

impl IdentityResolver {
    pub(crate) fn new(identity: Option<&Identity>) -> Self {
        let links = identity.map_or(&[][..], |identity| &identity.links);
        IdentityResolver {
            key: identity.map(|identity| identity.certified_key.clone()),
            issuers: links
                .iter()
                .filter_map(|link| Some(link.fields.as_ref()?.issuer_der.clone()))
                .collect(),
            issuer_known: AtomicU8::new(UNKNOWN),
        }
    }

    /// Returns whether the server named one of the certificate's issuers among the CAs that it accepts, in the last
    /// handshake that asked for the certificate. `None` if it named no CAs.
    pub(crate) fn issuer_known(&self) -> Option<bool> {
        match self.issuer_known.load(Ordering::Relaxed) {
            KNOWN => Some(true),
            FOREIGN => Some(false),
            _ => None,
        }
    }
}

impl ResolvesClientCert for IdentityResolver {
    fn resolve(&self, cas: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // If no scheme is in common, rustls would silently send an empty certificate.
        let usable = self
            .key
            .as_ref()
            .filter(|identity| identity.key.choose_scheme(schemes).is_some());
        handshake::record_client_auth(ClientAuth {
            asked: true,
            sent: usable.is_some(),
        });
        let is_known = self
            .issuers
            .iter()
            .any(|issuer| cas.contains(&issuer.as_slice()));
        let verdict = match (cas.is_empty() || self.issuers.is_empty(), is_known) {
            (true, _) => UNKNOWN,
            (false, true) => KNOWN,
            (false, false) => FOREIGN,
        };
        self.issuer_known.store(verdict, Ordering::Relaxed);
        handshake::record_capture(|capture| {
            capture.accepted_cas = cas.iter().map(|ca| ca.to_vec()).collect()
        });
        log::emit!(
            Debug,
            TLS,
            "the server asks for a client certificate and names {} CAs; {}",
            cas.len(),
            match (&self.key, usable) {
                (_, Some(_)) => "sending the configured one",
                (None, None) => "none is configured",
                (Some(_), None) =>
                    "the server accepts no signature that the configured key can make",
            }
        );
        usable.cloned()
    }

    fn has_certs(&self) -> bool {
        // Also without a certificate: whether the server asks for one is worth recording.
        true
    }
}

impl fmt::Debug for IdentityResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = if self.key.is_some() { "set" } else { "none" };
        write!(f, "IdentityResolver({known})")
    }
}
