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
    """Create the client before the first request, and interrupt its calls when the application ends."""
    with libdcs.Client.from_env() as client:
        app.state.client = client
        yield
        client.interrupt()


app = FastAPI(lifespan=lifespan)


@app.get("/dcs")
def dcs(request: Request) -> dict[str, Any]:
    """Request the status. FastAPI runs a plain `def` in its thread pool, so the event loop is not blocked."""
    return answer(request.app.state.client.status())


@app.get("/dcs/cancellable", response_model=None)
async def dcs_cancellable(request: Request) -> dict[str, Any] | Response:
    """Request the status, and stop waiting when the client disconnects.

    The call itself continues in its thread until its answer or its timeout. With `status_max_age`, other
    requests may be waiting for the same answer. `client.interrupt()` would end the calls of all requests.
    """
    call = asyncio.create_task(asyncio.to_thread(request.app.state.client.status))
    while not call.done():
        await asyncio.wait({call}, timeout=0.5)
        if not call.done() and await request.is_disconnected():
            call.cancel()
            return Response(status_code=499)  # nginx's code in its log; the client is gone.
    return answer(await call)


@app.exception_handler(libdcs.DcsError)
def failed(_: Request, error: libdcs.DcsError) -> JSONResponse:
    """Return the kind of failure."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    content = {"error": str(error.code), "check": error.check, "retryable": error.retryable}
    return JSONResponse(content, 503 if error.retryable else 502, headers)


def answer(status: libdcs.Status) -> dict[str, Any]:
    """Return the body of the answer."""
    return {"available": status.available, "message": status.message}
