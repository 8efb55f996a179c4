//! Opening the TCP connection: look-up, then each address in turn.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use super::deadline::{Deadline, Phase};
use super::dns::Resolver;
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

/// Connects to the target. An address that does not answer gets its share of the time that is left, so
/// that the ones after it have a chance.
pub(crate) fn connect(
    target: &Target,
    resolver: &Resolver,
    deadline: Deadline,
) -> Result<(Socket, TcpTimes), Error> {
    let begun = Instant::now();
    let addresses = resolver.resolve(deadline)?;
    let dns = begun.elapsed();

    let mut failures = Vec::new();
    let mut last = None;
    for (index, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let Some(remaining) = deadline.remaining() else {
            break;
        };
        let tried = Instant::now();
        match Socket::connect(address, remaining / left) {
            Ok(socket) => {
                let tcp = begun.elapsed() - dns;
                log::emit!(
                    Debug,
                    TCP,
                    "{address}: connected ({} ms)",
                    tried.elapsed().as_millis()
                );
                return Ok((socket, TcpTimes { dns, tcp }));
            }
            Err(error) => {
                let reason = match error.kind() {
                    ErrorKind::ConnectionRefused => "connection refused".to_owned(),
                    ErrorKind::TimedOut => "no answer".to_owned(),
                    _ => error.to_string(),
                };
                log::emit!(
                    Debug,
                    TCP,
                    "{address}: {reason} ({} ms)",
                    tried.elapsed().as_millis()
                );
                failures.push(format!("{}: {reason}", address.ip()));
                last = Some(error);
            }
        }
    }
    // The service may have moved to other addresses.
    resolver.forget();

    match last {
        Some(error) if error.kind() != ErrorKind::TimedOut && deadline.remaining().is_some() => {
            let hint = hint(error.kind(), target);
            Err(Error::new(
                Code::Connect,
                format!("No connection to {target} ({}).", failures.join("; ")),
            )
            .with_hint(hint)
            .with_os_error(&error))
        }
        _ => Err(deadline.error(Phase::Connect, &target.to_string())),
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
    use std::net::TcpListener;

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
        let deadline = Deadline::of_call(Duration::from_secs(5));
        let error = connect(&target, &resolver, deadline).err().unwrap();
        assert_eq!(error.code(), Code::Connect);
        assert!(error.message().contains("refused"), "{error}");
        assert!(error.message().contains(&target.to_string()), "{error}");
        assert_ne!(error.os_code(), None);
    }
}
