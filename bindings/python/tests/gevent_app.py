"""A WSGI application for a gevent worker, as docs/threads-and-fork.md describes it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable

import gevent  # type: ignore[import-untyped]

import libdcs

client = libdcs.Client(**json.loads(os.environ["OPTIONS"]))


def app(request: dict[str, str], start: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    answer = "other"
    if request["PATH_INFO"] == "/status":
        status = gevent.get_hub().threadpool.apply(client.status)
        answer = f"available: {status.available}"
    start("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]
