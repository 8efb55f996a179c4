//! Reading small files, and writing files whole or not at all.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// What is done with a file that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Keep,
    Replace,
}

/// Who may read a file that is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Mode 0600.
    Owner,
    /// What the umask leaves.
    Usual,
}

/// Reads to the end; `None` where there is more than the limit.
pub fn read_limited(from: impl Read, limit: u64) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // As large as it can get, so that growing leaves no copies of a secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(limit + 1).unwrap_or(0)));
    from.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// Fails where [`write`] is certain to fail: before a user has waited for what is to be written.
pub fn check(what: &str, path: &Path, existing: Existing) -> Result<(), Failure> {
    // Not followed: a link would be replaced and what it leads to would stay as it is.
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(Failure::file(
            format!(
                "{what} {} cannot be written: it is {}.",
                path.display(),
                kind(&metadata)
            ),
            "Give a new name, or the path of a regular file.",
        )),
        Ok(_) if existing == Existing::Keep => Err(there_already(what, path)),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::metadata(folder(path)) {
            Ok(metadata) if metadata.is_dir() && path.file_name().is_some() => Ok(()),
            _ => Err(Failure::file(
                format!(
                    "{what} {} cannot be written: there is no such folder.",
                    path.display()
                ),
                "Make the folder first, or give another path.",
            )),
        },
        Err(error) => Err(Failure::io(what, path, "written", &error)),
    }
}

/// Writes a file beside its place and moves it there, so that nobody ever sees a part of it.
pub fn write(
    what: &str,
    path: &Path,
    content: &[u8],
    existing: Existing,
    access: Access,
) -> Result<(), Failure> {
    check(what, path, existing)?;
    let failed = |error: &io::Error| Failure::io(what, path, "written", error);
    let mut file = new_file(folder(path), access).map_err(|error| failed(&error))?;
    if access == Access::Usual
        && let Ok(before) = fs::metadata(path)
    {
        // What is written over keeps its rights.
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
        // Somebody else made it in the meantime.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(there_already(what, path))
        }
        Err(error) => Err(failed(&error.error)),
    }
}

/// A temporary file is its owner's only, unless something else is asked for.
fn new_file(folder: &Path, access: Access) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".dcs-");
    #[cfg(unix)]
    let usual = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    if access == Access::Usual {
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

fn there_already(what: &str, path: &Path) -> Failure {
    Failure::file(
        format!("{what} {} is there already.", path.display()),
        "Give another name, or --force to write over it.",
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
