//! A TCP socket whose every wait ends by a deadline.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::deadline::{Deadline, POLL_INTERVAL};
use crate::log;
use crate::sys::{self, Direction, TimedIo};

/// Zero would mean no limit.
const MIN_TIMER: Duration = Duration::from_millis(1);

pub(crate) struct Socket {
    stream: TcpStream,
    peer: SocketAddr,
    timed: TimedIo,
    /// Several TLS records leave in one segment: they are gathered here.
    gathered: Vec<u8>,
}

/// What a look at an idle socket shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    Quiet,
    Readable,
    Closed,
}

impl Socket {
    /// Connects to one address.
    pub(crate) fn connect(address: &SocketAddr, deadline: &Deadline) -> io::Result<Self> {
        let attempt = match Attempt::begin(*address, Some(deadline.next_wait()?))? {
            Begun::Connected(socket) => return Ok(socket),
            Begun::Pending(attempt) => attempt,
        };
        loop {
            let round = deadline.next_wait()?;
            if first_to_end(std::iter::once(&attempt), round)?.is_some() {
                return attempt.finish();
            }
        }
    }

    /// Closes the descriptor where it still is this connection's. A forked child may have closed all that it had
    /// inherited, and what has the number now is somebody else's.
    pub(crate) fn abandon(self) {
        if self.stream.peer_addr().ok() != Some(self.peer) {
            std::mem::forget(self.stream);
        }
    }

    /// The socket for reading and writing until the deadline.
    pub(crate) fn until<'a>(&'a mut self, deadline: &'a Deadline) -> Bounded<'a> {
        Bounded {
            socket: self,
            deadline,
        }
    }

    /// Looks, in one system call and without waiting, whether anything has come.
    pub(crate) fn probe(&self) -> Probe {
        match sys::peek(&self.stream) {
            Ok(0) => Probe::Closed,
            Ok(_) => Probe::Readable,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Probe::Quiet,
            Err(error) if error.kind() == ErrorKind::Interrupted => Probe::Quiet,
            Err(_) => Probe::Closed,
        }
    }
}

/// A connection that is being made.
pub(crate) struct Attempt {
    socket: socket2::Socket,
    address: SocketAddr,
    is_blocking: bool,
    pub(crate) begun: Instant,
}

/// What an attempt has come to where it has not failed.
pub(crate) enum Begun {
    Connected(Socket),
    Pending(Attempt),
}

impl Attempt {
    /// Begins to connect, and waits for as long as `patience` says and a round takes.
    ///
    /// On Linux the limit for sending is that for connecting too (socket(7)), so that both limits can be set
    /// beforehand and the usual connection needs no system call to wait for.
    pub(crate) fn begin(address: SocketAddr, patience: Option<Duration>) -> io::Result<Begun> {
        use socket2::{Domain, Protocol, Socket, Type};

        let begun = Instant::now();
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        let is_blocking = patience.is_some() && sys::SEND_TIMEOUT_COVERS_CONNECT;
        if is_blocking {
            socket.set_write_timeout(Some(timer_for(
                patience.unwrap_or(POLL_INTERVAL).min(POLL_INTERVAL),
            )))?;
            socket.set_read_timeout(Some(POLL_INTERVAL))?;
        } else {
            socket.set_nonblocking(true)?;
        }
        let attempt = Attempt {
            socket,
            address,
            is_blocking,
            begun,
        };
        match attempt.socket.connect(&address.into()) {
            Ok(()) => attempt.into_socket().map(Begun::Connected),
            // The timer fired, or a signal handler of the host's ran; the kernel goes on connecting.
            Err(error) if is_round_over(&error) || sys::is_connect_in_progress(&error) => {
                Ok(Begun::Pending(attempt))
            }
            Err(error) => Err(error),
        }
    }

    /// The socket of an attempt that has come to its end, or why it failed.
    pub(crate) fn finish(self) -> io::Result<Socket> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        self.into_socket()
    }

    fn into_socket(self) -> io::Result<Socket> {
        // A limit for sending that was shorter than usual is set anew when it is needed.
        let timed = TimedIo::new(&self.socket, self.is_blocking.then_some(POLL_INTERVAL))?;
        let stream = TcpStream::from(self.socket);
        // A request is one small write: waiting for more to send only delays it.
        stream.set_nodelay(true)?;
        Ok(Socket {
            stream,
            peer: self.address,
            timed,
            gathered: Vec::new(),
        })
    }
}

/// Waits until one of the attempts has come to its end, and says which; `None` where the limit passed or a signal came.
pub(crate) fn first_to_end<'a>(
    attempts: impl Iterator<Item = &'a Attempt>,
    limit: Duration,
) -> io::Result<Option<usize>> {
    sys::first_connected(attempts.map(|attempt| &attempt.socket), limit)
}

