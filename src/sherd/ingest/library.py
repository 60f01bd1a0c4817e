"""A library: one folder with the catalogue and everything that is derived from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sherd.catalogue.catalogue import Catalogue
from sherd.vectors.parts import PartStore


class Library:
    """`with Library.open(folder) as library`. Reading needs no lock; writing is inside `with library.writer()`."""

    folder: Path
    catalogue: Catalogue

    @classmethod
    def open(cls, folder: Path, *, create: bool = False) -> Library:
        """The library in `folder`.

        Raises:
            LibraryError: the folder is no library, and it is not `create` with a folder that is absent or empty.
            SchemaTooNew: a newer Sherd wrote it.
        """
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def parts(self, fingerprint: str) -> PartStore:
        """Part files of one encoder: vectors/<first 16 digits of the fingerprint>/."""
        raise NotImplementedError

    def index_folder(self, fingerprint: str) -> Path:
        """Index files of one encoder: index/<first 16 digits of the fingerprint>/."""
        raise NotImplementedError

    def thumbnail(self, sha256: str) -> Path:
        """Where the thumbnail of the picture with these bytes lies."""
        raise NotImplementedError

    @contextmanager
    def writer(self) -> Iterator[None]:
        """Hold the library for writing; LibraryBusy names the holder (pid, host, since) when another process does."""
        raise NotImplementedError
