//! The sources of CA bundle, certificate and key: a path or content, and how they are read.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::Check;
use crate::error::{Code, Error};
use crate::redact;
use crate::sanitize::sanitize_path;
use crate::sys;

/// The largest file that is read. The largest public CA bundles are around 250 KB.
const MAX_FILE_SIZE: u64 = 4 * 1024 * 1024;

/// Which of the three files a message is about, or any other file that is inspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    CaBundle,
    Certificate,
    PrivateKey,
    Any,
}

impl Role {
    /// Returns the role's name for the middle of a sentence.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Role::CaBundle => "CA bundle",
            Role::Certificate => "client certificate",
            Role::PrivateKey => "private key",
            Role::Any => "file",
        }
    }

    /// Returns the code for content that is unusable in this role.
    pub(crate) fn code(self) -> Code {
        match self {
            Role::CaBundle => Code::CaBundle,
            Role::Certificate | Role::Any => Code::Certificate,
            Role::PrivateKey => Code::PrivateKey,
        }
    }
}

/// A file's path, or its content.
#[derive(Clone)]
pub(crate) enum Source {
    File(PathBuf),
    Bytes {
        content: Zeroizing<Vec<u8>>,
        /// "given as bytes", or where else it came from.
        origin: Cow<'static, str>,
    },
}

impl Source {
    /// Returns the path, marked as private, or where the content came from.
    pub(crate) fn shown(&self) -> String {
        match self {
            Source::File(path) => shown(path),
            Source::Bytes { origin, .. } => format!("({origin})"),
        }
    }

    /// Returns the path of a file. `None` for content.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Source::File(path) => Some(path),
            Source::Bytes { .. } => None,
        }
    }

    /// Copies content. `origin` is where it came from, such as "in DCS_PRIVATE_KEY", if not from the caller.
    pub(crate) fn content(content: &[u8], origin: Option<String>) -> Self {
        Source::Bytes {
            content: Zeroizing::new(content.to_vec()),
            origin: origin.map_or(Cow::Borrowed("given as bytes"), Cow::Owned),
        }
    }
}

/// The three files that a client is created from, and the password of encrypted ones.
#[derive(Clone, Default)]
pub(crate) struct Sources {
    pub(crate) ca_bundle: Option<Source>,
    pub(crate) certificate: Option<Source>,
    pub(crate) private_key: Option<Source>,
    pub(crate) password: Option<Zeroizing<String>>,
}

impl Sources {
    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_ref().map(|password| password.as_str())
    }
}

/// Returns a path for a message, marked as private. A path that looks like a key is not shown: the caller may have
/// passed content as a path.
fn shown(path: &Path) -> String {
    if looks_like_content(&path.to_string_lossy()) && !path.exists() {
        return "(not shown: it looks like content, not like a path)".into();
    }
    redact::path(path)
}

/// Whether a text has a long run of base64 or hexadecimal digits, which names seldom have.
fn looks_like_content(text: &str) -> bool {
    const BASE64_RUN: usize = 20;
    const HEX_RUN: usize = 32;
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        let has = |is: fn(&u8) -> bool| run.bytes().any(|byte| is(&byte));
        let is_mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
        run.len() >= BASE64_RUN && is_mixed && has(u8::is_ascii_digit)
            || run.len() >= HEX_RUN && run.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File(path) if looks_like_content(&path.to_string_lossy()) => {
                f.write_str("File(not shown)")
            }
            Source::File(path) => write!(f, "File(\"{}\")", sanitize_path(path)),
            Source::Bytes { content, .. } => write!(f, "Bytes({} bytes)", content.len()),
        }
    }
}

/// The bytes of a source, with its name for messages.
pub(crate) struct LoadedFile {
    pub(crate) role: Role,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// "the CA bundle /etc/dcs/ca.pem" or "the CA bundle (given as bytes)".
    pub(crate) name: String,
    /// The file's permission bits, as `stat` returns them. `None` for bytes, and on systems without them.
    pub(crate) mode: Option<u32>,
}

