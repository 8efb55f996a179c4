"""The DCS's status as an endpoint of Flask, for gunicorn with `gunicorn.conf.py` beside this file."""

from __future__ import annotations

import logging
import math
from typing import Any

from flask import Flask, Response

import libdcs

logging.basicConfig(level=logging.INFO, format="%(process)d %(levelname)s %(name)s: %(message)s")

# One for the process, made when it is imported, which gunicorn does before it forks its workers: a file that
# cannot be used keeps the server from starting. Each worker has connections and TLS sessions of its own.
client = libdcs.Client.from_env()

app = Flask(__name__)


@app.get("/dcs")
def dcs() -> dict[str, Any]:
    """Ask the DCS."""
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
    """Say to the caller what kind of failure it is, and to the log all about it."""
    app.logger.error("%s", error)
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    answer = {"error": str(error.code), "check": error.check, "retryable": error.retryable}
    return answer, 503 if error.retryable else 502, headers


@app.get("/live")
def live() -> str:
    """Whether this process serves requests. That the DCS cannot be reached is no reason to end it."""
    return "ok\n"


@app.get("/metrics")
def metrics() -> Response:
    """When the client certificate ends, for an alert 30 days before. A reload changes it."""
    end = client.certificate_not_after
    lines = ["# TYPE dcs_client_certificate_not_after_seconds gauge"]
    if end is not None:
        lines.append(f"dcs_client_certificate_not_after_seconds {end.timestamp():.0f}")
    return Response("\n".join(lines) + "\n", mimetype="text/plain")
