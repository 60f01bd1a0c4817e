"""Does everything in a library hold together? Looks at every file and every row; changes nothing.

Kinds of problems, and what mends them:
- `catalogue_damaged`: SQLite itself finds fault. A backup.
- `item_altered`: what is stored of a source item is not what was read. `repair`, then an ingest of its source.
- `record_altered`, `words_altered`: a record, its words or its filter terms are not what its items say, or the labels
  of a thesaurus not what its concepts say. `repair`.
- `thesaurus_altered`: the concepts of a thesaurus are not those that were imported. `sherd thesaurus import` again.
- `thumbnail_missing`, `_altered`, `_extra`: `repair`, from the original where it is still there.
- `vectors_missing`: a picture without vectors; `vectors_misplaced`: the row holds another picture's. `repair`.
- `part_missing`, `_altered`, `_extra`: files of vectors. `repair`.
- `index_behind`: an index on a server lacks vectors, or cannot be asked. `repair`.
- `index_altered`, `index_extra`: `repair`. A missing index is none: it is made in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from sherd.catalogue import lookup, soundness
from sherd.errors import CorruptData, StorageRefused
from sherd.ingest.index_server import server_faults
from sherd.ingest.library import CATALOGUE, Library
from sherd.ingest.thumbnails import ThumbnailStore
from sherd.ingest.tidy import unknown_thumbnails
from sherd.vectors.index_files import check_index, known_files
from sherd.vectors.parts import Part

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `what` is for people; `where` is a file below the library folder, or a row."""

    kind: str
    what: str
    where: str
    number: int = -1  # key of the picture, or row of the catalogue, that it is about

    def as_dict(self) -> dict[str, str]:
        return {"kind": self.kind, "what": self.what, "where": self.where}


@dataclass(slots=True)
class Verification:
    """What was looked at, by kind, and what is wrong."""

    checked: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_dict(self) -> dict[str, object]:
        return {"ok": self.ok, "checked": self.checked, "problems": [problem.as_dict() for problem in self.problems]}


def verify(library: Library) -> Verification:
    """Look at the whole library.

    Raises:
        LibraryBusy: a process writes to it, so that files come and go; wait for it to finish.
        CorruptData: the catalogue is damaged so far that it cannot be read.
    """
    try:
        with library.writer():
            return _verify(library)
    except StorageRefused:  # on a read-only disk nobody writes
        return _verify(library)


def _verify(library: Library) -> Verification:
    found = Verification()
    database = library.catalogue.database
    try:
        for fault in soundness.faults(database):
            found.problems.append(Problem(fault.kind, fault.what, fault.where, fault.number))
    except CorruptData as error:
        found.problems.append(Problem("catalogue_damaged", str(error), CATALOGUE))
    if any(problem.kind == "catalogue_damaged" for problem in found.problems):
        # What a damaged catalogue says of files is not worth comparing them with.
        found.checked = {"catalogue": 1}
        return found
    found.checked = {"catalogue": 1, "records": library.catalogue.count()[0], "items": soundness.count_items(database)}
    for name, problems in (
        ("thumbnails", _thumbnails(library)),
        ("vectors", _vectors(library)),
        ("indexes", _indexes(library)),
        *([("indexes on a server", _server(library))] if library.elsewhere.vectors is not None else []),
    ):
        found.checked[name] = 0
        for problem in problems:
            if problem is None:
                found.checked[name] += 1
            else:
                found.problems.append(problem)
    return found


def _thumbnails(library: Library) -> Iterator[Problem | None]:
    """None for each thumbnail that was looked at, and the problems."""
    store = ThumbnailStore(library.thumbnails)
    last = 0
    while pictures := library.catalogue.pictures(last, _BATCH):
        last = pictures[-1].key
        for picture in pictures:
            yield None
            path = store.path(picture.sha256)
            where = str(path.relative_to(library.folder))
            if not path.is_file():
                yield Problem("thumbnail_missing", "the picture has no thumbnail", where, picture.key)
                continue
            try:
                store.read(picture.sha256, picture.thumbnail)
            except CorruptData:
                yield Problem("thumbnail_altered", "the thumbnail does not match its checksum", where, picture.key)
    files = store.files()
    while batch := list(islice(files, _BATCH)):
        for path in unknown_thumbnails(library, batch):
            yield Problem("thumbnail_extra", "no picture has this thumbnail", str(path.relative_to(library.folder)))


def _vectors(library: Library) -> Iterator[Problem | None]:
    """None for each picture whose vectors were looked at, and the problems."""
    database = library.catalogue.database
    current = library.catalogue.encoder_fingerprint()
    known = library.catalogue.part_names()
    for folder in sorted((library.folder / "vectors").glob("*")):
        inside = sorted(folder.iterdir()) if folder.is_dir() else [folder]
        for path in inside:
            if path.name not in known.get(folder.name, ()):
                where = str(path.relative_to(library.folder))
                yield Problem("part_extra", "the catalogue does not know this file of vectors", where)
    for fingerprint in lookup.fingerprints(database):
        store = library.parts(fingerprint)
        for info in library.catalogue.parts(fingerprint):
            where = str(store.path(info.name).relative_to(library.folder))
            rows = lookup.rows_of_part(database, fingerprint, info.name)
            part: Part | None = None
            if not store.path(info.name).is_file():
                yield Problem("part_missing", f"the vectors of {len(rows)} pictures are gone", where)
            else:
                try:
                    part = store.read(info)
                except CorruptData as error:
                    yield Problem("part_altered", str(error), where)
            for row in rows:
                yield None
                if part is not None and not _holds(part, row):
                    what = f"row {row.row} does not hold the vectors of picture {row.sha256}"
                    yield Problem("vectors_misplaced", what, where, row.key)
    if current is not None:
        for key, sha256 in lookup.without_vectors(database, current):
            yield None
            yield Problem("vectors_missing", f"picture {sha256} has no vectors", f"picture {key}", key)


def _holds(part: Part, row: lookup.VectorRow) -> bool:
    """Whether the part has, in that row, that picture's usable vectors."""
    if row.row >= part.info.rows or int(part.keys[row.row]) != row.key or part.sha256(row.row) != row.sha256:
        return False
    return bool(np.isfinite(part.object[row.row]).all() and np.isfinite(part.parts[row.row]).all())


def _server(library: Library) -> Iterator[Problem | None]:
    """None for each index on a server that was looked at, and the problems."""
    for fault in server_faults(library):
        yield None if fault is None else Problem("index_behind", fault, "index server")


def _indexes(library: Library) -> Iterator[Problem | None]:
    """None for each index file that was looked at, and the problems."""
    current = library.catalogue.encoder_fingerprint()
    known = known_files(library.index_folder(current)) if current is not None else set()
    for path in sorted((library.folder / "index").rglob("*")):
        if path.is_dir():
            continue
        where = str(path.relative_to(library.folder))
        if path not in known:
            yield Problem("index_extra", "no index of the library's encoder", where)
            continue
        yield None
        try:
            check_index(path)
        except CorruptData as error:
            yield Problem("index_altered", str(error), where)
