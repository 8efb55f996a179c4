//! How much work deriving keys from a password may take.

use pkcs8::pkcs5::pbes2::{self, Kdf, Pbkdf2Prf};

/// How many rounds all derivations of a file may take together. With SHA-256 they take 0.2 s on a processor with
/// instructions for it, with SHA-512 0.9 s.
///
/// OpenSSL's default are 2 048 rounds for a derivation, Java's 10 000, and the most that is recommended for passwords
/// 600 000 (OWASP, for SHA-256).
pub(super) const MAX_ROUNDS: u64 = if cfg!(fuzzing) { 1_000 } else { 1_000_000 };

/// The rounds that a file asks for, if they are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyRounds(pub(super) u64);

/// The rounds that the derivations of one file have taken so far.
pub(super) struct Budget {
    pub(super) spent: u64,
    pub(super) limit: u64,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Budget {
            spent: 0,
            limit: MAX_ROUNDS,
        }
    }

    /// Accounts for a derivation before it is made.
    pub(super) fn spend(&mut self, rounds: u64) -> Result<(), TooManyRounds> {
        self.spent = self.spent.saturating_add(rounds);
        if self.spent > self.limit {
            return Err(TooManyRounds(self.spent));
        }
        Ok(())
    }
}

/// Returns the rounds that a derivation takes; `None` if its function is not supported.
pub(super) fn rounds(parameters: &pbes2::Parameters) -> Option<u64> {
    match &parameters.kdf {
        Kdf::Pbkdf2(kdf) => {
            let output_len = match kdf.prf {
                Pbkdf2Prf::HmacWithSha1 => 20,
                Pbkdf2Prf::HmacWithSha224 => 28,
                Pbkdf2Prf::HmacWithSha256 => 32,
                Pbkdf2Prf::HmacWithSha384 => 48,
                Pbkdf2Prf::HmacWithSha512 => 64,
                _ => return None,
            };
            // Each block of the key is derived anew (RFC 8018, section 5.2).
            let blocks = parameters.encryption.key_size().div_ceil(output_len);
            Some(u64::from(kdf.iteration_count).saturating_mul(blocks as u64))
        }
        // Each block of 128 bytes is written once and read once (RFC 7914, section 5), which takes as long as a round.
        Kdf::Scrypt(kdf) => Some(
            kdf.cost_parameter
                .saturating_mul(2)
                .saturating_mul(u64::from(kdf.block_size))
                .saturating_mul(u64::from(kdf.parallelization)),
        ),
        _ => None,
    }
}
