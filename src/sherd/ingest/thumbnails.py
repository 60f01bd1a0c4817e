"""Thumbnails on disk: thumbnails/ab/<sha256 of the picture file>.jpg, made once and never changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from sherd.errors import CorruptData
from sherd.vectors.parts import sync_folder

_UNFINISHED = ".tmp"


def checksum(thumbnail: bytes) -> str:
    """64 hex digits of blake2b-256."""
    return hashlib.blake2b(thumbnail, digest_size=32).hexdigest()


class ThumbnailStore:
    """The folder of thumbnails. Any number of readers, one writer at a time (the caller sees to it)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / f"{sha256}.jpg"

    def write(self, thumbnails: Mapping[str, bytes]) -> None:
        """Put thumbnails (sha256 of the picture -> JPEG) on disk: when this returns they survive a power cut.

        Raises:
            OSError: the disk refused; unfinished files are removed as far as possible.
        """
        unfinished = {sha256: self._unfinished(sha256) for sha256 in thumbnails}
        try:
            self._write(unfinished, thumbnails)
        except BaseException:
            for path in unfinished.values():
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            raise

    def _write(self, unfinished: Mapping[str, Path], thumbnails: Mapping[str, bytes]) -> None:
        for folder in {path.parent for path in unfinished.values()}:
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
                sync_folder(self.folder)
        # All are written before the first fsync, which then takes most of the others with it.
        for sha256, path in unfinished.items():
            path.write_bytes(thumbnails[sha256])
        for path in unfinished.values():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        for sha256, path in unfinished.items():
            path.rename(self.path(sha256))
        for folder in {path.parent for path in unfinished.values()}:
            sync_folder(folder)

    def read(self, sha256: str, expected: str) -> bytes:
        """The JPEG of a picture.

        Args:
            expected: its checksum, from the catalogue.
        Raises:
            CorruptData: missing, or not what was written.
        """
        path = self.path(sha256)
        try:
            thumbnail = path.read_bytes()
        except OSError as error:
            raise CorruptData(f"{path}: cannot be read ({error.strerror}); run `sherd repair`") from error
        if checksum(thumbnail) != expected:
            raise CorruptData(f"{path}: does not match its checksum; run `sherd repair`")
        return thumbnail

    def read_if_sound(self, sha256: str, expected: str) -> bytes | None:
        """As `read`, but None where that raises CorruptData."""
        try:
            return self.read(sha256, expected)
        except CorruptData:
            return None

    def files(self) -> Iterator[Path]:
        """Everything in the folder that is no folder, in a stable order."""
        for folder, inner, names in os.walk(self.folder):
            inner.sort()
            for name in sorted(names):
                yield Path(folder, name)

    def delete(self, sha256: Iterable[str]) -> None:
        """Remove thumbnails; those that are gone already are passed over."""
        for one in sha256:
            self.path(one).unlink(missing_ok=True)

    def _unfinished(self, sha256: str) -> Path:
        return self.path(sha256).with_suffix(_UNFINISHED)
