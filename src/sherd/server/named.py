"""What pages say of concepts: their names, ways and meanings in a language, and who says that a record bears them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sherd.errors import UnknownConcept
from sherd.exports.described import Author, Described
from sherd.exports.facts import label_of
from sherd.search.words import Language
from sherd.thesaurus.folding import speaks
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Box, Concept


@dataclass(frozen=True, slots=True)
class Named:
    """A concept as a page shows it. name: in the language of the page; other: in the other one, '' where that is the
    same or unknown. path: names and URIs from the top of its facet down to what is right above it. note: what it means,
    '' where nobody says."""

    uri: str
    name: str
    other: str
    path: tuple[tuple[str, str], ...]
    note: str
    facet: str


@dataclass(frozen=True, slots=True)
class Borne:
    """That a record bears a concept, or does not. written: the catalogue's own term; who, at, number: of a person's
    decision. image, box: where."""

    concept: Named
    holds: bool
    written: str = ""
    who: str = ""
    at: str = ""
    number: int | None = None
    image: str | None = None
    box: Box | None = None


def borne(one: Described, thesaurus: Thesaurus, language: Language) -> list[Borne]:
    """What the catalogue and people say that a record bears, by facet.

    A person's word stands above the catalogue's: a concept that both say is told once, as the person's, with the term
    as written.
    """
    found: dict[str, Borne] = {}
    for said in one.by(Author.CATALOGUE):
        uri = said.concept.uri
        if uri not in found or (said.box is not None and found[uri].box is None):
            found[uri] = Borne(
                named(thesaurus, uri, language), True, written=said.label, image=said.image, box=said.box
            )
    for said in one.by(Author.PERSON):
        uri = said.concept.uri
        before = found.pop(uri, None)
        found[uri] = Borne(
            named(thesaurus, uri, language), said.holds, before.written if before else "", said.who, said.at,
            said.number, said.image, said.box,
        )  # fmt: skip
    return sorted(found.values(), key=lambda some: (not some.holds, some.concept.facet))


def named(thesaurus: Thesaurus, uri: str, language: Language) -> Named:
    """A concept in a language; one that is unknown is named by its URI."""
    try:
        concept = thesaurus.concept(uri)
    except UnknownConcept:
        return Named(uri, uri, "", (), "", "")
    name = label_of(concept, language)
    other = label_of(concept, "en" if language == "zh" else "zh")
    above: list[tuple[str, str]] = []
    at, seen = concept, {uri}
    while at.broader and at.broader[0] not in seen:
        at = thesaurus.concept(at.broader[0])
        seen.add(at.uri)
        above.append((label_of(at, language), at.uri))
    return Named(
        uri,
        name,
        "" if other == name else other,
        tuple(reversed(above)),
        note_of(concept, language),
        concept.facet or "",
    )


def note_of(concept: Concept, language: Language) -> str:
    """What a concept means, in the language or in another; '' where nobody says.

    >>> note_of(Concept("urn:a", scope_notes={"en": "A vessel.", "zh-Hans": "器物。"}), "zh")
    '器物。'
    """
    notes: Mapping[str, str] = concept.scope_notes
    spoken: Sequence[str] = [note for tag, note in notes.items() if speaks(tag, language)]
    return spoken[0] if spoken else next(iter(notes.values()), "")
