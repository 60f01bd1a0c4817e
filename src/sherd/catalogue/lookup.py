"""What an ingest asks the catalogue: what is known already, what is no longer said, what nobody shows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, distinct, func, select

from sherd.catalogue.database import Database
from sherd.catalogue.schema import encoders, images, items, jobs, pictures, records, sources, vector_parts, vectors
from sherd.catalogue.writing import ImageLink, advance

_CHUNK = 900


@dataclass(frozen=True, slots=True)
class KnownItem:
    """A source item as the library holds it."""

    number: int
    digest: str
    links: tuple[ImageLink, ...]


@dataclass(frozen=True, slots=True)
class Vanished:
    """Items that a source no longer has, of records that it still has. `renewed`: how many of them were followed by a
    new item of the same record in the same run (a picture was exchanged for another, say)."""

    items: tuple[int, ...]
    renewed: int


@dataclass(frozen=True, slots=True)
class VectorRow:
    """Where the vectors of one picture lie in a part."""

    key: int
    sha256: str
    row: int


@dataclass(frozen=True, slots=True)
class Original:
    """Where the file of a picture lies: `path` below `root`."""

    root: str
    path: str


def known_items(database: Database, source: int, item_keys: Sequence[str]) -> dict[str, KnownItem]:
    """item_key -> what the library holds, for those it holds."""
    found: dict[int, tuple[str, str]] = {}
    links: dict[int, list[ImageLink]] = defaultdict(list)
    with database.read() as connection:
        for start in range(0, len(item_keys), _CHUNK):
            chunk = item_keys[start : start + _CHUNK]
            same = (items.c.source == source, items.c.item_key.in_(chunk))
            for number, key, digest in connection.execute(
                select(items.c.number, items.c.item_key, items.c.digest).where(*same)
            ):
                found[number] = (key, digest)
            shown = (
                select(images.c.item, images.c.path, images.c.key, images.c.size, images.c.mtime_ns)
                .join(items, items.c.number == images.c.item)
                .where(*same)
                .order_by(images.c.item, images.c.ordinal)
            )
            for number, *link in connection.execute(shown):
                links[number].append(ImageLink(*link))
    return {key: KnownItem(number, digest, tuple(links[number])) for number, (key, digest) in found.items()}


def known_pictures(database: Database, sha256: Collection[str], fingerprint: str) -> dict[str, tuple[int, bool]]:
    """sha256 -> (key, whether its vectors by this encoder are there), for the pictures that the library has."""
    has_vectors = (
        select(vectors.c.row)
        .join(encoders, encoders.c.number == vectors.c.encoder)
        .where(encoders.c.fingerprint == fingerprint, vectors.c.key == pictures.c.key)
        .exists()
    )
    wanted = list(sha256)
    found: dict[str, tuple[int, bool]] = {}
    with database.read() as connection:
        for start in range(0, len(wanted), _CHUNK):
            rows = select(pictures.c.sha256, pictures.c.key, has_vectors)
            chunk = wanted[start : start + _CHUNK]
            found |= {
                sha: (key, there) for sha, key, there in connection.execute(rows.where(pictures.c.sha256.in_(chunk)))
            }
    return found


def vanished(database: Database, source: int, job: int, seen: bytes, spared: Collection[str]) -> Vanished:
    """Items of `source` that were not seen, of records of which some item was.

    Args:
        job: the run; items that it brought in count as new.
        seen: seen[number] is 1 for the items seen in this run.
        spared: record ids that are left alone.
    """
    gone: list[int] = []
    renewed = 0
    with database.read() as connection:
        rows = connection.execute(
            select(items.c.record, items.c.number, items.c.job, records.c.record_id)
            .join(records, records.c.number == items.c.record)
            .where(items.c.source == source)
            .order_by(items.c.record)
        )
        current, missing, new, there = -1, list[int](), 0, False
        for record, number, brought_by, record_id in [*rows, (-2, 0, 0, "")]:
            if record != current:
                if there and missing:
                    gone += missing
                    renewed += min(len(missing), new)
                current, missing, new, there = record, [], 0, False
            if record_id in spared:
                continue
            if number < len(seen) and seen[number]:
                there = True
                new += brought_by == job
            else:
                missing.append(number)
    return Vanished(tuple(gone), renewed)


def count_pictures(database: Database, source: int) -> int:
    """Picture files of this source that the library shows."""
    with database.read() as connection:
        return (
            connection.scalar(
                select(func.count(distinct(images.c.path)))
                .join(items, items.c.number == images.c.item)
                .where(items.c.source == source)
            )
            or 0
        )


def remove_unused_pictures(database: Database) -> list[str]:
    """Forget the pictures that no record shows, with the place of their vectors. Returns their sha256."""
    unused = ~select(images.c.number).where(images.c.key == pictures.c.key).exists()
    with database.read() as connection:
        rows = connection.execute(select(pictures.c.key, pictures.c.sha256).where(unused)).all()
    for start in range(0, len(rows), _CHUNK):
        keys = [key for key, _ in rows[start : start + _CHUNK]]
        with database.write() as connection:
            connection.execute(delete(vectors).where(vectors.c.key.in_(keys)))
            connection.execute(delete(pictures).where(pictures.c.key.in_(keys)))
            advance(connection)
    return [sha256 for _, sha256 in rows]


def fingerprints(database: Database) -> list[str]:
    """Of all encoders that have vectors here: the library's own, and one that a reindex is on its way to."""
    with database.read() as connection:
        return list(connection.scalars(select(encoders.c.fingerprint).order_by(encoders.c.number)))


