"""The exceptions, and making them from what the library returns."""

from __future__ import annotations

from ._code import Code
from ._limits import Quota, RateLimit, of_error
from ._native import api, text


class DcsError(Exception):
    """A failure: what happened, to which file, host or field, and what to do about it.

    ::

        Exception
        +-- DcsError                anything below; itself for DCS_ERR_INTERNAL
        |   +-- ConfigError         100-199: an option, a file, the certificate, the key, its password
        |   +-- NetworkError        200-299: DNS, TCP, proxy, timeout, connection lost, interrupted
        |   +-- TlsError            300-399: the server's certificate, or what it says of yours
        |   +-- ServiceError        400-599: HTTP 400, 403, 404, 429, 5xx, an unusable answer
        |   +-- ClosedError         a call on a closed client
        +-- ImportError
            +-- LoadError           `import libdcs` found no usable shared library

    `Client(...)` and `Client.from_env()` raise `ConfigError`, and so do `diagnose`, for an option that cannot
    be used, and `convert_key`. `Client.status()` raises `NetworkError`,
    `TlsError`, `ServiceError` and `ClosedError`. `str(error)` holds message, code and hint; no key
    bytes, password or file content is ever part of it. All of them can be pickled.

    Attributes:
        message: What happened, with the file, host or field it concerns.
        code: The kind of failure, a `Code`.
        hint: What to do about it.
        check: The name of the check that explains it, such as `DCS_CHECK_CERT_NOT_EXPIRED`, or None.
        http_status: The HTTP status, or None where no HTTP answer came.
        tls_alert: The number of the TLS alert that the server sent, or None.
        os_code: The operating system's error number (errno, or WSA on Windows), or None.
        retry_after: How long the service asks to wait, in seconds (float), or None.
        rate_limit: A `RateLimit`, or None where no answer with such a header came.
        quota: A `Quota`, or None where no answer with such a header came.
        retryable: Whether the same call may succeed later with nothing changed.
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
        """Make an error by hand, as a test double needs."""
        # Only the message is an argument of Exception: copy and pickle call cls(message) and put
        # the attributes below back from __dict__, for subclasses elsewhere too.
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
    """The caller's input: an option, a file, the certificate, the key or its password.

    Raised when a client is made, before a diagnosis, or by `convert_key`; nothing has been sent.
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
    """The service answered, but not with a status. Raised by `status()`.

    `http_status` has the number; `retry_after` the seconds to wait where the service gave them.
    `Code.RESPONSE` is a 200 whose body is not the JSON that it should be.
    """


class ClosedError(DcsError):
    """Use of a client that is closed. The code is `Code.INVALID_ARGUMENT`."""


def closed() -> ClosedError:
    """Make the exception for a use of a client that is closed."""
    return ClosedError(
        "the client is closed",
        code=Code.INVALID_ARGUMENT,
        hint="Make one Client, keep it while it is needed, and close it when all calls are done.",
    )


def class_for(code: int) -> type[DcsError]:
    """The exception class of a code's group."""
    if 100 <= code < 200:
        return ConfigError
    if 200 <= code < 300:
        return NetworkError
    if 300 <= code < 400:
        return TlsError
    if 400 <= code < 600:
        return ServiceError
    return DcsError


def from_code(number: int, message: str) -> DcsError:
    """Make the exception for a function that returns a code without an error object."""
    code = Code(number)
    return class_for(number)(message, code=code, hint=text(api.dcs_code_hint(number)))


def from_handle(number: int, handle: int | None) -> DcsError:
    """Read a `dcs_error`, which stays the caller's to free."""
    if not handle:  # Not by the contract; but a failure must not turn into another one here.
        return from_code(number, "the library gave no details")
    retry_after_ms = api.dcs_error_retry_after_ms(handle)
    tls_alert = api.dcs_error_tls_alert(handle)
    rate_limit, quota = of_error(handle)
    return class_for(number)(
        text(api.dcs_error_message(handle)) or "",
        code=Code(number),
        hint=text(api.dcs_error_hint(handle)),
        check=text(api.dcs_error_check(handle)),
        http_status=api.dcs_error_http_status(handle) or None,
        tls_alert=None if tls_alert < 0 else tls_alert,
        os_code=api.dcs_error_os_code(handle) or None,
        retry_after=None if retry_after_ms < 0 else retry_after_ms / 1000,
        rate_limit=rate_limit,
        quota=quota,
        retryable=api.dcs_error_retryable(handle) == 1,
    )
