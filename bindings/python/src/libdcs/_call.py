"""The status call and the diagnosis, and how a signal ends them.

Python runs signal handlers on its main thread, between two instructions, so not while that is in a native
call. For such a call the main thread has Python write a byte for each signal into a pipe
(`signal.set_wakeup_fd`), which the library looks at while it waits: it comes back, and the handlers run.
Where none of them raises, the call is made again in a thread of its own, because signals may come faster than
the service answers.

Calls on other threads have nothing to do with it.
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
from ._native import LockKeepingDLL, api, text

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable
    from typing import TypeVar

    from ._status import Status

    T = TypeVar("T")


class Handle:
    """Owns a `dcs_client`, which is freed when the last reference to this object goes.

    The client holds one reference and each call in flight another: so `close()` needs no lock and
    waits for nothing, and the library's client lives until the last call has come back.
    """

    __slots__ = ("__weakref__", "address", "interrupts", "timeout")

    def __init__(self, address: int | None, timeout: float) -> None:
        """Take over the `dcs_client` at this address; `timeout` is what it was made with."""
        self.address = address
        self.timeout = timeout
        # How often its calls were interrupted, which is not what a signal does.
        self.interrupts = 0
        # At exit a daemon thread may still be in a call, and the process takes its memory along.
        weakref.finalize(self, api.dcs_client_free, address).atexit = False


class Cancellation:
    """Owns a `dcs_cancellation`."""

    __slots__ = ("__weakref__", "address")

    def __init__(self) -> None:
        """Make one that nobody has cancelled."""
        self.address: int | None = api.dcs_cancellation_new()
        weakref.finalize(self, api.dcs_cancellation_free, self.address).atexit = False


class _PollFd(ctypes.Structure):
    _fields_ = (("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short))


class _Watch:
    """What a process watches signals with: a pipe, made for the first call on its main thread."""

    __slots__ = (
        "_identity",
        "_poll",
        "_reader",
        "arm",
        "armed",
        "cancellation",
        "process",
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
        # 0: none, and all calls are made as on any other thread.
        self.thread = threading.main_thread().ident or 0
        if sys.platform == "win32":
            self.thread = 0  # There the library looks at no descriptor.
        # During a call: the wakeup descriptor to put back.
        self.armed: list[int] | None = None
        self.cancellation: Cancellation | None = None
        self.writers: tuple[int, ...] = ()
        self.set_wakeup_fd = set_wakeup_fd
        self.arm = partial(set_wakeup_fd, warn_on_full_buffer=False)
        self._reader = _PollFd(-1, 1, 0)  # POLLIN is 1 wherever there is poll().
        self._identity = (0, 0)

    def open(self) -> Cancellation | None:
        """Make the pipe, and what ends a call where something can be read from it."""
        try:
            reader, writer = os.pipe()
        except OSError as error:
            if error.errno not in (EMFILE, ENFILE):
                raise  # A signal handler did.
            return None
        self._reader.fd, self.writers = reader, (writer,)
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        self._identity = _identity(reader)
        # Not select.poll, which lets go of the interpreter lock: next to a busy thread that takes 5 ms.
        self._poll = partial(LockKeepingDLL(None).poll, byref(self._reader), ctypes.c_ulong(1), 0)
        cancellation = Cancellation()
        api.dcs_cancellation_set_descriptor(cancellation.address, reader)
        self.cancellation = cancellation
        return cancellation

    def drain(self, previous: list[int]) -> bool:
        """Whether signals came; the wakeup descriptor from before is told of them."""
        if not previous or self._poll() <= 0:
            return False
        data = os.read(self._reader.fd, 65536)  # All that a pipe holds.
        if previous[0] >= 0:
            # It may be full, so that its reader wakes up anyway, or closed.
            with suppress(OSError):
                os.write(previous[0], data)
        return True

    def close(self) -> None:
        """Close this process's copy of its parent's pipe."""
        for descriptor in (self._reader.fd, *self.writers):
            with suppress(OSError):
                # A daemon closes all descriptors, and what has the number now may be something else.
                if _identity(descriptor) == self._identity:
                    os.close(descriptor)
        self._reader.fd = -1  # Which poll() skips.
        self.writers = ()


def _identity(descriptor: int) -> tuple[int, int]:
    information = os.fstat(descriptor)
    return information.st_dev, information.st_ino


_watch: _Watch | None = None


def _begin() -> _Watch:
    """Make the watch of this process."""
    global _watch
    parents = _watch
    if parents is not None:
        parents.close()
    elif hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)
    watch = _Watch()
    if _watch is not parents:  # Another thread was first, whose pipe may be there already.
        return _begin()
    _watch = watch
    return watch


def _after_fork() -> None:
    watch = _watch
    if watch is None:
        return
    if watch.armed:
        # The thread that would do this is the parent's, and the child's signals are not to end its calls.
        watch.set_wakeup_fd(watch.armed[0])
    watch.close()


def status(handle: Handle | None) -> Status:
    """Make the call and read the answer."""
    if handle is None:
        raise closed()
    try:
        watch = _watch
        if watch is None or watch.process != getpid():
            watch = _begin()
        if get_ident() != watch.thread:
            return _make(handle, None)
        begun, interrupts = monotonic(), handle.interrupts
        # Not where a signal handler makes a call in the middle of one: that has the pipe.
        if watch.armed is None:
            answer = _make_watched(handle, watch, interrupts)
            if answer is not None:
                return answer
        return _make_in_thread(handle, begun, interrupts)
    finally:
        # Here and below: a kept traceback must not keep a closed client alive.
        del handle


def _make(handle: Handle, cancellation: Cancellation | None) -> Status:
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


def _make_watched(handle: Handle, watch: _Watch, interrupts: int) -> Status | None:
    """Make the call on the main thread; None where it was ended by a signal whose handler did not raise."""
    cancellation = watch.cancellation or watch.open()
    # A handler may run and raise after any call from here, also one that has succeeded, whose result is then
    # lost. So these two put it into a list themselves, and nothing comes before the second where the try
    # block ends.
    previous: list[int] = []
    restored: list[int] = []
    arm = map(watch.arm, watch.writers)
    restore = map(watch.set_wakeup_fd, previous)
    came = False
    try:
        try:
            watch.armed = previous
            try:
                previous.extend(arm)
            except (OSError, ValueError) as error:
                if _is_handlers(error):
                    raise
                # A subinterpreter, which cannot, or the host has closed the pipe.
                watch.thread, cancellation = 0, None
            return _make(handle, cancellation)
        finally:
            try:
                restored.extend(restore)
            except (OSError, ValueError) as error:
                if _is_handlers(error):
                    raise
                watch.set_wakeup_fd(-1)  # Its owner has closed it meanwhile.
            finally:
                watch.armed = None
                came = watch.drain(previous)
    except NetworkError as error:
        if not came or error.code is not Code.INTERRUPTED or handle.interrupts != interrupts:
            raise
        return None
    finally:
        # Done by now, if not for Python 3.9, which may also run a handler before it makes a call.
        watch.armed = None
        restored.extend(restore)
        del handle


def _is_handlers(error: Exception) -> bool:
    """Whether a signal handler, which is Python code, has raised it, and not the call that was to be made."""
    return error.__traceback__ is not None and error.__traceback__.tb_next is not None


def _run_handlers() -> Callable[[], object]:
    """Return what runs the handlers of signals that have come."""
    if sys.implementation.name == "pypy":
        return int  # Does nothing: PyPy runs them by itself.
    # In a child that a thread has forked, Python 3.13.0 does not.
    check: Callable[[], object] = ctypes.pythonapi.PyErr_CheckSignals
    return check


def _make_in_thread(handle: Handle, begun: float, interrupts: int) -> Status:
    """Make the call in a thread of its own, for which this one waits until a signal handler raises."""
    run_handlers = _run_handlers()
    limit = begun + handle.timeout
    cancellation = Cancellation()
    try:
        run_handlers()
        started = _start(partial(_make, handle), cancellation)
        if started is None:
            return _make(handle, None)
        outcome, done = started
        # In rounds, because a signal that another thread has taken does not end the wait.
        while not done.acquire(timeout=max(0.0, min(0.1, limit - monotonic()))):
            run_handlers()
            if monotonic() > limit or handle.interrupts != interrupts:
                api.dcs_cancellation_cancel(cancellation.address)
        answer = outcome[0]
        if not isinstance(answer, BaseException):
            return answer
        is_interrupted = isinstance(answer, NetworkError) and answer.code is Code.INTERRUPTED
        if is_interrupted and handle.interrupts == interrupts:
            raise _late(handle.timeout)
        raise answer
    except BaseException:
        api.dcs_cancellation_cancel(cancellation.address)
        raise
    finally:
        del handle


def _start(work: partial[T], cancellation: Cancellation) -> tuple[list[T | BaseException], LockType] | None:
    """Begin work in a thread of its own; returns where its outcome will be and what is released then.

    None: no thread can be had.
    """
    outcome: list[T | BaseException] = []
    done = allocate_lock()
    done.acquire()
    try:
        start_new_thread(_run, ([work], cancellation, outcome, done))
    except RuntimeError as error:
        if _is_handlers(error):
            raise
        return None
    finally:
        del work
    return outcome, done


def _run(
    work: list[partial[T]],
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


def until_signal(work: partial[T]) -> T:
    """Do what takes a cancellation; where a signal handler raises on the main thread, cancel it and raise.

    Its end is not waited for then: all that it uses has to be its own.
    """
    import threading

    cancellation = Cancellation()
    if get_ident() != threading.main_thread().ident:
        return work(cancellation)
    run_handlers = _run_handlers()
    try:
        started = _start(work, cancellation)
        if started is None:
            return work(cancellation)
        outcome, done = started
        while not done.acquire(timeout=0.1):  # In rounds, as above.
            run_handlers()
        answer = outcome[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer
    except BaseException:
        api.dcs_cancellation_cancel(cancellation.address)
        raise


def _late(timeout: float) -> NetworkError:
    return NetworkError(
        f"the call was not done after {timeout:g} seconds, in which a signal had it begin anew",
        code=Code.TIMEOUT,
        hint=text(api.dcs_code_hint(Code.TIMEOUT)),
        retryable=True,
    )
