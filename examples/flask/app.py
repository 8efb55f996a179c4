"""The DCS's status as an endpoint of Flask, for gunicorn with `gunicorn.conf.py` beside this file."""

from __future__ import annotations

import logging
import math
from typing import Any

from flask import Flask, Response

import libdcs

logging.basicConfig(level=logging.INFO, format="%(process)d %(levelname)s %(name)s: %(message)s")

# One client for the process, created at import, before gunicorn forks its workers: the server does not start
# with an invalid file. Each worker has its own connections and TLS sessions.
client = libdcs.Client.from_env()

app = Flask(__name__)


@app.get("/dcs")
def dcs() -> dict[str, Any]:
    """Request the status."""
    status = client.status()
    return {
        "available": status.available,
        "message": status.message,
        "outages": [
            {"start": outage.start.isoformat(), "end": outage.end.isoformat()}
            for outage in status.scheduled_outages
        ],
    }


@app.errorhandler(libdcs.DcsError)
def failed(error: libdcs.DcsError) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Return the kind of failure, and log the details."""
    app.logger.error("%s", error)
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    answer = {"error": str(error.code), "check": error.check, "retryable": error.retryable}
    return answer, 503 if error.retryable else 502, headers


@app.get("/live")
def live() -> str:
    """Report that this process serves requests. It stays alive if the DCS cannot be reached."""
    return "ok\n"


@app.get("/metrics")
def metrics() -> Response:
    """Return when the client certificate expires, for an alert 30 days before. A reload updates it."""
    end = client.certificate_not_after
    lines = ["# TYPE dcs_client_certificate_not_after_seconds gauge"]
    if end is not None:
        lines.append(f"dcs_client_certificate_not_after_seconds {end.timestamp():.0f}")
    return Response("\n".join(lines) + "\n", mimetype="text/plain")
