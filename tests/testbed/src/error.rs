//! The error of this crate.

use std::fmt;
use std::path::Path;

/// The reason why a testbed could not be created or read, as one complete message.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    /// Returns an error with this message.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Returns an error about an operation on a file, such as "read".
    #[must_use]
    pub fn file(operation: &str, path: &Path, cause: &std::io::Error) -> Self {
        Self(format!("cannot {operation} {}: {cause}", path.display()))
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
