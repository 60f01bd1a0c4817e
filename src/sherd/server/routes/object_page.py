"""One record with its photographs."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from sherd.server.auth import Permission, needs
from sherd.server.pages import page
from sherd.server.problems import Refusal
from sherd.server.routes.records import RecordQuery, record_told
from sherd.server.services import Serving
from sherd.server.shown import by_picture

router = APIRouter(include_in_schema=False)


@router.get("/record", dependencies=[needs(Permission.READ)])
async def record_page(request: Request, services: Serving, id: RecordQuery) -> Response:
    """One record with its photographs."""
    try:
        record = await services.read(lambda: record_told(services, id))
    except Refusal as refusal:
        return page(request, "problem.html", refusal.status_code, problem=refusal.words or refusal.title)
    return page(request, "record.html", record=record, similar=lambda sha: by_picture(sha, None))
