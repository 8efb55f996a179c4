//! The directory of the PKI's files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Writes files and records their names in testbed.json.
pub(crate) struct Store {
    dir: PathBuf,
    files: BTreeMap<String, PathBuf>,
}

impl Store {
    /// Creates the directory, which only its owner can enter.
    pub(crate) fn create(dir: PathBuf) -> Result<Self, Error> {
        make_dir(&dir)?;
        Ok(Self {
            dir,
            files: BTreeMap::new(),
        })
    }

    /// Writes a file with a name in testbed.json, and returns its path.
    pub(crate) fn write(
        &mut self,
        name: &str,
        content: impl AsRef<[u8]>,
    ) -> Result<PathBuf, Error> {
        let path = self.path(name);
        write_private(&path, content)?;
        Ok(path)
    }

    /// Records a name for a file that another program writes, and returns its path.
    pub(crate) fn path(&mut self, name: &str) -> PathBuf {
        let path = self.dir.join(format!("{name}.pem"));
        self.files.insert(name.to_owned(), path.clone());
        path
    }

    /// Writes a file without a name in testbed.json, which only the servers read.
    pub(crate) fn write_unlisted(
        &self,
        name: &str,
        content: impl AsRef<[u8]>,
    ) -> Result<PathBuf, Error> {
        let path = self.dir.join(format!("{name}.pem"));
        write_private(&path, content)?;
        Ok(path)
    }

    /// Returns all names and their paths.
    pub(crate) fn into_files(self) -> BTreeMap<String, PathBuf> {
        self.files
    }
}

/// Creates a new directory that only its owner can enter. Its parent must exist.
pub(crate) fn make_dir(dir: &Path) -> Result<(), Error> {
    fs::DirBuilder::new()
        .mode(0o700)
        .create(dir)
        .map_err(|cause| Error::file("create the directory", dir, &cause))
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Error> {
    fs::write(path, content)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o600)))
        .map_err(|cause| Error::file("write", path, &cause))
}
