//! HTTP/1.1 by ureq over our own connections.
//!
//! ureq writes a request and parses the response. An agent is created for each call, which costs a few small
//! allocations. All that is worth keeping (connections, TLS sessions, addresses) belongs to the connector: ureq is
//! handed one connection, its pool stays empty and its resolver returns nothing.

#[cfg(fuzzing)]
pub(crate) mod played;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use ureq::http::{HeaderMap, Request, Uri, header};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector as UreqConnector, NextTimeout, Transport as UreqTransport,
};
use ureq::{Agent, config::Config};

use super::buffers::{ExchangeBuffers, MAX_HEAD};
use super::connection::{Connection, HandshakeInfo, Received};
use super::deadline::{Deadline, Phase};
use super::errors::{ErrorContext, Failure};
use super::peer::Peer;
use crate::error::{Code, Error};
use crate::fork_gate;
use crate::log;

/// Names this library to the server.
pub(super) const USER_AGENT: &str = concat!("libdcs/", env!("CARGO_PKG_VERSION"));

/// The largest body. The response to the status call is 40 bytes; each planned outage adds a few hundred.
const MAX_BODY: u64 = 1024 * 1024;
/// The largest response, including what is not part of its body: provisional responses, chunk sizes and trailers,
/// which a server could send without end.
const MAX_RECEIVED: u64 = 2 * MAX_BODY;
/// The size of a request without its path and query. ureq writes the request line in one piece, so the buffer must hold
/// all of it.
const OUTPUT_SIZE: usize = 1024;

/// What an exchange reads from and writes to: a connection, or the fuzz targets' recorded bytes.
trait Stream: Send + Sync + 'static {
    fn send(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), Error>;

    fn receive(
        &mut self,
        buffer: &mut [u8],
        phase: Phase,
        deadline: &Deadline,
    ) -> Result<Received, Error>;

    fn closed(&self, phase: Phase, deadline: &Deadline) -> Error;

    /// Returns the connection with its buffers if it can carry another exchange.
    fn into_reusable(self: Box<Self>, buffers: &mut ExchangeBuffers) -> Option<Box<Connection>>;
}

impl Stream for Connection {
    fn send(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), Error> {
        Connection::send(self, bytes, deadline)
    }

    fn receive(
        &mut self,
        buffer: &mut [u8],
        phase: Phase,
        deadline: &Deadline,
    ) -> Result<Received, Error> {
        Connection::receive(self, buffer, phase, deadline)
    }

    fn closed(&self, phase: Phase, deadline: &Deadline) -> Error {
        Connection::closed(self, phase, deadline)
    }

    fn into_reusable(
        mut self: Box<Self>,
        buffers: &mut ExchangeBuffers,
    ) -> Option<Box<Connection>> {
        if !self.finish_exchange() {
            return None;
        }
        self.buffers = std::mem::take(buffers);
        Some(self)
    }
}

/// A call: its deadline, and the state that it shares with the exchange that ureq runs.
pub(crate) struct Call {
    deadline: Deadline,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    progress: Progress,
    /// Why the stream failed. The error does not pass through ureq, which would box it.
    error: Option<Error>,
    /// The connection after a complete exchange.
    reusable: Option<Box<Connection>>,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// `None` until there is a connection.
    pub(crate) handshake: Option<HandshakeInfo>,
    /// The connection was opened by an earlier call.
    pub(crate) reused: bool,
    /// When the first byte of the response was received, since the start of the call.
    pub(crate) first_byte: Option<Duration>,
}

impl Progress {
    /// Describes the connection for the log.
    pub(crate) fn describe_connection(&self) -> &'static str {
        match self.handshake {
            _ if self.reused => "connection reused",
            Some(handshake) if handshake.resumed => "new connection, session resumed",
            _ => "new connection, new session",
        }
    }
}

impl Call {
    pub(crate) fn new(deadline: Deadline) -> Arc<Self> {
        Arc::new(Call {
            deadline,
            state: Mutex::default(),
        })
    }

    pub(crate) fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    pub(crate) fn progress(&self) -> Progress {
        self.lock().progress
    }

    /// Prepares the call to be made again.
    pub(super) fn reset(&self) {
        *self.lock() = State::default();
    }

    /// Records which connection the call is made over.
    pub(super) fn start(&self, handshake: HandshakeInfo, is_reused: bool) {
        let mut state = self.lock();
        state.progress.handshake = Some(handshake);
        state.progress.reused = is_reused;
    }

    /// Takes the connection, if the exchange over it was complete and it can carry another one.
    pub(super) fn take_reusable_connection(&self) -> Option<Box<Connection>> {
        self.lock().reusable.take()
    }

    /// Keeps the error for [`get`], and returns one that makes ureq stop.
    fn fail(&self, error: Error) -> ureq::Error {
        self.lock().error = Some(error);
        ureq::Error::ConnectionFailed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A complete response.
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Returns ureq's configuration, which is the same for every call.
///
/// It is built once for the process: ureq's own defaults read the proxy variables of the environment before ours say
/// that there is no proxy, and no call may do that.
fn engine() -> &'static Config {
    static ENGINE: OnceLock<Config> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Config::builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .max_response_header_size(MAX_HEAD)
            .user_agent(USER_AGENT)
            .accept("application/json")
            .build()
    })
}

/// Initializes what all clients share, so that no call has to.
pub(super) fn prepare() {
    engine();
    fork_gate::install();
}

