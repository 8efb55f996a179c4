//! Opening the TCP connection: look-up, then the address that answers first.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use super::deadline::{Deadline, Phase, WaitError};
use super::dns::Resolver;
use super::happy_eyeballs::{self, Tried};
use super::socket::Socket;
use crate::config::Target;
use crate::error::{Code, Error};
use crate::log;

/// How long the two steps took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TcpTimes {
    pub(crate) dns: Duration,
    pub(crate) tcp: Duration,
}

/// Connects to the target, at the first of its addresses that answers.
pub(crate) fn connect(
    target: &Target,
    resolver: &Resolver,
    deadline: &Deadline,
) -> Result<(Socket, TcpTimes), Error> {
    let begun = Instant::now();
    let addresses = resolver.resolve(deadline)?;
    let dns = begun.elapsed();

    let tried = happy_eyeballs::connect(&addresses, deadline);
    log_failures(&tried);
    if let Some((socket, index)) = tried.connected {
        let tcp = begun.elapsed() - dns;
        log::emit!(
            Debug,
            TCP,
            "{}: connected ({} ms)",
            addresses[index],
            tcp.as_millis()
        );
        resolver.note(&addresses[..index], addresses[index]);
        return Ok((socket, TcpTimes { dns, tcp }));
    }
    if tried.over != Some(WaitError::Cancelled) {
        // The service may have moved to other addresses.
        resolver.forget();
    }
    let words = tried.failed.iter();
    let words: Vec<_> = words
        .map(|failed| format!("{}: {}", failed.address.ip(), reason(&failed.error)))
        .collect();
    let words = words.join("; ");
    match (tried.over, tried.failed.last()) {
        (None, Some(last)) => Err(Error::new(
            Code::Connect,
            format!("No connection to {target} ({words})."),
        )
        .with_hint(hint(last.error.kind(), target))
        .with_os_error(&last.error)),
        (over, failed) => {
            let peer = match failed {
                Some(_) => format!("{target}; {words}"),
                None => target.to_string(),
            };
            Err(deadline.error(over.unwrap_or(WaitError::TimedOut), Phase::Connect, &peer))
        }
    }
}

fn log_failures(tried: &Tried) {
    for failed in &tried.failed {
        log::emit!(
            Debug,
            TCP,
            "{}: {} ({} ms)",
            failed.address,
            reason(&failed.error),
            failed.begun.elapsed().as_millis()
        );
    }
    for address in &tried.unanswered {
        log::emit!(Debug, TCP, "{address}: no answer so far");
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::TimedOut => "no answer".to_owned(),
        _ => error.to_string(),
    }
}

/// What to do about a connection that could not be made.
pub(crate) fn hint(kind: ErrorKind, target: &Target) -> String {
    match kind {
        ErrorKind::ConnectionRefused => format!(
            "Nothing listens there: check the host and port in the URL ({target}), or whether the service is down."
        ),
        _ => Code::Connect.hint().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use super::*;

    #[test]
    fn a_refused_connection_names_host_address_and_reason() {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let target = Target {
            host: "127.0.0.1".into(),
            port,
        };
        let resolver = Resolver::new(target.clone());
        let deadline = Deadline::after(Duration::from_secs(5));
        let error = connect(&target, &resolver, &deadline).err().unwrap();
        assert_eq!(error.code(), Code::Connect);
        assert!(error.message().contains("refused"), "{error}");
        assert!(error.message().contains(&target.to_string()), "{error}");
        assert_ne!(error.os_code(), None);
    }

    #[test]
    fn an_address_that_failed_is_tried_last_the_next_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        // Of another address, on which nothing listens.
        let bad = SocketAddr::from(([127, 0, 0, 2], good.port()));
        let target = Target {
            host: "dcs.invalid".into(),
            port: good.port(),
        };
        let resolver = Resolver::with_answer(target.clone(), &[bad, good]);
        let deadline = Deadline::after(Duration::from_secs(5));
        assert!(connect(&target, &resolver, &deadline).is_ok());
        assert_eq!(*resolver.resolve(&deadline).unwrap(), [good, bad]);
    }
}
