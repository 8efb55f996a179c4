"""Makes the status call and the diagnosis, and runs signal handlers meanwhile.

Python runs signal handlers on its main thread between two instructions, so not during a native call. A call
on the main thread therefore passes a callback, which the library runs about every 60 ms while it waits, and
whenever a signal interrupts the wait. A call that waits for less never runs it.

Calls on other threads need no callback.
"""

from __future__ import annotations

import ctypes
import sys
import weakref
from _thread import get_ident
from ctypes import byref, c_void_p
from functools import partial

from . import _status
from ._code import Code
from ._error import DcsError, closed, from_handle
from ._native import api
from ._value import NonCopyable

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any, TypeVar

    from ._status import Status

    T = TypeVar("T")


_PYPY = sys.implementation.name == "pypy"

# By item, because the attribute of this name is shared with other users of ctypes.
_untrack: Any = None if _PYPY else ctypes.pythonapi["PyObject_GC_UnTrack"]
if _untrack is not None:
    _untrack.argtypes, _untrack.restype = (ctypes.py_object,), None


class ClientHandle(NonCopyable):
    """Owns a `dcs_client`, which is freed with the last reference to this object.

    The client holds one reference and each call in flight another. So `close()` needs no lock and never
    waits, and the `dcs_client` lives until the last call has returned.
    """

    __slots__ = ("__weakref__", "address")

    def __init__(self, address: int | None) -> None:
        """Take ownership of the `dcs_client` at this address."""
        self.address = address
        if _untrack is not None:
            # The garbage collector runs the callbacks of weak references before the `__del__` methods of a
            # cycle of garbage, and these may still make a call. So only the last reference frees the client.
            # Nothing is lost: a handle refers to no object that could refer to it.
            _untrack(self)
        # Not at exit: a daemon thread may still be in a call, and the memory goes with the process.
        weakref.finalize(self, api.dcs_client_free, address).atexit = False


_Callback: Any = ctypes.CFUNCTYPE(ctypes.c_int32, c_void_p)
if _PYPY:
    # Its wrapper of a callback is a Python function, in which a signal handler would run and raise.
    _Callback = type("_Callback", (_Callback,), {"_wrap_callable": lambda _, function, types: function})


class SignalHandlers(NonCopyable):
    """A `dcs_cancellation` whose callback runs the signal handlers, and cancels if one of them raises."""

    __slots__ = ("__weakref__", "_callback", "address", "raised")

    def __init__(self) -> None:
        """Create one that is not cancelled."""
        self.raised: list[BaseException] = []
        handlers = _run_handlers(self.raised)
        next(handlers)
        self._callback = _Callback(handlers.send)
        self.address: int | None = api.dcs_cancellation_new()
        weakref.finalize(self, api.dcs_cancellation_free, self.address).atexit = False
        api.dcs_cancellation_set_callback(self.address, self._callback, None)


def _run_handlers(raised: list[BaseException]) -> Generator[bool, None, None]:
    """Run the signal handlers at each step; yields whether the call may go on.

    A generator, because ctypes discards an exception of the callback itself. A function could not catch one
    of a handler that runs before its first instruction; a generator resumes within its try block.
    """
    # In a child that a thread has forked, Python 3.13.0 runs no handlers by itself. PyPy always does.
    check_signals = int if _PYPY else ctypes.pythonapi.PyErr_CheckSignals
    while True:
        try:
            while True:
                yield not raised
                check_signals()
        except GeneratorExit:
            return
        except BaseException as error:
            raised.append(error)


# Those that no call is using. Only a call that a signal handler makes during another one needs a second.
_idle: list[SignalHandlers] = []


def interruptible(call: Callable[[int | None], T]) -> T:
    """Make a call; on the main thread, pass it a `dcs_cancellation` by which a signal handler ends it."""
    try:
        if not _is_main_thread():
            return call(None)
        handlers = _idle.pop() if _idle else SignalHandlers()
        try:
            result = call(handlers.address)
        except DcsError as error:
            if not handlers.raised:
                # A fork in a handler cancels in the child.
                if error.code is not Code.INTERRUPTED:
                    _idle.append(handlers)
                raise
        if handlers.raised:
            raise handlers.raised.pop(0)
        _idle.append(handlers)
        return result
    finally:
        # Here and below: a traceback that is kept must not keep a closed client alive.
        del call


_runs_handlers: bool | None = None


def _is_main_thread() -> bool:
    """Return whether Python runs signal handlers on this thread, which it does not in a subinterpreter."""
    global _runs_handlers
    import threading

    if get_ident() != threading.main_thread().ident:
        return False
    if _runs_handlers is None:
        import signal

        try:
            signal.signal(signal.SIGINT, None)  # Always fails.
        except TypeError:
            _runs_handlers = True
        except ValueError:
            _runs_handlers = False
    return _runs_handlers is True


def status(handle: ClientHandle | None) -> Status:
    """Make the status call."""
    if handle is None:
        raise closed()
    try:
        return interruptible(partial(_status_call, handle))
    finally:
        del handle


def _status_call(handle: ClientHandle, cancellation: int | None) -> Status:
    response, error = c_void_p(), c_void_p()
    try:
        if cancellation is None:
            code = api.dcs_status(handle.address, byref(response), byref(error))
        else:
            code = api.dcs_status_until(handle.address, cancellation, byref(response), byref(error))
        if code:
            raise from_handle(code, error.value)
        return _status.read(response.value)
    finally:
        del handle
        if response:
            api.dcs_status_response_free(response)
        if error:
            api.dcs_error_free(error)
