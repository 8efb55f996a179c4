"""The client."""

from __future__ import annotations

import os
import weakref
from ctypes import byref, c_void_p
from datetime import datetime, timedelta

from . import _call, _error, _log, _status
from ._config import Config
from ._native import api

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    from types import TracebackType
    from typing import TypeVar

    Self = TypeVar("Self", bound="Client")


_NO_TIME = -(2**63)
"""What the library answers where there is no time to tell."""


class Client:
    """A client of the DCS. Make one and keep it: it holds connections and TLS sessions.

    Any number of threads may call one client at once. So may processes that are forked from the one that made
    it (pre-forking servers that load the application first, multiprocessing's start method "fork"), whatever
    its threads were doing: a child begins without the parent's connections and TLS sessions, which it never
    touches, also when it closes or drops the client.

    Args:
        url: The endpoint's full URL, https only. None: the DCS's integration endpoint.
        ca_bundle: The CA certificates to check the server against: PEM, DER, PKCS#7 or PKCS#12.
        certificate: The TLS client certificate, with or without its chain: PEM, DER, PKCS#7 or PKCS#12.
        private_key: The certificate's private key (PKCS#8, PKCS#1 or SEC1): PEM, DER or PKCS#12. None: the
            one in the certificate's file, where there is one.
        password: The password of an encrypted private key or PKCS#12 store.
        timeout: Limit of a whole call, in seconds.
        connect_timeout: Limit of DNS, TCP and TLS together, in seconds.
        proxy: `http://[user:password@]host:port`. None: no proxy, whatever the environment says.
        reload_interval: How often, in seconds, a call first looks whether the files have changed, and reads
            them again where they have, as `reload()` does. What cannot be used is told in the log, and the
            client goes on with what it had. None: never.
        honour_retry_after: Send nothing while the service has asked to wait (Retry-After of a 429 or 503, of
            an hour at most): such a call fails at once, with that answer's code and the time that is left.
        status_max_age: How old, in seconds, a status may be to answer a call without asking the DCS again.
            The client then has a single call in flight, for whose answer, or failure, all threads wait that
            ask meanwhile. None: every call asks.

    `ca_bundle`, `certificate` and `private_key` are each a path (str or os.PathLike) or the content as
    bytes; a str that holds PEM text is content too. The files are read here, and by `reload()`. Without
    `ca_bundle` no server could be trusted, so that is an error. Without certificate and key a client can be
    made, and the server then says what it thinks of that.

    Raises:
        ConfigError: An option, a file, the certificate, the key or its password cannot be used.
            Nothing has been sent.
        TypeError: A value is of the wrong type.
    """

    __slots__ = ("__weakref__", "_handle", "_host", "_in_flight")

    _handle: _call.Handle | None
    _host: str
    _in_flight: weakref.ref[_call.Handle]

    def __init__(
        self,
        *,
        url: str | None = None,
        ca_bundle: str | os.PathLike[str] | bytes | None = None,
        certificate: str | os.PathLike[str] | bytes | None = None,
        private_key: str | os.PathLike[str] | bytes | None = None,
        password: str | None = None,
        timeout: float = 30.0,
        connect_timeout: float = 10.0,
        proxy: str | None = None,
        reload_interval: float | None = None,
        honour_retry_after: bool = False,
        status_max_age: float | None = None,
    ) -> None:
        """Read the files and make the client. Nothing is sent yet."""
        with Config() as config:
            config.fill(
                url=url,
                ca_bundle=ca_bundle,
                certificate=certificate,
                private_key=private_key,
                password=password,
                timeout=timeout,
                connect_timeout=connect_timeout,
                proxy=proxy,
                reload_interval=reload_interval,
                honour_retry_after=honour_retry_after,
                status_max_age=status_max_age,
            )
            self._open(config, url, timeout)

    @classmethod
    def from_env(cls: type[Self]) -> Self:
        """Make a client from the environment.

        The variables: `DCS_URL`, `DCS_CA_BUNDLE`, `DCS_CERTIFICATE`, `DCS_PRIVATE_KEY`,
        `DCS_PRIVATE_KEY_PASSWORD`, `DCS_PROXY`, `DCS_TIMEOUT_MS`, `DCS_CONNECT_TIMEOUT_MS`,
        `DCS_RELOAD_INTERVAL_MS`, `DCS_HONOUR_RETRY_AFTER` (1 or 0) and `DCS_STATUS_MAX_AGE_MS`. Those that
        are not set or empty leave the default. Raises as the constructor does.
        """
        client = cls.__new__(cls)
        with Config() as config:
            config.load_env()
            timeout_ms = int(os.environ.get("DCS_TIMEOUT_MS") or 30_000)
            client._open(config, os.environ.get("DCS_URL"), timeout_ms / 1000)
        return client

    def _open(self, config: Config, url: str | None, timeout: float) -> None:
        _log.prepare()
        try:
            handle = _call.Handle(config.new_client(), timeout)
        finally:
            _log.drain()
        self._handle = handle
        self._in_flight = weakref.ref(handle)
        self._host = _host(url)

    def status(self) -> _status.Status:
        """Ask the DCS whether it is available: one `GET`, from any thread.

        Every well-formed answer is returned, also where `available` is False. The interpreter lock is
        released meanwhile.

        On the main thread, what a signal handler raises ends the call within half a second, such as the
        KeyboardInterrupt of Ctrl-C; not on Windows, where the handler runs when the call comes back. A
        handler that does not raise ends nothing, but where the answer takes its time the call may be made
        twice, within `timeout` for both. Calls on other threads are not concerned; `interrupt()` ends them.

        Raises:
            NetworkError: The host cannot be resolved or reached, a time limit passed, the connection was
                lost, or `interrupt()` was called.
            TlsError: The server's certificate is not trusted, or it wants another client certificate.
            ServiceError: HTTP 400, 403, 404, 429, 503 or another status, or an unusable answer.
            ClosedError: The client is closed.
        """
        _log.prepare()
        try:
            return _call.status(self._handle)
        finally:
            _log.drain()

    def reload(self) -> None:
        """Read the files again, for the calls that begin afterwards. Calls in flight end undisturbed.

        From any thread, while others call. All or nothing: where it raises, the client goes on with what it
        had. Paths are read again; content that was given as bytes or text stays as it is, and so does the
        password.

        Raises:
            ConfigError: As the constructor; also where no option was given as a path.
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
        """End the calls in flight: there `status()` raises `NetworkError` with `Code.INTERRUPTED`.

        From any thread; returns at once, and the calls end within 100 ms. The client stays usable: calls that
        begin afterwards are not concerned. After `close()` it ends those that were in flight then, and
        does nothing where there are none.
        """
        handle = self._in_flight()
        if handle is not None:
            handle.interrupts += 1
            api.dcs_client_interrupt(handle.address)

    @property
    def certificate_not_after(self) -> datetime | None:
        """Until when the client certificate is valid, for a service's own monitoring.

        An aware datetime in UTC; `reload()` may change it. None where no certificate is configured or its
        dates cannot be read. Raises `ClosedError` where the client is closed.
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
        """Close the connections and free what the client holds.

        From any thread, any number of times. Returns at once: a call in flight in another thread runs to
        its end and gives its answer there, unless `interrupt()` ends it. Every later call raises
        `ClosedError`. A client that is not closed is freed when it is garbage collected.
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
        # A debugger also shows a client whose constructor has failed.
        host = getattr(self, "_host", None)
        if host is None:
            return "<libdcs.Client, not made>"
        return f"<libdcs.Client for {host}{', closed' if self.closed else ''}>"


def _host(url: str | None) -> str:
    """Host and port of a URL that the library has accepted; never its user, password or query."""
    if url is None:
        return "the integration endpoint"
    authority = url.strip().partition("://")[2]
    for end in "/?#\\":
        authority = authority.partition(end)[0]
    return authority.rpartition("@")[2]
