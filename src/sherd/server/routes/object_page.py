"""One record: its photographs with what is marked on them, its terms, its rights, and what is like it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sherd.errors import SherdError
from sherd.search.words import Language, printable
from sherd.server.addresses import token_of
from sherd.server.auth import Permission, needs
from sherd.server.named import Borne, borne
from sherd.server.page_words import words_in
from sherd.server.pages import language_of, page, problem_page
from sherd.server.problems import Refusal
from sherd.server.routes.record_export import FORMS
from sherd.server.routes.records import RecordQuery, find_record
from sherd.server.schemas import BoxForm, ImageForm, ImageTold, QueryForm
from sherd.server.services import Deadline, Services, Serving
from sherd.server.shown import Frame, Shown, by_picture, kept_on_board, shown_hits, title_in
from sherd.server.themes import asked_themes, shared_themes
from sherd.types import Box, Record

router = APIRouter(include_in_schema=False)
_ROW = 8
Row = Literal["parts", "objects", "theme"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A box on a photograph, numbered over the record. by: 'catalogue' or 'person'."""

    number: int
    box: Box
    label: str
    by: str
    who: str
    query: str
    kept: str


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph with its marks."""

    image: ImageTold
    frame: Frame
    marks: tuple[Mark, ...]
    query: str
    kept: str


@router.get("/record", dependencies=[needs(Permission.READ)])
async def record_page(request: Request, services: Serving, id: RecordQuery) -> Response:
    """One record with all that is known of it."""
    language = language_of(request)
    try:
        record, images = await services.read(lambda: find_record(services, id))
    except Refusal as refusal:
        return problem_page(request, refusal)
    known = await services.read(lambda: _borne(services, id, language))
    title = title_in(record.titles, language) or record.record_id
    return page(
        request,
        "record.html",
        record=record,
        title=title,
        photographs=_photographs(record, images, known, title),
        facets=_by_facet(known),
        refused=[one for one in known if not one.holds],
        themes=any(one.holds and one.concept.facet == "theme" for one in known) or bool(record.themes),
        citation=_citation(record, title, str(request.url.replace(query=f"id={id}")), language),
        exports=[("IIIF", f"/iiif/manifest/{token_of(record.record_id)}")]
        + [
            (name, f"/record/export?{urlencode({'id': record.record_id, 'form': form})}")
            for form, name in FORMS.items()
        ],
        boxes=_boxes,
        image_json=lambda sha256: ImageForm(picture=sha256).model_dump_json(exclude_none=True),
    )


@router.get("/record/like", dependencies=[needs(Permission.READ)])
async def like_row(
    request: Request,
    services: Serving,
    deadline: Deadline,
    id: RecordQuery,
    row: Annotated[Row, Query(description="Alike in what.")],
) -> Response:
    """One row of records like this one: by its parts, as a whole, or of its themes."""
    language = language_of(request)
    try:
        record, images = await services.read(lambda: find_record(services, id))
        shown = await _like(services, record, images, row, language, deadline)
    except (Refusal, SherdError) as error:
        return problem_page(request, error, services.places)
    return page(request, "like.html", shown=shown)


async def _like(
    services: Services, record: Record, images: list[ImageTold], row: Row, language: Language, deadline: float
) -> list[Shown]:
    if row == "theme":
        known = await services.read(lambda: _borne(services, record.record_id, language))
        themes = [one.concept for one in known if one.holds and one.concept.facet == "theme"]
        if themes:
            where = {"concept": [one.uri for one in themes]}
            form = QueryForm(text=", ".join(one.name for one in themes)[:200], where=where, k=_ROW + 1)
        elif record.themes:
            form = QueryForm(text=", ".join(record.themes)[:200], where={"theme": list(record.themes)[:50]}, k=_ROW + 1)
        else:
            return []
    else:
        form = QueryForm.model_validate_json(by_picture(images[0].picture, None)).model_copy(update={"k": _ROW + 1})
    weights = {"parts": (0.0, 1.0), "objects": (1.0, 0.0)}.get(row)
    answer, _ = await services.search(form, deadline, picture_weights=weights)
    hits = [hit for hit in answer.hits if hit.record_id != record.record_id][:_ROW]

    def show() -> list[Shown]:
        names = [hit.record_id for hit in hits] if row == "theme" else []
        asked = asked_themes(services.describing, (), [record.record_id]) if names else frozenset()
        return shown_hits(
            services.library, form, hits, language, shared_themes(services.describing, asked, names, language)
        )

    return await services.read(show)


def _borne(services: Services, record_id: str, language: Language) -> list[Borne]:
    return borne(services.describing.one(record_id), services.describing.thesaurus, language)


def _photographs(record: Record, images: list[ImageTold], known: list[Borne], title: str) -> list[Photograph]:
    found = []
    number = 0
    by_path = {image.path: image for image in record.images}
    for image in images:
        places = [(one.box, one.label or "", "catalogue", "") for one in by_path[image.path].regions]
        places += [
            (one.box, one.concept.name, "person", one.who)
            for one in known
            if one.holds and one.who and one.box is not None and one.image == image.path
        ]
        marks = []
        for box, label, by, who in places:
            number += 1
            frame = Frame(image.thumbnail, image.width, image.height, box)
            kept = kept_on_board(record.record_id, title, image.picture, frame)
            marks.append(Mark(number, box, label, by, who, by_picture(image.picture, box), kept))
        frame = Frame(image.thumbnail, image.width, image.height)
        kept = kept_on_board(record.record_id, title, image.picture, frame)
        found.append(Photograph(image, frame, tuple(marks), by_picture(image.picture, None), kept))
    return found


def _by_facet(known: list[Borne]) -> list[tuple[str, list[Borne]]]:
    """What holds, by facet; the facet as it is called."""
    facets: dict[str, list[Borne]] = {}
    for one in known:
        if one.holds:
            name = one.concept.path[0][0] if one.concept.path else one.concept.name
            facets.setdefault(name, []).append(one)
    return list(facets.items())


def _citation(record: Record, title: str, address: str, language: Language) -> str:
    """How to cite a record: title, number, time and place, rights, address, day."""
    today = datetime.now(UTC).date().isoformat()
    told = dict.fromkeys([title, record.record_id, record.culture, record.period, record.rights or record.licence])
    words = words_in(language)["object"]["accessed"].format(today)
    stop = "。" if language == "zh" else ". "
    return stop.join([one for one in told if one] + [f"{address} ({words})"])


def _boxes(marks: tuple[Mark, ...]) -> str:
    """Marks as JSON, for the viewer."""
    told = [{"n": one.number, "label": printable(one.label), **BoxForm.of(one.box).model_dump()} for one in marks]
    return json.dumps(told, ensure_ascii=False)
