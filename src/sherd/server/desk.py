"""What pages say of concepts: their names, ways and meanings in a language, from the thesauri kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sherd.catalogue import decisions
from sherd.catalogue.concepts import stored_thesauri
from sherd.catalogue.standings import standings
from sherd.errors import UnknownConcept
from sherd.exports.facts import label_of
from sherd.ingest.library import Library
from sherd.search.words import Language
from sherd.suggest.known import TermReader
from sherd.suggest.suggest import thesaurus_of
from sherd.thesaurus.folding import speaks
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Box, Concept, Record


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


class Desk:
    """Reads the thesauri of a library once, and again when one has come in. For any number of threads."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._state: tuple[tuple[str, str, int], ...] | None = None
        self._thesaurus: Thesaurus | None = None
        self._reader: TermReader | None = None

    @property
    def has_own(self) -> bool:
        """Whether the library has a thesaurus; without one nothing can be decided."""
        return bool(stored_thesauri(self._library.catalogue.database))

    @property
    def thesaurus(self) -> Thesaurus:
        """The thesauri of the library as one; Sherd's own where it has none."""
        return self._current()[0]

    def _current(self) -> tuple[Thesaurus, TermReader]:
        with self._lock:
            stored = stored_thesauri(self._library.catalogue.database)
            state = tuple((one.name, one.imported, one.concepts) for one in stored)
            if self._thesaurus is None or self._reader is None or state != self._state:
                self._thesaurus = thesaurus_of(self._library)
                self._reader = TermReader(self._thesaurus)
                self._state = state
            return self._thesaurus, self._reader

    def named(self, uri: str, language: Language) -> Named:
        """A concept in a language; one that is unknown is named by its URI."""
        return named(self.thesaurus, uri, language)

    def borne(self, record: Record, language: Language) -> list[Borne]:
        """What the catalogue and people say that a record bears, by facet.

        A person's word stands above the catalogue's: a concept that both say is told once, as the person's, with the
        term as written.
        """
        thesaurus, reader = self._current()
        found: dict[str, Borne] = {}
        for written, link, place in reader.statements(record):
            image, box = (place.image, place.box) if place is not None else (None, None)
            if link.uri not in found or (box is not None and found[link.uri].box is None):
                found[link.uri] = Borne(
                    named(thesaurus, link.uri, language), True, written=written, image=image, box=box
                )
        kept = decisions.about(self._library.catalogue.database, [record.record_id])
        for said in standings(kept.get(record.record_id, ())):
            before = found.pop(said.concept, None)
            found[said.concept] = Borne(
                named(thesaurus, said.concept, language), said.holds, before.written if before else "", said.who,
                said.at, said.number, said.image, said.box,
            )  # fmt: skip
        return sorted(found.values(), key=lambda one: (not one.holds, one.concept.facet))


def named(thesaurus: Thesaurus, uri: str, language: Language) -> Named:
    """See `Desk.named`."""
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
