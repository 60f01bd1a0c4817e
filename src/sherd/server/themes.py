"""Themes that a hit shares with the question: by what the catalogue and people say, for no picture alone shows a theme.

The model tells objects and parts apart, so a theme has no share of a score; it is told beside the shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sherd.search.words import Language
from sherd.server.describing import Describing
from sherd.server.named import Borne, borne
from sherd.types import Understood

FACET = "theme"
Themes = Mapping[str, tuple[str, ...]]
"""Record id -> names of themes."""


def asked_themes(describing: Describing, understood: Sequence[Understood], record_ids: Sequence[str]) -> frozenset[str]:
    """URIs of the themes that a question means by its words, and those of the records whose picture is asked with."""
    thesaurus = describing.thesaurus
    by_words = {one.uri for one in understood if one.uri in thesaurus and thesaurus.concept(one.uri).facet == FACET}
    by_picture = {one.concept.uri for some in _held(describing, record_ids, "en").values() for one in some}
    return frozenset(by_words | by_picture)


def shared_themes(
    describing: Describing, asked: frozenset[str], record_ids: Sequence[str], language: Language
) -> Themes:
    """Of each record the themes that are among those asked for, or are narrower than one of them."""
    if not asked:
        return {}
    return {
        name: tuple(
            one.concept.name for one in some if asked & {one.concept.uri, *(uri for _, uri in one.concept.path)}
        )
        for name, some in _held(describing, record_ids, language).items()
    }


def _held(describing: Describing, record_ids: Sequence[str], language: Language) -> dict[str, list[Borne]]:
    return {
        one.record.record_id: [
            said for said in borne(one, describing.thesaurus, language) if said.holds and said.concept.facet == FACET
        ]
        for one in describing.several(list(dict.fromkeys(record_ids)))
    }
