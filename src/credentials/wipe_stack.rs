//! Wipes the stack that other crates' code has used for secrets.

use zeroize::Zeroize;

/// More than it takes to derive a key and to decrypt with it.
const DEPTH: usize = 32 * 1024;

/// Runs the body and wipes the stack that it has used.
///
/// The crates that derive keys wipe what they hold, but they move it about first, and every move leaves a copy on
/// the stack: the first bytes of a password, a block of a key.
pub(crate) fn wiped<T>(body: impl FnOnce() -> T) -> T {
    let result = apart(body);
    wipe();
    result
}

/// A frame of its own, so that all of the body's stack lies within the wiped depth.
#[inline(never)]
fn apart<T>(body: impl FnOnce() -> T) -> T {
    body()
}

#[inline(never)]
fn wipe() {
    let mut used = [0_u8; DEPTH];
    used.zeroize();
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;
    use std::hint::black_box;
    use std::os::unix::fs::FileExt;

    use super::*;

    const SECRET: &[u8; 32] = b"what is left behind on the stack";

    /// Leaves the secret deep in the stack, and returns its address.
    fn leave() -> u64 {
        let mut used = [0_u8; 16 * 1024];
        used[..SECRET.len()].copy_from_slice(SECRET);
        black_box(&mut used).as_ptr().addr() as u64
    }

    #[test]
    fn what_a_body_leaves_is_wiped() {
        let memory = File::open("/proc/self/mem").unwrap();
        let is_left = |place| {
            let mut bytes = [0; SECRET.len()];
            memory.read_exact_at(&mut bytes, place).unwrap();
            bytes == *SECRET
        };
        // It stays there unless it is wiped, and the looking finds it.
        assert!(is_left(apart(leave)));
        assert!(!is_left(wiped(leave)));
    }
}
