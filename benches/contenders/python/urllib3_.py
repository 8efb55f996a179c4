"""urllib3.

default   one pool manager with the files, as the section "Client Certificates" has it: each new connection
          makes a context and reads them; one connection to the host is kept
best      the same with a context that is kept, and as many connections kept as there are threads
resume    the same with the context of resume.py

`best` resumes no TLS session: see resume.py. The limit on a call's time is added, as one would.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

import contender
import resume
import urllib3
from contender import TIMEOUT, Call, Target, check, main, versions

# More than there are threads.
CONNECTIONS = 64


def get(target: Target, pools: urllib3.PoolManager) -> Callable[[], Call]:
    """Return the call by a pool manager, which all threads may use."""

    def call() -> None:
        response = pools.request("GET", target.url)
        check(response.status, response.data)

    return lambda: call


def default(target: Target) -> Callable[[], Call]:
    """Have the pool manager read the files."""
    pools = urllib3.PoolManager(
        cert_file=target.chain,
        key_file=target.key,
        cert_reqs="CERT_REQUIRED",
        ca_certs=target.ca_bundle,
        timeout=TIMEOUT,
    )
    return get(target, pools)


def kept(target: Target, context: ssl.SSLContext) -> Callable[[], Call]:
    """Give the pool manager a context."""
    return get(target, urllib3.PoolManager(ssl_context=context, maxsize=CONNECTIONS, timeout=TIMEOUT))


if __name__ == "__main__":
    main(
        {
            "default": default,
            "best": lambda target: kept(target, contender.context(target)),
            "resume": lambda target: kept(target, resume.context(target)),
        },
        lambda: versions("urllib3"),
    )
