//! HTTP/1.1 by ureq over our own connections.
//!
//! ureq's agent is made for each call: it is the engine that writes a request and reads an answer, and
//! costs a few small allocations. All that is worth keeping (connections, TLS sessions, addresses) is in
//! [`Connector`]. So ureq's own pool stays empty, its look-up is answered with nothing, and the connector
//! knows which call it works for.

#[cfg(fuzzing)]
pub(crate) mod played;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use ureq::http::{HeaderMap, Request, Uri, header};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector as UreqConnector, NextTimeout, Transport as UreqTransport,
};
use ureq::{Agent, config::Config};

use super::connection::{Connection, Received};
use super::deadline::{Deadline, Phase};
use super::{Connector, HandshakeInfo, USER_AGENT};
use crate::error::{Code, Error};
use crate::fork_gate;
use crate::log;

/// The DCS's answer to the status call takes 40 bytes; planned outages add some hundred each.
const MAX_BODY: u64 = 1024 * 1024;
/// The largest head of an answer.
const MAX_HEAD: usize = 32 * 1024;
/// All that is received for an answer, with what is no part of its body: provisional answers, the sizes of chunks
/// and what comes behind them, which a server could send without end.
const MAX_RECEIVED: u64 = 2 * MAX_BODY;
/// What a request takes besides its path and query. ureq writes the request line in one piece, so that the buffer has
/// to hold them whole.
const OUTPUT_SIZE: usize = 1024;
/// Takes the whole of a usual answer, head and body, at once; it grows up to the head's limit.
const INPUT_SIZE: usize = 1024;

/// The largest input buffer that an idle connection keeps.
const KEPT_INPUT: usize = 4 * 1024;

/// One exchange under way, shared by the caller and the connection that serves it.
pub(crate) struct Call {
    deadline: Deadline,
    start: Start,
    progress: Mutex<Progress>,
}

/// Which connection a call goes over.
pub(crate) enum Start {
    /// An idle one from the pool, or else a new one.
    Pool,
    /// A new one.
    Fresh,
    /// This one, which has been opened for it.
    Over(Mutex<Option<Box<Connection>>>),
}

impl Start {
    pub(crate) fn over(connection: Connection) -> Self {
        Start::Over(Mutex::new(Some(Box::new(connection))))
    }
}

/// What an exchange has come to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) facts: Option<HandshakeInfo>,
    pub(crate) reused: bool,
    pub(crate) first_byte: Option<Duration>,
    /// The connection went back to the pool.
    kept: bool,
}

impl Progress {
    /// Which connection served, in words for the log.
    pub(crate) fn how(&self) -> &'static str {
        match self.facts {
            _ if self.reused => "connection reused",
            Some(facts) if facts.resumed => "new connection, session resumed",
            _ => "new connection, new session",
        }
    }
}

/// A complete answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Call {
    pub(crate) fn new(deadline: Deadline, start: Start) -> Arc<Self> {
        Arc::new(Call {
            deadline,
            start,
            progress: Mutex::default(),
        })
    }

    pub(crate) fn progress(&self) -> Progress {
        *self.lock()
    }

    pub(crate) fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How ureq is set up, the same for every call.
///
/// Made once for the process: ureq's own defaults look for a proxy in the environment before ours say that there
/// is none, and no call may do that.
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

/// Makes ready what all clients share, so that no call has to.
pub(crate) fn prepare() {
    engine();
    fork_gate::install();
}

/// Sends `GET` to the endpoint and receives the whole answer.
///
/// No redirect is followed, no proxy is taken from the environment, and every status is an answer.
pub(crate) fn get(connector: &Arc<Connector>, call: &Arc<Call>) -> Result<Answer, Error> {
    let exchange = ExchangeConnector {
        connector: connector.clone(),
        call: call.clone(),
    };
    get_over(exchange, connector, call)
}

