//! What differs between operating systems, behind one face: `unix` and `windows` offer the same functions.
//!
//! Outside the C ABI this is the only place with `unsafe` code and platform-specific code.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;
pub(crate) mod x509;

#[cfg(unix)]
pub(crate) use unix::{
    HAS_POLLABLE_DESCRIPTORS, SEND_TIMEOUT_COVERS_CONNECT, TimedIo, file_id, file_mode,
    first_connected, install_fork_handlers, is_connect_in_progress, is_device, is_readable,
    open_file, peek, pin_library,
};
#[cfg(all(test, target_os = "linux"))]
pub(crate) use unix::{block_sigpipe, is_sigpipe_pending, thread_cpu_time};
#[cfg(windows)]
pub(crate) use windows::{
    HAS_POLLABLE_DESCRIPTORS, SEND_TIMEOUT_COVERS_CONNECT, TimedIo, file_id, file_mode,
    first_connected, install_fork_handlers, is_connect_in_progress, is_device, is_readable,
    open_file, peek, pin_library,
};

/// What an operation on a socket waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}
