"""aiohttp, on asyncio's own event loop.

default   one session, and a context for the call, as in the section "SSL control for TCP sockets"
best      the same with lookups cached for ever, IPv4 only, and no limit on connections
resume    the same with the context of resume.py

`best` resumes no TLS session; resume.py says why.
"""

from __future__ import annotations

import socket
import ssl

import aiohttp
import contender
import resume
from contender import AsyncCall, Target, check, main_async, versions


def get(target: Target, session: aiohttp.ClientSession, context: ssl.SSLContext) -> AsyncCall:
    """Return the call. The session's default timeout is five minutes."""

    async def call() -> None:
        async with session.get(target.url, ssl=context) as response:
            check(response.status, await response.read())

    return call


async def default(target: Target) -> AsyncCall:
    """Keep a session with default settings."""
    return get(target, aiohttp.ClientSession(), contender.context(target))


async def kept(target: Target, context: ssl.SSLContext) -> AsyncCall:
    """Keep a session with settings for one host."""
    connector = aiohttp.TCPConnector(
        limit=0,
        ttl_dns_cache=None,
        # The server listens on IPv4 only; otherwise ::1 may be tried first.
        family=socket.AF_INET,
        happy_eyeballs_delay=None,
    )
    # Skips cookies.
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
    return get(target, session, context)


if __name__ == "__main__":
    main_async(
        {
            "default": default,
            "best": lambda target: kept(target, contender.context(target)),
            "resume": lambda target: kept(target, resume.context(target)),
        },
        lambda: versions("aiohttp"),
    )
