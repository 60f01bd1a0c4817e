"""Disks that refuse: whichever write, sync or rename fails, what was acknowledged is there and the next run goes on."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sherd.errors import LibraryError, StorageRefused
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import IngestSettings
from sherd.ingest.progress import Progress, Silent
from sherd.ingest.verify import verify
from tests.ingest.museum import ListSource, ingest, museum

SETTINGS = IngestSettings(batch_pictures=2)
ITEMS = 5


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool() as there:
        list(there.open_many([(0, Path(__file__).parent, "test_faults.py")]))  # its workers are started unharmed
        yield there


class _Acknowledged(Silent):
    settled_items = 0

    def settled(self, progress: Progress) -> None:
        self.settled_items = progress.settled


class _FailsOnce:
    """Lets the N-th call fail, and counts."""

    def __init__(self, real: Any, at: int, code: int) -> None:
        self.real, self.at, self.code, self.calls = real, at, code, 0

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.calls += 1
        if self.calls == self.at:
            raise OSError(self.code, os.strerror(self.code), "a file")
        return self.real(*arguments, **named)


TARGETS = {"fsync": (os, "fsync"), "rename": (Path, "rename"), "write": (Path, "write_bytes"), "open": (Path, "open")}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("target", TARGETS)
def test_whichever_call_fails_nothing_acknowledged_is_lost(
    target: str, code: int, tmp_path: Path, pool: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = museum(tmp_path / "src", ITEMS)
    owner, name = TARGETS[target]
    real = getattr(owner, name)
    failures = 0
    for at in range(1, 200):
        folder = tmp_path / f"lib{at}"
        told = _Acknowledged()
        fails = _FailsOnce(real, at, code)
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, lambda *a, _f=fails, **k: _f(*a, **k))
            try:
                ingest(folder, source, pool, settings=SETTINGS, reporter=told)
            except (OSError, LibraryError):
                failures += 1
            else:
                if fails.calls < at:
                    break
        _check(folder, source, pool, told.settled_items)
    assert failures >= 3


def _check(folder: Path, source: ListSource, pool: DecoderPool, settled: int) -> None:
    """What was acknowledged is there, nothing is harmed, and the next run makes it whole."""
    if settled:
        with Library.open(folder) as library:
            there = library.catalogue.get_many([f"r{n}" for n in range(settled)])
            assert len(there) == settled
            assert {one.kind for one in verify(library).problems} <= {"thumbnail_extra", "part_extra"}
    report = ingest(folder, source, pool, settings=SETTINGS)
    assert report.unchanged >= settled
    assert (report.seen, report.rejected) == (ITEMS, 0)
    with Library.open(folder) as library:
        assert library.catalogue.count() == (ITEMS, ITEMS)
        assert verify(library).problems == []


def test_files_and_folders_are_synced_before_the_commit_that_makes_them_true(
    tmp_path: Path, pool: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[tuple[int, int]] = set()
    real = os.fsync
    library = tmp_path / "lib"

    def fsync(handle: int) -> None:
        real(handle)
        stat = os.fstat(handle)
        synced.add((stat.st_dev, stat.st_ino))

    batches: list[int] = []

    def look(step: str) -> None:
        if step == "before_commit":
            files = [path for kind in ("*.jpg", "*.vec") for path in library.rglob(kind)]
            folders = {path.parent for path in files} | {library / "thumbnails", library / "vectors"}
            for path in [*files, *folders]:
                stat = path.stat()
                assert (stat.st_dev, stat.st_ino) in synced, f"{path} may be lost by a power cut"
            batches.append(len(files))

    monkeypatch.setattr(os, "fsync", fsync)
    ingest(library, museum(tmp_path / "src", ITEMS), pool, settings=SETTINGS, hook=look)
    assert batches == [3, 6, 8]  # pictures and parts


def test_a_full_disk_under_the_catalogue_is_told_in_one_sentence(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 30)
    ingest(tmp_path / "lib", museum(tmp_path / "src", 2), pool)
    with Library.open(tmp_path / "lib") as library:
        from sqlalchemy import event

        def tighten(connection: Any, record: Any) -> None:
            connection.execute("PRAGMA max_page_count = 1")  # no page more than there are

        event.listen(library.catalogue.database.engine, "connect", tighten)
        library.catalogue.database.engine.dispose()
        from sherd.encoder.toy import ToyEncoder
        from sherd.ingest.pipeline import Ingest

        with pytest.raises(StorageRefused, match="the disk is full; what was acknowledged is kept"):
            Ingest(library, source, ToyEncoder(), pool, settings=IngestSettings(batch_pictures=30)).run()
        assert library.catalogue.count() == (2, 2)
    assert ingest(tmp_path / "lib", source, pool).added == 28
    with Library.open(tmp_path / "lib") as library:
        assert verify(library).ok
