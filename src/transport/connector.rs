//! The connector: what the calls of one client share, and the steps of a connection in their order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::{Connection, TLS_1_2};
use super::deadline::Deadline;
use super::dns::Resolver;
use super::http::{self, Call, HttpResponse};
use super::peer::Peer;
use super::pool::Pool;
use super::socket::Socket;
use super::tls::{Tls, Versions};
use super::version_hint::VersionHint;
use super::{proxy, tcp};
use crate::config::{Config, Endpoint, Proxy, Target};
use crate::credentials::Identity;
use crate::error::Error;
use crate::fork_gate;
use crate::log;
use crate::sys::x509::X509;

/// What a connector is built from. A forked child builds its own from the same.
pub(crate) struct ConnectorConfig {
    pub(crate) endpoint: Endpoint,
    pub(super) proxy: Option<Proxy>,
    connect_timeout: Duration,
    anchors: Vec<X509>,
    ca_bundle: String,
    identity: Option<Identity>,
}

impl ConnectorConfig {
    /// Creates a configuration. `ca_bundle` is the bundle's name for messages, such as "the CA bundle ca.pem".
    pub(crate) fn new(
        config: &Config,
        anchors: Vec<X509>,
        ca_bundle: &str,
        identity: Option<Identity>,
    ) -> Self {
        ConnectorConfig {
            endpoint: config.endpoint.clone(),
            proxy: config.proxy.clone(),
            connect_timeout: config.connect_timeout,
            anchors,
            ca_bundle: ca_bundle.to_owned(),
            identity,
        }
    }

    /// Returns the same configuration for a process that was forked from this one.
    pub(crate) fn for_child(&self) -> Result<Self, Error> {
        let identity = self
            .identity
            .as_ref()
            .map(Identity::for_child)
            .transpose()?;
        // Parsed anew: the child must not share a lock of theirs with its parent.
        let parsed = self
            .anchors
            .iter()
            .map(|anchor| X509::from_der(&anchor.der()?));
        let anchors = parsed.flatten().collect();
        Ok(ConnectorConfig {
            endpoint: self.endpoint.clone(),
            proxy: self.proxy.clone(),
            connect_timeout: self.connect_timeout,
            anchors,
            ca_bundle: self.ca_bundle.clone(),
            identity,
        })
    }

    /// Returns the client certificate with its key and chain; `None` if none is configured.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Returns what a connection is made to first: the proxy, if there is one, otherwise the server.
    pub(crate) fn first_hop(&self) -> &Target {
        match &self.proxy {
            Some(proxy) => &proxy.target,
            None => &self.endpoint.target,
        }
    }
}

/// What the calls of one client share in one process.
pub(crate) struct Connector {
    pub(crate) config: ConnectorConfig,
    pub(crate) peer: Arc<Peer>,
    /// The process that created it. No other process may use or close its connections.
    process: u64,
    pub(super) resolver: Resolver,
    tls: Tls,
    version_hint: VersionHint,
    pub(super) pool: Pool,
}

/// A socket that leads to the server, and how long its lookup and its connection took.
struct Reached {
    socket: Socket,
    dns: Duration,
    tcp: Duration,
}

impl Connector {
    pub(crate) fn new(config: ConnectorConfig) -> Result<Self, Error> {
        http::prepare();
        Ok(Connector {
            process: fork_gate::this_process(),
            peer: Arc::new(Peer {
                name: config.endpoint.target.to_string(),
                server_name: config.endpoint.server_name.clone(),
                ca_bundle: config.ca_bundle.clone(),
                has_identity: config.identity.is_some(),
            }),
            resolver: Resolver::new(config.first_hop().clone()),
            tls: Tls::new(&config.anchors, config.identity.as_ref())?,
            version_hint: VersionHint::default(),
            pool: Pool::default(),
            config,
        })
    }

    /// Returns whether this process created it, and not the process that this one was forked from.
    pub(crate) fn is_ours(&self) -> bool {
        self.process == fork_gate::this_process()
    }

    /// Closes this process's descriptors of the idle connections that it inherited by a fork. Sends nothing, and waits
    /// for no lock, because a thread of the parent may have held it.
    pub(crate) fn abandon(&self) {
        self.pool.abandon();
    }

