"""Does the catalogue say what was read? Every item carries a digest of what its source said, so a change shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, text, update

from sherd.catalogue import concept_writing, lexical
from sherd.catalogue.database import Database
from sherd.catalogue.fulltext import LABELS, RECORDS, full_text
from sherd.catalogue.records import digest, filter_terms, from_body, merge, to_body
from sherd.catalogue.schema import images, items, record_terms, records, regions, terms, thesauri
from sherd.catalogue.tables import altered_tables, broken_rows
from sherd.catalogue.writing import advance, rewrite
from sherd.errors import CorruptData, InvalidArgument, StorageRefused
from sherd.types import Box, Record, Region, SourceImage

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong; `number` is the row's."""

    kind: str
    what: str
    where: str
    number: int = -1


def faults(database: Database) -> Iterator[Fault]:
    """Everything that is wrong in the catalogue itself; after `catalogue_damaged` nothing else is looked at."""
    with database.read() as connection:
        damaged = [f"{name} is not as it was made" for name in altered_tables(connection)]
        if not damaged:
            damaged = broken_rows(connection)
    for what in damaged:
        yield Fault("catalogue_damaged", what, "catalogue")
    if damaged:
        return
    yield from _item_faults(database)
    yield from _record_faults(database)
    yield from _thesaurus_faults(database)


def count_items(database: Database) -> int:
    """Items of all sources."""
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(items)) or 0


def mend(database: Database, found: Sequence[Fault]) -> None:
    """Mend what can be mended: records, words and filter terms are made anew from the items.

    An altered item is only marked, so that the next ingest of its source takes it for changed; its record stays.
    """
    altered = [fault.number for fault in found if fault.kind == "item_altered"]
    with database.write() as connection:
        for number in altered:
            connection.execute(update(items).where(items.c.number == number).values(digest=""))
        if any(fault.where == "lexical" for fault in found):
            full_text(connection).create(connection, RECORDS)
            numbers = set(connection.scalars(select(records.c.number)))
        else:
            wrong = [fault for fault in found if fault.kind in ("record_altered", "words_altered")]
            numbers = {fault.number for fault in wrong if fault.where.startswith("record ")}
        numbers -= set(connection.scalars(select(items.c.record).where(items.c.number.in_(altered))))
        rewrite(connection, sorted(numbers))
        if any(fault.where == "concept_words" for fault in found):
            full_text(connection).create(connection, LABELS)
            compiled = set(connection.scalars(select(thesauri.c.number)))
        else:
            compiled = {fault.number for fault in found if fault.where.startswith("thesaurus ")}
        compiled -= {fault.number for fault in found if fault.kind == "thesaurus_altered"}
        for number in sorted(compiled):
            concept_writing.recompile(connection, number)
        advance(connection)


def _item_faults(database: Database) -> Iterator[Fault]:
    last = 0
    while True:
        with database.read() as connection:
            rows = connection.execute(
                select(items.c.number, items.c.digest, items.c.body, items.c.place, records.c.record_id)
                .join(records, records.c.number == items.c.record)
                .where(items.c.number > last)
                .order_by(items.c.number)
                .limit(_BATCH)
            ).all()
            shown = _images(connection, [row.number for row in rows])
        if not rows:
            return
        last = rows[-1].number
        for row in rows:
            there = shown.get(row.number)
            if there is None or digest(row.record_id, row.body, there) != row.digest:
                yield Fault(
                    "item_altered",
                    f"what is stored of {row.place} is not what was read; repair, then ingest its source again",
                    f"record {row.record_id}",
                    row.number,
                )


def _images(connection: Connection, numbers: Sequence[int]) -> dict[int, list[SourceImage] | None]:
    """Item -> its images as the source gave them; None where a region is no region any more."""
    marks: dict[int, list[Region] | None] = defaultdict(list)
    wanted = select(images.c.number).where(images.c.item.in_(numbers))
    of_items = select(regions).where(regions.c.image.in_(wanted)).order_by(regions.c.image, regions.c.ordinal)
    for row in connection.execute(of_items).mappings():
        there = marks[row["image"]]
        try:
            box = Box(row["x"], row["y"], row["w"], row["h"])
        except InvalidArgument:
            marks[row["image"]] = None
        else:
            if there is not None:
                there.append(Region(box, row["label"], row["mask"], row["concept"]))
    shown: dict[int, list[SourceImage] | None] = defaultdict(list)
    rows = select(images).where(images.c.item.in_(numbers)).order_by(images.c.item, images.c.ordinal)
    for row in connection.execute(rows).mappings():
        list_, regions_ = shown[row["item"]], marks[row["number"]]
        if list_ is None or regions_ is None:
            shown[row["item"]] = None
        else:
            list_.append(SourceImage(row["path"], tuple(regions_), row["view"]))
    return shown


