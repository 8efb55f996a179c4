"""The protocol of benches/README.md: reads commands, makes calls, measures them.

A contender's file passes its variants to `main` or `main_async`. A variant sets up the state that all threads
share, and returns a function that sets up the state of one thread and returns the call.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import ssl
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import NoReturn

TIMEOUT = 30.0
"""The timeout of a call in seconds, for libraries without one."""


@dataclass(frozen=True)
class Target:
    """The program's arguments."""

    url: str
    ca_bundle: str
    chain: str
    key: str


Call = Callable[[], None]
"""One call, checked with `check`."""

Variant = Callable[[Target], Callable[[], Call]]

AsyncCall = Callable[[], Awaitable[None]]

AsyncVariant = Callable[[Target], Awaitable[AsyncCall]]
"""On an event loop, all calls in flight share one state."""

Versions = Callable[[], Mapping[str, str]]


def check(status: int, body: bytes) -> None:
    """End the program unless the answer is the expected one."""
    if status != 200 or b'"available":true' not in body:
        fail(f"unexpected answer: HTTP {status}, {body[:500]!r}")


def context(target: Target) -> ssl.SSLContext:
    """Return a context, as the documentation of the libraries shows it."""
    created = ssl.create_default_context(cafile=target.ca_bundle)
    created.load_cert_chain(target.chain, target.key)
    return created


def versions(*packages: str, tls: bool = True) -> dict[str, str]:
    """Return the versions of packages, of Python and, if they use it, of Python's TLS."""
    found = {package: version(package) for package in packages}
    found["Python"] = platform.python_version()
    if tls:
        found["Python's TLS"] = ssl.OPENSSL_VERSION
    return found


def fail(message: str) -> NoReturn:
    """End the program with a message, from any thread."""
    print(message, file=sys.stderr, flush=True)
    os._exit(1)


def main(variants: Mapping[str, Variant], versions: Versions) -> None:
    """Run a contender whose calls each block a thread."""
    target, variant, once = arguments(variants)
    try:
        new_worker = variants[variant](target)
        if once:
            new_worker()()
            return
        workers: list[Call] = []

        def run(calls: int, threads: int) -> list[int]:
            while len(workers) < threads:
                workers.append(new_worker())
            return by_threads(workers[:threads], calls)

        serve(run, versions)
    except Exception as error:
        fail(f"{type(error).__name__}: {error}")


def main_async(variants: Mapping[str, AsyncVariant], versions: Versions) -> None:
    """Run a contender on an event loop, where THREADS calls are in flight at once."""
    target, variant, once = arguments(variants)
    loop = asyncio.new_event_loop()
    try:
        call = loop.run_until_complete(variants[variant](target))
        if once:
            loop.run_until_complete(call())
            # Closes nothing before the exit, as the other contenders do.
            sys.stdout.flush()
            os._exit(0)
        serve(lambda calls, tasks: loop.run_until_complete(by_tasks(call, calls, tasks)), versions)
        os._exit(0)
    except Exception as error:
        fail(f"{type(error).__name__}: {error}")


def arguments(variants: Mapping[str, object]) -> tuple[Target, str, bool]:
    """Return the target, the variant, and whether to make one call only."""
    values = sys.argv[1:]
    once = values[5:] == ["once"]
    if len(values) != 5 + once or values[4] not in variants:
        names = "|".join(variants)
        print(f"arguments: URL CA_BUNDLE CERTIFICATE_CHAIN PRIVATE_KEY {names} [once]", file=sys.stderr)
        raise SystemExit(2)
    return Target(*values[:4]), values[4], once


def serve(run: Callable[[int, int], list[int]], versions: Versions) -> None:
    """Run the commands of standard input."""
    for line in sys.stdin:
        words = line.split()
        answer: object
        if words == ["quit"]:
            return
        if words == ["versions"]:
            answer = dict(versions())
        elif len(words) == 3 and words[0] == "run" and min(number(words[1]), number(words[2])) > 0:
            cpu = time.process_time_ns()
            start = time.perf_counter_ns()
            latencies = run(int(words[1]), int(words[2]))
            wall = time.perf_counter_ns() - start
            cpu = time.process_time_ns() - cpu
            answer = {"latencies_ns": latencies, "wall_ns": wall, "cpu_ns": cpu}
        else:
            fail(f"not a command: {line.rstrip()}")
        print(json.dumps(answer), flush=True)


def number(word: str) -> int:
    """Return a command's number, or 0 if it is none."""
    return int(word) if word.isdecimal() else 0


def share(calls: int, workers: int, index: int) -> int:
    """Return how many of the calls one worker makes."""
    return calls // workers + (index < calls % workers)


def by_threads(workers: list[Call], calls: int) -> list[int]:
    """Return the latencies; this thread takes the first share, so that one thread starts no other."""
    all_latencies: list[list[int]] = [[] for _ in workers]
    threads = [
        threading.Thread(
            target=guarded, args=(worker, share(calls, len(workers), index), all_latencies[index])
        )
        for index, worker in enumerate(workers)
        if index > 0
    ]
    for thread in threads:
        thread.start()
    measure(workers[0], share(calls, len(workers), 0), all_latencies[0])
    for thread in threads:
        thread.join()
    return [latency for latencies in all_latencies for latency in latencies]


def guarded(call: Call, calls: int, latencies: list[int]) -> None:
    """Measure in a thread, and end the program on an exception, which would only end the thread."""
    try:
        measure(call, calls, latencies)
    except Exception as error:
        fail(f"{type(error).__name__}: {error}")


def measure(call: Call, calls: int, latencies: list[int]) -> None:
    """Make the calls of one thread."""
    start = time.perf_counter_ns()
    for _ in range(calls):
        call()
        end = time.perf_counter_ns()
        latencies.append(end - start)
        start = end


async def by_tasks(call: AsyncCall, calls: int, tasks: int) -> list[int]:
    """Return the latencies of the calls of so many tasks."""
    latencies: list[int] = []

    async def make(count: int) -> None:
        start = time.perf_counter_ns()
        for _ in range(count):
            await call()
            end = time.perf_counter_ns()
            latencies.append(end - start)
            start = end

    await asyncio.gather(*(make(share(calls, tasks, index)) for index in range(tasks)))
    return latencies
