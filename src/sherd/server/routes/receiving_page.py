"""What a browser sends to be read in, picture by picture, and what of it is shown before that."""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, RedirectResponse, Response

from sherd.errors import RejectedItem
from sherd.ingest.files import read_below
from sherd.server.auth import Permission, needs
from sherd.server.layers import DELIVERY
from sherd.server.pages import problem_page
from sherd.server.problems import Refusal
from sherd.server.received import RECEIVED, delivery_name
from sherd.server.services import Services, Serving

router = APIRouter(include_in_schema=False)
_MOST_FILES = 200
"""In one request."""


@router.post(DELIVERY, dependencies=[needs(Permission.ADMINISTER)])
async def receive(request: Request, services: Serving) -> Response:
    """Takes files in: `delivery`, any number of `file`, and for each its `path` where its name is not enough.

    The form is read here and not by the framework, which would read it before it looks at who sends it. Answers JSON
    to those who ask for it, with what was kept and what was refused and why; else goes on to look at what came.
    """
    wants_json = "application/json" in request.headers.get("accept", "")
    try:
        told = await _take(request, services)
    except Refusal as refusal:
        if wants_json:
            raise
        return problem_page(request, refusal)
    if wants_json:
        return JSONResponse(told)
    lang = request.query_params.get("lang")
    given = {"source": f"{RECEIVED}/{told['delivery']}"} | ({"lang": lang} if lang else {})
    return RedirectResponse(f"/ingest?{urlencode(given)}", 303)


@router.post("/ingest/discard", dependencies=[needs(Permission.ADMINISTER)])
async def discard(
    request: Request, services: Serving, delivery: Annotated[str, Form(min_length=1, max_length=200)]
) -> Response:
    """Removes what was sent under a name. What was read in of it is found as before, but without its large pictures."""
    try:
        name = delivery_name(delivery)
        if any(not job.is_over and f"{job.source}/".startswith(f"{RECEIVED}/{name}/") for job in services.jobs.all()):
            raise Refusal("invalid_request", "it is being read in; stop that first")
        await services.read(lambda: services.received.discard(name))
    except Refusal as refusal:
        return problem_page(request, refusal)
    lang = request.query_params.get("lang")
    return RedirectResponse(f"/ingest{'?' + urlencode({'lang': lang}) if lang else ''}", 303)


@router.get("/ingest/picture", dependencies=[needs(Permission.ADMINISTER)])
async def preview(
    services: Serving, source: Annotated[str, Query(max_length=1_000)], path: Annotated[str, Query(max_length=4_000)]
) -> Response:
    """A picture that is not in the library yet, made small."""
    root = services.jobs.find(source)
    most = services.settings.max_upload_bytes  # the decoder takes no more
    data = await services.read(lambda: read_below(root if root.is_dir() else root.parent, path, most))
    opened = await services.decode(data)
    return Response(opened.thumbnail, media_type="image/jpeg")


async def _take(request: Request, services: Services) -> dict[str, object]:
    kept, refused = 0, []
    async with request.form(max_files=_MOST_FILES, max_fields=_MOST_FILES + 2, max_part_size=8_192) as form:
        files = [one for one in form.getlist("file") if isinstance(one, UploadFile) and one.filename]
        paths = [one for one in form.getlist("path") if isinstance(one, str)]
        name = delivery_name(str(form.get("delivery") or ""))
        if not files or (paths and len(paths) != len(files)):
            raise Refusal("invalid_request", "send at least one file, and a path for each or for none")
        for n, file in enumerate(files):
            path = paths[n] if paths else file.filename or ""
            try:
                # Not in a thread of the readers: searches wait for these.
                await asyncio.to_thread(services.received.take, name, path, file.file, file.size or 0)
                kept += 1
            except RejectedItem as error:
                refused.append({"path": path, "reason": error.reason})
    return {"delivery": name, "kept": kept, "refused": refused}
