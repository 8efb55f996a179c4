"""FastAPI."""

from __future__ import annotations

import http.client
import socket
import threading
from urllib.parse import urlsplit

import pytest

from conftest import Sandbox, Servers


def command(graceful: int = 1) -> list[str]:
    """How long uvicorn waits for requests when it is to end."""
    return ["uvicorn", "app:app", f"--timeout-graceful-shutdown={graceful}", "--host=127.0.0.1", "--port="]


@pytest.mark.parametrize("path", ["/dcs", "/dcs/cancellable"])
def test_it_answers(serve: Servers, sandbox: Sandbox, path: str) -> None:
    server = serve("fastapi", *command(), live="/docs", **sandbox.settings)
    assert server.json(path) == (200, {"available": True, "message": None})


def test_errors_are_told(serve: Servers, sandbox: Sandbox) -> None:
    url = f"{sandbox.settings['DCS_URL']}?answer=over-capacity"
    server = serve("fastapi", *command(), live="/docs", **{**sandbox.settings, "DCS_URL": url})
    status, headers, body = server.get("/dcs")
    assert (status, headers["retry-after"]) == (503, "1")
    assert "DCS_ERR_UNAVAILABLE" in body


def silent_settings(sandbox: Sandbox, silent: socket.socket) -> dict[str, str]:
    """A service that never answers, and limits far longer than a test would wait."""
    url = f"https://localhost:{silent.getsockname()[1]}/checks/passport"
    limits = {"DCS_TIMEOUT_MS": "600000", "DCS_CONNECT_TIMEOUT_MS": "600000"}
    return {**sandbox.settings, **limits, "DCS_URL": url}


def test_the_event_loop_goes_on_while_calls_wait(
    serve: Servers, sandbox: Sandbox, silent: socket.socket
) -> None:
    server = serve("fastapi", *command(), live="/docs", **silent_settings(sandbox, silent))
    waiting = threading.Thread(target=server.get, args=("/dcs",), daemon=True)
    waiting.start()
    connection, _ = silent.accept()  # The call is under way.
    with connection:
        assert server.get("/docs")[0] == 200
        # The end waits for requests as long as it is told to; then the lifespan's end interrupts the call.
        server.stop(60)
    waiting.join(60)


def test_nobody_waits_for_who_has_hung_up(serve: Servers, sandbox: Sandbox, silent: socket.socket) -> None:
    server = serve("fastapi", *command(30), live="/docs", **silent_settings(sandbox, silent))
    caller = http.client.HTTPConnection(urlsplit(server.url).netloc)
    caller.request("GET", "/dcs/cancellable")
    connection, _ = silent.accept()
    caller.close()
    with connection:
        server.stop(60)
    # The request had ended, so uvicorn had none to cancel.
    assert "Finished server process" in server.log()
    assert "Cancel" not in server.log()
    assert "Traceback" not in server.log()
