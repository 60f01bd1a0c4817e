"""Whether the server lives, whether it can answer, what it counts, and what its API is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from sherd.server.auth import Permission, needs
from sherd.server.services import Serving

router = APIRouter(include_in_schema=False)


@router.get("/health/live", dependencies=[needs(Permission.PUBLIC)])
async def live() -> dict[str, str]:
    """200 while the server answers at all."""
    return {"status": "live"}


@router.get("/health/ready", dependencies=[needs(Permission.PUBLIC)])
async def ready(services: Serving) -> Response:
    """200 when a search would be answered, else 503."""
    is_ready = await services.ready()
    return JSONResponse({"status": "ready" if is_ready else "not ready"}, 200 if is_ready else 503)


@router.get("/metrics", dependencies=[needs(Permission.OBSERVE)])
async def metrics(services: Serving) -> Response:
    """Counts and times in the format of Prometheus."""
    return Response(services.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/openapi.json", dependencies=[needs(Permission.READ)])
async def openapi(request: Request) -> dict[str, Any]:
    """The description of the API."""
    described: dict[str, Any] = request.app.openapi()
    return described
