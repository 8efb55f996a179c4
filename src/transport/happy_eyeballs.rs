//! Connecting to the first of a host's addresses that answers (happy eyeballs, RFC 8305, section 5).
//!
//! The next address is tried after a short delay while the attempts before it are still pending. So a dead route costs
//! a quarter of a second and not a timeout.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::deadline::{Deadline, WaitError};
use super::socket::{Attempt, Socket, Started, first_finished};

/// RFC 8305, section 8: the recommended Connection Attempt Delay.
const CONNECTION_ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The outcome of the attempts to connect to a host's addresses.
#[derive(Default)]
pub(crate) struct Attempts {
    /// The connection, and the index of its address.
    pub(crate) connected: Option<(Socket, usize)>,
    /// The addresses that failed, in the order in which they did.
    pub(crate) failed: Vec<Failed>,
    /// The addresses whose attempts were still pending at the end.
    pub(crate) unanswered: Vec<SocketAddr>,
    /// Why it ended without a connection, unless all addresses failed.
    pub(crate) ended: Option<WaitError>,
}

pub(crate) struct Failed {
    pub(crate) address: SocketAddr,
    pub(crate) error: io::Error,
    pub(crate) started: Instant,
}

/// Connects to the first of the addresses that answers. Earlier addresses are preferred.
pub(crate) fn connect(addresses: &[SocketAddr], deadline: &Deadline) -> Attempts {
    let mut attempts = Attempts::default();
    let mut pending: Vec<(usize, Attempt)> = Vec::new();
    let mut next = 0;
    let mut next_at = Instant::now();
    loop {
        let is_next_due = pending.is_empty() || Instant::now() >= next_at;
        if let Some(address) = addresses.get(next).filter(|_| is_next_due) {
            let remaining = match deadline.remaining() {
                Ok(remaining) => remaining,
                Err(wait_error) => break attempts.ended = Some(wait_error),
            };
            // If time is short, each address still gets its share.
            let left = u32::try_from(addresses.len() - next).unwrap_or(u32::MAX);
            let delay = CONNECTION_ATTEMPT_DELAY.min(remaining / left);
            let started = Instant::now();
            next_at = started + delay;
            let max_wait = pending.is_empty().then_some(delay);
            match Attempt::start(*address, max_wait) {
                Ok(Started::Connected(socket)) => {
                    attempts.connected = Some((socket, next));
                    break;
                }
                Ok(Started::Pending(attempt)) => pending.push((next, attempt)),
                Err(error) => attempts.fail(*address, error, started),
            }
            next += 1;
            continue;
        }
        if pending.is_empty() {
            break;
        }
        let mut wait = match deadline.next_wait() {
            Ok(wait) => wait,
            Err(wait_error) => break attempts.ended = Some(wait_error),
        };
        if next < addresses.len() {
            wait = wait.min(next_at.saturating_duration_since(Instant::now()));
        }
        let finished = first_finished(pending.iter().map(|(_, attempt)| attempt), wait);
        let (index, attempt) = match finished {
            Ok(Some(position)) => pending.remove(position),
            Ok(None) => continue,
            // The wait itself failed: none of the attempts can be waited for.
            Err(error) => {
                let (index, attempt) = pending.remove(0);
                break attempts.fail(addresses[index], error, attempt.started);
            }
        };
        let started = attempt.started;
        match attempt.finish() {
            Ok(socket) => {
                attempts.connected = Some((socket, index));
                break;
            }
            Err(error) => attempts.fail(addresses[index], error, started),
        }
    }
    attempts.unanswered = pending.iter().map(|(index, _)| addresses[*index]).collect();
    attempts
}

impl Attempts {
    fn fail(&mut self, address: SocketAddr, error: io::Error, started: Instant) {
        self.failed.push(Failed {
            address,
            error,
            started,
        });
    }
}

/// These tests need Linux's handling of a full accept queue, which Wine shares.
#[cfg(all(test, any(target_os = "linux", windows)))]
mod tests {
    use std::net::TcpListener;
    use std::sync::Arc;

    use super::super::cancel::{CancelToken, Interrupt};
    use super::*;
    #[cfg(target_os = "linux")]
    use crate::sys::thread_cpu_time;

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn refusing() -> SocketAddr {
        listener().1
    }

    struct Full {
        listener: socket2::Socket,
        queue: Vec<std::net::TcpStream>,
    }

