"""IIIF Content Search 2, in the collection and in each manifest, and terms to ask for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """The parameters of a Content Search."""

    q: str
    motivation: str
    user: str
    date: str
    page: int

    @classmethod
    async def of(
        cls, q: Words = "", motivation: Several = "", user: Several = "", date: Dates = "", page: Page = 1
    ) -> Wanted:
        """As the address gives them."""
        return cls(q, motivation, user, date, page)

    @property
    def parameters(self) -> dict[str, str]:
        """All but the page, by name."""
        return {"q": self.q, "motivation": self.motivation, "user": self.user, "date": self.date}


@dataclass(frozen=True, slots=True)
class Begun:
    """The parameters of a request for terms."""

    q: str
    min: int | None
    motivation: str
    user: str
    date: str

    @classmethod
    async def of(
        cls, q: Beginning, min: Least = None, motivation: Several = "", user: Several = "", date: Dates = ""
    ) -> Begun:
        """As the address gives them."""
        return cls(q, min, motivation, user, date)

    def given(self, *names: str) -> list[str]:
        """Those of these that the address has."""
        return [name for name in names if getattr(self, name)]


Searched = Annotated[Wanted, Depends(Wanted.of)]
Sought = Annotated[Begun, Depends(Begun.of)]
Beginning = Annotated[str, Query(max_length=200, description="The beginning of a term.")]
Least = Annotated[int | None, Query(ge=0, le=1_000_000, description="Times that a term must be there.")]


@router.get("/search", responses=_FOUND, response_class=Response, dependencies=[needs(Permission.READ)])
async def iiif_search(request: Request, services: Serving, deadline: Deadline, wanted: Searched) -> Response:
    """Annotations of the whole collection: those with the words, then places that look like what is asked for."""
    return await _search(request, services, deadline, None, wanted)


@router.get(
    "/manifest/{record}/search", responses=ANSWERS, response_class=Response, dependencies=[needs(Permission.READ)]
)
async def iiif_search_within(
    request: Request, services: Serving, deadline: Deadline, record: RecordPath, wanted: Searched
) -> Response:
    """Annotations of one record: those with the words, and where it looks like what is asked for."""
    described = await services.read(lambda: shown(services, record))
    return await _search(request, services, deadline, described, wanted)


@router.get("/terms", responses=_FOUND, response_class=Response, dependencies=[needs(Permission.READ)])
async def iiif_terms(request: Request, services: Serving, sought: Sought) -> Response:
    """Labels of the thesaurus that begin so."""
    places = places_of(request)
    database = services.library.catalogue.database
    found = await services.read(lambda: find_concepts(database, sought.q, limit=_MOST_TERMS))
    terms = [_term(one.label, one.language, places.search(None)) for one in found if one.how in ("exact", "prefix")]
    ignored = sought.given("min", "motivation", "user", "date")
    return json_ld(request, term_page(with_parameters(places.terms(None), q=sought.q), terms, ignored), CONTEXT)


@router.get(
    "/manifest/{record}/terms", responses=ANSWERS, response_class=Response, dependencies=[needs(Permission.READ)]
)
async def iiif_terms_within(request: Request, services: Serving, record: RecordPath, sought: Sought) -> Response:
    """Labels that begin so of what is said of one record, with how often it is said."""
    places = places_of(request)
    described = await services.read(lambda: shown(services, record))
    counted = await services.read(lambda: _labels(described, sought.q))
    terms = [
        _term(label, tag, places.search(described.record.record_id)) | {"total": total}
        for (label, tag), total in counted.items()
        if total >= (sought.min or 1)
    ]
    ignored = sought.given("motivation", "user", "date")
    address = with_parameters(places.terms(described.record.record_id), q=sought.q, min=sought.min)
    return json_ld(request, term_page(address, terms[:_MOST_TERMS], ignored), CONTEXT)


async def _search(
    request: Request, services: Services, deadline: float, described: Described | None, wanted: Wanted
) -> Response:
    places = places_of(request)
    asked = Asked.of(wanted.q, wanted.motivation, wanted.user, wanted.date)
    base = places.search(described.record.record_id if described is not None else None)
    found = await answers(services, places, wanted.q.strip(), asked, described, deadline)

    if wanted.page > pages_of(found):
        raise Refusal("not_found")

    def address(page: int | None) -> str:
        return with_parameters(base, **wanted.parameters, page=page)

    return json_ld(request, answer_page(address, found, wanted.page), CONTEXT)


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
