//! A TCP relay before a real server that can misbehave at any byte, or at any TLS record, of either direction.
//!
//! One thread serves a connection from its begin to its end and waits for whichever side has something to say.
//! So a fault happens exactly where it was asked for, and nothing is slept for.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use socket2::SockRef;

/// The record type of application data (RFC 8446, section 5.1).
pub const APPLICATION_DATA: u8 = 23;

/// A record's type, version and length.
const HEADER: usize = 5;

/// Longer than any fault takes to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the relay does at the place that is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Passes nothing more on in this direction and keeps the connection open.
    Stall,
    /// The same in both directions, as a firewall does that has forgotten the connection.
    Forget,
    /// Ends both sides in good order (FIN).
    Close,
    /// Ends both sides at once (RST).
    Reset,
    /// Flips a bit of the next byte.
    Corrupt,
    /// Passes the rest on byte by byte.
    Drip,
    /// Says something to the client that the server did not, and goes on.
    Say(&'static [u8]),
}

/// Where a fault happens. A stream's first bytes are passed on, and the next one is hit.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Behind that many bytes of the direction.
    Byte { from_client: bool, offset: usize },
    /// Before the first record that the function chooses.
    Before(Hits),
    /// Behind the first record that the function chooses.
    Behind(Hits),
}

/// One TLS record on its way.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub from_client: bool,
    pub is_application_data: bool,
    /// Counts the records of its kind (application data or not) in its direction, from 1.
    pub number: usize,
    /// Counts the connections, from 1.
    pub connection: usize,
}

/// Chooses a record.
pub type Hits = fn(Record) -> bool;

/// What came from the two sides of a connection, whatever became of it.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    pub client: Vec<u8>,
    pub server: Vec<u8>,
    /// How many of the server's bytes were passed on.
    pub passed: usize,
}

/// The relay's own port, and what happened in it.
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
    heard: Heard,
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
    /// Relays to a port of this machine, with a fault before the record that is hit. The threads end with their connections, or with the test.
    pub fn start(upstream: u16, fault: Fault, hits: Hits) -> Relay {
        let relay = Relay::faithful(upstream);
        relay.arm(fault, Place::Before(hits));
        relay
    }

    /// Relays to a port of this machine, without a fault as yet.
    pub fn faithful(upstream: u16) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let told = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", upstream)).unwrap();
                let shared = told.clone();
                let mut state = shared.lock();
                state.connections += 1;
                state.heard = Heard::default();
                let line = Line {
                    connection: state.connections,
                    fault: state.fault,
                    shared: told.clone(),
                    client: Side::new(client),
                    server: Side::new(server),
                    was_reset: false,
                };
                drop(state);
                thread::spawn(move || line.serve());
            }
        });
        Relay { port, shared }
    }

    /// Has the fault happen in the connections that come from now on.
    pub fn arm(&self, fault: Fault, place: Place) {
        self.shared.lock().fault = Some((fault, place));
    }

    /// Has no fault happen in the connections that come from now on.
    pub fn disarm(&self) {
        self.shared.lock().fault = None;
    }

    /// Waits until that many faults have happened.
    #[track_caller]
    pub fn await_faults(&self, count: usize) {
        let state = self.shared.lock();
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, PATIENCE, |state| state.faults < count)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(state.faults >= count, "{} of {count} faults", state.faults);
    }

    /// What was heard in the newest connection so far.
    pub fn heard(&self) -> Heard {
        self.shared.lock().heard.clone()
    }

    /// The URL with the relay's port in place of the server's.
    pub fn url(&self, url: &str) -> String {
        let rest = url.strip_prefix("https://localhost:").unwrap();
        let path = &rest[rest.find('/').unwrap()..];
        format!("https://localhost:{}{path}", self.port)
    }

    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }
}

/// The request, or what comes of it first.
pub fn request(record: Record) -> bool {
    record.from_client && record.is_application_data
}

/// The port in a URL of the testbed.
pub fn port_of(url: &str) -> u16 {
    let rest = url.strip_prefix("https://localhost:").unwrap();
    rest[..rest.find('/').unwrap()].parse().unwrap()
}

/// The ends of the complete records in a stream's bytes.
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

/// One of the two sockets of a connection, and what came in there.
struct Side {
    stream: TcpStream,
    /// What came and has not been passed on.
    waiting: Vec<u8>,
    /// How much has been passed on.
    passed: usize,
    /// Records by kind: any other, application data.
    records: [usize; 2],
    ended: bool,
    /// Nothing is passed on any more.
    muted: bool,
    drips: bool,
}

impl Side {
    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Side {
            stream,
            waiting: Vec::new(),
            passed: 0,
            records: [0; 2],
            ended: false,
            muted: false,
            drips: false,
        }
    }
}

/// What a look at the next bytes of a direction says.
enum Next {
    /// Pass so many on.
    Pass(usize),
    /// Pass so many on, then the fault happens.
    Hit(usize),
}

/// A connection under way.
struct Line {
    connection: usize,
    fault: Option<(Fault, Place)>,
    shared: Arc<Shared>,
    client: Side,
    server: Side,
    was_reset: bool,
}

impl Line {
    fn serve(mut self) {
        let shared = self.shared.clone();
        let was_reset = self.run();
        // The sockets close before the fault counts.
        drop(self);
        if was_reset {
            shared.count_fault();
        }
    }

