//! The crate's one error.

use std::fmt;
use std::path::Path;

/// Why a testbed could not be made or read: one message, complete enough to print as it is.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    /// An error with this message.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// A failed operation on a file; `doing` is what could not be done, for example "read".
    #[must_use]
    pub fn file(doing: &str, path: &Path, cause: &std::io::Error) -> Self {
        Self(format!("cannot {doing} {}: {cause}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

#[cfg(feature = "servers")]
impl From<rcgen::Error> for Error {
    fn from(cause: rcgen::Error) -> Self {
        Self(format!("cannot make a certificate: {cause}"))
    }
}
