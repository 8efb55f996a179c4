"""The error codes."""

from __future__ import annotations

from enum import IntEnum

from ._native import api, text


class Code(IntEnum):
    """The kind of a failure; `str(code)` is its name in C, such as `DCS_ERR_KEY_MISMATCH`.

    From 100 the caller's input, from 200 the network, from 300 TLS, from 400 the service's responses, 900 the
    library itself. Numbers are never reused. `Code(n)` also accepts a number of a newer library.
    """

    # Generated from include/dcs.h; do not edit.
    OK = 0
    """Success."""
    INVALID_ARGUMENT = 100
    """An argument is NULL, not UTF-8, or a value that the option does not accept, such as a URL that is
    not https or a timeout of 0.
    """
    FILE = 101
    """A file cannot be read."""
    CA_BUNDLE = 102
    """The CA bundle contains no usable CA certificate."""
    CERTIFICATE = 103
    """The client certificate cannot be used."""
    PRIVATE_KEY = 104
    """The private key cannot be used."""
    PASSWORD = 105
    """The private key is encrypted, and the password is missing or wrong."""
    KEY_MISMATCH = 106
    """The private key does not belong to the certificate."""
    RESOLVE = 200
    """The host name cannot be resolved."""
    CONNECT = 201
    """No TCP connection can be opened."""
    PROXY = 202
    """The proxy cannot be reached, or it rejects the connection."""
    TIMEOUT = 203
    """A timeout elapsed; the message names the phase."""
    CONNECTION_LOST = 204
    """The server closed or reset the connection before the response was complete."""
    INTERRUPTED = 205
    """The caller cancelled the call."""
    SERVER_UNTRUSTED = 300
    """The server's certificate does not chain to a CA in the CA bundle ("unable to get local issuer
    certificate").
    """
    SERVER_CERTIFICATE = 301
    """The server's certificate has expired, is not yet valid, is for another purpose, or has an invalid
    signature.
    """
    SERVER_NAME = 302
    """The server's certificate is for another host."""
    CLIENT_CERT_REQUIRED = 303
    """The server requires a client certificate, and none was sent ("No required SSL certificate was
    sent").
    """
    CLIENT_CERT_REJECTED = 304
    """The server rejected the client certificate ("The SSL certificate error")."""
    TLS = 305
    """The TLS handshake failed for another reason: no common version or cipher, no TLS at all, or an
    alert.
    """
    BAD_REQUEST = 400
    """HTTP 400: the service rejected the request as malformed."""
    QUOTA_EXCEEDED = 403
    """HTTP 403: the quota of checks is used up."""
    NOT_FOUND = 404
    """HTTP 404: the URL's path is wrong."""
    RATE_LIMITED = 429
    """HTTP 429: this client exceeded its own rate limit."""
    HTTP = 450
    """Any HTTP status other than 200 that has no code of its own."""
    RESPONSE = 460
    """The response is not the documented JSON, is incomplete, or exceeds the size limit."""
    UNAVAILABLE = 503
    """HTTP 503: all clients together exceeded the service's rate limit."""
    INTERNAL = 900
    """A bug in the library."""
    # End of the generated lines.

    @classmethod
    def _missing_(cls, value: object) -> Code | None:
        if not isinstance(value, int) or not -(2**31) <= value < 2**31:
            return None
        c_name = text(api.dcs_code_name(value)) or f"DCS_ERR_UNKNOWN_{value}"
        code = int.__new__(cls, value)
        code._name_ = c_name.replace("DCS_ERR_", "", 1)
        code._value_ = value
        return code

    def __reduce_ex__(self, _protocol: object) -> tuple[type[Code], tuple[int]]:
        # Some releases of Python 3.11, such as 3.11.2, pickle the name. A code of a newer library could not
        # be found again by that.
        return Code, (self._value_,)

    def __str__(self) -> str:
        return "DCS_OK" if self == 0 else f"DCS_ERR_{self.name}"

    def __format__(self, spec: str) -> str:
        # Python versions differ in the format of an IntEnum; this one is always its name.
        return format(str(self), spec)