impl LoadedFile {
    /// Reads the source, up to a limit, from regular files only.
    pub(crate) fn read(source: &Source, role: Role) -> Result<Self, Error> {
        let (bytes, mode) = match source {
            Source::File(path) => read_file(path, role)?,
            Source::Bytes { content, .. } => (content.clone(), None),
        };
        let loaded = LoadedFile {
            role,
            bytes,
            name: format!("the {} {}", role.noun(), source.shown()),
            mode,
        };
        if loaded.bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(loaded.error(Check::FileNotEmpty, "is empty."));
        }
        Ok(loaded)
    }

    /// Returns what every user of this machine may do with the file. `None` if nothing.
    pub(crate) fn open_to_others(&self) -> Option<&'static str> {
        const OTHERS_READ: u32 = 0o004;
        const OTHERS_WRITE: u32 = 0o002;
        let mode = self.mode?;
        match (mode & OTHERS_READ != 0, mode & OTHERS_WRITE != 0) {
            (false, false) => None,
            (true, false) => Some("read"),
            (false, true) => Some("write"),
            (true, true) => Some("read and write"),
        }
    }

    /// Returns the error that this content is unusable: "The private key KEY " + `what`, with the failed check.
    pub(crate) fn error(&self, check: Check, what: impl fmt::Display) -> Error {
        self.error_as(self.role.code(), check, what)
    }

    /// Returns the same with another code than the role's own.
    pub(crate) fn error_as(&self, code: Code, check: Check, what: impl fmt::Display) -> Error {
        Error::new(code, capitalise(&format!("{} {what}", self.name))).with_check(check)
    }
}

/// Capitalises the first letter, as at the start of a sentence.
pub(crate) fn capitalise(text: &str) -> String {
    let mut sentence = text.to_owned();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence
}

/// Describes where a relative path was looked up: often another folder than the caller meant.
fn place(path: &Path) -> String {
    match std::env::current_dir() {
        Ok(_) if path.starts_with("~") => " ('~' is not expanded to the home folder)".to_owned(),
        Ok(folder) if path.is_relative() => format!(" in {}", redact::path(folder)),
        _ => String::new(),
    }
}

fn read_file(path: &Path, role: Role) -> Result<(Zeroizing<Vec<u8>>, Option<u32>), Error> {
    let failed = |error: &io::Error, what: &str| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => format!("there is no such file{}", place(path)),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        Error::new(
            Code::File,
            format!(
                "The {} {} cannot be {what}: {reason}.",
                role.noun(),
                shown(path)
            ),
        )
        .with_check(Check::FileReadable)
        .with_os_error(error)
    };

    if path.as_os_str().is_empty() {
        return Err(Error::new(
            Code::File,
            format!("The path of the {} is empty.", role.noun()),
        )
        .with_check(Check::FileConfigured));
    }
    let file = sys::open_file(path).map_err(|error| failed(&error, "opened"))?;
    let irregular = || file_error(role, path, "is not a regular file (a pipe or a device).");
    // Before the metadata, which Windows has for files only.
    if sys::is_device(&file) {
        return Err(irregular());
    }
    let metadata = file.metadata().map_err(|error| failed(&error, "read"))?;
    if metadata.is_dir() {
        return Err(file_error(role, path, "is a directory, not a file."));
    }
    if !metadata.is_file() {
        return Err(irregular());
    }

    let expected = usize::try_from(metadata.len().min(MAX_FILE_SIZE)).unwrap_or(0);
    let bytes = read_whole(file, expected).map_err(|error| failed(&error, "read"))?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        return Err(file_error(
            role,
            path,
            "is larger than 4 MiB, too large for certificates or a key.",
        ));
    }
    Ok((bytes, sys::file_mode(&metadata)))
}