/// Sends `GET` for the URI over the connection and receives the whole response.
///
/// Follows no redirect, and returns a response of any status.
pub(super) fn get(
    mut connection: Box<Connection>,
    uri: &Uri,
    peer: &Peer,
    call: &Arc<Call>,
) -> Result<HttpResponse, Error> {
    let buffers = std::mem::take(&mut connection.buffers);
    get_over(connection, buffers, uri, peer, call)
}

fn get_over<S: Stream>(
    stream: Box<S>,
    mut buffers: ExchangeBuffers,
    uri: &Uri,
    peer: &Peer,
    call: &Arc<Call>,
) -> Result<HttpResponse, Error> {
    buffers.prepare(OUTPUT_SIZE + uri.path_and_query().map_or(0, |path| path.as_str().len()));
    let handover = Handover(Mutex::new(Some(Exchange {
        stream: Some(stream),
        call: call.clone(),
        buffers,
        received: 0,
    })));
    let agent = Agent::with_parts(engine().clone(), handover, NoResolver);
    let request = Request::get(uri.clone()).body(()).map_err(|error| {
        Error::new(
            Code::Internal,
            format!("The request cannot be built: {error}."),
        )
    })?;

    let error = |failure: Failure<'_>| {
        let error = call.lock().error.take();
        error.unwrap_or_else(|| {
            ErrorContext::new(peer, Phase::Receive, &call.deadline).error(failure)
        })
    };
    let mut response = agent
        .run(request)
        .map_err(|failure| error(Failure::Head(&failure)))?;
    let status = response.status().as_u16();
    let announced = response.body().content_length();
    let body = if announced.is_some_and(|length| length > MAX_BODY) {
        Err(ureq::Error::BodyExceedsLimit(MAX_BODY))
    } else {
        let reader = response.body_mut().with_config().limit(MAX_BODY);
        reader.read_to_vec()
    };
    let body = body.map_err(|failure| error(Failure::Body(&failure)).with_http_status(status))?;
    let (parts, _) = response.into_parts();
    Ok(HttpResponse {
        status,
        headers: parts.headers,
        body,
    })
}

/// Addresses are looked up by the connector, and only if a connection has to be opened.
#[derive(Debug)]
struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

/// Hands ureq the one exchange of its agent.
struct Handover<S>(Mutex<Option<Exchange<S>>>);

impl<S: Stream> UreqConnector for Handover<S> {
    type Out = Exchange<S>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Exchange<S>>, ureq::Error> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

impl<S> fmt::Debug for Handover<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handover")
    }
}

/// One request and its response over a stream, as ureq drives it.
struct Exchange<S> {
    /// `None` after the exchange.
    stream: Option<Box<S>>,
    call: Arc<Call>,
    buffers: ExchangeBuffers,
    /// Bytes of this response.
    received: u64,
}

/// Returns the start of a request up to the query, for the log.
fn method_and_path(request: &[u8]) -> Cow<'_, str> {
    let mut spaces = 0;
    let end = request.iter().position(|byte| {
        spaces += usize::from(*byte == b' ');
        spaces == 2 || *byte == b'?'
    });
    String::from_utf8_lossy(&request[..end.unwrap_or(0)])
}

/// What ureq gets if it uses a stream after the exchange.
fn not_connected() -> ureq::Error {
    ureq::Error::Io(std::io::ErrorKind::NotConnected.into())
}

impl<S: Stream> UreqTransport for Exchange<S> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let stream = self.stream.as_mut().ok_or_else(not_connected)?;
        let request = &self.buffers.output[..amount];
        stream
            .send(request, &self.call.deadline)
            .map_err(|error| self.call.fail(error))?;
        log::emit!(
            Debug,
            HTTP,
            "{} is sent over {} connection",
            method_and_path(request),
            match self.call.progress().reused {
                true => "an idle",
                false => "the new",
            }
        );
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let stream = self.stream.as_mut().ok_or_else(not_connected)?;
        let (call, deadline) = (&self.call, &self.call.deadline);
        let phase = match self.received {
            0 => Phase::Await,
            _ => Phase::Receive,
        };
        let space = self.buffers.input_append_buf();
        if space.is_empty() {
            // The header fills the buffer and is still not complete.
            return Err(ureq::Error::LargeResponseHeader(MAX_HEAD, MAX_HEAD));
        }
        if self.received > MAX_RECEIVED {
            return Err(ureq::Error::BodyExceedsLimit(MAX_RECEIVED));
        }
        match stream.receive(space, phase, deadline) {
            Ok(Received::Bytes(count)) => {
                self.buffers.input_appended(count);
                if self.received == 0 {
                    call.lock().progress.first_byte = Some(deadline.elapsed());
                }
                self.received += count as u64;
                Ok(true)
            }
            Ok(Received::End) if self.received == 0 => {
                Err(call.fail(stream.closed(phase, deadline)))
            }
            Ok(Received::End) => Ok(false),
            Err(error) => Err(call.fail(error)),
        }
    }

    /// Gives the connection back to the call.
    ///
    /// ureq has no better hook: it asks this exactly once, after a complete exchange that lets the connection be
    /// reused, and at no other time. False leaves it with nothing to keep in its own pool.
    fn is_open(&mut self) -> bool {
        if let Some(stream) = self.stream.take() {
            self.call.lock().reusable = stream.into_reusable(&mut self.buffers);
        }
        false
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl<S> fmt::Debug for Exchange<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

/// Returns a header's value; `None` if it is missing or not printable ASCII.
pub(crate) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Returns whether the response claims to be an HTML page.
pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().contains("html"))
}
