//! Cancelling calls in flight: all calls of a client, or a single one.
//!
//! A waiting thread is not signalled, and no socket is shut down under a call: its descriptor could by then be
//! another's. Every wait consists of short intervals, and the thread checks its [`CancelToken`] between them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use crate::error::{Code, Error};
use crate::{fork_gate, handshake, sys};

/// Cancels the calls of one client. Counts how often that was done, so that later calls are not affected.
#[derive(Default)]
pub(crate) struct Interrupt(AtomicU64);

impl Interrupt {
    /// Cancels every call that has started by now.
    pub(crate) fn raise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Cancels the calls that it is passed to; see [`Client::status_until`](crate::Client::status_until).
///
/// Any number of threads and calls may share one. Once cancelled, it stays cancelled.
#[derive(Clone, Default)]
pub struct Cancellation(Arc<State>);

#[derive(Default)]
struct State {
    is_cancelled: AtomicBool,
    /// One more than the descriptor; 0 if there is none.
    descriptor: AtomicI64,
    callback: ArcSwapOption<Callback>,
}

struct Callback {
    goes_on: Box<dyn Fn() -> bool + Send + Sync>,
    created: Instant,
    /// When it last ran, in milliseconds since `created`.
    ran_ms: AtomicU64,
}

impl Callback {
    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Cancellation {
    /// Creates one that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels the calls in flight that it was passed to, within 100 ms, and later ones before they send anything.
    pub fn cancel(&self) {
        self.0.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Returns whether [`Cancellation::cancel`] was called. Does not check the descriptor.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::Relaxed)
    }

    /// Sets a descriptor (a pipe, a socket, an eventfd) that also cancels calls while it is readable; `None` removes
    /// it.
    ///
    /// A waiting call polls it about every 60 ms and reads nothing from it. It stays the caller's, who must keep it
    /// open until the calls have returned. A signal handler can cancel a call by writing a byte to a pipe.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] on Windows, where descriptors cannot be polled.
    pub fn set_descriptor(&self, descriptor: Option<i32>) -> Result<(), Error> {
        if !sys::HAS_POLLABLE_DESCRIPTORS && descriptor.is_some() {
            return Err(Error::new(
                Code::InvalidArgument,
                "A call cannot be ended by a descriptor on this system.",
            ));
        }
        let number = descriptor.map_or(0, |descriptor| i64::from(descriptor) + 1);
        self.0.descriptor.store(number, Ordering::Relaxed);
        Ok(())
    }

    /// Sets a function that a waiting call runs about every 60 ms, and whenever a signal interrupts its wait: true lets
    /// the call go on, false cancels. `None` removes it.
    ///
    /// It runs on the thread of the call, which holds no lock then, so it may make calls. An interpreter can run its
    /// signal handlers there, which it otherwise runs only between two instructions.
    pub fn set_callback<F>(&self, callback: Option<F>)
    where
        F: Fn() -> bool + Send + Sync + 'static,
    {
        self.0.callback.store(callback.map(|goes_on| {
            Arc::new(Callback {
                goes_on: Box::new(goes_on),
                created: Instant::now(),
                ran_ms: AtomicU64::new(0),
            })
        }));
    }

    fn run_callback(&self, min_interval: Duration) {
        let Some(callback) = self.0.callback.load_full() else {
            return;
        };
        let (now, ran) = (
            callback.elapsed_ms(),
            callback.ran_ms.load(Ordering::Relaxed),
        );
        if u128::from(now.saturating_sub(ran)) < min_interval.as_millis() {
            return;
        }
        callback.ran_ms.store(now, Ordering::Relaxed);
        // A handshake of the callback's own must not be taken for the one that this thread is in.
        let suspended = handshake::suspend();
        let process = fork_gate::this_process();
        let goes_on = (callback.goes_on)();
        drop(suspended);
        // A child that was forked in the callback must not read from the connection, which is its parent's.
        if !goes_on || fork_gate::this_process() != process {
            self.cancel();
        }
    }

