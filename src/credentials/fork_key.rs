//! A private key that is kept so that a forked child can load it again.
//!
//! The provider's own form of an RSA key has a lock, and notes of the signatures that are being made with it: in a
//! process that was forked while another thread was signing, it would wait forever, or end the process. So a
//! child creates its own from the key's DER. That lies in memory under a mask of random bytes, so that a search of
//! the memory or of a core dump for keys does not find it. The mask protects from no more than that: the provider's
//! own form of the key is in the memory too.

use std::sync::Arc;

use aws_lc_rs::rand;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use zeroize::Zeroizing;

/// A key's DER, masked; both parts are wiped when it is dropped.
pub(crate) struct MaskedKey {
    masked: Zeroizing<Vec<u8>>,
    mask: Zeroizing<Vec<u8>>,
}

impl MaskedKey {
    /// Returns `None` if there are no random bytes, and on systems that do not fork.
    pub(crate) fn new(der: &PrivateKeyDer<'_>) -> Option<Self> {
        if cfg!(not(unix)) {
            return None;
        }
        let der = der.secret_der();
        let mut mask = Zeroizing::new(vec![0; der.len()]);
        rand::fill(&mut mask).ok()?;
        Some(MaskedKey {
            masked: Zeroizing::new(der.iter().zip(mask.iter()).map(|(a, b)| a ^ b).collect()),
            mask,
        })
    }

    /// Returns a new key for signing, without the state of the previous one.
    pub(crate) fn signing_key(&self) -> Option<Arc<dyn SigningKey>> {
        let der: Zeroizing<Vec<u8>> = Zeroizing::new(
            self.masked
                .iter()
                .zip(self.mask.iter())
                .map(|(a, b)| a ^ b)
                .collect(),
        );
        let der = PrivateKeyDer::try_from(der.as_slice()).ok()?;
        any_supported_type(&der).ok()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use rcgen::KeyPair;

    use super::*;

    #[test]
    fn the_key_comes_back_and_does_not_lie_there_as_it_is() {
        let pair = KeyPair::generate().unwrap();
        let der = PrivateKeyDer::try_from(pair.serialize_der()).unwrap();
        let masked = MaskedKey::new(&der).unwrap();
        let part = &der.secret_der()[40..56];
        assert!(!masked.masked.windows(16).any(|window| window == part));
        assert!(!masked.mask.windows(16).any(|window| window == part));
        let [again, first] = [
            masked.signing_key().unwrap(),
            any_supported_type(&der).unwrap(),
        ];
        assert_eq!(
            again.public_key().unwrap().as_ref(),
            first.public_key().unwrap().as_ref()
        );
    }
}
