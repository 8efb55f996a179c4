//! Checks on the client's own certificates, which explain why a server may reject them.
//!
//! nginx responds with the same page to eight different faults of a client certificate; only the client can tell
//! them apart. A client keeps its certificates and performs the checks only after a rejection, so that a successful
//! call pays nothing for them. A diagnosis always performs them.

use std::time::{Duration, SystemTime};

use super::format::{DAY, count, time_span};
use super::report::Finding;
use crate::credentials::chain::{self, issuer_of};
use crate::credentials::identity::CertificateFile;
use crate::credentials::signature::{self, Signed};
use crate::credentials::source::capitalise;
use crate::credentials::x509::{Certificate, Fields};
use crate::credentials::{CaBundle, Identity};
use crate::datetime::day;
use crate::error::{Check, Subject};

/// How long before its expiry a certificate is reported: replacing one takes people and days.
pub(crate) const EXPIRES_SOON: Duration = Duration::from_secs(30 * DAY);

/// The words in the Common Names of the DCS's other two certificates, which are not for TLS.
const OTHER_USES: [&str; 2] = ["JSON Signing", "JSON Encryption"];

/// The client's certificates and the CA certificates of the bundle.
pub(crate) struct CertificateChecks {
    /// The certificates that the client sends, the leaf first.
    links: Vec<Certificate>,
    /// The CA certificates of the bundle; `None` if it could not be read.
    cas: Option<Vec<Certificate>>,
    /// "the client certificate client.pem"
    name: String,
    /// "the CA bundle ca.pem"
    bundle_name: String,
    /// The URL's host, from which the environment is known.
    host: String,
}

impl CertificateChecks {
    pub(crate) fn new(identity: &Identity, bundle: Option<&CaBundle>, host: &str) -> Self {
        CertificateChecks {
            links: identity.links.clone(),
            cas: bundle.map(|bundle| bundle.cas().cloned().collect()),
            name: identity.name.clone(),
            bundle_name: bundle_name(bundle),
            host: host.to_owned(),
        }
    }

    /// Takes the first certificate in the file that is not a CA certificate as the leaf, for a file whose key is
    /// missing or belongs to another certificate.
    pub(crate) fn from_file(
        file: &CertificateFile,
        bundle: Option<&CaBundle>,
        host: &str,
        now: SystemTime,
    ) -> Self {
        let is_leaf = |certificate: &&Certificate| !certificate.is_ca();
        let certificates = &file.certificates;
        let leaf = certificates
            .iter()
            .find(is_leaf)
            .unwrap_or(&certificates[0]);
        let pool = certificates
            .iter()
            .chain(bundle.iter().flat_map(|bundle| bundle.cas()));
        CertificateChecks {
            links: chain::complete(leaf, pool, now)
                .into_iter()
                .cloned()
                .collect(),
            cas: bundle.map(|bundle| bundle.cas().cloned().collect()),
            name: file.loaded.name.clone(),
            bundle_name: bundle_name(bundle),
            host: host.to_owned(),
        }
    }

    /// Returns the leaf's issuer, for a message.
    pub(crate) fn issuer(&self) -> Option<&str> {
        let fields = self.links[0].fields.as_ref()?;
        Some(&fields.issuer)
    }

    /// Returns the certificates that the client sends, the leaf first.
    pub(crate) fn links(&self) -> &[Certificate] {
        &self.links
    }

    pub(crate) fn intermediate_count(&self) -> usize {
        self.links.len() - 1
    }

    /// Returns the root that the chain ends at, if the CA bundle contains it.
    pub(crate) fn root(&self, now: SystemTime) -> Option<&Certificate> {
        let last = self.links.last()?;
        issuer_of(last, self.cas.iter().flatten(), now)
    }

    /// Performs every check that needs the certificates alone. Returns nothing for a certificate whose fields cannot
    /// be read.
    pub(crate) fn findings(&self, now: SystemTime) -> Vec<Finding> {
        let leaf = &self.links[0];
        let Some(fields) = &leaf.fields else {
            return Vec::new();
        };
        let mut findings = Vec::new();
        let mut add = |check, result| {
            findings.push(Finding::of_result(check, Subject::Certificate, result));
        };
        // "The client certificate client.pem (CN=Example)"
        let certificate = capitalise(&format!("{} ({})", self.name, fields.subject));
        check_validity(&certificate, fields, now, &mut add);
        check_purpose(&certificate, leaf, fields, &mut add);
        if let Some(common_name) = &fields.common_name {
            self.check_common_name(&certificate, common_name, &mut add);
        }
        let algorithm = &fields.signature_algorithm;
        add(
            Check::CertificateSignatureAlgorithm,
            match fields.is_weakly_signed {
                false => Ok(format!("{certificate} is signed with {algorithm}.")),
                true => Err(format!(
                    "{certificate} is signed with {algorithm}, which servers no longer accept."
                )),
            },
        );
        if !leaf.is_self_issued() {
            self.check_chain(now, &mut findings);
        }
        findings
    }

