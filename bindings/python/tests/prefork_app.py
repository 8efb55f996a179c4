"""A WSGI application for a server that loads it before it forks its workers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable

import libdcs

client = libdcs.Client(**json.loads(os.environ["PREFORK"]))
# Now the client has a connection and a TLS session.
assert client.status().available


def app(_: dict[str, object], start: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    status = client.status()
    start("200 OK", [("Content-Type", "application/json")])
    answer = {"pid": os.getpid(), "available": status.available, "reused": status.connection.reused}
    return [json.dumps(answer).encode()]
