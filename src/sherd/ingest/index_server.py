"""The index of a library that has it on a server: filled, checked, and searched from here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sherd.errors import LibraryError
from sherd.ingest.library import Library
from sherd.vectors.milvus_library import MilvusIndexes, MilvusPlace, count, fill, forget, place_of
from sherd.vectors.rows import PartRows


def open_server(library: Library, fingerprint: str) -> MilvusIndexes:
    """The indexes of a library that has them on a server, for searching."""
    return MilvusIndexes(_place(library, fingerprint))


def fill_server(
    library: Library,
    fingerprint: str | None = None,
    *,
    anew: bool = False,
    told: Callable[[int, int], None] = lambda done, all_: None,
) -> None:
    """Bring the server up to date with the catalogue; nothing where the index is in the folder. For the writer.

    Args:
        fingerprint: of an encoder that is about to become the library's; None means the library's, and those of other
            encoders are removed from the server.
        anew: build the indexes again, and change over when they are whole.
    Raises:
        IndexAway: the server was away for too long. What is not on it is searched from here.
    """
    if library.elsewhere.vectors is None:
        return
    current = library.catalogue.encoder_fingerprint()
    wanted = fingerprint or current
    if wanted is None:
        return
    rows = _rows(library, wanted)
    if len(rows):
        fill(_place(library, wanted), rows, anew=anew, told=told)
    if fingerprint is None:
        forget(_place(library, wanted), keep=current)


def server_faults(library: Library) -> Iterator[str | None]:
    """None for each index on the server that was looked at, and what is wrong."""
    fingerprint = library.catalogue.encoder_fingerprint()
    if library.elsewhere.vectors is None or fingerprint is None:
        return
    rows = _rows(library, fingerprint)
    try:
        there = count(_place(library, fingerprint))
    except LibraryError as error:
        yield str(error)
        return
    for level, each in (("object", 1), ("part", rows.parts_per_image)):
        yield None
        if (there[level] or 0) != each * len(rows):
            yield f"the index of {level} vectors has {there[level] or 0} of {each * len(rows)}"


def _rows(library: Library, fingerprint: str) -> PartRows:
    table = library.catalogue.vector_table(fingerprint)
    return PartRows(library.parts(fingerprint), *table.located)


def _place(library: Library, fingerprint: str) -> MilvusPlace:
    assert library.elsewhere.vectors is not None
    return place_of(library.elsewhere.vectors, library.catalogue.library_id() or "", fingerprint)
