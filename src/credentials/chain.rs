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
/// Signatures are checked only if there is a choice: a CA that was issued again has the name of the old one.
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
            signature::check(&certificate.der, &candidate.der) != Signed::No,
            fields.is_some_and(|fields| fields.is_valid_at(now)),
            fields.map(|fields| fields.not_after),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use rcgen::{
        BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
        date_time_ymd,
    };

    use super::*;

    fn named(name: &str, until: i32) -> CertificateParams {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params
    }

    fn root(key: &KeyPair, until: i32) -> Certificate {
        Certificate::new(
            named("the CA", until)
                .self_signed(key)
                .unwrap()
                .der()
                .clone(),
        )
    }

    fn signed(name: &str, by: &str, by_key: &KeyPair, key: &KeyPair) -> Certificate {
        let by = named(by, 4000);
        let issuer = Issuer::from_params(&by, by_key);
        let certificate = named(name, 4000).signed_by(key, &issuer).unwrap();
        Certificate::new(certificate.der().clone())
    }

    /// 2020.
    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_577_836_800)
    }

    #[test]
    fn of_several_issuers_of_one_name_the_best_is_taken() {
        let [key, other] = [(); 2].map(|()| KeyPair::generate().unwrap());
        let leaf = signed("leaf", "the CA", &key, &other);
        let not_its_own = root(&other, 4000);
        let (expired, valid, longest) = (root(&key, 2001), root(&key, 2030), root(&key, 2040));
        for (pool, best) in [
            (vec![&not_its_own, &expired], &expired),
            (vec![&expired, &not_its_own], &expired),
            (vec![&expired, &valid], &valid),
            (vec![&valid, &expired, &not_its_own], &valid),
            (vec![&longest, &valid], &longest),
            (vec![&valid, &valid, &longest], &longest),
            (vec![&valid, &valid], &valid),
        ] {
            let found = issuer_of(&leaf, pool.into_iter(), now()).unwrap();
            assert!(found.der == best.der);
        }
        assert!(issuer_of(&leaf, [&leaf].into_iter(), now()).is_none());
        assert!(issuer_of(&valid, [&valid, &longest].into_iter(), now()).is_none());
    }

    #[test]
    fn a_chain_ends_below_its_root_and_always() {
        let keys: Vec<_> = (0..12).map(|_| KeyPair::generate().unwrap()).collect();
        let name = |number| {
            if number == 11 {
                "the CA".to_owned()
            } else {
                format!("CA {number}")
            }
        };
        // Each is signed by the next one, the last by the root.
        let links: Vec<_> = (0..11)
            .map(|n| signed(&name(n), &name(n + 1), &keys[n + 1], &keys[n]))
            .collect();
        let root = root(&keys[11], 4000);
        let pool = || links.iter().chain([&root]);
        assert_eq!(complete(&links[9], pool(), now()).len(), 2);
        assert_eq!(complete(&root, pool(), now()).len(), 1);
        assert_eq!(complete(&links[4], links[5..7].iter(), now()).len(), 3);
        // One that is longer than any real one.
        assert_eq!(
            complete(&links[0], pool(), now()).len(),
            MAX_INTERMEDIATES + 1
        );
        // Two that name each other.
        let there = signed("A", "B", &keys[1], &keys[0]);
        let back = signed("B", "A", &keys[0], &keys[1]);
        let pool = [&there, &back];
        assert_eq!(complete(&there, pool.into_iter(), now()).len(), 2);
    }
}
