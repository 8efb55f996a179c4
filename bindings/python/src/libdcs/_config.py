"""From Python's values to a `dcs_config`. What a value may be is the library's to judge."""

from __future__ import annotations

import ctypes
import math
import os
import weakref

from ._code import Code
from ._error import ConfigError, from_code, from_handle
from ._native import api

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    from ._call import Cancellation


class Config:
    """A `dcs_config`, freed at the end of the `with` block, or with the last reference to this object."""

    __slots__ = ("__weakref__", "_address", "_free")

    def __init__(self) -> None:
        """Make one with the library's defaults."""
        self._address: int | None = api.dcs_config_new()
        self._free = weakref.finalize(self, api.dcs_config_free, self._address)
        self._free.atexit = False

    def __enter__(self) -> Config:
        return self

    def __exit__(self, *exception: object) -> None:
        self._free()
        self._address = None

    def fill(
        self,
        *,
        url: str | None,
        ca_bundle: str | os.PathLike[str] | bytes | None,
        certificate: str | os.PathLike[str] | bytes | None,
        private_key: str | os.PathLike[str] | bytes | None,
        password: str | None,
        timeout: float,
        connect_timeout: float,
        proxy: str | None,
        reload_interval: float | None,
        honour_retry_after: bool,
        status_max_age: float | None,
    ) -> None:
        """Set what a client and a diagnosis take as arguments."""
        if url is not None:
            self.set_text("url", url)
        if ca_bundle is not None:
            self.set_file("ca_bundle", ca_bundle)
        if certificate is not None:
            self.set_file("certificate", certificate)
        if private_key is not None:
            self.set_file("private_key", private_key)
        if password is not None:
            self.set_text("private_key_password", password)
        if proxy is not None:
            self.set_text("proxy", proxy)
        self.set_seconds("timeout", timeout)
        self.set_seconds("connect_timeout", connect_timeout)
        if reload_interval is not None:
            self.set_seconds("reload_interval", reload_interval)
        if not isinstance(honour_retry_after, bool):
            raise TypeError(f"honour_retry_after must be a bool, not {type(honour_retry_after).__name__}")
        self.set_text("honour_retry_after", "1" if honour_retry_after else "0")
        if status_max_age is not None:
            self.set_seconds("status_max_age", status_max_age)

    def set_text(self, option: str, value: str) -> None:
        """Set an option by its name in C."""
        self._fallible(api.dcs_config_set_option, option.encode(), text_argument(option, value))

    def set_seconds(self, name: str, seconds: float) -> None:
        """Set a length of time. Part of a millisecond counts as a whole one, so that none becomes 0."""
        try:
            finite = math.isfinite(seconds)
        except TypeError:
            kind = type(seconds).__name__
            raise TypeError(f"{name} must be a number of seconds, not {kind}") from None
        # Rounded first: 2.007 * 1000 is a little more than 2007. The library refuses "inf" and "nan".
        value = math.ceil(round(seconds * 1000, 3)) if finite else seconds
        self.set_text(f"{name}_ms", str(value))

    def set_file(self, option: str, value: str | os.PathLike[str] | bytes) -> None:
        """Set CA bundle, certificate or private key: a path, or the content."""
        if isinstance(value, str):
            # Tells a path from PEM text, so that a key out of an environment variable is not taken
            # for a path and shown in an error message.
            self.set_text(option, value)
            return
        if isinstance(value, bytes):
            code = getattr(api, f"dcs_config_set_{option}")(self._address, value, len(value))
            given = f"{len(value)} bytes"
        elif isinstance(value, os.PathLike):
            path = os.fspath(value)
            code = getattr(api, f"dcs_config_set_{option}_file")(self._address, utf8(option, path))
            given = f"the path {path!r}"
        else:
            raise TypeError(
                f"{option} must be a path (str or os.PathLike) or bytes, not {type(value).__name__}"
            )
        if code:
            raise from_code(code, f"{option}: the library does not take {given}")

    def load_env(self) -> None:
        """Set what the environment variables `DCS_*` give."""
        self._fallible(api.dcs_config_load_env)

    def new_client(self) -> int | None:
        """Make a `dcs_client`, which is the caller's to free."""
        client = ctypes.c_void_p()
        self._fallible(api.dcs_client_new, ctypes.byref(client))
        return client.value

    def diagnose(self, cancellation: Cancellation) -> int | None:
        """Make a `dcs_report`, which is the caller's to free."""
        report = ctypes.c_void_p()
        self._fallible(api.dcs_diagnose_until, cancellation.address, ctypes.byref(report))
        return report.value

    def _fallible(self, function: ctypes._NamedFuncPointer, *arguments: object) -> None:
        error = ctypes.c_void_p()
        code = function(self._address, *arguments, ctypes.byref(error))
        try:
            if code:
                raise from_handle(code, error.value)
        finally:
            api.dcs_error_free(error)


def text_argument(option: str, value: str) -> bytes:
    """Encode an argument that must be a str."""
    if not isinstance(value, str):
        raise TypeError(f"{option} must be a str, not {type(value).__name__}")
    return utf8(option, value)


def utf8(option: str, value: str | bytes) -> bytes:
    """Encode a value for the library."""
    try:
        data = value if isinstance(value, bytes) else value.encode()
    except UnicodeEncodeError:
        data = None  # The codec's error carries the value, which may be a password.
    if data is None or b"\0" in data:
        # At a NUL the library would see the text end.
        what = "is not Unicode text" if data is None else "contains a NUL character"
        raise ConfigError(
            f"{option}: the value {what}",
            code=Code.INVALID_ARGUMENT,
            hint="Check where the value comes from: it must be text that UTF-8 can hold, without NUL.",
        )
    return data
