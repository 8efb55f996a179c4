//! Detects TLS inspection: a proxy or firewall that presents a certificate of its own.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};

use super::tls::Verifier;
use crate::credentials::pem;
use crate::sys::x509::X509;

/// Words in the CA names of TLS inspection products, in lower case.
const PRODUCTS: &[&str] = &[
    "avast",
    "barracuda",
    "bitdefender",
    "blue coat",
    "bluecoat",
    "burp",
    "portswigger",
    "charles proxy",
    "check point",
    "cisco umbrella",
    "eset",
    "fiddler",
    "forcepoint",
    "fortigate",
    "fortinet",
    "iboss",
    "kaspersky",
    "mcafee",
    "mitmproxy",
    "netskope",
    "palo alto",
    "skyhigh",
    "smoothwall",
    "sonicwall",
    "sophos",
    "squid",
    "trend micro",
    "untangle",
    "watchguard",
    "websense",
    "zscaler",
    "https inspection",
    "ssl inspection",
    "tls inspection",
    "ssl interception",
    "tls interception",
    "ssl proxy",
    "tls proxy",
    "web gateway",
];

/// The files in which systems keep the CA certificates that they trust.
const SYSTEM_BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The largest system bundle that is read. They take about 250 KB.
const MAX_BUNDLE: u64 = 4 * 1024 * 1024;

/// Returns whether an issuer's name contains that of a TLS inspection product.
pub(crate) fn is_inspector(issuer: &str) -> bool {
    /// A name as short as this must not be followed by a letter: it could be the start of another word.
    const SHORT: usize = 5;
    let issuer = issuer.to_lowercase();
    PRODUCTS.iter().any(|product| {
        issuer.match_indices(product).any(|(at, _)| {
            let before = issuer[..at].chars().next_back();
            let after = issuer[at + product.len()..].chars().next();
            let goes_on = product.len() <= SHORT && after.is_some_and(char::is_alphanumeric);
            !goes_on && !before.is_some_and(char::is_alphanumeric)
        })
    })
}

/// Returns whether this machine trusts the server's chain: its CA is a public one, or one that was installed here.
pub(crate) fn is_trusted_by_system(
    chain: &[CertificateDer<'static>],
    server_name: &ServerName<'_>,
) -> bool {
    let Some((leaf, intermediates)) = chain.split_first() else {
        return false;
    };
    let roots = system_certificates();
    if roots.is_empty() {
        return false;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    Verifier::new(provider, &roots)
        .is_ok_and(|verifier| verifier.trusts(leaf, intermediates, server_name))
}

fn system_certificates() -> Vec<X509> {
    SYSTEM_BUNDLES
        .iter()
        .find_map(|path| {
            let mut text = Vec::new();
            let file = File::open(path).ok()?;
            file.take(MAX_BUNDLE).read_to_end(&mut text).ok()?;
            let blocks = pem::blocks(&text, &mut Vec::new()).ok()?;
            let certificates = blocks
                .iter()
                .filter(|block| block.label == "CERTIFICATE")
                .filter_map(|block| X509::from_der(&block.body().der?))
                .filter(X509::is_readable)
                .collect();
            Some(certificates)
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::is_inspector;

    #[test]
    fn recognizes_products_by_their_names() {
        for name in [
            "CN=Zscaler Intermediate Root CA",
            "O=Example Corp,CN=Example Corp TLS Inspection CA",
            "CN=ESET SSL Filter CA",
        ] {
            assert!(is_inspector(name), "{name}");
        }
        for name in ["CN=DCS Root CA", "CN=Preset CA", "CN=Burpengary CA", ""] {
            assert!(!is_inspector(name), "{name}");
        }
    }
}
