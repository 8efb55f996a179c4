//! The server, with one thread for each connection, up to a limit.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::answers::{Answers, page};
use super::client_auth::{self, AcceptAny};
use super::http::Request;
use super::pki::Pki;
use super::{Arguments, Rejection, Tls};

/// Further connections wait in the queue of the listener.
const MAX_CONNECTIONS: usize = 64;
/// Limit for each step of the handshake and for a request.
const IO_TIMEOUT: Duration = Duration::from_secs(10);
/// Limit for an idle connection that is kept alive.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// The first byte of a TLS handshake record (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

/// The state that all connections share.
pub struct Server {
    tls: Arc<ServerConfig>,
    verifier: Arc<dyn ClientCertVerifier>,
    answers: Answers,
    keep_alive: bool,
    quiet: bool,
    open: Mutex<usize>,
    closed: Condvar,
}

impl Server {
    pub fn new(pki: &Pki, arguments: &Arguments) -> Result<Arc<Self>, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = client_auth::verifier(pki.client_cas()?, provider.clone())?;
        let in_handshake = match arguments.reject_with {
            Rejection::Page => Arc::new(AcceptAny(verifier.clone())),
            Rejection::Alert => verifier.clone(),
        };
        let versions: &[_] = match arguments.tls {
            Tls::V1_2 => &[&rustls::version::TLS12],
            Tls::V1_3 => &[&rustls::version::TLS13],
            Tls::Both => &[&rustls::version::TLS12, &rustls::version::TLS13],
        };
        let (chain, key) = pki.server()?;
        let tls = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(|error| error.to_string())?
            .with_client_cert_verifier(in_handshake)
            .with_single_cert(chain, key)
            .map_err(|error| format!("the server certificate is invalid: {error}"))?;
        Ok(Arc::new(Server {
            tls: Arc::new(tls),
            verifier,
            answers: Answers {
                default: arguments.answer,
                retry_after: arguments.retry_after,
            },
            keep_alive: arguments.keep_alive,
            quiet: arguments.quiet,
            open: Mutex::new(0),
            closed: Condvar::new(),
        }))
    }

    /// Serves until the process is stopped or the listener fails, and returns why it failed.
    pub fn serve(self: &Arc<Self>, listener: &TcpListener) -> String {
        loop {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let mut open = self
                .closed
                .wait_while(open, |open| *open >= MAX_CONNECTIONS)
                .unwrap_or_else(PoisonError::into_inner);
            *open += 1;
            drop(open);
            let slot = ConnectionSlot(self.clone());
            match listener.accept() {
                Ok((stream, _)) => {
                    // If no thread can be started, this connection is closed and the server goes on.
                    let _ = thread::Builder::new().spawn(move || slot.0.handle(stream));
                }
                Err(error) if is_fatal(&error) => return format!("cannot accept: {error}"),
                Err(_) => {}
            }
        }
    }

    fn handle(&self, mut stream: TcpStream) {
        if let Err(error) = self.exchange(&mut stream) {
            self.log(format_args!("connection failed: {error}"));
        }
    }

    fn exchange(&self, stream: &mut TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(IO_TIMEOUT))?;
        stream.set_write_timeout(Some(IO_TIMEOUT))?;
        let mut first = [0];
        if stream.peek(&mut first)? == 0 {
            return Ok(());
        }
        if first != [HANDSHAKE] {
            return self.plain_http(stream);
        }
        let mut connection = ServerConnection::new(self.tls.clone()).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(stream)?;
        }
        let error_title =
            client_auth::error_title(self.verifier.as_ref(), connection.peer_certificates());
        let socket = stream.try_clone()?;
        let mut stream = StreamOwned::new(connection, socket);
        while let Some(request) = Request::read(&mut stream)? {
            let response = match error_title {
                Some(title) => page(400, title),
                None => self.answers.respond(&request),
            };
            let keep_alive = self.keep_alive && request.keep_alive && error_title.is_none();
            response.write(&mut stream, request.method == "HEAD", keep_alive)?;
            self.log(format_args!(
                "{} {} {}",
                request.method, request.path, response.status
            ));
            if !keep_alive {
                break;
            }
            stream.sock.set_read_timeout(Some(IDLE_TIMEOUT))?;
        }
        stream.conn.send_close_notify();
        stream.flush()
    }

    /// Sends nginx's error page to a client that speaks plain HTTP to the TLS port.
    fn plain_http(&self, stream: &mut TcpStream) -> io::Result<()> {
        let _ = Request::read(stream)?;
        page(400, "The plain HTTP request was sent to HTTPS port").write(stream, false, false)?;
        stream.shutdown(std::net::Shutdown::Write)?;
        // Closing a socket with unread data would reset the connection and lose the page.
        let _ = stream.read(&mut [0; 1024]);
        self.log(format_args!("plain HTTP on the TLS port 400"));
        Ok(())
    }

    fn log(&self, line: std::fmt::Arguments<'_>) {
        if !self.quiet {
            // The server goes on if standard error is closed.
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }
}

/// Counts an open connection until it is dropped.
struct ConnectionSlot(Arc<Server>);

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        *self.0.open.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.closed.notify_one();
    }
}

/// Returns whether an error of `accept` is the listener's and not that of one connection.
fn is_fatal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::NotConnected | io::ErrorKind::Unsupported
    )
}
