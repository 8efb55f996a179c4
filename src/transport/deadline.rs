//! The two limits of time and the caller's wish to end a call, and what the client was doing when one came.

use std::io;
use std::time::{Duration, Instant};

use super::cancel::Watch;

use crate::error::Check;
use crate::error::{Code, Error};

/// What a call is doing; a timeout names it.
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
    /// What did not come to an end in this phase.
    pub(crate) fn check(self) -> Check {
        match self {
            Phase::Resolve => Check::Resolve,
            Phase::Connect => Check::Connect,
            Phase::Proxy => Check::Proxy,
            Phase::Handshake => Check::Handshake,
            Phase::Send | Phase::Await | Phase::Receive => Check::Answer,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Phase::Resolve => "looking up the host name",
            Phase::Connect => "waiting for the TCP connection",
            Phase::Proxy => "waiting for the proxy's answer",
            Phase::Handshake => "making the TLS handshake",
            Phase::Send => "sending the request",
            Phase::Await => "waiting for the answer",
            Phase::Receive => "reading the answer",
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    Connect,
    Call,
}

/// The longest that anything waits without a look at whether it is still wanted. The kernel rounds timers of this
/// length to its next tick or two, and longer ones by as much as an eighth.
pub(crate) const ROUND: Duration = Duration::from_millis(64);

/// Why a wait is over although what was waited for did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// The limit of time has passed.
    Late,
    /// The caller ended the call.
    Interrupted,
}

impl Over {
    /// What an error says of a wait that the deadline ended; `None` where it is the system's own.
    pub(crate) fn of(error: &io::Error) -> Option<Over> {
        if error.kind() != io::ErrorKind::TimedOut || error.raw_os_error().is_some() {
            return None;
        }
        match error.get_ref() {
            Some(_) => Some(Over::Interrupted),
            None => Some(Over::Late),
        }
    }
}

/// As an I/O error, of a kind that nothing tries again by itself.
impl From<Over> for io::Error {
    fn from(over: Over) -> Self {
        match over {
            Over::Late => io::ErrorKind::TimedOut.into(),
            Over::Interrupted => {
                io::Error::new(io::ErrorKind::TimedOut, "the call was interrupted")
            }
        }
    }
}

/// A point of the monotonic clock after which nothing is waited for, and the call's interruption, which ends every wait
/// before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline<'a> {
    at: Instant,
    length: Duration,
    limit: Limit,
    watch: Watch<'a>,
}

impl<'a> Deadline<'a> {
    /// The limit of a whole call that begins now, and that nobody interrupts.
    pub(crate) fn of_call(length: Duration) -> Self {
        Deadline {
            at: Instant::now() + length,
            length,
            limit: Limit::Call,
            watch: Watch::default(),
        }
    }

