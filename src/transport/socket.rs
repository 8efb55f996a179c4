//! A TCP socket on which every wait ends by a deadline.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::deadline::{Deadline, POLL_INTERVAL};
use crate::log;
use crate::sys::{self, Direction, TimedIo};

/// The shortest timeout: zero would mean none.
const MIN_TIMEOUT: Duration = Duration::from_millis(1);

pub(crate) struct Socket {
    stream: TcpStream,
    peer: SocketAddr,
    timed: TimedIo,
    /// Joins several TLS records, which are sent in one segment.
    write_buffer: Vec<u8>,
}

/// The state of an idle socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum IdleState {
    Quiet,
    Readable,
    Closed,
}

impl Socket {
    /// Connects to one address.
    pub(crate) fn connect(address: &SocketAddr, deadline: &Deadline) -> io::Result<Self> {
        let attempt = match Attempt::start(*address, Some(deadline.next_wait()?))? {
            Started::Connected(socket) => return Ok(socket),
            Started::Pending(attempt) => attempt,
        };
        loop {
            let wait = deadline.next_wait()?;
            if first_finished(std::iter::once(&attempt), wait)?.is_some() {
                return attempt.finish();
            }
        }
    }

    /// Closes the descriptor if it is still this connection's. A forked child may have closed all descriptors that it
    /// inherited, and this number may be another file's now.
    pub(crate) fn abandon(self) {
        if self.stream.peer_addr().ok() != Some(self.peer) {
            std::mem::forget(self.stream);
        }
    }

    /// Returns the socket for reading and writing until the deadline.
    pub(crate) fn until<'a>(&'a mut self, deadline: &'a Deadline) -> BoundedSocket<'a> {
        BoundedSocket {
            socket: self,
            deadline,
        }
    }

    /// Returns whether anything was received. Makes one system call and does not wait.
    pub(crate) fn idle_state(&self) -> IdleState {
        match sys::peek(&self.stream) {
            Ok(0) => IdleState::Closed,
            Ok(_) => IdleState::Readable,
            Err(error) if error.kind() == ErrorKind::WouldBlock => IdleState::Quiet,
            Err(error) if error.kind() == ErrorKind::Interrupted => IdleState::Quiet,
            Err(_) => IdleState::Closed,
        }
    }
}

/// A pending attempt to connect.
pub(crate) struct Attempt {
    socket: socket2::Socket,
    address: SocketAddr,
    is_blocking: bool,
    pub(crate) started: Instant,
}

/// An attempt that did not fail immediately.
pub(crate) enum Started {
    Connected(Socket),
    Pending(Attempt),
}

impl Attempt {
    /// Starts to connect, and waits for at most `max_wait` and [`POLL_INTERVAL`].
    ///
    /// On Linux the timeout for sending also applies to connecting (socket(7)). So both timeouts are set beforehand,
    /// and an ordinary connection needs no system call to wait for it.
    pub(crate) fn start(address: SocketAddr, max_wait: Option<Duration>) -> io::Result<Started> {
        use socket2::{Domain, Protocol, Socket, Type};

        let started = Instant::now();
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        let is_blocking = max_wait.is_some() && sys::SEND_TIMEOUT_COVERS_CONNECT;
        if is_blocking {
            socket.set_write_timeout(Some(timeout_for(
                max_wait.unwrap_or(POLL_INTERVAL).min(POLL_INTERVAL),
            )))?;
            socket.set_read_timeout(Some(POLL_INTERVAL))?;
        } else {
            socket.set_nonblocking(true)?;
        }
        let attempt = Attempt {
            socket,
            address,
            is_blocking,
            started,
        };
        match attempt.socket.connect(&address.into()) {
            Ok(()) => attempt.into_socket().map(Started::Connected),
            // The timeout passed, or a signal handler of the host ran. The kernel keeps connecting.
            Err(error) if is_wait_over(&error) || sys::is_connect_in_progress(&error) => {
                Ok(Started::Pending(attempt))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the socket of a finished attempt, or the reason why it failed.
    pub(crate) fn finish(self) -> io::Result<Socket> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        self.into_socket()
    }

    fn into_socket(self) -> io::Result<Socket> {
        // A timeout for sending that was shorter is set again when it is needed.
        let timed = TimedIo::new(&self.socket, self.is_blocking.then_some(POLL_INTERVAL))?;
        let stream = TcpStream::from(self.socket);
        // A request is one small write. Waiting for more data would only delay it.
        stream.set_nodelay(true)?;
        Ok(Socket {
            stream,
            peer: self.address,
            timed,
            write_buffer: Vec::new(),
        })
    }
}

/// Waits until one of the attempts has finished, and returns its index. `None` if the timeout passed or a signal came.
pub(crate) fn first_finished<'a>(
    attempts: impl Iterator<Item = &'a Attempt>,
    timeout: Duration,
) -> io::Result<Option<usize>> {
    sys::first_connected(attempts.map(|attempt| &attempt.socket), timeout)
}

/// A [`Socket`] with a deadline. A read or write that reaches it fails with a
/// [`WaitError`](super::deadline::WaitError).
pub(crate) struct BoundedSocket<'a> {
    socket: &'a mut Socket,
    deadline: &'a Deadline,
}

