"""The status as immutable values, and its construction from a `dcs_status_response`."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ._code import Code
from ._error import ServiceError
from ._limits import OF_RESPONSE, Quota, RateLimit, read_limits
from ._native import api, text
from ._value import Value, set_field

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Outage(Value):
    """A planned outage.

    Attributes:
        start: Its start, an aware datetime in UTC.
        end: Its end, an aware datetime in UTC.
        message: The reason, or None if the service sent none.
    """

    __slots__ = ("start", "end", "message")

    start: datetime
    end: datetime
    message: str | None

    def __init__(self, start: datetime, end: datetime, message: str | None = None) -> None:
        """Create a value, for example for a test double."""
        set_field(self, "start", start)
        set_field(self, "end", end)
        set_field(self, "message", message)


class Connection(Value):
    """The connection of one call. Times are in seconds (float).

    Attributes:
        dns: Duration of the host name lookup; 0.0 on a reused connection.
        tcp: Duration of the TCP connect; 0.0 on a reused connection.
        tls: Duration of the TLS handshake; 0.0 on a reused connection.
        first_byte: Time from the start of the call to the first byte of the response.
        total: Duration of the whole call, as the library measured it.
        reused: Whether the call used a connection kept alive from an earlier call.
        session_resumed: Whether the connection resumed the TLS session of an earlier one.
        tls_version: `TLSv1.2` or `TLSv1.3`.
        cipher: The cipher suite's IANA name, such as `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`.
    """

    __slots__ = (
        "dns",
        "tcp",
        "tls",
        "first_byte",
        "total",
        "reused",
        "session_resumed",
        "tls_version",
        "cipher",
    )

    dns: float
    tcp: float
    tls: float
    first_byte: float
    total: float
    reused: bool
    session_resumed: bool
    tls_version: str
    cipher: str

    def __init__(
        self,
        dns: float = 0.0,
        tcp: float = 0.0,
        tls: float = 0.0,
        first_byte: float = 0.0,
        total: float = 0.0,
        reused: bool = False,
        session_resumed: bool = False,
        tls_version: str = "",
        cipher: str = "",
    ) -> None:
        """Create a value, for example for a test double."""
        set_field(self, "dns", dns)
        set_field(self, "tcp", tcp)
        set_field(self, "tls", tls)
        set_field(self, "first_byte", first_byte)
        set_field(self, "total", total)
        set_field(self, "reused", reused)
        set_field(self, "session_resumed", session_resumed)
        set_field(self, "tls_version", tls_version)
        set_field(self, "cipher", cipher)


_NO_CONNECTION = Connection()


class Status(Value):
    """The status that the DCS reports. It never changes and outlives its client.

    Attributes:
        available: Whether the DCS is serving requests. False is a result, not an error.
        message: Why it is unavailable, or None if the service sent no message.
        scheduled_outages: A tuple of `Outage`; empty if none are planned.
        json: The body of the response (text), unchanged.
        rate_limit: A `RateLimit`, or None if the response had no such header.
        quota: A `Quota`, or None if the response had no such header.
        connection: A `Connection`: times, reuse and TLS of the call that received the response.
        age: Time since the response was received, in seconds (float). Above 0.0 if it is the response of an
            earlier call, see `status_max_age` of `Client`.
    """

    __slots__ = (
        "available",
        "message",
        "scheduled_outages",
        "json",
        "rate_limit",
        "quota",
        "connection",
        "age",
    )

    available: bool
    message: str | None
    scheduled_outages: tuple[Outage, ...]
    json: str
    rate_limit: RateLimit | None
    quota: Quota | None
    connection: Connection
    age: float

    def __init__(
        self,
        available: bool,
        message: str | None = None,
        scheduled_outages: tuple[Outage, ...] = (),
        json: str = "",
        rate_limit: RateLimit | None = None,
        quota: Quota | None = None,
        connection: Connection = _NO_CONNECTION,
        age: float = 0.0,
    ) -> None:
        """Create a value, for example for a test double."""
        set_field(self, "available", available)
        set_field(self, "message", message)
        set_field(self, "scheduled_outages", scheduled_outages)
        set_field(self, "json", json)
        set_field(self, "rate_limit", rate_limit)
        set_field(self, "quota", quota)
        set_field(self, "connection", connection)
        set_field(self, "age", age)


def read(response: int | None) -> Status:
    """Read a `dcs_status_response`, which the caller frees."""
    count = api.dcs_status_response_outage_count(response)
    return Status(
        api.dcs_status_response_available(response) == 1,
        text(api.dcs_status_response_message(response)),
        tuple([_outage(response, i) for i in range(count)]) if count else (),
        api.dcs_status_response_json(response).decode(),
        *read_limits(OF_RESPONSE, response),
        Connection(
            api.dcs_status_response_dns_us(response) / 1e6,
            api.dcs_status_response_tcp_us(response) / 1e6,
            api.dcs_status_response_tls_us(response) / 1e6,
            api.dcs_status_response_first_byte_us(response) / 1e6,
            api.dcs_status_response_total_us(response) / 1e6,
            api.dcs_status_response_connection_reused(response) == 1,
            api.dcs_status_response_tls_session_resumed(response) == 1,
            api.dcs_status_response_tls_version(response).decode(),
            api.dcs_status_response_tls_cipher(response).decode(),
        ),
        api.dcs_status_response_age_ms(response) / 1000,
    )


def _outage(response: int | None, index: int) -> Outage:
    return Outage(
        _time(api.dcs_status_response_outage_start_unix_ms(response, index)),
        _time(api.dcs_status_response_outage_end_unix_ms(response, index)),
        text(api.dcs_status_response_outage_message(response, index)),
    )


def _time(unix_ms: int) -> datetime:
    try:
        # Integer arithmetic: fromtimestamp() takes a float, and on some platforms rejects some years.
        return EPOCH + timedelta(milliseconds=unix_ms)
    except OverflowError:
        raise ServiceError(
            "a scheduled outage is outside the years 1 to 9999",
            code=Code.RESPONSE,
            hint=text(api.dcs_code_hint(Code.RESPONSE)),
            http_status=200,
        ) from None
