//! The client: created once from a configuration, shared by all threads.

mod file_check;
mod retry_after;
mod single_flight;
mod snapshot;

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::{ArcSwap, Guard};

use crate::config::Config;
use crate::diagnose;
use crate::error::{Code, Error};
use crate::log;
use crate::response;
use crate::status::Status;
use crate::transport::{Call, CancelToken, Cancellation, Deadline, Interrupt};
use snapshot::{FileFingerprints, Process, Snapshot};

/// A client of the DCS.
///
/// It holds what its calls share: the parsed files, idle connections, TLS sessions and the host's addresses. Create one
/// and keep it for as long as the service runs. Any number of threads may use it at the same time, and none waits for
/// another's network traffic.
///
/// A forked child may use and drop a client of its parent. In the child it starts without connections and sessions;
/// those of the parent are not affected.
pub struct Client {
    shared: Arc<Shared>,
    interrupt: Arc<Interrupt>,
    timeout: Duration,
    reload_interval: Option<Duration>,
    honour_retry_after: bool,
    status_max_age: Option<Duration>,
}

/// What a client shares with the thread that checks its files.
struct Shared {
    snapshot: ArcSwap<Snapshot>,
    /// What a reload reads; `None` if no file is configured. Wiped with the client.
    files: Option<Config>,
}

impl Client {
    /// Creates a client: reads and checks the files, but sends nothing.
    ///
    /// The certificate's chain is completed from the CA bundle. Expired certificates in the bundle are ignored. A
    /// client can be created without a certificate and key; the server will then reject it.
    ///
    /// # Errors
    /// - [`Code::InvalidArgument`] if an option's value was rejected and the option was not set since
    /// - [`Code::File`] if a file cannot be read
    /// - [`Code::CaBundle`], [`Code::Certificate`], [`Code::PrivateKey`] or [`Code::Password`] if one is invalid
    /// - [`Code::KeyMismatch`] if key and certificate do not belong together
    pub fn new(config: &Config) -> Result<Self, Error> {
        config.check()?;
        let snapshot = Snapshot::read(config, None).inspect_err(|error| {
            log::emit!(
                Error,
                CLIENT,
                "no client was created: {}: {}",
                error.code().name(),
                error.message()
            );
        })?;
        Ok(Client {
            shared: Arc::new(Shared {
                files: config.for_reload(snapshot.is_bundle_encrypted),
                snapshot: ArcSwap::from_pointee(snapshot),
            }),
            interrupt: Arc::default(),
            timeout: config.timeout,
            reload_interval: config.reload_interval,
            honour_retry_after: config.honour_retry_after,
            status_max_age: config.status_max_age,
        })
    }

    /// Calls the DCS for its status: sends `GET` to the endpoint.
    ///
    /// Every well-formed response with HTTP 200 is a status, including one that says that the DCS is unavailable. If an
    /// idle connection turns out to be dead before the first byte of the response, the call is retried once on a new
    /// connection, within the same timeout.
    ///
    /// # Errors
    /// The codes of the network, of TLS and of the service (200 to 599); see [`Code`].
    pub fn status(&self) -> Result<Status, Error> {
        self.call(None)
    }

    /// Calls the DCS as [`Client::status`] does, until `cancellation` is cancelled.
    ///
    /// # Errors
    /// As [`Client::status`]; [`Code::Interrupted`] within 100 ms if it is cancelled.
    pub fn status_until(&self, cancellation: &Cancellation) -> Result<Status, Error> {
        self.call(Some(cancellation))
    }

    /// Ends every call in flight within 100 ms with [`Code::Interrupted`], in any phase, even the host's lookup.
    ///
    /// The client stays usable. Calls that start later are not affected.
    pub fn interrupt(&self) {
        self.interrupt.raise();
    }

    /// Reads the files again. Calls that start later use the new content; calls in flight keep their connections.
    ///
    /// If one of the files is invalid, nothing changes: the client keeps using the previous files.
    ///
    /// # Errors
    /// As [`Client::new`]; [`Code::InvalidArgument`] if the client was not created from files.
    pub fn reload(&self) -> Result<(), Error> {
        let Some(files) = &self.shared.files else {
            return Err(Error::new(
                Code::InvalidArgument,
                "The client was created from content and not from files, so there is nothing to reload.",
            )
            .with_hint("Create a new client from the new content, or configure paths."));
        };
        let process = self.snapshot()?.process.clone();
        let (outcome, records) = log::collect(|| {
            let _guard = process
                .reloading
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            self.shared.reload_from(files)
        });
        records.deliver();
        outcome
    }

    /// Returns when the client certificate expires, for monitoring. A reload may change it. `None` if no certificate is
    /// configured or its dates are unreadable.
    pub fn certificate_not_after(&self) -> Option<SystemTime> {
        self.shared.snapshot.load().not_after()
    }

    /// Returns host and port of the endpoint, such as `example.org:443`.
    pub fn peer(&self) -> String {
        self.shared.snapshot.load().connector.peer.name.clone()
    }

