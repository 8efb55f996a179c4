//! The system calls that tell what can be done with a socket, and wait for it no longer than they are told to.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Read,
    Write,
}

#[cfg(unix)]
pub(super) use unix::{first_to_end, peek};
#[cfg(windows)]
pub(super) use windows::{first_to_end, peek, wait};

#[cfg(unix)]
#[allow(unsafe_code)]
mod unix {
    use super::{Duration, TcpStream, io};
    use std::os::fd::{AsRawFd, RawFd};

    /// Waits until one of the connections that are being made has come to its end, and says which; `None` where the
    /// limit passed or a signal came.
    pub(in super::super) fn first_to_end<'a, S: AsRawFd + 'a>(
        sockets: impl Iterator<Item = &'a S>,
        limit: Duration,
    ) -> io::Result<Option<usize>> {
        let entry = |fd: RawFd| libc::pollfd {
            fd,
            events: libc::POLLOUT,
            revents: 0,
        };
        let mut wanted: Vec<libc::pollfd> = sockets.map(|s| entry(s.as_raw_fd())).collect();
        // Rounded up, so that the last wait does not become a busy loop.
        let milliseconds = limit.as_micros().div_ceil(1000);
        let milliseconds = libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX);
        let count = libc::nfds_t::try_from(wanted.len()).unwrap_or(0);
        // SAFETY: the entries are there and writable, and their descriptors open for as long as the sockets are
        // borrowed.
        if unsafe { libc::poll(wanted.as_mut_ptr(), count, milliseconds) } < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::Interrupted => Ok(None),
                _ => Err(error),
            };
        }
        Ok(wanted.iter().position(|entry| entry.revents != 0))
    }

    /// Looks at the next byte without taking it and without waiting.
    pub(in super::super) fn peek(stream: &TcpStream) -> io::Result<usize> {
        let mut byte = 0_u8;
        // SAFETY: the descriptor is open for as long as `stream` is borrowed, and the buffer is one byte long.
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
}

/// With `select`, because `WSAPoll` tells of connections that failed from Windows 10 2004 on only.
#[cfg(windows)]
#[allow(unsafe_code)]
mod windows {
    use super::{Direction, Duration, TcpStream, io};
    use std::os::windows::io::AsRawSocket;
    use windows_sys::Win32::Networking::WinSock::{
        FD_SET, SOCKET, SOCKET_ERROR, TIMEVAL, WSAGetLastError, select,
    };

    /// Waits until one of the connections that are being made has come to its end, and says which; `None` where the
    /// limit passed.
    pub(in super::super) fn first_to_end<'a, S: AsRawSocket + 'a>(
        sockets: impl Iterator<Item = &'a S>,
        limit: Duration,
    ) -> io::Result<Option<usize>> {
        let sockets: Vec<SOCKET> = sockets.map(handle).collect();
        let (mut connected, mut failed) = (set(&sockets), set(&sockets));
        let is_any = select_from(None, Some(&mut connected), Some(&mut failed), limit)?;
        let has = |set: &FD_SET, socket| members(set).contains(&socket);
        Ok(sockets
            .iter()
            .position(|socket| is_any && (has(&connected, *socket) || has(&failed, *socket))))
    }

    /// Waits until the socket can be read from, or written to, or has failed.
    pub(in super::super) fn wait(
        stream: &TcpStream,
        direction: Direction,
        limit: Duration,
    ) -> io::Result<()> {
        let mut wanted = set(&[handle(stream)]);
        let (read, write) = match direction {
            Direction::Read => (Some(&mut wanted), None),
            Direction::Write => (None, Some(&mut wanted)),
        };
        // A failure makes the socket readable and writable too. In the set for failures a server's urgent byte would lie for
        // good, and no wait would be one any more.
        select_from(read, write, None, limit).map(drop)
    }

    /// Looks at the next byte without taking it; the socket is one that does not wait.
    pub(in super::super) fn peek(stream: &TcpStream) -> io::Result<usize> {
        stream.peek(&mut [0])
    }

    /// std's type for it is of another size than the system's on some platforms only.
    fn handle(socket: &impl AsRawSocket) -> SOCKET {
        socket.as_raw_socket() as SOCKET
    }

    /// Of as many as fit, which is twice as many as there are addresses of a host.
    fn set(sockets: &[SOCKET]) -> FD_SET {
        let mut fd_array = [0; 64];
        let count = sockets.len().min(fd_array.len());
        fd_array[..count].copy_from_slice(&sockets[..count]);
        FD_SET {
            fd_count: u32::try_from(count).unwrap_or(0),
            fd_array,
        }
    }

    fn members(set: &FD_SET) -> &[SOCKET] {
        let count = usize::try_from(set.fd_count).unwrap_or(0);
        &set.fd_array[..count.min(set.fd_array.len())]
    }

    /// Leaves in the sets what something has happened to; false where the limit passed before.
    fn select_from(
        read: Option<&mut FD_SET>,
        write: Option<&mut FD_SET>,
        failed: Option<&mut FD_SET>,
        limit: Duration,
    ) -> io::Result<bool> {
        let pointer =
            |set: Option<&mut FD_SET>| set.map_or(std::ptr::null_mut(), |set| &raw mut *set);
        let limit = TIMEVAL {
            tv_sec: i32::try_from(limit.as_secs()).unwrap_or(i32::MAX),
            // Never zero, so that the last wait does not become a busy loop.
            tv_usec: i32::try_from(limit.subsec_micros()).map_or(1, |part| (part + 1).min(999_999)),
        };
        // SAFETY: the sets are there and writable, or NULL, each counts what it holds, and their sockets are open for as
        // long as the callers borrow them.
        match unsafe {
            select(
                0,
                pointer(read),
                pointer(write),
                pointer(failed),
                &raw const limit,
            )
        } {
            // SAFETY: this takes nothing and only reads the thread's last error.
            SOCKET_ERROR => Err(io::Error::from_raw_os_error(unsafe { WSAGetLastError() })),
            count => Ok(count > 0),
        }
    }
}
