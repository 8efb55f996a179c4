//! HTTPS servers with the testbed's server certificate, which send any bytes at all.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dcs::Config;
use dcs_testbed::Testbed;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};

pub use super::loopback::{End, Session, read_head};
use super::loopback::{listen, respond};
use super::{WATCHDOG_MS, config};

/// Returns the testbed's server certificate with its chain, and its key.
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

/// Returns the TLS settings of a server that asks for no client certificate.
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

/// Starts a server whose connections a function handles, from before the handshake. Returns a configuration for calls to
/// the server, and the count of its connections.
pub fn sessions(
    testbed: &Testbed,
    tls: ServerConfig,
    handle: impl Fn(Session) + Send + Sync + 'static,
) -> (Config, Arc<AtomicUsize>) {
    let tls = Arc::new(tls);
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    let port = listen(move |stream| {
        count.fetch_add(1, Ordering::SeqCst);
        let connection = ServerConnection::new(tls.clone()).unwrap();
        handle(StreamOwned::new(connection, stream));
    });
    (config_to(testbed, port), connections)
}

/// Starts such a server with TLS 1.2 and 1.3.
pub fn sessions_of_any_version(
    testbed: &Testbed,
    handle: impl Fn(Session) + Send + Sync + 'static,
) -> (Config, Arc<AtomicUsize>) {
    sessions(
        testbed,
        tls(identity(testbed), rustls::ALL_VERSIONS),
        handle,
    )
}

/// Returns a configuration for calls to a server on this machine. Its timeouts are those of a watchdog: no call should
/// wait for them.
pub fn config_to(testbed: &Testbed, port: u16) -> Config {
    let mut config = config(
        testbed,
        &format!("https://localhost:{port}/checks/passport"),
    );
    config.set_timeout_ms(WATCHDOG_MS).unwrap();
    config.set_connect_timeout_ms(WATCHDOG_MS).unwrap();
    config
}

/// Starts a server whose connections a function handles from after the first request.
pub fn after_request(
    testbed: &Testbed,
    handle: impl Fn(&mut Session) + Send + Sync + 'static,
) -> Config {
    let (config, _) = sessions_of_any_version(testbed, move |mut session| {
        if read_head(&mut session).is_some() {
            handle(&mut session);
        }
    });
    config
}

/// Starts a server that sends the same bytes for each request.
pub fn responding(testbed: &Testbed, response: impl Into<Vec<u8>>, end: End) -> Config {
    counting(testbed, response, end).0
}

/// Starts the same server, and counts its connections.
pub fn counting(
    testbed: &Testbed,
    response: impl Into<Vec<u8>>,
    end: End,
) -> (Config, Arc<AtomicUsize>) {
    let response = response.into();
    sessions_of_any_version(testbed, move |session| {
        respond(session, &|_| (response.clone(), end));
    })
}

/// Starts a server that sends a beginning and then repeats a piece for as long as the client reads.
pub fn endless(testbed: &Testbed, begin: impl Into<Vec<u8>>, piece: impl Into<Vec<u8>>) -> Config {
    let (begin, piece) = (begin.into(), piece.into());
    after_request(testbed, move |session| {
        let _ = session.write_all(&begin);
        while session.write_all(&piece).is_ok() {}
    })
}

/// Returns a response with a Content-Length.
pub fn with_length(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
