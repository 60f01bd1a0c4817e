"""Concepts of the library's thesauri."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from sherd.catalogue import concepts
from sherd.server.auth import Permission, needs
from sherd.server.schemas import (
    ConceptLine,
    ConceptLines,
    ConceptName,
    ConceptTold,
    ThesauriTold,
    ThesaurusTold,
    problems,
)
from sherd.server.services import Services, Serving

router = APIRouter(prefix="/api/v1", tags=["thesaurus"])
_MOST_NARROWER = 500


@router.get("/thesauri", response_model=ThesauriTold, responses=problems(), dependencies=[needs(Permission.READ)])
async def list_thesauri(services: Serving) -> ThesauriTold:
    """The thesauri of the library."""
    found = await services.read(lambda: concepts.stored_thesauri(services.library.catalogue.database))
    return ThesauriTold(
        thesauri=[
            ThesaurusTold(name=one.name, imported=one.imported, concepts=one.concepts, labels=one.labels)
            for one in found
        ]
    )


@router.get("/concepts", response_model=ConceptLines, responses=problems(), dependencies=[needs(Permission.READ)])
async def find_concepts(
    services: Serving,
    search: Annotated[str, Query(min_length=1, max_length=200, description="A label in Chinese, English or pinyin.")],
    language: Annotated[str | None, Query(pattern="^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=35)] = None,
    facet: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> ConceptLines:
    """Concepts by label: those called so first, then labels that begin so, then those with the words in them."""
    database = services.library.catalogue.database

    def find() -> list[ConceptLine]:
        found = concepts.search(database, search, language=language, facet=facet, limit=limit)
        whole = concepts.get_many(database, [one.uri for one in found])
        return [
            ConceptLine(
                uri=one.uri, label=one.label, language=one.language, preferred=one.preferred, facet=one.facet,
                how=one.how, labels=dict(whole[one.uri].pref_labels),
            )
            for one in found
        ]  # fmt: skip

    return ConceptLines(concepts=await services.read(find))


@router.get("/concept", response_model=ConceptTold, responses=problems(404), dependencies=[needs(Permission.READ)])
async def get_concept(
    services: Serving, uri: Annotated[str, Query(min_length=1, max_length=2_000, description="Its URI.")]
) -> ConceptTold:
    """One concept: its labels, what it means, what is above it and right below it."""
    return await services.read(lambda: _concept(services, uri))


def _concept(services: Services, uri: str) -> ConceptTold:
    database = services.library.catalogue.database
    one = concepts.concept(database, uri)
    above = [name for name, _ in concepts.ancestors(database, uri)]
    below = [name for name, _ in concepts.descendants(database, uri, steps=1)][:_MOST_NARROWER]
    named = concepts.get_many(database, list(dict.fromkeys([*above, *below])))

    def name(other: str) -> ConceptName:
        return ConceptName(uri=other, labels=dict(named[other].pref_labels))

    return ConceptTold(
        uri=one.uri,
        facet=one.facet,
        notation=one.notation,
        labels=dict(one.pref_labels),
        other_labels={tag: list(labels) for tag, labels in one.alt_labels.items()},
        notes=dict(one.scope_notes),
        matches={kind: list(uris) for kind, uris in one.matches.items()},
        broader=[name(other) for other in above],
        narrower=[name(other) for other in below],
    )
