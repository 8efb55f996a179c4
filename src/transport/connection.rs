//! One TLS connection: its handshake, and sending and receiving over it.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ClientConfig, ClientConnection, HandshakeKind};

use super::deadline::{Deadline, Phase};
use super::errors::ErrorContext;
use super::http::ExchangeBuffers;
use super::socket::{Probe, Socket};
use super::{Connector, proxy, tcp};
use crate::error::{Code, Error};
use crate::fork_gate;
use crate::handshake::{self, ClientAuth};
use crate::log;

/// After a failed write the server's reason may already be here; it is looked for no longer than this.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The versions' names, as OpenSSL and nginx write them.
const TLS_1_3: &str = "TLSv1.3";
pub(crate) const TLS_1_2: &str = "TLSv1.2";

/// A connection after its handshake.
pub(crate) struct Connection {
    socket: Socket,
    tls: ClientConnection,
    client_auth: ClientAuth,
    pub(crate) facts: HandshakeInfo,
    /// Those of the last call, for the next one.
    pub(crate) buffers: ExchangeBuffers,
}

/// What is known of a connection since its handshake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandshakeInfo {
    pub(crate) dns: Duration,
    pub(crate) tcp: Duration,
    pub(crate) tls: Duration,
    pub(crate) resumed: bool,
    pub(crate) client_auth: ClientAuth,
    pub(crate) version: &'static str,
    pub(crate) cipher: &'static str,
}

/// What reading gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Bytes(usize),
    /// The server ended the stream properly, with a close_notify.
    End,
}

