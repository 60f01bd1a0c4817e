"""Changing the catalogue: one batch of an ingest, or one switch of a repair, is one transaction.

There is one writer at a time (the library's lock sees to it), so numbers are given out here and not by the database,
and a batch is a few statements however many rows it has.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, bindparam, delete, func, insert, select, update

from sherd.catalogue import lexical
from sherd.catalogue.database import Database
from sherd.catalogue.fulltext import full_text
from sherd.catalogue.records import filter_terms, from_body, merge, to_body
from sherd.catalogue.schema import (
    encoders,
    images,
    items,
    jobs,
    meta,
    pictures,
    record_terms,
    records,
    regions,
    sources,
    terms,
    vector_parts,
    vectors,
)
from sherd.types import PartInfo, Record

_CHUNK = 900


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A picture that the library did not have. `thumbnail`: blake2b-256 of the thumbnail file."""

    key: int
    sha256: str
    width: int
    height: int
    format: str
    frames: int
    thumbnail: str


@dataclass(frozen=True, slots=True)
class ImageLink:
    """That an item shows a picture; `size` and `mtime_ns` are of the file when it was read."""

    path: str
    key: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ItemWrite:
    """One source item as it is to be stored; `links` stand beside `record.images`."""

    item_key: str
    ordinal: int
    place: str
    digest: str
    record: Record
    links: tuple[ImageLink, ...]


@dataclass(frozen=True, slots=True)
class NewPart:
    """A part file that is on disk already; row n of it is the picture keys[n]."""

    fingerprint: str
    encoder_name: str
    info: PartInfo
    keys: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction of an ingest puts in."""

    source: int
    job: int
    items: tuple[ItemWrite, ...] = ()
    pictures: tuple[NewPicture, ...] = ()
    part: NewPart | None = None


def next_key(database: Database) -> int:
    """The first picture key that was never given out."""
    with database.read() as connection:
        return int(connection.scalar(select(meta.c.value).where(meta.c.name == "next_key")) or 1)


def commit(database: Database, batch: Batch, counts: Mapping[str, int | str]) -> dict[str, int]:
    """Put in a batch and the job's progress; on disk when it returns. Doing it again changes nothing.

    Returns:
        item_key -> number of the item.
    """

    def put(connection: Connection) -> dict[str, int]:
        if batch.pictures:
            connection.execute(insert(pictures), [_columns(picture) for picture in batch.pictures])
            highest = max(picture.key for picture in batch.pictures)
            set_meta(connection, "next_key", str(highest + 1))
        if batch.part is not None:
            put_part(connection, batch.part)
            _bind_encoder(connection, batch.part.fingerprint)
        numbers = _put_items(connection, batch)
        note_job(connection, batch.job, counts)
        advance(connection)
        return numbers

    return database.transact(put)


def drop_items(database: Database, numbers: Sequence[int], job: int, counts: Mapping[str, int | str]) -> None:
    """Take items away, with their links, and make their records anew from the items that are left."""

    def drop(connection: Connection) -> None:
        touched: set[int] = set()
        for start in range(0, len(numbers), _CHUNK):
            chunk = numbers[start : start + _CHUNK]
            touched |= set(connection.scalars(select(items.c.record).where(items.c.number.in_(chunk))))
            connection.execute(delete(items).where(items.c.number.in_(chunk)))
        rewrite(connection, sorted(touched))
        note_job(connection, job, counts)
        advance(connection)

    database.transact(drop)


def put_part(connection: Connection, part: NewPart) -> None:
    """Enter a part file and point its keys to it, whichever part they were in before."""
    encoder = encoder_number(connection, part.fingerprint, part.encoder_name)
    known = connection.scalar(
        select(vector_parts.c.number).where(vector_parts.c.encoder == encoder, vector_parts.c.name == part.info.name)
    )
    number = known if known is not None else _next(connection, vector_parts.c.number)
    if known is None:
        connection.execute(insert(vector_parts), {"number": number, "encoder": encoder} | _columns(part.info))
    _remove_vectors(connection, encoder, part.keys)
    rows = [{"encoder": encoder, "key": key, "part": number, "row": row} for row, key in enumerate(part.keys)]
    connection.execute(insert(vectors), rows)


def remove_vectors(connection: Connection, fingerprint: str, keys: Sequence[int]) -> None:
    """Forget where the vectors of these pictures by this encoder lie."""
    number = connection.scalar(select(encoders.c.number).where(encoders.c.fingerprint == fingerprint))
    if number is not None:
        _remove_vectors(connection, number, keys)


def remove_parts(connection: Connection, fingerprint: str, names: Sequence[str]) -> None:
    """Strike part files off the list, and with them whatever still points into them."""
    encoder = select(encoders.c.number).where(encoders.c.fingerprint == fingerprint).scalar_subquery()
    for name in names:
        number = connection.scalar(
            select(vector_parts.c.number).where(vector_parts.c.encoder == encoder, vector_parts.c.name == name)
        )
        connection.execute(delete(vectors).where(vectors.c.part == number))
        connection.execute(delete(vector_parts).where(vector_parts.c.number == number))


def remove_encoder(connection: Connection, fingerprint: str) -> None:
    """Forget an encoder with its part files and the place of all its vectors."""
    number = connection.scalar(select(encoders.c.number).where(encoders.c.fingerprint == fingerprint))
    connection.execute(delete(vectors).where(vectors.c.encoder == number))
    connection.execute(delete(vector_parts).where(vector_parts.c.encoder == number))
    connection.execute(delete(encoders).where(encoders.c.number == number))
    advance(connection)


def switch_encoder(connection: Connection, fingerprint: str, name: str) -> None:
    """Make an encoder the library's, known under `name`, and forget the others."""
    number = encoder_number(connection, fingerprint, name)
    connection.execute(update(encoders).where(encoders.c.number == number).values(name=name))
    set_meta(connection, "encoder_fingerprint", fingerprint)
    for other in connection.scalars(select(encoders.c.fingerprint).where(encoders.c.number != number)).all():
        remove_encoder(connection, other)
    advance(connection)


