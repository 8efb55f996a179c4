"""The rate limit and the quota, which the service sends as headers of responses and errors."""

from __future__ import annotations

from ._native import api
from ._value import Value, set_field

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    from collections.abc import Callable


class RateLimit(Value):
    """The `X-RateLimit-*` headers. A field is None if its header is absent.

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
        """Create a value, for example for a test double."""
        set_field(self, "limit", limit)
        set_field(self, "remaining", remaining)
        set_field(self, "reset", reset)


class Quota(Value):
    """The `DCS-Quota-*` headers. A field is None if its header is absent.

    Attributes:
        limit: Checks allowed in all.
        remaining: Checks left.
    """

    __slots__ = ("limit", "remaining")

    limit: int | None
    remaining: int | None

    def __init__(self, limit: int | None = None, remaining: int | None = None) -> None:
        """Create a value, for example for a test double."""
        set_field(self, "limit", limit)
        set_field(self, "remaining", remaining)


def _accessors(owner: str) -> tuple[Callable[[int | None], int], ...]:
    names = ("rate_limit", "rate_limit_remaining", "rate_limit_reset_ms", "quota_limit", "quota_remaining")
    return tuple([getattr(api, f"dcs_{owner}_{name}") for name in names])


OF_RESPONSE = _accessors("status_response")
OF_ERROR = _accessors("error")


def read_limits(
    accessors: tuple[Callable[[int | None], int], ...], owner: int | None
) -> tuple[RateLimit | None, Quota | None]:
    """Read the limits of a `dcs_status_response` or a `dcs_error`."""
    values = [accessor(owner) for accessor in accessors]
    if max(values) < 0:
        return None, None
    limit, remaining, reset_ms, quota, quota_remaining = [None if value < 0 else value for value in values]
    reset = None if reset_ms is None else reset_ms / 1000
    return (
        RateLimit(limit, remaining, reset) if max(values[:3]) >= 0 else None,
        Quota(quota, quota_remaining) if max(values[3:]) >= 0 else None,
    )
