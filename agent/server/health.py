"""Whether the server is well, and its numbers."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from ...errors import SufficeError
from .hosted import Anyone, Here

router = APIRouter(tags=["server"])

PATIENCE_SECONDS = 5.0


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(served: Here) -> JSONResponse:
    """Say whether every corpus can be searched."""
    states = await asyncio.gather(*(_state(one.corpus) for one in served.hosted.values()))
    ready = all(states)
    return JSONResponse({"status": "ok" if ready else "unavailable"}, 200 if ready else 503)


async def _state(corpus: Any) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await corpus.acount()
    except (SufficeError, TimeoutError):
        return False
    return True


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, caller: Anyone) -> Response:
    """Return numbers for Prometheus."""
    return Response(request.app.state.metrics.page(), media_type=CONTENT_TYPE_LATEST)
