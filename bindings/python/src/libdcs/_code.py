"""The error codes."""

from __future__ import annotations

from enum import IntEnum

from ._native import api, text


class Code(IntEnum):
    """What kind of failure it is; `str(code)` is the name in C, such as `DCS_ERR_KEY_MISMATCH`.

    From 100 the caller's input, from 200 the network, from 300 TLS, from 400 the service's answers,
    900 the library itself. Numbers are never reused. `Code(n)` also takes a number that a newer
    library gives out and this list does not hold.
    """

    OK = 0
    INVALID_ARGUMENT = 100
    FILE = 101
    CA_BUNDLE = 102
    CERTIFICATE = 103
    PRIVATE_KEY = 104
    PASSWORD = 105
    KEY_MISMATCH = 106
    RESOLVE = 200
    CONNECT = 201
    PROXY = 202
    TIMEOUT = 203
    CONNECTION_LOST = 204
    INTERRUPTED = 205
    SERVER_UNTRUSTED = 300
    SERVER_CERTIFICATE = 301
    SERVER_NAME = 302
    CLIENT_CERT_REQUIRED = 303
    CLIENT_CERT_REJECTED = 304
    TLS = 305
    BAD_REQUEST = 400
    QUOTA_EXCEEDED = 403
    NOT_FOUND = 404
    RATE_LIMITED = 429
    HTTP = 450
    RESPONSE = 460
    UNAVAILABLE = 503
    INTERNAL = 900

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
        # Some releases of Python 3.11 (3.11.2 is one) pickle the name, by which a number that is not listed
        # is not found again.
        return Code, (self._value_,)

    def __str__(self) -> str:
        return "DCS_OK" if self == 0 else f"DCS_ERR_{self.name}"

    def __format__(self, spec: str) -> str:
        # Python versions differ in what an IntEnum formats as; this one is always its name.
        return format(str(self), spec)
