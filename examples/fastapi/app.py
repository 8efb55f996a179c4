"""The DCS's status as endpoints of FastAPI: a client for the application's life, calls in threads."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

import libdcs


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make the client before the first request, and have the application's end wait for no call."""
    with libdcs.Client.from_env() as client:
        app.state.client = client
        yield
        client.interrupt()


app = FastAPI(lifespan=lifespan)


@app.get("/dcs")
def dcs(request: Request) -> dict[str, Any]:
    """Ask the DCS. A plain `def` runs in FastAPI's pool of threads, so the event loop goes on."""
    return answer(request.app.state.client.status())


@app.get("/dcs/patient", response_model=None)
async def dcs_until_gone(request: Request) -> dict[str, Any] | Response:
    """Ask the DCS, and stop waiting when the caller has hung up.

    The call itself goes on in its thread, to its answer or its timeout: other requests may be waiting for it,
    where `status_max_age` has them share an answer. `client.interrupt()` would end the calls of all requests.
    """
    call = asyncio.create_task(asyncio.to_thread(request.app.state.client.status))
    while not call.done():
        await asyncio.wait({call}, timeout=0.5)
        if not call.done() and await request.is_disconnected():
            call.cancel()
            return Response(status_code=499)  # As nginx logs it; nobody reads it.
    return answer(await call)


@app.exception_handler(libdcs.DcsError)
def failed(_: Request, error: libdcs.DcsError) -> JSONResponse:
    """Say what kind of failure it is."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    content = {"error": str(error.code), "check": error.check, "retryable": error.retryable}
    return JSONResponse(content, 503 if error.retryable else 502, headers)


def answer(status: libdcs.Status) -> dict[str, Any]:
    """What the endpoints tell."""
    return {"available": status.available, "message": status.message}
