"""The limits that the service tells in its headers, with its answers and with its errors."""

from __future__ import annotations

from ._native import api
from ._value import Value, set_field


class RateLimit(Value):
    """The `X-RateLimit-*` headers; a field is None where its header did not come.

    Attributes:
        limit: Requests allowed in the current window.
        remaining: Requests left in it.
        reset: Seconds until the next window (float).
    """

    __slots__ = ("limit", "remaining", "reset")

    limit: int | None
    remaining: int | None
    reset: float | None

    def __init__(
        self, limit: int | None = None, remaining: int | None = None, reset: float | None = None
    ) -> None:
        """Make one by hand, as a test double needs."""
        set_field(self, "limit", limit)
        set_field(self, "remaining", remaining)
        set_field(self, "reset", reset)


class Quota(Value):
    """The `DCS-Quota-*` headers; a field is None where its header did not come.

    Attributes:
        limit: Checks allowed in all.
        remaining: Checks left.
    """

    __slots__ = ("limit", "remaining")

    limit: int | None
    remaining: int | None

    def __init__(self, limit: int | None = None, remaining: int | None = None) -> None:
        """Make one by hand, as a test double needs."""
        set_field(self, "limit", limit)
        set_field(self, "remaining", remaining)


def of_response(response: int | None) -> tuple[RateLimit | None, Quota | None]:
    """Read the limits of a `dcs_status_response`."""
    return (
        _rate_limit(
            api.dcs_status_response_rate_limit(response),
            api.dcs_status_response_rate_limit_remaining(response),
            api.dcs_status_response_rate_limit_reset_ms(response),
        ),
        _quota(
            api.dcs_status_response_quota_limit(response),
            api.dcs_status_response_quota_remaining(response),
        ),
    )


def of_error(error: int | None) -> tuple[RateLimit | None, Quota | None]:
    """Read the limits of a `dcs_error`."""
    return (
        _rate_limit(
            api.dcs_error_rate_limit(error),
            api.dcs_error_rate_limit_remaining(error),
            api.dcs_error_rate_limit_reset_ms(error),
        ),
        _quota(api.dcs_error_quota_limit(error), api.dcs_error_quota_remaining(error)),
    )


def _rate_limit(limit: int, remaining: int, reset_ms: int) -> RateLimit | None:
    if limit < 0 and remaining < 0 and reset_ms < 0:
        return None
    return RateLimit(
        None if limit < 0 else limit,
        None if remaining < 0 else remaining,
        None if reset_ms < 0 else reset_ms / 1000,
    )


def _quota(limit: int, remaining: int) -> Quota | None:
    if limit < 0 and remaining < 0:
        return None
    return Quota(None if limit < 0 else limit, None if remaining < 0 else remaining)
