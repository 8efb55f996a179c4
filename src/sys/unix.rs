//! Linux and the other Unix systems.

#![allow(unsafe_code)]

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Direction;

/// Whether a call can watch a descriptor; see [`is_readable`].
pub(crate) const HAS_POLLABLE_DESCRIPTORS: bool = true;

/// Whether a socket's limit for sending also bounds connecting (on Linux: socket(7), `SO_SNDTIMEO`).
pub(crate) const SEND_TIMEOUT_COVERS_CONNECT: bool = cfg!(target_os = "linux");

/// A timeout that is already set on a socket serves as long as it is this near to the wanted one. That saves a system
/// call for each read and write.
const TIMEOUT_TOLERANCE: Duration = Duration::from_millis(5);

/// Runs a socket's blocking operations with a time limit, which the kernel keeps.
pub(crate) struct TimedIo {
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

impl TimedIo {
    /// Prepares a connected socket, on which timeouts of this length are set, if any.
    pub(crate) fn new(socket: &socket2::Socket, timeout_set: Option<Duration>) -> io::Result<Self> {
        if timeout_set.is_none() {
            socket.set_nonblocking(false)?;
        }
        Ok(TimedIo {
            read_timeout: timeout_set,
            write_timeout: timeout_set,
        })
    }

    /// Runs an operation, which the kernel ends after about as long as the limit says.
    pub(crate) fn run<T>(
        &mut self,
        stream: &mut TcpStream,
        direction: Direction,
        limit: Duration,
        operation: &mut impl FnMut(&mut TcpStream) -> io::Result<T>,
    ) -> io::Result<T> {
        let timeout_set = match direction {
            Direction::Read => &mut self.read_timeout,
            Direction::Write => &mut self.write_timeout,
        };
        if timeout_set.is_none_or(|set| set.abs_diff(limit) > TIMEOUT_TOLERANCE) {
            match direction {
                Direction::Read => stream.set_read_timeout(Some(limit))?,
                Direction::Write => stream.set_write_timeout(Some(limit))?,
            }
            *timeout_set = Some(limit);
        }
        operation(stream)
    }
}

/// Whether `connect` has returned because the connection is still being made.
pub(crate) fn is_connect_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// Waits until one of the pending connections is made or has failed, and returns its index. Returns `None` if the limit
/// passed or a signal came.
pub(crate) fn first_connected<'a, S: AsRawFd + 'a>(
    sockets: impl Iterator<Item = &'a S>,
    limit: Duration,
) -> io::Result<Option<usize>> {
    let mut entries: Vec<libc::pollfd> = sockets
        .map(|socket| poll_entry(socket.as_raw_fd(), libc::POLLOUT))
        .collect();
    // Rounded up, so that the last wait does not become a busy loop.
    let milliseconds = limit.as_micros().div_ceil(1000);
    let milliseconds = libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX);
    let count = libc::nfds_t::try_from(entries.len()).unwrap_or(0);
    // SAFETY: the entries are valid and writable, and their descriptors stay open while the sockets are borrowed.
    if unsafe { libc::poll(entries.as_mut_ptr(), count, milliseconds) } < 0 {
        let error = io::Error::last_os_error();
        return match error.kind() {
            io::ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        };
    }
    Ok(entries.iter().position(|entry| entry.revents != 0))
}

/// Whether something can be read from the descriptor, its end included. Does not wait.
pub(crate) fn is_readable(descriptor: i64) -> bool {
    let Ok(fd) = RawFd::try_from(descriptor) else {
        return false;
    };
    let mut entry = poll_entry(fd, libc::POLLIN);
    // SAFETY: one entry is passed. For a descriptor that is not open, poll sets POLLNVAL in `revents`.
    let count = unsafe { libc::poll(&raw mut entry, 1, 0) };
    count == 1 && entry.revents & (libc::POLLIN | libc::POLLHUP) != 0
}

fn poll_entry(fd: RawFd, events: libc::c_short) -> libc::pollfd {
    libc::pollfd {
        fd,
        events,
        revents: 0,
    }
}

/// Looks at the next byte without taking it and without waiting.
pub(crate) fn peek(stream: &TcpStream) -> io::Result<usize> {
    let mut byte = 0_u8;
    // SAFETY: the descriptor stays open while `stream` is borrowed, and the buffer is one byte long.
    let count = unsafe {
        libc::recv(
            stream.as_raw_fd(),
            (&raw mut byte).cast(),
            1,
            libc::MSG_PEEK | libc::MSG_DONTWAIT,
        )
    };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Opens a file for reading. Opening a named pipe would otherwise wait until another process writes to it.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

/// Returns the permission bits.
#[allow(clippy::unnecessary_wraps)] // Windows has none.
pub(crate) fn file_mode(metadata: &Metadata) -> Option<u32> {
    Some(metadata.mode())
}

/// Always false: std recognises a device on Unix by its metadata.
pub(crate) fn is_device(_: &File) -> bool {
    false
}

/// Returns the numbers of the file system and of the file on it.
pub(crate) fn file_id(_: &Path, metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Does nothing: the linker has pinned the library (`-z nodelete`).
pub(crate) fn pin_library() {}

/// Registers the functions that run before a fork and after it in the parent and in the child. Registers them once in
/// a process; a child inherits them.
pub(crate) fn install_fork_handlers(
    before: extern "C" fn(),
    in_parent: extern "C" fn(),
    in_child: extern "C" fn(),
) {
    // Not a Once: that waits, also in a child whose parent was in the middle of this.
    static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
    if IS_INSTALLED.swap(true, Ordering::Relaxed) {
        return;
    }
    // SAFETY: the functions exist for as long as the process, because the library is never unloaded (`-z nodelete`).
    // They are safe functions without arguments. If registering fails for want of memory, forks are not guarded.
    let _ = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
}

/// Returns the processor time that this thread has used.
#[cfg(all(test, target_os = "linux"))]
pub(crate) fn thread_cpu_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the time is valid and writable.
    let outcome = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(outcome, 0);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

/// Blocks SIGPIPE in this thread: one that is raised stays pending, even if it is ignored as in a Rust program.
#[cfg(all(test, target_os = "linux"))]
pub(crate) fn block_sigpipe() {
    // SAFETY: sigemptyset initialises the set before it is used.
    unsafe {
        let mut pipe = std::mem::zeroed();
        libc::sigemptyset(&raw mut pipe);
        libc::sigaddset(&raw mut pipe, libc::SIGPIPE);
        let blocked = libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, std::ptr::null_mut());
        assert_eq!(blocked, 0);
    }
}

/// Whether a SIGPIPE is pending for this thread.
#[cfg(all(test, target_os = "linux"))]
pub(crate) fn is_sigpipe_pending() -> bool {
    // SAFETY: sigpending fills the set before it is read.
    unsafe {
        let mut pending = std::mem::zeroed();
        libc::sigpending(&raw mut pending);
        libc::sigismember(&raw const pending, libc::SIGPIPE) != 0
    }
}
