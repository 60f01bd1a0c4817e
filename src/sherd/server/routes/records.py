"""Records of the catalogue."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from sherd.server.auth import Permission, needs
from sherd.server.problems import Refusal
from sherd.server.schemas import MAX_ID_CHARS, ImageTold, RecordLine, RecordPage, RecordTold, problems
from sherd.server.services import Serving
from sherd.types import Record

router = APIRouter(prefix="/api/v1", tags=["records"])
RecordQuery = Annotated[str, Query(min_length=1, max_length=MAX_ID_CHARS, description="The museum's identifier.")]


@router.get("/records", response_model=RecordPage, responses=problems(), dependencies=[needs(Permission.READ)])
async def list_records(
    services: Serving,
    after: Annotated[str, Query(max_length=MAX_ID_CHARS, description="The `next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> RecordPage:
    """All records by identifier, a page at a time."""
    rows, total = await services.read(
        lambda: (services.library.catalogue.titles(after, limit + 1), services.library.catalogue.count()[0])
    )
    lines = [RecordLine(record_id=record_id, title=title) for record_id, title in rows[:limit]]
    return RecordPage(records=lines, next=lines[-1].record_id if len(rows) > limit else None, total=total)


@router.get("/record", response_model=RecordTold, responses=problems(404), dependencies=[needs(Permission.READ)])
async def get_record(services: Serving, id: RecordQuery) -> RecordTold:
    """One record with its photographs. The identifier is a parameter, since it may hold slashes."""
    return await services.read(lambda: record_told(services, id))


def record_told(services: Serving, record_id: str) -> RecordTold:
    """A record in the form of the API. Raises Refusal where there is none."""
    record, images = find_record(services, record_id)
    return RecordTold(
        record_id=record.record_id,
        title=record.title,
        titles=dict(record.titles),
        descriptions=dict(record.descriptions),
        object_type=record.object_type,
        materials=list(record.materials),
        culture=record.culture,
        period=record.period,
        motifs=list(record.motifs),
        themes=list(record.themes),
        rights=record.rights,
        licence=record.licence,
        extra=dict(record.extra),
        images=images,
    )


def find_record(services: Serving, record_id: str) -> tuple[Record, list[ImageTold]]:
    """A record, and its photographs with their pictures. Raises Refusal where there is none."""
    catalogue = services.library.catalogue
    record = catalogue.get_many([record_id]).get(record_id)
    if record is None:
        raise Refusal("unknown_record")
    keys = catalogue.keys_of([record_id]).get(record_id, [])
    stored = catalogue.pictures_by_key([key for key, _ in keys])
    images = []
    for (key, path), image in zip(keys, record.images, strict=True):
        picture = stored[key]
        images.append(
            ImageTold(
                path=path,
                picture=picture.sha256,
                width=picture.width,
                height=picture.height,
                view=image.view,
                thumbnail=f"/api/v1/pictures/{picture.sha256}/thumbnail",
            )
        )
    return record, images
