//! The floor: the least that a call costs. rustls on a bare TCP socket, with a known address, a prepared request and
//! resumed sessions. It reads the answer to the end of its JSON and does not parse it.
//!
//! The variant is `default`, or a number of clients, each with its own sessions, which the threads share evenly.

mod contender;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Arc;

use contender::{Arguments, Contender, locked};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use serde_json::{Value, json};

struct Floor {
    clients: Vec<Arc<ClientConfig>>,
    name: ServerName<'static>,
    address: SocketAddr,
    request: Vec<u8>,
}

struct Worker {
    client: Arc<ClientConfig>,
    /// The connection, if the server keeps it alive.
    kept: Option<Connection>,
}

struct Connection {
    socket: TcpStream,
    tls: ClientConnection,
}

impl Contender for Floor {
    type Worker = Worker;

    fn new(arguments: &Arguments) -> Result<Self, String> {
        let (host, path) = arguments
            .url
            .strip_prefix("https://")
            .and_then(|rest| rest.split_once('/'))
            .ok_or("the URL is not https://HOST:PORT/PATH")?;
        let name = host.split(':').next().unwrap_or_default().to_owned();
        let address = host
            .to_socket_addrs()
            .map_err(text)?
            .find(SocketAddr::is_ipv4)
            .ok_or("the host has no IPv4 address")?;
        let clients = match arguments.variant.as_str() {
            "default" => 1,
            number => match number.parse() {
                Ok(clients @ 1..) => clients,
                _ => return Err("the variant is default, or a number of clients".to_owned()),
            },
        };
        Ok(Floor {
            clients: (0..clients)
                .map(|_| configure(arguments).map(Arc::new))
                .collect::<Result<_, _>>()?,
            name: ServerName::try_from(name).map_err(text)?,
            address,
            request: format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes(),
        })
    }

    fn worker(&self, thread: usize) -> Worker {
        Worker {
            client: Arc::clone(&self.clients[thread % self.clients.len()]),
            kept: None,
        }
    }

    fn call(&self, worker: &mut Worker) -> Result<(), String> {
        let mut answer = [0; 4096];
        if let Some(connection) = &mut worker.kept {
            match connection.call(&self.request, &mut answer) {
                Ok(length) => return check(&answer[..length]).map(drop),
                // The server closed it while it was idle between two runs.
                Err(_) => worker.kept = None,
            }
        }
        let mut connection = self.connect(&worker.client).map_err(text)?;
        let length = connection.call(&self.request, &mut answer).map_err(text)?;
        if check(&answer[..length])? {
            worker.kept = Some(connection);
        }
        Ok(())
    }

    fn versions() -> Value {
        json!({"rustls": locked("rustls"), "aws-lc-rs": locked("aws-lc-rs")})
    }
}

impl Floor {
    fn connect(&self, client: &Arc<ClientConfig>) -> io::Result<Connection> {
        let socket = TcpStream::connect(self.address)?;
        socket.set_nodelay(true)?;
        let tls = ClientConnection::new(Arc::clone(client), self.name.clone())
            .map_err(io::Error::other)?;
        Ok(Connection { socket, tls })
    }
}

impl Connection {
    /// Sends the request, reads the answer and returns its length. On a new connection rustls sends the request
    /// with the last message of the handshake.
    fn call(&mut self, request: &[u8], answer: &mut [u8]) -> io::Result<usize> {
        let mut length = 0;
        self.tls.writer().write_all(request)?;
        loop {
            while self.tls.wants_write() {
                self.tls.write_tls(&mut self.socket)?;
            }
            match self.tls.reader().read(&mut answer[length..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    length += count;
                    if answer[..length].ends_with(b"}") {
                        return Ok(length);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.tls.read_tls(&mut self.socket)? == 0 {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                    self.tls.process_new_packets().map_err(io::Error::other)?;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn configure(arguments: &Arguments) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&arguments.ca_bundle).map_err(text)? {
        roots.add(certificate.map_err(text)?).map_err(text)?;
    }
    let chain = CertificateDer::pem_file_iter(&arguments.chain)
        .map_err(text)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(text)?;
    let key = PrivateKeyDer::from_pem_file(&arguments.key).map_err(text)?;
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(text)?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(text)
}

/// Checks the answer, and returns whether the connection stays open.
fn check(answer: &[u8]) -> Result<bool, String> {
    let has = |part: &[u8]| answer.windows(part.len()).any(|window| window == part);
    if !answer.starts_with(b"HTTP/1.1 200 ") || !has(b"\"available\":true") {
        let answer = String::from_utf8_lossy(answer);
        return Err(format!("unexpected answer: {answer}"));
    }
    Ok(!has(b"\r\nConnection: close\r\n"))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn main() -> ExitCode {
    contender::main::<Floor>()
}
