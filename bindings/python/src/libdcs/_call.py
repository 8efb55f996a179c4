"""Makes the status call and the diagnosis, and lets a signal end them.

Python runs signal handlers on its main thread between two instructions, so not during a native call. For such
a call `signal.set_wakeup_fd` makes Python write a byte for each signal to a pipe. The library watches the
pipe while it waits: the call returns, and the handlers run. If none of them raises, the call is made again on
a thread of its own, because signals may arrive faster than the service responds.

Making every call on a second thread would be simpler. It costs 30 to 50 us more for each call on a kept-alive
connection, and as much CPU time; the pipe costs 20 us.

Calls on other threads need none of this.
"""

from __future__ import annotations

import ctypes
import os
import sys
import weakref
from _thread import allocate_lock, get_ident, start_new_thread
from contextlib import suppress
from ctypes import byref, c_void_p
from errno import EMFILE, ENFILE
from functools import partial
from os import getpid
from time import monotonic

from . import _status
from ._code import Code
from ._error import NetworkError, closed, from_handle
from ._native import GilHoldingDLL, api, text

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable
    from typing import TypeVar

    from ._status import Status

    T = TypeVar("T")


class ClientHandle:
    """Owns a `dcs_client`, which is freed with the last reference to this object.

    The client holds one reference and each call in flight another. So `close()` needs no lock and never
    waits, and the `dcs_client` lives until the last call has returned.
    """

    __slots__ = ("__weakref__", "address", "interrupts")

    def __init__(self, address: int | None) -> None:
        """Take ownership of the `dcs_client` at this address."""
        self.address = address
        # Counts the calls of interrupt(). Signals do not count.
        self.interrupts = 0
        # Not at exit: a daemon thread may still be in a call, and the memory goes with the process.
        weakref.finalize(self, api.dcs_client_free, address).atexit = False


class Cancellation:
    """Owns a `dcs_cancellation`."""

    __slots__ = ("__weakref__", "address")

    def __init__(self) -> None:
        """Create one that is not cancelled."""
        self.address: int | None = api.dcs_cancellation_new()
        weakref.finalize(self, api.dcs_cancellation_free, self.address).atexit = False


