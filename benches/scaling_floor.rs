//! The floor of `benches/scaling.py`: what a call costs with nothing but sockets and rustls. A contender, as
//! `benches/README.md` describes them.
//!
//! The request is prepared, the address looked up once, nothing is pooled within a run (each thread has its own connection),
//! no limit of time is watched, and of the answer only its end and two texts in it are looked at. `VARIANT` is the number of clients: each is a
//! TLS configuration with its own sessions.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

type Failure = Box<dyn Error + Send + Sync>;
type Stream = StreamOwned<ClientConnection, TcpStream>;

struct Floor {
    clients: Vec<Arc<ClientConfig>>,
    address: SocketAddr,
    name: ServerName<'static>,
    request: Vec<u8>,
    /// The connections that the server keeps, from one run to the next.
    kept: Mutex<Vec<Stream>>,
}

impl Floor {
    fn new(arguments: &[String]) -> Result<Self, Failure> {
        let [url, bundle, chain, key, clients, ..] = arguments else {
            return Err("usage: URL CA_BUNDLE CERTIFICATE_CHAIN PRIVATE_KEY CLIENTS [once]".into());
        };
        let rest = url.strip_prefix("https://").ok_or("no https URL")?;
        let (authority, path) = rest.split_once('/').ok_or("no path in the URL")?;
        let (host, _) = authority.split_once(':').ok_or("no port in the URL")?;
        // As the testbed's nginx listens.
        let address = authority
            .to_socket_addrs()?
            .find(SocketAddr::is_ipv4)
            .ok_or("no address")?;
        let clients: usize = clients.parse()?;
        Ok(Self {
            clients: (0..clients)
                .map(|_| config(bundle, chain, key).map(Arc::new))
                .collect::<Result<_, _>>()?,
            address,
            name: ServerName::try_from(host.to_owned())?,
            request: format!("GET /{path} HTTP/1.1\r\nHost: {authority}\r\n\r\n").into_bytes(),
            kept: Mutex::default(),
        })
    }

    fn connect(&self, client: usize) -> Result<Stream, Failure> {
        let socket = TcpStream::connect(self.address)?;
        socket.set_nodelay(true)?;
        let config = Arc::clone(&self.clients[client % self.clients.len()]);
        let tls = ClientConnection::new(config, self.name.clone())?;
        Ok(StreamOwned::new(tls, socket))
    }

    /// One call; gives the connection back where the server keeps it.
    fn call(&self, client: usize, kept: Option<Stream>) -> Result<Option<Stream>, Failure> {
        let mut stream = match kept {
            Some(stream) => stream,
            None => self.connect(client)?,
        };
        stream.write_all(&self.request)?;
        let mut answer = [0; 4096];
        let mut length = 0;
        // The body is the last of the answer, and ends with the only `]}`.
        while !answer[..length].ends_with(b"]}") {
            match stream.read(&mut answer[length..])? {
                0 => return Err("no whole answer".into()),
                read => length += read,
            }
        }
        let answer = std::str::from_utf8(&answer[..length])?;
        if !answer.starts_with("HTTP/1.1 200 ") || !answer.contains("\"available\":true") {
            return Err(answer.into());
        }
        Ok((!answer.contains("Connection: close")).then_some(stream))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Stream>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, calls: usize, threads: usize) -> Result<String, Failure> {
        let cpu = cpu_ns();
        let begun = Instant::now();
        let latencies = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads)
                .map(|thread| {
                    let share = calls * (thread + 1) / threads - calls * thread / threads;
                    scope.spawn(move || -> Result<Vec<u128>, Failure> {
                        let mut kept = self.lock().pop();
                        let latencies = (0..share)
                            .map(|_| {
                                let begun = Instant::now();
                                kept = self.call(thread, kept.take())?;
                                Ok(begun.elapsed().as_nanos())
                            })
                            .collect();
                        self.lock().extend(kept);
                        latencies
                    })
                })
                .collect();
            let mut all = Vec::with_capacity(calls);
            for handle in handles {
                all.extend(handle.join().map_err(|_| "a thread panicked")??);
            }
            Ok::<_, Failure>(all)
        })?;
        let (wall, cpu) = (begun.elapsed().as_nanos(), cpu_ns() - cpu);
        let mut text = String::from("{\"latencies_ns\": [");
        for (index, latency) in latencies.iter().enumerate() {
            write!(text, "{}{latency}", if index == 0 { "" } else { "," })?;
        }
        write!(text, "], \"wall_ns\": {wall}, \"cpu_ns\": {cpu}}}")?;
        Ok(text)
    }
}

fn config(bundle: &str, chain: &str, key: &str) -> Result<ClientConfig, Failure> {
    let read = |path: &str| std::fs::read(path).map_err(|error| format!("{path}: {error}"));
    let mut roots = RootCertStore::empty();
    for certificate in rustls_pemfile::certs(&mut read(bundle)?.as_slice()) {
        roots.add(certificate?)?;
    }
    let chain = rustls_pemfile::certs(&mut read(chain)?.as_slice()).collect::<Result<_, _>>()?;
    let key = rustls_pemfile::private_key(&mut read(key)?.as_slice())?.ok_or("no private key")?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()?
    .with_root_certificates(roots)
    .with_client_auth_cert(chain, key)?;
    config.resumption = Resumption::in_memory_sessions(256);
    Ok(config)
}

fn cpu_ns() -> u128 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec that lives through the call, which is all that the function asks.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "the process's clock cannot be read");
    u128::from(time.tv_sec.unsigned_abs()) * 1_000_000_000 + u128::from(time.tv_nsec.unsigned_abs())
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let floor = Floor::new(&arguments)?;
    if arguments.last().is_some_and(|last| last == "once") {
        floor.call(0, None)?;
        return Ok(());
    }
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let answer = match line.split(' ').collect::<Vec<_>>()[..] {
            ["run", calls, threads] => floor.run(calls.parse()?, threads.parse()?)?,
            ["versions"] => "{\"rustls\": \"0.23\"}".to_owned(),
            ["quit"] => return Ok(()),
            _ => return Err(format!("not a command: {line}").into()),
        };
        println!("{answer}");
    }
    Ok(())
}
