"""Has examples that name no URL, and so mean the DCS's own, be answered by the sandbox."""

from __future__ import annotations

import os
from typing import Any

try:
    from libdcs import _config
except ImportError:  # A Python without the binding.
    pass
else:
    fill = _config.Config.fill

    def fill_in(self: _config.Config, *, url: str | None, **options: Any) -> None:
        """Take the sandbox's URL where there is none."""
        fill(self, url=url or os.environ.get("DCS_URL"), **options)

    _config.Config.fill = fill_in  # type: ignore[method-assign]
