"""urllib3.

default   one pool manager with the files, as in the section "Client Certificates": each new connection
          creates a context and reads them; one connection to the host is kept
best      the same with one context, and a kept connection for each thread
resume    the same with the context of resume.py

`best` resumes no TLS session; resume.py says why. All variants set a timeout.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

import contender
import resume
import urllib3
from contender import TIMEOUT, Call, Target, check, main, versions

# More than the number of threads.
CONNECTIONS = 64


def get(target: Target, pools: urllib3.PoolManager) -> Callable[[], Call]:
    """Return the call with a pool manager, which all threads may use."""

    def call() -> None:
        response = pools.request("GET", target.url)
        check(response.status, response.data)

    return lambda: call


def default(target: Target) -> Callable[[], Call]:
    """Pass the files to the pool manager."""
    pools = urllib3.PoolManager(
        cert_file=target.chain,
        key_file=target.key,
        cert_reqs="CERT_REQUIRED",
        ca_certs=target.ca_bundle,
        timeout=TIMEOUT,
    )
    return get(target, pools)


def kept(target: Target, context: ssl.SSLContext) -> Callable[[], Call]:
    """Pass a context to the pool manager."""
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
