"""A sealed piece of an index: rows that never change, found by lists of 4-bit codes or by a graph.

What a search does here is a funnel: codes give many rows, near bytes a few dozen of them, far bytes their exact order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

from sherd.types import FloatArray, KeyArray
from sherd.vectors.ahead import A, taken
from sherd.vectors.coarse import looking_into
from sherd.vectors.coder import Coder
from sherd.vectors.protocol import NO_KEY
from sherd.vectors.rounding import Bytes, Rounded, coordinates_of, exact_scores, near_scores

_lib: Any = faiss
_AT_ONCE = 1 << 20
_DENSE = 8
"""From one allowed key in so many rows on it is faster to look at all rows than to look each key up."""


_SPARSE = 16
"""Up to so many possible keys a row, a table of them is made."""


class Probed(NamedTuple):
    """The lists to look into, by scores (q, p) and numbers (q, p); of a graph, how many candidates it keeps."""

    scores: FloatArray
    lists: NDArray[np.int64]
    wide: int


@dataclass(frozen=True, slots=True)
class Segment:
    """n rows, ascending by key. finder: FAISS over row numbers; graph: whether it is a graph. files: names on disk.
    soon: told which rows' far bytes are about to be read, where these are too many to lie in memory."""

    coder: Coder
    keys: KeyArray
    near: Bytes
    far: Bytes
    scales: NDArray[np.float16]
    finder: Any
    graph: bool
    files: tuple[str, str] | None = None
    soon: Callable[[NDArray[np.int64]], None] | None = None

    def __len__(self) -> int:
        return int(self.keys.size)

    def coordinates(self, rows: slice | NDArray[np.int64]) -> FloatArray:
        """(n, W) coordinates of rows, rotated by the coder."""
        return coordinates_of(Rounded(self.near[rows], self.far[rows], self.scales[rows]))

    def near_scores(self, rows: NDArray[np.int64], queries: FloatArray) -> FloatArray:
        """(q, m) inner products with the coordinates `queries` (q, W), off by some thousandths.

        Args:
            rows: (m,) the same for all queries, or (q, m) for each its own, where -1 is none and scores -inf.
        """
        flat = rows.ravel()
        near, scales = self._taken(self.near, flat), self._taken(self.scales, flat)
        scores = near_scores(near.reshape(*rows.shape, -1), scales.reshape(*rows.shape, -1), queries)
        if rows.ndim > 1 and rows.size and rows.min() < 0:
            scores[rows < 0] = -np.inf
        return scores

    def scored(self, rows: NDArray[np.int64], queries: FloatArray) -> tuple[FloatArray, KeyArray]:
        """Inner products (q, m), nearly as exact as float16, and keys (q, m) of rows (q, m) with the coordinates
        `queries` (q, W); -inf and -1 where a row is -1."""
        flat = rows.ravel()
        if self.soon is not None:
            self.soon(flat)
        near, far = self._taken(self.near, flat), self._taken(self.far, flat)
        rounded = Rounded(near, far, self._taken(self.scales, flat))
        scores = exact_scores(rounded, queries.repeat(rows.shape[1], axis=0)).reshape(rows.shape)
        keys = self.keys[rows]
        if rows.size and rows.min() < 0:
            scores[rows < 0], keys[rows < 0] = -np.inf, NO_KEY
        return scores, keys

    def _taken(self, rows_of: NDArray[A], rows: NDArray[np.int64]) -> NDArray[A]:
        return taken(rows_of, rows, waits=self.soon is not None)

    def probe(self, queries: FloatArray, probes: int) -> Probed:
        """Where to look for `queries` (q, r); the same for all segments of a coder."""
        if self.graph:
            return Probed(np.empty((0, 0), np.float32), np.empty((0, 0), np.int64), min(probes, len(self)))
        return Probed(*self.coder.coarse.probe(queries, probes), min(probes, self.coder.coarse.lists))

    def find(self, queries: FloatArray, probed: Probed, depth: int, selector: Any) -> NDArray[np.int64]:
        """(q, depth) rows likely to be near, best first, -1 where there are no more.

        Args:
            queries: (q, r) near coordinates.
            probed: what `probe` says of them.
            selector: an IDSelector of FAISS, or None.
        """
        depth = min(depth, len(self))
        if self.graph:
            wide = max(depth, probed.wide)
            found = self.finder.search(queries, depth, params=_lib.SearchParametersHNSW(efSearch=wide, sel=selector))
            return np.asarray(found[1], np.int64)
        scores = np.empty((len(queries), depth), np.float32)
        rows = np.empty((len(queries), depth), np.int64)
        at = _lib.swig_ptr
        if selector is None:
            parameters = looking_into(probed.wide)
        else:
            parameters = _lib.SearchParametersIVF(nprobe=probed.wide, sel=selector)
        self.finder.search_preassigned_c(
            len(queries),
            at(queries),
            depth,
            at(probed.lists),
            at(probed.scores),
            at(scores),
            at(rows),
            False,
            parameters,
        )
        return rows


