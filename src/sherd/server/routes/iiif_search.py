"""IIIF Content Search 2, in the collection and in each manifest, and terms to ask for."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sherd.exports.described import Described
from sherd.exports.facts import facts
from sherd.exports.iiif_search import CONTEXT, DATES, Asked, answer_page, pages_of, term_page
from sherd.search.concept_search import find_concepts
from sherd.server.addresses import with_parameters
from sherd.server.answering import answers
from sherd.server.auth import Permission, needs
from sherd.server.iiif_places import SEARCH_SERVICE, Json, places_of
from sherd.server.json_ld import MEDIA_TYPE, content, json_ld
from sherd.server.problems import Refusal
from sherd.server.routes.iiif import ANSWERS, RecordPath, shown
from sherd.server.schemas import problems
from sherd.server.services import Deadline, Services, Serving
from sherd.thesaurus.check import labels_of
from sherd.thesaurus.folding import fold_tagged
from sherd.types import MAX_QUERY_CHARS

router = APIRouter(prefix="/iiif", tags=["iiif"])
_MOST_TERMS = 20
_FOUND = content(MEDIA_TYPE, "application/json") | problems(404)
Words = Annotated[str, Query(max_length=MAX_QUERY_CHARS, description="Words that must all be there; what to look for.")]
Several = Annotated[str, Query(max_length=MAX_QUERY_CHARS)]
Dates = Annotated[
    str,
    Query(
        max_length=MAX_QUERY_CHARS, pattern=DATES, description="Ranges of time: from/until.",
        examples=["2026-01-01T00:00:00Z/2026-12-31T23:59:59Z"],
    ),
]  # fmt: skip
Page = Annotated[int, Query(ge=1, le=1_000_000)]
Beginning = Annotated[str, Query(max_length=200, description="The beginning of a term.")]
Least = Annotated[int | None, Query(ge=0, le=1_000_000, description="Times that a term must be there.")]


@router.get("/search", responses=_FOUND, response_class=Response, dependencies=[needs(Permission.READ)])
async def iiif_search(
    request: Request,
    services: Serving,
    deadline: Deadline,
    q: Words = "",
    motivation: Several = "",
    user: Several = "",
    date: Dates = "",
    page: Page = 1,
) -> Response:
    """Annotations of the whole collection: those with the words, then places that look like what is asked for."""
    return await _search(request, services, deadline, None, (q, motivation, user, date), page)


@router.get(
    "/manifest/{record}/search", responses=ANSWERS, response_class=Response, dependencies=[needs(Permission.READ)]
)
async def iiif_search_within(
    request: Request,
    services: Serving,
    deadline: Deadline,
    record: RecordPath,
    q: Words = "",
    motivation: Several = "",
    user: Several = "",
    date: Dates = "",
    page: Page = 1,
) -> Response:
    """Annotations of one record: those with the words, and where it looks like what is asked for."""
    described = await services.read(lambda: shown(services, record))
    return await _search(request, services, deadline, described, (q, motivation, user, date), page)


@router.get("/terms", responses=_FOUND, response_class=Response, dependencies=[needs(Permission.READ)])
async def iiif_terms(
    request: Request, services: Serving, q: Beginning, min: Least = None, motivation: Several = "", user: Several = "",
    date: Dates = "",
) -> Response:  # fmt: skip
    """Labels of the thesaurus that begin so."""
    places = places_of(request)
    database = services.library.catalogue.database
    found = await services.read(lambda: find_concepts(database, q, limit=_MOST_TERMS))
    terms = [_term(one.label, one.language, places.search(None)) for one in found if one.how in ("exact", "prefix")]
    ignored = [
        name for name, given in (("min", min), ("motivation", motivation), ("user", user), ("date", date)) if given
    ]
    return json_ld(request, term_page(with_parameters(places.terms(None), q=q), terms, ignored), CONTEXT)


@router.get(
    "/manifest/{record}/terms", responses=ANSWERS, response_class=Response, dependencies=[needs(Permission.READ)]
)
async def iiif_terms_within(
    request: Request, services: Serving, record: RecordPath, q: Beginning, min: Least = None, motivation: Several = "",
    user: Several = "", date: Dates = "",
) -> Response:  # fmt: skip
    """Labels that begin so of what is said of one record, with how often it is said."""
    places = places_of(request)
    described = await services.read(lambda: shown(services, record))
    counted = await services.read(lambda: _labels(described, q))
    terms = [
        _term(label, tag, places.search(described.record.record_id)) | {"total": total}
        for (label, tag), total in counted.items()
        if total >= (min or 1)
    ]
    ignored = [name for name, given in (("motivation", motivation), ("user", user), ("date", date)) if given]
    address = with_parameters(places.terms(described.record.record_id), q=q, min=min)
    return json_ld(request, term_page(address, terms[:_MOST_TERMS], ignored), CONTEXT)


async def _search(
    request: Request,
    services: Services,
    deadline: float,
    described: Described | None,
    given: tuple[str, str, str, str],
    number: int,
) -> Response:
    places = places_of(request)
    asked = Asked.of(*given)
    base = places.search(described.record.record_id if described is not None else None)
    parameters = dict(zip(("q", "motivation", "user", "date"), given, strict=True))
    found = await answers(services, places, given[0].strip(), asked, described, deadline)

    if number > pages_of(found):
        raise Refusal("not_found")

    def address(page: int | None) -> str:
        return with_parameters(base, **parameters, page=page)

    return json_ld(request, answer_page(address, found, number), CONTEXT)


def _labels(described: Described, beginning: str) -> Counter[tuple[str, str]]:
    """(label, language) -> in how many statements, most often first."""
    found: Counter[tuple[str, str]] = Counter()
    for said in facts(described):
        for tag, label, preferred in labels_of(said.concept):
            if preferred and fold_tagged(label, tag).startswith(fold_tagged(beginning, tag)):
                found[label, tag] += 1
    return Counter(dict(found.most_common()))


def _term(label: str, tag: str, search: str) -> Json:
    known = tag not in ("", "und")
    service = {"id": with_parameters(search, q=label), "type": SEARCH_SERVICE}
    return {"value": label, "service": [service]} | ({"language": tag} if known else {})
