"""The truth of a library: which records there are, which pictures they show, and where each picture's vectors lie."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping, Select, distinct, func, select

from sherd.catalogue import decisions, filters, migrations
from sherd.catalogue.concepts import understand
from sherd.catalogue.database import Database
from sherd.catalogue.filters import FIELDS as FIELDS
from sherd.catalogue.filters import Where
from sherd.catalogue.fulltext import full_text
from sherd.catalogue.lexical import terms_of
from sherd.catalogue.numbers import numbers_of
from sherd.catalogue.opening import open_database
from sherd.catalogue.records import from_body
from sherd.catalogue.schema import (
    SCHEMA_VERSION,
    encoders,
    images,
    items,
    meta,
    pictures,
    records,
    regions,
    vector_parts,
    vectors,
)
from sherd.catalogue.word_scores import WordScores
from sherd.errors import InvalidArgument, SchemaTooOld
from sherd.types import Box, KeyArray, PartInfo, Record, Region, SourceImage, Understood

_CHUNK = 900
"""Values in one IN list; SQLite allows 32,766 variables, and a statement of this size is still kept prepared."""
_KEPT_FILTERS = 64
_STAMP = select(meta.c.name, meta.c.value).where(meta.c.name.in_(("generation", "encoder_fingerprint")))
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True)
class Shown:
    """A record that shows a picture: its title, and the path of the picture as in the source."""

    record_id: str
    title: str
    image: str


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture of the library. `thumbnail`: blake2b-256 of the thumbnail file, in hex."""

    key: int
    sha256: str
    width: int
    height: int
    thumbnail: str


@dataclass(frozen=True, slots=True)
class VectorTable:
    """Where all live vectors of one encoder lie, in one consistent state of the catalogue.

    keys: (n,) int64, ascending. part_of: (n,) int32, the place in `parts` of the part that each lies in. rows: (n,)
        int32, its row there. 16 bytes a picture.
    """

    generation: int
    parts: tuple[PartInfo, ...]
    keys: KeyArray
    part_of: NDArray[np.int32]
    rows: NDArray[np.int32]

    @property
    def located(self) -> tuple[tuple[PartInfo, ...], KeyArray, NDArray[np.int32], NDArray[np.int32]]:
        """What `PartRows` takes beside the store."""
        return self.parts, self.keys, self.part_of, self.rows


@dataclass(slots=True)
class _Kept:
    """Answers that hold for one generation."""

    generation: int = -1
    keys: dict[tuple[tuple[str, tuple[str, ...]], ...], KeyArray] = field(default_factory=dict)