/// A [`Socket`] with a deadline. A read or write that reaches it fails with `TimedOut`.
pub(crate) struct Bounded<'a> {
    socket: &'a mut Socket,
    deadline: &'a Deadline,
}

impl Bounded<'_> {
    /// Runs a blocking operation until it is done or the deadline has passed, in rounds.
    ///
    /// The kernel's timer may fire early and the limit set may be a little off, so the clock decides.
    fn wait<T>(
        &mut self,
        direction: Direction,
        mut operation: impl FnMut(&mut TcpStream) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut remaining = self.deadline.remaining()?;
        loop {
            let limit = timer_for(remaining.min(POLL_INTERVAL));
            let Socket { stream, timed, .. } = &mut *self.socket;
            match timed.run(stream, direction, limit, &mut operation) {
                Err(error) if is_round_over(&error) => {}
                outcome => return outcome,
            }
            remaining = self.deadline.next_wait()?;
        }
    }
}

/// Whether an operation ended because its time was over or a signal handler of the host's ran.
fn is_round_over(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// The limit to set for a wait. Zero would mean no limit.
fn timer_for(remaining: Duration) -> Duration {
    remaining.max(MIN_TIMER)
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait(Direction::Read, |stream| stream.read(buffer))
            .inspect(|count| {
                // A proxy's answer is read byte by byte, which would drown all else.
                if buffer.len() > 1 {
                    log::emit!(Trace, TCP, "{count} bytes read");
                }
            })
    }
}

impl Write for Bounded<'_> {
    /// Uses `send` with MSG_NOSIGNAL, as std does for a plain write: SIGPIPE must not reach the host.
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.wait(Direction::Write, |stream| stream.write(buffer))
            .inspect(|count| log::emit!(Trace, TCP, "{count} bytes written"))
    }

    /// Gathers instead of calling `writev`, which can raise SIGPIPE.
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        if let [only] = parts {
            return self.write(only);
        }
        let mut gathered = std::mem::take(&mut self.socket.gathered);
        gathered.clear();
        for part in parts {
            gathered.extend_from_slice(part);
        }
        let written = self.write(&gathered);
        self.socket.gathered = gathered;
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
    fn a_read_ends_by_its_deadline() {
        let (mut socket, _peer) = pair();
        let begun = Instant::now();
        let error = socket
            .until(&Deadline::after(Duration::from_millis(30)))
            .read(&mut [0; 8])
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(begun.elapsed() >= Duration::from_millis(30));
        // The kernel was told, and did not wait for as long as it was told when the socket was made.
        #[cfg(unix)]
        {
            let limit = socket.stream.read_timeout().unwrap().unwrap();
            assert!(limit < Duration::from_millis(45), "{limit:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn waiting_takes_no_processor_time() {
        let (mut socket, _peer) = pair();
        let before = sys::thread_cpu_time();
        let limit = Duration::from_millis(300);
        let error = socket.until(&Deadline::after(limit)).read(&mut [0; 8]);
        assert!(error.is_err());
        assert!(sys::thread_cpu_time() - before < limit / 3);
    }

    #[test]
    fn a_write_ends_by_its_deadline() {
        let (mut socket, _peer) = pair();
        let error = socket
            .until(&Deadline::after(Duration::from_millis(30)))
            .write_all(&vec![0; 64 * 1024 * 1024])
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_probe_tells_quiet_readable_and_closed() {
        let (socket, mut peer) = pair();
        assert_eq!(socket.probe(), Probe::Quiet);
        peer.write_all(b"x").unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        let deadline = Deadline::after(Duration::from_secs(5));
        while socket.probe() == Probe::Quiet {
            assert!(deadline.remaining().is_ok());
        }
        assert_eq!(socket.probe(), Probe::Readable);
        let mut socket = socket;
        assert_eq!(socket.until(&deadline).read(&mut [0; 8]).unwrap(), 1);
        while socket.probe() == Probe::Quiet {
            assert!(deadline.remaining().is_ok());
        }
        assert_eq!(socket.probe(), Probe::Closed);
    }

    #[test]
    fn a_connection_that_was_reset_is_closed() {
        let (socket, peer) = pair();
        // Closes with a reset.
        socket2::SockRef::from(&peer)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(peer);
        let deadline = Deadline::after(Duration::from_secs(5));
        while socket.probe() == Probe::Quiet {
            assert!(deadline.remaining().is_ok());
        }
        assert_eq!(socket.probe(), Probe::Closed);
    }

    #[test]
    fn parts_leave_in_order() {
        let (mut socket, mut peer) = pair();
        let deadline = Deadline::after(Duration::from_secs(5));
        let parts = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
        assert_eq!(socket.until(&deadline).write_vectored(&parts).unwrap(), 4);
        let mut got = [0; 4];
        peer.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"abcd");
    }

    /// A host that is a C program has SIGPIPE's default action, which is the end of the process.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_broken_pipe_raises_no_signal() {
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
