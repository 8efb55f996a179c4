"""Clients in forked processes."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import LIMIT, Listener, Program, Relay, Testbed, not_on_pypy

Run = Callable[..., Program]

FORKING = """
import gc

def child(work):
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)

def all_ended_well(pids):
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0
"""

# The parent has a connection.
BEGIN = (
    FORKING
    + """
shared = client(given["url"])
assert shared.status().available
assert shared.status().connection.reused
"""
)

CONCURRENT = """
def calls():
    first = shared.status().connection
    # Neither the parent's connection nor its session.
    assert not first.reused and not first.session_resumed
    for _ in range(given["calls"] - 1):
        status = shared.status()
        assert status.available and status.connection.reused

pids = [child(calls) for _ in range(8)]
for _ in range(given["calls"]):
    status = shared.status()
    assert status.available and status.connection.reused
all_ended_well(pids)
assert shared.status().connection.reused
"""


@pytest.mark.parametrize("calls", [50, pytest.param(1000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("listener", ["tls12_keepalive", "tls13_keepalive"])
def test_parent_and_children_call_concurrently(testbed: Testbed, run: Run, listener: str, calls: int) -> None:
    case = f"case=python-fork-{listener}-{calls}"
    url = testbed.url(listener, f"/checks/passport?{case}")
    program = run(BEGIN + CONCURRENT, url=url, calls=calls)
    assert program.wait() == []
    made = 9 * calls + 3
    assert testbed.requests(case, made) == made


LEAVING = {
    "closes it": "shared.close()",
    "drops it": "del globals()['shared']; gc.collect()",
    "calls and closes it": "shared.status(); shared.close()",
    "ends as a process does": "sys.exit(0)",
    "forks again": "all_ended_well([child(shared.status), child(shared.close)]); shared.status()",
    "interrupts it": "shared.interrupt(); shared.status()",
    "reloads it": "shared.reload(); shared.status()",
}


@pytest.mark.parametrize("leaving", LEAVING)
def test_child_never_touches_parent_connection(testbed: Testbed, run: Run, leaving: str) -> None:
    program = run(
        BEGIN
        + """
for _ in range(5):
    pid = os.fork()
    if pid == 0:
        exec(given["leaving"])
        sys.exit(0)
    all_ended_well([pid])
    assert shared.status().connection.reused, "the child has closed the parent's connection"
""",
        url=testbed.url("tls12_keepalive"),
        leaving=LEAVING[leaving],
    )
    assert program.wait() == []


def test_multiprocessing(testbed: Testbed, run: Run) -> None:
    program = run(
        BEGIN
        + """
import multiprocessing

def call(_):
    return shared.status().available, os.getpid()

with multiprocessing.get_context("fork").Pool(4) as pool:
    answers = pool.map(call, range(200), chunksize=1)
assert all(available for available, _ in answers) and len(answers) == 200
assert os.getpid() not in {pid for _, pid in answers}
assert shared.status().connection.reused
""",
        url=testbed.url("tls12_keepalive"),
    )
    assert program.wait() == []


def test_child_checks_files_before_first_call(testbed: Testbed, tmp_path: Path, run: Run) -> None:
    # As for a worker that is forked weeks later by a parent that makes no call.
    for kind in ("cert", "key"):
        shutil.copy(testbed.files[f"rejected_expired_{kind}"], tmp_path / kind)
    program = run(
        FORKING
        + """
given["options"].update(certificate=given["cert"], private_key=given["key"])
shared = client(given["url"], reload_interval=3600.0)
print("created", flush=True)
sys.stdin.readline()

def calls():
    assert shared.status().available

all_ended_well([child(calls)])
""",
        url=testbed.url("tls12_close"),
        cert=str(tmp_path / "cert"),
        key=str(tmp_path / "key"),
    )
    assert program.read_line() == "created"
    for kind in ("cert", "key"):
        shutil.copy(testbed.files[f"client_{kind}"], tmp_path / kind)
    program.write_line("renewed")
    assert program.wait() == []


def test_fork_during_calls_of_other_threads(testbed: Testbed, silent: Listener, run: Run) -> None:
    program = run(
        BEGIN
        + """
busy, stop, failures = threading.Barrier(17), threading.Event(), []

def call():
    try:
        shared.status()
        busy.wait()
        while not stop.is_set():
            assert shared.status().available
    except BaseException as error:
        failures.append(error)

def raise_timeout(*_):
    raise TimeoutError