    /// Checks what the DCS says in the Common Names of its certificates: the use and the environment.
    fn check_common_name(
        &self,
        certificate: &str,
        common_name: &str,
        add: &mut impl FnMut(Check, Result<String, String>),
    ) {
        let other_use = OTHER_USES.iter().find(|words| common_name.contains(*words));
        add(
            Check::CertificateForTls,
            match other_use {
                None => Ok(format!(
                    "The name of {} does not say that it is for JSON signing or encryption.",
                    self.name
                )),
                Some(other_use) => Err(format!(
                    "{certificate} is for {other_use}, according to its name."
                )),
            },
        );
        let Some(ours) = environment(common_name) else {
            return;
        };
        let Some(theirs) = environment_of_host(&self.host) else {
            return;
        };
        add(
            Check::CertificateEnvironment,
            if ours == theirs {
                Ok(format!(
                    "{certificate} is for the {ours} environment, according to its name."
                ))
            } else {
                Err(format!(
                    "{certificate} is for the {ours} environment according to its name, but the URL's host {} belongs to {theirs}.",
                    self.host
                ))
            },
        );
    }

    fn check_chain(&self, now: SystemTime, findings: &mut Vec<Finding>) {
        let subject = Subject::Certificate;
        let root = self.root(now);
        let Some(last) = self.links.last() else {
            return;
        };
        let issuer = last.fields.as_ref().map_or("", |fields| &fields.issuer);
        findings.push(match root {
            None if self.cas.is_none() => Finding::skipped(
                Check::ChainComplete,
                subject,
                "The CA bundle, which may contain the issuer, could not be read.",
            ),
            None => {
                let issued = match self.links.len() {
                    1 => &self.name,
                    _ => last.subject(),
                };
                Finding::failed(
                    Check::ChainComplete,
                    subject,
                    format!(
                        "The issuer of {issued} ({issuer}) is neither in the certificate file nor in {}.",
                        self.bundle_name
                    ),
                )
            }
            Some(_) => Finding::passed(
                Check::ChainComplete,
                subject,
                format!(
                    "The client certificate chains to {issuer}, with {} in between.",
                    count(self.intermediate_count(), "intermediate")
                ),
            ),
        });
        let chain: Vec<&Certificate> = self.links.iter().chain(root).collect();
        if chain.len() < 2 {
            return;
        }
        let wrongly_signed = chain
            .windows(2)
            .find(|pair| signature::check(&pair[0].der, &pair[1].der) == Signed::No);
        findings.push(Finding::of_result(
            Check::ChainSigned,
            subject,
            match wrongly_signed {
                None => Ok(format!(
                    "Each of the {} is signed with the key of the next one.",
                    count(chain.len(), "certificate")
                )),
                Some(pair) => Err(format!(
                    "{} is not signed with the key of the configured {}.",
                    pair[0].subject(),
                    pair[1].subject()
                )),
            },
        ));
        let mut issuers = chain[1..].iter().filter_map(|link| link.fields.as_ref());
        findings.push(Finding::of_result(
            Check::ChainNotExpired,
            subject,
            match issuers.find(|fields| !fields.is_valid_at(now)) {
                None => Ok("Every issuer of the client certificate is valid now.".into()),
                Some(fields) => Err(format!(
                    "The chain of the client certificate needs {}, which is valid only from {} to {}.",
                    fields.subject,
                    day(fields.not_before),
                    day(fields.not_after)
                )),
            },
        ));
    }
}

fn check_validity(
    certificate: &str,
    fields: &Fields,
    now: SystemTime,
    add: &mut impl FnMut(Check, Result<String, String>),
) {
    let (from, to) = (day(fields.not_before), day(fields.not_after));
    let left = fields.not_after.duration_since(now);
    add(
        Check::CertificateNotExpired,
        match &left {
            Ok(_) => Ok(format!("{certificate} is valid until {to}.")),
            Err(error) => Err(format!(
                "{certificate} expired on {to}, {} ago.",
                time_span(error.duration())
            )),
        },
    );
    add(
        Check::CertificateAlreadyValid,
        match fields.not_before.duration_since(now) {
            Ok(until) if !until.is_zero() => Err(format!(
                "{certificate} is not yet valid: it becomes valid on {from}, in {}.",
                time_span(until)
            )),
            _ => Ok(format!("{certificate} has been valid since {from}.")),
        },
    );
    if let Ok(left) = left {
        add(
            Check::CertificateExpiresLater,
            if left < EXPIRES_SOON {
                Err(format!(
                    "{certificate} expires on {to}, in {}.",
                    time_span(left)
                ))
            } else {
                Ok(format!(
                    "{certificate} is valid for another {}.",
                    time_span(left)
                ))
            },
        );
    }
}

