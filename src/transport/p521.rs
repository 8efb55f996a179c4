//! Key exchange on P-521, for which rustls has no group.
//!
//! A client certificate on P-521 needs it in TLS 1.2: a server may accept only certificates on curves that the client
//! lists as supported groups (RFC 8422, section 5.1.1). OpenSSL does so: without this group the call fails with the
//! alert illegal_parameter (measured on nginx 1.22 with OpenSSL 3.0). It is offered only for such a certificate, and
//! after all other groups.

use aws_lc_rs::agreement::{ECDH_P521, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use aws_lc_rs::rand::SystemRandom;
use rustls::crypto::{ActiveKeyExchange, GetRandomFailed, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved};

/// The first byte of an uncompressed point, the only form allowed (RFC 8422, section 5.4.1).
const UNCOMPRESSED: u8 = 0x04;

/// The group secp521r1.
#[derive(Debug)]
pub(super) struct Secp521r1;

impl SupportedKxGroup for Secp521r1 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let private = EphemeralPrivateKey::generate(&ECDH_P521, &SystemRandom::new())
            .map_err(|_| GetRandomFailed)?;
        let public = private.compute_public_key().map_err(|_| GetRandomFailed)?;
        Ok(Box::new(Exchange {
            private,
            public: public.as_ref().to_vec(),
        }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

struct Exchange {
    private: EphemeralPrivateKey,
    public: Vec<u8>,
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let invalid = || Error::from(PeerMisbehaved::InvalidKeyShare);
        if peer.first() != Some(&UNCOMPRESSED) {
            return Err(invalid());
        }
        let peer = UnparsedPublicKey::new(&ECDH_P521, peer);
        agree_ephemeral(self.private, peer, invalid(), |secret| {
            Ok(SharedSecret::from(secret))
        })
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_derive_the_same_secret() {
        let (one, other) = (Secp521r1.start().unwrap(), Secp521r1.start().unwrap());
        let (one_public, other_public) = (one.pub_key().to_vec(), other.pub_key().to_vec());
        assert_eq!(one_public.len(), 133);
        assert_eq!(
            one.complete(&other_public).unwrap().secret_bytes(),
            other.complete(&one_public).unwrap().secret_bytes()
        );
        for wrong in [&[][..], &[0x04; 133], &[0x02; 67]] {
            assert!(Secp521r1.start().unwrap().complete(wrong).is_err());
        }
    }
}
