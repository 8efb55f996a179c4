//! The deadline of a call: its timeouts, its cancellation, and the error that says what the call was doing.

use std::io;
use std::time::{Duration, Instant};

use super::cancel::CancelToken;
use crate::error::{Check, Code, Error};

/// What a call is doing. The error of a timeout names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Resolve,
    Connect,
    Proxy,
    Handshake,
    Send,
    Await,
    Receive,
}

impl Phase {
    /// Returns the check that fails if a call ends in this phase.
    pub(crate) fn check(self) -> Check {
        match self {
            Phase::Resolve => Check::Resolve,
            Phase::Connect => Check::Connect,
            Phase::Proxy => Check::Proxy,
            Phase::Handshake => Check::Handshake,
            Phase::Send | Phase::Await | Phase::Receive => Check::Answer,
        }
    }

    fn description(self) -> &'static str {
        match self {
            Phase::Resolve => "looking up the host name",
            Phase::Connect => "waiting for the TCP connection",
            Phase::Proxy => "waiting for the proxy's response",
            Phase::Handshake => "making the TLS handshake",
            Phase::Send => "sending the request",
            Phase::Await => "waiting for the response",
            Phase::Receive => "reading the response",
        }
    }
}

/// The option that a deadline comes from.
#[derive(Clone, Copy, Debug)]
enum Timeout {
    Connect,
    Call,
}

/// The longest wait before the next check for cancellation. The kernel rounds timers of this length up to its next tick
/// or two, and longer ones by as much as an eighth.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(64);

/// Why a wait ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitError {
    TimedOut,
    Cancelled,
}

impl WaitError {
    /// Returns why the deadline ended a read or write; `None` if the error is the system's own.
    pub(crate) fn from_io(error: &io::Error) -> Option<WaitError> {
        if error.kind() != io::ErrorKind::TimedOut || error.raw_os_error().is_some() {
            return None;
        }
        match error.get_ref() {
            Some(_) => Some(WaitError::Cancelled),
            None => Some(WaitError::TimedOut),
        }
    }
}

/// As an I/O error, of a kind that no caller retries by itself.
impl From<WaitError> for io::Error {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::TimedOut => io::ErrorKind::TimedOut.into(),
            WaitError::Cancelled => {
                io::Error::new(io::ErrorKind::TimedOut, "the call was interrupted")
            }
        }
    }
}

/// The time at which a call must end, and the token that ends it before.
///
/// Functions borrow it: a clone costs two atomic operations.
#[derive(Clone, Debug)]
pub(crate) struct Deadline {
    started: Instant,
    at: Instant,
    length: Duration,
    timeout: Timeout,
    token: CancelToken,
}

impl Deadline {
    /// Creates the deadline of a call that starts now.
    pub(crate) fn new(length: Duration, token: CancelToken) -> Self {
        let started = Instant::now();
        Deadline {
            started,
            at: started + length,
            length,
            timeout: Timeout::Call,
            token,
        }
    }

    /// Creates a deadline that starts now and cannot be cancelled.
    pub(crate) fn after(length: Duration) -> Self {
        Deadline::new(length, CancelToken::default())
    }

    /// Returns the deadline for connecting: the connect timeout from now, but never later than this one.
    pub(crate) fn for_connect(&self, length: Duration) -> Self {
        let at = Instant::now() + length;
        if at >= self.at {
            return self.clone();
        }
        Deadline {
            at,
            length,
            timeout: Timeout::Connect,
            ..self.clone()
        }
    }

    /// Returns this deadline, but no later than `length` from now.
    pub(crate) fn at_most(&self, length: Duration) -> Self {
        Deadline {
            at: self.at.min(Instant::now() + length),
            ..self.clone()
        }
    }

    /// Returns when the call started.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Returns the time since the call started.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns whether the call was cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Returns the time that is left. May run the cancellation's callback, so no lock may be held.
    ///
    /// # Errors
    /// If the deadline has passed or the call was cancelled.
    pub(crate) fn remaining(&self) -> Result<Duration, WaitError> {
        let now = Instant::now();
        // A peer that sends byte by byte could otherwise keep the callback from running.
        if now - self.started >= POLL_INTERVAL {
            self.token.run_callback(POLL_INTERVAL);
        }
        if self.token.is_cancelled() {
            return Err(WaitError::Cancelled);
        }
        let remaining = self.at.saturating_duration_since(now);
        if remaining.is_zero() {
            return Err(WaitError::TimedOut);
        }
        Ok(remaining)
    }

