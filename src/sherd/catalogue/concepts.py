"""Concepts in a library: by URI, notation or label, and what is above and below them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, select

from sherd.catalogue import lexical
from sherd.catalogue.database import Database
from sherd.catalogue.fulltext import full_text
from sherd.catalogue.schema import concept_closure, concept_labels, concepts, thesauri
from sherd.errors import InvalidArgument, UnknownConcept
from sherd.thesaurus.check import labels_of
from sherd.thesaurus.folding import fold_label, fold_pinyin
from sherd.thesaurus.iconclass import base_notation
from sherd.thesaurus.linking import PLAIN, Named, link
from sherd.types import Concept, Understood

MAX_LIMIT = 1_000
_CHUNK = 900
_LAST = "\U0010ffff"
_PER_CONCEPT = 8
"""Labels read for each concept that is asked for: a concept has several, and is told once."""
_AT_LEAST = 200
"""Labels read at least, so that the short ones among them can be told first."""
_MAX_NEAR = 4_000
_MOST_NARROWER = 20
"""Narrower concepts whose names widen a search; the nearest."""
ENDS = 24
"""Characters of `head` and `tail` of a label."""


@dataclass(frozen=True, slots=True)
class Found:
    """A concept by one of its labels. `how`: 'exact', 'prefix' (the label begins so), 'words' (it has all the words) or
    'near' (one character is more, less, another, or changed places with the next)."""

    uri: str
    label: str
    language: str
    preferred: bool
    facet: str
    how: str


@dataclass(frozen=True, slots=True)
class StoredThesaurus:
    """One thesaurus of a library. `report`: what `sherd.thesaurus.check` said of it when it came in, as JSON data."""

    name: str
    imported: str
    concepts: int
    labels: int
    report: dict[str, Any]


def stored_thesauri(database: Database) -> list[StoredThesaurus]:
    """The thesauri of a library, in the order in which they first came in."""
    with database.read() as connection:
        rows = connection.execute(select(thesauri).order_by(thesauri.c.number)).mappings().all()
        counts = (select(func.count()).where(concepts.c.thesaurus == row["number"]) for row in rows)
        sizes = [connection.scalar(count) or 0 for count in counts]
    reports = [json.loads(row["report"]) for row in rows]
    return [
        StoredThesaurus(row["name"], row["imported"], size, report["labels"], report)
        for row, size, report in zip(rows, sizes, reports, strict=True)
    ]


def state(database: Database) -> tuple[tuple[str, str], ...]:
    """(name, digest) of each thesaurus of a library: another one whenever what they say is another."""
    with database.read() as connection:
        rows = connection.execute(select(thesauri.c.name, thesauri.c.digest).order_by(thesauri.c.number))
        return tuple((name, digest) for name, digest in rows)


def concept(database: Database, uri: str) -> Concept:
    """The concept with this URI; where two thesauri have it, that of the one that came in first.

    Raises:
        UnknownConcept: the library has none.
    """
    with database.read() as connection:
        found = _concepts(connection, concepts.c.uri == uri)
    if not found:
        raise UnknownConcept(f"{database.place}: no thesaurus of this library has the concept {uri!r}")
    return found[0]


def get_many(database: Database, uris: Sequence[str]) -> dict[str, Concept]:
    """The concepts with these URIs, in their order; URIs that are unknown are left out."""
    found: dict[str, Concept] = {}
    with database.read() as connection:
        for start in range(0, len(uris), _CHUNK):
            for one in _concepts(connection, concepts.c.uri.in_(uris[start : start + _CHUNK])):
                found.setdefault(one.uri, one)
    return {uri: found[uri] for uri in uris if uri in found}


def everything(database: Database) -> list[Concept]:
    """All concepts of all thesauri; of those that share a URI that of the thesaurus that came in first."""
    with database.read() as connection:
        found = _concepts(connection, concepts.c.number > 0)
    return list({one.uri: one for one in reversed(found)}.values())[::-1]


def resolve(database: Database, name: str) -> list[Concept]:
    """The concepts that `name` means: the one with this URI, else those with this notation (keys of Iconclass do not
    count: 25F33(+1) is 25F33), else those with this label.

    Raises:
        UnknownConcept: there is none; labels that are near are named.
    """
    with database.read() as connection:
        for condition in (concepts.c.uri == name, concepts.c.notation.in_([name, base_notation(name)])):
            if found := _concepts(connection, condition):
                return found
    near = search(database, name, limit=MAX_LIMIT)
    uris = [one.uri for one in near if one.how == "exact"]
    if not uris:
        hint = f"; near ones are {', '.join(one.label for one in near[:3])}" if near else ""
        raise UnknownConcept(f"{database.place}: no thesaurus of this library has {name!r}{hint}")
    return list(get_many(database, uris).values())


def ancestors(database: Database, uri: str) -> list[tuple[str, int]]:
    """(URI, fewest steps up) of all broader concepts, the nearest first. Raises UnknownConcept as `concept` does."""
    return _linked(database, uri, concept_closure.c.descendant, concept_closure.c.ancestor)


def descendants(database: Database, uri: str, *, steps: int | None = None) -> list[tuple[str, int]]:
    """(URI, fewest steps down) of all narrower concepts, the nearest first; with `steps`, of those so near.

    Raises UnknownConcept as `concept` does.
    """
    return _linked(database, uri, concept_closure.c.ancestor, concept_closure.c.descendant, steps)


def search(
    database: Database, wanted: str, *, language: str | None = None, facet: str | None = None, limit: int = 20
) -> list[Found]:
    """Concepts by label, each once: those that are called so, then labels that begin so, then labels with all the
    words, and only where there are none of these, labels that differ in one character.

    Case, width, the simplified or traditional form of a character, and tones and spaces of pinyin do not count.

    Args:
        language: only labels in it; 'zh' takes 'zh-Hans' and 'zh-Hant', and no pinyin ('zh-Latn').
        facet: only concepts of it.
        limit: 1 to 1,000.
    Raises:
        InvalidArgument: `limit` is outside of its range.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidArgument(f"limit is {limit}; give 1 to {MAX_LIMIT}")
    folded, squeezed = fold_label(wanted), fold_pinyin(wanted)
    found: dict[str, Found] = {}
    if not folded:
        return []
    narrow = _filters(language, facet)
    as_pinyin = [*narrow, concept_labels.c.language.like("%-Latn%")]
    with database.read() as connection:
        for stage in (_exact, _prefix, _with_words, _near):
            if len(found) >= limit or (found and stage is _near):
                break
            rows = max(limit * _PER_CONCEPT, _AT_LEAST)
            for one in stage(connection, folded, narrow, rows):
                found.setdefault(one.uri, one)
            if squeezed and squeezed != folded and stage in (_exact, _prefix):
                for one in stage(connection, squeezed, as_pinyin, rows):
                    found.setdefault(one.uri, one)
    return list(found.values())[:limit]


