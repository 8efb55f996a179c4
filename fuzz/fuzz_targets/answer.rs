//! Arbitrary bytes as the server's answer after the handshake. The first byte selects how they are split.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((split, bytes)) = data.split_first() else {
        return;
    };
    let piece = [usize::MAX, 1, 7, 100][usize::from(split >> 1 & 3)];
    match dcs::fuzzing::answer(bytes, piece, split & 1 == 0) {
        Ok(status) => assert!(status.json().len() <= 1024 * 1024),
        Err(error) => {
            let message = error.message();
            assert!(
                error.code().number() >= 200 && error.code().number() < 900,
                "{error}"
            );
            assert!(!message.chars().any(char::is_control), "{error:?}");
            assert!(message.len() < 4096, "{}", message.len());
            assert!(!error.hint().is_empty());
        }
    }
});
