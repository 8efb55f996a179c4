//! A TLS connection: its handshake, then sending and receiving over it.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rustls::{CipherSuite, ClientConnection, HandshakeKind, IoState, ProtocolVersion};

use super::buffers::ExchangeBuffers;
use super::deadline::{Deadline, Phase};
use super::errors::{ErrorContext, Failure};
use super::peer::Peer;
use super::socket::{IdleState, Socket};
use super::tls::{Tls, Versions};
use crate::error::Error;
use crate::fork_gate;
use crate::handshake::{self, ClientAuth};
use crate::log;

/// The longest that an alert is sent or received after the connection has failed.
const ALERT_TIMEOUT: Duration = Duration::from_secs(1);

/// What a server may send in a handshake, and in an exchange, however it divides and encodes it. It bounds the processor
/// time of a call: 4096 pieces of a header that is parsed anew for each took 0.1 s, 4 MiB in records of one byte 0.07 s. The
/// largest response takes some 600 reads.
const MAX_READS: usize = 4096;
const MAX_BYTES: usize = 4 * 1024 * 1024;
const MAX_TICKETS: u32 = 64;

/// The longest write to a connection that is being closed, or read from an idle one that is readable: neither waits.
const NO_WAIT: Duration = Duration::from_millis(1);

/// The versions' names, as OpenSSL and nginx write them.
const TLS_1_3: &str = "TLSv1.3";
pub(crate) const TLS_1_2: &str = "TLSv1.2";

/// A connection after its handshake.
pub(crate) struct Connection {
    socket: Socket,
    tls: ClientConnection,
    peer: Arc<Peer>,
    /// What an error may say about the client certificate; cleared after the first exchange.
    client_auth: ClientAuth,
    /// Until when the verification of the server's certificate holds.
    trusted_until: Option<SystemTime>,
    received: Amount,
    pub(crate) info: HandshakeInfo,
    /// Those of the last call, for the next one.
    pub(super) buffers: ExchangeBuffers,
}

/// What is known about a connection since its handshake.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HandshakeInfo {
    pub(crate) dns: Duration,
    pub(crate) tcp: Duration,
    pub(crate) tls: Duration,
    pub(crate) resumed: bool,
    pub(crate) client_auth: ClientAuth,
    pub(crate) version: &'static str,
    pub(crate) cipher: &'static str,
}

/// What was received in the handshake or in the exchange that a connection is in.
#[derive(Default)]
struct Amount {
    reads: usize,
    bytes: usize,
    /// Those that the connection received before.
    tickets_before: u32,
}

/// The outcome of a read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    Bytes(usize),
    /// The server ended the stream with a close_notify.
    End,
}

impl Connection {
    /// Makes the TLS handshake over a socket that leads to the server.
    pub(super) fn handshake(
        socket: Socket,
        peer: &Arc<Peer>,
        tls: &Tls,
        versions: Versions,
        deadline: &Deadline,
    ) -> Result<Self, Error> {
        let started = Instant::now();
        handshake::begin();
        log::emit!(
            Debug,
            TLS,
            "starting the handshake with {}: server name {}, offering {}",
            peer.name,
            peer.server_name.to_str(),
            match versions {
                Versions::Tls13And12 => "TLS 1.3 and 1.2",
                Versions::Tls12 => "TLS 1.2",
            }
        );
        let section = fork_gate::crypto_section();
        let tls = ClientConnection::new(tls.config(versions).clone(), peer.server_name.clone());
        drop(section);
        let mut connection = Connection {
            socket,
            tls: tls.map_err(|error| {
                let context = ErrorContext::new(peer, Phase::Handshake, deadline);
                context.error(Failure::Tls(&error, None))
            })?,
            peer: peer.clone(),
            client_auth: ClientAuth::default(),
            trusted_until: None,
            received: Amount::default(),
            info: HandshakeInfo::default(),
            buffers: ExchangeBuffers::default(),
        };
        connection
            .run_handshake(deadline)
            .inspect_err(|error| log::emit!(Debug, TLS, "handshake failed: {}", error.message()))?;
        connection.record_outcome(started);
        Ok(connection)
    }

