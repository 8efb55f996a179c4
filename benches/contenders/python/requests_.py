"""requests.

default   `requests.get` with the files, as in the section "Client Side Certificates": each call starts afresh
best      a session for each thread, because sessions are not documented as thread-safe, and an adapter with
          one context for all; without the adapter, each new connection reads the files again
resume    the same with the context of resume.py

`best` keeps connections if the server allows it, but resumes no TLS session; resume.py says why.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import contender
import requests
import resume
from contender import TIMEOUT, Call, Target, check, main, versions
from requests.adapters import HTTPAdapter


class ContextAdapter(HTTPAdapter):
    """Opens connections with a shared context. The methods are the hooks of requests for this."""

    def __init__(self, context: ssl.SSLContext) -> None:
        """Keep the context."""
        self.context = context
        super().__init__()

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the context instead of the files."""
        host, _ = super().build_connection_pool_key_attributes(request, True)
        return host, {"ssl_context": self.context}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Keep the pool's settings: the context verifies."""


def default(target: Target) -> Callable[[], Call]:
    """Create everything for each call."""

    def call() -> None:
        response = requests.get(
            target.url, cert=(target.chain, target.key), verify=target.ca_bundle, timeout=TIMEOUT
        )
        check(response.status_code, response.content)

    return lambda: call


def kept(target: Target, context: ssl.SSLContext) -> Callable[[], Call]:
    """Keep a session for each thread."""

    def new_worker() -> Call:
        session = requests.Session()
        # Looks for no proxy and no .netrc at each call.
        session.trust_env = False
        session.mount("https://", ContextAdapter(context))

        def call() -> None:
            response = session.get(target.url, timeout=TIMEOUT)
            check(response.status_code, response.content)

        return call

    return new_worker


if __name__ == "__main__":
    main(
        {
            "default": default,
            "best": lambda target: kept(target, contender.context(target)),
            "resume": lambda target: kept(target, resume.context(target)),
        },
        lambda: versions("requests", "urllib3"),
    )