def _record_faults(database: Database) -> Iterator[Fault]:
    last = 0
    while True:
        with database.read() as connection:
            rows = connection.execute(
                select(records).where(records.c.number > last).order_by(records.c.number).limit(_BATCH)
            ).all()
            numbers = [row.number for row in rows]
            said = _said(connection, numbers)
            words = _words(connection, numbers)
            kept = _terms(connection, numbers)
        if not rows:
            break
        last = rows[-1].number
        for row in rows:
            where = f"record {row.record_id}"
            views = said.get(row.number)
            if not views:
                yield Fault("record_altered", "no source item speaks of it", where, row.number)
                continue
            try:
                whole = merge([from_body(row.record_id, body) for body in views])
            except (ValueError, TypeError, AttributeError):  # reported as an altered item already
                continue
            if row.body != to_body(whole) or row.title != whole.title:
                yield Fault("record_altered", "it is not what its source items say", where, row.number)
            if words.get(row.number) != lexical.texts(whole) or kept[row.number] != _wanted_terms(whole):
                yield Fault("words_altered", "its words for searching are not those of the record", where, row.number)
    with database.read() as connection:
        extra = connection.scalar(text("SELECT count(*) FROM lexical WHERE rowid NOT IN (SELECT number FROM records)"))
        if extra:
            yield Fault("words_altered", f"{extra} entries for searching belong to no record", "lexical")
    yield from _full_text_faults(database, "lexical")


def _thesaurus_faults(database: Database) -> Iterator[Fault]:
    """`thesaurus_altered` where concepts are not what was imported; `words_altered` where only labels, words or closure
    are not theirs."""
    with database.read() as connection:
        for number, name, what in concept_writing.faults(connection):
            if what == "altered":
                told = "its concepts are not those that were imported; import it again"
                yield Fault("thesaurus_altered", told, f"thesaurus {name}", number)
            else:
                told = "its labels, words or closure are not those of its concepts"
                yield Fault("words_altered", told, f"thesaurus {name}", number)
        extra = connection.scalar(
            text("SELECT count(*) FROM concept_words WHERE rowid NOT IN (SELECT number FROM concept_labels)")
        )
        if extra:
            yield Fault("words_altered", f"{extra} entries for searching belong to no label", "concept_words")
    yield from _full_text_faults(database, "concept_words")


def _full_text_faults(database: Database, name: str) -> Iterator[Fault]:
    try:
        with database.write() as connection:
            for what in full_text(connection).faults(connection, name):
                yield Fault("words_altered", what, name)
    except CorruptData:
        yield Fault("words_altered", "the full-text index does not match its texts", name)
    except StorageRefused:  # a read-only disk: the check has the form of a write
        return


def _said(connection: Connection, numbers: Sequence[int]) -> dict[int, list[str]]:
    said: dict[int, list[str]] = defaultdict(list)
    rows = (
        select(items.c.record, items.c.body)
        .where(items.c.record.in_(numbers))
        .order_by(items.c.source.desc(), items.c.ordinal, items.c.number)
    )
    for record, body in connection.execute(rows):
        said[record].append(body)
    return said


def _words(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[str, str]]:
    if not numbers:
        return {}
    columns = ", ".join(lexical.COLUMNS)
    rows = connection.execute(
        text(f"SELECT rowid, {columns} FROM lexical WHERE rowid BETWEEN :low AND :high"),
        {"low": numbers[0], "high": numbers[-1]},
    )
    return {row[0]: dict(zip(lexical.COLUMNS, row[1:], strict=True)) for row in rows}


def _terms(connection: Connection, numbers: Sequence[int]) -> dict[int, set[tuple[str, str]]]:
    kept: dict[int, set[tuple[str, str]]] = defaultdict(set)
    rows = (
        select(record_terms.c.record, terms.c.field, terms.c.folded)
        .join(terms, terms.c.number == record_terms.c.term)
        .where(record_terms.c.record.in_(numbers))
    )
    for record, field, folded in connection.execute(rows):
        kept[record].add((field, folded))
    return kept


def _wanted_terms(record: Record) -> set[tuple[str, str]]:
    pairs = ((field, lexical.fold(value)) for field, values in filter_terms(record).items() for value in values)
    return {(field, folded) for field, folded in pairs if folded}
