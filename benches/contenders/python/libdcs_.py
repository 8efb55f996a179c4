"""This library, from its installed wheel: one client that all threads call."""

from __future__ import annotations

from collections.abc import Callable

from contender import Call, Target, check, main, versions

import libdcs


def default(target: Target) -> Callable[[], Call]:
    """Create a client, as in the library's README."""
    client = libdcs.Client(
        url=target.url, ca_bundle=target.ca_bundle, certificate=target.chain, private_key=target.key
    )

    def call() -> None:
        status = client.status()
        if not status.available:
            check(200, status.json.encode())

    return lambda: call


if __name__ == "__main__":
    main({"default": default}, lambda: versions("libdcs", tls=False))