class Catalogue:
    """Reading. Any number of processes and threads may read while one writes; each call sees one committed state."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._kept = _Kept()
        self._lock = threading.Lock()
        self._word_scores = WordScores()

    @classmethod
    def open(cls, place: Path | str, *, create: bool = False, library_id: str | None = None) -> Catalogue:
        """The catalogue in the SQLite file `place`, or at the address `postgresql://...`.

        Args:
            create: make it where the file is absent or empty, and bring an old one up to date; the caller holds the
                library for writing.
            library_id: of a catalogue that is made, instead of a new one.

        Raises:
            LibraryError: there is none, or the file is no catalogue.
            SchemaTooOld: it is old, or empty, and `create` is false.
            SchemaTooNew: a newer Sherd wrote it.
            CorruptData: the file is damaged.
            ServerAway: the server does not answer.
            InvalidArgument: the address cannot be read.
        """
        database = open_database(place, create=create)
        try:
            version = migrations.version_of(database)
            if create and version == 0:
                migrations.create(database, library_id)
            elif create:
                migrations.upgrade(database)
            elif version < SCHEMA_VERSION:
                what = f"has the old schema {version}" if version else "is empty"
                raise SchemaTooOld(f"{place}: the catalogue {what}; the next `sherd ingest` mends that", version)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        self.database.close()

    def library_id(self) -> str | None:
        """The name of the library, given when it was made and never changed."""
        with self.database.read() as connection:
            return _meta(connection, "library_id")

    def encoder_fingerprint(self) -> str | None:
        """Of the encoder that made the vectors; None before the first ingest."""
        with self.database.read() as connection:
            return _meta(connection, "encoder_fingerprint")

    def encoder_name(self) -> str | None:
        """The name under which that encoder was loaded, for `load_encoder`."""
        with self.database.read() as connection:
            return connection.scalar(select(encoders.c.name).where(encoders.c.number == _current_encoder(connection)))

    def generation(self) -> int:
        """Grows with every committed change."""
        with self.database.read() as connection:
            return _generation(connection)

    def stamp(self) -> tuple[int, str | None]:
        """`generation` and `encoder_fingerprint` in one look, which every search takes first."""
        with self.database.read() as connection:
            found = dict(connection.execute(_STAMP).all())
        return int(found.get("generation") or 0), found.get("encoder_fingerprint")

    def parts(self, fingerprint: str) -> list[PartInfo]:
        """The committed part files of an encoder, oldest first."""
        with self.database.read() as connection:
            return _parts(connection, fingerprint)

    def locate(self, keys: KeyArray) -> tuple[list[str], KeyArray]:
        """The part name and the row of each key (n,), for the library's encoder; InvalidArgument for a key without."""
        wanted = [int(key) for key in keys]
        found: dict[int, tuple[str, int]] = {}
        with self.database.read() as connection:
            encoder = _current_encoder(connection)
            for chunk in _chunks(wanted):
                rows = connection.execute(
                    select(vectors.c.key, vector_parts.c.name, vectors.c.row)
                    .join(vector_parts, vector_parts.c.number == vectors.c.part)
                    .where(vectors.c.encoder == encoder, vectors.c.key.in_(chunk))
                )
                found |= {key: (name, row) for key, name, row in rows}
        missing = next((key for key in wanted if key not in found), None)
        if missing is not None:
            raise InvalidArgument(f"no vectors are kept under key {missing}")
        return [found[key][0] for key in wanted], np.asarray([found[key][1] for key in wanted], np.int64)

    def vector_table(self, fingerprint: str | None = None) -> VectorTable:
        """`generation`, `parts`, `live_keys` and `locate` of one encoder, in one transaction.

        Args:
            fingerprint: None means the library's encoder; another is one that a reindex is on its way to.
        """
        with self.database.read() as connection:
            fingerprint = fingerprint or _meta(connection, "encoder_fingerprint") or ""
            found = connection.scalar(select(encoders.c.number).where(encoders.c.fingerprint == fingerprint))
            encoder = -1 if found is None else found
            # in the order of `_parts`
            of_encoder = select(vector_parts.c.number).where(vector_parts.c.encoder == encoder)
            numbers = np.array(connection.scalars(of_encoder.order_by(vector_parts.c.number)).all(), np.int64)
            blocks = list(
                numbers_of(
                    connection,
                    select(vectors.c.key, vectors.c.part, vectors.c.row).where(
                        vectors.c.encoder == encoder,
                        select(images.c.number).where(images.c.key == vectors.c.key).exists(),
                    ),
                    lambda block: (
                        block[:, 0].copy(),
                        np.searchsorted(numbers, block[:, 1]).astype(np.int32),
                        block[:, 2].astype(np.int32),
                    ),
                )
            )
            return VectorTable(
                _generation(connection),
                tuple(_parts(connection, fingerprint)),
                np.concatenate([np.empty(0, np.int64), *(block[0] for block in blocks)]),
                np.concatenate([np.empty(0, np.int32), *(block[1] for block in blocks)]),
                np.concatenate([np.empty(0, np.int32), *(block[2] for block in blocks)]),
            )

    def live_keys(self, where: Where | None = None) -> KeyArray:
        """Keys (n,), ascending, of the pictures that some record shows and that have vectors; read-only.

        Args:
            where: field -> accepted values: any of the values of a field, all of the fields. A value matches without
                regard to case when it is the whole term of the record or stands in it as whole words
                ("bronze" finds "gilt bronze"; Chinese has no word breaks, so there any part of the term counts). The
                field `concept` takes URIs, notations and labels of the library's thesauri, see `bearers.bearing`.
        Raises:
            InvalidArgument: an unknown field (the known ones are named), or a field without a value.
            UnknownConcept: no thesaurus of the library has a concept that is asked for.
        """
        name = tuple(sorted((key, tuple(values)) for key, values in (where or {}).items()))
        if filters.CONCEPT in (where or {}):  # what people decide changes it, and leaves the generation as it is
            name = (*name, ("", (str(decisions.head(self.database).number),)))
        with self.database.read() as connection:
            generation = _generation(connection)
            with self._lock:
                if self._kept.generation != generation:
                    self._kept = _Kept(generation)
                if name in self._kept.keys:
                    return self._kept.keys[name]
            shown = images.c.key == vectors.c.key
            for allowed in filters.allowed_records(self.database, connection, where):
                shown = shown & images.c.record.in_(allowed)
            live = select(vectors.c.key).where(
                vectors.c.encoder == _current_encoder(connection), select(images.c.number).where(shown).exists()
            )
            keys = np.concatenate([np.empty(0, np.int64), *numbers_of(connection, live, lambda block: block[:, 0])])
        keys.setflags(write=False)
        with self._lock:
            if self._kept.generation == generation and len(self._kept.keys) < _KEPT_FILTERS:
                self._kept.keys[name] = keys
        return keys

    def hits_for(self, keys: KeyArray, where: Where | None = None) -> dict[int, list[Shown]]:
        """Who shows each picture, each record once; a key that nobody shows is left out.

        Args:
            where: only records that it lets through, as for `live_keys`.
        """
        hits: dict[int, dict[str, Shown]] = defaultdict(dict)
        with self.database.read() as connection:
            shown = _ordered(select(images.c.key, records.c.record_id, records.c.title, images.c.path))
            shown = shown.join(records, records.c.number == images.c.record)
            for allowed in filters.allowed_records(self.database, connection, where):
                shown = shown.where(allowed.where(allowed.selected_columns[0] == images.c.record).exists())
            for chunk in _chunks([int(key) for key in keys]):
                for key, record_id, title, path in connection.execute(shown.where(images.c.key.in_(chunk))):
                    hits[key].setdefault(record_id, Shown(record_id, title, path))
        return {key: list(found.values()) for key, found in hits.items()}

    def get_many(self, record_ids: Sequence[str]) -> dict[str, Record]:
        """Whole records; identifiers that are unknown are left out. A picture that two sources give is there once."""
        found: dict[str, Record] = {}
        with self.database.read() as connection:
            for chunk in _chunks(list(dict.fromkeys(record_ids))):
                rows = connection.execute(select(records).where(records.c.record_id.in_(chunk))).mappings().all()
                shown = _images_of(connection, [row["number"] for row in rows])
                for row in rows:
                    pairs = shown.get(row["number"], [])
                    found[row["record_id"]] = from_body(row["record_id"], row["body"], (image for _, image in pairs))
        return found

    def keys_of(self, record_ids: Sequence[str]) -> dict[str, list[tuple[int, str]]]:
        """(key, image path) of each record's pictures, in the order of the record."""
        found: dict[str, list[tuple[int, str]]] = {}
        with self.database.read() as connection:
            for chunk in _chunks(list(dict.fromkeys(record_ids))):
                rows = connection.execute(
                    select(records.c.number, records.c.record_id).where(records.c.record_id.in_(chunk))
                ).all()
                shown = _images_of(connection, [number for number, _ in rows])
                for number, record_id in rows:
                    found[record_id] = [(key, image.path) for key, image in shown.get(number, [])]
        return found

    def picture_keys(self, record_ids: Sequence[str]) -> KeyArray:
        """(n,) ascending keys of the pictures of these records."""
        found: set[int] = set()
        with self.database.read() as connection:
            for chunk in _chunks(record_ids):
                shown = select(images.c.key).join(records, records.c.number == images.c.record)
                found |= set(connection.scalars(shown.where(records.c.record_id.in_(chunk))))
        return np.array(sorted(found), np.int64)

    def lexical(
        self, text: str, limit: int, where: Where | None = None, labels: Sequence[str] = ()
    ) -> list[tuple[str, float]]:
        """(record_id, score) of the records whose words match, best first, at most `limit`; score above 0 (BM25).

        Any word of the text counts, and each of `labels` as a whole; see `sherd.catalogue.lexical`. Raises
        InvalidArgument as `live_keys` does.
        """
        with self.database.read() as connection:
            allowed = filters.allowed_records(self.database, connection, where)
            terms, engine = terms_of(text, labels), full_text(connection)
            if not terms or limit <= 0:
                return []
            if not allowed:
                best = self._word_scores.best(engine, connection, _generation(connection), terms, limit)
                if best is not None:
                    return self._named(connection, best)
            return engine.search(connection, terms, limit, allowed)

    def _named(self, connection: Connection, scored: Sequence[tuple[int, float]]) -> list[tuple[str, float]]:
        """Record ids in place of numbers; without records that are gone."""
        names: dict[int, str] = {}
        for chunk in _chunks([number for number, _ in scored]):
            rows = connection.execute(select(records.c.number, records.c.record_id).where(records.c.number.in_(chunk)))
            names |= dict(rows.all())
        return [(names[number], score) for number, score in scored if number in names]

    def understood(self, text: str) -> tuple[Understood, ...]:
        """The concepts of the library's thesauri that a text plainly means, with what else they are called."""
        return understand(self.database, text)

    def count(self) -> tuple[int, int]:
        """(records, pictures that some record shows)."""
        with self.database.read() as connection:
            shown = connection.scalar(select(func.count(distinct(images.c.key))))
            return connection.scalar(select(func.count()).select_from(records)) or 0, shown or 0

    def count_pictures(self, up_to: int | None = None) -> int:
        """All pictures, or those with a key of at most `up_to`."""
        rows = select(func.count()).select_from(pictures)
        with self.database.read() as connection:
            return connection.scalar(rows if up_to is None else rows.where(pictures.c.key <= up_to)) or 0

    def part_names(self) -> dict[str, set[str]]:
        """First 16 digits of each encoder's fingerprint -> names of its committed part files."""
        names: dict[str, set[str]] = defaultdict(set)
        with self.database.read() as connection:
            rows = select(encoders.c.fingerprint, vector_parts.c.name).join(
                vector_parts, vector_parts.c.encoder == encoders.c.number
            )
            for fingerprint, name in connection.execute(rows):
                names[fingerprint[:16]].add(name)
        return names

    def pictures_by_sha256(self, sha256: Sequence[str]) -> dict[str, StoredPicture]:
        """The pictures of these files, where the library has them."""
        found: dict[str, StoredPicture] = {}
        with self.database.read() as connection:
            for chunk in _chunks(sha256):
                rows = connection.execute(_stored().where(pictures.c.sha256.in_(chunk)))
                found |= {row.sha256: StoredPicture(*row) for row in rows}
        return found

    def pictures_by_key(self, keys: Sequence[int]) -> dict[int, StoredPicture]:
        """The pictures with these keys, where the library has them."""
        found: dict[int, StoredPicture] = {}
        with self.database.read() as connection:
            for chunk in _chunks(keys):
                rows = connection.execute(_stored().where(pictures.c.key.in_(chunk)))
                found |= {row.key: StoredPicture(*row) for row in rows}
        return found

    def record_ids(self) -> list[str]:
        """Of all records, in their order as text."""
        with self.database.read() as connection:
            return list(connection.scalars(select(records.c.record_id).order_by(records.c.record_id)))

    def titles(self, after: str, limit: int) -> list[tuple[str, str]]:
        """(record id, title) of up to `limit` records whose id comes after `after` as text, by id."""
        rows = select(records.c.record_id, records.c.title).where(records.c.record_id > after)
        rows = rows.order_by(records.c.record_id).limit(limit)
        with self.database.read() as connection:
            return [(name, title) for name, title in connection.execute(rows)]

    def pictures(self, start: int = 0, limit: int = 1_000) -> list[StoredPicture]:
        """Up to `limit` pictures with a key above `start`, by key."""
        rows = _stored().where(pictures.c.key > start).order_by(pictures.c.key).limit(limit)
        with self.database.read() as connection:
            return [StoredPicture(*row) for row in connection.execute(rows)]


