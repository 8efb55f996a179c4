//! The client: made once from a configuration, shared by all threads.

mod retry_after;
mod single_flight;
mod snapshot;

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::{ArcSwap, Guard};

use crate::config::Config;
use crate::diagnose;
use crate::error::{Code, Error};
use crate::log;
use crate::response;
use crate::status::Status;
use crate::transport::{self, Call, CancelToken, Cancellation, Deadline, Interrupt, Start};
use snapshot::{FileFingerprints, Snapshot};

/// A client of the DCS.
///
/// It holds what calls share: the parsed files, connections that the server keeps alive, TLS sessions to
/// resume, the host's addresses. Make one and keep it for as long as the service runs; any number of
/// threads may call it at once, and they share nothing that one waits for while another is on the network.
///
/// A process that is forked from the one that made it may use and drop it too: there it begins without the parent's
/// connections and sessions, which stay the parent's and are not touched.
pub struct Client {
    current: ArcSwap<Snapshot>,
    interrupt: Arc<Interrupt>,
    /// What a reload reads; `None` where no file is configured. Wiped with the client.
    files: Option<Config>,
    timeout: Duration,
    reload_interval: Option<Duration>,
    honour_retry_after: bool,
    status_max_age: Option<Duration>,
}

impl Client {
    /// Reads the files and makes a client; nothing is sent yet.
    ///
    /// The certificate's chain is completed from the CA bundle. Expired certificates in the bundle stop
    /// nothing. A client without certificate and key can be made: the server then says what it thinks of it.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] if an option's value was rejected and the option was not set since;
    /// [`Code::File`] where a file cannot be read; [`Code::CaBundle`], [`Code::Certificate`],
    /// [`Code::PrivateKey`], [`Code::Password`] where one cannot be used; [`Code::KeyMismatch`] where key and
    /// certificate do not belong together.
    pub fn new(config: &Config) -> Result<Self, Error> {
        config.check()?;
        let generation = Snapshot::read(config, None).inspect_err(|error| {
            log::emit!(
                Error,
                CLIENT,
                "no client was created: {}: {}",
                error.code().name(),
                error.message()
            );
        })?;
        Ok(Client {
            files: config.for_reload(generation.is_bundle_encrypted),
            current: ArcSwap::from_pointee(generation),
            interrupt: Arc::default(),
            timeout: config.timeout,
            reload_interval: config.reload_interval,
            honour_retry_after: config.honour_retry_after,
            status_max_age: config.status_max_age,
        })
    }

    /// Asks the DCS for its status: `GET` to the endpoint.
    ///
    /// Every well-formed 200 is a status, also one that says that the DCS is unavailable. The call ends by
    /// its timeouts. Where a connection that was kept alive turns out to be dead before a byte of the
    /// answer came, the call is made again, once, on a new one.
    ///
    /// # Errors
    /// The network's, TLS's and the service's codes (200 to 599); see [`Code`].
    pub fn status(&self) -> Result<Status, Error> {
        self.call(None)
    }

    /// [`Client::status`], which ends also when it is cancelled, within 100 ms, with [`Code::Interrupted`].
    ///
    /// # Errors
    /// As [`Client::status`].
    pub fn status_until(&self, cancellation: &Cancellation) -> Result<Status, Error> {
        self.call(Some(cancellation))
    }

    /// Ends every call in flight, within 100 ms, with [`Code::Interrupted`]: in any phase, the look-up of the host
    /// included. The client stays usable, and calls that begin afterwards are not concerned.
    pub fn interrupt(&self) {
        self.interrupt.raise();
    }

    /// Reads the files again, and has the calls that begin afterwards use what is in them. Calls in flight end
    /// undisturbed over the connections that they have.
    ///
    /// All or nothing: on a failure the client goes on with what it had.
    ///
    /// # Errors
    /// As [`Client::new`]; [`Code::InvalidArgument`] for a client that was made from no file.
    pub fn reload(&self) -> Result<(), Error> {
        let Some(files) = &self.files else {
            return Err(Error::new(
                Code::InvalidArgument,
                "The client was made from content and not from files: there is nothing to read again.",
            )
            .with_hint("Make a new client from the new content, or configure paths."));
        };
        let process = self.current()?.process.clone();
        let held = process
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let outcome = self.reload_from(files);
        drop(held);
        outcome
    }

    /// Reads the files again; one thread at a time.
    fn reload_from(&self, files: &Config) -> Result<(), Error> {
        let before = self.current.load();
        let read = Snapshot::read(files, Some(&before)).inspect_err(|error| {
            log::emit!(
                Error,
                CLIENT,
                "reload failed, the client keeps using the previous files: {}: {}",
                error.code().name(),
                error.message()
            );
        })?;
        self.current.store(Arc::new(read));
        log::emit!(Info, CLIENT, "the files are reloaded");
        Ok(())
    }

    /// Returns host and port of the endpoint, such as `example.org:443`.
    pub fn peer(&self) -> String {
        self.current.load().connector.peer.clone()
    }

