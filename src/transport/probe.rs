//! The steps of a connection one by one, for a diagnosis: each tried on its own and told with its outcome.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::connector::Connector;
use super::deadline::{Deadline, Phase, WaitError};
use super::socket::Socket;
use super::{proxy, tcp};
use crate::error::{Code, Error};
use crate::handshake::{self, HandshakeCapture};

/// What a step came to, and the time it took.
pub(crate) struct Trial<T> {
    pub(crate) outcome: Result<T, Error>,
    pub(crate) duration: Duration,
}

fn timed<T>(step: impl FnOnce() -> Result<T, Error>) -> Trial<T> {
    let begun = Instant::now();
    let outcome = step();
    Trial {
        outcome,
        duration: begun.elapsed(),
    }
}

impl Connector {
    /// Looks up the first host on the way: the proxy's, where there is one.
    pub(crate) fn try_look_up(&self, deadline: &Deadline) -> Trial<Arc<[SocketAddr]>> {
        timed(|| self.resolver.resolve(deadline))
    }

    /// Makes a TCP connection to one address of the first host on the way, and closes it again.
    pub(crate) fn try_tcp(&self, address: SocketAddr, deadline: &Deadline) -> Trial<()> {
        timed(|| self.open_socket(address, deadline).map(drop))
    }

    /// Asks the proxy for the tunnel, and closes it again.
    pub(crate) fn try_proxy(&self, address: SocketAddr, deadline: &Deadline) -> Trial<()> {
        timed(|| {
            let Some(proxy) = &self.config.proxy else {
                return Ok(());
            };
            let mut socket = self.open_socket(address, deadline)?;
            proxy::connect(&mut socket, proxy, &self.config.endpoint.target, deadline)
        })
    }

    /// Opens a connection, and keeps what the server showed and asked for.
    pub(crate) fn try_connect(&self, deadline: &Deadline) -> (Trial<Connection>, HandshakeCapture) {
        handshake::begin();
        handshake::capture();
        let trial = timed(|| self.connect(deadline));
        (trial, handshake::take_capture())
    }

    fn open_socket(&self, address: SocketAddr, deadline: &Deadline) -> Result<Socket, Error> {
        let failed = |error: &std::io::Error| {
            if let Some(over) = WaitError::from_io(error) {
                return deadline.error(over, Phase::Connect, &address.to_string());
            }
            let reason = match error.kind() {
                std::io::ErrorKind::ConnectionRefused => "the connection was refused".to_owned(),
                _ => error.to_string(),
            };
            let (code, hint) = match &self.config.proxy {
                Some(_) => (Code::Proxy, Code::Proxy.hint().to_owned()),
                None => (Code::Connect, tcp::hint(error.kind(), self.first_hop())),
            };
            Error::new(code, format!("No connection to {address}: {reason}."))
                .with_hint(hint)
                .with_os_error(error)
        };
        Socket::connect(&address, deadline).map_err(|error| failed(&error))
    }
}