fn get_over(
    exchange: impl UreqConnector,
    connector: &Connector,
    call: &Call,
) -> Result<Answer, Error> {
    let agent = Agent::with_parts(engine().clone(), exchange, NoLookUp);
    let request = Request::get(connector.config.endpoint.uri.clone())
        .body(())
        .map_err(|error| {
            Error::new(
                Code::Internal,
                format!("The request cannot be built: {error}."),
            )
        })?;

    let told = |error| explain(error, connector, call);
    let mut response = agent.run(request).map_err(told)?;
    let status = response.status().as_u16();
    let announced = response.body().content_length();
    let body = if announced.is_some_and(|length| length > MAX_BODY) {
        Err(ureq::Error::BodyExceedsLimit(MAX_BODY))
    } else {
        let reader = response.body_mut().with_config().limit(MAX_BODY);
        reader.read_to_vec()
    };
    let body = body.map_err(|error| {
        let error = match error {
            // The same buffer was too small for something else.
            ureq::Error::LargeResponseHeader(..) => long_line(&connector.peer),
            error => told(error),
        };
        error.with_http_status(status)
    })?;
    log::emit!(
        Debug,
        HTTP,
        "HTTP {status} and a body of {} bytes; the connection is {}",
        body.len(),
        if call.progress().kept {
            "kept"
        } else {
            "closed"
        }
    );
    let (parts, _) = response.into_parts();
    Ok(Answer {
        status,
        headers: parts.headers,
        body,
    })
}

/// Our own errors come back as they went in; the others are about the HTTP that the server speaks.
fn explain(error: ureq::Error, connector: &Connector, call: &Call) -> Error {
    let peer = &connector.peer;
    match error {
        ureq::Error::Other(error) => match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(error) => Error::new(Code::Internal, format!("The call failed: {error}.")),
        },
        ureq::Error::BodyExceedsLimit(limit) => Error::new(
            Code::Response,
            format!("The answer of {peer} is larger than {} KiB.", limit / 1024),
        ),
        ureq::Error::LargeResponseHeader(_, limit) => Error::new(
            Code::Response,
            format!(
                "The head of the answer of {peer} is larger than {} KiB.",
                limit / 1024
            ),
        ),
        // The stream ended although ureq had reason to expect more.
        ureq::Error::Io(_) | ureq::Error::BodyStalled if call.progress().first_byte.is_some() => {
            cut_short(peer)
        }
        ureq::Error::Io(_) => connector.scene(Phase::Await, call.deadline()).closed(),
        error => Error::new(
            Code::Response,
            format!("The answer of {peer} is not valid HTTP/1.1: {error}."),
        ),
    }
}

fn long_line(peer: &str) -> Error {
    Error::new(
        Code::Response,
        format!(
            "The body of the answer of {peer} is not valid HTTP/1.1: the line with a chunk's size, or one behind the last chunk, is larger than {} KiB.",
            MAX_HEAD / 1024
        ),
    )
}

fn cut_short(peer: &str) -> Error {
    Error::new(
        Code::Response,
        format!("The answer of {peer} was cut short: the connection ended in the middle of it."),
    )
    .with_hint("Try again; if it stays, something on the way cuts connections.")
    .with_retryable(true)
}

/// The addresses are looked up by [`Connector`], and only where a connection has to be opened.
#[derive(Debug)]
struct NoLookUp;

impl Resolver for NoLookUp {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

struct ExchangeConnector {
    connector: Arc<Connector>,
    call: Arc<Call>,
}

impl UreqConnector for ExchangeConnector {
    type Out = Exchange;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Exchange>, ureq::Error> {
        let (opened, pooled) = match &self.call.start {
            Start::Pool => (None, self.connector.pool.take()),
            Start::Fresh => (None, None),
            Start::Over(connection) => {
                let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                (connection.take().map(|connection| *connection), None)
            }
        };
        let reused = pooled.is_some();
        let mut connection = match pooled.or(opened) {
            Some(connection) => connection,
            None => self.connector.connect(self.call.deadline()).map_err(wrap)?,
        };
        let mut progress = self.call.lock();
        progress.facts = Some(connection.facts);
        progress.reused = reused;
        drop(progress);
        let path = self.connector.config.endpoint.uri.path_and_query();
        let output_size = OUTPUT_SIZE + path.map_or(0, |path| path.as_str().len());
        let mut buffers = std::mem::take(&mut connection.buffers);
        buffers.prepare(output_size);
        Ok(Some(Exchange {
            connection: Some(connection),
            connector: self.connector.clone(),
            call: self.call.clone(),
            buffers,
            received: 0,
        }))
    }
}

impl fmt::Debug for ExchangeConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExchangeConnector({})", self.connector.peer)
    }
}

fn wrap(error: Error) -> ureq::Error {
    ureq::Error::Other(Box::new(error))
}

/// A connection in the service of one call.
struct Exchange {
    /// Gone once the connection is back in the pool.
    connection: Option<Connection>,
    connector: Arc<Connector>,
    call: Arc<Call>,
    buffers: ExchangeBuffers,
    /// Bytes of this answer.
    received: u64,
}

impl Exchange {
    fn connection(&mut self) -> Result<&mut Connection, ureq::Error> {
        self.connection
            .as_mut()
            .ok_or_else(|| ureq::Error::Io(std::io::ErrorKind::NotConnected.into()))
    }
}

