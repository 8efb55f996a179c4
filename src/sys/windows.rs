//! Windows.

#![allow(unsafe_code)]

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::net::TcpStream;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsRawHandle, AsRawSocket};
use std::path::Path;
use std::time::Duration;

use windows_sys::Win32::Networking::WinSock::{
    FD_SET, SOCKET, SOCKET_ERROR, TIMEVAL, WSAGetLastError, select,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_FLAG_BACKUP_SEMANTICS, FILE_TYPE_DISK,
    GetFileInformationByHandle, GetFileType,
};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};

use super::Direction;

/// Whether a call can watch a descriptor: there are none that could be polled.
pub(crate) const HAS_POLLABLE_DESCRIPTORS: bool = false;

/// Whether a socket's limit for sending also bounds connecting.
pub(crate) const SEND_TIMEOUT_COVERS_CONNECT: bool = false;

/// Runs a socket's operations with a time limit.
///
/// The socket is non-blocking. A timeout that is set on a socket would not do: Windows may lose data that comes just when
/// such a timeout passes, and adds half a second to it.
pub(crate) struct TimedIo;

impl TimedIo {
    /// Prepares a connected socket, which is non-blocking already.
    #[allow(clippy::unnecessary_wraps)] // It can fail on Unix.
    pub(crate) fn new(_: &socket2::Socket, _: Option<Duration>) -> io::Result<Self> {
        Ok(TimedIo)
    }

    /// Runs an operation. If it would block, waits until the socket is ready or the limit has passed, and runs it again.
    pub(crate) fn run<T>(
        &mut self,
        stream: &mut TcpStream,
        direction: Direction,
        limit: Duration,
        operation: &mut impl FnMut(&mut TcpStream) -> io::Result<T>,
    ) -> io::Result<T> {
        match operation(stream) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait_until_ready(stream, direction, limit)?;
                operation(stream)
            }
            outcome => outcome,
        }
    }
}

/// Whether `connect` has returned because the connection is still being made.
pub(crate) fn is_connect_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Waits until one of the pending connections is made or has failed, and returns its index. Returns `None` if the limit
/// passed.
///
/// Uses `select`, because `WSAPoll` reports failed connections only from Windows 10 2004 on.
pub(crate) fn first_connected<'a, S: AsRawSocket + 'a>(
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
fn wait_until_ready(stream: &TcpStream, direction: Direction, limit: Duration) -> io::Result<()> {
    let mut wanted = set(&[handle(stream)]);
    let (read, write) = match direction {
        Direction::Read => (Some(&mut wanted), None),
        Direction::Write => (None, Some(&mut wanted)),
    };
    // A failure makes the socket readable and writable too. In the set for failures a server's urgent byte would stay
    // for good, and every later wait would return at once.
    select_from(read, write, None, limit).map(drop)
}

/// Leaves in the sets what something has happened to. Returns false if the limit passed before.
fn select_from(
    read: Option<&mut FD_SET>,
    write: Option<&mut FD_SET>,
    failed: Option<&mut FD_SET>,
    limit: Duration,
) -> io::Result<bool> {
    let pointer = |set: Option<&mut FD_SET>| set.map_or(std::ptr::null_mut(), |set| &raw mut *set);
    let limit = TIMEVAL {
        tv_sec: i32::try_from(limit.as_secs()).unwrap_or(i32::MAX),
        // Never zero, so that the last wait does not become a busy loop.
        tv_usec: i32::try_from(limit.subsec_micros()).map_or(1, |part| (part + 1).min(999_999)),
    };
    // SAFETY: the sets are valid and writable, or NULL. Each counts what it holds, and their sockets stay open while the
    // callers borrow them.
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

/// std's type for it has another size than the system's on some platforms only.
fn handle(socket: &impl AsRawSocket) -> SOCKET {
    socket.as_raw_socket() as SOCKET
}

/// Makes a set of as many sockets as fit, which is twice as many as a host has addresses.
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

/// Always false: there are no descriptors that could be polled.
pub(crate) fn is_readable(_: i64) -> bool {
    false
}

/// Looks at the next byte without taking it; the socket is non-blocking.
pub(crate) fn peek(stream: &TcpStream) -> io::Result<usize> {
    stream.peek(&mut [0])
}

/// Opens a file for reading. Opening a directory would otherwise be denied, which reads as a matter of permissions.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)
}

/// Always `None`: there are no permission bits.
pub(crate) fn file_mode(_: &Metadata) -> Option<u32> {
    None
}

/// Whether it is something else than a file on a disk: reading a console (`CON`), a serial line or a named pipe could
/// wait forever. std's metadata calls them files.
pub(crate) fn is_device(file: &File) -> bool {
    // SAFETY: the handle stays open while `file` is borrowed.
    unsafe { GetFileType(file.as_raw_handle()) != FILE_TYPE_DISK }
}

/// Returns the numbers of the volume and of the file on it, or zeros if they cannot be read. std has them in unstable
/// functions only.
pub(crate) fn file_id(path: &Path, _: &Metadata) -> (u64, u64) {
    // Without the right to read, which is not needed for this.
    let Ok(file) = OpenOptions::new().access_mode(0).open(path) else {
        return (0, 0);
    };
    let mut information = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle stays open while `file` exists, and the information is valid and writable.
    if unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut information) } == 0 {
        return (0, 0);
    }
    let index = u64::from(information.nFileIndexHigh) << 32 | u64::from(information.nFileIndexLow);
    (u64::from(information.dwVolumeSerialNumber), index)
}

/// Keeps the library loaded until the process ends: a thread of its own must not lose its code when the host unloads it.
/// Does the work once.
pub(crate) fn pin_library() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
        let address: *const () = (pin_library as fn()) as *const ();
        let mut module = std::ptr::null_mut();
        // SAFETY: with this flag the name is any address in the module, and the handle is valid and writable. If it
        // fails, the library can be unloaded as before.
        let _ = unsafe { GetModuleHandleExW(flags, address.cast(), &raw mut module) };
    });
}

/// Does nothing: Windows does not fork.
pub(crate) fn install_fork_handlers(_: extern "C" fn(), _: extern "C" fn(), _: extern "C" fn()) {}
