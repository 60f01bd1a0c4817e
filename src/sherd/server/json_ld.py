"""Answers in JSON-LD, kept by those who asked before as long as they stay the same."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from fastapi import Request
from starlette.responses import Response

MEDIA_TYPE = "application/ld+json"


def json_ld(request: Request, document: dict[str, Any], profile: str = "", **headers: str) -> Response:
    """A document as JSON-LD with its profile, or as plain JSON for a browser and whoever asks for that."""
    wanted = request.headers.get("accept", "")
    plain = MEDIA_TYPE not in wanted and ("application/json" in wanted or "text/html" in wanted)
    kind = "application/json" if plain else f'{MEDIA_TYPE};profile="{profile}"' if profile else MEDIA_TYPE
    body = json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    told = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept"} | headers
    if is_known(request, tag):
        return Response(status_code=304, headers=told)
    return Response(body, media_type=kind, headers=told)


def is_known(request: Request, tag: str) -> bool:
    """Whether the asker has what bears this tag already."""
    given = request.headers.get("if-none-match", "")
    return given == "*" or tag in [one.strip().removeprefix("W/") for one in given.split(",")]


def content(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """For the description of a route: what it answers, and that it may say that nothing changed."""
    told: dict[int | str, dict[str, Any]] = {
        200: {"description": "As its standard says.", "content": {kind: {} for kind in kinds}},
        304: {"description": "Nothing has changed."},
    }
    return told
