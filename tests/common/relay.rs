//! A TCP relay in front of a real server that injects a fault at any byte, or at any TLS record, of either direction.
//!
//! One thread serves a connection from its beginning to its end and waits for data from either side. So a fault happens
//! exactly at its place, and nothing sleeps.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use socket2::SockRef;

use super::WATCHDOG;

/// The record type of application data (RFC 8446, section 5.1).
pub const APPLICATION_DATA: u8 = 23;

/// A record's type, version and length.
const HEADER: usize = 5;

/// What the relay does at its place in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Discards the rest of this direction and keeps the connection open.
    Stall,
    /// Discards the rest of both directions, as a firewall does that has lost its state of the connection.
    Blackhole,
    /// Closes both sides in good order (FIN).
    Close,
    /// Resets both sides (RST).
    Reset,
    /// Flips a bit of the next byte.
    Corrupt,
    /// Forwards the rest byte by byte.
    Drip,
    /// Sends bytes to the client that did not come from the server, and continues.
    Inject(&'static [u8]),
}

/// Where a fault happens.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// After this many bytes of a direction.
    Byte { from_client: bool, offset: usize },
    /// Before the first record that the function selects.
    Before(RecordFilter),
    /// After the first record that the function selects.
    After(RecordFilter),
}

/// A TLS record in transit.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub from_client: bool,
    pub is_application_data: bool,
    /// Counts the records of its kind (application data or not) in its direction, from 1.
    pub number: usize,
    /// Counts the connections, from 1.
    pub connection: usize,
}

/// Selects a record.
pub type RecordFilter = fn(Record) -> bool;

/// What the two sides of a connection sent, forwarded or not.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    pub client: Vec<u8>,
    pub server: Vec<u8>,
    /// How many of the server's bytes were forwarded.
    pub forwarded: usize,
}

/// A relay on a port of its own.
pub struct Relay {
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    fault: Option<(Fault, Place)>,
    connections: usize,
    faults: usize,
    /// Of the newest connection.
    transcript: Transcript,
    /// Both sides of the newest connection have ended.
    has_ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_fault(&self) {
        self.lock().faults += 1;
        self.changed.notify_all();
    }
}

impl Relay {
    /// Relays to a port of this machine, with a fault before the first record that the function selects. The threads end
    /// with their connections, or with the test.
    pub fn with_fault(upstream: u16, fault: Fault, filter: RecordFilter) -> Relay {
        let relay = Relay::start(upstream);
        relay.arm(fault, Place::Before(filter));
        relay
    }

    /// Relays to a port of this machine, without a fault until [`Relay::arm`].
    pub fn start(upstream: u16) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let relay = Relay {
            port,
            shared: shared.clone(),
        };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", upstream)).unwrap();
                let mut state = shared.lock();
                state.connections += 1;
                state.transcript = Transcript::default();
                state.has_ended = false;
                let connection = Connection {
                    number: state.connections,
                    fault: state.fault,
                    shared: shared.clone(),
                    client: Side::new(client),
                    server: Side::new(server),
                    was_reset: false,
                };
                drop(state);
                thread::spawn(move || connection.serve());
            }
        });
        relay
    }

    /// Sets the fault of the connections that are opened from now on.
    pub fn arm(&self, fault: Fault, place: Place) {
        self.shared.lock().fault = Some((fault, place));
    }

    /// Removes the fault for the connections that are opened from now on.
    pub fn disarm(&self) {
        self.shared.lock().fault = None;
    }

    /// Waits until this many faults have happened.
    #[track_caller]
    pub fn wait_for_faults(&self, count: usize) {
        drop(self.wait_until(|state| state.faults >= count));
    }

    /// Waits until the client and the server have both ended the newest connection, and returns all that they sent.
    #[track_caller]
    pub fn transcript_to_the_end(&self) -> Transcript {
        self.wait_until(|state| state.has_ended).transcript.clone()
    }

    /// Returns what the two sides of the newest connection have sent so far.
    pub fn transcript(&self) -> Transcript {
        self.shared.lock().transcript.clone()
    }

    #[track_caller]
    fn wait_until(&self, condition: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let state = self.shared.lock();
        let (state, outcome) = self
            .shared
            .changed
            .wait_timeout_while(state, WATCHDOG, |state| !condition(state))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!outcome.timed_out(), "{} faults so far", state.faults);
        state
    }

    /// Returns the URL with the relay's port in place of the server's.
    pub fn url(&self, url: &str) -> String {
        let rest = url.strip_prefix("https://localhost:").unwrap();
        let path = &rest[rest.find('/').unwrap()..];
        format!("https://localhost:{}{path}", self.port)
    }

    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }
}

