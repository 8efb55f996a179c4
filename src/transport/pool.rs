//! Idle connections, for servers that keep them alive.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connection::Connection;
use crate::log;

/// Servers commonly drop idle connections after 60 to 75 s, and firewalls forget them without a word.
const MAX_IDLE: Duration = Duration::from_secs(50);

/// There are never more idle connections than there were calls at a time lately; this is where a service with
/// more threads than descriptors to spare is held back. One takes about 12 KB.
const MAX_CONNECTIONS: usize = 1024;

/// The idle connections of one client.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<Shelf<Connection>>,
}

impl Pool {
    /// The newest connection that can still be used: it is the least likely to have gone stale, and the
    /// ones that a busier hour left over can age away.
    pub(crate) fn take(&self) -> Option<Connection> {
        loop {
            let (mut connection, is_young) = self.lock().pop(Instant::now())?;
            // Probed without the lock, so that threads do not wait for each other's system calls.
            if is_young && connection.is_usable() {
                return Some(connection);
            }
            log::emit!(
                Debug,
                HTTP,
                "a kept connection is no longer usable, it is given up"
            );
            if !is_young {
                connection.close();
            }
        }
    }

    pub(crate) fn put(&self, connection: Connection) {
        let surplus = self.lock().push(connection, Instant::now());
        for connection in surplus {
            connection.close();
        }
    }

    /// Gives up the connections that have been idle since before `then`.
    pub(crate) fn give_up_older(&self, then: Instant) {
        let given_up = self.lock().take_older(then);
        for connection in given_up {
            connection.close();
        }
    }

    /// All of them, for the pool's end.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Connection> {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        let all = std::mem::take(&mut idle.0).into_iter();
        all.map(|(_, connection)| connection)
    }

    /// Closes the descriptors and sends nothing; where somebody holds the lock, they stay open.
    pub(crate) fn abandon(&self) {
        if let Ok(mut idle) = self.idle.try_lock() {
            for (_, connection) in idle.0.drain(..) {
                connection.abandon();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shelf<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is kept, the newest at the back, each with when it was put there.
struct Shelf<T>(VecDeque<(Instant, T)>);

impl<T> Shelf<T> {
    /// The newest one, and whether it is young enough to be used.
    fn pop(&mut self, now: Instant) -> Option<(T, bool)> {
        let (since, item) = self.0.pop_back()?;
        Some((item, now.saturating_duration_since(since) < MAX_IDLE))
    }

    /// Puts one there, and gives back what is too old or too much.
    fn push(&mut self, item: T, now: Instant) -> Vec<T> {
        self.0.push_back((now, item));
        let is_old = |(since, _): &(Instant, T)| now.saturating_duration_since(*since) >= MAX_IDLE;
        let mut surplus = Vec::new();
        while self.0.len() > MAX_CONNECTIONS || self.0.front().is_some_and(is_old) {
            surplus.extend(self.0.pop_front().map(|(_, item)| item));
        }
        surplus
    }

    /// Takes those that were put there before `then`: the first ones.
    fn take_older(&mut self, then: Instant) -> Vec<T> {
        let older = self.0.partition_point(|(since, _)| *since < then);
        self.0.drain(..older).map(|(_, item)| item).collect()
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Shelf(VecDeque::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_serves_first_while_it_is_young() {
        let mut shelf = Shelf::default();
        let begin = Instant::now();
        let second = Duration::from_secs(1);
        assert!(shelf.push('a', begin).is_empty());
        assert!(shelf.push('b', begin + second).is_empty());
        let later = begin + MAX_IDLE;
        assert_eq!(shelf.pop(later), Some(('b', true)));
        assert_eq!(shelf.pop(later), Some(('a', false)));
        assert_eq!(shelf.pop(later), None);
    }

    #[test]
    fn those_from_before_a_time_are_taken() {
        let mut shelf = Shelf::default();
        let begin = Instant::now();
        shelf.push('a', begin);
        shelf.push('b', begin + Duration::from_secs(1));
        assert!(shelf.take_older(begin).is_empty());
        assert_eq!(shelf.take_older(begin + Duration::from_secs(1)), ['a']);
        assert_eq!(shelf.pop(begin), Some(('b', true)));
    }

    #[test]
    fn what_is_too_old_or_too_much_goes_the_oldest_first() {
        let mut shelf = Shelf::default();
        let begin = Instant::now();
        shelf.push(0, begin);
        shelf.push(1, begin + MAX_IDLE / 2);
        assert_eq!(shelf.push(2, begin + MAX_IDLE), [0]);
        let now = begin + MAX_IDLE;
        for number in 3..=MAX_CONNECTIONS {
            assert!(shelf.push(number, now).is_empty());
        }
        assert_eq!(shelf.push(MAX_CONNECTIONS + 1, now), [1]);
        assert_eq!(shelf.0.len(), MAX_CONNECTIONS);
    }
}
