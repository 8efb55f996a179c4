"""The exceptions, and their construction from a `dcs_error`."""

from __future__ import annotations

from ._code import Code
from ._limits import OF_ERROR, Quota, RateLimit, read_limits
from ._native import api, text


class DcsError(Exception):
    """A failure: what happened, to which file, host or field, and how to fix it.

    ::

        Exception
        +-- DcsError                base class; itself only for DCS_ERR_INTERNAL
        |   +-- ConfigError         100-199: an option, a file, the certificate, the key, its password
        |   +-- NetworkError        200-299: DNS, TCP, proxy, timeout, connection lost, interrupted
        |   +-- TlsError            300-399: the server's certificate, the client certificate, the handshake
        |   +-- ServiceError        400-599: HTTP 400, 403, 404, 429, 5xx, an invalid response
        |   +-- ClosedError         a call on a closed client
        +-- ImportError
            +-- LoadError           `import libdcs` found no usable shared library

    `Client(...)`, `Client.from_env()`, `diagnose` and `convert_key` raise `ConfigError`. `Client.status()`
    raises `NetworkError`, `TlsError`, `ServiceError` and `ClosedError`. `str(error)` holds message, code and
    hint. No error holds key bytes, a password or the content of a file. All of them can be pickled.

    Attributes:
        message: What happened, with the file, host or field it concerns.
        code: The kind of failure, a `Code`.
        hint: What to do about it.
        check: The name of the check that explains it, such as `DCS_CHECK_CERT_NOT_EXPIRED`, or None.
        http_status: The HTTP status, or None if there was no HTTP response.
        tls_alert: The number of the TLS alert that the server sent, or None.
        os_code: The operating system's error number (errno, or WSA on Windows), or None.
        retry_after: How long the service asks to wait, in seconds (float), or None.
        rate_limit: A `RateLimit`, or None if no response had such a header.
        quota: A `Quota`, or None if no response had such a header.
        retryable: Whether retrying the same call later may succeed.
    """

    def __init__(
        self,
        message: str,
        *,
        code: Code = Code.INTERNAL,
        hint: str | None = None,
        check: str | None = None,
        http_status: int | None = None,
        tls_alert: int | None = None,
        os_code: int | None = None,
        retry_after: float | None = None,
        rate_limit: RateLimit | None = None,
        quota: Quota | None = None,
        retryable: bool = False,
    ) -> None:
        """Create an error, for example for a test double."""
        # Only the message is an argument of Exception: copy and pickle call cls(message) and restore the
        # attributes below from __dict__, also for subclasses defined elsewhere.
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.check = check
        self.http_status = http_status
        self.tls_alert = tls_alert
        self.os_code = os_code
        self.retry_after = retry_after
        self.rate_limit = rate_limit
        self.quota = quota
        self.retryable = retryable

    def __str__(self) -> str:
        what = f"{self.message} [{self.code}]"
        return f"{what}\n{self.hint}" if self.hint else what


class ConfigError(DcsError):
    """Invalid input: an option, a file, the certificate, the key or its password.

    Raised by `Client(...)`, `Client.from_env()`, `reload()`, `diagnose` and `convert_key`. Nothing was sent.
    """


class NetworkError(DcsError):
    """DNS, TCP, the proxy, a timeout or a lost connection; mostly retryable. Raised by `status()`.

    Also `Code.INTERRUPTED`: `Client.interrupt()` ended the call.
    """


class TlsError(DcsError):
    """The server's certificate, the client certificate, or the TLS handshake. Raised by `status()`.

    The three messages of the service's documentation are `Code.CLIENT_CERT_REQUIRED`,
    `Code.CLIENT_CERT_REJECTED` and `Code.SERVER_UNTRUSTED`.
    """


class ServiceError(DcsError):
    """The service responded, but not with a status. Raised by `status()`.

    `http_status` is the HTTP status. `retry_after` is the number of seconds to wait, if the service sent it.
    `Code.RESPONSE` is a 200 whose body is not the expected JSON.
    """


class ClosedError(DcsError):
    """A call on a closed client. The code is `Code.INVALID_ARGUMENT`."""


def closed() -> ClosedError:
    """Return the exception for a call on a closed client."""
    return ClosedError(
        "the client is closed",
        code=Code.INVALID_ARGUMENT,
        hint="Create one Client, keep it while it is needed, and close it after the last call.",
    )


def class_for(code: int) -> type[DcsError]:
    """Return the exception class of a code's group."""
    if 100 <= code < 200:
        return ConfigError
    if 200 <= code < 300:
        return NetworkError
    if 300 <= code < 400:
        return TlsError
    if 400 <= code < 600:
        return ServiceError
    return DcsError


def from_handle(code: int, error: int | None) -> DcsError:
    """Read a `dcs_error`, which the caller frees. All accessors accept NULL."""
    retry_after_ms = api.dcs_error_retry_after_ms(error)
    tls_alert = api.dcs_error_tls_alert(error)
    rate_limit, quota = read_limits(OF_ERROR, error)
    return class_for(code)(
        text(api.dcs_error_message(error)) or "the library gave no details",
        code=Code(code),
        hint=text(api.dcs_error_hint(error)),
        check=text(api.dcs_error_check(error)),
        http_status=api.dcs_error_http_status(error) or None,
        tls_alert=None if tls_alert < 0 else tls_alert,
        os_code=api.dcs_error_os_code(error) or None,
        retry_after=None if retry_after_ms < 0 else retry_after_ms / 1000,
        rate_limit=rate_limit,
        quota=quota,
        retryable=api.dcs_error_retryable(error) == 1,
    )