/// Selects the request's first record.
pub fn request(record: Record) -> bool {
    record.from_client && record.is_application_data
}

/// Returns the port in a URL of the testbed.
pub fn port_of(url: &str) -> u16 {
    let rest = url.strip_prefix("https://localhost:").unwrap();
    rest[..rest.find('/').unwrap()].parse().unwrap()
}

/// Returns where each complete record of a stream ends.
pub fn record_ends(bytes: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut begin = 0;
    while let Some(end) = record_end(bytes, begin) {
        ends.push(end);
        begin = end;
    }
    ends
}

fn record_end(bytes: &[u8], begin: usize) -> Option<usize> {
    let length = bytes.get(begin + 3..begin + HEADER)?;
    let end = begin + HEADER + usize::from(u16::from_be_bytes([length[0], length[1]]));
    (end <= bytes.len()).then_some(end)
}

/// One of the two sockets of a connection, and what it received.
struct Side {
    stream: TcpStream,
    /// Received and not forwarded yet.
    pending: Vec<u8>,
    /// How many bytes were forwarded.
    forwarded: usize,
    /// Records by kind: any other, application data.
    records: [usize; 2],
    has_ended: bool,
    /// Discards what it receives.
    discards: bool,
    drips: bool,
}

impl Side {
    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Side {
            stream,
            pending: Vec::new(),
            forwarded: 0,
            records: [0; 2],
            has_ended: false,
            discards: false,
            drips: false,
        }
    }
}

/// What to do with the next bytes of a direction.
enum Next {
    /// Forward this many.
    Forward(usize),
    /// Forward this many, then cause the fault.
    Fault(usize),
}

/// An open connection.
struct Connection {
    number: usize,
    fault: Option<(Fault, Place)>,
    shared: Arc<Shared>,
    client: Side,
    server: Side,
    was_reset: bool,
}

impl Connection {
    fn serve(mut self) {
        let shared = self.shared.clone();
        let number = self.number;
        let was_reset = self.run();
        // The sockets close before the fault and the end are counted.
        drop(self);
        let mut state = shared.lock();
        state.faults += usize::from(was_reset);
        state.has_ended |= state.connections == number;
        shared.changed.notify_all();
    }

    /// Relays until both sides have ended; returns whether the relay reset them.
    fn run(&mut self) -> bool {
        // A fault at offset 0 waits for no byte.
        let mut goes_on = self.forward(true) && self.forward(false);
        while goes_on && !(self.client.has_ended && self.server.has_ended) {
            let (client, server) = self.readable();
            if client {
                let has_failed = !self.receive(true);
                goes_on = self.forward(true);
                if has_failed || self.client.has_ended {
                    self.drain_server();
                }
            }
            if goes_on && server {
                goes_on = self.receive(false) && self.forward(false);
                if self.server.has_ended && !self.server.discards {
                    let _ = self.client.stream.shutdown(Shutdown::Write);
                }
            }
        }
        self.was_reset
    }

    /// Waits for either side, and returns which of them can be read.
    fn readable(&self) -> (bool, bool) {
        let mut polled = Vec::new();
        for side in [&self.client, &self.server] {
            if !side.has_ended {
                polled.push(PollFd::new(&side.stream, PollFlags::IN));
            }
        }
        while poll(&mut polled, None).is_err() {}
        let mut ready = polled.iter().map(|fd| !fd.revents().is_empty());
        let mut is_ready = |side: &Side| !side.has_ended && ready.next().unwrap();
        (is_ready(&self.client), is_ready(&self.server))
    }

    /// Receives what has come from one side; returns false if the side has failed.
    fn receive(&mut self, from_client: bool) -> bool {
        let mut buffer = [0; 16 * 1024];
        let side = self.side(from_client);
        let bytes = match side.stream.read(&mut buffer) {
            Ok(count) => &buffer[..count],
            Err(error) => return error.kind() == ErrorKind::Interrupted,
        };
        side.has_ended = bytes.is_empty();
        side.pending.extend_from_slice(bytes);
        self.record(|transcript| {
            if from_client {
                transcript.client.extend_from_slice(bytes);
            } else {
                transcript.server.extend_from_slice(bytes);
            }
        });
        true
    }

    /// Stops forwarding once the client is gone. What the server still sends belongs to the transcript.
    fn drain_server(&mut self) {
        self.client.has_ended = true;
        self.server.discards = true;
        let _ = self.server.stream.shutdown(Shutdown::Write);
    }

