"""Large files of our own: a payload of arrays, and behind it what they are and a checksum of every block.

A file is the payload, padded to 64 bytes; a JSON description of its sections; 16 bytes of blake2b for each block of
1 MiB of the payload; and a footer of fixed length with its own checksum, which covers description and table too. The
payload comes first, so that a reader of another format (FAISS) can be given the file as it is.

Opening maps the file and reads only what is behind the payload: seconds, whatever its size. `check` reads it all.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sherd.errors import CorruptData
from sherd.vectors.ahead import ask_ahead
from sherd.vectors.parts import sync_folder

BLOCK = 1 << 20
_MAGIC = b"SHERDBLK"
_VERSION = 1
_DIGEST = 16
_ALIGN = 64
_ABOUT_LIMIT = 1 << 20
_FOOTER = struct.Struct("<8sIIQQ32s")
"""Magic, version, length of the description, length of the payload, blocks, checksum of all this."""

Sections = Mapping[str, tuple[str, tuple[int, ...]]]
"""Name -> (dtype in numpy's letters, shape), in the order of the file."""


class BlockFile:
    """One file, mapped; its arrays are read-only and share memory with every other process that has it open.

    Raises:
        CorruptData: it is missing, cut short, of another format, or its description is altered.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self.about, self._table, self._payload = _description(self._map)
            self._places = _places(self.about["sections"])
            if self._payload != _length(self.about["sections"]):
                raise ValueError("its sections do not fill it")
        except OSError as error:
            raise CorruptData(f"{path}: cannot be read ({error}); run `sherd repair`") from error
        except (ValueError, KeyError, TypeError, RecursionError, struct.error) as error:
            raise CorruptData(f"{path}: is no readable index file ({error}); run `sherd repair`") from error

    def array(self, name: str) -> NDArray[Any]:
        """The section of this name. Raises CorruptData when the file has none."""
        start, dtype, shape = self._place(name)
        return np.frombuffer(self._map, dtype, int(np.prod(shape)), start).reshape(shape)

    def advise_random(self, name: str) -> None:
        """Tell the system that single rows of this section will be read: it then reads no neighbours from disk."""
        start, dtype, shape = self._place(name)
        first = start - start % mmap.PAGESIZE
        length = start + int(np.prod(shape)) * dtype.itemsize - first
        if length and hasattr(mmap, "MADV_RANDOM"):
            self._map.madvise(mmap.MADV_RANDOM, first, length)

    def soon(self, name: str, rows: NDArray[np.int64]) -> None:
        """Tell the system that these rows are about to be read; numbers below 0 are passed over."""
        start, dtype, shape = self._place(name)
        size = int(np.prod(shape[1:])) * dtype.itemsize
        ask_ahead(self._map, start + rows[rows >= 0] * size, size)

    def check(self, name: str | None = None) -> None:
        """Compare a section, or everything, with its checksums. Raises CorruptData naming the file."""
        start, end = 0, self._payload
        if name is not None:
            start, dtype, shape = self._place(name)
            end = start + int(np.prod(shape)) * dtype.itemsize
        with memoryview(self._map) as view:
            for block in range(start // BLOCK, -(-end // BLOCK)):
                with view[block * BLOCK : min((block + 1) * BLOCK, self._payload)] as piece:
                    digest = hashlib.blake2b(piece, digest_size=_DIGEST).digest()
                if digest != self._table[block * _DIGEST : (block + 1) * _DIGEST]:
                    raise CorruptData(f"{self.path}: does not match its checksum; run `sherd repair`")

    def _place(self, name: str) -> tuple[int, np.dtype[Any], tuple[int, ...]]:
        if name not in self._places:
            raise CorruptData(f"{self.path}: has no section {name}; run `sherd repair`")
        return self._places[name]


class BlockDraft:
    """A file being written: arrays to fill in any order, then `finish`. `abandon` removes it.

    Args:
        path: where the unfinished file lies; one that is there already is gone on with when its length is right.
        sections: what will be in it.
    """

    def __init__(self, path: Path, sections: Sections) -> None:
        self.path = path
        self._sections = {name: (np.dtype(dtype).str, tuple(shape)) for name, (dtype, shape) in sections.items()}
        size = _length(self._sections)
        self.resumed = path.exists() and path.stat().st_size == size
        if not self.resumed:
            with path.open("wb") as file:
                if size:
                    os.posix_fallocate(file.fileno(), 0, size)  # a full disk is told now, not by a signal later
        self._places = _places(self._sections)

    def array(self, name: str) -> NDArray[Any]:
        """The section of this name, to be written to."""
        start, dtype, shape = self._places[name]
        if not int(np.prod(shape)):
            return np.zeros(shape, dtype)
        return np.memmap(self.path, dtype, "r+", start, shape)

    def finish(self, about: Mapping[str, Any], name: Callable[[str], Path]) -> Path:
        """Checksum, sync and rename; when this returns, the file is whole on disk.

        Args:
            about: what the description says besides the sections.
            name: gives the path from the checksum (64 hex digits).
        """
        return seal(self.path, {**about, "sections": self._sections}, name)

    def abandon(self) -> None:
        """Remove the unfinished file."""
        self.path.unlink(missing_ok=True)


def write_blocks(
    draft: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any], name: Callable[[str], Path]
) -> Path:
    """Write `arrays` into one finished file by way of the unfinished file `draft`; see `BlockDraft.finish`."""
    writing = BlockDraft(draft, {key: (array.dtype.str, array.shape) for key, array in arrays.items()})
    try:
        for key, array in arrays.items():
            if array.size:
                writing.array(key)[...] = array
        return writing.finish(about, name)
    except BaseException:
        with suppress(OSError):
            writing.abandon()
        raise


def seal(draft: Path, about: Mapping[str, Any], name: Callable[[str], Path]) -> Path:
    """Put description, checksums and footer behind the payload of `draft`, sync it and give it its name."""
    with draft.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        payload = file.tell()
        file.write(b"\0" * (-payload % _ALIGN))
        payload = file.tell()
        file.seek(0)
        table = b"".join(
            hashlib.blake2b(piece, digest_size=_DIGEST).digest() for piece in iter(lambda: file.read(BLOCK), b"")
        )
        described = json.dumps(about).encode()
        head = (_MAGIC, _VERSION, len(described), payload, len(table) // _DIGEST)
        checksum = _checksum(head, described, table)
        file.seek(payload)
        file.write(described + table + _FOOTER.pack(*head, checksum))
        file.flush()
        os.fsync(file.fileno())
    path = name(checksum.hex())
    draft.rename(path)
    sync_folder(path.parent)
    return path


def _description(data: mmap.mmap) -> tuple[dict[str, Any], bytes, int]:
    """(description, table, length of the payload). Raises ValueError."""
    if len(data) < _FOOTER.size:
        raise ValueError("cut short")
    *head, checksum = _FOOTER.unpack(data[-_FOOTER.size :])
    magic, version, about_size, payload, blocks = head
    if magic != _MAGIC or version != _VERSION:
        raise ValueError("another format")
    if about_size > _ABOUT_LIMIT or payload + about_size + blocks * _DIGEST + _FOOTER.size != len(data):
        raise ValueError("of the wrong length")
    described = data[payload : payload + about_size]
    table = data[payload + about_size : -_FOOTER.size]
    if _checksum(tuple(head), described, table) != checksum or blocks != -(-payload // BLOCK):
        raise ValueError("its checksums are altered")
    return json.loads(described), table, payload


def _checksum(head: tuple[Any, ...], described: bytes, table: bytes) -> bytes:
    return hashlib.blake2b(repr(head).encode() + described + table, digest_size=32).digest()


def _places(sections: Sections) -> dict[str, tuple[int, np.dtype[Any], tuple[int, ...]]]:
    """Name -> (start, dtype, shape). Raises ValueError for what is no plain array of numbers."""
    places, start = {}, 0
    for name, (letters, shape) in sections.items():
        dtype = np.dtype(letters)
        if dtype.kind not in "iuf" or any(not isinstance(side, int) or side < 0 for side in shape):
            raise ValueError(f"section {name} is no array of numbers")
        places[name] = (start, dtype, tuple(shape))
        start += int(np.prod(shape)) * dtype.itemsize
        start += -start % _ALIGN
    return places


def _length(sections: Sections) -> int:
    return sum(
        size + -size % _ALIGN
        for size in (int(np.prod(shape)) * np.dtype(letters).itemsize for letters, shape in sections.values())
    )
