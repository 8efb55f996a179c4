"""pycurl, which contains its own libcurl and OpenSSL.

default   a new Curl object for each call, as in the quick start
best      one Curl object for each thread, which keeps its connections, TLS sessions and CA store

libcurl resumes sessions of an object: in TLS 1.3 by tickets, but in TLS 1.2 only by session ids, because it
disables tickets in OpenSSL. Without `ssl_session_cache`, nginx's default, it therefore resumes no TLS 1.2
session. Only a callback for the SSL_CTX could change that, and pycurl has none.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pycurl  # type: ignore[import-untyped]
from contender import TIMEOUT, Call, Target, check, main, versions


def new_curl(target: Target) -> pycurl.Curl:
    """Return an object with the settings of any call."""
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, target.url)
    curl.setopt(pycurl.CAINFO, target.ca_bundle)
    curl.setopt(pycurl.SSLCERT, target.chain)
    curl.setopt(pycurl.SSLKEY, target.key)
    curl.setopt(pycurl.TIMEOUT, int(TIMEOUT))
    # Required with threads.
    curl.setopt(pycurl.NOSIGNAL, 1)
    return curl


def perform(curl: pycurl.Curl) -> None:
    """Make a call."""
    body = BytesIO()
    curl.setopt(pycurl.WRITEDATA, body)
    curl.perform()
    check(curl.getinfo(pycurl.RESPONSE_CODE), body.getvalue())


def default(target: Target) -> Callable[[], Call]:
    """Create an object for each call."""

    def call() -> None:
        curl = new_curl(target)
        perform(curl)
        curl.close()

    return lambda: call


def best(target: Target) -> Callable[[], Call]:
    """Keep an object for each thread, because threads must not share one."""

    def new_worker() -> Call:
        curl = new_curl(target)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.SSL_ENABLE_ALPN, 0)
        # The server listens on IPv4 only; otherwise ::1 may be tried first.
        curl.setopt(pycurl.IPRESOLVE, pycurl.IPRESOLVE_V4)
        curl.setopt(pycurl.DNS_CACHE_TIMEOUT, -1)
        # The CA store is cached for libcurl's default of 24 hours: pycurl lacks that setting.
        return lambda: perform(curl)

    return new_worker


def libcurl() -> str:
    """Return the versions of pycurl's libcurl and of its TLS."""
    info = pycurl.version_info()
    return f"{info[1]} {info[5]}"


if __name__ == "__main__":
    main(
        {"default": default, "best": best},
        lambda: {"libcurl and its TLS": libcurl(), **versions("pycurl", tls=False)},
    )