    /// Returns how long to wait before the next check: the time that is left, at most [`POLL_INTERVAL`]. Runs the
    /// cancellation's callback first, so no lock may be held.
    ///
    /// # Errors
    /// As [`Deadline::remaining`].
    pub(crate) fn next_wait(&self) -> Result<Duration, WaitError> {
        self.token.run_callback(Duration::ZERO);
        self.remaining()
            .map(|remaining| remaining.min(POLL_INTERVAL))
    }

    /// Returns the error for a wait that ended early.
    pub(crate) fn error(&self, error: WaitError, phase: Phase, peer: &str) -> Error {
        match error {
            WaitError::TimedOut => self.timed_out(phase, peer),
            WaitError::Cancelled => Error::new(
                Code::Interrupted,
                format!(
                    "The call was interrupted while {} ({peer}).",
                    phase.description()
                ),
            ),
        }
    }

    fn timed_out(&self, phase: Phase, peer: &str) -> Error {
        let (name, option) = match self.timeout {
            Timeout::Connect => ("connect timeout", "the connect timeout"),
            Timeout::Call => ("timeout", "the timeout"),
        };
        Error::new(
            Code::Timeout,
            format!(
                "The {name} of {} ms passed while {} ({peer}).",
                self.length.as_millis(),
                phase.description()
            ),
        )
        .with_check(phase.check())
        .with_hint(match phase {
            Phase::Resolve => format!("Check this machine's DNS, or raise {option}."),
            Phase::Connect => format!(
                "Check that this machine may reach {peer}, or raise {option}. A firewall may drop the packets."
            ),
            Phase::Proxy => format!("Check that the proxy works, or raise {option}."),
            Phase::Handshake => format!(
                "Check that {peer} is a TLS server, or raise {option}. A firewall that inspects TLS can delay a handshake."
            ),
            Phase::Send | Phase::Await | Phase::Receive => {
                format!("Try again, or raise {option}: the service is slow.")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_names_the_nearer_timeout() {
        let call = Deadline::after(Duration::from_millis(500));
        let connect = call.for_connect(Duration::from_millis(100));
        assert!(
            connect
                .error(WaitError::TimedOut, Phase::Resolve, "h:1")
                .message()
                .contains("connect timeout of 100 ms")
        );
        let call = Deadline::after(Duration::from_millis(50)).for_connect(Duration::from_secs(1));
        let error = call.error(WaitError::TimedOut, Phase::Handshake, "h:1");
        assert!(
            error.message().contains("The timeout of 50 ms") && error.message().contains("h:1"),
            "{error}"
        );
    }

    #[test]
    fn at_most_never_extends_a_deadline() {
        let long = Deadline::after(Duration::from_secs(3600));
        let part = long.at_most(Duration::from_secs(60)).remaining().unwrap();
        assert!(part <= Duration::from_secs(60) && part > Duration::from_secs(1));
        let short = Deadline::after(Duration::from_secs(60)).at_most(Duration::from_secs(3600));
        assert!(short.remaining().unwrap() <= Duration::from_secs(60));
    }

    #[test]
    fn system_errors_are_no_wait_errors() {
        for error in [WaitError::TimedOut, WaitError::Cancelled] {
            assert_eq!(WaitError::from_io(&error.into()), Some(error));
        }
        assert_eq!(
            WaitError::from_io(&io::ErrorKind::ConnectionReset.into()),
            None
        );
        // The kernel has given up on the peer; the deadline has not passed.
        #[cfg(unix)]
        assert_eq!(
            WaitError::from_io(&io::Error::from_raw_os_error(libc::ETIMEDOUT)),
            None
        );
    }

    #[test]
    fn error_names_the_phase() {
        let deadline = Deadline::after(Duration::from_secs(1));
        for (phase, check, words) in [
            (Phase::Resolve, Check::Resolve, "looking up"),
            (Phase::Connect, Check::Connect, "TCP"),
            (Phase::Proxy, Check::Proxy, "proxy"),
            (Phase::Handshake, Check::Handshake, "TLS handshake"),
            (Phase::Send, Check::Answer, "sending"),
            (Phase::Await, Check::Answer, "waiting for the response"),
            (Phase::Receive, Check::Answer, "reading"),
        ] {
            let error = deadline.error(WaitError::TimedOut, phase, "h:1");
            assert_eq!((error.code(), error.check()), (Code::Timeout, Some(check)));
            assert!(error.message().contains(words), "{error}");
            let error = deadline.error(WaitError::Cancelled, phase, "h:1");
            assert_eq!(error.code(), Code::Interrupted);
            assert!(error.message().contains(words), "{error}");
        }
    }
}
