//! The steps of a connection one by one, each timed and with its own outcome, for a diagnosis.

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

/// The outcome of a step, and its duration.
pub(crate) struct Timed<T> {
    pub(crate) outcome: Result<T, Error>,
    pub(crate) duration: Duration,
}

fn timed<T>(step: impl FnOnce() -> Result<T, Error>) -> Timed<T> {
    let started = Instant::now();
    let outcome = step();
    Timed {
        outcome,
        duration: started.elapsed(),
    }
}

impl Connector {
    /// Looks up the first hop: the proxy, if there is one, otherwise the server.
    pub(crate) fn probe_lookup(&self, deadline: &Deadline) -> Timed<Arc<[SocketAddr]>> {
        timed(|| self.resolver.resolve(deadline))
    }

    /// Opens a TCP connection to one address of the first hop, and closes it.
    pub(crate) fn probe_tcp(&self, address: SocketAddr, deadline: &Deadline) -> Timed<()> {
        timed(|| self.open_socket(address, deadline).map(drop))
    }

    /// Asks the proxy for a tunnel, and closes it.
    pub(crate) fn probe_proxy(&self, address: SocketAddr, deadline: &Deadline) -> Timed<()> {
        timed(|| {
            let Some(proxy) = &self.config.proxy else {
                return Ok(());
            };
            let mut socket = self.open_socket(address, deadline)?;
            proxy::tunnel(&mut socket, proxy, &self.config.endpoint.target, deadline)
        })
    }

    /// Opens a connection, and captures what the server presented and asked for.
    pub(crate) fn probe_handshake(
        &self,
        deadline: &Deadline,
    ) -> (Timed<Connection>, HandshakeCapture) {
        handshake::capture(|| timed(|| self.connect(deadline)))
    }

    fn open_socket(&self, address: SocketAddr, deadline: &Deadline) -> Result<Socket, Error> {
        Socket::connect(&address, deadline).map_err(|error| {
            if let Some(wait_error) = WaitError::from_io(&error) {
                return deadline.error(wait_error, Phase::Connect, &address.to_string());
            }
            let (code, hint) = match &self.config.proxy {
                Some(_) => (Code::Proxy, Code::Proxy.hint().to_owned()),
                None => {
                    let hint = tcp::hint(error.kind(), self.config.first_hop());
                    (Code::Connect, hint)
                }
            };
            let reason = tcp::reason(&error);
            Error::new(code, format!("No connection to {address}: {reason}."))
                .with_hint(hint)
                .with_os_error(&error)
        })
    }
}
