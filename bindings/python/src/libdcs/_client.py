"""The client."""

from __future__ import annotations

import weakref
from ctypes import byref, c_void_p
from datetime import datetime, timedelta

from . import _call, _error, _log, _status
from ._config import Config
from ._native import api
from ._value import NonCopyable

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    import os
    from types import TracebackType
    from typing import TypeVar

    Self = TypeVar("Self", bound="Client")


_NO_TIME = -(2**63)
"""INT64_MIN, the library's value for a time that is absent."""


class Client(NonCopyable):
    """A client of the DCS. Create one and keep it: it holds connections and TLS sessions.

    Any number of threads may use a client at once. So may processes that are forked from its own, such as
    those of a pre-forking server that loads the application first, or of multiprocessing's start method
    "fork". A child starts without the parent's connections and TLS sessions, and never touches them, not even
    if it closes or drops the client. Copying or pickling a client raises TypeError.

    Args:
        url: The endpoint's full URL, https only. None: the DCS's integration endpoint.
        ca_bundle: The CA certificates that the server's certificate must lead to: PEM, DER, PKCS#7 or
            PKCS#12.
        certificate: The client certificate, with or without its chain: PEM, DER, PKCS#7 or PKCS#12.
        private_key: The certificate's private key (PKCS#8, PKCS#1 or SEC1): PEM, DER or PKCS#12. None: the
            key in the certificate's file, if there is one.
        password: The password of an encrypted private key or PKCS#12 store.
        timeout: The limit of the whole call, in seconds.
        connect_timeout: The limit of DNS, TCP and TLS together, in seconds.
        proxy: `http://[user:password@]host:port`. None: no proxy, whatever the environment holds.
        reload_interval: How often, in seconds, a call first checks whether the files have changed. If they
            have, it reads them again like `reload()`. If a file is invalid, the client logs an error and
            keeps using the previous files. None: never.
        honour_retry_after: Whether calls fail without sending anything while the service has asked to wait
            (Retry-After of a 429 or 503, at most an hour). Such an error has the code of that response and
            the remaining time.
        status_max_age: The maximum age, in seconds, of a status that calls share instead of sending a
            request. The client then has at most one call in flight: other threads wait for it and share its
            result, also an error. None: every call sends a request.

    `ca_bundle`, `certificate` and `private_key` are each a path (str or os.PathLike), or the content as bytes
    (also a bytearray or a memoryview) or as a str of PEM text. The files are read here, and by `reload()`.
    `ca_bundle` is required. A client can be created without a certificate and key; the server will then
    reject it.

    Raises:
        ConfigError: An option, a file, the certificate, the key or its password is invalid. Nothing was sent.
        TypeError: A value is of the wrong type.
    """

    __slots__ = ("__weakref__", "_handle", "_in_flight", "_peer")

    _handle: _call.ClientHandle | None
    _in_flight: weakref.ref[_call.ClientHandle]
    _peer: str

    def __init__(
        self,
        *,
        url: str | None = None,
        ca_bundle: str | os.PathLike[str] | bytes | bytearray | memoryview | None = None,
        certificate: str | os.PathLike[str] | bytes | bytearray | memoryview | None = None,
        private_key: str | os.PathLike[str] | bytes | bytearray | memoryview | None = None,
        password: str | None = None,
        timeout: float = 30.0,
        connect_timeout: float = 10.0,
        proxy: str | None = None,
        reload_interval: float | None = None,
        honour_retry_after: bool = False,
        status_max_age: float | None = None,
    ) -> None:
        """Read the files and create the client. Nothing is sent yet."""
        options = {**locals()}  # The parameters. A copy, because a debugger may add to the original.
        del options["self"]
        with Config() as config:
            config.fill(options)
            self._open(config)

    @classmethod
    def from_env(cls: type[Self]) -> Self:
        """Create a client from environment variables.

        The variable of an option is `DCS_` and its name in capitals, such as `DCS_CA_BUNDLE`; times are in
        milliseconds, such as `DCS_TIMEOUT_MS`. The password is `DCS_PRIVATE_KEY_PASSWORD`. An option whose
        variable is unset or empty keeps its default. Raises the same errors as the constructor.
        """
        client = cls.__new__(cls)
        with Config() as config:
            config.load_env()
            client._open(config)
        return client

    def _open(self, config: Config) -> None:
        _log.prepare()
        try:
            handle = _call.ClientHandle(config.new_client())
        finally:
            _log.drain()
        self._handle = handle
        self._in_flight = weakref.ref(handle)
        # For repr() after close().
        self._peer = api.dcs_client_peer(handle.address).decode()

    def status(self) -> _status.Status:
        """Ask the DCS whether it is available, with one `GET`. Any thread may call this.

        Returns every well-formed response, also if `available` is False. Releases the GIL meanwhile.

        On the main thread signal handlers also run during the call. An exception of a handler ends the call
        within half a second, such as the KeyboardInterrupt of Ctrl-C. Signals do not affect calls on other
        threads; `interrupt()` ends them.

        Raises:
            NetworkError: The host cannot be resolved or reached, a timeout passed, the connection was lost,
                or `interrupt()` was called.
            TlsError: The server's certificate is not trusted, or the server rejected the client certificate.
            ServiceError: HTTP 400, 403, 404, 429, 503 or another status, or an invalid response.
            ClosedError: The client is closed.
        """
        _log.prepare()
        try:
            return _call.status(self._handle)
        finally:
            _log.drain()

    def reload(self) -> None:
        """Read the files again, for calls that start afterwards. Calls in flight are not affected.

        Any thread may call this while others make calls. All or nothing: if it raises, the client keeps using
        the previous files. Options given as content stay as they are, and so does the password.

        Raises:
            ConfigError: As for the constructor, and if no option was given as a path.
            ClosedError: The client is closed.
        """
        handle = self._handle
        if handle is None:
            raise _error.closed()
        error = c_void_p()
        _log.prepare()
        try:
            code = api.dcs_client_reload(handle.address, byref(error))
            if code:
                raise _error.from_handle(code, error.value)
        finally:
            del handle
            api.dcs_error_free(error)
            _log.drain()

    def interrupt(self) -> None:
        """End the calls in flight: their `status()` raises `NetworkError` with `Code.INTERRUPTED`.

        Any thread may call this. It returns at once, and the calls end within 100 ms. The client stays
        usable: calls that start afterwards are not affected. After `close()` it ends the calls that were in
        flight then. If there are none, it does nothing.
        """
        handle = self._in_flight()
        if handle is not None:
            api.dcs_client_interrupt(handle.address)

    @property
    def certificate_not_after(self) -> datetime | None:
        """The end of the client certificate's validity, for a service's own monitoring.

        An aware datetime in UTC; `reload()` may change it. None if no certificate is configured or its dates
        cannot be read. Raises `ClosedError` if the client is closed.
        """
        handle = self._handle
        if handle is None:
            raise _error.closed()
        unix_ms = api.dcs_client_certificate_not_after_unix_ms(handle.address)
        if unix_ms == _NO_TIME:
            return None
        try:
            return _status.EPOCH + timedelta(milliseconds=unix_ms)
        except OverflowError:  # RFC 5280 ends with the year 9999, as datetime does; a certificate may not.
            return None

    def close(self) -> None:
        """Close the connections and free the client's memory.

        Any thread may call this, any number of times. It returns at once. Calls in flight on other threads
        return their results, unless `interrupt()` ends them. Every later call raises `ClosedError`. A client
        that is not closed is freed when it is garbage-collected.
        """
        self._handle = None

    @property
    def closed(self) -> bool:
        """Whether `close()` was called."""
        return self._handle is None

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        # A debugger also prints a client whose constructor has failed.
        peer = getattr(self, "_peer", None)
        if peer is None:
            return "<libdcs.Client, not created>"
        return f"<libdcs.Client for {peer}{', closed' if self.closed else ''}>"
