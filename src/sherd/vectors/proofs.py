"""Checksums of a file block by block: what is read is compared when it is first read, and nothing else is."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sherd.errors import CorruptData
from sherd.vectors.ahead import ask_ahead

PROOF_BLOCK = 16_384
"""Bytes of a block: four pages of a disk, so that a row in its place costs little more than itself."""
_DIGEST = 16


def proofs_of(pieces: Iterable[bytes]) -> bytes:
    """16 bytes of blake2b for each block of all pieces together, the last block shorter."""
    out, rest = [], b""
    for piece in pieces:
        rest += piece
        whole = len(rest) - len(rest) % PROOF_BLOCK
        out += [_digest(rest[start : start + PROOF_BLOCK]) for start in range(0, whole, PROOF_BLOCK)]
        rest = rest[whole:]
    return b"".join([*out, _digest(rest)] if rest else out)


def proofs_size(length: int) -> int:
    """How long the checksums of `length` bytes are."""
    return -(-length // PROOF_BLOCK) * _DIGEST


class Proofs:
    """The first `length` bytes of a mapped file, and the checksums of their blocks.

    Any number of threads may ask; a block that two of them look at first is compared twice, and that is all.
    """

    def __init__(self, path: Path, data: mmap.mmap, length: int, proofs: bytes) -> None:
        self._path, self._data, self._length, self._proofs = path, data, length, proofs
        self._seen = np.zeros(-(-length // PROOF_BLOCK), np.bool_)

    def soon(self, starts: NDArray[np.int64], size: int) -> None:
        """Tell the system that these bytes are about to be read."""
        ask_ahead(self._data, starts, size)

    def check(self, starts: NDArray[np.int64], size: int) -> None:
        """Compare the blocks of `size` bytes from each of `starts` on, unless that was done before.

        Raises:
            CorruptData: one of them is altered.
        """
        if not size or not starts.size:
            return
        first, last = starts // PROOF_BLOCK, (starts + size - 1) // PROOF_BLOCK
        reach = np.arange(int((last - first).max()) + 1)
        blocks = np.unique(np.minimum(first[:, None] + reach, last[:, None]))
        for block in blocks[~self._seen[blocks]].tolist():
            start = block * PROOF_BLOCK
            piece = self._data[start : min(start + PROOF_BLOCK, self._length)]
            if _digest(piece) != self._proofs[block * _DIGEST : (block + 1) * _DIGEST]:
                raise CorruptData(f"{self._path}: does not match its checksum; run `sherd repair`")
            self._seen[block] = True

    def check_all(self) -> None:
        """Compare all blocks anew. Raises CorruptData."""
        self._seen[:] = False
        self.check(np.zeros(1, np.int64), self._length)


def _digest(piece: bytes) -> bytes:
    return hashlib.blake2b(piece, digest_size=_DIGEST).digest()