def understand(database: Database, text_: str) -> tuple[Understood, ...]:
    """The concepts that a text plainly means, each with its other names and those of all that is narrower.

    Near spellings and near meanings do not count: what a search is widened by must be sure.
    """
    with database.read() as connection:
        if connection.scalar(select(concepts.c.number).limit(1)) is None:
            return ()
    found = [one for one in link(text_, LibraryLabels(database)) if one.rule in PLAIN]
    below = {one.uri: [uri for uri, _ in descendants(database, one.uri)][:_MOST_NARROWER] for one in found}
    named = get_many(database, list(dict.fromkeys([*below, *(uri for some in below.values() for uri in some)])))
    told = []
    for one in found:
        names = [name for uri in (one.uri, *below[one.uri]) for _, name, _ in labels_of(named[uri])]
        told.append(
            Understood(one.uri, one.words, one.label, str(one.rule), tuple(dict.fromkeys(names)), len(below[one.uri]))
        )
    return tuple(told)


class LibraryLabels:
    """The labels of a library's thesauri, for `sherd.thesaurus.linking`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def named(self, folded: Collection[str]) -> Mapping[str, Sequence[Named]]:
        """See `sherd.thesaurus.linking.Labels`; preferred labels first."""
        label = concept_labels.c
        found: dict[str, list[Named]] = {}
        wanted = sorted(folded)
        with self._database.read() as connection:
            for start in range(0, len(wanted), _CHUNK // 2):
                chunk = wanted[start : start + _CHUNK // 2]
                heads = {form[:ENDS] for form in chunk}
                rows = _labels([], None).where(label.head.in_(heads), label.folded.in_(chunk))
                for uri, text_, language, preferred, facet, form in sorted(connection.execute(rows), key=_preferred):
                    found.setdefault(form, []).append(Named(uri, text_, language, bool(preferred), facet))
        return found

    def alike(self, folded: str) -> Sequence[Named]:
        """See `sherd.thesaurus.linking.Labels`: labels that differ in one character."""
        with self._database.read() as connection:
            return [
                Named(one.uri, one.label, one.language, one.preferred, one.facet)
                for one in _near(connection, folded, [], _AT_LEAST)
            ]


def to_body(one: Concept) -> str:
    """A concept as kept in its row: JSON of all but its URI, without what is empty."""
    said = {name: value for name, value in asdict(one).items() if value and name != "uri"}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def from_body(uri: str, body: str) -> Concept:
    """The concept again."""
    said = json.loads(body)
    for name in ("alt_labels", "matches"):
        said[name] = {key: tuple(values) for key, values in said.get(name, {}).items()}
    said["broader"] = tuple(said.get("broader", ()))
    return Concept(uri, **said)


def _concepts(connection: Connection, condition: ColumnElement[bool]) -> list[Concept]:
    rows = select(concepts.c.uri, concepts.c.body).where(condition).order_by(concepts.c.thesaurus, concepts.c.number)
    return [from_body(uri, body) for uri, body in connection.execute(rows)]


def _linked(
    database: Database, uri: str, near: ColumnElement[int], far: ColumnElement[int], steps: int | None = None
) -> list[tuple[str, int]]:
    with database.read() as connection:
        start = connection.scalar(
            select(concepts.c.number).where(concepts.c.uri == uri).order_by(concepts.c.thesaurus).limit(1)
        )
        if start is None:
            raise UnknownConcept(f"{database.place}: no thesaurus of this library has the concept {uri!r}")
        distance = concept_closure.c.distance
        rows = (
            select(concepts.c.uri, distance)
            .join(concept_closure, far == concepts.c.number)
            .where(near == start, distance > 0)
            .order_by(distance, concepts.c.number)
        )
        if steps is not None:
            rows = rows.where(distance <= steps)
        return [(one, number) for one, number in connection.execute(rows)]


def _filters(language: str | None, facet: str | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if language is not None:
        tag = concept_labels.c.language
        inside = tag.startswith(f"{language}-", autoescape=True)
        if "-Latn" not in language:
            inside = inside & tag.not_like("%-Latn%")
        conditions.append((tag == language) | inside)
    if facet is not None:
        conditions.append(concepts.c.facet == facet)
    return conditions


_Row: TypeAlias = Row[str, str, str, int, str, str]


def _labels(narrow: Sequence[ColumnElement[bool]], limit: int | None) -> Select[str, str, str, int, str, str]:
    label = concept_labels.c
    rows = select(concepts.c.uri, label.label, label.language, label.preferred, concepts.c.facet, label.folded)
    return rows.join(concept_labels, label.concept == concepts.c.number).where(*narrow).limit(limit)


def _told(rows: Iterable[_Row], how: str) -> Iterator[Found]:
    for uri, label, language, preferred, facet, _ in rows:
        yield Found(uri, label, language, bool(preferred), facet, how)


def _exact(connection: Connection, folded: str, narrow: Sequence[ColumnElement[bool]], limit: int) -> Iterator[Found]:
    rows = _labels(narrow, limit).where(concept_labels.c.head == folded[:ENDS], concept_labels.c.folded == folded)
    # Sorted here: thousands of concepts may have one label, and SQLite would sort them all.
    return _told(
        sorted(connection.execute(rows.order_by(concept_labels.c.head, concept_labels.c.number)), key=_preferred),
        "exact",
    )


def _prefix(connection: Connection, folded: str, narrow: Sequence[ColumnElement[bool]], limit: int) -> Iterator[Found]:
    label = concept_labels.c
    head = folded[:ENDS]
    begins = label.head == head if len(folded) > ENDS else _begins(label.head, head)
    rows = _labels(narrow, limit).where(begins, label.folded > folded, label.folded < folded + _LAST)
    rows = rows.order_by(label.head, label.number)
    return _told(sorted(connection.execute(rows), key=_shortest), "prefix")


def _with_words(
    connection: Connection, folded: str, narrow: Sequence[ColumnElement[bool]], limit: int
) -> Iterator[Found]:
    terms = lexical.every_word_of(folded)
    if not terms:
        return iter(())
    rows = full_text(connection).labels_with(_labels(narrow, limit), terms)
    return _told(sorted(connection.execute(rows), key=_shortest), "words")


def _near(connection: Connection, folded: str, narrow: Sequence[ColumnElement[bool]], limit: int) -> Iterator[Found]:
    """Labels one slip away. Where a character is missing in the label, or two have changed places, the label is one of
    few texts that can be written down. Where one is more or another, its first or its second half is whole, and is
    looked up among labels of that length."""
    length = len(folded)
    if length < 3:
        return iter(())
    label = concept_labels.c
    shorter = {folded[:n] + folded[n + 1 :] for n in range(length)}
    swapped = {folded[:n] + folded[n + 1] + folded[n] + folded[n + 2 :] for n in range(length - 1)}
    written = sorted((shorter | swapped) - {folded})[:_CHUNK]
    head, tail = folded[: length // 2][:ENDS], folded[::-1][: (length + 1) // 2][:ENDS]
    about = label.length.in_([length, length + 1])
    # A label that fits into head and tail is all there in their indexes, which saves reading its row.
    fits = length < ENDS
    numbers = list(
        connection.scalars(
            select(label.number).where(label.head.in_([one[:ENDS] for one in written]), label.folded.in_(written))
        )
    )
    for end, beginning, is_head in ((label.head, head, True), (label.tail, tail, False)):
        candidates = select(label.number, end if fits else label.folded).where(about, _begins(end, beginning))
        for number, found in connection.execute(candidates.limit(_MAX_NEAR)):
            if one_slip(folded, found if is_head or not fits else found[::-1]):
                numbers.append(number)
    rows = _labels(narrow, limit).where(label.number.in_(numbers[:_CHUNK]))
    return _told(sorted(connection.execute(rows), key=_shortest), "near")


def one_slip(a: str, b: str) -> bool:
    """Whether two different texts differ by one character more, less, another, or two neighbours that changed places.

    >>> one_slip("tripod", "tirpod"), one_slip("tripod", "trpod"), one_slip("tripod", "tropid")
    (True, True, False)
    """
    if len(a) > len(b):
        a, b = b, a
    if a == b or len(b) - len(a) > 1:
        return False
    first = next((n for n, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), len(a))
    if len(a) < len(b):
        return a[first:] == b[first + 1 :]
    swapped = a[first : first + 2] == b[first : first + 2][::-1] and a[first + 2 :] == b[first + 2 :]
    return swapped or a[first + 1 :] == b[first + 1 :]


def _begins(text_: ColumnElement[str], beginning: str) -> ColumnElement[bool]:
    """As a range, which an index serves; LIKE would not use one."""
    return and_(text_ >= beginning, text_ < beginning + _LAST)


def _preferred(row: _Row) -> int:
    return -row[3]


def _shortest(row: _Row) -> tuple[int, int, str]:
    return len(row[-1]), -row[3], row[-1]