    fn is_descriptor_readable(&self) -> bool {
        match self.0.descriptor.load(Ordering::Relaxed) {
            0 => false,
            number => sys::is_readable(number - 1),
        }
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancellation({})", self.is_cancelled())
    }
}

/// What can cancel a call before its deadline, taken when the call starts.
#[derive(Clone, Default)]
pub(crate) struct CancelToken {
    /// The client's interrupt, and its count when the call started.
    client: Option<(Arc<Interrupt>, u64)>,
    cancellation: Option<Cancellation>,
}

impl CancelToken {
    /// Creates the token of a client's call that starts now.
    pub(crate) fn new(interrupt: &Arc<Interrupt>, cancellation: Option<&Cancellation>) -> Self {
        CancelToken {
            client: Some((interrupt.clone(), interrupt.count())),
            cancellation: cancellation.cloned(),
        }
    }

    /// Runs the cancellation's callback, if it has one and did not run within the interval. No lock may be held.
    pub(crate) fn run_callback(&self, min_interval: Duration) {
        if let Some(own) = &self.cancellation {
            own.run_callback(min_interval);
        }
    }

    /// Returns whether the call was cancelled. Makes a system call only if the cancellation has a descriptor.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.client
            .as_ref()
            .is_some_and(|(interrupt, count_at_start)| interrupt.count() != *count_at_start)
            || self
                .cancellation
                .as_ref()
                .is_some_and(|own| own.is_cancelled() || own.is_descriptor_readable())
    }
}

/// The token of something that is no client's call.
impl From<&Cancellation> for CancelToken {
    fn from(cancellation: &Cancellation) -> Self {
        CancelToken {
            client: None,
            cancellation: Some(cancellation.clone()),
        }
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CancelToken({})", self.is_cancelled())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interrupt_cancels_only_calls_already_started() {
        let interrupt = Arc::new(Interrupt::default());
        let before = CancelToken::new(&interrupt, None);
        assert!(!before.is_cancelled());
        interrupt.raise();
        assert!(before.is_cancelled());
        assert!(!CancelToken::new(&interrupt, None).is_cancelled());
        assert!(!CancelToken::default().is_cancelled());
    }

    #[test]
    fn cancellation_is_permanent() {
        let cancellation = Cancellation::new();
        let token = CancelToken::new(&Arc::default(), Some(&cancellation));
        assert!(!token.is_cancelled());
        cancellation.cancel();
        assert!(token.is_cancelled() && cancellation.is_cancelled());
        assert!(CancelToken::from(&cancellation).is_cancelled());
    }

    #[test]
    fn callback_cancels_if_it_returns_false() {
        let cancellation = Cancellation::new();
        let goes_on = Arc::new(AtomicBool::new(true));
        let own = goes_on.clone();
        cancellation.set_callback(Some(move || own.load(Ordering::Relaxed)));
        let token = CancelToken::from(&cancellation);
        token.run_callback(Duration::ZERO);
        assert!(!token.is_cancelled());
        goes_on.store(false, Ordering::Relaxed);
        token.run_callback(Duration::from_secs(3600));
        assert!(!token.is_cancelled());
        token.run_callback(Duration::ZERO);
        assert!(token.is_cancelled() && cancellation.is_cancelled());

        let cancellation = Cancellation::new();
        cancellation.set_callback(Some(|| false));
        cancellation.set_callback(None::<fn() -> bool>);
        CancelToken::from(&cancellation).run_callback(Duration::ZERO);
        assert!(!cancellation.is_cancelled());
    }

    #[cfg(unix)]
    #[test]
    fn descriptor_cancels_while_readable() {
        use std::io::{Read, Write};
        use std::os::fd::AsRawFd;

        let (mut reader, mut writer) = std::io::pipe().unwrap();
        let cancellation = Cancellation::new();
        let token = CancelToken::from(&cancellation);
        cancellation
            .set_descriptor(Some(reader.as_raw_fd()))
            .unwrap();
        assert!(!token.is_cancelled());
        writer.write_all(b"x").unwrap();
        assert!(token.is_cancelled() && !cancellation.is_cancelled());
        reader.read_exact(&mut [0]).unwrap();
        assert!(!token.is_cancelled());
        drop(writer);
        assert!(token.is_cancelled());
        cancellation.set_descriptor(None).unwrap();
        assert!(!token.is_cancelled());
        // A descriptor that is not open is ignored.
        cancellation.set_descriptor(Some(1_000_000)).unwrap();
        assert!(!token.is_cancelled());
    }
}
