"""Mending what `verify` finds from what is sound: files from the catalogue and the originals, never the reverse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from sherd.catalogue import lookup, soundness, writing
from sherd.encoder.protocol import Encoder
from sherd.errors import EncoderMismatch, RejectedItem
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.encoding import encode_thumbnails
from sherd.ingest.library import Library
from sherd.ingest.thumbnails import ThumbnailStore, checksum
from sherd.ingest.tidy import forget_index, merge_small_parts, remove_leftovers, save_index
from sherd.ingest.verify import Problem, Verification, verify

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Repair:
    """What was wrong, and what still is."""

    before: Verification
    after: Verification

    def as_dict(self) -> dict[str, object]:
        left = [problem.as_dict() for problem in self.after.problems]
        mended = len(self.before.problems) - len(left)
        return {"ok": self.after.ok, "found": len(self.before.problems), "mended": mended, "problems": left}


def repair(library: Library, pool: DecoderPool, load_encoder: Callable[[str], Encoder]) -> Repair:
    """Mend the library. May be stopped and run again.

    Args:
        pool: opens the originals of missing thumbnails.
        load_encoder: gives the encoder of that name; called only where vectors must be made again.
    Raises:
        LibraryBusy: another process writes to it.
        EncoderMismatch: vectors are missing, and the encoder that made the others is not the one of that name any more.
    """
    with library.writer():
        before = verify(library)
        if before.ok or any(problem.kind == "catalogue_damaged" for problem in before.problems):
            return Repair(before, before)
        with library.catalogue.database.write() as connection:
            job = writing.start_job(connection, "repair")
        _mend_catalogue(library, before.problems)
        remove_leftovers(library)
        broken = [
            problem for problem in before.problems if problem.kind.startswith("thumbnail_") and problem.number >= 0
        ]
        changed = _mend_thumbnails(library, pool, [problem.number for problem in broken])
        _forget_vectors(library, before.problems, changed)
        _mend_vectors(library, load_encoder)
        for problem in before.problems:
            if problem.kind == "index_extra":
                (library.folder / problem.where).unlink(missing_ok=True)
        if any(problem.kind == "index_altered" for problem in before.problems):
            forget_index(library)
        merge_small_parts(library)
        save_index(library)
        with library.catalogue.database.write() as connection:
            writing.finish_job(connection, job, {"found": len(before.problems)})
        return Repair(before, verify(library))


def _mend_catalogue(library: Library, problems: Iterable[Problem]) -> None:
    kinds = ("item_altered", "record_altered", "words_altered")
    found = [soundness.Fault(one.kind, one.what, one.where, one.number) for one in problems if one.kind in kinds]
    if found:
        soundness.mend(library.catalogue.database, found)


def _mend_thumbnails(library: Library, pool: DecoderPool, keys: list[int]) -> list[int]:
    """Make thumbnails again from unchanged originals. Returns the keys of those that came out different."""
    database, store = library.catalogue.database, ThumbnailStore(library.thumbnails)
    pictures = {picture.key: picture for key in keys for picture in library.catalogue.pictures(key - 1, 1)}
    changed: list[int] = []
    queue = iter(keys)
    while batch := list(islice(queue, _BATCH)):
        with database.read() as connection:
            places = lookup.originals(connection, batch)
        tries = [(key, Path(place.root), place.path) for key in batch for place in places.get(key, ())]
        made: dict[int, bytes] = {}
        for key, opened in pool.open_many(tries):
            if not isinstance(opened, RejectedItem) and opened.sha256 == pictures[key].sha256:
                made[key] = opened.thumbnail
        store.write({pictures[key].sha256: thumbnail for key, thumbnail in made.items()})
        other = {key: checksum(thumbnail) for key, thumbnail in made.items()}
        other = {key: digest for key, digest in other.items() if digest != pictures[key].thumbnail}
        writing.set_thumbnails(database, other)
        changed += other
    return changed


def _forget_vectors(library: Library, problems: Iterable[Problem], changed: Iterable[int]) -> None:
    """Strike off the part files and rows that cannot be trusted, so that their vectors count as missing."""
    names = {Path(one.where).name for one in problems if one.kind in ("part_missing", "part_altered")}
    misplaced = [one.number for one in problems if one.kind == "vectors_misplaced"]
    database = library.catalogue.database
    for fingerprint in lookup.fingerprints(database):
        gone = [info.name for info in library.catalogue.parts(fingerprint) if info.name in names]
        with database.write() as connection:
            writing.remove_parts(connection, fingerprint, gone)
            writing.remove_vectors(connection, fingerprint, [*misplaced, *changed])
            writing.advance(connection)
        library.parts(fingerprint).delete(gone)


def _mend_vectors(library: Library, load_encoder: Callable[[str], Encoder]) -> None:
    fingerprint, name = library.catalogue.encoder_fingerprint(), library.catalogue.encoder_name()
    if fingerprint is None or name is None or not lookup.without_vectors(library.catalogue.database, fingerprint, 0, 1):
        return
    encoder = load_encoder(name)
    if encoder.fingerprint != fingerprint:
        raise EncoderMismatch(
            f"{library.folder}: vectors are missing, and the encoder {name} ({encoder.fingerprint[:12]}) is not "
            f"the one that made the others ({fingerprint[:12]}); run `sherd reindex --model {name}`"
        )
    for _ in encode_again(library, encoder, name):
        pass


def encode_again(
    library: Library, encoder: Encoder, name: str, *, start: int = 0, anew: bool = False, batch: int = _BATCH
) -> Iterator[tuple[int, int]]:
    """Make vectors from thumbnails, for pictures with a key above `start` that lack them by this encoder.

    A picture without a sound thumbnail, or of which the encoder makes no usable vector, is passed over.

    Args:
        anew: for all pictures, whether they lack them or not.
        batch: pictures in a part.
    Yields:
        After each part is committed: the highest key that was looked at, and how many pictures the part has.
    """
    database, store = library.catalogue.database, library.parts(encoder.fingerprint)
    thumbnails = ThumbnailStore(library.thumbnails)
    while True:
        if anew:
            pictures = library.catalogue.pictures(start, batch)
        else:
            lacking = lookup.without_vectors(database, encoder.fingerprint, start, batch)
            pictures = list(library.catalogue.pictures_by_sha256([sha256 for _, sha256 in lacking]).values())
        if not pictures:
            return
        start = max(picture.key for picture in pictures)
        jpegs = {one.key: thumbnails.read_if_sound(one.sha256, one.thumbnail) for one in pictures}
        sound = [(one, jpeg) for one in pictures if (jpeg := jpegs[one.key]) is not None]
        vectors, usable = encode_thumbnails(encoder, [jpeg for _, jpeg in sound])
        made = [one for (one, _), good in zip(sound, usable, strict=True) if good]
        if vectors is not None:
            keys = np.asarray([one.key for one in made], np.int64)
            info = store.write(keys, [one.sha256 for one in made], vectors)
            part = writing.NewPart(encoder.fingerprint, name, info, tuple(keys.tolist()))
            with database.write() as connection:
                writing.put_part(connection, part)
                writing.advance(connection)
        yield start, len(made)
