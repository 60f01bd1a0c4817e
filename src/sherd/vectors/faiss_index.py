"""The index of a library: exact while it is small, FAISS with compressed codes and exact re-ranking when it is large.

Two layers. The *sealed* layer is an inverted file with 4-bit fast-scan codes (8-bit scalar codes where D is no multiple
of 4); what it returns is scored again with the exact vectors of the source. The *tail* is an `ExactIndex` with whatever
is newer. A removed or replaced row of the sealed layer is a tombstone that no search looks at. Up to `exact_limit`
vectors everything is tail, so a small index is exact and needs no file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from sherd.types import FloatArray, KeyArray
from sherd.vectors.exact import ExactIndex, allowed_mask
from sherd.vectors.protocol import VectorSource, best, checked_queries, checked_rows

EXACT_LIMIT = 200_000
"""200,000 x 256 take 10 ms a query on one core and 205 MB; the compressed layer takes 0.2 ms and 8 MB there."""

_lib: Any = faiss
"""FAISS without its type stubs, where they tell the C++ signature and not the Python one."""
_BLOCK = 16_384
_SAMPLE = 64
"""Vectors a list to learn the centroids from."""


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How an index is built and searched.

    exact_limit: up to so many vectors, no compressed layer.
    tail_share: a tail above this share of the sealed layer moves into it.
    retrain_growth: a sealed layer that has grown by this factor since its centroids were learnt is built anew.
    probes: lists looked at a query, of about 2 * sqrt(n).
    rerank: candidates scored again with exact vectors, at least 4 * k.
    brute_limit: up to so many allowed rows they are scored exactly, without the codes.
    """

    exact_limit: int = EXACT_LIMIT
    tail_share: float = 0.1
    retrain_growth: float = 4.0
    probes: int = 32
    rerank: int = 200
    brute_limit: int = 4_096


@dataclass(slots=True)
class Sealed:
    """The compressed layer: row n of `codes` is the vector of `keys[n]`, unless `live[n]` is false."""

    codes: faiss.Index
    keys: KeyArray
    live: NDArray[np.bool_]
    trained_on: int

    _order: KeyArray = field(init=False)
    _sorted: KeyArray = field(init=False)

    def __post_init__(self) -> None:
        self._order = np.argsort(self.keys, kind="stable")
        self._sorted = self.keys[self._order]

    def rows_of(self, keys: KeyArray) -> KeyArray:
        """Rows, live or not, whose key is among `keys`."""
        left, right = np.searchsorted(self._sorted, keys), np.searchsorted(self._sorted, keys, "right")
        spans = [self._order[a:b] for a, b in zip(left, right, strict=True) if b > a]
        return np.concatenate(spans) if spans else np.empty(0, np.int64)


