"""Passes the library's log on to Python's `logging`.

The library has one log for the process. `prepare` sets its level before a call, and `drain` takes the records
after the call. So nothing calls Python in the middle of a native call.

Nothing here imports `logging`: if the program has not done so, it has not asked for records.
"""

from __future__ import annotations

import sys
from ctypes import byref, c_void_p

from ._native import api

TARGETS = ("dcs.client", "dcs.files", "dcs.dns", "dcs.tcp", "dcs.proxy", "dcs.tls", "dcs.http", "dcs.log")
"""The targets of the library's records; a record of "dcs.tls" goes to the logger "libdcs.tls"."""

TRACE = 5
"""The level of records on bytes read and written; `logging` has no name for a level below DEBUG (10)."""

LEVELS = {1: 20, 2: 30, 3: 20, 4: 10, 5: TRACE}
"""The library's levels as levels of `logging`.

ERROR (1) becomes INFO (20): the library uses it only for calls that failed, and these raise. Only the code
that catches the exception knows whether it is an error; a call that is retried is none.
"""

# As many as the library keeps, and the warning about discarded ones. Without a limit, other threads could
# keep this one's call from returning.
_MAX_RECORDS = 1025


class _Loggers:
    """The loggers, created when the program has imported `logging`."""

    __slots__ = ("children", "dispatching", "logging", "null", "parent")

    def __init__(self) -> None:
        # Waits if another thread is importing it.
        import logging
        import threading  # which logging has imported

        self.logging = logging
        self.null = logging.NullHandler()
        self.parent = logging.getLogger("libdcs")
        # Without a handler, `logging` prints warnings to stderr in a program that has not configured it.
        self.parent.addHandler(self.null)
        # Whether this thread is running handlers.
        self.dispatching = threading.local()
        self.children = {target: logging.getLogger(f"lib{target}") for target in TARGETS}


_loggers: _Loggers | None = None


def prepare() -> None:
    """Set the library's level to the loggers' lowest. Call this before each native call that may log."""
    global _loggers
    loggers = _loggers
    if loggers is None:
        if "logging" not in sys.modules:
            return
        loggers = _loggers = _Loggers()
    parent = loggers.parent
    level = parent.getEffectiveLevel()
    for logger in loggers.children.values():
        own = logger.level
        if own and own < level:
            level = own
    if level <= parent.manager.disable:
        level = parent.manager.disable + 1
    # Each time: remembering the level would need a lock, and save a third of a microsecond.
    if level > 20:
        api.dcs_log_set_level(0 if level > 30 else 2)
    elif level > 10:
        api.dcs_log_set_level(3)
    else:
        api.dcs_log_set_level(4 if level > TRACE else 5)


def drain() -> None:
    """Pass the recorded lines on to the loggers. Call this after each native call that may have logged.

    An exception in a handler or filter goes no further, so that it cannot replace the result of the call.
    """
    loggers = _loggers
    if loggers is None:
        return
    record = c_void_p()
    reference = byref(record)
    api.dcs_log_next(reference)
    if not record:
        return
    records = []
    while record:
        try:
            records.append(_read(record.value))
        finally:
            api.dcs_log_record_free(record)
        if len(records) == _MAX_RECORDS:
            break
        api.dcs_log_next(reference)
    dispatching = vars(loggers.dispatching)
    if dispatching:
        # A handler has made a call. Passing that call's records to the handler would never end.
        return
    dispatching["now"] = True
    try:
        for fields in records:
            _dispatch(loggers, *fields)
    finally:
        dispatching.clear()


def _read(record: int | None) -> tuple[int, str, str, int]:
    return (
        api.dcs_log_record_level(record),
        api.dcs_log_record_target(record).decode(),
        api.dcs_log_record_text(record).decode(),
        api.dcs_log_record_time_unix_ms(record),
    )


def _dispatch(loggers: _Loggers, number: int, target: str, text: str, unix_ms: int) -> None:
    # A newer library may have more levels and targets.
    level = LEVELS.get(number, TRACE)
    logger = loggers.children.get(target) or loggers.logging.getLogger(f"lib{target}")
    if not logger.isEnabledFor(level):
        return
    # With "libdcs", 0 in place of a file and a line.
    arguments = (logger.name, level, "libdcs", 0, text, (), None)
    try:
        record = logger.makeRecord(*arguments)
        created = unix_ms / 1000
        record.relativeCreated += (created - record.created) * 1000
        record.created = created
        record.msecs = unix_ms % 1000
        logger.handle(record)
    except Exception:
        # Prints the traceback, unless logging.raiseExceptions is off, as for a handler's own emit().
        loggers.null.handleError(loggers.logging.LogRecord(*arguments))
