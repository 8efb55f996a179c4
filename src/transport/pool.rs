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

/// The idle connections of one client, the newest at the back.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<VecDeque<(Instant, Connection)>>,
}

impl Pool {
    /// The newest connection that can still be used: it is the least likely to have gone stale, and the
    /// ones that a busier hour left over can age away.
    pub(crate) fn take(&self) -> Option<Connection> {
        loop {
            let (since, mut connection) = self.lock().pop_back()?;
            // Probed without the lock, so that threads do not wait for each other's system calls.
            if since.elapsed() < MAX_IDLE && connection.is_usable() {
                return Some(connection);
            }
            log::emit!(
                Debug,
                HTTP,
                "a kept connection is no longer usable, it is given up"
            );
        }
    }

    pub(crate) fn put(&self, connection: Connection) {
        let mut idle = self.lock();
        idle.push_back((Instant::now(), connection));
        let mut surplus = Vec::new();
        while idle.len() > MAX_CONNECTIONS
            || idle
                .front()
                .is_some_and(|(since, _)| since.elapsed() >= MAX_IDLE)
        {
            surplus.extend(idle.pop_front());
        }
        drop(idle);
        for (_, connection) in surplus {
            connection.close();
        }
    }

    /// All of them, for the pool's end.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Connection> {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(idle)
            .into_iter()
            .map(|(_, connection)| connection)
    }

    /// Closes the descriptors and sends nothing; where somebody holds the lock, they stay open.
    pub(crate) fn abandon(&self) {
        if let Ok(mut idle) = self.idle.try_lock() {
            idle.clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Instant, Connection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
