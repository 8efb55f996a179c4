//! The way to the server: look-up, TCP, proxy, TLS, and the connections that are kept for later calls.
//!
//! A [`Transport`] lives as long as its client. ureq only writes the request and reads the answer over
//! what this module connects; every limit of time, the pool and the errors are here.

mod connection;
mod deadline;
mod dns;
mod failure;
mod http;
mod p521;
mod pool;
mod proxy;
mod sessions;
mod socket;
mod spoken;
mod tcp;
mod tls;
pub(crate) mod trial;

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use crate::config::{Config, Endpoint, Proxy, Target};
use crate::credentials::Identity;
use crate::error::{Code, Error};
pub(crate) use connection::Connection;
pub(crate) use connection::Facts;
use connection::TLS_1_2;
pub(crate) use deadline::{Deadline, Phase};
use dns::Resolver;
pub(crate) use failure::NO_COMMON_SCHEME;
use failure::Scene;
#[cfg(fuzzing)]
pub(crate) use http::played;
pub(crate) use http::{Answer, Call, Start, get, header_text, is_html};
use pool::Pool;
use sessions::Sessions;
use spoken::Spoken;
pub(crate) use tls::{Anchor, ClientAuth, Witness, put_back, set_aside};
use tls::{IdentityResolver, Verifier};

/// Names this library to the server.
pub(crate) const USER_AGENT: &str = concat!("libdcs/", env!("CARGO_PKG_VERSION"));

/// All that the calls of one client share.
pub(crate) struct Transport {
    pub(crate) endpoint: Endpoint,
    proxy: Option<Proxy>,
    resolver: Resolver,
    tls: Arc<ClientConfig>,
    tls12: Arc<ClientConfig>,
    sessions: Arc<Sessions>,
    spoken: Spoken,
    verifier: Arc<Verifier>,
    client_auth: Arc<IdentityResolver>,
    connect_timeout: Duration,
    /// A client certificate is configured.
    pub(crate) has_identity: bool,
    ca_bundle: String,
    /// "host:port", for messages.
    pub(crate) peer: String,
    pool: Pool,
}

impl Transport {
    pub(crate) fn new(
        config: &Config,
        anchors: Vec<Anchor>,
        ca_bundle: &str,
        identity: Option<&Identity>,
    ) -> Result<Self, Error> {
        http::prepare();
        let endpoint = config.endpoint.clone();
        let has_identity = identity.is_some();
        let tls = tls::configure(anchors, identity)?;
        let first_hop = config
            .proxy
            .as_ref()
            .map_or(&endpoint.target, |proxy| &proxy.target);
        Ok(Transport {
            resolver: Resolver::new(first_hop.clone()),
            peer: endpoint.target.to_string(),
            proxy: config.proxy.clone(),
            tls: tls.config,
            tls12: tls.tls12,
            sessions: tls.sessions,
            spoken: Spoken::default(),
            verifier: tls.verifier,
            client_auth: tls.identity,
            connect_timeout: config.connect_timeout,
            has_identity,
            ca_bundle: ca_bundle.to_owned(),
            endpoint,
            pool: Pool::default(),
        })
    }

    /// What a connection is made to first: the proxy, where there is one.
    pub(crate) fn first_hop(&self) -> &Target {
        match &self.proxy {
            Some(proxy) => &proxy.target,
            None => &self.endpoint.target,
        }
    }

    /// Opens a connection, within its own limit of time.
    ///
    /// Where the server was just seen to speak TLS 1.2, only that is offered: a session of it is resumed without
    /// any asymmetric operation, and the key shares that TLS 1.3 wants beforehand would be made for nothing.
    pub(crate) fn connect(&self, deadline: Deadline) -> Result<Connection, Error> {
        let deadline = deadline.of_connect(self.connect_timeout);
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

    /// Whether the server names one of the client certificate's issuers among the CAs that it accepts, as the
    /// last handshake that asked for the certificate had it. `None` where it names none.
    pub(crate) fn issuer_known(&self) -> Option<bool> {
        self.client_auth.issuer_known()
    }

    /// What a failure is told with; about the handshake that this thread is in.
    fn scene(&self, phase: Phase, deadline: Deadline) -> Scene<'_> {
        Scene {
            peer: &self.peer,
            phase,
            deadline,
            client_auth: tls::client_auth(),
            is_tls13: false,
            has_identity: self.has_identity,
            ca_bundle: &self.ca_bundle,
        }
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        for connection in self.pool.drain() {
            connection.close();
        }
    }
}