    /// Returns the limit of a whole call.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Until when the client certificate is valid, for a service's own monitoring; a reload may change it. `None`
    /// where none is configured or its dates cannot be read.
    pub fn certificate_not_after(&self) -> Option<SystemTime> {
        self.current.load().not_after()
    }

    /// What calls use now, made anew in a process that was forked since.
    fn current(&self) -> Result<Guard<Arc<Snapshot>>, Error> {
        let current = self.current.load();
        if current.connector.is_ours() {
            return Ok(current);
        }
        let fresh = Arc::new(current.for_child()?);
        let before = self.current.compare_and_swap(&*current, fresh);
        // Another thread of this process may have been first.
        if Arc::ptr_eq(&before, &current) {
            forget_inherited(&current);
        }
        drop((before, current));
        Ok(self.current.load())
    }

    /// Reads the files again where that is due and they have changed.
    fn reload_if_changed(&self, interval: Duration, current: &Snapshot) {
        let Some(files) = &self.files else { return };
        {
            // Whoever is first looks; the others need not wait for it.
            let Ok(mut looked) = current.process.looked.try_lock() else {
                return;
            };
            if looked.is_some_and(|last| last.elapsed() < interval) {
                return;
            }
            *looked = Some(Instant::now());
        }
        if FileFingerprints::of(&files.sources) != current.fingerprints
            // Where somebody reads them already, this call goes on with what there is.
            && let Ok(held) = current.process.reloading.try_lock()
        {
            // Told in the log; the old credentials may serve for a long time yet.
            let _ = self.reload_from(files);
            drop(held);
        }
    }

    fn call(&self, cancellation: Option<&Cancellation>) -> Result<Status, Error> {
        let token = CancelToken::new(&self.interrupt, cancellation);
        let deadline = Deadline::new(self.timeout, token);
        let mut current = self.current()?;
        if deadline.is_cancelled() {
            let peer = &current.connector.peer;
            return Err(Error::new(
                Code::Interrupted,
                format!("The call was interrupted before anything was sent ({peer})."),
            ));
        }
        if let Some(interval) = self.reload_interval {
            self.reload_if_changed(interval, &current);
            current = self.current()?;
        }
        let connector = &current.connector;
        let Some(max_age) = self.status_max_age else {
            return self.call_unless_told_to_wait(&current, deadline);
        };
        let flight = &current.process.single_flight;
        flight.answer(max_age, &deadline, &connector.peer, || {
            self.call_unless_told_to_wait(&current, deadline.clone())
        })
    }

    /// Makes the call where the service has not asked to wait.
    fn call_unless_told_to_wait(
        &self,
        current: &Snapshot,
        deadline: Deadline,
    ) -> Result<Status, Error> {
        if !self.honour_retry_after {
            return exchange(current, deadline);
        }
        let gate = &current.process.retry_after;
        gate.check(&current.connector.peer)?;
        exchange(current, deadline).inspect_err(|error| gate.note(error))
    }
}

/// Makes the call, over a kept connection where there is one.
fn exchange(current: &Snapshot, deadline: Deadline) -> Result<Status, Error> {
    let connector = &current.connector;
    let mut call = Call::new(deadline, Start::Pool);
    let mut answer = transport::get(connector, &call);
    if let Err(error) = &answer
        && call.progress().reused
        && call.progress().first_byte.is_none()
    {
        match error.code() {
            Code::ConnectionLost => {
                log::emit!(
                    Debug,
                    CLIENT,
                    "the kept connection was dead; the call is made again on a new one"
                );
                call = Call::new(call.deadline().clone(), Start::Fresh);
                answer = transport::get(connector, &call);
            }
            Code::Timeout => connector.distrust_kept(call.deadline().started()),
            _ => {}
        }
    }
    answer
        .and_then(|answer| response::read(answer, &call, connector))
        .map_err(|error| {
            let issuer_known = connector.issuer_known();
            diagnose::explain_rejection(error, current.checks.as_deref(), issuer_known)
        })
        .inspect(|_| {
            log::emit!(
                Info,
                CLIENT,
                "{}: HTTP 200 after {} ms, {}",
                connector.peer,
                call.deadline().elapsed().as_millis(),
                call.progress().how()
            );
        })
        .inspect_err(|error| {
            log::emit!(
                Error,
                CLIENT,
                "{}: {} after {} ms",
                connector.peer,
                error.code().name(),
                call.deadline().elapsed().as_millis()
            );
        })
}

/// Leaves what the parent of a forked process has made alone: its threads may have been anywhere in it, and its
/// connections are still in use.
fn forget_inherited(generation: &Arc<Snapshot>) {
    generation.connector.abandon();
    std::mem::forget(generation.clone());
}

impl Drop for Client {
    fn drop(&mut self) {
        let current = self.current.load();
        if !current.connector.is_ours() {
            forget_inherited(&current);
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.current.load().connector.peer)
    }
}
