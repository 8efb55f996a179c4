//! A TLS server in this process, on a loopback port of its own, that says what it is told to.
//!
//! Without anything of the testbed, because `fuzz/` compiles this too.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How the server ends a connection after what it has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With a close_notify, as RFC 8446, section 6.1 wants it.
    Properly,
    /// Without one, as if it were cut off.
    Abruptly,
    /// Not at all: it serves the next request.
    Never,
}

/// Starts the server and returns its port. It is asked for an answer with a request's first line.
pub fn start(
    mut chain: &[u8],
    mut key: &[u8],
    answer: impl Fn(&str) -> (Vec<u8>, End) + Send + Sync + 'static,
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
    let shared = Arc::new((Arc::new(tls), answer));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = shared.clone();
            thread::spawn(move || serve(stream, shared.0.clone(), &shared.1));
        }
    });
    port
}

fn serve(stream: TcpStream, tls: Arc<ServerConfig>, answer: &impl Fn(&str) -> (Vec<u8>, End)) {
    let mut stream = StreamOwned::new(ServerConnection::new(tls).unwrap(), stream);
    while let Some(head) = read_head(&mut stream) {
        let (bytes, end) = answer(head.lines().next().unwrap_or_default());
        // The client may have had enough before all is said.
        let said = stream.write_all(&bytes).and_then(|()| stream.flush());
        match (end, said) {
            (End::Never, Ok(())) => {}
            (End::Properly, Ok(())) => {
                stream.conn.send_close_notify();
                let _ = stream.flush();
                return;
            }
            _ => return,
        }
    }
}

/// Reads a request's head; `None` where the client is gone.
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
