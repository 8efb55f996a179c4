//! The server: a thread for each connection, up to a limit.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::answers::{Answers, page};
use super::client_auth::{self, Lenient};
use super::http::Request;
use super::pki::Pki;
use super::{Rejection, Tls};

/// Connections over it wait in the listener's queue.
const MAX_CONNECTIONS: usize = 64;
/// How long a client may take for each step of the handshake and for a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection that is kept alive may be idle.
const MAX_IDLE: Duration = Duration::from_secs(60);
/// The first byte of a TLS handshake record (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

/// All that connections share.
pub struct Server {
    tls: Arc<ServerConfig>,
    judge: Arc<dyn ClientCertVerifier>,
    answers: Answers,
    keep_alive: bool,
    quiet: bool,
    busy: Mutex<usize>,
    freed: Condvar,
}

impl Server {
    pub fn new(
        pki: &Pki,
        tls: Tls,
        rejection: Rejection,
        answers: Answers,
        keep_alive: bool,
        quiet: bool,
    ) -> Result<Arc<Self>, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let judge = client_auth::judge(pki.client_cas()?, provider.clone())?;
        let verifier = match rejection {
            Rejection::Page => Arc::new(Lenient(judge.clone())),
            Rejection::Alert => judge.clone(),
        };
        let versions: &[_] = match tls {
            Tls::V1_2 => &[&rustls::version::TLS12],
            Tls::V1_3 => &[&rustls::version::TLS13],
            Tls::Both => &[&rustls::version::TLS12, &rustls::version::TLS13],
        };
        let (chain, key) = pki.server()?;
        let tls = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(|error| error.to_string())?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| format!("the server certificate cannot be used: {error}"))?;
        Ok(Arc::new(Server {
            tls: Arc::new(tls),
            judge,
            answers,
            keep_alive,
            quiet,
            busy: Mutex::new(0),
            freed: Condvar::new(),
        }))
    }

    /// Serves until the process is stopped.
    pub fn serve(self: &Arc<Self>, listener: &TcpListener) -> Result<(), String> {
        loop {
            let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
            let mut busy = self
                .freed
                .wait_while(busy, |busy| *busy >= MAX_CONNECTIONS)
                .unwrap_or_else(PoisonError::into_inner);
            *busy += 1;
            drop(busy);
            let slot = Slot(self.clone());
            match listener.accept() {
                Ok((stream, _)) => {
                    // A thread that cannot be had costs this connection, not the server.
                    let _ = thread::Builder::new().spawn(move || slot.0.connection(stream));
                }
                Err(error) if is_fatal(&error) => return Err(format!("cannot accept: {error}")),
                Err(_) => {}
            }
        }
    }

    fn connection(&self, mut stream: TcpStream) {
        if let Err(error) = self.exchange(&mut stream) {
            self.log(format_args!("connection failed: {error}"));
        }
    }

    fn exchange(&self, stream: &mut TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
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
        let complaint = client_auth::complaint(self.judge.as_ref(), connection.peer_certificates());
        let socket = stream.try_clone()?;
        let mut stream = StreamOwned::new(connection, socket);
        while let Some(request) = Request::read(&mut stream)? {
            let response = match complaint {
                Some(title) => page(400, title),
                None => self.answers.respond(&request),
            };
            let keep_alive = self.keep_alive && request.keep_alive && complaint.is_none();
            response.write(&mut stream, request.method == "HEAD", keep_alive)?;
            self.log(format_args!(
                "{} {} {}",
                request.method, request.path, response.status
            ));
            if !keep_alive {
                break;
            }
            stream.sock.set_read_timeout(Some(MAX_IDLE))?;
        }
        stream.conn.send_close_notify();
        stream.flush()
    }

    /// A client that speaks HTTP to the TLS port gets nginx's page in the clear.
    fn plain_http(&self, stream: &mut TcpStream) -> io::Result<()> {
        let _ = Request::read(stream)?;
        page(400, "The plain HTTP request was sent to HTTPS port").write(stream, false, false)?;
        stream.shutdown(std::net::Shutdown::Write)?;
        // Closing with something unread would reset the connection and lose the page.
        let _ = stream.read(&mut [0; 1024]);
        self.log(format_args!("plain HTTP on the TLS port 400"));
        Ok(())
    }

    fn log(&self, line: std::fmt::Arguments<'_>) {
        if !self.quiet {
            // A closed standard error is no reason to stop.
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }
}

/// One of the connections that are served at a time.
struct Slot(Arc<Server>);

impl Drop for Slot {
    fn drop(&mut self) {
        *self.0.busy.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_one();
    }
}

/// Errors of one connection pass; those of the listener do not.
fn is_fatal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::NotConnected | io::ErrorKind::Unsupported
    )
}
