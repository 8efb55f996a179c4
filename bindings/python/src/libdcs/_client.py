"""The client."""

from __future__ import annotations

import os
import weakref
from ctypes import byref, c_void_p

from . import _error, _log, _status
from ._code import Code
from ._config import Config
from ._native import api

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    from types import TracebackType
    from typing import TypeVar

    Self = TypeVar("Self", bound="Client")


class _Handle:
    """Owns a `dcs_client`, which is freed when the last reference to this object goes.

    The client holds one reference and each call in flight another: so `close()` needs no lock and
    waits for nothing, and the library's client lives until the last call has come back.
    """

    __slots__ = ("__weakref__", "address")

    def __init__(self, address: int | None) -> None:
        self.address = address
        finalizer = weakref.finalize(self, _free, address, os.getpid())
        # At exit a daemon thread may still be in a call, and the process takes its memory along.
        finalizer.atexit = False


def _free(address: int | None, pid: int) -> None:
    # In a forked child the connections belong to the parent.
    if os.getpid() == pid:
        api.dcs_client_free(address)


class Client:
    """A client of the DCS. Make one and keep it: it holds connections and TLS sessions.

    Any number of threads may call one client at once. It belongs to the process that made it: after
    `os.fork()` (pre-forking servers, multiprocessing's start method "fork") the child makes its own, because
    two processes on one TLS connection break it for both. Closing or dropping it in the child is harmless.

    Args:
        url: The endpoint's full URL, https only. None: the DCS's integration endpoint.
        ca_bundle: The CA certificates to check the server against, as PEM.
        certificate: The TLS client certificate as PEM, with or without its chain.
        private_key: The certificate's private key as PEM (PKCS#8, PKCS#1 or SEC1).
        password: The private key's password, where it is encrypted.
        timeout: Limit of a whole call, in seconds.
        connect_timeout: Limit of DNS, TCP and TLS together, in seconds.
        proxy: `http://[user:password@]host:port`. None: no proxy, whatever the environment says.

    `ca_bundle`, `certificate` and `private_key` are each a path (str or os.PathLike) or the content as
    bytes; a str that holds PEM text is content too. The files are read here, once. Without `ca_bundle`
    no server could be trusted, so that is an error. Without certificate and key a client can be
    made, and the server then says what it thinks of that.

    Raises:
        ConfigError: An option, a file, the certificate, the key or its password cannot be used.
            Nothing has been sent.
        TypeError: A value is of the wrong type.
    """

    __slots__ = ("__weakref__", "_handle", "_host")

    _handle: _Handle | None
    _host: str

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
            )
            self._open(config, url)

    @classmethod
    def from_env(cls: type[Self]) -> Self:
        """Make a client from the environment.

        The variables: `DCS_URL`, `DCS_CA_BUNDLE`, `DCS_CERTIFICATE`, `DCS_PRIVATE_KEY`,
        `DCS_PRIVATE_KEY_PASSWORD`, `DCS_PROXY`, `DCS_TIMEOUT_MS` and `DCS_CONNECT_TIMEOUT_MS`. Those that
        are not set or empty leave the default. Raises as the constructor does.
        """
        client = cls.__new__(cls)
        with Config() as config:
            config.load_env()
            client._open(config, os.environ.get("DCS_URL"))
        return client

    def _open(self, config: Config, url: str | None) -> None:
        _log.prepare()
        try:
            self._handle = _Handle(config.new_client())
        finally:
            _log.drain()
        self._host = _host(url)

    def status(self) -> _status.Status:
        """Ask the DCS whether it is available: one `GET`, from any thread.

        Every well-formed answer is returned, also where `available` is False. The interpreter lock is
        released meanwhile; a signal such as Ctrl-C is handled when the call comes back, which takes
        `timeout` at most.

        Raises:
            NetworkError: The host cannot be resolved or reached, a time limit passed, or the
                connection was lost.
            TlsError: The server's certificate is not trusted, or it wants another client certificate.
            ServiceError: HTTP 400, 403, 404, 429, 503 or another status, or an unusable answer.
            ClosedError: The client is closed.
        """
        handle = self._handle
        if handle is None:
            raise _error.ClosedError(
                "the client is closed",
                code=Code.INVALID_ARGUMENT,
                hint="Make one Client, keep it while it is needed, and close it when all calls are done.",
            )
        response, error = c_void_p(), c_void_p()
        _log.prepare()
        try:
            code = api.dcs_status(handle.address, byref(response), byref(error))
            # Before anything is raised: a kept traceback must not keep a closed client alive.
            del handle
            _log.drain()
            if code:
                raise _error.from_handle(code, error.value)
            return _status.read(response.value)
        finally:
            if response:
                api.dcs_status_response_free(response)
            if error:
                api.dcs_error_free(error)

    def close(self) -> None:
        """Close the connections and free what the client holds.

        From any thread, any number of times. Returns at once: a call in flight in another thread runs to
        its end and gives its answer there. Every later call raises `ClosedError`. A client that is
        not closed is freed when it is garbage collected.
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