def set_thumbnails(database: Database, checksums: Mapping[int, str]) -> None:
    """Enter new checksums of thumbnails, by picture key."""
    if checksums:
        with database.write() as connection:
            changed = update(pictures).where(pictures.c.key == bindparam("k")).values(thumbnail=bindparam("sum"))
            connection.execute(changed, [{"k": key, "sum": checksum} for key, checksum in checksums.items()])
            advance(connection)


def encoder_number(connection: Connection, fingerprint: str, name: str) -> int:
    """The encoder's number, entered when it is new."""
    number = connection.scalar(select(encoders.c.number).where(encoders.c.fingerprint == fingerprint))
    if number is None:
        number = _next(connection, encoders.c.number)
        connection.execute(insert(encoders), {"number": number, "fingerprint": fingerprint, "name": name})
    return number


def set_meta(connection: Connection, name: str, value: str) -> None:
    """Set one value of the table `meta`."""
    if connection.execute(update(meta).where(meta.c.name == name).values(value=value)).rowcount == 0:
        connection.execute(insert(meta), {"name": name, "value": value})


def advance(connection: Connection) -> None:
    """Make the generation one higher: what readers keep of this catalogue is to be read again."""
    now = int(connection.scalar(select(meta.c.value).where(meta.c.name == "generation")) or 0)
    set_meta(connection, "generation", str(now + 1))


