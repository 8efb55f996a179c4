//! The connector: what the calls of one client share, and the way from it to a connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use super::connection::{Connection, TLS_1_2};
use super::deadline::{Deadline, Phase};
use super::dns::Resolver;
use super::errors::ErrorContext;
use super::http;
use super::pool::Pool;
use super::sessions::Sessions;
use super::tls::{self, IdentityResolver, Verifier};
use super::version_hint::VersionHint;
use crate::config::{Config, Endpoint, Proxy, Target};
use crate::credentials::{Identity, TrustAnchor};
use crate::error::{Code, Error};
use crate::fork_gate;
use crate::handshake;

/// What a connector is made from; a forked child makes its own from the same.
pub(crate) struct ConnectorConfig {
    pub(crate) endpoint: Endpoint,
    pub(super) proxy: Option<Proxy>,
    connect_timeout: Duration,
    anchors: Arc<[TrustAnchor]>,
    ca_bundle: String,
    identity: Option<Identity>,
}

impl ConnectorConfig {
    /// The client certificate and what goes with it; `None` where none is configured.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// `ca_bundle` is the bundle's name for messages, such as "the CA bundle ca.pem".
    pub(crate) fn new(
        config: &Config,
        anchors: Vec<TrustAnchor>,
        ca_bundle: &str,
        identity: Option<Identity>,
    ) -> Self {
        ConnectorConfig {
            endpoint: config.endpoint.clone(),
            proxy: config.proxy.clone(),
            connect_timeout: config.connect_timeout,
            anchors: anchors.into(),
            ca_bundle: ca_bundle.to_owned(),
            identity,
        }
    }

    /// The same for a process that was forked from this one.
    pub(crate) fn for_child(&self) -> Result<Self, Error> {
        let identity = self
            .identity
            .as_ref()
            .map(Identity::for_child)
            .transpose()?;
        Ok(ConnectorConfig {
            endpoint: self.endpoint.clone(),
            proxy: self.proxy.clone(),
            connect_timeout: self.connect_timeout,
            anchors: self.anchors.clone(),
            ca_bundle: self.ca_bundle.clone(),
            identity,
        })
    }

    fn first_hop(&self) -> &Target {
        match &self.proxy {
            Some(proxy) => &proxy.target,
            None => &self.endpoint.target,
        }
    }
}

/// All that the calls of one client share, in one process.
pub(crate) struct Connector {
    pub(crate) config: Arc<ConnectorConfig>,
    /// The process that made it: no other may use or end its connections.
    process: u64,
    pub(super) resolver: Resolver,
    pub(super) tls: Arc<ClientConfig>,
    tls12: Arc<ClientConfig>,
    sessions: Arc<Sessions>,
    spoken: VersionHint,
    pub(super) verifier: Arc<Verifier>,
    client_auth: Arc<IdentityResolver>,
    /// "host:port", for messages.
    pub(crate) peer: String,
    pub(super) pool: Pool,
}

impl Connector {
    pub(crate) fn new(config: Arc<ConnectorConfig>) -> Result<Self, Error> {
        http::prepare();
        let tls = tls::configure(config.anchors.clone(), config.identity.as_ref())?;
        Ok(Connector {
            process: fork_gate::this_process(),
            resolver: Resolver::new(config.first_hop().clone()),
            peer: config.endpoint.target.to_string(),
            tls: tls.config,
            tls12: tls.tls12,
            sessions: tls.sessions,
            spoken: VersionHint::default(),
            verifier: tls.verifier,
            client_auth: tls.identity,
            pool: Pool::default(),
            config,
        })
    }

    /// Whether this process made it, and not the one that it was forked from.
    pub(crate) fn is_ours(&self) -> bool {
        self.process == fork_gate::this_process()
    }

    /// Closes the idle connections of the process that this one was forked from, as far as their descriptors here go:
    /// nothing is sent, and no lock is waited for that a thread of that process may have held.
    pub(crate) fn abandon(&self) {
        self.pool.abandon();
    }

    /// A client certificate is configured.
    pub(crate) fn has_identity(&self) -> bool {
        self.config.identity.is_some()
    }

    /// What a connection is made to first: the proxy, where there is one.
    pub(crate) fn first_hop(&self) -> &Target {
        self.config.first_hop()
    }

    /// Opens a connection, within its own limit of time.
    ///
    /// Where the server was just seen to speak TLS 1.2, only that is offered: a session of it is resumed without
    /// any asymmetric operation, and the key shares that TLS 1.3 wants beforehand would be made for nothing.
    pub(crate) fn connect(&self, deadline: &Deadline) -> Result<Connection, Error> {
        let deadline = &deadline.for_connect(self.config.connect_timeout);
        if self.spoken.is_tls12() {
            match Connection::open(self, &self.tls12, deadline) {
                Ok(connection) => {
                    if !connection.facts.resumed {
                        self.spoken.forget();
                    }
                    return Ok(connection);
                }
                // It may have stopped speaking TLS 1.2 in the meantime.
                Err(error) if error.code() == Code::Tls => self.spoken.forget(),
                Err(error) => return Err(error),
            }
        }
        let connection = Connection::open(self, &self.tls, deadline)?;
        if connection.facts.version == TLS_1_2 {
            self.sessions.forget_tickets();
        }
        self.spoken.note(connection.facts.version);
        Ok(connection)
    }

    /// Gives up the connections that were idle already when a call began over one of them that then got no answer:
    /// what forgot the one, such as a firewall, has forgotten them all, and each would cost a timeout.
    pub(crate) fn distrust_kept(&self, begun: Instant) {
        self.pool.give_up_older(begun);
    }

    /// Whether the server names one of the client certificate's issuers among the CAs that it accepts, as the
    /// last handshake that asked for the certificate had it. `None` where it names none.
    pub(crate) fn issuer_known(&self) -> Option<bool> {
        self.client_auth.issuer_known()
    }

    /// What a failure is told with; about the handshake that this thread is in.
    pub(super) fn scene<'a>(&'a self, phase: Phase, deadline: &'a Deadline) -> ErrorContext<'a> {
        ErrorContext {
            peer: &self.peer,
            phase,
            deadline,
            client_auth: handshake::client_auth(),
            is_tls13: false,
            has_identity: self.has_identity(),
            ca_bundle: &self.config.ca_bundle,
        }
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        for connection in self.pool.take_all() {
            connection.close();
        }
    }
}
