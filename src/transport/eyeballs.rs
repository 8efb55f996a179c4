//! Connecting to whichever of a host's addresses answers first (happy eyeballs, RFC 8305, section 5).
//!
//! An address gets a head start before the next one is tried beside it, so that a dead route costs a quarter of
//! a second and not a limit of time.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use super::deadline::{Deadline, Over};
use super::socket::Socket;

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
    pub(crate) over: Option<Over>,
}

pub(crate) struct Failed {
    pub(crate) address: SocketAddr,
    pub(crate) error: io::Error,
    pub(crate) begun: Instant,
}

#[cfg(unix)]
pub(crate) use unix::connect;

#[cfg(unix)]
mod unix {
    use std::time::Duration;

    use super::super::socket::{Attempt, Begun, first_to_end};
    use super::*;

    /// RFC 8305, section 8: the recommended Connection Attempt Delay.
    const HEAD_START: Duration = Duration::from_millis(250);

    /// Connects to the first of the addresses that answers, the earlier ones preferred.
    pub(crate) fn connect(addresses: &[SocketAddr], deadline: Deadline<'_>) -> Tried {
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
            let mut round = match deadline.round() {
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
}

/// Connects to each address in turn, which gets its share of the time.
#[cfg(not(unix))]
pub(crate) fn connect(addresses: &[SocketAddr], deadline: Deadline<'_>) -> Tried {
    let mut tried = Tried::default();
    for (index, address) in addresses.iter().enumerate() {
        let remaining = match deadline.remaining() {
            Ok(remaining) => remaining,
            Err(over) => {
                tried.over = Some(over);
                break;
            }
        };
        let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let begun = Instant::now();
        match Socket::connect(address, deadline.at_most(remaining / left)) {
            Ok(socket) => {
                tried.connected = Some((socket, index));
                break;
            }
            Err(error) if Over::of(&error).is_some() => tried.unanswered.push(*address),
            Err(error) => tried.fail(*address, error, begun),
        }
    }
    if tried.connected.is_none() && !tried.unanswered.is_empty() {
        tried.over = tried.over.or(Some(Over::Late));
    }
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
