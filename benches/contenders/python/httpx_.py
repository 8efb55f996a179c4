"""httpx.

default   `httpx.get` with a context, which is created once, as in the section "SSL"
best      one client that all threads call, with the context; HTTP/1.1 is its default
resume    the same with the context of resume.py

`best` resumes no TLS session; resume.py says why.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

import contender
import httpx
import resume
from contender import TIMEOUT, Call, Target, check, main, versions


def default(target: Target) -> Callable[[], Call]:
    """Keep only the context."""
    context = contender.context(target)

    def call() -> None:
        response = httpx.get(target.url, verify=context)
        check(response.status_code, response.content)

    return lambda: call


def kept(target: Target, context: ssl.SSLContext) -> Callable[[], Call]:
    """Keep a client."""
    client = httpx.Client(
        verify=context,
        # Looks for no proxy.
        trust_env=False,
        # The default is 5 s, and waiting for a connection counts too.
        timeout=TIMEOUT,
        # The default keeps 20.
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
    )

    def call() -> None:
        response = client.get(target.url)
        check(response.status_code, response.content)

    return lambda: call


if __name__ == "__main__":
    main(
        {
            "default": default,
            "best": lambda target: kept(target, contender.context(target)),
            "resume": lambda target: kept(target, resume.context(target)),
        },
        lambda: versions("httpx", "httpcore"),
    )
