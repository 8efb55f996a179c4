//! What a client's calls use: created from the files, and replaced as a whole by a reload and in a forked child.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use super::file_check::FileCheck;
use super::retry_after::RetryAfterGate;
use super::single_flight::SingleFlight;
use crate::config::Config;
use crate::credentials::parsed_file::Format;
use crate::credentials::source::LoadedFile;
use crate::credentials::{Files, Identity, Source, Sources};
use crate::datetime::day;
use crate::diagnose::{self, CertificateChecks};
use crate::error::Error;
use crate::log;
use crate::sys;
use crate::transport::{Connector, ConnectorConfig};

/// What is created from the files.
pub(super) struct Snapshot {
    pub(super) connector: Arc<Connector>,
    pub(super) checks: Option<Arc<CertificateChecks>>,
    /// The files' fingerprints before they were read.
    pub(super) fingerprints: FileFingerprints,
    pub(super) process: Arc<Process>,
    /// The CA bundle is a PKCS#12 store, which has a password.
    pub(super) is_bundle_encrypted: bool,
}

/// What a client's snapshots share in one process. A forked child has its own: at the fork, another thread of the
/// parent may have held one of the locks.
pub(super) struct Process {
    /// Held while files are read, so that an older snapshot never replaces a newer one.
    pub(super) reloading: Mutex<()>,
    pub(super) file_check: Arc<FileCheck>,
    pub(super) retry_after: RetryAfterGate,
    pub(super) single_flight: SingleFlight,
}

impl Process {
    fn new(files_checked: Option<Instant>) -> Arc<Self> {
        Arc::new(Process {
            reloading: Mutex::new(()),
            file_check: FileCheck::new(files_checked),
            retry_after: RetryAfterGate::default(),
            single_flight: SingleFlight::default(),
        })
    }
}

impl Snapshot {
    /// Reads the files. A certificate and key that were given as content are taken from the previous snapshot.
    pub(super) fn read(config: &Config, previous: Option<&Snapshot>) -> Result<Self, Error> {
        let now = SystemTime::now();
        let fingerprints = FileFingerprints::of(&config.sources);
        let files = Files::read(&config.sources);
        let bundle = files.ca_bundle.as_ref().map_err(Error::clone)?;
        let identity = match previous {
            Some(previous)
                if config.sources.certificate.is_none() && config.sources.private_key.is_none() =>
            {
                previous.connector.config.identity().cloned()
            }
            _ => files.identity(now)?,
        };
        if let Some(identity) = &identity {
            warn_of_expiry(identity, now);
        }
        if let Some(Ok(file)) = &files.private_key {
            warn_of_permissions(&file.loaded);
        }
        let checks = identity.as_ref().map(|identity| {
            CertificateChecks::new(identity, Some(bundle), &config.endpoint.target.host)
        });
        let config = ConnectorConfig::new(config, bundle.anchors(), &bundle.name, identity);
        Ok(Snapshot {
            connector: Arc::new(Connector::new(config)?),
            checks: checks.map(Arc::new),
            fingerprints,
            process: previous.map_or_else(
                || Process::new(Some(Instant::now())),
                |previous| previous.process.clone(),
            ),
            is_bundle_encrypted: matches!(bundle.parsed.format, Format::Pkcs12),
        })
    }

    /// Creates the snapshot of a forked child, which shares no connection, session, key or lock with its parent's.
    pub(super) fn for_child(&self) -> Result<Self, Error> {
        Ok(Snapshot {
            connector: Arc::new(Connector::new(self.connector.config.for_child()?)?),
            checks: self.checks.clone(),
            fingerprints: self.fingerprints.clone(),
            // The parent may have read the files long ago.
            process: Process::new(None),
            is_bundle_encrypted: self.is_bundle_encrypted,
        })
    }

    /// Returns when the client certificate expires.
    pub(super) fn not_after(&self) -> Option<SystemTime> {
        let identity = self.connector.config.identity()?;
        Some(identity.leaf().fields.as_ref()?.not_after)
    }
}

fn warn_of_expiry(identity: &Identity, now: SystemTime) {
    let Some(fields) = &identity.leaf().fields else {
        return;
    };
    if fields.not_after < now {
        log::emit!(
            Warn,
            FILES,
            "{} expired on {}",
            identity.name,
            day(fields.not_after)
        );
    } else if fields.not_after < now + diagnose::EXPIRES_SOON {
        log::emit!(
            Warn,
            FILES,
            "{} expires on {}",
            identity.name,
            day(fields.not_after)
        );
    }
}

fn warn_of_permissions(loaded: &LoadedFile) {
    if let Some(others) = loaded.open_to_others() {
        log::emit!(
            Warn,
            FILES,
            "every user of this machine may {others} {}",
            loaded.name
        );
    }
}

/// Shows whether files have changed, without reading them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FileFingerprints(Vec<Option<Fingerprint>>);

/// Length, time of the last change, and its [`sys::file_id`]: a file that is replaced within the resolution of the
/// clock has a different one.
type Fingerprint = (u64, Option<SystemTime>, (u64, u64));

impl FileFingerprints {
    pub(super) fn of(sources: &Sources) -> Self {
        let sources = [
            &sources.ca_bundle,
            &sources.certificate,
            &sources.private_key,
        ];
        let paths = sources.into_iter().flatten().filter_map(Source::path);
        FileFingerprints(
            paths
                .map(|path| {
                    let metadata = fs::metadata(path).ok()?;
                    Some((
                        metadata.len(),
                        metadata.modified().ok(),
                        sys::file_id(path, &metadata),
                    ))
                })
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_changes_with_the_file() {
        let folder = std::env::temp_dir().join(format!("dcs-stamps-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (file, other) = (folder.join("ca.pem"), folder.join("new.pem"));
        let mut config = Config::new();
        config.set_ca_bundle_file(&file);
        let fingerprints = || FileFingerprints::of(&config.sources);
        fs::write(&file, "one").unwrap();
        let time = fs::metadata(&file).unwrap().modified().unwrap();
        let set_back = |path| {
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified(time).unwrap();
        };
        let first = fingerprints();
        assert_eq!(first, fingerprints());
        // Of the same length, within the resolution of the clock.
        fs::write(&other, "two").unwrap();
        set_back(&other);
        fs::rename(&other, &file).unwrap();
        let second = fingerprints();
        assert_ne!(first, second);
        fs::write(&file, "three").unwrap();
        set_back(&file);
        let third = fingerprints();
        assert_ne!(second, third);
        fs::remove_dir_all(&folder).unwrap();
        assert_ne!(third, fingerprints());
    }
}
