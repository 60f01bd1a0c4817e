"""The collection as a map with terms for place names, and along time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from sherd.errors import SherdError
from sherd.search.words import Language
from sherd.server.auth import Permission, needs
from sherd.server.named import named
from sherd.server.pages import language_of, page, problem_page
from sherd.server.problems import Refusal
from sherd.server.schemas import QueryForm
from sherd.server.services import Services, Serving
from sherd.server.shown import title_in
from sherd.suggest.landscape import Landscape, lay_out, load_landscape, save_landscape
from sherd.suggest.suggest import Suggester
from sherd.thesaurus.linking import link
from sherd.thesaurus.thesaurus import Thesaurus

router = APIRouter(include_in_schema=False)
_CELL = 10
_PERIODS, _EACH = 40, 8
_YEARS = re.compile(r"(\d{1,4})(\s*BC)?\s*(?:-|–|to)\s*(?:about )?(?:AD )?\d{1,4}(\s*BC)?")


@dataclass(frozen=True, slots=True)
class Period:
    """A period of the catalogue: begins in a year (below 0: BC), None where the thesaurus does not say; its note;
    some of its pictures as (sha256, width, height, record id, title)."""

    value: str
    count: int
    year: int | None
    note: str
    query: str
    pictures: tuple[tuple[str, int, int, str, str], ...]


@router.get("/map", dependencies=[needs(Permission.READ)])
async def map_page(request: Request, services: Serving) -> Response:
    """The map that was laid out last, and the timeline."""
    language = language_of(request)
    try:
        _, worker = await services.opened()
        fingerprint = worker.encoder.fingerprint
        found = await services.read(lambda: load_landscape(services.library.folder, fingerprint))
        shown = await services.read(lambda: _shown(services, found, language)) if found is not None else None
        periods = await services.read(lambda: _periods(services, language))
    except (Refusal, SherdError) as error:
        return problem_page(request, error, services.places)
    behind = found is not None and found.generation != services.library.catalogue.generation()
    return page(request, "map.html", land=shown, periods=periods, behind=behind)


@router.post("/map", dependencies=[needs(Permission.DECIDE)])
async def draw_map(request: Request, services: Serving) -> Response:
    """Lays the map out anew, and keeps it in the library."""
    try:
        _, worker = await services.opened()

        def draw(suggester: Suggester) -> None:
            found = lay_out(suggester, services.library.catalogue.generation())
            save_landscape(found, services.library.folder, worker.encoder.fingerprint)

        await services.proposer.use(worker.encoder, draw)
    except (Refusal, SherdError) as error:
        return problem_page(request, error, services.places)
    lang = request.query_params.get("lang")
    return RedirectResponse(f"/map?lang={language_of(request)}" if lang else "/map", 303)


def _shown(services: Services, land: Landscape, language: Language) -> dict[str, Any]:
    """What the template draws, ten units a cell. What is not in the library any more is left out."""
    catalogue = services.library.catalogue
    stored = catalogue.pictures_by_key([one.key for one in land.spots])
    records = catalogue.get_many([one.record_id for one in land.spots])
    titles = {name: title_in(record.titles, language) or name for name, record in records.items()}
    thesaurus = services.describing.thesaurus
    return {
        "width": land.width * _CELL, "height": land.height * _CELL, "cell": _CELL, "pictures": land.pictures,
        "spots": [
            (
                _CELL * one.x, _CELL * one.y, stored[one.key].sha256, one.record_id, titles[one.record_id],
                stored[one.key].width, stored[one.key].height,
            )
            for one in land.spots
            if one.key in stored and one.record_id in titles
        ],
        "names": [
            (_CELL * (one.x + 0.5), _CELL * (one.y + 0.5), place.name, _query_of(place.name, one.uri), one.records)
            for one in land.names
            if one.uri in thesaurus and (place := named(thesaurus, one.uri, language))
        ],
    }  # fmt: skip


def _periods(services: Services, language: Language) -> list[Period]:
    """In the order of their beginnings, as the notes of the thesaurus tell them; those without a year come last."""
    catalogue, thesaurus = services.library.catalogue, services.describing.thesaurus
    found = []
    for one in services.facets.values(most=_PERIODS)["period"]:
        keys = catalogue.live_keys({"period": (one.value,)})[:_EACH]
        stored = catalogue.pictures_by_key(keys.tolist())
        pictures = tuple(
            (stored[key].sha256, stored[key].width, stored[key].height, shown[0].record_id, shown[0].title)
            for key, shown in catalogue.hits_for(keys).items()
            if key in stored
        )
        year, note = _begins(thesaurus, one.value, language)
        query = QueryForm(text=one.value[:200], where={"period": [one.value]}).short()
        found.append(Period(one.value, one.count, year, note, query, pictures))
    return sorted(found, key=lambda one: (one.year is None, one.year or 0, one.value))


def _begins(thesaurus: Thesaurus, value: str, language: Language) -> tuple[int | None, str]:
    """(the year in which a period begins, its note) by the concept that it is called after."""
    for meant in link(value, thesaurus, facets={"culture"}):
        about = named(thesaurus, meant.uri, language)
        year = first_year(named(thesaurus, meant.uri, "en").note)
        if year is not None:
            return year, about.note
    return None, ""


def first_year(note: str) -> int | None:
    """The first year of the first span of years in a note; below 0 for BC; None where there is none.

    >>> first_year("The dynasty of 618-907."), first_year("The later Zhou, 770-256 BC."), first_year("A vessel.")
    (618, -770, None)
    >>> first_year("The empire of 206 BC-AD 220.")
    -206
    >>> first_year("The first half of the Eastern Zhou, 770 to about 476 BC.")
    -770
    """
    found = _YEARS.search(note)
    if found is None:
        return None
    year, before = int(found[1]), bool(found[2] or found[3])
    return -year if before else year


def _query_of(name: str, uri: str) -> str:
    return QueryForm(text=name[:200], where={"concept": [uri]}).short()
