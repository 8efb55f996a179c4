//! The pool of idle connections, for servers that keep them alive.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connection::Connection;
use crate::log;

/// Servers commonly close idle connections after 60 to 75 s, and firewalls drop them silently.
const MAX_IDLE: Duration = Duration::from_secs(50);

/// There are never more idle connections than there were concurrent calls lately. This limit is for a service with more
/// threads than descriptors to spare. A connection takes about 12 KB.
const MAX_CONNECTIONS: usize = 1024;

/// The idle connections of one client.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<IdleStack<Box<Connection>>>,
}

impl Pool {
    /// Takes the newest connection that is still usable. The newest is the least likely to be dead, and those that a
    /// busier time left over can expire.
    pub(super) fn take(&self) -> Option<Box<Connection>> {
        loop {
            let (mut connection, is_fresh) = self.lock().pop(Instant::now())?;
            // Checked without the lock, so that threads do not wait for each other's system calls.
            if is_fresh && connection.is_usable() {
                return Some(connection);
            }
            log::emit!(
                Debug,
                HTTP,
                "an idle connection is no longer usable; discarding it"
            );
            if !is_fresh {
                connection.close();
            }
        }
    }

    /// Adds a connection, and closes those that are too old or too many.
    pub(super) fn put(&self, connection: Box<Connection>) {
        let surplus = self.lock().push(connection, Instant::now());
        for connection in surplus {
            connection.close();
        }
    }

    /// Closes the connections that have been idle since before `then`.
    pub(super) fn evict_idle_before(&self, then: Instant) {
        let evicted = self.lock().take_before(then);
        for connection in evicted {
            connection.close();
        }
    }

    /// Takes all connections.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Box<Connection>> {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        let all = std::mem::take(&mut idle.0).into_iter();
        all.map(|(_, connection)| connection)
    }

    /// Closes the descriptors and sends nothing. They stay open if another thread holds the lock.
    pub(super) fn abandon(&self) {
        if let Ok(mut idle) = self.idle.try_lock() {
            for (_, connection) in idle.0.drain(..) {
                connection.abandon();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, IdleStack<Box<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Idle items, each with the time since which it is idle. The newest is at the back.
struct IdleStack<T>(VecDeque<(Instant, T)>);

impl<T> IdleStack<T> {
    /// Takes the newest item, and returns whether it is fresh enough to be used.
    fn pop(&mut self, now: Instant) -> Option<(T, bool)> {
        let (since, item) = self.0.pop_back()?;
        Some((item, now.saturating_duration_since(since) < MAX_IDLE))
    }

    /// Adds an item, and returns those that are too old or too many.
    fn push(&mut self, item: T, now: Instant) -> Vec<T> {
        self.0.push_back((now, item));
        let is_old = |(since, _): &(Instant, T)| now.saturating_duration_since(*since) >= MAX_IDLE;
        let mut surplus = Vec::new();
        while self.0.len() > MAX_CONNECTIONS || self.0.front().is_some_and(is_old) {
            surplus.extend(self.0.pop_front().map(|(_, item)| item));
        }
        surplus
    }

    /// Takes the items that are idle since before `then`: the first ones.
    fn take_before(&mut self, then: Instant) -> Vec<T> {
        let before = self.0.partition_point(|(since, _)| *since < then);
        self.0.drain(..before).map(|(_, item)| item).collect()
    }
}

impl<T> Default for IdleStack<T> {
    fn default() -> Self {
        IdleStack(VecDeque::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_is_taken_first_while_fresh() {
        let mut stack = IdleStack::default();
        let begin = Instant::now();
        let second = Duration::from_secs(1);
        assert!(stack.push('a', begin).is_empty());
        assert!(stack.push('b', begin + second).is_empty());
        let later = begin + MAX_IDLE;
        assert_eq!(stack.pop(later), Some(('b', true)));
        assert_eq!(stack.pop(later), Some(('a', false)));
        assert_eq!(stack.pop(later), None);
    }

    #[test]
    fn evicts_items_idle_before_a_time() {
        let mut stack = IdleStack::default();
        let begin = Instant::now();
        stack.push('a', begin);
        stack.push('b', begin + Duration::from_secs(1));
        assert!(stack.take_before(begin).is_empty());
        assert_eq!(stack.take_before(begin + Duration::from_secs(1)), ['a']);
        assert_eq!(stack.pop(begin), Some(('b', true)));
    }

    #[test]
    fn oldest_are_removed_first_when_too_old_or_too_many() {
        let mut stack = IdleStack::default();
        let begin = Instant::now();
        stack.push(0, begin);
        stack.push(1, begin + MAX_IDLE / 2);
        assert_eq!(stack.push(2, begin + MAX_IDLE), [0]);
        let now = begin + MAX_IDLE;
        for number in 3..=MAX_CONNECTIONS {
            assert!(stack.push(number, now).is_empty());
        }
        assert_eq!(stack.push(MAX_CONNECTIONS + 1, now), [1]);
        assert_eq!(stack.0.len(), MAX_CONNECTIONS);
    }
}
