"""What is newer than all segments: vectors as they came, each query against all of them.

A tail is never changed under a search: `added` and `removed` give another one, which shares the memory of the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sherd.types import FloatArray, KeyArray
from sherd.vectors.exact import allowed_mask
from sherd.vectors.protocol import best

_LEAST_ROOM = 1_024


@dataclass(frozen=True, slots=True)
class Tail:
    """Rows of which the first `count` are in use. live: (count,) whether each still holds."""

    matrix: FloatArray
    all_keys: KeyArray
    count: int
    live: NDArray[np.bool_]

    @classmethod
    def empty(cls, dim: int) -> Tail:
        """A tail without rows."""
        return cls(np.empty((0, dim), np.float32), np.empty(0, np.int64), 0, np.empty(0, np.bool_))

    def __len__(self) -> int:
        return int(np.count_nonzero(self.live))

    def keys(self) -> KeyArray:
        """Keys that hold, in the order they came."""
        return self.all_keys[: self.count][self.live]

    def vectors(self) -> FloatArray:
        """(n, D) vectors of `keys()`."""
        return self.matrix[: self.count][self.live]

    def added(self, keys: KeyArray, vectors: FloatArray) -> Tail:
        """With more rows, each in place of an older one of its key. Only the newest tail may be added to."""
        old, end = self.removed(keys), self.count + keys.size
        matrix, all_keys = self.matrix, self.all_keys
        if end > len(matrix):
            room = max(end, 2 * len(matrix), _LEAST_ROOM)
            matrix, all_keys = np.empty((room, matrix.shape[1]), np.float32), np.empty(room, np.int64)
            matrix[: self.count], all_keys[: self.count] = self.matrix[: self.count], self.all_keys[: self.count]
        matrix[self.count : end], all_keys[self.count : end] = vectors, keys
        return Tail(matrix, all_keys, end, np.concatenate([old.live, np.ones(keys.size, np.bool_)]))

    def removed(self, keys: KeyArray) -> Tail:
        """Without `keys`; those that are not there are passed over."""
        if not keys.size or not self.count:
            return self
        gone = np.isin(self.all_keys[: self.count], keys) & self.live
        return Tail(self.matrix, self.all_keys, self.count, self.live & ~gone) if gone.any() else self

    def since(self, count: int) -> Tail:
        """Only the rows after the first `count`, in memory of their own."""
        rows = slice(count, self.count)
        return Tail(self.matrix[rows].copy(), self.all_keys[rows].copy(), self.count - count, self.live[count:].copy())

    def search(
        self, queries: FloatArray, k: int, allowed: KeyArray | None, group: int
    ) -> list[tuple[FloatArray, KeyArray]]:
        """For each query the scores and keys of the k best, as `best` gives them."""
        keys, matrix, live = self.all_keys[: self.count], self.matrix[: self.count], self.live
        if allowed is not None:
            live = live & allowed_mask(keys // group, allowed)
        if not live.all():
            keys, matrix = keys[live], matrix[live]
        # einsum: a row's score does not depend on where it lies, so hits do not depend on the order of insertion
        return [best(np.einsum("nd,d->n", matrix, query), keys, k) for query in queries]
