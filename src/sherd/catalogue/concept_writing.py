"""A thesaurus into the tables of a library, whole or not at all; and whether what lies there is what came in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, zip_longest
from typing import Any

from sqlalchemy import Column, Connection, Row, func, select, text

from sherd.catalogue.concepts import ENDS, from_body, to_body
from sherd.catalogue.database import Database
from sherd.catalogue.fulltext import full_text
from sherd.catalogue.lexical import tokens_of
from sherd.catalogue.schema import concept_labels, concepts, metadata, thesauri
from sherd.catalogue.writing import advance
from sherd.thesaurus.check import labels_of
from sherd.thesaurus.folding import fold_label, fold_tagged
from sherd.thesaurus.thesaurus import Thesaurus

_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to. `changed` is false where the library had the very same thesaurus already."""

    name: str
    concepts: int
    labels: int
    links: int
    changed: bool


def import_thesaurus(database: Database, thesaurus: Thesaurus, *, name: str) -> Imported:
    """Put a thesaurus in the place of the one of this name, in one transaction: a kill leaves the old or the new one.

    The caller holds the library for writing.

    Args:
        name: URI of its scheme, or another name that stays the same from import to import.
    """
    rows = [(concept.uri, concept.notation, concept.facet or "", to_body(concept)) for concept in thesaurus]
    digest = _digest((row[0], row[3]) for row in rows)
    links = sum(len(thesaurus.steps_up(concept.uri)) for concept in thesaurus)
    done = Imported(name, len(rows), thesaurus.report.labels, links, changed=True)
    report = json.dumps(thesaurus.report.as_dict(), ensure_ascii=False)
    with database.write() as connection:
        there = connection.execute(select(thesauri).where(thesauri.c.name == name)).one_or_none()
        # By what lies there, not only by what the import wrote down: importing again mends altered concepts.
        if there is not None and digest == there.digest == _stored_digest(connection, there.number):
            connection.execute(thesauri.update().where(thesauri.c.number == there.number).values(report=report))
            return Imported(name, len(rows), thesaurus.report.labels, links, changed=False)
        if there is not None:
            _remove(connection, there.number)
        number = there.number if there is not None else _next(connection, thesauri.c.number)
        row = {"number": number, "name": name, "digest": digest, "report": report}
        row["imported"] = datetime.now(UTC).isoformat(timespec="seconds")
        connection.execute(thesauri.insert(), row)
        first = _next(connection, concepts.c.number)
        _insert(connection, "concepts", ((first + n, number, *row) for n, row in enumerate(rows)))
        numbers = {row[0]: first + n for n, row in enumerate(rows)}
        _compile(connection, thesaurus, numbers)
        advance(connection)
    return done


def faults(connection: Connection) -> Iterator[tuple[int, str, str]]:
    """(number, name, what) of each thesaurus that is not as it came in; what: 'altered', or 'compiled' where only what
    was compiled from its concepts is not what they say."""
    for number, name, digest in connection.execute(
        select(thesauri.c.number, thesauri.c.name, thesauri.c.digest).order_by(thesauri.c.number)
    ).all():
        rows = _rows(connection, number)
        if _stored_digest(connection, number) != digest:
            yield number, name, "altered"
        elif not _is_compiled(connection, number, rows):
            yield number, name, "compiled"


def recompile(connection: Connection, thesaurus: int) -> None:
    """Make labels, words and closure again from the concepts."""
    rows = _rows(connection, thesaurus)
    _forget(connection, thesaurus)
    again = Thesaurus.from_concepts(from_body(row.uri, row.body) for row in rows)
    for row in rows:
        concept = again.concept(row.uri)
        values = {"notation": concept.notation, "facet": concept.facet}
        connection.execute(concepts.update().where(concepts.c.number == row.number).values(values))
    _compile(connection, again, {row.uri: row.number for row in rows})


def _rows(connection: Connection, thesaurus: int) -> Sequence[Row[*tuple[Any, ...]]]:
    mine = select(concepts).where(concepts.c.thesaurus == thesaurus)
    return connection.execute(mine.order_by(concepts.c.number)).all()


