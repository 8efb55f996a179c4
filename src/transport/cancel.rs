//! Ending calls that are in flight: all of a client, or a single one.
//!
//! Nothing is sent to the threads that wait. Each of them looks here between the short rounds that every wait
//! is made of, so that no socket is shut down under a call and no descriptor can be mistaken for another.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use crate::error::{Code, Error};
use crate::sys;

/// Counts how often a client's calls were interrupted.
#[derive(Default)]
pub(crate) struct Interrupt(AtomicU64);

impl Interrupt {
    /// Ends the calls that have begun by now.
    pub(crate) fn raise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Ends the calls that it was given to; see [`Client::status_until`](crate::Client::status_until).
///
/// Shared by any number of threads and calls. Once cancelled it stays so.
#[derive(Clone, Default)]
pub struct Cancellation(Arc<State>);

#[derive(Default)]
struct State {
    is_cancelled: AtomicBool,
    /// One more than the descriptor; 0 where there is none.
    descriptor: AtomicI64,
}

impl Cancellation {
    /// One that nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the calls in flight that it was given to, within 100 ms, and later ones before they send anything.
    pub fn cancel(&self) {
        self.0.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was cancelled. What the descriptor has to say does not count.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::Relaxed)
    }

    /// Ends calls also while something can be read from the descriptor: a pipe, a socket, an eventfd. It is only looked
    /// at, about every 60 ms, and stays the caller's, who keeps it open until the calls are back. `None`
    /// takes it back.
    ///
    /// That is how a signal handler ends a call: by a byte written to a pipe.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] on Windows, where there are no such descriptors.
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

    fn is_signalled(&self) -> bool {
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

/// What ends a call before its limit of time does.
#[derive(Clone, Copy, Default)]
pub(crate) struct Watch<'a> {
    /// The client's count of interruptions, and what it was when the call began.
    client: Option<(&'a Interrupt, u64)>,
    cancellation: Option<&'a Cancellation>,
}

impl Watch<'_> {
    /// Costs next to nothing.
    pub(crate) fn is_interrupted(self) -> bool {
        self.client
            .is_some_and(|(interrupt, then)| interrupt.count() != then)
            || self.cancellation.is_some_and(Cancellation::is_cancelled)
    }

    /// Costs a system call where there is a descriptor to look at.
    pub(crate) fn is_signalled(self) -> bool {
        self.cancellation.is_some_and(Cancellation::is_signalled)
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watch({})", self.is_interrupted())
    }
}

/// The ways in which a call may be ended, taken when it begins.
#[derive(Clone, Default)]
pub(crate) struct Wishes {
    client: Option<(Arc<Interrupt>, u64)>,
    cancellation: Option<Cancellation>,
}

impl Wishes {
    /// Of a call that begins now.
    pub(crate) fn new(interrupt: &Arc<Interrupt>, cancellation: Option<&Cancellation>) -> Self {
        Wishes {
            client: Some((interrupt.clone(), interrupt.count())),
            cancellation: cancellation.cloned(),
        }
    }

    /// Of what is not a client's call.
    pub(crate) fn of_cancellation(cancellation: &Cancellation) -> Self {
        Wishes {
            client: None,
            cancellation: Some(cancellation.clone()),
        }
    }

    pub(crate) fn watch(&self) -> Watch<'_> {
        Watch {
            client: self
                .client
                .as_ref()
                .map(|(interrupt, then)| (&**interrupt, *then)),
            cancellation: self.cancellation.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_is_for_the_calls_that_have_begun() {
        let interrupt = Arc::new(Interrupt::default());
        let before = Wishes::new(&interrupt, None);
        assert!(!before.watch().is_interrupted());
        interrupt.raise();
        assert!(before.watch().is_interrupted());
        assert!(!Wishes::new(&interrupt, None).watch().is_interrupted());
        assert!(!Wishes::default().watch().is_interrupted());
    }

    #[test]
    fn a_cancellation_stays() {
        let cancellation = Cancellation::new();
        let wishes = Wishes::new(&Arc::default(), Some(&cancellation));
        assert!(!wishes.watch().is_interrupted());
        cancellation.cancel();
        assert!(wishes.watch().is_interrupted() && cancellation.is_cancelled());
    }

    #[cfg(unix)]
    #[test]
    fn a_descriptor_counts_while_it_can_be_read() {
        use std::io::{Read, Write};
        use std::os::fd::AsRawFd;

        let (mut reader, mut writer) = std::io::pipe().unwrap();
        let cancellation = Cancellation::new();
        let wishes = Wishes::new(&Arc::default(), Some(&cancellation));
        cancellation
            .set_descriptor(Some(reader.as_raw_fd()))
            .unwrap();
        assert!(!wishes.watch().is_signalled());
        writer.write_all(b"x").unwrap();
        assert!(wishes.watch().is_signalled() && !wishes.watch().is_interrupted());
        reader.read_exact(&mut [0]).unwrap();
        assert!(!wishes.watch().is_signalled());
        drop(writer);
        assert!(wishes.watch().is_signalled());
        cancellation.set_descriptor(None).unwrap();
        assert!(!wishes.watch().is_signalled());
        // One that is not open says nothing.
        cancellation.set_descriptor(Some(1_000_000)).unwrap();
        assert!(!wishes.watch().is_signalled());
    }
}
