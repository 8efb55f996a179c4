//! Opening the TCP connection: the first of the addresses that answers.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Instant;

use super::deadline::{Deadline, Phase, WaitError};
use super::dns::Resolver;
use super::happy_eyeballs::{self, Attempts};
use super::socket::Socket;
use crate::config::Target;
use crate::error::{Code, Error};
use crate::log;

/// Connects to the first of the target's addresses that answers, and reports to the resolver which ones did not.
pub(super) fn connect(
    target: &Target,
    addresses: &[SocketAddr],
    resolver: &Resolver,
    deadline: &Deadline,
) -> Result<Socket, Error> {
    let started = Instant::now();
    let attempts = happy_eyeballs::connect(addresses, deadline);
    log_failures(&attempts);
    if let Some((socket, index)) = attempts.connected {
        log::emit!(
            Debug,
            TCP,
            "{}: connected ({} ms)",
            addresses[index],
            started.elapsed().as_millis()
        );
        resolver.record_slow(&addresses[..index], addresses[index]);
        return Ok(socket);
    }
    if attempts.ended != Some(WaitError::Cancelled) {
        // The service may have moved to other addresses.
        resolver.invalidate();
    }
    let failures: Vec<_> = attempts
        .failed
        .iter()
        .map(|failed| format!("{}: {}", failed.address.ip(), reason(&failed.error)))
        .collect();
    let failures = failures.join("; ");
    match (attempts.ended, attempts.failed.last()) {
        (None, Some(last)) => Err(Error::new(
            Code::Connect,
            format!("No connection to {target} ({failures})."),
        )
        .with_hint(hint(last.error.kind(), target))
        .with_os_error(&last.error)),
        (ended, failed) => {
            let peer = match failed {
                Some(_) => format!("{target}; {failures}"),
                None => target.to_string(),
            };
            let ended = ended.unwrap_or(WaitError::TimedOut);
            Err(deadline.error(ended, Phase::Connect, &peer))
        }
    }
}

fn log_failures(attempts: &Attempts) {
    for failed in &attempts.failed {
        log::emit!(
            Debug,
            TCP,
            "{}: {} ({} ms)",
            failed.address,
            reason(&failed.error),
            failed.started.elapsed().as_millis()
        );
    }
    for address in &attempts.unanswered {
        log::emit!(Debug, TCP, "{address}: no answer so far");
    }
}

/// Describes why an address could not be connected to.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::TimedOut => "no answer".to_owned(),
        _ => error.to_string(),
    }
}

/// Returns the hint for a connection that could not be made.
pub(super) fn hint(kind: ErrorKind, target: &Target) -> String {
    match kind {
        ErrorKind::ConnectionRefused => format!(
            "Check the host and port in the URL ({target}), and whether the service is down: nothing listens there."
        ),
        _ => Code::Connect.hint().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    #[test]
    fn refused_connection_names_target_and_reason() {
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let target = Target {
            host: "127.0.0.1".into(),
            port: address.port(),
        };
        let resolver = Resolver::new(target.clone());
        let deadline = Deadline::after(Duration::from_secs(5));
        let error = connect(&target, &[address], &resolver, &deadline)
            .err()
            .unwrap();
        assert_eq!(error.code(), Code::Connect);
        assert!(error.message().contains("refused"), "{error}");
        assert!(error.message().contains(&target.to_string()), "{error}");
        assert_ne!(error.os_code(), None);
    }

    #[test]
    fn failed_address_is_tried_last_the_next_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        // Another address, on which nothing listens.
        let bad = SocketAddr::from(([127, 0, 0, 2], good.port()));
        let target = Target {
            host: "dcs.invalid".into(),
            port: good.port(),
        };
        let resolver = Resolver::with_cached(target.clone(), &[bad, good]);
        let deadline = Deadline::after(Duration::from_secs(5));
        let addresses = resolver.resolve(&deadline).unwrap();
        assert!(connect(&target, &addresses, &resolver, &deadline).is_ok());
        assert_eq!(*resolver.resolve(&deadline).unwrap(), [good, bad]);
    }
}
