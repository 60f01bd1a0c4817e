"""A library's records with all that is said of them and by whom: what every export is made from.

A machine's word and a person's word are never mixed up: each statement has its author, and only a person's, or the
catalogue's own, is a fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from sherd.catalogue import decisions
from sherd.catalogue.catalogue import StoredPicture
from sherd.catalogue.decisions import Kept
from sherd.catalogue.lookup import originals
from sherd.catalogue.standings import standings
from sherd.ingest.library import Library
from sherd.suggest.known import TermReader
from sherd.suggest.suggest import Suggester, thesaurus_of
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Box, Concept, Proposal, Record

_PAGE = 500


class Author(StrEnum):
    """Whose word a statement is."""

    CATALOGUE = "catalogue"
    PERSON = "person"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Statement:
    """That a record bears a concept, and who says so.

    holds: False where a person refused it. label: as the catalogue wrote it, for its own statements. image, box: where,
    if that is said. who, at: of a person's (UTC, ISO 8601). probability, model: of a machine's, the model as the
    encoder's name and fingerprint. number: of the decision.
    """

    concept: Concept
    facet: str
    author: Author
    holds: bool = True
    label: str = ""
    image: str | None = None
    box: Box | None = None
    who: str = ""
    at: str = ""
    probability: float | None = None
    model: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of a record: path as in the source, upright size in pixels, SHA-256 of its file."""

    path: str
    width: int
    height: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Described:
    """A record, its pictures in their order, and what is said of it: the catalogue, then people, then the machine."""

    record: Record
    shots: tuple[Shot, ...]
    statements: tuple[Statement, ...]

    def by(self, author: Author) -> tuple[Statement, ...]:
        """The statements of one kind of author."""
        return tuple(one for one in self.statements if one.author is author)


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """base: URI that identifiers are made under, ending in a slash. name: of the collection. software: what writes."""

    base: str = "urn:sherd:export/"
    name: str = "Sherd collection"
    software: str = f"Sherd {version('sherd')}"


def describe(
    library: Library, records: Sequence[str] | None = None, *, suggester: Suggester | None = None
) -> Iterator[Described]:
    """Records of a library, all in the order of their ids or those named, with what is said of them.

    Args:
        suggester: of this library, for a machine's statements too; None leaves them out. What has no probability, or
            what people have decided about, is not among them.
    """
    thesaurus = suggester.thesaurus if suggester is not None else thesaurus_of(library)
    describer = Describer(library, thesaurus)
    names = iter(records if records is not None else library.catalogue.record_ids())
    while some := list(islice(names, _PAGE)):
        proposed = None
        if suggester is not None:
            shown = library.catalogue.keys_of(some)
            proposed = suggester.propose([name for name in some if shown.get(name)])
        yield from describer.describe(some, proposed)


class Describer:
    """What `describe` gives of a few records at a time, for one state of the thesauri of a library.

    Args:
        thesaurus: of the library, as `thesaurus_of` gives it.
    """

    def __init__(self, library: Library, thesaurus: Thesaurus) -> None:
        self._library, self.thesaurus = library, thesaurus
        self._reader = TermReader(thesaurus)

    def describe(
        self, records: Sequence[str], proposed: Mapping[str, Sequence[Proposal]] | None = None
    ) -> Iterator[Described]:
        """Some records, in this order; those that are unknown are left out.

        Args:
            proposed: by record, what a machine proposes.
        """
        catalogue = self._library.catalogue
        found = catalogue.get_many(records)
        kept = decisions.about(catalogue.database, records)
        pictures = _pictures(self._library, records)
        model = f"{catalogue.encoder_name()} {catalogue.encoder_fingerprint()}"
        for name in (name for name in records if name in found):
            said = [
                *self._by_catalogue(found[name]),
                *self._by_people(kept.get(name, ())),
                *self._by_machine((proposed or {}).get(name, ()), model),
            ]
            yield Described(found[name], tuple(pictures.get(name, ())), tuple(said))

    def _by_catalogue(self, record: Record) -> Iterator[Statement]:
        for label, one, place in self._reader.statements(record):
            image, box = (place.image, place.box) if place is not None else (None, None)
            concept = self.thesaurus.concept(one.uri)
            yield Statement(concept, one.facet, Author.CATALOGUE, label=label, image=image, box=box)

    def _by_people(self, kept: Sequence[Kept]) -> Iterator[Statement]:
        for one in standings(kept):
            if one.concept in self.thesaurus:
                yield Statement(
                    self.thesaurus.concept(one.concept), one.facet, Author.PERSON, one.holds, image=one.image,
                    box=one.box, who=one.who, at=one.at, number=one.number,
                )  # fmt: skip

    def _by_machine(self, proposed: Sequence[Proposal], model: str) -> Iterator[Statement]:
        for one in (one for proposal in proposed for one in proposal.suggestions if one.probability is not None):
            yield Statement(
                self.thesaurus.concept(one.concept), one.facet, Author.MACHINE, image=one.image,
                box=one.region.box if one.region is not None else None, probability=one.probability, model=model,
            )  # fmt: skip


def originals_of(library: Library) -> Callable[[Shot], Path | None]:
    """Gives the file of a picture as its source has it; None where it is not there any more."""

    def original(shot: Shot) -> Path | None:
        stored = library.catalogue.pictures_by_sha256([shot.sha256]).get(shot.sha256)
        if stored is None:
            return None
        with library.catalogue.database.read() as connection:
            places = originals(connection, [stored.key]).get(stored.key, [])
        files = (Path(one.root) / one.path for one in places)
        return next((file for file in files if file.is_file()), None)

    return original


def _pictures(library: Library, records: Sequence[str]) -> dict[str, list[Shot]]:
    keys = library.catalogue.keys_of(records)
    stored: dict[int, StoredPicture] = library.catalogue.pictures_by_key(
        sorted({key for some in keys.values() for key, _ in some})
    )
    return {
        name: [Shot(path, stored[key].width, stored[key].height, stored[key].sha256) for key, path in some]
        for name, some in keys.items()
    }