def _stored() -> Select[int, str, int, int, str]:
    return select(pictures.c.key, pictures.c.sha256, pictures.c.width, pictures.c.height, pictures.c.thumbnail)


def _meta(connection: Connection, name: str) -> str | None:
    return connection.scalar(select(meta.c.value).where(meta.c.name == name))


def _generation(connection: Connection) -> int:
    return int(_meta(connection, "generation") or 0)


def _current_encoder(connection: Connection) -> int:
    """Number of the library's encoder; -1 before the first ingest."""
    fingerprint = _meta(connection, "encoder_fingerprint")
    number = connection.scalar(select(encoders.c.number).where(encoders.c.fingerprint == fingerprint))
    return -1 if number is None else number


def _parts(connection: Connection, fingerprint: str) -> list[PartInfo]:
    rows = connection.execute(
        select(
            vector_parts.c.name,
            vector_parts.c.rows,
            vector_parts.c.dim,
            vector_parts.c.parts_per_image,
            vector_parts.c.checksum,
        )
        .join(encoders, encoders.c.number == vector_parts.c.encoder)
        .where(encoders.c.fingerprint == fingerprint)
        .order_by(vector_parts.c.number)
    )
    return [PartInfo(*row) for row in rows]


def _ordered(rows: Select[*Ts]) -> Select[*Ts]:
    """Images in the order of their record: the source that came last speaks first, then the order of its items."""
    return rows.join(items, items.c.number == images.c.item).order_by(
        items.c.source.desc(), items.c.ordinal, items.c.number, images.c.ordinal
    )


