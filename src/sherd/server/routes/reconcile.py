"""Reconciliation Service API 0.2: names in somebody's table are matched to concepts of the thesaurus."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from sherd.exports.described import ExportSettings
from sherd.search.concept_search import find_concepts
from sherd.search.reconcile import Candidate, language_of, name_of, reconcile, values_of, way_to
from sherd.search.words import printable
from sherd.server.addresses import base_of
from sherd.server.auth import Permission, needs
from sherd.server.cross_origin import framing
from sherd.server.pages import environment
from sherd.server.previews import preview
from sherd.server.problems import Refusal
from sherd.server.reconciling import (
    MOST_CANDIDATES,
    ExtendForm,
    Json,
    ReconcileForm,
    manifest_of,
    properties_of,
    read_batch,
    read_extension,
    told_value,
    types_of,
)
from sherd.server.schemas import problems
from sherd.server.services import Services, Serving
from sherd.thesaurus.folding import fold_label
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import MAX_QUERY_CHARS, Concept

router = APIRouter(prefix="/reconcile", tags=["reconcile"])
READ = [needs(Permission.READ)]
_PAGE = 20
_WORD = re.compile(r"\w+")
_MOST_SKIPPED = 900


class Language(StrEnum):
    """In which concepts are named; `any` is that of what is asked."""

    ANY = "any"
    EN = "en"
    ZH = "zh"


Batch = Annotated[str | None, Query(description="A batch of queries, as JSON.")]
Extension = Annotated[str | None, Query(description="Concepts, and properties to tell of them, as JSON.")]
BatchField = Annotated[str | None, Form(description="A batch of queries, as JSON.")]
ExtensionField = Annotated[str | None, Form(description="Concepts, and properties to tell of them, as JSON.")]
Prefix = Annotated[str, Query(max_length=MAX_QUERY_CHARS, description="What was typed.")]
Cursor = Annotated[int, Query(ge=0, le=_MOST_SKIPPED, description="Suggestions to skip.")]
Uri = Annotated[str, Query(min_length=1, max_length=2_000, description="URI of a concept.")]


@router.get("", responses=problems(404), dependencies=READ)
async def reconcile_service(
    request: Request, services: Serving, queries: Batch = None, extend: Extension = None
) -> JSONResponse:
    """The service describes itself; with `queries` or `extend` it answers them."""
    return await _answer(request, services, Language.ANY, queries, extend)


@router.post("", responses=problems(404), dependencies=READ)
async def reconcile_names(
    request: Request, services: Serving, queries: BatchField = None, extend: ExtensionField = None
) -> JSONResponse:
    """Candidates for each query of a batch, or values of properties of concepts. It changes nothing."""
    return await _answer(request, services, Language.ANY, queries, extend)


@router.get("/{language}", responses=problems(404), dependencies=READ)
async def reconcile_service_in(
    request: Request, services: Serving, language: Language, queries: Batch = None, extend: Extension = None
) -> JSONResponse:
    """The same in one language."""
    return await _answer(request, services, language, queries, extend)


@router.post("/{language}", responses=problems(404), dependencies=READ)
async def reconcile_names_in(
    request: Request,
    services: Serving,
    language: Language,
    queries: BatchField = None,
    extend: ExtensionField = None,
) -> JSONResponse:
    """The same in one language."""
    return await _answer(request, services, language, queries, extend)


@router.get("/{language}/suggest/entity", responses=problems(), dependencies=READ)
async def suggest_concepts(services: Serving, language: Language, prefix: Prefix, cursor: Cursor = 0) -> JSONResponse:
    """Concepts whose names begin so."""

    def find() -> list[Json]:
        thesaurus = services.describing.thesaurus
        if prefix in thesaurus:
            found = [thesaurus.concept(prefix)]
        else:
            named = find_concepts(services.library.catalogue.database, prefix, limit=cursor + _PAGE)
            found = [thesaurus.concept(one.uri) for one in named if one.uri in thesaurus]
        told = _language(language, prefix)
        return [_suggestion(one, thesaurus, told) for one in found[cursor : cursor + _PAGE]]

    return JSONResponse({"result": await services.read(find)})


@router.get("/{language}/suggest/type", responses=problems(), dependencies=READ)
async def suggest_types(services: Serving, language: Language, prefix: Prefix, cursor: Cursor = 0) -> JSONResponse:
    """Facets whose names begin so."""
    types = await services.read(lambda: types_of(services.describing.thesaurus, _language(language, prefix)))
    return _beginning(types, prefix, cursor)


@router.get("/{language}/suggest/property", responses=problems(), dependencies=READ)
async def suggest_properties(language: Language, prefix: Prefix, cursor: Cursor = 0) -> JSONResponse:
    """Properties whose names begin so."""
    return _beginning(properties_of(_language(language, prefix)), prefix, cursor)


@router.get("/{language}/properties", responses=problems(), dependencies=READ)
async def propose_properties(
    language: Language,
    type: Annotated[str, Query(max_length=2_000)] = "",
    limit: Annotated[int | None, Query(ge=1, le=1_000)] = None,
) -> JSONResponse:
    """Properties that can be told of concepts; they are the same for all types."""
    told: Json = {"type": type, "properties": properties_of(_language(language, type))[:limit]}
    return JSONResponse(told | ({"limit": limit} if limit is not None else {}))


@router.get("/{language}/preview", responses=problems(404), response_class=HTMLResponse, dependencies=READ)
async def preview_concept(services: Serving, language: Language, id: Uri) -> Response:
    """A small page about a concept: what it means, and what it looks like in this collection."""
    html = await _preview(services, language, id)
    policy = f"default-src 'none'; img-src data:; style-src 'self'; frame-ancestors {framing(services.settings)}"
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


@router.get("/{language}/flyout", responses=problems(404), dependencies=READ)
async def concept_flyout(services: Serving, language: Language, id: Uri) -> JSONResponse:
    """Name and definition of a concept, as HTML within JSON."""
    shown = await services.read(lambda: preview(services.library, services.describing, id, _language(language, "")))
    html = environment.from_string("<b>{{ name }}</b> {{ definition }}").render(
        name=printable(shown.name), definition=printable(shown.definition)
    )
    return JSONResponse({"id": id, "html": html})


async def _answer(
    request: Request, services: Services, language: Language, queries: str | None, extend: str | None
) -> JSONResponse:
    if queries is not None:
        batch = read_batch(queries)
        return JSONResponse(await services.read(lambda: _results(services, batch, language)))
    if extend is not None:
        asked = read_extension(extend)
        return JSONResponse(await services.read(lambda: _extended(services, asked, language)))
    if request.method == "POST":
        raise Refusal("invalid_request", "send `queries` or `extend` in a form")
    told = language.value
    manifest = await services.read(
        lambda: manifest_of(
            base_of(request), told, services.settings.title, services.describing.thesaurus, ExportSettings().software
        )
    )
    return JSONResponse(manifest)


def _results(services: Services, batch: dict[str, ReconcileForm], language: Language) -> Json:
    database, thesaurus = services.library.catalogue.database, services.describing.thesaurus
    told: Json = {}
    for key, asked in batch.items():
        found = reconcile(
            database,
            thesaurus,
            asked.query or "",
            types=asked.types,
            wanted=[one.wanted() for one in asked.properties],
            limit=max(1, int(min(asked.limit, MOST_CANDIDATES))),
        )
        named_in = _language(language, asked.query or "")
        told[key] = {"result": [_candidate(one, thesaurus, named_in) for one in found]}
    return told


def _candidate(one: Candidate, thesaurus: Thesaurus, language: str) -> Json:
    return {
        "id": one.concept.uri, "name": name_of(one.concept, language), "score": one.score, "match": one.certain,
        "description": _description(one.concept, thesaurus, language), "type": _types(one.concept, thesaurus, language),
        "features": [{"id": name, "value": value} for name, value in one.features.items()],
    }  # fmt: skip


def _suggestion(one: Concept, thesaurus: Thesaurus, language: str) -> Json:
    return {
        "id": one.uri, "name": name_of(one, language), "description": _description(one, thesaurus, language),
        "notable": _types(one, thesaurus, language),
    }  # fmt: skip


def _types(one: Concept, thesaurus: Thesaurus, language: str) -> list[Json]:
    return [type_ for type_ in types_of(thesaurus, language) if type_["id"] == one.facet]


def _description(one: Concept, thesaurus: Thesaurus, language: str) -> str:
    return " › ".join(way_to(one, thesaurus, language))


def _extended(services: Services, asked: ExtendForm, language: Language) -> Json:
    thesaurus = services.describing.thesaurus
    told = _language(language, "")
    names = {one["id"]: one["name"] for one in properties_of(told)}
    unknown = [one.id for one in asked.properties if one.id not in names]
    if unknown:
        raise Refusal("invalid_argument", f"there is no property {unknown[0][:60]!r}; there are {', '.join(names)}")
    rows: Json = {}
    for uri in asked.ids:
        concept = thesaurus.concept(uri) if uri in thesaurus else None
        rows[uri] = {
            one.id: [
                told_value(value, told)
                for value in ((values_of(concept, one.id, thesaurus) or []) if concept is not None else [])[: one.most]
            ]
            for one in asked.properties
        }
    return {"meta": [{"id": one.id, "name": names[one.id]} for one in asked.properties], "rows": rows}


async def _preview(services: Services, language: Language, uri: str) -> str:
    told = _language(language, "")
    shown = await services.read(lambda: preview(services.library, services.describing, uri, told))
    template = environment.get_template("concept_preview.html")
    return template.render(shown=shown, tag="zh-Hans" if told == "zh" else "en", clean=printable)


def _beginning(things: Sequence[Json], prefix: str, cursor: int) -> JSONResponse:
    """Those whose name, or a word of it, or whose identifier begins so."""
    wanted = fold_label(prefix)

    def begins(one: Json) -> bool:
        name = fold_label(one["name"])
        return any(part.startswith(wanted) for part in (name, *_WORD.findall(name), fold_label(one["id"])))

    return JSONResponse({"result": [one for one in things if begins(one)][cursor : cursor + _PAGE]})


def _language(language: Language, text: str) -> str:
    return language_of(text) if language is Language.ANY else language.value
