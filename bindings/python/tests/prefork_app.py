"""A WSGI application for a server that forks its workers after it has loaded this."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable

import libdcs

client = libdcs.Client(**json.loads(os.environ["PREFORK"]))
# With a connection, a TLS session and this process's pipe for signals.
assert client.status().available


def app(_: dict[str, object], start: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    status = client.status()
    start("200 OK", [("Content-Type", "application/json")])
    told = {"pid": os.getpid(), "available": status.available, "reused": status.connection.reused}
    return [json.dumps(told).encode()]
