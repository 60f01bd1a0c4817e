"""The committed rows of all parts, found by picture key: what re-ranking and the indexes read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sherd.errors import CorruptData, InvalidArgument
from sherd.types import FloatArray, KeyArray
from sherd.vectors.ahead import taken
from sherd.vectors.parts import Part, PartInfo, PartStore
from sherd.vectors.protocol import PARTS_PER_KEY, VectorSource

_LARGE = 4 << 30
"""Vectors of more bytes than this are read from disk, and not only at first."""
_FEW = 4_096
"""Up to so many rows are those of a search; more are read in order."""
IntArray = NDArray[np.int32] | NDArray[np.int64]


class PartRows:
    """Rows by key over many part files. A file is mapped, and its keys compared with their checksums, when a row of it
    is first read; what else is read, when it is.

    Immutable: after an ingest make a new one with `renewed`, which keeps the files that are open.

    Args:
        store: where the files lie.
        infos: the committed parts, all of one width and one number of parts a picture.
        keys: (n,) picture keys, each once.
        part_of: (n,) the place in `infos` of the part that holds each.
        rows: (n,) their rows there.
    Raises:
        InvalidArgument: a place beyond `infos`, or parts of different shape.
    """

    def __init__(
        self, store: PartStore, infos: Sequence[PartInfo], keys: KeyArray, part_of: IntArray, rows: IntArray
    ) -> None:
        self._store = store
        self._infos = list(infos)
        self._opened: dict[str, Part] = {}
        if len({(info.dim, info.parts_per_image) for info in infos}) > 1:
            raise InvalidArgument("the parts of one encoder must be of one width and one number of parts a picture")
        self.dim = infos[0].dim if infos else 0
        self.parts_per_image = infos[0].parts_per_image if infos else 0
        keys, part_of, rows = np.asarray(keys, np.int64), np.asarray(part_of, np.int32), np.asarray(rows, np.int32)
        if part_of.size and not 0 <= int(part_of.min()) <= int(part_of.max()) < len(infos):
            raise InvalidArgument(f"the catalogue locates rows in parts that are not among its {len(infos)}")
        if not np.all(keys[1:] > keys[:-1]):
            order = np.argsort(keys, kind="stable")
            keys, part_of, rows = keys[order], part_of[order], rows[order]
        self._keys, self._part_of, self._row_of = keys, part_of, rows
        self._large = sum(info.rows for info in infos) * self.dim * (self.parts_per_image + 1) * 2 > _LARGE

    def __len__(self) -> int:
        return int(self._keys.size)

    @property
    def keys(self) -> KeyArray:
        """(n,) all picture keys, ascending."""
        return self._keys

    def has(self, keys: KeyArray) -> NDArray[np.bool_]:
        """(n,) whether there are vectors under each of `keys` (n,)."""
        keys = np.asarray(keys, np.int64)
        place = np.searchsorted(self._keys, keys)
        known = place < self._keys.size
        known[known] = self._keys[place[known]] == keys[known]
        return np.asarray(known, np.bool_)

    def renewed(self, infos: Sequence[PartInfo], keys: KeyArray, part_of: IntArray, rows: IntArray) -> PartRows:
        """The rows of a later state of the catalogue."""
        fresh = PartRows(self._store, infos, keys, part_of, rows)
        known = set(infos)
        fresh._opened = {name: part for name, part in self._opened.items() if part.info in known}
        return fresh

    def object_vectors(self, keys: KeyArray) -> FloatArray:
        """(n, D) float32."""
        return self._read(keys, object=np.float32)[0]

    def part_vectors(self, keys: KeyArray) -> FloatArray:
        """(n, K, D) float32."""
        return self._read(keys, parts=np.float32)[0]

    def as_kept(self, keys: KeyArray) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
        """Object vectors (n, D) and part vectors (n, K, D) as they lie in the files: at half the cost of asking for
        each, and of turning a million numbers into float32."""
        objects, parts = self._read(keys, object=np.float16, parts=np.float16)
        return objects, parts

    def boxes(self, keys: KeyArray) -> FloatArray:
        """(n, K, 4) x, y, w, h in fractions of the upright picture."""
        return self._read(keys, boxes=np.float32)[0]

    def sha256(self, keys: KeyArray) -> list[str]:
        """Hex sha256 of each picture."""
        (digests,) = self._read(keys, digests=np.uint8)
        return [bytes(row).hex() for row in digests]

    def object_source(self) -> VectorSource:
        """Object vectors by picture key."""
        return _Source(self.object_vectors)

    def part_source(self) -> VectorSource:
        """Part vectors by `picture key * PARTS_PER_KEY + part number`."""

        def vectors(keys: KeyArray) -> FloatArray:
            pictures, inverse = np.unique(keys // PARTS_PER_KEY, return_inverse=True)
            return self.part_vectors(pictures)[inverse, keys % PARTS_PER_KEY]

        return _Source(vectors)

    def part_keys(self, keys: KeyArray) -> KeyArray:
        """(n * K,) keys of the part vectors of `keys` (n,)."""
        numbers = np.arange(self.parts_per_image)
        return np.asarray((keys[:, None] * PARTS_PER_KEY + numbers).reshape(-1), np.int64)

    def _read(self, keys: KeyArray, **columns: type[Any]) -> list[NDArray[Any]]:
        """The rows of each of these columns of `Part`, as numbers of these types."""
        keys = np.asarray(keys, np.int64)
        shapes = {"object": (self.dim,), "parts": (self.parts_per_image, self.dim)}
        shapes |= {"boxes": (self.parts_per_image, 4), "digests": (32,)}
        read = [np.empty((keys.size, *shapes[name]), dtype) for name, dtype in columns.items()]
        pieces = list(self._pieces(keys))
        if self._large and keys.size <= _FEW:
            for part, _, rows in pieces:
                for name in columns:
                    part.soon(name, rows)
        for part, where, rows in pieces:
            for out, name in zip(read, columns, strict=True):
                part.check(name, rows)
                out[where] = taken(getattr(part, name), rows, waits=self._large)
        return read

    def _pieces(self, keys: KeyArray) -> Iterator[tuple[Part, KeyArray, KeyArray]]:
        """Of each part that holds some of `keys`: which of them, and in which of its rows."""
        known = self.has(keys)
        if not known.all():
            raise InvalidArgument(f"no vectors are kept under key {keys[~known][0]}")
        place = np.searchsorted(self._keys, keys)
        parts, rows = self._part_of[place], self._row_of[place].astype(np.int64)
        order = np.argsort(parts, kind="stable")
        edges = np.flatnonzero(np.diff(parts[order], prepend=-1, append=-1))
        for start, end in pairwise(edges.tolist()):
            where = order[start:end]
            part, wanted = self._part(int(parts[where[0]])), rows[where]
            if int(wanted.max()) >= part.info.rows or (part.keys[wanted] != keys[where]).any():
                raise CorruptData(
                    f"{part.info.name}: the catalogue and the part disagree on its rows; run `sherd repair`"
                )
            yield part, where, wanted

    def _part(self, number: int) -> Part:
        info = self._infos[number]
        part = self._opened.get(info.name)
        if part is None:
            part = self._opened[info.name] = self._store.read(info, verify=False)
        return part


class _Source:
    def __init__(self, vectors: Callable[[KeyArray], FloatArray]) -> None:
        self._vectors = vectors

    def vectors(self, keys: KeyArray) -> FloatArray:
        return self._vectors(keys)