def calls():
    for _ in range(5):
        assert shared.status().available
    # In the child it is the main thread.
    assert threading.current_thread() is threading.main_thread()
    signal.signal(signal.SIGALRM, raise_timeout)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        client(given["silent"]).status()
    except TimeoutError:
        return
    raise AssertionError

def fork():
    try:
        busy.wait()
        for _ in range(10):
            all_ended_well([child(calls)])
    except BaseException as error:
        failures.append(error)
    finally:
        stop.set()

threads = [threading.Thread(target=call) for _ in range(16)] + [threading.Thread(target=fork)]
for thread in threads:
    thread.start()
while not stop.is_set():
    assert shared.status().available
for thread in threads:
    thread.join(120)
    assert not thread.is_alive()
assert failures == [], failures
""",
        url=testbed.url("tls12_keepalive"),
        silent=silent.url,
    )
    assert program.wait() == []


def test_child_signals_do_not_end_parent_call(silent: Listener, testbed: Testbed, run: Run) -> None:
    program = run(
        BEGIN
        + """
stalled = client(given["silent"])

def fork():
    sys.stdin.readline()
    all_ended_well([child(take_signals)])
    print("ended")

def take_signals():
    received = []
    signal.signal(signal.SIGUSR1, lambda *_: received.append(1))
    for _ in range(100):
        os.kill(os.getpid(), signal.SIGUSR1)
    assert received

threading.Thread(target=fork).start()
try:
    stalled.status()
except libdcs.NetworkError as error:
    assert error.code is libdcs.Code.CONNECTION_LOST, error
    print("lost")
""",
        url=testbed.url("tls12_keepalive"),
        silent=silent.url,
    )
    assert silent.wait_for_connection()
    program.write_line("fork")
    assert program.read_line() == "ended"
    silent.drop()
    assert program.wait() == ["lost"]
    assert not silent.wait_for_connection(timeout=0)


def test_fork_in_signal_handler(relay: Relay, run: Run) -> None:
    program = run(
        """
slow, parent, children = client(given["url"]), os.getpid(), []

def fork(*_):
    children.append(os.fork())
    if os.getpid() == parent:
        print("forked")

signal.signal(signal.SIGALRM, fork)
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    assert slow.status().available and os.getpid() == parent
except libdcs.NetworkError as error:
    # The child must not read its parent's response.
    assert error.code is libdcs.Code.INTERRUPTED and os.getpid() != parent
    assert slow.status().available
    os._exit(0)
assert os.waitpid(children[0], 0)[1] == 0
""",
        url=relay.url,
    )
    assert program.read_line() == "forked"
    relay.opened.set()
    assert program.wait() == []


@not_on_pypy("gunicorn ends there with a traceback")
@pytest.mark.parametrize("calls", [1000, pytest.param(8000, marks=pytest.mark.soak)])
def test_gunicorn_with_preload(testbed: Testbed, tmp_path: Path, calls: int) -> None:
    case = f"case=python-gunicorn-{calls}"
    options = testbed.options(testbed.url("tls12_keepalive", f"/checks/passport?{case}"))
    per_thread = calls // 8
    answers: list[dict[str, object]] = []
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        port = server.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "8"]
        command += ["--bind", f"fd://{server.fileno()}", "--log-level", "warning", "prefork_app:app"]
        with subprocess.Popen(
            command,
            cwd=tmp_path,
            env={
                **os.environ,
                "PREFORK": json.dumps(options),
                "PYTHONPATH": str(Path(__file__).parent),
                "HOME": str(tmp_path),
            },
            pass_fds=[server.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:

                def work() -> None:
                    for _ in range(per_thread):
                        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
                        connection.request("GET", "/")
                        answers.append(json.loads(connection.getresponse().read()))
                        connection.close()

                threads = [threading.Thread(target=work, daemon=True) for _ in range(8)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(LIMIT)
            finally:
                process.send_signal(signal.SIGTERM)
                output, _ = process.communicate(timeout=LIMIT)
    assert (process.returncode, output) == (0, "")
    assert len(answers) == calls
    assert all(answer["available"] for answer in answers)
    assert testbed.requests(case, calls + 1) == calls + 1
    # Each worker opens a connection for its first call, and keeps it.
    new = Counter(answer["pid"] for answer in answers if not answer["reused"])
    assert set(new) == {answer["pid"] for answer in answers}
    assert set(new.values()) == {1}
    assert len(new) > 1
