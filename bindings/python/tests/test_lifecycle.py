"""Closing, garbage collection and threads."""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import libdcs
from conftest import LIMIT, Listener, Testbed, not_on_pypy
from libdcs import ClosedError, Code

THREADS = 16
CALLS = 4_000


def sockets() -> int:
    """Return how many sockets this process has open."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(entry).startswith("socket:")
    return count


def assert_closed(client: libdcs.Client) -> None:
    with pytest.raises(ClosedError) as info:
        client.status()
    assert info.value.code is Code.INVALID_ARGUMENT
    assert info.value.hint
    assert client.closed


@not_on_pypy("there the next garbage collection closes the connection")
def test_close(testbed: Testbed) -> None:
    before = sockets()
    client = testbed.client("tls12_keepalive")
    assert not client.closed
    client.status()
    assert sockets() == before + 1
    client.close()
    assert sockets() == before
    assert_closed(client)
    client.close()
    assert_closed(client)


@not_on_pypy("there the next garbage collection closes the connection")
def test_with_closes_after_exception(testbed: Testbed) -> None:
    before = sockets()
    client = testbed.client("tls12_keepalive")

    def use() -> None:
        with client as same:
            assert same is client
            client.status()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert_closed(client)
    assert sockets() == before


@not_on_pypy("there the next garbage collection closes the connection")
def test_kept_traceback_does_not_keep_connection(testbed: Testbed) -> None:
    before = sockets()
    client = testbed.client("tls12_keepalive", "/404")
    with pytest.raises(libdcs.ServiceError) as info:
        client.status()
    client.close()
    assert sockets() == before
    assert info.value.__traceback__ is not None


@not_on_pypy("there the next garbage collection closes the connection")
def test_garbage_collection_closes(testbed: Testbed) -> None:
    before = sockets()
    client = testbed.client("tls12_keepalive")
    client.status()
    assert sockets() == before + 1
    del client
    gc.collect()
    assert sockets() == before


def test_close_does_not_end_call_in_flight(testbed: Testbed, silent: Listener) -> None:
    before = sockets()
    client = libdcs.Client(**testbed.options(silent.url))
    outcome: list[BaseException] = []

    def call() -> None:
        try:
            client.status()
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert silent.connected.wait(LIMIT)
    client.close()
    assert_closed(client)
    # close() has not waited for it.
    assert thread.is_alive()
    silent.drop()
    thread.join(LIMIT)
    assert not thread.is_alive()
    # The call's own result.
    [error] = outcome
    assert isinstance(error, libdcs.NetworkError)
    assert error.code is Code.CONNECTION_LOST
    assert sockets() == before


@pytest.mark.parametrize("listener", ["tls12_keepalive", "tls12_close"])
def test_close_during_calls_of_threads(testbed: Testbed, listener: str) -> None:
    for _ in range(10):
        close_while_threads_call(testbed.client(listener))


def close_while_threads_call(client: libdcs.Client) -> None:
    busy = threading.Barrier(9)
    answers: list[bool] = []

    def call() -> None:
        answers.append(client.status().available)
        busy.wait(LIMIT)
        while True:
            answers.append(client.status().available)

    ends = in_threads(8, call, busy.wait, client.close, client.close)
    assert all(answers)
    assert [type(end) for end in ends] == [ClosedError] * 8


def in_threads(count: int, work: Callable[[], None], *meanwhile: Callable[[], object]) -> list[BaseException]:
    """Run `work` on this many threads and `meanwhile` on this one; return what the threads raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for step in meanwhile:
        step()
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
    return raised


@pytest.mark.parametrize("listener", ["tls12_keepalive", "tls12_close"])
def test_threads_share_client(testbed: Testbed, listener: str) -> None:
    case = f"case=python-threads-{listener}-{os.getpid()}"
    succeeded = 0
    lock = threading.Lock()

    with testbed.client(listener, f"/checks/passport?{case}") as client:

        def work() -> None:
            nonlocal succeeded
            for _ in range(CALLS // THREADS):
                status = client.status()
                assert status.available is True
                assert status.message is None
                assert status.scheduled_outages == ()
                assert status.json.strip() == '{"available":true,"scheduledOutages":[]}'
                assert status.connection.tls_version == "TLSv1.2"
                with lock:
                    succeeded += 1

        assert in_threads(THREADS, work) == []
    assert succeeded == CALLS

    # Each call sent a request.
    assert testbed.requests(case, CALLS) == CALLS


EXIT = """
import sys, threading
import libdcs

client = libdcs.Client(url=sys.argv[1], ca_bundle=sys.argv[2])
threading.Thread(target=client.status, daemon=True).start()
sys.stdin.readline()
"""


def test_process_exits_during_call(testbed: Testbed, silent: Listener) -> None:
    command = [sys.executable, "-c", EXIT, silent.url, testbed.files["ca_bundle"]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert silent.connected.wait(LIMIT)
        _, errors = process.communicate("\n", timeout=LIMIT)
    assert (process.returncode, errors) == (0, "")