impl Connection {
    /// Connects and makes the TLS handshake, through the proxy where there is one.
    pub(crate) fn open(
        connector: &Connector,
        config: &Arc<ClientConfig>,
        deadline: &Deadline,
    ) -> Result<Self, Error> {
        let target = &connector.config.endpoint.target;
        let (mut socket, times) = match &connector.config.proxy {
            Some(proxy) => tcp::connect(&proxy.target, &connector.resolver, deadline)
                .map_err(|error| proxy_unreachable(error, proxy))?,
            None => tcp::connect(target, &connector.resolver, deadline)?,
        };
        if let Some(proxy) = &connector.config.proxy {
            proxy::connect(&mut socket, proxy, target, deadline)?;
        }

        let begun = Instant::now();
        handshake::begin();
        log::emit!(
            Debug,
            TLS,
            "handshake with {target} begins: server name {}, offered: {}",
            target.host,
            if Arc::ptr_eq(config, &connector.tls) {
                "TLS 1.3 and 1.2"
            } else {
                "TLS 1.2"
            }
        );
        let server_name = connector.config.endpoint.server_name.clone();
        let section = fork_gate::crypto_section();
        let tls = ClientConnection::new(Arc::clone(config), server_name).map_err(|error| {
            connector
                .scene(Phase::Handshake, deadline)
                .tls(&error, None)
        })?;
        drop(section);
        let mut connection = Connection {
            socket,
            tls,
            client_auth: ClientAuth::default(),
            facts: HandshakeInfo {
                dns: times.dns,
                tcp: times.tcp,
                tls: Duration::ZERO,
                resumed: false,
                client_auth: ClientAuth::default(),
                version: "",
                cipher: "",
            },
            buffers: ExchangeBuffers::default(),
        };
        connection
            .handshake(connector, deadline)
            .inspect_err(|error| log::emit!(Debug, TLS, "no handshake: {}", error.message()))?;
        connection.client_auth = handshake::client_auth();
        connection.facts.client_auth = connection.client_auth;
        connection.facts.tls = begun.elapsed();
        connection.facts.resumed = connection.tls.handshake_kind() == Some(HandshakeKind::Resumed);
        connection.facts.version = match connection.tls.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => TLS_1_3,
            _ => TLS_1_2,
        };
        connection.facts.cipher = connection
            .tls
            .negotiated_cipher_suite()
            .map_or("", |suite| iana_name(suite.suite()));
        log::emit!(
            Debug,
            TLS,
            "handshake done: {}, {}, session {} ({} ms)",
            connection.facts.version,
            connection.facts.cipher,
            if connection.facts.resumed {
                "resumed"
            } else {
                "new"
            },
            connection.facts.tls.as_millis()
        );
        Ok(connection)
    }

    /// Runs the handshake until the client has nothing more to learn. What it still has to send leaves
    /// together with the request.
    fn handshake(&mut self, connector: &Connector, deadline: &Deadline) -> Result<(), Error> {
        while self.tls.is_handshaking() {
            let scene = connector.scene(Phase::Handshake, deadline);
            while self.tls.wants_write() {
                if let Err(error) = self.tls.write_tls(&mut self.socket.until(deadline)) {
                    return Err(self.last_words(connector, &scene, &error));
                }
            }
            match self.tls.read_tls(&mut self.socket.until(deadline)) {
                Ok(0) => return Err(scene.closed()),
                Ok(_) => self.process(connector, &scene)?,
                Err(error) => return Err(scene.io(&error)),
            }
        }
        Ok(())
    }

    /// Sends the bytes, behind whatever the handshake left to send.
    pub(crate) fn send(
        &mut self,
        connector: &Connector,
        bytes: &[u8],
        deadline: &Deadline,
    ) -> Result<(), Error> {
        let scene = self.scene(connector, Phase::Send, deadline);
        let mut rest = bytes;
        while !rest.is_empty() || self.tls.wants_write() {
            // rustls takes a bounded amount at a time.
            let taken = self
                .tls
                .writer()
                .write(rest)
                .map_err(|error| scene.io(&error))?;
            rest = &rest[taken..];
            while self.tls.wants_write() {
                if let Err(error) = self.tls.write_tls(&mut self.socket.until(deadline)) {
                    // A complete answer may be waiting: a server that rejects does not read the request.
                    let error = self.last_words(connector, &scene, &error);
                    return if self.has_plaintext() {
                        Ok(())
                    } else {
                        Err(error)
                    };
                }
            }
        }
        Ok(())
    }

    /// Receives into the buffer. The stream's end without a close_notify is an error, because the answer
    /// could have been cut off there.
    pub(crate) fn receive(
        &mut self,
        connector: &Connector,
        buffer: &mut [u8],
        phase: Phase,
        deadline: &Deadline,
    ) -> Result<Received, Error> {
        let scene = self.scene(connector, phase, deadline);
        loop {
            match self.tls.reader().read(buffer) {
                Ok(0) => return Ok(Received::End),
                Ok(count) => return Ok(Received::Bytes(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Err(scene.closed()),
            }
            match self.tls.read_tls(&mut self.socket.until(deadline)) {
                Ok(_) => self.process(connector, &scene)?,
                Err(error) => return Err(scene.io(&error)),
            }
            // What came may want an answer before anything else comes, such as a key update or a request
            // to negotiate anew. Where the write fails, the next read tells why.
            while self.tls.wants_write() {
                if self
                    .tls
                    .write_tls(&mut self.socket.until(deadline))
                    .is_err()
                {
                    break;
                }
            }
        }
    }

    /// Takes note that an answer is complete and the connection may go to the pool; false where more has
    /// come than the answer, which the next call would take for its own.
    pub(crate) fn finish_exchange(&mut self) -> bool {
        // What a later failure is about, it is not the handshake's certificate any more.
        self.client_auth = ClientAuth::default();
        !self.has_plaintext()
    }

    /// Whether the idle connection can carry another request: one system call where nothing has come.
    ///
    /// What has come may be a late TLS 1.3 session ticket; that is taken in and keeps the connection.
    pub(crate) fn is_usable(&mut self) -> bool {
        match self.socket.probe() {
            Probe::Quiet => true,
            Probe::Closed => false,
            Probe::Readable => {
                let now = Deadline::after(Duration::from_millis(1));
                let read = self.tls.read_tls(&mut self.socket.until(&now));
                if !matches!(read, Ok(1..)) {
                    return false;
                }
                self.tls.process_new_packets().is_ok_and(|state| {
                    !state.peer_has_closed() && state.plaintext_bytes_to_read() == 0
                })
            }
        }
    }

    /// Closes what this process has inherited of another one's connection, without a word to the server.
    pub(crate) fn abandon(self) {
        self.socket.abandon();
    }

    /// Tells the server that no more will come, without waiting.
    pub(crate) fn close(mut self) {
        self.tls.send_close_notify();
        let now = Deadline::after(Duration::from_millis(1));
        // The connection is given up: whether the server still learns of it changes nothing.
        let _ = self.tls.write_tls(&mut self.socket.until(&now));
    }

    fn scene<'a>(
        &self,
        connector: &'a Connector,
        phase: Phase,
        deadline: &'a Deadline,
    ) -> ErrorContext<'a> {
        ErrorContext {
            client_auth: self.client_auth,
            is_tls13: self.facts.version == TLS_1_3,
            ..connector.scene(phase, deadline)
        }
    }

    /// Takes in what was read; on a failure tells the server why, as far as that works.
    fn process(&mut self, connector: &Connector, scene: &ErrorContext<'_>) -> Result<(), Error> {
        // After it no random numbers are made and no key is used.
        let section = self.tls.is_handshaking().then(fork_gate::crypto_section);
        let processed = self.tls.process_new_packets();
        drop(section);
        match processed {
            Ok(_) => Ok(()),
            Err(error) => {
                let brief = scene.deadline.at_most(LAST_WORDS);
                let _ = self.tls.write_tls(&mut self.socket.until(&brief));
                Err(self.tls_error(connector, scene, &error))
            }
        }
    }

    fn tls_error(
        &self,
        connector: &Connector,
        scene: &ErrorContext<'_>,
        error: &rustls::Error,
    ) -> Error {
        // Taken before anything is logged: what a sink calls may be refused too, in this thread.
        let refused = connector.verifier.take_refused();
        match error {
            rustls::Error::AlertReceived(alert) => log::emit!(
                Debug,
                TLS,
                "the server sent the alert {alert:?} ({})",
                u8::from(*alert)
            ),
            error => log::emit!(Debug, TLS, "failed: {error}"),
        }
        let scene = if scene.phase == Phase::Handshake {
            // The handshake under way in this thread is this connection's.
            connector.scene(scene.phase, scene.deadline)
        } else {
            self.scene(connector, scene.phase, scene.deadline)
        };
        scene.tls(error, refused)
    }

    /// A write failed. The server may have said why before it closed, and that is the better error.
    fn last_words(
        &mut self,
        connector: &Connector,
        scene: &ErrorContext<'_>,
        write_error: &io::Error,
    ) -> Error {
        let has_gone = matches!(
            write_error.kind(),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted
        );
        if !has_gone {
            return scene.io(write_error);
        }
        let brief = scene.deadline.at_most(LAST_WORDS);
        while let Ok(1..) = self.tls.read_tls(&mut self.socket.until(&brief)) {
            match self.tls.process_new_packets() {
                Ok(state) if state.plaintext_bytes_to_read() > 0 => break,
                Ok(_) => {}
                Err(error) => return self.tls_error(connector, scene, &error),
            }
        }
        scene.io(write_error)
    }

    fn has_plaintext(&mut self) -> bool {
        self.tls
            .process_new_packets()
            .is_ok_and(|state| state.plaintext_bytes_to_read() > 0)
    }
}

/// The registered name; rustls puts `TLS13` before the suites of TLS 1.3.
fn iana_name(suite: rustls::CipherSuite) -> &'static str {
    match suite {
        rustls::CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        rustls::CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        rustls::CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        suite => suite.as_str().unwrap_or(""),
    }
}

/// What failed was the way to the proxy, not to the DCS.
fn proxy_unreachable(error: Error, proxy: &crate::config::Proxy) -> Error {
    if !matches!(error.code(), Code::Resolve | Code::Connect) {
        return error;
    }
    let mut better = Error::new(
        Code::Proxy,
        format!(
            "The proxy {} cannot be reached: {}",
            proxy.target,
            error.message()
        ),
    );
    if let Some(number) = error.os_code() {
        better = better.with_os_error(&io::Error::from_raw_os_error(number));
    }
    better
}
