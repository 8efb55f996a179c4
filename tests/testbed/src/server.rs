//! A server as a child process, which always ends with the testbed.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::Error;
use crate::tools::Tools;

/// How long a server may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a server may take to end after SIGTERM, before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a server's state is checked.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// How many bytes of an error log go into a message.
const LOG_TAIL: usize = 2000;

/// How to start a server. Its files are in a directory of its own.
pub(crate) struct Spec<'a> {
    /// The name in messages.
    pub(crate) name: &'static str,
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<String>,
    /// The server writes it once it listens on all its ports.
    pub(crate) pid_file: &'static str,
    pub(crate) access_log: &'static str,
    pub(crate) error_log: &'static str,
    pub(crate) listeners: Vec<Address>,
}

/// The address of a listener.
pub(crate) struct Address {
    /// Its name in testbed.json.
    pub(crate) name: &'static str,
    pub(crate) scheme: &'static str,
    pub(crate) port: u16,
}

impl Address {
    pub(crate) fn https((name, port): (&'static str, u16)) -> Self {
        Self {
            name,
            scheme: "https",
            port,
        }
    }
}

/// The file of a server's standard output and error.
pub(crate) const OUTPUT: &str = "output.log";

/// Why a server did not start.
pub(crate) enum Failure {
    /// Another process has taken one of its ports: other ports may be free.
    AddressInUse(Error),
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// A running server. Dropping it ends all its processes.
pub(crate) struct Server {
    name: &'static str,
    child: Child,
    status: Option<ExitStatus>,
    error_log: PathBuf,
    output: PathBuf,
}

impl Server {
    /// Starts a server in `dir` and waits until it accepts connections on all its ports.
    ///
    /// If `setpriv` is installed, the server gets SIGTERM when the calling *thread* ends, for whatever reason.
    pub(crate) fn start(tools: &Tools, dir: &Path, spec: &Spec<'_>) -> Result<Self, Failure> {
        let output = dir.join(OUTPUT);
        let file = File::create(&output).map_err(|cause| Error::file("create", &output, &cause))?;
        let copy = file
            .try_clone()
            .map_err(|cause| Error::file("open", &output, &cause))?;
        let mut command = match &tools.setpriv {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command
                    .args(["--pdeathsig", "TERM", "--"])
                    .arg(spec.program);
                command
            }
            None => Command::new(spec.program),
        };
        // In a process group of its own, a server does not get Ctrl-C from the terminal, which this process and its
        // command get: the command may still need the server. And all of a server's processes end together.
        command
            .args(&spec.arguments)
            .process_group(0)
            .current_dir(dir);
        command.stdin(Stdio::null()).stdout(file).stderr(copy);
        let child = command
            .spawn()
            .map_err(|cause| Error::file("run", spec.program, &cause))?;
        let mut server = Self {
            name: spec.name,
            child,
            status: None,
            error_log: dir.join(spec.error_log),
            output,
        };
        server.wait_until_ready(&dir.join(spec.pid_file), &spec.listeners)?;
        Ok(server)
    }

    fn wait_until_ready(&mut self, pid_file: &Path, listeners: &[Address]) -> Result<(), Failure> {
        let deadline = Instant::now() + START_TIMEOUT;
        // The pid file shows that the ports are this server's. A connection alone may be to another process that has
        // taken the port.
        while !fs::metadata(pid_file).is_ok_and(|file| file.len() > 0)
            || !listeners.iter().all(|listener| accepts(listener.port))
        {
            if let Some(status) = self.ended() {
                let message = self.ended_message("did not start", status);
                // All servers print the system's message.
                return Err(if message.contains("Address already in use") {
                    Failure::AddressInUse(Error::new(message))
                } else {
                    Failure::Other(Error::new(message))
                });
            }
            if Instant::now() >= deadline {
                let tail = self.log_tail();
                return Err(Error::new(format!(
                    "{} did not listen within {START_TIMEOUT:?}{tail}",
                    self.name
                ))
                .into());
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    /// Returns the server's exit status if it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status
    }

    /// Returns a message that the server has ended, with the end of its error log.
    pub(crate) fn ended_message(&self, what: &str, status: ExitStatus) -> String {
        format!("{} {what} ({status}){}", self.name, self.log_tail())
    }

    fn log_tail(&self) -> String {
        let mut text = String::new();
        for path in [&self.output, &self.error_log] {
            let log = fs::read(path).unwrap_or_default();
            let tail = String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_TAIL)..]);
            if !tail.trim().is_empty() {
                text.push_str(&format!(
                    "\n{} ends with:\n{}",
                    path.display(),
                    tail.trim_end()
                ));
            }
        }
        if text.is_empty() {
            "; it has logged nothing".to_owned()
        } else {
            text
        }
    }

    /// Sends SIGTERM without waiting for the end.
    pub(crate) fn terminate(&mut self) {
        self.signal(Signal::TERM);
    }

    fn signal(&mut self, signal: Signal) {
        // After its status was read, the process ID may belong to another process.
        if self.ended().is_none() {
            // Fails only if the process has ended meanwhile.
            let _ = kill_process_group(Pid::from_child(&self.child), signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.terminate();
        let deadline = Instant::now() + STOP_TIMEOUT;
        while self.ended().is_none() {
            if Instant::now() >= deadline {
                self.signal(Signal::KILL);
                // Fails only if there is no such child to wait for.
                self.status = self.child.wait().ok();
                return;
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

fn accepts(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect(address).is_ok()
}

/// Finds `N` free loopback ports. They are free when this returns, and probably still when the server starts.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N], Error> {
    let cannot = |cause| Error::new(format!("cannot find a free port on 127.0.0.1: {cause}"));
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        // Holds all of them until the last is found, so that no port is found twice.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(cannot)?;
        *port = listener.local_addr().map_err(cannot)?.port();
        listeners.push(listener);
    }
    Ok(ports)
}