fn check_purpose(
    certificate: &str,
    leaf: &Certificate,
    fields: &Fields,
    add: &mut impl FnMut(Check, Result<String, String>),
) {
    add(
        Check::CertificateNotCa,
        match leaf.is_ca() {
            false => Ok(format!("{certificate} is not a CA certificate.")),
            true => Err(format!(
                "{certificate} is a CA certificate, which issues other certificates and does not identify a client."
            )),
        },
    );
    add(
        Check::CertificateNotSelfSigned,
        match leaf.is_self_issued() {
            false => Ok(format!("{certificate} was issued by {}.", fields.issuer)),
            true => Err(format!("{certificate} is self-signed.")),
        },
    );
    let purposes = fields.purposes.join(", ");
    add(
        Check::CertificateClientAuth,
        match fields.allows_client_auth {
            true if purposes.is_empty() => Ok(format!(
                "{certificate} allows every purpose (no extended key usage)."
            )),
            true => Ok(format!("{certificate} allows {purposes}.")),
            false => Err(format!(
                "{certificate} does not allow TLS client authentication: its extended key usage is {purposes}."
            )),
        },
    );
    let usages = fields.key_usage.join(", ");
    add(
        Check::CertificateKeyUsage,
        match fields.allows_signing {
            true if usages.is_empty() => Ok(format!(
                "{certificate} allows every use of its key (no key usage)."
            )),
            true => Ok(format!("{certificate} has the key usage {usages}.")),
            false => Err(format!(
                "{certificate} does not allow its key to sign: its key usage is {usages}."
            )),
        },
    );
}

fn bundle_name(bundle: Option<&CaBundle>) -> String {
    bundle.map_or_else(|| "the CA bundle".to_owned(), |bundle| bundle.name.clone())
}

/// Returns the environment in a Common Name, by the DCS's convention: organisation, use, environment, date.
fn environment(common_name: &str) -> Option<&'static str> {
    // The last such word: the name of the organisation may contain one.
    common_name.rsplit(' ').find_map(|word| {
        ["integration", "production"]
            .into_iter()
            .find(|environment| word.eq_ignore_ascii_case(environment))
    })
}

/// Returns the environment of a DCS host; `None` for other hosts.
fn environment_of_host(host: &str) -> Option<&'static str> {
    let host = host.to_ascii_lowercase();
    if !host.starts_with("dcs") || !host.ends_with(".gov.uk") {
        return None;
    }
    Some(if host.contains("integration") {
        "integration"
    } else {
        "production"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the checks that a self-signed certificate of this name fails for a host.
    fn failed_on(host: &str, common_name: &str) -> Vec<Check> {
        use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

        let mut params = CertificateParams::new(vec![]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let checks = CertificateChecks {
            links: vec![Certificate::new(certificate.der().clone())],
            cas: None,
            name: "the client certificate x".into(),
            bundle_name: "the CA bundle".into(),
            host: host.into(),
        };
        let findings = checks.findings(SystemTime::now());
        let failed = findings.iter().filter(|finding| finding.is_failed());
        failed.map(|finding| finding.check).collect()
    }

    #[test]
    fn detects_a_certificate_of_the_other_environment_by_its_name() {
        let host = "dcs-integration.ida.digital.cabinet-office.gov.uk";
        let wrong = failed_on(host, "Example TLS Production 2026-01-01");
        assert!(wrong.contains(&Check::CertificateEnvironment), "{wrong:?}");
        for (host, name) in [
            (host, "Example TLS Integration 2026-01-01"),
            ("localhost", "Example TLS Production 2026-01-01"),
        ] {
            let right = failed_on(host, name);
            assert!(!right.contains(&Check::CertificateEnvironment), "{right:?}");
        }
    }

    #[test]
    fn recognises_environments_by_the_naming_convention() {
        for (name, host, expected) in [
            (
                "Example TLS Integration 2026-01-01",
                "dcs-integration.ida.digital.cabinet-office.gov.uk",
                (Some("integration"), Some("integration")),
            ),
            (
                "Example TLS Production 2026-01-01",
                "dcs.ida.digital.cabinet-office.gov.uk",
                (Some("production"), Some("production")),
            ),
            (
                "Integration Systems Ltd TLS Production 2026-01-01",
                "localhost",
                (Some("production"), None),
            ),
            ("Example Productions", "localhost", (None, None)),
        ] {
            assert_eq!((environment(name), environment_of_host(host)), expected);
        }
    }
}