def start_job(connection: Connection, kind: str, source: int | None = None) -> int:
    """Enter a job; one of the same kind and source that was left running is marked as interrupted."""
    same = [jobs.c.kind == kind, jobs.c.source.is_(None) if source is None else jobs.c.source == source]
    connection.execute(update(jobs).where(*same, jobs.c.state == "running").values(state="interrupted"))
    number = _next(connection, jobs.c.number)
    row = {"number": number, "kind": kind, "source": source, "state": "running", "counts": "{}"}
    connection.execute(insert(jobs), row | {"started": _now(), "updated": _now()})
    return number


def finish_job(connection: Connection, job: int, counts: Mapping[str, int | str]) -> None:
    """The job reached its end."""
    note_job(connection, job, counts)
    connection.execute(update(jobs).where(jobs.c.number == job).values(state="done"))


def source_number(connection: Connection, root: str, table: str, kind: str) -> int:
    """The number of a source, entered when it is new."""
    same = (sources.c.root == root, sources.c.metadata == table)
    number = connection.scalar(select(sources.c.number).where(*same))
    if number is None:
        number = _next(connection, sources.c.number)
        connection.execute(insert(sources), {"number": number, "root": root, "metadata": table, "kind": kind})
    return number


def _remove_vectors(connection: Connection, encoder: int, keys: Sequence[int]) -> None:
    gone = delete(vectors).where(vectors.c.encoder == bindparam("e"), vectors.c.key == bindparam("k"))
    if keys:
        connection.execute(gone, [{"e": encoder, "k": key} for key in keys])


def _bind_encoder(connection: Connection, fingerprint: str) -> None:
    if connection.scalar(select(meta.c.value).where(meta.c.name == "encoder_fingerprint")) is None:
        set_meta(connection, "encoder_fingerprint", fingerprint)


def note_job(connection: Connection, job: int, counts: Mapping[str, int | str]) -> None:
    """Write down how far a job is."""
    changed = {"counts": json.dumps(dict(counts)), "updated": _now()}
    connection.execute(update(jobs).where(jobs.c.number == job).values(changed))


def _put_items(connection: Connection, batch: Batch) -> dict[str, int]:
    if not batch.items:
        return {}
    record_numbers = _record_numbers(connection, [item.record.record_id for item in batch.items])
    known = _numbers(connection, items.c.item_key, [item.item_key for item in batch.items], source=batch.source)
    number = _next(connection, items.c.number)
    fresh, changed, numbers = [], [], {}
    for item in batch.items:
        row = {
            "ordinal": item.ordinal,
            "place": item.place,
            "digest": item.digest,
            "body": to_body(item.record),
        }
        if item.item_key in known:
            numbers[item.item_key] = known[item.item_key]
            changed.append(row | {"n": known[item.item_key]})
        else:
            numbers[item.item_key] = number
            record = record_numbers[item.record.record_id]
            ids = {"number": number, "source": batch.source, "item_key": item.item_key, "job": batch.job}
            fresh.append(row | ids | {"record": record})
            number += 1
    if changed:
        connection.execute(update(items).where(items.c.number == bindparam("n")), changed)
        connection.execute(delete(images).where(images.c.item == bindparam("n")), [{"n": row["n"]} for row in changed])
    if fresh:
        connection.execute(insert(items), fresh)
    _put_images(connection, batch, numbers, record_numbers)
    rewrite(connection, sorted(set(record_numbers.values())))
    return numbers


def _put_images(
    connection: Connection, batch: Batch, item_numbers: Mapping[str, int], record_numbers: Mapping[str, int]
) -> None:
    number = _next(connection, images.c.number)
    links, marks = [], []
    for item in batch.items:
        for ordinal, (image, link) in enumerate(zip(item.record.images, item.links, strict=True)):
            links.append(
                {
                    "number": number,
                    "item": item_numbers[item.item_key],
                    "record": record_numbers[item.record.record_id],
                    "ordinal": ordinal,
                    "path": link.path,
                    "view": image.view,
                    "key": link.key,
                    "size": link.size,
                    "mtime_ns": link.mtime_ns,
                }
            )
            for place, region in enumerate(image.regions):
                box = {"x": region.box.x, "y": region.box.y, "w": region.box.w, "h": region.box.h}
                words = {"label": region.label, "mask": region.mask, "concept": region.concept}
                marks.append({"image": number, "ordinal": place} | box | words)
            number += 1
    connection.execute(insert(images), links)
    if marks:
        connection.execute(insert(regions), marks)


