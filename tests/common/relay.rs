//! A TCP relay before a real server that can misbehave at a chosen TLS record.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The record type of application data (RFC 8446, section 5.1).
const APPLICATION_DATA: u8 = 23;

/// What the relay does instead of passing a record on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Say nothing more in this direction and keep the connection open.
    Stall,
    /// Close both sides.
    Close,
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

/// Chooses the record that the fault happens at.
pub type Hits = fn(Record) -> bool;

/// The relay's own port, and how many connections it has taken.
pub struct Relay {
    pub port: u16,
    pub connections: Arc<AtomicUsize>,
}

impl Relay {
    /// Relays to a port of this machine, up to the record that is hit. The threads end with their connections, or with the test.
    pub fn start(upstream: u16, fault: Fault, hits: Hits) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let connection = count.fetch_add(1, Ordering::SeqCst) + 1;
                let server = TcpStream::connect(("127.0.0.1", upstream)).unwrap();
                let (client2, server2) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || pump([client, server], true, connection, fault, hits));
                thread::spawn(move || pump([server2, client2], false, connection, fault, hits));
            }
        });
        Relay { port, connections }
    }

    /// The URL with the relay's port in place of the server's.
    pub fn url(&self, url: &str) -> String {
        let rest = url.strip_prefix("https://localhost:").unwrap();
        let path = &rest[rest.find('/').unwrap()..];
        format!("https://localhost:{}{path}", self.port)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
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

fn pump(
    [mut from, mut to]: [TcpStream; 2],
    from_client: bool,
    connection: usize,
    fault: Fault,
    hits: Hits,
) {
    let mut counts = [0_usize; 2];
    let mut header = [0_u8; 5];
    while from.read_exact(&mut header).is_ok() {
        let mut body = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        if from.read_exact(&mut body).is_err() {
            break;
        }
        let is_application_data = header[0] == APPLICATION_DATA;
        let count = &mut counts[usize::from(is_application_data)];
        *count += 1;
        let record = Record {
            from_client,
            is_application_data,
            number: *count,
            connection,
        };
        if hits(record) {
            match fault {
                // Holds both sockets open until the test's process ends.
                Fault::Stall => loop {
                    thread::park();
                },
                Fault::Close => break,
            }
        }
        if to
            .write_all(&header)
            .and_then(|()| to.write_all(&body))
            .is_err()
        {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
