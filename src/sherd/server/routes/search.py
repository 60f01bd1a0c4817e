"""Searching, and where on a picture a question is answered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Query, UploadFile
from pydantic import ValidationError
from starlette.responses import Response

from sherd.search.heat_picture import heat_picture
from sherd.search.locate import box_from_heat
from sherd.server.auth import Permission, needs
from sherd.server.problems import Refusal, faults_of
from sherd.server.routes.pictures import Sha256Path
from sherd.server.schemas import (
    AnswerTold,
    BoxForm,
    HitTold,
    PlaceTold,
    QueryForm,
    RegionTold,
    UnderstoodTold,
    UploadTold,
    problems,
)
from sherd.server.services import Deadline, Services, Serving
from sherd.types import Answer, FloatArray, Hit

router = APIRouter(prefix="/api/v1", tags=["search"])
QueryText = Annotated[
    str,
    Query(
        alias="q",
        max_length=16_000,
        description="A query as JSON: see QueryForm.",
        examples=['{"text":"饕餮纹","k":10}'],
    ),
]


@router.post("/search", response_model=AnswerTold, responses=problems(404, 409), dependencies=[needs(Permission.READ)])
async def search(form: QueryForm, services: Serving, deadline: Deadline) -> AnswerTold:
    """Find records by text, by picture, by a box on a picture, by several of these; best first."""
    return told(form, *await services.search(form, deadline))


@router.get("/search", response_model=AnswerTold, responses=problems(404, 409), dependencies=[needs(Permission.READ)])
async def search_by_address(services: Serving, deadline: Deadline, q: QueryText) -> AnswerTold:
    """The same, with the query in the address, so that it can be shared."""
    form = read_query(q)
    return told(form, *await services.search(form, deadline))


@router.post(
    "/uploads",
    response_model=UploadTold,
    status_code=201,
    responses=problems(),
    dependencies=[needs(Permission.READ)],
)
async def upload_picture(
    services: Serving, file: Annotated[UploadFile, File(description="JPEG, PNG, WebP, TIFF, GIF or BMP.")]
) -> UploadTold:
    """Upload a picture to search with. It is kept for a while, and is no part of the library."""
    return await keep_upload(services, await file.read())


@router.get("/uploads/{upload}/thumbnail", responses=problems(404), dependencies=[needs(Permission.READ)])
async def upload_thumbnail(upload: str, services: Serving) -> Response:
    """The uploaded picture as it is searched with: a JPEG of 512 pixels at most."""
    return Response(services.uploads.get(upload), media_type="image/jpeg")


@router.get(
    "/pictures/{picture}/heat",
    responses=problems(404, 409) | {200: {"content": {"image/png": {}}, "description": "A PNG with transparency."}},
    response_class=Response,
    dependencies=[needs(Permission.READ)],
)
async def heat_map(picture: Sha256Path, services: Serving, deadline: Deadline, q: QueryText) -> Response:
    """Where a picture answers a question, as a PNG to lay over its thumbnail."""
    heat, (height, width) = await _heat(services, picture, q, deadline)
    return Response(await services.read(lambda: heat_picture(heat, width, height)), media_type="image/png")


@router.get(
    "/pictures/{picture}/place",
    response_model=PlaceTold,
    responses=problems(404, 409),
    dependencies=[needs(Permission.READ)],
)
async def place(picture: Sha256Path, services: Serving, deadline: Deadline, q: QueryText) -> PlaceTold:
    """The box around the place where a picture answers a question best, finer than that of a search."""
    heat, _ = await _heat(services, picture, q, deadline)
    return PlaceTold(box=BoxForm.of(box_from_heat(heat)))


def read_query(text: str) -> QueryForm:
    """A query from an address. Raises Refusal."""
    try:
        return QueryForm.model_validate_json(text)
    except ValidationError as error:
        raise Refusal("invalid_request", "q is no query", faults=faults_of(error.errors(), "query", "q")) from None


async def keep_upload(services: Services, data: bytes) -> UploadTold:
    """Open an uploaded picture and keep its thumbnail. Raises RejectedItem."""
    opened = await services.decode(data)
    name = services.uploads.add(opened.thumbnail)
    shown = f"/api/v1/uploads/{name}/thumbnail"
    return UploadTold(upload=name, width=opened.width, height=opened.height, thumbnail=shown)


def told(form: QueryForm, answer: Answer, more: bool) -> AnswerTold:
    """An answer in the form of the API."""
    timing = answer.timing_ms
    return AnswerTold(
        query=form,
        understood=[
            UnderstoodTold(
                uri=one.uri, words=one.words, label=one.label, rule=one.rule, names=list(one.names),
                narrower=one.narrower,
            )
            for one in answer.understood
        ],
        hits=[_hit(hit) for hit in answer.hits],
        more=more,
        message=answer.message,
        timing_ms={
            stage: round(getattr(timing, stage), 3) for stage in ("encode", "index", "rerank", "catalogue", "total")
        },
    )  # fmt: skip


def _hit(hit: Hit) -> HitTold:
    region = RegionTold(image=hit.region.image, box=BoxForm.of(hit.region.box)) if hit.region is not None else None
    return HitTold(
        record_id=hit.record_id,
        title=hit.title,
        score=hit.score,
        probability=hit.probability,
        guess=hit.guess,
        level=hit.level.value,
        region=region,
        reasons=dict(hit.reasons),
        image=hit.image,
        picture=hit.sha256,
        thumbnail=f"/api/v1/pictures/{hit.sha256}/thumbnail",
    )


async def _heat(services: Services, picture: str, q: str, deadline: float) -> tuple[FloatArray, tuple[int, int]]:
    """The heat map, and height and width of the thumbnail."""
    _, question = await services.question(read_query(q), deadline)
    searcher, worker = await services.opened()
    size = await services.thumbnail_size(picture)
    if question.pointer is None:
        raise Refusal("no_place", "ask with a text, or with a box on the picture")
    return await worker.run(lambda _: searcher.heat(question, picture), deadline), size
