"""Jobs: ingests of folders that the server may read, with their progress as it comes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request
from starlette.responses import StreamingResponse

from sherd.server.auth import Permission, needs, principal_of
from sherd.server.jobs import Job
from sherd.server.repeats import IdempotencyKey
from sherd.server.schemas import JobForm, JobLines, JobTold, SourcesTold, problems
from sherd.server.services import Services, Serving

router = APIRouter(prefix="/api/v1", tags=["jobs"])
Number = Annotated[int, Path(ge=1, le=2**53)]


@router.get("/sources", response_model=SourcesTold, responses=problems(), dependencies=[needs(Permission.ADMINISTER)])
async def list_sources(services: Serving) -> SourcesTold:
    """The names of the folders that may be ingested from; a source is one of them, or `name/below/it`."""
    return SourcesTold(sources=list(services.jobs.roots))


@router.post(
    "/jobs",
    response_model=JobTold,
    status_code=202,
    responses=problems(404, 409),
    dependencies=[needs(Permission.ADMINISTER)],
)
async def start_job(
    request: Request, form: JobForm, services: Serving, idempotency_key: IdempotencyKey = None
) -> JobTold:
    """Begin an ingest; one runs at a time, others wait. Searches go on meanwhile and see what is stored."""

    async def begin() -> Job:
        return services.jobs.start(form.source, principal_of(request).name)

    return _told(await services.repeats.once(request, idempotency_key, begin))


@router.get("/jobs", response_model=JobLines, responses=problems(), dependencies=[needs(Permission.ADMINISTER)])
async def list_jobs(services: Serving) -> JobLines:
    """The jobs of this server, newest first."""
    return JobLines(jobs=[_told(one) for one in services.jobs.all()])


@router.get("/jobs/{job}", response_model=JobTold, responses=problems(404), dependencies=[needs(Permission.ADMINISTER)])
async def get_job(job: Number, services: Serving) -> JobTold:
    """One job, and the last thing it told."""
    return _told(services.jobs.get(job))


@router.delete(
    "/jobs/{job}", response_model=JobTold, responses=problems(404), dependencies=[needs(Permission.ADMINISTER)]
)
async def stop_job(job: Number, services: Serving) -> JobTold:
    """Stop a job. What it has stored is kept, and a new one of the same source goes on from there."""
    return _told(await services.jobs.cancel(job))


@router.get(
    "/jobs/{job}/events",
    responses=problems(404) | {200: {"content": {"text/event-stream": {}}, "description": "Server-sent events."}},
    response_class=StreamingResponse,
    dependencies=[needs(Permission.ADMINISTER)],
)
async def job_events(
    job: Number, services: Serving, last_event_id: Annotated[str, Header(max_length=20)] = "0"
) -> StreamingResponse:
    """What a job tells, as it comes; after a break from where the listener was (`Last-Event-ID`)."""
    services.jobs.get(job)
    after = int(last_event_id) if last_event_id.isascii() and last_event_id.isdigit() else 0
    return StreamingResponse(_lines(services, job, after), media_type="text/event-stream")


async def _lines(services: Services, job: int, after: int) -> AsyncIterator[str]:
    async for number, event in services.jobs.listen(job, after, services.stopping):
        if number:
            yield f"id: {number}\nevent: {event['event']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n"
        else:
            yield ": still here\n\n"


def _told(job: Job) -> JobTold:
    return JobTold(
        number=job.number, kind="ingest", source=job.source, who=job.who, made=job.made, state=job.state, last=job.last
    )