/// Reads to the end, or to one byte past the largest size. If the file is larger than expected, because it grows or
/// reports no size, its bytes move without leaving a copy on the heap.
fn read_whole(mut file: impl Read, expected: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let limit = usize::try_from(MAX_FILE_SIZE + 1).unwrap_or(usize::MAX);
    let mut bytes = Zeroizing::new(vec![0; (expected + 1).min(limit)]);
    let mut length = 0;
    loop {
        if length == bytes.len() {
            if length == limit {
                return Ok(bytes);
            }
            let mut larger = Zeroizing::new(vec![0; (2 * length).max(4096).min(limit)]);
            larger[..length].copy_from_slice(&bytes);
            bytes = larger;
        }
        match file.read(&mut bytes[length..]) {
            Ok(0) => {
                bytes.truncate(length);
                return Ok(bytes);
            }
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn file_error(role: Role, path: &Path, what: &str) -> Error {
    Error::new(
        Code::File,
        format!("The {} {} {what}", role.noun(), shown(path)),
    )
    .with_check(Check::FileReadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_path_and_an_empty_content_are_named() {
        let read = |source| LoadedFile::read(&source, Role::PrivateKey).err().unwrap();
        let error = read(Source::File(PathBuf::new()));
        assert_eq!(
            (error.code(), error.check()),
            (Code::File, Some(Check::FileConfigured))
        );
        assert!(
            error.message().contains("path of the private key is empty"),
            "{error}"
        );
        let error = read(Source::content(b" \r\n", None));
        assert_eq!(error.code(), Code::PrivateKey);
        assert!(
            error
                .message()
                .starts_with("The private key (given as bytes) is empty"),
            "{error}"
        );
    }

    #[test]
    fn content_in_the_place_of_a_path_is_not_shown() {
        for content in [
            "\"MIIEowIBAAKCAQEAtGgY28xPiM68gX4+d2HV\"",
            "KEY=MIIEowIBAAKCAQEAtGgY28xPiM68",
            "owIBAAKCAQEAtGgY28xPiM68gX4+d2HV%",
            "MC4CAQAwBQYDK2VwBCIEINTu",
            "30820122300d06092a864886f70d01010105",
        ] {
            let error = LoadedFile::read(&Source::File(content.into()), Role::PrivateKey);
            let text = error.err().unwrap().to_string();
            assert!(!text.contains(&content[4..16]), "{text}");
            assert!(text.contains("looks like content"), "{text}");
            assert!(!format!("{:?}", Source::File(content.into())).contains(&content[4..16]));
        }
        for path in [
            "/etc/dcs/client.key",
            "/opt/ExampleOrganisation/TLS/Integration2026/client.pem",
            "C:\\Program Files\\DCS\\client.key",
            "../secrets/3f2504e0-4f89-11d3-9a0c-0305e82c3301/tls.key",
        ] {
            let error = LoadedFile::read(&Source::File(path.into()), Role::PrivateKey);
            assert!(error.err().unwrap().message().contains(path));
        }
    }

    #[test]
    fn a_long_path_makes_no_long_message() {
        let path = "a/".repeat(500_000);
        let error = LoadedFile::read(&Source::File(path.clone().into()), Role::PrivateKey);
        let error = error.err().unwrap();
        assert!(error.to_string().len() < 2_000, "{error}");
        assert!(format!("{:?}", Source::File(path.into())).len() < 600);
    }

    #[test]
    fn what_others_may_do_with_a_file_is_told() {
        for (mode, others) in [
            (Some(0o100_600), None),
            (Some(0o100_660), None),
            (Some(0o100_711), None),
            (Some(0o100_644), Some("read")),
            (Some(0o100_602), Some("write")),
            (Some(0o100_666), Some("read and write")),
            (None, None),
        ] {
            let loaded = LoadedFile {
                role: Role::PrivateKey,
                bytes: Zeroizing::default(),
                name: String::new(),
                mode,
            };
            assert_eq!(loaded.open_to_others(), others, "{mode:?}");
        }
    }

    #[test]
    fn content_is_told_from_a_path() {
        for path in [
            "client1.key",
            "/etc/dcs/2026/ClientCertificateOfTheService.pem",
            "/etc/dcs/certificateoftheservice2026.pem",
        ] {
            assert!(!looks_like_content(path), "{path}");
        }
        for content in [
            "MIIEvQIBADANBgkqhkiG9w0B",
            "00112233445566778899aabbccddeeff",
        ] {
            assert!(looks_like_content(content), "{content}");
        }
    }

    /// Gives one piece after the other, or fails with a kind of error.
    struct Pieces(Vec<Result<&'static [u8], io::ErrorKind>>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let mut piece = self.0.remove(0)?;
            piece.read(buffer)
        }
    }

    #[test]
    fn a_file_is_read_whole_whatever_its_size_was_said_to_be() {
        for expected in [2, 3, 6, 100] {
            let file = Pieces(vec![
                Ok(b"abc"),
                Err(io::ErrorKind::Interrupted),
                Ok(b"d"),
                Ok(b"e"),
            ]);
            let bytes = read_whole(file, expected).unwrap();
            assert_eq!(*bytes, b"abcde", "{expected}");
        }
        let broken = Pieces(vec![Ok(b"abc"), Err(io::ErrorKind::Other)]);
        assert!(read_whole(broken, 3).is_err());
    }

    #[test]
    fn a_file_that_does_not_end_is_read_to_one_byte_behind_the_limit() {
        let bytes = read_whole(io::repeat(b'x'), 0).unwrap();
        assert_eq!(bytes.len() as u64, MAX_FILE_SIZE + 1);
    }
}
