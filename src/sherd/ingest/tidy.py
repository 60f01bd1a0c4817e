"""What the writer does around an ingest: clear away what an interruption left, keep the number of files small."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from sherd.catalogue import writing
from sherd.ingest.index_server import fill_server
from sherd.ingest.library import Library
from sherd.ingest.thumbnails import ThumbnailStore
from sherd.types import FloatArray, PartInfo
from sherd.vectors.faiss_index import IndexSettings
from sherd.vectors.index_files import empty_indexes, save_indexes
from sherd.vectors.rows import PartRows

SMALL_PART = 2_048
LARGE_PART = 4_096
_BATCH = 1_000


def remove_leftovers(library: Library) -> list[str]:
    """Remove files that no committed batch speaks of; the caller holds the library for writing.

    Returns:
        What was removed, below the library folder.
    """
    removed: list[Path] = []
    known = library.catalogue.part_names()
    for folder in sorted((library.folder / "vectors").glob("*")):
        if folder.name not in known:
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
            removed.append(folder)
            continue
        extra = [path for path in sorted(folder.iterdir()) if path.name not in known[folder.name]]
        for path in extra:
            path.unlink()
        removed += extra
    files = ThumbnailStore(library.thumbnails).files()
    while batch := list(islice(files, _BATCH)):
        extra = unknown_thumbnails(library, batch)
        for path in extra:
            path.unlink()
        removed += extra
    fingerprint = library.catalogue.encoder_fingerprint()
    for folder in sorted((library.folder / "index").glob("*")):
        if fingerprint is None or folder.name != fingerprint[:16]:
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
            removed.append(folder)
    return [str(path.relative_to(library.folder)) for path in removed]


def unknown_thumbnails(library: Library, files: Sequence[Path]) -> list[Path]:
    """Those of some files below thumbnails/ that are no picture's thumbnail."""
    known = library.catalogue.pictures_by_sha256([path.stem for path in files])
    store = ThumbnailStore(library.thumbnails)
    return [path for path in files if path.stem not in known or path != store.path(path.stem)]


def merge_small_parts(library: Library) -> int:
    """Put neighbouring small part files of the library's encoder into larger ones, and drop those without live rows.

    Returns:
        How many files are gone.
    """
    table = library.catalogue.vector_table()
    fingerprint, name = library.catalogue.encoder_fingerprint(), library.catalogue.encoder_name()
    if fingerprint is None or name is None:
        return 0
    live = np.bincount(table.part_of, minlength=len(table.parts)).tolist()
    dead = [info for info, rows in zip(table.parts, live, strict=True) if not rows]
    gone = 0
    if dead:
        _replace(library, fingerprint, dead, None)
        gone += len(dead)
    for group in _groups([info for info, rows in zip(table.parts, live, strict=True) if rows]):
        store = library.parts(fingerprint)
        merged = store.merge(group, live=table.keys)
        keys = tuple(store.read(merged).keys.tolist())
        _replace(library, fingerprint, group, writing.NewPart(fingerprint, name, merged, keys))
        gone += len(group) - 1
    return gone


def save_index(
    library: Library,
    *,
    settings: IndexSettings | None = None,
    asked: FloatArray | None = None,
    tune_again: bool = False,
    told: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> list[Path]:
    """Write the index files of the library, where it is large enough to have some, see `save_indexes`; or bring its
    server up to date.

    Raises:
        IndexAway: the index is on a server that was away for too long.
    """
    if library.elsewhere.vectors is not None:
        fill_server(library)
        return []
    fingerprint = library.catalogue.encoder_fingerprint()
    table = library.catalogue.vector_table()
    if fingerprint is None or not table.parts:
        return []
    rows = PartRows(library.parts(fingerprint), *table.located)
    folder = library.index_folder(fingerprint)
    return save_indexes(folder, rows, settings=settings, asked=asked, tune_again=tune_again, told=told)


def forget_index(library: Library) -> None:
    """Remove the library's index files, but for what was chosen for them; `save_index` makes them anew."""
    fingerprint = library.catalogue.encoder_fingerprint()
    if fingerprint is not None:
        empty_indexes(library.index_folder(fingerprint))


def _groups(parts: Sequence[PartInfo]) -> Iterator[list[PartInfo]]:
    """Runs of two or more small parts that make one of at most LARGE_PART rows."""
    group: list[PartInfo] = []
    for info in [*parts, None]:
        full = info is None or info.rows >= SMALL_PART or sum(one.rows for one in group) + info.rows > LARGE_PART
        if full:
            if len(group) > 1:
                yield group
            group = []
        if info is not None and info.rows < SMALL_PART:
            group.append(info)


def _replace(library: Library, fingerprint: str, old: Sequence[PartInfo], new: writing.NewPart | None) -> None:
    """Move the catalogue over, then remove the old files; readers that have them open go on."""
    names = [info.name for info in old if new is None or info.name != new.info.name]
    with library.catalogue.database.write() as connection:
        if new is not None:
            writing.put_part(connection, new)
        writing.remove_parts(connection, fingerprint, names)
        writing.advance(connection)
    library.parts(fingerprint).delete(names)
