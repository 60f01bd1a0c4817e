"""The thesaurus desk: concepts by label in any language, their tree, and pictures of the collection that show them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sherd.catalogue import concepts
from sherd.errors import SherdError, UnknownConcept
from sherd.server.auth import Permission, needs
from sherd.server.named import named
from sherd.server.pages import language_of, page, problem_page
from sherd.server.problems import Refusal
from sherd.server.schemas import QueryForm
from sherd.server.services import Services, Serving
from sherd.server.shown import Frame

router = APIRouter(include_in_schema=False)
_FOUND, _BELOW, _PICTURED = 40, 200, 60
Text = Annotated[str, Query(max_length=200, description="A label in Chinese, English or pinyin.")]


@router.get("/thesaurus", dependencies=[needs(Permission.READ)])
async def thesaurus_page(
    request: Request, services: Serving, search: Text = "", uri: Annotated[str, Query(max_length=2_000)] = ""
) -> Response:
    """The tree of all terms, what a search finds, or one concept."""
    language = language_of(request)
    database = services.library.catalogue.database
    if not await services.read(lambda: bool(concepts.stored_thesauri(database))):
        return page(request, "no_thesaurus.html")
    thesaurus = await services.read(lambda: services.describing.thesaurus)
    try:
        if uri:
            concept = thesaurus.concept(uri)
            below = [named(thesaurus, one, language) for one in thesaurus.narrower(uri)[:_BELOW]]
            pictures = await _pictures(services, [uri, *(one.uri for one in below[:_PICTURED])])
            bearing = await services.read(lambda: services.library.catalogue.live_keys({"concept": (uri,)}).size)
            about = named(thesaurus, uri, language)
            query = QueryForm(text=about.name[:200], where={"concept": [uri]}).short()
            return page(
                request, "concept.html", search=search, concept=concept, about=about, below=below, pictures=pictures,
                bearing=bearing, query=query,
            )  # fmt: skip
        if search.strip():
            rows = await services.read(lambda: concepts.search(database, search.strip(), limit=_FOUND))
            found = [(one, named(thesaurus, one.uri, language)) for one in rows if one.uri in thesaurus]
            pictures = await _pictures(services, [one.uri for one, _ in found])
            return page(request, "thesaurus.html", search=search, found=found, pictures=pictures, tree=None)
    except UnknownConcept:
        return problem_page(request, Refusal("unknown_concept"))
    except (Refusal, SherdError) as error:
        return problem_page(request, error, services.places)
    tops = [one.uri for one in thesaurus if not one.broader]
    tree = [
        (
            named(thesaurus, top, language),
            len(thesaurus.descendants(top)),
            [
                (named(thesaurus, one, language), len(thesaurus.narrower(one)))
                for one in thesaurus.narrower(top)[:_BELOW]
            ],
        )
        for top in tops[:_BELOW]
    ]
    return page(request, "thesaurus.html", search=search, found=None, pictures={}, tree=tree)


async def _pictures(services: Services, uris: list[str]) -> dict[str, tuple[Frame, ...]]:
    """By concept, pictures of the collection that are known to show it; none in a library without pictures."""
    try:
        _, worker = await services.opened()
    except Refusal:
        return {}
    return await services.reviewing.pictures(worker.encoder, uris)