def rows_of_part(database: Database, fingerprint: str, name: str) -> list[VectorRow]:
    """The live rows of a part file."""
    rows = (
        select(pictures.c.key, pictures.c.sha256, vectors.c.row)
        .select_from(vectors)
        .join(pictures, pictures.c.key == vectors.c.key)
        .join(vector_parts, vector_parts.c.number == vectors.c.part)
        .join(encoders, encoders.c.number == vector_parts.c.encoder)
        .where(encoders.c.fingerprint == fingerprint, vector_parts.c.name == name)
        .order_by(vectors.c.row)
    )
    with database.read() as connection:
        return [VectorRow(*row) for row in connection.execute(rows)]


def without_vectors(
    database: Database, fingerprint: str, start: int = 0, limit: int | None = None
) -> list[tuple[int, str]]:
    """(key, sha256) of the pictures above key `start` that have no vectors by this encoder, by key."""
    there = (
        select(vectors.c.row)
        .join(encoders, encoders.c.number == vectors.c.encoder)
        .where(encoders.c.fingerprint == fingerprint, vectors.c.key == pictures.c.key)
        .exists()
    )
    rows = select(pictures.c.key, pictures.c.sha256).where(~there, pictures.c.key > start).order_by(pictures.c.key)
    with database.read() as connection:
        return [(key, sha256) for key, sha256 in connection.execute(rows.limit(limit))]


def originals(connection: Connection, keys: Sequence[int]) -> dict[int, list[Original]]:
    """Where the files of these pictures lie, as the sources were given, newest source first."""
    found: dict[int, list[Original]] = defaultdict(list)
    rows = connection.execute(
        select(images.c.key, sources.c.root, images.c.path)
        .join(items, items.c.number == images.c.item)
        .join(sources, sources.c.number == items.c.source)
        .where(images.c.key.in_(keys))
        .order_by(images.c.key, sources.c.number.desc())
    )
    for key, root, path in rows:
        found[key].append(Original(root, path))
    return found


def was_interrupted(database: Database) -> bool:
    """Whether the last job of some kind and source did not reach its end."""
    latest = select(jobs.c.kind, jobs.c.source, func.max(jobs.c.number).label("number")).group_by(
        jobs.c.kind, jobs.c.source
    )
    with database.read() as connection:
        numbers = [row.number for row in connection.execute(latest)]
        states = connection.scalars(select(jobs.c.state).where(jobs.c.number.in_(numbers)))
        return any(state == "running" for state in states)


def last_job(database: Database, kind: str) -> tuple[str, dict[str, int | str]]:
    """(state, counts) of the last job of a kind; ('', {}) when there was none."""
    rows = select(jobs.c.state, jobs.c.counts).where(jobs.c.kind == kind).order_by(jobs.c.number.desc()).limit(1)
    with database.read() as connection:
        found = connection.execute(rows).first()
    return (found.state, json.loads(found.counts)) if found is not None else ("", {})