    /// Returns an address whose accept queue is full, so that SYNs stay unanswered while the second value lives.
    fn unanswering() -> (SocketAddr, Full) {
        use socket2::{Domain, Socket, Type};

        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let mut queue = Vec::new();
        let brief = Duration::from_millis(100);
        while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, brief) {
            queue.push(stream);
        }
        (address, Full { listener, queue })
    }

    fn long() -> Deadline {
        Deadline::after(Duration::from_secs(30))
    }

    fn index(tried: &Attempts) -> usize {
        tried.connected.as_ref().unwrap().1
    }

    #[test]
    fn first_address_that_answers_is_used() {
        let ((_a, first), (_b, second)) = (listener(), listener());
        let tried = connect(&[first, second], &long());
        assert_eq!(index(&tried), 0);
        assert!(tried.failed.is_empty() && tried.unanswered.is_empty());
    }

    #[test]
    fn refused_address_is_followed_by_the_next_immediately() {
        let (_listener, good) = listener();
        let tried = connect(&[refusing(), refusing(), good], &long());
        assert_eq!(index(&tried), 2);
        let kinds: Vec<_> = tried
            .failed
            .iter()
            .map(|failed| failed.error.kind())
            .collect();
        assert_eq!(kinds, [io::ErrorKind::ConnectionRefused; 2]);
    }

    #[test]
    fn dead_address_does_not_delay_the_next() {
        let ((dead, _queue), (_listener, good)) = (unanswering(), listener());
        // Far longer than one address alone could take.
        let deadline = Deadline::after(Duration::from_secs(3600));
        let tried = connect(&[dead, good], &deadline);
        assert_eq!(index(&tried), 1);
        assert_eq!(tried.unanswered, [dead]);
        // Reading still waits in the kernel, although the socket was opened beside another one.
        #[cfg(target_os = "linux")]
        {
            use std::io::Read;

            let (mut socket, _) = tried.connected.unwrap();
            let (before, limit) = (thread_cpu_time(), Duration::from_millis(300));
            let read = socket.until(&Deadline::after(limit)).read(&mut [0; 8]);
            assert!(read.is_err());
            assert!(thread_cpu_time() - before < limit / 3);
        }
        // If time is short, the second still gets its share.
        let tried = connect(&[dead, good], &Deadline::after(Duration::from_millis(150)));
        assert_eq!(index(&tried), 1);
    }

    #[test]
    fn slow_first_address_wins_if_the_others_fail() {
        let (dead, queue) = unanswering();
        std::thread::scope(|scope| {
            let tried = scope.spawn(|| connect(&[dead, refusing()], &long()));
            // The SYN that is resent after a second finds room in the queue.
            for _ in &queue.queue {
                queue.listener.accept().unwrap();
            }
            let tried = tried.join().unwrap();
            assert_eq!(index(&tried), 0);
        });
    }

    #[test]
    fn deadline_and_cancellation_end_the_attempts() {
        let (dead, _queue) = unanswering();
        let tried = connect(
            &[dead, refusing()],
            &Deadline::after(Duration::from_millis(100)),
        );
        assert!(tried.connected.is_none());
        assert_eq!(
            (tried.ended, tried.failed.len()),
            (Some(WaitError::TimedOut), 1)
        );
        assert_eq!(tried.unanswered, [dead]);

        let interrupt = Arc::new(Interrupt::default());
        let token = CancelToken::new(&interrupt, None);
        interrupt.raise();
        let tried = connect(&[dead], &Deadline::new(Duration::from_secs(30), token));
        assert_eq!(tried.ended, Some(WaitError::Cancelled));
    }

    #[test]
    fn each_address_gets_its_attempt_delay() {
        let ((first, _a), (second, _b), (_listener, good)) =
            (unanswering(), unanswering(), listener());
        let started = Instant::now();
        let tried = connect(&[first, second, good], &long());
        assert_eq!(index(&tried), 2);
        assert!(started.elapsed() >= Duration::from_millis(500));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn waiting_for_the_last_address_uses_no_cpu_time() {
        let (dead, _queue) = unanswering();
        let (before, limit) = (thread_cpu_time(), Duration::from_millis(900));
        let tried = connect(&[dead], &Deadline::after(limit));
        assert_eq!(tried.ended, Some(WaitError::TimedOut));
        assert!(thread_cpu_time() - before < limit / 3);
    }

    #[test]
    fn no_addresses_give_no_connection() {
        let tried = connect(&[], &long());
        assert!(tried.connected.is_none() && tried.ended.is_none());
    }
}