class _PollFd(ctypes.Structure):
    _fields_ = (("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short))


class SignalPipe:
    """The pipe to which Python writes a byte for each signal during a call on the main thread.

    A process has one, which it opens for its first call on the main thread.
    """

    __slots__ = (
        "_identity",
        "_poll",
        "_reader",
        "arm",
        "cancellation",
        "process",
        "replaced",
        "set_wakeup_fd",
        "thread",
        "writers",
    )

    arm: Callable[[int], int]
    set_wakeup_fd: Callable[[int], int]
    _poll: Callable[[], int]

    def __init__(self) -> None:
        import threading
        from signal import set_wakeup_fd

        self.process = getpid()
        # The main thread, or 0: then its calls are made like those of any other thread.
        self.thread = threading.main_thread().ident or 0
        if sys.platform == "win32":
            self.thread = 0  # The library cannot watch a descriptor there.
        # During a call: the wakeup descriptor to restore.
        self.replaced: list[int] | None = None
        self.cancellation: Cancellation | None = None
        self.writers: tuple[int, ...] = ()
        self.set_wakeup_fd = set_wakeup_fd
        self.arm = partial(set_wakeup_fd, warn_on_full_buffer=False)
        self._reader = _PollFd(-1, 1, 0)  # POLLIN is 1 on every system that has poll().
        self._identity = (0, 0)

    def open(self) -> Cancellation | None:
        """Open the pipe; returns what cancels a call when the pipe can be read."""
        try:
            reader, writer = os.pipe()
        except OSError as error:
            if error.errno not in (EMFILE, ENFILE):
                raise  # From a signal handler.
            return None
        self._reader.fd, self.writers = reader, (writer,)
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        self._identity = _identity(reader)
        # Not select.poll, which releases the GIL: next to a busy thread that takes 5 ms.
        self._poll = partial(GilHoldingDLL(None).poll, byref(self._reader), ctypes.c_ulong(1), 0)
        cancellation = Cancellation()
        api.dcs_cancellation_set_descriptor(cancellation.address, reader)
        self.cancellation = cancellation
        return cancellation

    def drain(self, replaced: list[int]) -> bool:
        """Empty the pipe, pass its bytes on to the replaced descriptor, and return whether there were any."""
        if not replaced or self._poll() <= 0:
            return False
        data = os.read(self._reader.fd, 65536)  # The capacity of a pipe.
        if replaced[0] >= 0:
            # It may be full, so that its reader wakes up anyway, or closed.
            with suppress(OSError):
                os.write(replaced[0], data)
        return True

    def close(self) -> None:
        """Close a child's copy of its parent's pipe."""
        for descriptor in (self._reader.fd, *self.writers):
            with suppress(OSError):
                # A daemon closes all descriptors, and the number may belong to another file now.
                if _identity(descriptor) == self._identity:
                    os.close(descriptor)
        self._reader.fd = -1  # poll() skips it.
        self.writers = ()


def _identity(descriptor: int) -> tuple[int, int]:
    information = os.fstat(descriptor)
    return information.st_dev, information.st_ino


_pipe: SignalPipe | None = None


def _pipe_of_process() -> SignalPipe:
    global _pipe
    parents = _pipe
    if parents is not None:
        parents.close()
    elif hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)
    pipe = SignalPipe()
    if _pipe is not parents:  # Another thread was faster, and may have opened its pipe already.
        return _pipe_of_process()
    _pipe = pipe
    return pipe


def _after_fork() -> None:
    pipe = _pipe
    if pipe is None:
        return
    if pipe.replaced:
        # The thread that would restore it exists only in the parent. The child's signals must not end calls
        # there.
        pipe.set_wakeup_fd(pipe.replaced[0])
    pipe.close()


def status(handle: ClientHandle | None) -> Status:
    """Make the status call."""
    if handle is None:
        raise closed()
    try:
        pipe = _pipe
        if pipe is None or pipe.process != getpid():
            pipe = _pipe_of_process()
        if get_ident() != pipe.thread:
            return _call(handle, None)
        start, interrupts = monotonic(), handle.interrupts
        # A signal handler may make a call during another one, which uses the pipe.
        if pipe.replaced is None:
            result = _call_with_pipe(handle, pipe, interrupts)
            if result is not None:
                return result
        return _call_on_thread(handle, start, interrupts)
    finally:
        # Here and below: a traceback that is kept must not keep a closed client alive.
        del handle


def _call(handle: ClientHandle, cancellation: Cancellation | None) -> Status:
    response, error = c_void_p(), c_void_p()
    try:
        if cancellation is None:
            code = api.dcs_status(handle.address, byref(response), byref(error))
        else:
            code = api.dcs_status_until(handle.address, cancellation.address, byref(response), byref(error))
        if code:
            raise from_handle(code, error.value)
        return _status.read(response.value)
    finally:
        del handle
        if response:
            api.dcs_status_response_free(response)
        if error:
            api.dcs_error_free(error)


def _call_with_pipe(handle: ClientHandle, pipe: SignalPipe, interrupts: int) -> Status | None:
    """Make the call on the main thread; returns None if a signal ended it whose handler did not raise."""
    cancellation = pipe.cancellation or pipe.open()
    # A handler may run and raise after any function call below, also after one that succeeded. Its result
    # would be lost, so these two put their results into lists by themselves. Nothing precedes the second one
    # at the end of the try block.
    replaced: list[int] = []
    restored: list[int] = []
    arm = map(pipe.arm, pipe.writers)
    restore = map(pipe.set_wakeup_fd, replaced)
    signalled = False
    try:
        try:
            pipe.replaced = replaced
            try:
                replaced.extend(arm)
            except (OSError, ValueError) as error:
                if _is_from_handler(error):
                    raise
                # A subinterpreter has no wakeup descriptor, or the host has closed the pipe.
                pipe.thread, cancellation = 0, None
            return _call(handle, cancellation)
        finally:
            try:
                restored.extend(restore)
            except (OSError, ValueError) as error:
                if _is_from_handler(error):
                    raise
                pipe.set_wakeup_fd(-1)  # The owner of the replaced one has closed it meanwhile.
            finally:
                pipe.replaced = None
                signalled = pipe.drain(replaced)
    except NetworkError as error:
        if not signalled or error.code is not Code.INTERRUPTED or handle.interrupts != interrupts:
            raise
        return None
    finally:
        # Already done, except on Python 3.9, which may run a handler before a function call too.
        pipe.replaced = None
        restored.extend(restore)
        del handle


def _is_from_handler(error: Exception) -> bool:
    """Return whether a signal handler raised the error, which is Python code, and not a built-in function."""
    return error.__traceback__ is not None and error.__traceback__.tb_next is not None


def _call_on_thread(handle: ClientHandle, start: float, interrupts: int) -> Status:
    """Make the call on a second thread until the timeout has passed since `start`, or `interrupts` changes."""
    timeout = api.dcs_client_timeout_ms(handle.address) / 1000
    try:
        return run_on_thread(partial(_call, handle), partial(_must_end, handle, start + timeout, interrupts))
    except NetworkError as error:
        if error.code is Code.INTERRUPTED and handle.interrupts == interrupts:
            raise _timed_out(timeout) from None
        raise
    finally:
        del handle


def _must_end(handle: ClientHandle, deadline: float, interrupts: int) -> bool:
    return monotonic() > deadline or handle.interrupts != interrupts


def run_on_thread(work: Callable[[Cancellation], T], must_end: Callable[[], bool] = lambda: False) -> T:
    """Do the work on a second thread. Cancel it if a signal handler raises, or when it must end.

    If a handler raises, the thread is not waited for: all that the work uses must be its own.
    """
    cancellation = Cancellation()
    outcome: list[T | BaseException] = []
    done = allocate_lock()
    done.acquire()
    # In a child that a thread has forked, Python 3.13.0 runs no handlers by itself. PyPy always does.
    run_handlers = int if sys.implementation.name == "pypy" else ctypes.pythonapi.PyErr_CheckSignals
    try:
        run_handlers()
        try:
            start_new_thread(_run, ([work], cancellation, outcome, done))
        except RuntimeError as error:
            if _is_from_handler(error):
                raise
            return work(cancellation)  # No thread can be started.
        # Repeatedly, because a signal that another thread receives does not end the wait.
        while not done.acquire(timeout=0.1):
            run_handlers()
            if must_end():
                api.dcs_cancellation_cancel(cancellation.address)
        result = outcome[0]
        if isinstance(result, BaseException):
            raise result
        return result
    except BaseException:
        api.dcs_cancellation_cancel(cancellation.address)
        raise
    finally:
        del work, must_end


def _run(
    work: list[Callable[[Cancellation], T]],
    cancellation: Cancellation,
    outcome: list[T | BaseException],
    done: LockType,
) -> None:
    try:
        outcome.append(work.pop()(cancellation))
    except BaseException as error:
        outcome.append(error.with_traceback(None))
    finally:
        done.release()


def until_signal(work: Callable[[Cancellation], T]) -> T:
    """Do the work; on the main thread, cancel it if a signal handler raises."""
    import threading

    if get_ident() != threading.main_thread().ident:
        return work(Cancellation())
    return run_on_thread(work)


def _timed_out(timeout: float) -> NetworkError:
    return NetworkError(
        f"the call took longer than {timeout:g} s; a signal had interrupted it, and it was made again",
        code=Code.TIMEOUT,
        hint=text(api.dcs_code_hint(Code.TIMEOUT)),
        retryable=True,
    )
