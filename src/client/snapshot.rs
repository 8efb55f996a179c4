//! What a client's calls use: made from the files, and replaced as a whole by a reload and in a forked child.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

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

/// What is made of the files, once.
pub(super) struct Snapshot {
    pub(super) connector: Arc<Connector>,
    pub(super) checks: Option<Arc<CertificateChecks>>,
    /// What the files looked like before they were read.
    pub(super) fingerprints: FileFingerprints,
    pub(super) process: Arc<Process>,
    /// The CA bundle is a PKCS#12 store, which takes a password.
    pub(super) is_bundle_encrypted: bool,
}

/// What the generations of one process share. A child has its own: a thread of the parent may have been anywhere
/// when it forked.
pub(super) struct Process {
    /// Held while files are read, so that what was read first is not put in place last.
    pub(super) reloading: Mutex<()>,
    /// When the files were last looked at for changes; `None` in a child that has not done so, whose parent may have
    /// read them long ago.
    pub(super) looked: Mutex<Option<Instant>>,
    pub(super) retry_after: RetryAfterGate,
    pub(super) single_flight: SingleFlight,
}

impl Process {
    fn new(looked: Option<Instant>) -> Arc<Self> {
        Arc::new(Process {
            reloading: Mutex::new(()),
            looked: Mutex::new(looked),
            retry_after: RetryAfterGate::default(),
            single_flight: SingleFlight::default(),
        })
    }
}

impl Snapshot {
    /// Reads the files. The certificate and key that are not configured any more are those of the generation before.
    pub(super) fn read(config: &Config, before: Option<&Snapshot>) -> Result<Self, Error> {
        let now = SystemTime::now();
        let fingerprints = FileFingerprints::of(&config.sources);
        let files = Files::read(&config.sources);
        let bundle = files.ca_bundle.as_ref().map_err(Error::clone)?;
        let identity = match before {
            Some(before)
                if config.sources.certificate.is_none() && config.sources.private_key.is_none() =>
            {
                before.connector.config.identity().cloned()
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
            connector: Arc::new(Connector::new(Arc::new(config))?),
            checks: checks.map(Arc::new),
            fingerprints,
            process: before.map_or_else(
                || Process::new(Some(Instant::now())),
                |before| before.process.clone(),
            ),
            is_bundle_encrypted: matches!(bundle.parsed.format, Format::Pkcs12),
        })
    }

    /// The same anew, without any connection, session, key or lock of the process that this one was forked from.
    pub(super) fn for_child(&self) -> Result<Self, Error> {
        Ok(Snapshot {
            connector: Arc::new(Connector::new(Arc::new(
                self.connector.config.for_child()?,
            ))?),
            checks: self.checks.clone(),
            fingerprints: self.fingerprints.clone(),
            process: Process::new(None),
            is_bundle_encrypted: self.is_bundle_encrypted,
        })
    }

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

/// What tells whether files have changed, without reading them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FileFingerprints(Vec<Option<Stamp>>);

/// Length, time of the last change, and its [`sys::file_id`]: a file that is replaced within the resolution of the clock has
/// another one.
type Stamp = (u64, Option<SystemTime>, (u64, u64));

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
    fn files_that_changed_look_different_and_others_do_not() {
        let folder = std::env::temp_dir().join(format!("dcs-stamps-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (file, other) = (folder.join("ca.pem"), folder.join("new.pem"));
        let mut config = Config::new();
        config.set_ca_bundle_file(&file);
        let stamps = || FileFingerprints::of(&config.sources);
        fs::write(&file, "one").unwrap();
        let time = fs::metadata(&file).unwrap().modified().unwrap();
        let set_back = |path| {
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified(time).unwrap();
        };
        let first = stamps();
        assert_eq!(first, stamps());
        // Of the same length, within the resolution of the clock.
        fs::write(&other, "two").unwrap();
        set_back(&other);
        fs::rename(&other, &file).unwrap();
        let second = stamps();
        assert_ne!(first, second);
        fs::write(&file, "three").unwrap();
        set_back(&file);
        let third = stamps();
        assert_ne!(second, third);
        fs::remove_dir_all(&folder).unwrap();
        assert_ne!(third, stamps());
    }
}
