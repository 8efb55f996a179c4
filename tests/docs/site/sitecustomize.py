"""Sends the calls of examples that name no URL to the sandbox, because the default URL is that of the DCS."""

from __future__ import annotations

import functools
import os
from typing import Any, Callable

try:
    import libdcs
except ImportError:  # A Python without the binding.
    pass
else:

    def with_sandbox_url(function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with the sandbox's URL as the default of its argument `url`."""

        @functools.wraps(function)
        def call(*arguments: Any, url: str | None = None, **options: Any) -> Any:
            return function(*arguments, url=url or os.environ.get("DCS_URL"), **options)

        return call

    libdcs.Client.__init__ = with_sandbox_url(libdcs.Client.__init__)  # type: ignore[method-assign]
    libdcs.diagnose = with_sandbox_url(libdcs.diagnose)
