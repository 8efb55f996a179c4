//! Completing the client certificate's chain.
//!
//! The DCS sends its client certificates without their chain. Clients that build on OpenSSL find the
//! intermediates in the CA bundle, and so does this one: a server that does not hold them itself could
//! otherwise not verify the leaf.

use std::time::SystemTime;

use super::signature::{self, Signed};
use super::x509::Certificate;

/// No real chain is longer; it bounds the work on a bundle made to confuse.
const MAX_INTERMEDIATES: usize = 8;

/// No real bundle holds more CAs of one name; it bounds the signatures that are checked.
const MAX_CANDIDATES: usize = 16;

/// The certificates to send: the leaf, then each one's issuer as far as the pool has it. The root is
/// left out, because the server must have it anyway (RFC 8446, section 4.4.2).
pub(crate) fn complete<'a>(
    leaf: &'a Certificate,
    pool: impl Iterator<Item = &'a Certificate> + Clone,
    now: SystemTime,
) -> Vec<&'a Certificate> {
    let mut chain = vec![leaf];
    while let Some(issuer) = issuer_of(chain[chain.len() - 1], pool.clone(), now) {
        if issuer.is_self_issued()
            || chain.len() > MAX_INTERMEDIATES
            || chain.iter().any(|link| link.der == issuer.der)
        {
            break;
        }
        chain.push(issuer);
    }
    chain
}

/// The best issuer in the pool: one whose key signed it, that is valid now, or else is valid for the longest.
///
/// Signatures are checked only where there is a choice: a CA that was issued anew has the name of the old one.
pub(crate) fn issuer_of<'a>(
    certificate: &Certificate,
    pool: impl Iterator<Item = &'a Certificate>,
    now: SystemTime,
) -> Option<&'a Certificate> {
    if certificate.is_self_issued() {
        return None;
    }
    let mut candidates: Vec<&Certificate> = Vec::new();
    for candidate in pool.filter(|candidate| certificate.names_as_issuer(candidate)) {
        // The certificate's file and the CA bundle often hold the same one.
        if !candidates.iter().any(|known| known.der == candidate.der) {
            candidates.push(candidate);
        }
    }
    if candidates.len() < 2 {
        return candidates.pop();
    }
    candidates.truncate(MAX_CANDIDATES);
    candidates.into_iter().max_by_key(|candidate| {
        let fields = candidate.fields.as_ref();
        (
            signature::check(certificate, candidate) != Signed::No,
            fields.is_some_and(|fields| fields.is_valid_at(now)),
            fields.map(|fields| fields.not_after),
        )
    })
}
