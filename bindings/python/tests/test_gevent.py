"""Calls in gevent's greenlets: in gevent's thread pool they leave the others running."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import LIMIT, Listener, Relay, Testbed

# Not in every Python that scripts/test-packages/python-versions.sh tries.
pytest.importorskip("gevent")

PROGRAM = """
from gevent import monkey

monkey.patch_all()

import json, logging, sys, threading
import gevent
from gevent.server import StreamServer
import libdcs

given = json.loads(sys.argv[1])
pool = gevent.get_hub().threadpool
# Otherwise gevent prints the traceback of each error, which the caller gets too.
gevent.get_hub().NOT_ERROR += (libdcs.DcsError,)


def pump(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(gevent.socket.SHUT_WR)


def relay(connection, _):
    # Greenlets, so no call gets an answer unless they run.
    with gevent.socket.create_connection(given["target"]) as server:
        gevent.joinall([gevent.spawn(pump, connection, server), gevent.spawn(pump, server, connection)])


server = StreamServer(("127.0.0.1", 0), relay)
server.start()


def client(**more):
    url = f"https://localhost:{server.server_port}/checks/passport"
    return libdcs.Client(**{**given["options"], "url": url, **more})


def code_of(call):
    try:
        call()
    except libdcs.NetworkError as error:
        return error.code.name
"""


def run(testbed: Testbed, code: str, url: str = "") -> None:
    host, _, port = testbed.urls["tls12_keepalive"].partition("://")[2].rpartition(":")
    given = {"target": [host, int(port)], "options": testbed.options(url), "url": url}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM + code, json.dumps(given)],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_thread_pool_lets_greenlets_run(testbed: Testbed) -> None:
    run(
        testbed,
        """
shared = client()
assert pool.apply(shared.status).available
calls = [gevent.spawn(pool.apply, shared.status) for _ in range(30)]
gevent.joinall(calls, raise_error=True)
assert all(call.value.available for call in calls)
assert all(pool.map(lambda _: shared.status().available, range(30)))
""",
    )


def test_call_in_greenlet_stops_the_others(testbed: Testbed) -> None:
    # The reason for the thread pool. A patched thread is a greenlet too.
    run(
        testbed,
        """
hasty = client(timeout=0.5)
assert code_of(hasty.status) == "TIMEOUT"
codes = []
thread = threading.Thread(target=lambda: codes.append(code_of(hasty.status)))
thread.start()
thread.join()
assert codes == ["TIMEOUT"]
""",
    )


def test_errors_and_log_records_leave_the_thread_pool(testbed: Testbed) -> None:
    run(
        testbed,
        """
records = []
handler = logging.Handler()
handler.emit = records.append
logging.getLogger("libdcs").addHandler(handler)
logging.getLogger("libdcs").setLevel(logging.DEBUG)
assert pool.apply(client().status).available
assert any("HTTP 200" in record.getMessage() for record in records)
try:
    pool.apply(client(url="https://localhost:1/").status)
except libdcs.NetworkError as error:
    assert error.code is libdcs.Code.CONNECT
else:
    raise AssertionError
""",
    )


def test_interrupt_ends_call_in_thread_pool(testbed: Testbed, silent: Listener) -> None:
    # gevent's timeout ends the wait, not the call.
    run(
        testbed,
        """
patient = client(url=given["url"])
call = pool.spawn(patient.status)
with gevent.Timeout(0.1, False):
    call.get()
assert not call.ready()
patient.interrupt()
assert code_of(call.get) == "INTERRUPTED"
""",
        silent.url,
    )


@pytest.mark.parametrize("options", [["--preload"], []], ids=["preload", "no preload"])
def test_gunicorn_with_gevent_worker(
    testbed: Testbed, relay: Relay, tmp_path: Path, options: list[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-m", "gunicorn", "--worker-class", "gevent", *options]
        command += ["--bind", f"fd://{server.fileno()}", "--log-level", "warning", "gevent_app:app"]
        with subprocess.Popen(
            command,
            cwd=tmp_path,
            env={
                **os.environ,
                "OPTIONS": json.dumps(testbed.options(relay.url)),
                "PYTHONPATH": str(Path(__file__).parent),
                "HOME": str(tmp_path),
            },
            pass_fds=[server.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                port = server.getsockname()[1]
                status = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
                other = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
                status.request("GET", "/status")
                assert relay.connected.wait(LIMIT)
                # The only worker answers while the call waits.
                other.request("GET", "/other")
                assert other.getresponse().read() == b"other"
                relay.opened.set()
                assert status.getresponse().read() == b"available: True"
                status.close()
                other.close()
            finally:
                process.send_signal(signal.SIGTERM)
                output, _ = process.communicate(timeout=LIMIT)
    assert (process.returncode, output) == (0, "")
