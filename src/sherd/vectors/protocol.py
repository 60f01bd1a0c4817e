"""What every vector index is, and how its keys and vectors are checked."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from sherd.errors import InvalidArgument
from sherd.types import FloatArray, KeyArray

PARTS_PER_KEY = 256
"""A part vector's key is `picture key * PARTS_PER_KEY + part number`."""

NO_KEY = -1
_UNIT_TOLERANCE = 1e-2


class VectorSource(Protocol):
    """Where an index finds the exact vectors of its keys again."""

    def vectors(self, keys: KeyArray) -> FloatArray:
        """(n, D) float32, in the order of `keys` (n,). Raises InvalidArgument for a key that is not there."""
        ...


class Searchable(Protocol):
    """What a search needs of an index."""

    def __len__(self) -> int:
        """Number of keys that a search can return."""
        ...

    def search(self, queries: FloatArray, k: int, allowed: KeyArray | None = None) -> tuple[FloatArray, KeyArray]:
        """See `VectorIndex.search`."""
        ...


class VectorIndex(Protocol):
    """Nearest vectors by inner product. Adds, updates and removals are visible to the next search."""

    @property
    def dim(self) -> int:
        """Width D of every vector."""
        ...

    def __len__(self) -> int:
        """Number of keys that a search can return."""
        ...

    def keys(self) -> KeyArray:
        """(n,) the keys that a search can return, ascending."""
        ...

    def add(self, keys: KeyArray, vectors: FloatArray) -> None:
        """Add vectors (n, D) of unit length under `keys` (n,); a key that is there already gets the new vector.

        Raises:
            InvalidArgument: wrong shape, NaN or Inf, not of unit length, a negative or repeated key. Nothing is added.
        """
        ...

    def remove(self, keys: KeyArray) -> None:
        """Forget `keys`; those that are not there are passed over."""
        ...

    def search(self, queries: FloatArray, k: int, allowed: KeyArray | None = None) -> tuple[FloatArray, KeyArray]:
        """The k best of each query, best first, equal scores by key.

        Args:
            queries: (q, D), finite, not zero; the scores are plain inner products with them.
            k: 1 or more.
            allowed: ascending keys to choose among (picture keys, also where the index holds parts); None means all.
        Returns:
            scores (q, k) float32, descending, -inf where fewer than k were found; keys (q, k), -1 there.
        Raises:
            InvalidArgument: wrong shape, NaN, Inf or zero queries, k below 1.
        """
        ...


def checked_rows(keys: KeyArray, vectors: FloatArray, dim: int) -> tuple[KeyArray, FloatArray]:
    """`keys` (n,) int64 and `vectors` (n, dim) float32, or InvalidArgument naming the first offender."""
    keys = np.asarray(keys)
    vectors = np.asarray(vectors)
    if keys.ndim != 1 or (keys.size and keys.dtype.kind not in "iu"):
        raise InvalidArgument(f"keys must be one row of whole numbers, got shape {keys.shape} of {keys.dtype}")
    if vectors.shape != (keys.size, dim):
        raise InvalidArgument(f"{keys.size} keys need vectors of shape ({keys.size}, {dim}), got {vectors.shape}")
    keys = keys.astype(np.int64)
    vectors = vectors.astype(np.float32)
    if keys.size and int(keys.min()) < 0:
        raise InvalidArgument(f"key {int(keys.min())} is negative")
    if np.unique(keys).size != keys.size:
        raise InvalidArgument("a key is given twice in one call")
    check_unit(vectors, "vector")
    return keys, vectors


def checked_queries(queries: FloatArray, k: int, dim: int) -> FloatArray:
    """`queries` as contiguous float32 (q, dim), or InvalidArgument."""
    queries = np.asarray(queries)
    if queries.ndim != 2 or queries.shape[1] != dim:
        raise InvalidArgument(f"queries must have the shape (n, {dim}), got {queries.shape}")
    if k < 1:
        raise InvalidArgument(f"k is {k}; give 1 or more")
    queries = np.ascontiguousarray(queries, np.float32)
    if not np.isfinite(queries).all():
        raise InvalidArgument("a query vector has NaN or Inf in it")
    if queries.size and float(np.abs(queries).max(axis=1).min()) == 0.0:
        raise InvalidArgument("a query vector is zero: it has no direction to search in")
    return queries


def check_unit(vectors: FloatArray, what: str) -> None:
    """Refuse vectors (..., D) that are not finite or not of unit length (1 % is forgiven, for float16).

    Raises:
        InvalidArgument: names the first offending row.
    """
    flat = vectors.reshape(-1, vectors.shape[-1]).astype(np.float32, copy=False)
    norms = np.sqrt(np.einsum("nd,nd->n", flat, flat))
    bad = np.flatnonzero(~(np.abs(norms - 1) <= _UNIT_TOLERANCE))  # a NaN norm is bad too
    if bad.size:
        raise InvalidArgument(
            f"{what} {bad[0]} of {norms.size} has length {norms[bad[0]]:g}, not 1 (NaN, Inf, zero or not normalised)"
        )


def best(scores: FloatArray, keys: KeyArray, k: int) -> tuple[FloatArray, KeyArray]:
    """The k best of one row of candidates: scores (k,) and keys (k,), padded with -inf and -1; equal scores by key.

    >>> best(np.array([0.5, 0.9, 0.5], np.float32), np.array([7, 8, 3]), 2)
    (array([0.9, 0.5], dtype=float32), array([8, 3]))
    """
    out_scores = np.full(k, -np.inf, np.float32)
    out_keys = np.full(k, NO_KEY, np.int64)
    if scores.size > k:
        threshold = np.partition(scores, scores.size - k)[scores.size - k]
        kept = np.flatnonzero(scores >= threshold)  # ties at the edge stay in until the keys have decided
        scores, keys = scores[kept], keys[kept]
    order = np.lexsort((keys, -scores))[:k]
    order = order[np.isfinite(scores[order])]
    out_scores[: order.size] = scores[order]
    out_keys[: order.size] = keys[order]
    return out_scores, out_keys


def best_of_each(scores: FloatArray, keys: KeyArray, k: int) -> tuple[FloatArray, KeyArray]:
    """`best` of each row of candidates (q, m), where there are few: scores (q, k) and keys (q, k)."""
    order = np.lexsort((keys, -scores), axis=1)[:, :k]
    each = np.arange(len(order))[:, None]
    scores, keys = scores[each, order], keys[each, order]
    short = k - scores.shape[1]
    if short > 0:
        scores = np.pad(scores, ((0, 0), (0, short)), constant_values=-np.inf)
        keys = np.pad(keys, ((0, 0), (0, short)), constant_values=NO_KEY)
    return scores, keys
