//! Connecting to whichever of a host's addresses answers first (happy eyeballs, RFC 8305, section 5).
//!
//! An address gets a head start before the next one is tried beside it, so that a dead route costs a quarter of
//! a second and not a limit of time.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::deadline::{Deadline, WaitError};
use super::socket::{Attempt, Begun, Socket, first_to_end};

/// RFC 8305, section 8: the recommended Connection Attempt Delay.
const HEAD_START: Duration = Duration::from_millis(250);

/// What came of a host's addresses.
#[derive(Default)]
pub(crate) struct Tried {
    /// The connection, and which of the addresses it goes to.
    pub(crate) connected: Option<(Socket, usize)>,
    /// The addresses that failed, in the order in which they did, each with the time that took.
    pub(crate) failed: Vec<Failed>,
    /// The addresses that had not answered when the others had, or when the time was over.
    pub(crate) unanswered: Vec<SocketAddr>,
    /// Why it ended without a connection, where not because all addresses failed.
    pub(crate) over: Option<WaitError>,
}

pub(crate) struct Failed {
    pub(crate) address: SocketAddr,
    pub(crate) error: io::Error,
    pub(crate) begun: Instant,
}

/// Connects to the first of the addresses that answers, the earlier ones preferred.
pub(crate) fn connect(addresses: &[SocketAddr], deadline: &Deadline) -> Tried {
    let mut tried = Tried::default();
    let mut under_way: Vec<(usize, Attempt)> = Vec::new();
    let mut next = 0;
    let mut next_at = Instant::now();
    loop {
        let is_next_due = under_way.is_empty() || Instant::now() >= next_at;
        if let Some(address) = addresses.get(next).filter(|_| is_next_due) {
            let remaining = match deadline.remaining() {
                Ok(remaining) => remaining,
                Err(over) => break tried.over = Some(over),
            };
            // Where time is short each address still gets its share.
            let left = u32::try_from(addresses.len() - next).unwrap_or(u32::MAX);
            let head_start = HEAD_START.min(remaining / left);
            let begun = Instant::now();
            next_at = begun + head_start;
            let patience = under_way.is_empty().then_some(head_start);
            match Attempt::begin(*address, patience) {
                Ok(Begun::Connected(socket)) => {
                    tried.connected = Some((socket, next));
                    break;
                }
                Ok(Begun::Pending(attempt)) => under_way.push((next, attempt)),
                Err(error) => tried.fail(*address, error, begun),
            }
            next += 1;
            continue;
        }
        if under_way.is_empty() {
            break;
        }
        let mut round = match deadline.next_wait() {
            Ok(round) => round,
            Err(over) => break tried.over = Some(over),
        };
        if next < addresses.len() {
            round = round.min(next_at.saturating_duration_since(Instant::now()));
        }
        let ended = first_to_end(under_way.iter().map(|(_, attempt)| attempt), round);
        let (index, attempt) = match ended {
            Ok(Some(position)) => under_way.remove(position),
            Ok(None) => continue,
            // Not about any of the addresses: none can be waited for.
            Err(error) => {
                let (index, attempt) = under_way.remove(0);
                break tried.fail(addresses[index], error, attempt.begun);
            }
        };
        let begun = attempt.begun;
        match attempt.finish() {
            Ok(socket) => {
                tried.connected = Some((socket, index));
                break;
            }
            Err(error) => tried.fail(addresses[index], error, begun),
        }
    }
    tried.unanswered = under_way
        .iter()
        .map(|(index, _)| addresses[*index])
        .collect();
    tried
}

impl Tried {
    fn fail(&mut self, address: SocketAddr, error: io::Error, begun: Instant) {
        self.failed.push(Failed {
            address,
            error,
            begun,
        });
    }
}

/// With Linux's way with a full queue of connections, which programs have under Wine too.
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

    /// An address where SYNs go unanswered while what is returned lives: its queue of connections to accept is full.
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

    fn index(tried: &Tried) -> usize {
        tried.connected.as_ref().unwrap().1
    }

    #[test]
    fn the_first_address_serves_where_it_answers() {
        let ((_a, first), (_b, second)) = (listener(), listener());
        let tried = connect(&[first, second], &long());
        assert_eq!(index(&tried), 0);
        assert!(tried.failed.is_empty() && tried.unanswered.is_empty());
    }

    #[test]
    fn one_that_refuses_is_followed_by_the_next_at_once() {
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
    fn one_that_does_not_answer_holds_nothing_up() {
        let ((dead, _queue), (_listener, good)) = (unanswering(), listener());
        // No address alone could have had so much of this.
        let deadline = Deadline::after(Duration::from_secs(3600));
        let tried = connect(&[dead, good], &deadline);
        assert_eq!(index(&tried), 1);
        assert_eq!(tried.unanswered, [dead]);
        // It waits as a socket does, although it was made beside another one.
        #[cfg(target_os = "linux")]
        {
            use std::io::Read;

            let (mut socket, _) = tried.connected.unwrap();
            let (before, limit) = (thread_cpu_time(), Duration::from_millis(300));
            let read = socket.until(&Deadline::after(limit)).read(&mut [0; 8]);
            assert!(read.is_err());
            assert!(thread_cpu_time() - before < limit / 3);
        }
        // Where time is short, the second still gets its share.
        let tried = connect(&[dead, good], &Deadline::after(Duration::from_millis(150)));
        assert_eq!(index(&tried), 1);
    }

    #[test]
    fn a_slow_first_address_still_wins_where_the_others_fail() {
        let (dead, queue) = unanswering();
        std::thread::scope(|scope| {
            let tried = scope.spawn(|| connect(&[dead, refusing()], &long()));
            // The SYN that is sent again, a second later, finds room in the queue.
            for _ in &queue.queue {
                queue.listener.accept().unwrap();
            }
            let tried = tried.join().unwrap();
            assert_eq!(index(&tried), 0);
        });
    }

    #[test]
    fn time_and_interruptions_end_it() {
        let (dead, _queue) = unanswering();
        let tried = connect(
            &[dead, refusing()],
            &Deadline::after(Duration::from_millis(100)),
        );
        assert!(tried.connected.is_none());
        assert_eq!(
            (tried.over, tried.failed.len()),
            (Some(WaitError::TimedOut), 1)
        );
        assert_eq!(tried.unanswered, [dead]);

        let interrupt = Arc::new(Interrupt::default());
        let token = CancelToken::new(&interrupt, None);
        interrupt.raise();
        let tried = connect(&[dead], &Deadline::new(Duration::from_secs(30), token));
        assert_eq!(tried.over, Some(WaitError::Cancelled));
    }

    #[test]
    fn each_address_has_its_head_start() {
        let ((first, _a), (second, _b), (_listener, good)) =
            (unanswering(), unanswering(), listener());
        let begun = Instant::now();
        let tried = connect(&[first, second, good], &long());
        assert_eq!(index(&tried), 2);
        assert!(begun.elapsed() >= Duration::from_millis(500));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn waiting_for_the_last_address_takes_no_processor_time() {
        let (dead, _queue) = unanswering();
        let (before, limit) = (thread_cpu_time(), Duration::from_millis(900));
        let tried = connect(&[dead], &Deadline::after(limit));
        assert_eq!(tried.over, Some(WaitError::TimedOut));
        assert!(thread_cpu_time() - before < limit / 3);
    }

    #[test]
    fn no_addresses_give_no_connection() {
        let tried = connect(&[], &long());
        assert!(tried.connected.is_none() && tried.over.is_none());
    }
}