    /// The same limit for a call that can be interrupted.
    pub(crate) fn watched<'w>(self, watch: Watch<'w>) -> Deadline<'w> {
        Deadline {
            at: self.at,
            length: self.length,
            limit: self.limit,
            watch,
        }
    }

    /// The same limit without who watches it, which can be kept.
    pub(crate) fn unwatched(self) -> Deadline<'static> {
        self.watched(Watch::default())
    }

    /// The limit of connecting, which begins now, never later than this one.
    pub(crate) fn of_connect(self, length: Duration) -> Self {
        let at = Instant::now() + length;
        if at < self.at {
            Deadline {
                at,
                length,
                limit: Limit::Connect,
                watch: self.watch,
            }
        } else {
            self
        }
    }

    /// The same limit, but no more than `length` from now.
    pub(crate) fn at_most(self, length: Duration) -> Self {
        Deadline {
            at: self.at.min(Instant::now() + length),
            ..self
        }
    }

    /// The time that is left.
    ///
    /// # Errors
    /// Where nothing is to be waited for any more.
    pub(crate) fn remaining(self) -> Result<Duration, Over> {
        if self.watch.is_interrupted() || self.watch.is_signalled() {
            return Err(Over::Interrupted);
        }
        let remaining = self.at.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Err(Over::Late);
        }
        Ok(remaining)
    }

    /// How long to wait before the next look at whether there is still time.
    ///
    /// # Errors
    /// Where nothing is to be waited for any more.
    pub(crate) fn round(self) -> Result<Duration, Over> {
        self.remaining().map(|remaining| remaining.min(ROUND))
    }

    /// The error for when it is over.
    pub(crate) fn error(self, over: Over, phase: Phase, peer: &str) -> Error {
        match over {
            Over::Late => self.late(phase, peer),
            Over::Interrupted => Error::new(
                Code::Interrupted,
                format!("The call was interrupted while {} ({peer}).", phase.words()),
            ),
        }
    }

    fn late(self, phase: Phase, peer: &str) -> Error {
        let (name, option) = match self.limit {
            Limit::Connect => ("connect timeout", "the connect timeout"),
            Limit::Call => ("timeout", "the timeout"),
        };
        Error::new(
            Code::Timeout,
            format!(
                "The {name} of {} ms passed while {} ({peer}).",
                self.length.as_millis(),
                phase.words()
            ),
        )
        .with_check(phase.check())
        .with_hint(match phase {
            Phase::Resolve => format!("Check this machine's DNS; or raise {option}."),
            Phase::Connect => format!(
                "A firewall may drop the packets: check that this machine may reach {peer}; or raise {option}."
            ),
            Phase::Proxy => format!("Check that the proxy is one and works; or raise {option}."),
            Phase::Handshake => format!(
                "Check that {peer} is a TLS server; an inspecting firewall can hold a handshake up; or raise {option}."
            ),
            Phase::Send | Phase::Await | Phase::Receive => {
                format!("The service is slow: try again; or raise {option}.")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_limit_is_the_one_that_is_named() {
        let call = Deadline::of_call(Duration::from_millis(500));
        let connect = call.of_connect(Duration::from_millis(100));
        assert!(
            connect
                .error(Over::Late, Phase::Resolve, "h:1")
                .message()
                .contains("connect timeout of 100 ms")
        );
        let call = Deadline::of_call(Duration::from_millis(50)).of_connect(Duration::from_secs(1));
        let error = call.error(Over::Late, Phase::Handshake, "h:1");
        assert!(
            error.message().contains("The timeout of 50 ms") && error.message().contains("h:1"),
            "{error}"
        );
    }

    #[test]
    fn a_part_of_the_time_is_never_more_than_the_whole() {
        let long = Deadline::of_call(Duration::from_secs(3600));
        let part = long.at_most(Duration::from_secs(60)).remaining().unwrap();
        assert!(part <= Duration::from_secs(60) && part > Duration::from_secs(1));
        let short = Deadline::of_call(Duration::from_secs(60)).at_most(Duration::from_secs(3600));
        assert!(short.remaining().unwrap() <= Duration::from_secs(60));
    }

    #[test]
    fn only_our_own_errors_are_about_the_deadline() {
        for over in [Over::Late, Over::Interrupted] {
            assert_eq!(Over::of(&over.into()), Some(over));
        }
        assert_eq!(Over::of(&io::ErrorKind::ConnectionReset.into()), None);
        // The kernel has given the peer up, which is not that the time is over.
        #[cfg(unix)]
        assert_eq!(
            Over::of(&io::Error::from_raw_os_error(libc::ETIMEDOUT)),
            None
        );
    }

    #[test]
    fn what_did_not_end_is_named() {
        let deadline = Deadline::of_call(Duration::from_secs(1));
        for (phase, check, words) in [
            (Phase::Resolve, Check::Resolve, "looking up"),
            (Phase::Connect, Check::Connect, "TCP"),
            (Phase::Proxy, Check::Proxy, "proxy"),
            (Phase::Handshake, Check::Handshake, "TLS handshake"),
            (Phase::Send, Check::Answer, "sending"),
            (Phase::Await, Check::Answer, "waiting for the answer"),
            (Phase::Receive, Check::Answer, "reading"),
        ] {
            let error = deadline.error(Over::Late, phase, "h:1");
            assert_eq!((error.code(), error.check()), (Code::Timeout, Some(check)));
            assert!(error.message().contains(words), "{error}");
            let error = deadline.error(Over::Interrupted, phase, "h:1");
            assert_eq!(error.code(), Code::Interrupted);
            assert!(error.message().contains(words), "{error}");
        }
    }
}
