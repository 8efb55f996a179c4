//! Reading small files, and writing files atomically.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use dcs::sanitize_path;
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
    create_beside(what, path, existing, Access::OwnerOnly).map(drop)
}

/// Writes a temporary file in the same folder and renames it, so that no reader sees a part of it.
///
/// The file is always a new one of this user. A regular file of this user is replaced, if `existing` allows that.
/// Anything else in its place is rejected: the file of another user, who could have prepared it, a link or a device.
pub fn write(
    what: &str,
    path: &Path,
    content: &[u8],
    existing: Existing,
    access: Access,
) -> Result<(), CommandError> {
    let mut file = create_beside(what, path, existing, access)?;
    let failed = |error: &io::Error| CommandError::write(what, path, error);
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

/// Creates the temporary file that is to take the place of `path`. Fails if something that must stay is in that place.
fn create_beside(
    what: &str,
    path: &Path,
    existing: Existing,
    access: Access,
) -> Result<NamedTempFile, CommandError> {
    // A symbolic link is not followed: the rename would replace the link and not its target.
    let old = match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            return Err(in_the_way(what, path, kind(&metadata)));
        }
        Ok(_) if existing == Existing::Keep => return Err(already_exists(what, path)),
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(CommandError::write(what, path, &error)),
    };
    if !folder(path).is_dir() || path.file_name().is_none() {
        return Err(CommandError::file(
            format!(
                "{what} {} cannot be written: the folder does not exist.",
                sanitize_path(path)
            ),
            "Create the folder, or give another path.",
        ));
    }
    let failed = |error: io::Error| CommandError::write(what, path, &error);
    let file = new_file(folder(path), access).map_err(failed)?;
    if let Some(old) = old
        && !take_over(&file, &old).map_err(failed)?
    {
        return Err(in_the_way(what, path, "a file of another user"));
    }
    Ok(file)
}

/// Returns whether the new file may replace the old one: both have the same owner. Access that the old file denied stays
/// denied, but the new one gets no permission from it.
///
/// The owner is compared with that of the new file, as a file system may show another than the process has.
#[cfg(unix)]
fn take_over(new: &NamedTempFile, old: &fs::Metadata) -> io::Result<bool> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let metadata = new.as_file().metadata()?;
    if metadata.uid() != old.uid() {
        return Ok(false);
    }
    let mode = metadata.permissions().mode() & old.permissions().mode();
    new.as_file()
        .set_permissions(fs::Permissions::from_mode(mode))?;
    Ok(true)
}

/// Windows gives a new file the permissions of its folder, and has no programs that run as their owner.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)] // It can fail on Unix.
fn take_over(_: &NamedTempFile, _: &fs::Metadata) -> io::Result<bool> {
    Ok(true)
}

/// Creates a temporary file under a random name, with `O_EXCL`: it follows no link. Only its owner may read it unless
/// `access` says otherwise.
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

/// Creates a folder that only this user may enter. Its random name cannot be taken by another user beforehand.
pub fn new_temporary_folder(prefix: &str) -> Result<PathBuf, CommandError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    #[cfg(unix)]
    builder.permissions(owner_only);
    let folder = builder
        .tempdir()
        .map_err(|error| CommandError::write("A folder in", &std::env::temp_dir(), &error))?;
    Ok(folder.keep())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn in_the_way(what: &str, path: &Path, kind: &str) -> CommandError {
    CommandError::file(
        format!(
            "{what} {} cannot be written: it is {kind}.",
            sanitize_path(path)
        ),
        "Give a new name, or the path of a regular file of your own.",
    )
}

fn already_exists(what: &str, path: &Path) -> CommandError {
    CommandError::file(
        format!("{what} {} already exists.", sanitize_path(path)),
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
