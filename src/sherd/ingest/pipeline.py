"""Reading a source into a library, so that it may be stopped at any point and simply run again.

One batch (some 64 pictures) goes: decoded by workers -> thumbnails on disk -> vectors on disk -> one catalogue
transaction -> acknowledged. Only the transaction makes anything true: files of a batch that was cut off before it are
in nobody's way and are removed by the next run.

What counts as the same:
- An item is known again by its record id and its image paths, wherever in the source it stands. It is unchanged when
  all that the source says of it is the same and its picture files have the size and time they had; then they are not
  even opened (`rehash` opens them all).
- Items with one record id are views of one record: images and lists are joined, of each text the first counts.
- An item whose picture is refused is refused whole; what the library had of it stays.
- When a record is still in the source but one of its items is not, that item's images are taken from the record,
  unless something of the record, or a line that cannot be read, was refused in this run. A record that vanished from
  the source altogether stays in the library.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from sherd.catalogue import lookup, records, writing
from sherd.catalogue.lookup import KnownItem
from sherd.catalogue.writing import ImageLink, ItemWrite
from sherd.encoder.protocol import Encoder
from sherd.errors import CorruptData, EncoderMismatch, IndexAway, RejectedItem
from sherd.ingest.encoding import PicturePool
from sherd.ingest.library import Library
from sherd.ingest.pictures import OpenedPicture
from sherd.ingest.progress import Counts, IngestReport, Progress, Reporter, Silent
from sherd.ingest.rejects import RejectsFile
from sherd.ingest.sources.item import Source, SourceItem
from sherd.ingest.thumbnails import ThumbnailStore, checksum
from sherd.ingest.tidy import merge_small_parts, remove_leftovers, save_index
from sherd.types import Embeddings, Record

_LOOK_UP = 256
"""Items looked up in the catalogue at a time."""
_MAX_BATCH_ITEMS = 1_024


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """How a run goes about it.

    batch_pictures: pictures in one transaction, 1 or more; at most so many are encoded again after an interruption.
    rehash: open every picture, even where its file has the size and time that it had.
    table: names the table that is read, to tell two sources of one folder from each other.
    """

    batch_pictures: int = 64
    rehash: bool = False
    table: str = ""


@dataclass(slots=True)
class _Work:
    """One source item on its way. `opened[n]`: what is known of its n-th image, None until it is decoded."""

    item: SourceItem
    key: str = ""
    digest: str = ""
    known: KnownItem | None = None
    opened: list[ImageLink | OpenedPicture | None] = field(default_factory=list)
    stats: list[tuple[int, int]] = field(default_factory=list)
    waiting: int = 0
    reject: RejectedItem | None = None
    unchanged: bool = False

    @property
    def record(self) -> Record:
        assert self.item.record is not None
        return self.item.record

    def new_pictures(self) -> list[OpenedPicture]:
        return [one for one in self.opened if isinstance(one, OpenedPicture)]


class Ingest:
    """One run over one source; call `run` once.

    Args:
        encoder_name: under which the encoder was loaded, so that a search can load it again.
        pool: opens the pictures.
        hook: called with the name of each step; tests stop the process there.
    """

    def __init__(
        self,
        library: Library,
        source: Source,
        encoder: Encoder,
        pool: PicturePool,
        *,
        encoder_name: str | None = None,
        settings: IngestSettings | None = None,
        reporter: Reporter | None = None,
        total: int | None = None,
        hook: Callable[[str], None] = lambda step: None,
    ) -> None:
        self.library, self.source, self.encoder, self.pool = library, source, encoder, pool
        self.encoder_name = encoder_name or encoder.name
        self.settings = settings or IngestSettings()
        self.reporter: Reporter = reporter or Silent()
        self.total, self.hook = total, hook
        self.database = library.catalogue.database
        self.thumbnails = ThumbnailStore(library.thumbnails)
        self.counts, self.encoded = Counts(), 0
        self._queue: deque[_Work] = deque()
        self._batch: list[_Work] = []
        self._batch_pictures = 0
        self._taken: set[str] = set()  # keys of items that are on their way, or were since the last look-up
        self._settled: list[str] = []  # those of them that are committed
        self._repeats: dict[str, int] = {}  # first key -> next number, where an item came more than once
        self._seen = bytearray()
        self._spared: set[str] = set()
        self._unreadable = 0
        self._committed = False
        self._tidying = False

    def run(self) -> IngestReport:
        """Read the source to its end.

        Raises:
            LibraryBusy: another process writes to the library.
            EncoderMismatch: the library was indexed with another encoder.
            SourceError: the source vanished meanwhile.
            StorageRefused, OSError: the disk is full or fails. What was acknowledged is kept; run again.
        """
        self._start = time.monotonic()
        with self.library.writer():
            self.database.again(self._check_encoder)
            self.database.again(self._clear_away)
            self.number, self.job = self.database.transact(self._begin)
            self.reporter.started(self.source.kind, self.source.columns)
            self.hook("started")
            with RejectsFile(self.library.rejects) as self._rejects:
                self._read_all()
                self._drop_vanished()
            self._finish()
            pictures = self.database.again(lambda: lookup.count_pictures(self.database, self.number))
        return IngestReport(
            **self.counts.as_dict(),
            pictures=pictures,
            seconds=round(time.monotonic() - self._start, 3),
            rejects_file=str(self.library.rejects),
        )

    def _clear_away(self) -> None:
        if lookup.was_interrupted(self.database):
            remove_leftovers(self.library)

    def _begin(self, connection: Connection) -> tuple[int, int]:
        root = os.path.abspath(self.source.root)
        number = writing.source_number(connection, root, self.settings.table, self.source.kind)
        return number, writing.start_job(connection, "ingest", number)

    def _check_encoder(self) -> None:
        there = self.library.catalogue.encoder_fingerprint()
        if there is not None and there != self.encoder.fingerprint:
            raise EncoderMismatch(
                f"{self.library.folder}: was indexed with the encoder {self.library.catalogue.encoder_name()} "
                f"({there[:12]}), not with {self.encoder_name} ({self.encoder.fingerprint[:12]}); leave --model out "
                f"or change the whole library with `sherd reindex --model {self.encoder_name}`"
            )

    def _read_all(self) -> None:
        for (work, n), opened in self.pool.open_many(self._wanted()):
            work.waiting -= 1
            if isinstance(opened, RejectedItem):
                work.reject = work.reject or opened
            else:
                work.opened[n] = opened
            self._settle()
        self._settle()
        self._finish_batch()

    def _wanted(self) -> Iterator[tuple[tuple[_Work, int], Path, str]]:
        """The pictures that must be opened; everything else about the items is found out here."""
        source = iter(self.source.items())
        while chunk := list(islice(source, _LOOK_UP)):
            for work in self._looked_up(chunk):
                self._queue.append(work)
                for n, opened in enumerate(work.opened):
                    if opened is None:
                        yield (work, n), self.source.root, work.record.images[n].path
            self._settle()

    def _looked_up(self, chunk: list[SourceItem]) -> Iterator[_Work]:
        first = {item.ordinal: records.item_key(item.record) for item in chunk if item.record is not None}
        self._taken.difference_update(self._settled)
        self._settled.clear()
        known = self.database.again(lambda: lookup.known_items(self.database, self.number, list(first.values())))
        for item in chunk:
            work = _Work(item, reject=item.reject)
            for warning in item.warnings:
                self.reporter.warned(item.where, warning)
            if item.record is not None:
                self._identify(work, first[item.ordinal], known)
            yield work

    def _identify(self, work: _Work, base: str, known: dict[str, KnownItem]) -> None:
        """Find out what the library has of an item, and which of its pictures must be opened."""
        if not work.record.images:
            work.reject = RejectedItem("no_picture", "the record names no picture")
            return
        try:
            body = records.to_body(work.record)
            "".join([work.record.record_id, body, *(image.path for image in work.record.images)]).encode()
            work.digest = records.digest(work.record.record_id, body, work.record.images)
        except (ValueError, TypeError) as error:  # text that is not UTF-8 among them
            work.reject = RejectedItem("text_invalid", f"the record cannot be stored: {error}")
            return
        work.key, work.known = self._free_key(work.record, base, known)
        self._taken.add(work.key)
        links = {link.path: link for link in work.known.links} if work.known is not None else {}
        for image in work.record.images:
            stat = _stat(self.source.root, image.path)
            link = links.get(image.path)
            same = link is not None and (link.size, link.mtime_ns) == stat and not self.settings.rehash
            work.stats.append(stat)
            work.opened.append(link if same else None)
        work.waiting = work.opened.count(None)
        work.unchanged = work.known is not None and work.known.digest == work.digest and not work.waiting

    def _free_key(self, record: Record, base: str, known: dict[str, KnownItem]) -> tuple[str, KnownItem | None]:
        """The key of an item, and what the library has under it. The same record id and paths a second time in one run
        are another item, not a change of the first."""
        repeat = self._repeats.get(base, 0)
        while True:
            key = records.item_key(record, repeat)
            there = known.get(key) or (
                lookup.known_items(self.database, self.number, [key]).get(key) if repeat else None
            )
            seen = there is not None and there.number < len(self._seen) and self._seen[there.number]
            repeat += 1
            if key not in self._taken and not seen:
                break
        if repeat > 1:
            self._repeats[base] = repeat
        return key, there

    def _settle(self) -> None:
        """Move what is complete, in order, into the batch, and finish the batch when it is full."""
        while self._queue and not self._queue[0].waiting:
            work = self._queue.popleft()
            self._batch.append(work)
            self._batch_pictures += 0 if work.unchanged else len(work.opened)
            if self._batch_pictures >= self.settings.batch_pictures or len(self._batch) >= _MAX_BATCH_ITEMS:
                self._finish_batch()

    def _finish_batch(self) -> None:
        """Store a batch and acknowledge it. The order of the three steps is what makes an interruption harmless."""
        if not self._batch:
            return
        ready = self._prepared(self._batch)
        self._store_files(ready)
        self._commit(ready)
        self._acknowledge(ready)
        self._batch, self._batch_pictures = [], 0

    def _prepared(self, batch: list[_Work]) -> _Ready:
        """Encode the new pictures of a batch and give them keys."""
        pictures = {one.sha256: one for work in batch if not work.reject for one in work.new_pictures()}
        known = self.database.again(lambda: lookup.known_pictures(self.database, pictures, self.encoder.fingerprint))
        fresh = [one for sha256, one in pictures.items() if not known.get(sha256, (0, False))[1]]
        vectors, usable = self.pool.encode(fresh, self.encoder)
        self.encoded += sum(usable)
        bad = {one.sha256 for one, good in zip(fresh, usable, strict=True) if not good}
        for work in batch:
            if work.reject is None and bad.intersection(one.sha256 for one in work.new_pictures()):
                work.reject = RejectedItem("vector_unusable", f"the encoder {self.encoder_name} makes no vector of it")
        fresh = [one for one in fresh if one.sha256 not in bad]
        next_key = self.database.again(lambda: writing.next_key(self.database))
        keys = {sha256: key for sha256, (key, _) in known.items()}
        for one in fresh:
            if one.sha256 not in keys:
                keys[one.sha256] = next_key
                next_key += 1
        return _Ready(batch, fresh, vectors, keys, set(known))

    def _store_files(self, ready: _Ready) -> None:
        """Thumbnails and vectors, on disk when this returns. Nobody looks at them before the commit."""
        self.hook("encoded")
        self.thumbnails.write({one.sha256: one.thumbnail for one in ready.fresh})
        self.hook("thumbnails_written")
        if ready.vectors is not None:
            keys = np.asarray([ready.keys[one.sha256] for one in ready.fresh], np.int64)
            store = self.library.parts(self.encoder.fingerprint)
            ready.part = writing.NewPart(
                self.encoder.fingerprint,
                self.encoder_name,
                store.write(keys, [one.sha256 for one in ready.fresh], ready.vectors),
                tuple(keys.tolist()),
            )
        self.hook("vectors_written")

    def _commit(self, ready: _Ready) -> None:
        """The one transaction that makes the batch true."""
        writes = []
        for work in ready.batch:
            self._count(work, ready.keys)
            if work.reject is None and not work.unchanged:
                writes.append(_write_of(work, ready.keys))
        self.hook("before_commit")
        if writes:
            pictures = tuple(
                writing.NewPicture(
                    ready.keys[one.sha256],
                    one.sha256,
                    one.width,
                    one.height,
                    one.format,
                    one.frames,
                    checksum(one.thumbnail),
                )
                for one in ready.fresh
                if one.sha256 not in ready.known
            )
            batch = writing.Batch(self.number, self.job, tuple(writes), pictures, ready.part)
            for number in writing.commit(self.database, batch, self.counts.as_dict()).values():
                self._see(number)
            self._committed = True
        self.hook("committed")

    def _count(self, work: _Work, keys: dict[str, int]) -> None:
        if work.reject is not None:
            self.counts.rejected += 1
            self._rejects.write(str(self.source.root), work.item.where, work.reject)
            self.reporter.rejected(work.item.where, work.reject.reason, work.reject.detail)
            self._unreadable += work.item.record is None
            if work.item.record is not None:
                self._spared.add(work.record.record_id)
        elif work.known is None:
            self.counts.added += 1
        elif work.known.digest == work.digest and [link.key for link in work.known.links] == _keys(work, keys):
            self.counts.unchanged += 1
        else:
            self.counts.updated += 1
        if work.known is not None:
            self._see(work.known.number)

    def _see(self, number: int) -> None:
        if number >= len(self._seen):
            self._seen.extend(bytes(number + 65_536 - len(self._seen)))
        self._seen[number] = 1

    def _acknowledge(self, ready: _Ready) -> None:
        self._settled += [work.key for work in ready.batch]
        seconds = time.monotonic() - self._start
        self.reporter.settled(Progress(self.counts.seen, self.total, self.encoded, seconds, self.counts.as_dict()))
        self.hook("acknowledged")

    def _drop_vanished(self) -> None:
        """Take from records what the source no longer says of them; nothing when a line could not be read."""
        if self._unreadable:
            return
        gone = self.database.again(
            lambda: lookup.vanished(self.database, self.number, self.job, bytes(self._seen), self._spared)
        )
        # A new item in the place of an old one is one change, not an addition.
        self.counts.added -= gone.renewed
        self.counts.updated += gone.renewed
        if gone.items:
            writing.drop_items(self.database, gone.items, self.job, self.counts.as_dict())
            self._committed = True
        self.hook("dropped")

    def _finish(self) -> None:
        self.database.again(self._tidy)
        self.database.transact(lambda connection: writing.finish_job(connection, self.job, self.counts.as_dict()))
        self.hook("finished")

    def _tidy(self) -> None:
        if self._tidying:  # once more, since the catalogue's server went away in the middle
            remove_leftovers(self.library)
        self._tidying = True
        if self._committed:
            self.thumbnails.delete(lookup.remove_unused_pictures(self.database))
        if self._committed or self.library.elsewhere.vectors is not None:
            try:
                merge_small_parts(self.library)
                self.hook("merged")
                save_index(self.library)
            except IndexAway as error:  # what it lacks is searched from the parts, and sent by the next run
                self.reporter.warned(str(self.library.folder), str(error))
            except CorruptData as error:  # an old file is damaged, which is no fault of what was read now
                self.reporter.warned(str(self.library.folder), str(error))
                remove_leftovers(self.library)


def count_items(source: Source, limit_s: float) -> int | None:
    """How many items a source has, or None when that takes longer than `limit_s` to find out."""
    until, count = time.monotonic() + limit_s, 0
    for count, _ in enumerate(source.items(), 1):  # noqa: B007
        if time.monotonic() > until:
            return None
    return count


@dataclass(slots=True)
class _Ready:
    """A batch whose pictures are encoded. `fresh`: those without vectors; `known`: sha256 of those with a row."""

    batch: list[_Work]
    fresh: list[OpenedPicture]
    vectors: Embeddings | None
    keys: dict[str, int]
    known: set[str]
    part: writing.NewPart | None = None


def _keys(work: _Work, keys: dict[str, int]) -> list[int]:
    return [keys[one.sha256] if isinstance(one, OpenedPicture) else one.key for one in work.opened if one is not None]


def _write_of(work: _Work, keys: dict[str, int]) -> ItemWrite:
    links = tuple(
        ImageLink(image.path, key, *stat)
        for image, key, stat in zip(work.record.images, _keys(work, keys), work.stats, strict=True)
    )
    return ItemWrite(work.key, work.item.ordinal, work.item.where, work.digest, work.record, links)


def _stat(root: Path, relative: str) -> tuple[int, int]:
    """(size, modification time in ns) of a file below `root`; (-1, 0) when it cannot be told, which equals nothing."""
    try:
        found = os.stat(os.path.join(root, relative))
    except (OSError, ValueError):
        return -1, 0
    return found.st_size, found.st_mtime_ns
