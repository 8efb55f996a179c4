"""The endpoint for monitoring."""

from __future__ import annotations

import logging
import math

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

import libdcs

from .client import client

logger = logging.getLogger(__name__)


@require_GET
def health(_: HttpRequest) -> JsonResponse:
    """Answer 200 if the DCS is available, and 503 if it is not or the call fails."""
    try:
        status = client().status()
    except libdcs.DcsError as error:
        logger.error("%s", error)
        response = JsonResponse(
            {"available": False, "error": str(error.code), "check": error.check}, status=503
        )
        if error.retry_after is not None:
            response["Retry-After"] = math.ceil(error.retry_after)
        return response
    return JsonResponse(
        {"available": status.available, "message": status.message},
        status=200 if status.available else 503,
    )
