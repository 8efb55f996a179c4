//! The check whether the files have changed, in a thread of its own: a file system may hang.
//!
//! Used only if the configuration enables it. A client has at most one such thread. The call that starts it waits for its
//! end for a limited time; meanwhile, and afterwards, calls use the previous files.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::log::{self, Records};
use crate::panic::{catch_panic, panic_if_asked};
use crate::sys;
use crate::transport::Deadline;

/// The longest that a call waits for the check, unless half of its timeout is shorter. Reading the files takes some
/// milliseconds, with the costliest encryption a second.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The default of std, which would otherwise read `RUST_MIN_STACK`: the library reads nothing from the environment.
const STACK_SIZE: usize = 2 * 1024 * 1024;

/// When the files are checked, and whether they are right now.
pub(super) struct FileCheck {
    state: Mutex<State>,
    finished: Condvar,
}

struct State {
    /// When the last check started; `None` if the next call must check.
    started: Option<Instant>,
    in_progress: bool,
    /// Those of the last check, until a call delivers them.
    records: Records,
}

impl FileCheck {
    pub(super) fn new(started: Option<Instant>) -> Arc<Self> {
        Arc::new(FileCheck {
            state: Mutex::new(State {
                started,
                in_progress: false,
                records: Records::default(),
            }),
            finished: Condvar::new(),
        })
    }

    /// Runs the check if the last one started an interval ago, and waits for it within the deadline and `timeout`, that of
    /// the call.
    pub(super) fn run_if_due(
        self: &Arc<Self>,
        interval: Duration,
        deadline: &Deadline,
        timeout: Duration,
        check: impl FnOnce() + Send + 'static,
    ) {
        self.take_records().deliver();
        if !self.begin(interval) {
            return;
        }
        self.start(check);
        self.wait(&deadline.at_most(MAX_WAIT.min(timeout / 2)));
        self.take_records().deliver();
    }

    /// Returns whether a check is due, which is then in progress.
    fn begin(&self, interval: Duration) -> bool {
        let mut state = self.lock();
        let is_due = state.started.is_none_or(|at| at.elapsed() >= interval);
        if !is_due || state.in_progress {
            return false;
        }
        state.started = Some(Instant::now());
        state.in_progress = true;
        true
    }

    fn start(self: &Arc<Self>, check: impl FnOnce() + Send + 'static) {
        sys::pin_library();
        let own = self.clone();
        let run = move || {
            let check = || {
                panic_if_asked("files");
                check();
            };
            let ((), records) = log::collect(|| {
                if let Err(fault) = catch_panic(check) {
                    log::emit!(Error, CLIENT, "{}", fault.message());
                }
            });
            own.finish(records);
        };
        let started = thread::Builder::new()
            .name("dcs-files".into())
            .stack_size(STACK_SIZE)
            .spawn(run);
        if started.is_err() {
            self.finish(Records::default());
            log::emit!(
                Warn,
                CLIENT,
                "the files are not checked for changes: no thread can be started"
            );
        }
    }

    fn finish(&self, records: Records) {
        let mut state = self.lock();
        state.in_progress = false;
        state.records = records;
        drop(state);
        self.finished.notify_all();
    }

    fn wait(&self, deadline: &Deadline) {
        loop {
            // Without the lock, because a cancellation's callback may make calls.
            let Ok(wait) = deadline.next_wait() else {
                return;
            };
            let state = self.lock();
            if !state.in_progress {
                return;
            }
            drop(self.finished.wait_timeout(state, wait));
        }
    }

    fn take_records(&self) -> Records {
        mem::take(&mut self.lock().records)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
