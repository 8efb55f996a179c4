//! Reading small files, and writing files atomically.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::error::CommandError;

/// What to do with an existing file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Keep,
    Replace,
}

/// Who may read a written file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its owner: mode 0600.
    OwnerOnly,
    /// Everyone whom the umask allows.
    Umask,
}

/// Reads to the end. Returns `None` if there is more than the limit.
pub fn read_limited(from: impl Read, limit: u64) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // At its final capacity, because a growing buffer would leave copies of a secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(limit + 1).unwrap_or(0)));
    from.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// Fails if [`write`] is certain to fail, so that the user learns it before a long operation.
pub fn check(what: &str, path: &Path, existing: Existing) -> Result<(), CommandError> {
    // A symbolic link is not followed: the rename would replace the link and not its target.
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(CommandError::file(
            format!(
                "{what} {} cannot be written: it is {}.",
                path.display(),
                kind(&metadata)
            ),
            "Give a new name, or the path of a regular file.",
        )),
        Ok(_) if existing == Existing::Keep => Err(already_exists(what, path)),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::metadata(folder(path)) {
            Ok(metadata) if metadata.is_dir() && path.file_name().is_some() => Ok(()),
            _ => Err(CommandError::file(
                format!(
                    "{what} {} cannot be written: the folder does not exist.",
                    path.display()
                ),
                "Create the folder, or give another path.",
            )),
        },
        Err(error) => Err(CommandError::write(what, path, &error)),
    }
}

/// Writes a temporary file in the same folder and renames it, so that no reader sees a part of it.
pub fn write(
    what: &str,
    path: &Path,
    content: &[u8],
    existing: Existing,
    access: Access,
) -> Result<(), CommandError> {
    check(what, path, existing)?;
    let failed = |error: &io::Error| CommandError::write(what, path, error);
    let mut file = new_file(folder(path), access).map_err(|error| failed(&error))?;
    if access == Access::Umask
        && let Ok(before) = fs::metadata(path)
    {
        // A replaced file keeps its permissions.
        file.as_file()
            .set_permissions(before.permissions())
            .map_err(|error| failed(&error))?;
    }
    file.write_all(content)
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| failed(&error))?;
    let moved = match existing {
        Existing::Keep => file.persist_noclobber(path),
        Existing::Replace => file.persist(path),
    };
    match moved {
        Ok(_) => Ok(()),
        // Another process created it in the meantime.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(already_exists(what, path))
        }
        Err(error) => Err(failed(&error.error)),
    }
}

/// Creates a temporary file, which only its owner may read unless `access` says otherwise.
fn new_file(folder: &Path, access: Access) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".dcs-");
    #[cfg(unix)]
    let usual = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    if access == Access::Umask {
        builder.permissions(usual);
    }
    #[cfg(not(unix))]
    let _ = access;
    builder.tempfile_in(folder)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn already_exists(what: &str, path: &Path) -> CommandError {
    CommandError::file(
        format!("{what} {} already exists.", path.display()),
        "Give another name, or --force to overwrite it.",
    )
}

fn kind(metadata: &fs::Metadata) -> &'static str {
    if metadata.is_dir() {
        "a folder"
    } else if metadata.is_symlink() {
        "a symbolic link"
    } else {
        "not a regular file (a pipe or a device)"
    }
}
