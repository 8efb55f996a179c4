//! TCP and TLS servers in this process, on loopback ports of their own.
//!
//! Independent of the testbed, because `fuzz/` compiles this too.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The server's side of a TLS connection.
pub type Session = StreamOwned<ServerConnection, TcpStream>;

/// How a server ends the connection after a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With a close_notify (RFC 8446, section 6.1).
    CloseNotify,
    /// Without one, as if the connection had been cut.
    Abrupt,
    /// Not at all: it serves the next request.
    KeepAlive,
}

/// Starts a TCP server that handles each connection in a thread of its own, and returns its port.
pub fn listen(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let handle = Arc::new(handle);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = handle.clone();
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || handle(stream));
        }
    });
    port
}

/// Starts a TLS server with this certificate chain and key, and returns its port. A function makes the response from
/// the first line of a request.
pub fn start(
    mut chain: &[u8],
    mut key: &[u8],
    response: impl Fn(&str) -> (Vec<u8>, End) + Send + Sync + 'static,
) -> u16 {
    let chain = rustls_pemfile::certs(&mut chain).collect::<Result<_, _>>();
    let key = rustls_pemfile::private_key(&mut key).unwrap().unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.unwrap(), key)
        .unwrap();
    let tls = Arc::new(tls);
    listen(move |stream| {
        let connection = ServerConnection::new(tls.clone()).unwrap();
        respond(StreamOwned::new(connection, stream), &response);
    })
}

/// Responds to the requests of one connection.
pub fn respond(mut session: Session, response: &impl Fn(&str) -> (Vec<u8>, End)) {
    while let Some(head) = read_head(&mut session) {
        let (bytes, end) = response(head.lines().next().unwrap_or_default());
        // The client may close before it has read everything.
        let written = session.write_all(&bytes).and_then(|()| session.flush());
        match (end, written) {
            (End::KeepAlive, Ok(())) => {}
            (End::CloseNotify, Ok(())) => {
                session.conn.send_close_notify();
                let _ = session.flush();
                return;
            }
            _ => return,
        }
    }
}

/// Reads a request's head; returns `None` if the client is gone.
pub fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => head.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}
