//! For the unit tests of this folder: the real `openssl` as the reference, and files damaged at random.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A folder that commands run in; it is removed in the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "dcs-reference-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.0.join(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    /// Runs `openssl` with arguments that blanks separate, and returns what it writes to its output.
    pub(crate) fn openssl(&self, arguments: &str) -> Vec<u8> {
        self.run("openssl", &arguments.split(' ').collect::<Vec<_>>())
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&self.0)
            // Non-ASCII passwords are UTF-8 only in a locale that says so.
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
        output.stdout
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The bytes in the only block of a PEM text, whose headers are passed over.
pub(crate) fn body_of_pem(pem: &str) -> Vec<u8> {
    let body: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----") && !line.contains(':'))
        .collect();
    STANDARD.decode(body).unwrap()
}

/// Variations of a real file, the same ones in every run: bytes changed, bits flipped, parts doubled, left
/// out and cut off.
pub(crate) fn mutations(original: &[u8], count: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    // xorshift64: any even spread will do.
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below.max(1)
    };
    let original = original.to_vec();
    (0..count).map(move |_| {
        let mut bytes = original.clone();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            // Half of the damage goes to the beginning, where most of the structure is.
            let at = if next(2) == 0 { at % 64 } else { at };
            let Some(byte) = bytes.get_mut(at) else {
                continue;
            };
            match next(6) {
                0 => *byte = [0x00, 0x80, 0xff, 0x30, 0x7f, 0x84][next(6)],
                1 | 2 => *byte ^= 1 << next(8),
                3 => *byte = byte.wrapping_add(1),
                4 => bytes.truncate(at),
                _ => {
                    let end = (at + 1 + next(40)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    if next(2) == 0 {
                        bytes.splice(at..at, part);
                    } else {
                        bytes.drain(at..end);
                    }
                }
            }
        }
        bytes
    })
}