def _images_of(connection: Connection, numbers: Sequence[int]) -> dict[int, list[tuple[int, SourceImage]]]:
    """Record number -> (key, image with its regions), each path of a source and each picture of a record once."""
    rows = (
        connection.execute(_ordered(select(images, items.c.source)).where(images.c.record.in_(numbers)))
        .mappings()
        .all()
    )
    marks = _regions_of(connection, rows)
    found: dict[int, list[tuple[int, SourceImage]]] = defaultdict(list)
    paths: set[tuple[int, int, str]] = set()
    keys: dict[tuple[int, int], int] = {}
    for row in rows:
        path, key = (row["record"], row["source"], row["path"]), (row["record"], row["key"])
        # The same file twice, or the same picture from another source: shown once.
        # (Two files of one source with equal content are both kept: they may carry different regions.)
        if path in paths or keys.setdefault(key, row["source"]) != row["source"]:
            continue
        paths.add(path)
        found[row["record"]].append(
            (row["key"], SourceImage(row["path"], tuple(marks.get(row["number"], ())), row["view"]))
        )
    return found


def _regions_of(connection: Connection, rows: Iterable[RowMapping]) -> dict[int, list[Region]]:
    marks: dict[int, list[Region]] = defaultdict(list)
    for chunk in _chunks([row["number"] for row in rows]):
        wanted = select(regions).where(regions.c.image.in_(chunk)).order_by(regions.c.image, regions.c.ordinal)
        for mark in connection.execute(wanted).mappings():
            box = Box(mark["x"], mark["y"], mark["w"], mark["h"])
            marks[mark["image"]].append(Region(box, mark["label"], mark["mask"], mark["concept"]))
    return marks


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