impl BoundedSocket<'_> {
    /// Runs a blocking operation until it is done or the deadline has passed, and checks for cancellation in between.
    ///
    /// The kernel's timer may fire early, and the timeout set may differ slightly, so the clock decides.
    fn wait<T>(
        &mut self,
        direction: Direction,
        mut operation: impl FnMut(&mut TcpStream) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut remaining = self.deadline.remaining()?;
        loop {
            let timeout = timeout_for(remaining.min(POLL_INTERVAL));
            let Socket { stream, timed, .. } = &mut *self.socket;
            match timed.run(stream, direction, timeout, &mut operation) {
                Err(error) if is_wait_over(&error) => {}
                outcome => return outcome,
            }
            remaining = self.deadline.next_wait()?;
        }
    }
}

/// Returns whether an operation ended because its timeout passed or a signal handler of the host ran.
fn is_wait_over(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Returns the timeout to set for a wait.
fn timeout_for(remaining: Duration) -> Duration {
    remaining.max(MIN_TIMEOUT)
}

impl Read for BoundedSocket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait(Direction::Read, |stream| stream.read(buffer))
            .inspect(|count| {
                // A proxy's response is read byte by byte, which would flood the log.
                if buffer.len() > 1 {
                    log::emit!(Trace, TCP, "{count} bytes read");
                }
            })
    }
}

impl Write for BoundedSocket<'_> {
    /// Writes with `send` and `MSG_NOSIGNAL`, as std does for a plain write: SIGPIPE must not reach the host.
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.wait(Direction::Write, |stream| stream.write(buffer))
            .inspect(|count| log::emit!(Trace, TCP, "{count} bytes written"))
    }

    /// Joins the parts instead of calling `writev`, which can raise SIGPIPE.
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        if let [only] = parts {
            return self.write(only);
        }
        let mut joined = std::mem::take(&mut self.socket.write_buffer);
        joined.clear();
        for part in parts {
            joined.extend_from_slice(part);
        }
        let written = self.write(&joined);
        self.socket.write_buffer = joined;
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let socket = Socket::connect(&address, &Deadline::after(Duration::from_secs(5))).unwrap();
        (socket, listener.accept().unwrap().0)
    }

    #[test]
    fn read_ends_by_its_deadline() {
        let (mut socket, _peer) = pair();
        let started = Instant::now();
        let error = socket
            .until(&Deadline::after(Duration::from_millis(30)))
            .read(&mut [0; 8])
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(started.elapsed() >= Duration::from_millis(30));
        // The shorter timeout was set, and not the one from when the socket was created.
        #[cfg(unix)]
        {
            let limit = socket.stream.read_timeout().unwrap().unwrap();
            assert!(limit < Duration::from_millis(45), "{limit:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn waiting_uses_no_cpu_time() {
        let (mut socket, _peer) = pair();
        let before = sys::thread_cpu_time();
        let limit = Duration::from_millis(300);
        let error = socket.until(&Deadline::after(limit)).read(&mut [0; 8]);
        assert!(error.is_err());
        assert!(sys::thread_cpu_time() - before < limit / 3);
    }

    #[test]
    fn write_ends_by_its_deadline() {
        let (mut socket, _peer) = pair();
        let error = socket
            .until(&Deadline::after(Duration::from_millis(30)))
            .write_all(&vec![0; 64 * 1024 * 1024])
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn idle_state_is_quiet_readable_or_closed() {
        let (socket, mut peer) = pair();
        assert_eq!(socket.idle_state(), IdleState::Quiet);
        peer.write_all(b"x").unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        let deadline = Deadline::after(Duration::from_secs(5));
        while socket.idle_state() == IdleState::Quiet {
            assert!(deadline.remaining().is_ok());
        }
        assert_eq!(socket.idle_state(), IdleState::Readable);
        let mut socket = socket;
        assert_eq!(socket.until(&deadline).read(&mut [0; 8]).unwrap(), 1);
        while socket.idle_state() == IdleState::Quiet {
            assert!(deadline.remaining().is_ok());
        }
        assert_eq!(socket.idle_state(), IdleState::Closed);
    }

    #[test]
    fn reset_connection_is_closed() {
        let (socket, peer) = pair();
        // Closes with a reset.
        socket2::SockRef::from(&peer)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(peer);
        let deadline = Deadline::after(Duration::from_secs(5));
        while socket.idle_state() == IdleState::Quiet {
            assert!(deadline.remaining().is_ok());
        }
        assert_eq!(socket.idle_state(), IdleState::Closed);
    }

    #[test]
    fn parts_are_sent_in_order() {
        let (mut socket, mut peer) = pair();
        let deadline = Deadline::after(Duration::from_secs(5));
        let parts = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
        assert_eq!(socket.until(&deadline).write_vectored(&parts).unwrap(), 4);
        let mut got = [0; 4];
        peer.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"abcd");
    }

    /// In a host that is a C program, SIGPIPE's default action ends the process.
    #[cfg(target_os = "linux")]
    #[test]
    fn broken_pipe_raises_no_signal() {
        let (mut socket, peer) = pair();
        sys::block_sigpipe();
        drop(peer);
        let deadline = Deadline::after(Duration::from_secs(5));
        let parts = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
        let mut until_broken = |vectored: bool| loop {
            let mut bounded = socket.until(&deadline);
            let written = if vectored {
                bounded.write_vectored(&parts)
            } else {
                bounded.write(b"ab")
            };
            match written.map_err(|error| error.kind()) {
                Ok(_) | Err(ErrorKind::ConnectionReset) => {}
                Err(kind) => break kind,
            }
        };
        assert_eq!(until_broken(true), ErrorKind::BrokenPipe);
        assert_eq!(until_broken(false), ErrorKind::BrokenPipe);
        assert!(!sys::is_sigpipe_pending());
    }
}
