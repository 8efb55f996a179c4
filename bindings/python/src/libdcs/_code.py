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
    """An argument is NULL, is not UTF-8, or has a value that the option does not take: a URL that is not
    https, a timeout of 0.
    """
    FILE = 101
    """A file cannot be read."""
    CA_BUNDLE = 102
    """The CA bundle holds no usable CA certificate."""
    CERTIFICATE = 103
    """The client certificate cannot be used."""
    PRIVATE_KEY = 104
    """The private key cannot be used."""
    PASSWORD = 105
    """The private key is encrypted, and the password is missing or wrong."""
    KEY_MISMATCH = 106
    """The private key is not the certificate's."""
    RESOLVE = 200
    """The host name cannot be resolved."""
    CONNECT = 201
    """No TCP connection can be made."""
    PROXY = 202
    """The proxy cannot be reached or refuses the connection."""
    TIMEOUT = 203
    """A time limit has passed; the message names the phase."""
    CONNECTION_LOST = 204
    """The server closed or reset the connection before its answer was complete."""
    INTERRUPTED = 205
    """The caller ended the call."""
    SERVER_UNTRUSTED = 300
    """The CA bundle does not lead to the server's certificate ("unable to get local issuer certificate")."""
    SERVER_CERTIFICATE = 301
    """The server's certificate is expired, not yet valid, for another purpose, or wrongly signed."""
    SERVER_NAME = 302
    """The server's certificate is for another host."""
    CLIENT_CERT_REQUIRED = 303
    """The server wants a client certificate and none was sent ("No required SSL certificate was sent")."""
    CLIENT_CERT_REJECTED = 304
    """The server does not accept the client certificate ("The SSL certificate error")."""
    TLS = 305
    """The TLS handshake failed for another reason: no common version or cipher, not TLS at all, or an
    alert.
    """
    BAD_REQUEST = 400
    """HTTP 400: the service finds fault with the request."""
    QUOTA_EXCEEDED = 403
    """HTTP 403: the quota of checks is used up for good."""
    NOT_FOUND = 404
    """HTTP 404: the URL's path is wrong."""
    RATE_LIMITED = 429
    """HTTP 429: this client's own rate limit is exceeded."""
    HTTP = 450
    """Any other HTTP status than 200 and those with a code of their own."""
    RESPONSE = 460
    """The answer is not the JSON that it should be, was cut short, or is larger than the limit."""
    UNAVAILABLE = 503
    """HTTP 503: all clients together are over the limit."""
    INTERNAL = 900
    """A fault in the library itself."""
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
