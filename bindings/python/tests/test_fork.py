"""A client and the processes that are forked from the one that made it."""

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

from conftest import Listener, Program, Testbed, not_on_pypy

Run = Callable[..., Program]

# What a child ends with.
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

# The warm parent's connection.
BEGIN = (
    FORKING
    + """
shared = client(given["url"])
assert shared.status().available
assert shared.status().connection.reused
"""
)

AT_THE_SAME_TIME = """
def calls():
    first = shared.status().connection
    # Neither the connection nor the session of the parent.
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
    program = run(BEGIN + AT_THE_SAME_TIME, url=url, calls=calls)
    assert program.end() == []
    made = 9 * calls + 3
    assert testbed.served(case, made) == made


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
    assert program.end() == []


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
    assert program.end() == []


def test_child_checks_files_before_first_call(testbed: Testbed, tmp_path: Path, run: Run) -> None:
    # A worker that is forked weeks after the client was made, by a parent that makes no call.
    for kind in ("cert", "key"):
        shutil.copy(testbed.files[f"rejected_expired_{kind}"], tmp_path / kind)
    program = run(
        FORKING
        + """
given["options"].update(certificate=given["cert"], private_key=given["key"])
shared = client(given["url"], reload_interval=3600.0)
print("made", flush=True)
sys.stdin.readline()

def calls():
    assert shared.status().available

all_ended_well([child(calls)])
""",
        url=testbed.url("tls12_close"),
        cert=str(tmp_path / "cert"),
        key=str(tmp_path / "key"),
    )
    assert program.read_line() == "made"
    for kind in ("cert", "key"):
        shutil.copy(testbed.files[f"client_{kind}"], tmp_path / kind)
    program.tell("renewed")
    assert program.end() == []


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
    # It is the child's main thread now.
    assert threading.current_thread() is threading.main_thread()
    signal.signal(signal.SIGALRM, raise_timeout)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    begun = time.monotonic()
    try:
        client(given["silent"]).status()
    except TimeoutError:
        assert time.monotonic() - begun < 10
    else:
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
    thread.join(60)
    assert not thread.is_alive()
assert failures == [], failures
""",
        url=testbed.url("tls12_keepalive"),
        silent=silent.url,
    )
    assert program.end() == []


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
    came = []
    signal.signal(signal.SIGUSR1, lambda *_: came.append(1))
    for _ in range(100):
        os.kill(os.getpid(), signal.SIGUSR1)
    assert came and signal.set_wakeup_fd(-1) == -1

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
    assert silent.wait_for_one_more()
    program.tell("fork")
    assert program.read_line() == "ended"
    # The parent's call goes on, and is not made anew either.
    assert not silent.wait_for_one_more(timeout=0.3)
    silent.drop()
    assert program.end() == ["lost"]


@not_on_pypy("gunicorn itself ends there with a traceback")
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
                        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                        connection.request("GET", "/")
                        answers.append(json.loads(connection.getresponse().read()))
                        connection.close()

                threads = [threading.Thread(target=work, daemon=True) for _ in range(8)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(300)
            finally:
                process.send_signal(signal.SIGTERM)
                output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "")
    assert len(answers) == calls
    assert all(answer["available"] for answer in answers)
    assert testbed.served(case, calls + 1) == calls + 1
    # Each worker has its own connection, made at its first call, and keeps it.
    new = Counter(answer["pid"] for answer in answers if not answer["reused"])
    assert set(new) == {answer["pid"] for answer in answers}
    assert set(new.values()) == {1}
    assert len(new) > 1
