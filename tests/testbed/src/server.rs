//! A server as a child process: started, waited for, and ended for certain.

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

/// How long a server may take until it listens.
const START_DEADLINE: Duration = Duration::from_secs(20);
/// How long a server may take to end once told, before it is killed.
const STOP_DEADLINE: Duration = Duration::from_secs(5);
/// How often a server's state is looked at.
const POLL: Duration = Duration::from_millis(5);
/// How much of an error log goes into a message, in bytes.
const LOG_TAIL: usize = 2000;

/// What a server is started with. Its files are in a directory that it has for itself.
pub(crate) struct Spec<'a> {
    /// The name for messages.
    pub(crate) name: &'static str,
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<String>,
    /// Written by the server once it listens on all its ports.
    pub(crate) pid_file: &'static str,
    pub(crate) access_log: &'static str,
    pub(crate) error_log: &'static str,
    pub(crate) listeners: Vec<Address>,
}

/// Where a listener listens.
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

/// What a server writes all that it prints to.
pub(crate) const OUTPUT: &str = "output.log";

/// Why a server did not start.
pub(crate) enum Failure {
    /// Someone took one of its ports first: others are worth a try.
    AddressInUse(Error),
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// A running server. Dropping it ends the server and all its processes.
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
    /// The server gets SIGTERM when the calling *thread* ends, however it ends, where `setpriv` is there.
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
        // A process group of its own: Ctrl-C at a terminal goes to this process and to the command that
        // it runs, which may still need the servers; and all of a server's processes end together.
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
        let deadline = Instant::now() + START_DEADLINE;
        // The pid file is what shows that the ports are this server's: a connection alone could be
        // accepted by another process that has taken the port.
        while !fs::metadata(pid_file).is_ok_and(|file| file.len() > 0)
            || !listeners.iter().all(|listener| accepts(listener.port))
        {
            if let Some(status) = self.ended() {
                let message = self.obituary("did not start", status);
                // All word it as the system's message does.
                return Err(if message.contains("Address already in use") {
                    Failure::AddressInUse(Error::new(message))
                } else {
                    Failure::Other(Error::new(message))
                });
            }
            if Instant::now() >= deadline {
                let tail = self.log_tail();
                return Err(Error::new(format!(
                    "{} did not listen within {START_DEADLINE:?}{tail}",
                    self.name
                ))
                .into());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// The server's exit status, where it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status
    }

    /// That the server has ended, with the end of its error log.
    pub(crate) fn obituary(&self, what: &str, status: ExitStatus) -> String {
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

    /// Tells the server to end, without waiting.
    pub(crate) fn tell_to_stop(&mut self) {
        self.signal(Signal::TERM);
    }

    fn signal(&mut self, signal: Signal) {
        // Once its status is fetched the process id may belong to someone else.
        if self.ended().is_none() {
            // The process may end at any moment: that it is gone is no failure.
            let _ = kill_process_group(Pid::from_child(&self.child), signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tell_to_stop();
        let deadline = Instant::now() + STOP_DEADLINE;
        while self.ended().is_none() {
            if Instant::now() >= deadline {
                self.signal(Signal::KILL);
                // Fails only where there is no such child, and then there is nothing to wait for.
                self.status = self.child.wait().ok();
                return;
            }
            thread::sleep(POLL);
        }
    }
}

fn accepts(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

/// Finds `N` free loopback ports. They are free when this returns; that they still are when the server
/// starts is only likely.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N], Error> {
    let cannot = |cause| Error::new(format!("cannot find a free port on 127.0.0.1: {cause}"));
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        // All are held until the last is found, so that no port is found twice.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(cannot)?;
        *port = listener.local_addr().map_err(cannot)?.port();
        listeners.push(listener);
    }
    Ok(ports)
}
