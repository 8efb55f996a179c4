"""From the library's log to Python's `logging`.

The library's log is the process's: `prepare` sets how much it records, before a call, and `drain` takes what
was recorded, after it. So nothing calls Python from the middle of a native call.

`logging` is never imported from here: where nobody else has, nobody can have asked for records.
"""

from __future__ import annotations

import sys
from ctypes import byref, c_void_p

from ._native import api

TARGETS = ("dcs.client", "dcs.files", "dcs.dns", "dcs.tcp", "dcs.proxy", "dcs.tls", "dcs.http", "dcs.log")
"""Where the library's records come from; a record of "dcs.tls" goes to the logger "libdcs.tls"."""

TRACE = 5
"""The level of a record on bytes read and written; `logging` has no name for one below its DEBUG (10)."""

LEVELS = {1: 20, 2: 30, 3: 20, 4: 10, 5: TRACE}
"""The library's levels as those of `logging`.

Error (1) is INFO (20): the library has it for calls that failed only, and these raise. Who catches the
exception knows whether it is an error; one that is retried is not.
"""

# As many as the library keeps, and the one that says how many were lost: other threads may go on making
# records, and this one's call has to end.
_MOST = 1025


class _Loggers:
    """The loggers, made once `logging` is there."""

    __slots__ = ("children", "handing", "logging", "null", "parent")

    def __init__(self) -> None:
        # Waits until it is complete, where another thread is importing it.
        import logging
        import threading  # which logging has imported

        self.logging = logging
        self.null = logging.NullHandler()
        self.parent = logging.getLogger("libdcs")
        # Without one, `logging` prints warnings on stderr in a program that has configured nothing.
        self.parent.addHandler(self.null)
        # Whether this thread is handing records to handlers.
        self.handing = threading.local()
        self.children = {target: logging.getLogger(f"lib{target}") for target in TARGETS}


_loggers: _Loggers | None = None


def prepare() -> None:
    """Let the library record what the loggers want. Before each native call that may record something."""
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
    # Each time: to remember what was set would need a lock, and save a third of a microsecond.
    if level > 20:
        api.dcs_log_set_level(0 if level > 30 else 2)
    elif level > 10:
        api.dcs_log_set_level(3)
    else:
        api.dcs_log_set_level(4 if level > TRACE else 5)


def drain() -> None:
    """Hand what was recorded to the loggers. After each native call that may have recorded something.

    What a handler or filter raises goes no further, so that the call's own outcome is what its caller gets.
    """
    loggers = _loggers
    if loggers is None:
        return
    record = c_void_p()
    reference = byref(record)
    api.dcs_log_next(reference)
    if not record:
        return
    taken = []
    while record:
        try:
            taken.append(_read(record.value))
        finally:
            api.dcs_log_record_free(record)
        if len(taken) == _MOST:
            break
        api.dcs_log_next(reference)
    handing = vars(loggers.handing)
    if handing:
        # A handler has made a call: to hand it the records of that one would never end.
        return
    handing["now"] = True
    try:
        for entry in taken:
            _hand(loggers, *entry)
    finally:
        handing.clear()


def _read(record: int | None) -> tuple[int, str, str, int]:
    return (
        api.dcs_log_record_level(record),
        api.dcs_log_record_target(record).decode(),
        api.dcs_log_record_text(record).decode(),
        api.dcs_log_record_time_unix_ms(record),
    )


def _hand(loggers: _Loggers, number: int, target: str, text: str, unix_ms: int) -> None:
    # A newer library may have levels and targets that are not listed here.
    level = LEVELS.get(number, TRACE)
    logger = loggers.children.get(target) or loggers.logging.getLogger(f"lib{target}")
    if not logger.isEnabledFor(level):
        return
    # The library's source has no file and line to name.
    told = (logger.name, level, "libdcs", 0, text, (), None)
    try:
        record = logger.makeRecord(*told)
        created = unix_ms / 1000
        record.relativeCreated += (created - record.created) * 1000
        record.created = created
        record.msecs = unix_ms % 1000
        logger.handle(record)
    except Exception:
        # Prints the traceback, unless logging.raiseExceptions is off, as for a handler's own emit().
        loggers.null.handleError(loggers.logging.LogRecord(*told))