    fn record(&self, change: impl FnOnce(&mut Transcript)) {
        let mut state = self.shared.lock();
        if state.connections == self.number {
            change(&mut state.transcript);
        }
    }

    /// Forwards what one side has sent; returns false if the connection has ended.
    fn forward(&mut self, from_client: bool) -> bool {
        loop {
            let side = self.side(from_client);
            if side.discards {
                side.pending.clear();
                return true;
            }
            let (count, is_fault) = match self.next(from_client) {
                Next::Forward(0) => return true,
                Next::Forward(count) => (count, false),
                Next::Fault(count) => (count, true),
            };
            if !self.write(from_client, count) || is_fault && !self.cause_fault(from_client) {
                return false;
            }
        }
    }

    fn side(&mut self, from_client: bool) -> &mut Side {
        if from_client {
            &mut self.client
        } else {
            &mut self.server
        }
    }

    /// Decides how many of the pending bytes to forward. A fault between records needs whole records.
    fn next(&mut self, from_client: bool) -> Next {
        let connection = self.number;
        let fault = self.fault;
        let side = self.side(from_client);
        match fault {
            None => Next::Forward(side.pending.len()),
            Some((
                fault,
                Place::Byte {
                    from_client: faulty,
                    offset,
                },
            )) => {
                // Flipping a bit takes a byte.
                let wanted = usize::from(fault == Fault::Corrupt);
                match offset.checked_sub(side.forwarded) {
                    Some(left) if faulty == from_client && side.pending.len() >= left + wanted => {
                        Next::Fault(left)
                    }
                    _ => Next::Forward(side.pending.len()),
                }
            }
            Some((_, place @ (Place::Before(filter) | Place::After(filter)))) => {
                let Some(end) = record_end(&side.pending, 0) else {
                    return Next::Forward(if side.has_ended {
                        side.pending.len()
                    } else {
                        0
                    });
                };
                let is_application_data = side.pending[0] == APPLICATION_DATA;
                let count = &mut side.records[usize::from(is_application_data)];
                *count += 1;
                let record = Record {
                    from_client,
                    is_application_data,
                    number: *count,
                    connection,
                };
                match (filter(record), place) {
                    (false, _) => Next::Forward(end),
                    (true, Place::After(_)) => Next::Fault(end),
                    (true, _) => Next::Fault(0),
                }
            }
        }
    }

    fn write(&mut self, from_client: bool, count: usize) -> bool {
        let from = self.side(from_client);
        let bytes: Vec<u8> = from.pending.drain(..count).collect();
        from.forwarded += count;
        let piece = if from.drips { 1 } else { count.max(1) };
        if !from_client {
            // Before the client can act on them.
            self.record(|transcript| transcript.forwarded += count);
        }
        let to = &mut self.side(!from_client).stream;
        let is_written = bytes.chunks(piece).all(|piece| to.write_all(piece).is_ok());
        if !is_written && !from_client {
            self.drain_server();
            return true;
        }
        is_written
    }

    /// Causes the fault, once for each connection; returns false if it ends the connection.
    fn cause_fault(&mut self, from_client: bool) -> bool {
        let Some((fault, _)) = self.fault.take() else {
            return true;
        };
        let goes_on = match fault {
            Fault::Stall => {
                self.side(from_client).discards = true;
                true
            }
            Fault::Blackhole => {
                self.client.discards = true;
                self.server.discards = true;
                true
            }
            Fault::Drip => {
                self.side(from_client).drips = true;
                true
            }
            Fault::Inject(bytes) => self.client.stream.write_all(bytes).is_ok(),
            Fault::Corrupt => {
                let side = self.side(from_client);
                side.pending[0] ^= 1 << (side.forwarded % 8);
                true
            }
            Fault::Close => {
                let _ = self.client.stream.shutdown(Shutdown::Write);
                let _ = self.server.stream.shutdown(Shutdown::Both);
                // The kernel resets a connection that is closed with unread bytes.
                self.server.has_ended = true;
                self.client.discards = true;
                self.server.discards = true;
                true
            }
            Fault::Reset => {
                for side in [&self.client, &self.server] {
                    SockRef::from(&side.stream)
                        .set_linger(Some(Duration::ZERO))
                        .unwrap();
                }
                self.was_reset = true;
                false
            }
        };
        if fault != Fault::Reset {
            self.shared.count_fault();
        }
        goes_on
    }
}
