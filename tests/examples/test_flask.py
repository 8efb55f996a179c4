"""Flask with gunicorn."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from conftest import Sandbox, Servers

COMMAND = ("gunicorn", "--config", "gunicorn.conf.py", "app:app", "--bind=127.0.0.1:")


def test_it_answers(serve: Servers, sandbox: Sandbox) -> None:
    server = serve("flask", *COMMAND, **sandbox.settings)
    assert server.json("/dcs") == (200, {"available": True, "message": None, "outages": []})
    _, _, metrics = server.get("/metrics")
    name, value = metrics.splitlines()[1].split()
    assert name == "dcs_client_certificate_not_after_seconds"
    assert float(value) > 0
    assert server.stop() == 0


def test_a_killed_worker_is_replaced_by_one_that_works(serve: Servers, sandbox: Sandbox) -> None:
    server = serve("flask", *COMMAND, **sandbox.settings)
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    for worker in children.read_text(encoding="utf-8").split():
        os.kill(int(worker), signal.SIGKILL)
    for _ in range(10):
        assert server.json("/dcs")[0] == 200


def test_errors_are_told_apart(serve: Servers, sandbox: Sandbox) -> None:
    limited = f"{sandbox.settings['DCS_URL']}?answer=rate-limited"
    server = serve("flask", *COMMAND, **{**sandbox.settings, "DCS_URL": limited})
    status, headers, body = server.get("/dcs")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert "DCS_ERR_RATE_LIMITED" in body

    expired = {
        "DCS_CERTIFICATE": str(sandbox.folder / "expired-client.pem"),
        "DCS_PRIVATE_KEY": str(sandbox.folder / "client.key"),
    }
    server = serve("flask", *COMMAND, **{**sandbox.settings, **expired})
    status, answer = server.json("/dcs")
    assert (status, answer["error"]) == (502, "DCS_ERR_CLIENT_CERT_REJECTED")
    assert answer["check"] == "DCS_CHECK_CERT_NOT_EXPIRED"
    assert "Request a new certificate from the DCS team" in server.log()
    # Told once, by the one process that has read the files, and not by each worker.
    assert server.log().count("WARNING libdcs.files") == 1
