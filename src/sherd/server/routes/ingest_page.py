"""Reading pictures in: folders of this machine and what was sent, columns, progress, and what was refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from sherd.errors import SherdError
from sherd.ingest.columns import headings_by_role
from sherd.server.auth import Permission, needs, principal_of
from sherd.server.looking import MOST_COLUMNS, Columns, Look, columns_in, look_at
from sherd.server.page_words import words_in
from sherd.server.pages import language_of, page, problem_page
from sherd.server.problems import Refusal
from sherd.server.received import RECEIVED, TAKEN
from sherd.server.services import Serving

router = APIRouter(include_in_schema=False)
Source = Annotated[str, Form(min_length=1, max_length=1_000)]
Roles = Annotated[list[str], Form(max_length=MOST_COLUMNS)]


@router.get("/ingest", dependencies=[needs(Permission.ADMINISTER)])
async def ingest_page(
    request: Request,
    services: Serving,
    source: Annotated[str, Query(max_length=1_000)] = "",
    plain: bool = False,
    role: Annotated[tuple[str, ...], Query(max_length=MOST_COLUMNS)] = (),
) -> Response:
    """Where files can be sent, and the folders that may be read; or what lies in one of them."""
    if not source:
        deliveries = await services.read(services.received.deliveries)
        return page(
            request, "ingest.html", roots=sorted(services.jobs.roots), deliveries=deliveries, received=RECEIVED,
            jobs=services.jobs.all()[:20], taken=",".join(TAKEN), settings=services.settings, size=_size,
            today=datetime.now(UTC).date().isoformat(), reasons=_reasons(request),
        )  # fmt: skip
    try:
        path = services.jobs.find(source)

        def look() -> Look:
            return look_at(path, columns=columns_in(path, role), plain=plain, exclude=services.library.folder)

        found = await services.read(look)
    except (Refusal, SherdError, OSError) as error:
        return problem_page(request, error, services.places)
    read = f"{source}/{found.table}" if found.table else source
    return page(
        request, "ingest_look.html", source=source, read=read, look=found, above=source.rpartition("/")[0],
        received=RECEIVED, roles=tuple(headings_by_role()), plain=plain,
    )  # fmt: skip


@router.post("/ingest", dependencies=[needs(Permission.ADMINISTER)])
async def begin(request: Request, services: Serving, source: Source, role: Roles = []) -> Response:  # noqa: B006
    """Begins to read it in, and shows how that goes."""
    try:
        path = services.jobs.find(source)
        columns: Columns | None = await services.read(lambda: columns_in(path, role))
        job = services.jobs.start(source, principal_of(request).name, columns)
    except (Refusal, SherdError, OSError) as error:
        return problem_page(request, error, services.places)
    lang = request.query_params.get("lang")
    given = {"number": str(job.number)} | ({"lang": lang} if lang else {})
    return RedirectResponse(f"/ingest/job?{urlencode(given)}", 303)


@router.get("/ingest/job", dependencies=[needs(Permission.ADMINISTER)])
async def job_page(request: Request, services: Serving, number: Annotated[int, Query(ge=1, le=2**53)]) -> Response:
    """How an ingest goes: of so many so many, what was refused and why."""
    try:
        job = services.jobs.get(number)
    except Refusal as refusal:
        return problem_page(request, refusal, services.places)
    events = [event for _, event in job.events]
    started: dict[str, Any] = next((one for one in events if one["event"] == "started"), {})
    progress: dict[str, Any] = next((one for one in reversed(events) if one["event"] in ("progress", "done")), {})
    counts = progress.get("counts", progress)
    refused = [one for one in events if one["event"] in ("rejected", "warning")]
    return page(
        request, "ingest_job.html", job=job, columns=started.get("columns") or {}, progress=progress, counts=counts,
        refused=refused, after=job.count, received=RECEIVED,
        reasons=_reasons(request),
    )  # fmt: skip


@router.post("/ingest/stop", dependencies=[needs(Permission.ADMINISTER)])
async def stop(request: Request, services: Serving, number: Annotated[int, Form(ge=1, le=2**53)]) -> Response:
    """Stops an ingest; what it has stored is kept."""
    try:
        await services.jobs.cancel(number)
    except Refusal as refusal:
        return problem_page(request, refusal, services.places)
    return RedirectResponse(f"/ingest/job?number={number}", 303)


def _reasons(request: Request) -> str:
    """Why something is refused, in words, for the browser."""
    return json.dumps(dict(words_in(language_of(request))["reasons"]), ensure_ascii=False)


def _size(size_bytes: int) -> str:
    """In units that people know.

    >>> _size(900), _size(2_500_000)
    ('1 kB', '2.5 MB')
    """
    return f"{max(size_bytes // 1_000, 1)} kB" if size_bytes < 1_000_000 else f"{size_bytes / 1_000_000:.1f} MB"
