"""What is known of records already: the terms of the catalogue, read by the thesaurus, and people's decisions.

A person's last word stands above the catalogue's. What the catalogue says counts where a label says it plainly; a near
spelling or a near meaning is no knowledge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sherd.catalogue.standings import Standing
from sherd.thesaurus.linking import Labels, Link, Rule, link
from sherd.types import Box, Record

_PLAIN = (Rule.EXACT, Rule.ALTERNATIVE, Rule.VARIANT)
_MEANT: Mapping[str, str] = {
    "object_type": "type", "materials": "material", "culture": "culture", "period": "culture", "motifs": "motif",
    "themes": "theme", "regions": "motif",
}  # fmt: skip
"""Of concepts that share a label, those of this facet are meant, where there are any."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a concept is seen: a picture (path as in the source), and the box on it if that is known."""

    image: str
    box: Box | None


@dataclass(slots=True)
class Known:
    """What is known of one record in one facet.

    right: URIs that hold -> where, if that is known. wrong: URIs that a person said do not. by_person: URIs of either
    that are a person's word.
    """

    right: dict[str, Place | None] = field(default_factory=dict)
    wrong: set[str] = field(default_factory=set)
    by_person: set[str] = field(default_factory=set)


ByFacet = Mapping[str, Known]
"""Facet -> what is known in it."""


def known_of(records: Iterable[Record], labels: Labels, standings: Iterable[Standing]) -> dict[str, ByFacet]:
    """By record id, by facet: what is known."""
    said: dict[str, list[Standing]] = defaultdict(list)
    for one in standings:
        said[one.record_id].append(one)
    reader = TermReader(labels)
    return {record.record_id: reader.read(record, said.get(record.record_id, ())) for record in records}


class TermReader:
    """Reads records' terms by the labels of a thesaurus; each term is looked up once."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._links: dict[tuple[str, str], list[Link]] = {}

    def read(self, record: Record, said: Iterable[Standing] = ()) -> ByFacet:
        """What the record's terms and the standings about it say."""
        found: dict[str, Known] = defaultdict(Known)
        for _, one, place in self.statements(record):
            kept = found[one.facet].right
            kept[one.uri] = kept.get(one.uri) or place
        for standing in said:
            known = found[standing.facet]
            place = Place(standing.image, standing.box) if standing.image is not None else None
            if standing.holds:
                known.right[standing.concept] = place or known.right.get(standing.concept)
                known.wrong.discard(standing.concept)
            else:
                known.right.pop(standing.concept, None)
                known.wrong.add(standing.concept)
            known.by_person.add(standing.concept)
        return dict(found)

    def statements(self, record: Record) -> Iterator[tuple[str, Link, Place | None]]:
        """(term as written, what it means, where) for each concept that the record's terms mean."""
        for where, term, place in terms_of(record):
            for one in self.links(where, term):
                yield term, one, place

    def links(self, where: str, term: str) -> list[Link]:
        """The concepts that a term of a record's field plainly means."""
        key = where, term
        if key not in self._links:
            plain = [one for one in link(term, self._labels) if one.rule in _PLAIN]
            meant: Callable[[Link], bool] = lambda one: one.facet == _MEANT[where]  # noqa: E731
            by_words: dict[str, list[Link]] = defaultdict(list)
            for one in plain:
                by_words[one.words].append(one)
            self._links[key] = [one for some in by_words.values() for one in (list(filter(meant, some)) or some)]
        return self._links[key]


def terms_of(record: Record) -> Iterator[tuple[str, str, Place | None]]:
    """(field, term, place) of a record; labels of boxes among them."""
    for name in ("object_type", "culture", "period"):
        if value := getattr(record, name):
            yield name, value, None
    for name in ("materials", "motifs", "themes"):
        for value in getattr(record, name):
            yield name, value, None
    for image in record.images:
        for region in image.regions:
            if region.label:
                yield "regions", region.label, Place(image.path, region.box)
