//! Errors of the server's certificate.

use std::time::{Duration, UNIX_EPOCH};

use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use super::ErrorContext;
use crate::datetime::day;
use crate::error::{Check, Code, Error};
use crate::handshake::RejectedServerCert;
use crate::redact;
use crate::sanitize::printable;
use crate::transport::interception::is_inspector;

impl ErrorContext<'_> {
    pub(super) fn server_certificate(
        &self,
        error: &CertificateError,
        rejected: Option<&RejectedServerCert>,
    ) -> Error {
        let (peer, ca_bundle) = (&self.peer.name, &self.peer.ca_bundle);
        let whose = match rejected {
            Some(rejected) => format!(
                "The certificate of {peer} ({}, issued by {})",
                rejected.subject, rejected.issuer
            ),
            None => format!("The certificate of {peer}"),
        };
        let new = |code, what: &str| Error::new(code, format!("{whose} {what}."));
        let untrusted = || {
            let error = new(
                Code::ServerUntrusted,
                &format!(
                    "is not issued by a CA of {ca_bundle} (unable to get local issuer certificate)"
                ),
            );
            if rejected.is_some_and(|rejected| is_inspector(&rejected.issuer)) {
                return error
                    .with_check(Check::ServerNotIntercepted)
                    .with_hint(Check::ServerNotIntercepted.advice());
            }
            error
        };
        match error {
            CertificateError::UnknownIssuer if rejected.is_some_and(|rejected| rejected.outdated_ca) => {
                new(
                    Code::ServerUntrusted,
                    &format!("leads only to CA certificates of {ca_bundle} that have expired or are not valid yet"),
                )
                .with_hint("Get the current CA bundle for the URL's environment from the DCS team, and check this machine's clock.")
            }
            CertificateError::UnknownIssuer => untrusted(),
            // A CA certificate that is self-issued and used as a server's: no bundle leads to it.
            CertificateError::Other(_) if rejected.is_some_and(|rejected| rejected.self_issued) => {
                untrusted()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                self.wrong_name(error, &whose)
            }
            CertificateError::Expired => new(Code::ServerCertificate, "has expired"),
            CertificateError::ExpiredContext { not_after, .. } => new(
                Code::ServerCertificate,
                &format!("has expired, or one above it has (on {})", utc_day(*not_after)),
            ),
            CertificateError::NotValidYet => new(Code::ServerCertificate, "is not valid yet"),
            CertificateError::NotValidYetContext { not_before, .. } => new(
                Code::ServerCertificate,
                &format!("is not valid before {}", utc_day(*not_before)),
            ),
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => new(
                Code::ServerCertificate,
                "is not for a TLS server (extended key usage)",
            ),
            CertificateError::BadSignature => new(
                Code::ServerCertificate,
                &format!("is not signed by the CA of that name in {ca_bundle}"),
            )
            .with_hint("Get the current CA bundle for the URL's environment: the CA may have been reissued under the same name."),
            error => new(
                Code::ServerCertificate,
                &format!("is not acceptable: {}", printable(&error.to_string())),
            ),
        }
    }

    fn wrong_name(&self, error: &CertificateError, whose: &str) -> Error {
        let peer = &self.peer.name;
        let host = peer
            .rsplit_once(':')
            .map_or(peer.as_str(), |(host, _)| host);
        let mut message = format!("{whose} is not for the host {host}");
        if let CertificateError::NotValidForNameContext { presented, .. } = error
            && !presented.is_empty()
        {
            let names = presented.iter().take(5).map(|name| name_text(name));
            message.push_str(", but for ");
            message.push_str(&names.collect::<Vec<_>>().join(", "));
        }
        message.push('.');
        Error::new(Code::ServerName, message)
    }
}

/// Returns the bare name of what rustls prints as `DnsName("example.org")`.
pub(super) fn name_text(name: &str) -> String {
    let bare = name.split('"').nth(1).unwrap_or(name);
    redact::name(printable(bare))
}

fn utc_day(time: UnixTime) -> String {
    day(UNIX_EPOCH + Duration::from_secs(time.as_secs()))
}
