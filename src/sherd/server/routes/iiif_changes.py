"""IIIF Change Discovery 1: what came, changed and went, for those who keep a copy."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from sherd.exports.iiif_changes import CONTEXT, change_collection, change_page, pages_of
from sherd.server.auth import Permission, needs
from sherd.server.iiif_places import places_of
from sherd.server.json_ld import json_ld
from sherd.server.problems import Refusal
from sherd.server.routes.iiif import ANSWERS
from sherd.server.services import Serving

router = APIRouter(prefix="/iiif/changes", tags=["iiif"])


@router.get("", responses=ANSWERS, response_class=Response, dependencies=[needs(Permission.READ)])
async def iiif_changes(request: Request, services: Serving) -> Response:
    """How many changes there are, and where the first and the newest page of them is."""
    changes = await services.read(services.changes.current)
    return json_ld(request, change_collection(changes, places_of(request).changes()), CONTEXT)


@router.get("/{number}", responses=ANSWERS, response_class=Response, dependencies=[needs(Permission.READ)])
async def iiif_change_page(
    request: Request, services: Serving, number: Annotated[int, Path(ge=1, le=1_000_000)]
) -> Response:
    """500 changes, the oldest first."""
    changes = await services.read(services.changes.current)
    if number > pages_of(changes):
        raise Refusal("not_found")
    places = places_of(request)
    return json_ld(request, change_page(changes, places.changes(), number, places), CONTEXT)