impl UreqTransport for Exchange {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let (connector, call) = (self.connector.clone(), self.call.clone());
        let deadline = call.deadline();
        let output = std::mem::take(&mut self.buffers.output);
        let sent = self.connection().and_then(|connection| {
            connection
                .send(&connector, &output[..amount], deadline)
                .map_err(wrap)
        });
        self.buffers.output = output;
        if sent.is_ok() {
            log::emit!(
                Debug,
                HTTP,
                "GET {} is sent over {} connection",
                connector.config.endpoint.uri.path(),
                if self.call.progress().reused {
                    "a kept"
                } else {
                    "the new"
                }
            );
        }
        sent
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let (connector, call) = (self.connector.clone(), self.call.clone());
        let deadline = call.deadline();
        let phase = match self.call.progress().first_byte {
            Some(_) => Phase::Receive,
            None => Phase::Await,
        };
        let mut buffers = std::mem::take(&mut self.buffers);
        let space = buffers.input_append_buf();
        let received = if space.is_empty() {
            // The head fills the buffer and is still not complete.
            Err(ureq::Error::LargeResponseHeader(MAX_HEAD, MAX_HEAD))
        } else if self.received > MAX_RECEIVED {
            Err(ureq::Error::BodyExceedsLimit(MAX_RECEIVED))
        } else {
            self.connection().and_then(|connection| {
                connection
                    .receive(&connector, space, phase, deadline)
                    .map_err(|error| wrap(late(error, phase, &connector.peer)))
            })
        };
        if let Ok(Received::Bytes(count)) = received {
            buffers.input_appended(count);
            self.received += count as u64;
            let mut progress = self.call.lock();
            progress
                .first_byte
                .get_or_insert_with(|| self.call.deadline().elapsed());
        }
        self.buffers = buffers;
        Ok(matches!(received?, Received::Bytes(_)))
    }

    /// ureq asks this once, when an answer is complete and the connection may serve again: it goes back
    /// to our own pool, and ureq is left with nothing to keep.
    fn is_open(&mut self) -> bool {
        if let Some(mut connection) = self.connection.take()
            && connection.finish_exchange()
        {
            connection.buffers = std::mem::take(&mut self.buffers);
            self.call.lock().kept = true;
            self.connector.pool.put(connection);
        }
        false
    }

    fn is_tls(&self) -> bool {
        true
    }
}

/// A connection lost in the middle of an answer leaves an answer that was cut short.
fn late(error: Error, phase: Phase, peer: &str) -> Error {
    if phase == Phase::Receive && error.code() == Code::ConnectionLost {
        cut_short(peer)
    } else {
        error
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exchange({})", self.connector.peer)
    }
}

/// What ureq writes to and reads from.
#[derive(Default)]
pub(crate) struct ExchangeBuffers {
    output: Vec<u8>,
    input: Vec<u8>,
    /// The part of `input` that has been received and not consumed.
    begin: usize,
    end: usize,
    progress: bool,
}

impl ExchangeBuffers {
    /// Makes them ready for a call; what the last one left in them is passed over.
    fn prepare(&mut self, output_size: usize) {
        self.output.resize(output_size, 0);
        // A large answer's buffer is not kept for the connection's life.
        if self.input.len() > KEPT_INPUT {
            self.input = Vec::new();
        }
        (self.begin, self.end) = (0, 0);
        self.progress = false;
    }
}

impl Buffers for ExchangeBuffers {
    fn output(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn input(&self) -> &[u8] {
        &self.input[self.begin..self.end]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        if self.begin > 0 {
            self.input.copy_within(self.begin..self.end, 0);
            self.end -= self.begin;
            self.begin = 0;
        }
        if self.end == self.input.len() && self.input.len() < MAX_HEAD {
            let larger = (2 * self.input.len()).clamp(INPUT_SIZE, MAX_HEAD);
            self.input.resize(larger, 0);
        }
        &mut self.input[self.end..]
    }

    fn input_appended(&mut self, amount: usize) {
        self.end += amount;
    }

    fn input_consume(&mut self, amount: usize) {
        self.progress = amount > 0;
        self.begin += amount;
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        // For request bodies, which the status call has none of; ureq still may ask.
        self.input
            .resize(self.input.len().max(self.end + INPUT_SIZE), 0);
        (&mut self.input[self.end..], &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.begin < self.end && self.progress
    }
}

/// The header's text, where it is there and printable.
pub(crate) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether the answer says that it is an HTML page.
pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().contains("html"))
}
