"""Making all vectors of a library anew, by the same encoder or by another one.

Vectors are made from the thumbnails, part by part. Those of another encoder lie beside the old ones until all are
there, searches going on with the old; one transaction then makes the new encoder the library's, and the old files are
removed. When it is interrupted it goes on where it was; an ingest may come between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sherd.catalogue import lookup, writing
from sherd.catalogue.database import Database
from sherd.encoder.protocol import Encoder
from sherd.errors import CorruptData
from sherd.ingest.index_server import fill_server
from sherd.ingest.library import Library
from sherd.ingest.repair import encode_again
from sherd.ingest.thumbnails import ThumbnailStore
from sherd.ingest.tidy import merge_small_parts, remove_leftovers, save_index
from sherd.types import FloatArray
from sherd.vectors.index_files import saved_indexes, settings_for
from sherd.vectors.manifest import Manifest

_PART = 256
"""Pictures in one part; at most so many are encoded again after an interruption."""
_TITLES, _TITLES_LEAST, _TITLES_READ = 200, 50, 20_000
"""Titles that indexes are asked with; fewer different ones say too little; so many are looked through."""


@dataclass(frozen=True, slots=True)
class Reindexed:
    """The end of a reindex. pictures: how many have vectors now; encoded: how many of them this run made.

    indexes: by 'object' and 'part', what is known of an index that is not exact.
    """

    pictures: int
    encoded: int
    model: str
    fingerprint: str
    seconds: float
    indexes: Mapping[str, IndexReport] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IndexReport:
    """kind and recall_asked_for: as chosen. recall: recall@10 as measured with `queries` queries; None when it was not.

    asked_with: 'texts', titles of the library as its encoder has them, or 'own', vectors of the collection.
    """

    kind: str
    vectors: int
    recall_asked_for: float
    recall: float | None = None
    queries: int = 0
    asked_with: str = ""


def reindex(
    library: Library,
    encoder: Encoder,
    *,
    encoder_name: str | None = None,
    kind: str | None = None,
    recall: float | None = None,
    settled: Callable[[int, int], None] = lambda done, total: None,
    hook: Callable[[str], None] = lambda step: None,
) -> Reindexed:
    """Make all vectors anew.

    Args:
        encoder_name: under which the encoder was loaded.
        kind, recall: of the search indexes, see `IndexSettings`; None leaves what was chosen before.
        settled: told (pictures done, pictures in all) after each part.
        hook: called with the name of each step; tests stop the process there.
    Raises:
        LibraryBusy: another process writes to it.
        CorruptData: thumbnails are missing or altered; the library is left with the old encoder. Repair it first.
    """
    start, name = time.monotonic(), encoder_name or encoder.name
    settings_for(library.index_folder(encoder.fingerprint), kind=kind, recall=recall)  # refused before any work
    database, new = library.catalogue.database, encoder.fingerprint
    with library.writer():
        current = library.catalogue.encoder_fingerprint()
        through = _interrupted_at(database, new) if new == current else 0
        remove_leftovers(library)
        with database.write() as connection:
            for fingerprint in {*lookup.fingerprints(database)} - {current, new}:
                writing.remove_encoder(connection, fingerprint)
            job = writing.start_job(connection, "reindex")
        total, done, encoded = library.catalogue.count_pictures(), 0, 0
        parts = encode_again(library, encoder, name, start=through, anew=new == current, batch=_PART)
        for last, pictures in parts:
            encoded += pictures
            done = library.catalogue.count_pictures(up_to=last)
            with database.write() as connection:
                writing.note_job(connection, job, {"encoder": new, "through": last, "encoded": encoded})
            settled(done, total)
            hook("part_done")
        _check_complete(library, new)
        fill_server(library, new, anew=new == current)  # before the switch: searches go on with the old until then
        with database.write() as connection:
            writing.switch_encoder(connection, new, name)
        hook("switched")
        remove_leftovers(library)
        merge_small_parts(library)
        told = _only(settled)
        indexes = index_anew(library, encoder, kind=kind, recall=recall, told=told)
        with database.write() as connection:
            writing.finish_job(connection, job, {"encoder": new, "encoded": encoded})
    return Reindexed(total, encoded, name, new, round(time.monotonic() - start, 3), indexes)


def index_anew(
    library: Library,
    encoder: Encoder,
    *,
    kind: str | None = None,
    recall: float | None = None,
    told: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Mapping[str, IndexReport]:
    """Bring the search indexes up to date with the vectors that are there, and measure anew how much they find.

    Args:
        encoder: the library's.
        kind, recall: see `reindex`.
        told: called with 'object' or 'part', vectors done, vectors in all.
    Raises:
        LibraryBusy: another process writes to it.
        InvalidArgument: no such kind, or a recall that cannot be asked for.
        CorruptData: a vector part is altered.
    """
    with library.writer():
        folder = library.index_folder(encoder.fingerprint)
        settings = settings_for(folder, kind=kind, recall=recall)
        asked = _titles(library, encoder)
        save_index(library, settings=settings, asked=asked, tune_again=True, told=told)
        return {name: _report(manifest) for name, manifest in saved_indexes(folder).items() if manifest.layers}


def _report(manifest: Manifest) -> IndexReport:
    known = IndexReport(manifest.kind, sum(layer.alive for layer in manifest.layers), manifest.recall)
    if manifest.dial is None:
        return known
    found = manifest.dial.at(manifest.recall)
    return replace(known, recall=found.recall, queries=manifest.dial.queries, asked_with=manifest.dial.asked_with)


def _titles(library: Library, encoder: Encoder) -> FloatArray | None:
    """Vectors of titles to ask the indexes with; None where there are too few different ones to learn from."""
    titles = dict.fromkeys(title.strip() for _, title in library.catalogue.titles("", _TITLES_READ))
    different = [title for title in titles if title]
    if len(different) < _TITLES_LEAST:
        return None
    chosen = different[:: max(1, len(different) // _TITLES)][:_TITLES]
    return encoder.encode_text(chosen)


def _only(settled: Callable[[int, int], None]) -> Callable[[str, int, int], None]:
    def told(what: str, done: int, total: int) -> None:
        settled(done, total)

    return told


def _interrupted_at(database: Database, fingerprint: str) -> int:
    """The key up to which an interrupted reindex by this encoder came; 0 when the last one came to its end."""
    state, counts = lookup.last_job(database, "reindex")
    return int(counts.get("through", 0)) if state == "running" and counts.get("encoder") == fingerprint else 0


def _check_complete(library: Library, fingerprint: str) -> None:
    """Raise CorruptData when pictures were left out because of their thumbnails."""
    store, last, bad = ThumbnailStore(library.thumbnails), 0, []
    while lacking := lookup.without_vectors(library.catalogue.database, fingerprint, last, 1_000):
        last = lacking[-1][0]
        known = library.catalogue.pictures_by_sha256([sha256 for _, sha256 in lacking])
        bad += [one.sha256 for one in known.values() if store.read_if_sound(one.sha256, one.thumbnail) is None]
    if bad:
        raise CorruptData(
            f"{store.path(bad[0])}: the thumbnail is missing or altered, as are {len(bad) - 1} others; run "
            "`sherd repair`, then reindex again: it goes on where it was"
        )
