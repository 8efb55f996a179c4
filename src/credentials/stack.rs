//! Wiping the stack behind other people's code.

use zeroize::Zeroize;

/// More than deriving a key and decrypting with it takes.
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

/// A frame of its own, so that all of the body's lies where the wiping reaches.
#[inline(never)]
fn apart<T>(body: impl FnOnce() -> T) -> T {
    body()
}

#[inline(never)]
fn wipe() {
    let mut used = [0_u8; DEPTH];
    used.zeroize();
}
