//! The two limits of time, and what the client was doing when one passed.

use std::time::{Duration, Instant};

use crate::diagnose::Check;
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

/// A point of the monotonic clock after which nothing is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    length: Duration,
    limit: Limit,
}

impl Deadline {
    /// The limit of a whole call that begins now.
    pub(crate) fn of_call(length: Duration) -> Self {
        Deadline {
            at: Instant::now() + length,
            length,
            limit: Limit::Call,
        }
    }

    /// The limit of connecting, which begins now, never later than this one.
    pub(crate) fn of_connect(self, length: Duration) -> Self {
        let at = Instant::now() + length;
        if at < self.at {
            Deadline {
                at,
                length,
                limit: Limit::Connect,
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

    /// The time that is left; none when it has passed.
    pub(crate) fn remaining(self) -> Option<Duration> {
        let remaining = self.at.saturating_duration_since(Instant::now());
        (!remaining.is_zero()).then_some(remaining)
    }

    /// The error for when it has passed.
    pub(crate) fn error(self, phase: Phase, peer: &str) -> Error {
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
                .error(Phase::Resolve, "h:1")
                .message()
                .contains("connect timeout of 100 ms")
        );
        let call = Deadline::of_call(Duration::from_millis(50)).of_connect(Duration::from_secs(1));
        let error = call.error(Phase::Handshake, "h:1");
        assert!(
            error.message().contains("The timeout of 50 ms") && error.message().contains("h:1"),
            "{error}"
        );
    }
}