def _is_compiled(connection: Connection, thesaurus: int, rows: Sequence[Row[*tuple[Any, ...]]]) -> bool:
    again = Thesaurus.from_concepts(from_body(row.uri, row.body) for row in rows)
    numbers = {row.uri: row.number for row in rows}
    if any((row.notation, row.facet) != (again.concept(row.uri).notation, again.facet(row.uri)) for row in rows):
        return False
    own = f"(SELECT number FROM concepts WHERE thesaurus = {int(thesaurus)})"
    stored = connection.exec_driver_sql(
        "SELECT l.*, w.words FROM concept_labels l LEFT JOIN concept_words w ON w.rowid = l.number "
        f"WHERE l.concept IN {own} ORDER BY l.number"
    )
    wanted = ((*row[1:], words_of(row[3])) for row in label_rows(again, numbers, 0))
    if any(a != b for a, b in zip_longest(wanted, (tuple(row[1:]) for row in stored))):
        return False
    closure = connection.exec_driver_sql(f"SELECT * FROM concept_closure WHERE descendant IN {own}")
    return {tuple(row) for row in closure} == set(closure_rows(again, numbers))


def _compile(connection: Connection, thesaurus: Thesaurus, numbers: Mapping[str, int]) -> None:
    """Fill what is looked up in: labels, their words, and the closure."""
    labels = label_rows(thesaurus, numbers, _next(connection, concept_labels.c.number))
    while chunk := list(islice(labels, _CHUNK)):
        _insert(connection, "concept_labels", chunk)
        full_text(connection).put_labels(connection, ((row[0], words_of(row[3])) for row in chunk))
    _insert(connection, "concept_closure", closure_rows(thesaurus, numbers))


LabelRow = tuple[int, int, str, str, int, str, int, str, str]


def label_rows(thesaurus: Thesaurus, numbers: Mapping[str, int], first: int) -> Iterator[LabelRow]:
    """The rows of `concept_labels`, numbered from `first`."""
    number = first
    for concept in thesaurus:
        for tag, label, preferred in labels_of(concept):
            folded = fold_tagged(label, tag)
            ends = len(folded), folded[:ENDS], folded[::-1][:ENDS]
            yield number, numbers[concept.uri], tag, label, int(preferred), folded, *ends
            number += 1


def words_of(label: str) -> str:
    """What the full-text index keeps of a label."""
    return " ".join(tokens_of(fold_label(label)))


def closure_rows(thesaurus: Thesaurus, numbers: Mapping[str, int]) -> Iterator[tuple[int, int, int]]:
    """The rows of `concept_closure`."""
    for concept in thesaurus:
        for uri, steps in thesaurus.steps_up(concept.uri).items():
            yield numbers[concept.uri], numbers[uri], steps


def _insert(connection: Connection, into: str, rows: Iterable[tuple[object, ...]]) -> None:
    """As plain tuples through the driver: SQLAlchemy's own way takes twice as long for millions of rows."""
    if connection.dialect.name == "postgresql":
        from sherd.catalogue.fulltext_postgres import copy

        copy(connection, metadata.tables[into], rows)
        return
    it = iter(rows)
    while chunk := list(islice(it, _CHUNK)):
        marks = ", ".join("?" * len(chunk[0]))
        connection.exec_driver_sql(f"INSERT INTO {into} VALUES ({marks})", chunk)


def _remove(connection: Connection, thesaurus: int) -> None:
    _forget(connection, thesaurus)
    connection.execute(concepts.delete().where(concepts.c.thesaurus == thesaurus))
    connection.execute(thesauri.delete().where(thesauri.c.number == thesaurus))


def _forget(connection: Connection, thesaurus: int) -> None:
    """Remove what was compiled."""
    full_text(connection).remove_labels(connection, thesaurus)
    own = "SELECT number FROM concepts WHERE thesaurus = :number"
    for statement in (
        f"DELETE FROM concept_labels WHERE concept IN ({own})",
        f"DELETE FROM concept_closure WHERE descendant IN ({own})",
    ):
        connection.execute(text(statement), {"number": thesaurus})


def _digest(rows: Iterable[tuple[str, str]]) -> str:
    """blake2b-256 of the concepts' URIs and bodies, in their order."""
    digest = hashlib.blake2b(digest_size=32)
    for uri, body in rows:
        digest.update(f"{uri}\0{body}\0".encode())
    return digest.hexdigest()


def _stored_digest(connection: Connection, thesaurus: int) -> str:
    return _digest((row.uri, row.body) for row in _rows(connection, thesaurus))


def _next(connection: Connection, numbers: Column[int]) -> int:
    return (connection.scalar(select(func.max(numbers))) or 0) + 1
