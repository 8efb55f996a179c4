//! Errors of the server's certificate.

use super::ErrorContext;
use crate::datetime::day;
use crate::error::{Check, Code, Error};
use crate::handshake::{RejectedServerCert, ServerCertFault};
use crate::redact;
use crate::transport::interception::is_inspector;

const REPLACE: &str = "Report this to the DCS team: the server's certificate has to be replaced.";
const CURRENT_BUNDLE: &str = "Get the current CA bundle for the URL's environment from the DCS team, and check this machine's clock.";

impl ErrorContext<'_> {
    pub(super) fn server_certificate(&self, rejected: &RejectedServerCert) -> Error {
        use ServerCertFault as Fault;
        let (peer, ca_bundle) = (&self.peer.name, &self.peer.ca_bundle);
        let whose = format!(
            "The certificate of {peer} ({}, issued by {})",
            rejected.subject, rejected.issuer
        );
        // What is wrong with the server's own certificate, or with one above it.
        let subject = match &rejected.above {
            None => whose.clone(),
            Some(above) => format!("{whose} leads to {above}, which"),
        };
        let invalid =
            |what: &str| Error::new(Code::ServerCertificate, format!("{subject} {what}."));
        match &rejected.fault {
            Fault::UnknownIssuer => self.untrusted(&whose, rejected),
            Fault::OutdatedCa => Error::new(
                Code::ServerUntrusted,
                format!("{whose} leads only to CA certificates of {ca_bundle} that have expired or are not valid yet."),
            )
            .with_hint(CURRENT_BUNDLE),
            Fault::WrongName(names) => self.wrong_name(&whose, names),
            Fault::NamesNoHost => Error::new(
                Code::ServerName,
                format!("{whose} names no host: it has no subject alternative name."),
            )
            .with_hint("Report this to the DCS team: the certificate has to be issued again with the host as subject alternative name, because a Common Name no longer counts (RFC 9525, section 6.3). In OpenSSL: `-addext subjectAltName=DNS:HOST`."),
            Fault::Version1 => Error::new(
                Code::ServerName,
                format!("{whose} is of X.509 version 1, which cannot name a host."),
            )
            .with_hint("Report this to the DCS team: the certificate has to be issued again as version 3, with the host as subject alternative name."),
            Fault::Expired(Some(not_after)) => invalid(&format!("expired on {}", day(*not_after))),
            Fault::Expired(None) => invalid("has expired"),
            Fault::NotYetValid(Some(not_before)) => invalid(&format!("is not valid before {}", day(*not_before))),
            Fault::NotYetValid(None) => invalid("is not valid yet"),
            Fault::WrongPurpose if rejected.above.is_some() => {
                invalid("may not issue certificates for TLS servers (extended key usage)").with_hint(REPLACE)
            }
            Fault::WrongPurpose => {
                invalid("is not for a TLS server (key usage or extended key usage)").with_hint(REPLACE)
            }
            Fault::NotCa => invalid("is not a CA certificate (basic constraints and key usage)")
                .with_hint(REPLACE),
            Fault::PathTooLong => {
                invalid("allows fewer CAs below it than there are (path length)").with_hint(REPLACE)
            }
            Fault::NameNotAllowed => {
                invalid("has a name that a CA above it does not allow (name constraints)").with_hint(REPLACE)
            }
            Fault::CriticalExtension => {
                invalid("has a critical extension that is not supported").with_hint(REPLACE)
            }
            Fault::BadSignature => Error::new(
                Code::ServerCertificate,
                format!("{subject} is not signed by the CA of that name in {ca_bundle}."),
            )
            .with_hint("Get the current CA bundle for the URL's environment: the CA may have been reissued under the same name."),
            Fault::UnknownSignatureAlgorithm => {
                invalid("is signed with an algorithm that is not supported").with_hint(REPLACE)
            }
            Fault::WeakSignature => {
                invalid("is signed with SHA-1 or weaker, which is no longer safe").with_hint(REPLACE)
            }
            Fault::WeakKey(bits) => {
                invalid(&format!("has a key of {bits} bits, which is too short")).with_hint(REPLACE)
            }
            Fault::UnnamedCurve => {
                invalid("has a key that gives its elliptic curve by parameters and not by name").with_hint(REPLACE)
            }
            Fault::Unreadable => invalid("cannot be read").with_hint(REPLACE),
            Fault::UnreadableExtension => {
                invalid("has an extension that cannot be read").with_hint(REPLACE)
            }
            Fault::Other(number) => {
                invalid(&format!("is not acceptable (verification error {number} of OpenSSL)")).with_hint(REPLACE)
            }
        }
    }

    fn untrusted(&self, whose: &str, rejected: &RejectedServerCert) -> Error {
        let error = Error::new(
            Code::ServerUntrusted,
            format!(
                "{whose} is not issued by a CA of {} (unable to get local issuer certificate).",
                self.peer.ca_bundle
            ),
        );
        if is_inspector(&rejected.issuer) {
            return error
                .with_check(Check::ServerNotIntercepted)
                .with_hint(Check::ServerNotIntercepted.advice());
        }
        error
    }

    fn wrong_name(&self, whose: &str, names: &[String]) -> Error {
        let peer = &self.peer.name;
        let host = peer
            .rsplit_once(':')
            .map_or(peer.as_str(), |(host, _)| host);
        let mut message = format!("{whose} is not for the host {host}");
        if !names.is_empty() {
            message.push_str(", but for ");
            let names = names.iter().take(5).map(|name| redact::name(name.clone()));
            message.push_str(&names.collect::<Vec<_>>().join(", "));
        }
        message.push('.');
        Error::new(Code::ServerName, message)
    }
}
