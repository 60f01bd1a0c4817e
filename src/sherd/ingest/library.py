"""A library: one folder with the catalogue and everything that is derived from it.

    catalogue.sqlite   vectors/<encoder>/*.vec   index/<encoder>/*.index   thumbnails/ab/<sha256>.jpg
    rejects.jsonl      writer.lock               library.toml, where the catalogue or the index is on a server

Nothing in it names the folder itself, so it can be moved while nobody has it open.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from sherd.catalogue.catalogue import Catalogue
from sherd.errors import LibraryBusy, LibraryError, SchemaTooOld, StorageRefused
from sherd.ingest.elsewhere import FILE, IN_FOLDER, Elsewhere, at_catalogue, at_vectors, read_elsewhere
from sherd.vectors.milvus_address import parse_milvus
from sherd.vectors.parts import PartStore, sync_folder

CATALOGUE = "catalogue.sqlite"
LOCK = "writer.lock"
REJECTS = "rejects.jsonl"
_LOCK_PATIENCE_S = 0.5
_DISK_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


class Library:
    """`with Library.open(folder) as library`. Reading needs no lock; writing is inside `with library.writer()`."""

    elsewhere = Elsewhere()

    def __init__(self, folder: Path, catalogue: Catalogue, elsewhere: Elsewhere | None = None) -> None:
        self.folder = folder
        self.catalogue = catalogue
        if elsewhere is not None:
            self.elsewhere = elsewhere
        self._depth = 0

    @classmethod
    def open(cls, folder: Path, *, create: bool = False, catalogue: str | None = None) -> Library:
        """The library in `folder`; an old catalogue is brought up to date, for which nobody may be writing to it.

        Args:
            create: make a library where `folder` is absent or empty.
            catalogue: where a library that is made has its catalogue, instead of in the folder: postgresql://...
        Raises:
            LibraryError: the folder is no library, and it is not `create` with a folder that is absent or empty.
            LibraryBusy: it must be made or brought up to date while another process writes.
            SchemaTooNew: a newer Sherd wrote it.
            CorruptData: the catalogue is damaged.
            ServerAway: the catalogue is on a server that does not answer.
        """
        path = folder / CATALOGUE
        if not path.exists() and not (folder / FILE).exists():
            _check_place(folder, create=create)
        if catalogue is not None and path.exists():
            raise LibraryError(f"{folder}: has its catalogue in the folder; leave --catalogue out")
        elsewhere = at_catalogue(folder, catalogue) if catalogue is not None else read_elsewhere(folder)
        place = elsewhere.catalogue or path
        if path.exists() or elsewhere.catalogue:
            try:
                return cls(folder, _same(Catalogue.open(place), elsewhere), elsewhere)
            except SchemaTooOld as error:
                if not (create or error.version):
                    raise
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            made = Catalogue.open(place, create=True, library_id=elsewhere.library)
            sync_folder(folder)
            sync_folder(folder.absolute().parent)
        return cls(folder, _same(made, elsewhere), elsewhere)

    def close(self) -> None:
        self.catalogue.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def parts(self, fingerprint: str) -> PartStore:
        """Part files of one encoder: vectors/<first 16 digits of the fingerprint>/."""
        return PartStore(self.folder / "vectors" / fingerprint[:16])

    def index_folder(self, fingerprint: str) -> Path:
        """Index files of one encoder: index/<first 16 digits of the fingerprint>/."""
        return self.folder / "index" / fingerprint[:16]

    def keep_vectors_at(self, place: str) -> None:
        """Have the index at `place` from now on: milvus://... , or 'folder'. `save_index` fills it.

        Raises:
            InvalidArgument: the address cannot be read, or has a password in it.
        """
        self.elsewhere = at_vectors(self.folder, place, self.elsewhere)

    def search_vectors_at(self, place: str) -> None:
        """Search the index at `place` as long as the library is open. Raises InvalidArgument as `keep_vectors_at`."""
        self.elsewhere = replace(self.elsewhere, vectors=None if place == IN_FOLDER else parse_milvus(place).url)

    @property
    def thumbnails(self) -> Path:
        return self.folder / "thumbnails"

    def thumbnail(self, sha256: str) -> Path:
        """Where the thumbnail of the picture with these bytes lies."""
        return self.thumbnails / sha256[:2] / f"{sha256}.jpg"

    @property
    def rejects(self) -> Path:
        """What the last ingest refused, one JSON object a line."""
        return self.folder / REJECTS

    @contextmanager
    def writer(self) -> Iterator[None]:
        """Hold the library for writing; may be nested. The kernel frees the lock however the process ends.

        Raises:
            LibraryBusy: another process holds it; the message names it (pid, host, since).
            StorageRefused: the folder may not be written to; or a write inside the block failed for want of space.
        """
        if self._depth:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
            return
        with _locked(self.folder), self.catalogue.database.hold():
            self._depth = 1
            try:
                yield
            except OSError as error:
                if error.errno not in _DISK_TROUBLE:
                    raise
                raise StorageRefused(
                    f"{self.folder}: the disk refused ({error.strerror}); what was acknowledged is kept. When there is "
                    "space and the disk is sound, run again"
                ) from error
            finally:
                self._depth = 0


def _same(catalogue: Catalogue, elsewhere: Elsewhere) -> Catalogue:
    """`catalogue`, when it is the one that belongs to the folder; else it is closed and LibraryError raised."""
    wanted, there = elsewhere.library, catalogue.library_id()
    if wanted is not None and wanted != there:
        catalogue.close()
        raise LibraryError(
            f"{elsewhere.catalogue}: holds the catalogue of another library ({there}), not of this one ({wanted}); "
            f"give another schema (?schema=NAME), or the address in {FILE} that it had"
        )
    return catalogue


def _check_place(folder: Path, *, create: bool) -> None:
    """Raise LibraryError unless a library may be made in `folder`."""
    if folder.exists() and not folder.is_dir():
        raise LibraryError(f"{folder}: is a file; a library is a folder")
    if not create:
        what = "is no Sherd library (it has no catalogue)" if folder.exists() else "there is no such library"
        raise LibraryError(f"{folder}: {what}; `sherd ingest SOURCE --library {folder}` makes one in an empty folder")
    # What an ingest that was killed while it made the library leaves is no reason to refuse.
    own = {LOCK, FILE, f"{CATALOGUE}-wal", f"{CATALOGUE}-shm", f"{CATALOGUE}-journal"}
    other = sorted(path.name for path in folder.iterdir() if path.name not in own) if folder.exists() else []
    if other:
        raise LibraryError(
            f"{folder}: holds other files ({other[0]}) and no catalogue; give a folder that is absent or empty"
        )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        file = (folder / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise StorageRefused(f"{folder}: may not be written to ({error.strerror})") from error
    with file:
        until = time.monotonic() + _LOCK_PATIENCE_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise LibraryBusy(f"{folder}: {_holder(file)} is writing to it; wait for it to finish") from None
                time.sleep(0.05)
        _sign(file)
        # Closing the file frees the lock. It is never unlinked: two writers could then lock two files of one name.
        yield


def _sign(file: IO[str]) -> None:
    """Say who holds the lock. For people only: what counts is the kernel's lock."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    file.truncate(0)
    json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": since}, file)
    file.flush()


def _holder(file: IO[str]) -> str:
    try:
        file.seek(0)
        said = json.load(file)
        return f"process {said['pid']} on {said['host']}, since {said['since']},"
    except (ValueError, KeyError, TypeError):
        return "another process"
