"""The one client of this process."""

from __future__ import annotations

from functools import cache

import libdcs


@cache
def client() -> libdcs.Client:
    """Create it at the first use: commands that never call the DCS, such as migrate, need no certificate."""
    return libdcs.Client.from_env()