class FaissIndex:
    """See `VectorIndex`.

    Args:
        dim: width D.
        source: gives the exact vector of any key of the sealed layer.
        group: what a key is divided by to get the picture key that `allowed` speaks of; PARTS_PER_KEY for part vectors.
        settings: see `IndexSettings`.
        sealed: a compressed layer read from a file.
    """

    def __init__(
        self,
        dim: int,
        source: VectorSource,
        *,
        group: int = 1,
        settings: IndexSettings | None = None,
        sealed: Sealed | None = None,
    ) -> None:
        self.dim = dim
        self.settings = settings or IndexSettings()
        self.sealed = sealed
        self._source = source
        self._group = group
        self._tail = ExactIndex(dim, group=group)

    def __len__(self) -> int:
        return len(self._tail) + (int(np.count_nonzero(self.sealed.live)) if self.sealed else 0)

    def keys(self) -> KeyArray:
        if self.sealed is None:
            return self._tail.keys()
        return np.sort(np.concatenate([self.sealed.keys[self.sealed.live], self._tail.keys()]))

    def use_source(self, source: VectorSource) -> None:
        """Read exact vectors from `source` from now on (after an ingest has added parts)."""
        self._source = source

    def add(self, keys: KeyArray, vectors: FloatArray) -> None:
        keys, vectors = checked_rows(keys, vectors, self.dim)
        self._bury(keys)
        self._tail.add(keys, vectors)
        self._settle()

    def remove(self, keys: KeyArray) -> None:
        keys = np.asarray(keys, np.int64)
        self._bury(keys)
        self._tail.remove(keys)

    def search(self, queries: FloatArray, k: int, allowed: KeyArray | None = None) -> tuple[FloatArray, KeyArray]:
        queries = checked_queries(queries, k, self.dim)
        scores, keys = self._tail.search(queries, k, allowed)
        sealed = self.sealed
        if sealed is None:
            return scores, keys
        wanted = sealed.live
        if allowed is not None:
            wanted = wanted & allowed_mask(sealed.keys // self._group, allowed)
        for n, query in enumerate(queries):
            candidates = self._candidates(sealed, query, k, wanted)
            exact = np.einsum("nd,d->n", self._source.vectors(candidates), query).astype(np.float32)
            scores[n], keys[n] = best(np.concatenate([scores[n], exact]), np.concatenate([keys[n], candidates]), k)
        return scores, keys

    def _candidates(self, sealed: Sealed, query: FloatArray, k: int, wanted: NDArray[np.bool_]) -> KeyArray:
        count = int(np.count_nonzero(wanted))
        depth = max(self.settings.rerank, 4 * k)
        if count <= max(self.settings.brute_limit, depth):
            return sealed.keys[wanted]
        # Where a filter lets few rows through, each list holds few of them: look into more lists for the same recall.
        lists = faiss.extract_index_ivf(sealed.codes).nlist
        probes = min(lists, math.ceil(self.settings.probes * sealed.keys.size / count))
        selector, bits = None, None
        if count < sealed.keys.size:
            bits = np.packbits(wanted, bitorder="little")
            selector = _lib.IDSelectorBitmap(bits)
        parameters = _lib.SearchParametersIVF(nprobe=probes, sel=selector)
        _, rows = sealed.codes.search(query[None], depth, params=parameters)
        return np.asarray(sealed.keys[rows[0][rows[0] >= 0]], np.int64)

    def _bury(self, keys: KeyArray) -> None:
        if self.sealed is not None and keys.size:
            self.sealed.live[self.sealed.rows_of(keys)] = False

    def _settle(self) -> None:
        """Move the tail into the sealed layer when it has become too large to be scored row by row."""
        sealed = self.sealed
        if sealed is None:
            if len(self._tail) > self.settings.exact_limit:
                self.rebuild()
            return
        if len(self._tail) <= max(self.settings.tail_share * sealed.keys.size, self.settings.exact_limit / 10):
            return
        size, live = sealed.keys.size + len(self._tail), int(np.count_nonzero(sealed.live))
        if size > self.settings.retrain_growth * sealed.trained_on or live < sealed.keys.size / 2:
            self.rebuild()
        else:
            self.seal()

    def seal(self) -> None:
        """Move the tail into the sealed layer, if there is one, keeping its centroids."""
        if self.sealed is None or not len(self._tail):
            return
        keys = self._tail.keys()
        self.sealed.codes.add(self._tail.vectors(keys))
        self.sealed = Sealed(
            self.sealed.codes,
            np.concatenate([self.sealed.keys, keys]),
            np.concatenate([self.sealed.live, np.ones(keys.size, np.bool_)]),
            self.sealed.trained_on,
        )
        self._tail = ExactIndex(self.dim, group=self._group)

    def rebuild(self, keys: KeyArray | None = None) -> None:
        """Make the index anew: train on the vectors and seal them all, or none of them up to `exact_limit` vectors.

        Args:
            keys: ascending keys to hold from now on, in the tail or in the source; None means those held now.
        """
        keys = self.keys() if keys is None else keys
        blocks = [keys[start : start + _BLOCK] for start in range(0, keys.size, _BLOCK)]
        tail = ExactIndex(self.dim, group=self._group)
        sealed = None
        if keys.size <= self.settings.exact_limit:
            for block in blocks:
                tail.add(block, self._exact(block))
        else:
            lists = max(1, round(2 * math.sqrt(keys.size)))
            codes = new_codes(self.dim, lists)
            sample = np.random.default_rng(0).choice(keys, min(keys.size, max(_SAMPLE * lists, 4_096)), replace=False)
            codes.train(self._exact(np.sort(sample)))
            for block in blocks:
                codes.add(self._exact(block))
            sealed = Sealed(codes, keys, np.ones(keys.size, np.bool_), int(keys.size))
        self._tail, self.sealed = tail, sealed

    def _exact(self, keys: KeyArray) -> FloatArray:
        """(n, D) the exact vectors of `keys`: the tail's own, else the source's."""
        newer = allowed_mask(keys, self._tail.keys())
        rows = np.empty((keys.size, self.dim), np.float32)
        rows[newer] = self._tail.vectors(keys[newer])
        if not newer.all():
            rows[~newer] = self._source.vectors(keys[~newer])
        return rows


def new_codes(dim: int, lists: int) -> faiss.Index:
    """An untrained inverted file of `lists` lists over vectors of width `dim`, by inner product."""
    # 4 dimensions a 4-bit code: 32 times smaller than float32, and re-ranking brings recall back
    # (50,000 clustered vectors of 256: recall@10 0.998; 8-bit scalar codes 0.98 at 8 times the memory).
    code = f"PQ{dim // 4}x4fs" if dim % 4 == 0 else "SQ8"
    codes = faiss.index_factory(dim, f"IVF{lists},{code}", faiss.METRIC_INNER_PRODUCT)
    clustering = faiss.extract_index_ivf(codes).cp
    clustering.spherical, clustering.niter, clustering.seed = True, 10, 0
    return codes