    /// Returns whether the server named one of the client certificate's issuers among the CAs that it accepts, in the
    /// last handshake that asked for the certificate. `None` if it named no CAs.
    pub(crate) fn issuer_known(&self) -> Option<bool> {
        self.tls.issuer_known()
    }

    /// Opens a connection within the connect timeout.
    ///
    /// If the server chose TLS 1.2 lately, only that is offered. A session of that version is resumed without any
    /// asymmetric operation, and the key shares of a TLS 1.3 offer would be wasted. A server that has moved to TLS 1.3
    /// may answer such an offer in any way. So a failed handshake is followed by one that offers both versions, with a
    /// connect timeout of its own.
    pub(crate) fn connect(&self, deadline: &Deadline) -> Result<Connection, Error> {
        let connect_timeout = self.config.connect_timeout;
        if self.version_hint.is_tls12() {
            let first = &deadline.for_connect(connect_timeout);
            let reached = self.reach(first)?;
            match self.handshake(reached, Versions::Tls12, first) {
                Ok(connection) => {
                    if !connection.info.resumed {
                        self.version_hint.clear();
                    }
                    return Ok(connection);
                }
                Err(error) => {
                    self.version_hint.clear();
                    if deadline.remaining().is_err() {
                        return Err(error);
                    }
                }
            }
        }
        let deadline = &deadline.for_connect(connect_timeout);
        let connection = self.handshake(self.reach(deadline)?, Versions::Tls13And12, deadline)?;
        let is_tls12 = connection.info.version == TLS_1_2;
        if is_tls12 {
            self.tls.sessions.discard_tls13_tickets();
        }
        self.version_hint.record(is_tls12);
        Ok(connection)
    }

    /// Opens a socket that leads to the server: lookup, TCP, and the proxy's tunnel if there is a proxy.
    fn reach(&self, deadline: &Deadline) -> Result<Reached, Error> {
        let ConnectorConfig {
            endpoint, proxy, ..
        } = &self.config;
        let unreachable = |error| match proxy {
            Some(proxy) => proxy::unreachable(error, proxy),
            None => error,
        };
        let first_hop = self.config.first_hop();

        let started = Instant::now();
        let addresses = self.resolver.resolve(deadline).map_err(unreachable)?;
        let dns = started.elapsed();
        let mut socket =
            tcp::connect(first_hop, &addresses, &self.resolver, deadline).map_err(unreachable)?;
        let tcp = started.elapsed() - dns;
        if let Some(proxy) = proxy {
            proxy::tunnel(&mut socket, proxy, &endpoint.target, deadline)?;
        }
        Ok(Reached { socket, dns, tcp })
    }

    fn handshake(
        &self,
        reached: Reached,
        versions: Versions,
        deadline: &Deadline,
    ) -> Result<Connection, Error> {
        let Reached { socket, dns, tcp } = reached;
        let mut connection =
            Connection::handshake(socket, &self.peer, &self.tls, versions, deadline)?;
        connection.info.dns = dns;
        connection.info.tcp = tcp;
        Ok(connection)
    }

    /// Opens a connection and makes the call over it.
    pub(crate) fn get_over_new_connection(&self, call: &Arc<Call>) -> Result<HttpResponse, Error> {
        call.reset();
        let connection = self.connect(call.deadline())?;
        self.exchange(Box::new(connection), false, call)
    }

    /// Sends the request over this connection and receives the whole response. Pools the connection if it can be
    /// reused.
    pub(crate) fn exchange(
        &self,
        connection: Box<Connection>,
        is_reused: bool,
        call: &Arc<Call>,
    ) -> Result<HttpResponse, Error> {
        let uri = &self.config.endpoint.uri;
        call.start(connection.info, is_reused);
        let response = http::get(connection, uri, &self.peer, call);
        let reusable = call.take_reusable_connection();
        if let Ok(response) = &response {
            log::emit!(
                Debug,
                HTTP,
                "HTTP {}, {} bytes of body; the connection is {}",
                response.status,
                response.body.len(),
                if reusable.is_some() { "kept" } else { "closed" }
            );
        }
        if let Some(connection) = reusable {
            self.pool.put(connection);
        }
        response
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        for connection in self.pool.take_all() {
            connection.close();
        }
    }
}