    /// Returns the timeout of a whole call.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns the snapshot for a call. In a child that was forked since, it creates the child's own first.
    fn snapshot(&self) -> Result<Guard<Arc<Snapshot>>, Error> {
        let current = self.shared.snapshot.load();
        if current.connector.is_ours() {
            return Ok(current);
        }
        let own = Arc::new(current.for_child()?);
        let previous = self.shared.snapshot.compare_and_swap(&*current, own);
        // Another thread of this process may have been first.
        if Arc::ptr_eq(&previous, &current) {
            forget_inherited(&current);
        }
        drop((previous, current));
        Ok(self.shared.snapshot.load())
    }

    fn call(&self, cancellation: Option<&Cancellation>) -> Result<Status, Error> {
        let token = CancelToken::new(&self.interrupt, cancellation);
        let deadline = Deadline::new(self.timeout, token);
        let mut snapshot = self.snapshot()?;
        if let (Some(interval), Some(_)) = (self.reload_interval, &self.shared.files) {
            let (shared, process) = (self.shared.clone(), snapshot.process.clone());
            let check = move || shared.reload_if_changed(&process);
            let file_check = &snapshot.process.file_check;
            file_check.run_if_due(interval, &deadline, self.timeout, check);
            snapshot = self.snapshot()?;
        }
        if deadline.is_cancelled() {
            return Err(Error::new(
                Code::Interrupted,
                format!(
                    "The call was interrupted before anything was sent ({}).",
                    snapshot.connector.peer.name
                ),
            ));
        }
        let Some(max_age) = self.status_max_age else {
            return self.call_respecting_retry_after(&snapshot, deadline);
        };
        let peer = &snapshot.connector.peer.name;
        let single_flight = &snapshot.process.single_flight;
        // Threads may wait for this one as long as its call is in flight.
        let (outcome, records) = log::collect(|| {
            single_flight.get_or_call(max_age, &deadline, peer, || {
                self.call_respecting_retry_after(&snapshot, deadline.clone())
            })
        });
        records.deliver();
        outcome
    }

    /// Makes the call, unless the service asked to wait and the client is configured to honour that.
    fn call_respecting_retry_after(
        &self,
        snapshot: &Snapshot,
        deadline: Deadline,
    ) -> Result<Status, Error> {
        if !self.honour_retry_after {
            return exchange(snapshot, deadline);
        }
        let gate = &snapshot.process.retry_after;
        gate.check(&snapshot.connector.peer.name)?;
        exchange(snapshot, deadline).inspect_err(|error| gate.record(error))
    }
}

impl Shared {
    /// Reads the files again. The caller holds the lock.
    fn reload_from(&self, files: &Config) -> Result<(), Error> {
        let previous = self.snapshot.load();
        let snapshot = Snapshot::read(files, Some(&previous)).inspect_err(|error| {
            log::emit!(
                Error,
                CLIENT,
                "reload failed, the client keeps using the previous files: {}: {}",
                error.code().name(),
                error.message()
            );
        })?;
        self.snapshot.store(Arc::new(snapshot));
        log::emit!(Info, CLIENT, "the files are reloaded");
        Ok(())
    }

    /// Reloads the files if they have changed.
    fn reload_if_changed(&self, process: &Process) {
        let Some(files) = &self.files else { return };
        if FileFingerprints::of(&files.sources) != self.snapshot.load().fingerprints
            // If another thread is reading them, it reads the new ones.
            && let Ok(_guard) = process.reloading.try_lock()
        {
            // A failure is logged. The previous certificate may still be valid for a long time.
            let _ = self.reload_from(files);
        }
    }
}

/// Makes the call, reads the response and logs the outcome.
fn exchange(snapshot: &Snapshot, deadline: Deadline) -> Result<Status, Error> {
    let connector = &snapshot.connector;
    let call = Call::new(deadline);
    connector
        .get(&call)
        .and_then(|response| response::read(response, &call, &connector.peer))
        .map_err(|error| {
            let issuer_known = connector.issuer_known();
            diagnose::explain_rejection(error, snapshot.checks.as_deref(), issuer_known)
        })
        .inspect(|_| {
            log::emit!(
                Info,
                CLIENT,
                "{}: HTTP 200 after {} ms, {}",
                connector.peer.name,
                call.deadline().elapsed().as_millis(),
                call.progress().describe_connection()
            );
        })
        .inspect_err(|error| {
            log::emit!(
                Error,
                CLIENT,
                "{}: {} after {} ms",
                connector.peer.name,
                error.code().name(),
                call.deadline().elapsed().as_millis()
            );
        })
}

/// Forgets what a forked child inherited from its parent, without freeing it: the parent's threads may have been
/// anywhere in it at the fork, and the parent still uses its connections.
fn forget_inherited(snapshot: &Arc<Snapshot>) {
    snapshot.connector.abandon();
    std::mem::forget(snapshot.clone());
}

impl Drop for Client {
    fn drop(&mut self) {
        let current = self.shared.snapshot.load();
        if !current.connector.is_ours() {
            forget_inherited(&current);
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Client({})",
            self.shared.snapshot.load().connector.peer.name
        )
    }
}
