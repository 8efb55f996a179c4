"""Passes options to a `dcs_config`. The library judges their values."""

from __future__ import annotations

import ctypes
import math
import os
import weakref

from ._code import Code
from ._error import ConfigError, from_handle
from ._functions import FUNCTIONS
from ._native import api
from ._value import NonCopyable

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    from typing import Any


BUFFERS = (bytes, bytearray, memoryview)
"""The types of a file's content."""


class Config(NonCopyable):
    """Owns a `dcs_config`, which is freed at the end of the `with` block or with the last reference."""

    __slots__ = ("__weakref__", "_address", "_free")

    def __init__(self) -> None:
        """Create one with the library's defaults."""
        self._address: int | None = api.dcs_config_new()
        self._free = weakref.finalize(self, api.dcs_config_free, self._address)
        self._free.atexit = False

    def __enter__(self) -> Config:
        return self

    def __exit__(self, *exception: object) -> None:
        self._address = None
        self._free()

    def fill(self, options: dict[str, Any]) -> None:
        """Set the options by the names that `Client` has for them. The setters in C determine their types."""
        for name, value in options.items():
            option = "private_key_password" if name == "password" else name
            if f"dcs_config_set_{option}_ms" in FUNCTIONS:
                # None is "never", which is 0 in C; the library rejects it for a limit.
                self._set(f"{option}_ms", "0" if value is None else _milliseconds(name, value))
            elif FUNCTIONS[f"dcs_config_set_{option}"][1][1] is ctypes.c_int32:
                if not isinstance(value, bool):
                    raise TypeError(f"{name} must be a bool, not {type(value).__name__}")
                self._set(option, "1" if value else "0")
            elif value is None:
                continue
            elif f"dcs_config_set_{option}_file" in FUNCTIONS:
                self._set_file(option, value)
            else:
                self._set(option, text_argument(name, value))

    def _set(self, option: str, value: str | bytes) -> None:
        self._call(api.dcs_config_set_option, option.encode(), utf8(option, value))

    def _set_file(self, option: str, value: str | os.PathLike[str] | bytes | bytearray | memoryview) -> None:
        # A value that one of the setters rejects is reported when the configuration is used.
        if isinstance(value, str):
            # This one distinguishes a path from PEM text, so that a key from an environment variable is not
            # taken for a path and shown in an error message.
            self._set(option, value)
        elif isinstance(value, BUFFERS):
            data = buffer_bytes(value)
            getattr(api, f"dcs_config_set_{option}")(self._address, data, len(data))
        elif isinstance(value, os.PathLike):
            getattr(api, f"dcs_config_set_{option}_file")(self._address, utf8(option, os.fspath(value)))
        else:
            kind = type(value).__name__
            raise TypeError(f"{option} must be a path (str or os.PathLike) or bytes, not {kind}")

    def load_env(self) -> None:
        """Set the options that environment variables hold."""
        self._call(api.dcs_config_load_env)

    def new_client(self) -> int | None:
        """Create a `dcs_client`, which the caller frees."""
        client = ctypes.c_void_p()
        self._call(api.dcs_client_new, ctypes.byref(client))
        return client.value

    def diagnose(self, cancellation: int | None) -> int | None:
        """Create a `dcs_report`, which the caller frees."""
        report = ctypes.c_void_p()
        if cancellation is None:
            self._call(api.dcs_diagnose, ctypes.byref(report))
        else:
            self._call(api.dcs_diagnose_until, cancellation, ctypes.byref(report))
        return report.value

    def _call(self, function: ctypes._NamedFuncPointer, *arguments: object) -> None:
        error = ctypes.c_void_p()
        code = function(self._address, *arguments, ctypes.byref(error))
        try:
            if code:
                raise from_handle(code, error.value)
        finally:
            api.dcs_error_free(error)


def _milliseconds(name: str, seconds: float) -> str:
    """Convert seconds, rounded up so that no part of a millisecond becomes 0."""
    try:
        finite = math.isfinite(seconds) and math.isfinite(seconds * 1000)
    except TypeError:
        kind = type(seconds).__name__
        raise TypeError(f"{name} must be a number of seconds, not {kind}") from None
    except OverflowError:  # An int beyond any float.
        return "inf"
    # Rounded first: 2.007 * 1000 is a little more than 2007. The library rejects "inf" and "nan".
    return str(math.ceil(round(seconds * 1000, 3)) if finite else seconds)


def text_argument(name: str, value: str) -> bytes:
    """Encode an argument that must be a str."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return utf8(name, value)


def utf8(name: str, value: str | bytes) -> bytes:
    """Encode a value for the library."""
    try:
        # A subclass of str may have an encode() of its own.
        data = buffer_bytes(value) if isinstance(value, bytes) else str.encode(value)
    except UnicodeEncodeError:
        data = None  # The codec's error holds the value, which may be a password.
    if data is None or b"\0" in data:
        # The library would see the text end at a NUL.
        what = "is not valid Unicode" if data is None else "contains a NUL character"
        raise ConfigError(
            f"{name}: the value {what}",
            code=Code.INVALID_ARGUMENT,
            hint="Check the source of the value: it must be valid Unicode without NUL characters.",
        )
    return data


def buffer_bytes(value: bytes | bytearray | memoryview) -> bytes:
    """Return the bytes of a buffer. A subclass of bytes may have a `__len__` and a `__bytes__` of its own."""
    return value if type(value) is bytes else memoryview(value).tobytes()