@dataclass(frozen=True, slots=True)
class Layer:
    """A segment and which of its rows still hold. bits: one a row, None when all do. Never changed: see `without`."""

    segment: Segment
    bits: NDArray[np.uint8] | None = None
    alive: int = -1
    bits_file: str | None = None
    selector: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.alive < 0:
            count = len(self.segment) if self.bits is None else int(np.bitwise_count(self.bits).sum())
            object.__setattr__(self, "alive", count)
        if self.bits is not None:
            object.__setattr__(self, "selector", _lib.IDSelectorBitmap(self.bits))

    def without(self, keys: KeyArray) -> Layer:
        """The layer without `keys`; those that it does not have are passed over."""
        rows = self.rows_of(np.asarray(keys, np.int64))
        if not rows.size:
            return self
        bits = all_bits(len(self.segment)) if self.bits is None else self.bits.copy()
        np.bitwise_and.at(bits, rows >> 3, ~(np.uint8(1) << (rows & 7).astype(np.uint8)))
        return Layer(self.segment, bits)

    def rows_of(self, keys: KeyArray) -> NDArray[np.int64]:
        """Rows that hold and whose key is among `keys`."""
        there = self.segment.keys
        place = np.searchsorted(there, keys)
        place = place[place < there.size]
        rows = np.unique(place[np.isin(there[place], keys)]) if place.size else np.empty(0, np.int64)
        return self._holding(rows)

    def keys(self) -> KeyArray:
        """Keys of the rows that hold, ascending."""
        return self.segment.keys if self.bits is None else self.segment.keys[self.mask()]

    def mask(self) -> NDArray[np.bool_]:
        """(n,) whether each row holds."""
        count = len(self.segment)
        if self.bits is None:
            return np.ones(count, np.bool_)
        return np.unpackbits(self.bits, count=count, bitorder="little").astype(np.bool_)

    def allowed_rows(self, allowed: KeyArray, group: int) -> NDArray[np.int64]:
        """Ascending rows that hold and whose key, divided by `group`, is among the ascending `allowed`."""
        there = self.segment.keys
        if allowed.size * _DENSE * (1 if group == 1 else 4) > there.size:
            rows = _dense_rows(there, allowed, group)
        else:
            left = np.searchsorted(there, allowed * group)
            counts = np.searchsorted(there, allowed * group + (group - 1), "right") - left
            skipped = np.repeat(left - (np.cumsum(counts) - counts), counts)
            rows = np.asarray(np.arange(int(counts.sum())) + skipped, np.int64)
        return self._holding(rows)

    def _holding(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.bits is None:
            return rows
        return np.asarray(rows[(self.bits[rows >> 3] >> (rows & 7).astype(np.uint8)) & 1 > 0], np.int64)


def _dense_rows(keys: KeyArray, allowed: KeyArray, group: int) -> NDArray[np.int64]:
    """Rows of `keys` whose key, divided by `group`, is among `allowed`: a look at every row."""
    last = int(keys[-1]) // group + 1
    table = None
    if last <= _SPARSE * keys.size:  # a catalogue counts its keys up from 1, so this is the usual way
        table = np.zeros(last, np.bool_)
        table[allowed[: np.searchsorted(allowed, last)]] = True
    found = []
    for start in range(0, keys.size, _AT_ONCE):
        pictures = keys[start : start + _AT_ONCE] // group if group > 1 else keys[start : start + _AT_ONCE]
        if table is not None:
            there = table[pictures]
        else:
            place = np.minimum(np.searchsorted(allowed, pictures), allowed.size - 1)
            there = allowed[place] == pictures
        found.append(start + np.flatnonzero(there))
    return np.concatenate(found)


def all_bits(count: int) -> NDArray[np.uint8]:
    """A bit for each of `count` rows, all set."""
    return np.packbits(np.ones(count, np.bool_), bitorder="little")


def bits_of(rows: NDArray[np.int64], count: int) -> NDArray[np.uint8]:
    """A bit for each of `count` rows, set for `rows`."""
    mask = np.zeros(count, np.bool_)
    mask[rows] = True
    return np.packbits(mask, bitorder="little")
