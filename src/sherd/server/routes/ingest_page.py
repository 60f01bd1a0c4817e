"""Reading pictures in: folders of this machine, what columns are taken for, progress, and what was refused."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from sherd.errors import RejectedItem, SherdError
from sherd.ingest.columns import ColumnRoles
from sherd.ingest.sources import open_source
from sherd.server.auth import Permission, needs, principal_of
from sherd.server.pages import page
from sherd.server.problems import Refusal, refusal_of
from sherd.server.services import Services, Serving
from sherd.types import Record

router = APIRouter(include_in_schema=False)
_ROWS, _ENTRIES = 10, 500
_TABLES = (".csv", ".tsv", ".xlsx", ".xls", ".jsonl", ".json")
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp")


@dataclass(frozen=True, slots=True)
class Look:
    """What lies at a place: folders and tables to go on to, pictures, and the first records as they would be read.

    why_not: why nothing can be read here, '' where something can. rows: a record, or why there is none.
    """

    folders: tuple[str, ...]
    tables: tuple[str, ...]
    pictures: int
    kind: str
    columns: ColumnRoles | None
    rows: tuple[tuple[str, Record | None, str], ...]
    why_not: str


@router.get("/ingest", dependencies=[needs(Permission.ADMINISTER)])
async def ingest_page(
    request: Request, services: Serving, source: Annotated[str, Query(max_length=1_000)] = ""
) -> Response:
    """The folders that may be read, or what lies in one of them."""
    look = None
    if source:
        try:
            path = services.jobs.find(source)
            look = await services.read(lambda: _look(path, services))
        except (Refusal, SherdError, OSError) as error:
            return _problem(request, services, error)
    return page(
        request, "ingest.html", roots=sorted(services.jobs.roots), source=source, look=look,
        jobs=services.jobs.all()[:20], above=source.rpartition("/")[0],
    )  # fmt: skip


@router.post("/ingest", dependencies=[needs(Permission.ADMINISTER)])
async def begin(
    request: Request, services: Serving, source: Annotated[str, Form(min_length=1, max_length=1_000)]
) -> Response:
    """Begins to read it in, and shows how that goes."""
    try:
        job = services.jobs.start(source, principal_of(request).name)
    except Refusal as refusal:
        return _problem(request, services, refusal)
    lang = request.query_params.get("lang")
    given = {"number": str(job.number)} | ({"lang": lang} if lang else {})
    return RedirectResponse(f"/ingest/job?{urlencode(given)}", 303)


@router.get("/ingest/job", dependencies=[needs(Permission.ADMINISTER)])
async def job_page(request: Request, services: Serving, number: Annotated[int, Query(ge=1, le=2**53)]) -> Response:
    """How an ingest goes: of so many so many, what was refused and why."""
    try:
        job = services.jobs.get(number)
    except Refusal as refusal:
        return _problem(request, services, refusal)
    events = [event for _, event in job.events]
    started: dict[str, Any] = next((one for one in events if one["event"] == "started"), {})
    progress: dict[str, Any] = next((one for one in reversed(events) if one["event"] in ("progress", "done")), {})
    counts = progress.get("counts", progress)
    refused = [one for one in events if one["event"] in ("rejected", "warning")]
    return page(
        request, "ingest_job.html", job=job, columns=started.get("columns") or {}, progress=progress, counts=counts,
        refused=refused, after=job.count,
    )  # fmt: skip


@router.post("/ingest/stop", dependencies=[needs(Permission.ADMINISTER)])
async def stop(request: Request, services: Serving, number: Annotated[int, Form(ge=1, le=2**53)]) -> Response:
    """Stops an ingest; what it has stored is kept."""
    try:
        await services.jobs.cancel(number)
    except Refusal as refusal:
        return _problem(request, services, refusal)
    return RedirectResponse(f"/ingest/job?number={number}", 303)


def _look(path: Path, services: Services) -> Look:
    """Nothing outside the roots is listed: links are left out."""
    here = path if path.is_dir() else path.parent
    entries = sorted(
        islice((one for one in here.iterdir() if not one.is_symlink()), _ENTRIES), key=lambda one: one.name
    )
    folders = tuple(one.name for one in entries if one.is_dir() and not one.name.startswith("."))
    tables = tuple(one.name for one in entries if one.is_file() and one.suffix.lower() in _TABLES)
    pictures = sum(one.is_file() and one.suffix.lower() in _PICTURES for one in entries)
    try:
        source = open_source(path, exclude=[services.library.folder])
        rows = tuple((item.where, item.record, _reason(item.reject)) for item in islice(source.items(), _ROWS))
        return Look(folders, tables, pictures, source.kind, source.columns, rows, "" if rows else "nothing")
    except SherdError as error:
        return Look(folders, tables, pictures, "", None, (), refusal_of(error, (str(path), str(here))).code)


def _reason(reject: RejectedItem | None) -> str:
    return reject.reason if reject is not None else ""


def _problem(request: Request, services: Services, error: Exception) -> Response:
    if isinstance(error, OSError):
        return page(request, "problem.html", 422, problem="the folder cannot be read")
    assert isinstance(error, (Refusal, SherdError))
    refusal = error if isinstance(error, Refusal) else refusal_of(error, services.places)
    return page(request, "problem.html", refusal.status_code, problem=refusal.words or refusal.title)