    /// Runs the handshake until the client has nothing more to read. What it still has to send goes out together with
    /// the request.
    fn run_handshake(&mut self, deadline: &Deadline) -> Result<(), Error> {
        const PHASE: Phase = Phase::Handshake;
        while self.tls.is_handshaking() {
            while self.tls.wants_write() {
                if let Err(error) = self.tls.write_tls(&mut self.socket.until(deadline)) {
                    return Err(self.read_alert_after_write_error(&error, PHASE, deadline));
                }
            }
            match self.read(PHASE, deadline)? {
                0 => return Err(self.error(Failure::Closed, PHASE, deadline)),
                _ => self.process(PHASE, deadline)?,
            }
        }
        Ok(())
    }

    fn record_outcome(&mut self, started: Instant) {
        self.client_auth = handshake::client_auth();
        self.trusted_until = handshake::trusted_until();
        self.reset_received();
        self.info = HandshakeInfo {
            tls: started.elapsed(),
            resumed: self.tls.handshake_kind() == Some(HandshakeKind::Resumed),
            client_auth: self.client_auth,
            version: match self.tls.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => TLS_1_3,
                _ => TLS_1_2,
            },
            cipher: self
                .tls
                .negotiated_cipher_suite()
                .map_or("", |suite| iana_name(suite.suite())),
            ..HandshakeInfo::default()
        };
        log::emit!(
            Debug,
            TLS,
            "handshake done: {}, {}, {} ({} ms)",
            self.info.version,
            self.info.cipher,
            if self.info.resumed {
                "session resumed"
            } else {
                "new session"
            },
            self.info.tls.as_millis()
        );
    }

    /// Sends the bytes, after what the handshake left to send.
    pub(super) fn send(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), Error> {
        const PHASE: Phase = Phase::Send;
        let mut rest = bytes;
        while !rest.is_empty() || self.tls.wants_write() {
            // rustls takes a bounded amount at a time.
            let taken = match self.tls.writer().write(rest) {
                Ok(taken) => taken,
                Err(error) => return Err(self.error(Failure::Io(&error), PHASE, deadline)),
            };
            rest = &rest[taken..];
            while self.tls.wants_write() {
                if let Err(error) = self.tls.write_tls(&mut self.socket.until(deadline)) {
                    let error = self.read_alert_after_write_error(&error, PHASE, deadline);
                    // A server that rejects a request may respond without reading it: the response may be here.
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

    /// Receives into the buffer. A stream that ends without a close_notify is an error, because the response may be
    /// cut off there.
    pub(super) fn receive(
        &mut self,
        buffer: &mut [u8],
        phase: Phase,
        deadline: &Deadline,
    ) -> Result<Received, Error> {
        loop {
            match self.tls.reader().read(buffer) {
                Ok(0) => return Ok(Received::End),
                Ok(count) => return Ok(Received::Bytes(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Err(self.error(Failure::Closed, phase, deadline)),
            }
            self.read(phase, deadline)?;
            self.process(phase, deadline)?;
            // What was read may require a response before anything else is sent, such as a key update or a request
            // to renegotiate. If the write fails, the next read returns the reason.
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

    /// Reads what the server has sent, which may be part of a record or several. Returns the number of bytes.
    fn read(&mut self, phase: Phase, deadline: &Deadline) -> Result<usize, Error> {
        let count = match self.tls.read_tls(&mut self.socket.until(deadline)) {
            Ok(count) => count,
            Err(error) => return Err(self.error(Failure::Io(&error), phase, deadline)),
        };
        self.received.reads += 1;
        self.received.bytes += count;
        let tickets = self.tls.tls13_tickets_received() - self.received.tickets_before;
        let excess = if self.received.reads > MAX_READS {
            format!("in more than {MAX_READS} pieces")
        } else if self.received.bytes > MAX_BYTES {
            format!("more than {} KiB", MAX_BYTES / 1024)
        } else if tickets > MAX_TICKETS {
            format!("more than {MAX_TICKETS} session tickets")
        } else {
            return Ok(count);
        };
        Err(self.error(Failure::Excess(&excess), phase, deadline))
    }

    /// Starts to count anew what is received.
    fn reset_received(&mut self) {
        self.received = Amount {
            tickets_before: self.tls.tls13_tickets_received(),
            ..Amount::default()
        };
    }

    /// Returns the error for a stream that ended before the response.
    pub(super) fn closed(&self, phase: Phase, deadline: &Deadline) -> Error {
        self.error(Failure::Closed, phase, deadline)
    }

    /// Prepares the connection for its next exchange. Returns false if it cannot have one: more than the response was
    /// received, which the next call would take for its own.
    pub(super) fn finish_exchange(&mut self) -> bool {
        // A later failure is not about the certificate that the handshake sent.
        self.client_auth = ClientAuth::default();
        self.reset_received();
        !self.has_plaintext()
    }

    /// Returns whether the idle connection can carry another request. Makes one system call if nothing was received.
    ///
    /// A TLS 1.3 session ticket may arrive late. It is stored, and the connection stays usable.
    pub(super) fn is_usable(&mut self) -> bool {
        if self
            .trusted_until
            .is_none_or(|end| end <= SystemTime::now())
        {
            return false;
        }
        match self.socket.idle_state() {
            IdleState::Quiet => true,
            IdleState::Closed => false,
            IdleState::Readable => {
                let now = Deadline::after(NO_WAIT);
                let read = self.tls.read_tls(&mut self.socket.until(&now));
                if !matches!(read, Ok(1..)) {
                    return false;
                }
                self.process_new_packets().is_ok_and(|state| {
                    !state.peer_has_closed() && state.plaintext_bytes_to_read() == 0
                })
            }
        }
    }

    /// Closes this process's descriptor of a connection that it inherited by a fork. Sends nothing.
    pub(super) fn abandon(self) {
        self.socket.abandon();
    }

    /// Sends a close_notify without waiting, and closes the connection.
    pub(super) fn close(mut self) {
        self.tls.send_close_notify();
        let now = Deadline::after(NO_WAIT);
        // Whether the server still receives it makes no difference.
        let _ = self.tls.write_tls(&mut self.socket.until(&now));
    }

    /// Processes what was read: by the handshake, or by any later exchange, which another thread may make.
    fn process_new_packets(&mut self) -> Result<IoState, rustls::Error> {
        if !self.tls.is_handshaking() {
            // A TLS 1.3 session ticket follows the handshake.
            handshake::record_trusted_until(self.trusted_until);
        }
        self.tls.process_new_packets()
    }

    /// Processes what was read. On a failure it tries to send the alert.
    fn process(&mut self, phase: Phase, deadline: &Deadline) -> Result<(), Error> {
        let (processed, records) = log::collect(|| {
            // After the handshake no random numbers are made and no key is used.
            let _section = self.tls.is_handshaking().then(fork_gate::crypto_section);
            self.process_new_packets()
        });
        records.deliver();
        let Err(error) = processed else {
            return Ok(());
        };
        let brief = deadline.at_most(ALERT_TIMEOUT);
        let _ = self.tls.write_tls(&mut self.socket.until(&brief));
        Err(self.tls_error(&error, phase, deadline))
    }

    /// Returns the error for a write that failed. If the server sent an alert before it closed the connection, that is
    /// the better error.
    fn read_alert_after_write_error(
        &mut self,
        write_error: &io::Error,
        phase: Phase,
        deadline: &Deadline,
    ) -> Error {
        let is_closed = matches!(
            write_error.kind(),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted
        );
        if is_closed {
            let brief = deadline.at_most(ALERT_TIMEOUT);
            while let Ok(1..) = self.read(phase, &brief) {
                match self.process_new_packets() {
                    Ok(state) if state.plaintext_bytes_to_read() > 0 => break,
                    Ok(_) => {}
                    Err(error) => return self.tls_error(&error, phase, deadline),
                }
            }
        }
        self.error(Failure::Io(write_error), phase, deadline)
    }

    fn tls_error(&self, error: &rustls::Error, phase: Phase, deadline: &Deadline) -> Error {
        match error {
            rustls::Error::AlertReceived(alert) => log::emit!(
                Debug,
                TLS,
                "the server sent the alert {alert:?} ({})",
                u8::from(*alert)
            ),
            error => log::emit!(Debug, TLS, "failed: {error}"),
        }
        let rejected = handshake::take_rejected();
        self.error(Failure::Tls(error, rejected), phase, deadline)
    }

    fn error(&self, failure: Failure<'_>, phase: Phase, deadline: &Deadline) -> Error {
        ErrorContext {
            client_auth: match phase {
                Phase::Handshake => handshake::client_auth(),
                _ => self.client_auth,
            },
            is_tls13: self.info.version == TLS_1_3,
            ..ErrorContext::new(&self.peer, phase, deadline)
        }
        .error(failure)
    }

    fn has_plaintext(&mut self) -> bool {
        self.tls
            .process_new_packets()
            .is_ok_and(|state| state.plaintext_bytes_to_read() > 0)
    }
}

/// Returns the registered name; rustls puts `TLS13` before the suites of TLS 1.3.
fn iana_name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        suite => suite.as_str().unwrap_or(""),
    }
}
