//! A TLS server by rustls that says what it is told to, right or wrong.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dcs::Config;
use dcs_testbed::Testbed;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};

use super::config;
use super::loopback;
pub use super::loopback::End;
use super::proxy::server;

/// A connection, as the server has it.
pub type Session = StreamOwned<ServerConnection, TcpStream>;

/// The testbed's server certificate with its chain, and its key.
pub fn identity(testbed: &Testbed) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let read = |name: &str| std::fs::read(testbed.file(name)).unwrap();
    let chain = rustls_pemfile::certs(&mut read("server_cert").as_slice())
        .collect::<Result<_, _>>()
        .unwrap();
    let key = rustls_pemfile::private_key(&mut read("server_key").as_slice())
        .unwrap()
        .unwrap();
    (chain, key)
}

/// A server's side of TLS, without asking for a client certificate.
pub fn tls(
    (chain, key): (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

/// Has each connection handled by a function, before its handshake. Returns a configuration to call the server
/// with, and the count of its connections.
pub fn sessions(
    testbed: &Testbed,
    tls: ServerConfig,
    handle: impl Fn(Session) + Send + Sync + 'static,
) -> (Config, Arc<AtomicUsize>) {
    let tls = Arc::new(tls);
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    let port = server(move |stream| {
        count.fetch_add(1, Ordering::SeqCst);
        let connection = ServerConnection::new(tls.clone()).unwrap();
        handle(StreamOwned::new(connection, stream));
    });
    (config_to(testbed, port), connections)
}

/// A configuration to call a server on this machine with.
pub fn config_to(testbed: &Testbed, port: u16) -> Config {
    let mut config = config(
        testbed,
        &format!("https://localhost:{port}/checks/passport"),
    );
    config.set_timeout_ms(5_000).unwrap();
    config
}

/// Has each connection handled by a function once its first request has come.
pub fn answering(
    testbed: &Testbed,
    handle: impl Fn(&mut Session) + Send + Sync + 'static,
) -> Config {
    let tls = tls(identity(testbed), rustls::ALL_VERSIONS);
    sessions(testbed, tls, move |mut session| {
        if read_head(&mut session) {
            handle(&mut session);
        }
    })
    .0
}

/// Serves the same bytes for each request.
pub fn serving(testbed: &Testbed, answer: impl Into<Vec<u8>>, end: End) -> Config {
    counted(testbed, answer, end).0
}

/// Serves the same bytes for each request, and counts the connections.
pub fn counted(
    testbed: &Testbed,
    answer: impl Into<Vec<u8>>,
    end: End,
) -> (Config, Arc<AtomicUsize>) {
    let answer = answer.into();
    let tls = tls(identity(testbed), rustls::ALL_VERSIONS);
    sessions(testbed, tls, move |mut session| {
        while read_head(&mut session) {
            // The client may have had enough before all is said.
            let said = session.write_all(&answer).and_then(|()| session.flush());
            match (end, said) {
                (End::Never, Ok(())) => {}
                (End::Properly, Ok(())) => {
                    session.conn.send_close_notify();
                    let _ = session.flush();
                    return;
                }
                _ => return,
            }
        }
    })
}

/// Serves the beginning and then the same piece again and again, for as long as the client listens.
pub fn endless(testbed: &Testbed, begin: impl Into<Vec<u8>>, piece: impl Into<Vec<u8>>) -> Config {
    let (begin, piece) = (begin.into(), piece.into());
    answering(testbed, move |session| {
        let _ = session.write_all(&begin);
        while session.write_all(&piece).is_ok() {}
    })
}

/// Reads a request's head; false where the client is gone.
pub fn read_head(stream: &mut impl Read) -> bool {
    loopback::read_head(stream).is_some()
}

pub fn with_length(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
