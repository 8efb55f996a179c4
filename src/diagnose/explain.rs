//! What the local files say about why a call failed.
//!
//! nginx gives the same page for eight different faults of a client certificate; only the client can say
//! which one it is. This runs after a failure and costs a call that succeeds nothing.

use std::time::SystemTime;

use crate::credentials::chain::issuer_of;
use crate::credentials::x509::day;
use crate::credentials::{CaBundle, Identity};
use crate::diagnose::Check;
use crate::error::{Code, Error};

/// What is known of the client's own certificate and whether the bundle leads on from it.
pub(crate) struct Evidence {
    subject: String,
    name: String,
    not_before: SystemTime,
    not_after: SystemTime,
    self_signed: bool,
    is_ca: bool,
    allows_client_auth: bool,
    /// The issuer that neither the certificate's file nor the CA bundle holds.
    missing_issuer: Option<String>,
    ca_bundle: String,
}

impl Evidence {
    /// Notes what a later failure is explained with. `None` where the certificate cannot be read.
    pub(crate) fn collect(identity: &Identity, bundle: &CaBundle, now: SystemTime) -> Option<Self> {
        let leaf = identity.leaf.fields.as_ref()?;
        let missing_issuer = (!identity.last.is_self_issued()
            && issuer_of(&identity.last, bundle.cas(), now).is_none())
        .then(|| {
            identity
                .last
                .fields
                .as_ref()
                .map(|fields| fields.issuer.clone())
        })
        .flatten();
        Some(Evidence {
            subject: leaf.subject.clone(),
            name: identity.name.clone(),
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            self_signed: identity.leaf.is_self_issued(),
            is_ca: leaf.is_ca,
            allows_client_auth: leaf.allows_client_auth,
            missing_issuer,
            ca_bundle: bundle.name.clone(),
        })
    }

    /// The likeliest local cause of a rejection, with what to do about it.
    fn finding(&self, now: SystemTime) -> Option<(Check, String)> {
        let which = format!("{} ({})", self.name, self.subject);
        if now > self.not_after {
            return Some((
                Check::CertificateNotExpired,
                format!(
                    "Most likely because {which} expired on {}: ask the DCS team for a new one, made from a new key.",
                    day(self.not_after)
                ),
            ));
        }
        if now < self.not_before {
            return Some((
                Check::CertificateAlreadyValid,
                format!(
                    "Most likely because {which} is not valid before {}: check this machine's clock, or use the certificate that is valid now.",
                    day(self.not_before)
                ),
            ));
        }
        if self.is_ca && !self.self_signed {
            return Some((
                Check::CertificateNotCa,
                format!(
                    "Most likely because {which} is a CA certificate: use the TLS client certificate that the DCS team issued to you."
                ),
            ));
        }
        if self.self_signed {
            return Some((
                Check::CertificateNotSelfSigned,
                format!(
                    "Most likely because {which} is self-signed: use the certificate that the DCS team issued for your certificate request."
                ),
            ));
        }
        if !self.allows_client_auth {
            return Some((
                Check::CertificateClientAuth,
                format!(
                    "Most likely because {which} is not for TLS client authentication (its extended key usage): use the TLS certificate, not the one for signing, encryption or a server."
                ),
            ));
        }
        self.missing_issuer.as_ref().map(|issuer| {
            (
                Check::ChainComplete,
                format!(
                    "Most likely because {which} does not lead to a CA that the server knows: its issuer ({issuer}) is neither in its own file nor in {}. Use the certificate issued for the environment that the URL belongs to, or add the intermediate to the certificate's file.",
                    self.ca_bundle
                ),
            )
        })
    }
}

/// Adds to a rejection what the local files say about its cause.
pub(crate) fn explain(error: Error, evidence: Option<&Evidence>) -> Error {
    if error.code() != Code::ClientCertRejected {
        return error;
    }
    let Some(evidence) = evidence else {
        // The certificate's fields could not be read, so nothing is known about it.
        return error;
    };
    match evidence.finding(SystemTime::now()) {
        Some((check, hint)) => error.with_check(check).with_hint(hint),
        None => error.with_hint(
            "Nothing is wrong with the certificate as far as it can be seen from here: ask the DCS team whether it is revoked, not yet enabled, or for another environment than the URL's.",
        ),
    }
}