    /// Relays until the connection ends; true where that was a reset.
    fn run(&mut self) -> bool {
        // A fault at the very begin waits for nothing.
        let mut goes_on = self.pass_on(true) && self.pass_on(false);
        while goes_on && !self.client.ended {
            let (client, server) = self.readable();
            if client {
                goes_on = self.take(true) && self.pass_on(true);
            }
            if goes_on && server {
                goes_on = self.take(false) && self.pass_on(false);
                if self.server.ended && !self.server.muted {
                    let _ = self.client.stream.shutdown(Shutdown::Write);
                }
            }
        }
        self.was_reset
    }

    /// Waits for either side, and tells which has something.
    fn readable(&self) -> (bool, bool) {
        let mut polled = [
            PollFd::new(&self.client.stream, PollFlags::IN),
            PollFd::new(&self.server.stream, PollFlags::IN),
        ];
        let sides = if self.server.ended { 1 } else { 2 };
        while poll(&mut polled[..sides], None).is_err() {}
        let has = |fd: &PollFd<'_>| !fd.revents().is_empty();
        (has(&polled[0]), sides == 2 && has(&polled[1]))
    }

    /// Takes what has come from one side; false where the side has failed.
    fn take(&mut self, from_client: bool) -> bool {
        let mut buffer = [0; 16 * 1024];
        let side = self.side(from_client);
        let bytes = match side.stream.read(&mut buffer) {
            Ok(count) => &buffer[..count],
            Err(error) => return error.kind() == ErrorKind::Interrupted,
        };
        side.ended = bytes.is_empty();
        side.waiting.extend_from_slice(bytes);
        self.note(|heard| {
            if from_client {
                heard.client.extend_from_slice(bytes);
            } else {
                heard.server.extend_from_slice(bytes);
            }
        });
        true
    }

    fn note(&self, note: impl FnOnce(&mut Heard)) {
        let mut state = self.shared.lock();
        if state.connections == self.connection {
            note(&mut state.heard);
        }
    }

    /// Passes on what waits from one side; false where the connection has ended.
    fn pass_on(&mut self, from_client: bool) -> bool {
        loop {
            let side = self.side(from_client);
            if side.muted {
                side.waiting.clear();
                return true;
            }
            let (count, is_hit) = match self.next(from_client) {
                Next::Pass(0) => return true,
                Next::Pass(count) => (count, false),
                Next::Hit(count) => (count, true),
            };
            if !self.write(from_client, count) || is_hit && !self.misbehave(from_client) {
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

    /// How far the bytes that wait may pass. Where records are looked at, only whole ones do.
    fn next(&mut self, from_client: bool) -> Next {
        let connection = self.connection;
        let fault = self.fault;
        let side = self.side(from_client);
        match fault {
            None => Next::Pass(side.waiting.len()),
            Some((
                fault,
                Place::Byte {
                    from_client: hit,
                    offset,
                },
            )) => {
                // Only a bit can be flipped that is there.
                let wanted = usize::from(fault == Fault::Corrupt);
                match offset.checked_sub(side.passed) {
                    Some(left) if hit == from_client && side.waiting.len() >= left + wanted => {
                        Next::Hit(left)
                    }
                    _ => Next::Pass(side.waiting.len()),
                }
            }
            Some((_, place @ (Place::Before(hits) | Place::Behind(hits)))) => {
                let Some(end) = record_end(&side.waiting, 0) else {
                    return Next::Pass(if side.ended { side.waiting.len() } else { 0 });
                };
                let is_application_data = side.waiting[0] == APPLICATION_DATA;
                let count = &mut side.records[usize::from(is_application_data)];
                *count += 1;
                let record = Record {
                    from_client,
                    is_application_data,
                    number: *count,
                    connection,
                };
                match (hits(record), place) {
                    (false, _) => Next::Pass(end),
                    (true, Place::Behind(_)) => Next::Hit(end),
                    (true, _) => Next::Hit(0),
                }
            }
        }
    }

    fn write(&mut self, from_client: bool, count: usize) -> bool {
        let from = self.side(from_client);
        let bytes: Vec<u8> = from.waiting.drain(..count).collect();
        from.passed += count;
        let piece = if from.drips { 1 } else { count.max(1) };
        if !from_client {
            // Before the client can have made anything of them.
            self.note(|heard| heard.passed += count);
        }
        let to = &mut self.side(!from_client).stream;
        bytes.chunks(piece).all(|piece| to.write_all(piece).is_ok())
    }

    /// The fault happens, once for each connection; false where it ends the connection.
    fn misbehave(&mut self, from_client: bool) -> bool {
        let Some((fault, _)) = self.fault.take() else {
            return true;
        };
        let goes_on = match fault {
            Fault::Stall => {
                self.side(from_client).muted = true;
                true
            }
            Fault::Forget => {
                self.client.muted = true;
                self.server.muted = true;
                true
            }
            Fault::Drip => {
                self.side(from_client).drips = true;
                true
            }
            Fault::Say(words) => self.client.stream.write_all(words).is_ok(),
            Fault::Corrupt => {
                let side = self.side(from_client);
                side.waiting[0] ^= 1 << (side.passed % 8);
                true
            }
            Fault::Close => {
                let _ = self.client.stream.shutdown(Shutdown::Write);
                let _ = self.server.stream.shutdown(Shutdown::Both);
                // What is closed with unread bytes is reset by the kernel.
                self.server.ended = true;
                self.client.muted = true;
                self.server.muted = true;
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