def _record_numbers(connection: Connection, record_ids: Sequence[str]) -> dict[str, int]:
    found = _numbers(connection, records.c.record_id, record_ids)
    number = _next(connection, records.c.number)
    missing = [record_id for record_id in dict.fromkeys(record_ids) if record_id not in found]
    fresh = {record_id: number + n for n, record_id in enumerate(missing)}
    if fresh:
        rows = [{"number": n, "record_id": name, "title": name, "body": "{}"} for name, n in fresh.items()]
        connection.execute(insert(records), rows)
    return found | fresh


def rewrite(connection: Connection, numbers: Sequence[int]) -> None:
    """Make records, with their words and filter terms, anew from their items."""
    said: dict[int, list[Record]] = defaultdict(list)
    for start in range(0, len(numbers), _CHUNK):
        rows = connection.execute(
            select(items.c.record, records.c.record_id, items.c.body)
            .join(records, records.c.number == items.c.record)
            .where(items.c.record.in_(numbers[start : start + _CHUNK]))
            .order_by(items.c.source.desc(), items.c.ordinal, items.c.number)
        )
        for number, record_id, body in rows:
            said[number].append(from_body(record_id, body))
    merged = {number: merge(views) for number, views in said.items()}
    if not merged:
        return
    rows_ = [{"n": n, "title": record.title, "body": to_body(record)} for n, record in merged.items()]
    connection.execute(update(records).where(records.c.number == bindparam("n")), rows_)
    full_text(connection).put(connection, {number: lexical.texts(record) for number, record in merged.items()})
    _put_terms(connection, merged)


def _put_terms(connection: Connection, merged: Mapping[int, Record]) -> None:
    wanted: dict[tuple[str, str], set[int]] = defaultdict(set)
    for number, record in merged.items():
        for field, values in filter_terms(record).items():
            for value in values:
                if folded := lexical.fold(value):
                    wanted[field, folded].add(number)
    connection.execute(delete(record_terms).where(record_terms.c.record == bindparam("n")), [{"n": n} for n in merged])
    if not wanted:
        return
    known: dict[tuple[str, str], int] = {}
    for field in {field for field, _ in wanted}:
        having_field = [folded for name, folded in wanted if name == field]
        found = _numbers(connection, terms.c.folded, having_field, field=field)
        known |= {(field, folded): number for folded, number in found.items()}
    number = _next(connection, terms.c.number)
    fresh = {term: number + n for n, term in enumerate(term for term in wanted if term not in known)}
    if fresh:
        connection.execute(insert(terms), [{"number": n, "field": f, "folded": v} for (f, v), n in fresh.items()])
    known |= fresh
    pairs = [{"term": known[term], "record": record} for term, having in wanted.items() for record in having]
    connection.execute(insert(record_terms), pairs)


def _numbers(connection: Connection, name: Column[Any], values: Sequence[str], **where: Any) -> dict[str, int]:
    """value -> number of the row of `name`'s table that has it, where there is one."""
    owner: Table = name.table
    found: dict[str, int] = {}
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), _CHUNK):
        rows = select(name, owner.c.number).where(name.in_(distinct[start : start + _CHUNK]))
        for column, value in where.items():
            rows = rows.where(owner.c[column] == value)
        found |= dict(connection.execute(rows).all())
    return found


def _next(connection: Connection, number: Column[int]) -> int:
    return (connection.scalar(select(func.max(number))) or 0) + 1


def _columns(noun: Any) -> dict[str, Any]:
    return {name: getattr(noun, name) for name in noun.__dataclass_fields__}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
